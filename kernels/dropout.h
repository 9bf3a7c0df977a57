// kernels/dropout.h: dropout, and the one definition of which elements are kept.
//
//     y = x * keep / (1 - p)                      OP_DROPOUT; its own backward
//
// Source: Srivastava et al. 2014, JMLR 15:1929 ("inverted": scaled in training, so that inference does nothing).
//
// keep depends on (seed, step, site) and on the element's place in its sample: (key of the sequence, row, column). It
// does not depend on the batch, on the sequence's place in it, nor on buffers and threads. With Philox4x32-10:
//   sub-key   = words 0 and 1 of philox(counter = (step low, step high, site, 0), key = (seed low, seed high))
//   block     = philox(counter = (16 * (column / 64) + column % 16, row, key low, key high), key = sub-key)
//   keep      = word (column / 16) % 4 of block  >=  threshold, threshold = round(p * 2^32)
// So 16 neighbouring columns take the same word of 16 neighbouring blocks: vectors of 16 blocks give 64 columns without
// a transposition. row is the row in its sequence, plus first_row; for attention's probabilities it is
// (query row in its sequence) * n_heads + head, and column is the key row in its sequence. Both must be below 2^32.
#ifndef ASSAY_KERNELS_DROPOUT_H
#define ASSAY_KERNELS_DROPOUT_H

#include "base/philox.h"
#include "kernels/op.h"

// What of DropoutArgs is the same for all elements. Zero-initialised it keeps everything.
typedef struct DropoutStream {
    uint32_t key[2];
    uint64_t threshold; // 0 .. 2^32
    float scale;        // 1 / (1 - p)
} DropoutStream;

// 0 <= p < 1.
static inline DropoutStream dropout_stream(const DropoutArgs *args)
{
    const uint32_t seed[2] = {(uint32_t)args->seed, (uint32_t)(args->seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)args->step, (uint32_t)(args->step >> 32), args->site, 0};
    uint32_t block[4];
    philox_block(counter, seed, block);
    return (DropoutStream){.key = {block[0], block[1]},
                           .threshold = (uint64_t)((double)args->p * 0x1p32 + 0.5),
                           .scale = (float)(1.0 / (1.0 - (double)args->p))};
}

// The number that decides about an element.
static inline uint32_t dropout_bits(const DropoutStream *stream, uint64_t sequence_key,
                                    uint32_t row, uint32_t column)
{
    const uint32_t counter[4] = {16 * (column / 64) + column % 16, row, (uint32_t)sequence_key,
                                 (uint32_t)(sequence_key >> 32)};
    uint32_t block[4];
    philox_block(counter, stream->key, block);
    return block[column / 16 % 4];
}

static inline int dropout_keeps(const DropoutStream *stream, uint64_t sequence_key, uint32_t row,
                                uint32_t column)
{
    return dropout_bits(stream, sequence_key, row, column) >= stream->threshold;
}

// in0, out0 [M, H] with M the rows of as.dropout.batch; f32, or f64 for the other. p = 0 copies. NaN stays in place;
// a dropped NaN or infinity becomes 0. Cannot fail.
OpKernel dropout_reference_f32, dropout_reference_f64;

#endif
