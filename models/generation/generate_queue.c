// The queue of requests: admission, rounds, and the units that a round is cut into.
#include <string.h>

#include "base/size.h"
#include "models/generation/generate_internal.h"

static const size_t NONE = SIZE_MAX;

enum {
    MAX_ACTIVE = 256,
    CACHE_BYTES =
        1 << 30, // of keys and values that requests may come to; one request may take more
    SPARE_BYTES = 256 << 20,  // of keys and values that stay at hand for the next queue
    OUTPUT_FLOATS = 16 << 20, // logits of a unit
    // Of an input that are read at once, and of a unit: each worker holds the values of so many tokens beside weights and keys, 3
    // MiB of a 110M Llama, 6 of twice as many, which were no faster. Long inputs take twice as many: each stretch packs all keys
    // before it anew, and beside so many keys the values do not count.
    STRETCH_TOKENS = 128,
    SMALLEST_STRETCH = 64,
    LONG_INPUT = 1024,
};

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

// ---- opening ----

// Inputs of one kind have the same rotary frequencies: those of a first context, those beyond it, or those of a length.
static unsigned kind_of(const Tape *tape, size_t n_tokens)
{
    unsigned kind = 0;
    for (size_t i = 0; i < tape->n_ropes; i++) {
        const TapeRope *rope = &tape->ropes[i];
        if (rope->long_from == 0 || n_tokens <= rope->long_from) continue;
        kind = rope->long_frequencies && kind == 0 ? 1 : (unsigned)n_tokens;
    }
    return kind;
}

// Whether a text of n_kept tokens whose next one comes wants other frequencies for all of them.
static bool wants_again(const Tape *tape, size_t n_kept)
{
    for (size_t i = 0; i < tape->n_ropes; i++) {
        if (tape->ropes[i].rereads && n_kept == tape->ropes[i].long_from) return true;
    }
    return false;
}

static size_t unit_tokens(const Job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].input.n_tokens > LONG_INPUT) return 2 * (size_t)STRETCH_TOKENS;
    }
    return STRETCH_TOKENS;
}

// Tokens of an input that are read at once: fewer where logits of nearly all are wanted, of a large vocabulary.
static size_t stretch_of(const Queue *q, const Job *jobs, size_t n)
{
    const size_t most = OUTPUT_FLOATS / size_max(q->model->config.vocab_size, 1);
    size_t n_read = 0;
    for (size_t i = 0; i < n; i++)
        n_read = size_max(n_read, jobs[i].input.n_tokens - jobs[i].first_read);
    return n_read <= most ? q->unit_tokens
                          : size_min(q->unit_tokens, size_max(SMALLEST_STRETCH, most));
}

static Status fill_queue(Queue *q, const Job *jobs, size_t n, Error *err)
{
    PrefixInput *inputs = NULL;
    q->unit_tokens = unit_tokens(jobs, n);
    const size_t stretch = stretch_of(q, jobs, n);
    TRY(arena_take(&q->arena, n, sizeof *inputs, "a queue", &inputs, err));
    for (size_t i = 0; i < n; i++) {
        inputs[i] = jobs[i].input;
        inputs[i].kind = kind_of(&q->model->tape, inputs[i].n_tokens);
    }
    TRY(prefix_tree_build(inputs, n, stretch, &q->arena, &q->tree, err));
    TRY(arena_take(&q->arena, q->tree.n_nodes, sizeof *q->states, "a queue", &q->states, err));
    TRY(arena_take(&q->arena, n, sizeof *q->jobs, "a queue", &q->jobs, err));
    TRY(arena_take(&q->arena, n, sizeof *q->active, "a queue", &q->active, err));
    q->n_jobs = n;
    for (size_t i = 0; i < n; i++) {
        Job *j = &q->jobs[i];
        *j = jobs[q->tree.order[i]];
        j->input = inputs[q->tree.order[i]];
        j->request = q->tree.order[i];
        j->most_strands = size_max(j->most_strands, 1);
        if (!q->calls.writes) continue;
        TRY(arena_take(&q->arena, j->most_strands, sizeof *j->strands, "a queue", &j->strands,
                       err));
        TRY(arena_take(&q->arena, j->most_strands, sizeof *j->spare, "a queue", &j->spare, err));
    }
    return STATUS_OK;
}

Status queue_open(Model *model, Pool *pool, const atomic_int *cancel, const QueueCalls *calls,
                  const Job *jobs, size_t n, Queue *out, Error *err)
{
    *out = (Queue){.model = model, .pool = pool, .cancel = cancel, .calls = *calls};
    if (model->exec_options.device.kind != DEVICE_CPU) {
        return error_set(err, STATUS_DEVICE,
                         "generation and log-likelihoods on a GPU are not in this version: use "
                         "--device cpu");
    }
    Status s = STATUS_OK;
    out->cache = model->spare_cache;
    model->spare_cache = NULL;
    if (!out->cache) s = cache_open(&model->tape, &out->cache, err);
    if (s == STATUS_OK) s = fill_queue(out, jobs, n, err);
    if (s == STATUS_OK) s = model_want_workers(model, pool_threads(pool), err);
    if (s != STATUS_OK) queue_close(out);
    return s;
}

