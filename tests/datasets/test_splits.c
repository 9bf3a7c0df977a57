#include "base/buffer.h"
#include "base/philox.h"
#include "datasets/dataset.h"
#include "datasets/splits.h"
#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(splits, .fini = files_remove);

enum { MAX_N = 600 };

// n samples in the order of a permutation (NULL: ascending): the i-th has text i / copies, a label that is 0 in the
// ratio of the weights below, and a group i / per_group (0: none).
typedef struct Shape {
    size_t n, copies, per_group, n_labels;
} Shape;

static void make(const Shape *shape, const size_t *order, Dataset *out)
{
    static const char *const labels[] = {"a", "b", "b", "c", "b", "a", "b"};
    Error err = {0};
    DatasetBuilder *builder = NULL;
    *out = (Dataset){0};
    cr_assert_eq(dataset_builder_open(out, SLICE("made"), NULL, 0, false, &builder, &err),
                 STATUS_OK);
    for (size_t j = 0; j < shape->n; j++) {
        const size_t i = order ? order[j] : j;
        Sample sample = {.line = j + 1};
        sample.text = slice_from_cstr(arena_printf(&out->arena, "t%zu", i / shape->copies));
        sample.id = slice_from_cstr(arena_printf(&out->arena, "i%zu", i));
        if (shape->per_group) {
            sample.group = slice_from_cstr(arena_printf(&out->arena, "g%zu", i / shape->per_group));
        }
        const Slice label = slice_from_cstr(shape->n_labels == 1 ? "a" : labels[i % 7]);
        cr_assert_eq(dataset_builder_add(builder, &sample, &label, &err), STATUS_OK, "%s",
                     err.text);
    }
    cr_assert_eq(dataset_builder_finish(builder, &err), STATUS_OK, "%s", err.text);
    dataset_builder_close(&builder);
}

static size_t largest_gap(const size_t *counts, size_t n)
{
    size_t low = SIZE_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = counts[i] < low ? counts[i] : low;
        high = counts[i] > high ? counts[i] : high;
    }
    return high - low;
}

Test(splits, spread_classes_and_samples_evenly)
{
    for (size_t n = 20; n <= 140; n += 13) {
        for (size_t k = 2; k <= 7; k++) {
            Dataset d;
            int32_t fold[MAX_N];
            Error err = {0};
            make(&(Shape){n, 1, 0, 3}, NULL, &d);
            const FoldOptions options = {.k = k, .seed = n * k, .allow_rare = true};
            cr_assert_eq(folds_assign(&d, NULL, 0, &options, fold, &err), STATUS_OK, "%s",
                         err.text);
            size_t sizes[8] = {0}, counts[3][8] = {{0}};
            for (size_t i = 0; i < n; i++) {
                cr_assert(fold[i] >= 0 && fold[i] < (int32_t)k);
                sizes[fold[i]]++;
                counts[d.samples[i].label][fold[i]]++;
            }
            cr_expect_leq(largest_gap(sizes, k), 1, "n %zu k %zu", n, k);
            for (size_t c = 0; c < 3; c++)
                cr_expect_leq(largest_gap(counts[c], k), 1, "n %zu k %zu", n, k);
            dataset_release(&d);
        }
    }
}

Test(splits, plain_folds_differ_by_one_at_most)
{
    Dataset d;
    int32_t fold[MAX_N];
    Error err = {0};
    size_t sizes[5] = {0};
    make(&(Shape){23, 1, 0, 1}, NULL, &d);
    cr_assert_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.kind = FOLDS_PLAIN, .k = 5}, fold, &err),
                 STATUS_OK);
    for (size_t i = 0; i < 23; i++) sizes[fold[i]]++;
    for (size_t f = 0; f < 5; f++)
        cr_expect_eq(sizes[f], f < 3 ? 5 : 4); // the first n mod k are the larger
    dataset_release(&d);
}

