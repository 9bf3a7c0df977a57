// What one core of this machine can do at most: fused multiply-adds from registers, and reading memory.
#include "kernels/cpu/fast.h"
#include "kernels/cpu/vec.h"

// 24 or 12 independent chains, more than latency times units, with both factors in registers.
double FAST(probe_fma)(size_t n_rounds, float *result)
{
#if defined(__AVX512F__)
    enum { CHAINS = 24 };
#else
    enum { CHAINS = 6 };
#endif
    Vec chain[CHAINS];
    const Vec factor = vec_set1(0.999f), term = vec_set1(1e-3f);
    for (int i = 0; i < CHAINS; i++) chain[i] = vec_set1((float)i);
    for (size_t round = 0; round < n_rounds; round++) {
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++) chain[i] = vec_fma(chain[i], factor, term);
    }
    Vec sum = vec_zero();
    for (int i = 0; i < CHAINS; i++) sum = vec_add(sum, chain[i]);
    *result = vec_reduce_add(sum);
    return 2.0 * CHAINS * VEC_WIDTH * (double)n_rounds;
}

float FAST(probe_read)(const float *memory, size_t n)
{
    enum { STREAMS = 8 };
    Vec sum[STREAMS];
    for (int i = 0; i < STREAMS; i++) sum[i] = vec_zero();
    const size_t step = (size_t)STREAMS * VEC_WIDTH;
    for (size_t j = 0; j + step <= n; j += step) {
#pragma GCC unroll 8
        for (int i = 0; i < STREAMS; i++) {
            sum[i] = vec_add(sum[i], vec_load(memory + j + (size_t)i * VEC_WIDTH));
        }
    }
    for (int i = 1; i < STREAMS; i++) sum[0] = vec_add(sum[0], sum[i]);
    return vec_reduce_add(sum[0]);
}
