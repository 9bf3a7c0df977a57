#include "models/tokenizers/bpe.h"

#include <string.h>

#include "base/size.h"
#include "models/tokenizers/byte_level.h"
#include "models/tokenizers/unigram.h"

enum { WHOLE_YES = 1, WHOLE_NO = 2 };

static const Slice blank_mark = SLICE_LIT("\xE2\x96\x81");

// ---- opening ----

static void put_merge(Bpe *model, int32_t left, int32_t right, int32_t merged, int32_t rank)
{
    size_t i = bpe_pair_hash(left, right) & model->mask;
    while (model->merges[i].left >= 0 &&
           (model->merges[i].left != left || model->merges[i].right != right))
        i = (i + 1) & model->mask;
    // A merge that stands there twice has its later rank, as in Hugging Face's.
    model->merges[i] = (MergeSlot){.left = left, .right = right, .rank = rank, .merged = merged};
}

static Status take_merges(Bpe *model, size_t n_most, Arena *arena, Error *err)
{
    if (n_most >= INT32_MAX / 4)
        return error_set(err, STATUS_INVALID, "%zu merges are too many", n_most);
    size_t n_slots = 16;
    while (n_slots < n_most + n_most / 2) n_slots *= 2; // a third to two thirds are taken
    TRY(arena_take(arena, n_slots, sizeof *model->merges, "a table of merges", &model->merges,
                   err));
    for (size_t i = 0; i < n_slots; i++) model->merges[i].left = TOKEN_NONE;
    model->mask = n_slots - 1;
    return STATUS_OK;
}

// Whether a token has a blank mark behind another character.
static bool joins_blank(Slice token)
{
    for (size_t at = 1; at < token.len; at++) {
        const Slice rest = slice_sub(token, at, token.len);
        if (!slice_starts_with(rest, blank_mark)) continue;
        if (at < 3 || !slice_starts_with(slice_sub(token, at - 3, token.len), blank_mark))
            return true;
    }
    return false;
}

static Status add_merge(Bpe *model, const Vocab *vocab, const MergePair *pair, size_t number,
                        Buffer *joined, Error *err)
{
    buffer_clear(joined);
    buffer_append(joined, pair->left);
    buffer_append(joined, slice_sub(pair->right, model->prefix.len, pair->right.len));
    TRY(buffer_status(joined, err));
    const int32_t left = vocab_find(vocab, pair->left), right = vocab_find(vocab, pair->right);
    const int32_t merged = vocab_find(vocab, buffer_slice(joined));
    const Slice missing = left < 0 ? pair->left : right < 0 ? pair->right : buffer_slice(joined);
    if (left < 0 || right < 0 || merged < 0) {
        return error_set(err, STATUS_INVALID,
                         "merge %zu needs token \"" SLICE_FMT
                         "\", which the vocabulary lacks: add it or remove the merge",
                         number, SLICE_ARG(missing));
    }
    put_merge(model, left, right, merged, (int32_t)(number - 1));
    if (joins_blank(buffer_slice(joined))) model->cuts_at_blank = false;
    return STATUS_OK;
}

static void find_bytes(Bpe *model, const Vocab *vocab)
{
    for (int b = 0; b < 256; b++) {
        char utf8[4];
        const size_t len = utf8_encode(byte_level_char((unsigned char)b), utf8);
        model->byte_ids[b] = vocab_find(vocab, (Slice){utf8, len});
    }
}

// Tokens by the bytes they spell; those that spell none stay out.
static Status index_words(Bpe *model, const Vocab *vocab, Arena *arena, Error *err)
{
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < vocab->size; i++) {
        const Slice token = vocab_at(vocab, i);
        const ArenaMark mark = arena_mark(&scratch);
        char *bytes = NULL;
        size_t len = 0;
        if (token.ptr == NULL) continue;
        s = arena_take_raw(&scratch, token.len, 1, "a token", &bytes, err);
        if (s == STATUS_OK && byte_level_unspell(token, bytes, &len))
            s = vocab_put(&model->words, arena, (Slice){bytes, len}, (int64_t)i, vocab->size, err);
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s == STATUS_OK
               ? token_table_build(&model->words.table, &model->words, SLICE(""), arena, err)
               : s;
}

Status bpe_init(Bpe *model, const Vocab *vocab, const MergePair *merges, size_t n_merges,
                Arena *arena, Error *err)
{
    TRY(take_merges(model, n_merges, arena, err));
    model->n_merges = n_merges;
    // With "\u2581" in the vocabulary no run of unknown characters crosses it. Where they vanish, the offsets behind them
    // shift to the end of the word, which must then stay whole.
    model->cuts_at_blank = !model->is_byte_level && model->prefix.len == 0 &&
                           model->suffix.len == 0 && model->unk >= 0 &&
                           vocab_find(vocab, blank_mark) >= 0;
    Buffer joined = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; i < n_merges && s == STATUS_OK; i++)
        s = add_merge(model, vocab, &merges[i], i + 1, &joined, err);
    buffer_release(&joined);
    TRY(s);
    if (model->is_byte_level) {
        find_bytes(model, vocab);
        TRY(index_words(model, vocab, arena, err));
    } else {
        byte_tokens(vocab, model->byte_ids);
    }
    for (int c = 0; c < 128; c++) {
        const char byte = (char)c;
        model->ascii_ids[c] = vocab_find(vocab, (Slice){&byte, 1});
    }
    return arena_take(arena, vocab->size, 1, "a vocabulary", &model->whole, err);
}

