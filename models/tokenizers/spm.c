#include "models/tokenizers/spm.h"

#include <string.h>

#include "base/size.h"

static const Slice space_mark = SLICE_LIT("\xE2\x96\x81");

// ---- opening ----

static bool is_in_text(uint8_t type)
{
    return type == PIECE_NORMAL || type == PIECE_USER_DEFINED || type == PIECE_UNUSED;
}

// The user's symbols, or none: then the trie stays zeroed and costs nothing.
static Status build_symbols(Spm *model, Arena *arena, Error *err)
{
    Arena scratch = {0};
    int32_t *values = NULL;
    bool any = false;
    TRY(arena_take(&scratch, model->pieces.size, sizeof *values, "a vocabulary", &values, err));
    for (size_t i = 0; i < model->pieces.size; i++) {
        const bool is_symbol = model->types[i] == PIECE_USER_DEFINED;
        values[i] = is_symbol ? (int32_t)i : TOKEN_NONE;
        any = any || is_symbol;
    }
    Slice *tokens = NULL;
    Status s = any ? vocab_list(&model->pieces, &scratch, &tokens, err) : STATUS_OK;
    if (tokens) s = trie_build(&model->symbols, tokens, values, model->pieces.size, arena, err);
    arena_release(&scratch);
    return s;
}

static Status find_unknown(Spm *model, Error *err)
{
    model->unk = TOKEN_NONE;
    for (size_t i = 0; i < model->pieces.size; i++) {
        if (model->types[i] != PIECE_UNKNOWN) continue;
        if (model->unk >= 0)
            return error_set(err, STATUS_INVALID,
                             "pieces %d and %zu are both of type \"unknown\": one is wanted",
                             model->unk, i);
        model->unk = (int32_t)i;
    }
    if (model->unk >= 0) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "no piece is of type \"unknown\": a SentencePiece model needs one; get the file "
        "again");
}

static Status build_bpe(Spm *model, Arena *arena, Error *err)
{
    uint8_t *is_piece = NULL;
    TRY(arena_take(arena, model->pieces.size, 1, "a vocabulary", &is_piece, err));
    for (size_t i = 0; i < model->pieces.size; i++) {
        if (model->types[i] == PIECE_UNUSED)
            return error_set(err, STATUS_INVALID,
                             "piece %zu is of type \"unused\", which is not supported in a bpe "
                             "model",
                             i);
        is_piece[i] = is_in_text(model->types[i]);
    }
    model->bpe = (Bpe){.byte_fallback = model->byte_fallback, .unk = model->unk};
    model->bpe.frozen = model->symbols;
    return bpe_init_scored(&model->bpe, &model->pieces, model->scores, is_piece, arena, err);
}

static Status build_unigram(Spm *model, Arena *arena, Error *err)
{
    Unigram *u = &model->unigram;
    *u = (Unigram){.types = model->types,
                   .unk = model->unk,
                   .byte_fallback = model->byte_fallback,
                   .is_sentencepiece = true};
    TRY(arena_take(arena, model->pieces.size, sizeof *u->scores, "scores", &u->scores, err));
    for (size_t i = 0; i < model->pieces.size; i++) u->scores[i] = (double)model->scores[i];
    return unigram_init(u, &model->pieces, arena, err);
}

Status spm_finish(Spm *model, Arena *arena, Error *err)
{
    if (!model->pieces.table.slots) TRY(vocab_index(&model->pieces, arena, err));
    TRY(find_unknown(model, err));
    TRY(build_symbols(model, arena, err));
    int32_t bytes[256];
    if (model->byte_fallback && !byte_tokens(&model->pieces, bytes))
        return error_set(err, STATUS_INVALID,
                         "byte_fallback is set, but not all of <0x00> to <0xFF> are pieces");
    return model->is_bpe ? build_bpe(model, arena, err) : build_unigram(model, arena, err);
}

// ---- normalising ----

// The text that is made, and at which byte of the input each byte of it was made.
typedef struct Writer {
    const Spm *model;
    NormalizedText *out;
    bool want_origin;
    Arena *arena;
    size_t consumed; // of the input
} Writer;

