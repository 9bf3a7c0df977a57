// models/generation/beam.h: the search for the likeliest continuations of one prompt or source, as Transformers defines it; which model
// gives the logits is not its business.
//
//     score of a continuation of n tokens = sum of their log-probabilities / n^length_penalty
//
// Each step takes the best (1 + number of end tokens) * n_beams continuations of all running beams; those that end, among
// the first n_beams of them, may become results, and the first n_beams of the others run on. It is over when every result is
// there (STOP_WHEN_FULL), or when the best running beam could not beat the worst result: with the score it would have at its
// present length (STOP_BY_PRESENT_LENGTH) or, where longer is better, at the longest (STOP_NEVER_EARLY).
// With one beam this is greedy search, the likeliest token each time, or a draw (models/generation/sample.h). A text that comes to a stop
// (models/generation/stops.h) ends as one with an end token does.
//
// With draws the continuations of a step are drawn without replacement, by what each has as its sum so far: those of the
// largest sum + Gumbel noise (Kool, van Hoof & Welling 2019, arXiv:1903.06059). The noise of a token hangs on the seed, the
// step, the beam's place and the token alone.
//
// Source: Transformers' GenerationMixin._beam_search; length penalty: Wu et al. 2016, arXiv:1609.08144, section 7.
#ifndef ASSAY_MODELS_BEAM_H
#define ASSAY_MODELS_BEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "models/generation/sample.h"
#include "models/generation/stops.h"

typedef enum EarlyStopping {
    STOP_BY_PRESENT_LENGTH, // early_stopping=False
    STOP_WHEN_FULL,         // early_stopping=True
    STOP_NEVER_EARLY,       // early_stopping="never"
} EarlyStopping;

enum { BEAM_MAX_BEAMS = 256, BEAM_MAX_ENDS = 16 };
// Of length_penalty, either way: a million tokens to this power are still a number.
enum { BEAM_MOST_PENALTY = 50 };

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
    // Tokens that must come first (behind a prompt of one token alone, as Transformers has it) and, where max_new_tokens are
    // reached, last; -1 = any.
    int32_t forced_first, forced_last;
    const int32_t *suppressed; // tokens that never come
    size_t n_suppressed;
    const int32_t *first_suppressed; // and that do not come first, or behind forced_first
    size_t n_first_suppressed;
    size_t no_repeat_ngram; // no run of so many tokens comes twice; 0 = off
    size_t source_ngram;    // no run of so many tokens of the source (or prompt) comes; 0 = off
    const BadWord *bad_words;
    size_t n_bad_words;
    // With more than one beam temperature, top-k, top-p and min-p change the log-probabilities that are summed, and the
    // repetition penalty (tokens before the first count too) is taken from them, as Transformers has it.
    SampleOptions sample;
    StopTexts stops;
} BeamOptions;

// A place in the tree of all tokens tried.
typedef struct BeamNode {
    int32_t parent; // -1 for the first token
    int32_t token;
} BeamNode;

typedef struct BeamEntry {
    double sum;    // of log-probabilities; for results the score
    double rank;   // what entries are sorted by: the sum, or with draws the sum with its noise
    int32_t node;  // -1 before the first token
    uint32_t from; // running beam that it continues
    bool is_there;
    bool has_ended;    // with an end token, not by its length
    size_t text_bytes; // of the text before a stop; SIZE_MAX where it has not come to one
} BeamEntry;

typedef struct BeamSearch {
    BeamOptions options;
    Arena *arena;
    const int32_t *prompt; // tokens before the first, for no_repeat_ngram and bad words; borrowed
    size_t n_prompt;
    const int32_t
        *source; // for source_ngram: the prompt, where the caller sets nothing else; borrowed
    size_t n_source;
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

typedef struct SearchResult {
    int32_t *ids; // without the token before the first, with the one that ends it
    size_t n_ids;
    double score;
    bool has_ended;    // with an end token, not by its length
    bool has_stopped;  // at a stop string
    size_t text_bytes; // then: bytes of the decoded text before it; else SIZE_MAX
} SearchResult;

bool beam_ends(const BeamOptions *options, int32_t token); // whether it is one of end_ids
// Whether options and the number of results wanted go together.
Status beam_check(const BeamOptions *options, size_t n_results, Error *err) MUST_CHECK;
// Begins with one running beam without tokens. Memory comes from the arena and stays as it is.
Status beam_begin(BeamSearch *search, const BeamOptions *options, const int32_t *prompt,
                  size_t n_prompt, Arena *arena, Error *err) MUST_CHECK;
// logits [n_running] rows of n_tokens numbers, one for each running beam, `stride` apart; they are changed. Afterwards
// running[i].from says which of the old beams beam i goes on from, and running[i].node has its token, unless is_done.
Status beam_advance(BeamSearch *search, Exec *exec, float *logits, size_t stride, size_t n_tokens,
                    Error *err) MUST_CHECK;
// The token that running beam i ends with.
int32_t beam_last_token(const BeamSearch *search, size_t i);
// Result i, best first; its tokens into out->ids [max_new_tokens]. false where there are not so many.
bool beam_result(const BeamSearch *search, size_t i, SearchResult *out);

#endif
