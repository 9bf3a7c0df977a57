#include "harness/prompt/ask.h"

#include <math.h>

#include "harness/prompt/asking.h"
#include "results/store.h"

// Texts of a call to the model; a question's examples are in each of its texts, so that many questions take much memory.
enum { CHUNK_BYTES = 64 << 20 };

// ---- choosing ----

// Requests of some samples: the options of each, one after the other, and where wanted the same again without the question.
typedef struct Choosing {
    AskLoglik *requests;
    size_t n, capacity;
    size_t *n_options; // of each sample
    size_t *bytes;     // of each option's own text, in the requests' order
    size_t n_bytes;    // of all texts
} Choosing;

static Status add_sample(const PromptAsking *a, const Sample *sample, size_t index, Arena *arena,
                         Choosing *c, Error *err)
{
    Slice *options = NULL, prompt = {0};
    size_t n = 0;
    const bool differ = prompt_template_has_option(&a->prompt->text);
    TRY(a->how->options(a->asked->task, a->asked->data, sample, arena, &options, &n, err));
    for (size_t i = 0; i < n; i++) {
        AskLoglik *request = &c->requests[c->n];
        if (i == 0 || differ) TRY(prompt_question(a, sample, i, arena, &prompt, err));
        request->context = prompt;
        request->is_chat = a->chat != NULL;
        TRY(prompt_answer(a, sample, i, options[i], arena, &request->continuation, err));
        c->bytes[c->n++] = options[i].len;
        c->n_bytes += request->context.len + request->continuation.len;
    }
    c->n_options[index] = n;
    for (size_t i = 0; a->wants_unconditional && i < n; i++, c->n++)
        c->requests[c->n] =
            (AskLoglik){.context = SLICE(""), .continuation = c->requests[c->n - n].continuation};
    return STATUS_OK;
}

static double normalized(PromptNormalize how, const double *option)
{
    switch (how) {
    case PROMPT_NORMALIZE_TOKENS:
        return option[PROMPT_LOGLIK] / option[PROMPT_TOKENS];
    case PROMPT_NORMALIZE_BYTES:
        return option[PROMPT_LOGLIK] / option[PROMPT_BYTES];
    case PROMPT_NORMALIZE_UNCONDITIONAL:
        return option[PROMPT_LOGLIK] - option[PROMPT_UNCONDITIONAL];
    case PROMPT_NORMALIZE_NONE:
        break;
    }
    return option[PROMPT_LOGLIK];
}

// The answer of one sample from what its options scored. A lone option is right where the model would have written it.
static void choose(const PromptAsking *a, const AskedLoglik *scored, const size_t *bytes, size_t n,
                   size_t index, Answers *out)
{
    const PromptNormalize how = a->prompt->normalize;
    double *values = out->values + index * out->n_values;
    double *probabilities = out->probabilities + index * out->n_classes;
    double best = -INFINITY, sum = 0;
    int32_t chosen = STORE_NO_LABEL;
    size_t n_cut = 0;
    for (size_t i = 0; i < n; i++) {
        double *option = values + i * PROMPT_PER_OPTION;
        option[PROMPT_LOGLIK] = scored[i].loglik;
        option[PROMPT_TOKENS] = (double)scored[i].n_tokens;
        option[PROMPT_BYTES] = (double)(bytes[i] > 0 ? bytes[i] : 1);
        option[PROMPT_UNCONDITIONAL] = a->wants_unconditional ? scored[n + i].loglik : (double)NAN;
        const double value = normalized(how, option);
        if (chosen == STORE_NO_LABEL || value > best) {
            best = value;
            chosen = (int32_t)i;
        }
        n_cut = scored[i].n_cut > n_cut ? scored[i].n_cut : n_cut;
    }
    for (size_t i = 0; i < n; i++) {
        probabilities[i] = exp(normalized(how, values + i * PROMPT_PER_OPTION) - best);
        sum += probabilities[i];
    }
    for (size_t i = 0; i < n; i++) probabilities[i] /= sum;
    if (n == 1 && !scored[0].is_greedy) chosen = STORE_NO_LABEL;
    out->predicted[index] = chosen;
    values[out->n_values - PROMPT_FLAGS + PROMPT_CUT] = (double)n_cut;
}

static Status choose_chunk(const PromptAsking *a, const Responder *responder, size_t *at,
                           Answers *out, Error *err)
{
    const Asked *asked = a->asked;
    const size_t first = *at, per_sample = a->n_options * (a->wants_unconditional ? 2 : 1);
    Arena scratch = {0};
    Choosing c = {0};
    AskedLoglik *scored = NULL;
    GenerateStats stats = {0};
    Status s = arena_take(&scratch, (asked->n - first) * per_sample, sizeof *c.requests, "options",
                          &c.requests, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, (asked->n - first) * per_sample, sizeof *c.bytes, "options",
                       &c.bytes, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, asked->n - first, sizeof *c.n_options, "options", &c.n_options,
                       err);
    while (s == STATUS_OK && *at < asked->n && c.n_bytes < CHUNK_BYTES) {
        s = add_sample(a, prompt_sample(asked->part, asked->positions[*at]), *at - first, &scratch,
                       &c, err);
        (*at)++;
    }
    if (s == STATUS_OK) s = arena_take(&scratch, c.n, sizeof *scored, "options", &scored, err);
    if (s == STATUS_OK)
        s = model_ask_loglik(responder->model, responder->pool, c.requests, c.n,
                             a->prompt->truncate, responder->cancel, scored, &stats, err);
    out->n_tokens += stats.n_tokens;
    size_t request = 0;
    for (size_t i = first; s == STATUS_OK && i < *at; i++) {
        const size_t n = c.n_options[i - first];
        choose(a, scored + request, c.bytes + request, n, i, out);
        request += a->wants_unconditional ? 2 * n : n;
    }
    arena_release(&scratch);
    return s;
}

