// Many blocks of Philox side by side.
#include "base/philox.h"

#include <stdbool.h>

enum { MAX_LANES = 64 };

// Loops over lanes have no constant length, so that the compiler makes vectors of them instead of unrolling them.
static inline __attribute__((always_inline)) void
lanes(const uint32_t counter[4], const uint32_t key[2], size_t n, uint32_t *restrict out)
{
    uint32_t c0[MAX_LANES], c1[MAX_LANES], c2[MAX_LANES], c3[MAX_LANES];
    for (size_t l = 0; l < n; l++) {
        c0[l] = counter[0] + (uint32_t)l;
        c1[l] = counter[1];
        c2[l] = counter[2];
        c3[l] = counter[3];
    }
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        for (size_t l = 0; l < n; l++) {
            const uint64_t p0 = (uint64_t)c0[l] * 0xD2511F53u, p1 = (uint64_t)c2[l] * 0xCD9E8D57u;
            const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0;
            const uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
            c0[l] = n0;
            c1[l] = (uint32_t)p1;
            c2[l] = n2;
            c3[l] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (size_t l = 0; l < n; l++) {
        out[4 * l] = c0[l];
        out[4 * l + 1] = c1[l];
        out[4 * l + 2] = c2[l];
        out[4 * l + 3] = c3[l];
    }
}

typedef void (*Lanes)(const uint32_t counter[4], const uint32_t key[2], size_t n, uint32_t *out);

static void lanes_plain(const uint32_t counter[4], const uint32_t key[2], size_t n, uint32_t *out)
{
    lanes(counter, key, n, out);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
lanes_avx2(const uint32_t counter[4], const uint32_t key[2], size_t n, uint32_t *out)
{
    lanes(counter, key, n, out);
}

static Lanes best_lanes(void)
{
    return __builtin_cpu_supports("avx2") ? lanes_avx2 : lanes_plain;
}
#else
static Lanes best_lanes(void)
{
    return lanes_plain;
}
#endif

void philox_blocks(const uint32_t counter[4], const uint32_t key[2], size_t n_blocks, uint32_t *out)
{
    const Lanes work = best_lanes();
    uint32_t at[4] = {counter[0], counter[1], counter[2], counter[3]};
    while (n_blocks > 0) {
        const size_t n = n_blocks < MAX_LANES ? n_blocks : MAX_LANES;
        work(at, key, n, out);
        at[0] += (uint32_t)n;
        out += 4 * n;
        n_blocks -= n;
    }
}
