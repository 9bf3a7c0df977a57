// That no choice sees the fold it is judged on, and variants of a tuned model beside each other.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

#define RATES_THAT_LEARN                                                               \
    "{\"learning_rate\": [2e-3, 1e-2, 2e-2, 4e-2], \"batch_size\": 4, \"epochs\": 6, " \
    "\"early_stopping\": {\"patience\": 0}}"

enum { N_SENTENCES = 60, N_FOLDS = 2 };

// Sentences with ids, labels of fold `permuted` swapped, each with its neighbour's; -1 leaves all as they are.
static void write_sentences(const char *folder, int permuted)
{
    Error err = {0};
    Buffer data = {0}, folds = {0};
    Slice rest = slice_from_cstr(runs_sentences(N_SENTENCES, 1)), line;
    Slice labels[N_SENTENCES], texts[N_SENTENCES];
    slice_split(&rest, '\n', &line);
    for (int i = 0; i < N_SENTENCES; i++) {
        cr_assert(slice_split(&rest, '\n', &line));
        const size_t tab = slice_find_byte(line, '\t');
        texts[i] = slice_sub(line, 0, tab);
        labels[i] = slice_sub(line, tab + 1, line.len);
    }
    buffer_append_cstr(&data, "id\ttext\tlabel\n");
    for (int i = 0; i < N_SENTENCES; i++) {
        const int fold = i / 2 % N_FOLDS; // neighbours have different labels, and share a fold
        const int from = fold == permuted && i / 4 % 2 == 0 ? i ^ 1 : i;
        buffer_printf(&data, "s%d\t" SLICE_FMT "\t" SLICE_FMT "\n", i, SLICE_ARG(texts[i]),
                      SLICE_ARG(labels[from]));
        buffer_printf(&folds, "s%d\t%d\n", i, fold);
    }
    cr_assert_eq(file_write(folder_path(folder, "data/train.tsv"), buffer_slice(&data), &err),
                 STATUS_OK);
    cr_assert_eq(file_write(folder_path(folder, "folds.tsv"), buffer_slice(&folds), &err),
                 STATUS_OK);
    buffer_release(&data);
    buffer_release(&folds);
}

static bool has_same_hits(const Trial *a, const Trial *b)
{
    return memcmp(a->metrics[0].rows, b->metrics[0].rows,
                  a->n_outputs * a->metrics[0].width * sizeof(double)) == 0;
}

static bool has_same_scores(const Trial *a, const Trial *b)
{
    bool same = a->n_scores == b->n_scores;
    for (size_t i = 0; same && i < a->n_scores; i++)
        same = a->scores[i].estimate == b->scores[i].estimate;
    return same;
}

Test(search, labels_of_the_fold_left_out_change_no_hyperparameter)
{
    static const char *const searches[] = {
        ", \"search\": {\"kind\": \"halving\", \"eta\": 2}",
        ", \"search\": {\"kind\": \"random\", \"trials\": 3}, \"learning_curve\": [20]"};
    for (size_t k = 0; k < sizeof searches / sizeof *searches; k++) {
        Arena arena = {0};
        RunResult honest = {0};
        RunTrial *plan = NULL;
        Trial *trials = NULL;
        size_t n = 0;
        const char *folder = runs_folder(
            &(RunsSuite){.tune = RATES_THAT_LEARN,
                         .more = searches[k],
                         .folds = "{\"k\": 2, \"inner\": 0.25, \"file\": \"folds.tsv\"}"});
        write_sentences(folder, -1);
        runs_finish(folder, "a.db", &honest);
        runs_trials(folder_path(folder, "a.db"), honest.run_id, &arena, &plan, &trials, &n);
        for (int fold = 0; fold < N_FOLDS; fold++) {
            char name[16];
            RunResult permuted = {0};
            RunTrial *other_plan = NULL;
            Trial *other = NULL;
            size_t n_other = 0, n_choices = 0, n_changed = 0, n_felt = 0;
            snprintf(name, sizeof name, "p%d.db", fold);
            write_sentences(folder, fold);
            runs_finish(folder, name, &permuted);
            runs_trials(folder_path(folder, name), permuted.run_id, &arena, &other_plan, &other,
                        &n_other);
            cr_assert_eq(n_other, n);
            for (size_t i = 0; i < n; i++) {
                if (plan[i].role == TRIAL_BASELINE) continue;
                if (plan[i].outer_fold != fold) { // it learns from the permuted labels
                    n_felt += !has_same_scores(&trials[i], &other[i]) ||
                              trials[i].best_step != other[i].best_step;
                    continue;
                }
                cr_expect(slice_eq(plan[i].setting, other_plan[i].setting), "trial %zu", i);
                cr_expect_eq(plan[i].is_chosen, other_plan[i].is_chosen, "trial %zu", i);
                cr_expect_eq(trials[i].best_step, other[i].best_step, "trial %zu", i);
                if (plan[i].role == TRIAL_INNER) {
                    cr_expect(has_same_scores(&trials[i], &other[i]), "inner trial %zu", i);
                } else {
                    n_choices++;
                    n_changed += !has_same_hits(&trials[i], &other[i]);
                }
            }
            cr_expect_gt(n_choices, 0);
            cr_expect_gt(n_changed, 0, "search %zu, fold %d: no label was permuted", k, fold);
            cr_expect_gt(n_felt, 0, "search %zu, fold %d: labels matter nowhere", k, fold);
            run_result_release(&permuted);
        }
        run_result_release(&honest);
        arena_release(&arena);
        folder_remove(folder);
    }
}

