#include "kernels/bench_take.h"

#include <math.h>

#include "base/philox.h"
#include "base/size.h"
#include "kernels/pack.h"

Status bench_take_random(Arena *arena, size_t rows, size_t cols, uint64_t seed, Tensor *out,
                         Error *err)
{
    size_t count;
    float *values = NULL;
    if (size_mul(rows, cols, &count)) {
        values = arena_alloc_aligned(arena, count, sizeof *values, 64);
    }
    if (!values) return error_set_memory(err, rows, cols * sizeof *values, "a bench case");
    Philox rng = philox_stream(seed, 0);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)((double)philox_u32(&rng) * 0x1p-31 - 1.0);
    }
    *out = tensor_f32(values, rows, cols);
    return STATUS_OK;
}

Status bench_take_weight(Arena *arena, size_t rows, size_t cols, uint64_t seed, Tensor *out,
                         Error *err)
{
    TRY(bench_take_random(arena, rows, cols, seed, out, err));
    const float scale = 3.0f / sqrtf((float)cols);
    for (size_t i = 0; i < rows * cols; i++) ((float *)out->data)[i] *= scale;
    return STATUS_OK;
}

Status bench_take_zeros(Arena *arena, size_t rows, size_t cols, Layout layout, Tensor *out,
                        Error *err)
{
    const size_t count = tensor_storage(rows, cols, layout);
    float *values = arena_alloc_aligned(arena, count, sizeof *values, 64);
    if (!values) return error_set_memory(err, count, sizeof *values, "a bench case");
    *out = tensor_f32(values, rows, cols);
    out->layout = layout;
    return STATUS_OK;
}

Status bench_take_indices(Arena *arena, size_t n, size_t bound, const int32_t **out, Error *err)
{
    int32_t *values = arena_alloc(arena, n, sizeof *values);
    if (!values) return error_set_memory(err, n, sizeof *values, "a bench case");
    Philox rng = philox_stream(bound, 1);
    for (size_t i = 0; i < n; i++) values[i] = (int32_t)philox_below(&rng, bound);
    *out = values;
    return STATUS_OK;
}

Status bench_take_ragged(Arena *arena, size_t rows, size_t length, Ragged *out, Error *err)
{
    const size_t n = rows / length;
    int32_t *offsets = arena_alloc(arena, n + 1, sizeof *offsets);
    uint64_t *keys = arena_alloc(arena, n + 1, sizeof *keys);
    if (!offsets || !keys) return error_set_memory(err, n + 1, sizeof *keys, "a bench case");
    for (size_t i = 0; i <= n; i++) {
        offsets[i] = (int32_t)(i * length);
        keys[i] = 1000 + i;
    }
    *out = (Ragged){.n_sequences = n, .offsets = offsets, .sequence_keys = keys};
    return STATUS_OK;
}

Status bench_take_packed(Arena *arena, const Tensor *rows, Tensor *out, Error *err)
{
    TRY(bench_take_zeros(arena, rows->rows, rows->cols, LAYOUT_PANELS, out, err));
    pack_panels(rows->data, rows->rows, rows->cols, out->data);
    return STATUS_OK;
}
