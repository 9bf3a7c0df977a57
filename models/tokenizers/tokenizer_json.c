// tokenizer.json: the top level, added tokens, the normalizer, the pre-tokenizer and the decoder. The model and the
// post-processor are read in files of their own.
#include "models/tokenizers/tokenizer_json.h"

// ---- what all components share ----

Status component_type(JsonReader probe, Slice *type, Error *err)
{
    *type = (Slice){0};
    TRY(json_read_object(&probe, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(&probe, &key, &more, err));
        if (!more) break;
        if (slice_eq_cstr(key, "type")) return json_read_string(&probe, type, err);
        TRY(json_skip(&probe, err));
    }
    return json_reader_error(&probe, err, "the object has no \"type\"");
}

static Status read_field(JsonReader *r, const Field *field, void *out, Error *err)
{
    char *at = (char *)out + field->offset;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_NULL) return json_read_null(r, err); // what stands there is the default
    switch (field->kind) {
    case FIELD_BOOL:
        return json_read_bool(r, (bool *)(void *)at, err);
    case FIELD_STRING:
        return json_read_string(r, (Slice *)(void *)at, err);
    case FIELD_INTEGER:
        return json_read_i64(r, (int64_t *)(void *)at, err);
    case FIELD_SWITCH: {
        bool value = false;
        TRY(json_read_bool(r, &value, err));
        *(Switch *)(void *)at = value ? SWITCH_ON : SWITCH_OFF;
        return STATUS_OK;
    }
    }
    return error_set(err, STATUS_INTERNAL, "a field of unknown kind");
}

Status read_fields(JsonReader *r, const Field *fields, size_t n_fields, void *out, Error *err)
{
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        const Field *field = NULL;
        for (size_t i = 0; i < n_fields && field == NULL; i++) {
            if (slice_eq_cstr(key, fields[i].key)) field = &fields[i];
        }
        const Status s = field != NULL ? read_field(r, field, out, err) : json_skip(r, err);
        if (s != STATUS_OK) return s;
    }
}

Status error_at(const JsonReader *r, Error *err)
{
    if (err == NULL) return STATUS_INVALID;
    const Status status = err->status;
    char text[ERROR_TEXT_SIZE];
    memcpy(text, err->text, sizeof text);
    if (json_reader_error(r, err, "%s", text) != STATUS_OK) err->status = status;
    return status;
}

Status keep_slice(Arena *arena, Slice *text, Error *err)
{
    *text = arena_copy(arena, *text);
    return text->ptr != NULL ? STATUS_OK : error_set_memory(err, 1, text->len, "a token");
}

Status component_unknown(const JsonReader *r, const char *what, Slice type, const char *known,
                         Error *err)
{
    return json_reader_error(
        r, err,
        "%s \"" SLICE_FMT
        "\" is not supported: supported is %s; convert the tokenizer or use another model",
        what, SLICE_ARG(type), known);
}

static Status is_null(JsonReader *r, bool *out, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    *out = kind == JSON_NULL;
    return *out ? json_read_null(r, err) : STATUS_OK;
}

// ---- normalizer ----

typedef struct BertFields {
    bool clean_text, handle_chinese_chars, lowercase;
    Switch strip_accents;
} BertFields;

static const Field bert_fields[] = {
    {"clean_text", FIELD_BOOL, offsetof(BertFields, clean_text)},
    {"handle_chinese_chars", FIELD_BOOL, offsetof(BertFields, handle_chinese_chars)},
    {"lowercase", FIELD_BOOL, offsetof(BertFields, lowercase)},
    {"strip_accents", FIELD_SWITCH, offsetof(BertFields, strip_accents)},
};

static Status read_normalizer(TokenizerFile *file, JsonReader *r, Error *err)
{
    bool absent = false;
    TRY(is_null(r, &absent, err));
    if (absent) return STATUS_OK;
    Slice type = {0};
    TRY(component_type(*r, &type, err));
    if (!slice_eq_cstr(type, "BertNormalizer"))
        return component_unknown(r, "normalizer", type, "BertNormalizer", err);
    BertFields fields = {.clean_text = true, .handle_chinese_chars = true, .lowercase = true};
    TRY(read_fields(r, bert_fields, sizeof bert_fields / sizeof *bert_fields, &fields, err));
    file->has_bert_normalizer = true;
    file->bert = (BertNormalizer){
        .clean_text = fields.clean_text,
        .handle_chinese_chars = fields.handle_chinese_chars,
        .strip_accents = fields.strip_accents == SWITCH_UNSET ? fields.lowercase
                                                              : fields.strip_accents == SWITCH_ON,
        .lowercase = fields.lowercase,
    };
    return STATUS_OK;
}

