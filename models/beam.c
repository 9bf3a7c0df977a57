#include "models/beam.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/softmax.h"

// Transformers' stand-in for minus infinity, whose size shows where scores are divided by a length.
static const double LOWEST = -1.0e9;

static size_t n_kept(const BeamOptions *o)
{
    return size_max(2, 1 + o->n_ends) * o->n_beams;
}

Status beam_check(const BeamOptions *o, size_t n_results, size_t n_stops, Error *err)
{
    if (o->n_beams == 0 || o->n_beams > BEAM_MAX_BEAMS)
        return error_set(err, STATUS_INVALID, "num_beams %zu is outside 1..%d", o->n_beams,
                         BEAM_MAX_BEAMS);
    TRY(sample_check(&o->sample, err));
    if (o->sample.temperature > 0 && o->n_beams != 1)
        return error_set(err, STATUS_INVALID,
                         "draws make one text, not %zu beams: leave out \"num_beams\", or "
                         "\"temperature\", \"top_k\", \"top_p\" and \"min_p\"",
                         o->n_beams);
    if (n_stops > 0 && o->n_beams != 1)
        return error_set(err, STATUS_INVALID,
                         "stop strings end a search with one beam, not with %zu: leave out "
                         "\"stop\" or \"num_beams\"",
                         o->n_beams);
    if (n_results == 0 || n_results > o->n_beams)
        return error_set(err, STATUS_INVALID,
                         "num_return_sequences %zu is outside 1..%zu, the number of beams",
                         n_results, o->n_beams);
    return STATUS_OK;
}

Status beam_begin(BeamSearch *s, const BeamOptions *options, const int32_t *prompt, size_t n_prompt,
                  Arena *arena, Error *err)
{
    *s = (BeamSearch){.options = *options, .arena = arena, .prompt = prompt, .n_prompt = n_prompt};
    const size_t n = options->n_beams, kept = n_kept(options);
    s->can_improve = true;
    TRY(arena_take(arena, n, sizeof *s->running, "beams", &s->running, err));
    TRY(arena_take(arena, n, sizeof *s->results, "beams", &s->results, err));
    // Each running beam gives as many candidates as are kept of all.
    TRY(arena_take(arena, (n + 1) * kept, sizeof *s->candidates, "beams", &s->candidates, err));
    TRY(arena_take(arena, n + kept, sizeof *s->spare, "beams", &s->spare, err));
    TRY(arena_take(arena, n_prompt + options->max_new_tokens, sizeof *s->history, "beams",
                   &s->history, err));
    for (size_t i = 0; i < n; i++) s->results[i] = (BeamEntry){.sum = LOWEST, .node = -1};
    s->running[0] = (BeamEntry){.node = -1, .is_there = true};
    s->n_running = 1;
    return STATUS_OK;
}

static Status add_node(BeamSearch *s, int32_t parent, int32_t token, int32_t *out, Error *err)
{
    if (s->n_nodes == s->nodes_capacity) {
        const size_t larger = size_max(4 * s->options.n_beams, 2 * s->nodes_capacity);
        BeamNode *nodes = NULL;
        if (larger > INT32_MAX) return error_set(err, STATUS_MEMORY, "too many beams");
        TRY(arena_take(s->arena, larger, sizeof *nodes, "beams", &nodes, err));
        if (s->n_nodes > 0) memcpy(nodes, s->nodes, s->n_nodes * sizeof *nodes);
        s->nodes = nodes;
        s->nodes_capacity = larger;
    }
    s->nodes[s->n_nodes] = (BeamNode){parent, token};
    *out = (int32_t)s->n_nodes++;
    return STATUS_OK;
}

// The tokens that end in `node`, after the prompt, into s->history; their number.
static size_t write_history(BeamSearch *s, int32_t node)
{
    const size_t n = s->n_prompt + s->n_steps;
    if (s->n_prompt > 0) memcpy(s->history, s->prompt, s->n_prompt * sizeof *s->history);
    for (size_t at = n; node >= 0; node = s->nodes[node].parent)
        s->history[--at] = s->nodes[node].token;
    return n;
}

// ---- tokens that may not come ----

static bool is_end(const BeamOptions *o, int32_t token)
{
    for (size_t i = 0; i < o->n_ends; i++) {
        if (o->end_ids[i] == token) return true;
    }
    return false;
}

static void ban(float *row, size_t n_tokens, int32_t token)
{
    if (token >= 0 && (size_t)token < n_tokens) row[token] = -INFINITY;
}

// What followed the last n - 1 tokens before may not follow them again.
static void ban_repeats(const BeamSearch *s, size_t n_history, float *row, size_t n_tokens)
{
    const size_t n = s->options.no_repeat_ngram;
    if (n == 0 || n_history + 1 < n) return;
    const int32_t *end = s->history + n_history - (n - 1);
    for (size_t i = 0; i + n <= n_history; i++) {
        if (memcmp(s->history + i, end, (n - 1) * sizeof *end) == 0)
            ban(row, n_tokens, s->history[i + n - 1]);
    }
}

