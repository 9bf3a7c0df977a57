#include "models/generation/search.h"

#include <string.h>

#include "base/size.h"
#include "kernels/attention.h"
#include "models/model_internal.h"

// Rows of a decoder's step: enough for its products, few enough for the keys that are kept.
enum { GROUP_ROWS = 64 };

// What one attention of the decoder reads and writes.
typedef struct Kept {
    size_t cols;
    bool is_of_source;
    float *source_keys, *source_values; // [tokens of the group, cols]
    float **step_keys, **step_values;   // [steps] of [rows of that step, cols]
    size_t *step_rows;                  // [steps]
} Kept;

// Sources that go through the decoder together.
typedef struct Group {
    Model *model;
    Worker *worker;
    const Program *source_program, *target_program;
    const SearchRequest *const *requests;
    size_t n;
    const atomic_int *cancel;
    Arena *arena;     // the worker's
    Arena step_arena; // what one step needs
    ArenaMark step_mark;
    BeamSearch *searches;
    int32_t *source_offsets; // [n + 1]
    Kept *kept;              // [n_attentions of the target program]
    // Of the running step. A row is a running beam of a source.
    size_t n_rows, n_steps, most_steps;
    size_t *source_of, *beam_of; // [n_rows]
    int32_t **rows;              // [n_rows] its row in each step so far
    int32_t *row_offsets;        // [n_rows + 1] each row a sequence
    AttentionPages *pages;
    Unit unit;
} Group;

static bool is_cancelled(const Group *g)
{
    return g->cancel && atomic_load_explicit(g->cancel, memory_order_relaxed);
}

// ---- the encoder ----

static Status copy_columns(Arena *arena, const Tensor *from, float **out, Error *err)
{
    TRY(arena_take_raw(arena, from->rows * from->cols, sizeof **out, "keys of a source", out, err));
    for (size_t i = 0; i < from->rows; i++) {
        memcpy(*out + i * from->cols, (const float *)from->data + i * from->row_stride,
               from->cols * sizeof **out);
    }
    return STATUS_OK;
}

// The same of keys, in the order in which the attention reads them.
static Status copy_keys(Arena *arena, const Tensor *from, const ProgramAttention *attention,
                        float **out, Error *err)
{
    if (!attention->by_column) return copy_columns(arena, from, out, err);
    TRY(arena_take_raw(arena, from->rows * from->cols, sizeof **out, "keys of a source", out, err));
    for (size_t i = 0; i < from->rows; i++)
        attention_order_columns(attention->n_heads, from->cols / attention->n_heads,
                                (const float *)from->data + i * from->row_stride,
                                *out + i * from->cols);
    return STATUS_OK;
}

static Status encode(Group *g, Error *err)
{
    const TokenSequence **inputs = NULL;
    TokenSequence *sources = NULL;
    ProgramRun run = {.program = g->source_program,
                      .exec = g->worker->exec,
                      .memory = &g->worker->source_memory,
                      .weights = g->model->weights};
    TRY(arena_take(g->arena, g->n, sizeof *inputs, "sources", &inputs, err));
    TRY(arena_take(g->arena, g->n, sizeof *sources, "sources", &sources, err));
    TRY(arena_take(g->arena, g->n + 1, sizeof *g->source_offsets, "sources", &g->source_offsets,
                   err));
    for (size_t i = 0; i < g->n; i++) {
        sources[i] = g->requests[i]->source;
        sources[i].n_targets = 0;
        inputs[i] = &sources[i];
    }
    TRY(worker_gather(g->worker, &g->model->config, inputs, g->n, &run.unit, err));
    TRY(program_bind(&run, err));
    TRY(program_forward(&run, err));
    memcpy(g->source_offsets, run.unit.offsets, (g->n + 1) * sizeof *g->source_offsets);
    for (size_t a = 0; a < g->target_program->n_attentions; a++) {
        Kept *kept = &g->kept[a];
        if (!kept->is_of_source) continue;
        const Tensor keys = program_source_keys(&run, a, false),
                     values = program_source_keys(&run, a, true);
        TRY(copy_keys(g->arena, &keys, &g->target_program->attentions[a], &kept->source_keys, err));
        TRY(copy_columns(g->arena, &values, &kept->source_values, err));
    }
    return STATUS_OK;
}

