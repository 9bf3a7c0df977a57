// models/generation/search_internal.h: sources that go through an encoder-decoder together; for the search*.c files only.
#ifndef ASSAY_MODELS_GENERATION_SEARCH_INTERNAL_H
#define ASSAY_MODELS_GENERATION_SEARCH_INTERNAL_H

#include "models/generation/search.h"
#include "models/model_internal.h"

// What one attention of the decoder reads and writes.
typedef struct SearchKept {
    size_t cols;
    bool is_of_source;
    float *source_keys, *source_values; // [tokens of the group, cols]
    float **step_keys, **step_values;   // [steps] of [rows of that step, cols]
    size_t *step_rows;                  // [steps]
} SearchKept;

// Sources that go through the decoder together.
typedef struct SearchGroup {
    Model *model;
    Worker *worker;
    const Program *source_program, *target_program;
    const SearchRequest *const *requests;
    size_t n;
    const ProgramHelp *help; // NULL: of its thread alone
    const atomic_int *cancel;
    Arena *arena;     // the worker's
    Arena step_arena; // what one step needs
    ArenaMark step_mark;
    BeamSearch *searches;
    int32_t *source_offsets; // [n + 1]
    SearchKept *kept;        // [n_attentions of the target program]
    // Of the running step. A row is a running beam of a source.
    size_t n_rows, n_steps, most_steps;
    size_t *source_of, *beam_of; // [n_rows]
    int32_t **rows;              // [n_rows] its row in each step so far
    int32_t *row_offsets;        // [n_rows + 1] each row a sequence
    AttentionPages *pages;
    Unit unit;
} SearchGroup;

// What ends a request's texts, and the token before its first.
StopTexts search_stops(const Model *model, const SearchRequest *request);
const int32_t *search_start(const Model *model, const SearchRequest *request);

// Searches to the end: results are in group->searches.
Status search_group_run(SearchGroup *group, Error *err) MUST_CHECK;

// ---- keys and values (search_keys.c) ----

// Room in the worker's arena for those of the sources and of texts of usual length, and for the longest step.
Status search_reserve_keys(SearchGroup *group, Error *err) MUST_CHECK;
Status search_reserve_step(SearchGroup *group, Error *err) MUST_CHECK;
// Keeps what the encoder's pass left for each cross-attention.
Status search_keep_source(SearchGroup *group, const ProgramRun *run, Error *err) MUST_CHECK;
// Where attention `index` of the running step finds keys and values; in the step's arena.
Status search_pages(SearchGroup *group, size_t index, AttentionPages *pages, Error *err) MUST_CHECK;

// Beams of a group, where so many are to be searched in all.
size_t search_group_rows(const Model *model, size_t n_beams, size_t n_threads);

#endif
