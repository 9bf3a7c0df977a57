// What a model's files say about searching for targets.
#include <math.h>
#include <string.h>

#include "base/json_source.h"
#include "base/size.h"
#include "models/model_internal.h"
#include "models/search.h"

enum { MAX_BAD_WORDS = 1 << 16 };

static Status read_id(const ModelConfig *c, const Json *root, const char *key, int32_t *out,
                      Error *err)
{
    const Json *value = json_get(root, key);
    int64_t id = -1;
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(json_as_i64(value, 0, (int64_t)c->vocab_size - 1, &id, err));
    *out = (int32_t)id;
    return STATUS_OK;
}

// One id or a list.
static Status read_ends(const ModelConfig *c, const Json *root, BeamOptions *out, Error *err)
{
    const Json *value = json_get(root, "eos_token_id");
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const size_t n = is_list ? json_len(value) : 1;
    if (n > BEAM_MAX_ENDS)
        return json_error(value, err, "at most %d tokens may end a text", BEAM_MAX_ENDS);
    for (size_t i = 0; i < n; i++) {
        int64_t id = 0;
        TRY(json_as_i64(is_list ? json_at(value, i) : value, 0, (int64_t)c->vocab_size - 1, &id,
                        err));
        out->end_ids[out->n_ends++] = (int32_t)id;
    }
    return STATUS_OK;
}

static Status read_bad_words(const ModelConfig *c, Arena *arena, const Json *root, BeamOptions *out,
                             Error *err)
{
    const Json *words = NULL;
    BadWord *list = NULL;
    TRY(json_opt_kind(root, "bad_words_ids", JSON_ARRAY, &words, err));
    if (!words) return STATUS_OK;
    const size_t n = json_len(words);
    if (n > MAX_BAD_WORDS) return json_error(words, err, "at most %d are taken", MAX_BAD_WORDS);
    TRY(arena_take(arena, n, sizeof *list, "bad words", &list, err));
    size_t i = 0;
    for (const Json *word = json_first(words); word; word = json_next(word), i++) {
        int32_t *ids = NULL;
        if (json_kind(word) != JSON_ARRAY || json_len(word) == 0)
            return json_error(word, err, "must be a list of token ids");
        TRY(arena_take(arena, json_len(word), sizeof *ids, "bad words", &ids, err));
        size_t k = 0;
        for (const Json *id = json_first(word); id; id = json_next(id), k++) {
            int64_t value = 0;
            TRY(json_as_i64(id, 0, (int64_t)c->vocab_size - 1, &value, err));
            ids[k] = (int32_t)value;
        }
        list[i] = (BadWord){.ids = ids, .n = k};
    }
    out->bad_words = list;
    out->n_bad_words = n;
    return STATUS_OK;
}

static Status read_early_stopping(const Json *root, BeamOptions *out, Error *err)
{
    const Json *value = json_get(root, "early_stopping");
    bool is_on = false;
    if (!value || json_kind(value) == JSON_NULL) return STATUS_OK;
    if (json_kind(value) == JSON_STRING && slice_eq_cstr(json_string(value), "never")) {
        out->early_stopping = STOP_NEVER_EARLY;
        return STATUS_OK;
    }
    TRY(json_opt_bool(root, "early_stopping", &is_on, err));
    out->early_stopping = is_on ? STOP_WHEN_FULL : STOP_BY_PRESENT_LENGTH;
    return STATUS_OK;
}

// Lengths: max_length and min_length count the token before the first.
static Status read_lengths(const ModelConfig *c, const Json *root, BeamOptions *out, Error *err)
{
    int64_t max_new = 0, max_length = 0, min_new = 0, min_length = 0;
    TRY(json_opt_i64(root, "max_new_tokens", 0, INT32_MAX, &max_new, err));
    TRY(json_opt_i64(root, "max_length", 0, INT32_MAX, &max_length, err));
    TRY(json_opt_i64(root, "min_new_tokens", 0, INT32_MAX, &min_new, err));
    TRY(json_opt_i64(root, "min_length", 0, INT32_MAX, &min_length, err));
    if (max_new == 0 && max_length > 1) max_new = max_length - 1;
    if (max_new == 0) max_new = SEARCH_USUAL_TOKENS;
    if (min_new == 0 && min_length > 1) min_new = min_length - 1;
    out->max_new_tokens = size_min((size_t)max_new, c->max_positions);
    out->min_new_tokens = size_min((size_t)min_new, out->max_new_tokens);
    return STATUS_OK;
}

static Status read_options(const Model *model, Arena *arena, const Json *root, BeamOptions *out,
                           Error *err)
{
    const ModelConfig *c = model_config(model);
    int64_t beams = 1, ngram = 0;
    double penalty = 1.0;
    TRY(json_opt_i64(root, "num_beams", 1, BEAM_MAX_BEAMS, &beams, err));
    TRY(json_opt_i64(root, "no_repeat_ngram_size", 0, INT32_MAX, &ngram, err));
    TRY(json_opt_double(root, "length_penalty", -1e3, 1e3, &penalty, err));
    TRY(json_opt_double(root, "repetition_penalty", 1e-6, 1e6, &out->sample.repetition_penalty,
                        err));
    out->n_beams = (size_t)beams;
    out->no_repeat_ngram = (size_t)ngram;
    out->length_penalty = penalty;
    TRY(read_early_stopping(root, out, err));
    TRY(read_lengths(c, root, out, err));
    TRY(read_id(c, root, "forced_bos_token_id", &out->forced_first, err));
    TRY(read_id(c, root, "forced_eos_token_id", &out->forced_last, err));
    TRY(read_ends(c, root, out, err));
    return read_bad_words(c, arena, root, out, err);
}

Status search_defaults(const Model *model, Arena *arena, BeamOptions *out, Error *err)
{
    const Json *from = model->generation_file ? json_root(model->generation_file)
                       : model->config_file   ? json_root(model->config_file)
                                              : NULL;
    *out = (BeamOptions){.n_beams = 1,
                         .length_penalty = 1.0,
                         .forced_first = -1,
                         .forced_last = -1,
                         .max_new_tokens =
                             size_min(SEARCH_USUAL_TOKENS, model_config(model)->max_positions)};
    // A model made anew beside a tokenizer has no files yet.
    const ModelConfig *c = model_config(model);
    if (from) return read_options(model, arena, from, out, err);
    for (size_t i = 0; i < c->n_eos && i < BEAM_MAX_ENDS; i++)
        out->end_ids[out->n_ends++] = c->eos_ids[i];
    return STATUS_OK;
}