// ---- a step of the decoder ----

static Status take_pages(Group *g, size_t n, const float *const **out, Error *err)
{
    return arena_take_raw(&g->step_arena, n, sizeof **out, "pages", out, err);
}

// Keys and values of a step, or of the sources, are two pieces of so many rows.
static void add_pieces(FetchPiece *pieces, const Kept *kept, const float *keys, const float *values,
                       size_t n_rows)
{
    pieces[0] = (FetchPiece){keys, n_rows * kept->cols};
    pieces[1] = (FetchPiece){values, n_rows * kept->cols};
}

// All rows of a source see its keys, which lie in one piece.
static Status source_pages(Group *g, const Kept *kept, AttentionPages *pages, Error *err)
{
    const float **keys = NULL, **values = NULL;
    int32_t *offsets = NULL, *queries = NULL;
    FetchPiece *pieces = NULL;
    size_t n = 0;
    TRY(arena_take(&g->step_arena, 2, sizeof *pieces, "pages", &pieces, err));
    add_pieces(pieces, kept, kept->source_keys, kept->source_values,
               (size_t)g->source_offsets[g->n]);
    TRY(take_pages(g, g->n, (const float *const **)&keys, err));
    TRY(take_pages(g, g->n, (const float *const **)&values, err));
    TRY(arena_take(&g->step_arena, g->n + 1, sizeof *offsets, "pages", &offsets, err));
    TRY(arena_take(&g->step_arena, g->n + 1, sizeof *queries, "pages", &queries, err));
    for (size_t r = 0; r < g->n_rows; r++) {
        const int32_t *source = g->source_offsets + g->source_of[r];
        if (r > 0 && g->source_of[r] == g->source_of[r - 1]) {
            queries[n] = (int32_t)(r + 1);
            continue;
        }
        keys[n] = kept->source_keys + (size_t)source[0] * kept->cols;
        values[n] = kept->source_values + (size_t)source[0] * kept->cols;
        offsets[n + 1] = offsets[n] + source[1] - source[0];
        queries[++n] = (int32_t)(r + 1);
    }
    *pages = (AttentionPages){.n_sequences = n,
                              .query_offsets = queries,
                              .key_offsets = offsets,
                              .keys = keys,
                              .values = values,
                              .page_rows = INT32_MAX,
                              .max_pages = 1,
                              .fetch = {pieces, 2}};
    return STATUS_OK;
}

// A page a row: those of the steps before, by the beam's past, and the one that this step writes.
static Status own_pages(Group *g, Kept *kept, AttentionPages *pages, Error *err)
{
    const size_t n_keys = g->n_steps + 1, n = g->n_rows * n_keys;
    const float **keys = NULL, **values = NULL;
    int32_t *offsets = NULL;
    float *step_keys = NULL, *step_values = NULL;
    FetchPiece *pieces = NULL;
    TRY(arena_take(&g->step_arena, 2 * n_keys, sizeof *pieces, "pages", &pieces, err));
    for (size_t k = 0; k < g->n_steps; k++)
        add_pieces(pieces + 2 * k, kept, kept->step_keys[k], kept->step_values[k],
                   kept->step_rows[k]);
    TRY(take_pages(g, n, (const float *const **)&keys, err));
    TRY(take_pages(g, n, (const float *const **)&values, err));
    TRY(arena_take(&g->step_arena, g->n_rows + 1, sizeof *offsets, "pages", &offsets, err));
    TRY(arena_take_raw(g->arena, g->n_rows * kept->cols, sizeof *step_keys, "keys of a step",
                       &step_keys, err));
    TRY(arena_take_raw(g->arena, g->n_rows * kept->cols, sizeof *step_values, "keys of a step",
                       &step_values, err));
    kept->step_keys[g->n_steps] = step_keys;
    kept->step_values[g->n_steps] = step_values;
    kept->step_rows[g->n_steps] = g->n_rows;
    for (size_t r = 0; r < g->n_rows; r++) {
        for (size_t k = 0; k < n_keys; k++) {
            const size_t at = (size_t)g->rows[r][k] * kept->cols;
            keys[r * n_keys + k] = kept->step_keys[k] + at;
            values[r * n_keys + k] = kept->step_values[k] + at;
        }
        offsets[r + 1] = (int32_t)((r + 1) * n_keys);
    }
    *pages = (AttentionPages){.n_sequences = g->n_rows,
                              .query_offsets = g->row_offsets,
                              .key_offsets = offsets,
                              .keys = keys,
                              .values = values,
                              .page_rows = 1,
                              .max_pages = n_keys,
                              .new_keys = step_keys,
                              .new_values = step_values,
                              .fetch = {pieces, 2 * g->n_steps}};
    return STATUS_OK;
}

