#include "tests/harness/suites.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/support/folder.h"

const char *suites_folder(const char *suite)
{
    static const char rows[] =
        "text\tlabel\tauthor\ngood film\tpositive\ta\nbad film\tnegative\tb\n";
    const char *folder = folder_make();
    Error err = {0};
    cr_assert_eq(file_make_directories(folder_path(folder, "model"), &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(file_make_directories(folder_path(folder, "data"), &err), STATUS_OK, "%s",
                 err.text);
    folder_write(folder, "suite.json", suite);
    folder_write(folder, "data/train.tsv", rows);
    folder_write(folder, "data/dev.tsv", rows);
    folder_write(folder, "data/test.tsv", rows);
    return folder;
}

Suite *suites_load(const char *folder, const SuiteOverrides *overrides)
{
    Suite *suite = NULL;
    Error err = {0};
    cr_assert_eq(suite_load(folder_path(folder, "suite.json"), overrides, &suite, &err), STATUS_OK,
                 "%s", err.text);
    return suite;
}

const char *suites_refusal(const char *text, const SuiteOverrides *overrides)
{
    static char message[ERROR_TEXT_SIZE];
    const char *folder = suites_folder(text);
    Suite *suite = NULL;
    Error err = {0};
    const Status s = suite_load(folder_path(folder, "suite.json"), overrides, &suite, &err);
    cr_assert_eq(s, STATUS_INVALID, "status %s (%s) for %s", status_name(s), err.text, text);
    cr_assert_null(suite);
    const size_t len = strlen(folder);
    const bool has_folder = strncmp(err.text, folder, len) == 0;
    snprintf(message, sizeof message, "%s", has_folder ? err.text + len + 1 : err.text);
    folder_remove(folder);
    return message;
}

const char *suites_with_tune(const char *tune)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}],\n"
             "\"tasks\": [{\"name\": \"t\", \"data\": \"data\"}],\n\"tune\": %s}\n",
             tune);
    return text;
}

void suites_want_text(Slice got, const char *want)
{
    cr_expect(slice_eq_cstr(got, want), "got <%.*s>, want <%s>", SLICE_ARG(got), want);
}
