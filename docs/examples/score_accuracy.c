// Scores a small classifier from C: accuracy and macro F1 with 95% intervals.
//
//     cc -I assay score_accuracy.c libassay_metrics.a libassay_base.a -licuuc -lcjson -lpthread -lm
#include <stdio.h>

#include "metrics/metrics.h"

static Status score(const char *name, const MetricSetup *setup, const Item *items, size_t n,
                    Arena *arena, Error *err)
{
    MetricPlan plan;
    Score *scores;
    const Metric *metric = metric_find(slice_from_cstr(name));
    if (metric == NULL) return error_set(err, STATUS_NOT_FOUND, "no metric is called %s", name);
    TRY(metric_plan(metric, setup, arena, &plan, err));
    const IntervalOptions options = {.seed = 17};
    TRY(scores_of_items(&plan, items, n, &options, arena, &scores, err));
    printf("%s %.4f [%.4f, %.4f] n=%zu (" SLICE_FMT ")\n", name, scores[0].estimate, scores[0].lo,
           scores[0].hi, scores[0].n, SLICE_ARG(scores[0].method));
    return STATUS_OK;
}

int main(void)
{
    enum { N = 30 };
    static const Slice labels[] = {SLICE_LIT("negative"), SLICE_LIT("positive")};
    const MetricSetup setup = {.labels = labels, .n_labels = 2};
    Item items[N];
    for (int i = 0; i < N; i++) {
        items[i] = item_empty();
        items[i].label = i % 2;
        items[i].predicted = i == 7 ? 0 : i % 2; // one mistake
    }

    Arena arena = {0};
    Error err = {0};
    Status s = score("accuracy", &setup, items, N, &arena, &err);
    if (s == STATUS_OK) s = score("f1", &setup, items, N, &arena, &err);
    if (s != STATUS_OK) fprintf(stderr, "error: %s\n", err.text);
    arena_release(&arena);
    return status_exit_code(s);
}