// ---- pre-tokenizer ----

static const Field byte_level_fields[] = {
    {"add_prefix_space", FIELD_BOOL, offsetof(ByteLevel, add_prefix_space)},
    {"use_regex", FIELD_BOOL, offsetof(ByteLevel, use_regex)},
};

static Status read_pretokenizer(TokenizerFile *file, JsonReader *r, Error *err)
{
    bool absent = false;
    TRY(is_null(r, &absent, err));
    if (absent) return STATUS_OK;
    Slice type = {0};
    TRY(component_type(*r, &type, err));
    file->has_pretokenizer = true;
    if (slice_eq_cstr(type, "BertPreTokenizer")) {
        file->tokenizer->pretokenizer = PRETOKENIZER_BERT;
        return json_skip(r, err);
    }
    if (!slice_eq_cstr(type, "ByteLevel"))
        return component_unknown(r, "pre_tokenizer", type, "BertPreTokenizer and ByteLevel", err);
    file->tokenizer->pretokenizer = PRETOKENIZER_BYTE_LEVEL;
    file->tokenizer->byte_level = (ByteLevel){.add_prefix_space = true, .use_regex = true};
    return read_fields(r, byte_level_fields, sizeof byte_level_fields / sizeof *byte_level_fields,
                       &file->tokenizer->byte_level, err);
}

// ---- decoder ----

typedef struct DecoderFields {
    Slice prefix;
    bool cleanup;
} DecoderFields;

static const Field decoder_fields[] = {
    {"prefix", FIELD_STRING, offsetof(DecoderFields, prefix)},
    {"cleanup", FIELD_BOOL, offsetof(DecoderFields, cleanup)},
};

static Status read_decoder(TokenizerFile *file, JsonReader *r, Error *err)
{
    bool absent = false;
    TRY(is_null(r, &absent, err));
    if (absent) return STATUS_OK;
    Slice type = {0};
    TRY(component_type(*r, &type, err));
    Tokenizer *t = file->tokenizer;
    if (slice_eq_cstr(type, "ByteLevel")) {
        t->decoder = DECODER_BYTE_LEVEL;
        return json_skip(r, err);
    }
    if (!slice_eq_cstr(type, "WordPiece"))
        return component_unknown(r, "decoder", type, "WordPiece and ByteLevel", err);
    DecoderFields fields = {.prefix = SLICE("##"), .cleanup = true};
    TRY(read_fields(r, decoder_fields, sizeof decoder_fields / sizeof *decoder_fields, &fields,
                    err));
    TRY(keep_slice(&t->arena, &fields.prefix, err));
    t->decoder = DECODER_WORDPIECE;
    t->decoder_prefix = fields.prefix;
    t->decoder_cleanup = fields.cleanup;
    return STATUS_OK;
}

// ---- added tokens ----

typedef struct AddedFields {
    int64_t id;
    Slice content;
    bool single_word, lstrip, rstrip, normalized, special;
} AddedFields;

static const Field added_fields[] = {
    {"id", FIELD_INTEGER, offsetof(AddedFields, id)},
    {"content", FIELD_STRING, offsetof(AddedFields, content)},
    {"single_word", FIELD_BOOL, offsetof(AddedFields, single_word)},
    {"lstrip", FIELD_BOOL, offsetof(AddedFields, lstrip)},
    {"rstrip", FIELD_BOOL, offsetof(AddedFields, rstrip)},
    {"normalized", FIELD_BOOL, offsetof(AddedFields, normalized)},
    {"special", FIELD_BOOL, offsetof(AddedFields, special)},
};

static Status read_added_token(TokenizerFile *file, JsonReader *r, size_t *capacity, Error *err)
{
    Tokenizer *t = file->tokenizer;
    AddedFields fields = {.id = -1, .normalized = true};
    const JsonReader at = *r;
    TRY(read_fields(r, added_fields, sizeof added_fields / sizeof *added_fields, &fields, err));
    if (fields.id < 0 || fields.id >= INT32_MAX)
        return json_reader_error(&at, err, "an added token needs an \"id\" from 0 to 2^31 - 2");
    if (fields.content.len == 0)
        return json_reader_error(&at, err, "an added token needs a \"content\" that is not empty");
    TRY(keep_slice(&t->arena, &fields.content, err));
    if (t->n_added == *capacity) {
        *capacity = 2 * *capacity + 8;
        AddedToken *grown = NULL;
        TRY(arena_take(&t->arena, *capacity, sizeof *grown, "added tokens", &grown, err));
        if (t->n_added > 0) memcpy(grown, t->added, t->n_added * sizeof *grown);
        t->added = grown;
    }
    t->added[t->n_added++] = (AddedToken){
        .content = fields.content,
        .id = (int32_t)fields.id,
        .single_word = fields.single_word,
        .lstrip = fields.lstrip,
        .rstrip = fields.rstrip,
        .normalized = fields.normalized,
        .special = fields.special,
    };
    return STATUS_OK;
}

