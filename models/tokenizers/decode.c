// Ids back to text.
#include "models/tokenizers/tokenizer_internal.h"

Status tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                        bool skip_special, Buffer *out, Error *err)
{
    Arena arena = {0};
    Slice *tokens = NULL;
    size_t n = 0;
    Status s = arena_take(&arena, n_ids, sizeof *tokens, "tokens", &tokens, err);
    for (size_t i = 0; i < n_ids && s == STATUS_OK; i++) {
        const Slice token = vocab_token(&tokenizer->vocab, ids[i]);
        if (token.ptr == NULL) {
            s = error_set(err, STATUS_INVALID,
                          "id %d at place %zu is no token: the vocabulary has %zu ids", ids[i], i,
                          tokenizer->vocab.size);
            break;
        }
        if (!skip_special || !tokenizer_is_special(tokenizer, ids[i])) tokens[n++] = token;
    }
    if (s == STATUS_OK && tokenizer->marian_decoder != NULL)
        s = marian_decode(tokenizer, tokens, n, out, err);
    else if (s == STATUS_OK && tokenizer->spm != NULL)
        s = spm_decode(tokenizer->spm, tokens, n, out, err);
    else if (s == STATUS_OK)
        s = decoder_apply(&tokenizer->decoder, tokens, n, &arena, out, err);
    arena_release(&arena);
    return s;
}
