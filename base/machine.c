#include "base/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/cpu_internal.h"
#include "base/pool.h"
#include "base/slice.h"

enum { TEXT_SIZE = 1 << 14 };

static const struct {
    unsigned feature;
    const char *name;
} feature_names[] = {
    {CPU_AVX2, "avx2"},
    {CPU_AVX512, "avx512"},
    {CPU_AVX512_BF16, "avx512_bf16"},
    {CPU_AVX512_VNNI, "avx512_vnni"},
    {CPU_AMX, "amx"},
};

// What ASSAY_CPU may say, and what is left of the features then.
static const struct {
    const char *name;
    unsigned kept;
} settings[] = {
    {"base", CPU_BASE},
    {"avx2", CPU_AVX2},
    {"avx512", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_BF16 | CPU_AVX512_VNNI},
};

// The row of settings that ASSAY_CPU names, or -1.
static int find_setting(void)
{
    const char *name = getenv("ASSAY_CPU");
    for (size_t i = 0; name != NULL && i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(settings[i].name, name) == 0) return (int)i;
    }
    return -1;
}

bool machine_cpu_setting_is_known(void)
{
    const char *name = getenv("ASSAY_CPU");
    return name == NULL || name[0] == '\0' || find_setting() >= 0;
}

unsigned machine_cpu_features(void)
{
    static _Atomic unsigned
        found; // bit 31 says that it is filled in; two threads that fill it find the same
    unsigned features = found;
    if (features == 0) {
        const int setting = find_setting();
        features = cpu_find_features() | 1u << 31;
        if (setting >= 0) features &= settings[setting].kept | 1u << 31;
        found = features;
    }
    return features & ~(1u << 31);
}

bool machine_bf16_is_fast(void)
{
    const unsigned features = machine_cpu_features();
    return (features & CPU_AMX) != 0 || ((features & CPU_AVX512_BF16) != 0 && !cpu_is_intel());
}

void machine_feature_names(unsigned features, char *out, size_t size)
{
    size_t len = 0;
    if (size > 0) out[0] = '\0';
    for (size_t i = 0; i < sizeof feature_names / sizeof *feature_names; i++) {
        if ((features & feature_names[i].feature) == 0 || len >= size) continue;
        const int n =
            snprintf(out + len, size - len, "%s%s", len > 0 ? " " : "", feature_names[i].name);
        len += (size_t)n;
    }
}

// The value of the line "key: value" or "key=value" of a file, trimmed; false where there is none.
static bool read_field(const char *path, const char *key, char separator, char *out, size_t size)
{
    char text[TEXT_SIZE];
    Slice lines = {text, cgroup_read_text(path, text, sizeof text)};
    for (Slice line; slice_split(&lines, '\n', &line);) {
        Slice name;
        if (!slice_split(&line, separator, &name) || !slice_eq_cstr(slice_trim(name), key))
            continue;
        const Slice value = slice_trim(line);
        snprintf(out, size, SLICE_FMT, SLICE_ARG(value));
        return true;
    }
    return false;
}

// A line such as "MemTotal:  1024 kB" in bytes, 0 where there is none.
static uint64_t read_kilobytes(const char *path, const char *key)
{
    char value[64];
    uint64_t n;
    if (!read_field(path, key, ':', value, sizeof value)) return 0;
    Slice words = slice_from_cstr(value);
    Slice word;
    if (!slice_split(&words, ' ', &word) || !slice_to_u64(word, &n) || n > UINT64_MAX / 1024)
        return 0;
    return n * 1024;
}

// What a limit of this process leaves, of which /proc/self/status tells the use.
static uint64_t left_of_limit(const struct rlimit *limit, const char *used)
{
    if (limit->rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    const uint64_t n = read_kilobytes("/proc/self/status", used);
    return n < limit->rlim_cur ? limit->rlim_cur - n : 0;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void machine_memory(uint64_t *total_bytes, uint64_t *available_bytes)
{
    uint64_t limit, used;
    struct rlimit process;
    cgroup_memory(&limit, &used);
    *total_bytes = lesser(read_kilobytes("/proc/meminfo", "MemTotal"), limit);
    *available_bytes = read_kilobytes("/proc/meminfo", "MemAvailable");
    if (*available_bytes == 0) return; // not told
    *available_bytes = lesser(*available_bytes, used < limit ? limit - used : 0);
    if (getrlimit(RLIMIT_AS, &process) == 0)
        *available_bytes = lesser(*available_bytes, left_of_limit(&process, "VmSize"));
    if (getrlimit(RLIMIT_DATA, &process) == 0)
        *available_bytes = lesser(*available_bytes, left_of_limit(&process, "VmData"));
    if (*available_bytes == 0) *available_bytes = 1; // nothing is left, which is told
}

static void describe_system(Machine *out)
{
    struct utsname system;
    char name[96];
    if (uname(&system) != 0) return;
    snprintf(out->architecture, sizeof out->architecture, "%.15s", system.machine);
    if (read_field("/etc/os-release", "PRETTY_NAME", '=', name, sizeof name)) {
        const size_t len = strlen(name);
        const bool is_quoted = len >= 2 && name[0] == '"' && name[len - 1] == '"';
        if (is_quoted) name[len - 1] = '\0';
        snprintf(out->os, sizeof out->os, "%.15s %.64s, %.40s", system.sysname, system.release,
                 name + is_quoted);
    } else {
        snprintf(out->os, sizeof out->os, "%.15s %.64s", system.sysname, system.release);
    }
}

// The size of a cache by sysconf, or where that does not know it, by sysfs ("2048K").
static size_t cache_bytes(int name, int index)
{
    const long known = sysconf(name);
    if (known > 0) return (size_t)known;
    char path[96];
    char text[32];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    const Slice size = slice_trim((Slice){text, cgroup_read_text(path, text, sizeof text)});
    uint64_t kilobytes;
    if (!slice_ends_with(size, SLICE("K"))) return 0;
    if (!slice_to_u64(slice_sub(size, 0, size.len - 1), &kilobytes) || kilobytes > 1 << 24)
        return 0;
    return (size_t)kilobytes * 1024;
}

static void describe_cpu(Machine *out)
{
    if (!cpu_brand(out->cpu_model) &&
        !read_field("/proc/cpuinfo", "model name", ':', out->cpu_model, sizeof out->cpu_model) &&
        !read_field("/proc/cpuinfo", "CPU part", ':', out->cpu_model, sizeof out->cpu_model)) {
        snprintf(out->cpu_model, sizeof out->cpu_model, "unknown");
    }
    out->cpu_features = machine_cpu_features();
    out->n_threads = pool_available_threads();
    out->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 2);
    out->l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 3);
}

void machine_describe(Machine *out)
{
    *out = (Machine){0};
    describe_cpu(out);
    machine_memory(&out->memory_bytes, &out->memory_available_bytes);
    describe_system(out);
    double loads[1];
    if (getloadavg(loads, 1) == 1) out->load_average = loads[0];
}

uint64_t machine_peak_rss(void)
{
    // VmHWM starts anew with each program; ru_maxrss keeps what the parent had before exec.
    const uint64_t peak = read_kilobytes("/proc/self/status", "VmHWM");
    if (peak > 0) return peak;
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}
