// metrics/char_ngrams.h: clipped matches of character n-grams, several times faster than ngrams.h: a character of the
// hypothesis is one byte, and an n-gram of up to six is one machine word.
#ifndef ASSAY_METRICS_CHAR_NGRAMS_H
#define ASSAY_METRICS_CHAR_NGRAMS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum { CHAR_NGRAMS_MAX_ORDER = 6 };

// Numbers of the hypothesis's characters, from 1; what it does not have is 0.
typedef struct CharNumbers {
    unsigned char ascii[128];
    int32_t points[256]; // other code points by number; 0 = free
    unsigned char
        *slots; // [N] open addressing by code point: number, 0 = free; NULL before the first
    size_t n;
} CharNumbers;

typedef struct CharText {
    unsigned char *numbers; // [n], and eight zeros behind them
    size_t n;
} CharText;

// Numbers the characters of valid UTF-8, Python's white space left out unless has_space. is_added: new characters get
// numbers (the hypothesis). *fits is false where there are more than 255 of them: then use ngrams.h.
Status char_text(CharNumbers *numbers, Slice text, bool has_space, bool is_added, Arena *arena,
                 CharText *out, bool *fits, Error *err) MUST_CHECK;
// matches [max_order], as ngram_matches with one reference; max_order at most CHAR_NGRAMS_MAX_ORDER. The reference was
// numbered after the hypothesis; n_numbers is CharNumbers.n.
Status char_ngram_matches(const CharText *hypothesis, const CharText *reference, size_t n_numbers,
                          size_t max_order, Arena *scratch, double *matches, Error *err) MUST_CHECK;

#endif
