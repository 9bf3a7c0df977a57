// Questions answered by spans: whole runs over made-up passages.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

// Paragraphs in which the word after "key" answers; n_words around it. Every third question of `with_empty` has no answer.
static const char *questions(size_t n, size_t n_words, bool with_empty)
{
    static char text[1 << 18];
    size_t at =
        (size_t)snprintf(text, sizeof text, "{\"data\": [{\"title\": \"t\", \"paragraphs\": [");
    for (size_t i = 0; i < n; i++) {
        char context[4096];
        size_t len = 0, start = 0;
        for (size_t w = 0; w < n_words; w++) {
            if (w == (5 * i) % n_words) {
                len += (size_t)snprintf(context + len, sizeof context - len, "key ");
                start = len;
                len += (size_t)snprintf(context + len, sizeof context - len, "gold%zu ", i % 4);
            }
            len +=
                (size_t)snprintf(context + len, sizeof context - len, "word%zu ", (w * 7 + i) % 9);
        }
        at += (size_t)snprintf(
            text + at, sizeof text - at,
            "%s{\"context\": \"%s\", \"qas\": [{\"id\": \"q%zu\", \"question\": \"which\", "
            "\"answers\": [",
            i ? ", " : "", context, i);
        if (!with_empty || i % 3)
            at += (size_t)snprintf(text + at, sizeof text - at,
                                   "{\"text\": \"gold%zu\", \"answer_start\": %zu}", i % 4, start);
        at += (size_t)snprintf(text + at, sizeof text - at, "]}]}");
    }
    snprintf(text + at, sizeof text - at, "]}]}");
    return text;
}

static const char *span_folder(const char *train, const char *epochs)
{
    char text[4096];
    Error err = {0};
    const char *folder = folder_make();
    snprintf(
        text, sizeof text,
        "{\"suite\": \"keys\", \"seed\": 3, \"models\": [{\"name\": \"tiny\", \"create\": "
        "{\"architecture\": \"bert\", \"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, "
        "\"intermediate_size\": 32, \"max_positions\": 24, \"vocab_size\": 120}}],\n"
        "\"tasks\": [{\"name\": \"keys\", \"family\": \"span\", \"doc_stride\": 6, \"data\": "
        "\"train.json\"}],\n"
        "\"tune\": {\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": %s}, \"folds\": {\"k\": 2},\n"
        "\"report\": {\"formats\": [\"json\"]}}\n",
        epochs);
    cr_assert_eq(file_write(folder_path(folder, "suite.json"), slice_from_cstr(text), &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(file_write(folder_path(folder, "train.json"), slice_from_cstr(train), &err),
                 STATUS_OK, "%s", err.text);
    return folder;
}

// Passages of 40 words go through a model of 24 positions in windows.
Test(span, a_run_answers_every_question_and_no_byte_depends_on_jobs_or_threads)
{
    const char *folder = span_folder(questions(40, 40, true), "2");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
    cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("squad_f1")), SIZE_MAX);
    cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("squad_exact")), SIZE_MAX);
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    folder_remove(folder);
}

Test(span, questions_without_labels_are_neither_learnt_from_nor_scored)
{
    const char *folder =
        span_folder("{\"data\": [{\"paragraphs\": [{\"context\": \"a b\", \"qas\": [{\"question\": "
                    "\"q\", \"answers\": []}, {\"question\": \"r\", \"answers\": []}]}]}]}",
                    "1");
    Error err = {0};
    RunResult result = {0};
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect(
        strstr(err.text, "train.json: none of its 2 questions has an answer") &&
            strstr(err.text, "can be answered (assay predict), but neither learnt from nor scored"),
        "%s", err.text);
    run_result_release(&result);
    folder_remove(folder);
}

static double score_of(const char *export, const char *metric)
{
    static const char key[] = "\"estimate\":";
    char wanted[64];
    double best = 0;
    snprintf(wanted, sizeof wanted, "\"name\":\"%s\"", metric);
    for (const char *at = export; (at = strstr(at, wanted)) != NULL; at++) {
        const char *estimate = strstr(at, key);
        if (!estimate) break;
        const double value = strtod(estimate + sizeof key - 1, NULL);
        if (value > best) best = value;
    }
    return best;
}

Test(span, a_run_learns_where_the_answer_stands)
{
    const char *folder = span_folder(questions(120, 10, false), "25");
    Buffer text = runs_export(folder, NULL);
    const double f1 = score_of(text.ptr, "squad_f1");
    cr_expect_gt(f1, 0.5, "F1 %g; %.300s", f1, strstr(text.ptr, "squad_f1"));
    buffer_release(&text);
    folder_remove(folder);
}
