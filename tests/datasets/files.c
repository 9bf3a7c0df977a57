#include "tests/datasets/files.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILES = 32, PATH_SIZE = 256 };

static char folder[64];
static char paths[MAX_FILES][PATH_SIZE];
static size_t n_paths;

const char *files_folder(void)
{
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/assay_datasets_XXXXXX");
        cr_assert_not_null(mkdtemp(folder));
    }
    return folder;
}

const char *files_write(const char *name, Slice bytes)
{
    cr_assert_lt(n_paths, MAX_FILES);
    char *path = paths[n_paths++];
    snprintf(path, PATH_SIZE, "%s/%s", files_folder(), name);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    cr_assert_eq(fclose(f), 0);
    return path;
}

void files_remove(void)
{
    for (size_t i = 0; i < n_paths; i++) unlink(paths[i]);
    n_paths = 0;
    if (folder[0]) cr_assert_eq(rmdir(folder), 0, "%s is not empty", folder);
    folder[0] = '\0';
}

void files_read(const char *path, const ReadOptions *options, Dataset *out)
{
    static const ReadOptions none;
    Error err = {0};
    cr_assert_eq(dataset_read(path, options ? options : &none, out, &err), STATUS_OK, "%s",
                 err.text);
}

const char *files_refusal(const char *path, const ReadOptions *options)
{
    static const ReadOptions none;
    static Error err;
    Dataset out;
    err = (Error){0};
    const Status s = dataset_read(path, options ? options : &none, &out, &err);
    cr_assert_eq(s, STATUS_INVALID, "%s: status %s", path, status_name(s));
    cr_assert_null(out.samples);
    dataset_release(&out);
    const size_t len = strlen(files_folder());
    return strncmp(err.text, files_folder(), len) == 0 ? err.text + len + 1 : err.text;
}
