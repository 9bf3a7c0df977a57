// WordPiece (Schuster & Nakajima 2012; as in Devlin et al. 2018): the longest token that fits, again and again; a word
// that cannot be covered is one unknown token.
#include "base/size.h"
#include "models/tokenizers/tokenizer_internal.h"

// The longest key of table that text begins with: its id, and its length in *len.
static inline int32_t longest_match(const TokenTable *table, const Vocab *vocab, Slice text,
                                    size_t *len)
{
    uint64_t hashes[WORDPIECE_MAX_TOKEN + 1];
    uint64_t hash = TOKEN_HASH_SEED;
    const size_t most = size_min(text.len, table->longest);
    for (size_t i = 0; i < most; i++) {
        hash = token_hash_step(hash, text.ptr[i]);
        hashes[i + 1] = hash;
    }
    for (size_t end = most; end > 0; end--) {
        // Only whole characters: the byte after must not continue one.
        if (end < text.len && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) continue;
        const int32_t id =
            token_table_find(table, vocab, (Slice){text.ptr, end}, token_hash_finish(hashes[end]));
        if (id >= 0) {
            *len = end;
            return id;
        }
    }
    return TOKEN_NONE;
}

Status wordpiece_init(WordPiece *model, const Vocab *vocab, Arena *arena, Error *err)
{
    if (vocab->table.longest > WORDPIECE_MAX_TOKEN) {
        return error_set(err, STATUS_INVALID,
                         "a token of %zu bytes is longer than a WordPiece token may be: %d",
                         vocab->table.longest, WORDPIECE_MAX_TOKEN);
    }
    return token_table_build(&model->continuing, vocab, model->prefix, arena, err);
}

static bool is_too_long(const WordPiece *model, Slice word)
{
    if (word.len <= model->max_word_chars) return false; // bytes are at least as many as characters
    size_t n_chars = 0;
    for (size_t i = 0; i < word.len; i++) n_chars += ((unsigned char)word.ptr[i] & 0xC0) != 0x80;
    return n_chars > model->max_word_chars;
}

Status wordpiece_encode(const WordPiece *model, const Vocab *vocab, const NormalizedText *text,
                        Slice word, size_t base, int32_t word_id, TokenSink *sink, Error *err)
{
    const size_t first = (size_t)(word.ptr - text->bytes);
    const size_t n_before = sink->n;
    bool is_known = !is_too_long(model, word);
    for (size_t at = 0; is_known && at < word.len;) {
        size_t len = 0;
        const Slice rest = {word.ptr + at, word.len - at};
        const int32_t id =
            longest_match(at == 0 ? &vocab->table : &model->continuing, vocab, rest, &len);
        if (id < 0) {
            is_known = false;
            break;
        }
        TokenOffsets o = {0};
        if (!sink->ids_only) o = normalized_range(text, base, first + at, first + at + len);
        TRY(token_sink_add(sink, id, o.begin, o.end, word_id, err));
        at += len;
    }
    if (is_known) return STATUS_OK;
    sink->n = n_before;
    if (model->unk < 0) {
        return error_set(err, STATUS_INVALID,
                         "no tokens for \"" SLICE_FMT "\", and the vocabulary has no \"" SLICE_FMT
                         "\" for unknown words: add it to the vocabulary",
                         SLICE_ARG(slice_sub(word, 0, 100)), SLICE_ARG(model->unk_token));
    }
    TokenOffsets o = {0};
    if (!sink->ids_only) o = normalized_range(text, base, first, first + word.len);
    return token_sink_add(sink, model->unk, o.begin, o.end, word_id, err);
}
