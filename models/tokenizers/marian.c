// Marian's tokenizer: pieces of one SentencePiece model (source.spm, or target.spm for what is to be generated), ids from
// vocab.json, which both sides share; a leading ">>LANGUAGE<<" is one token; "</s>" ends each text.
#include <string.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer_internal.h"

// ---- encoding ----

// The length of a language code at the front: ">>" and all up to the first "<<"; 0 where there is none.
static size_t code_len(Slice text)
{
    const size_t end =
        slice_starts_with(text, SLICE(">>")) ? slice_find(text, SLICE("<<")) : SIZE_MAX;
    return end != SIZE_MAX ? end + 2 : 0;
}

// Ids of vocab.json for the pieces from first on.
static void look_up(const Tokenizer *t, TokenSink *sink, size_t first)
{
    for (size_t i = first; i < sink->n; i++) {
        const Slice name = sink->pieces[i];
        if (name.ptr == NULL) {
            sink->pieces[i] = vocab_at(&t->spm->pieces, (size_t)sink->ids[i]);
            sink->ids[i] = t->marian_ids[sink->ids[i]];
        } else {
            const int32_t id = vocab_find(&t->vocab, name);
            sink->ids[i] = id >= 0 ? id : t->special[SPECIAL_UNK];
        }
    }
}

Status marian_encode(const Tokenizer *tokenizer, Slice segment, size_t base, int32_t word_id,
                     EncodeScratch *scratch, TokenSink *sink, Error *err)
{
    const size_t n_code = tokenizer->marian_has_codes ? code_len(segment) : 0;
    if (n_code > 0) {
        const Slice code = slice_sub(segment, 0, n_code);
        const int32_t id = vocab_find(&tokenizer->vocab, code);
        TRY(token_sink_add(sink, id >= 0 ? id : tokenizer->special[SPECIAL_UNK], base,
                           base + n_code, word_id, err));
        TRY(token_sink_name_last(sink, code, err));
    }
    const size_t first = sink->n;
    TRY(spm_encode(tokenizer->spm, slice_sub(segment, n_code, segment.len), base + n_code, word_id,
                   &scratch->normalize.texts[0], sink, err));
    look_up(tokenizer, sink, first);
    return STATUS_OK;
}

// ---- decoding ----

static bool is_special_name(const Tokenizer *t, Slice token)
{
    return tokenizer_is_special(t, tokenizer_id(t, token));
}

// The vocabulary may have pieces that the target's model has not: of those the model leaves its sign for a blank.
static void append_blanks(Buffer *out, Slice text)
{
    static const Slice sign = {"\xe2\x96\x81", 3}; // U+2581
    for (size_t at; (at = slice_find(text, sign)) != SIZE_MAX;) {
        buffer_append(out, slice_sub(text, 0, at));
        buffer_append_byte(out, ' ');
        text = slice_sub(text, at + sign.len, text.len);
    }
    buffer_append(out, text);
}

// The target's model decodes runs between special tokens, which are shown with a blank behind them.
Status marian_decode(const Tokenizer *tokenizer, const Slice *tokens, size_t n, Buffer *out,
                     Error *err)
{
    Buffer text = {0}, shown = {0};
    Status s = STATUS_OK;
    for (size_t begin = 0, end = 0; s == STATUS_OK && begin < n; begin = end) {
        if (is_special_name(tokenizer, tokens[begin])) {
            buffer_append(&text, tokens[begin]);
            if (tokenizer->marian_has_codes) buffer_append_byte(&text, ' ');
            end = begin + 1;
            continue;
        }
        end = begin;
        while (end < n && !is_special_name(tokenizer, tokens[end])) end++;
        s = spm_decode(tokenizer->marian_decoder, tokens + begin, end - begin, &text, err);
    }
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) append_blanks(&shown, buffer_slice(&text));
    if (s == STATUS_OK) s = buffer_status(&shown, err);
    if (s == STATUS_OK) buffer_append(out, slice_trim(buffer_slice(&shown)));
    buffer_release(&shown);
    buffer_release(&text);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}

// ---- opening ----

static Status read_vocab(Tokenizer *t, const char *path, Error *err)
{
    Slice text = {0};
    TRY(file_map(path, &text, err));
    JsonReader r = json_reader(slice_from_cstr(path), text, &t->arena);
    Status s = json_read_object(&r, err);
    for (bool more = true; s == STATUS_OK;) {
        Slice token = {0};
        int64_t id = 0;
        s = json_read_key(&r, &token, &more, err);
        if (s != STATUS_OK || !more) break;
        s = json_read_i64(&r, &id, err);
        if (s != STATUS_OK) break;
        s = vocab_put(&t->vocab, &t->arena, token, id, text.len / 5, err);
        if (s != STATUS_OK) s = json_reader_error(&r, err, "%s", err != NULL ? err->text : "");
    }
    if (s == STATUS_OK) s = json_read_end(&r, err);
    if (s == STATUS_OK && vocab_index(&t->vocab, &t->arena, err) != STATUS_OK)
        s = error_wrap(err, "%s", path);
    file_unmap(&text);
    return s;
}

