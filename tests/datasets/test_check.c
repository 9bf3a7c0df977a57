#include "base/buffer.h"
#include "datasets/check.h"
#include "tests/datasets/files.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

TestSuite(check, .fini = files_remove);

static void check_parts(const CheckPart *parts, size_t n, const CheckOptions *options,
                        DataCheck *out)
{
    static const CheckOptions none;
    Error err = {0};
    cr_assert_eq(data_check(parts, n, options ? options : &none, out, &err), STATUS_OK, "%s",
                 err.text);
}

// Whether some warning holds the text.
static bool warns(const DataCheck *check, const char *text)
{
    for (size_t i = 0; i < check->n_warnings; i++) {
        if (slice_find(check->warnings[i], slice_from_cstr(text)) != SIZE_MAX) return true;
    }
    return false;
}

Test(check, is_silent_about_sound_data)
{
    Dataset train, test;
    DataCheck check;
    files_read(FILES_WRITE("a.tsv", "one\ta\ntwo\tb\n"), NULL, &train);
    files_read(FILES_WRITE("b.tsv", "three\ta\nfour\tb\n"), NULL, &test);
    const CheckPart parts[] = {{"train", &train}, {"test", &test}};
    check_parts(parts, 2, NULL, &check);
    cr_expect_eq(check.n_warnings, 0);
    cr_expect_eq(check.n_parts, 2);
    cr_expect_eq(check.n_overlaps, 1);
    cr_expect_eq(check.parts[0].imbalance, 1);
    cr_expect_eq(check.parts[0].class_counts[1], 1);
    data_check_release(&check);
    data_check_release(&check);
    dataset_release(&train);
    dataset_release(&test);
}

Test(check, counts_copies_inside_and_between_parts)
{
    Dataset train, test;
    DataCheck check;
    files_read(FILES_WRITE("a.tsv", "x\ta\ny\tb\nx\ta\nx\tb\ny\ta\n"), NULL, &train);
    files_read(FILES_WRITE("b.tsv", "new\tb\ny\tb\nx\tb\nx\ta\n"), NULL, &test);
    const CheckPart parts[] = {{"train", &train}, {"test", &test}};
    check_parts(parts, 2, NULL, &check);
    cr_expect_eq(check.parts[0].n_duplicates, 3);
    cr_expect_eq(check.parts[0].n_conflicts, 2);
    cr_expect_eq(check.parts[0].first_conflict_line, 4);
    cr_expect_eq(check.parts[1].n_duplicates, 1);
    cr_expect_eq(check.overlaps[0].n_shared, 3);
    cr_expect_eq(check.overlaps[0].n_conflicts, 1);
    cr_expect_eq(check.overlaps[0].first_line, 2);
    cr_expect(warns(&check, "train and test: 3 of the 4 samples of test stand in train too ("));
    cr_expect(
        warns(&check,
              "b.tsv:2 is the first), 1 of them with another label: scores on test will flatter"));
    cr_expect(warns(&check, "train: 2 inputs with more than one label ("));
    cr_expect(warns(&check, "train: 3 of 5 samples repeat an earlier input"));
    cr_expect_eq(slice_find(check.warnings[0], SLICE("train and test")), 0); // the gravest first
    data_check_release(&check);
    dataset_release(&train);
    dataset_release(&test);
}

Test(check, compares_labels_by_name)
{
    Dataset train, test;
    DataCheck check;
    files_read(FILES_WRITE("a.tsv", "x\tpos\ny\tneg\n"), NULL, &train);
    files_read(FILES_WRITE("b.tsv", "x\tpos\n"), NULL, &test); // pos has another index here
    const CheckPart parts[] = {{"train", &train}, {"test", &test}};
    check_parts(parts, 2, NULL, &check);
    cr_expect_eq(check.overlaps[0].n_shared, 1);
    cr_expect_eq(check.overlaps[0].n_conflicts, 0);
    data_check_release(&check);
    dataset_release(&train);
    dataset_release(&test);
}

Test(check, warns_of_classes_texts_and_labels)
{
    Dataset d, one;
    DataCheck check;
    const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c`\n")};
    const ReadOptions options = {.labels = labels, .n_labels = 3, .label_optional = true};
    files_read(FILES_WRITE("a.tsv", "1\ta\n2\ta\n3\ta\n4\tb\n \ta\n5\t\n"), &options, &d);
    files_read(FILES_WRITE("b.tsv", "6\ta\n7\ta\n"), NULL, &one);
    const CheckPart parts[] = {{"train", &d}, {"dev", &one}};
    check_parts(parts, 2, &(CheckOptions){.imbalance_warned = 4}, &check);
    cr_expect(warns(&check, "train: no sample of class \"c`\n\""));
    cr_expect(warns(&check, "train: 1 sample without any text"));
    cr_expect(warns(&check, "train: 1 of 6 samples have no label"));
    cr_expect(warns(
        &check,
        "train: class \"a\" has 4.0 times as many samples as class \"b\" (4 and 1): look at macro "
        "F1 or MCC beside accuracy"));
    cr_expect(
        warns(&check, "dev: every labelled sample is of class \"a\": scores will say little"));
    cr_expect_eq(check.parts[0].n_empty, 1);
    cr_expect_eq(check.parts[0].n_unlabelled, 1);
    cr_expect_eq(check.parts[0].n_classes_present, 2);
    data_check_release(&check);
    const CheckPart alone[] = {{"train", &one}};
    check_parts(alone, 1, NULL, &check);
    cr_expect(
        warns(&check, "train: every labelled sample is of class \"a\": there is nothing to learn"));
    data_check_release(&check);
    dataset_release(&d);
    dataset_release(&one);
}

