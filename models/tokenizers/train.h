// models/tokenizers/train.h: a new vocabulary from text files.
//
// Both kinds count pairs of neighbouring symbols over the words of the text and join the most frequent pair, again and
// again (Sennrich et al. 2016, arXiv:1508.07909); they differ in what a word and a first symbol is:
//     WordPiece  words of BertNormalizer and BertPreTokenizer; symbols are characters, all but the first with "##"
//     BPE        pieces of the GPT-2 pattern; symbols are bytes
// Deterministic: the result depends on the words and their counts alone, not on the order of lines or files. Ties:
// the pair with the smaller left id, then the smaller right id. Ids: special tokens in the order given, then the first
// symbols by their bytes, then one for each merge that makes a new token.
//
// A line is a text; its line end belongs to no word. Words above 100 characters (WordPiece, where they are unknown
// anyway) or 1,024 bytes (BPE) are not counted.
#ifndef ASSAY_MODELS_TOKENIZERS_TRAIN_H
#define ASSAY_MODELS_TOKENIZERS_TRAIN_H

#include "base/error.h"
#include "base/slice.h"

typedef enum TokenizerTrainKind { TRAIN_WORDPIECE, TRAIN_BPE } TokenizerTrainKind;

// Zero means the default.
typedef struct TokenizerTrainOptions {
    TokenizerTrainKind kind;
    size_t vocab_size;      // required; special tokens and first symbols included
    uint64_t min_frequency; // pairs seen less often are not joined; default 2
    bool is_cased;          // WordPiece: keep case and accents
    size_t
        alphabet_limit; // WordPiece: the most frequent characters; words with others are not counted; default 1,000
    const Slice *
        special_tokens; // default: [PAD] [UNK] [CLS] [SEP] [MASK], or <|endoftext|>; WordPiece needs the
    size_t n_special_tokens; // first four among them
    // BPE: the special token that ends every encoded text, as encoder-decoders want it; empty = none. It must be among the
    // special tokens.
    Slice end_token;
} TokenizerTrainOptions;

typedef struct TokenizerTrainReport {
    uint64_t n_lines;
    uint64_t n_words; // counted, repetitions included
    size_t n_distinct_words;
    size_t n_first_symbols;
    size_t n_merges;
    size_t vocab_size; // less than asked for where no pair is frequent enough
} TokenizerTrainReport;

// Reads paths (UTF-8 text; "-" is standard input) and writes to directory, which is made where it is missing:
// tokenizer.json, tokenizer_config.json and vocab.txt (WordPiece) or vocab.json and merges.txt (BPE). report may be
// NULL. STATUS_INVALID: broken UTF-8 (file and line are named), no words at all, or a vocab_size below special tokens
// and first symbols (the smallest possible is named).
Status tokenizer_train(const TokenizerTrainOptions *options, const char *const *paths,
                       size_t n_paths, const char *directory, TokenizerTrainReport *report,
                       Error *err) MUST_CHECK;

// "wordpiece" or "bpe".
Status tokenizer_train_kind_parse(Slice name, TokenizerTrainKind *out, Error *err) MUST_CHECK;

#endif
