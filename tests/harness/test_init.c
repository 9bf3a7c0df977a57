// The suite that `assay init` writes for a file.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "harness/init.h"
#include "harness/suite/suite.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

// Rows of a table: `n` of each class, every text another one. In the format @ is the class and # the text.
static void put_rows(Buffer *out, const char *format, const char *const *classes, const size_t *n,
                     size_t n_classes)
{
    for (size_t c = 0; c < n_classes; c++) {
        for (size_t i = 0; i < n[c]; i++) {
            char text[64];
            snprintf(text, sizeof text, "text %zu of kind %zu, plain", i, c);
            for (const char *f = format; *f; f++) {
                const char same[2] = {*f, '\0'};
                buffer_append_cstr(out, *f == '@' ? classes[c] : *f == '#' ? text : same);
            }
        }
    }
}

// Writes the file, makes its suite, loads it and reads the data by it. The suite's text is left in *text.
static Suite *round_trip(const char *folder, const char *name, Slice rows,
                         const InitOptions *options, Buffer *text, size_t n_samples)
{
    Suite *suite = NULL;
    Dataset data = {0};
    Error err = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(file_write(path, rows, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(init_suite(path, options, text, &err), STATUS_OK, "%s: %s", name, err.text);
    cr_assert_eq(
        suite_parse(folder_path(folder, "suite.json"), buffer_slice(text), NULL, &suite, &err),
        STATUS_OK, "%s: %s\n%s", name, err.text, text->ptr);
    ReadOptions read = suite->tasks[0].read;
    read.wants_target = read.label_optional = slice_eq_cstr(suite->tasks[0].family, "translate");
    read.wants_label_set = slice_eq_cstr(suite->tasks[0].family, "multilabel");
    read.wants_value = slice_eq_cstr(suite->tasks[0].family, "regression");
    cr_assert_eq(dataset_read(suite->tasks[0].train, &read, &data, &err), STATUS_OK, "%s: %s", name,
                 err.text);
    cr_expect_eq(data.n_samples, n_samples, "%s: %zu samples", name, data.n_samples);
    dataset_release(&data);
    return suite;
}

static const char *const two[] = {"good", "bad"};

static const struct {
    const char *name, *header, *format;
} layouts[] = {
    {"a.tsv", "text\tlabel\n", "#\t@\n"},
    {"b.csv", "label,review\n", "@,\"#\"\n"},
    {"c.csv", "label;review\n", "@;#\n"},
    {"d.txt", "text\tlabel\n", "#\t@\n"},
    {"e.jsonl", "", "{\"content\": \"#\", \"kind\": \"@\", \"label\": \"@\"}\n"},
    {"no header.tsv", "", "#\t@\n"},
};

Test(init, every_layout_gives_a_suite_that_reads_its_file)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        static const size_t n[] = {20, 30};
        const char *folder = folder_make();
        Buffer rows = {0}, text = {0};
        buffer_append_cstr(&rows, layouts[i].header);
        put_rows(&rows, layouts[i].format, two, n, 2);
        Suite *suite = round_trip(folder, layouts[i].name, buffer_slice(&rows), NULL, &text, 50);
        cr_expect_eq(suite->folds.k, 5, "%s", layouts[i].name);
        cr_expect_eq(suite->tasks[0].read.n_labels, 2, "%s", layouts[i].name);
        cr_expect(slice_eq_cstr(suite->tasks[0].primary, "accuracy"), "%s", layouts[i].name);
        cr_expect_not_null(strstr(text.ptr, "\"good\" // 20 samples"), "%s\n%s", layouts[i].name,
                           text.ptr);
        cr_expect_not_null(strstr(text.ptr, "right 60.0% of the time"), "%s", text.ptr);
        suite_close(&suite);
        buffer_release(&rows);
        buffer_release(&text);
        folder_remove(folder);
    }
}

