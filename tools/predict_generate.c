// Causal language models: log-likelihoods of continuations, and generation.
#include <math.h>
#include <string.h>

#include "models/generate.h"
#include "tools/predict.h"

static Status want_tokenizer(const Predictor *p, const char *ids, Error *err)
{
    if (model_tokenizer(p->model)) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "the model has no tokenizer: \"%s\" is wanted instead",
                     ids);
}

// Ids of a text, with the special tokens that the tokenizer puts before it; those behind it would end it.
static Status encode_open(const Predictor *p, Slice text, Arena *arena, JsonlInts *out, Error *err)
{
    Encoding encoding = {0};
    TRY(tokenizer_encode(model_tokenizer(p->model), text, NULL, NULL, arena, &encoding, err));
    size_t n = encoding.n_tokens;
    while (n > 0 && encoding.special[n - 1] &&
           encoding.offsets[n - 1].begin == encoding.offsets[n - 1].end && (text.len > 0 || n > 1))
        n--;
    TRY(arena_take(arena, n, sizeof *out->values, "ids", &out->values, err));
    if (n > 0) memcpy(out->values, encoding.ids, n * sizeof *out->values);
    out->n = n;
    out->is_given = true;
    return STATUS_OK;
}

// ---- log-likelihoods ----

// An empty context is the token that begins texts, or where a model has none the one that ends them.
static Status begin_context(const Predictor *p, Arena *arena, JsonlInts *context, Error *err)
{
    const ModelConfig *config = model_config(p->model);
    const int32_t first = config->bos_id >= 0 ? config->bos_id
                          : config->n_eos > 0 ? config->eos_ids[0]
                                              : -1;
    if (context->n > 0) return STATUS_OK;
    if (first < 0) {
        return error_set(err, STATUS_INVALID,
                         "the context has no token, and the model names none that begins texts");
    }
    TRY(arena_take(arena, 1, sizeof *context->values, "ids", &context->values, err));
    context->values[0] = first;
    context->n = 1;
    return STATUS_OK;
}

// The whole is tokenised at once, so that a token may reach over the border of words; blanks at the context's end belong to
// what follows. The context's own tokens say where the continuation begins.
static Status split_texts(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const Slice context = c->context.text, continuation = c->continuation.text;
    JsonlInts whole = {0};
    size_t kept = context.len;
    while (kept > 0 && strchr(" \t\n\r", context.ptr[kept - 1])) kept--;
    char *text = NULL;
    TRY(arena_take(arena, context.len + continuation.len + 1, 1, "a text", &text, err));
    if (context.len > 0) memcpy(text, context.ptr, context.len);
    if (continuation.len > 0) memcpy(text + context.len, continuation.ptr, continuation.len);
    const Slice joined = {text, context.len + continuation.len};
    TRY(encode_open(p, joined, arena, &whole, err));
    TRY(encode_open(p, slice_sub(context, 0, kept), arena, &c->context_ids, err));
    const size_t n_context = c->context_ids.n;
    if (n_context >= whole.n) {
        return error_set(err, STATUS_INVALID,
                         "the continuation adds no token to those of its context");
    }
    if (n_context > 0) c->context_ids.values = whole.values;
    c->continuation_ids =
        (JsonlInts){.values = whole.values + n_context, .n = whole.n - n_context, .is_given = true};
    return STATUS_OK;
}

Status predict_loglik_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const bool has_texts = c->context.is_given || c->continuation.is_given;
    const bool has_ids = c->context_ids.is_given || c->continuation_ids.is_given;
    if (has_texts && has_ids)
        return error_set(err, STATUS_INVALID, "texts and ids of a continuation are both given");
    if (has_texts) {
        if (!c->continuation.is_given)
            return error_set(err, STATUS_INVALID, "\"continuation\" is missing");
        TRY(want_tokenizer(p, "context_ids", err));
        TRY(split_texts(p, arena, c, err));
    } else if (!c->continuation_ids.is_given) {
        return error_set(err, STATUS_INVALID,
                         "\"context\" and \"continuation\", or \"context_ids\" and "
                         "\"continuation_ids\" are wanted");
    }
    TRY(begin_context(p, arena, &c->context_ids, err));
    c->loglik = (LoglikRequest){.context = c->context_ids.values,
                                .n_context = c->context_ids.n,
                                .continuation = c->continuation_ids.values,
                                .n_continuation = c->continuation_ids.n};
    c->input.n_tokens = c->context_ids.n + c->continuation_ids.n;
    return model_check_loglik(p->model, &c->loglik, err);
}

Status predict_loglik_work(Predictor *p, Pool *pool, Arena *arena, PredictCase *cases, size_t n,
                           Error *err)
{
    LoglikRequest *requests = NULL;
    LoglikResult *results = NULL;
    size_t n_requests = 0, at = 0;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    for (size_t i = 0; i < n; i++) {
        if (!cases[i].why) requests[n_requests++] = cases[i].loglik;
    }
    TRY(model_loglik(p->model, pool, requests, n_requests, interrupt_flag(), arena, results, NULL,
                     err));
    for (size_t i = 0; i < n; i++) {
        if (!cases[i].why) cases[i].scored = results[at++];
    }
    return STATUS_OK;
}

