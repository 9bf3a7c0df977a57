#include "tests/support/folder.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *folder_make(void)
{
    static char path[256];
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/assay-test-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(path) == NULL) {
        perror(path);
        abort(); // a test without its folder could only fail in confusing ways
    }
    return path;
}

const char *folder_path(const char *folder, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *folder_write(const char *folder, const char *name, const char *text)
{
    const char *path = folder_path(folder, name);
    const size_t len = strlen(text);
    FILE *file = fopen(path, "wb");
    const bool is_written = file != NULL && fwrite(text, 1, len, file) == len;
    if (file == NULL || fclose(file) != 0 || !is_written) {
        perror(path);
        abort();
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

void folder_remove(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