static Status write(Writer *w, Slice bytes, Error *err)
{
    NormalizedText *out = w->out;
    if (out->len + bytes.len > out->capacity)
        TRY(normalized_reserve(out, bytes.len, w->want_origin, w->arena, err));
    memcpy(out->bytes + out->len, bytes.ptr, bytes.len);
    for (size_t i = 0; w->want_origin && i < bytes.len; i++)
        out->begin[out->len + i] = (uint32_t)w->consumed;
    out->len += bytes.len;
    return STATUS_OK;
}

static Slice space_of(const Spm *model)
{
    return model->escape_whitespaces ? space_mark : SLICE(" ");
}

// What text begins with as the map has it, and how many bytes that takes.
static Slice next_prefix(const Spm *model, Slice text, size_t *len)
{
    const unsigned char first = (unsigned char)text.ptr[0];
    Slice mapped = {0};
    if (model->symbols.edges != NULL && trie_longest(&model->symbols, text, len) >= 0)
        return slice_sub(text, 0, *len);
    if (model->charsmap.starts[first] && charsmap_longest(&model->charsmap, text, len, &mapped))
        return mapped;
    *len = 0;
    if (utf8_next(text, len) < 0) return SLICE("\xEF\xBF\xBD"); // one broken byte
    return slice_sub(text, 0, *len);
}

// A stretch of text that stands for itself: no blank, nothing that the map or a symbol could begin with.
static size_t plain_run(const Spm *model, Slice text)
{
    size_t n = 0;
    while (model->symbols.edges == NULL && n < text.len && (unsigned char)text.ptr[n] < 0x80 &&
           text.ptr[n] != ' ' && !model->charsmap.starts[(unsigned char)text.ptr[n]])
        n++;
    return n;
}

static Status write_run(Writer *w, Slice run, Error *err)
{
    for (size_t i = 0; i < run.len; i++, w->consumed++)
        TRY(write(w, slice_sub(run, i, i + 1), err));
    return STATUS_OK;
}

static Status write_prefix(Writer *w, Slice text, bool *after_space, Error *err)
{
    const Spm *model = w->model;
    size_t len = 0;
    Slice prefix = next_prefix(model, text, &len);
    while (*after_space && slice_starts_with(prefix, SLICE(" ")))
        prefix = slice_sub(prefix, 1, prefix.len);
    if (prefix.len > 0) {
        for (size_t i = 0; i < prefix.len; i++) {
            const Slice byte = slice_sub(prefix, i, i + 1);
            TRY(write(w, byte.ptr[0] == ' ' ? space_of(model) : byte, err));
        }
        *after_space = prefix.ptr[prefix.len - 1] == ' ';
    }
    w->consumed += len;
    return STATUS_OK;
}

static void drop_trailing(Writer *w)
{
    const Slice space = space_of(w->model);
    NormalizedText *out = w->out;
    while (slice_ends_with(normalized_slice(out), space)) {
        out->len -= space.len;
        if (w->want_origin) w->consumed = out->begin[out->len];
    }
}

static bool wants_prefix(const Spm *model, Slice text, bool is_first)
{
    if (!model->add_dummy_prefix || (model->prefix_is_first && !is_first)) return false;
    return !model->prefix_yields ||
           (!slice_starts_with(text, SLICE(" ")) && !slice_starts_with(text, space_mark));
}

Status spm_normalize(const Spm *model, Slice text, bool is_first, bool want_origin, Arena *arena,
                     NormalizedText *out, Error *err)
{
    Writer w = {model, out, want_origin, arena, 0};
    TRY(normalized_begin(out, text.len + text.len / 2 + 8, want_origin, arena, err));
    if (text.len == 0) return STATUS_OK;
    while (model->remove_extra_whitespaces && w.consumed < text.len) {
        size_t len = 0;
        const Slice rest = slice_sub(text, w.consumed, text.len);
        if (!slice_eq(next_prefix(model, rest, &len), SLICE(" "))) break;
        w.consumed += len;
    }
    if (w.consumed == text.len) return STATUS_OK; // all blank
    const bool has_prefix = wants_prefix(model, text, is_first);
    if (has_prefix && !model->whitespace_is_suffix) TRY(write(&w, space_of(model), err));
    bool after_space = model->remove_extra_whitespaces;
    while (w.consumed < text.len) {
        const Slice rest = slice_sub(text, w.consumed, text.len);
        const size_t run = plain_run(model, rest);
        if (run > 0) {
            TRY(write_run(&w, slice_sub(rest, 0, run), err));
            after_space = false;
            continue;
        }
        TRY(write_prefix(&w, rest, &after_space, err));
        if (!model->remove_extra_whitespaces) after_space = false;
    }
    if (model->remove_extra_whitespaces) drop_trailing(&w);
    if (has_prefix && model->whitespace_is_suffix) TRY(write(&w, space_of(model), err));
    // A byte's range ends where the next one's begins.
    for (size_t i = 0; want_origin && i < out->len; i++)
        out->end[i] = i + 1 < out->len ? out->begin[i + 1] : (uint32_t)w.consumed;
    return STATUS_OK;
}

