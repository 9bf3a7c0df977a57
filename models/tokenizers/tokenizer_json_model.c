// The "model" of a tokenizer.json: WordPiece or BPE.
#include "base/size.h"
#include "models/tokenizers/tokenizer_json.h"

static Status read_vocab(TokenizerFile *file, JsonReader *r, Error *err)
{
    Tokenizer *t = file->tokenizer;
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice token = {0};
        int64_t id = 0;
        TRY(json_read_key(r, &token, &more, err));
        if (!more) return STATUS_OK;
        const JsonReader at = *r;
        TRY(json_read_i64(r, &id, err));
        TRY(keep_slice(&t->arena, &token, err));
        // An entry takes at least five bytes ("a":1 and a comma), which bounds how many there can be.
        if (vocab_put(&t->vocab, &t->arena, token, id, file->text_len / 5, err) != STATUS_OK)
            return error_at(&at, err);
    }
}

// "a b", or ["a", "b"] as newer files have it.
static Status read_merge(JsonReader *r, MergePair *pair, Error *err)
{
    const JsonReader at = *r;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_STRING) {
        Slice text = {0};
        TRY(json_read_string(r, &text, err));
        const size_t blank = slice_find_byte(text, ' ');
        if (blank != SIZE_MAX) {
            *pair = (MergePair){slice_sub(text, 0, blank), slice_sub(text, blank + 1, text.len)};
            if (slice_find_byte(pair->right, ' ') == SIZE_MAX) return STATUS_OK;
        }
        return json_reader_error(
            &at, err, "a merge is two tokens with one blank between, not \"" SLICE_FMT "\"",
            SLICE_ARG(text));
    }
    size_t n = 0;
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) break;
        Slice token = {0};
        TRY(json_read_string(r, &token, err));
        if (n == 0) pair->left = token;
        if (n == 1) pair->right = token;
        n++;
    }
    if (n != 2) return json_reader_error(&at, err, "a merge is two tokens, not %zu", n);
    return STATUS_OK;
}

static Status read_merges(TokenizerFile *file, JsonReader *r, Error *err)
{
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        if (file->n_merges == file->merges_capacity) {
            const size_t capacity = 2 * file->merges_capacity + 1024;
            MergePair *grown = NULL;
            TRY(arena_take(&file->scratch, capacity, sizeof *grown, "merges", &grown, err));
            if (file->n_merges > 0) memcpy(grown, file->merges, file->n_merges * sizeof *grown);
            file->merges = grown;
            file->merges_capacity = capacity;
        }
        TRY(read_merge(r, &file->merges[file->n_merges], err));
        file->n_merges++;
    }
}

typedef struct ModelFields {
    Slice type, unk_token, prefix, suffix;
    int64_t max_word_chars;
    bool fuse_unk, byte_fallback, ignore_merges;
} ModelFields;

static const Field model_fields[] = {
    {"type", FIELD_STRING, offsetof(ModelFields, type)},
    {"unk_token", FIELD_STRING, offsetof(ModelFields, unk_token)},
    {"continuing_subword_prefix", FIELD_STRING, offsetof(ModelFields, prefix)},
    {"end_of_word_suffix", FIELD_STRING, offsetof(ModelFields, suffix)},
    {"max_input_chars_per_word", FIELD_INTEGER, offsetof(ModelFields, max_word_chars)},
    {"fuse_unk", FIELD_BOOL, offsetof(ModelFields, fuse_unk)},
    {"byte_fallback", FIELD_BOOL, offsetof(ModelFields, byte_fallback)},
    {"ignore_merges", FIELD_BOOL, offsetof(ModelFields, ignore_merges)},
};