// ---- first symbols ----

// Symbols as they come; offsets run on from symbol to symbol, as Hugging Face counts them, so that what vanishes or waits
// shifts those after it.
typedef struct Symbols {
    Symbol *items; // room for as many as the word has bytes, and as its prefixes and suffix have
    size_t n;
    uint32_t end;
    uint32_t waiting; // bytes of an unknown symbol that is not written yet
    bool is_waiting;
} Symbols;

static void push(Symbols *s, int32_t id, size_t len)
{
    s->items[s->n++] = (Symbol){.id = id, .begin = s->end, .end = s->end + (uint32_t)len};
    s->end += (uint32_t)len;
}

static void push_waiting(const Bpe *model, Symbols *s)
{
    if (s->is_waiting) push(s, model->unk, s->waiting);
    s->is_waiting = false;
}

static Status push_unknown(const Bpe *model, Symbols *s, Slice symbol, size_t len, Error *err)
{
    if (model->unk < 0) {
        if (model->unk_token.len == 0) return STATUS_OK;
        return error_set(err, STATUS_INVALID,
                         "no token for \"" SLICE_FMT "\", and the vocabulary has no \"" SLICE_FMT
                         "\" for unknown symbols: add it to the vocabulary",
                         SLICE_ARG(slice_sub(symbol, 0, 100)), SLICE_ARG(model->unk_token));
    }
    if (s->is_waiting && model->fuse_unk) {
        s->waiting += (uint32_t)len;
        return STATUS_OK;
    }
    push_waiting(model, s);
    s->is_waiting = true;
    s->waiting = (uint32_t)len;
    return STATUS_OK;
}

// What byte_fallback makes of a symbol that is not in the vocabulary; false where a byte has no token. An unknown symbol
// that waits is written after the bytes: an order of Hugging Face's that ids depend on.
static bool push_bytes(const Bpe *model, Symbols *s, Slice symbol)
{
    if (!model->byte_fallback) return false;
    for (size_t i = 0; i < symbol.len; i++) {
        if (model->byte_ids[(unsigned char)symbol.ptr[i]] < 0) return false;
    }
    for (size_t i = 0; i < symbol.len; i++)
        push(s, model->byte_ids[(unsigned char)symbol.ptr[i]], 1);
    return true;
}

static Status push_symbol(const Bpe *model, Symbols *s, int32_t id, Slice symbol, size_t len,
                          Error *err)
{
    if (id >= 0) {
        push_waiting(model, s);
        push(s, id, len);
        return STATUS_OK;
    }
    return push_bytes(model, s, symbol) ? STATUS_OK : push_unknown(model, s, symbol, len, err);
}

// A symbol with the prefix and suffix of its place.
static Status push_affixed(const Bpe *model, const Vocab *vocab, Symbols *s, Slice symbol,
                           bool is_first, bool is_last, Error *err)
{
    Buffer name = {0};
    if (!is_first) buffer_append(&name, model->prefix);
    buffer_append(&name, symbol);
    if (is_last) buffer_append(&name, model->suffix);
    Status status = buffer_status(&name, err);
    if (status == STATUS_OK)
        status = push_symbol(model, s, vocab_find(vocab, buffer_slice(&name)), buffer_slice(&name),
                             symbol.len, err);
    buffer_release(&name);
    return status;
}

static Status push_chars(const Bpe *model, const Vocab *vocab, Slice word, Symbols *s, Error *err)
{
    const bool is_affixed = model->prefix.len > 0 || model->suffix.len > 0;
    for (size_t at = 0, end = 0; at < word.len; at = end) {
        end = char_end(word, at + 1);
        const Slice symbol = slice_sub(word, at, end);
        if (is_affixed) {
            TRY(push_affixed(model, vocab, s, symbol, at == 0, end == word.len, err));
            continue;
        }
        const int32_t id = symbol.len == 1 ? model->ascii_ids[(unsigned char)symbol.ptr[0] & 0x7F]
                                           : vocab_find(vocab, symbol);
        TRY(push_symbol(model, s, id, symbol, symbol.len, err));
    }
    push_waiting(model, s);
    return STATUS_OK;
}

