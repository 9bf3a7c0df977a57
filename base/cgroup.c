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

// The folder of this process in cgroup v2, "" for the root: the line "0::/path" of /proc/self/cgroup.
static void own_group(char out[TEXT_SIZE])
{
    char text[TEXT_SIZE];
    Slice lines = {text, cgroup_read_text("/proc/self/cgroup", text, sizeof text)};
    out[0] = '\0';
    for (Slice line; slice_split(&lines, '\n', &line);) {
        if (!slice_starts_with(line, SLICE("0::/"))) continue;
        const Slice path = slice_sub(line, 3, line.len);
        if (path.len > 1) snprintf(out, TEXT_SIZE, SLICE_FMT, SLICE_ARG(path));
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
    own_group(folder);
    double limit = INFINITY;
    do {
        limit = fmin(limit, cpu_limit_of(folder));
    } while (go_up(folder)); // a parent's quota binds its children too
    return limit;
}

void cgroup_memory(uint64_t *limit_bytes, uint64_t *used_bytes)
{
    *limit_bytes = UINT64_MAX;
    *used_bytes = 0;
    uint64_t limit, used;
    if (read_number("/memory", "memory.limit_in_bytes", &limit) &&
        read_number("/memory", "memory.usage_in_bytes", &used)) {
        *limit_bytes = limit;
        *used_bytes = used;
        return;
    }
    char folder[TEXT_SIZE];
    own_group(folder);
    do {
        if (read_number(folder, "memory.max", &limit) && limit < *limit_bytes &&
            read_number(folder, "memory.current", &used)) {
            *limit_bytes = limit;
            *used_bytes = used;
        }
    } while (go_up(folder));
}
