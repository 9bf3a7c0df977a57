// models/tokenizers/tokenizer_json.h: what the readers of tokenizer.json share.
//
// The sections of the file may come in any order, so they are read into a TokenizerFile and tied together at the end.
#ifndef ASSAY_MODELS_TOKENIZERS_TOKENIZER_JSON_H
#define ASSAY_MODELS_TOKENIZERS_TOKENIZER_JSON_H

#include "base/json_reader.h"
#include "models/tokenizers/tokenizer_internal.h"

// A piece of a template as the file has it.
typedef struct FilePiece {
    PieceKind kind;
    Slice name; // of PIECE_SPECIAL
    int32_t type_id;
} FilePiece;

typedef struct FileTemplate {
    FilePiece *pieces;
    size_t n_pieces, capacity;
} FileTemplate;

typedef struct FileSpecial {
    Slice name;
    int32_t *ids;
    size_t n_ids;
} FileSpecial;

typedef struct TokenizerFile {
    Tokenizer *tokenizer;
    Arena scratch; // what is only needed while reading
    size_t text_len;
    bool has_model;
    bool is_indexed; // the vocabulary
    // room in the tokenizer's lists of steps
    size_t normalizer_capacity, pretokenizer_capacity, decoder_capacity;
    // the model
    Slice unk_token;
    int64_t unk_id; // of Unigram; TOKEN_NONE: null
    double *scores;
    size_t n_scores, scores_capacity;
    MergePair *merges;
    size_t n_merges, merges_capacity;
    Slice charsmap; // of the first Precompiled, in base64; the text's
    // the post-processor
    bool has_template, has_bert_post, has_byte_post, is_roberta;
    FileTemplate templates[2];
    FileSpecial *specials;
    size_t n_specials, specials_capacity;
    int32_t cls, sep; // of has_bert_post
} TokenizerFile;

// A member of a component and where it goes. null leaves the default that stands there.
typedef enum FieldKind {
    FIELD_BOOL,
    FIELD_STRING,
    FIELD_INTEGER,
    FIELD_SWITCH,
    FIELD_RAW, // the value as it stands there, as a Slice
} FieldKind;
typedef enum Switch { SWITCH_UNSET, SWITCH_OFF, SWITCH_ON } Switch; // a bool that may be null

typedef struct Field {
    const char *key;
    FieldKind kind; // bool, Slice, int64_t, Switch
    size_t offset;
} Field;

// The "type" of the object that comes next; the caller's reader stays where it is (probe is a copy).
Status component_type(JsonReader probe, Slice *type, Error *err) MUST_CHECK;
// Reads an object's known members into *out and skips the others.
Status read_fields(JsonReader *r, const Field *fields, size_t n_fields, void *out,
                   Error *err) MUST_CHECK;
// Puts file, line and column in front of what err says.
Status error_at(const JsonReader *r, Error *err);
// *text, which may borrow from the file, becomes a copy in the arena.
Status keep_slice(Arena *arena, Slice *text, Error *err) MUST_CHECK;
// "WHAT "TYPE" is not supported: supported is KNOWN".
Status component_unknown(const JsonReader *r, const char *what, Slice type, const char *known,
                         Error *err);

// Reads null, if that is what comes.
Status read_if_null(JsonReader *r, bool *out, Error *err) MUST_CHECK;

// tokenizer_json_normalizer.c, tokenizer_json_words.c, tokenizer_json_decoder.c
typedef Status ReadComponent(TokenizerFile *file, JsonReader *r, Slice type, Error *err);
// null, one component, or a "Sequence" of them under list_key, at any depth.
Status read_components(TokenizerFile *file, JsonReader *r, const char *list_key,
                       ReadComponent *read_one, Error *err) MUST_CHECK;
// The pattern of a component at *at: raw is {"String": TEXT} or {"Regex": TEXT}.
Status read_pattern(TokenizerFile *file, const JsonReader *at, Slice raw, const Pattern **out,
                    Error *err) MUST_CHECK;
Status read_normalizer(TokenizerFile *file, JsonReader *r, Error *err) MUST_CHECK;
Status read_pretokenizer(TokenizerFile *file, JsonReader *r, Error *err) MUST_CHECK;
Status read_decoder(TokenizerFile *file, JsonReader *r, Error *err) MUST_CHECK;

// tokenizer_json.c: the sections of a text that name names in messages.
Status tokenizer_read_sections(TokenizerFile *file, Slice name, Slice text, Error *err) MUST_CHECK;
// told_again.c: what the class of Transformers that a directory's files name makes of the sections that are read.
Status tokenizer_tell_again(TokenizerFile *file, const char *directory, Error *err) MUST_CHECK;
// tokenizer_json_model.c
Status read_model(TokenizerFile *file, JsonReader *r, Error *err) MUST_CHECK;
Status finish_model(TokenizerFile *file, Error *err) MUST_CHECK;
// tokenizer_json_post.c
Status read_post_processor(TokenizerFile *file, JsonReader *r, Error *err) MUST_CHECK;
Status finish_post_processor(TokenizerFile *file, Error *err) MUST_CHECK;

#endif
