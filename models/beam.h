// models/beam.h: the search for the likeliest continuations of one prompt or source, as Transformers defines it; which model
// gives the logits is not its business.
//
//     score of a continuation of n tokens = sum of their log-probabilities / n^length_penalty
//
// Each step takes the best (1 + number of end tokens) * n_beams continuations of all running beams; those that end, among
// the first n_beams of them, may become results, and the first n_beams of the others run on. It is over when every result is
// there (STOP_WHEN_FULL), or when the best running beam could not beat the worst result: with the score it would have at its
// present length (STOP_BY_PRESENT_LENGTH) or, where longer is better, at the longest (STOP_NEVER_EARLY).
// With one beam this is greedy search, the likeliest token each time, or a draw (models/sample.h).
//
// Source: Transformers' GenerationMixin._beam_search; length penalty: Wu et al. 2016, arXiv:1609.08144, section 7.
#ifndef ASSAY_MODELS_BEAM_H
#define ASSAY_MODELS_BEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "models/sample.h"

typedef enum EarlyStopping {
    STOP_BY_PRESENT_LENGTH, // early_stopping=False
    STOP_WHEN_FULL,         // early_stopping=True
    STOP_NEVER_EARLY,       // early_stopping="never"
} EarlyStopping;

enum { BEAM_MAX_BEAMS = 256, BEAM_MAX_ENDS = 16 };

// A sequence of tokens that must not come about.
typedef struct BadWord {
    const int32_t *ids;
    size_t n;
} BadWord;

typedef struct BeamOptions {
    size_t n_beams;        // 1 .. BEAM_MAX_BEAMS
    size_t max_new_tokens; // at least 1
    size_t min_new_tokens; // no end token before
    double length_penalty;
    EarlyStopping early_stopping;
    int32_t end_ids[BEAM_MAX_ENDS];
    size_t n_ends;
    // Tokens that must come first and, where max_new_tokens are reached, last; -1 = any.
    int32_t forced_first, forced_last;
    size_t no_repeat_ngram; // no run of so many tokens comes twice; 0 = off
    const BadWord *bad_words;
    size_t n_bad_words;
    // Draws are for one beam. The repetition penalty (tokens before the first count too) is taken with more beams as well:
    // from log-probabilities then, as Transformers takes it.
    SampleOptions sample;
} BeamOptions;

// A place in the tree of all tokens tried.
typedef struct BeamNode {
    int32_t parent; // -1 for the first token
    int32_t token;
} BeamNode;

typedef struct BeamEntry {
    double sum;    // of log-probabilities; for results the score
    int32_t node;  // -1 before the first token
    uint32_t from; // running beam that it continues
    bool is_there;
    bool has_ended; // with an end token, not by its length
} BeamEntry;

typedef struct BeamSearch {
    BeamOptions options;
    Arena *arena;
    const int32_t *prompt; // tokens before the first, for no_repeat_ngram and bad words; borrowed
    size_t n_prompt;
    BeamNode *nodes;
    size_t n_nodes, nodes_capacity;
    BeamEntry *running; // [n_running] best first; from says which old beam each continues
    size_t n_running;
    BeamEntry *results; // [n_beams] best first
    BeamEntry *candidates, *spare;
    int32_t *history; // [n_prompt + max_new_tokens] scratch
    size_t n_steps;   // tokens of a running beam
    bool can_improve; // Transformers' is_early_stop_heuristic_unsatisfied
    bool is_done;
} BeamSearch;

// Whether beams, draws and the number of results wanted go together.
Status beam_check(const BeamOptions *options, size_t n_results, size_t n_stops,
                  Error *err) MUST_CHECK;
// Begins with one running beam without tokens. Memory comes from the arena and stays as it is.
Status beam_begin(BeamSearch *search, const BeamOptions *options, const int32_t *prompt,
                  size_t n_prompt, Arena *arena, Error *err) MUST_CHECK;
// logits [n_running] rows of n_tokens numbers, one for each running beam, `stride` apart; they are changed. Afterwards
// running[i].from says which of the old beams beam i goes on from, and running[i].node has its token, unless is_done.
Status beam_advance(BeamSearch *search, Exec *exec, float *logits, size_t stride, size_t n_tokens,
                    Error *err) MUST_CHECK;
// Ends a search with one beam where it is: what it has so far is the result.
void beam_stop(BeamSearch *search);
// The token that running beam i ends with.
int32_t beam_last_token(const BeamSearch *search, size_t i);
// The tokens so far of a search with one beam, into ids [n_steps]; their number.
size_t beam_tokens(const BeamSearch *search, int32_t *ids);
// Result i, best first: its tokens, the end token included, into ids [max_new_tokens]. false where there are not so many.
bool beam_result(const BeamSearch *search, size_t i, int32_t *ids, size_t *n, double *score,
                 bool *has_ended);

#endif
