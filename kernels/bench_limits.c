#include <sys/mman.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/size.h"
#include "kernels/bench.h"
#if defined(__x86_64__)
#    include "kernels/cpu/fast.h"
#endif

enum { PROBE_REPEATS = 8 };
static const size_t MIB = (size_t)1 << 20;

// The plain forms, for machines without the fast ones.
static double probe_fma_base(size_t n_rounds, float *result)
{
    enum { CHAINS = 32 };
    float chain[CHAINS];
    for (int i = 0; i < CHAINS; i++) chain[i] = (float)i;
    for (size_t round = 0; round < n_rounds; round++) {
        for (int i = 0; i < CHAINS; i++) chain[i] = chain[i] * 0.999f + 1e-3f;
    }
    *result = 0.0f;
    for (int i = 0; i < CHAINS; i++) *result += chain[i];
    return 2.0 * CHAINS * (double)n_rounds;
}

static float probe_read_base(const float *memory, size_t n)
{
    float sum[16] = {0};
    for (size_t j = 0; j + 16 <= n; j += 16) {
        for (size_t i = 0; i < 16; i++) sum[i] += memory[j + i];
    }
    for (size_t i = 1; i < 16; i++) sum[0] += sum[i];
    return sum[0];
}

static double best_fma(double (*probe)(size_t, float *))
{
    const size_t n_rounds = 100000;
    double best = 0;
    for (int i = 0; i < PROBE_REPEATS; i++) {
        float result;
        const int64_t begin = clock_thread_cpu_ns();
        const double n_flops = probe(n_rounds, &result);
        const double seconds = (double)(clock_thread_cpu_ns() - begin) * 1e-9;
        // The chains tend to 1; the comparison makes the result needed.
        if (seconds > 0 && result > 0.0f && n_flops / seconds > best) best = n_flops / seconds;
    }
    return best;
}

typedef float (*ReadProbe)(const float *memory, size_t n);

static ReadProbe best_reader(void)
{
#if defined(__x86_64__)
    const unsigned features = machine_cpu_features();
    if (features & CPU_AVX512) return probe_read_avx512;
    if (features & CPU_AVX2) return probe_read_avx2;
#endif
    return probe_read_base;
}

static double best_read(const float *memory, size_t size_bytes)
{
    const ReadProbe probe = best_reader();
    double best = 0;
    for (int i = 0; i < PROBE_REPEATS / 2; i++) {
        const int64_t begin = clock_thread_cpu_ns();
        const float sum = probe(memory, size_bytes / sizeof *memory);
        const double seconds = (double)(clock_thread_cpu_ns() - begin) * 1e-9;
        if (sum >= 0.0f && seconds > 0 && (double)size_bytes / seconds > best) {
            best = (double)size_bytes / seconds;
        }
    }
    return best;
}

// Touches every page, with something that is not the zero page.
static void fill(float *memory, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes / sizeof *memory; i += 16) memory[i] = 1.0f;
}

static Status measure_reads(BenchLimits *out, Error *err)
{
    Machine machine;
    machine_describe(&machine);
    // Twice the last cache where that is affordable: less would time the cache.
    size_t size = size_max(128 * MIB, size_min(2 * machine.l3_bytes, 512 * MIB));
    const size_t affordable = (size_t)(machine.memory_available_bytes / 4);
    size = size_max(16 * MIB, size_min(size, affordable)) / (2 * MIB) * (2 * MIB);
    out->read_bytes = size;

    float *memory = huge_alloc(size);
    if (!memory) return error_set_memory(err, size, 1, "the bandwidth probe");
    fill(memory, size);
    out->read_huge_pages = best_read(memory, size);
    huge_free(memory, size);

    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return error_set_memory(err, size, 1, "the bandwidth probe");
    (void)madvise(memory, size, MADV_NOHUGEPAGE); // refused where there are none anyway
    fill(memory, size);
    out->read_small_pages = best_read(memory, size);
    (void)munmap(memory, size);
    return STATUS_OK;
}

Status bench_measure_limits(BenchLimits *out, Error *err)
{
    *out = (BenchLimits){.fma_base = best_fma(probe_fma_base)};
#if defined(__x86_64__)
    const unsigned features = machine_cpu_features();
    if (features & CPU_AVX2) out->fma_avx2 = best_fma(probe_fma_avx2);
    if (features & CPU_AVX512) out->fma_avx512 = best_fma(probe_fma_avx512);
#endif
    return measure_reads(out, err);
}
