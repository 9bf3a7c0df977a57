// What the files beside an older tokenizer say: its class, tokens and options.
#include <stdio.h>

#include "models/tokenizers/told_internal.h"

// ---- the classes ----

static const struct {
    const char *class, *model_type;
    ToldKind kind;
} classes[] = {
    {"GPT2Tokenizer", "gpt2", TOLD_GPT2},
    {"GPT2Tokenizer", "opt", TOLD_GPT2},
    {"GPT2Tokenizer", "gptj", TOLD_GPT2},
    {"GPT2Tokenizer", "gpt_neo", TOLD_GPT2},
    {"GPT2Tokenizer", "gpt_bigcode", TOLD_GPT2},
    {"GPT2Tokenizer", "phi", TOLD_GPT2},
    {"GPT2Tokenizer", "starcoder2", TOLD_GPT2},
    {"RobertaTokenizer", "roberta", TOLD_ROBERTA},
    {"BartTokenizer", "bart", TOLD_ROBERTA},
    {"Qwen2Tokenizer", "qwen2", TOLD_QWEN2},
    {"Qwen2Tokenizer", "qwen3", TOLD_QWEN2},
    {"XLMRobertaTokenizer", "xlm-roberta", TOLD_XLMR},
    {"CamembertTokenizer", "camembert", TOLD_CAMEMBERT},
    {"AlbertTokenizer", "albert", TOLD_ALBERT},
    {"DebertaV2Tokenizer", "deberta-v2", TOLD_DEBERTA},
    {"BertTokenizer", "bert", TOLD_BERT},
    {"DistilBertTokenizer", "distilbert", TOLD_BERT},
    {"ElectraTokenizer", "electra", TOLD_BERT},
    {"MobileBertTokenizer", "mobilebert", TOLD_BERT},
    {"SqueezeBertTokenizer", "squeezebert", TOLD_BERT},
    {"ConvBertTokenizer", "convbert", TOLD_BERT},
    {"MPNetTokenizer", "mpnet", TOLD_MPNET},
};
enum { N_CLASSES = sizeof classes / sizeof *classes };

const char *const told_roles[N_ROLES] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                         "pad_token", "cls_token", "mask_token"};

static const char *const end_of_text = "<|endoftext|>";
static const char *const roles_gpt2[N_ROLES] = {end_of_text, end_of_text, end_of_text};
static const char *const roles_qwen2[N_ROLES] = {NULL, end_of_text, end_of_text, NULL, end_of_text};
static const char *const roles_fairseq[N_ROLES] = {"<s>",   "</s>", "<unk>", "</s>",
                                                   "<pad>", "<s>",  "<mask>"};

static const char *const roles_albert[N_ROLES] = {"[CLS]", "[SEP]", "<unk>", "[SEP]",
                                                  "<pad>", "[CLS]", "[MASK]"};
static const char *const roles_deberta[N_ROLES] = {"[CLS]", "[SEP]", "[UNK]", "[SEP]",
                                                   "[PAD]", "[CLS]", "[MASK]"};

static const char *const roles_bert[N_ROLES] = {NULL,    NULL,    "[UNK]", "[SEP]",
                                                "[PAD]", "[CLS]", "[MASK]"};
static const char *const roles_mpnet[N_ROLES] = {"<s>",   "</s>", "[UNK]", "</s>",
                                                 "<pad>", "<s>",  "<mask>"};

static const char *const *usual_roles(ToldKind kind)
{
    switch (kind) {
    case TOLD_GPT2:
        return roles_gpt2;
    case TOLD_QWEN2:
        return roles_qwen2;
    case TOLD_ALBERT:
        return roles_albert;
    case TOLD_DEBERTA:
        return roles_deberta;
    case TOLD_BERT:
        return roles_bert;
    case TOLD_MPNET:
        return roles_mpnet;
    case TOLD_ROBERTA:
    case TOLD_XLMR:
    case TOLD_CAMEMBERT:
        break;
    }
    return roles_fairseq;
}

// ---- what the files say ----

Status told_keep(Told *t, Slice *text, Error *err)
{
    *text = arena_copy(&t->arena, *text);
    return text->ptr ? STATUS_OK : error_set_memory(err, 1, text->len, "a token");
}

// A token that is there already keeps its id; one without an id gets the next.
static Status add_token(void *context, AddedToken token, Error *err)
{
    Told *t = context;
    const int32_t known = vocab_find(&t->vocab, token.content);
    if (token.content.len == 0) return STATUS_OK;
    if (known >= 0) token.id = known;
    if (token.id < 0) {
        token.id = (int32_t)t->vocab.size;
        for (size_t i = 0; i < t->added.n; i++) {
            if (t->added.tokens[i].id >= token.id) token.id = t->added.tokens[i].id + 1;
        }
    }
    return added_list_put(&t->added, &t->arena, token, err);
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
                 {"split_by_punct", &t->splits_punctuation, NULL}};
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

// A mask that is named without flags takes the blank before it.
static bool takes_blank(ToldKind kind, Role role)
{
    return role == ROLE_MASK && (kind == TOLD_CAMEMBERT || kind == TOLD_MPNET);
}

