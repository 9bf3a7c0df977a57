// A call: its sources shared out among groups, and the groups among the threads.
#include "base/size.h"
#include "models/generation/search_internal.h"

// Rows of a decoder's step: enough for its products, few enough for the keys that are kept.
enum { GROUP_ROWS = 64 };

typedef struct Call {
    Model *model;
    const Program *source_program, *target_program;
    const SearchRequest **sorted;
    UnitCut cut;
    const ProgramHelp *help; // of a single group
    const atomic_int *cancel;
    SearchResult **results;
    size_t *n_found;
} Call;

static void keep_results(const Call *call, const SearchGroup *g, size_t first)
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

static Status search_job(void *context, size_t unit, size_t worker_index, Error *err)
{
    const Call *call = context;
    const size_t first = call->cut.starts[unit];
    SearchGroup g = {.model = call->model,
                     .worker = &call->model->workers[worker_index],
                     .arena = &call->model->workers[worker_index].search_arena,
                     .source_program = call->source_program,
                     .target_program = call->target_program,
                     .requests = call->sorted + first,
                     .n = call->cut.starts[unit + 1] - first,
                     .help = call->help,
                     .cancel = call->cancel};
    const Status s = search_group_run(&g, err);
    if (s == STATUS_OK) keep_results(call, &g, first);
    // The next call builds programs of its own, perhaps where these lay.
    g.worker->source_memory.program = g.worker->target_memory.program = NULL;
    arena_release(&g.step_arena);
    arena_rewind(&g.worker->search_arena, g.worker->search_mark);
    return s;
}

size_t search_group_rows(const Model *model, size_t n_beams, size_t n_threads)
{
    const size_t n_groups = n_beams <= model_rows_together(model, n_threads) ? 1 : n_threads;
    return size_min(GROUP_ROWS, (n_beams + n_groups - 1) / n_groups);
}

// Sources of similar length go together: at most GROUP_ROWS beams, and shared out among the threads unless they are few.
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
    const size_t most = search_group_rows(call->model, n_beams, n_threads);
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
    source.target_ids = search_start(model, request);
    source.n_targets = 1;
    TRY(model_check_inputs(model, &source, 1, err));
    const StopTexts stops = search_stops(model, request);
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
    if (s == STATUS_OK)
        s = model_run_units(model, pool, call.cut.n_units, search_job, &call, &call.help, err);
    arena_release(&scratch);
    return s;
}