// ---- writing ----

static Status read_written(const PromptAsking *a, const AskedText *written, size_t index,
                           Arena *arena, Answers *out, Error *err)
{
    const Asked *asked = a->asked;
    bool found = false, is_read = false;
    Slice text = {0};
    double *flags = out->values + index * out->n_values;
    TRY(prompt_extract(a->prompt, written->text, arena, &text, &found, err));
    TRY(a->how->read(asked->task, asked->data, prompt_sample(asked->part, asked->positions[index]),
                     text, arena, &out->texts[index], &is_read, err));
    out->predicted[index] = STORE_NO_LABEL;
    flags[PROMPT_UNPARSED] = !found || !is_read;
    flags[PROMPT_CUT] = (double)written->n_cut;
    return STATUS_OK;
}

static Status write_chunk(const PromptAsking *a, const Responder *responder, size_t *at,
                          Arena *arena, Answers *out, Error *err)
{
    const Asked *asked = a->asked;
    const size_t first = *at;
    size_t n_bytes = 0;
    Arena scratch = {0};
    AskText *requests = NULL;
    AskedText *written = NULL;
    GenerateStats stats = {0};
    Status s = arena_take(&scratch, asked->n - first, sizeof *requests, "prompts", &requests, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, asked->n - first, sizeof *written, "answers", &written, err);
    while (s == STATUS_OK && *at < asked->n && n_bytes < CHUNK_BYTES) {
        AskText *request = &requests[*at - first];
        *request = (AskText){.max_new_tokens = a->prompt->max_new_tokens,
                             .stops = a->prompt->stops,
                             .n_stops = a->prompt->n_stops,
                             .is_chat = a->chat != NULL};
        s = prompt_question(a, prompt_sample(asked->part, asked->positions[*at]), PROMPT_NO_OPTION,
                            &scratch, &request->prompt, err);
        n_bytes += request->prompt.len;
        (*at)++;
    }
    if (s == STATUS_OK)
        s = model_ask_text(responder->model, responder->pool, requests, *at - first,
                           a->prompt->truncate, responder->cancel, &scratch, written, &stats, err);
    out->n_tokens += stats.n_tokens;
    for (size_t i = first; s == STATUS_OK && i < *at; i++) {
        // Texts that were cut out borrow from what was written: they outlive the scratch.
        AskedText own = written[i - first];
        own.text = arena_copy(arena, own.text);
        s = own.text.ptr ? read_written(a, &own, i, arena, out, err)
                         : error_set_memory(err, own.text.len, 1, "an answer");
    }
    arena_release(&scratch);
    return s;
}

// ---- both ----

static Status take_answers(const PromptAsking *a, Arena *arena, Answers *out, Error *err)
{
    const size_t n = a->asked->n;
    out->n = n;
    out->n_values = a->n_options * PROMPT_PER_OPTION + PROMPT_FLAGS;
    out->n_classes = a->n_options > 0 ? a->asked->data->n_metric_labels : 0;
    TRY(arena_take(arena, n, sizeof *out->predicted, "predictions", &out->predicted, err));
    TRY(arena_take(arena, n * out->n_values, sizeof *out->values, "scores", &out->values, err));
    if (a->n_options > 0) {
        return arena_take(arena, n * out->n_classes, sizeof *out->probabilities, "probabilities",
                          &out->probabilities, err);
    }
    return arena_take(arena, n, sizeof *out->texts, "answers", &out->texts, err);
}

static bool wants_unconditional(const SuiteTask *task)
{
    bool wanted = task->prompt.normalize == PROMPT_NORMALIZE_UNCONDITIONAL;
    for (size_t i = 0; i < task->n_metrics; i++) {
        Slice how = {0};
        const Json *params = task->metrics[i].params;
        const Json *value = params ? json_get(params, "normalize") : NULL;
        if (value && json_kind(value) == JSON_STRING) how = json_string(value);
        wanted = wanted || slice_eq_cstr(how, "unconditional");
    }
    return wanted;
}

Status prompt_respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    PromptAsking a = {.asked = asked, .chat = asked->task->prompt.is_chat ? responder->chat : NULL};
    TRY(prompt_begin(&a, arena, err));
    TRY(prompt_put_shots(&a, arena, err));
    a.wants_unconditional = a.n_options > 0 && wants_unconditional(asked->task);
    TRY(take_answers(&a, arena, out, err));
    for (size_t at = 0; at < asked->n;) {
        if (a.n_options > 0)
            TRY(choose_chunk(&a, responder, &at, out, err));
        else
            TRY(write_chunk(&a, responder, &at, arena, out, err));
    }
    return STATUS_OK;
}
