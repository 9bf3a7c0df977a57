// Packed input: no bytes crash the unpacking, make it loop or give more than the limit.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/input.h"
#include "tests/fuzz/fuzz.h"

const Slice fuzz_seeds[] = {
    // "assay assay assay\n" by gzip and by zstd
    SLICE_LIT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x2c\x2e\x4e\xac\x54\x48\x84\x11\x5c\x00"
              "\x93\x3b\x42\x95\x12\x00\x00\x00"),
    SLICE_LIT("\x28\xb5\x2f\xfd\x20\x12\x65\x00\x00\x38\x61\x73\x73\x61\x79\x20\x0a\x01\x00\x19\x5c"
              "\x15"),
    SLICE_LIT("plain text\n"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LIMIT = 1 << 20 };
    static int file = -1;
    static char path[64];
    Arena arena = {0};
    Slice out = {0};
    Error err = {0};
    if (file < 0) {
        file = memfd_create("fuzz_input", 0);
        if (file < 0) abort();
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) abort();
    const bool is_read = file_read_data(&arena, path, LIMIT, &out, NULL, &err) == STATUS_OK;
    if (is_read && out.len > LIMIT) abort();
    if (!is_read && err.text[0] == '\0') abort();
    if (is_read && !input_is_packed((Slice){(const char *)data, size}) && out.len != size) abort();
    arena_release(&arena);
    return 0;
}