static Status count_bytes(void *context, const Sample *sample, size_t *n_tokens, Error *err)
{
    const size_t *refused = context;
    if (refused && sample->line == *refused)
        return error_set(err, STATUS_INVALID, "no tokens today");
    *n_tokens = sample->text.len + 2;
    return STATUS_OK;
}

Test(check, gives_quantiles_and_the_truncated_share)
{
    Dataset d;
    DataCheck check;
    Buffer text = {0};
    for (int i = 1; i <= 100; i++) {
        for (int j = 0; j < i; j++) buffer_append_cstr(&text, "é");
        buffer_append_cstr(&text, i % 2 ? "\ta\n" : "\tb\n");
    }
    files_read(files_write("a.tsv", buffer_slice(&text)), NULL, &d);
    const CheckPart parts[] = {{"train", &d}};
    const size_t characters[] = {1, 5, 25, 50, 75, 95, 100},
                 tokens[] = {4, 12, 52, 102, 152, 192, 202};
    check_parts(parts, 1, &(CheckOptions){.max_tokens = 90}, &check);
    cr_expect_arr_eq(check.parts[0].length, characters, sizeof characters);
    cr_expect_float_eq(check.parts[0].mean_length, 50.5, 1e-12);
    cr_expect_eq(check.parts[0].n_truncated, 10);
    cr_expect(warns(
        &check, "train: 10 of 100 samples (10.0%) are longer than 90 characters and will be cut"));
    data_check_release(&check);
    check_parts(parts, 1, &(CheckOptions){.count_tokens = count_bytes, .max_tokens = 202}, &check);
    cr_expect_arr_eq(check.parts[0].length, tokens, sizeof tokens);
    cr_expect_eq(check.parts[0].n_truncated, 0);
    cr_expect(check.counts_tokens);
    data_check_release(&check);
    size_t refused = 7;
    Error err = {0};
    cr_expect_eq(data_check(parts, 1,
                            &(CheckOptions){.count_tokens = count_bytes, .context = &refused},
                            &check, &err),
                 STATUS_INVALID);
    cr_expect_str_eq(err.text, "no tokens today");
    cr_expect_null(check.parts);
    dataset_release(&d);
    buffer_release(&text);
}

Test(check, survives_every_failed_allocation)
{
    Dataset d;
    files_read(FILES_WRITE("a.tsv", "x\ta\ny\tb\nx\tb\n"), NULL, &d);
    const CheckPart parts[] = {{"train", &d}, {"test", &d}};
    for (size_t n = 1;; n++) {
        Error err = {0};
        DataCheck check;
        arena_fail_after(n);
        const Status s = data_check(parts, 2, &(CheckOptions){0}, &check, &err);
        arena_fail_after(0);
        data_check_release(&check);
        if (s == STATUS_OK) break;
        cr_assert_eq(s, STATUS_MEMORY, "%s", err.text);
        cr_assert_lt(n, 200);
    }
    dataset_release(&d);
}

Test(check, nearly_equal_inputs_are_found_within_and_between_parts)
{
    static const char *const train =
        "text\tlabel\nthe quick brown fox jumps over the lazy dog near the old river bank today\ta\n"
        "The quick brown fox jumps over the lazy dog, near the old river bank: today!\tb\n"
        "something else entirely that nobody wrote before\ta\nshort one\tb\n";
    static const char *const test =
        "text\tlabel\nnothing like it\ta\n"
        "quick brown fox jumps over the lazy dog near the old river bank today\tb\nshort two\ta\n";
    Dataset a, b;
    Error err = {0};
    files_read(files_write("train.tsv", slice_from_cstr(train)), NULL, &a);
    files_read(files_write("test.tsv", slice_from_cstr(test)), NULL, &b);
    const CheckPart parts[] = {{"train", &a}, {"test", &b}};
    DataCheck check = {0};
    const CheckOptions options = {.near_threshold = 0.8};
    cr_assert_eq(data_check(parts, 2, &options, &check, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(check.parts[0].n_near, 1);
    cr_expect_eq(check.parts[1].n_near, 0);
    cr_expect_eq(check.overlaps[0].n_near, 1);
    cr_expect_eq(check.overlaps[0].n_shared, 0);
    bool is_said = false;
    for (size_t i = 0; i < check.n_warnings; i++)
        is_said = is_said ||
                  slice_find(check.warnings[i],
                             SLICE("1 of the 3 samples of test is nearly equal to one of train")) !=
                      SIZE_MAX;
    cr_expect(is_said);
    data_check_release(&check);
    const CheckOptions off = {0};
    cr_assert_eq(data_check(parts, 2, &off, &check, &err), STATUS_OK);
    cr_expect_eq(check.parts[0].n_near + check.overlaps[0].n_near, 0);
    data_check_release(&check);
    dataset_release(&a);
    dataset_release(&b);
    files_remove();
}
