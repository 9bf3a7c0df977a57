// What the files beside a tokenizer say: its tokens and options.
#include "models/tokenizers/told_internal.h"

const char *const told_roles[N_ROLES] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};

// ---- what the files say ----

Status told_keep(Told *t, Slice *text, Error *err)
{
    *text = arena_copy(&t->arena, *text);
    return text->ptr ? STATUS_OK : error_set_memory(err, 1, text->len, "a token");
}

static Status read_extra(Told *t, JsonReader *r, Error *err)
{
    TRY(json_read_array(r, err));
    t->states_extras = true;
    for (bool more = true;;) {
        AddedToken token = {.id = TOKEN_NONE};
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(added_token_read(r, &t->arena, &token, err));
        token.special = true;
        if (token.content.len > 0) TRY(added_list_put(&t->extras, &t->arena, token, err));
    }
}

// A token that has a name, but is none of the roles: "image_token".
static Status read_named(Told *t, JsonReader *r, Error *err)
{
    AddedToken token = {.id = TOKEN_NONE};
    TRY(added_token_read(r, &t->arena, &token, err));
    token.special = true;
    return token.content.len > 0 ? added_list_put(&t->named, &t->arena, token, err) : STATUS_OK;
}

static Status read_named_extras(Told *t, JsonReader *r, Error *err)
{
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_named(t, r, err));
    }
}

static Status read_flag(Told *t, Slice key, JsonReader *r, Error *err)
{
    const struct {
        const char *name;
        bool *value, *is_stated;
    } flags[] = {{"add_prefix_space", &t->add_prefix_space, &t->states_prefix_space},
                 {"add_bos_token", &t->add_bos, &t->states_ends},
                 {"add_eos_token", &t->add_eos, &t->states_ends},
                 {"do_lower_case", &t->lowercases, NULL},
                 {"keep_accents", &t->keeps_accents, NULL},
                 {"split_by_punct", &t->splits_punctuation, NULL},
                 {"legacy_behaviour", &t->is_legacy, NULL},
                 {"legacy", &t->is_legacy_llama, NULL}};
    bool value = false;
    TRY(json_read_bool(r, &value, err));
    if (slice_eq_cstr(key, "trim_offsets")) t->keeps_offsets = !value;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!slice_eq_cstr(key, flags[i].name)) continue;
        *flags[i].value = value;
        if (flags[i].is_stated) *flags[i].is_stated = true;
    }
    return STATUS_OK;
}

static Status read_count(JsonReader *r, const char *name, int64_t *out, Error *err)
{
    TRY(json_read_i64(r, out, err));
    if (*out >= 0 && *out <= ADDED_MOST / 2) return STATUS_OK;
    return json_reader_error(r, err, "\"%s\" is %lld: from 0 to %d", name, (long long)*out,
                             ADDED_MOST / 2);
}

static Slice *text_option(Told *t, Slice key)
{
    return slice_eq_cstr(key, "mask_token_sent") ? &t->mask_sent
           : slice_eq_cstr(key, "src_lang")      ? &t->language
                                                 : NULL;
}

static Status read_member(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *t = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_BOOL) return read_flag(t, key, r, err);
    if (slice_eq_cstr(key, "mask_token_sent")) {
        t->states_mask_sent = true;
        t->mask_sent = (Slice){0};
    }
    if (kind == JSON_STRING && text_option(t, key)) {
        Slice *text = text_option(t, key);
        TRY(json_read_string(r, text, err));
        return told_keep(t, text, err);
    }
    if (kind == JSON_NUMBER && slice_eq_cstr(key, "offset"))
        return read_count(r, "offset", &t->offset, err);
    if (kind == JSON_NUMBER && slice_eq_cstr(key, "extra_ids"))
        return read_count(r, "extra_ids", &t->extra_ids, err);
    if (kind == JSON_NUMBER && slice_eq_cstr(key, "unk_id"))
        return json_read_i64(r, &t->unk_id, err);
    if (kind == JSON_OBJECT && slice_eq_cstr(key, "added_tokens_decoder")) {
        t->states_decoder = true;
        return added_decoder_read(r, &t->arena, told_add_stated, t, err);
    }
    if (kind == JSON_ARRAY && (slice_eq_cstr(key, "additional_special_tokens") ||
                               slice_eq_cstr(key, "extra_special_tokens")))
        return read_extra(t, r, err);
    if (kind == JSON_OBJECT && slice_eq_cstr(key, "extra_special_tokens"))
        return read_named_extras(t, r, err);
    for (size_t i = 0; i < N_ROLES; i++) {
        if (!slice_eq_cstr(key, told_roles[i])) continue;
        t->roles[i] = (AddedToken){.id = TOKEN_NONE};
        t->is_role_stated[i] = true;
        if (kind == JSON_STRING) told_set_usual_flags(t, (Role)i);
        TRY(added_token_read(r, &t->arena, &t->roles[i], err));
        t->roles[i].special = true;
        return STATUS_OK;
    }
    if (slice_ends_with(key, SLICE("_token"))) return read_named(t, r, err);
    return json_skip(r, err);
}

// The extractor of SentencePiece models puts their pieces in the place of these, where this file alone names them.
static Status read_map_member(void *context, Slice key, JsonReader *r, Error *err)
{
    const Told *t = context;
    if (told_has_pieces(t->kind) && !t->has_json && slice_eq_cstr(key, "additional_special_tokens"))
        return json_skip(r, err);
    return read_member(context, key, r, err);
}

bool told_is_role(const Told *t, Slice content)
{
    for (size_t i = 0; i < N_ROLES; i++) {
        if (slice_eq(t->roles[i].content, content)) return true;
    }
    return false;
}

static bool is_stated_special(const Told *t, Slice content)
{
    for (size_t i = 0; i < N_ROLES; i++) {
        if (t->is_role_stated[i] && slice_eq(t->roles[i].content, content)) return true;
    }
    for (size_t i = 0; i < t->extras.n; i++) {
        if (slice_eq(t->extras.tokens[i].content, content)) return true;
    }
    return false;
}

// added_tokens.json, {"[MASK]": 128000, ..}: tokens that the other files name are sought in the text as it is.
static Status read_added_id(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *t = context;
    int64_t id = 0;
    AddedToken token = {.content = key};
    TRY(told_keep(t, &token.content, err));
    TRY(json_read_i64(r, &id, err));
    if (id < 0 || id >= INT32_MAX - ADDED_MOST)
        return json_reader_error(r, err, "%lld is no token id", (long long)id);
    token.id = (int32_t)id;
    token.normalized = !is_stated_special(t, token.content);
    token.special = !token.normalized || told_is_role(t, token.content);
    return told_add_stated(t, token, err);
}

Status told_read_files(Told *t, Error *err)
{
    TRY(tokenizer_read_config_file(t->directory, SLICE("tokenizer_config.json"), read_member, t,
                                   err));
    if (t->states_decoder) return STATUS_OK; // older files count where the newer way is not used
    TRY(tokenizer_read_config_file(t->directory, SLICE("special_tokens_map.json"), read_map_member,
                                   t, err));
    TRY(tokenizer_read_config_file(t->directory, SLICE("added_tokens.json"), read_added_id, t,
                                   err));
    for (size_t i = 0; i < t->n_json_added; i++) TRY(told_add_over(t, t->json_added[i], err));
    return STATUS_OK;
}
