// models/tokenizers/tokenizer.h: text to token ids and back, one contract over all tokenizers.
//
// A Tokenizer is opened from a model directory and never changes afterwards: any number of threads may use one. What a
// call needs for itself (scratch) and what it returns come from the caller's arena; mark it before and rewind it after
// use. Ids, offsets, windows and decoded text are those of Hugging Face `tokenizers` 0.23 for the same tokenizer.json.
//
// Understood in a tokenizer.json: the models WordPiece, BPE (byte-level or not, byte_fallback, affixes; "dropout" is not
// obeyed, so that a text has one encoding), Unigram and WordLevel; all normalizers, pre-tokenizers and
// decoders of the format; the post-processors; added tokens with all their flags. Any other component is refused by name. "truncation" and "padding" in a tokenizer.json are not obeyed: the caller says how
// long.
//
// Offsets are half-open byte ranges of the ORIGINAL text, whatever a normalizer did to it; a token that covers part of
// a character has the whole character's range. token_offsets_to_points turns them into code points.
#ifndef ASSAY_MODELS_TOKENIZERS_TOKENIZER_H
#define ASSAY_MODELS_TOKENIZERS_TOKENIZER_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct Tokenizer Tokenizer;

enum { TOKEN_NONE = -1 }; // no such id, word or sequence

// ---- opening ----

// What vocab.txt does not say. Zeroed is bert-base-uncased.
typedef struct WordPieceOptions {
    bool is_cased; // do_lower_case = false
    bool keep_accents,
        strip_accents;       // strip_accents = false or true; neither: accents go where case goes
    bool join_chinese_chars; // tokenize_chinese_chars = false
} WordPieceOptions;

// From a directory: tokenizer.json, as Transformers 5 reads it: of most classes (tokenizer_class of tokenizer_config.json or config.json, or
// what goes with model_type) the vocabulary and merges are the file's, and all else is the class's, by tokenizer_config.json,
// special_tokens_map.json and added_tokens.json (told_again.c). Else source.spm, target.spm, vocab.json and, with separate_vocabs, target_vocab.json (Marian); else vocab.json with merges.txt
// (told.h); else a SentencePiece model
// (tokenizer.model, spiece.model, sentencepiece.bpe.model, sentencepiece.model, spm.model, or the only *.model there is); else
// vocab.txt with do_lower_case, strip_accents and tokenize_chinese_chars of tokenizer_config.json (where present). The names of the special tokens come from tokenizer_config.json and
// special_tokens_map.json, else from the usual names. STATUS_NOT_FOUND where the directory has none of them.
// tokenizer_close frees what *out holds.
Status tokenizer_open(const char *directory, Tokenizer **out, Error *err) MUST_CHECK;
// From one file of any of these kinds, or the metadata of a .gguf file: by its name's end, or by its first bytes.
Status tokenizer_open_file(const char *path, Tokenizer **out, Error *err) MUST_CHECK;
// From the metadata of a GGUF file that is open (models/formats/gguf.h); path is for messages.
struct Gguf;
Status tokenizer_from_gguf(const char *path, const struct Gguf *file, Tokenizer **out,
                           Error *err) MUST_CHECK;
// options may be NULL.
Status tokenizer_open_json(const char *path, Tokenizer **out, Error *err) MUST_CHECK;
Status tokenizer_open_vocab(const char *path, const WordPieceOptions *options, Tokenizer **out,
                            Error *err) MUST_CHECK;
// From text in memory, which is copied; name is the file's name for messages.
Status tokenizer_parse_json(Slice name, Slice text, Tokenizer **out, Error *err) MUST_CHECK;
// A SentencePiece model's protobuf.
Status tokenizer_parse_model(Slice name, Slice bytes, Tokenizer **out, Error *err) MUST_CHECK;
Status tokenizer_parse_vocab(Slice name, Slice text, const WordPieceOptions *options,
                             Tokenizer **out, Error *err) MUST_CHECK;