// One target token for each row.
static Status gather_step(Group *g, Error *err)
{
    int32_t *ids = NULL, *positions = NULL, *places = NULL, *offsets = NULL, *none = NULL;
    const ModelConfig *c = &g->model->config;
    const size_t n = g->n_rows;
    arena_rewind(&g->step_arena, g->step_mark);
    TRY(arena_take(&g->step_arena, n, sizeof *ids, "a step", &ids, err));
    TRY(arena_take(&g->step_arena, n, sizeof *positions, "a step", &positions, err));
    TRY(arena_take(&g->step_arena, n, sizeof *places, "a step", &places, err));
    TRY(arena_take(&g->step_arena, n + 1, sizeof *offsets, "a step", &offsets, err));
    TRY(arena_take(&g->step_arena, n + 1, sizeof *none, "a step", &none, err));
    for (size_t r = 0; r < n; r++) {
        const BeamSearch *search = &g->searches[g->source_of[r]];
        ids[r] = g->n_steps == 0 ? search->prompt[0] : beam_last_token(search, g->beam_of[r]);
        // A pad is not counted when a whole text is read, but was when it is the last of what is written, as in Transformers.
        const bool is_pad = c->positions_skip_pads && ids[r] == c->pad_id;
        positions[r] = is_pad ? c->pad_id : (int32_t)(c->first_position + g->n_steps);
        places[r] = (int32_t)g->n_steps;
        offsets[r + 1] = (int32_t)(r + 1);
    }
    g->row_offsets = offsets;
    TRY(arena_take(&g->step_arena, g->target_program->n_attentions, sizeof *g->pages, "pages",
                   &g->pages, err));
    for (size_t a = 0; a < g->target_program->n_attentions; a++) {
        TRY(g->kept[a].is_of_source ? source_pages(g, &g->kept[a], &g->pages[a], err)
                                    : own_pages(g, &g->kept[a], &g->pages[a], err));
    }
    g->unit = (Unit){.n_sequences = n,
                     .offsets = none,
                     .n_targets = n,
                     .target_ids = ids,
                     .target_positions = positions,
                     .target_places = places,
                     .target_offsets = offsets,
                     .target_pages = g->pages};
    return STATUS_OK;
}

// The rows of the next step: beams that go on, with the past of the beam that each goes on from.
static Status next_rows(Group *g, const size_t *first_row, Error *err)
{
    size_t n = 0;
    int32_t **rows = NULL;
    size_t *source_of = NULL, *beam_of = NULL;
    for (size_t i = 0; i < g->n; i++) n += g->searches[i].is_done ? 0 : g->searches[i].n_running;
    TRY(arena_take(g->arena, n, sizeof *rows, "beams", &rows, err));
    TRY(arena_take(g->arena, n, sizeof *source_of, "beams", &source_of, err));
    TRY(arena_take(g->arena, n, sizeof *beam_of, "beams", &beam_of, err));
    size_t at = 0;
    for (size_t i = 0; i < g->n; i++) {
        const BeamSearch *search = &g->searches[i];
        for (size_t b = 0; !search->is_done && b < search->n_running; b++, at++) {
            source_of[at] = i;
            beam_of[at] = b;
            TRY(arena_take(g->arena, g->n_steps + 2, sizeof **rows, "beams", &rows[at], err));
            if (first_row) {
                const size_t from = first_row[i] + search->running[b].from;
                memcpy(rows[at], g->rows[from], (g->n_steps + 1) * sizeof **rows);
                rows[at][g->n_steps + 1] = (int32_t)at;
            } else {
                rows[at][0] = (int32_t)at;
            }
        }
    }
    g->rows = rows;
    g->source_of = source_of;
    g->beam_of = beam_of;
    g->n_rows = n;
    return STATUS_OK;
}

