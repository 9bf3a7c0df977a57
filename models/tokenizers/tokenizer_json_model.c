// The "model" of a tokenizer.json: WordPiece, BPE, Unigram or WordLevel.
#include <math.h>
#include <string.h>

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
        // An entry takes at least five bytes ("a":1 and a comma), which bounds how many there can be.
        if (vocab_put(&t->vocab, &t->arena, token, id, file->text_len / 5, err) != STATUS_OK)
            return error_at(&at, err);
    }
}

// [["piece", score], ...]: ids in order.
static Status read_piece(TokenizerFile *file, JsonReader *r, Error *err)
{
    Tokenizer *t = file->tokenizer;
    const JsonReader at = *r;
    Slice piece = {0};
    double score = 0;
    size_t n = 0;
    TRY(json_read_array(r, err));
    for (bool more = true;; n++) {
        TRY(json_read_element(r, &more, err));
        if (!more) break;
        TRY(n == 0   ? json_read_string(r, &piece, err)
            : n == 1 ? json_read_double(r, &score, err)
                     : json_skip(r, err));
    }
    if (n != 2 || !isfinite(score))
        return json_reader_error(&at, err, "a piece is [\"text\", score], the score finite");
    const int64_t id = (int64_t)file->n_scores;
    if (vocab_put(&t->vocab, &t->arena, piece, id, file->n_scores + 1, err) != STATUS_OK)
        return error_at(&at, err);
    TRY(arena_make_room(&t->arena, file->n_scores, &file->scores_capacity, sizeof *file->scores,
                        "a list", &file->scores, err));
    file->scores[file->n_scores++] = score;
    return STATUS_OK;
}

static Status read_pieces(TokenizerFile *file, JsonReader *r, Error *err)
{
    TRY(json_read_array(r, err));
    for (bool more = true;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_piece(file, r, err));
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
        TRY(arena_make_room(&file->scratch, file->n_merges, &file->merges_capacity,
                            sizeof *file->merges, "merges", &file->merges, err));
        TRY(read_merge(r, &file->merges[file->n_merges], err));
        file->n_merges++;
    }
}

typedef struct ModelFields {
    Slice unk_token, prefix, suffix;
    int64_t max_word_chars, unk_id;
    bool fuse_unk, byte_fallback, ignore_merges;
} ModelFields;

static const Field model_fields[] = {
    {"unk_token", FIELD_STRING, offsetof(ModelFields, unk_token)},
    {"unk_id", FIELD_INTEGER, offsetof(ModelFields, unk_id)},
    {"continuing_subword_prefix", FIELD_STRING, offsetof(ModelFields, prefix)},
    {"end_of_word_suffix", FIELD_STRING, offsetof(ModelFields, suffix)},
    {"max_input_chars_per_word", FIELD_INTEGER, offsetof(ModelFields, max_word_chars)},
    {"fuse_unk", FIELD_BOOL, offsetof(ModelFields, fuse_unk)},
    {"byte_fallback", FIELD_BOOL, offsetof(ModelFields, byte_fallback)},
    {"ignore_merges", FIELD_BOOL, offsetof(ModelFields, ignore_merges)},
};

typedef struct ModelLists {
    bool has_vocab, has_merges;
} ModelLists;

// The parts of the model that fit no Field.
static Status read_list(TokenizerFile *file, JsonReader *r, Slice key, ModelLists *has, Error *err)
{
    const ModelKind kind = file->tokenizer->model;
    if (slice_eq_cstr(key, "merges")) has->has_merges = true;
    if (slice_eq_cstr(key, "vocab")) {
        if (has->has_vocab) return json_reader_error(r, err, "\"vocab\" stands there twice");
        has->has_vocab = true;
        return kind == MODEL_UNIGRAM ? read_pieces(file, r, err) : read_vocab(file, r, err);
    }
    if (kind == MODEL_BPE && slice_eq_cstr(key, "merges")) return read_merges(file, r, err);
    return json_skip(r, err);
}

static Status read_lists(TokenizerFile *file, JsonReader *r, Error *err)
{
    ModelLists has = {0};
    const JsonReader at = *r;
    TRY(json_read_object(r, err));
    for (bool more = true;;) {
        Slice key = {0};
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        TRY(read_list(file, r, key, &has, err));
    }
    if (!has.has_vocab) return json_reader_error(&at, err, "the model has no \"vocab\"");
    if (has.has_merges || file->tokenizer->model != MODEL_BPE) return STATUS_OK;
    return json_reader_error(&at, err, "the model, a BPE, has no \"merges\"");
}

// What a model has, for files of before there was a "type".
typedef struct ModelMarks {
    Slice type;
    bool has_merges, has_longest, has_list;
} ModelMarks;