static Status read_model(const char *path, Arena *arena, Spm **out, Error *err)
{
    Slice bytes = {0};
    TRY(file_map(path, &bytes, err));
    const Status s = spm_parse(slice_from_cstr(path), bytes, arena, out, err);
    file_unmap(&bytes);
    return s;
}

// "</s>" and "<unk>" there must be.
static Status check_specials(const Tokenizer *t, const char *vocab_path, Error *err)
{
    static const Slice names[] = {SLICE_LIT("</s>"), SLICE_LIT("<unk>")};
    for (size_t i = 0; i < 2; i++) {
        if (vocab_find(&t->vocab, names[i]) < 0)
            return error_set(err, STATUS_INVALID,
                             "%s has no \"" SLICE_FMT "\", which Marian's tokenizer needs: add it",
                             vocab_path, SLICE_ARG(names[i]));
    }
    return STATUS_OK;
}

static Status map_ids(Tokenizer *t, Error *err)
{
    const Vocab *pieces = &t->spm->pieces;
    TRY(arena_take(&t->arena, pieces->size, sizeof *t->marian_ids, "ids", &t->marian_ids, err));
    for (size_t i = 0; i < pieces->size; i++) {
        const int32_t id = vocab_find(&t->vocab, vocab_at(pieces, i));
        t->marian_ids[i] = id >= 0 ? id : t->special[SPECIAL_UNK];
    }
    return STATUS_OK;
}

Status marian_begin(const char *vocab, const char *model, Tokenizer **out, Error *err)
{
    TRY(tokenizer_new(out, err));
    Tokenizer *t = *out;
    t->keeps_ids = true;
    TRY(read_vocab(t, vocab, err));
    TRY(read_model(model, &t->arena, &t->spm, err));
    t->model = t->spm->is_bpe ? MODEL_BPE : MODEL_UNIGRAM;
    return STATUS_OK;
}

Status marian_finish(Tokenizer *t, Error *err)
{
    TRY(tokenizer_finish(t, err));
    return map_ids(t, err);
}

// One side: encodes with the model at path.
static Status open_side(const char *directory, const char *vocab, const char *model, bool is_other,
                        Tokenizer **out, Error *err)
{
    TRY(marian_begin(vocab, model, out, err));
    Tokenizer *t = *out;
    t->marian_has_codes = true;
    TRY(check_specials(t, vocab, err));
    TRY(told_slow_added(t, directory, false, err));
    size_t n_kept = 0; // of a vocabulary of its own those that stand there
    for (size_t i = 0; i < t->n_added; i++) {
        if (!is_other || vocab_find(&t->vocab, t->added[i].content) >= 0)
            t->added[n_kept++] = t->added[i];
    }
    t->n_added = n_kept;
    TRY(marian_finish(t, err));
    const int32_t eos = vocab_find(&t->vocab, SLICE("</s>"));
    TRY(template_bos_eos(t->post.templates, TOKEN_NONE, eos, &t->arena, err));
    // One end for a pair.
    Template *pair = &t->post.templates[1];
    memmove(&pair->pieces[1], &pair->pieces[2], (pair->n_pieces - 2) * sizeof *pair->pieces);
    pair->n_pieces--;
    pair->n_added--;
    return STATUS_OK;
}

static Status read_separate(void *context, Slice key, JsonReader *r, Error *err)
{
    bool *is_separate = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_BOOL && slice_eq_cstr(key, "separate_vocabs"))
        return json_read_bool(r, is_separate, err);
    return json_skip(r, err);
}

// Both sides share vocab.json, unless tokenizer_config.json says "separate_vocabs": then target_vocab.json is the target's.
static Status open_both(const char *directory, Arena *arena, Tokenizer **out, Error *err)
{
    static const Slice names[] = {SLICE_LIT("vocab.json"), SLICE_LIT("source.spm"),
                                  SLICE_LIT("target.spm"), SLICE_LIT("target_vocab.json")};
    const char *paths[4] = {0};
    bool is_separate = false;
    for (size_t i = 0; i < 4; i++) {
        paths[i] = file_join(arena, slice_from_cstr(directory), names[i]);
        if (paths[i] == NULL) return error_set_memory(err, 1, 1, "a path");
    }
    TRY(tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"), read_separate,
                                   &is_separate, err));
    TRY(open_side(directory, paths[0], paths[1], false, out, err));
    TRY(open_side(directory, is_separate ? paths[3] : paths[0], paths[2], is_separate,
                  &(*out)->target, err));
    (*out)->target_decodes = is_separate;
    // Where vocabularies are shared Transformers 5 decodes with the source's model.
    (*out)->marian_decoder = (*out)->target->marian_decoder =
        is_separate ? (*out)->target->spm : (*out)->spm;
    return STATUS_OK;
}

Status tokenizer_open_marian(const char *directory, Tokenizer **out, Error *err)
{
    Arena arena = {0};
    *out = NULL;
    const Status s = open_both(directory, &arena, out, err);
    if (s != STATUS_OK) tokenizer_close(out);
    arena_release(&arena);
    return s;
}
