// Which of several texts a model finds the likeliest: sets about bias, asked of masked and of causal language models.
//
// Samples have choices (and what a stereotype asks for among them); a choice's likelihood is found as harness/likelihood.h
// says. Models are asked as they are saved, or causal ones after they have learnt the texts of the training part. The answer is
// the likeliest choice, the first of equal ones, as a text.
#include <math.h>
#include <string.h>

#include "harness/family.h"
#include "harness/likelihood.h"
#include "harness/tasks/texts_encode.h"
#include "metrics/metric.h"

enum { MOST_CHOICES = 3 };

// Labels of metrics: directions where choices are not right or wrong, else the choices' places.
static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    static const Slice directions[] = {SLICE_LIT("stereo"), SLICE_LIT("antistereo")};
    static const Slice places[MOST_CHOICES] = {SLICE_LIT("first"), SLICE_LIT("second"),
                                               SLICE_LIT("third")};
    TaskData *data = &prepared->tasks[task];
    bool has_gold = false;
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        if (p == PART_TRAIN) continue; // texts
        for (size_t i = 0; i < part->n; i++) {
            const Sample *sample = &part->data.samples[part->which[i]];
            has_gold = has_gold || sample->gold != SAMPLE_NO_LABEL;
            if (sample->n_choices > data->n_metric_labels)
                data->n_metric_labels = sample->n_choices;
            if (sample->bias && sample->n_choices >= 2 && sample->n_choices <= MOST_CHOICES)
                continue;
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: \"prefer\" compares sentences of a set about bias: "
                                       "\"format\": one of crows-pairs, stereoset, bbq, winobias, "
                                       "winogender, winobias-coreference, winogender-coreference",
                             SLICE_ARG(part->data.path), sample->line);
        }
    }
    data->metric_labels = has_gold ? places : directions;
    if (!has_gold) data->n_metric_labels = 2;
    return STATUS_OK;
}

// ---- texts that are compared ----

// The first choice of each sample: how long texts are. What is asked is tokenised when it is.
static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    Slice *texts = NULL, *contexts = NULL;
    bool has_context = false;
    const EncodeOptions options = {.max_length = max_length};
    (void)task;
    (void)data;
    if (part->n > 0 && part->data.samples[part->which[0]].choices == NULL) // to learn from
        return texts_encode(part, tokenizer, max_length, arena, out, err);
    TRY(arena_take(arena, part->n, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(arena, part->n, sizeof *contexts, "texts", &contexts, err));
    TRY(arena_take(arena, part->n, sizeof *out->keys, "keys", &out->keys, err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        texts[i] = sample->choices[0];
        contexts[i] = sample->bias && sample->bias->follows ? sample->text : sample->context;
        has_context = has_context || contexts[i].ptr != NULL;
        out->keys[i] = family_key(sample->id, 0);
    }
    return tokenizer_encode_batch(tokenizer, texts, has_context ? contexts : NULL, part->n,
                                  &options, arena, &out->batch, err);
}

static size_t likeliest(const double *values, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++) {
        if (values[k] > values[best]) best = k;
    }
    return best;
}

// Answers from likelihoods [n, MOST_CHOICES] that are there already.
static Status take_answers(const UsedPart *part, const size_t *positions, Arena *arena,
                           Answers *out, Error *err)
{
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) {
        const Sample *sample = &part->data.samples[part->which[positions[i]]];
        const double *values = out->values + i * MOST_CHOICES;
        out->texts[i] = sample->choices[likeliest(values, sample->n_choices)];
    }
    return STATUS_OK;
}

static Status respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    const Sample **samples = NULL;
    Likelihoods l = {.responder = responder,
                     .how = likelihood_of(asked->task),
                     .n = asked->n,
                     .width = MOST_CHOICES};
    TRY(arena_take(arena, asked->n, sizeof *samples, "samples", &samples, err));
    TRY(arena_take(arena, asked->n * MOST_CHOICES, sizeof *l.values, "likelihoods", &l.values,
                   err));
    for (size_t i = 0; i < asked->n; i++)
        samples[i] = &asked->part->data.samples[asked->part->which[asked->positions[i]]];
    l.samples = samples;
    TRY(likelihoods_find(&l, err));
    out->n = asked->n;
    out->n_tokens = l.n_tokens;
    out->n_values = MOST_CHOICES;
    out->values = l.values;
    return take_answers(asked->part, asked->positions, arena, out, err);
}

// A coin for each choice, from the sample's id: no preference, and the same in every run.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    double *values = NULL;
    (void)data, (void)from, (void)from_positions, (void)n_from;
    TRY(arena_take(arena, out->n * MOST_CHOICES, sizeof *values, "likelihoods", &values, err));
    for (size_t i = 0; i < out->n; i++) {
        const Sample *sample = &part->data.samples[part->which[positions[i]]];
        for (size_t k = 0; k < MOST_CHOICES; k++) {
            // The key's lowest bits are as random as its highest: it is a hash.
            const uint64_t key = family_key(sample->id, 0) >> (16 * k) & 0xffff;
            values[i * MOST_CHOICES + k] =
                k < sample->n_choices ? -1 - (double)key / 65536 : (double)NAN;
        }
    }
    out->values = values;
    out->n_values = MOST_CHOICES;
    return take_answers(part, positions, arena, out, err);
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    (void)data, (void)arena;
    if (given->n_values != MOST_CHOICES)
        return error_set(err, STATUS_INTERNAL, "an answer without likelihoods");
    for (size_t k = 0; k < sample->n_choices; k++) {
        if (!isnan(given->values[k])) continue;
        return error_set(err, STATUS_INVALID, "choice %zu of line %zu has no token to ask about", k,
                         sample->line);
    }
    family_bias_item(sample, out);
    out->predicted = (int32_t)likeliest(given->values, sample->n_choices);
    out->log_likelihoods = given->values;
    out->n_choices = sample->n_choices;
    return STATUS_OK;
}

static Status reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err)
{
    (void)data, (void)arena, (void)err;
    *out = sample->gold != SAMPLE_NO_LABEL ? sample->choices[sample->gold] : (Slice){0};
    return STATUS_OK;
}

static bool takes(ModelHead head)
{
    return head == HEAD_MASKED_LM || head == HEAD_CAUSAL_LM;
}

const Family family_prefer = {
    .name = "prefer",
    .baseline_name = "a coin",
    .summary = "says which of several texts a model finds the likeliest",
    .head = HEAD_MASKED_LM,
    .takes = takes,
    .takes_what = "masked and causal language models",
    .gives = NEEDS_LABELS | NEEDS_LOG_LIKELIHOODS | NEEDS_STEREOTYPES | NEEDS_GROUPS,
    .learns_texts = true,
    .metrics = "[\"stereotype_preference\"]",
    .find_labels = find_labels,
    .encode = encode,
    .respond = respond,
    .baseline = baseline,
    .item = item,
    .reference = reference,
};
