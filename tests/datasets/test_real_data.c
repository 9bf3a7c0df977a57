// Data sets as people have them; their facts are counted in the shared data's own README.
#include "base/buffer.h"
#include "datasets/check.h"
#include "tests/datasets/files.h"
#include "tests/support/shared.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(real_data, .fini = files_remove);

static size_t count_label(const Dataset *d, const char *name)
{
    const int32_t label = label_find(d->labels, d->n_labels, slice_from_cstr(name));
    size_t n = 0;
    for (size_t i = 0; i < d->n_samples; i++) n += d->samples[i].label == label;
    return n;
}

Test(real_data, sst2_has_the_counts_that_are_published)
{
    static const struct {
        const char *part;
        size_t n, n_positive;
    } parts[] = {{"train", 6920, 3610}, {"dev", 872, 444}, {"test", 1821, 909}};
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", shared_need("data/sst2"));
    Arena arena = {0};
    for (size_t i = 0; i < 3; i++) {
        Error err = {0};
        char *path = NULL;
        Dataset d;
        cr_assert_eq(dataset_find_part(&arena, folder, parts[i].part, (Slice){0}, &path, &err),
                     STATUS_OK, "%s", err.text);
        files_read(path, NULL, &d);
        cr_expect_eq(d.n_samples, parts[i].n);
        cr_expect_eq(count_label(&d, "1"), parts[i].n_positive);
        cr_expect_eq(d.n_labels, 2);
        dataset_release(&d);
    }
    arena_release(&arena);
}

Test(real_data, movie_reviews_are_refused_as_utf8_and_read_as_windows_1252)
{
    const char *path = shared_need("data/mr/rt-polarity.all");
    ReadOptions options = {.format = SLICE_LIT("tsv"),
                           .delimiter = ' ',
                           .columns = {.label = SLICE_LIT("1"), .text = SLICE_LIT("2")}};
    cr_expect(strstr(files_refusal(path, &options),
                     "is not valid UTF-8: save the file as UTF-8, or say what it is "
                     "with \"encoding\": \"latin1\" or \"windows-1252\""));
    Dataset d;
    options.encoding = ENCODING_WINDOWS_1252;
    files_read(path, &options, &d);
    cr_expect_eq(d.n_samples, 10662);
    cr_expect_eq(count_label(&d, "0"), 5331);
    dataset_release(&d);
}

Test(real_data, tweets_are_read_with_the_labels_beside_them)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", shared_need("data/tweeteval/offensive"));
    static const struct {
        const char *part;
        size_t n;
    } parts[] = {{"train", 11916}, {"dev", 1324}, {"test", 860}};
    Arena arena = {0};
    for (size_t i = 0; i < 3; i++) {
        Error err = {0};
        char *path = NULL;
        Dataset d;
        cr_assert_eq(dataset_find_part(&arena, folder, parts[i].part, (Slice){0}, &path, &err),
                     STATUS_OK, "%s", err.text);
        files_read(path, NULL, &d);
        cr_expect_eq(d.n_samples, parts[i].n, "%s: %zu", path, d.n_samples);
        cr_expect_eq(d.n_labels, 2);
        dataset_release(&d);
    }
    arena_release(&arena);
}

Test(real_data, crows_pairs_keeps_its_quoted_line_break)
{
    Dataset d;
    const ReadOptions options = {
        .columns = {.text = SLICE_LIT("sent_more"),
                    .pair = SLICE_LIT("sent_less"),
                    .label = SLICE_LIT("stereo_antistereo"),
                    .attributes = (ReadAttribute[]){{SLICE_LIT("bias"), SLICE_LIT("bias_type")}},
                    .n_attributes = 1}};
    files_read(shared_need("data/crows-pairs/crows_pairs_anonymized.csv"), &options, &d);
    cr_expect_eq(d.n_samples, 1508);
    cr_expect_eq(count_label(&d, "stereo"), 1290);
    cr_expect_eq(count_label(&d, "antistereo"), 218);
    cr_expect_eq(d.samples[1507].line, 1510);
    dataset_release(&d);
}

Test(real_data, bbq_is_read_from_json_lines)
{
    Dataset d;
    const ReadOptions options = {
        .columns = {.text = SLICE_LIT("context"),
                    .pair = SLICE_LIT("question"),
                    .id = SLICE_LIT("example_id"),
                    .attributes = (ReadAttribute[]){{SLICE_LIT("source"),
                                                     SLICE_LIT("additional_metadata.source")}},
                    .n_attributes = 1}};
    files_read(shared_need("data/bbq/Age.jsonl"), &options, &d);
    cr_expect_eq(d.n_samples, 3680);
    cr_expect_eq(d.n_labels, 3);
    cr_expect_gt(d.samples[0].attributes[0].value.len, 0);
    dataset_release(&d);
}

Test(real_data, the_check_finds_what_sst2_repeats)
{
    char train_path[4096], test_path[4096];
    snprintf(train_path, sizeof train_path, "%s", shared_need("data/sst2/train.tsv"));
    snprintf(test_path, sizeof test_path, "%s", shared_need("data/sst2/test.tsv"));
    Dataset train, test;
    DataCheck check;
    Error err = {0};
    files_read(train_path, NULL, &train);
    files_read(test_path, NULL, &test);
    const CheckPart parts[] = {{"train", &train}, {"test", &test}};
    cr_assert_eq(data_check(parts, 2, &(CheckOptions){0}, &check, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(check.parts[0].n_duplicates, 9);
    cr_expect_eq(check.overlaps[0].n_shared, 2);
    data_check_release(&check);
    dataset_release(&train);
    dataset_release(&test);
}
