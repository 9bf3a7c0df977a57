// Classes that a model was never tuned on, by what it says of a hypothesis for each.
#include "base/size.h"
#include "harness/family.h"
#include "harness/zero_shot.h"

static Slice word_of(const SuiteZeroShot *asked, Slice label)
{
    for (size_t i = 0; i < asked->n_answers; i++) {
        if (slice_eq(asked->answers[i].label, label)) return asked->answers[i].word;
    }
    return label;
}

Status hypotheses_encode(const TaskData *data, const UsedPart *part, const Tokenizer *tokenizer,
                         size_t max_length, Arena *arena, Tokens *out, Error *err)
{
    const size_t n_labels = data->n_labels;
    const EncodeOptions options = {.max_length = max_length, .strategy = TRUNCATE_ONLY_FIRST};
    Slice *words = NULL, *texts = NULL, *hypotheses = NULL;
    size_t n;
    if (!size_mul(part->n, n_labels, &n)) return error_set_memory(err, part->n, n_labels, "texts");
    TRY(arena_take(arena, n_labels, sizeof *words, "hypotheses", &words, err));
    TRY(arena_take(arena, n, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(arena, n, sizeof *hypotheses, "hypotheses", &hypotheses, err));
    TRY(arena_take(arena, n, sizeof *out->keys, "keys", &out->keys, err));
    TRY(arena_take(arena, part->n + 1, sizeof *out->first_window, "windows", &out->first_window,
                   err));
    for (size_t c = 0; c < n_labels; c++)
        TRY(zero_shot_hypothesis(data->zero_shot->hypothesis,
                                 word_of(data->zero_shot, data->labels[c]), arena, &words[c], err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        if (sample->pair.ptr)
            return error_set(
                err, STATUS_INVALID,
                "line %zu: a pair leaves no place for a hypothesis: \"zero_shot\" is for "
                "single texts",
                sample->line);
        out->first_window[i + 1] = (i + 1) * n_labels;
        for (size_t c = 0; c < n_labels; c++) {
            texts[i * n_labels + c] = sample->text;
            hypotheses[i * n_labels + c] = words[c];
            out->keys[i * n_labels + c] = family_key(sample->id, c);
        }
    }
    TRY(tokenizer_encode_batch(tokenizer, texts, hypotheses, n, &options, arena, &out->batch, err));
    out->batch.n_full = NULL; // windows are no samples
    return STATUS_OK;
}

void hypotheses_answer(const Asked *asked, Answers *out)
{
    const size_t n_labels = asked->data->n_labels;
    for (size_t i = 0; i < asked->n; i++) {
        double *probabilities = out->probabilities + i * out->n_classes;
        size_t best = 0;
        zero_shot_probabilities(asked->hypotheses, asked->logits + i * n_labels * asked->width,
                                n_labels, false, probabilities);
        for (size_t c = 1; c < n_labels; c++) {
            if (probabilities[c] > probabilities[best]) best = c;
        }
        out->predicted[i] = (int32_t)best;
    }
}
