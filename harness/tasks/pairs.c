// Texts, and pairs of texts, as the one sequence that a model reads.
#include "harness/family.h"

Status family_encode_pairs(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                           const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                           Error *err)
{
    Slice *texts = NULL, *pairs = NULL;
    bool has_pairs = false;
    const EncodeOptions options = {.max_length = max_length};
    (void)task, (void)data;
    TRY(arena_take(arena, part->n, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(arena, part->n, sizeof *pairs, "texts", &pairs, err));
    TRY(arena_take(arena, part->n, sizeof *out->keys, "keys", &out->keys, err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        texts[i] = sample->text;
        pairs[i] = sample->pair;
        has_pairs = has_pairs || sample->pair.ptr != NULL;
        out->keys[i] = family_key(sample->id, 0);
    }
    return tokenizer_encode_batch(tokenizer, texts, has_pairs ? pairs : NULL, part->n, &options,
                                  arena, &out->batch, err);
}

Status family_pair_windows(const SuiteTask *task, const Sample *sample, const Tokenizer *tokenizer,
                           size_t max_length, Arena *arena, EncodingWindows *out, Error *err)
{
    const EncodeOptions options = {.max_length = max_length};
    (void)task;
    TRY(arena_take(arena, 1, sizeof *out->windows, "windows", &out->windows, err));
    out->n_windows = 1;
    return tokenizer_encode(tokenizer, sample->text, sample->pair.ptr ? &sample->pair : NULL,
                            &options, arena, &out->windows[0], err);
}
