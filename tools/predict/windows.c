// Texts longer than the model takes: they go through it in windows that overlap, and each token's scores are taken from the
// window where it stands furthest from a cut, as in run_squad.py of BERT ("max context") and as suites judge tags.
#include <string.h>

#include "base/size.h"
#include "tools/predict/predict.h"

// The text that is cut: the passage where there are two.
static int8_t cut_sequence(const PredictCase *c)
{
    return c->pair.is_given ? 1 : 0;
}

Status predict_windows_encode(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const bool has_pair = c->pair.is_given, is_span = p->mode->head == HEAD_SPAN;
    const Slice *pair = has_pair ? &c->pair.text : NULL;
    const size_t n_added = tokenizer_n_added(tokenizer, has_pair);
    size_t n_question = 0, n_used = n_added;
    Error cannot = {0};
    if (has_pair && !is_span) return STATUS_OK;
    for (size_t t = 0; has_pair && t < c->encoding->n_tokens; t++)
        n_question += c->encoding->sequence[t] == 0;
    if (!size_add(n_question, n_added, &n_used) || n_used + 1 >= p->max_length) return STATUS_OK;
    const size_t room = p->max_length - n_used;
    size_t stride = is_span ? SPAN_STRIDE : room / 4;
    if (stride >= room) stride = room / 2;
    const EncodeOptions options = {.max_length = p->max_length,
                                   .strategy =
                                       has_pair ? TRUNCATE_ONLY_SECOND : TRUNCATE_LONGEST_FIRST,
                                   .stride = stride};
    const Status s = tokenizer_encode_windows(tokenizer, c->text.text, pair, &options, arena,
                                              &c->windows, &cannot);
    c->stride = stride;
    if (s == STATUS_OK) return s;
    c->windows = (EncodingWindows){0};
    if (s == STATUS_INVALID) return STATUS_OK; // then it is cut
    *err = cannot;
    return s;
}

TokenSequence predict_window_input(const PredictCase *c, size_t window)
{
    const Encoding *e = &c->windows.windows[window];
    return (TokenSequence){.ids = e->ids, .type_ids = e->type_ids, .n_tokens = e->n_tokens};
}

// Scores of the i-th token that is not of the cut text: the same in all windows, so the first one's serve.
static void copy_others(const PredictCase *c, const float *logits, size_t width, float *out)
{
    const Encoding *whole = c->encoding, *first = &c->windows.windows[0];
    const int8_t cut = cut_sequence(c);
    size_t at = 0;
    for (size_t t = 0; t < whole->n_tokens; t++) {
        if (whole->sequence[t] == cut) continue;
        while (at < first->n_tokens && first->sequence[at] == cut) at++;
        if (at == first->n_tokens) return;
        memcpy(out + t * width, logits + at * width, width * sizeof *out);
        at++;
    }
}

typedef struct Run {
    size_t begin, n; // of the cut text's tokens that a window has
    size_t at;       // where they begin in the window
    const float *logits;
} Run;

static Run next_run(const PredictCase *c, size_t window, const Run *before, const float *logits)
{
    const Encoding *e = &c->windows.windows[window];
    Run run = {.logits = logits, .at = SIZE_MAX};
    for (size_t t = 0; t < e->n_tokens; t++) {
        if (e->sequence[t] != cut_sequence(c)) continue;
        if (run.at == SIZE_MAX) run.at = t;
        run.n++;
    }
    if (before) run.begin = before->begin + before->n - c->stride;
    return run;
}

static size_t context_in(const Run *run, size_t token, bool is_first, bool is_last)
{
    const size_t left = is_first ? SIZE_MAX : token - run->begin,
                 right = is_last ? SIZE_MAX : run->begin + run->n - 1 - token;
    return left < right ? left : right;
}

Status predict_windows_join(const PredictCase *c, const float *logits, size_t width, Arena *arena,
                            float **out, Error *err)
{
    const Encoding *whole = c->encoding;
    const size_t n_windows = c->windows.n_windows;
    Run *runs = NULL;
    size_t n_floats = 0;
    if (!size_mul(whole->n_tokens, width, &n_floats)) n_floats = SIZE_MAX;
    TRY(arena_take(arena, n_floats, sizeof **out, "scores", out, err));
    TRY(arena_take(arena, n_windows, sizeof *runs, "windows", &runs, err));
    copy_others(c, logits, width, *out);
    for (size_t w = 0; w < n_windows; w++) {
        runs[w] = next_run(c, w, w > 0 ? &runs[w - 1] : NULL, logits);
        logits += c->windows.windows[w].n_tokens * width;
    }
    size_t token = 0, w = 0;
    for (size_t t = 0; t < whole->n_tokens; t++) {
        if (whole->sequence[t] != cut_sequence(c)) continue;
        while (w + 1 < n_windows && runs[w + 1].begin <= token &&
               (token >= runs[w].begin + runs[w].n ||
                context_in(&runs[w + 1], token, false, w + 2 == n_windows) >
                    context_in(&runs[w], token, w == 0, false)))
            w++;
        const Run *run = &runs[w];
        if (token - run->begin >= run->n)
            return error_set(err, STATUS_INTERNAL, "a window does not hold its tokens");
        memcpy(*out + t * width, run->logits + (run->at + token - run->begin) * width,
               width * sizeof **out);
        token++;
    }
    return STATUS_OK;
}