Test(splits, do_not_depend_on_the_order_of_the_file)
{
    static const Shape shapes[] = {{91, 1, 0, 3}, {90, 3, 0, 3}, {90, 1, 4, 3}, {96, 2, 8, 3}};
    for (size_t s = 0; s < 4; s++) {
        for (int kind = FOLDS_STRATIFIED; kind <= FOLDS_STRATIFIED_GROUPED; kind++) {
            Dataset a, b;
            int32_t fold_a[MAX_N], fold_b[MAX_N];
            bool held_a[MAX_N], held_b[MAX_N];
            size_t order[MAX_N], chosen[MAX_N], n_chosen, n_same = 0;
            Error err = {0};
            Philox rng = philox_stream(s + 1, 0);
            for (size_t i = 0; i < shapes[s].n; i++) order[i] = i;
            philox_shuffle(&rng, order, shapes[s].n);
            make(&shapes[s], NULL, &a);
            make(&shapes[s], order, &b);
            const FoldOptions options = {.kind = (FoldKind)kind, .k = 4, .seed = 9};
            const HoldoutOptions holdout = {
                .share = 0.2, .seed = 9, .is_grouped = kind >= FOLDS_GROUPED};
            cr_assert_eq(folds_assign(&a, NULL, 0, &options, fold_a, &err), STATUS_OK, "%s",
                         err.text);
            cr_assert_eq(folds_assign(&b, NULL, 0, &options, fold_b, &err), STATUS_OK, "%s",
                         err.text);
            cr_assert_eq(holdout_assign(&a, NULL, 0, &holdout, held_a, &err), STATUS_OK, "%s",
                         err.text);
            cr_assert_eq(holdout_assign(&b, NULL, 0, &holdout, held_b, &err), STATUS_OK, "%s",
                         err.text);
            for (size_t j = 0; j < shapes[s].n; j++) {
                cr_assert_eq(fold_a[order[j]], fold_b[j], "shape %zu, kind %d, sample %zu", s, kind,
                             j);
                cr_assert_eq(held_a[order[j]], held_b[j], "shape %zu, kind %d, sample %zu", s, kind,
                             j);
            }
            cr_assert_eq(subset_choose(&a, NULL, 0, 20, 5, chosen, &n_chosen, &err), STATUS_OK);
            cr_assert_eq(n_chosen, 20);
            bool is_chosen[MAX_N] = {false};
            for (size_t i = 0; i < n_chosen; i++) is_chosen[chosen[i]] = true;
            cr_assert_eq(subset_choose(&b, NULL, 0, 20, 5, chosen, &n_chosen, &err), STATUS_OK);
            for (size_t i = 0; i < n_chosen; i++) n_same += is_chosen[order[chosen[i]]];
            cr_assert_eq(n_same, 20);
            dataset_release(&a);
            dataset_release(&b);
        }
    }
}

Test(splits, change_with_the_seed)
{
    Dataset d;
    int32_t one[MAX_N], two[MAX_N];
    Error err = {0};
    make(&(Shape){100, 1, 0, 3}, NULL, &d);
    cr_assert_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 5, .seed = 1}, one, &err),
                 STATUS_OK);
    cr_assert_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 5, .seed = 2}, two, &err),
                 STATUS_OK);
    cr_expect_neq(memcmp(one, two, 100 * sizeof *one), 0);
    dataset_release(&d);
}

// Samples i and j must share a side whenever i / size == j / size.
static void expect_together(const int32_t *fold, size_t n, size_t size, const char *what)
{
    for (size_t i = 1; i < n; i++) {
        if (i / size != (i - 1) / size) continue;
        cr_assert_eq(fold[i], fold[i - 1], "%s: samples %zu and %zu are split", what, i - 1, i);
    }
}

