// Encoder-decoders: what their decoder makes of a source, by greedy or beam search or by draws.
#include <float.h>
#include <math.h>
#include <string.h>

#include "tools/predict/predict.h"

static Status want_early_stopping(const PredictCase *c, EarlyStopping *out, Error *err)
{
    const Slice text = slice_trim(c->early_stopping);
    if (!text.ptr || slice_eq_cstr(text, "null")) return STATUS_OK;
    if (slice_eq_cstr(text, "true"))
        *out = STOP_WHEN_FULL;
    else if (slice_eq_cstr(text, "false"))
        *out = STOP_BY_PRESENT_LENGTH;
    else if (slice_eq_cstr(text, "\"never\""))
        *out = STOP_NEVER_EARLY;
    else
        return error_set(err, STATUS_INVALID,
                         "\"early_stopping\" is " SLICE_FMT
                         ", but must be true, false or \"never\"",
                         SLICE_ARG(text));
    return STATUS_OK;
}

// A draw is wanted where do_sample says so, a temperature above 0, or what only draws have; else as the model's files say.
static Status wants_draw(const Predictor *p, const PredictCase *c, bool *out, Error *err)
{
    const Slice told = slice_trim(c->do_sample);
    const bool is_cold = c->temperature.is_given && c->temperature.value == 0;
    *out = c->top_k.is_given || c->top_p.is_given || c->min_p.is_given || p->usual.is_drawn;
    if (c->temperature.is_given) *out = !is_cold;
    if (!told.ptr || slice_eq_cstr(told, "null")) return STATUS_OK;
    *out = slice_eq_cstr(told, "true");
    if (!*out && !slice_eq_cstr(told, "false"))
        return error_set(err, STATUS_INVALID,
                         "\"do_sample\" is " SLICE_FMT ", but must be true or false",
                         SLICE_ARG(told));
    if (*out && is_cold)
        return error_set(err, STATUS_INVALID, "\"do_sample\" draws, but \"temperature\" is 0");
    return STATUS_OK;
}

static Status sample_options(const Predictor *p, const PredictCase *c, SampleOptions *o, Error *err)
{
    const SampleOptions *usual = &p->usual.draw;
    const bool is_told = p->usual.is_drawn || slice_eq_cstr(slice_trim(c->do_sample), "true");
    bool draws = false;
    TRY(wants_draw(p, c, &draws, err));
    *o = (SampleOptions){.repetition_penalty = p->usual.options.sample.repetition_penalty,
                         .seed = c->seed.value};
    if (c->repetition_penalty.is_given) o->repetition_penalty = c->repetition_penalty.value;
    // 0 stands for none inside, where a case would mean the strictest there is.
    if (c->repetition_penalty.is_given && !(o->repetition_penalty > 0))
        return error_set(err, STATUS_INVALID, "repetition_penalty %g must be above 0",
                         o->repetition_penalty);
    if (!draws) return STATUS_OK;
    o->temperature = c->temperature.is_given ? c->temperature.value : usual->temperature;
    o->top_k = c->top_k.is_given               ? c->top_k.value
               : p->usual.has_top_k || is_told ? usual->top_k
                                               : 0;
    o->top_p = c->top_p.is_given ? c->top_p.value : usual->top_p;
    if (c->top_p.is_given && o->top_p == 0) o->top_p = DBL_MIN; // the likeliest alone
    o->min_p = c->min_p.is_given ? c->min_p.value : usual->min_p;
    return STATUS_OK;
}

// ---- tokens that must or may not come ----

static Status want_token(const Predictor *p, const char *key, const JsonlSize *given, int32_t *out,
                         Error *err)
{
    const size_t n = model_config_target_vocab(model_config(p->model));
    if (!given->is_given) return STATUS_OK;
    if (given->value >= n)
        return error_set(err, STATUS_INVALID, "\"%s\" is %zu, but tokens are 0 to %zu", key,
                         given->value, n - 1);
    *out = (int32_t)given->value;
    return STATUS_OK;
}

static Status want_tokens(const Predictor *p, const char *key, const JsonlInts *given,
                          const int32_t **out, size_t *n_out, Error *err)
{
    const size_t n = model_config_target_vocab(model_config(p->model));
    if (!given->is_given) return STATUS_OK;
    for (size_t i = 0; i < given->n; i++) {
        if (given->values[i] < 0 || (size_t)given->values[i] >= n)
            return error_set(err, STATUS_INVALID, "\"%s\" has %d, but tokens are 0 to %zu", key,
                             given->values[i], n - 1);
    }
    *out = given->values;
    *n_out = given->n;
    return STATUS_OK;
}

