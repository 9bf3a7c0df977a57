// models/tokenizers/told_internal.h: what told.c finds out of a directory's files, and told_read.c reads of them.
#ifndef ASSAY_MODELS_TOKENIZERS_TOLD_INTERNAL_H
#define ASSAY_MODELS_TOKENIZERS_TOLD_INTERNAL_H

#include "base/json_writer.h"
#include "models/tokenizers/tokenizer_internal.h"

typedef enum ToldKind {
    // of byte-pair encoding on bytes
    TOLD_GPT2,
    TOLD_CODEGEN,
    TOLD_ROBERTA,
    TOLD_BLENDERBOT,
    TOLD_DEBERTA_BYTES,
    TOLD_QWEN2,
    TOLD_QWEN3_5,
    TOLD_NEOX,
    TOLD_COHERE,
    // of a SentencePiece model: with the ids of fairseq,
    TOLD_XLMR,
    TOLD_CAMEMBERT,
    TOLD_MBART,
    TOLD_MBART50,
    TOLD_NLLB,
    // with others before its own,
    TOLD_PEGASUS,
    // and with its own
    TOLD_ALBERT,
    TOLD_DEBERTA,
    TOLD_BIG_BIRD,
    TOLD_T5,
    // the same, but only of a tokenizer.json
    TOLD_REMBERT,
    TOLD_XGLM,
    // of a vocab.txt
    TOLD_BERT,
    TOLD_MPNET,
    // of a SentencePiece model that is used as it is (spm_open.c)
    TOLD_PLAIN,
    TOLD_LLAMA,
    TOLD_CODE_LLAMA,
    TOLD_GEMMA,
    // of a vocab.json beside such a model
    TOLD_MARIAN,
    TOLD_M2M100,
    // of a tokenizer.json that stays as it is
    TOLD_KEPT,
} ToldKind;

static inline bool told_has_bytes(ToldKind kind)
{
    return kind <= TOLD_COHERE;
}

static inline bool told_has_pieces(ToldKind kind)
{
    return kind >= TOLD_XLMR && kind <= TOLD_T5;
}

// In the order in which a token that the vocabulary lacks is given the next id.
typedef enum Role { ROLE_BOS, ROLE_EOS, ROLE_UNK, ROLE_SEP, ROLE_PAD, ROLE_CLS, ROLE_MASK } Role;
enum { N_ROLES = ROLE_MASK + 1 };
extern const char *const told_roles[N_ROLES]; // "bos_token", ...

// ---- told_kinds.c ----

enum { TOLD_NO_ROLE = -1, TOLD_UNK_NAMED = -1 };

// A token that stands before the pieces: the role's as the files name it, else this one.
typedef struct ToldFirst {
    int role; // or TOLD_NO_ROLE
    const char *piece;
    double score;
} ToldFirst;

typedef struct ToldRules {
    const char *class;
    const char *const *roles; // [N_ROLES] special tokens where the files name no others; NULL: none
    bool mask_takes_blank;    // the one before a mask that is named without flags
    bool mask_is_normalized;
    // What stands around texts: b, e, c, s for the roles bos, eos, cls and sep, l for the language, A and B for the texts,
    // each followed by its type where that is not 0.
    const char *single, *pair;
    bool ends_are_optional; // b and e only where add_bos_token and add_eos_token say so
    bool keeps_post;        // of a tokenizer.json that has a post-processor
    // of byte-pair encoding on bytes
    const char *splitter; // the pre-tokenizer before ByteLevel; NULL: none
    bool splitter_is_all; // ByteLevel itself cuts no more
    bool is_nfc;
    const char *language; // the usual one
    const char *extras;   // special tokens of a tokenizer.json, blanks between
    // of a SentencePiece model
    bool is_bpe; // its pieces are merged in the order of their ids, whatever its own kind
    const ToldFirst *first;
    size_t n_first, n_skipped;      // n_skipped: of the model's pieces, which those replace
    const char *languages;          // behind the pieces, blanks between
    bool has_mask;                  // and the mask behind those
    int32_t unk;                    // id; TOLD_UNK_NAMED: as told_unknown_id finds it
    const char *const *normalizers; // components up to NULL, "" for the model's character map
    const char *const *without_map; // the same for a model that has none, where they differ
    bool wants_map;                 // without a map there is no normaliser
    bool splits_blanks;             // at all white space, before the marks for blanks are set
    bool prefix_is_optional;        // add_prefix_space counts
} ToldRules;

