// models/tokenizers/tokenizer_internal.h: what the tokenizer's own files share.
//
// Encoding runs in stages, each in its file:
//     added_tokens.c     the text is cut at added tokens ("[MASK]"); what lies between goes on
//     normalizer_bert.c  NormalizedText: new bytes, and for each the range of the original it came from
//     pretokenize_bert.c, byte_level.c   words
//     wordpiece.c, bpe.c tokens into a TokenSink
//     truncate.c         which tokens each window keeps
//     template.c         special tokens around them, the Encoding
#ifndef ASSAY_MODELS_TOKENIZERS_TOKENIZER_INTERNAL_H
#define ASSAY_MODELS_TOKENIZERS_TOKENIZER_INTERNAL_H

#include "base/json_reader.h"
#include "base/unicode.h"
#include "models/tokenizers/bpe.h"
#include "models/tokenizers/decoder.h"
#include "models/tokenizers/normalizer.h"
#include "models/tokenizers/pretokenizer.h"
#include "models/tokenizers/sink.h"
#include "models/tokenizers/spm.h"
#include "models/tokenizers/tokenizer.h"
#include "models/tokenizers/unigram.h"
#include "models/tokenizers/vocab.h"

// ---- wordpiece.c ----

typedef struct WordPiece {
    Slice prefix; // "##"
    TokenTable
        continuing; // tokens with the prefix, keyed without it; whole tokens are in Vocab.table
    size_t max_word_chars;
    int32_t unk;
    Slice unk_token; // for messages
} WordPiece;

// The longest token in bytes: it bounds the work of a look-up, whatever a file claims. Real ones stay below 100.
enum { WORDPIECE_MAX_TOKEN = 512 };

// Builds model->continuing once vocab is indexed and model->prefix set.
Status wordpiece_init(WordPiece *model, const Vocab *vocab, Arena *arena, Error *err) MUST_CHECK;
// One word of text (a sub-slice of text->bytes).
Status wordpiece_encode(const WordPiece *model, const Vocab *vocab, const NormalizedText *text,
                        Slice word, size_t base, int32_t word_id, TokenSink *sink,
                        Error *err) MUST_CHECK;

// ---- added_tokens.c ----

typedef struct AddedToken {
    Slice content;
    Slice pattern; // content, normalised where the token is matched in normalised text
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
    bool is_hidden;  // a token of the vocabulary that texts do not hold
    bool is_renamed; // pattern is another text than content
} AddedToken;

// Tokens by first byte, longest first, for a leftmost-longest search.
typedef struct AddedMatcher {
    const AddedToken **tokens; // sorted by pattern's first byte, then longer first
    size_t n_tokens;
    uint32_t first[257]; // tokens with first byte b: [first[b], first[b + 1])
} AddedMatcher;

typedef struct AddedMatch {
    size_t begin, end; // with the blanks that lstrip and rstrip take
    const AddedToken *token;
} AddedMatch;

Status added_matcher_init(AddedMatcher *matcher, const AddedToken *tokens, size_t n_tokens,
                          bool normalized, Arena *arena, Error *err) MUST_CHECK;
// The next match at or after *at (where the last one ended): false where there is none. *search is the caller's place
// in the search; both begin at 0.
bool added_next(const AddedMatcher *matcher, Slice text, size_t *search, size_t at,
                AddedMatch *match);

// ---- added_list.c ----

enum { ADDED_MOST = 1 << 16 };

typedef enum AddedKey { ADDED_BY_CONTENT, ADDED_BY_ID, N_ADDED_KEYS } AddedKey;

// Places of the first n_known tokens by one key: index + 1, 0 where a slot is free.
typedef struct AddedPlaces {
    uint32_t *slots;
    size_t n_slots, n_known;
} AddedPlaces;

// A list of the arena that grows; zeroed before first use. Who changes the order of tokens, or their contents or ids, says so by
// added_list_changed.
typedef struct AddedList {
    AddedToken *tokens;
    size_t n, capacity;
    AddedPlaces places[N_ADDED_KEYS];
} AddedList;
// Adds a token. Its texts are borrowed.
Status added_list_append(AddedList *list, Arena *arena, AddedToken token, Error *err) MUST_CHECK;
// The same unless one of that content is there.
Status added_list_put(AddedList *list, Arena *arena, AddedToken token, Error *err) MUST_CHECK;
// *at: the first token with that content, or that id; list->n where there is none. In constant time, but for the first call after
// a change.
Status added_list_find(AddedList *list, Arena *arena, const AddedToken *token, AddedKey key,
                       size_t *at, Error *err) MUST_CHECK;