static void release_strands(Queue *q, Job *job)
{
    for (size_t s = 0; job->strands && job->spare && s < job->most_strands; s++) {
        cache_release(q->cache, &job->strands[s].kept);
        cache_release(q->cache, &job->spare[s].kept);
    }
    job->n_strands = 0;
}

void queue_close(Queue *q)
{
    for (size_t i = 0; q->cache && q->states && i < q->tree.n_nodes; i++)
        cache_release(q->cache, &q->states[i].kept);
    for (size_t i = 0; q->cache && i < q->n_jobs; i++) release_strands(q, &q->jobs[i]);
    if (q->cache) cache_clear(q->cache, SPARE_BYTES);
    if (q->model) q->model->spare_cache = q->cache;
    arena_release(&q->round_arena);
    arena_release(&q->arena);
    *q = (Queue){0};
}

// ---- keys and values along the tree ----

// What goes on from a node takes its keys over, or a fork of them where others do so too.
static Status take_from(Queue *q, size_t node, CacheSequence *out, Error *err)
{
    NodeState *state = &q->states[node];
    if (state->n_uses == 1) {
        *out = state->kept;
        state->kept = (CacheSequence){0};
    } else {
        TRY(cache_fork(q->cache, &state->kept, state->kept.n_rows, out, err));
    }
    state->n_uses--;
    return STATUS_OK;
}

// The first node on the way to a job's end that is not computed.
static size_t next_node(const Queue *q, size_t job)
{
    size_t node = q->tree.leaf[job];
    while (q->tree.nodes[node].parent != NONE && !q->states[q->tree.nodes[node].parent].is_done)
        node = q->tree.nodes[node].parent;
    return node;
}

// ---- a round ----

static Status add_node_item(Round *round, size_t node, Error *err)
{
    Queue *q = round->queue;
    const PrefixNode *n = &q->tree.nodes[node];
    NodeState *state = &q->states[node];
    size_t first_read = SIZE_MAX;
    if (state->is_scheduled) return STATUS_OK;
    if (n->parent != NONE) TRY(take_from(q, n->parent, &state->kept, err));
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
                     .horizons = horizons,
                     .cache = cache};
    return cache_tables(q->cache, kept, n, &q->round_arena, cache, err);
}

// Items in their order into units of about equal size, one a thread where they are few.
static Status cut_units(Round *round, Error *err)
{
    Queue *q = round->queue;
    const size_t n_vocab = q->model->config.vocab_size, n_threads = pool_threads(q->pool);
    size_t n_tokens = 0, filled = 0, n_outputs = 0;
    for (size_t i = 0; i < round->n_items; i++) n_tokens += round->items[i].n;
    const size_t share = (n_tokens + n_threads - 1) / n_threads;
    const size_t target = size_min(size_max(share, 1), q->unit_tokens);
    TRY(arena_take(&q->round_arena, round->n_items, sizeof *round->units, "a round", &round->units,
                   err));
    for (size_t i = 0; i < round->n_items; i++) {
        const Item *item = &round->items[i];
        const size_t outputs = item->n - item->first_output;
        if (i == 0 || filled + item->n > target ||
            (n_outputs + outputs) * n_vocab > OUTPUT_FLOATS) {
            round->units[round->n_units++].items = item;
            filled = n_outputs = 0;
        }
        round->units[round->n_units - 1].n_items++;
        filled += item->n;
        n_outputs += outputs;
    }
    for (size_t u = 0; u < round->n_units; u++) TRY(gather(q, &round->units[u], err));
    q->stats.n_tokens += n_tokens;
    q->stats.n_rounds++;
    return STATUS_OK;
}

