// Ids back to text.
#include "models/tokenizers/tokenizer_internal.h"

typedef struct Replacement {
    Slice from, to;
} Replacement;

// What Hugging Face's WordPiece decoder cleans up, in this order, within one token and the blank before it.
static const Replacement cleanups[] = {
    {SLICE_LIT(" ."), SLICE_LIT(".")},     {SLICE_LIT(" ?"), SLICE_LIT("?")},
    {SLICE_LIT(" !"), SLICE_LIT("!")},     {SLICE_LIT(" ,"), SLICE_LIT(",")},
    {SLICE_LIT(" ' "), SLICE_LIT("'")},    {SLICE_LIT(" n't"), SLICE_LIT("n't")},
    {SLICE_LIT(" 'm"), SLICE_LIT("'m")},   {SLICE_LIT(" do not"), SLICE_LIT(" don't")},
    {SLICE_LIT(" 's"), SLICE_LIT("'s")},   {SLICE_LIT(" 've"), SLICE_LIT("'ve")},
    {SLICE_LIT(" 're"), SLICE_LIT("'re")},
};

static void append_replaced(Buffer *out, Slice text, const Replacement *r)
{
    for (size_t at = slice_find(text, r->from); at != SIZE_MAX; at = slice_find(text, r->from)) {
        buffer_append(out, slice_sub(text, 0, at));
        buffer_append(out, r->to);
        text = slice_sub(text, at + r->from.len, text.len);
    }
    buffer_append(out, text);
}

static void append_clean(Buffer *out, Slice token, Buffer scratch[2])
{
    buffer_clear(&scratch[0]);
    buffer_append(&scratch[0], token);
    size_t from = 0;
    for (size_t i = 0; i < sizeof cleanups / sizeof *cleanups; i++) {
        if (slice_find(buffer_slice(&scratch[from]), cleanups[i].from) == SIZE_MAX) continue;
        buffer_clear(&scratch[1 - from]);
        append_replaced(&scratch[1 - from], buffer_slice(&scratch[from]), &cleanups[i]);
        from = 1 - from;
    }
    buffer_append(out, buffer_slice(&scratch[from]));
    out->failed = out->failed || scratch[0].failed || scratch[1].failed;
}

static void append_wordpiece(const Tokenizer *tokenizer, Slice token, bool is_first, Buffer *out,
                             Buffer scratch[3])
{
    Buffer *word = &scratch[2];
    buffer_clear(word);
    if (!is_first && slice_starts_with(token, tokenizer->decoder_prefix)) {
        token = slice_sub(token, tokenizer->decoder_prefix.len, token.len);
    } else if (!is_first) {
        buffer_append_byte(word, ' ');
    }
    buffer_append(word, token);
    out->failed = out->failed || word->failed;
    if (tokenizer->decoder_cleanup) {
        append_clean(out, buffer_slice(word), scratch);
    } else {
        buffer_append(out, buffer_slice(word));
    }
}

// A token that is not wholly spelled in byte-level characters stands for itself.
static void append_bytes(Buffer *bytes, Slice token)
{
    const size_t len = bytes->len;
    for (size_t at = 0; at < token.len;) {
        const int byte = byte_level_byte(utf8_next(token, &at));
        if (byte < 0) {
            bytes->len = len;
            buffer_append(bytes, token);
            return;
        }
        buffer_append_byte(bytes, (char)byte);
    }
}

Status tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                        bool skip_special, Buffer *out, Error *err)
{
    Buffer scratch[3] = {0};
    Status s = STATUS_OK;
    bool is_first = true;
    for (size_t i = 0; i < n_ids && s == STATUS_OK; i++) {
        const Slice token = vocab_token(&tokenizer->vocab, ids[i]);
        if (token.ptr == NULL) {
            s = error_set(err, STATUS_INVALID,
                          "id %d at place %zu is no token: the vocabulary has %zu ids", ids[i], i,
                          tokenizer->vocab.size);
            break;
        }
        if (skip_special && tokenizer_is_special(tokenizer, ids[i])) continue;
        switch (tokenizer->decoder) {
        case DECODER_NONE:
            if (!is_first) buffer_append_byte(out, ' ');
            buffer_append(out, token);
            break;
        case DECODER_WORDPIECE:
            append_wordpiece(tokenizer, token, is_first, out, scratch);
            break;
        case DECODER_BYTE_LEVEL:
            append_bytes(&scratch[0], token);
            break;
        }
        is_first = false;
    }
    if (s == STATUS_OK && tokenizer->decoder == DECODER_BYTE_LEVEL) {
        utf8_append_lossy(out, buffer_slice(&scratch[0]));
        s = buffer_status(&scratch[0], err);
    }
    for (size_t i = 0; i < 3; i++) buffer_release(&scratch[i]);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}