void added_list_changed(AddedList *list);

// ---- added_read.c: as tokenizer_config.json names them ----

// A token as a string or as an object, its content in the arena; another value leaves it without content.
Status added_token_read(JsonReader *r, Arena *arena, AddedToken *out, Error *err) MUST_CHECK;
// added_tokens_decoder, {"50264": {"content": "<mask>", ...}, ..}: calls `add` for each token with content.
Status added_decoder_read(JsonReader *r, Arena *arena,
                          Status (*add)(void *context, AddedToken token, Error *err), void *context,
                          Error *err) MUST_CHECK;

// ---- template.c ----

typedef enum PieceKind { PIECE_TEXT, PIECE_PAIR, PIECE_SPECIAL } PieceKind;

typedef struct TemplatePiece {
    PieceKind kind;
    int32_t type_id;
    int32_t *ids; // of PIECE_SPECIAL
    size_t n_ids;
    bool is_language; // its one id gives way to EncodeOptions.language
} TemplatePiece;

typedef struct Template {
    TemplatePiece *pieces;
    size_t n_pieces;
    size_t n_added; // special tokens in all
} Template;

// What comes after the model: [0] for one text, [1] for a pair.
typedef struct PostProcessor {
    Template templates[2];
    bool
        trim_offsets; // ByteLevel, RobertaProcessing: offsets leave out the blanks a token stands for
    bool add_prefix_space; // of the trimming: the first blank of a text may be ours
    // TemplateProcessing gives its type ids to what truncation keeps; what it cut away stays 0 in the text, 1 in the pair.
    bool overflow_keeps_types;
    bool overflow_keeps_bare; // the same of RobertaProcessing, where no special tokens are added
    bool without_types;       // all are 0, whatever the templates say
} PostProcessor;

// "[CLS] text [SEP]" and "[CLS] text [SEP] pair [SEP]"; is_roberta: "<s> text </s></s> pair </s>", all of type 0.
Status template_bert(Template out[2], int32_t cls, int32_t sep, bool is_roberta, Arena *arena,
                     Error *err) MUST_CHECK;
// bos before and eos behind each text, either TOKEN_NONE for none; all of type 0.
Status template_bos_eos(Template out[2], int32_t bos, int32_t eos, Arena *arena,
                        Error *err) MUST_CHECK;
// A template of text (type 0) and, for is_pair, pair (type 1), without special tokens.
Status template_plain(Template *out, bool is_pair, Arena *arena, Error *err) MUST_CHECK;

// A range of a sink's tokens.
typedef struct TokenRange {
    size_t begin, end;
    bool is_overflow; // cut away by truncation
} TokenRange;

// Puts an encoding together from sinks[0] within ranges[0] and, for a pair, sinks[1] within ranges[1].
Status template_apply(const Tokenizer *tokenizer, const TokenSink *sinks, const TokenRange *ranges,
                      bool is_pair, const EncodeOptions *options, Arena *arena, Encoding *out,
                      Error *err) MUST_CHECK;
// The ids alone, to ids and type_ids (room for all of them). Returns how many.
size_t template_apply_ids(const Tokenizer *tokenizer, const TokenSink *sinks,
                          const TokenRange *ranges, bool is_pair, const EncodeOptions *options,
                          int32_t *ids, int32_t *type_ids);
// The language before each text and eos behind it; or, is_behind, eos and the language behind.
Status template_language(Template out[2], int32_t language, int32_t eos, bool is_behind,
                         Arena *arena, Error *err) MUST_CHECK;

// ---- truncate.c ----

enum { TOKENIZER_MAX_WINDOWS = 1000000, TOKENIZER_MAX_WINDOW_TOKENS = 1 << 26 };

