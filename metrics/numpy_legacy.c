#include "metrics/numpy_legacy.h"

enum { SHIFTED = 397 };

void numpy_legacy_seed(NumpyLegacy *rng, uint32_t seed)
{
    rng->words[0] = seed;
    for (uint32_t i = 1; i < MT19937_WORDS; i++) {
        const uint32_t before = rng->words[i - 1];
        rng->words[i] = 1812433253u * (before ^ before >> 30) + i;
    }
    rng->next = MT19937_WORDS;
}

static void renew(NumpyLegacy *rng)
{
    uint32_t *w = rng->words;
    for (size_t i = 0; i < MT19937_WORDS; i++) {
        const uint32_t y = (w[i] & 0x80000000u) | (w[(i + 1) % MT19937_WORDS] & 0x7fffffffu);
        w[i] = w[(i + SHIFTED) % MT19937_WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    rng->next = 0;
}

uint32_t numpy_legacy_u32(NumpyLegacy *rng)
{
    if (rng->next == MT19937_WORDS) renew(rng);
    uint32_t y = rng->words[rng->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint32_t numpy_legacy_below(NumpyLegacy *rng, uint32_t bound)
{
    const uint32_t highest = bound - 1;
    uint32_t mask = highest, drawn;
    if (highest == 0) return 0; // takes no number
    for (unsigned shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    do drawn = numpy_legacy_u32(rng) & mask;
    while (drawn > highest);
    return drawn;
}
