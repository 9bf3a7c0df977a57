// models/generation/generate.h: what a causal language model says: log-likelihoods of continuations, and text that goes on from prompts.
//
// All requests of a call make one queue. What several of them begin with is computed once (models/generation/prefix_tree.h), keys and
// values are cached in pages (models/generation/cache.h), and the queue is worked on in rounds: sequences that are still reading their
// prompt and those that are already writing share a round, and where one ends the next request takes its place. Logits are
// computed for the tokens alone that someone reads. A request's result has the same bits whatever else is in the call, in what
// order, and on how many threads.
#ifndef ASSAY_MODELS_GENERATE_H
#define ASSAY_MODELS_GENERATE_H

#include "models/generation/sample.h"
#include "models/generation/search.h"
#include "models/model.h"

// What a call cost: for whoever checks that nothing is computed twice.
typedef struct GenerateStats {
    uint64_t n_tokens; // that went through the model's products
    uint64_t n_rounds;
    size_t cache_bytes; // most that keys and values took
    int64_t prompt_wall_ns,
        prompt_cpu_ns; // until all inputs were read and the first token was written behind the last of them
} GenerateStats;

typedef struct LoglikRequest {
    const int32_t *context; // at least one token: something must come before what is scored
    size_t n_context;
    const int32_t *continuation;
    size_t n_continuation; // at least 1
} LoglikRequest;

typedef struct LoglikResult {
    double loglik;          // sum of the below
    double *token_logprobs; // [n_continuation] log p(token | all before it)
    bool is_greedy;         // every token of the continuation had the highest logit
} LoglikResult;

// results [n], what they point to in the arena. A request that is empty, longer than the model's context, or has an id
// outside the vocabulary is refused by its index before anything runs. stats may be NULL.
Status model_loglik(Model *model, Pool *pool, const LoglikRequest *requests, size_t n,
                    const atomic_int *cancel, Arena *arena, LoglikResult *results,
                    GenerateStats *stats, Error *err) MUST_CHECK;
// The check alone, of one request.
Status model_check_loglik(const Model *model, const LoglikRequest *request, Error *err) MUST_CHECK;

typedef struct GenerateRequest {
    const int32_t *prompt;
    size_t n_prompt;       // at least 1
    size_t max_new_tokens; // 0 = as many as the context has room for
    SampleOptions sample;
    const Slice *
        stops; // generation ends where its text has one of these; the model needs its tokenizer for that
    size_t n_stops;
    bool ignores_eos;
    // A search with beams, or with its rules for one (models/generation/beam.h); `sample` is then not read. Its lengths and end tokens are
    // those of the request and the model. NULL: without.
    const BeamOptions *beams;
    size_t n_results; // with beams: so many of the best
} GenerateRequest;

typedef enum FinishReason {
    FINISH_LENGTH, // max_new_tokens, or the end of the model's context
    FINISH_EOS,    // a token that ends texts (ModelConfig.eos_ids), which is the last of ids
    FINISH_STOP,   // a stop string, found in the text of ids and possibly begun in an earlier token
} FinishReason;
const char *finish_reason_name(FinishReason reason); // "length", "eos", "stop"

typedef struct GenerateResult {
    int32_t *ids; // [n_ids] the new ones
    size_t n_ids;
    double *logprobs; // [n_ids] under the model itself, whatever the sampling; NULL with beams
    FinishReason finish;
    size_t
        text_bytes; // FINISH_STOP: bytes of the decoded text before the stop string; else SIZE_MAX
    SearchResult *found; // [n_found] with beams, best first; none where every token is forbidden
    size_t n_found;
} GenerateResult;

Status model_generate(Model *model, Pool *pool, const GenerateRequest *requests, size_t n,
                      const atomic_int *cancel, Arena *arena, GenerateResult *results,
                      GenerateStats *stats, Error *err) MUST_CHECK;
Status model_check_generate(const Model *model, const GenerateRequest *request,
                            Error *err) MUST_CHECK;

#endif
