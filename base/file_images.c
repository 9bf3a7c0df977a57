// What code and constants of the program and its libraries, and free parts of the heap, take of memory, given back.
#include <fcntl.h>
#include <link.h>
#ifdef __GLIBC__
#    include <malloc.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"

// An entry of /proc/self/pagemap (Linux, Documentation/admin-guide/mm/pagemap.rst).
#define PAGE_IS_OF_FILE (UINT64_C(1) << 61)

typedef struct Dropping {
    int pagemap;
    size_t page_bytes;
} Dropping;

// Drops those of the pages [first, end) that are as their file has them. Others have numbers of the loader's, or what a debugger
// has put there.
static void drop_pages(const Dropping *d, size_t first, size_t end)
{
    enum { PAGES_AT_ONCE = 256 };
    uint64_t entries[PAGES_AT_ONCE];
    for (size_t n; first < end; first += n) {
        n = size_min(PAGES_AT_ONCE, end - first);
        const ssize_t size_bytes = (ssize_t)(n * sizeof *entries);
        if (pread(d->pagemap, entries, (size_t)size_bytes, (off_t)(first * sizeof *entries)) !=
            size_bytes)
            return;
        for (size_t i = 0, run = 0; i <= n; i++) {
            if (i < n && (entries[i] & PAGE_IS_OF_FILE)) continue;
            // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader and pagemap speak of numbers
            char *at = (char *)((first + run) * d->page_bytes);
            if (i > run) (void)madvise(at, (i - run) * d->page_bytes, MADV_DONTNEED);
            run = i + 1;
        }
    }
}

// The list of an image's parts lies in the image itself: it is read before anything goes.
static int drop_image(struct dl_phdr_info *image, size_t size, void *context)
{
    enum { MOST_PARTS = 16 };
    const Dropping *d = context;
    size_t ranges[MOST_PARTS][2], n = 0;
    (void)size;
    for (size_t i = 0; i < image->dlpi_phnum && n < MOST_PARTS; i++) {
        const ElfW(Phdr) *part = &image->dlpi_phdr[i];
        const bool is_code = part->p_type == PT_LOAD && !(part->p_flags & PF_W);
        if (!is_code && part->p_type != PT_GNU_RELRO) continue;
        ranges[n][0] = (image->dlpi_addr + part->p_vaddr) / d->page_bytes;
        ranges[n++][1] = (image->dlpi_addr + part->p_vaddr + part->p_memsz) / d->page_bytes;
    }
    while (n-- > 0) drop_pages(d, ranges[n][0], ranges[n][1]);
    return 0;
}

void file_drop_heap(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

void file_drop_images(void)
{
    Dropping d = {.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
                  .page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
    if (d.pagemap < 0) return;
    (void)dl_iterate_phdr(drop_image, &d);
    close(d.pagemap);
    file_drop_heap();
}
