#include "metrics/text_params.h"

#include "metrics/classes.h"

Status text_params_read(const Json *params, TextParams *out, Error *err)
{
    size_t kind = out->kind;
    TRY(params_choice(params, "tokenize", tokenizer_names, N_TOKENIZERS, &kind, err));
    out->kind = (TokenizerKind)kind;
    TRY(word_tokenizer_open(out->kind, err));
    return params != NULL ? json_opt_bool(params, "lowercase", &out->is_lowercased, err)
                          : STATUS_OK;
}

Status text_params_words(const TextParams *params, Slice text, const char *what, Arena *arena,
                         Tokens *out, Error *err)
{
    const Status s = tokenize_text(params->kind, text, params->is_lowercased, arena, out, err);
    return s == STATUS_OK ? s : error_wrap(err, "%s", what);
}

Status text_params_signature(const TextParams *params, Arena *arena, Slice *out, Error *err)
{
    const char *tokenizer;
    TRY(word_tokenizer_signature(params->kind, arena, &tokenizer, err));
    return arena_format(arena, out, err, "|case:%s|tok:%s", params->is_lowercased ? "lc" : "mixed",
                        tokenizer);
}