// The parts of the model that fit no Field.
static Status read_list(TokenizerFile *file, JsonReader *r, Slice key, bool is_bpe, bool *has_vocab,
                        Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (slice_eq_cstr(key, "vocab")) {
        if (*has_vocab) return json_reader_error(r, err, "\"vocab\" stands there twice");
        *has_vocab = true;
        return read_vocab(file, r, err);
    }
    if (is_bpe && slice_eq_cstr(key, "merges")) return read_merges(file, r, err);
    if (slice_eq_cstr(key, "dropout") && kind == JSON_NUMBER) {
        return json_reader_error(
            r, err,
            "BPE with \"dropout\" is not supported: it encodes a text differently each time; set "
            "it to null");
    }
    return json_skip(r, err);
}

static Status read_lists(TokenizerFile *file, JsonReader *r, bool is_bpe, Error *err)
{
    bool has_vocab = false;
    const JsonReader at = *r;
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        TRY(read_list(file, r, key, is_bpe, &has_vocab, err));
    }
    return has_vocab ? STATUS_OK : json_reader_error(&at, err, "the model has no \"vocab\"");
}

Status read_model(TokenizerFile *file, JsonReader *r, Error *err)
{
    Slice type = {0};
    const JsonReader at = *r;
    TRY(component_type(*r, &type, err));
    const bool is_bpe = slice_eq_cstr(type, "BPE");
    if (!is_bpe && !slice_eq_cstr(type, "WordPiece"))
        return component_unknown(r, "model", type, "WordPiece and byte-level BPE", err);
    ModelFields fields = {.max_word_chars = 100};
    if (!is_bpe) fields.prefix = SLICE("##");
    if (!is_bpe) fields.unk_token = SLICE("[UNK]");
    JsonReader again = *r;
    TRY(read_fields(&again, model_fields, sizeof model_fields / sizeof *model_fields, &fields,
                    err));
    Tokenizer *t = file->tokenizer;
    TRY(keep_slice(&t->arena, &fields.unk_token, err));
    TRY(keep_slice(&t->arena, &fields.prefix, err));
    if (fields.max_word_chars < 0)
        return json_reader_error(&at, err, "max_input_chars_per_word is negative");
    if (is_bpe && (fields.byte_fallback || fields.prefix.len > 0 || fields.suffix.len > 0)) {
        return json_reader_error(
            &at, err,
            "BPE with byte_fallback, continuing_subword_prefix or end_of_word_suffix is not supported: "
            "supported is byte-level BPE as GPT-2 has it");
    }
    t->model = is_bpe ? MODEL_BPE : MODEL_WORDPIECE;
    t->wordpiece = (WordPiece){.prefix = fields.prefix,
                               .max_word_chars = (size_t)fields.max_word_chars,
                               .unk = TOKEN_NONE,
                               .unk_token = fields.unk_token};
    t->bpe = (Bpe){
        .fuse_unk = fields.fuse_unk, .ignore_merges = fields.ignore_merges, .unk = TOKEN_NONE};
    file->has_model = true;
    return read_lists(file, r, is_bpe, err);
}

Status finish_model(TokenizerFile *file, Error *err)
{
    Tokenizer *t = file->tokenizer;
    TRY(vocab_index(&t->vocab, &t->arena, err));
    // Without the token a word is only refused when it is met: a vocabulary may cover all characters.
    const Slice unk_token = t->wordpiece.unk_token;
    const int32_t unk = unk_token.len > 0 ? vocab_find(&t->vocab, unk_token) : TOKEN_NONE;
    if (t->model == MODEL_WORDPIECE) {
        t->wordpiece.unk = unk;
        return wordpiece_init(&t->wordpiece, &t->vocab, &t->arena, err);
    }
    if (unk_token.len > 0 && unk < 0)
        return error_set(err, STATUS_INVALID,
                         "unk_token \"" SLICE_FMT "\" is not in the vocabulary",
                         SLICE_ARG(unk_token));
    t->bpe.unk = unk;
    return bpe_init(&t->bpe, &t->vocab, file->merges, file->n_merges, &t->arena, err);
}
