#include "harness/tasks/texts_encode.h"

#include <string.h>

#include "base/size.h"
#include "harness/family.h"
#include "models/generation/ask.h"

enum { IGNORED = -100 };

// What begins a text and the text as it is scored later, then what ends it.
static Status text_ids(const Sample *sample, const Tokenizer *tokenizer, Arena *arena, AskIds *out,
                       Error *err)
{
    size_t n_begin = 0;
    int32_t begin = tokenizer_special(tokenizer, SPECIAL_BOS);
    if (begin == TOKEN_NONE) begin = tokenizer_special(tokenizer, SPECIAL_EOS);
    TRY(ask_encode_example(tokenizer, SLICE(""), sample->text, arena, out, &n_begin, err));
    if (out->n_fixed > 0 || begin == TOKEN_NONE) return STATUS_OK;
    int32_t *ids = NULL;
    TRY(arena_take(arena, out->n + 1, sizeof *ids, "ids", &ids, err));
    ids[0] = begin;
    memcpy(ids + 1, out->ids, out->n * sizeof *ids);
    *out = (AskIds){.ids = ids, .n = out->n + 1, .n_fixed = 1};
    return STATUS_OK;
}

static Status take_room(const UsedPart *part, size_t total, Arena *arena, Tokens *out, Error *err)
{
    TRY(arena_take(arena, total, sizeof *out->batch.ids, "tokens", &out->batch.ids, err));
    TRY(arena_take(arena, total, sizeof *out->batch.type_ids, "tokens", &out->batch.type_ids, err));
    TRY(arena_take(arena, total, sizeof *out->labels, "tokens", &out->labels, err));
    TRY(arena_take(arena, part->n + 1, sizeof *out->batch.starts, "tokens", &out->batch.starts,
                   err));
    TRY(arena_take(arena, part->n, sizeof *out->keys, "keys", &out->keys, err));
    out->batch.n_sequences = part->n;
    return STATUS_OK;
}

// Every token is learnt but the first. Long texts lose their end.
static Status encode_causal(const UsedPart *part, const Tokenizer *tokenizer, size_t max_length,
                            Arena *arena, Tokens *out, Error *err)
{
    AskIds *texts = NULL;
    size_t total = 0;
    TRY(arena_take(arena, part->n, sizeof *texts, "texts", &texts, err));
    for (size_t i = 0; i < part->n; i++) {
        TRY(text_ids(&part->data.samples[part->which[i]], tokenizer, arena, &texts[i], err));
        texts[i].n = size_min(texts[i].n, max_length);
        total += texts[i].n;
    }
    TRY(take_room(part, total, arena, out, err));
    for (size_t i = 0, at = 0; i < part->n; i++) {
        memcpy(out->batch.ids + at, texts[i].ids, texts[i].n * sizeof *texts[i].ids);
        memcpy(out->labels + at, texts[i].ids, texts[i].n * sizeof *texts[i].ids);
        if (texts[i].n > 0) out->labels[at] = IGNORED;
        at += texts[i].n;
        out->batch.starts[i + 1] = at;
        out->keys[i] = family_key(part->data.samples[part->which[i]].id, 0);
    }
    return STATUS_OK;
}

// ---- masked models ----

// One text's ids, and its labels: special tokens are never asked about.
static void append_masked(const Encoding *encoding, size_t *at, Tokens *out)
{
    for (size_t t = 0; t < encoding->n_tokens; t++, ++*at) {
        out->batch.ids[*at] = encoding->ids[t];
        out->batch.type_ids[*at] = encoding->type_ids[t];
        out->labels[*at] = encoding->special[t] ? IGNORED : encoding->ids[t];
    }
}

static Status encode_masked(const UsedPart *part, const Tokenizer *tokenizer, size_t max_length,
                            Arena *arena, Tokens *out, Error *err)
{
    const EncodeOptions options = {.max_length = max_length};
    Encoding *encodings = NULL;
    size_t total = 0, at = 0;
    TRY(arena_take(arena, part->n, sizeof *encodings, "texts", &encodings, err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        TRY(tokenizer_encode(tokenizer, sample->text, NULL, &options, arena, &encodings[i], err));
        total += encodings[i].n_tokens;
    }
    TRY(take_room(part, total, arena, out, err));
    for (size_t i = 0; i < part->n; i++) {
        append_masked(&encodings[i], &at, out);
        out->batch.starts[i + 1] = at;
        out->keys[i] = family_key(part->data.samples[part->which[i]].id, 0);
    }
    return STATUS_OK;
}

Status texts_encode(const UsedPart *part, const Tokenizer *tokenizer, size_t max_length,
                    Arena *arena, Tokens *out, Error *err)
{
    const bool is_masked = tokenizer_special(tokenizer, SPECIAL_MASK) != TOKEN_NONE;
    out->has_token_labels = true;
    return is_masked ? encode_masked(part, tokenizer, max_length, arena, out, err)
                     : encode_causal(part, tokenizer, max_length, arena, out, err);
}
