// What a running template may take: memory and steps; and what it says where it fails.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "models/chat/jinja_internal.h"

Status jinja_fail(JinjaRun *run, Error *err, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(err, STATUS_INVALID, SLICE_FMT ":%u: %s", SLICE_ARG(run->template->name),
                     run->line, text);
}

Status jinja_alloc(JinjaRun *run, size_t n, size_t size, void *out, Error *err)
{
    size_t n_bytes = 0;
    void *memory = NULL;
    if (!size_mul(n, size, &n_bytes) || n_bytes > JINJA_MAX_MEMORY - run->n_bytes)
        return jinja_fail(run, err, "the template makes more than %d MiB of values",
                          JINJA_MAX_MEMORY >> 20);
    run->n_bytes += n_bytes;
    TRY(arena_take(&run->arena, n + 1, size, "a template's values", &memory, err));
    memcpy(out, &memory, sizeof memory);
    return STATUS_OK;
}

Status jinja_step(JinjaRun *run, Error *err)
{
    if (++run->n_steps <= JINJA_MAX_STEPS) return STATUS_OK;
    return jinja_fail(run, err, "the template takes more than %d steps", JINJA_MAX_STEPS);
}
