// The "post_processor" of a tokenizer.json.
#include "base/size.h"
#include "models/tokenizers/tokenizer_json.h"

// ---- TemplateProcessing ----

typedef struct PieceFields {
    Slice id;
    int64_t type_id;
} PieceFields;

static const Field piece_fields[] = {
    {"id", FIELD_STRING, offsetof(PieceFields, id)},
    {"type_id", FIELD_INTEGER, offsetof(PieceFields, type_id)},
};

// {"SpecialToken": {"id": "[CLS]", "type_id": 0}} or {"Sequence": {"id": "A", "type_id": 0}}.
static Status read_piece(JsonReader *r, FilePiece *piece, Error *err)
{
    const JsonReader at = *r;
    Slice key = {0};
    bool more = false;
    TRY(json_read_object(r, err));
    TRY(json_read_key(r, &key, &more, err));
    const bool is_special = more && slice_eq_cstr(key, "SpecialToken");
    if (!is_special && !(more && slice_eq_cstr(key, "Sequence")))
        return json_reader_error(&at, err,
                                 "a piece of a template is a \"SpecialToken\" or a \"Sequence\"");
    PieceFields fields = {0};
    TRY(read_fields(r, piece_fields, sizeof piece_fields / sizeof *piece_fields, &fields, err));
    if (fields.type_id < 0 || fields.type_id > INT32_MAX)
        return json_reader_error(&at, err, "type_id is out of range");
    const bool is_text = slice_eq_cstr(fields.id, "A");
    if (!is_special && !is_text && !slice_eq_cstr(fields.id, "B"))
        return json_reader_error(&at, err, "sequence \"" SLICE_FMT "\" is neither A nor B",
                                 SLICE_ARG(fields.id));
    piece->kind = is_special ? PIECE_SPECIAL : is_text ? PIECE_TEXT : PIECE_PAIR;
    piece->name = fields.id;
    piece->type_id = (int32_t)fields.type_id;
    TRY(json_read_key(r, &key, &more, err));
    return more ? json_reader_error(r, err, "a piece of a template has one member") : STATUS_OK;
}

static Status read_pieces(TokenizerFile *file, JsonReader *r, bool is_pair, Error *err)
{
    const JsonReader at = *r;
    FileTemplate *template = &file->templates[is_pair];
    size_t n[3] = {0};
    template->n_pieces = 0;
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) break;
        if (template->n_pieces == template->capacity) {
            const FileTemplate old = *template;
            template->capacity = 2 * old.capacity + 8;
            TRY(arena_take(&file->scratch, template->capacity, sizeof *template->pieces,
                           "a template", &template->pieces, err));
            if (old.n_pieces > 0)
                memcpy(template->pieces, old.pieces, old.n_pieces * sizeof *old.pieces);
        }
        FilePiece *piece = &template->pieces[template->n_pieces++];
        TRY(read_piece(r, piece, err));
        n[piece->kind]++;
    }
    if (n[PIECE_TEXT] != 1 || n[PIECE_PAIR] != is_pair)
        return json_reader_error(&at, err, "the template of %s",
                                 is_pair ? "a pair holds A and B once each"
                                         : "one text holds A once and no B");
    return STATUS_OK;
}

static Status read_ids(TokenizerFile *file, JsonReader *r, FileSpecial *special, Error *err)
{
    size_t capacity = 0;
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        int64_t id = 0;
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        const JsonReader at = *r;
        TRY(json_read_i64(r, &id, err));
        if (id < 0 || id >= INT32_MAX)
            return json_reader_error(&at, err, "id %lld is out of range", (long long)id);
        TRY(arena_make_room(&file->scratch, special->n_ids, &capacity, sizeof *special->ids,
                            "a template", &special->ids, err));
        special->ids[special->n_ids++] = (int32_t)id;
    }
}

static Status add_special(TokenizerFile *file, FileSpecial special, Error *err)
{
    TRY(arena_make_room(&file->scratch, file->n_specials, &file->specials_capacity,
                        sizeof *file->specials, "a template", &file->specials, err));
    file->specials[file->n_specials++] = special;
    return STATUS_OK;
}

// {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}
static Status read_special_token(TokenizerFile *file, JsonReader *r, FileSpecial *special,
                                 Error *err)
{
    bool has_ids = false;
    const JsonReader at = *r;
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        const bool is_ids = slice_eq_cstr(key, "ids");
        if (is_ids) special->n_ids = 0;
        has_ids = has_ids || is_ids;
        TRY(is_ids ? read_ids(file, r, special, err) : json_skip(r, err));
    }
    if (has_ids) return STATUS_OK;
    return json_reader_error(&at, err,
                             "the special token \"" SLICE_FMT "\" of the template has no \"ids\"",
                             SLICE_ARG(special->name));
}