// Pruned and quantised variants of a tuned model stand side by side, each with its size.
Test(search, variants_of_a_tuned_model_are_judged_with_their_sizes)
{
    Arena arena = {0};
    RunResult result = {0};
    RunTrial *plan = NULL;
    Trial *trials = NULL;
    size_t n = 0, n_whole = 0, n_small = 0;
    double whole = 0, small = 0;
    const char *folder = runs_folder(&(RunsSuite){
        .tune = "{\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 1, \"prune\": [0, 0.5], "
                "\"quantize\": [\"none\", \"q8_0\"]}",
        .folds = "{\"k\": 2, \"inner\": 0.25, \"explore\": true}"});
    runs_finish(folder, "v.db", &result);
    runs_trials(folder_path(folder, "v.db"), result.run_id, &arena, &plan, &trials, &n);
    for (size_t i = 0; i < n; i++) {
        if (plan[i].role != TRIAL_EXPLORE && plan[i].role != TRIAL_OUTER) continue;
        const bool is_small = slice_find(plan[i].setting, SLICE("\"q8_0\"")) != SIZE_MAX;
        for (size_t k = 0; k < trials[i].n_curves; k++) {
            if (!slice_eq_cstr(trials[i].curves[k].series, "model/bytes")) continue;
            n_whole += !is_small;
            n_small += is_small;
            *(is_small ? &small : &whole) = trials[i].curves[k].points[0].value;
        }
    }
    cr_expect_eq(n_whole, 4, "%zu of 2 shares in 2 folds", n_whole);
    cr_expect_eq(n_small, 4, "%zu of 2 shares in 2 folds", n_small);
    cr_expect_gt(small, 0);
    cr_expect_lt(small, 0.75 * whole, "%g bytes of %g", small, whole);
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}

// What is tuned is the same; how the products are computed where it is judged shows in the last digits of its probabilities.
Test(search, a_tuned_model_is_judged_as_each_setting_computes)
{
    static const char *const kinds[] = {"\"f32\"", "\"bf16\"", "\"int8\""};
    Arena arena = {0};
    RunResult result = {0};
    RunTrial *plan = NULL;
    Trial *trials = NULL;
    size_t n = 0, n_seen[3] = {0};
    double sums[3] = {0}, learnt[3] = {0};
    const char *folder = runs_folder(
        &(RunsSuite){.tune = "{\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 1, "
                             "\"compute\": [\"f32\", \"bf16\", \"int8\"]}",
                     .folds = "{\"k\": 2, \"inner\": 0.25, \"explore\": true}"});
    runs_finish(folder, "c.db", &result);
    runs_trials(folder_path(folder, "c.db"), result.run_id, &arena, &plan, &trials, &n);
    for (size_t i = 0; i < n; i++) {
        if (plan[i].role != TRIAL_INNER) continue;
        size_t kind = 0;
        while (kind < 3 && slice_find(plan[i].setting, slice_from_cstr(kinds[kind])) == SIZE_MAX)
            kind++;
        cr_assert_lt(kind, 3, "a setting without its kind");
        n_seen[kind]++;
        for (size_t k = 0; k < trials[i].n_outputs; k++)
            sums[kind] += (double)trials[i].outputs[k].probabilities[0];
        for (size_t k = 0; k < trials[i].n_curves; k++) {
            const TrialCurve *curve = &trials[i].curves[k];
            if (slice_eq_cstr(curve->series, "train/loss"))
                learnt[kind] += curve->points[curve->n_points - 1].value;
        }
    }
    for (size_t kind = 0; kind < 3; kind++) {
        cr_expect_eq(n_seen[kind], n_seen[0], "%zu trials of %s", n_seen[kind], kinds[kind]);
        cr_expect(learnt[kind] == learnt[0] && learnt[0] > 0, "%s learnt %.17g, not %.17g",
                  kinds[kind], learnt[kind], learnt[0]);
        cr_expect_float_eq(sums[kind], sums[0], 0.05 * sums[0], "%s", kinds[kind]);
        cr_expect(kind == 0 || sums[kind] != sums[0], "%s gives the same bits", kinds[kind]);
    }
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}
