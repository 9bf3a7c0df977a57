// models/tokenizers/bpe.h: byte-pair encoding (Sennrich et al. 2016; on bytes: Radford et al. 2019): begin with the
// characters (or bytes) of a word and join, as long as any can be joined, the neighbours whose merge stands first in the
// list, the leftmost of equals.
//
// A word's first symbols are looked up in the vocabulary; what is not there becomes its bytes (byte_fallback), the unknown
// token, or nothing.
#ifndef ASSAY_MODELS_TOKENIZERS_BPE_H
#define ASSAY_MODELS_TOKENIZERS_BPE_H

#include "models/tokenizers/sink.h"
#include "models/tokenizers/trie.h"
#include "models/tokenizers/vocab.h"

typedef struct MergeSlot {
    int32_t left, right; // left TOKEN_NONE: free
    int32_t rank, merged;
} MergeSlot;

typedef struct MergePair {
    Slice left, right;
} MergePair;

typedef struct Bpe {
    bool
        is_byte_level; // words are bytes, spelled in the vocabulary by the characters of byte_level.h
    bool byte_fallback, fuse_unk, ignore_merges;
    Slice prefix, suffix; // of every symbol but a word's first; of its last
    int32_t unk;          // TOKEN_NONE: unknown symbols vanish, as they do in Hugging Face's
    Slice
        unk_token; // what the file calls it; where it has a name and no id, an unknown symbol is an error
    MergeSlot *merges;
    size_t mask; // slots - 1
    size_t n_merges;
    int32_t
        byte_ids[256]; // by byte: of is_byte_level the symbol's token, of byte_fallback "<0xNN>"
    int32_t ascii_ids[128]; // the tokens of single ASCII characters
    bool
        cuts_at_blank; // no token joins another character to a "\u2581" after it: words are cut there
    // SentencePiece's kind, which has no list of merges: any two neighbours join whose text is a token, the best score
    // first. ranks[id] is the token's place by score, equal scores the same, or -1 where it is no piece to be joined.
    int32_t *ranks;
    Trie frozen; // the user's own symbols: found first, never joined
    // Whole words that are tokens: by id, filled as they are met. 1 where the merges of the token's own text end in the
    // token itself, 2 where not.
    uint8_t *whole;
    Vocab words; // of is_byte_level: tokens by the bytes they spell
} Bpe;

// Looks up the bytes and the merges' tokens once the fields above are set. Messages number merges from 1.
Status bpe_init(Bpe *model, const Vocab *vocab, const MergePair *merges, size_t n_merges,
                Arena *arena, Error *err) MUST_CHECK;
// For a model without merges: ranks by scores[id], for those ids that is_piece names.
Status bpe_init_scored(Bpe *model, const Vocab *vocab, const float *scores, const uint8_t *is_piece,
                       Arena *arena, Error *err) MUST_CHECK;
// Tokens of one word: bytes [begin, end) of source.
Status bpe_encode(const Bpe *model, const Vocab *vocab, const TokenSource *source, size_t begin,
                  size_t end, int32_t word_id, TokenSink *sink, Error *err) MUST_CHECK;

// The same of a model with ranks (bpe_scored.c). Unknown symbols become bytes, or one unknown token where they stand in a
// row.
Status bpe_encode_scored(const Bpe *model, const Vocab *vocab, const TokenSource *source,
                         size_t begin, size_t end, int32_t word_id, TokenSink *sink,
                         Error *err) MUST_CHECK;

// ---- bpe_merge.c ----

typedef struct Symbol {
    int32_t id;
    int32_t rank, merged;    // of the merge with the next symbol
    uint32_t begin, end;     // bytes of the word
    uint32_t previous, next; // of the long form: neighbours in the list; next == count: the last
} Symbol;

enum { BPE_SHORT_WORD = 64 };
// A symbol that takes part in no merge has an id with this added.
enum { BPE_FROZEN = 1 << 30 };

// What the merging of a word's symbols goes by.
typedef struct BpeWord {
    const Bpe *model;
    const Vocab *vocab;
    Slice text;
} BpeWord;

// Joins what can be joined; returns the symbols left, moved together. Words of up to BPE_SHORT_WORD symbols.
size_t bpe_merge_short(const BpeWord *word, Symbol *symbols, size_t n);
// Any number; scratch comes from the arena.
Status bpe_merge_long(const BpeWord *word, Symbol *symbols, size_t *n, Arena *arena,
                      Error *err) MUST_CHECK;

static inline size_t bpe_pair_hash(int32_t left, int32_t right)
{
    uint64_t x = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(x ^ x >> 32);
}

static inline const MergeSlot *bpe_find_merge(const Bpe *model, int32_t left, int32_t right)
{
    for (size_t i = bpe_pair_hash(left, right) & model->mask;; i = (i + 1) & model->mask) {
        const MergeSlot *slot = &model->merges[i];
        if (slot->left < 0) return NULL;
        if (slot->left == left && slot->right == right) return slot;
    }
}

#endif
