// metrics/pcg64.h: NumPy's default generator, so that draws of the references can be repeated number for number.
//
// PCG64 (O'Neill 2014: 128-bit linear congruential, XSL-RR output) seeded through SeedSequence, with NumPy's bounded
// integers (Lemire 2019 on 32-bit halves, the low one first). Our own draws are Philox (bootstrap.h).
// Checked against numpy 2.4.6.
#ifndef ASSAY_METRICS_PCG64_H
#define ASSAY_METRICS_PCG64_H

#include <stddef.h>
#include <stdint.h>

typedef struct Pcg64 {
    uint64_t state_high, state_low;
    uint64_t increment_high, increment_low;
    uint32_t spare; // the high half of the last output, where has_spare
    int has_spare;
} Pcg64;

// numpy.random.default_rng(seed)
Pcg64 pcg64_seeded(uint64_t seed);
uint64_t pcg64_next(Pcg64 *rng);
uint32_t pcg64_next_u32(Pcg64 *rng);
// rng.random(): [0, 1) with 53 bits
double pcg64_double(Pcg64 *rng);
// rng.integers(0, bound, count), also rng.choice(bound, count); bound in [1, 2^32 - 1]
void pcg64_integers(Pcg64 *rng, uint32_t bound, size_t count, uint32_t *out);

#endif