static Status read_marks(JsonReader probe, ModelMarks *out, Error *err)
{
    TRY(json_read_object(&probe, err));
    for (bool more = true;;) {
        Slice key = {0};
        JsonKind kind = JSON_NULL;
        TRY(json_read_key(&probe, &key, &more, err));
        if (!more) return STATUS_OK;
        if (slice_eq_cstr(key, "type")) return json_read_string(&probe, &out->type, err);
        TRY(json_peek(&probe, &kind, err));
        out->has_merges = out->has_merges || slice_eq_cstr(key, "merges");
        out->has_longest = out->has_longest || slice_eq_cstr(key, "max_input_chars_per_word");
        out->has_list = out->has_list || (slice_eq_cstr(key, "vocab") && kind == JSON_ARRAY);
        TRY(json_skip(&probe, err));
    }
}

static Status model_kind(const JsonReader *r, ModelKind *out, Error *err)
{
    static const char *const names[] = {[MODEL_WORDPIECE] = "WordPiece",
                                        [MODEL_BPE] = "BPE",
                                        [MODEL_UNIGRAM] = "Unigram",
                                        [MODEL_WORDLEVEL] = "WordLevel"};
    ModelMarks marks = {0};
    TRY(read_marks(*r, &marks, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!slice_eq_cstr(marks.type, names[i])) continue;
        *out = (ModelKind)i;
        return STATUS_OK;
    }
    if (marks.type.ptr != NULL)
        return component_unknown(r, "model", marks.type, "WordPiece, BPE, Unigram and WordLevel",
                                 err);
    *out = marks.has_merges    ? MODEL_BPE
           : marks.has_list    ? MODEL_UNIGRAM
           : marks.has_longest ? MODEL_WORDPIECE
                               : MODEL_WORDLEVEL;
    return STATUS_OK;
}

Status read_model(TokenizerFile *file, JsonReader *r, Error *err)
{
    const JsonReader at = *r;
    Tokenizer *t = file->tokenizer;
    TRY(model_kind(r, &t->model, err));
    ModelFields fields = {.max_word_chars = 100, .unk_id = TOKEN_NONE};
    if (t->model == MODEL_WORDPIECE) {
        fields.prefix = SLICE("##");
        fields.unk_token = SLICE("[UNK]");
    }
    JsonReader again = *r;
    TRY(read_fields(&again, model_fields, sizeof model_fields / sizeof *model_fields, &fields,
                    err));
    TRY(keep_slice(&t->arena, &fields.unk_token, err));
    TRY(keep_slice(&t->arena, &fields.prefix, err));
    TRY(keep_slice(&t->arena, &fields.suffix, err));
    if (fields.max_word_chars < 0)
        return json_reader_error(&at, err, "max_input_chars_per_word is negative");
    t->wordpiece = (WordPiece){.prefix = fields.prefix,
                               .max_word_chars = (size_t)fields.max_word_chars,
                               .unk = TOKEN_NONE,
                               .unk_token = fields.unk_token};
    t->bpe = (Bpe){.byte_fallback = fields.byte_fallback,
                   .fuse_unk = fields.fuse_unk,
                   .ignore_merges = fields.ignore_merges,
                   .prefix = fields.prefix,
                   .suffix = fields.suffix,
                   .unk = TOKEN_NONE,
                   .unk_token = fields.unk_token};
    t->unigram = (Unigram){.byte_fallback = fields.byte_fallback, .unk = TOKEN_NONE};
    file->unk_id = fields.unk_id;
    file->unk_token = fields.unk_token;
    file->has_model = true;
    return read_lists(file, r, err);
}

static Status finish_unigram(TokenizerFile *file, Error *err)
{
    Tokenizer *t = file->tokenizer;
    if (file->unk_id != TOKEN_NONE &&
        (file->unk_id < 0 || (uint64_t)file->unk_id >= file->n_scores))
        return error_set(err, STATUS_INVALID,
                         "unk_id %lld is no piece: the vocabulary has %zu; set it to the unknown "
                         "piece's place",
                         (long long)file->unk_id, file->n_scores);
    t->unigram.unk = (int32_t)file->unk_id;
    t->unigram.scores = file->scores;
    return unigram_init(&t->unigram, &t->vocab, &t->arena, err);
}

Status finish_model(TokenizerFile *file, Error *err)
{
    Tokenizer *t = file->tokenizer;
    if (!file->is_indexed) TRY(vocab_index(&t->vocab, &t->arena, err));
    // Without the token a word is only refused when it is met: a vocabulary may cover all characters.
    const int32_t unk =
        file->unk_token.len > 0 ? vocab_find(&t->vocab, file->unk_token) : TOKEN_NONE;
    switch (t->model) {
    case MODEL_WORDPIECE:
        t->wordpiece.unk = unk;
        return wordpiece_init(&t->wordpiece, &t->vocab, &t->arena, err);
    case MODEL_BPE:
        t->bpe.unk = unk;
        return bpe_init(&t->bpe, &t->vocab, file->merges, file->n_merges, &t->arena, err);
    case MODEL_UNIGRAM:
        return finish_unigram(file, err);
    case MODEL_WORDLEVEL:
        t->wordlevel_unk = unk;
        return STATUS_OK;
    }
    return STATUS_OK;
}
