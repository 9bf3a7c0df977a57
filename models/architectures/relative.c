#include "models/architectures/relative.h"

#include <math.h>
#include <stdlib.h>

// The bucket of a distance key - query, in the floats of Transformers, whose rounding decides at the borders.
static int32_t bucket_of(size_t n_buckets, size_t max_distance, bool looks_back, int64_t distance)
{
    size_t n = n_buckets, first = 0;
    if (!looks_back) {
        n /= 2;
        first = distance > 0 ? n : 0;
    }
    const int64_t back = looks_back ? (distance < 0 ? -distance : 0) : llabs(distance);
    const size_t n_exact = n / 2, far = (size_t)back;
    if (far < n_exact) return (int32_t)(first + far);
    const float span = (float)log((double)max_distance / (double)n_exact);
    const float steps =
        (float)log((double)((float)far / (float)n_exact)) / span * (float)(n - n_exact);
    const size_t bucket = n_exact + (size_t)fmaxf(steps, 0.0f);
    return (int32_t)(first + (bucket < n ? bucket : n - 1));
}

void relative_buckets(Tape *t, size_t n_buckets, size_t max_distance, bool looks_back,
                      TapeAttention *attention)
{
    int32_t *buckets = ARENA_NEW(t->arena, int32_t, 2 * max_distance + 1);
    if (!buckets) {
        tape_fail(t, STATUS_MEMORY, "relative positions");
        return;
    }
    for (size_t i = 0; i <= 2 * max_distance; i++) {
        buckets[i] =
            bucket_of(n_buckets, max_distance, looks_back, (int64_t)i - (int64_t)max_distance);
    }
    attention->relative_bucket = buckets;
    attention->relative_reach = (int32_t)max_distance;
}
