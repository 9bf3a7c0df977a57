#include "models/generation/generation_config.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_source.h"
#include "base/size.h"
#include "models/model_internal.h"

enum { MAX_BAD_WORDS = 1 << 16 };

static bool is_said(const Json *value)
{
    return value && json_kind(value) != JSON_NULL;
}

// ---- tokens ----

// One id; of a list its only one.
static Status read_id(const ModelConfig *c, const Json *root, const char *key, int32_t *out,
                      Error *err)
{
    const Json *value = json_get(root, key);
    int64_t id = -1;
    if (!is_said(value)) return STATUS_OK;
    if (json_kind(value) == JSON_ARRAY && json_len(value) == 1) value = json_at(value, 0);
    TRY(json_as_i64(value, 0, (int64_t)model_config_target_vocab(c) - 1, &id, err));
    *out = (int32_t)id;
    return STATUS_OK;
}

// One id or a list. Those outside the vocabulary cannot come and are passed over.
static Status read_ids(const ModelConfig *c, Arena *arena, const Json *root, const char *key,
                       const int32_t **out, size_t *n_out, Error *err)
{
    const Json *value = json_get(root, key);
    int32_t *ids = NULL;
    *n_out = 0;
    if (!is_said(value)) return STATUS_OK;
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const size_t n = is_list ? json_len(value) : 1;
    TRY(arena_take(arena, n, sizeof *ids, "token ids", &ids, err));
    for (size_t i = 0; i < n; i++) {
        int64_t id = 0;
        TRY(json_as_i64(is_list ? json_at(value, i) : value, -1, INT32_MAX, &id, err));
        if (id >= 0 && id < (int64_t)model_config_target_vocab(c)) ids[(*n_out)++] = (int32_t)id;
    }
    *out = ids;
    return STATUS_OK;
}

static Status put_ends(const int32_t *ids, size_t n, BeamOptions *out, Error *err)
{
    if (n > BEAM_MAX_ENDS)
        return error_set(err, STATUS_INVALID,
                         "%zu tokens end a text by \"eos_token_id\", but at most %d may", n,
                         BEAM_MAX_ENDS);
    if (n > 0) memcpy(out->end_ids, ids, n * sizeof *ids);
    out->n_ends = n;
    return STATUS_OK;
}

static Status read_ends(const Model *model, Arena *arena, const Json *root, BeamOptions *out,
                        Error *err)
{
    const ModelConfig *c = model_config(model);
    const int32_t *ids = c->eos_ids;
    size_t n = c->n_eos;
    if (c->head == HEAD_SEQ2SEQ) TRY(read_ids(c, arena, root, "eos_token_id", &ids, &n, err));
    return put_ends(ids, n, out, err);
}

Status generation_config_bad_words(const ModelConfig *c, Arena *arena, const Json *words,
                                   BeamOptions *out, Error *err)
{
    BadWord *list = NULL;
    out->n_bad_words = 0;
    if (json_kind(words) != JSON_ARRAY)
        return json_error(words, err, "must be a list of lists of token ids");
    if (json_len(words) > MAX_BAD_WORDS)
        return json_error(words, err, "at most %d are taken", MAX_BAD_WORDS);
    TRY(arena_take(arena, json_len(words), sizeof *list, "bad words", &list, err));
    for (const Json *word = json_first(words); word; word = json_next(word)) {
        int32_t *ids = NULL;
        if (json_kind(word) != JSON_ARRAY || json_len(word) == 0)
            return json_error(word, err, "must be a list of token ids");
        TRY(arena_take(arena, json_len(word), sizeof *ids, "bad words", &ids, err));
        size_t n = 0;
        for (const Json *id = json_first(word); id; id = json_next(id)) {
            int64_t value = 0;
            TRY(json_as_i64(id, 0, (int64_t)model_config_target_vocab(c) - 1, &value, err));
            ids[n++] = (int32_t)value;
        }
        // Transformers lets texts end whatever the bad words say.
        if (n == 1 && beam_ends(out, ids[0])) continue;
        list[out->n_bad_words++] = (BadWord){.ids = ids, .n = n};
    }
    out->bad_words = list;
    return STATUS_OK;
}