// What options leave of n[0] and n[1] tokens (n[1] is 0 without a pair): how many each keeps.
Status truncate_lengths(const EncodeOptions *options, size_t n_added, const size_t n[2],
                        bool is_pair, size_t keep[2], Error *err) MUST_CHECK;
// The parts of n tokens when keep stay and stride are repeated: parts[0] is what stays.
Status truncate_parts(size_t n, size_t keep, size_t stride, Arena *arena, TokenRange **parts,
                      size_t *n_parts, Error *err) MUST_CHECK;

// ---- the tokenizer ----

typedef enum ModelKind { MODEL_WORDPIECE, MODEL_BPE, MODEL_UNIGRAM, MODEL_WORDLEVEL } ModelKind;

enum { TOKEN_IS_ADDED = 1, TOKEN_IS_SPECIAL = 2, TOKEN_IS_RENAMED = 4 };

struct Tokenizer {
    Arena arena; // everything below but what PCRE2 owns
    Vocab vocab; // added tokens included
    Normalizer normalizer;
    PreTokenizer pretokenizer;
    ModelKind model;
    bool
        is_bert; // BertNormalizer at most, BertPreTokenizer and WordPiece: words are cut as they are met
    WordPiece wordpiece;
    Bpe bpe;
    Unigram unigram;
    int32_t wordlevel_unk;
    Spm *spm; // of a SentencePiece model: it does normalising, words and decoding; NULL elsewhere
    // Marian and M2M100: pieces of spm by their ids in vocab.json, where each is looked up by its text; and the other side's model,
    // which decodes. NULL elsewhere.
    int32_t *marian_ids;
    const Spm *marian_decoder;
    bool
        marian_has_codes; // a leading ">>LANGUAGE<<" is one token, and special ones are shown with a blank behind them
    struct Tokenizer *target; // of Marian: encodes what is to be generated
    bool target_decodes;      // ids that are generated are those of its vocabulary
    bool cleans_up;           // blanks before punctuation go from decoded text
    bool keeps_ids; // of added tokens; else those are given the next ones, as Hugging Face has it
    // Of GGUF files, as llama.cpp has it: without special tokens added, those in a text are text too.
    bool plain_without_special;
    PostProcessor post;
    Decoder decoder;
    Pattern **patterns; // to be released
    size_t n_patterns, patterns_capacity;
    AddedToken *added;
    size_t n_added;
    AddedMatcher raw, normalized; // tokens sought in the text as it is, and after the normalizer
    uint8_t *flags;               // by id: TOKEN_IS_ADDED, TOKEN_IS_SPECIAL
    int32_t special[N_SPECIAL_TOKENS];
    size_t model_max_length;
    const char *departure; // as tokenizer_departure has it
    size_t needed_size;    // as tokenizer_needed_size has it; 0: all
    // languages.c
    int32_t *languages; // [n_languages] their tokens
    Slice *language_codes;
    size_t n_languages;
    int32_t source_language, target_language;
    bool language_starts;
};

// What texts are encoded with, used for one after another; zeroed before first use, its memory is the sink's arena's.
typedef struct EncodeScratch {
    NormalizeScratch normalize;
    PreTokenizeScratch words;
} EncodeScratch;

// Zeroed but for special ids. Free it with tokenizer_close.
Status tokenizer_new(Tokenizer **out, Error *err) MUST_CHECK;
// Makes a table of the BERT rules.
Status tokenizer_take_bert(Tokenizer *tokenizer, const BertNormalizer *rules, BertTable **out,
                           Error *err) MUST_CHECK;
// A pattern that tokenizer_close releases: a literal, or an expression.
Status tokenizer_take_pattern(Tokenizer *tokenizer, Slice text, bool is_regex, const Pattern **out,
                              Error *err) MUST_CHECK;
// tokenizer_json.c: the tokenizer.json at path, as the class of Transformers that the directory's files name reads it.
Status tokenizer_open_json_in(const char *directory, const char *path, Tokenizer **out,
                              Error *err) MUST_CHECK;
// spm_open.c: the SentencePiece model at path, with what tokenizer_config.json of the directory says of it (tokens at the
// ends, added ones), or where it does not, what is usual for its tokenizer_class, or for config.json's model_type.
Status tokenizer_open_spm(const char *directory, const char *path, Tokenizer **out,
                          Error *err) MUST_CHECK;
