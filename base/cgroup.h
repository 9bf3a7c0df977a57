// base/cgroup.h: what a container grants this process, which the machine's own figures do not show.
#ifndef ASSAY_BASE_CGROUP_H
#define ASSAY_BASE_CGROUP_H

#include <stddef.h>
#include <stdint.h>

// CPUs that the quota allows, as a real number ("1.5"); INFINITY where there is none. cgroup v2 and v1.
double cgroup_cpu_limit(void);

// The limit of memory and what is in use of it, in bytes, without pages of files that are only cached; UINT64_MAX and 0 where
// there is no limit. cgroup v2 and v1.
void cgroup_memory(uint64_t *limit_bytes, uint64_t *used_bytes);

// The text of a small file such as those of /proc, NUL-terminated, cut at size; its length, 0 where it cannot be read.
size_t cgroup_read_text(const char *path, char *out, size_t size);

#endif