// What encodes the text to be generated: another tokenizer for Marian, borrowed; else the same.
const Tokenizer *tokenizer_target(const Tokenizer *tokenizer);
void tokenizer_close(Tokenizer **tokenizer); // a no-op on NULL

// ---- what it knows ----

// Highest id + 1, added tokens included; the rows an embedding needs. Ids in between may be unused.
size_t tokenizer_vocab_size(const Tokenizer *tokenizer);
// The same without special tokens that only the class or the files beside a tokenizer.json name, where their ids are behind all
// others: a model may have no rows for them, and they do no harm where no text holds them.
size_t tokenizer_needed_size(const Tokenizer *tokenizer);
// Sections of the directory's tokenizer.json that do not count, and the class whose own do: "normalizer, decoder of BertTokenizer".
// NULL = none.
const char *tokenizer_departure(const Tokenizer *tokenizer);
// Memory that it has.
size_t tokenizer_bytes(const Tokenizer *tokenizer);
// The token's text as the file spells it ("##ing", "\u0120the"); ptr is NULL for an id that is out of range or unused.
Slice tokenizer_token(const Tokenizer *tokenizer, int32_t id);
// TOKEN_NONE where the vocabulary has no such token.
int32_t tokenizer_id(const Tokenizer *tokenizer, Slice token);
bool tokenizer_is_special(const Tokenizer *tokenizer, int32_t id);

// ---- languages ----

// Tokenizers of many languages (mBART, mBART-50, NLLB, M2M100) put the token of its language before a text or behind it; which one
// EncodeOptions.language says. Their codes: "de_DE", "deu_Latn", "de". 0 for other tokenizers.
size_t tokenizer_n_languages(const Tokenizer *tokenizer);
Slice tokenizer_language_code(const Tokenizer *tokenizer, size_t index);
// The token of a code. STATUS_INVALID for an unknown one, with those there are, and where there are none.
Status tokenizer_find_language(const Tokenizer *tokenizer, Slice code, int32_t *id,
                               Error *err) MUST_CHECK;
// src_lang and tgt_lang of the files (the former or what is usual for the tokenizer); TOKEN_NONE without.
int32_t tokenizer_source_language(const Tokenizer *tokenizer);
int32_t tokenizer_target_language(const Tokenizer *tokenizer);
// Whether the language's token is what the decoder begins with (mBART), not the first that it writes.
bool tokenizer_language_starts(const Tokenizer *tokenizer);

typedef enum SpecialToken {
    SPECIAL_UNK,
    SPECIAL_CLS, // <s> for RoBERTa
    SPECIAL_SEP, // </s> for RoBERTa
    SPECIAL_PAD,
    SPECIAL_MASK,
    SPECIAL_BOS,
    SPECIAL_EOS,
    N_SPECIAL_TOKENS,
} SpecialToken;
// TOKEN_NONE where the tokenizer has none.
int32_t tokenizer_special(const Tokenizer *tokenizer, SpecialToken which);
// Special tokens that an encoding of one text, or of a pair, gets.
size_t tokenizer_n_added(const Tokenizer *tokenizer, bool is_pair);
// "WordPiece", "BPE", "Unigram" or "WordLevel".
const char *tokenizer_model_name(const Tokenizer *tokenizer);
// model_max_length of tokenizer_config.json; 0 where it is absent or meant as "no limit" (above 2^31).
size_t tokenizer_model_max_length(const Tokenizer *tokenizer);

// ---- encoding ----

typedef enum TruncationStrategy {
    TRUNCATE_LONGEST_FIRST, // the longer of the two gives first
    TRUNCATE_ONLY_FIRST,
    TRUNCATE_ONLY_SECOND,
} TruncationStrategy;

// The strategy named "longest_first", "only_first" or "only_second".
Status truncation_strategy_parse(Slice name, TruncationStrategy *out, Error *err) MUST_CHECK;

