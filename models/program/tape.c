#include "models/program/tape_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t value_cols(Value value)
{
    return value.end - value.begin;
}

Tape tape_begin(Arena *arena, Layout weight_layout)
{
    return (Tape){.arena = arena, .weight_layout = weight_layout};
}

void tape_fail(Tape *tape, Status status, const char *what)
{
    if (tape->status != STATUS_OK) return;
    tape->status = status == STATUS_MEMORY
                       ? error_set_memory(&tape->error, 1, 1, what)
                       : error_set(&tape->error, status, "recording the model: %s", what);
}

Status tape_finish(Tape *tape, Error *err)
{
    if (!tape->has_output) tape_fail(tape, STATUS_INTERNAL, "it has no output");
    if (tape->status != STATUS_OK && err) *err = tape->error;
    return tape->status;
}

void *tape_append(Tape *tape, void *list, size_t *count, size_t *capacity, size_t size)
{
    if (tape->status != STATUS_OK) return NULL;
    tape->status = arena_make_room(tape->arena, *count, capacity, size, "a model's program", list,
                                   &tape->error);
    if (tape->status != STATUS_OK) return NULL;
    char *items;
    memcpy(&items, list, sizeof items);
    return items + (*count)++ * size;
}

void tape_prefix(Tape *tape, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(tape->prefix, sizeof tape->prefix, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof tape->prefix)
        tape_fail(tape, STATUS_INTERNAL, "a prefix is too long");
}

void tape_group(Tape *tape, size_t group)
{
    tape->group = group;
}

void tape_hidden(Tape *tape, Value x)
{
    Value *place =
        tape_append(tape, &tape->hidden, &tape->n_hidden, &tape->hidden_capacity, sizeof x);
    if (place) *place = x;
}

void tape_output(Tape *tape, Value x)
{
    if (tape->has_output) tape_fail(tape, STATUS_INTERNAL, "it has two outputs");
    tape->output = x;
    tape->has_output = true;
}
