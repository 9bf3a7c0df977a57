// Multiple choice: a model says how likely each choice is after the question, and the likeliest is its answer.
//
// Labels are the choices' letters, so that classes of predictions mean the same in every sample; a sample has as many of
// them as it has choices. Where there is one choice alone, it is right if the model would have written it token for token.
#include <string.h>

#include "datasets/bbq.h"
#include "harness/prompt/ask.h"
#include "metrics/baseline.h"
#include "metrics/metric.h"
#include "results/store.h"

static Status check_sample(const UsedPart *part, const Sample *sample, Error *err)
{
    if (sample->n_choices > 0 && sample->gold >= 0 && (size_t)sample->gold < sample->n_choices)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: %s: name the columns with \"columns\": {\"choices\": .., "
                               "\"label\": ..}",
                     SLICE_ARG(part->data.path), sample->line,
                     sample->n_choices == 0 ? "the sample has no choices"
                                            : "the sample does not say which choice is right");
}

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    Slice *letters = NULL;
    size_t most = 0;
    for (int p = 0; p < N_DATA_PARTS; p++) {
        UsedPart *part = &data->parts[p];
        for (size_t i = 0; i < part->n; i++) {
            Sample *sample = &part->data.samples[part->which[i]];
            TRY(check_sample(part, sample, err));
            sample->label = sample->gold;
            most = sample->n_choices > most ? sample->n_choices : most;
        }
    }
    TRY(arena_take(&prepared->arena, most, sizeof *letters, "letters", &letters, err));
    for (size_t i = 0; i < most; i++) letters[i] = prompt_letter(i, &prepared->arena);
    // Checks and splits count the samples of each class: by the letters.
    for (int p = 0; p < N_DATA_PARTS; p++) {
        data->parts[p].data.labels = letters;
        data->parts[p].data.n_labels = most;
    }
    data->labels = letters;
    data->n_labels = most;
    family_labels_as_read(data);
    return STATUS_OK;
}

static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    (void)task, (void)data, (void)part, (void)tokenizer, (void)max_length, (void)arena, (void)out;
    return error_set(err, STATUS_INVALID,
                     "choosing wants a causal language model, which says how likely texts are");
}

// Always the place that is right most often.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    int32_t *golds = NULL;
    MajorityBaseline majority;
    TRY(arena_take(arena, n_from, sizeof *golds, "labels", &golds, err));
    for (size_t i = 0; i < n_from; i++)
        golds[i] = from->data.samples[from->which[from_positions[i]]].gold;
    TRY(majority_baseline(golds, n_from, data->n_labels, arena, &majority, err));
    out->n_classes = data->n_labels;
    out->n_values = data->n_labels * PROMPT_PER_OPTION + PROMPT_FLAGS;
    TRY(arena_take(arena, out->n, sizeof *out->predicted, "predictions", &out->predicted, err));
    TRY(arena_take(arena, out->n * out->n_classes, sizeof *out->probabilities, "probabilities",
                   &out->probabilities, err));
    TRY(arena_take(arena, out->n * out->n_values, sizeof *out->values, "scores", &out->values,
                   err));
    for (size_t i = 0; i < out->n; i++) {
        const Sample *sample = &part->data.samples[part->which[positions[i]]];
        const size_t n = sample->n_choices;
        const size_t chosen = (size_t)majority.label < n ? (size_t)majority.label : 0;
        out->predicted[i] = (int32_t)chosen;
        memcpy(out->probabilities + i * out->n_classes, majority.probabilities,
               out->n_classes * sizeof *out->probabilities);
        for (size_t k = 0; k < n; k++) {
            double *option = out->values + i * out->n_values + k * PROMPT_PER_OPTION;
            option[PROMPT_LOGLIK] = k == chosen ? 0 : -1;
            option[PROMPT_TOKENS] = option[PROMPT_BYTES] = 1;
        }
    }
    return STATUS_OK;
}

