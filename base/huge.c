#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"

enum {
    HUGE_PAGE_BYTES = 2 << 20,
    PAGE_BYTES = 1 << 16
}; // 64 KiB: the largest common page (aarch64)

// What is mapped for size_bytes: what is left of it after the last whole huge page lies on small ones, so that no more memory
// is taken than was asked for.
static size_t mapped_bytes(size_t size_bytes)
{
    return size_round_up(size_max(size_bytes, 1), PAGE_BYTES);
}

static char *map_bytes(size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void *huge_alloc(size_t size_bytes)
{
    const size_t mapped = mapped_bytes(size_bytes);
    if (size_bytes < HUGE_PAGE_BYTES) return map_bytes(mapped);
    // One huge page more, so that an aligned stretch lies inside; the ends go back.
    size_t with_slack;
    if (!size_add(mapped, HUGE_PAGE_BYTES, &with_slack)) return NULL;
    char *bytes = map_bytes(with_slack);
    if (bytes == NULL) return NULL;
    const size_t before = (size_t)(-(uintptr_t)bytes & (HUGE_PAGE_BYTES - 1));
    if (before > 0) munmap(bytes, before);
    char *aligned = bytes + before;
    if (before < HUGE_PAGE_BYTES) munmap(aligned + mapped, HUGE_PAGE_BYTES - before);
    madvise(aligned, mapped, MADV_HUGEPAGE); // a wish: small pages serve as well, only slower
    return aligned;
}

void huge_forget(void *ptr, size_t size_bytes, size_t keep_bytes)
{
    // A huge page that lost its end would come back as small ones.
    const size_t page = size_bytes < HUGE_PAGE_BYTES ? PAGE_BYTES : HUGE_PAGE_BYTES;
    const size_t mapped = mapped_bytes(size_bytes), keep = size_round_up(keep_bytes, page);
    if (keep < mapped) madvise((char *)ptr + keep, mapped - keep, MADV_DONTNEED);
}

void huge_free(void *ptr, size_t size_bytes)
{
    if (ptr != NULL) munmap(ptr, mapped_bytes(size_bytes));
}