static Status step(Group *g, Error *err)
{
    size_t *first_row = NULL;
    ProgramRun run = {.program = g->target_program,
                      .exec = g->worker->exec,
                      .memory = &g->worker->target_memory,
                      .weights = g->model->weights};
    TRY(gather_step(g, err));
    run.unit = g->unit;
    TRY(program_bind(&run, err));
    TRY(program_forward(&run, err));
    const Tensor logits = program_output(&run);
    TRY(arena_take(&g->step_arena, g->n, sizeof *first_row, "beams", &first_row, err));
    for (size_t r = 0; r < g->n_rows;) {
        const size_t i = g->source_of[r], n = g->searches[i].n_running;
        first_row[i] = r;
        TRY(beam_advance(&g->searches[i], g->worker->exec,
                         (float *)logits.data + r * logits.row_stride, logits.row_stride,
                         logits.cols, err));
        r += n;
    }
    TRY(next_rows(g, first_row, err));
    g->n_steps++;
    return STATUS_OK;
}

// ---- a group ----

static StopTexts stops_of(const Model *model, const SearchRequest *request)
{
    if (request->n_stops == 0) return request->options.stops;
    const Tokenizer *tokenizer = model->tokenizer ? tokenizer_target(model->tokenizer) : NULL;
    return (StopTexts){tokenizer, request->stops, request->n_stops};
}

static const int32_t *start_of(const Model *model, const SearchRequest *request)
{
    return request->has_start ? &request->start_id : &model->config.decoder.start_id;
}

// Rows of the largest step there may be.
static size_t most_rows(const Group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) n += g->requests[i]->options.n_beams;
    return n;
}

// Room for the keys and values of the source and of a text of usual length, in large pages, which calls leave to each other: in
// small ones attention spent half its time on finding their addresses.
static Status reserve_keys(Group *g, Error *err)
{
    enum { USUAL_STEPS = 64, BYTES_BESIDE = 1 << 20, MOST_BYTES = 128 << 20 };
    const Program *p = g->target_program;
    Worker *w = g->worker;
    const size_t own_rows = most_rows(g) * size_min(g->most_steps, USUAL_STEPS);
    size_t floats = 0, source_rows = 0;
    for (size_t i = 0; i < g->n; i++) source_rows += g->requests[i]->source.n_tokens;
    for (size_t a = 0; a < p->n_attentions; a++)
        floats +=
            2 * p->attentions[a].cols * (p->attentions[a].is_of_source ? source_rows : own_rows);
    const size_t bytes = size_min(floats * sizeof(float) + BYTES_BESIDE, MOST_BYTES);
    if (bytes <= w->search_bytes) return STATUS_OK;
    arena_release(g->arena);
    w->search_mark = (ArenaMark){0};
    w->search_bytes = 0;
    TRY(arena_reserve(g->arena, bytes, err));
    w->search_mark = arena_mark(g->arena);
    w->search_bytes = bytes;
    return STATUS_OK;
}

// Room for what the longest step needs, which is mostly the pages of its keys.
static Status reserve_step(Group *g, Error *err)
{
    enum { BYTES_BESIDE = 1 << 12, WORDS_OF_A_ROW = 8, MOST_BYTES = 4 << 20 };
    const size_t rows = g->target_program->n_attentions * most_rows(g);
    const size_t words = rows * (2 * g->most_steps + WORDS_OF_A_ROW);
    // Longer texts than that ask for more when they come to it.
    TRY(arena_reserve(&g->step_arena,
                      BYTES_BESIDE + size_min(words, MOST_BYTES / sizeof(void *)) * sizeof(void *),
                      err));
    g->step_mark = arena_mark(&g->step_arena);
    return STATUS_OK;
}

