// Questions answered by spans: whole runs over made-up passages.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const char *span_folder_with(const char *train, const char *epochs, const char *task,
                                    const char *folds)
{
    char text[4096];
    const char *folder = folder_make();
    snprintf(
        text, sizeof text,
        "{\"suite\": \"keys\", \"seed\": 3, \"models\": [{\"name\": \"tiny\", \"create\": "
        "{\"architecture\": \"bert\", \"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, "
        "\"intermediate_size\": 32, \"max_positions\": 24, \"vocab_size\": 120}}],\n"
        "\"tasks\": [{\"name\": \"keys\", \"family\": \"span\", \"doc_stride\": 6%s, \"data\": "
        "\"train.json\"}],\n"
        "\"tune\": {\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": %s}, \"folds\": %s,\n"
        "\"report\": {\"formats\": [\"json\"]}}\n",
        task, epochs, folds);
    folder_write(folder, "suite.json", text);
    folder_write(folder, "train.json", train);
    return folder;
}

static const char *span_folder(const char *train, const char *epochs)
{
    return span_folder_with(train, epochs, "", "{\"k\": 2}");
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

Test(span, a_run_learns_where_the_answer_stands)
{
    const char *folder = span_folder(questions(120, 10, false), "25");
    Buffer text = runs_export(folder, NULL);
    const double f1 = runs_best(&text, "squad_f1");
    cr_expect_gt(f1, 0.5, "F1 %g; %.300s", f1, strstr(text.ptr, "squad_f1"));
    buffer_release(&text);
    folder_remove(folder);
}

// F1 of the inner trials, which are judged on the part that a threshold is tuned on; n_found: trials with one.
static double inner_f1(const char *folder, size_t *n_found)
{
    Error err = {0};
    Store *store = NULL;
    Arena arena = {0};
    RunTrial *plan = NULL;
    RunResult result = {0};
    size_t n = 0;
    double sum = 0;
    *n_found = 0;
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_open(folder_path(folder, "a.db"), STORE_READ_ONLY, &store, &err), STATUS_OK);
    cr_assert_eq(
        store_get_plan(store, &arena, slice_from_cstr(result.run_id), &plan, NULL, &n, &err),
        STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Trial trial;
        if (plan[i].role == TRIAL_BASELINE) continue;
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_HEAD | TRIAL_CURVES,
                                     &trial, &err),
                     STATUS_OK);
        for (size_t k = 0; k < trial.n_curves; k++)
            *n_found += slice_eq_cstr(trial.curves[k].series, "null_threshold");
        for (size_t k = 0; k < trial.n_scores && plan[i].role == TRIAL_INNER; k++) {
            if (slice_eq_cstr(trial.scores[k].name, "squad_f1")) sum += trial.scores[k].estimate;
        }
    }
    arena_release(&arena);
    store_close(&store);
    run_result_release(&result);
    return sum;
}

Test(span, a_threshold_is_found_on_the_part_held_out)
{
    static const char *const fixed[] = {", \"null_threshold\": 0", ", \"null_threshold\": -1000",
                                        ", \"null_threshold\": 1000"};
    static const char folds[] = "{\"k\": 2, \"inner\": 0.4}";
    const char *train = questions(60, 12, true);
    size_t n_found = 0;
    const char *folder = span_folder_with(train, "3", ", \"null_threshold\": \"tune\"", folds);
    const double tuned = inner_f1(folder, &n_found);
    cr_expect_eq(n_found, 4, "%zu of 2 inner and 2 outer trials", n_found);
    Buffer plain = runs_export(folder, NULL);
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    buffer_release(&plain);
    buffer_release(&jobs);
    folder_remove(folder);
    for (size_t i = 0; i < 3; i++) {
        folder = span_folder_with(train, "3", fixed[i], folds);
        const double other = inner_f1(folder, &n_found);
        cr_expect_eq(n_found, 0);
        cr_expect_geq(tuned, other, "tuned %g, with%s %g", tuned, fixed[i], other);
        if (i > 0) cr_expect_gt(tuned, other, "tuned %g, with%s %g", tuned, fixed[i], other);
        folder_remove(folder);
    }
}

Test(span, a_threshold_is_not_found_where_nothing_is_held_out)
{
    Error err = {0};
    RunResult result = {0};
    const char *folder =
        span_folder_with(questions(20, 10, true), "1", ", \"null_threshold\": \"tune\"",
                         "{\"k\": 2, \"refit\": true}");
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "wants questions that are held out"), "%s", err.text);
    run_result_release(&result);
    folder_remove(folder);
}
