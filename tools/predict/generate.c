// Causal language models: log-likelihoods of continuations, and generation.
#include <math.h>
#include <string.h>

#include "models/checkpoint.h"
#include "tools/predict/predict.h"

static Status want_tokenizer(const Predictor *p, const char *ids, Error *err)
{
    if (model_tokenizer(p->model)) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "the model has no tokenizer: \"%s\" is wanted instead",
                     ids);
}

static AskIds given_ids(const JsonlInts *ids)
{
    return (AskIds){.ids = ids->values, .n = ids->n};
}

// ---- log-likelihoods ----

static Status read_pair(const Predictor *p, Arena *arena, PredictCase *c, AskIds *context,
                        AskIds *continuation, Error *err)
{
    const bool has_texts = c->context.is_given || c->continuation.is_given;
    const bool has_ids = c->context_ids.is_given || c->continuation_ids.is_given;
    if (has_texts && has_ids)
        return error_set(err, STATUS_INVALID, "texts and ids of a continuation are both given");
    if (has_texts) {
        if (!c->continuation.is_given)
            return error_set(err, STATUS_INVALID, "\"continuation\" is missing");
        if (!c->context.is_given && (c->prompt.is_given || c->text.is_given))
            return error_set(err, STATUS_INVALID,
                             "\"%s\" is not heeded before a \"continuation\": if it is the "
                             "\"context\", call it so, else write \"context\": \"\"",
                             c->prompt.is_given ? "prompt" : "text");
        TRY(want_tokenizer(p, "context_ids", err));
        return ask_encode_pair(p->model, c->context.text, c->continuation.text, arena, context,
                               continuation, err);
    }
    if (!c->continuation_ids.is_given) {
        return error_set(err, STATUS_INVALID,
                         "\"context\" and \"continuation\", or \"context_ids\" and "
                         "\"continuation_ids\" are wanted");
    }
    *context = given_ids(&c->context_ids);
    *continuation = given_ids(&c->continuation_ids);
    return context->n > 0 ? STATUS_OK : ask_encode_empty(p->model, arena, context, err);
}

// Cutting from the left moves ids: of a copy, since the continuation's may follow them.
static Status fit_pair(const Predictor *p, Arena *arena, PredictCase *c, AskIds *context,
                       size_t n_continuation, Error *err)
{
    int32_t *own = NULL;
    TRY(arena_take(arena, context->n, sizeof *own, "ids", &own, err));
    memcpy(own, context->ids, context->n * sizeof *own);
    context->ids = own;
    CutSide side;
    TRY(predict_cut_side(p, c, CUT_REFUSE, &side, err));
    return ask_fit_pair(p->model, side, context, n_continuation, &c->n_cut, err);
}

Status predict_loglik_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    AskIds context, continuation;
    TRY(read_pair(p, arena, c, &context, &continuation, err));
    TRY(fit_pair(p, arena, c, &context, continuation.n, err));
    c->loglik = (LoglikRequest){context.ids, context.n, continuation.ids, continuation.n};
    c->input.n_tokens = context.n + continuation.n;
    return model_check_loglik(p->model, &c->loglik, err);
}

Status predict_loglik_work(Predictor *p, Pool *pool, Arena *arena, PredictCase *const *cases,
                           size_t n, Error *err)
{
    LoglikRequest *requests = NULL;
    LoglikResult *results = NULL;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    for (size_t i = 0; i < n; i++) requests[i] = cases[i]->loglik;
    TRY(model_loglik(p->model, pool, requests, n, interrupt_flag(), arena, results, NULL, err));
    for (size_t i = 0; i < n; i++) cases[i]->scored = results[i];
    return STATUS_OK;
}

Status predict_loglik_put(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                          Error *err)
{
    (void)p, (void)logits;
    TRY(predict_want_finite(c->scored.loglik, err));
    json_member_double(w, "loglik", c->scored.loglik);
    json_member_array(w, "token_logprobs");
    for (size_t i = 0; i < c->loglik.n_continuation; i++)
        json_put_double(w, c->scored.token_logprobs[i]);
    json_end_array(w);
    json_member_bool(w, "is_greedy", c->scored.is_greedy);
    return STATUS_OK;
}

// ---- generation ----

// Whether more is wanted than the likeliest token, or a draw, each time.
static bool wants_search(const PredictCase *c, size_t n_prompt)
{
    const BeamOptions *o = &c->search.options;
    return o->n_beams != 1 || c->search.n_results != 1 || o->no_repeat_ngram > 0 ||
           o->min_new_tokens > 0 || o->n_bad_words > 0 || o->n_suppressed > 0 ||
           o->source_ngram > 0 || o->n_first_suppressed > 0 || o->forced_last >= 0 ||
           (o->forced_first >= 0 && n_prompt == 1);
}

Status predict_open_chat(Predictor *p, const char *path, Error *err)
{
    const char *real = NULL;
    Error why = {0};
    TRY(checkpoint_resolve(&p->arena, path, &real, err));
    if (chat_open(&p->arena, real, model_tokenizer(p->model), &p->chat, &why) == STATUS_OK)
        return STATUS_OK;
    TRY(arena_take(&p->arena, 1, sizeof *p->no_chat, "a message", &p->no_chat, err));
    *p->no_chat = why;
    return STATUS_OK;
}

