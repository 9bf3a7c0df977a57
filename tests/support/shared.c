#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/support/folder.h"

const char *shared_path(const char *relative)
{
    static char path[4096];
    const char *folder = getenv("ASSAY_SHARED");
    if (folder == NULL || folder[0] == '\0') folder = ASSAY_SOURCE_DIR "/../shared";
    const int len = snprintf(path, sizeof path, "%s/%s", folder, relative);
    if (len < 0 || (size_t)len >= sizeof path) return NULL;
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *shared_need(const char *relative)
{
    const char *path = shared_path(relative);
    if (path == NULL) cr_skip_test("shared reference files absent: %s", relative);
    return path;
}

void shared_copy(const char *folder, const char *relative, const char *name)
{
    Error err = {0};
    Slice bytes = {0};
    const char *path = shared_need(relative);
    cr_assert_eq(file_map(path, &bytes, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_write(folder_path(folder, name), bytes, &err), STATUS_OK, "%s", err.text);
    file_unmap(&bytes);
}
