// kernels/cpu/vec_dropout.h: which of 64 neighbouring columns dropout keeps (kernels/dropout.h), sixteen Philox blocks
// side by side. Bit for bit the definition there.
#ifndef ASSAY_KERNELS_CPU_VEC_DROPOUT_H
#define ASSAY_KERNELS_CPU_VEC_DROPOUT_H

#include "kernels/cpu/vec.h"
#include "kernels/dropout.h"

enum { DROPOUT_GROUP = 4 * VEC_WIDTH };

// out[v] = values[v] * scale where column + 16 v + lane is kept, else 0. column is a multiple of 64.
static inline void vec_dropout_group(const DropoutStream *stream, uint64_t sequence_key,
                                     uint32_t row, uint32_t column, Vec values[4])
{
    static const uint32_t lanes[VEC_WIDTH] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    VecI c[4] = {
        veci_add(veci_load(lanes), veci_set1(column / DROPOUT_GROUP * VEC_WIDTH)),
        veci_set1(row),
        veci_set1((uint32_t)sequence_key),
        veci_set1((uint32_t)(sequence_key >> 32)),
    };
    uint32_t key[2] = {stream->key[0], stream->key[1]};
    for (int round = 0; round < 10;
         round++) { // Salmon et al. 2011: multipliers and Weyl steps of Philox4x32
        VecI high0, low0, high1, low1;
        veci_mul_wide(c[0], veci_set1(0xD2511F53u), &high0, &low0);
        veci_mul_wide(c[2], veci_set1(0xCD9E8D57u), &high1, &low1);
        c[0] = veci_xor(veci_xor(high1, c[1]), veci_set1(key[0]));
        c[1] = low1;
        c[2] = veci_xor(veci_xor(high0, c[3]), veci_set1(key[1]));
        c[3] = low0;
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    const VecI threshold = veci_set1((uint32_t)stream->threshold);
    const Vec scale = vec_set1(stream->scale);
    for (int v = 0; v < 4; v++) {
        values[v] = vec_select(veci_lt(c[v], threshold), vec_zero(), vec_mul(values[v], scale));
    }
}

// A row of n columns from column 0 on; in and out may be the same.
static inline void vec_dropout_row(const DropoutStream *stream, uint64_t sequence_key, uint32_t row,
                                   size_t n, const float *in, float *out)
{
    for (size_t j = 0; j < n; j += DROPOUT_GROUP) {
        Vec values[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (size_t v = 0; v < 4 && j + v * VEC_WIDTH < n; v++) {
            const size_t at = j + v * VEC_WIDTH;
            values[v] = vec_load_any(in + at, n - at);
        }
        vec_dropout_group(stream, sequence_key, row, (uint32_t)j, values);
        for (size_t v = 0; v < 4 && j + v * VEC_WIDTH < n; v++) {
            const size_t at = j + v * VEC_WIDTH;
            vec_store_any(out + at, n - at, values[v]);
        }
    }
}

#endif