static Status read_added(TokenizerFile *file, JsonReader *r, Error *err)
{
    bool absent = false;
    TRY(is_null(r, &absent, err));
    if (absent) return STATUS_OK;
    size_t capacity = 0;
    file->tokenizer->n_added = 0;
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_added_token(file, r, &capacity, err));
    }
}

// ---- the whole ----

typedef struct Section {
    const char *key;
    Status (*read)(TokenizerFile *file, JsonReader *r, Error *err);
} Section;

static const Section sections[] = {
    {"added_tokens", read_added},
    {"normalizer", read_normalizer},
    {"pre_tokenizer", read_pretokenizer},
    {"post_processor", read_post_processor},
    {"decoder", read_decoder},
    {"model", read_model},
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

static Status read_sections(TokenizerFile *file, JsonReader *r, Error *err)
{
    bool seen[N_SECTIONS] = {false};
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        size_t i = 0;
        while (i < N_SECTIONS && !slice_eq_cstr(key, sections[i].key)) i++;
        if (i == N_SECTIONS) { // "version"; "truncation" and "padding", which the caller decides
            TRY(json_skip(r, err));
            continue;
        }
        if (seen[i]) return json_reader_error(r, err, "\"%s\" stands there twice", sections[i].key);
        seen[i] = true;
        TRY(sections[i].read(file, r, err));
    }
    return json_read_end(r, err);
}

// Which parts go together: WordPiece works on BERT's words, BPE on bytes.
static Status check_parts(const TokenizerFile *file, Error *err)
{
    const Tokenizer *t = file->tokenizer;
    if (!file->has_model)
        return error_set(err, STATUS_INVALID, "the file has no \"model\": it is no tokenizer.json");
    const bool is_bert = file->has_pretokenizer && t->pretokenizer == PRETOKENIZER_BERT;
    const bool is_bytes = file->has_pretokenizer && t->pretokenizer == PRETOKENIZER_BYTE_LEVEL;
    if (t->model == MODEL_WORDPIECE && !is_bert)
        return error_set(
            err, STATUS_INVALID,
            "model \"WordPiece\" is supported with pre_tokenizer \"BertPreTokenizer\" only");
    if (t->model == MODEL_BPE && !is_bytes)
        return error_set(err, STATUS_INVALID,
                         "model \"BPE\" is supported with pre_tokenizer \"ByteLevel\" only");
    if (is_bytes && file->has_bert_normalizer)
        return error_set(
            err, STATUS_INVALID,
            "normalizer \"BertNormalizer\" is supported with model \"WordPiece\" only");
    return STATUS_OK;
}

static Status build(TokenizerFile *file, Slice name, Slice text, Error *err)
{
    JsonReader r = json_reader(name, text, &file->scratch);
    TRY(read_sections(file, &r, err));
    Tokenizer *t = file->tokenizer;
    Status s = check_parts(file, err);
    if (s == STATUS_OK) s = finish_model(file, err);
    if (s == STATUS_OK && t->pretokenizer == PRETOKENIZER_BERT)
        s = tokenizer_set_bert(t, &file->bert, err);
    if (s == STATUS_OK) s = tokenizer_finish(t, err);
    if (s == STATUS_OK) s = finish_post_processor(file, err);
    return s == STATUS_OK ? s : error_wrap(err, SLICE_FMT, SLICE_ARG(name));
}

Status tokenizer_parse_json(Slice name, Slice text, Tokenizer **out, Error *err)
{
    *out = NULL;
    TokenizerFile file = {.text_len = text.len};
    TRY(tokenizer_new(&file.tokenizer, err));
    const Status s = build(&file, name, text, err);
    arena_release(&file.scratch);
    if (s != STATUS_OK) tokenizer_close(&file.tokenizer);
    *out = file.tokenizer;
    return s;
}
