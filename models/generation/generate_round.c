// A round of the queue: what each active request reads or writes next, cut into units that the threads compute.
#include <stdatomic.h>
#include <string.h>

#include "base/size.h"
#include "models/generation/generate_internal.h"

static const size_t NONE = SIZE_MAX;

// Tokens that one sequence contributes to a round.
typedef struct Item {
    const int32_t *ids;
    size_t n, position;
    const CacheSequence *kept;
    size_t node; // NONE for a job that writes
    size_t job, strand;
    size_t first_output; // outputs are rows [first_output, n)
    size_t horizon;      // see Unit.horizons
} Item;

typedef struct RoundUnit {
    Unit unit;
    const Item *items;
    size_t n_items;
} RoundUnit;

typedef struct Round {
    Queue *queue;
    Item *items;
    size_t n_items;
    RoundUnit *units;
    size_t n_units;
    const ProgramHelp *help; // of a single unit
} Round;

// ---- what is computed ----

// Whether a text of n_kept tokens whose next one comes wants other frequencies for all of them.
static bool wants_again(const Tape *tape, size_t n_kept)
{
    for (size_t i = 0; i < tape->n_ropes; i++) {
        if (tape->ropes[i].rereads && n_kept == tape->ropes[i].long_from) return true;
    }
    return false;
}

// The first node on the way to a job's end that is not computed.
static size_t next_node(const Queue *q, size_t job)
{
    size_t node = q->tree.leaf[job];
    while (q->tree.nodes[node].parent != NONE && !q->states[q->tree.nodes[node].parent].is_done)
        node = q->tree.nodes[node].parent;
    return node;
}

static Status add_node_item(Round *round, size_t node, Error *err)
{
    Queue *q = round->queue;
    const PrefixNode *n = &q->tree.nodes[node];
    NodeState *state = &q->states[node];
    size_t first_read = SIZE_MAX;
    if (state->is_scheduled) return STATUS_OK;
    if (n->parent != NONE) TRY(queue_take_from(q, n->parent, &state->kept, err));
    TRY(cache_extend(q->cache, &state->kept, n->end - n->begin, err));
    state->is_scheduled = true;
    for (size_t j = n->first; j < n->last; j++)
        first_read = size_min(first_read, q->jobs[j].first_read);
    round->items[round->n_items++] =
        (Item){.ids = n->tokens + n->begin,
               .n = n->end - n->begin,
               .position = n->begin,
               .kept = &state->kept,
               .node = node,
               .first_output = size_min(n->end, size_max(first_read, n->begin)) - n->begin,
               .horizon = q->jobs[n->first].input.n_tokens};
    return STATUS_OK;
}

// Forgets the keys of a job's strands: all their tokens are read once more.
static Status begin_again(Queue *q, size_t job, Error *err)
{
    Job *j = &q->jobs[job];
    j->n_again = j->strands[0].kept.n_rows + 1;
    for (size_t s = 0; s < j->n_strands; s++) {
        Strand *strand = &j->strands[s];
        TRY(arena_take(&q->arena, j->n_again, sizeof *strand->again, "a text", &strand->again,
                       err));
        q->calls.tokens(q, job, s, strand->again);
        cache_release(q->cache, &strand->kept);
    }
    return STATUS_OK;
}

// The newest token, or a stretch of those that are read again: logits are wanted behind the last one.
static Status add_strand_items(Round *round, size_t job, Error *err)
{
    Queue *q = round->queue;
    Job *j = &q->jobs[job];
    const size_t n_kept = j->strands[0].kept.n_rows;
    if (n_kept >= j->n_again && wants_again(&q->model->tape, n_kept)) TRY(begin_again(q, job, err));
    for (size_t s = 0; s < j->n_strands; s++) {
        Strand *strand = &j->strands[s];
        const size_t position = strand->kept.n_rows;
        const bool is_again = position < j->n_again;
        const size_t n = is_again ? size_min(q->unit_tokens, j->n_again - position) : 1;
        TRY(cache_extend(q->cache, &strand->kept, n, err));
        round->items[round->n_items++] =
            (Item){.ids = is_again ? strand->again + position : &strand->last_token,
                   .n = n,
                   .position = position,
                   .kept = &strand->kept,
                   .node = NONE,
                   .job = job,
                   .strand = s,
                   .first_output = position + n < j->n_again ? n : n - 1,
                   .horizon = is_again ? j->n_again : position + 1};
    }
    return STATUS_OK;
}

