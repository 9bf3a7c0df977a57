// SentencePiece's byte-pair encoding, and llama.cpp's: no list of merges, but pieces with scores.
#include "models/tokenizers/bpe.h"

#include <stdlib.h>

#include "base/size.h"
#include "models/tokenizers/unigram.h"

// ---- opening ----

typedef struct Scored {
    float score;
    int32_t id;
} Scored;

static int by_score(const void *a, const void *b)
{
    const Scored *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

Status bpe_init_scored(Bpe *model, const Vocab *vocab, const float *scores, const uint8_t *is_piece,
                       Arena *arena, Error *err)
{
    Arena scratch = {0};
    Scored *order = NULL;
    size_t n = 0;
    TRY(arena_take(arena, vocab->size, sizeof *model->ranks, "ranks", &model->ranks, err));
    TRY(arena_take(&scratch, vocab->size, sizeof *order, "ranks", &order, err));
    for (size_t i = 0; i < vocab->size; i++) {
        model->ranks[i] = -1;
        if (is_piece[i]) order[n++] = (Scored){scores[i], (int32_t)i};
    }
    qsort(order, n, sizeof *order, by_score);
    int32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && order[i].score != order[i - 1].score) rank++;
        model->ranks[order[i].id] = rank;
    }
    arena_release(&scratch);
    byte_tokens(vocab, model->byte_ids);
    return STATUS_OK;
}

// ---- encoding ----

static int32_t piece_id(const Bpe *model, const Vocab *vocab, Slice text)
{
    const int32_t id = vocab_find(vocab, text);
    return id >= 0 && model->ranks[id] >= 0 ? id : model->unk;
}

static size_t first_symbols(const Bpe *model, const Vocab *vocab, Slice text, Symbol *symbols)
{
    size_t n = 0;
    for (size_t at = 0, end = 0; at < text.len; at = end) {
        size_t len = 0;
        const int32_t frozen = trie_longest(&model->frozen, slice_sub(text, at, text.len), &len);
        end = frozen >= 0 ? at + len : char_end(text, at + 1);
        const int32_t id =
            frozen >= 0 ? frozen + BPE_FROZEN : piece_id(model, vocab, slice_sub(text, at, end));
        symbols[n++] = (Symbol){.id = id, .begin = (uint32_t)at, .end = (uint32_t)end};
    }
    return n;
}

static Status put_bytes(const Bpe *model, const TokenSource *source, size_t from, size_t to,
                        int32_t word_id, TokenSink *sink, Error *err)
{
    for (size_t i = from; i < to; i++) {
        const int32_t byte = model->byte_ids[(unsigned char)source->text->bytes[i]];
        TRY(token_sink_put(sink, source, byte >= 0 ? byte : model->unk, from, to, word_id, err));
        // The last byte covers the character, those before stand at its beginning.
        if (!sink->ids_only && i + 1 < to)
            sink->offsets[sink->n - 1].end = sink->offsets[sink->n - 1].begin;
    }
    return STATUS_OK;
}

static Status emit(const Bpe *model, const Symbol *symbols, size_t n, const TokenSource *source,
                   size_t begin, int32_t word_id, TokenSink *sink, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t id = symbols[i].id & (BPE_FROZEN - 1);
        const size_t from = begin + symbols[i].begin;
        size_t to = begin + symbols[i].end;
        const bool is_unknown = symbols[i].id == model->unk;
        if (is_unknown && model->byte_fallback) {
            TRY(put_bytes(model, source, from, to, word_id, sink, err));
            continue;
        }
        while (is_unknown && i + 1 < n && symbols[i + 1].id == model->unk)
            to = begin + symbols[++i].end;
        TRY(token_sink_put(sink, source, id, from, to, word_id, err));
        if (is_unknown && !sink->ids_only)
            TRY(token_sink_name_last(sink, (Slice){source->text->bytes + from, to - from}, err));
    }
    return STATUS_OK;
}

Status bpe_encode_scored(const Bpe *model, const Vocab *vocab, const TokenSource *source,
                         size_t begin, size_t end, int32_t word_id, TokenSink *sink, Error *err)
{
    const Slice text = {source->text->bytes + begin, end - begin};
    const BpeWord word = {model, vocab, text};
    Arena scratch = {0};
    Symbol *symbols = NULL;
    Status s =
        arena_take(&scratch, text.len, sizeof *symbols, "the symbols of a text", &symbols, err);
    if (s == STATUS_OK) {
        size_t n = first_symbols(model, vocab, text, symbols);
        s = bpe_merge_long(&word, symbols, &n, &scratch, err);
        if (s == STATUS_OK) s = emit(model, symbols, n, source, begin, word_id, sink, err);
    }
    arena_release(&scratch);
    return s;
}
