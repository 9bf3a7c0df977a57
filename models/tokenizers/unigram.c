#include "models/tokenizers/unigram.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

enum { SHORT_TEXT = 96, WHOLE_YES = 1, WHOLE_NO = 2 };

bool byte_tokens(const Vocab *vocab, int32_t ids[256])
{
    bool all = true;
    for (int b = 0; b < 256; b++) {
        char name[8];
        const int len = snprintf(name, sizeof name, "<0x%02X>", b);
        ids[b] = vocab_find(vocab, (Slice){name, (size_t)len});
        all = all && ids[b] >= 0;
    }
    return all;
}

static PieceType type_of(const Unigram *model, int32_t id)
{
    return model->types != NULL ? (PieceType)model->types[id] : PIECE_NORMAL;
}

// A trie of the tokens that are found in a text: unknown, control and byte pieces never are.
static Status build_trie(Unigram *model, const Vocab *vocab, Arena *arena, Error *err)
{
    Arena scratch = {0};
    Slice *tokens = NULL;
    int32_t *values = NULL;
    Status s = vocab_list(vocab, &scratch, &tokens, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, vocab->size, sizeof *values, "a vocabulary", &values, err);
    for (size_t i = 0; s == STATUS_OK && i < vocab->size; i++) {
        const PieceType type = type_of(model, (int32_t)i);
        const bool is_found =
            type == PIECE_NORMAL || type == PIECE_USER_DEFINED || type == PIECE_UNUSED;
        values[i] = tokens[i].ptr != NULL && is_found ? (int32_t)i : TOKEN_NONE;
    }
    if (s == STATUS_OK) s = trie_build(&model->trie, tokens, values, vocab->size, arena, err);
    arena_release(&scratch);
    return s;
}

Status unigram_init(Unigram *model, const Vocab *vocab, Arena *arena, Error *err)
{
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < vocab->size; i++) {
        if (vocab->places[i] == 0 || type_of(model, (int32_t)i) != PIECE_NORMAL) continue;
        lowest = fmin(lowest, model->scores[i]);
        highest = fmax(highest, model->scores[i]);
    }
    model->unk_score = lowest - UNIGRAM_UNK_PENALTY;
    if (model->is_sentencepiece) model->unk_score = (float)model->unk_score;
    model->max_score = highest;
    byte_tokens(vocab, model->byte_ids);
    TRY(arena_take(arena, vocab->size, 1, "a vocabulary", &model->whole, err));
    return build_trie(model, vocab, arena, err);
}

// ---- Viterbi ----

// The best way to cut the text up to a place: its score, and the last token of it.
typedef struct Best {
    double score;
    uint32_t begin; // of the last token; UINT32_MAX: no way yet
    int32_t id;
} Best;

static inline void offer(const Unigram *model, Best *at, double score, size_t begin, int32_t id)
{
    if (model->is_sentencepiece) score = (float)score; // whose ties are those of floats
    if (at->begin != UINT32_MAX && !(score > at->score)) return;
    at->score = score;
    at->begin = (uint32_t)begin;
    at->id = id;
}

static double score_of(const Unigram *model, int32_t id, size_t len)
{
    // SentencePiece gives a symbol of the user's so much that it is always taken.
    if (type_of(model, id) == PIECE_USER_DEFINED)
        return (double)((float)len * (float)model->max_score) - 0.1;
    return model->scores[id];
}

