#include "base/cpu_internal.h"

#include "base/machine.h"

#ifdef __x86_64__

#    include <cpuid.h>
#    include <stdio.h>
#    include <string.h>
#    include <sys/syscall.h>
#    include <unistd.h>

#    include "base/slice.h"

typedef struct Leaf {
    unsigned eax, ebx, ecx, edx;
} Leaf;

static Leaf read_leaf(unsigned leaf, unsigned part)
{
    Leaf out = {0};
    if (!__get_cpuid_count(leaf, part, &out.eax, &out.ebx, &out.ecx, &out.edx)) return (Leaf){0};
    return out;
}

// Extended control register 0: the register sets that the system saves. Precondition: OSXSAVE.
static unsigned read_xcr0(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

static bool has_bits(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

static bool request_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; // arch_prctl(2), ARCH_REQ_XCOMP_PERM
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

// Intel's SDM, volume 2A, CPUID: bit numbers as in its tables 3-10 and 3-11.
unsigned cpu_find_features(void)
{
    const Leaf basic = read_leaf(1, 0);
    const Leaf extended = read_leaf(7, 0);
    const Leaf further = extended.eax >= 1 ? read_leaf(7, 1) : (Leaf){0};
    if (!has_bits(basic.ecx, 1u << 27 | 1u << 28)) return CPU_BASE; // OSXSAVE, AVX
    const unsigned saved = read_xcr0();
    unsigned features = CPU_BASE;
    const bool has_fma = has_bits(basic.ecx, 1u << 12);
    if (!has_bits(saved, 0x6) || !has_fma || !has_bits(extended.ebx, 1u << 5)) return features;
    features |= CPU_AVX2;
    const unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    if (!has_bits(saved, 0xE6) || !has_bits(extended.ebx, f_dq_bw_vl)) return features;
    features |= CPU_AVX512;
    if (has_bits(further.eax, 1u << 5)) features |= CPU_AVX512_BF16;
    if (has_bits(extended.ecx, 1u << 11)) features |= CPU_AVX512_VNNI;
    const unsigned bf16_tile_int8 = 1u << 22 | 1u << 24 | 1u << 25;
    const bool has_amx = has_bits(saved, 3u << 17) && has_bits(extended.edx, bf16_tile_int8);
    if (has_amx && request_amx()) features |= CPU_AMX;
    return features;
}

bool cpu_is_intel(void)
{
    const Leaf vendor = read_leaf(0, 0); // "GenuineIntel" in ebx, edx, ecx
    return vendor.ebx == 0x756e6547 && vendor.edx == 0x49656e69 && vendor.ecx == 0x6c65746e;
}

bool cpu_brand(char out[128])
{
    Leaf words[3];
    const unsigned highest = (unsigned)__get_cpuid_max(0x80000000u, NULL);
    if (highest < 0x80000004u) return false;
    for (unsigned i = 0; i < 3; i++) words[i] = read_leaf(0x80000002u + i, 0);
    char text[sizeof words + 1] = {0};
    memcpy(text, words, sizeof words);
    const Slice name = slice_trim(slice_from_cstr(text));
    snprintf(out, 128, SLICE_FMT, SLICE_ARG(name));
    return name.len > 0;
}

#else

unsigned cpu_find_features(void)
{
    return CPU_BASE;
}

bool cpu_is_intel(void)
{
    return false;
}

bool cpu_brand(char out[128])
{
    out[0] = '\0';
    return false;
}

#endif
