// models/generation/search.h: what an encoder-decoder answers to a source: the likeliest targets, by greedy or beam search (models/generation/beam.h).
//
// The encoder runs once for a source, and the keys and values of its output are made once; then the decoder goes token by
// token, for all beams of all sources of a unit together, with the keys of earlier tokens kept. A source's result has the
// same bits whatever else is in the call and on how many threads.
#ifndef ASSAY_MODELS_SEARCH_H
#define ASSAY_MODELS_SEARCH_H

#include "base/json.h"
#include "models/generation/generation_config.h"
#include "models/model.h"

typedef struct SearchRequest {
    TokenSequence source; // targets are not read
    BeamOptions options;
    size_t n_results; // 1 .. n_beams: so many of the best
    // The token before the first; without has_start the model's.
    bool has_start;
    int32_t start_id;
    // A text ends where it has one of these. The model needs its tokenizer for that. None: options.stops.
    const Slice *stops;
    size_t n_stops;
} SearchRequest;

// The source, beams and lengths of a request.
Status search_check(const Model *model, const SearchRequest *request, Error *err) MUST_CHECK;

// results[i] [requests[i].n_results] in the arena, best first; n_found[i] of them are there. A request that search_check
// refuses is named by its index before anything runs. Results with scores that are no numbers are an error.
Status model_search(Model *model, Pool *pool, const SearchRequest *requests, size_t n,
                    const atomic_int *cancel, Arena *arena, SearchResult **results, size_t *n_found,
                    Error *err) MUST_CHECK;

#endif
