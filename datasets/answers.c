#include "datasets/answers.h"

#include <stdbool.h>

const char *answer_unit_name(AnswerUnit unit)
{
    static const char *const names[] = {"code points", "bytes", "UTF-16 units"};
    return names[unit];
}

// How many units the character that begins with this byte has.
static size_t units_of(unsigned char first, AnswerUnit unit)
{
    return unit == ANSWER_UTF16 && first >= 0xF0 ? 2 : 1;
}

size_t answer_place(Slice context, AnswerUnit unit, size_t start)
{
    size_t at = 0;
    if (unit == ANSWER_BYTES) return start <= context.len ? start : SIZE_MAX;
    for (; at < context.len; at++) {
        const unsigned char c = (unsigned char)context.ptr[at];
        if ((c & 0xC0) == 0x80) continue;
        if (start == 0) return at;
        if (start < units_of(c, unit)) return SIZE_MAX;
        start -= units_of(c, unit);
    }
    return start == 0 ? at : SIZE_MAX;
}

bool answer_stands(Slice context, size_t at, Slice answer)
{
    return at <= context.len && slice_starts_with(slice_sub(context, at, context.len), answer);
}

size_t answer_nearest(Slice context, size_t at, Slice answer)
{
    size_t best = SIZE_MAX;
    for (size_t from = 0; from < context.len;) {
        const size_t found = slice_find(slice_sub(context, from, context.len), answer);
        if (found == SIZE_MAX) break;
        const size_t here = from + found, distance = here < at ? at - here : here - at;
        if (best != SIZE_MAX && distance >= (best < at ? at - best : best - at)) break;
        best = here;
        from = here + 1;
    }
    return best;
}
