// models/tokenizers/unigram.h: the unigram language model (Kudo 2018): of all ways to cut a text into tokens the one
// with the highest sum of scores, by Viterbi's algorithm.
#ifndef ASSAY_MODELS_TOKENIZERS_UNIGRAM_H
#define ASSAY_MODELS_TOKENIZERS_UNIGRAM_H

#include "models/tokenizers/sink.h"
#include "models/tokenizers/trie.h"
#include "models/tokenizers/vocab.h"

// What SentencePiece does with a piece, by the numbers of its protobuf. tokenizer.json knows only normal ones.
typedef enum PieceType {
    PIECE_NORMAL = 1,
    PIECE_UNKNOWN = 2,
    PIECE_CONTROL = 3,
    PIECE_USER_DEFINED = 4,
    PIECE_UNUSED = 5,
    PIECE_BYTE = 6,
} PieceType;

// A character that no token covers costs so much more than the worst token.
#define UNIGRAM_UNK_PENALTY 10.0

typedef struct Unigram {
    Trie trie;
    double *scores;       // by id
    const uint8_t *types; // by id, PieceType; NULL: all normal
    double unk_score, max_score;
    int32_t unk; // TOKEN_NONE: an unknown character is an error
    bool byte_fallback;
    int32_t byte_ids[256]; // of byte_fallback; TOKEN_NONE: not in the vocabulary
    // SentencePiece adds in float, Hugging Face in double. With it unknown characters in a row are one token by
    // SentencePiece's rules, bytes with their own offsets.
    bool is_sentencepiece;
    // By id, filled as ids are met: 1 where the token's own text is cut into the token itself, 2 where not.
    uint8_t *whole;
} Unigram;

// Finds unk_score, the trie and the bytes, once scores, types, unk and byte_fallback are set.
Status unigram_init(Unigram *model, const Vocab *vocab, Arena *arena, Error *err) MUST_CHECK;
// The tokens of text [begin, end), a part of source.
Status unigram_encode(const Unigram *model, const Vocab *vocab, const TokenSource *source,
                      size_t begin, size_t end, int32_t word_id, TokenSink *sink,
                      Error *err) MUST_CHECK;

// "<0x41>" for each byte in the vocabulary, else TOKEN_NONE. Returns whether all are there.
bool byte_tokens(const Vocab *vocab, int32_t ids[256]);

#endif
