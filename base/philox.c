#include "base/philox.h"

#include <math.h>

__extension__ typedef unsigned __int128 Wide; // for the upper half of a 64 x 64 bit product

static void multiply(uint32_t a, uint32_t b, uint32_t *high, uint32_t *low)
{
    const uint64_t product = (uint64_t)a * b;
    *high = (uint32_t)(product >> 32);
    *low = (uint32_t)product;
}

void philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    // Multipliers as in the paper's table 2; the key grows by the golden ratio and by sqrt(3) - 1, in 32 bits.
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint32_t high0, low0, high1, low1;
        multiply(0xD2511F53u, c0, &high0, &low0);
        multiply(0xCD9E8D57u, c2, &high1, &low1);
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

Philox philox_stream(uint64_t seed, uint64_t stream)
{
    return (Philox){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, 0, (uint32_t)stream, (uint32_t)(stream >> 32)},
    };
}

uint32_t philox_u32(Philox *rng)
{
    if (rng->n_left == 0) {
        philox_block(rng->counter, rng->key, rng->block);
        rng->n_left = 4;
        if (++rng->counter[0] == 0) rng->counter[1]++;
    }
    return rng->block[4 - rng->n_left--];
}

uint64_t philox_u64(Philox *rng)
{
    const uint64_t low = philox_u32(rng);
    const uint64_t high = philox_u32(rng);
    return high << 32 | low;
}

double philox_double(Philox *rng)
{
    return (double)(philox_u64(rng) >> 11) * 0x1p-53;
}

uint64_t philox_below(Philox *rng, uint64_t bound)
{
    if (bound <= 1) return 0;
    Wide product = (Wide)philox_u64(rng) * bound;
    if ((uint64_t)product < bound) {
        // The lowest 2^64 mod bound values of the lower half would make some results likelier: draw again.
        const uint64_t threshold = (0 - bound) % bound;
        while ((uint64_t)product < threshold) product = (Wide)philox_u64(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

double philox_normal(Philox *rng)
{
    const double two_pi = 6.283185307179586476925;
    const double u = 1.0 - philox_double(rng); // in (0, 1], so that the logarithm is finite
    const double v = philox_double(rng);
    return sqrt(-2.0 * log(u)) * cos(two_pi * v);
}

void philox_shuffle(Philox *rng, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)philox_below(rng, i);
        const size_t swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
}