static Status first_symbols(const Bpe *model, const Vocab *vocab, Slice word, Symbols *s,
                            Error *err)
{
    if (!model->is_byte_level) return push_chars(model, vocab, word, s, err);
    for (size_t i = 0; i < word.len; i++) {
        const int32_t id = model->byte_ids[(unsigned char)word.ptr[i]];
        if (id >= 0) {
            push_waiting(model, s);
            push(s, id, 1);
        } else {
            TRY(push_unknown(model, s, slice_sub(word, i, i + 1), 1, err));
        }
    }
    push_waiting(model, s);
    return STATUS_OK;
}

// ---- encoding ----

static Status emit(const Symbols *s, const TokenSource *source, size_t begin, size_t len,
                   int32_t word_id, TokenSink *sink, Error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        // The bytes of a prefix count too: no further than the word goes.
        const size_t from = size_min(s->items[i].begin, len - 1);
        const size_t to = size_max(from + 1, size_min(s->items[i].end, len));
        TRY(token_sink_put(sink, source, s->items[i].id, begin + from, begin + to, word_id, err));
    }
    return STATUS_OK;
}

// Most symbols that a word can begin with.
static size_t n_symbols_most(const Bpe *model, size_t len)
{
    const size_t prefix = model->byte_fallback ? model->prefix.len : 0;
    const size_t suffix = model->byte_fallback ? model->suffix.len : 0;
    return len * (1 + prefix) + suffix;
}

static Status encode_long(const Bpe *model, const Vocab *vocab, const TokenSource *source,
                          size_t begin, Slice word, int32_t word_id, TokenSink *sink, Error *err)
{
    Arena scratch = {0};
    Symbols s = {0};
    Status status = arena_take(&scratch, n_symbols_most(model, word.len), sizeof *s.items,
                               "the symbols of a word", &s.items, err);
    if (status == STATUS_OK) status = first_symbols(model, vocab, word, &s, err);
    if (status == STATUS_OK)
        status = bpe_merge_long(&(BpeWord){model, vocab, word}, s.items, &s.n, &scratch, err);
    if (status == STATUS_OK) status = emit(&s, source, begin, word.len, word_id, sink, err);
    arena_release(&scratch);
    return status;
}

// The token that the whole word spells, or TOKEN_NONE.
static int32_t find_word(const Bpe *model, const Vocab *vocab, Slice word)
{
    if (!model->is_byte_level) return vocab_find(vocab, word);
    return vocab_find(&model->words, word);
}

static Status encode_word(const Bpe *model, const Vocab *vocab, const TokenSource *source,
                          size_t begin, Slice word, int32_t word_id, TokenSink *sink, Error *err)
{
    const int32_t id = find_word(model, vocab, word);
    uint8_t state = id >= 0 ? __atomic_load_n(&model->whole[id], __ATOMIC_RELAXED) : WHOLE_NO;
    if (state == WHOLE_YES || (id >= 0 && model->ignore_merges))
        return token_sink_put(sink, source, id, begin, begin + word.len, word_id, err);
    if (n_symbols_most(model, word.len) > BPE_SHORT_WORD)
        return encode_long(model, vocab, source, begin, word, word_id, sink, err);
    Symbol items[BPE_SHORT_WORD];
    Symbols s = {.items = items};
    TRY(first_symbols(model, vocab, word, &s, err));
    s.n = bpe_merge_short(&(BpeWord){model, vocab, word}, items, s.n);
    if (state == 0) {
        state = s.n == 1 && items[0].id == id && items[0].end == word.len ? WHOLE_YES : WHOLE_NO;
        __atomic_store_n(&model->whole[id], state, __ATOMIC_RELAXED);
    }
    return emit(&s, source, begin, word.len, word_id, sink, err);
}

Status bpe_encode(const Bpe *model, const Vocab *vocab, const TokenSource *source, size_t begin,
                  size_t end, int32_t word_id, TokenSink *sink, Error *err)
{
    const Slice word = {source->text->bytes + begin, end - begin};
    if (!model->cuts_at_blank || (model->ignore_merges && find_word(model, vocab, word) >= 0))
        return encode_word(model, vocab, source, begin, word, word_id, sink, err);
    // Before each blank mark that follows another character.
    size_t from = 0;
    bool after_mark = true;
    for (size_t at = 0; at < word.len;) {
        const char *mark = memchr(word.ptr + at, blank_mark.ptr[0], word.len - at);
        if (mark == NULL) break;
        const size_t here = (size_t)(mark - word.ptr);
        if (here > at) after_mark = false;
        at = here + 1;
        if (!slice_starts_with(slice_sub(word, here, word.len), blank_mark)) {
            after_mark = false;
            continue;
        }
        if (!after_mark) {
            TRY(encode_word(model, vocab, source, begin + from, slice_sub(word, from, here),
                            word_id, sink, err));
            from = here;
        }
        after_mark = true;
        at = here + blank_mark.len;
    }
    return encode_word(model, vocab, source, begin + from, slice_sub(word, from, word.len), word_id,
                       sink, err);
}