Test(splits, never_part_equal_inputs_or_groups)
{
    Dataset copies, grouped;
    int32_t fold[MAX_N];
    bool held[MAX_N];
    size_t n_split;
    Error err = {0};
    make(&(Shape){120, 4, 0, 3}, NULL, &copies);
    make(&(Shape){120, 1, 6, 3}, NULL, &grouped);
    for (int kind = FOLDS_STRATIFIED; kind <= FOLDS_STRATIFIED_GROUPED; kind++) {
        const FoldOptions options = {.kind = (FoldKind)kind, .k = 5, .seed = 3};
        cr_assert_eq(folds_assign(&copies, NULL, 0, &options, fold, &err), STATUS_OK, "%s",
                     err.text);
        expect_together(fold, 120, 4, "copies");
        cr_assert_eq(folds_split_inputs(&copies, NULL, 0, fold, &n_split, &err), STATUS_OK);
        cr_expect_eq(n_split, 0);
        if (kind < FOLDS_GROUPED) continue;
        cr_assert_eq(folds_assign(&grouped, NULL, 0, &options, fold, &err), STATUS_OK, "%s",
                     err.text);
        expect_together(fold, 120, 6, "groups");
        size_t sizes[5] = {0};
        for (size_t i = 0; i < 120; i++) sizes[fold[i]]++;
        cr_expect_leq(largest_gap(sizes, 5), 6);
    }
    cr_assert_eq(holdout_assign(&copies, NULL, 0, &(HoldoutOptions){.share = 0.25}, held, &err),
                 STATUS_OK);
    for (size_t i = 0; i < 120; i++) fold[i] = held[i];
    expect_together(fold, 120, 4, "held copies");
    cr_assert_eq(holdout_assign(&grouped, NULL, 0,
                                &(HoldoutOptions){.share = 0.25, .is_grouped = true}, held, &err),
                 STATUS_OK);
    for (size_t i = 0; i < 120; i++) fold[i] = held[i];
    expect_together(fold, 120, 6, "held groups");
    dataset_release(&copies);
    dataset_release(&grouped);
}

// Sentences in which one word of twelve differs, `alike` of each kind behind each other.
static void make_nearly_equal(size_t n, size_t alike, Dataset *out)
{
    Error err = {0};
    DatasetBuilder *builder = NULL;
    *out = (Dataset){0};
    cr_assert_eq(dataset_builder_open(out, SLICE("made"), NULL, 0, false, &builder, &err),
                 STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Buffer text = {0};
        for (size_t w = 0; w < 30; w++) buffer_printf(&text, "k%zuw%zu ", i / alike, w);
        buffer_printf(&text, "last%zu", i);
        const Sample sample = {.line = i + 1, .text = arena_copy(&out->arena, buffer_slice(&text))};
        const Slice label = slice_from_cstr(i % 3 ? "a" : "b");
        cr_assert_eq(dataset_builder_add(builder, &sample, &label, &err), STATUS_OK, "%s",
                     err.text);
        buffer_release(&text);
    }
    cr_assert_eq(dataset_builder_finish(builder, &err), STATUS_OK, "%s", err.text);
    dataset_builder_close(&builder);
}