static Status read_messages(const Predictor *p, Arena *arena, const PredictCase *c, AskIds *prompt,
                            Error *err)
{
    const ChatRequest request = {c->messages, c->tools, c->chat_template_kwargs};
    Buffer text = {0};
    Encoding e = {0};
    TRY(want_tokenizer(p, "input_ids", err));
    if (p->n_steps > 0)
        return error_set(err, STATUS_INVALID,
                         "--prepare is for texts, not for \"messages\": prepare them before");
    if (p->no_chat) {
        if (err) *err = *p->no_chat;
        return STATUS_INVALID;
    }
    Status s = chat_render(&p->chat, &request, &text, err);
    if (s == STATUS_OK)
        s = chat_encode(model_tokenizer(p->model), buffer_slice(&text), arena, &e, err);
    *prompt = (AskIds){.ids = e.ids, .n = e.n_tokens};
    buffer_release(&text);
    return s;
}

// Exactly one of "messages", "prompt" (or "text") and "input_ids".
static Status read_prompt(const Predictor *p, Arena *arena, const PredictCase *c, AskIds *prompt,
                          Error *err)
{
    const JsonlText *text = c->prompt.is_given ? &c->prompt : &c->text;
    const bool has_messages = c->messages.ptr && !slice_eq_cstr(slice_trim(c->messages), "null");
    if (has_messages + text->is_given + c->input_ids.is_given > 1)
        return error_set(err, STATUS_INVALID,
                         "of \"messages\", \"prompt\" and \"input_ids\" more than one is given");
    *prompt = given_ids(&c->input_ids);
    if (has_messages) return read_messages(p, arena, c, prompt, err);
    if (text->is_given) {
        TRY(want_tokenizer(p, "input_ids", err));
        return ask_encode(p->model, text->text, arena, prompt, err);
    }
    if (c->input_ids.is_given) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "\"prompt\", \"messages\" or \"input_ids\" is wanted");
}

// Of texts whose length neither the case nor the model tells.
enum { USUAL_NEW_TOKENS = 128 };

// How many tokens at most, and at least.
static Status choose_length(const Predictor *p, PredictCase *c, size_t n_prompt, Error *err)
{
    BeamOptions *o = &c->search.options;
    if (!c->max_new_tokens.is_given && !c->max_length.is_given && p->max_new_tokens == 0)
        TRY(generation_config_new_tokens(&p->usual, n_prompt, USUAL_NEW_TOKENS, &o->max_new_tokens,
                                         err));
    if (!c->min_new_tokens.is_given && o->min_new_tokens == 0 && p->usual.min_length > n_prompt)
        o->min_new_tokens = p->usual.min_length - n_prompt;
    return predict_lengths(c, n_prompt, err);
}

static Status refuse_languages(const PredictCase *c, Error *err)
{
    if (!c->src_lang.is_given && !c->tgt_lang.is_given) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "\"%s\" is of encoder-decoders: leave it out, and say in the prompt which "
                     "language is wanted",
                     c->tgt_lang.is_given ? "tgt_lang" : "src_lang");
}

Status predict_generate_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    AskIds prompt;
    CutSide side;
    TRY(refuse_languages(c, err));
    TRY(predict_cut_side(p, c, CUT_REFUSE, &side, err));
    TRY(read_prompt(p, arena, c, &prompt, err));
    BeamOptions *o = &c->search.options;
    TRY(predict_beam_options(p, arena, c, err));
    TRY(choose_length(p, c, prompt.n, err));
    TRY(ask_fit_prompt(p->model, side, &prompt, o->max_new_tokens, &c->n_cut, err));
    c->generate = (GenerateRequest){.prompt = prompt.ids,
                                    .n_prompt = prompt.n,
                                    .max_new_tokens = o->max_new_tokens,
                                    .sample = o->sample,
                                    .stops = c->stop.is_given ? c->stop.values : o->stops.texts,
                                    .n_stops = c->stop.is_given ? c->stop.n : o->stops.n};
    c->input.n_tokens = prompt.n;
    if (wants_search(c, prompt.n)) {
        c->generate.beams = o;
        c->generate.n_results = c->search.n_results;
    }
    return model_check_generate(p->model, &c->generate, err);
}

Status predict_generate_work(Predictor *p, Pool *pool, Arena *arena, PredictCase *const *cases,
                             size_t n, Error *err)
{
    GenerateRequest *requests = NULL;
    GenerateResult *results = NULL;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    for (size_t i = 0; i < n; i++) requests[i] = cases[i]->generate;
    TRY(model_generate(p->model, pool, requests, n, interrupt_flag(), arena, results, NULL, err));
    for (size_t i = 0; i < n; i++) {
        cases[i]->written = results[i];
        cases[i]->found = results[i].found;
        cases[i]->n_found = results[i].n_found;
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
        json_member_string(w, "text",
                           written->finish == FINISH_STOP ? slice_sub(all, 0, written->text_bytes)
                                                          : all);
    }
    buffer_release(&text);
    return s;
}

// The score is that of Transformers: the sum of log-probabilities over the length to the power of the penalty.
Status predict_generate_put(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                            Error *err)
{
    const GenerateResult *written = &c->written;
    if (c->generate.beams) return predict_search_put(p, c, logits, w, err);
    double sum = 0;
    for (size_t i = 0; i < written->n_ids; i++) sum += written->logprobs[i];
    TRY(predict_want_finite(sum, err));
    TRY(put_text(p, written, w, err));
    json_member_array(w, "ids");
    for (size_t i = 0; i < written->n_ids; i++) json_put_i64(w, written->ids[i]);
    json_end_array(w);
    json_member_double(w, "score",
                       sum / pow((double)written->n_ids, c->search.options.length_penalty));
    json_member_cstr(w, "finish", finish_reason_name(written->finish));
    return STATUS_OK;
}