static void ban_words(const BeamSearch *s, size_t n_history, float *row, size_t n_tokens)
{
    for (size_t i = 0; i < s->options.n_bad_words; i++) {
        const BadWord *word = &s->options.bad_words[i];
        if (word->n == 0 || word->n - 1 > n_history) continue;
        const int32_t *end = s->history + n_history - (word->n - 1);
        if (memcmp(end, word->ids, (word->n - 1) * sizeof *end) == 0)
            ban(row, n_tokens, word->ids[word->n - 1]);
    }
}

// The token that must come next, or -1.
static int32_t forced_token(const BeamSearch *s)
{
    if (s->n_steps == 0 && s->options.forced_first >= 0) return s->options.forced_first;
    return s->n_steps + 1 == s->options.max_new_tokens ? s->options.forced_last : -1;
}

// Of a row of logits whose log sum exp is lse: log-probabilities of tokens before are multiplied, each once; no group's largest number
// stays below one of its own.
static Status penalise(BeamSearch *s, const BeamEntry *beam, Exec *exec, double lse, float *row,
                       size_t n_tokens, float *groups, Error *err)
{
    const double penalty = s->options.sample.repetition_penalty;
    if (penalty == 0 || penalty == 1) return STATUS_OK;
    const size_t n = write_history(s, beam->node), mark = exec_scratch_mark(exec);
    float *scores = exec_scratch(exec, (n + 1) * sizeof *scores);
    if (!scores) return error_set_memory(err, n, sizeof *scores, "a penalty");
    for (size_t i = 0; i < n; i++) {
        const int32_t id = s->history[i];
        scores[i] =
            id >= 0 && (size_t)id < n_tokens ? (float)(((double)row[id] - lse) * penalty + lse) : 0;
    }
    for (size_t i = 0; i < n; i++) {
        const int32_t id = s->history[i];
        if (id < 0 || (size_t)id >= n_tokens) continue;
        float *largest = &groups[(size_t)id / LOG_SUM_GROUP];
        row[id] = scores[i];
        if (scores[i] > *largest) *largest = scores[i];
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

static void restrict_row(BeamSearch *s, const BeamEntry *beam, float *row, size_t n_tokens)
{
    const BeamOptions *o = &s->options;
    if (o->no_repeat_ngram > 0 || o->n_bad_words > 0) {
        const size_t n = write_history(s, beam->node);
        ban_repeats(s, n, row, n_tokens);
        ban_words(s, n, row, n_tokens);
    }
    for (size_t i = 0; s->n_steps < o->min_new_tokens && i < o->n_ends; i++)
        ban(row, n_tokens, o->end_ids[i]);
}

// ---- candidates ----

static size_t n_groups(size_t n_tokens)
{
    return (n_tokens + LOG_SUM_GROUP - 1) / LOG_SUM_GROUP;
}

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

// log sum exp of a row, and the largest number of each group of LOG_SUM_GROUP.
static Status log_sum_exp(Exec *exec, float *row, size_t n, double *out, float *groups, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = tensor_f32(row, 1, n);
    args.out[0] = tensor_f64(out, 1, 1);
    args.out[1] = tensor_f32(groups, 1, n_groups(n));
    TRY(op_run(exec, OP_LOG_SUM_EXP, DTYPE_F32, &args, err));
    if (isfinite(*out)) return STATUS_OK;
    return error_set(err, STATUS_DIVERGED, "the model's scores are no numbers");
}

// Whether a comes before b; equal ones stay as they came.
static bool is_before(const BeamEntry *a, const BeamEntry *b)
{
    return a->sum > b->sum;
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

// The best continuations of one running beam join `list`; node holds the token until it is chosen.
static Status add_candidates(BeamSearch *s, Exec *exec, size_t beam, float *row, size_t n_tokens,
                             float *groups, size_t *n, Error *err)
{
    const BeamEntry *from = &s->running[beam];
    const size_t most = n_kept(&s->options);
    const int32_t forced = forced_token(s);
    if (forced >= 0) { // as if it were certain
        const BeamEntry entry = {.sum = from->sum, .node = forced, .from = (uint32_t)beam};
        *n = insert(s->candidates, *n, most, entry);
        return STATUS_OK;
    }
    double lse = 0;
    TRY(log_sum_exp(exec, row, n_tokens, &lse, groups, err));
    TRY(penalise(s, from, exec, lse, row, n_tokens, groups, err));
    restrict_row(s, from, row, n_tokens);
    // A token below the last of a full list changes nothing: nearly all groups of a vocabulary are passed over.
    for (size_t i0 = 0; i0 < n_tokens; i0 += LOG_SUM_GROUP) {
        const size_t end = size_min(i0 + LOG_SUM_GROUP, n_tokens);
        double least = *n == most ? s->candidates[most - 1].sum - from->sum + lse : -INFINITY;
        if (!((double)groups[i0 / LOG_SUM_GROUP] >= least - 1e-6)) continue;
        for (size_t i = i0; i < end; i++) {
            if (!(row[i] > -INFINITY)) continue; // banned, or no number
            const BeamEntry entry = {.sum = from->sum + ((double)row[i] - lse),
                                     .node = (int32_t)i,
                                     .from = (uint32_t)beam};
            *n = insert(s->candidates, *n, most, entry);
        }
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
        const bool ends = is_end(o, c->node);
        if (!ends && !is_last) continue;
        BeamEntry result = {.sum = c->sum / scale, .is_there = true, .has_ended = ends};
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
        if (is_end(o, c->node)) continue;
        BeamEntry next = {.sum = c->sum, .from = c->from, .is_there = true};
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

void beam_stop(BeamSearch *s)
{
    s->results[0] = s->running[0];
    s->results[0].sum /= pow((double)s->n_steps, s->options.length_penalty);
    s->results[0].has_ended = false;
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
        const size_t n = write_history(s, beam->node);
        return sample_token(o, row, n_tokens, s->history, n, s->n_steps, exec, token, &ignored,
                            err);
    }
    *token = (int32_t)best_token(row, n_tokens, groups);
    return STATUS_OK;
}

// One beam: the likeliest token is taken, or one is drawn, and an end token ends it.
static Status advance_greedy(BeamSearch *s, Exec *exec, float *row, size_t n_tokens, float *groups,
                             Error *err)
{
    const BeamOptions *o = &s->options;
    BeamEntry *beam = &s->running[0];
    int32_t token = forced_token(s);
    if (token < 0) {
        double lse = 0;
        TRY(log_sum_exp(exec, row, n_tokens, &lse, groups, err));
        restrict_row(s, beam, row, n_tokens);
        TRY(choose_token(s, beam, exec, row, n_tokens, groups, &token, err));
        beam->sum += (double)row[token] - lse;
    }
    beam->from = 0;
    TRY(add_node(s, beam->node, token, &beam->node, err));
    s->n_steps++;
    if (!is_end(o, token) && s->n_steps < o->max_new_tokens) return STATUS_OK;
    beam_stop(s);
    s->results[0].has_ended = is_end(o, token);
    return STATUS_OK;
}

static Status advance_beams(BeamSearch *s, Exec *exec, float *logits, size_t stride,
                            size_t n_tokens, float *groups, Error *err)
{
    size_t n = 0;
    for (size_t beam = 0; beam < s->n_running; beam++)
        TRY(add_candidates(s, exec, beam, logits + beam * stride, n_tokens, groups, &n, err));
    TRY(update_results(s, n, err));
    TRY(update_running(s, n, err));
    s->n_steps++;
    decide(s);
    return STATUS_OK;
}

Status beam_advance(BeamSearch *s, Exec *exec, float *logits, size_t stride, size_t n_tokens,
                    Error *err)
{
    const size_t mark = exec_scratch_mark(exec), n = n_groups(n_tokens);
    float *groups = exec_scratch(exec, n * sizeof *groups);
    if (!groups) return error_set_memory(err, n, sizeof *groups, "a step's scores");
    const Status status = s->options.n_beams == 1
                              ? advance_greedy(s, exec, logits, n_tokens, groups, err)
                              : advance_beams(s, exec, logits, stride, n_tokens, groups, err);
    exec_scratch_release(exec, mark);
    return status;
}

int32_t beam_last_token(const BeamSearch *s, size_t i)
{
    return s->nodes[s->running[i].node].token;
}

size_t beam_tokens(const BeamSearch *s, int32_t *ids)
{
    size_t at = s->n_steps;
    for (int32_t node = s->running[0].node; node >= 0; node = s->nodes[node].parent)
        ids[--at] = s->nodes[node].token;
    return s->n_steps;
}

bool beam_result(const BeamSearch *s, size_t i, int32_t *ids, size_t *n, double *score,
                 bool *has_ended)
{
    if (i >= s->options.n_beams || !s->results[i].is_there) return false;
    const BeamEntry *result = &s->results[i];
    *n = 0;
    for (int32_t node = result->node; node >= 0; node = s->nodes[node].parent) ++*n;
    size_t at = *n;
    for (int32_t node = result->node; node >= 0; node = s->nodes[node].parent)
        ids[--at] = s->nodes[node].token;
    *score = result->sum;
    *has_ended = result->has_ended;
    return true;
}
