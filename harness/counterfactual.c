#include "harness/counterfactual.h"

#include <math.h>
#include <string.h>

#include "metrics/evaluate.h"

bool counterfactual_covers(const TaskData *data, DataPart part)
{
    return data->swaps != NULL && part == data->swapped_part;
}

Status counterfactual_prepare(Prepared *prepared, size_t task, Error *err)
{
    const SuiteTask *t = &prepared->suite->tasks[task];
    TaskData *data = &prepared->tasks[task];
    if (t->swap_path == NULL) return STATUS_OK;
    data->swapped_part =
        prepared->suite->folds.k > 0 ? PART_TRAIN : judged_part(prepared->suite, task);
    const UsedPart *from = &data->parts[data->swapped_part];
    UsedPart *to = &data->swapped;
    size_t n_changed = 0;
    TRY(swap_list_load(t->swap_path, &prepared->arena, &data->swaps, err));
    TRY(arena_take(&prepared->arena, from->data.n_samples, sizeof *to->data.samples, "samples",
                   &to->data.samples, err));
    TRY(arena_take(&prepared->arena, from->data.n_samples, sizeof *data->is_swapped, "samples",
                   &data->is_swapped, err));
    for (size_t i = 0; i < from->data.n_samples; i++) {
        TRY(swap_sample(data->swaps, &from->data.samples[i], &prepared->arena, &to->data.samples[i],
                        &data->is_swapped[i], err));
        n_changed += data->is_swapped[i];
    }
    to->data.n_samples = from->data.n_samples;
    to->data.path = from->data.path;
    to->which = from->which;
    to->n = from->n;
    if (n_changed > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": no sample has a word of the list %s: name another list under "
                               "\"counterfactual\"",
                     SLICE_ARG(from->data.path), t->swap_path);
}

// ---- quality ----

static Status text_quality(const Item *item, Arena *arena, double *out, Error *err)
{
    MetricPlan plan;
    Score *scores = NULL;
    const MetricSetup setup = {0};
    const IntervalOptions none = {.method = INTERVAL_NONE};
    TRY(metric_plan(metric_find(SLICE("token_f1")), &setup, arena, &plan, err));
    TRY(scores_of_items(&plan, item, 1, &none, arena, &scores, err));
    *out = scores[0].estimate;
    return STATUS_OK;
}

// Labels of both sides among those of either; 1 where neither has one.
static double label_quality(const Item *item)
{
    size_t n_both = 0;
    for (size_t i = 0; i < item->n_held; i++) {
        for (size_t k = 0; k < item->n_predicted_held; k++)
            n_both += item->held[i] == item->predicted_held[k];
    }
    const size_t n_either = item->n_held + item->n_predicted_held - n_both;
    return n_either > 0 ? (double)n_both / (double)n_either : 1;
}

// How good an answer is, from 0 to 1.
static Status quality_of(const Item *item, Arena *arena, double *out, Error *err)
{
    *out = NAN;
    if (item->n_tags > 0) {
        size_t n_right = 0;
        for (size_t i = 0; i < item->n_tags && i < item->n_predicted_tags; i++)
            n_right += slice_eq(item->tags[i], item->predicted_tags[i]);
        *out = (double)n_right / (double)item->n_tags;
        return STATUS_OK;
    }
    if (item->predicted_held) {
        *out = label_quality(item);
        return STATUS_OK;
    }
    if (item->label != ITEM_NO_LABEL) {
        *out = item->probabilities ? item->probabilities[item->label]
                                   : (double)(item->predicted == item->label);
        return STATUS_OK;
    }
    if (item->hypothesis.ptr && item->n_references > 0 && item->references[0].len > 0)
        return text_quality(item, arena, out, err);
    if (item->hypothesis.ptr) *out = item->hypothesis.len == 0; // no answer is right
    return STATUS_OK;
}

static Answer answer_at(const Answers *answers, size_t i)
{
    return (Answer){.predicted = answers->predicted[i],
                    .text = answers->texts ? answers->texts[i] : (Slice){0},
                    .probabilities =
                        answers->n_classes ? answers->probabilities + i * answers->n_classes : NULL,
                    .values = answers->n_values ? answers->values + i * answers->n_values : NULL,
                    .n_values = answers->n_values};
}

static Status item_quality(const TaskData *data, const Sample *sample, const Answer *answer,
                           Arena *arena, double *out, Error *err)
{
    Item item = item_empty();
    TRY(data->family->item(data, sample, answer, arena, &item, err));
    return quality_of(&item, arena, out, err);
}

// The two numbers of a sample and its copy.
static Status compare(const TaskData *data, const Sample *sample, const Sample *copy,
                      const Answer *own, const Answer *other, Arena *arena, double *out, Error *err)
{
    double before, after;
    Slice expected = own->text;
    bool ignored = false;
    if (own->text.ptr) TRY(swap_text(data->swaps, own->text, arena, &expected, &ignored, err));
    out[SWAPPED_FLIP] = own->predicted != other->predicted || !slice_eq(expected, other->text);
    TRY(item_quality(data, sample, own, arena, &before, err));
    TRY(item_quality(data, copy, other, arena, &after, err));
    out[SWAPPED_GAP] = before - after;
    return STATUS_OK;
}

Status counterfactual_extend(const TaskData *data, const UsedPart *part, const size_t *positions,
                             size_t n, CounterfactualAsk ask, void *context, Arena *arena,
                             Answers *answers, Error *err)
{
    const size_t n_own = answers->n_values, width = n_own + N_SWAPPED;
    double *values = NULL;
    size_t *asked = NULL, *from = NULL, n_asked = 0;
    Answers others = {0};
    TRY(arena_take(arena, n * width, sizeof *values, "values", &values, err));
    TRY(arena_take(arena, n, sizeof *asked, "samples", &asked, err));
    TRY(arena_take(arena, n, sizeof *from, "samples", &from, err));
    for (size_t i = 0; i < n; i++) {
        if (n_own > 0)
            memcpy(values + i * width, answers->values + i * n_own, n_own * sizeof *values);
        for (size_t k = n_own; k < width; k++) values[i * width + k] = NAN;
        if (!data->is_swapped[part->which[positions[i]]]) continue;
        from[n_asked] = i;
        asked[n_asked++] = positions[i];
    }
    if (n_asked > 0) TRY(ask(context, asked, n_asked, arena, &others, err));
    for (size_t j = 0; j < n_asked; j++) {
        const size_t i = from[j], ordinal = part->which[positions[i]];
        const Answer own = answer_at(answers, i), other = answer_at(&others, j);
        TRY(compare(data, &part->data.samples[ordinal], &data->swapped.data.samples[ordinal], &own,
                    &other, arena, values + i * width + n_own, err));
    }
    answers->n_tokens += others.n_tokens;
    answers->values = values;
    answers->n_values = width;
    return STATUS_OK;
}
