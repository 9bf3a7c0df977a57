// kernels/cpu/vec_dropout.h: which of 64 neighbouring columns dropout keeps (kernels/dropout.h), sixteen Philox blocks
// side by side. Bit for bit the definition there.
#ifndef ASSAY_KERNELS_CPU_VEC_DROPOUT_H
#define ASSAY_KERNELS_CPU_VEC_DROPOUT_H

#include "kernels/cpu/vec.h"
#include "kernels/dropout.h"

enum { DROPOUT_GROUP = 4 * VEC_WIDTH };

// One round on the even lanes (Salmon et al. 2011: the multipliers of Philox4x32); odd halves hold what does not matter.
static inline void vec_philox_round(VecI c[4], VecI key0, VecI key1)
{
    const VecI product0 = veci_mul_even(c[0], veci_set1(0xD2511F53u));
    const VecI product1 = veci_mul_even(c[2], veci_set1(0xCD9E8D57u));
    c[0] = veci_xor3(veci_odd_to_even(product1), c[1], key0);
    c[1] = product1;
    c[2] = veci_xor3(veci_odd_to_even(product0), c[3], key1);
    c[3] = product0;
}

// drop[v]: the columns column + 16 v + lane that are not kept. column is a multiple of 64. Even and odd lanes go side by
// side as 64-bit numbers, so that a wide product is one instruction and its halves need no blending before the end.
static inline void vec_dropout_masks(const DropoutStream *stream, uint64_t sequence_key,
                                     uint32_t row, uint32_t column, VecMask drop[4])
{
    static const uint32_t lanes[VEC_WIDTH] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const VecI first = veci_set1(column / DROPOUT_GROUP * VEC_WIDTH);
    VecI even[4] = {veci_add(veci_load(lanes), first), veci_set1(row),
                    veci_set1((uint32_t)sequence_key), veci_set1((uint32_t)(sequence_key >> 32))};
    VecI odd[4] = {veci_odd_to_even(even[0]), even[1], even[2], even[3]};
    uint32_t key[2] = {stream->key[0], stream->key[1]};
    for (int round = 0; round < 10; round++) {
        const VecI key0 = veci_set1(key[0]), key1 = veci_set1(key[1]);
        vec_philox_round(even, key0, key1);
        vec_philox_round(odd, key0, key1);
        key[0] += 0x9E3779B9u; // the Weyl steps
        key[1] += 0xBB67AE85u;
    }
    const VecI threshold = veci_set1((uint32_t)stream->threshold);
    for (int v = 0; v < 4; v++) drop[v] = veci_lt(veci_merge(even[v], odd[v]), threshold);
}

// values * scale where kept, else 0.
static inline Vec vec_drop(VecMask drop, float scale, Vec values)
{
    return vec_select(drop, vec_zero(), vec_mul(values, vec_set1(scale)));
}

// A row of n columns from column 0 on; in and out may be the same.
static inline void vec_dropout_row(const DropoutStream *stream, uint64_t sequence_key, uint32_t row,
                                   size_t n, const float *in, float *out)
{
    for (size_t j = 0; j < n; j += DROPOUT_GROUP) {
        VecMask drop[4];
        vec_dropout_masks(stream, sequence_key, row, (uint32_t)j, drop);
        for (size_t v = 0; v < 4 && j + v * VEC_WIDTH < n; v++) {
            const size_t at = j + v * VEC_WIDTH;
            const Vec value = vec_load_any(in + at, n - at);
            vec_store_any(out + at, n - at, vec_drop(drop[v], stream->scale, value));
        }
    }
}

#endif