// Zeroed: whole texts, with special tokens.
typedef struct EncodeOptions {
    size_t max_length; // tokens of the result, special ones included; 0 = no truncation
    TruncationStrategy strategy;
    size_t stride;  // tokens that an overflow window repeats of the one before
    bool from_left; // of a text that is cut the end stays; not of windows
    // Leave out [CLS] and its kin. Special tokens written in the text stay; of a GGUF file's tokenizer they are text then,
    // as llama.cpp has it.
    bool no_special;
    int32_t language; // of tokenizer_find_language; 0 = as the tokenizer's files say
} EncodeOptions;

typedef struct TokenOffsets {
    size_t begin, end;
} TokenOffsets;

// One sequence of tokens; every array has n_tokens elements.
typedef struct Encoding {
    size_t n_tokens;
    int32_t *ids;
    int32_t *type_ids;
    // As the vocabulary spells them; an added token found in the text as it stands there, with the blanks that it took
    // along; an unknown character of a unigram model as it is.
    Slice *tokens;
    TokenOffsets *offsets; // into the text that sequence names; 0, 0 for an added special token
    int32_t
        *word_ids; // index of the pre-token within its text; TOKEN_NONE for an added special token
    int8_t *sequence; // 0 the text, 1 the pair, TOKEN_NONE for an added special token
    uint8_t *special; // 1 for an added special token; one written in the text counts as text
} Encoding;

typedef struct EncodingWindows {
    Encoding *windows;
    size_t n_windows; // at least 1
} EncodingWindows;

// Encodes text, or text and pair (pair NULL: one text), and cuts to options->max_length. options NULL: all defaults.
// STATUS_INVALID: text is not valid UTF-8 (the byte is named) or longer than 4 GiB; the special tokens alone exceed
// max_length; "only_..." cannot remove enough from its text, or "only_second" has no pair; the vocabulary has no
// token for unknown words and one was met.
Status tokenizer_encode(const Tokenizer *tokenizer, Slice text, const Slice *pair,
                        const EncodeOptions *options, Arena *arena, Encoding *out,
                        Error *err) MUST_CHECK;
// The same with what was cut away: windows[0] is tokenizer_encode's result, the others hold the overflow, each
// beginning stride tokens before the end of the last. With two texts cut, every part of one meets every part of the
// other. Also STATUS_INVALID where the stride leaves no room to move on, or windows would be more than 1,000,000 or
// hold more than 2^26 tokens.
Status tokenizer_encode_windows(const Tokenizer *tokenizer, Slice text, const Slice *pair,
                                const EncodeOptions *options, Arena *arena, EncodingWindows *out,
                                Error *err) MUST_CHECK;

// A ragged batch: the ids of sequence i stand at [starts[i], starts[i + 1]).
typedef struct TokenBatch {
    size_t n_sequences;
    int32_t *ids;
    int32_t *type_ids;
    size_t *starts; // n_sequences + 1
    size_t *n_full; // length before truncation, special tokens included
} TokenBatch;

// Ids alone, without the cost of offsets, for n texts (and pairs, where pairs is not NULL). An error names the text's
// index. Scratch in the arena is bounded by the longest text.
Status tokenizer_encode_batch(const Tokenizer *tokenizer, const Slice *texts, const Slice *pairs,
                              size_t n, const EncodeOptions *options, Arena *arena, TokenBatch *out,
                              Error *err) MUST_CHECK;

// Byte offsets into text become code points of text, in place; text must be valid UTF-8, offsets within it and on
// boundaries of characters (those of an Encoding are). For an Encoding of a pair use token_offsets_encoding.
void token_offsets_to_points(Slice text, size_t n, TokenOffsets *offsets);
// All offsets of an encoding. pair may be NULL.
void token_offsets_encoding(Encoding *encoding, Slice text, const Slice *pair);

// ---- decoding ----

// Appends the text of ids. With skip_special special tokens are left out. Ids without a token, which a model with a larger vocabulary may
// write, have no text, as in Hugging Face's.
Status tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                        bool skip_special, Buffer *out, Error *err) MUST_CHECK;

#endif