Test(init, folds_and_score_suit_the_smallest_class)
{
    static const struct {
        size_t n[2], k;
        bool allow_rare;
        const char *primary;
    } cases[] = {{{40, 10}, 5, false, "f1"},
                 {{12, 9}, 3, false, "accuracy"},
                 {{30, 3}, 3, false, "f1"},
                 {{30, 2}, 2, false, "f1"},
                 {{30, 1}, 2, true, "f1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = folder_make();
        Buffer rows = {0}, text = {0};
        buffer_append_cstr(&rows, "text\tlabel\n");
        put_rows(&rows, "#\t@\n", two, cases[i].n, 2);
        Suite *suite = round_trip(folder, "x.tsv", buffer_slice(&rows), NULL, &text,
                                  cases[i].n[0] + cases[i].n[1]);
        cr_expect_eq(suite->folds.k, cases[i].k, "case %zu: %zu folds", i, suite->folds.k);
        cr_expect_eq(suite->folds.allow_rare, cases[i].allow_rare, "case %zu", i);
        cr_expect(slice_eq_cstr(suite->tasks[0].primary, cases[i].primary), "case %zu", i);
        suite_close(&suite);
        buffer_release(&rows);
        buffer_release(&text);
        folder_remove(folder);
    }
}

Test(init, names_that_would_break_a_comment_do_not)
{
    static const char *const classes[] = {"\"two\nlines\"", "\"a \"\"quoted\"\" `one` */ @ {}\""};
    static const size_t n[] = {10, 10};
    const char *folder = folder_make();
    Buffer rows = {0}, text = {0};
    buffer_append_cstr(&rows, "text,\"la\nbel\",other\n");
    put_rows(&rows, "\"#\",@,5\n", classes, n, 2);
    const InitOptions options = {.name = SLICE_LIT("odd \"name\"\n"),
                                 .label = SLICE_LIT("la\nbel")};
    Suite *suite = round_trip(folder, "odd.csv", buffer_slice(&rows), &options, &text, 20);
    cr_expect(slice_eq_cstr(suite->name, "odd \"name\"\n"));
    suite_close(&suite);
    buffer_release(&rows);
    buffer_release(&text);
    folder_remove(folder);
}

Test(init, columns_paths_and_model_can_be_told)
{
    static const size_t n[] = {10, 10};
    const char *folder = folder_make();
    Buffer rows = {0}, text = {0};
    Error err = {0};
    buffer_append_cstr(&rows, "one\ttwo\tthree\n");
    put_rows(&rows, "1\t@\t#\n", two, n, 2);
    cr_assert_eq(file_make_directories(folder_path(folder, "models/mine"), &err), STATUS_OK);
    const InitOptions options = {.name = SLICE_LIT("told"),
                                 .data_path = SLICE_LIT("data.tsv"),
                                 .model_path = SLICE_LIT("models/mine"),
                                 .text = SLICE_LIT("three"),
                                 .label = SLICE_LIT("two")};
    Suite *suite = round_trip(folder, "data.tsv", buffer_slice(&rows), &options, &text, 20);
    cr_expect(slice_eq_cstr(suite->name, "told"));
    cr_expect(slice_eq_cstr(suite->tasks[0].read.columns.text, "three"));
    cr_expect_eq(suite->models[0].kind, SUITE_MODEL_SAVED);
    cr_expect(slice_ends_with(slice_from_cstr(suite->models[0].path), SLICE("/models/mine")));
    suite_close(&suite);
    buffer_release(&rows);
    buffer_release(&text);
    folder_remove(folder);
}

static const struct {
    const char *name, *text, *message;
} refused[] = {
    {"x.conll", "EU\tO\nrejects\tO\n\nPeter\tO\nspoke\tO\n\nA\tO\nB\tO\n\n",
     "all words bear one tag"},
    {"x.json",
     "{\"data\": [{\"paragraphs\": [{\"context\": \"c d\", \"qas\": [{\"id\": \"1\", \"question\": \"q\", "
     "\"is_impossible\": true, \"answers\": []}]}]}]}",
     "none of the 1 questions has an answer"},
    {"x.tsv", "text\tlabel\na b\tyes\nc d\tyes\n", "all 2 samples have one class"},
    {"x.tsv", "text\tlabel\na b\tx\nc d\ty\n", "stands twice, so it is no class"},
    {"x.tsv", "", "x.tsv"},
};

static const char
    *const conll = "EU\tB-ORG\nrejects\tO\n\nPeter\tB-PER\nspoke\tO\n\nA\tO\nB\tO\n\n",
           *const conll_ends = "EU\tS-ORG\nsays\tO\n\nMr\tB-PER\nX\tE-PER\n\n",
           *const squad =
               "{\"data\": [{\"title\": \"a\", \"paragraphs\": [{\"context\": \"c d\", \"qas\": "
               "[{\"id\": \"1\", \"question\": \"q\", \"answers\": [{\"text\": \"d\", "
               "\"answer_start\": 2}]}, {\"id\": \"2\", \"question\": \"r\", \"is_impossible\": "
               "true, \"answers\": []}]}]}]}";

Test(init, sources_with_targets_get_a_translator)
{
    const char *folder = folder_make();
    Buffer text = {0};
    Suite *suite = round_trip(
        folder, "x.tsv",
        SLICE("source\ttarget\tn\na b\tc d\t1\ne f\tg h\t2\ni j\tk l\t3\nm n\t\t4\no p\tq r\t5\n"),
        NULL, &text, 4);
    cr_expect(slice_eq_cstr(suite->tasks[0].family, "translate"));
    cr_expect(slice_eq_cstr(suite->tasks[0].read.columns.target, "target"));
    cr_expect_eq(suite->tasks[0].read.empty_sides, EMPTY_SIDES_DROP);
    cr_expect_not_null(strstr(text.ptr, "4 sources with their targets"), "%s", text.ptr);
    cr_expect(slice_eq_cstr(suite->models[0].create.architecture, "marian"));
    suite_close(&suite);
    buffer_clear(&text);
    // A column that is called target but holds two classes is one of classes.
    suite =
        round_trip(folder, "y.tsv", SLICE("source\ttarget\na\t0\nb\t1\nc\t0\nd\t1\ne\t0\nf\t1\n"),
                   NULL, &text, 6);
    cr_expect(slice_eq_cstr(suite->tasks[0].family, "classify"));
    suite_close(&suite);
    buffer_release(&text);
    folder_remove(folder);
}

Test(init, two_files_of_lines_are_sources_and_targets)
{
    const char *folder = folder_make();
    Buffer text = {0};
    Error err = {0};
    char targets[4096];
    Suite *suite = NULL;
    snprintf(targets, sizeof targets, "%s", folder_path(folder, "t.de"));
    folder_write(folder, "t.en", "a\nb\nc\nd\n");
    cr_assert_eq(file_write(targets, SLICE("1\n2\n3\n4\n"), &err), STATUS_OK);
    const InitOptions options = {.target_path = targets};
    cr_assert_eq(init_suite(folder_path(folder, "t.en"), &options, &text, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(
        suite_parse(folder_path(folder, "suite.json"), buffer_slice(&text), NULL, &suite, &err),
        STATUS_OK, "%s", err.text);
    cr_expect_eq(suite->tasks[0].train_targets.n, 1);
    suite_close(&suite);
    buffer_clear(&text);
    cr_assert_eq(init_suite(folder_path(folder, "t.en"), NULL, &text, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "assay init "), "%s", err.text);
    cr_assert_eq(file_write(targets, SLICE("1\n2\n3\n"), &err), STATUS_OK);
    cr_assert_eq(init_suite(folder_path(folder, "t.en"), &options, &text, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "3 lines"), "%s", err.text);
    buffer_release(&text);
    folder_remove(folder);
}

// The first answer stands two places on, the other nowhere.
static const char misplaced[] =
    "{\"data\": [{\"title\": \"a\", \"paragraphs\": [{\"context\": \"c d e\", \"qas\": "
    "[{\"id\": \"1\", \"question\": \"q\", \"answers\": [{\"text\": \"d\", \"answer_start\": 0}, "
    "{\"text\": \"f\", \"answer_start\": 2}]}, {\"id\": \"2\", \"question\": \"r\", \"answers\": "
    "[{\"text\": \"e\", \"answer_start\": 4}]}]}]}]}";

Test(init, answers_out_of_place_are_said_and_moved)
{
    const char *folder = folder_make();
    Buffer text = {0};
    Suite *suite = round_trip(folder, "x.json", slice_from_cstr(misplaced), NULL, &text, 2);
    cr_expect_eq(suite->tasks[0].read.bad_answers, BAD_ANSWERS_RELOCATE);
    cr_expect_not_null(strstr(text.ptr, "// \"2 of 3 answers do not stand"), "%s", text.ptr);
    suite_close(&suite);
    buffer_release(&text);
    folder_remove(folder);
}

Test(init, tags_and_questions_get_the_task_that_fits)
{
    const char *folder = folder_make();
    Buffer text = {0};
    Suite *suite = round_trip(folder, "x.conll", slice_from_cstr(conll), NULL, &text, 3);
    cr_expect(slice_eq_cstr(suite->tasks[0].family, "tag"));
    cr_expect(slice_eq_cstr(suite->tasks[0].scheme, "IOB2"));
    cr_expect_not_null(strstr(text.ptr, "3 sentences, 6 words, 3 tags"), "%s", text.ptr);
    suite_close(&suite);
    buffer_clear(&text);
    suite = round_trip(folder, "y.conll", slice_from_cstr(conll_ends), NULL, &text, 2);
    cr_expect(slice_eq_cstr(suite->tasks[0].scheme, "IOBES"));
    suite_close(&suite);
    buffer_clear(&text);
    suite = round_trip(folder, "x.json", slice_from_cstr(squad), NULL, &text, 2);
    cr_expect(slice_eq_cstr(suite->tasks[0].family, "span"));
    cr_expect_not_null(strstr(text.ptr, "1 of the questions have no answer"), "%s", text.ptr);
    suite_close(&suite);
    buffer_release(&text);
    folder_remove(folder);
}

Test(init, what_cannot_be_tuned_on_is_named_for_what_it_is)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *folder = folder_make();
        const char *path = folder_path(folder, refused[i].name);
        Buffer text = {0};
        Error err = {0};
        cr_assert_eq(file_write(path, slice_from_cstr(refused[i].text), &err), STATUS_OK);
        cr_expect_eq(init_suite(path, NULL, &text, &err), STATUS_INVALID, "case %zu", i);
        cr_expect_not_null(strstr(err.text, refused[i].message), "case %zu: %s", i, err.text);
        buffer_release(&text);
        folder_remove(folder);
    }
}

Test(init, a_missing_file_is_named)
{
    Buffer text = {0};
    Error err = {0};
    cr_expect_eq(init_suite("/nowhere/x.csv", NULL, &text, &err), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "/nowhere/x.csv"), "%s", err.text);
    buffer_release(&text);
}