// marian.c: source.spm, target.spm and vocab.json of a directory.
Status tokenizer_open_marian(const char *directory, Tokenizer **out, Error *err) MUST_CHECK;
// What M2M100 shares: a tokenizer of a vocab.json and a SentencePiece model; then, once added tokens are set, the ids of pieces.
Status marian_begin(const char *vocab, const char *model, Tokenizer **out, Error *err) MUST_CHECK;
Status marian_finish(Tokenizer *tokenizer, Error *err) MUST_CHECK;
// The tokens of a segment of Marian's into a sink that is not ids_only.
Status marian_encode(const Tokenizer *tokenizer, Slice segment, size_t base, int32_t word_id,
                     EncodeScratch *scratch, TokenSink *sink, Error *err) MUST_CHECK;
Status marian_decode(const Tokenizer *tokenizer, const Slice *tokens, size_t n, Buffer *out,
                     Error *err) MUST_CHECK;
// languages.c: the languages of a tokenizer whose templates have one, and of the classes of Transformers that have them what the
// files of a directory (NULL: none) say.
Status tokenizer_find_languages(Tokenizer *tokenizer, const char *directory, Error *err) MUST_CHECK;
// m2m100.c: a SentencePiece model and vocab.json of a directory, and the languages of its class; *out stays NULL where
// tokenizer_config.json or config.json names no M2M100.
Status tokenizer_open_m2m100(const char *directory, const char *model, Tokenizer **out,
                             Error *err) MUST_CHECK;
// gguf_tokenizer.c
Status tokenizer_open_gguf(const char *path, Tokenizer **out, Error *err) MUST_CHECK;
// Calls on_key with the reader before each member's value of a JSON object in a file; nothing where the file is absent.
typedef Status ConfigKey(void *context, Slice key, JsonReader *r, Error *err);
Status tokenizer_read_config_file(const char *directory, Slice file, ConfigKey *on_key,
                                  void *context, Error *err) MUST_CHECK;
// model_type of a directory's config.json; empty where none is stated.
enum { MODEL_TYPE_SIZE = 64 };
Status tokenizer_read_model_type(const char *directory, char type[MODEL_TYPE_SIZE],
                                 Error *err) MUST_CHECK;
// Once vocabulary, model, rules and added tokens are set: adds the added tokens to the vocabulary, builds the matchers,
// and finds the special tokens by their usual names.
Status tokenizer_finish(Tokenizer *tokenizer, Error *err) MUST_CHECK;
// tokenizer_config.json and special_tokens_map.json beside the tokenizer, where present.
Status tokenizer_read_config(Tokenizer *tokenizer, const char *directory, Error *err) MUST_CHECK;
// do_lower_case and its kin of a tokenizer_config.json, where present.
Status tokenizer_open_words(const char *directory, const char *path, Tokenizer **out,
                            Error *err) MUST_CHECK;
// What stands around the texts of a vocab.txt; is_roberta as in template_bert.
typedef struct WordPieceEnds {
    Slice unk, cls, sep;
    bool is_roberta;
} WordPieceEnds;
// told_added.c: the added tokens of a SentencePiece model that is used as it is, by its class and the files of its directory.
Status told_spm_added(Tokenizer *tokenizer, const char *directory, Slice class,
                      Error *err) MUST_CHECK;
// The same of Marian and M2M100, once vocab.json is read.
Status told_slow_added(Tokenizer *tokenizer, const char *directory, bool is_m2m100,
                       Error *err) MUST_CHECK;
// told_words.c: the added tokens of a vocab.txt that is read, and the ends, by the files of its directory.
Status told_words_added(Tokenizer *tokenizer, const char *directory, WordPieceEnds *ends,
                        Error *err) MUST_CHECK;
Status tokenizer_read_wordpiece_options(const char *directory, WordPieceOptions *options,
                                        Error *err) MUST_CHECK;

// Tokens of one text without special ones, appended to sink.
Status encode_text(const Tokenizer *tokenizer, Slice text, EncodeScratch *scratch, TokenSink *sink,
                   Error *err) MUST_CHECK;

#endif
