// Tagging: from scores to tags, and whole runs over made-up sentences.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/tasks/tag_scheme.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

static const Slice iob2[] = {SLICE_LIT("B-P"), SLICE_LIT("I-P"), SLICE_LIT("I-Q"), SLICE_LIT("O")};
static const Slice iobes[] = {SLICE_LIT("B-P"), SLICE_LIT("E-P"), SLICE_LIT("I-P"), SLICE_LIT("O"),
                              SLICE_LIT("S-P")};

// Rows of probabilities in percent become log-probabilities.
static void expect_tags(const Slice *tags, size_t n_tags, bool is_valid, const int *percent,
                        size_t n, const char *wanted)
{
    Arena arena = {0};
    Error err = {0};
    TagDecoder decoder;
    Slice *chosen = NULL;
    double scores[64];
    char found[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < n * n_tags; i++)
        scores[i] = percent[i] < 0 ? (double)NAN : log(percent[i] / 100.0);
    cr_assert_eq(tag_decoder_init(&decoder, tags, n_tags, is_valid, &arena, &err), STATUS_OK);
    cr_assert_eq(tag_decode(&decoder, scores, n, &arena, &chosen, &err), STATUS_OK);
    for (size_t w = 0; w < n; w++)
        len += (size_t)snprintf(found + len, sizeof found - len, "%s" SLICE_FMT, w ? " " : "",
                                SLICE_ARG(chosen[w]));
    cr_expect_str_eq(found, wanted, "%s, but %s", found, wanted);
    arena_release(&arena);
}

Test(tag, the_best_tag_of_each_word_or_the_best_valid_sequence)
{
    static const int scores[] = {10, 60, 10, 20, /**/ 5, 50, 40, 5, /**/ 1, 1, 97, 1};
    expect_tags(iob2, 4, false, scores, 3, "I-P I-P I-Q");
    // I-Q never follows B-Q, which is no tag here; I-P must follow B-P or I-P.
    expect_tags(iob2, 4, true, scores, 3, "B-P I-P B-P");
    static const int open[] = {70, 5, 5, 10, 10, /**/ 5, 5, 60, 20, 10};
    expect_tags(iobes, 5, false, open, 2, "B-P I-P");
    expect_tags(iobes, 5, true, open, 2, "B-P E-P");
}

Test(tag, a_word_that_the_model_did_not_see_is_outside)
{
    static const int scores[] = {90, 4, 3, 3, /**/ -1, -1, -1, -1, /**/ 4, 90, 3, 3};
    expect_tags(iob2, 4, false, scores, 3, "B-P O I-P");
    expect_tags(iob2, 4, true, scores, 3, "B-P O B-P");
    expect_tags(iob2, 4, true, scores, 0, "");
}

// A name follows "mr"; sentence i has a name where i is odd. words: of each sentence besides.
static const char *sentences(size_t n, size_t n_words)
{
    static char text[65536];
    size_t at = 0;
    for (size_t i = 0; i < n && at < sizeof text - 4096; i++) {
        for (size_t w = 0; w < n_words; w++)
            at += (size_t)snprintf(text + at, sizeof text - at, "word%zu\tO\n", (i + w) % 9);
        if (i % 2)
            at += (size_t)snprintf(text + at, sizeof text - at, "mr\tO\nname%zu\tB-PER\n", i % 5);
        at += (size_t)snprintf(text + at, sizeof text - at, "\n");
    }
    return text;
}

static const char *tag_folder(const char *train, const char *task, const char *folds)
{
    char text[4096];
    const char *folder = folder_make();
    snprintf(
        text, sizeof text,
        "{\"suite\": \"names\", \"seed\": 3, \"models\": [{\"name\": \"tiny\", \"create\": "
        "{\"architecture\": \"bert\", \"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, "
        "\"intermediate_size\": 32, \"max_positions\": 24, \"vocab_size\": 120}}],\n"
        "\"tasks\": [{\"name\": \"names\", \"family\": \"tag\"%s%s}],\n"
        "\"tune\": {\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 10}, \"folds\": %s,\n"
        "\"report\": {\"formats\": [\"json\"]}}\n",
        task, strstr(task, "\"data\"") ? "" : ", \"data\": \"train.conll\"", folds);
    folder_write(folder, "suite.json", text);
    folder_write(folder, "train.conll", train);
    return folder;
}

Test(tag, a_run_learns_names_and_no_byte_depends_on_jobs_or_threads)
{
    const char *folder = tag_folder(sentences(60, 3), ", \"decode\": \"valid\"", "{\"k\": 2}");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
    cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("entity_f1/type/PER/f1")), SIZE_MAX);
    cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("O O O O B-PER")), SIZE_MAX);
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    folder_remove(folder);
}

// Sentences of 60 words and more through a model of 24 positions: every word is answered, and the names are found.
Test(tag, sentences_longer_than_the_model_lose_no_word)
{
    const char *folder = tag_folder(sentences(40, 60), "", "{\"k\": 2}");
    Error err = {0};
    RunResult result = {0};
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_failed, 0);
    run_result_release(&result);
    Buffer text = runs_export(folder, NULL);
    size_t n = 0, at = 0;
    const Slice all = buffer_slice(&text);
    for (;;) {
        const size_t found = slice_find(slice_sub(all, at, all.len), SLICE(" O O B-PER\""));
        if (found == SIZE_MAX) break;
        at += found + 1;
        n++;
    }
    cr_expect_geq(n, 20, "%zu names at the end of long sentences", n); // at least in the references
    buffer_release(&text);
    folder_remove(folder);
}

Test(tag, tags_that_training_never_saw_are_counted_and_missed)
{
    const char *folder = tag_folder(
        sentences(40, 3), ", \"data\": {\"train\": \"train.conll\", \"test\": \"test.conll\"}",
        "{\"k\": 0}");
    folder_write(folder, "test.conll", "a\tO\nb\tB-ORG\n\nthe\tO\nb\tI-ORG\n");
    Buffer text = runs_export(folder, NULL);
    cr_expect(strstr(text.ptr, "test: 2 words have tags that the training part has not (the first, "
                               "\\\"B-ORG\\\", in the sentence of line 1)"),
              "%.3000s", text.ptr);
    cr_expect(strstr(text.ptr, "entity_f1/type/ORG/f1"));
    buffer_release(&text);
    folder_remove(folder);
}

Test(tag, data_that_cannot_be_tagged_are_refused_by_name)
{
    static const struct {
        const char *train, *task, *says;
    } cases[] = {
        {"a\tO\nb\tO\n\nc\tO\n", "", "all words bear one tag"},
        {"a\tO\nb\tB-X\n\nc\tO\n", ", \"labels\": [\"O\", \"B-Y\"]",
         "the tag \"B-X\" of the sentence in line 1"},
        {"a\tO\nb\n", "", "the line has 1 column, the lines before 2"},
        {"a\tO\nb\tB-X\n\nc\tB-X\nd\tI-X\n", ", \"scheme\": \"IOBES\"",
         "train.conll:1: tag 2 of the sentence, \"B-X\", breaks the scheme IOBES that the task declares "
         "(so do 2 of 2 sentences); all fit \"scheme\": \"IOB2\""},
        {"a\tO\nb\tI-X\n\nc\tB-X\nd\tE-X\n", ", \"scheme\": \"IOB2\"",
         "correct the tags, or leave \"scheme\" out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = tag_folder(cases[i].train, cases[i].task, "{\"k\": 2}");
        Error err = {0};
        RunResult result = {0};
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID, "case %zu", i);
        cr_expect(strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
        run_result_release(&result);
        folder_remove(folder);
    }
}