static Status read_bad_words(const Predictor *p, Arena *arena, const PredictCase *c, BeamOptions *o,
                             Error *err)
{
    JsonDocument *document = NULL;
    const Slice text = slice_trim(c->bad_words_ids);
    if (!text.ptr || slice_eq_cstr(text, "null")) return STATUS_OK;
    Status s = json_parse(SLICE("bad_words_ids"), text, JSON_STRICT, &document, err);
    if (s == STATUS_OK)
        s = generation_config_bad_words(model_config(p->model), arena, json_root(document), o, err);
    json_close(&document);
    return s;
}

static Status token_options(const Predictor *p, Arena *arena, PredictCase *c, BeamOptions *o,
                            Error *err)
{
    TRY(want_token(p, "forced_bos_token_id", &c->forced_bos_token_id, &o->forced_first, err));
    TRY(want_token(p, "forced_eos_token_id", &c->forced_eos_token_id, &o->forced_last, err));
    TRY(want_token(p, "decoder_start_token_id", &c->decoder_start_token_id, &c->search.start_id,
                   err));
    c->search.has_start = c->decoder_start_token_id.is_given;
    TRY(want_tokens(p, "suppress_tokens", &c->suppress_tokens, &o->suppressed, &o->n_suppressed,
                    err));
    TRY(want_tokens(p, "begin_suppress_tokens", &c->begin_suppress_tokens, &o->first_suppressed,
                    &o->n_first_suppressed, err));
    return read_bad_words(p, arena, c, o, err);
}

// The language of what is written: its token is the first, or what the decoder begins with.
static Status target_language(const Predictor *p, PredictCase *c, Error *err)
{
    const Slice code = c->tgt_lang.is_given ? c->tgt_lang.text : p->tgt_lang;
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    int32_t id = TOKEN_NONE;
    if (code.len == 0) return STATUS_OK;
    if (!tokenizer)
        return error_set(err, STATUS_INVALID,
                         "the model has no tokenizer: \"forced_bos_token_id\" or "
                         "\"decoder_start_token_id\" is wanted instead of \"tgt_lang\"");
    TRY(tokenizer_find_language(tokenizer, code, &id, err));
    if (!tokenizer_language_starts(tokenizer)) {
        if (!c->forced_bos_token_id.is_given) c->search.options.forced_first = id;
    } else if (!c->search.has_start) {
        c->search.has_start = true;
        c->search.start_id = id;
    }
    return STATUS_OK;
}

Status predict_lengths(PredictCase *c, size_t n_before, Error *err)
{
    BeamOptions *o = &c->search.options;
    const JsonlSize *most = &c->max_length, *least = &c->min_length;
    if (!c->max_new_tokens.is_given && most->is_given) {
        if (most->value <= n_before)
            return error_set(err, STATUS_INVALID,
                             "\"max_length\" %zu counts the %zu tokens before the first: it "
                             "leaves no room",
                             most->value, n_before);
        o->max_new_tokens = most->value - n_before;
    }
    if (!c->min_new_tokens.is_given && least->is_given)
        o->min_new_tokens = least->value > n_before ? least->value - n_before : 0;
    return STATUS_OK;
}

Status predict_beam_options(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    BeamOptions *o = &c->search.options;
    *o = p->usual.options;
    if (c->num_beams.is_given) o->n_beams = c->num_beams.value;
    if (c->max_new_tokens.is_given)
        o->max_new_tokens = c->max_new_tokens.value;
    else if (p->max_new_tokens > 0 && !c->max_length.is_given)
        o->max_new_tokens = p->max_new_tokens;
    if (c->min_new_tokens.is_given) o->min_new_tokens = c->min_new_tokens.value;
    if (c->length_penalty.is_given) o->length_penalty = c->length_penalty.value;
    if (!(fabs(o->length_penalty) <= BEAM_MOST_PENALTY))
        return error_set(err, STATUS_INVALID, "length_penalty %g is outside -%d .. %d",
                         o->length_penalty, BEAM_MOST_PENALTY, BEAM_MOST_PENALTY);
    if (c->no_repeat_ngram_size.is_given) o->no_repeat_ngram = c->no_repeat_ngram_size.value;
    if (c->encoder_no_repeat_ngram_size.is_given)
        o->source_ngram = c->encoder_no_repeat_ngram_size.value;
    TRY(token_options(p, arena, c, o, err));
    TRY(sample_options(p, c, &o->sample, err));
    c->search.n_results = c->num_return_sequences.is_given ? c->num_return_sequences.value : 1;
    return want_early_stopping(c, &o->early_stopping, err);
}

