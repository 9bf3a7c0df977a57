// metrics/text_params.h: the two options that metrics of plain words share: "tokenize" and "lowercase".
#ifndef ASSAY_METRICS_TEXT_PARAMS_H
#define ASSAY_METRICS_TEXT_PARAMS_H

#include "metrics/metric.h"
#include "metrics/tokens.h"

typedef struct TextParams {
    TokenizerKind kind;
    bool is_lowercased;
} TextParams;

// Fills *out, which holds the defaults, from params (may be NULL).
Status text_params_read(const Json *params, TextParams *out, Error *err) MUST_CHECK;
// The words of a text; errors name it as `what`.
Status text_params_words(const TextParams *params, Slice text, const char *what, Arena *arena,
                         Tokens *out, Error *err) MUST_CHECK;
// "|case:lc|tok:13a", in the arena.
Status text_params_signature(const TextParams *params, Arena *arena, Slice *out,
                             Error *err) MUST_CHECK;

#endif
