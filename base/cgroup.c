#include "base/cgroup.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file_internal.h"
#include "base/slice.h"

enum { TEXT_SIZE = 4096 };

size_t cgroup_read_text(const char *path, char *out, size_t size)
{
    size_t len = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        long n;
        while ((n = file_read_some(fd, out + len, size - 1 - len)) > 0) len += (size_t)n;
        close(fd);
    }
    out[len] = '\0';
    return len;
}

// The folder of this process, "" for the root: the path of the line "N:CONTROLLER:/path" of /proc/self/cgroup. cgroup v2 has the
// one line "0::/path".
static void own_group(Slice controller, char out[TEXT_SIZE])
{
    char text[TEXT_SIZE];
    Slice lines = {text, cgroup_read_text("/proc/self/cgroup", text, sizeof text)};
    out[0] = '\0';
    for (Slice line, number, name; slice_split(&lines, '\n', &line);) {
        if (!slice_split(&line, ':', &number) || !slice_split(&line, ':', &name)) continue;
        if (slice_eq(name, controller) && line.len > 1)
            snprintf(out, TEXT_SIZE, SLICE_FMT, SLICE_ARG(line));
    }
}

// The next number of a text such as "200000 100000"; false for "max".
static bool take_number(Slice *text, uint64_t *out)
{
    Slice word;
    return slice_split(text, ' ', &word) && slice_to_u64(slice_trim(word), out);
}

static bool read_number(const char *folder, const char *name, uint64_t *out)
{
    char path[2 * TEXT_SIZE];
    char text[64];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, name);
    Slice slice = {text, cgroup_read_text(path, text, sizeof text)};
    return take_number(&slice, out);
}

static double cpu_limit_of(const char *folder)
{
    char path[2 * TEXT_SIZE];
    char text[64];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
    Slice slice = {text, cgroup_read_text(path, text, sizeof text)};
    uint64_t quota_us, period_us;
    if (!take_number(&slice, &quota_us) || !take_number(&slice, &period_us)) return INFINITY;
    return period_us == 0 ? INFINITY : (double)quota_us / (double)period_us;
}

// From /a/b to /a; false at the root, "".
static bool go_up(char *folder)
{
    char *slash = strrchr(folder, '/');
    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

double cgroup_cpu_limit(void)
{
    uint64_t quota_us, period_us;
    // Version 1 writes -1 for "no limit", which is no u64.
    if (read_number("/cpu", "cpu.cfs_quota_us", &quota_us) &&
        read_number("/cpu", "cpu.cfs_period_us", &period_us) && period_us > 0) {
        return (double)quota_us / (double)period_us;
    }
    char folder[TEXT_SIZE];
    own_group(SLICE(""), folder);
    double limit = INFINITY;
    do {
        limit = fmin(limit, cpu_limit_of(folder));
    } while (go_up(folder)); // a parent's quota binds its children too
    return limit;
}

// Bytes of pages of files, which the system takes back when memory is wanted: of the lines "inactive_file N" and "active_file N".
static uint64_t cached_bytes(const char *folder, const char *inactive, const char *active)
{
    char path[2 * TEXT_SIZE];
    char text[TEXT_SIZE];
    uint64_t total = 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.stat", folder);
    Slice lines = {text, cgroup_read_text(path, text, sizeof text)};
    for (Slice line, word; slice_split(&lines, '\n', &line);) {
        uint64_t n = 0;
        if (!slice_split(&line, ' ', &word) || !take_number(&line, &n)) continue;
        if (slice_eq_cstr(word, inactive) || slice_eq_cstr(word, active)) total += n;
    }
    return total;
}

static uint64_t without_cache(uint64_t used, uint64_t cached)
{
    return used > cached ? used - cached : 0;
}

void cgroup_memory(uint64_t *limit_bytes, uint64_t *used_bytes)
{
    *limit_bytes = UINT64_MAX;
    *used_bytes = 0;
    uint64_t limit, used;
    char folder[TEXT_SIZE], of_memory[TEXT_SIZE + 16];
    own_group(SLICE("memory"), folder);
    snprintf(of_memory, sizeof of_memory, "/memory%s", folder);
    do {
        if (read_number(of_memory, "memory.limit_in_bytes", &limit) && limit < *limit_bytes &&
            read_number(of_memory, "memory.usage_in_bytes", &used)) {
            *limit_bytes = limit;
            *used_bytes = without_cache(
                used, cached_bytes(of_memory, "total_inactive_file", "total_active_file"));
        }
    } while (go_up(of_memory));
    own_group(SLICE(""), folder);
    do {
        if (read_number(folder, "memory.max", &limit) && limit < *limit_bytes &&
            read_number(folder, "memory.current", &used)) {
            *limit_bytes = limit;
            *used_bytes = without_cache(used, cached_bytes(folder, "inactive_file", "active_file"));
        }
    } while (go_up(folder)); // a parent's limit binds its children too
}