static size_t char_len(unsigned char first)
{
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

// Fills best[0 .. text.len].
static Status search(const Unigram *model, Slice text, Best *best, Error *err)
{
    best[0] = (Best){.begin = 0, .id = TOKEN_NONE};
    for (size_t i = 1; i <= text.len; i++) best[i].begin = UINT32_MAX;
    for (size_t begin = 0; begin < text.len;) {
        const double so_far = best[begin].score;
        const size_t single = size_min(char_len((unsigned char)text.ptr[begin]), text.len - begin);
        bool has_single = false;
        uint32_t node = 0;
        for (size_t i = begin; i < text.len; i++) {
            const TrieEdge *edge = trie_step(&model->trie, node, (unsigned char)text.ptr[i]);
            if (edge == NULL) break;
            node = edge->child;
            const int32_t id = edge->value;
            if (id < 0 || type_of(model, id) == PIECE_UNUSED) continue;
            const size_t len = i + 1 - begin;
            offer(model, &best[i + 1], so_far + score_of(model, id, len), begin, id);
            has_single = has_single || len == single;
        }
        if (!has_single) {
            if (model->unk < 0)
                return error_set(err, STATUS_INVALID,
                                 "no token for \"" SLICE_FMT
                                 "\", and the model has no unk_id for unknown ones: add one",
                                 SLICE_ARG(slice_sub(text, begin, begin + single)));
            offer(model, &best[begin + single], so_far + model->unk_score, begin, model->unk);
        }
        begin += single;
    }
    return STATUS_OK;
}

// ---- tokens ----

static Status put_bytes(const Unigram *model, const TokenSource *source, size_t from, size_t to,
                        int32_t word_id, TokenSink *sink, Error *err)
{
    for (size_t i = from; i < to; i++) {
        const int32_t id = model->byte_ids[(unsigned char)source->text->bytes[i]];
        TRY(token_sink_put(sink, source, id, from, to, word_id, err));
        // SentencePiece: the last byte covers the character, those before stand at its beginning.
        if (!sink->ids_only && model->is_sentencepiece && i + 1 < to)
            sink->offsets[sink->n - 1].end = sink->offsets[sink->n - 1].begin;
    }
    return STATUS_OK;
}

static bool has_bytes(const Unigram *model, Slice piece)
{
    if (!model->byte_fallback) return false;
    for (size_t i = 0; i < piece.len; i++) {
        if (model->byte_ids[(unsigned char)piece.ptr[i]] < 0) return false;
    }
    return true;
}

// Unknown text [from, to): a token of the same letters if there is one, its bytes, or the unknown token.
static Status put_unknown(const Unigram *model, const Vocab *vocab, const TokenSource *source,
                          size_t from, size_t to, int32_t word_id, TokenSink *sink, Error *err)
{
    const Slice piece = {source->text->bytes + from, to - from};
    const int32_t known = model->is_sentencepiece ? TOKEN_NONE : vocab_find(vocab, piece);
    if (known >= 0) return token_sink_put(sink, source, known, from, to, word_id, err);
    if (has_bytes(model, piece)) return put_bytes(model, source, from, to, word_id, sink, err);
    TRY(token_sink_put(sink, source, model->unk, from, to, word_id, err));
    return sink->ids_only ? STATUS_OK : token_sink_name_last(sink, piece, err);
}

// The tokens of the best way, from the front. Unknown characters in a row are one; SentencePiece's go one by one where
// they become bytes.
static Status put_best(const Unigram *model, const Vocab *vocab, const TokenSource *source,
                       size_t base, size_t len, Best *best, int32_t word_id, TokenSink *sink,
                       Error *err)
{
    // Turn the chain around: best[i].score is needed no more, so the end of the token at i goes to best[begin].
    size_t end = len;
    uint32_t next_end = 0;
    int32_t next_id = TOKEN_NONE;
    for (bool first = true; end > 0;) {
        const Best here = best[end];
        if (!first) best[end] = (Best){.begin = next_end, .id = next_id};
        first = false;
        next_end = (uint32_t)end;
        next_id = here.id;
        end = here.begin;
    }
    best[0] = (Best){.begin = next_end, .id = next_id};
    const bool singly = model->is_sentencepiece && model->byte_fallback;
    for (size_t at = 0; at < len;) {
        const int32_t id = best[at].id;
        size_t to = best[at].begin;
        if (id != model->unk || id < 0) {
            TRY(token_sink_put(sink, source, id, base + at, base + to, word_id, err));
        } else {
            while (!singly && to < len && best[to].id == model->unk) to = best[to].begin;
            TRY(put_unknown(model, vocab, source, base + at, base + to, word_id, sink, err));
        }
        at = to;
    }
    return STATUS_OK;
}

// Whether text is one token, and cut into itself: what most words of a large vocabulary are.
static int32_t whole_token(const Unigram *model, const Vocab *vocab, Slice text)
{
    if (model->is_sentencepiece || text.len > SHORT_TEXT) return TOKEN_NONE;
    const int32_t id = vocab_find(vocab, text);
    if (id < 0) return TOKEN_NONE;
    uint8_t state = __atomic_load_n(&model->whole[id], __ATOMIC_RELAXED);
    if (state == 0) {
        Best best[SHORT_TEXT + 1];
        const bool found = search(model, text, best, NULL) == STATUS_OK;
        const Best last = best[text.len];
        state =
            found && last.begin == 0 && last.id == id && id != model->unk ? WHOLE_YES : WHOLE_NO;
        __atomic_store_n(&model->whole[id], state, __ATOMIC_RELAXED);
    }
    return state == WHOLE_YES ? id : TOKEN_NONE;
}

Status unigram_encode(const Unigram *model, const Vocab *vocab, const TokenSource *source,
                      size_t begin, size_t end, int32_t word_id, TokenSink *sink, Error *err)
{
    const Slice text = {source->text->bytes + begin, end - begin};
    const int32_t whole = whole_token(model, vocab, text);
    if (whole >= 0) return token_sink_put(sink, source, whole, begin, end, word_id, err);
    if (text.len <= SHORT_TEXT) {
        Best best[SHORT_TEXT + 1];
        TRY(search(model, text, best, err));
        return put_best(model, vocab, source, begin, text.len, best, word_id, sink, err);
    }
    TRY(token_sink_grow(sink, text.len, err)); // before the mark: the tokens stay
    Arena scratch = {0};
    Best *best = NULL;
    Status s = arena_take(&scratch, text.len + 1, sizeof *best, "a lattice", &best, err);
    if (s == STATUS_OK) s = search(model, text, best, err);
    if (s == STATUS_OK)
        s = put_best(model, vocab, source, begin, text.len, best, word_id, sink, err);
    arena_release(&scratch);
    return s;
}