static Status read_tokens(const Model *model, Arena *arena, const Json *root, BeamOptions *out,
                          Error *err)
{
    const ModelConfig *c = model_config(model);
    TRY(read_id(c, root, "forced_bos_token_id", &out->forced_first, err));
    TRY(read_id(c, root, "forced_eos_token_id", &out->forced_last, err));
    TRY(read_ends(model, arena, root, out, err));
    TRY(read_ids(c, arena, root, "suppress_tokens", &out->suppressed, &out->n_suppressed, err));
    TRY(read_ids(c, arena, root, "begin_suppress_tokens", &out->first_suppressed,
                 &out->n_first_suppressed, err));
    const Json *words = json_get(root, "bad_words_ids");
    return is_said(words) ? generation_config_bad_words(c, arena, words, out, err) : STATUS_OK;
}

static Status read_stops(const Model *model, Arena *arena, const Json *root, StopTexts *out,
                         Error *err)
{
    const Json *value = json_get(root, "stop_strings");
    Slice *texts = NULL;
    if (!is_said(value)) return STATUS_OK;
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const size_t n = is_list ? json_len(value) : 1;
    TRY(arena_take(arena, n, sizeof *texts, "stop strings", &texts, err));
    for (size_t i = 0; i < n; i++) {
        const Json *text = is_list ? json_at(value, i) : value;
        if (json_kind(text) != JSON_STRING || json_string(text).len == 0)
            return json_error(text, err, "must be a text, or a list of texts, none empty");
        texts[i] = json_string(text);
    }
    const Tokenizer *tokenizer = model_tokenizer(model);
    *out = (StopTexts){tokenizer ? tokenizer_target(tokenizer) : NULL, texts, n};
    return STATUS_OK;
}

// ---- numbers ----

static Status read_early_stopping(const Json *root, BeamOptions *out, Error *err)
{
    const Json *value = json_get(root, "early_stopping");
    bool is_on = false;
    if (!is_said(value)) return STATUS_OK;
    if (json_kind(value) == JSON_STRING && slice_eq_cstr(json_string(value), "never")) {
        out->early_stopping = STOP_NEVER_EARLY;
        return STATUS_OK;
    }
    TRY(json_opt_bool(root, "early_stopping", &is_on, err));
    out->early_stopping = is_on ? STOP_WHEN_FULL : STOP_BY_PRESENT_LENGTH;
    return STATUS_OK;
}

static Status read_draw(const Json *root, GenerationConfig *out, Error *err)
{
    int64_t top_k = USUAL_TOP_K;
    SampleOptions *draw = &out->draw;
    draw->temperature = 1;
    out->has_top_k = is_said(json_get(root, "top_k"));
    TRY(json_opt_double(root, "temperature", 0, 1e6, &draw->temperature, err));
    TRY(json_opt_double(root, "top_p", 0, 1, &draw->top_p, err));
    TRY(json_opt_double(root, "min_p", 0, 1, &draw->min_p, err));
    TRY(json_opt_i64(root, "top_k", 0, INT32_MAX, &top_k, err));
    TRY(json_opt_bool(root, "do_sample", &out->is_drawn, err));
    draw->top_k = (size_t)top_k;
    draw->repetition_penalty = out->options.sample.repetition_penalty;
    if (!out->is_drawn) return STATUS_OK;
    if (!(draw->temperature > 0))
        return json_error(json_get(root, "temperature"), err,
                          "must be above 0 where \"do_sample\" is true");
    out->options.sample = *draw;
    return STATUS_OK;
}

