// base/philox.h: Philox4x32-10, the counter-based generator behind every random choice.
//
// Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
// A value depends on (key, counter) alone, so results do not depend on threads, order or resumption: the caller names
// the stream (what the numbers are for) and the counter (which step, which element).
#ifndef ASSAY_BASE_PHILOX_H
#define ASSAY_BASE_PHILOX_H

#include <stddef.h>
#include <stdint.h>

typedef struct Philox {
    uint32_t key[2];
    uint32_t counter[4]; // counter[0..1]: running position; counter[2..3]: the stream
    uint32_t block[4];
    unsigned n_left; // values of block not yet given
} Philox;

// The bijection itself: out = philox4x32-10(counter, key). Checked against Random123's known answers.
void philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// The same of n_blocks counters that differ in their first word: counter[0], counter[0] + 1, .. (modulo 2^32). out
// [n_blocks, 4]. Several blocks at a time, in vectors where the machine has them; the numbers are philox_block's.
void philox_blocks(const uint32_t counter[4], const uint32_t key[2], size_t n_blocks,
                   uint32_t *out);

// A stream of numbers for (seed, stream), at position 0.
Philox philox_stream(uint64_t seed, uint64_t stream);
uint32_t philox_u32(Philox *rng);
uint64_t philox_u64(Philox *rng);
// Uniform in [0, 1) with 53 bits.
double philox_double(Philox *rng);
// Uniform in [0, bound) without bias (Lemire 2019, arXiv:1805.10941); bound >= 1.
uint64_t philox_below(Philox *rng, uint64_t bound);
// Standard normal (Box-Muller on two doubles).
double philox_normal(Philox *rng);
// Fisher-Yates: order becomes a random permutation of its n values.
void philox_shuffle(Philox *rng, size_t *order, size_t n);

#endif