// ---- encoding ----

Status spm_encode(const Spm *model, Slice text, size_t base, int32_t word_id,
                  NormalizedText *scratch, TokenSink *sink, Error *err)
{
    TRY(spm_normalize(model, text, base == 0, !sink->ids_only, sink->arena, scratch, err));
    if (scratch->len == 0) return STATUS_OK;
    const TokenSource source = {scratch, base};
    if (model->is_bpe)
        return bpe_encode_scored(&model->bpe, &model->pieces, &source, 0, scratch->len, word_id,
                                 sink, err);
    return unigram_encode(&model->unigram, &model->pieces, &source, 0, scratch->len, word_id, sink,
                          err);
}

// ---- decoding ----

typedef struct Decoding {
    const Spm *model;
    Buffer *out;
    size_t begin; // of out, where the text begins
    Buffer bytes; // of byte pieces in a row
    bool at_front, saw_space;
} Decoding;

// Bytes as text, each broken one as U+FFFD.
static void flush_bytes(Decoding *d)
{
    const Slice bytes = buffer_slice(&d->bytes);
    for (size_t at = 0; at < bytes.len;) {
        const size_t from = at;
        const bool is_valid = utf8_next(bytes, &at) >= 0;
        buffer_append(d->out, is_valid ? slice_sub(bytes, from, at) : SLICE("\xEF\xBF\xBD"));
    }
    d->out->failed = d->out->failed || d->bytes.failed;
    buffer_clear(&d->bytes);
}

static void append_spaced(Buffer *out, Slice piece)
{
    for (size_t at = slice_find(piece, space_mark); at != SIZE_MAX;
         at = slice_find(piece, space_mark)) {
        buffer_append(out, slice_sub(piece, 0, at));
        buffer_append_byte(out, ' ');
        piece = slice_sub(piece, at + space_mark.len, piece.len);
    }
    buffer_append(out, piece);
}

static void decode_piece(Decoding *d, Slice piece, int32_t id)
{
    const Spm *model = d->model;
    if (d->saw_space || d->out->len > d->begin) d->at_front = false;
    d->saw_space = false;
    const PieceType type = id >= 0 ? (PieceType)model->types[id] : PIECE_UNKNOWN;
    if (type == PIECE_CONTROL) return;
    if (type == PIECE_UNKNOWN) {
        buffer_append(d->out, id >= 0 ? model->unk_surface : piece);
        return;
    }
    if (d->at_front && (model->add_dummy_prefix || model->remove_extra_whitespaces) &&
        slice_starts_with(piece, space_mark)) {
        piece = slice_sub(piece, space_mark.len, piece.len);
        // Where blanks in a row were joined, all of them at the front go.
        d->saw_space = !model->remove_extra_whitespaces;
    }
    append_spaced(d->out, piece);
}

Status spm_decode(const Spm *model, const Slice *pieces, size_t n, Buffer *out, Error *err)
{
    Decoding d = {.model = model, .out = out, .begin = out->len, .at_front = true};
    for (size_t i = 0; i < n; i++) {
        const int32_t id = vocab_find(&model->pieces, pieces[i]);
        if (id >= 0 && model->types[id] == PIECE_BYTE) {
            char byte = 0;
            for (int b = 0; b < 256; b++) {
                if ((model->is_bpe ? model->bpe.byte_ids : model->unigram.byte_ids)[b] == id)
                    byte = (char)b;
            }
            buffer_append_byte(&d.bytes, byte);
            continue;
        }
        flush_bytes(&d);
        decode_piece(&d, pieces[i], id);
    }
    flush_bytes(&d);
    buffer_release(&d.bytes);
    return buffer_status(out, err);
}