// The choice that a written answer is, both without case and punctuation, or whose letter it is; STORE_NO_LABEL for none.
static Status choice_named(const Sample *sample, Slice written, Arena *arena, int32_t *out,
                           Error *err)
{
    Slice bare, choice;
    *out = STORE_NO_LABEL;
    TRY(bbq_bare_text(written, arena, &bare, err));
    for (size_t i = 0; i < sample->n_choices && *out == STORE_NO_LABEL; i++) {
        TRY(bbq_bare_text(sample->choices[i], arena, &choice, err));
        if (slice_eq(choice, bare)) *out = (int32_t)i;
    }
    for (size_t i = 0; i < sample->n_choices && *out == STORE_NO_LABEL; i++) {
        TRY(bbq_bare_text(prompt_letter(i, arena), arena, &choice, err));
        if (slice_eq(choice, bare)) *out = (int32_t)i;
    }
    return STATUS_OK;
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    const size_t n = sample->n_choices;
    if (sample->bias) family_bias_item(sample, out);
    if (given->text.ptr) {
        out->label = sample->gold;
        return choice_named(sample, given->text, arena, &out->predicted, err);
    }
    double *columns[PROMPT_PER_OPTION];
    for (int c = 0; c < PROMPT_PER_OPTION; c++) {
        TRY(arena_take(arena, n, sizeof **columns, "scores", &columns[c], err));
        for (size_t i = 0; given->values && i < n; i++)
            columns[c][i] = given->values[i * PROMPT_PER_OPTION + (size_t)c];
    }
    out->label = sample->gold;
    out->predicted = given->predicted;
    out->n_classes = data->n_labels;
    out->probabilities = given->probabilities;
    out->n_choices = n;
    out->log_likelihoods = columns[PROMPT_LOGLIK];
    out->n_tokens = columns[PROMPT_TOKENS];
    out->n_bytes = columns[PROMPT_BYTES];
    out->n_words = columns[PROMPT_TOKENS];
    out->unconditional_log_likelihoods = columns[PROMPT_UNCONDITIONAL];
    return STATUS_OK;
}

// ---- prompts ----

static Status options(const SuiteTask *task, const TaskData *data, const Sample *sample,
                      Arena *arena, Slice **out, size_t *n, Error *err)
{
    (void)data;
    *n = sample->n_choices;
    TRY(arena_take(arena, *n, sizeof **out, "options", out, err));
    for (size_t i = 0; i < *n; i++) {
        const bool is_letter = task->prompt.option == PROMPT_OPTION_LETTER;
        (*out)[i] = is_letter ? prompt_letter(i, arena) : sample->choices[i];
    }
    return STATUS_OK;
}

static Status gold(const SuiteTask *task, const TaskData *data, const Sample *sample, Arena *arena,
                   Slice *out, Error *err)
{
    Slice *all = NULL;
    size_t n = 0;
    *out = (Slice){0};
    if (sample->gold < 0) return STATUS_OK;
    TRY(options(task, data, sample, arena, &all, &n, err));
    *out = all[sample->gold];
    return STATUS_OK;
}

// Where the model writes.
static Status read_choice(const SuiteTask *task, const TaskData *data, const Sample *sample,
                          Slice written, Arena *arena, Slice *out, bool *is_read, Error *err)
{
    int32_t named = STORE_NO_LABEL;
    (void)task, (void)data;
    *out = written;
    TRY(choice_named(sample, written, arena, &named, err));
    *is_read = named != STORE_NO_LABEL;
    return STATUS_OK;
}

static const FamilyPrompt prompt = {.options = options, .gold = gold, .read = read_choice};

const Family family_choice = {
    .name = "choice",
    .summary = "takes one of several answers to each question",
    .head = HEAD_CAUSAL_LM,
    .gives = NEEDS_LABELS | NEEDS_PROBABILITIES | NEEDS_GROUPS | NEEDS_LOG_LIKELIHOODS |
             NEEDS_PROMPTS | NEEDS_STEREOTYPES,
    .metrics = "[\"accuracy\", {\"name\": \"multiple_choice\", \"params\": {\"normalize\": "
               "\"bytes\"}}]",
    .has_choices = true,
    .find_labels = find_labels,
    .encode = encode,
    .baseline_name = "commonest place",
    .baseline = baseline,
    .item = item,
    .prompt = &prompt,
};
