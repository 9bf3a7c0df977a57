#include "harness/tasks/span_choices.h"

#include "metrics/metric.h"

enum { MOST_CHOICES = 3 };

// What is learnt are questions whose answers stand in their passages.
Status span_choices_check_train(const SuiteTask *task, const UsedPart *part, Error *err)
{
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        if (sample->context.ptr && sample->n_choices == 0) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: task \"" SLICE_FMT
                                   "\": answers of questions with choices do not stand in their "
                                   "passages, so there is nothing to learn: give a file of SQuAD's "
                                   "form as \"train\", or ask models as they are saved: \"data\": "
                                   "{\"test\": FILE}",
                         SLICE_ARG(part->data.path), sample->line, SLICE_ARG(task->name));
    }
    return STATUS_OK;
}

Status span_choices_check(const SuiteTask *task, Error *err)
{
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