// Lengths: max_length and min_length count the tokens before the first.
static Status read_lengths(const ModelConfig *c, const Json *root, GenerationConfig *out,
                           Error *err)
{
    int64_t max_new = 0, max_length = 0, min_new = 0, min_length = 0;
    BeamOptions *o = &out->options;
    TRY(json_opt_i64(root, "max_new_tokens", 0, INT32_MAX, &max_new, err));
    TRY(json_opt_i64(root, "max_length", 0, INT32_MAX, &max_length, err));
    TRY(json_opt_i64(root, "min_new_tokens", 0, INT32_MAX, &min_new, err));
    TRY(json_opt_i64(root, "min_length", 0, INT32_MAX, &min_length, err));
    if (c->head != HEAD_SEQ2SEQ) {
        o->max_new_tokens = (size_t)max_new;
        o->min_new_tokens = (size_t)min_new;
        out->max_length = (size_t)max_length;
        out->min_length = (size_t)min_length;
        return STATUS_OK;
    }
    if (max_new == 0 && max_length > 1) max_new = max_length - 1;
    if (max_new == 0) max_new = SEARCH_USUAL_TOKENS;
    if (min_new == 0 && min_length > 1) min_new = min_length - 1;
    o->max_new_tokens = size_min((size_t)max_new, c->max_positions);
    o->min_new_tokens = size_min((size_t)min_new, o->max_new_tokens);
    return STATUS_OK;
}

static Status read_numbers(const ModelConfig *c, const Json *root, GenerationConfig *out,
                           Error *err)
{
    BeamOptions *o = &out->options;
    int64_t beams = 1, ngram = 0, source_ngram = 0;
    TRY(json_opt_i64(root, "num_beams", 1, BEAM_MAX_BEAMS, &beams, err));
    TRY(json_opt_i64(root, "no_repeat_ngram_size", 0, INT32_MAX, &ngram, err));
    TRY(json_opt_i64(root, "encoder_no_repeat_ngram_size", 0, INT32_MAX, &source_ngram, err));
    TRY(json_opt_double(root, "length_penalty", -BEAM_MOST_PENALTY, BEAM_MOST_PENALTY,
                        &o->length_penalty, err));
    TRY(json_opt_double(root, "repetition_penalty", 1e-6, 1e6, &o->sample.repetition_penalty, err));
    o->n_beams = (size_t)beams;
    o->no_repeat_ngram = (size_t)ngram;
    o->source_ngram = (size_t)source_ngram;
    TRY(read_early_stopping(root, o, err));
    TRY(read_lengths(c, root, out, err));
    return read_draw(root, out, err);
}

// ---- what is not heeded ----

// Whether a value leaves its field off: nothing, or the number that changes nothing.
static bool is_off(const Json *value, double neutral)
{
    double number = 0;
    switch (json_kind(value)) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return !json_bool(value);
    case JSON_NUMBER:
        number = json_double(value);
        return number == neutral;
    case JSON_STRING:
        return json_string(value).len == 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_len(value) == 0;
    }
    return true;
}

enum { IN_FILES = 1, IN_REQUESTS = 2, ANYWHERE = IN_FILES | IN_REQUESTS };
static const struct {
    const char *key;
    double neutral;
    unsigned where; // elsewhere it is heeded
} unheeded[] = {{"sequence_bias", NAN, ANYWHERE},
                {"encoder_repetition_penalty", 1, ANYWHERE},
                {"exponential_decay_length_penalty", NAN, ANYWHERE},
                {"typical_p", 1, ANYWHERE},
                {"epsilon_cutoff", 0, ANYWHERE},
                {"eta_cutoff", 0, ANYWHERE},
                {"top_h", NAN, ANYWHERE},
                {"guidance_scale", 1, ANYWHERE},
                {"renormalize_logits", NAN, ANYWHERE},
                {"remove_invalid_values", NAN, ANYWHERE},
                {"penalty_alpha", 0, ANYWHERE},
                {"num_beam_groups", 1, ANYWHERE},
                {"diversity_penalty", 0, ANYWHERE},
                {"constraints", NAN, IN_FILES},
                {"force_words_ids", NAN, ANYWHERE},
                {"forced_decoder_ids", NAN, ANYWHERE},
                {"dola_layers", NAN, ANYWHERE},
                {"max_time", NAN, ANYWHERE},
                {"token_healing", NAN, ANYWHERE},
                {"watermarking_config", NAN, ANYWHERE},
                {"num_return_sequences", 1, IN_FILES},
                {"stop_strings", NAN, IN_REQUESTS},
                {"eos_token_id", NAN, IN_REQUESTS},
                {"stop_token_ids", NAN, IN_REQUESTS},
                {"frequency_penalty", 0, IN_REQUESTS},
                {"presence_penalty", 0, IN_REQUESTS},
                {"logit_bias", NAN, IN_REQUESTS},
                {"best_of", 1, IN_REQUESTS},
                {"max_tokens", NAN, IN_REQUESTS}};
