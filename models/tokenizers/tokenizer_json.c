// tokenizer.json: the top level and the added tokens. The other sections are read in files of their own.
#include "models/tokenizers/tokenizer_json.h"

#include <string.h>

#include "base/file.h"

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
    case FIELD_RAW:
        return json_read_raw(r, (Slice *)(void *)at, err);
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

Status read_if_null(JsonReader *r, bool *out, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    *out = kind == JSON_NULL;
    return *out ? json_read_null(r, err) : STATUS_OK;
}

static Status read_list_of(TokenizerFile *file, JsonReader *r, const char *list_key,
                           ReadComponent *read_one, Error *err)
{
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_components(file, r, list_key, read_one, err));
    }
}

// Recursion goes no deeper than the reader lets the text go.
// NOLINTNEXTLINE(misc-no-recursion)
Status read_components(TokenizerFile *file, JsonReader *r, const char *list_key,
                       ReadComponent *read_one, Error *err)
{
    bool absent = false;
    Slice type = {0};
    TRY(read_if_null(r, &absent, err));
    if (absent) return STATUS_OK;
    TRY(component_type(*r, &type, err));
    if (!slice_eq_cstr(type, "Sequence")) return read_one(file, r, type, err);
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        const Status s = slice_eq_cstr(key, list_key)
                             ? read_list_of(file, r, list_key, read_one, err)
                             : json_skip(r, err);
        if (s != STATUS_OK) return s;
    }
}

Status read_pattern(TokenizerFile *file, const JsonReader *at, Slice raw, const Pattern **out,
                    Error *err)
{
    JsonReader r = json_reader(at->name, raw, &file->scratch);
    Slice key = {0}, text = {0};
    bool more = false;
    Status s = raw.len > 0 ? json_read_object(&r, err) : STATUS_INVALID;
    if (s == STATUS_OK) s = json_read_key(&r, &key, &more, err);
    const bool is_regex = slice_eq_cstr(key, "Regex");
    if (s == STATUS_OK && more && (is_regex || slice_eq_cstr(key, "String"))) {
        s = json_read_string(&r, &text, err);
        if (s == STATUS_OK) s = tokenizer_take_pattern(file->tokenizer, text, is_regex, out, err);
        return s == STATUS_OK ? s : error_at(at, err);
    }
    return json_reader_error(at, err, "\"pattern\" is {\"String\": TEXT} or {\"Regex\": TEXT}");
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
    TRY(arena_make_room(&t->arena, t->n_added, capacity, sizeof *t->added, "added tokens",
                        &t->added, err));
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
    TRY(read_if_null(r, &absent, err));
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

Status tokenizer_read_sections(TokenizerFile *file, Slice name, Slice text, Error *err)
{
    JsonReader reader = json_reader(name, text, &file->scratch), *r = &reader;
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

// Whether words may be cut as they are met: what BERT's tokenizers do.
static bool is_bert(const Tokenizer *t)
{
    const Normalizer *n = &t->normalizer;
    return t->model == MODEL_WORDPIECE && t->pretokenizer.n_steps == 1 &&
           t->pretokenizer.steps[0].kind == PRETOKENIZER_BERT &&
           (n->n_steps == 0 || (n->n_steps == 1 && n->steps[0].kind == NORMALIZER_BERT));
}

// Byte-pair encoding takes the bytes that a last ByteLevel would spell as they are.
static void find_byte_level(Tokenizer *t)
{
    const size_t n = t->pretokenizer.n_steps;
    PreTokenizerStep *last = n > 0 ? &t->pretokenizer.steps[n - 1] : NULL;
    if (t->model != MODEL_BPE || last == NULL || last->kind != PRETOKENIZER_BYTE_LEVEL ||
        t->bpe.byte_fallback || t->bpe.prefix.len > 0 || t->bpe.suffix.len > 0)
        return;
    last->keeps_bytes = t->bpe.is_byte_level = true;
}

static Status build(TokenizerFile *file, Slice name, Slice text, const char *directory, Error *err)
{
    TRY(tokenizer_read_sections(file, name, text, err));
    Tokenizer *t = file->tokenizer;
    Status s = STATUS_OK;
    if (!file->has_model)
        s = error_set(err, STATUS_INVALID, "the file has no \"model\": it is no tokenizer.json");
    if (s == STATUS_OK && directory != NULL) s = tokenizer_tell_again(file, directory, err);
    find_byte_level(t);
    if (s == STATUS_OK) s = finish_model(file, err);
    t->is_bert = is_bert(t);
    if (s == STATUS_OK) s = tokenizer_finish(t, err);
    if (s == STATUS_OK) s = finish_post_processor(file, err);
    return s == STATUS_OK ? s : error_wrap(err, SLICE_FMT, SLICE_ARG(name));
}

static Status parse(Slice name, Slice text, const char *directory, Tokenizer **out, Error *err)
{
    *out = NULL;
    TokenizerFile file = {.text_len = text.len, .unk_id = TOKEN_NONE};
    TRY(tokenizer_new(&file.tokenizer, err));
    file.tokenizer->decoder.spaces = true; // until one is read
    Status s = build(&file, name, text, directory, err);
    if (s == STATUS_OK) s = tokenizer_find_languages(file.tokenizer, NULL, err);
    arena_release(&file.scratch);
    if (s != STATUS_OK) tokenizer_close(&file.tokenizer);
    *out = file.tokenizer;
    return s;
}

Status tokenizer_parse_json(Slice name, Slice text, Tokenizer **out, Error *err)
{
    return parse(name, text, NULL, out, err);
}

Status tokenizer_open_json_in(const char *directory, const char *path, Tokenizer **out, Error *err)
{
    Slice text = {0};
    TRY(file_map(path, &text, err));
    const Status s = parse(slice_from_cstr(path), text, directory, out, err);
    file_unmap(&text);
    return s;
}