static Status read_member(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *t = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_BOOL) return read_flag(t, key, r, err);
    if (kind == JSON_OBJECT && slice_eq_cstr(key, "added_tokens_decoder")) {
        t->states_decoder = true;
        return added_decoder_read(r, &t->arena, add_token, t, err);
    }
    if (kind == JSON_ARRAY && (slice_eq_cstr(key, "additional_special_tokens") ||
                               slice_eq_cstr(key, "extra_special_tokens")))
        return read_extra(t, r, err);
    for (size_t i = 0; i < N_ROLES; i++) {
        if (!slice_eq_cstr(key, told_roles[i])) continue;
        t->roles[i] = (AddedToken){.id = TOKEN_NONE};
        t->is_role_stated[i] = true;
        t->roles[i].lstrip = kind == JSON_STRING && takes_blank(t->kind, (Role)i);
        TRY(added_token_read(r, &t->arena, &t->roles[i], err));
        t->roles[i].special = true;
        return STATUS_OK;
    }
    return json_skip(r, err);
}

static Status read_class(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *t = context;
    JsonKind kind = JSON_NULL;
    Slice class = {0};
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_STRING || !slice_eq_cstr(key, "tokenizer_class")) return json_skip(r, err);
    TRY(json_read_string(r, &class, err));
    if (slice_ends_with(class, SLICE("Fast"))) class.len -= 4;
    snprintf(t->class, sizeof t->class, SLICE_FMT, SLICE_ARG(class));
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (!slice_eq_cstr(class, classes[i].class)) continue;
        t->kind = classes[i].kind;
        t->has_kind = true;
    }
    return STATUS_OK;
}

static Status read_model_type(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *t = context;
    JsonKind kind = JSON_NULL;
    Slice type = {0};
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_STRING || !slice_eq_cstr(key, "model_type")) return json_skip(r, err);
    TRY(json_read_string(r, &type, err));
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (!slice_eq_cstr(type, classes[i].model_type)) continue;
        t->kind = classes[i].kind;
        t->has_kind = true;
    }
    return STATUS_OK;
}

Status told_find_kind(Told *t, Error *err)
{
    TRY(tokenizer_read_config_file(t->directory, SLICE("tokenizer_config.json"), read_class, t,
                                   err));
    if (t->class[0]) return STATUS_OK;
    return tokenizer_read_config_file(t->directory, SLICE("config.json"), read_model_type, t, err);
}

// The extractor of SentencePiece models puts their pieces in the place of these, where this file alone names them.
static Status read_map_member(void *context, Slice key, JsonReader *r, Error *err)
{
    const Told *t = context;
    if (told_has_pieces(t->kind) && slice_eq_cstr(key, "additional_special_tokens"))
        return json_skip(r, err);
    return read_member(context, key, r, err);
}

static bool is_role(const Told *t, Slice content)
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
    token.special = !token.normalized || is_role(t, token.content);
    return add_token(t, token, err);
}

// Behind the roles and instead of those of their spelling, which start at n_before in the list.
static Status add_extra(Told *t, AddedToken token, size_t n_before, Error *err)
{
    token.special = token.special || is_role(t, token.content);
    for (size_t i = n_before; i < t->added.n; i++) {
        if (!slice_eq(t->added.tokens[i].content, token.content)) continue;
        token.id = t->added.tokens[i].id;
        t->added.tokens[i] = token;
        return STATUS_OK;
    }
    token.id = TOKEN_NONE;
    return add_token(t, token, err);
}

static Status add_extras(Told *t, size_t n_before, Error *err)
{
    for (size_t i = 0; i < t->extras.n; i++) TRY(add_extra(t, t->extras.tokens[i], n_before, err));
    for (size_t i = 0; t->spm && !t->states_extras && i < t->spm->pieces.size; i++) {
        const uint8_t type = t->spm->types[i];
        const AddedToken token = {.content = t->spm->pieces.tokens[i],
                                  .special = type == PIECE_CONTROL};
        if (type == PIECE_CONTROL || type == PIECE_USER_DEFINED)
            TRY(add_extra(t, token, n_before, err));
    }
    return STATUS_OK;
}

// Once the vocabulary stands: added tokens, then those of the roles, then extras; in this order new ones are given ids.
Status told_read_added(Told *t, Error *err)
{
    const char *const *usual = usual_roles(t->kind);
    t->added.n = t->extras.n = 0;
    t->lowercases = t->kind == TOLD_ALBERT;
    for (size_t i = 0; i < N_ROLES; i++)
        t->roles[i] = (AddedToken){
            .id = TOKEN_NONE,
            .content = slice_from_cstr(usual[i]),
            .lstrip = takes_blank(t->kind, (Role)i),
            .special = true,
        };
    TRY(tokenizer_read_config_file(t->directory, SLICE("tokenizer_config.json"), read_member, t,
                                   err));
    if (!t->states_decoder) { // older files count where the newer way is not used
        TRY(tokenizer_read_config_file(t->directory, SLICE("special_tokens_map.json"),
                                       read_map_member, t, err));
        TRY(tokenizer_read_config_file(t->directory, SLICE("added_tokens.json"), read_added_id, t,
                                       err));
    }
    const size_t n_before = t->added.n;
    for (size_t i = 0; i < N_ROLES; i++) {
        // A vocab.txt may do without a mask or padding, which then no text can ask for.
        const bool is_spare = t->kind >= TOLD_BERT && !t->is_role_stated[i] &&
                              vocab_find(&t->vocab, t->roles[i].content) < 0;
        if (!is_spare) TRY(add_token(t, t->roles[i], err));
    }
    return add_extras(t, n_before, err);
}