static Status begin_group(Group *g, Error *err)
{
    const Program *p = g->target_program;
    for (size_t i = 0; i < g->n; i++)
        g->most_steps = size_max(g->most_steps, g->requests[i]->options.max_new_tokens);
    TRY(reserve_keys(g, err));
    TRY(reserve_step(g, err));
    TRY(arena_take(g->arena, g->n, sizeof *g->searches, "searches", &g->searches, err));
    TRY(arena_take(g->arena, p->n_attentions, sizeof *g->kept, "keys", &g->kept, err));
    for (size_t i = 0; i < g->n; i++) {
        const SearchRequest *r = g->requests[i];
        BeamOptions options = r->options;
        options.stops = stops_of(g->model, r);
        // The token before the first counts for runs that may not be repeated.
        TRY(beam_begin(&g->searches[i], &options, start_of(g->model, r), 1, g->arena, err));
        g->searches[i].source = r->source.ids;
        g->searches[i].n_source = r->source.n_tokens;
    }
    for (size_t a = 0; a < p->n_attentions; a++) {
        Kept *kept = &g->kept[a];
        kept->is_of_source = p->attentions[a].is_of_source;
        kept->cols = p->attentions[a].cols;
        if (kept->is_of_source) continue;
        TRY(arena_take(g->arena, g->most_steps, sizeof *kept->step_keys, "keys", &kept->step_keys,
                       err));
        TRY(arena_take(g->arena, g->most_steps, sizeof *kept->step_values, "keys",
                       &kept->step_values, err));
        TRY(arena_take(g->arena, g->most_steps, sizeof *kept->step_rows, "keys", &kept->step_rows,
                       err));
    }
    return next_rows(g, NULL, err);
}

static Status run_group(Group *g, Error *err)
{
    TRY(begin_group(g, err));
    TRY(encode(g, err));
    while (g->n_rows > 0) {
        if (is_cancelled(g)) return error_set(err, STATUS_CANCELLED, "stopped");
        TRY(step(g, err));
    }
    return STATUS_OK;
}

// ---- a call ----

typedef struct Call {
    Model *model;
    const Program *source_program, *target_program;
    const SearchRequest **sorted;
    UnitCut cut;
    const atomic_int *cancel;
    SearchResult **results;
    size_t *n_found;
} Call;

static void keep_results(const Call *call, const Group *g, size_t first)
{
    for (size_t i = 0; i < g->n; i++) {
        const size_t request = call->cut.order[first + i];
        size_t n = 0;
        for (; n < g->requests[i]->n_results; n++) {
            if (!beam_result(&g->searches[i], n, &call->results[request][n])) break;
        }
        call->n_found[request] = n;
    }
}

static void search_job(void *context, size_t unit, size_t worker_index)
{
    const Call *call = context;
    const size_t first = call->cut.starts[unit];
    Error error = {0};
    Group g = {.model = call->model,
               .worker = &call->model->workers[worker_index],
               .arena = &call->model->workers[worker_index].search_arena,
               .source_program = call->source_program,
               .target_program = call->target_program,
               .requests = call->sorted + first,
               .n = call->cut.starts[unit + 1] - first,
               .cancel = call->cancel};
    const Status s = run_group(&g, &error);
    if (s == STATUS_OK)
        keep_results(call, &g, first);
    else
        worker_fail(g.worker, unit, s, &error);
    // The next call builds programs of its own, perhaps where these lay.
    g.worker->source_memory.program = g.worker->target_memory.program = NULL;
    arena_release(&g.step_arena);
    arena_rewind(&g.worker->search_arena, g.worker->search_mark);
}