// {"[CLS]": {...}, ...}
static Status read_special_tokens(TokenizerFile *file, JsonReader *r, Error *err)
{
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        FileSpecial special = {0};
        TRY(json_read_key(r, &special.name, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_special_token(file, r, &special, err));
        TRY(add_special(file, special, err));
    }
}

static Status read_template_part(TokenizerFile *file, JsonReader *r, Slice key, bool has[2],
                                 Error *err)
{
    const bool is_pair = slice_eq_cstr(key, "pair");
    if (is_pair || slice_eq_cstr(key, "single")) {
        has[is_pair] = true;
        return read_pieces(file, r, is_pair, err);
    }
    return slice_eq_cstr(key, "special_tokens") ? read_special_tokens(file, r, err)
                                                : json_skip(r, err);
}

static Status read_template_processing(TokenizerFile *file, JsonReader *r, Error *err)
{
    const JsonReader at = *r;
    bool has[2] = {false, false};
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        TRY(read_template_part(file, r, key, has, err));
    }
    if (!has[0] || !has[1])
        return json_reader_error(&at, err, "TemplateProcessing has no \"%s\"",
                                 has[0] ? "pair" : "single");
    file->has_template = true;
    file->tokenizer->post.overflow_keeps_types = true;
    return STATUS_OK;
}

// ---- BertProcessing, RobertaProcessing, ByteLevel ----

// ["[SEP]", 102]
static Status read_named_id(JsonReader *r, int32_t *out, Error *err)
{
    const JsonReader at = *r;
    Slice name = {0};
    int64_t id = -1;
    bool more = false;
    TRY(json_read_array(r, err));
    TRY(json_read_element(r, &more, err));
    if (more) TRY(json_read_string(r, &name, err));
    if (more) TRY(json_read_element(r, &more, err));
    if (more) {
        TRY(json_read_i64(r, &id, err));
        TRY(json_read_element(r, &more, err));
        if (!more && id >= 0 && id < INT32_MAX) {
            *out = (int32_t)id;
            return STATUS_OK;
        }
    }
    return json_reader_error(&at, err, "a special token is given as [\"name\", id]");
}

static Status read_bert_processing(TokenizerFile *file, JsonReader *r, Error *err)
{
    const JsonReader at = *r;
    PostProcessor *post = &file->tokenizer->post;
    file->cls = file->sep = TOKEN_NONE;
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        Status s = STATUS_OK;
        if (slice_eq_cstr(key, "cls")) {
            s = read_named_id(r, &file->cls, err);
        } else if (slice_eq_cstr(key, "sep")) {
            s = read_named_id(r, &file->sep, err);
        } else if (slice_eq_cstr(key, "trim_offsets")) {
            s = json_read_bool(r, &post->trim_offsets, err);
        } else if (slice_eq_cstr(key, "add_prefix_space")) {
            s = json_read_bool(r, &post->add_prefix_space, err);
        } else {
            s = json_skip(r, err);
        }
        if (s != STATUS_OK) return s;
    }
    if (file->cls < 0 || file->sep < 0)
        return json_reader_error(&at, err, "the post_processor needs \"cls\" and \"sep\"");
    file->has_bert_post = true;
    return STATUS_OK;
}

static const Field trim_fields[] = {
    {"trim_offsets", FIELD_BOOL, offsetof(PostProcessor, trim_offsets)},
    {"add_prefix_space", FIELD_BOOL, offsetof(PostProcessor, add_prefix_space)},
};

static Status read_one(TokenizerFile *file, JsonReader *r, Slice type, Error *err)
{
    PostProcessor *post = &file->tokenizer->post;
    const bool is_bert = slice_eq_cstr(type, "BertProcessing"),
               is_roberta = slice_eq_cstr(type, "RobertaProcessing");
    const bool is_template = slice_eq_cstr(type, "TemplateProcessing");
    if ((is_bert || is_roberta || is_template) && (file->has_template || file->has_bert_post))
        return json_reader_error(
            r, err, "two post-processors that add special tokens are not supported: keep one");
    if (is_template) return read_template_processing(file, r, err);
    if (is_bert || is_roberta) {
        file->is_roberta = is_roberta;
        if (is_roberta) post->trim_offsets = post->add_prefix_space = true; // the defaults
        return read_bert_processing(file, r, err);
    }
    if (slice_eq_cstr(type, "ByteLevel")) {
        file->has_byte_post = true;
        post->trim_offsets = post->add_prefix_space = true;
        return read_fields(r, trim_fields, sizeof trim_fields / sizeof *trim_fields, post, err);
    }
    return component_unknown(
        r, "post_processor", type,
        "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and a Sequence of them",
        err);
}

