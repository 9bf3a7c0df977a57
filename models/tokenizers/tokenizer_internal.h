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

#include "base/unicode.h"
#include "models/tokenizers/tokenizer.h"

// ---- vocab.c: tokens by id, ids by token ----

// An open-addressing hash table from bytes to id. Keys are tokens[id] without their first prefix_len bytes.
typedef struct TokenTable {
    struct TokenSlot {
        uint32_t tag; // upper half of the hash
        int32_t id;   // TOKEN_NONE: free
    } * slots;
    size_t mask;
    size_t prefix_len;
    size_t longest; // bytes of the longest key
} TokenTable;

typedef struct Vocab {
    Slice *tokens; // [size], ptr NULL where an id is unused
    size_t size, capacity;
    size_t n_tokens;
    TokenTable table;
} Vocab;

// One step of the hash (FNV-1a); begin with TOKEN_HASH_SEED. token_hash_finish spreads it before use.
#define TOKEN_HASH_SEED UINT64_C(0xcbf29ce484222325)
static inline uint64_t token_hash_step(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t token_hash_finish(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t token_hash(Slice key);
// Puts token (borrowed) at id. STATUS_INVALID for an id taken by another token, negative, or far beyond n_expected.
Status vocab_put(Vocab *vocab, Arena *arena, Slice token, int64_t id, size_t n_expected,
                 Error *err) MUST_CHECK;
// Builds vocab->table; STATUS_INVALID where two ids have the same token.
Status vocab_index(Vocab *vocab, Arena *arena, Error *err) MUST_CHECK;
// A table of those tokens that begin with prefix, keyed by what follows it.
Status token_table_build(TokenTable *table, const Vocab *vocab, Slice prefix, Arena *arena,
                         Error *err) MUST_CHECK;
// hash is finished; TOKEN_NONE where absent.
int32_t token_table_find(const TokenTable *table, const Slice *tokens, Slice key, uint64_t hash);
int32_t vocab_find(const Vocab *vocab, Slice token);
Slice vocab_token(const Vocab *vocab, int32_t id);

// ---- tokens on their way ----

// What the models write to. Only ids where offsets are not wanted.
typedef struct TokenSink {
    Arena *arena;
    Slice text; // the original
    bool ids_only;
    size_t n, capacity;
    int32_t *ids;
    TokenOffsets *offsets;
    int32_t *word_ids;
} TokenSink;

Status token_sink_grow(TokenSink *sink, size_t n_more, Error *err) MUST_CHECK;

static inline Status token_sink_add(TokenSink *sink, int32_t id, size_t begin, size_t end,
                                    int32_t word, Error *err)
{
    if (sink->n == sink->capacity) TRY(token_sink_grow(sink, 1, err));
    sink->ids[sink->n] = id;
    if (!sink->ids_only) {
        sink->offsets[sink->n] = (TokenOffsets){begin, end};
        sink->word_ids[sink->n] = word;
    }
    sink->n++;
    return STATUS_OK;
}

// ---- normalised text ----

// bytes [len]; byte i comes from [begin[i], end[i]) of the segment it was made from. begin and end are NULL where no
// one asked for them.
typedef struct NormalizedText {
    char *bytes;
    size_t len, capacity;
    uint32_t *begin, *end;
} NormalizedText;

// The original's range of bytes [from, to) of a normalised text, from < to, plus base.
static inline TokenOffsets normalized_range(const NormalizedText *text, size_t base, size_t from,
                                            size_t to)
{
    return (TokenOffsets){base + text->begin[from], base + text->end[to - 1]};
}

// ---- normalizer_bert.c ----

typedef struct BertNormalizer {
    bool clean_text;
    bool handle_chinese_chars;
    bool strip_accents; // decided: null means what lowercase is
    bool lowercase;
} BertNormalizer;

// What becomes of a code point: for those below BERT_TABLE_SIZE read from a table made at opening.
enum { BERT_TABLE_SIZE = 0x2100, BERT_ENTRY_BYTES = 7, BERT_ENTRY_SLOW = 0xFF };
typedef struct BertEntry {
    uint8_t len; // bytes, 0 = dropped, BERT_ENTRY_SLOW = too long for here
    char bytes[BERT_ENTRY_BYTES];
} BertEntry;

typedef struct BertTable {
    BertNormalizer rules;
    BertEntry entries[BERT_TABLE_SIZE];
} BertTable;

void bert_table_init(BertTable *table, const BertNormalizer *rules);
// Fills *out (zeroed, or used before: its memory is taken again). want_origin: begin and end too. Fails on broken UTF-8
// with the offset counted from base.
Status bert_normalize(const BertTable *table, Slice text, size_t base, bool want_origin,
                      Arena *arena, NormalizedText *out, Error *err) MUST_CHECK;

// ---- pretokenize_bert.c ----

// The general category that BERT's rules go by: as of Unicode 8.0, "Cn" for what came later. Hugging Face's
// BertNormalizer and BertPreTokenizer are pinned to that version, and so are the ids of every model that was trained
// with them.
const char *bert_category(CodePoint c);
bool bert_is_punctuation(CodePoint c);
// The next word at or after *at in normalised text: false at the end. White space separates, punctuation stands alone.
bool bert_next_word(Slice text, size_t *at, Slice *word);

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

// ---- byte_level.c ----

// The character that stands for a byte in a byte-level vocabulary: printable bytes stand for themselves, the others
// are U+0100 and on, in order.
CodePoint byte_level_char(unsigned char byte);
// The byte behind a character, or -1.
int byte_level_byte(CodePoint c);
// Appends bytes spelled in those characters.
void byte_level_spell(Buffer *out, Slice bytes);
// The next piece of text at *at by the GPT-2 pattern
//     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// false at the end. Broken UTF-8 counts as "neither letter nor number nor space".
bool gpt2_next_piece(Slice text, size_t *at, Slice *piece);
// Appends the decoded bytes as UTF-8, U+FFFD for each longest broken part (as Rust's from_utf8_lossy has it).
void utf8_append_lossy(Buffer *out, Slice bytes);

typedef struct ByteLevel {
    bool add_prefix_space;
    bool use_regex;
} ByteLevel;

// ---- bpe.c ----

typedef struct MergeSlot {
    int32_t left, right; // left TOKEN_NONE: free
    int32_t rank, merged;
} MergeSlot;

typedef struct Bpe {
    MergeSlot *merges;
    size_t mask; // slots - 1
    size_t n_merges;
    int32_t byte_ids[256]; // TOKEN_NONE: not in the vocabulary
    int32_t unk;           // TOKEN_NONE: unknown bytes vanish, as they do in Hugging Face's
    bool fuse_unk, ignore_merges;
} Bpe;

typedef struct MergePair {
    Slice left, right;
} MergePair;

// Where a piece stands: bytes [at, ...) of segment once n_prefix bytes of ours (a blank put in front) are counted in;
// the segment itself stands at base of the original.
typedef struct ByteOrigin {
    Slice segment;
    size_t base, n_prefix, at;
} ByteOrigin;

// Looks up the bytes and the merges' tokens. Messages number merges from 1.
Status bpe_init(Bpe *model, const Vocab *vocab, const MergePair *merges, size_t n_merges,
                Arena *arena, Error *err) MUST_CHECK;
// Tokens of one piece.
Status bpe_encode(const Bpe *model, const Vocab *vocab, Slice piece, const ByteOrigin *origin,
                  int32_t word_id, TokenSink *sink, Error *err) MUST_CHECK;

// ---- added_tokens.c ----

typedef struct AddedToken {
    Slice content;
    Slice pattern; // content, normalised where the token is matched in normalised text
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
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

// ---- template.c ----

typedef enum PieceKind { PIECE_TEXT, PIECE_PAIR, PIECE_SPECIAL } PieceKind;

typedef struct TemplatePiece {
    PieceKind kind;
    int32_t type_id;
    int32_t *ids; // of PIECE_SPECIAL
    size_t n_ids;
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
} PostProcessor;

// "[CLS] text [SEP]" and "[CLS] text [SEP] pair [SEP]"; is_roberta: "<s> text </s></s> pair </s>", all of type 0.
Status template_bert(Template out[2], int32_t cls, int32_t sep, bool is_roberta, Arena *arena,
                     Error *err) MUST_CHECK;
// A template of text (type 0) and, for is_pair, pair (type 1), without special tokens.
Status template_plain(Template *out, bool is_pair, Arena *arena, Error *err) MUST_CHECK;

// A range of a sink's tokens.
typedef struct TokenRange {
    size_t begin, end;
} TokenRange;

// Puts an encoding together from sinks[0] within ranges[0] and, for a pair, sinks[1] within ranges[1].
Status template_apply(const Tokenizer *tokenizer, const TokenSink *sinks, const TokenRange *ranges,
                      bool is_pair, bool no_special, Arena *arena, Encoding *out,
                      Error *err) MUST_CHECK;
// The ids alone, to ids and type_ids (room for all of them). Returns how many.
size_t template_apply_ids(const Tokenizer *tokenizer, const TokenSink *sinks,
                          const TokenRange *ranges, bool is_pair, bool no_special, int32_t *ids,
                          int32_t *type_ids);

// ---- truncate.c ----

enum { TOKENIZER_MAX_WINDOWS = 1000000, TOKENIZER_MAX_WINDOW_TOKENS = 1 << 26 };

// What options leave of n[0] and n[1] tokens (n[1] is 0 without a pair): how many each keeps.
Status truncate_lengths(const EncodeOptions *options, size_t n_added, const size_t n[2],
                        bool is_pair, size_t keep[2], Error *err) MUST_CHECK;
// The parts of n tokens when keep stay and stride are repeated: parts[0] is what stays.
Status truncate_parts(size_t n, size_t keep, size_t stride, Arena *arena, TokenRange **parts,
                      size_t *n_parts, Error *err) MUST_CHECK;

// ---- the tokenizer ----

typedef enum ModelKind { MODEL_WORDPIECE, MODEL_BPE } ModelKind;
typedef enum PreTokenizerKind { PRETOKENIZER_BERT, PRETOKENIZER_BYTE_LEVEL } PreTokenizerKind;
typedef enum DecoderKind { DECODER_NONE, DECODER_WORDPIECE, DECODER_BYTE_LEVEL } DecoderKind;

enum { TOKEN_IS_ADDED = 1, TOKEN_IS_SPECIAL = 2 };

struct Tokenizer {
    Arena arena; // everything below
    Vocab vocab; // added tokens included
    ModelKind model;
    WordPiece wordpiece;
    Bpe bpe;
    PreTokenizerKind pretokenizer;
    BertTable *bert; // of PRETOKENIZER_BERT; all its rules are off where the file has no normalizer
    ByteLevel byte_level;
    PostProcessor post;
    DecoderKind decoder;
    Slice decoder_prefix;
    bool decoder_cleanup;
    AddedToken *added;
    size_t n_added;
    AddedMatcher raw, normalized; // tokens sought in the text as it is, and after the normalizer
    uint8_t *flags;               // by id: TOKEN_IS_ADDED, TOKEN_IS_SPECIAL
    int32_t special[N_SPECIAL_TOKENS];
    size_t model_max_length;
};

// Zeroed but for special ids. Free it with tokenizer_close.
Status tokenizer_new(Tokenizer **out, Error *err) MUST_CHECK;
// Takes memory for the BERT rules and fills its table.
Status tokenizer_set_bert(Tokenizer *tokenizer, const BertNormalizer *rules, Error *err) MUST_CHECK;
// Once vocabulary, model, rules and added tokens are set: adds the added tokens to the vocabulary, builds the matchers,
// and finds the special tokens by their usual names.
Status tokenizer_finish(Tokenizer *tokenizer, Error *err) MUST_CHECK;
// tokenizer_config.json and special_tokens_map.json beside the tokenizer, where present.
Status tokenizer_read_config(Tokenizer *tokenizer, const char *directory, Error *err) MUST_CHECK;
// do_lower_case and its kin of a tokenizer_config.json, where present.
Status tokenizer_read_wordpiece_options(const char *directory, WordPieceOptions *options,
                                        Error *err) MUST_CHECK;

// Tokens of one text without special ones, appended to sink.
Status encode_text(const Tokenizer *tokenizer, Slice text, NormalizedText *scratch, TokenSink *sink,
                   Error *err) MUST_CHECK;

#endif
