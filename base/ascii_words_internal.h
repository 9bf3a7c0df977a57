// base/ascii_words_internal.h: the ways of ascii_words, for it and for its test.
#ifndef ASSAY_BASE_ASCII_WORDS_INTERNAL_H
#define ASSAY_BASE_ASCII_WORDS_INTERNAL_H

#include "base/ascii_words.h"

// A way, and whether this machine can go it.
typedef struct AsciiWordsWay {
    const char *name;
    size_t (*words)(Slice text, char *lower, Slice *words, bool *is_ascii);
    bool (*can_run)(void);
} AsciiWordsWay;

// The plainest, which the others equal, comes last and can always run; the fastest comes first.
extern const AsciiWordsWay ascii_words_ways[];
extern const size_t ascii_words_ways_count;

#endif
