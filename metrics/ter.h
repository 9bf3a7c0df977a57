// metrics/ter.h: tokens and edits of the translation edit rate, as sacreBLEU 2.6.0 (after Tercom).
#ifndef ASSAY_METRICS_TER_H
#define ASSAY_METRICS_TER_H

#include "metrics/tokens.h"

typedef struct TercomOptions {
    bool is_normalized; // entities and punctuation as in Tercom's Normalizer
    bool has_no_punct;  // punctuation is left out
    bool has_asian;     // the two above for Chinese, Japanese and Korean too
    bool is_cased;      // else lower-cased
} TercomOptions;

// Refuses text that is not UTF-8, naming the byte. Memory comes from the arena.
Status tercom_tokens(const TercomOptions *options, Slice text, Arena *arena, Tokens *out,
                     Error *err) MUST_CHECK;

// Shifts of runs of words, put in, taken out and replaced words that turn the hypothesis into the reference, found by
// Tercom's greedy search. Works in scratch, which the caller rewinds.
Status ter_edits(const Tokens *hypothesis, const Tokens *reference, Arena *scratch, size_t *out,
                 Error *err) MUST_CHECK;

#endif
