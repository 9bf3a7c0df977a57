// models/generation/ask.h: texts put to a causal language model: what is likely to follow them, and what it writes after them.
//
// A prompt is encoded open: with the special tokens that the tokenizer puts before a text, without those behind it. Context
// and continuation are encoded as one text, so that a token may reach over the border of words; blanks at the context's end
// go to the continuation, and the context's own tokens say how many belong to it (lm-evaluation-harness does the same). An
// empty context is the token that begins texts, or where the model has none the one that ends them.
//
// What is longer than the model's window is refused or cut, as the caller says, and how much was cut comes back. Everything
// is checked before anything runs. Requests of one call share what they begin with (models/generation/generate.h).
#ifndef ASSAY_MODELS_ASK_H
#define ASSAY_MODELS_ASK_H

#include "models/generation/generate.h"

typedef enum CutSide {
    CUT_REFUSE, // an error says how long it is and what there is room for
    CUT_LEFT,   // the beginning goes; special tokens before the text stay
    CUT_RIGHT,  // the end of the context or prompt goes
    N_CUT_SIDES,
} CutSide;
const char *cut_side_name(CutSide side);       // "refuse", "left", "right"
bool cut_side_parse(Slice name, CutSide *out); // false where it is none

// Token ids of a prompt or context; the first n_fixed of them are special tokens before it.
typedef struct AskIds {
    int32_t *ids;
    size_t n, n_fixed;
} AskIds;

Status ask_encode(const Model *model, Slice text, Arena *arena, AskIds *out, Error *err) MUST_CHECK;
// The one token that stands for an empty context.
Status ask_encode_empty(const Model *model, Arena *arena, AskIds *out, Error *err) MUST_CHECK;
// Of both texts together; where the continuation adds no token to the context's, it begins where their tokens part.
Status ask_encode_pair(const Model *model, Slice context, Slice continuation, Arena *arena,
                       AskIds *context_ids, AskIds *continuation_ids, Error *err) MUST_CHECK;
// What is learnt in tuning on texts: prompt and continuation as one text, and the token that ends texts where there is one.
// The first *n_prompt tokens are the prompt's.
Status ask_encode_example(const Tokenizer *tokenizer, Slice prompt, Slice continuation,
                          Arena *arena, AskIds *out, size_t *n_prompt, Error *err) MUST_CHECK;
// Cuts ids in place to at most `room` tokens (at least 1); *n_cut of them went.
Status ask_fit(CutSide side, const char *what, size_t room, AskIds *ids, size_t *n_cut,
               Error *err) MUST_CHECK;
// The context so that the continuation has room behind it.
Status ask_fit_pair(const Model *model, CutSide side, AskIds *context, size_t n_continuation,
                    size_t *n_cut, Error *err) MUST_CHECK;
// The prompt so that n_new tokens have room behind it. With CUT_REFUSE only the prompt itself must fit.
Status ask_fit_prompt(const Model *model, CutSide side, AskIds *prompt, size_t n_new, size_t *n_cut,
                      Error *err) MUST_CHECK;

// ---- whole calls ----

// How likely a text is after another. To score the options of a question, make one request of each: the question's tokens
// go through the model once.
typedef struct AskLoglik {
    Slice context, continuation; // as they stand: blanks between them belong to one of them
    bool
        is_chat; // the context is a conversation of chat_render: special tokens stand in it, and none is put before it
} AskLoglik;

typedef struct AskedLoglik {
    double loglik;
    size_t n_tokens; // of the continuation
    bool is_greedy;
    size_t n_cut; // tokens of the context that were cut away
} AskedLoglik;

// results [n]. An error names the request by its index, from 0. stats may be NULL.
Status model_ask_loglik(Model *model, Pool *pool, const AskLoglik *requests, size_t n, CutSide side,
                        const atomic_int *cancel, AskedLoglik *results, GenerateStats *stats,
                        Error *err) MUST_CHECK;

typedef struct AskText {
    Slice prompt;
    size_t max_new_tokens; // at least 1
    SampleOptions sample;
    const Slice *stops;
    size_t n_stops;
    bool is_chat; // as in AskLoglik
} AskText;

typedef struct AskedText {
    Slice text; // what was written, up to the stop string; in the arena
    size_t n_tokens;
    FinishReason finish;
    size_t n_cut;
} AskedText;

Status model_ask_text(Model *model, Pool *pool, const AskText *requests, size_t n, CutSide side,
                      const atomic_int *cancel, Arena *arena, AskedText *results,
                      GenerateStats *stats, Error *err) MUST_CHECK;

#endif
