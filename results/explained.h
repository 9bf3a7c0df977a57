// results/explained.h: what an answer hangs on, as it is stored with it, and as words of its text.
//
//     {"method": "integrated-gradients", "steps": 32, "answers": [{"about": "positive", "score": 1.25, "baseline": 0.5,
//      "completeness_error": 1e-05, "tokens": [[0, 2, 6, 0.5], ..]}]}
//
// A token is [field, begin, end, attribution]: bytes of the sample's input (field 0) or pair (1), in the order of the model's
// input. `baseline` and `completeness_error` are null where the method has none.
#ifndef ASSAY_RESULTS_EXPLAINED_H
#define ASSAY_RESULTS_EXPLAINED_H

#include "base/arena.h"
#include "base/error.h"

typedef struct ExplainedWord {
    int field;
    size_t begin, end;  // bytes
    double attribution; // sum over its tokens
} ExplainedWord;

typedef struct ExplainedAnswer {
    Slice about;
    double score, baseline, completeness_error;
    ExplainedWord *words; // by field and begin
    size_t n_words;
    double largest; // of the attributions' magnitudes
} ExplainedAnswer;

typedef struct Explained {
    Slice method;
    uint64_t n_steps;
    ExplainedAnswer *answers;
    size_t n_answers;
} Explained;

// Tokens that touch and are letters or digits at the seam are one word. Everything in the arena. STATUS_INVALID for what
// does not fit the texts.
Status explained_parse(Slice json, Slice input, Slice pair, Arena *arena, Explained *out,
                       Error *err) MUST_CHECK;
// The n words with the largest attributions, the largest first; fewer where there are not so many. order [n].
size_t explained_strongest(const ExplainedAnswer *answer, size_t n, size_t *order);

#endif