// Hands the logits of an item's outputs to the jobs that read them.
static Status read_item(Queue *q, const Item *item, const Tensor *logits, size_t first_row,
                        Exec *exec, Error *err)
{
    for (size_t t = item->first_output; t < item->n; t++) {
        const float *row =
            (const float *)logits->data + (first_row + t - item->first_output) * logits->row_stride;
        const size_t place = item->position + t;
        if (item->node == NONE) {
            TRY(q->calls.read(q, item->job, item->strand, place, row, exec, err));
            continue;
        }
        const PrefixNode *node = &q->tree.nodes[item->node];
        for (size_t j = node->first; j < node->last; j++) {
            if (q->jobs[j].first_read <= place) TRY(q->calls.read(q, j, 0, place, row, exec, err));
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
    TRY(program_forward(&run, err));
    const Tensor logits = program_output(&run);
    for (size_t i = 0; i < u->n_items; i++) {
        const size_t first_row = (size_t)u->unit.output_offsets[i];
        TRY(read_item(q, &u->items[i], &logits, first_row, worker->exec, err));
    }
    return STATUS_OK;
}

static void unit_job(void *context, size_t unit, size_t worker_index)
{
    const Round *round = context;
    const Queue *q = round->queue;
    Worker *worker = &q->model->workers[worker_index];
    Error error = {0};
    Status s;
    if (q->cancel && atomic_load_explicit(q->cancel, memory_order_relaxed))
        s = error_set(&error, STATUS_CANCELLED, "stopped");
    else
        s = run_unit(round, unit, worker, &error);
    if (s != STATUS_OK) worker_fail(worker, unit, s, &error);
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

// ---- jobs ----

// A strand that is gone on from once is handed over; others are forked.
Status queue_branch(Queue *q, size_t job, const uint32_t *from, size_t n, Error *err)
{
    Job *j = &q->jobs[job];
    Strand *old = j->strands, *next = j->spare;
    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t k = i + 1; k < n && !again; k++) again = from[k] == from[i];
        CacheSequence *kept = &old[from[i]].kept;
        if (again) {
            TRY(cache_fork(q->cache, kept, kept->n_rows, &next[i].kept, err));
        } else {
            next[i].kept = *kept;
            *kept = (CacheSequence){0};
        }
    }
    for (size_t s = 0; s < j->n_strands; s++) cache_release(q->cache, &old[s].kept);
    j->strands = next;
    j->spare = old;
    j->n_strands = n;
    return STATUS_OK;
}

static size_t room_of(const Job *job)
{
    return job->n_room > 0 ? job->n_room : job->n_reserved;
}

// Moves a job on where its input has been read, or its next token was. *is_finished where nothing is left of it.
static Status settle(Queue *q, size_t job, bool has_run, bool *is_finished, Error *err)
{
    Job *j = &q->jobs[job];
    const size_t leaf = q->tree.leaf[job];
    *is_finished = false;
    if (!j->is_running) {
        if (!q->states[leaf].is_done) return STATUS_OK;
        *is_finished = !q->calls.writes;
        if (*is_finished) return STATUS_OK;
        TRY(take_from(q, leaf, &j->strands[0].kept, err));
        j->n_strands = 1;
        j->is_running = has_run = true;
    }
    if (!has_run || j->strands[0].kept.n_rows < j->n_again) return STATUS_OK;
    TRY(q->calls.advance(q, job, is_finished, err));
    if (*is_finished) release_strands(q, j);
    return STATUS_OK;
}

// Settles every active job and keeps those that go on.
static Status settle_all(Queue *q, size_t from, bool has_run, Error *err)
{
    size_t kept = from;
    for (size_t i = from; i < q->n_active; i++) {
        bool is_finished = false;
        const size_t job = q->active[i];
        TRY(settle(q, job, has_run, &is_finished, err));
        if (is_finished)
            q->n_room -= room_of(&q->jobs[job]);
        else
            q->active[kept++] = job;
    }
    q->n_active = kept;
    return STATUS_OK;
}

// The next requests, as long as there is room for all that the active ones may come to.
static Status admit(Queue *q, Error *err)
{
    const size_t per_token = size_max(cache_bytes_per_token(&q->model->tape), 1);
    const size_t room = CACHE_BYTES / per_token, before = q->n_active;
    while (q->n_admitted < q->n_jobs && q->n_active < MAX_ACTIVE) {
        const Job *job = &q->jobs[q->n_admitted];
        if (q->n_active > 0 && q->n_room + room_of(job) > room) break;
        q->n_room += room_of(job);
        q->active[q->n_active++] = q->n_admitted++;
    }
    return settle_all(q, before, false, err);
}

// A unit a thread; one unit alone has all threads for each of its operations.
static Status run_units(Round *round, Error *err)
{
    Queue *q = round->queue;
    const size_t n_threads = pool_threads(q->pool);
    Exec **execs = NULL;
    if (round->n_units > 1 || n_threads == 1) {
        pool_run(q->pool, round->n_units, unit_job, round);
        return workers_result(q->model, err);
    }
    TRY(arena_take(&q->round_arena, n_threads, sizeof(Exec *), "a round", &execs, err));
    for (size_t i = 0; i < n_threads; i++) execs[i] = q->model->workers[i].exec;
    const ProgramHelp help = {.pool = q->pool, .execs = execs};
    round->help = &help;
    if (round->n_units == 1) unit_job(round, 0, 0);
    round->help = NULL;
    return workers_result(q->model, err);
}

static Status run_round(Queue *q, Error *err)
{
    Round round = {.queue = q};
    TRY(list_items(&round, err));
    TRY(cut_units(&round, err));
    TRY(run_units(&round, err));
    q->stats.cache_bytes = size_max(q->stats.cache_bytes, cache_bytes(q->cache));
    finish_nodes(&round);
    return settle_all(q, 0, true, err);
}

Status queue_run(Queue *q, Error *err)
{
    while (true) {
        do TRY(admit(q, err));
        while (q->n_active == 0 && q->n_admitted < q->n_jobs);
        if (q->n_active == 0) return STATUS_OK;
        arena_release(&q->round_arena);
        TRY(run_round(q, err));
    }
}