Status predict_search_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    const JsonlText *text = c->prompt.is_given ? &c->prompt : &c->text;
    if (text->is_given && c->input_ids.is_given)
        return error_set(err, STATUS_INVALID, "\"prompt\" and \"input_ids\" are both given");
    if (text->is_given) {
        if (!model_tokenizer(p->model))
            return error_set(
                err, STATUS_INVALID,
                "the model has no tokenizer: \"input_ids\" is wanted instead of \"prompt\"");
        TRY(predict_encode_ids(p, arena, text, NULL, c, err));
    } else if (c->input_ids.is_given) {
        c->input.ids = c->input_ids.values;
        TRY(jsonl_count_unpadded(&c->attention_mask, c->input_ids.n, &c->input.n_tokens, err));
    } else {
        return error_set(err, STATUS_INVALID, "\"prompt\" or \"input_ids\" is wanted");
    }
    c->search.source = c->input;
    c->search.stops = c->stop.values;
    c->search.n_stops = c->stop.n;
    TRY(predict_beam_options(p, arena, c, err));
    TRY(target_language(p, c, err));
    TRY(predict_lengths(c, 1, err));
    return search_check(p->model, &c->search, err);
}

Status predict_search_work(Predictor *p, Pool *pool, Arena *arena, PredictCase *const *cases,
                           size_t n, Error *err)
{
    SearchRequest *requests = NULL;
    SearchResult **results = NULL;
    size_t *n_found = NULL;
    TRY(arena_take(arena, n, sizeof *requests, "requests", &requests, err));
    TRY(arena_take(arena, n, sizeof *results, "requests", &results, err));
    TRY(arena_take(arena, n, sizeof *n_found, "requests", &n_found, err));
    for (size_t i = 0; i < n; i++) requests[i] = cases[i]->search;
    TRY(model_search(p->model, pool, requests, n, interrupt_flag(), arena, results, n_found, err));
    for (size_t i = 0; i < n; i++) {
        cases[i]->found = results[i];
        cases[i]->n_found = n_found[i];
    }
    return STATUS_OK;
}

static Status put_result(const Predictor *p, const SearchResult *result, JsonWriter *w, Error *err)
{
    if (model_tokenizer(p->model)) {
        Buffer text = {0};
        const Tokenizer *tokenizer = tokenizer_target(model_tokenizer(p->model));
        const Status s = tokenizer_decode(tokenizer, result->ids, result->n_ids, true, &text, err);
        if (s == STATUS_OK) {
            json_put_key(w, "text");
            const Slice all = buffer_slice(&text);
            json_put_string(w, result->has_stopped ? slice_sub(all, 0, result->text_bytes) : all);
        }
        buffer_release(&text);
        TRY(s);
    }
    json_member_array(w, "ids");
    for (size_t i = 0; i < result->n_ids; i++) json_put_i64(w, result->ids[i]);
    json_end_array(w);
    json_member_double(w, "score", result->score);
    json_member_cstr(w, "finish",
                     result->has_stopped ? "stop"
                     : result->has_ended ? "eos"
                                         : "length");
    return STATUS_OK;
}

// The best result; all that were asked for, where that is more than one.
Status predict_search_put(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                          Error *err)
{
    (void)logits;
    const double penalty = c->search.options.length_penalty;
    // Scores below -1e9 are none to a search with beams, as in Transformers.
    if (c->n_found == 0 && penalty < -1)
        return error_set(
            err, STATUS_INVALID,
            "the search found nothing: \"length_penalty\" %g makes all scores too low, "
            "or every token is forbidden",
            penalty);
    // Where all are forbidden, greedy search has taken one of those that cannot be.
    if (c->n_found == 0 || c->found[0].score == -INFINITY)
        return error_set(err, STATUS_INVALID,
                         "the search found nothing: every token is forbidden (by "
                         "\"suppress_tokens\", \"bad_words_ids\" and their like)");
    TRY(put_result(p, &c->found[0], w, err));
    if (c->search.n_results == 1) return STATUS_OK;
    json_member_array(w, "sequences");
    for (size_t i = 0; i < c->n_found; i++) {
        json_begin_object(w);
        TRY(put_result(p, &c->found[i], w, err));
        json_end_object(w);
    }
    json_end_array(w);
    return STATUS_OK;
}
