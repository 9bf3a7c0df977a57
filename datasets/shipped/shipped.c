#include "datasets/shipped/shipped.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

static Status check_file(const char *path, const char *name, Slice wanted, Error *err)
{
    Slice file = {0};
    TRY(file_map(path, &file, err));
    size_t same = 0, line = 1;
    while (same < file.len && same < wanted.len && file.ptr[same] == wanted.ptr[same])
        line += wanted.ptr[same++] == '\n';
    const bool equal = file.len == wanted.len && same == file.len;
    file_unmap(&file);
    if (equal) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s:%zu: differs from what %s writes; write the file anew with %s %s", path,
                     line, name, name, path);
}

int shipped_main(int argc, char **argv, const char *name, ShippedMake make)
{
    const bool is_check = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (!is_check && argc != 2) {
        fprintf(stderr, "usage: %s FILE | %s --check FILE\n", name, name);
        return 2;
    }
    Error err = {0};
    Buffer file = {0};
    Status s = make(&file, &err);
    if (s == STATUS_OK) s = buffer_status(&file, &err);
    if (s == STATUS_OK) {
        s = is_check ? check_file(argv[2], name, buffer_slice(&file), &err)
                     : file_write(argv[1], buffer_slice(&file), &err);
    }
    if (s != STATUS_OK) fprintf(stderr, "%s: %s\n", name, err.text);
    buffer_release(&file);
    return status_exit_code(s);
}
