// The queue of requests: opened, admitted, moved on round by round.
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "models/generation/generate_internal.h"

enum {
    MAX_ACTIVE = 256,
    CACHE_BYTES =
        1 << 30, // of keys and values that requests may come to; one request may take more
    SPARE_BYTES = 256 << 20, // of keys and values that stay at hand for the next queue
    // Of an input that are read at once, and of a unit: each worker holds the values of so many tokens beside weights and keys, 3
    // MiB of a 110M Llama, 6 of twice as many, which were no faster. Long inputs take twice as many: each stretch packs all keys
    // before it anew, and beside so many keys the values do not count.
    STRETCH_TOKENS = 128,
    LONG_INPUT = 1024,
};

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

size_t queue_unit_tokens(size_t longest_input)
{
    return longest_input > LONG_INPUT ? 2 * (size_t)STRETCH_TOKENS : STRETCH_TOKENS;
}

uint64_t queue_kept_bytes(const Model *model, size_t n_tokens, size_t n_requests)
{
    const uint64_t each = (uint64_t)cache_bytes_per_token(&model->tape, model->kv_dtype) *
                              size_round_up(n_tokens, CACHE_PAGE_ROWS) +
                          cache_bytes_per_sequence(&model->tape);
    const uint64_t all = size_min(n_requests, MAX_ACTIVE) * each;
    return all < CACHE_BYTES ? all : each < CACHE_BYTES ? CACHE_BYTES : each;
}

static size_t longest_input(const Job *jobs, size_t n)
{
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) longest = size_max(longest, jobs[i].input.n_tokens);
    return longest;
}

static Status fill_queue(Queue *q, const Job *jobs, size_t n, Error *err)
{
    PrefixInput *inputs = NULL;
    q->unit_tokens = queue_unit_tokens(longest_input(jobs, n));
    q->rows_together = model_rows_together(q->model, pool_threads(q->pool));
    TRY(arena_take(&q->arena, n, sizeof *inputs, "a queue", &inputs, err));
    for (size_t i = 0; i < n; i++) {
        inputs[i] = jobs[i].input;
        inputs[i].kind = kind_of(&q->model->tape, inputs[i].n_tokens);
    }
    TRY(prefix_tree_build(inputs, n, q->unit_tokens, &q->arena, &q->tree, err));
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

// Tokens whose keys and values a job may come to.
static size_t tokens_of(const Job *job)
{
    return job->n_room > 0 ? job->n_room : job->n_reserved;
}

// Bytes that it may come to: of keys and values, and of the states of its strands and of the node that they go on from.
static size_t room_of(const Queue *q, const Job *job)
{
    const Tape *tape = &q->model->tape;
    const size_t per_token = size_max(cache_bytes_per_token(tape, q->model->kv_dtype), 1);
    return tokens_of(job) * per_token + (job->most_strands + 1) * cache_bytes_per_sequence(tape);
}

static size_t pages_of(const Job *jobs, size_t n)
{
    size_t pages = 0;
    for (size_t i = 0; i < n; i++)
        pages += size_round_up(tokens_of(&jobs[i]), CACHE_PAGE_ROWS) / CACHE_PAGE_ROWS;
    return pages;
}

Status queue_open(Model *model, Pool *pool, const atomic_int *cancel, const QueueCalls *calls,
                  const Job *jobs, size_t n, Queue *out, Error *err)
{
    *out = (Queue){.model = model,
                   .pool = pool,
                   .cancel = cancel,
                   .calls = *calls,
                   .started_wall_ns = clock_now_ns(),
                   .started_cpu_ns = clock_process_cpu_ns()};
    if (model->exec_options.device.kind != DEVICE_CPU) {
        return error_set(err, STATUS_DEVICE,
                         "generation and log-likelihoods on a GPU are not in this version: use "
                         "--device cpu");
    }
    Status s = STATUS_OK;
    out->cache = model->spare_cache;
    model->spare_cache = NULL;
    if (!out->cache) s = cache_open(&model->tape, model->kv_dtype, &out->cache, err);
    if (s == STATUS_OK) cache_expect(out->cache, pages_of(jobs, n));
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
Status queue_take_from(Queue *q, size_t node, CacheSequence *out, Error *err)
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
        TRY(queue_take_from(q, leaf, &j->strands[0].kept, err));
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
            q->n_room -= room_of(q, &q->jobs[job]);
        else
            q->active[kept++] = job;
    }
    q->n_active = kept;
    return STATUS_OK;
}

// The next requests, as long as there is room for all that the active ones may come to.
static Status admit(Queue *q, Error *err)
{
    const size_t before = q->n_active;
    while (q->n_admitted < q->n_jobs && q->n_active < MAX_ACTIVE) {
        const Job *job = &q->jobs[q->n_admitted];
        if (q->n_active > 0 && q->n_room + room_of(q, job) > CACHE_BYTES) break;
        q->n_room += room_of(q, job);
        q->active[q->n_active++] = q->n_admitted++;
    }
    return settle_all(q, before, false, err);
}

static void time_inputs(Queue *q)
{
    if (q->has_read_all || q->n_admitted < q->n_jobs) return;
    for (size_t i = 0; i < q->n_active; i++) {
        if (!q->jobs[q->active[i]].is_running) return;
    }
    q->has_read_all = true;
    q->stats.prompt_wall_ns = clock_now_ns() - q->started_wall_ns;
    q->stats.prompt_cpu_ns = clock_process_cpu_ns() - q->started_cpu_ns;
}

Status queue_run(Queue *q, Error *err)
{
    while (true) {
        do TRY(admit(q, err));
        while (q->n_active == 0 && q->n_admitted < q->n_jobs);
        if (q->n_active == 0) return STATUS_OK;
        arena_release(&q->round_arena);
        TRY(queue_round(q, err));
        TRY(settle_all(q, 0, true, err));
        time_inputs(q);
    }
}
