#include "models/generation/beam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"
#include "kernels/softmax.h"
#include "models/generation/beam_internal.h"

// Transformers' stand-in for minus infinity, whose size shows where scores are divided by a length.
static const double LOWEST = -1.0e9;

static size_t n_kept(const BeamOptions *o)
{
    return size_max(2, 1 + o->n_ends) * o->n_beams;
}

Status beam_check(const BeamOptions *o, size_t n_results, Error *err)
{
    if (o->n_beams == 0 || o->n_beams > BEAM_MAX_BEAMS)
        return error_set(err, STATUS_INVALID, "num_beams %zu is outside 1..%d", o->n_beams,
                         BEAM_MAX_BEAMS);
    TRY(sample_check(&o->sample, err));
    TRY(stops_check(&o->stops, err));
    if (n_results == 0 || n_results > o->n_beams)
        return error_set(err, STATUS_INVALID,
                         "num_return_sequences %zu is outside 1..%zu, the number of beams",
                         n_results, o->n_beams);
    return STATUS_OK;
}

Status beam_begin(BeamSearch *s, const BeamOptions *options, const int32_t *prompt, size_t n_prompt,
                  Arena *arena, Error *err)
{
    *s = (BeamSearch){.options = *options,
                      .arena = arena,
                      .prompt = prompt,
                      .n_prompt = n_prompt,
                      .source = prompt,
                      .n_source = n_prompt};
    const size_t n = options->n_beams, kept = n_kept(options);
    s->can_improve = true;
    TRY(arena_take(arena, n, sizeof *s->running, "beams", &s->running, err));
    TRY(arena_take(arena, n, sizeof *s->results, "beams", &s->results, err));
    // Each running beam gives as many candidates as are kept of all.
    TRY(arena_take(arena, (n + 1) * kept, sizeof *s->candidates, "beams", &s->candidates, err));
    TRY(arena_take(arena, n + kept, sizeof *s->spare, "beams", &s->spare, err));
    TRY(arena_take(arena, n_prompt + options->max_new_tokens, sizeof *s->history, "beams",
                   &s->history, err));
    for (size_t i = 0; i < n; i++)
        s->results[i] = (BeamEntry){.sum = LOWEST, .rank = LOWEST, .node = -1};
    s->running[0] = (BeamEntry){.node = -1, .is_there = true};
    s->n_running = 1;
    return STATUS_OK;
}

static Status add_node(BeamSearch *s, int32_t parent, int32_t token, int32_t *out, Error *err)
{
    if (s->n_nodes == s->nodes_capacity) {
        const size_t larger = size_max(4 * s->options.n_beams, 2 * s->nodes_capacity);
        if (larger > INT32_MAX) return error_set(err, STATUS_MEMORY, "too many beams");
        TRY(arena_grow(s->arena, s->n_nodes, larger, sizeof *s->nodes, "beams", &s->nodes, err));
        s->nodes_capacity = larger;
    }
    s->nodes[s->n_nodes] = (BeamNode){parent, token};
    *out = (int32_t)s->n_nodes++;
    return STATUS_OK;
}

// ---- candidates ----

static size_t n_groups(size_t n_tokens)
{
    return (n_tokens + LOG_SUM_GROUP - 1) / LOG_SUM_GROUP;
}

// What is known of rows of logits as a whole.
typedef struct RowScores {
    double *log_sums; // [n_rows] log sum exp
    float *groups;    // [n_rows, n_groups] the largest of each group
} RowScores;

// The first largest logit of a row, of which no number is larger than its group's; NaN counts for nothing.
static size_t best_token(const float *row, size_t n, const float *groups)
{
    size_t best = 0;
    for (size_t i0 = 0; i0 < n; i0 += LOG_SUM_GROUP) {
        if (i0 > 0 && !(groups[i0 / LOG_SUM_GROUP] > row[best])) continue;
        for (size_t i = i0; i < size_min(i0 + LOG_SUM_GROUP, n); i++) {
            if (row[i] > row[best]) best = i;
        }
    }
    return best;
}

// log sum exp of rows, and the largest number of each group of LOG_SUM_GROUP.
static Status log_sum_exp(Exec *exec, float *rows, size_t n_rows, size_t stride, size_t n_tokens,
                          RowScores *out, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = tensor_f32(rows, n_rows, n_tokens);
    args.in[0].row_stride = stride;
    args.out[0] = tensor_f64(out->log_sums, n_rows, 1);
    args.out[1] = tensor_f32(out->groups, n_rows, n_groups(n_tokens));
    TRY(op_run(exec, OP_LOG_SUM_EXP, DTYPE_F32, &args, err));
    for (size_t i = 0; i < n_rows; i++) {
        if (!isfinite(out->log_sums[i]))
            return error_set(err, STATUS_DIVERGED, "the model's scores are no numbers");
    }
    return STATUS_OK;
}