static Status list_items(Round *round, Error *err)
{
    Queue *q = round->queue;
    size_t n_most = 0;
    for (size_t i = 0; i < q->n_active; i++) n_most += size_max(q->jobs[q->active[i]].n_strands, 1);
    TRY(arena_take(&q->round_arena, n_most, sizeof *round->items, "a round", &round->items, err));
    for (size_t i = 0; i < q->n_active; i++) {
        const size_t job = q->active[i];
        if (q->jobs[job].is_running)
            TRY(add_strand_items(round, job, err));
        else
            TRY(add_node_item(round, next_node(q, job), err));
    }
    return STATUS_OK;
}

// The arrays of one unit, in the round's memory.
static Status gather(Queue *q, RoundUnit *u, Error *err)
{
    size_t n_tokens = 0, n_outputs = 0, at = 0, out = 0;
    for (size_t i = 0; i < u->n_items; i++) {
        n_tokens += u->items[i].n;
        n_outputs += u->items[i].n - u->items[i].first_output;
    }
    const size_t n = u->n_items, n_words = 2 * n_tokens + n_outputs + 4 * n + 2;
    int32_t *words = NULL, *types = NULL;
    uint64_t *keys = NULL;
    const CacheSequence **kept = NULL;
    ProgramCache *cache = NULL;
    TRY(arena_take(&q->round_arena, n_words, sizeof *words, "a unit", &words, err));
    TRY(arena_take(&q->round_arena, n_tokens, sizeof *types, "a unit", &types, err));
    TRY(arena_take(&q->round_arena, n, sizeof *keys, "a unit", &keys, err));
    TRY(arena_take(&q->round_arena, n, sizeof *kept, "a unit", &kept, err));
    TRY(arena_take(&q->round_arena, 1, sizeof *cache, "a unit", &cache, err));
    int32_t *ids = words, *positions = ids + n_tokens, *outputs = positions + n_tokens;
    int32_t *offsets = outputs + n_outputs, *output_offsets = offsets + n + 1;
    int32_t *horizons = output_offsets + n + 1, *chosen = horizons + n;
    for (size_t i = 0; i < n; i++) {
        const Item *item = &u->items[i];
        offsets[i] = chosen[i] = (int32_t)at;
        output_offsets[i] = (int32_t)out;
        horizons[i] = (int32_t)item->horizon;
        kept[i] = item->kept;
        memcpy(ids + at, item->ids, item->n * sizeof *ids);
        for (size_t t = 0; t < item->n; t++) positions[at + t] = (int32_t)(item->position + t);
        for (size_t t = item->first_output; t < item->n; t++) outputs[out++] = (int32_t)(at + t);
        at += item->n;
    }
    offsets[n] = (int32_t)at;
    output_offsets[n] = (int32_t)out;
    u->unit = (Unit){.n_tokens = n_tokens,
                     .n_sequences = n,
                     .ids = ids,
                     .position_ids = positions,
                     .type_ids = types,
                     .chosen = chosen,
                     .offsets = offsets,
                     .sequence_keys = keys,
                     .output_rows = outputs,
                     .output_offsets = output_offsets,
                     .n_outputs = n_outputs,
                     .outputs_at_once = PROGRAM_OUTPUTS_AT_ONCE,
                     .horizons = horizons,
                     .cache = cache};
    return cache_tables(q->cache, kept, n, &q->round_arena, cache, err);
}

// Items in their order into units of about equal size: one a thread, or where they are few one for all of them.
static Status cut_units(Round *round, Error *err)
{
    Queue *q = round->queue;
    const size_t n_threads = pool_threads(q->pool);
    size_t n_tokens = 0, filled = 0;
    for (size_t i = 0; i < round->n_items; i++) n_tokens += round->items[i].n;
    const size_t n_least = n_tokens <= q->rows_together ? 1 : n_threads;
    const size_t share = (n_tokens + n_least - 1) / n_least;
    const size_t target = size_min(size_max(share, 1), q->unit_tokens);
    TRY(arena_take(&q->round_arena, round->n_items, sizeof *round->units, "a round", &round->units,
                   err));
    for (size_t i = 0; i < round->n_items; i++) {
        const Item *item = &round->items[i];
        if (i == 0 || filled + item->n > target) {
            round->units[round->n_units++].items = item;
            filled = 0;
        }
        round->units[round->n_units - 1].n_items++;
        filled += item->n;
    }
    for (size_t u = 0; u < round->n_units; u++) TRY(gather(q, &round->units[u], err));
    q->stats.n_tokens += n_tokens;
    q->stats.n_rounds++;
    return STATUS_OK;
}

