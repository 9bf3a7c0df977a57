// Scores two systems' translations from C: BLEU with a 95% interval each, and whether the second is better.
//
//     cc -I assay score_bleu.c libassay_metrics.a libassay_base.a -licuuc -lcjson -lpthread -lm
#include <stdio.h>

#include "metrics/metrics.h"

enum { N = 40 };

// Item i of one system: the reference, with a word in `every` wrong.
static void fill_items(char texts[N][2][64], Slice references[N], size_t every, Item items[N])
{
    for (size_t i = 0; i < N; i++) {
        const char *word = i % every == 0 ? "dog" : "cat";
        snprintf(texts[i][0], sizeof texts[i][0], "the cat sat on mat number %zu today .", i);
        snprintf(texts[i][1], sizeof texts[i][1], "the %s sat on mat number %zu today .", word, i);
        references[i] = slice_from_cstr(texts[i][0]);
        items[i] = item_empty();
        items[i].references = &references[i];
        items[i].n_references = 1;
        items[i].hypothesis = slice_from_cstr(texts[i][1]);
    }
}

static Status score(const char *name, const MetricPlan *plan, const Item *items, Arena *arena,
                    RowSet *rows, Error *err)
{
    const IntervalOptions options = {.seed = 17};
    Score *scores;
    Slice signature;
    TRY(rows_of_items(plan, items, N, NULL, arena, rows, err));
    TRY(scores_of_rows(plan, rows, &options, arena, &scores, err));
    TRY(metric_signature(plan, arena, &signature, err));
    printf("%s " SLICE_FMT " %.2f [%.2f, %.2f]\n", name, SLICE_ARG(signature), scores[0].estimate,
           scores[0].lo, scores[0].hi);
    return STATUS_OK;
}

static Status compare(Arena *arena, Error *err)
{
    static char texts[2][N][2][64];
    static Slice references[2][N];
    static Item items[2][N];
    const MetricSetup setup = {0};
    const PairedOptions options = {.seed = 17};
    MetricPlan plan;
    RowSet rows[2];
    Paired result;
    fill_items(texts[0], references[0], 3, items[0]);
    fill_items(texts[1], references[1], 8, items[1]);
    TRY(metric_plan(metric_find(SLICE("bleu")), &setup, arena, &plan, err));
    TRY(score("base", &plan, items[0], arena, &rows[0], err));
    TRY(score("new ", &plan, items[1], arena, &rows[1], err));
    const System base = {&plan, &rows[0]}, other = {&plan, &rows[1]};
    TRY(compare_paired(&base, &other, &options, arena, &result, err));
    printf("difference %.2f [%.2f, %.2f], p = %.4f\n", result.difference, result.lo, result.hi,
           result.p_bootstrap);
    return STATUS_OK;
}

int main(void)
{
    Arena arena = {0};
    Error err = {0};
    const Status s = compare(&arena, &err);
    if (s != STATUS_OK) fprintf(stderr, "error: %s\n", err.text);
    arena_release(&arena);
    return status_exit_code(s);
}
