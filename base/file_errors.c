#include "base/file_internal.h"

#include <errno.h>

#include "base/size.h"

static const struct {
    int code;
    const char *remedy;
} remedies[] = {
    {ENOSPC, "free some space or write elsewhere"},
    {EDQUOT, "free some of your quota or write elsewhere"},
    {EFBIG, "raise the file size limit (ulimit -f) or write elsewhere"},
    {EROFS, "choose a folder on a writable file system"},
    {EACCES, "check the permissions of the file and its folder"},
    {EPERM, "check the permissions of the file and its folder"},
    {EMFILE, "raise the limit of open files (ulimit -n)"},
    {ENAMETOOLONG, "choose a shorter name"},
};

Status file_set_errno(Error *err, const char *path, const char *doing)
{
    const int code = errno;
    if (err == NULL) return code == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        if (remedies[i].code != code) continue;
        Error system = {0};
        (void)error_set_errno(&system, "%s: %s", path, doing);
        (void)error_set(err, STATUS_IO, "%s", remedies[i].remedy);
        return error_wrap(err, "%s", system.text);
    }
    return error_set_errno(err, "%s: %s", path, doing);
}
