// models/tokenizers/told_internal.h: what told.c finds out of a directory's files, and told_read.c reads of them.
#ifndef ASSAY_MODELS_TOKENIZERS_TOLD_INTERNAL_H
#define ASSAY_MODELS_TOKENIZERS_TOLD_INTERNAL_H

#include "base/json_writer.h"
#include "models/tokenizers/tokenizer_internal.h"

typedef enum ToldKind {
    TOLD_GPT2,
    TOLD_ROBERTA,
    TOLD_QWEN2,
    // of a SentencePiece model: with the ids of fairseq,
    TOLD_XLMR,
    TOLD_CAMEMBERT,
    // and with its own
    TOLD_ALBERT,
    TOLD_DEBERTA,
    // of a vocab.txt
    TOLD_BERT,
    TOLD_MPNET,
} ToldKind;

static inline bool told_has_pieces(ToldKind kind)
{
    return kind >= TOLD_XLMR && kind <= TOLD_DEBERTA;
}

// Whether the pieces keep the ids of their model.
static inline bool told_is_whole(ToldKind kind)
{
    return kind == TOLD_ALBERT || kind == TOLD_DEBERTA;
}

// In the order in which a token that the vocabulary lacks is given the next id.
typedef enum Role { ROLE_BOS, ROLE_EOS, ROLE_UNK, ROLE_SEP, ROLE_PAD, ROLE_CLS, ROLE_MASK } Role;
enum { N_ROLES = ROLE_MASK + 1 };
extern const char *const told_roles[N_ROLES]; // "bos_token", ...

typedef struct Told {
    Arena arena;
    const char *directory;
    char class[64];
    bool has_kind;
    ToldKind kind;
    Vocab vocab;    // by the ids that it will have
    const Spm *spm; // once its pieces are told; NULL for other kinds
    AddedToken roles[N_ROLES];
    bool is_role_stated[N_ROLES];
    AddedList
        added; // of added_tokens_decoder or added_tokens.json, then the roles, then the extras
    AddedList extras; // of extra_special_tokens, which replace the control and user's pieces
    bool states_decoder, states_extras;
    bool add_prefix_space, states_prefix_space, keeps_offsets, add_bos, add_eos, states_ends;
    bool lowercases, keeps_accents, splits_punctuation;
} Told;

// The class of tokenizer_config.json, else of config.json's model_type; has_kind stays false for another one.
Status told_find_kind(Told *told, Error *err) MUST_CHECK;
// tokenizer_config.json and special_tokens_map.json: options and tokens. Ids of tokens count once the vocabulary stands.
Status told_read_added(Told *told, Error *err) MUST_CHECK;
// Of a SentencePiece model: "model", "normalizer", "pre_tokenizer" and "decoder" of an object that is open.
Status told_put_pieces(Told *told, const char *path, JsonWriter *w, Error *err) MUST_CHECK;
// Members of an object that is open: "vocab", "added_tokens".
void told_put_vocab(const Vocab *vocab, JsonWriter *w);
void told_put_added(const AddedToken *tokens, size_t n, JsonWriter *w);
// A copy of text in the arena.
Status told_keep(Told *told, Slice *text, Error *err) MUST_CHECK;

#endif