Test(splits, never_part_nearly_equal_inputs_where_they_are_kept)
{
    enum { N = 120, ALIKE = 4 };
    Dataset data;
    int32_t fold[N];
    bool held[N];
    size_t which[N / 2], n_parted = 0;
    Error err = {0};
    const FoldOptions options = {.k = 5, .seed = 3};
    make_nearly_equal(N, ALIKE, &data);
    cr_assert_eq(folds_assign(&data, NULL, 0, &options, fold, &err), STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < N; i++) n_parted += fold[i] != fold[i - i % ALIKE];
    cr_expect_gt(n_parted, 0, "else there is nothing to keep together");
    cr_assert_eq(splits_keep_near(&data, 0.8, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(folds_assign(&data, NULL, 0, &options, fold, &err), STATUS_OK, "%s", err.text);
    expect_together(fold, N, ALIKE, "nearly equal");
    cr_assert_eq(holdout_assign(&data, NULL, 0, &(HoldoutOptions){.share = 0.25}, held, &err),
                 STATUS_OK);
    for (size_t i = 0; i < N; i++) fold[i] = held[i];
    expect_together(fold, N, ALIKE, "held");
    for (size_t i = 0; i < N / 2; i++) which[i] = i / 2 * 4 + i % 2; // without the first of some
    cr_assert_eq(folds_assign(&data, &which[1], N / 2 - 1, &options, fold, &err), STATUS_OK);
    for (size_t i = 2; i + 1 < N / 2; i += 2) cr_expect_eq(fold[i - 1], fold[i]);
    dataset_release(&data);
}

Test(splits, file_order_tells_how_many_inputs_it_splits)
{
    Dataset d;
    int32_t fold[8];
    size_t n_split;
    Error err = {0};
    files_read(FILES_WRITE("a.tsv", "x\t0\ny\t0\nz\t0\nx\t0\n"), NULL, &d);
    const FoldOptions options = {.kind = FOLDS_PLAIN, .k = 2, .file_order = true};
    cr_assert_eq(folds_assign(&d, NULL, 0, &options, fold, &err), STATUS_OK, "%s", err.text);
    const int32_t expected[] = {0, 0, 1, 1};
    cr_expect_arr_eq(fold, expected, sizeof expected);
    cr_assert_eq(folds_split_inputs(&d, NULL, 0, fold, &n_split, &err), STATUS_OK);
    cr_expect_eq(n_split, 2);
    dataset_release(&d);
}

Test(splits, file_order_gives_samples_without_a_group_one_each)
{
    Dataset d;
    int32_t fold[4];
    Error err = {0};
    const ReadOptions read = {.columns = {.group = SLICE_LIT("3")}};
    files_read(FILES_WRITE("a.tsv", "x\t0\tg\ny\t0\t\nz\t0\t\nw\t0\tg\n"), &read, &d);
    const FoldOptions options = {.kind = FOLDS_GROUPED, .k = 3, .file_order = true};
    cr_assert_eq(folds_assign(&d, NULL, 0, &options, fold, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(fold[0], fold[3]);
    cr_expect_neq(fold[1], fold[2]);
    dataset_release(&d);
}

Test(splits, refuse_what_cannot_be_split)
{
    Dataset d, unlabelled, same;
    int32_t fold[MAX_N];
    bool held[MAX_N];
    size_t chosen[MAX_N], n_chosen;
    Error err = {0};
    files_read(FILES_WRITE("a.tsv", "1\ta\n2\ta\n3\ta\n4\ta\n5\tb\n6\tb\n7\tc\n"), NULL, &d);
    files_read(FILES_WRITE("u.tsv", "1\ta\n2\t\n3\ta\n4\ta\n"),
               &(ReadOptions){.label_optional = true}, &unlabelled);
    files_read(FILES_WRITE("s.tsv", "1\ta\n1\ta\n1\ta\n"), NULL, &same);
    cr_expect_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 1}, fold, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "\"k\" is 1: cross-validation needs at least 2 folds");
    cr_expect_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 8}, fold, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "a.tsv: 8 folds, but only 7 samples: use fewer folds"), "%s",
              err.text);
    cr_expect_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 3}, fold, &err), STATUS_INVALID);
    cr_expect(
        strstr(
            err.text,
            "a.tsv: classes with fewer samples than the 3 folds: \"b\" (2), \"c\" (1); remove the "
            "class, add samples, merge the class with another, or choose plain folds"),
        "%s", err.text);
    cr_expect_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 3, .allow_rare = true}, fold, &err),
                 STATUS_OK);
    cr_expect_eq(folds_assign(&unlabelled, NULL, 0, &(FoldOptions){.k = 2}, fold, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "u.tsv:2: the sample has no label, so it cannot be stratified"),
              "%s", err.text);
    cr_expect_eq(
        folds_assign(&unlabelled, NULL, 0, &(FoldOptions){.k = 2, .kind = FOLDS_PLAIN}, fold, &err),
        STATUS_OK);
    cr_expect_eq(folds_assign(&same, NULL, 0, &(FoldOptions){.k = 2}, fold, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "2 folds, but only 1 different inputs"), "%s", err.text);
    cr_expect_eq(holdout_assign(&d, NULL, 0, &(HoldoutOptions){.share = 1}, held, &err),
                 STATUS_INVALID);
    cr_expect_eq(holdout_assign(&same, NULL, 0, &(HoldoutOptions){.share = 0.5}, held, &err),
                 STATUS_INVALID);
    cr_expect_eq(subset_choose(&d, NULL, 0, 0, 1, chosen, &n_chosen, &err), STATUS_INVALID);
    dataset_release(&d);
    dataset_release(&unlabelled);
    dataset_release(&same);
}

