#include "models/generation/stops.h"

#include "base/buffer.h"
#include "base/size.h"

Status stops_check(const StopTexts *stops, Error *err)
{
    if (stops->n > 0 && !stops->tokenizer)
        return error_set(err, STATUS_INVALID, "stop strings need the model's tokenizer");
    for (size_t i = 0; i < stops->n; i++) {
        if (stops->texts[i].len == 0)
            return error_set(err, STATUS_INVALID, "stop string %zu is empty", i);
    }
    return STATUS_OK;
}

// Whether the first word begins with a blank ("\u2581time") that decoding leaves out at a text's front. What is written goes
// on from a prompt, where the blank stands.
static bool lost_blank(const StopTexts *stops, const int32_t *ids, size_t n, Slice text)
{
    static const Slice mark = SLICE_LIT("\u2581");
    size_t first = 0, n_marks = 0, n_blanks = 0;
    while (first < n && tokenizer_is_special(stops->tokenizer, ids[first])) first++;
    if (first == n) return false;
    Slice token = tokenizer_token(stops->tokenizer, ids[first]);
    for (; slice_starts_with(token, mark); n_marks++) token = slice_sub(token, mark.len, token.len);
    while (n_blanks < text.len && text.ptr[n_blanks] == ' ') n_blanks++;
    return n_blanks < n_marks && !slice_starts_with(text, mark);
}

// A stop that is a special token's name: it ends a text that is told without special tokens.
static Status find_special(const StopTexts *stops, const int32_t *ids, size_t n, size_t *at,
                           Error *err)
{
    for (size_t t = 0; t < n; t++) {
        if (!tokenizer_is_special(stops->tokenizer, ids[t])) continue;
        for (size_t i = 0; i < stops->n; i++) {
            if (!slice_eq(tokenizer_token(stops->tokenizer, ids[t]), stops->texts[i])) continue;
            Buffer before = {0};
            const Status s = tokenizer_decode(stops->tokenizer, ids, t, true, &before, err);
            *at = size_min(*at, before.len);
            buffer_release(&before);
            return s;
        }
    }
    return STATUS_OK;
}

Status stops_find(const StopTexts *stops, const int32_t *ids, size_t n, size_t *at, Error *err)
{
    Buffer text = {0};
    *at = SIZE_MAX;
    if (stops->n == 0) return STATUS_OK;
    Status s = tokenizer_decode(stops->tokenizer, ids, n, true, &text, err);
    const bool has_blank = s == STATUS_OK && lost_blank(stops, ids, n, buffer_slice(&text));
    for (size_t i = 0; s == STATUS_OK && i < stops->n; i++) {
        const Slice stop = stops->texts[i];
        *at = size_min(*at, slice_find(buffer_slice(&text), stop));
        if (has_blank && stop.ptr[0] == ' ' &&
            slice_starts_with(buffer_slice(&text), slice_sub(stop, 1, stop.len)))
            *at = 0;
    }
    buffer_release(&text);
    return s == STATUS_OK ? find_special(stops, ids, n, at, err) : s;
}
