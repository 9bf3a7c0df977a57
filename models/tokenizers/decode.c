// Ids back to text.
#include "models/tokenizers/tokenizer_internal.h"

// As it is shown: what an added token is sought as, else what the vocabulary says.
static Slice shown_token(const Tokenizer *tokenizer, int32_t id)
{
    const Slice token = vocab_token(&tokenizer->vocab, id);
    if (token.ptr == NULL || (tokenizer->flags[id] & TOKEN_IS_RENAMED) == 0) return token;
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        if (tokenizer->added[i].id == id) return tokenizer->added[i].pattern;
    }
    return token;
}

Status tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                        bool skip_special, Buffer *out, Error *err)
{
    if (tokenizer->target_decodes) tokenizer = tokenizer->target;
    Arena arena = {0};
    Slice *tokens = NULL;
    size_t n = 0;
    const size_t from = out->len;
    Status s = arena_take(&arena, n_ids, sizeof *tokens, "tokens", &tokens, err);
    for (size_t i = 0; i < n_ids && s == STATUS_OK; i++) {
        const Slice token = shown_token(tokenizer, ids[i]);
        if (token.ptr == NULL) continue; // a model may have more ids than tokens
        if (!skip_special || !tokenizer_is_special(tokenizer, ids[i])) tokens[n++] = token;
    }
    if (s == STATUS_OK && tokenizer->marian_decoder != NULL)
        s = marian_decode(tokenizer, tokens, n, out, err);
    else if (s == STATUS_OK && tokenizer->spm != NULL)
        s = spm_decode(tokenizer->spm, tokens, n, out, err);
    else if (s == STATUS_OK)
        s = decoder_apply(&tokenizer->decoder, tokens, n, &arena, out, err);
    if (s == STATUS_OK && tokenizer->cleans_up) decoder_clean_up(out, from);
    arena_release(&arena);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}
