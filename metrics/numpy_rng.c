#include "metrics/numpy_rng.h"

__extension__ typedef unsigned __int128 U128;

// ---- SeedSequence: entropy words mixed into a pool of four, and state words out of it ----

enum { POOL_SIZE = 4 };

static uint32_t hash_in(uint32_t value, uint32_t *constant)
{
    value ^= *constant;
    *constant *= 0x931e8875u;
    value *= *constant;
    return value ^ value >> 16;
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    const uint32_t result = 0xca01f9ddu * x - 0x4973f715u * y;
    return result ^ result >> 16;
}

static void seed_words(uint64_t seed, uint32_t *out, size_t n)
{
    const uint32_t entropy[POOL_SIZE] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t pool[POOL_SIZE], constant = 0x43b0d7e5u;
    for (size_t i = 0; i < POOL_SIZE; i++) pool[i] = hash_in(entropy[i], &constant);
    for (size_t from = 0; from < POOL_SIZE; from++) {
        for (size_t to = 0; to < POOL_SIZE; to++) {
            if (from != to) pool[to] = mix(pool[to], hash_in(pool[from], &constant));
        }
    }
    constant = 0x8b51f9ddu;
    for (size_t i = 0; i < n; i++) {
        uint32_t value = pool[i % POOL_SIZE] ^ constant;
        constant *= 0x58f38dedu;
        value *= constant;
        out[i] = value ^ value >> 16;
    }
}

// ---- PCG64 ----

static U128 join(uint64_t high, uint64_t low)
{
    return (U128)high << 64 | low;
}

static void step(NumpyRng *rng)
{
    const U128 multiplier = join(2549297995355413924u, 4865540595714422341u);
    const U128 state = join(rng->state_high, rng->state_low) * multiplier +
                       join(rng->increment_high, rng->increment_low);
    rng->state_high = (uint64_t)(state >> 64);
    rng->state_low = (uint64_t)state;
}

NumpyRng numpy_rng(uint64_t seed)
{
    uint32_t words[8];
    uint64_t values[4];
    NumpyRng rng = {0};
    seed_words(seed, words, 8);
    for (size_t i = 0; i < 4; i++) values[i] = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
    const U128 increment = join(values[2], values[3]) << 1 | 1;
    rng.increment_high = (uint64_t)(increment >> 64);
    rng.increment_low = (uint64_t)increment;
    step(&rng);
    const U128 state = join(rng.state_high, rng.state_low) + join(values[0], values[1]);
    rng.state_high = (uint64_t)(state >> 64);
    rng.state_low = (uint64_t)state;
    step(&rng);
    return rng;
}

uint64_t numpy_u64(NumpyRng *rng)
{
    step(rng);
    const uint64_t folded = rng->state_high ^ rng->state_low;
    const unsigned turn = (unsigned)(rng->state_high >> 58);
    return folded >> turn | folded << (-turn & 63);
}

static uint32_t next_u32(NumpyRng *rng)
{
    if (rng->has_half) {
        rng->has_half = false;
        return rng->half;
    }
    const uint64_t value = numpy_u64(rng);
    rng->has_half = true;
    rng->half = (uint32_t)(value >> 32);
    return (uint32_t)value;
}

uint32_t numpy_below(NumpyRng *rng, uint32_t bound)
{
    if (bound <= 1) return 0; // without drawing
    uint64_t product = (uint64_t)next_u32(rng) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t threshold = (0u - bound) % bound;
        while ((uint32_t)product < threshold) product = (uint64_t)next_u32(rng) * bound;
    }
    return (uint32_t)(product >> 32);
}

void numpy_bools(NumpyRng *rng, size_t n, unsigned char *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = i % 32 == 0 ? next_u32(rng) : bits >> 1;
        out[i] = bits & 1;
    }
}