Test(splits, hold_out_the_share_of_each_class)
{
    Dataset d;
    bool held[MAX_N];
    Error err = {0};
    make(&(Shape){140, 1, 0, 3}, NULL, &d); // 40 a, 80 b, 20 c
    for (uint64_t seed = 0; seed < 20; seed++) {
        size_t counts[3] = {0};
        cr_assert_eq(
            holdout_assign(&d, NULL, 0, &(HoldoutOptions){.share = 0.1, .seed = seed}, held, &err),
            STATUS_OK);
        for (size_t i = 0; i < 140; i++) counts[d.samples[i].label] += held[i];
        cr_expect_eq(counts[0], 4);
        cr_expect_eq(counts[1], 8);
        cr_expect_eq(counts[2], 2);
    }
    dataset_release(&d);
}

Test(splits, a_class_of_one_stays_in_training)
{
    Dataset d;
    bool held[8];
    Error err = {0};
    files_read(FILES_WRITE("a.tsv", "1\ta\n2\ta\n3\tb\n"), NULL, &d);
    for (uint64_t seed = 0; seed < 20; seed++) {
        cr_assert_eq(
            holdout_assign(&d, NULL, 0, &(HoldoutOptions){.share = 0.4, .seed = seed}, held, &err),
            STATUS_OK);
        cr_expect_eq(held[0] + held[1], 1);
        cr_expect_not(held[2]);
    }
    dataset_release(&d);
}

Test(splits, work_on_a_part_of_the_samples)
{
    Dataset d;
    int32_t fold[4] = {-1, -1, -1, -1};
    const size_t which[] = {5, 1, 3};
    size_t chosen[3], n_chosen;
    Error err = {0};
    files_read(FILES_WRITE("a.tsv", "0\ta\n1\ta\n2\tb\n3\ta\n4\tb\n5\ta\n"), NULL, &d);
    cr_assert_eq(folds_assign(&d, which, 3, &(FoldOptions){.k = 3}, fold, &err), STATUS_OK, "%s",
                 err.text);
    cr_expect_eq((1 << fold[0] | 1 << fold[1] | 1 << fold[2]), 7);
    cr_expect_eq(fold[3], -1);
    cr_assert_eq(subset_choose(&d, which, 3, 9, 1, chosen, &n_chosen, &err), STATUS_OK);
    cr_expect_eq(n_chosen, 3);
    cr_expect_arr_eq(chosen, which, sizeof which);
    dataset_release(&d);
}

Test(splits, a_subset_keeps_proportions_and_every_class)
{
    Dataset d;
    size_t chosen[MAX_N], n_chosen, counts[3] = {0};
    Error err = {0};
    make(&(Shape){140, 1, 0, 3}, NULL, &d);
    cr_assert_eq(subset_choose(&d, NULL, 0, 35, 1, chosen, &n_chosen, &err), STATUS_OK);
    cr_assert_eq(n_chosen, 35);
    for (size_t i = 0; i < n_chosen; i++) {
        counts[d.samples[chosen[i]].label]++;
        if (i) cr_expect_gt(chosen[i], chosen[i - 1]);
    }
    cr_expect_eq(counts[0], 10);
    cr_expect_eq(counts[1], 20);
    cr_expect_eq(counts[2], 5);
    cr_assert_eq(subset_choose(&d, NULL, 0, 3, 1, chosen, &n_chosen, &err), STATUS_OK);
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < n_chosen; i++) counts[d.samples[chosen[i]].label]++;
    for (size_t c = 0; c < 3; c++) cr_expect_eq(counts[c], 1);
    dataset_release(&d);
}

