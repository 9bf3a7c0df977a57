// What may not, must or should rather not come next in a text that is searched for.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/softmax.h"
#include "models/generation/beam_internal.h"

size_t beam_history(BeamSearch *s, int32_t node)
{
    const size_t n = s->n_prompt + s->n_steps;
    if (s->n_prompt > 0) memcpy(s->history, s->prompt, s->n_prompt * sizeof *s->history);
    for (size_t at = n; node >= 0; node = s->nodes[node].parent)
        s->history[--at] = s->nodes[node].token;
    return n;
}

// ---- tokens that may not come ----

bool beam_ends(const BeamOptions *o, int32_t token)
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

// What follows the last n - 1 tokens of the history in `text` may not follow them.
static void ban_runs(const BeamSearch *s, size_t n_history, size_t n, const int32_t *text,
                     size_t n_text, float *row, size_t n_tokens)
{
    if (n == 0 || n_history + 1 < n) return;
    const int32_t *end = s->history + n_history - (n - 1);
    for (size_t i = 0; i + n <= n_text; i++) {
        if (memcmp(text + i, end, (n - 1) * sizeof *end) == 0) ban(row, n_tokens, text[i + n - 1]);
    }
}

static void ban_words(const BeamSearch *s, size_t n_history, float *row, size_t n_tokens)
{
    for (size_t i = 0; i < s->options.n_bad_words; i++) {
        const BadWord *word = &s->options.bad_words[i];
        if (word->n > n_history + 1) continue;
        const int32_t *end = s->history + n_history - (word->n - 1);
        if (memcmp(end, word->ids, (word->n - 1) * sizeof *end) == 0)
            ban(row, n_tokens, word->ids[word->n - 1]);
    }
}

static bool has_forced_first(const BeamSearch *s)
{
    return s->options.forced_first >= 0 && s->n_prompt == 1;
}

int32_t beam_forced_token(const BeamSearch *s)
{
    const BeamOptions *o = &s->options;
    if (s->n_steps + 1 == o->max_new_tokens && o->forced_last >= 0) return o->forced_last;
    return s->n_steps == 0 && has_forced_first(s) ? o->forced_first : -1;
}

Status beam_penalise(BeamSearch *s, const BeamEntry *beam, Exec *exec, double lse, float *row,
                     size_t n_tokens, float *groups, Error *err)
{
    const double penalty = s->options.sample.repetition_penalty;
    if (penalty == 0 || penalty == 1) return STATUS_OK;
    const size_t n = beam_history(s, beam->node), mark = exec_scratch_mark(exec);
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

void beam_restrict(BeamSearch *s, const BeamEntry *beam, float *row, size_t n_tokens)
{
    const BeamOptions *o = &s->options;
    if (o->no_repeat_ngram > 0 || o->source_ngram > 0 || o->n_bad_words > 0) {
        const size_t n = beam_history(s, beam->node);
        ban_runs(s, n, o->no_repeat_ngram, s->history, n, row, n_tokens);
        ban_runs(s, n, o->source_ngram, s->source, s->n_source, row, n_tokens);
        ban_words(s, n, row, n_tokens);
    }
    for (size_t i = 0; s->n_steps < o->min_new_tokens && i < o->n_ends; i++)
        ban(row, n_tokens, o->end_ids[i]);
    for (size_t i = 0; i < o->n_suppressed; i++) ban(row, n_tokens, o->suppressed[i]);
    const size_t first = has_forced_first(s) ? 1 : 0;
    for (size_t i = 0; s->n_steps == first && i < o->n_first_suppressed; i++)
        ban(row, n_tokens, o->first_suppressed[i]);
}
