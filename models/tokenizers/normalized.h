// models/tokenizers/normalized.h: a text that normalizers rewrite, and where each of its bytes came from.
//
// The offsets are Hugging Face's, which has rules of its own: a character that replaces one has its range, one that is
// put in has the range of the character before it in the old text, one that is removed leaves nothing. Rewrite is that
// rule as a cursor over the old text, so that each normalizer only says what comes next.
#ifndef ASSAY_MODELS_TOKENIZERS_NORMALIZED_H
#define ASSAY_MODELS_TOKENIZERS_NORMALIZED_H

#include "base/unicode.h"
#include "models/tokenizers/tokenizer.h"

// bytes [len]; byte i comes from [begin[i], end[i]) of the segment it was made from. begin and end are NULL where no
// one asked for them, or where nothing was rewritten: then each character comes from itself.
typedef struct NormalizedText {
    char *bytes;
    size_t len, capacity;
    size_t most; // bytes that it may grow to; 0 = 4 GiB
    uint32_t *begin, *end;
    // What bytes, begin and end own between uses; an unchanged text borrows bytes instead.
    char *own_bytes;
    uint32_t *own_begin, *own_end;
} NormalizedText;

static inline Slice normalized_slice(const NormalizedText *text)
{
    return (Slice){text->len > 0 ? text->bytes : "", text->len};
}

// Refuses a text of n bytes where it may not grow so far.
Status normalized_check_growth(const NormalizedText *text, size_t n, Error *err) MUST_CHECK;
// Makes *text a borrowed copy of segment, each character from itself.
void normalized_borrow(NormalizedText *text, Slice segment);
// Makes *text empty and its own, with room for capacity bytes.
Status normalized_begin(NormalizedText *text, size_t capacity, bool want_origin, Arena *arena,
                        Error *err) MUST_CHECK;
// Room for n_more bytes behind those that are there.
Status normalized_reserve(NormalizedText *text, size_t n_more, bool want_origin, Arena *arena,
                          Error *err) MUST_CHECK;
// Replaces the origins of text, which count in before, by those that before has.
void normalized_compose(NormalizedText *text, const NormalizedText *before);
// The original's range of bytes [from, to) of a normalised text, from < to, plus base.
TokenOffsets normalized_range(const NormalizedText *text, size_t base, size_t from, size_t to);

// The start of the character that byte at lies in, and the end of the one that ends at or after at.
size_t char_begin(Slice text, size_t at);
size_t char_end(Slice text, size_t at);

typedef struct Rewrite {
    Slice in;
    size_t at; // bytes of in that are used up
    NormalizedText *out;
    bool want_origin;
    Arena *arena;
} Rewrite;

// Room for what one call of rewrite_put writes must be there: normalized_reserve(out, 4).
// change 0: c replaces the next character. change < 0: and the -change characters after it. change > 0: c is put in.
Status rewrite_put(Rewrite *w, CodePoint c, long change, Error *err) MUST_CHECK;
// The next len bytes stay as they are.
Status rewrite_keep(Rewrite *w, size_t len, Error *err) MUST_CHECK;
// Bytes of ours with the given range of in.
Status rewrite_bytes(Rewrite *w, Slice bytes, size_t begin, size_t end, Error *err) MUST_CHECK;

#endif
