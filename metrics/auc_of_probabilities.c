// The area under the ROC curve of many probabilities, without an order of items.
//
// A probability's bits rise with it, as those of any double that is not negative: shifted by one, they have room for the
// label, and sorting the words sorts both. Buckets of equal width first, so that each is sorted inside the cache.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/size.h"
#include "metrics/delong.h"

enum { N_BUCKETS = 1024, N_PARTS = 256, FEW = 32 };

static uint64_t key_of(double probability, bool is_positive)
{
    const double value = probability + 0.0; // -0 has other bits than 0
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits << 1 | is_positive;
}

static double value_of(uint64_t key)
{
    const uint64_t bits = key >> 1;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t bucket_of(double value)
{
    return size_min((size_t)(value * N_BUCKETS), N_BUCKETS - 1);
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort_few(uint64_t *keys, size_t n)
{
    if (n > FEW) {
        qsort(keys, n, sizeof *keys, compare_keys);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        const uint64_t moved = keys[i];
        size_t at = i;
        for (; at > 0 && keys[at - 1] > moved; at--) keys[at] = keys[at - 1];
        keys[at] = moved;
    }
}

// Into parts of equal width once more; spare [n].
static void sort_bucket(uint64_t *keys, size_t n, double lowest, uint64_t *spare)
{
    uint32_t ends[N_PARTS + 1] = {0};
    const double scale = (double)N_BUCKETS * N_PARTS;
    if (n <= FEW) {
        sort_few(keys, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const double part = (value_of(keys[i]) - lowest) * scale;
        ends[size_min(part > 0 ? (size_t)part : 0, N_PARTS - 1) + 1]++;
    }
    for (size_t b = 0; b < N_PARTS; b++) ends[b + 1] += ends[b];
    for (size_t i = 0; i < n; i++) {
        const double part = (value_of(keys[i]) - lowest) * scale;
        spare[ends[size_min(part > 0 ? (size_t)part : 0, N_PARTS - 1)]++] = keys[i];
    }
    for (size_t b = 0, begin = 0; b < N_PARTS; b++) { // by now each start is its end
        sort_few(spare + begin, ends[b] - begin);
        begin = ends[b];
    }
    memcpy(keys, spare, n * sizeof *keys);
}

// Twice the pairs in which the positive item is the higher, a tie counting once.
static double twice_won(const uint64_t *keys, size_t n)
{
    double sum = 0;
    uint64_t at[2] = {0, 0}, begun[2] = {0, 0}; // negatives and positives so far
    for (size_t i = 0; i < n; i++) {
        const bool begins = i == 0 || keys[i] >> 1 != keys[i - 1] >> 1;
        sum += begins ? (double)(at[1] - begun[1]) * (double)(at[0] + begun[0]) : 0;
        begun[0] = begins ? at[0] : begun[0];
        begun[1] = begins ? at[1] : begun[1];
        at[keys[i] & 1]++;
    }
    return sum + (double)(at[1] - begun[1]) * (double)(at[0] + begun[0]);
}

Status auc_of_probabilities(const double *probabilities, size_t stride, const int32_t *labels,
                            int32_t positive, size_t n, double *auc, Error *err)
{
    uint32_t ends[N_BUCKETS + 1] = {0};
    uint64_t *keys = NULL, *spare = NULL;
    size_t largest = 0, n_positive = 0;
    Arena scratch = {0};
    if (n > UINT32_MAX) return error_set(err, STATUS_INVALID, "%zu items are too many", n);
    for (size_t i = 0; i < n; i++) {
        n_positive += labels[i] == positive;
        ends[bucket_of(probabilities[i * stride]) + 1]++;
    }
    for (size_t b = 0; b < N_BUCKETS; b++) {
        largest = size_max(largest, ends[b + 1]);
        ends[b + 1] += ends[b];
    }
    Status s = arena_take_raw(&scratch, n, sizeof *keys, "scores", &keys, err);
    if (s == STATUS_OK) s = arena_take_raw(&scratch, largest, sizeof *spare, "scores", &spare, err);
    if (s == STATUS_OK) {
        for (size_t i = 0; i < n; i++) {
            const double p = probabilities[i * stride];
            keys[ends[bucket_of(p)]++] = key_of(p, labels[i] == positive);
        }
        for (size_t b = 0, begin = 0; b < N_BUCKETS; b++) {
            sort_bucket(keys + begin, ends[b] - begin, (double)b / N_BUCKETS, spare);
            begin = ends[b];
        }
        const double pairs = (double)n_positive * (double)(n - n_positive);
        *auc = pairs > 0 ? 0.5 * twice_won(keys, n) / pairs : (double)NAN;
    }
    arena_release(&scratch);
    return s;
}
