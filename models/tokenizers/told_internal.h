// models/tokenizers/told_internal.h: what told.c finds out of a directory's files, and told_read.c reads of them.
#ifndef ASSAY_MODELS_TOKENIZERS_TOLD_INTERNAL_H
#define ASSAY_MODELS_TOKENIZERS_TOLD_INTERNAL_H

#include "base/json_writer.h"
#include "models/tokenizers/tokenizer_internal.h"

typedef enum ToldKind { TOLD_GPT2, TOLD_ROBERTA, TOLD_QWEN2, TOLD_XLMR, TOLD_CAMEMBERT } ToldKind;

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
    Vocab vocab; // by the ids that it will have
    AddedToken roles[N_ROLES];
    bool is_role_stated[N_ROLES];
    AddedList added; // of added_tokens_decoder and the like, then the roles
    bool add_prefix_space, states_prefix_space, keeps_offsets, add_bos, add_eos;
} Told;

// The class of tokenizer_config.json, else of config.json's model_type; has_kind stays false for another one.
Status told_find_kind(Told *told, Error *err) MUST_CHECK;
// tokenizer_config.json and special_tokens_map.json: options and tokens. Ids of tokens count once the vocabulary stands.
Status told_read_added(Told *told, Error *err) MUST_CHECK;
// Members of an object that is open: "vocab", "added_tokens".
void told_put_vocab(const Vocab *vocab, JsonWriter *w);
void told_put_added(const AddedToken *tokens, size_t n, JsonWriter *w);
// A copy of text in the arena.
Status told_keep(Told *told, Slice *text, Error *err) MUST_CHECK;

#endif