// Whether a comes before b; equal ones stay as they came.
static bool is_before(const BeamEntry *a, const BeamEntry *b)
{
    return a->rank > b->rank;
}

// Puts an entry into a list of the best `most`, after those that are as good.
static size_t insert(BeamEntry *list, size_t n, size_t most, BeamEntry entry)
{
    if (n == most && !is_before(&entry, &list[n - 1])) return n;
    size_t at = n < most ? n : n - 1;
    for (; at > 0 && is_before(&entry, &list[at - 1]); at--) list[at] = list[at - 1];
    list[at] = entry;
    return n < most ? n + 1 : n;
}

// Noise of one token for a draw by the largest sums.
static double gumbel(const BeamSearch *s, size_t beam, size_t token)
{
    Philox rng = philox_stream(s->options.sample.seed, s->n_steps);
    rng.counter[0] = (uint32_t)token;
    rng.counter[1] = (uint32_t)beam;
    return -log(-log(philox_double(&rng)));
}

// The continuations of one running beam that a draw may take join the list, with what their sums become.
static Status add_drawn(BeamSearch *s, Exec *exec, size_t beam, const float *row, size_t n_tokens,
                        double lse, size_t *n, Error *err)
{
    const BeamOptions *o = &s->options;
    const BeamEntry *from = &s->running[beam];
    const size_t mark = exec_scratch_mark(exec);
    double *scores = exec_scratch(exec, 3 * n_tokens * sizeof *scores);
    if (!scores) return error_set_memory(err, 3 * n_tokens, sizeof *scores, "a draw");
    double *p = scores + n_tokens;
    for (size_t i = 0; i < n_tokens; i++) scores[i] = (double)row[i] - lse;
    // One that does not end is left at least.
    sample_filter(&o->sample, size_max(2, 1 + o->n_ends), scores, n_tokens, p, p + n_tokens);
    for (size_t i = 0; i < n_tokens; i++) {
        if (!(p[i] > 0)) continue;
        const double sum = from->sum + scores[i];
        const BeamEntry entry = {.sum = sum,
                                 .rank = sum + gumbel(s, beam, i),
                                 .node = (int32_t)i,
                                 .from = (uint32_t)beam};
        *n = insert(s->candidates, *n, n_kept(o), entry);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// Below this no token of a running beam comes into the list.
static double least_logit(const BeamSearch *s, size_t n, const BeamEntry *from, double lse)
{
    const size_t most = n_kept(&s->options);
    return n == most ? s->candidates[most - 1].sum - from->sum + lse - 1e-6 : -INFINITY;
}

// The best continuations of one running beam join `list`; node holds the token until it is chosen.
static Status add_candidates(BeamSearch *s, Exec *exec, size_t beam, float *row, size_t n_tokens,
                             double lse, float *groups, size_t *n, Error *err)
{
    const BeamEntry *from = &s->running[beam];
    const size_t most = n_kept(&s->options);
    const int32_t forced = beam_forced_token(s);
    if (forced >= 0) { // as if it were certain
        const BeamEntry entry = {
            .sum = from->sum, .rank = from->sum, .node = forced, .from = (uint32_t)beam};
        *n = insert(s->candidates, *n, most, entry);
        return STATUS_OK;
    }
    TRY(beam_penalise(s, from, exec, lse, row, n_tokens, groups, err));
    beam_restrict(s, from, row, n_tokens);
    if (s->options.sample.temperature > 0)
        return add_drawn(s, exec, beam, row, n_tokens, lse, n, err);
    // A token below the last of a full list changes nothing: nearly all groups of a vocabulary are passed over.
    double least = least_logit(s, *n, from, lse);
    for (size_t i0 = 0; i0 < n_tokens; i0 += LOG_SUM_GROUP) {
        if (!((double)groups[i0 / LOG_SUM_GROUP] >= least)) continue;
        for (size_t i = i0; i < size_min(i0 + LOG_SUM_GROUP, n_tokens); i++) {
            if (!(row[i] > -INFINITY && (double)row[i] >= least))
                continue; // banned, no number, or too little
            const double sum = from->sum + ((double)row[i] - lse);
            const BeamEntry entry = {
                .sum = sum, .rank = sum, .node = (int32_t)i, .from = (uint32_t)beam};
            *n = insert(s->candidates, *n, most, entry);
        }
        least = least_logit(s, *n, from, lse);
    }
    return STATUS_OK;
}

static int best_first(const void *a, const void *b)
{
    const BeamEntry *x = a, *y = b;
    if (x->sum != y->sum) return x->sum > y->sum ? -1 : 1;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

// What was drawn goes on by its sum.
static void rank_drawn(BeamSearch *s, size_t n)
{
    if (s->options.sample.temperature <= 0) return;
    qsort(s->candidates, n, sizeof *s->candidates, best_first);
    for (size_t i = 0; i < n; i++) s->candidates[i].rank = s->candidates[i].sum;
}

// Which candidates end, by their token or their text, as far as anyone asks.
static Status mark_ends(BeamSearch *s, size_t n, Error *err)
{
    const BeamOptions *o = &s->options;
    size_t n_on = 0;
    for (size_t i = 0; i < n && (i < o->n_beams || n_on < o->n_beams); i++) {
        BeamEntry *c = &s->candidates[i];
        c->has_ended = beam_ends(o, c->node);
        c->text_bytes = SIZE_MAX;
        if (!c->has_ended && o->stops.n > 0) {
            s->history[beam_history(s, s->running[c->from].node)] = c->node;
            TRY(stops_find(&o->stops, s->history + s->n_prompt, s->n_steps + 1, &c->text_bytes,
                           err));
        }
        n_on += !c->has_ended && c->text_bytes == SIZE_MAX;
    }
    return STATUS_OK;
}

// ---- a step ----

static bool all_there(const BeamSearch *s)
{
    for (size_t i = 0; i < s->options.n_beams; i++) {
        if (!s->results[i].is_there) return false;
    }
    return true;
}

// Candidates that end, of the first n_beams, join the results where they are better.
static Status update_results(BeamSearch *s, size_t n_candidates, Error *err)
{
    const BeamOptions *o = &s->options;
    const bool is_last = s->n_steps + 1 == o->max_new_tokens;
    const double scale = pow((double)(s->n_steps + 1), o->length_penalty);
    if (!s->can_improve || (o->early_stopping == STOP_WHEN_FULL && all_there(s))) return STATUS_OK;
    for (size_t i = 0; i < size_min(n_candidates, o->n_beams); i++) {
        const BeamEntry *c = &s->candidates[i];
        if (!c->has_ended && c->text_bytes == SIZE_MAX && !is_last) continue;
        BeamEntry result = *c;
        result.sum = result.rank = c->sum / scale;
        result.is_there = true;
        TRY(add_node(s, s->running[c->from].node, c->node, &result.node, err));
        insert(s->results, o->n_beams, o->n_beams, result);
    }
    return STATUS_OK;
}

// The best candidates that do not end run on.
static Status update_running(BeamSearch *s, size_t n_candidates, Error *err)
{
    const BeamOptions *o = &s->options;
    size_t n = 0;
    for (size_t i = 0; i < n_candidates && n < o->n_beams; i++) {
        const BeamEntry *c = &s->candidates[i];
        if (c->has_ended || c->text_bytes != SIZE_MAX) continue;
        BeamEntry next = *c;
        next.is_there = true;
        TRY(add_node(s, s->running[c->from].node, c->node, &next.node, err));
        s->spare[n++] = next;
    }
    if (n > 0) memcpy(s->running, s->spare, n * sizeof *s->running);
    s->n_running = n;
    return STATUS_OK;
}

static void decide(BeamSearch *s)
{
    const BeamOptions *o = &s->options;
    if (s->n_steps == o->max_new_tokens || s->n_running == 0) {
        s->is_done = true;
        return;
    }
    const bool to_the_end = o->early_stopping == STOP_NEVER_EARLY && o->length_penalty > 0;
    const double length = (double)(to_the_end ? o->max_new_tokens : s->n_steps);
    const double best = s->running[0].sum / pow(length, o->length_penalty);
    const bool is_full = all_there(s);
    const double worst = is_full ? s->results[o->n_beams - 1].sum : LOWEST;
    s->can_improve = s->can_improve && best > worst;
    s->is_done = !s->can_improve || (is_full && o->early_stopping == STOP_WHEN_FULL);
}

// Ends a search with one beam where it is: what it has so far is the result.
static void stop_greedy(BeamSearch *s, bool has_ended, size_t text_bytes)
{
    s->results[0] = s->running[0];
    s->results[0].sum /= pow((double)s->n_steps, s->options.length_penalty);
    s->results[0].has_ended = has_ended;
    s->results[0].text_bytes = text_bytes;
    s->is_done = true;
}

// The likeliest token of a row that is restricted, or one that is drawn.
static Status choose_token(BeamSearch *s, const BeamEntry *beam, Exec *exec, const float *row,
                           size_t n_tokens, const float *groups, int32_t *token, Error *err)
{
    const SampleOptions *o = &s->options.sample;
    const bool is_penalised = o->repetition_penalty > 0 && o->repetition_penalty != 1;
    double ignored = 0;
    if (o->temperature > 0 || is_penalised) {
        const size_t n = beam_history(s, beam->node);
        return sample_token(o, row, n_tokens, s->history, n, s->n_steps, exec, token, &ignored,
                            err);
    }
    *token = (int32_t)best_token(row, n_tokens, groups);
    return STATUS_OK;
}

// One beam: the likeliest token is taken, or one is drawn, and an end token ends it.
static Status advance_greedy(BeamSearch *s, Exec *exec, float *row, size_t n_tokens,
                             const RowScores *scores, Error *err)
{
    const BeamOptions *o = &s->options;
    BeamEntry *beam = &s->running[0];
    int32_t token = beam_forced_token(s);
    if (token < 0) {
        beam_restrict(s, beam, row, n_tokens);
        TRY(choose_token(s, beam, exec, row, n_tokens, scores->groups, &token, err));
        beam->sum += (double)row[token] - scores->log_sums[0];
    }
    beam->from = 0;
    TRY(add_node(s, beam->node, token, &beam->node, err));
    s->n_steps++;
    const bool ends = beam_ends(o, token);
    size_t text_bytes = SIZE_MAX;
    if (!ends && o->stops.n > 0) {
        beam_history(s, beam->node);
        TRY(stops_find(&o->stops, s->history + s->n_prompt, s->n_steps, &text_bytes, err));
    }
    if (ends || text_bytes != SIZE_MAX || s->n_steps == o->max_new_tokens)
        stop_greedy(s, ends, text_bytes);
    return STATUS_OK;
}

static Status advance_beams(BeamSearch *s, Exec *exec, float *logits, size_t stride,
                            size_t n_tokens, const RowScores *scores, Error *err)
{
    size_t n = 0;
    for (size_t beam = 0; beam < s->n_running; beam++)
        TRY(add_candidates(s, exec, beam, logits + beam * stride, n_tokens, scores->log_sums[beam],
                           scores->groups + beam * n_groups(n_tokens), &n, err));
    rank_drawn(s, n);
    TRY(mark_ends(s, n, err));
    TRY(update_results(s, n, err));
    TRY(update_running(s, n, err));
    s->n_steps++;
    decide(s);
    return STATUS_OK;
}

Status beam_advance(BeamSearch *s, Exec *exec, float *logits, size_t stride, size_t n_tokens,
                    Error *err)
{
    const size_t mark = exec_scratch_mark(exec), n = s->n_running * n_groups(n_tokens);
    RowScores scores = {.log_sums = exec_scratch(exec, s->n_running * sizeof *scores.log_sums)};
    if (scores.log_sums) scores.groups = exec_scratch(exec, n * sizeof *scores.groups);
    Status status = STATUS_OK;
    if (!scores.groups) status = error_set_memory(err, n, sizeof *scores.groups, "a step's scores");
    if (status == STATUS_OK && beam_forced_token(s) < 0)
        status = log_sum_exp(exec, logits, s->n_running, stride, n_tokens, &scores, err);
    if (status == STATUS_OK)
        status = s->options.n_beams == 1
                     ? advance_greedy(s, exec, logits, n_tokens, &scores, err)
                     : advance_beams(s, exec, logits, stride, n_tokens, &scores, err);
    exec_scratch_release(exec, mark);
    return status;
}

int32_t beam_last_token(const BeamSearch *s, size_t i)
{
    return s->nodes[s->running[i].node].token;
}

bool beam_result(const BeamSearch *s, size_t i, SearchResult *out)
{
    if (i >= s->options.n_beams || !s->results[i].is_there) return false;
    const BeamEntry *result = &s->results[i];
    size_t n = 0;
    for (int32_t node = result->node; node >= 0; node = s->nodes[node].parent) n++;
    out->n_ids = n;
    for (int32_t node = result->node; node >= 0; node = s->nodes[node].parent)
        out->ids[--n] = s->nodes[node].token;
    out->score = result->sum;
    out->has_ended = result->has_ended;
    out->has_stopped = result->text_bytes != SIZE_MAX;
    out->text_bytes = result->text_bytes;
    return true;
}