static Status read_processors(TokenizerFile *file, JsonReader *r, Error *err)
{
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        Slice type = {0};
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(component_type(*r, &type, err));
        TRY(read_one(file, r, type, err));
    }
}

static Status read_sequence(TokenizerFile *file, JsonReader *r, Error *err)
{
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        const Status s =
            slice_eq_cstr(key, "processors") ? read_processors(file, r, err) : json_skip(r, err);
        if (s != STATUS_OK) return s;
    }
}

Status read_post_processor(TokenizerFile *file, JsonReader *r, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_NULL) return json_read_null(r, err);
    Slice type = {0};
    TRY(component_type(*r, &type, err));
    return slice_eq_cstr(type, "Sequence") ? read_sequence(file, r, err)
                                           : read_one(file, r, type, err);
}

// ---- tying it to the vocabulary ----

static Status check_id(const Tokenizer *t, int32_t id, Error *err)
{
    if (vocab_token(&t->vocab, id).ptr != NULL) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "the post_processor adds id %d, which is no token", id);
}

static Status resolve(TokenizerFile *file, const FilePiece *from, TemplatePiece *to, Error *err)
{
    Tokenizer *t = file->tokenizer;
    *to = (TemplatePiece){.kind = from->kind, .type_id = from->type_id};
    if (from->kind != PIECE_SPECIAL) return STATUS_OK;
    const FileSpecial *special = NULL;
    for (size_t i = 0; i < file->n_specials; i++) {
        if (slice_eq(file->specials[i].name, from->name)) special = &file->specials[i];
    }
    if (special == NULL) {
        return error_set(err, STATUS_INVALID,
                         "the post_processor's template names \"" SLICE_FMT
                         "\", which its special_tokens lack",
                         SLICE_ARG(from->name));
    }
    to->n_ids = special->n_ids;
    TRY(arena_take(&t->arena, special->n_ids, sizeof *to->ids, "a template", &to->ids, err));
    for (size_t i = 0; i < special->n_ids; i++) {
        TRY(check_id(t, special->ids[i], err));
        to->ids[i] = special->ids[i];
    }
    return STATUS_OK;
}

static Status resolve_template(TokenizerFile *file, bool is_pair, Error *err)
{
    const FileTemplate *from = &file->templates[is_pair];
    Template *to = &file->tokenizer->post.templates[is_pair];
    TRY(arena_take(&file->tokenizer->arena, from->n_pieces, sizeof *to->pieces, "a template",
                   &to->pieces, err));
    to->n_pieces = from->n_pieces;
    for (size_t i = 0; i < from->n_pieces; i++) {
        TRY(resolve(file, &from->pieces[i], &to->pieces[i], err));
        to->n_added += to->pieces[i].n_ids;
    }
    return STATUS_OK;
}

// RoBERTa's and BERT's first and last token, whatever the file calls them.
static void take_cls_and_sep(Tokenizer *t)
{
    const Template *single = &t->post.templates[0];
    const TemplatePiece *first = &single->pieces[0], *last = &single->pieces[single->n_pieces - 1];
    if (single->n_pieces < 3 || first->kind != PIECE_SPECIAL || last->kind != PIECE_SPECIAL) return;
    if (first->n_ids == 1) t->special[SPECIAL_CLS] = first->ids[0];
    if (last->n_ids == 1) t->special[SPECIAL_SEP] = last->ids[0];
}

Status finish_post_processor(TokenizerFile *file, Error *err)
{
    Tokenizer *t = file->tokenizer;
    if (file->has_bert_post) {
        t->post.overflow_keeps_bare = file->is_roberta;
        TRY(check_id(t, file->cls, err));
        TRY(check_id(t, file->sep, err));
        TRY(template_bert(t->post.templates, file->cls, file->sep, file->is_roberta, &t->arena,
                          err));
    } else if (file->has_template) {
        TRY(resolve_template(file, false, err));
        TRY(resolve_template(file, true, err));
    } else {
        TRY(template_plain(&t->post.templates[0], false, &t->arena, err));
        TRY(template_plain(&t->post.templates[1], true, &t->arena, err));
    }
    take_cls_and_sep(t);
    return STATUS_OK;
}