Status predict_loglik_put(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                          Error *err)
{
    (void)p, (void)logits, (void)err;
    json_put_key(w, "loglik");
    json_put_double(w, c->scored.loglik);
    json_put_key(w, "token_logprobs");
    json_begin_array(w);
    for (size_t i = 0; i < c->loglik.n_continuation; i++)
        json_put_double(w, c->scored.token_logprobs[i]);
    json_end_array(w);
    json_put_key(w, "is_greedy");
    json_put_bool(w, c->scored.is_greedy);
    return STATUS_OK;
}

// ---- generation ----

static double number_or(const JsonlNumber *number, double missing)
{
    return number->is_given ? number->value : missing;
}

// A draw is wanted where a temperature says so, or what only draws have is given.
static SampleOptions sample_options(const PredictCase *c)
{
    const bool draws = c->top_k.is_given || c->top_p.is_given || c->min_p.is_given;
    return (SampleOptions){.temperature = number_or(&c->temperature, draws ? 1.0 : 0.0),
                           .top_k = c->top_k.value,
                           .top_p = number_or(&c->top_p, 0),
                           .min_p = number_or(&c->min_p, 0),
                           .repetition_penalty = number_or(&c->repetition_penalty, 0),
                           .seed = c->seed.value};
}

Status predict_generate_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const JsonlText *text = c->prompt.is_given ? &c->prompt : &c->text;
    if (text->is_given && c->input_ids.is_given)
        return error_set(err, STATUS_INVALID, "\"prompt\" and \"input_ids\" are both given");
    if (text->is_given) {
        TRY(want_tokenizer(p, "input_ids", err));
        TRY(encode_open(p, text->text, arena, &c->input_ids, err));
        TRY(begin_context(p, arena, &c->input_ids, err));
    } else if (!c->input_ids.is_given) {
        return error_set(err, STATUS_INVALID, "\"prompt\" or \"input_ids\" is wanted");
    }
    if (c->num_beams.is_given && c->num_beams.value != 1) {
        return error_set(err, STATUS_INVALID,
                         "num_beams %zu: a causal LM is not searched with beams in this version",
                         c->num_beams.value);
    }
    if (c->max_new_tokens.is_given && c->max_new_tokens.value == 0)
        return error_set(err, STATUS_INVALID, "max_new_tokens must be at least 1");
    c->generate = (GenerateRequest){
        .prompt = c->input_ids.values,
        .n_prompt = c->input_ids.n,
        .max_new_tokens = c->max_new_tokens.is_given ? c->max_new_tokens.value : p->max_new_tokens,
        .sample = sample_options(c),
        .stops = c->stop.values,
        .n_stops = c->stop.n};
    c->input.n_tokens = c->input_ids.n;
    return model_check_generate(p->model, &c->generate, err);
}

Status predict_generate_work(Predictor *p, Pool *pool, Arena *arena, PredictCase *cases, size_t n,
                             Error *err)
{
    GenerateRequest *requests = NULL;
    GenerateResult *results = NULL;
    size_t n_requests = 0, at = 0;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    for (size_t i = 0; i < n; i++) {
        if (!cases[i].why) requests[n_requests++] = cases[i].generate;
    }
    TRY(model_generate(p->model, pool, requests, n_requests, interrupt_flag(), arena, results, NULL,
                       err));
    for (size_t i = 0; i < n; i++) {
        if (!cases[i].why) cases[i].written = results[at++];
    }
    return STATUS_OK;
}

static Status put_text(const Predictor *p, const GenerateResult *written, JsonWriter *w, Error *err)
{
    Buffer text = {0};
    if (!model_tokenizer(p->model)) return STATUS_OK;
    const Status s =
        tokenizer_decode(model_tokenizer(p->model), written->ids, written->n_ids, true, &text, err);
    if (s == STATUS_OK) {
        const Slice all = buffer_slice(&text);
        json_put_key(w, "text");
        json_put_string(w, written->finish == FINISH_STOP ? slice_sub(all, 0, written->text_bytes)
                                                          : all);
    }
    buffer_release(&text);
    return s;
}

// The score is that of Transformers: the sum of log-probabilities over the length to the power of the penalty.
Status predict_generate_put(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                            Error *err)
{
    (void)logits;
    const GenerateResult *written = &c->written;
    double sum = 0;
    TRY(put_text(p, written, w, err));
    json_put_key(w, "ids");
    json_begin_array(w);
    for (size_t i = 0; i < written->n_ids; i++) {
        json_put_i64(w, written->ids[i]);
        sum += written->logprobs[i];
    }
    json_end_array(w);
    json_put_key(w, "score");
    json_put_double(w, sum / pow((double)written->n_ids, number_or(&c->length_penalty, 1.0)));
    json_put_key(w, "finish");
    json_put_cstr(w, finish_reason_name(written->finish));
    return STATUS_OK;
}
