// metrics/numpy_rng.h: the draws of NumPy's default generator, for programs whose p-values are to be met draw by draw.
//
// PCG64 (XSL-RR 128/64; O'Neill 2014) seeded through SeedSequence, and Lemire's bounded draws, as numpy.random.default_rng
// (NumPy 2) has them. Nothing of our own is drawn from it: that is Philox (bootstrap.h).
#ifndef ASSAY_METRICS_NUMPY_RNG_H
#define ASSAY_METRICS_NUMPY_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NumpyRng {
    uint64_t state_high, state_low, increment_high, increment_low;
    uint32_t half; // of a 64-bit output whose lower half was given out
    bool has_half;
} NumpyRng;

NumpyRng numpy_rng(uint64_t seed); // default_rng(seed)
uint64_t numpy_u64(NumpyRng *rng);
// integers(0, bound): as choice(bound, replace=True) draws them; bound in [1, 2^32 - 1].
uint32_t numpy_below(NumpyRng *rng, uint32_t bound);
// integers(2, size=n, dtype=bool), which takes the bits of 32-bit outputs.
void numpy_bools(NumpyRng *rng, size_t n, unsigned char *out);

#endif
