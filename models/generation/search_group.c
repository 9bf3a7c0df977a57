// A group of sources on its way through encoder and decoder.
#include <string.h>

#include "base/size.h"
#include "models/generation/search_internal.h"

static bool is_cancelled(const SearchGroup *g)
{
    return g->cancel && atomic_load_explicit(g->cancel, memory_order_relaxed);
}

static Status encode(SearchGroup *g, Error *err)
{
    const TokenSequence **inputs = NULL;
    TokenSequence *sources = NULL;
    ProgramRun run = {.program = g->source_program,
                      .exec = g->worker->exec,
                      .memory = &g->worker->source_memory,
                      .weights = g->model->weights,
                      .help = g->help};
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
    return search_keep_source(g, &run, err);
}

// ---- a step of the decoder ----

// One target token for each row.
static Status gather_step(SearchGroup *g, Error *err)
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
    for (size_t a = 0; a < g->target_program->n_attentions; a++)
        TRY(search_pages(g, a, &g->pages[a], err));
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
static Status next_rows(SearchGroup *g, const size_t *first_row, Error *err)
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

static Status step(SearchGroup *g, Error *err)
{
    size_t *first_row = NULL;
    ProgramRun run = {.program = g->target_program,
                      .exec = g->worker->exec,
                      .memory = &g->worker->target_memory,
                      .weights = g->model->weights,
                      .help = g->help};
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

// ---- from the first step to the last ----

StopTexts search_stops(const Model *model, const SearchRequest *request)
{
    if (request->n_stops == 0) return request->options.stops;
    const Tokenizer *tokenizer = model->tokenizer ? tokenizer_target(model->tokenizer) : NULL;
    return (StopTexts){tokenizer, request->stops, request->n_stops};
}

const int32_t *search_start(const Model *model, const SearchRequest *request)
{
    return request->has_start ? &request->start_id : &model->config.decoder.start_id;
}

static Status begin_group(SearchGroup *g, Error *err)
{
    const Program *p = g->target_program;
    for (size_t i = 0; i < g->n; i++)
        g->most_steps = size_max(g->most_steps, g->requests[i]->options.max_new_tokens);
    TRY(search_reserve_keys(g, err));
    TRY(search_reserve_step(g, err));
    TRY(arena_take(g->arena, g->n, sizeof *g->searches, "searches", &g->searches, err));
    TRY(arena_take(g->arena, p->n_attentions, sizeof *g->kept, "keys", &g->kept, err));
    for (size_t i = 0; i < g->n; i++) {
        const SearchRequest *r = g->requests[i];
        BeamOptions options = r->options;
        options.stops = search_stops(g->model, r);
        // The token before the first counts for runs that may not be repeated.
        TRY(beam_begin(&g->searches[i], &options, search_start(g->model, r), 1, g->arena, err));
        g->searches[i].source = r->source.ids;
        g->searches[i].n_source = r->source.n_tokens;
    }
    for (size_t a = 0; a < p->n_attentions; a++) {
        SearchKept *kept = &g->kept[a];
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

Status search_group_run(SearchGroup *g, Error *err)
{
    TRY(begin_group(g, err));
    TRY(encode(g, err));
    while (g->n_rows > 0) {
        if (is_cancelled(g)) return error_set(err, STATUS_CANCELLED, "stopped");
        TRY(step(g, err));
    }
    return STATUS_OK;
}
