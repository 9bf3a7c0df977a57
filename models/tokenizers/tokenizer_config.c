// tokenizer_config.json and special_tokens_map.json beside a tokenizer of any kind.
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "models/tokenizers/tokenizer_internal.h"

// ---- files ----

enum { CONFIG_MAX_BYTES = 64 << 20 };

Status tokenizer_read_config_file(const char *directory, Slice file, ConfigKey *on_key,
                                  void *context, Error *err)
{
    Arena arena = {0};
    Slice text = {0};
    Status s = STATUS_OK;
    const char *path = file_join(&arena, slice_from_cstr(directory), file);
    if (path == NULL) s = error_set_memory(err, 1, file.len, "a path");
    if (s != STATUS_OK || !file_exists(path)) goto done;
    s = file_read(&arena, path, CONFIG_MAX_BYTES, &text, err);
    if (s != STATUS_OK) goto done;
    JsonReader r = json_reader(slice_from_cstr(path), text, &arena);
    s = json_read_object(&r, err);
    for (bool more = true; s == STATUS_OK;) {
        Slice key = {0};
        s = json_read_key(&r, &key, &more, err);
        if (s != STATUS_OK || !more) break;
        s = on_key(context, key, &r, err);
    }
    if (s == STATUS_OK) s = json_read_end(&r, err);
done:
    arena_release(&arena);
    return s;
}

static Status read_type(void *context, Slice key, JsonReader *r, Error *err)
{
    JsonKind kind = JSON_NULL;
    Slice type = {0};
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_STRING || !slice_eq_cstr(key, "model_type")) return json_skip(r, err);
    TRY(json_read_string(r, &type, err));
    snprintf(context, MODEL_TYPE_SIZE, SLICE_FMT, SLICE_ARG(type));
    return STATUS_OK;
}

Status tokenizer_read_model_type(const char *directory, char type[MODEL_TYPE_SIZE], Error *err)
{
    type[0] = '\0';
    return tokenizer_read_config_file(directory, SLICE("config.json"), read_type, type, err);
}

// A token as a string, or as an object with "content"; null gives an empty slice.
static Status read_token_name(JsonReader *r, Slice *out, Error *err)
{
    JsonKind kind = JSON_NULL;
    *out = (Slice){0};
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_STRING) return json_read_string(r, out, err);
    if (kind != JSON_OBJECT) return json_skip(r, err);
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        if (slice_eq_cstr(key, "content")) {
            TRY(json_read_string(r, out, err));
        } else {
            TRY(json_skip(r, err));
        }
    }
}

// ---- what they say ----

// Of a directory's files: what they say of its tokenizer, whatever its kind.
typedef struct Config {
    Tokenizer *tokenizer;
    bool has_class, is_without_types, states_inputs, cleans_up, cleans_up_bpe;
} Config;

// Classes whose models are handed no token types by Transformers 5, though their templates have some for a pair.
static bool class_is_without_types(Slice class)
{
    if (slice_ends_with(class, SLICE("Fast"))) class.len -= 4;
    return slice_eq_cstr(class, "AlbertTokenizer") || slice_eq_cstr(class, "BigBirdTokenizer");
}

// ["input_ids", "token_type_ids", "attention_mask"]
static Status read_inputs(Config *config, JsonReader *r, Error *err)
{
    TRY(json_read_array(r, err));
    config->states_inputs = config->is_without_types = true;
    for (bool more = true;;) {
        Slice name = {0};
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_read_string(r, &name, err));
        if (slice_eq_cstr(name, "token_type_ids")) config->is_without_types = false;
    }
}

static Status read_length(Config *config, JsonReader *r, Error *err)
{
    double length = 0;
    TRY(json_read_double(r, &length, err));
    // Transformers writes 1e30 where a tokenizer knows no limit.
    if (length >= 1 && length <= INT32_MAX) config->tokenizer->model_max_length = (size_t)length;
    return STATUS_OK;
}

static Status read_class(Config *config, JsonReader *r, Error *err)
{
    Slice class = {0};
    TRY(json_read_string(r, &class, err));
    config->has_class = true;
    if (!config->states_inputs) config->is_without_types = class_is_without_types(class);
    return STATUS_OK;
}

static Status read_member(void *context, Slice key, JsonReader *r, Error *err)
{
    static const char *const keys[N_SPECIAL_TOKENS] = {
        [SPECIAL_UNK] = "unk_token", [SPECIAL_CLS] = "cls_token",   [SPECIAL_SEP] = "sep_token",
        [SPECIAL_PAD] = "pad_token", [SPECIAL_MASK] = "mask_token", [SPECIAL_BOS] = "bos_token",
        [SPECIAL_EOS] = "eos_token",
    };
    Config *config = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_NUMBER && slice_eq_cstr(key, "model_max_length"))
        return read_length(config, r, err);
    if (kind == JSON_ARRAY && slice_eq_cstr(key, "model_input_names"))
        return read_inputs(config, r, err);
    if (kind == JSON_STRING && slice_eq_cstr(key, "tokenizer_class"))
        return read_class(config, r, err);
    if (kind == JSON_BOOL && slice_eq_cstr(key, "clean_up_tokenization_spaces"))
        return json_read_bool(r, &config->cleans_up, err);
    if (kind == JSON_BOOL &&
        slice_eq_cstr(key,
                      "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"))
        return json_read_bool(r, &config->cleans_up_bpe, err);
    for (size_t which = 0; which < N_SPECIAL_TOKENS; which++) {
        if (!slice_eq_cstr(key, keys[which])) continue;
        Slice token = {0};
        TRY(read_token_name(r, &token, err));
        const int32_t id = token.len > 0 ? tokenizer_id(config->tokenizer, token) : TOKEN_NONE;
        if (id >= 0) config->tokenizer->special[which] = id;
        return STATUS_OK;
    }
    return json_skip(r, err);
}

Status tokenizer_read_config(Tokenizer *tokenizer, const char *directory, Error *err)
{
    Config config = {.tokenizer = tokenizer};
    char type[MODEL_TYPE_SIZE];
    TRY(tokenizer_read_config_file(directory, SLICE("special_tokens_map.json"), read_member,
                                   &config, err));
    TRY(tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"), read_member, &config,
                                   err));
    if (!config.has_class && !config.states_inputs) {
        TRY(tokenizer_read_model_type(directory, type, err));
        if (type[0])
            config.is_without_types = strcmp(type, "albert") == 0 || strcmp(type, "big_bird") == 0;
    }
    tokenizer->post.without_types = config.is_without_types;
    tokenizer->cleans_up =
        config.cleans_up && (tokenizer->model != MODEL_BPE || config.cleans_up_bpe);
    return STATUS_OK;
}