// Sources of similar length go together: at most GROUP_ROWS beams, and shared out among the threads.
static Status cut_groups(Call *call, Arena *arena, const SearchRequest *requests, size_t n,
                         size_t n_threads, Error *err)
{
    SequenceLength *lengths = NULL;
    size_t n_beams = 0, filled = 0;
    TRY(arena_take(arena, n, sizeof *lengths, "sources", &lengths, err));
    TRY(arena_take(arena, n, sizeof *call->sorted, "sources", &call->sorted, err));
    TRY(arena_take(arena, n, sizeof *call->cut.order, "sources", &call->cut.order, err));
    TRY(arena_take(arena, n + 1, sizeof *call->cut.starts, "sources", &call->cut.starts, err));
    for (size_t i = 0; i < n; i++) {
        lengths[i] = (SequenceLength){requests[i].source.n_tokens, i};
        n_beams += requests[i].options.n_beams;
    }
    qsort(lengths, n, sizeof *lengths, sequence_longest_first);
    const size_t most = size_min(GROUP_ROWS, (n_beams + n_threads - 1) / n_threads);
    for (size_t i = 0; i < n; i++) {
        const size_t index = lengths[i].index, rows = requests[index].options.n_beams;
        if (i == 0 || filled + rows > most) {
            call->cut.starts[call->cut.n_units++] = i;
            filled = 0;
        }
        filled += rows;
        call->cut.order[i] = index;
        call->sorted[i] = &requests[index];
    }
    call->cut.starts[call->cut.n_units] = n;
    return STATUS_OK;
}

Status search_check(const Model *model, const SearchRequest *request, Error *err)
{
    const ModelConfig *c = &model->config;
    const BeamOptions *o = &request->options;
    if (c->head != HEAD_SEQ2SEQ)
        return error_set(err, STATUS_INVALID, "a %s model makes no targets from sources",
                         model_head_name(c->head));
    TokenSequence source = request->source;
    source.target_ids = start_of(model, request);
    source.n_targets = 1;
    TRY(model_check_inputs(model, &source, 1, err));
    const StopTexts stops = stops_of(model, request);
    TRY(stops_check(&stops, err));
    TRY(beam_check(o, request->n_results, err));
    if (o->max_new_tokens == 0 || o->max_new_tokens > c->max_positions)
        return error_set(err, STATUS_INVALID,
                         "max_new_tokens %zu is outside 1..%zu, the decoder's positions",
                         o->max_new_tokens, c->max_positions);
    return STATUS_OK;
}

static Status take_results(const SearchRequest *requests, size_t n, Arena *arena,
                           SearchResult **results, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        TRY(arena_take(arena, requests[i].n_results, sizeof **results, "results", &results[i],
                       err));
        for (size_t k = 0; k < requests[i].n_results; k++) {
            TRY(arena_take(arena, requests[i].options.max_new_tokens, sizeof(int32_t), "results",
                           &results[i][k].ids, err));
        }
    }
    return STATUS_OK;
}

static Status build(Model *model, Arena *arena, Call *call, Error *err)
{
    const ProgramOptions source = {.part = PROGRAM_SOURCE}, target = {.part = PROGRAM_TARGETS};
    TRY(program_build(&model->tape, &source, arena, (Program **)&call->source_program, err));
    return program_build(&model->tape, &target, arena, (Program **)&call->target_program, err);
}

Status model_search(Model *model, Pool *pool, const SearchRequest *requests, size_t n,
                    const atomic_int *cancel, Arena *arena, SearchResult **results, size_t *n_found,
                    Error *err)
{
    Arena scratch = {0};
    Call call = {.model = model, .cancel = cancel, .results = results, .n_found = n_found};
    if (model->exec_options.device.kind != DEVICE_CPU)
        return error_set(err, STATUS_DEVICE,
                         "generation runs on the CPU in this version: use --device cpu");
    for (size_t i = 0; i < n; i++) {
        if (search_check(model, &requests[i], err) != STATUS_OK)
            return error_wrap(err, "source %zu", i);
    }
    if (n == 0) return STATUS_OK;
    Status s = take_results(requests, n, arena, results, err);
    if (s == STATUS_OK) s = model_want_workers(model, pool_threads(pool), err);
    if (s == STATUS_OK) s = build(model, &scratch, &call, err);
    if (s == STATUS_OK) s = cut_groups(&call, &scratch, requests, n, pool_threads(pool), err);
    if (s == STATUS_OK) {
        pool_run(pool, call.cut.n_units, search_job, &call);
        s = workers_result(model, err);
    }
    arena_release(&scratch);
    return s;
}
