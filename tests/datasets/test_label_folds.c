// Folds and hold-outs of samples with several labels at once.
#include "base/philox.h"
#include "datasets/dataset.h"
#include "datasets/splits.h"
#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(label_folds, .fini = files_remove);

enum { N = 500, N_LABELS = 6, K = 5 };

// Label c holds for about one sample in 2 << c, the rarest in ten of 500; a third has none. copies samples share each text.
static void make(size_t copies, bool is_turned, Dataset *out)
{
    static const Slice labels[N_LABELS] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c"),
                                           SLICE_LIT("d"), SLICE_LIT("e"), SLICE_LIT("f")};
    Error err = {0};
    DatasetBuilder *builder = NULL;
    *out = (Dataset){0};
    cr_assert_eq(dataset_builder_open(out, SLICE("made"), labels, N_LABELS, false, &builder, &err),
                 STATUS_OK);
    for (size_t j = 0; j < N; j++) {
        const size_t i = is_turned ? N - 1 - j : j;
        Philox rng = philox_stream(11, i / copies);
        Slice held[N_LABELS];
        size_t n = 0;
        for (size_t c = 0; c + 1 < N_LABELS && i % 3 > 0; c++) {
            if (philox_below(&rng, 2ull << c) == 0) held[n++] = labels[c];
        }
        if (i % 50 == 7) held[n++] = labels[N_LABELS - 1];
        Sample sample = {.line = j + 1};
        sample.text = slice_from_cstr(arena_printf(&out->arena, "t%zu", i / copies));
        sample.id = slice_from_cstr(arena_printf(&out->arena, "i%zu", i));
        cr_assert_eq(dataset_builder_add_held(builder, &sample, held, n, &err), STATUS_OK, "%s",
                     err.text);
    }
    cr_assert_eq(dataset_builder_finish(builder, &err), STATUS_OK, "%s", err.text);
    dataset_builder_close(&builder);
}

static void assign(const Dataset *data, int32_t *fold)
{
    const FoldOptions options = {.kind = FOLDS_LABEL_SETS, .k = K, .seed = 17};
    Error err = {0};
    cr_assert_eq(folds_assign(data, NULL, 0, &options, fold, &err), STATUS_OK, "%s", err.text);
}

Test(label_folds, spread_each_label_and_the_samples_evenly)
{
    Dataset data;
    int32_t fold[N];
    size_t counts[N_LABELS + 1][K] = {{0}}, both[K] = {0};
    make(1, false, &data);
    assign(&data, fold);
    for (size_t i = 0; i < N; i++) {
        cr_assert(fold[i] >= 0 && fold[i] < K);
        counts[N_LABELS][fold[i]]++;
        for (size_t h = 0; h < data.samples[i].n_held; h++)
            counts[data.samples[i].held[h]][fold[i]]++;
        const Sample *sample = &data.samples[i];
        both[fold[i]] += sample->n_held > 1 && sample->held[0] == 0 && sample->held[1] == 1;
    }
    for (size_t f = 1; f < K; f++) // sets of labels too, not their labels alone
        cr_expect(both[f] + 4 >= both[0] && both[f] <= both[0] + 4, "%zu and %zu", both[0],
                  both[f]);
    for (size_t c = 0; c <= N_LABELS; c++) {
        size_t low = SIZE_MAX, high = 0;
        for (size_t f = 0; f < K; f++) {
            low = counts[c][f] < low ? counts[c][f] : low;
            high = counts[c][f] > high ? counts[c][f] : high;
        }
        // Where a sample has several labels the later ones must take what the rarer one left.
        cr_expect_leq(high - low, c >= 4 && c < N_LABELS ? 1 : 4, "label %zu: %zu to %zu", c, low,
                      high);
    }
    for (size_t f = 0; f < K; f++) cr_expect_eq(counts[N_LABELS - 1][f], 2, "fold %zu", f);
    dataset_release(&data);
}

Test(label_folds, do_not_depend_on_the_order_of_the_file)
{
    Dataset data, turned;
    int32_t fold[N], other[N];
    make(1, false, &data);
    make(1, true, &turned);
    assign(&data, fold);
    assign(&turned, other);
    for (size_t i = 0; i < N; i++) cr_assert_eq(fold[i], other[N - 1 - i], "sample %zu", i);
    dataset_release(&data);
    dataset_release(&turned);
}

Test(label_folds, keep_equal_inputs_together)
{
    Dataset data;
    int32_t fold[N];
    size_t n_split = 1, sizes[K] = {0};
    Error err = {0};
    make(4, false, &data);
    assign(&data, fold);
    cr_assert_eq(folds_split_inputs(&data, NULL, 0, fold, &n_split, &err), STATUS_OK);
    cr_expect_eq(n_split, 0);
    for (size_t i = 0; i < N; i++) sizes[fold[i]]++;
    for (size_t f = 0; f < K; f++) cr_expect(sizes[f] >= 80 && sizes[f] <= 120, "%zu", sizes[f]);
    dataset_release(&data);
}

Test(label_folds, hold_out_a_share_of_each_label)
{
    Dataset data;
    bool held[N];
    size_t n_held = 0, of[N_LABELS] = {0}, all[N_LABELS] = {0};
    Error err = {0};
    const HoldoutOptions options = {
        .share = 0.2, .seed = 17, .is_plain = true, .has_label_sets = true};
    make(1, false, &data);
    cr_assert_eq(holdout_assign(&data, NULL, 0, &options, held, &err), STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < N; i++) {
        n_held += held[i];
        for (size_t h = 0; h < data.samples[i].n_held; h++) {
            all[data.samples[i].held[h]]++;
            of[data.samples[i].held[h]] += held[i];
        }
    }
    cr_expect(n_held >= 96 && n_held <= 104, "%zu", n_held);
    for (size_t c = 0; c < N_LABELS; c++) {
        const double wanted = 0.2 * (double)all[c];
        cr_expect_float_eq((double)of[c], wanted, 2.0, "label %zu: %zu of %zu", c, of[c], all[c]);
    }
    dataset_release(&data);
}

Test(label_folds, leave_something_on_both_sides)
{
    static const Slice label = SLICE_LIT("a");
    Error err = {0};
    for (size_t n = 2; n <= 6; n++) {
        DatasetBuilder *builder = NULL;
        Dataset data = {0};
        bool held[6] = {false};
        size_t n_held = 0;
        cr_assert_eq(dataset_builder_open(&data, SLICE("made"), &label, 1, false, &builder, &err),
                     STATUS_OK);
        for (size_t i = 0; i < n; i++) {
            Sample sample = {.line = i + 1};
            sample.text = slice_from_cstr(arena_printf(&data.arena, "t%zu", i));
            cr_assert_eq(dataset_builder_add_held(builder, &sample, &label, i % 2, &err),
                         STATUS_OK);
        }
        cr_assert_eq(dataset_builder_finish(builder, &err), STATUS_OK);
        dataset_builder_close(&builder);
        for (int share = 1; share <= 9; share += 4) {
            const HoldoutOptions options = {
                .share = share / 10.0, .seed = 3, .is_plain = true, .has_label_sets = true};
            cr_assert_eq(holdout_assign(&data, NULL, 0, &options, held, &err), STATUS_OK, "%s",
                         err.text);
            n_held = 0;
            for (size_t i = 0; i < n; i++) n_held += held[i];
            cr_expect(n_held > 0 && n_held < n, "%zu of %zu at 0.%d", n_held, n, share);
        }
        dataset_release(&data);
    }
}