static const char *const real[] = {"data/sst2/train.tsv", "data/trec/TREC.train.all",
                                   "data/mr/rt-polarity.all",
                                   "data/tweeteval/offensive/train_text.txt"};

Test(init, real_files_give_suites_that_load)
{
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        const char *path = shared_path(real[i]);
        Suite *suite = NULL;
        Dataset data = {0};
        Buffer text = {0};
        Error err = {0};
        if (!path) cr_skip_test("shared data absent");
        cr_assert_eq(init_suite(path, NULL, &text, &err), STATUS_OK, "%s: %s", real[i], err.text);
        cr_assert_eq(suite_parse("suite.json", buffer_slice(&text), NULL, &suite, &err), STATUS_OK,
                     "%s: %s\n%s", real[i], err.text, text.ptr);
        cr_expect_eq(dataset_read(suite->tasks[0].train, &suite->tasks[0].read, &data, &err),
                     STATUS_OK, "%s: %s", real[i], err.text);
        dataset_release(&data);
        suite_close(&suite);
        buffer_release(&text);
    }
}

// Lists, columns of 0 and 1, and numbers are no classes; columns of 0 and 1 beside a label are.
Test(init, files_of_label_sets_and_numbers_get_suites_of_their_own)
{
    static const struct {
        const char *name, *header, *format, *family, *says;
    } cases[] = {
        {"a.jsonl", "", "{\"text\": \"#\", \"labels\": [\"@\"]}\n", "multilabel",
         "\"bad\", // 30 samples"},
        {"b.csv", "text,toxic,insult\n", "\"#\",1,0\n", "multilabel",
         "\"label\": [\"toxic\", \"insult\"]"},
        {"c.csv", "text,label,insult\n", "\"#\",@,0\n", "classify", "\"label\": \"label\""},
        {"d.tsv", "sentence1\tsentence2\tscore\n", "#\t@\t", "regression", "\"pearson\""},
    };
    static const size_t n[] = {20, 30};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = folder_make();
        Buffer rows = {0}, text = {0};
        buffer_append_cstr(&rows, cases[i].header);
        if (i != 3) put_rows(&rows, cases[i].format, two, n, 2);
        for (size_t k = 0; i == 3 && k < 50; k++)
            buffer_printf(&rows, "first text %zu\tsecond text\t%.2f\n", k, 0.11 * (double)k);
        Suite *suite = round_trip(folder, cases[i].name, buffer_slice(&rows), NULL, &text, 50);
        cr_expect(slice_eq_cstr(suite->tasks[0].family, cases[i].family), "%s: " SLICE_FMT,
                  cases[i].name, SLICE_ARG(suite->tasks[0].family));
        cr_expect(strstr(text.ptr, cases[i].says), "%s", text.ptr);
        cr_expect_eq(suite->folds.k, 5);
        suite_close(&suite);
        buffer_release(&rows);
        buffer_release(&text);
        folder_remove(folder);
    }
}