// Hands the logits behind token t of an item to the jobs that read them.
static Status read_output(Queue *q, const Item *item, size_t t, const float *logits, Exec *exec,
                          Error *err)
{
    const size_t place = item->position + t;
    if (item->node == NONE)
        return q->calls.read(q, item->job, item->strand, place, logits, exec, err);
    const PrefixNode *node = &q->tree.nodes[item->node];
    for (size_t j = node->first; j < node->last; j++) {
        if (q->jobs[j].first_read <= place) TRY(q->calls.read(q, j, 0, place, logits, exec, err));
    }
    return STATUS_OK;
}

// Rows of logits, each of an item of its own, for the threads.
typedef struct Reading {
    Queue *queue;
    const RoundUnit *unit;
    const ProgramHelp *help;
    Tensor logits;
    size_t first_item;
} Reading;

static Status read_job(void *context, size_t row, size_t worker, Error *err)
{
    const Reading *r = context;
    const Item *item = &r->unit->items[r->first_item + row];
    return read_output(r->queue, item, item->first_output,
                       (const float *)r->logits.data + row * r->logits.row_stride,
                       r->help->execs[worker], err);
}

// Where each item has one output: choosing a token among very many takes a while, and no item knows of the others.
static Status read_side_by_side(Queue *q, const RoundUnit *u, ProgramRun *run, Error *err)
{
    Reading r = {.queue = q, .unit = u, .help = run->help};
    while (r.first_item < u->n_items) {
        TRY(program_outputs(run, r.first_item, &r.logits, err));
        TRY(pool_try(q->pool, r.logits.rows, read_job, &r, err));
        r.first_item += r.logits.rows;
    }
    return STATUS_OK;
}

static bool has_one_output_each(const RoundUnit *u)
{
    for (size_t i = 0; i < u->n_items; i++) {
        if (u->items[i].first_output + 1 != u->items[i].n) return false;
    }
    return true;
}

// All outputs of a unit, part by part.
static Status read_outputs(Queue *q, const RoundUnit *u, ProgramRun *run, Error *err)
{
    if (run->help && has_one_output_each(u)) return read_side_by_side(q, u, run, err);
    Tensor logits = {0};
    size_t row = 0, begin = 0;
    for (size_t i = 0; i < u->n_items; i++) {
        for (size_t t = u->items[i].first_output; t < u->items[i].n; t++, row++) {
            if (row == begin + logits.rows) {
                begin = row;
                TRY(program_outputs(run, row, &logits, err));
            }
            TRY(read_output(q, &u->items[i], t,
                            (const float *)logits.data + (row - begin) * logits.row_stride,
                            run->exec, err));
        }
    }
    return STATUS_OK;
}

static Status run_unit(const Round *round, size_t index, Worker *worker, Error *err)
{
    Queue *q = round->queue;
    const RoundUnit *u = &round->units[index];
    ProgramRun run = {.program = q->model->program,
                      .exec = worker->exec,
                      .memory = &worker->memory,
                      .weights = q->model->weights,
                      .unit = u->unit,
                      .help = round->help};
    TRY(program_bind(&run, err));
    TRY(program_body(&run, err));
    return read_outputs(q, u, &run, err);
}

static Status unit_job(void *context, size_t unit, size_t worker, Error *err)
{
    const Round *round = context;
    const Queue *q = round->queue;
    if (q->cancel && atomic_load_explicit(q->cancel, memory_order_relaxed))
        return error_set(err, STATUS_CANCELLED, "stopped");
    return run_unit(round, unit, &q->model->workers[worker], err);
}

// Nodes of the round are computed: whoever goes on from them may.
static void finish_nodes(const Round *round)
{
    Queue *q = round->queue;
    for (size_t i = 0; i < round->n_items; i++) {
        if (round->items[i].node == NONE) continue;
        const PrefixNode *node = &q->tree.nodes[round->items[i].node];
        NodeState *state = &q->states[round->items[i].node];
        state->is_done = true;
        state->n_uses = node->n_children + (q->calls.writes ? node->n_ends : 0);
        if (state->n_uses == 0) cache_release(q->cache, &state->kept);
    }
}

Status queue_round(Queue *q, Error *err)
{
    Round round = {.queue = q};
    TRY(list_items(&round, err));
    TRY(cut_units(&round, err));
    TRY(model_run_units(q->model, q->pool, round.n_units, unit_job, &round, &round.help, err));
    q->stats.cache_bytes = size_max(q->stats.cache_bytes, cache_bytes(q->cache));
    finish_nodes(&round);
    return STATUS_OK;
}
