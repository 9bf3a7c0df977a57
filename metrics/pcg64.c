#include "metrics/pcg64.h"

enum { POOL = 4 };

static uint32_t hash_word(uint32_t value, uint32_t *constant, uint32_t multiplier)
{
    value ^= *constant;
    *constant *= multiplier;
    value *= *constant;
    return value ^ value >> 16;
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    const uint32_t value = 0xca01f9ddu * x - 0x4973f715u * y;
    return value ^ value >> 16;
}

// SeedSequence(seed).generate_state(4, uint64)
static void spread_seed(uint64_t seed, uint64_t out[4])
{
    uint32_t pool[POOL] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, constant = 0x43b0d7e5u;
    for (size_t i = 0; i < POOL; i++) pool[i] = hash_word(pool[i], &constant, 0x931e8875u);
    for (size_t from = 0; from < POOL; from++) {
        for (size_t to = 0; to < POOL; to++) {
            if (from == to) continue;
            pool[to] = mix(pool[to], hash_word(pool[from], &constant, 0x931e8875u));
        }
    }
    constant = 0x8b51f9ddu;
    for (size_t i = 0; i < 4; i++) {
        const uint64_t low = hash_word(pool[2 * i % POOL], &constant, 0x58f38dedu);
        const uint64_t high = hash_word(pool[(2 * i + 1) % POOL], &constant, 0x58f38dedu);
        out[i] = low | high << 32;
    }
}

// 64 x 64 -> 128 bits by halves, as standard C has no wider type.
static void multiply(uint64_t a, uint64_t b, uint64_t *high, uint64_t *low)
{
    const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    const uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0;
    const uint64_t middle = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
    *low = middle << 32 | (uint32_t)p00;
    *high = a1 * b1 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
}

static void add(Pcg64 *rng, uint64_t high, uint64_t low)
{
    rng->state_low += low;
    rng->state_high += high + (rng->state_low < low);
}

static void step(Pcg64 *rng)
{
    const uint64_t m_high = 0x2360ed051fc65da4u, m_low = 0x4385df649fccf645u;
    uint64_t high, low;
    multiply(rng->state_low, m_low, &high, &low);
    rng->state_high = high + rng->state_high * m_low + rng->state_low * m_high;
    rng->state_low = low;
    add(rng, rng->increment_high, rng->increment_low);
}

Pcg64 pcg64_seeded(uint64_t seed)
{
    uint64_t words[4];
    spread_seed(seed, words);
    Pcg64 rng = {.increment_high = words[2] << 1 | words[3] >> 63,
                 .increment_low = words[3] << 1 | 1};
    step(&rng);
    add(&rng, words[0], words[1]);
    step(&rng);
    return rng;
}

uint64_t pcg64_next(Pcg64 *rng)
{
    step(rng);
    const uint64_t folded = rng->state_high ^ rng->state_low;
    const unsigned turn = (unsigned)(rng->state_high >> 58);
    return folded >> turn | folded << (-turn & 63);
}

uint32_t pcg64_next_u32(Pcg64 *rng)
{
    if (rng->has_spare) {
        rng->has_spare = 0;
        return rng->spare;
    }
    const uint64_t value = pcg64_next(rng);
    rng->spare = (uint32_t)(value >> 32);
    rng->has_spare = 1;
    return (uint32_t)value;
}

double pcg64_double(Pcg64 *rng)
{
    return (double)(pcg64_next(rng) >> 11) * (1.0 / 9007199254740992.0);
}

void pcg64_integers(Pcg64 *rng, uint32_t bound, size_t count, uint32_t *out)
{
    const uint32_t threshold = (0u - bound) % bound;
    for (size_t i = 0; i < count; i++) {
        if (bound == 1) { // NumPy draws nothing for a range of one
            out[i] = 0;
            continue;
        }
        uint64_t product = (uint64_t)pcg64_next_u32(rng) * bound;
        while ((uint32_t)product < threshold) product = (uint64_t)pcg64_next_u32(rng) * bound;
        out[i] = (uint32_t)(product >> 32);
    }
}
