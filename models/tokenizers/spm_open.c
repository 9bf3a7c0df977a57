// A SentencePiece model alone as a Tokenizer.
#include "base/file.h"
#include "models/tokenizers/tokenizer_internal.h"

// The pieces by their ids; the spelling of the model's own tables is shared.
static Status take_vocab(Tokenizer *t, Error *err)
{
    const Vocab *pieces = &t->spm->pieces;
    for (size_t i = 0; i < pieces->size; i++)
        TRY(vocab_put(&t->vocab, &t->arena, pieces->tokens[i], (int64_t)i, pieces->size, err));
    return vocab_index(&t->vocab, &t->arena, err);
}

static Status build(Tokenizer *t, Slice name, Slice bytes, Error *err)
{
    TRY(spm_parse(name, bytes, &t->arena, &t->spm, err));
    t->model = t->spm->is_bpe ? MODEL_BPE : MODEL_UNIGRAM;
    t->bpe.unk = t->unigram.unk = t->spm->unk;
    TRY(take_vocab(t, err));
    TRY(tokenizer_finish(t, err));
    for (size_t i = 0; i < t->vocab.size; i++) {
        const uint8_t type = t->spm->types[i];
        if (type == PIECE_CONTROL || type == PIECE_UNKNOWN) t->flags[i] |= TOKEN_IS_SPECIAL;
    }
    TRY(template_plain(&t->post.templates[0], false, &t->arena, err));
    return template_plain(&t->post.templates[1], true, &t->arena, err);
}

Status tokenizer_parse_model(Slice name, Slice bytes, Tokenizer **out, Error *err)
{
    *out = NULL;
    TRY(tokenizer_new(out, err));
    const Status s = build(*out, name, bytes, err);
    if (s != STATUS_OK) tokenizer_close(out);
    return s;
}

// ---- what the files beside it ask for ----

typedef struct SpmOptions {
    bool add_bos, add_eos;
} SpmOptions;

static Status read_option(void *context, Slice key, JsonReader *r, Error *err)
{
    SpmOptions *options = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_BOOL && slice_eq_cstr(key, "add_bos_token"))
        return json_read_bool(r, &options->add_bos, err);
    if (kind == JSON_BOOL && slice_eq_cstr(key, "add_eos_token"))
        return json_read_bool(r, &options->add_eos, err);
    if (kind != JSON_STRING || !slice_eq_cstr(key, "tokenizer_class")) return json_skip(r, err);
    Slice class = {0};
    TRY(json_read_string(r, &class, err));
    if (slice_starts_with(class, SLICE("T5Tokenizer"))) options->add_eos = true;
    return STATUS_OK;
}

Status tokenizer_read_spm_options(Tokenizer *tokenizer, const char *directory, Error *err)
{
    SpmOptions options = {0};
    TRY(tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"), read_option, &options,
                                   err));
    const int32_t bos = options.add_bos ? tokenizer->special[SPECIAL_BOS] : TOKEN_NONE;
    const int32_t eos = options.add_eos ? tokenizer->special[SPECIAL_EOS] : TOKEN_NONE;
    return template_bos_eos(tokenizer->post.templates, bos, eos, &tokenizer->arena, err);
}
