#include "harness/tasks/span_choices.h"

#include "metrics/metric.h"

enum { MOST_CHOICES = 3 };

Status span_choices_check(const SuiteTask *task, const TaskData *data, Error *err)
{
    if (data->parts[PART_TRAIN].n > 0) {
        return error_set(err, STATUS_INVALID,
                         "task \"" SLICE_FMT
                         "\": its answers do not stand in their passages, so there is nothing to "
                         "learn: a model that answers by spans is asked as it is saved; give "
                         "\"data\": {\"test\": FILE}",
                         SLICE_ARG(task->name));
    }
    const struct {
        bool is_given;
        const char *what;
    } refused[] = {
        {task->tunes_null_threshold,
         "\"null_threshold\": \"tune\" wants answers that stand in their passages; give a number"},
        {task->counterfactual.len > 0,
         "\"counterfactual\" makes no copies of questions with choices; leave it out"},
        {task->prompt.is_given,
         "a \"prompt\" asks for one of several answers where the family is \"choice\""},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (!refused[i].is_given) continue;
        return error_set(err, STATUS_INVALID, "task \"" SLICE_FMT "\": %s", SLICE_ARG(task->name),
                         refused[i].what);
    }
    return STATUS_OK;
}

Status span_choices_pick(const Sample *sample, Slice span, Arena *arena, int32_t *out, Error *err)
{
    MetricPlan f1;
    double *row = NULL, best = 0;
    const int32_t unknown = sample->bias ? sample->bias->unknown : SAMPLE_NO_LABEL;
    *out = unknown;
    if (span.len == 0) return STATUS_OK;
    TRY(metric_plan(metric_find(SLICE("squad_f1")), &(MetricSetup){0}, arena, &f1, err));
    TRY(arena_take(arena, f1.width, sizeof *row, "a score", &row, err));
    for (size_t k = 0; k < sample->n_choices; k++) {
        Item item = item_empty();
        item.hypothesis = span;
        item.references = &sample->choices[k];
        item.n_references = 1;
        TRY(f1.metric->row(&f1, &item, arena, row, err));
        if (row[0] < best || row[0] == 0) continue;
        *out = row[0] > best ? (int32_t)k : unknown;
        best = row[0];
    }
    return STATUS_OK;
}

void span_choices_labels(TaskData *data)
{
    static const Slice places[MOST_CHOICES] = {SLICE_LIT("first"), SLICE_LIT("second"),
                                               SLICE_LIT("third")};
    data->metric_labels = places;
    data->n_metric_labels = MOST_CHOICES;
}
