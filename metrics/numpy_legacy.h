// metrics/numpy_legacy.h: the draws of numpy.random.seed and numpy.random.choice, for programs whose resamples are to be
// met draw by draw. MT19937 (Matsumoto & Nishimura 1998) and draws below a bound by masks, as NumPy's RandomState has them.
#ifndef ASSAY_METRICS_NUMPY_LEGACY_H
#define ASSAY_METRICS_NUMPY_LEGACY_H

#include <stddef.h>
#include <stdint.h>

enum { MT19937_WORDS = 624 };

typedef struct NumpyLegacy {
    uint32_t words[MT19937_WORDS];
    size_t next;
} NumpyLegacy;

void numpy_legacy_seed(NumpyLegacy *rng, uint32_t seed);
uint32_t numpy_legacy_u32(NumpyLegacy *rng);
// choice(bound): bound in [1, 2^32 - 1].
uint32_t numpy_legacy_below(NumpyLegacy *rng, uint32_t bound);

#endif
