// The suites and tasks that come with assay, and suites of suites.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/suite/members.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

Test(suite, every_shipped_suite_and_task_is_valid)
{
    Arena arena = {0};
    Error err = {0};
    SuiteEntry *suites, *tasks;
    size_t n_suites, n_tasks;
    cr_assert_eq(suite_list_suites(&arena, &suites, &n_suites, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(suite_list_tasks(&arena, &tasks, &n_tasks, &err), STATUS_OK, "%s", err.text);
    cr_expect_geq(n_suites, 2);
    cr_expect_geq(n_tasks, 6);
    for (size_t i = 0; i < n_suites; i++) {
        const SuiteOverrides overrides = {.without_files = true};
        Suite *suite = NULL;
        const char *path = arena_cstr(&arena, suites[i].path);
        SuiteMembers members;
        cr_expect_gt(suites[i].summary.len, 10, "%s", path);
        cr_expect_eq(suite_members_load(&arena, path, &members, &err), STATUS_OK, "%s", err.text);
        if (members.n > 0) continue; // each of them is in this list
        cr_expect_eq(suite_load(path, &overrides, &suite, &err), STATUS_OK, "%s", err.text);
        suite_close(&suite);
    }
    for (size_t i = 0; i < n_tasks; i++) {
        const char *text =
            arena_printf(&arena, "{\"suite\": \"s\", \"tasks\": [{\"use\": \"%.*s\"}]}",
                         SLICE_ARG(tasks[i].name));
        const SuiteOverrides overrides = {.without_files = true};
        Suite *suite = NULL;
        cr_expect_eq(suite_parse("s.json", slice_from_cstr(text), &overrides, &suite, &err),
                     STATUS_OK, "%s", err.text);
        if (suite) cr_expect(slice_eq(suite->tasks[0].name, tasks[i].name));
        cr_expect_gt(tasks[i].summary.len, 10);
        suite_close(&suite);
    }
    arena_release(&arena);
}

static const struct {
    const char *text, *message;
} wrong_members[] = {
    {"{\"suite\": \"s\", \"suites\": []}", "members.json:1:26: suites: the list names no suite"},
    {"{\"suite\": \"s\", \"suites\": [\"nerr\"]}", "did you mean \"ner\"?"},
    {"{\"suite\": \"s\", \"suites\": [\"ner\", \"ner\"]}", "two of the suites are called \"ner\""},
    {"{\"suite\": \"s\", \"suites\": [\"./gone.json\"]}", "gone.json is not there"},
    {"{\"suite\": \"s\", \"suites\": [\"ner\"], \"seed\": 3}", "a suite of suites has no \"seed\""},
    {"{\"suite\": \"s\", \"suites\": [3]}", "want a string"},
};

Test(suite, a_suite_of_suites_that_is_wrong_is_refused_by_place)
{
    const char *folder = folder_make();
    for (size_t i = 0; i < sizeof wrong_members / sizeof *wrong_members; i++) {
        Arena arena = {0};
        SuiteMembers members;
        Error err = {0};
        const char *path = folder_write(folder, "members.json", wrong_members[i].text);
        cr_expect_eq(suite_members_load(&arena, path, &members, &err), STATUS_INVALID);
        cr_expect_not_null(strstr(err.text, wrong_members[i].message), "%s", err.text);
        arena_release(&arena);
    }
    folder_remove(folder);
}

Test(suite, a_suite_of_suites_names_its_members_in_order)
{
    const char *folder = folder_make();
    const char *path = folder_write(folder, "members.json",
                                    "{\"suite\": \"s\", \"suites\": [\"sentiment\", \"ner\"]}");
    Arena arena = {0};
    SuiteMembers members;
    Error err = {0};
    cr_assert_eq(suite_members_load(&arena, path, &members, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(members.n, 2);
    suites_want_text(members.suite, "s");
    suites_want_text(members.all[0].name, "sentiment");
    suites_want_text(members.all[1].name, "ner");
    arena_release(&arena);
    folder_remove(folder);
}

static const struct {
    const char *task, *file;
    size_t n_samples;
} shared_files[] = {
    {"sst2", "data/sst2/dev.tsv", 872},
    {"mr", "data/mr/rt-polarity.all", 10662},
    {"trec", "data/trec/TREC.test.all", 500},
    {"tweeteval-sentiment", "data/tweeteval/sentiment/val_text.txt", 2000},
    {"tweeteval-offensive", "data/tweeteval/offensive/test_text.txt", 860},
    {"squad", "data/squad1/dev-v1.1.json", 10570},
    {"wnut17", "data/wnut17/wnut17train.conll", 3394},
};

Test(suite, shipped_tasks_read_the_data_they_are_for)
{
    for (size_t i = 0; i < sizeof shared_files / sizeof *shared_files; i++) {
        const char *path = shared_need(shared_files[i].file);
        char text[256];
        const SuiteOverrides overrides = {.without_files = true};
        Suite *suite = NULL;
        Dataset data = {0};
        Error err = {0};
        snprintf(text, sizeof text, "{\"suite\": \"s\", \"tasks\": [{\"use\": \"%s\"}]}",
                 shared_files[i].task);
        cr_assert_eq(suite_parse("s.json", slice_from_cstr(text), &overrides, &suite, &err),
                     STATUS_OK, "%s", err.text);
        cr_expect_eq(dataset_read(path, &suite->tasks[0].read, &data, &err), STATUS_OK, "%s",
                     err.text);
        cr_expect_eq(data.n_samples, shared_files[i].n_samples, "%s: %zu samples",
                     shared_files[i].task, data.n_samples);
        dataset_release(&data);
        suite_close(&suite);
    }
}