enum { N_UNHEEDED = sizeof unheeded / sizeof *unheeded };

bool generation_config_asks(Slice key)
{
    for (size_t i = 0; i < N_UNHEEDED; i++) {
        if ((unheeded[i].where & IN_REQUESTS) && slice_eq_cstr(key, unheeded[i].key)) return true;
    }
    return false;
}

Status generation_config_unheeded(const Json *root, bool is_request, Arena *arena, Slice *out,
                                  Error *err)
{
    Buffer names = {0};
    for (size_t i = 0; i < N_UNHEEDED; i++) {
        const Json *value = json_get(root, unheeded[i].key);
        if (!(unheeded[i].where & (is_request ? IN_REQUESTS : IN_FILES))) continue;
        if (!value || is_off(value, unheeded[i].neutral)) continue;
        buffer_printf(&names, "%s\"%s\"", names.len > 0 ? ", " : "", unheeded[i].key);
    }
    Status s = buffer_status(&names, err);
    if (s == STATUS_OK && names.len > 0) {
        *out = arena_copy(arena, buffer_slice(&names));
        if (!out->ptr) s = error_set_memory(err, names.len, 1, "names");
    }
    buffer_release(&names);
    return s;
}

// ---- the whole ----

Status generation_config_read(const Model *model, Arena *arena, GenerationConfig *out, Error *err)
{
    const ModelConfig *c = model_config(model);
    const Json *root = model->generation_file ? json_root(model->generation_file)
                       : model->config_file   ? json_root(model->config_file)
                                              : NULL;
    *out = (GenerationConfig){
        .options = {.n_beams = 1, .length_penalty = 1.0, .forced_first = -1, .forced_last = -1},
        .draw = {.temperature = 1, .top_k = USUAL_TOP_K}};
    if (!root) { // a model made anew beside a tokenizer has no files yet
        if (c->head == HEAD_SEQ2SEQ)
            out->options.max_new_tokens = size_min(SEARCH_USUAL_TOKENS, c->max_positions);
        return put_ends(c->eos_ids, size_min(c->n_eos, BEAM_MAX_ENDS), &out->options, err);
    }
    TRY(read_numbers(c, root, out, err));
    TRY(read_tokens(model, arena, root, &out->options, err));
    TRY(read_stops(model, arena, root, &out->options.stops, err));
    return generation_config_unheeded(root, false, arena, &out->unheeded, err);
}

Status search_defaults(const Model *model, Arena *arena, BeamOptions *out, Error *err)
{
    GenerationConfig config;
    TRY(generation_config_read(model, arena, &config, err));
    *out = config.options;
    return STATUS_OK;
}

Status generation_config_new_tokens(const GenerationConfig *config, size_t n_prompt, size_t usual,
                                    size_t *out, Error *err)
{
    *out = usual;
    if (config->options.max_new_tokens > 0) {
        *out = config->options.max_new_tokens;
    } else if (config->max_length > n_prompt) {
        *out = config->max_length - n_prompt;
    } else if (config->max_length > 0) {
        return error_set(err, STATUS_INVALID,
                         "the prompt has %zu tokens, but \"max_length\" of the model's files is "
                         "%zu, prompt included: give \"max_new_tokens\"",
                         n_prompt, config->max_length);
    }
    return STATUS_OK;
}
