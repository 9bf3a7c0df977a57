#include "models/tokenizers/normalized.h"

#include <string.h>

#include "base/size.h"

static bool continues(Slice text, size_t at)
{
    return at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80;
}

size_t char_begin(Slice text, size_t at)
{
    while (at > 0 && continues(text, at)) at--;
    return at;
}

size_t char_end(Slice text, size_t at)
{
    while (continues(text, at)) at++;
    return at;
}

void normalized_borrow(NormalizedText *text, Slice segment)
{
    memcpy(&text->bytes, &segment.ptr, sizeof segment.ptr); // never written through: begin is NULL
    text->len = segment.len;
    text->begin = text->end = NULL;
}

Status normalized_check_growth(const NormalizedText *text, size_t n, Error *err)
{
    const size_t most = text->most > 0 ? text->most : UINT32_MAX;
    if (n <= most) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "the tokenizer's normalizer makes more than %zu bytes of the text: one that "
                     "lengthens texts so much is broken",
                     most);
}

Status normalized_reserve(NormalizedText *text, size_t n_more, bool want_origin, Arena *arena,
                          Error *err)
{
    size_t wanted = 0;
    if (!size_add(text->len, n_more, &wanted) || wanted > UINT32_MAX)
        return error_set(err, STATUS_INVALID, "a normalised text would be longer than 4 GiB");
    // Room may be asked for that is not used in the end; half of it always is (normalizer_apply looks at the length itself).
    TRY(normalized_check_growth(text, wanted / 2, err));
    if (wanted <= text->capacity && (!want_origin || text->own_begin != NULL)) return STATUS_OK;
    const NormalizedText old = *text;
    const size_t capacity = size_max(size_max(wanted, 64), 2 * text->capacity);
    TRY(arena_take(arena, capacity, 1, "normalised text", &text->own_bytes, err));
    if (old.len > 0) memcpy(text->own_bytes, old.bytes, old.len);
    text->bytes = text->own_bytes;
    if (want_origin) {
        TRY(arena_take(arena, capacity, sizeof *text->begin, "offsets of normalised text",
                       &text->own_begin, err));
        TRY(arena_take(arena, capacity, sizeof *text->end, "offsets of normalised text",
                       &text->own_end, err));
        if (old.len > 0 && old.begin != NULL) {
            memcpy(text->own_begin, old.begin, old.len * sizeof *old.begin);
            memcpy(text->own_end, old.end, old.len * sizeof *old.end);
        }
        text->begin = text->own_begin;
        text->end = text->own_end;
    }
    text->capacity = capacity;
    return STATUS_OK;
}

Status normalized_begin(NormalizedText *text, size_t capacity, bool want_origin, Arena *arena,
                        Error *err)
{
    text->len = 0;
    text->bytes = text->own_bytes;
    text->begin = want_origin ? text->own_begin : NULL;
    text->end = want_origin ? text->own_end : NULL;
    return normalized_reserve(text, capacity, want_origin, arena, err);
}

void normalized_compose(NormalizedText *text, const NormalizedText *before)
{
    if (text->begin == NULL || before->begin == NULL) return;
    for (size_t i = 0; i < text->len; i++) {
        const uint32_t begin = text->begin[i], end = text->end[i];
        if (begin == end) continue; // put in at the very front: stays at 0
        text->begin[i] = before->begin[begin];
        text->end[i] = before->end[end - 1];
    }
}

TokenOffsets normalized_range(const NormalizedText *text, size_t base, size_t from, size_t to)
{
    if (text->begin != NULL)
        return (TokenOffsets){base + text->begin[from], base + text->end[to - 1]};
    const Slice bytes = {text->bytes, text->len};
    return (TokenOffsets){base + char_begin(bytes, from), base + char_end(bytes, to)};
}

Status rewrite_bytes(Rewrite *w, Slice bytes, size_t begin, size_t end, Error *err)
{
    NormalizedText *out = w->out;
    if (out->len + bytes.len > out->capacity)
        TRY(normalized_reserve(out, bytes.len, w->want_origin, w->arena, err));
    for (size_t i = 0; i < bytes.len; i++) {
        out->bytes[out->len] = bytes.ptr[i];
        if (w->want_origin) {
            out->begin[out->len] = (uint32_t)begin;
            out->end[out->len] = (uint32_t)end;
        }
        out->len++;
    }
    return STATUS_OK;
}

// Takes one character of in as used up. Returns its length; 0 at the end.
static size_t use_char(Rewrite *w)
{
    const size_t begin = w->at;
    if (begin < w->in.len) w->at = char_end(w->in, begin + 1);
    return w->at - begin;
}

Status rewrite_put(Rewrite *w, CodePoint c, long change, Error *err)
{
    char utf8[4];
    const size_t len = utf8_encode(c, utf8);
    size_t begin = w->at, end = w->at;
    if (change > 0) {
        begin = begin > 0 ? char_begin(w->in, begin - 1) : 0;
    } else {
        end += use_char(w);
        if (begin == w->in.len && begin > 0) begin = char_begin(w->in, begin - 1); // nothing left
        for (long i = change; i < 0; i++) use_char(w);
    }
    return rewrite_bytes(w, (Slice){utf8, len}, begin, end, err);
}

Status rewrite_keep(Rewrite *w, size_t len, Error *err)
{
    NormalizedText *out = w->out;
    if (out->len + len > out->capacity)
        TRY(normalized_reserve(out, len, w->want_origin, w->arena, err));
    if (len > 0) memcpy(out->bytes + out->len, w->in.ptr + w->at, len);
    for (size_t i = 0; w->want_origin && i < len;) {
        const size_t begin = w->at + i;
        size_t n = 1;
        while (i + n < len && continues(w->in, begin + n)) n++;
        for (size_t k = 0; k < n; k++, i++) {
            out->begin[out->len + i] = (uint32_t)begin;
            out->end[out->len + i] = (uint32_t)(begin + n);
        }
    }
    out->len += len;
    w->at += len;
    return STATUS_OK;
}
