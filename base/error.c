#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

#ifdef __clang_analyzer__ // the header dresses them up for the callers
#    undef error_set
#    undef error_wrap
#    undef error_wrap_path
#    undef error_set_errno
#    undef error_set_memory
#endif

// A fact alone may fill this much of the text, so that contexts still find room in front of it.
enum { FACT_SIZE = ERROR_TEXT_SIZE / 4 * 3 };

static const struct {
    const char *name;
    int exit_code;
} statuses[] = {
    [STATUS_OK] = {"ok", 0},
    [STATUS_INVALID] = {"invalid", 2},
    [STATUS_NOT_FOUND] = {"not_found", 2},
    [STATUS_IO] = {"io", 3},
    [STATUS_MEMORY] = {"memory", 3},
    [STATUS_DEVICE] = {"device", 3},
    [STATUS_CANCELLED] = {"cancelled", 130},
    [STATUS_DIVERGED] = {"diverged", 3},
    [STATUS_INTERNAL] = {"internal", 3},
};

// printf, then made safe to show; returns the length. The arguments may point into the error that is being changed:
// all is formatted before anything is written there.
static size_t format_safely(char *out, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static size_t format_safely(char *out, size_t size, const char *format, va_list args)
{
    char raw[ERROR_TEXT_SIZE];
    const int wanted = vsnprintf(raw, sizeof raw, format, args);
    if (wanted < 0) return escape_text(slice_from_cstr(format), out, size);
    return escape_text(slice_from_cstr(raw), out, size);
}

static void set_fact(Error *err, Status status, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void set_fact(Error *err, Status status, const char *format, va_list args)
{
    if (err == NULL) return;
    char fact[FACT_SIZE];
    const size_t len = format_safely(fact, sizeof fact, format, args);
    *err = (Error){.status = status, .n_causes = 1, .cause_len = {len}};
    memcpy(err->text, fact, len + 1);
}

Status error_set(Error *err, Status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_fact(err, status, format, args);
    va_end(args);
    return status;
}

// Counts a link of len bytes that now stands in front; past the last free entry it joins the outermost one.
static void count_cause(Error *err, size_t len)
{
    if (err->n_causes < ERROR_MAX_CAUSES) {
        err->cause_len[err->n_causes++] = len;
    } else {
        err->cause_len[ERROR_MAX_CAUSES - 1] += len + 2;
    }
}

Status error_wrap(Error *err, const char *format, ...)
{
    if (err == NULL) return STATUS_INTERNAL;
    if (err->status == STATUS_OK) err->status = STATUS_INTERNAL;
    const size_t old_len = strlen(err->text);
    const size_t used = old_len + 2 + 1; // ": " and the NUL
    if (used + 4 > sizeof err->text) return err->status;

    char link[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    const size_t len = format_safely(link, sizeof err->text - used + 1, format, args);
    va_end(args);
    memmove(err->text + len + 2, err->text, old_len + 1);
    memcpy(err->text, link, len);
    memcpy(err->text + len, ": ", 2);
    count_cause(err, len);
    return err->status;
}

Status error_wrap_path(Error *err, const char *doing, const char *path)
{
    if (err == NULL || strncmp(err->text, path, strlen(path)) != 0)
        return error_wrap(err, "%s %s", doing, path);
    return err->status;
}

Status error_set_errno(Error *err, const char *format, ...)
{
    const int code = errno;
    const Status status = code == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    if (err == NULL) return status;
    va_list args;
    va_start(args, format);
    char what[FACT_SIZE / 2];
    format_safely(what, sizeof what, format, args);
    va_end(args);
    char words[128];
    return error_set(err, status, "%s: %s", what, strerror_r(code, words, sizeof words));
}

Status error_set_memory(Error *err, size_t count, size_t size, const char *what)
{
    return error_set(err, STATUS_MEMORY, "out of memory: wanted %zu x %zu bytes for %s", count,
                     size, what);
}

int status_exit_code(Status status)
{
    return statuses[status].exit_code;
}

const char *status_name(Status status)
{
    return statuses[status].name;
}
