// harness/suite/prompt.h: what a task says about asking causal models in words. harness/prompt/prompt.h acts on it.
#ifndef ASSAY_HARNESS_SUITE_PROMPT_H
#define ASSAY_HARNESS_SUITE_PROMPT_H

#include "base/json.h"
#include "models/generation/ask.h"

// A stretch of a template: literal text, or where that has no ptr a field (prompt.c).
typedef struct PromptPiece {
    Slice literal;
    size_t field;
} PromptPiece;

typedef struct PromptTemplate {
    Slice text; // as written
    const PromptPiece *pieces;
    size_t n_pieces;
} PromptTemplate;

typedef struct PromptAnswer {
    Slice label, word;
} PromptAnswer;

// How log-likelihoods of options are compared (metrics/multiple_choice.c).
typedef enum PromptNormalize {
    PROMPT_NORMALIZE_NONE,
    PROMPT_NORMALIZE_TOKENS,
    PROMPT_NORMALIZE_BYTES,
    PROMPT_NORMALIZE_UNCONDITIONAL,
} PromptNormalize;

typedef enum PromptOption {
    PROMPT_OPTION_TEXT,
    PROMPT_OPTION_LETTER,
    PROMPT_OPTION_WRITTEN, // nothing is scored: the model writes its answer, which names a choice
} PromptOption;
typedef enum PromptTake { PROMPT_TAKE_FIRST, PROMPT_TAKE_LAST } PromptTake;
typedef enum PromptDraw { PROMPT_DRAW_SEED, PROMPT_DRAW_FIRST } PromptDraw;

typedef struct SuitePrompt {
    bool is_given;
    PromptTemplate text, answer, choice;
    Slice instruction, separator;
    size_t n_shots;
    PromptDraw draw;
    const PromptAnswer *answers; // what classes and types are called
    size_t n_answers;
    PromptOption option; // what is scored of a choice
    PromptNormalize normalize;
    Slice pattern;   // cuts the answer out of what was written; empty = the whole
    PromptTake take; // which match of it counts
    bool is_number;
    const Slice *stops; // where writing ends; has_stops false: at the separator
    size_t n_stops;
    bool has_stops;
    size_t max_new_tokens;
    Slice no_answer; // what is written where a question has none
    CutSide truncate;
    bool is_chat;   // through the model's chat template
    const Json *at; // where it stands, for messages
} SuitePrompt;

// How models that tell entailment are asked about classes that they were not tuned on (harness/zero_shot.h).
typedef struct SuiteZeroShot {
    bool is_given;
    Slice hypothesis; // with {} for the class's word
    const PromptAnswer *answers;
    size_t n_answers;
    const Json *at;
} SuiteZeroShot;

#endif