Test(splits, nested_subsets_lie_within_each_other_and_keep_proportions)
{
    Dataset d;
    size_t chosen[MAX_N], n_chosen;
    Error err = {0};
    make(&(Shape){140, 1, 0, 3}, NULL, &d);
    bool before[MAX_N] = {false};
    size_t counts[16] = {0};
    cr_assert_lt(d.n_labels, 16);
    for (size_t i = 0; i < d.n_samples; i++) counts[d.samples[i].label]++;
    for (size_t limit = 1; limit <= d.n_samples; limit++) {
        bool now[MAX_N] = {false};
        size_t of_class[16] = {0}, n_kept = 0;
        cr_assert_eq(subset_choose_nested(&d, NULL, 0, limit, 7, chosen, &n_chosen, &err),
                     STATUS_OK, "%s", err.text);
        cr_assert_eq(n_chosen, limit);
        for (size_t i = 0; i < n_chosen; i++) {
            now[chosen[i]] = true;
            n_kept += before[chosen[i]];
            of_class[d.samples[chosen[i]].label]++;
        }
        cr_assert_eq(n_kept, limit - 1, "%zu samples do not hold the %zu before", limit, limit - 1);
        for (size_t c = 0; c < d.n_labels; c++) {
            const double share = (double)(limit * counts[c]) / (double)d.n_samples;
            cr_assert_float_eq((double)of_class[c], share, 2.0, "%zu of class %zu in %zu",
                               of_class[c], c, limit);
            if (limit >= d.n_labels && counts[c] > 0) cr_assert_gt(of_class[c], 0);
        }
        for (size_t i = 0; i < d.n_samples; i++) before[i] = now[i];
    }
    dataset_release(&d);
}

Test(splits, pinned_folds_are_read_back)
{
    Dataset d;
    int32_t fold[MAX_N], again[MAX_N];
    Error err = {0};
    make(&(Shape){50, 1, 0, 3}, NULL, &d);
    cr_assert_eq(folds_assign(&d, NULL, 0, &(FoldOptions){.k = 5, .seed = 8}, fold, &err),
                 STATUS_OK);
    const char *path = FILES_WRITE("folds.tsv", "");
    cr_assert_eq(folds_write(path, &d, NULL, 0, fold, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(folds_read(path, &d, NULL, 0, 5, again, &err), STATUS_OK, "%s", err.text);
    cr_expect_arr_eq(again, fold, 50 * sizeof *fold);
    dataset_release(&d);
}

Test(splits, wrong_fold_files_are_refused)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"i0\t0\r\ni1\t5\n", ":2: want an id, a tab and a fold from 0 to 1"},
        {"i0 0\n", ":1: want an id, a tab and a fold from 0 to 1"},
        {"i0\t0\ni9\t0\n",
         ":2: no sample has the id \"i9\": remove the line, or take the file that belongs to this data"},
        {"i0\t0\n\ni0\t1\n", ":3: the id \"i0\" stands already in line 1"},
        {"i0\t0\n", ": there is no line for the id \"i1\" (made:2)"},
        {"\xff\t0\n", ":1:1: byte 0xff at byte offset 0 is not valid UTF-8"},
    };
    Dataset d;
    make(&(Shape){3, 1, 0, 1}, NULL, &d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        int32_t fold[3];
        const char *path = files_write("f.tsv", slice_from_cstr(cases[i].text));
        cr_expect_eq(folds_read(path, &d, NULL, 0, 2, fold, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].message), "case %zu gives: %s", i, err.text);
    }
    dataset_release(&d);
}

Test(splits, survive_every_failed_allocation)
{
    Dataset d;
    make(&(Shape){40, 2, 4, 3}, NULL, &d);
    for (int what = 0; what < 8; what++) {
        for (size_t n = 1;; n++) {
            Error err = {0};
            int32_t fold[MAX_N] = {0};
            bool held[MAX_N];
            size_t out[MAX_N], n_out;
            const FoldOptions options = {
                .k = 2, .kind = (FoldKind)(what & 3), .file_order = what >= 4, .allow_rare = true};
            arena_fail_after(n);
            Status s = folds_assign(&d, NULL, 0, &options, fold, &err);
            if (s == STATUS_OK)
                s = holdout_assign(&d, NULL, 0, &(HoldoutOptions){.share = 0.5}, held, &err);
            if (s == STATUS_OK) s = subset_choose(&d, NULL, 0, 5, 1, out, &n_out, &err);
            if (s == STATUS_OK) s = folds_split_inputs(&d, NULL, 0, fold, &n_out, &err);
            arena_fail_after(0);
            if (s == STATUS_OK) break;
            cr_assert_eq(s, STATUS_MEMORY, "%s", err.text);
            cr_assert_lt(n, 500);
        }
    }
    dataset_release(&d);
}