extern const ToldRules told_rules[]; // by ToldKind

typedef struct Told {
    Arena arena;
    const char *directory;
    char class[64];
    bool is_class_named; // by a file; else class follows from model_type
    bool has_kind;
    ToldKind kind;
    Vocab vocab;    // by the ids that it will have
    const Spm *spm; // once its pieces are told; NULL for other kinds
    Slice charsmap; // in base64; empty: none
    // Of a tokenizer.json that is there: the tokens that it adds.
    bool has_json;
    AddedToken *json_added;
    size_t n_json_added;
    AddedToken roles[N_ROLES];
    bool is_role_stated[N_ROLES];
    AddedList
        added; // of added_tokens_decoder or added_tokens.json, then the roles, then the extras
    AddedList named;  // "image_token" and others that are no role
    AddedList extras; // of extra_special_tokens, which replace the control and user's pieces
    bool states_decoder, states_extras;
    bool add_prefix_space, states_prefix_space, keeps_offsets, add_bos, add_eos, states_ends;
    bool lowercases, keeps_accents, splits_punctuation;
    bool is_legacy;       // NLLB: the language behind the text
    bool is_legacy_llama; // the prefix before each part of a text
    Slice language;       // the source's
    Slice mask_sent;      // PEGASUS: of sentences; empty: none
    bool states_mask_sent;
    int64_t offset, extra_ids; // PEGASUS: where the model's pieces begin; T5: how many
    int64_t unk_id;            // DeBERTa's, where the unknown token is no special piece
} Told;

// told_class.c: the class that AutoTokenizer of Transformers 5 takes for the directory, by tokenizer_config.json and config.json;
// has_kind stays false for one that is not among told_rules, and class empty where none is known. spells_bytes: a tokenizer.json is there that names a
// ByteLevel.
Status told_find_kind(Told *told, bool spells_bytes, Error *err) MUST_CHECK;
// told_read.c: options and tokens of tokenizer_config.json, special_tokens_map.json and added_tokens.json.
Status told_read_files(Told *told, Error *err) MUST_CHECK;
// told_added.c: the same, and what the class adds. Ids of tokens count once the vocabulary stands.
Status told_read_added(Told *told, Error *err) MUST_CHECK;
// The same of a token that takes the place of one with the same id or text.
Status told_add_over(Told *told, AddedToken token, Error *err) MUST_CHECK;
// A token that a file gives an id: in the order of those they are added.
Status told_add_stated(void *context, AddedToken token, Error *err) MUST_CHECK;
// The list into the tokenizer, texts copied.
Status told_keep_added(const Told *told, Tokenizer *tokenizer, Error *err) MUST_CHECK;
// The flags of a special token that is named without them.
void told_set_usual_flags(Told *told, Role role);
bool told_is_role(const Told *told, Slice content);
// Calls `each` with the names between blanks.
Status told_each_name(const char *names, Status (*each)(void *context, Slice name, Error *err),
                      void *context, Error *err) MUST_CHECK;
// Of a SentencePiece model: "model", "normalizer", "pre_tokenizer" and "decoder" of an object that is open.
Status told_put_pieces(Told *told, const char *path, JsonWriter *w, Error *err) MUST_CHECK;
// The last three of them, by told->charsmap.
void told_put_piece_steps(const Told *told, JsonWriter *w);
// The same of byte-pair encoding on bytes, and of a vocab.txt.
void told_put_byte_steps(const Told *told, JsonWriter *w);
void told_put_word_steps(const WordPieceOptions *options, JsonWriter *w);
// "post_processor" by the rules of the kind, where they have one.
Status told_put_post(const Told *told, JsonWriter *w, Error *err) MUST_CHECK;
// Members of an object that is open: "vocab", "added_tokens".
void told_put_vocab(const Vocab *vocab, JsonWriter *w);
void told_put_added(const AddedToken *tokens, size_t n, JsonWriter *w);
// A copy of text in the arena.
Status told_keep(Told *told, Slice *text, Error *err) MUST_CHECK;

#endif
