#include "tests/fuzz/fuzz_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

static char folder[64];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    enum { OPEN_FOLDERS = 8 };
    (void)nftw(folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0] != '\0') return folder;
    const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/assay-fuzz-XXXXXX", place);
    if (!mkdtemp(folder) || atexit(remove_folder) != 0) abort();
    return folder;
}

void fuzz_path(const char *name, char out[FUZZ_PATH_SIZE])
{
    const int n = snprintf(out, FUZZ_PATH_SIZE, "%s/%s", fuzz_folder(), name);
    if (n < 0 || n >= FUZZ_PATH_SIZE) abort();
}

void fuzz_put(const char *name, Slice bytes)
{
    Arena arena = {0};
    Error err = {0};
    char path[FUZZ_PATH_SIZE];
    fuzz_path(name, path);
    const char *parent = arena_cstr(&arena, file_directory_of(slice_from_cstr(path)));
    if (!parent || file_make_directories(parent, &err) != STATUS_OK ||
        file_write(path, bytes, &err) != STATUS_OK) {
        fprintf(stderr, "fuzz: %s\n", err.text);
        abort();
    }
    arena_release(&arena);
}

int fuzz_unnamed(Slice text, char path[FUZZ_UNNAMED_SIZE])
{
    const int file = memfd_create("fuzz", 0);
    if (file < 0) abort();
    while (text.len > 0) {
        const ssize_t n = write(file, text.ptr, text.len);
        if (n <= 0) abort();
        text = slice_sub(text, (size_t)n, text.len);
    }
    snprintf(path, FUZZ_UNNAMED_SIZE, "/proc/self/fd/%d", file);
    return file;
}
