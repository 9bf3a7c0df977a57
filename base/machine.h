// base/machine.h: what this machine is and can do, for dispatch, manifests and `assay doctor`.
#ifndef ASSAY_BASE_MACHINE_H
#define ASSAY_BASE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// CPU features that some kernel asks for. On other architectures than x86-64 none is set.
typedef enum CpuFeature {
    CPU_BASE = 0,
    CPU_AVX2 = 1 << 0,   // AVX2 and FMA, and the system saves their state
    CPU_AVX512 = 1 << 1, // F, BW, DQ, VL
    CPU_AVX512_BF16 = 1 << 2,
    CPU_AVX512_VNNI = 1 << 3,
    CPU_AMX = 1 << 4, // tiles, BF16 and INT8
} CpuFeature;

typedef struct Machine {
    char cpu_model[128];   // "AMD EPYC 9R14"
    char architecture[16]; // "x86_64", "aarch64"
    unsigned cpu_features; // CpuFeature bits
    size_t n_threads;      // usable by this process
    uint64_t memory_bytes; // total; and free for use without swapping now
    uint64_t memory_available_bytes;
    char os[128];        // "Linux 6.1.0, Debian GNU/Linux 12"
    double load_average; // over one minute
    size_t l2_bytes, l3_bytes;
} Machine;

// CPU features alone, found once; ASSAY_CPU=base|avx2|avx512 in the environment lowers them (for tests and for
// comparing rows). Thread-safe.
unsigned machine_cpu_features(void);
// False where ASSAY_CPU is set to a word that is none of these: it is ignored then, and the program should say so.
bool machine_cpu_setting_is_known(void);
// Whether products in bf16 take less time than in f32: on tiles, and where an instruction adds two pairs in the time of one fma.
// Intel's VDPBF16PS does not: products of 512 rows took 1.9 times as long on an Emerald Rapids.
bool machine_bf16_is_fast(void);
void machine_describe(Machine *out);
// "avx2 avx512 avx512_bf16"; into out, NUL-terminated, cut at size.
void machine_feature_names(unsigned features, char *out, size_t size);
// Of Machine: what there is, and what this process may yet take, by the machine, its container and its own limits (ulimit -v).
void machine_memory(uint64_t *total_bytes, uint64_t *available_bytes);

// Peak resident memory of this process, in bytes.
uint64_t machine_peak_rss(void);

#endif
