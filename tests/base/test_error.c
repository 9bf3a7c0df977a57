#include <criterion/criterion.h>

#include <errno.h>

#include "base/error.h"

Test(error, chain_reads_outermost_first)
{
    Error err = {0};
    cr_assert_eq(error_set(&err, STATUS_INVALID, "line %d is empty", 3), STATUS_INVALID);
    cr_assert_eq(error_wrap(&err, "vocab.txt"), STATUS_INVALID);
    cr_assert_eq(error_wrap(&err, "model \"%s\"", "minilm"), STATUS_INVALID);
    cr_assert_str_eq(err.text, "model \"minilm\": vocab.txt: line 3 is empty");
    cr_assert_eq(err.n_causes, 3);
    cr_assert_eq(err.cause_len[0], strlen("line 3 is empty"));
    cr_assert_eq(err.cause_len[2], strlen("model \"minilm\""));
}

Test(error, without_an_error_only_the_status_travels)
{
    cr_assert_eq(error_set(NULL, STATUS_DEVICE, "x"), STATUS_DEVICE);
    cr_assert_eq(error_set_memory(NULL, 1, 2, "x"), STATUS_MEMORY);
    cr_assert_neq(error_wrap(NULL, "x"), STATUS_OK);
}

Test(error, setting_again_replaces)
{
    Error err = {0};
    (void)error_set(&err, STATUS_IO, "first");
    (void)error_wrap(&err, "context");
    (void)error_set(&err, STATUS_INVALID, "second");
    cr_assert_str_eq(err.text, "second");
    cr_assert_eq(err.n_causes, 1);
    cr_assert_eq(err.status, STATUS_INVALID);
}

Test(error, may_quote_itself)
{
    Error err = {0};
    (void)error_set(&err, STATUS_INVALID, "a");
    (void)error_set(&err, STATUS_IO, "%s, then b", err.text);
    cr_assert_str_eq(err.text, "a, then b");
}

Test(error, shows_control_characters_and_broken_utf8)
{
    Error err = {0};
    (void)error_set(&err, STATUS_INVALID, "name \"%s\"", "\x1b[2J\n\xff\xc2\x9b\x7f ok \xc3\xa9");
    cr_assert_str_eq(err.text, "name \"\\x1b[2J\\x0a\\xff\\xc2\\x9b\\x7f ok \xc3\xa9\"");
}

Test(error, cuts_a_long_fact_between_characters)
{
    static char text[8001];
    for (size_t i = 0; i < 8000; i += 2) memcpy(text + i, "\xc3\xa9", 2);
    Error err = {0};
    (void)error_set(&err, STATUS_INVALID, "%s", text);
    const size_t len = strlen(err.text);
    cr_assert_lt(len, sizeof err.text);
    cr_assert_str_eq(err.text + len - 3, "...");
    cr_assert_eq((len - 3) % 2, 0, "cut inside a character");
    cr_assert_eq(err.cause_len[0], len);
}

Test(error, keeps_the_fact_under_long_contexts)
{
    static char text[1000];
    memset(text, 'x', sizeof text - 1);
    Error err = {0};
    (void)error_set(&err, STATUS_INVALID, "the fact");
    for (int i = 0; i < 40; i++) cr_assert_eq(error_wrap(&err, "%s", text), STATUS_INVALID);
    const size_t len = strlen(err.text);
    cr_assert_lt(len, sizeof err.text);
    cr_assert_str_eq(err.text + len - strlen(": the fact"), ": the fact");
}

Test(error, joins_causes_past_the_last_to_the_outermost)
{
    Error err = {0};
    (void)error_set(&err, STATUS_INVALID, "0");
    for (int i = 1; i < 20; i++) (void)error_wrap(&err, "%d", i);
    cr_assert_eq(err.n_causes, ERROR_MAX_CAUSES);
    size_t len = 0;
    for (size_t i = 0; i < err.n_causes; i++) len += err.cause_len[i];
    cr_assert_eq(len + 2 * (err.n_causes - 1), strlen(err.text));
}

Test(error, names_a_path_once)
{
    Error err = {0};
    (void)error_set(&err, STATUS_IO, "/a/b: writing: no space");
    cr_expect_eq(error_wrap_path(&err, "writing", "/a/b"), STATUS_IO);
    cr_expect_str_eq(err.text, "/a/b: writing: no space");
    (void)error_set(&err, STATUS_CANCELLED, "stopped");
    cr_expect_eq(error_wrap_path(&err, "writing", "/a/b"), STATUS_CANCELLED);
    cr_expect_str_eq(err.text, "writing /a/b: stopped");
}

Test(error, tells_missing_files_from_other_failures)
{
    Error err = {0};
    errno = ENOENT;
    cr_assert_eq(error_set_errno(&err, "%s", "a.txt"), STATUS_NOT_FOUND);
    cr_assert_str_eq(err.text, "a.txt: No such file or directory");
    errno = EACCES;
    cr_assert_eq(error_set_errno(&err, "b.txt"), STATUS_IO);
    cr_assert_str_eq(err.text, "b.txt: Permission denied");
}

Test(error, says_how_much_memory_was_wanted)
{
    Error err = {0};
    cr_assert_eq(error_set_memory(&err, 3, 8, "weights"), STATUS_MEMORY);
    cr_assert_str_eq(err.text, "out of memory: wanted 3 x 8 bytes for weights");
}

Test(error, every_status_has_a_name_and_an_exit_code)
{
    static const int codes[] = {0, 2, 2, 3, 3, 3, 130, 3, 3};
    for (int s = STATUS_OK; s <= STATUS_INTERNAL; s++) {
        cr_assert_eq(status_exit_code((Status)s), codes[s], "status %d", s);
        cr_assert_gt(strlen(status_name((Status)s)), 0, "status %d", s);
    }
    cr_assert_str_eq(status_name(STATUS_NOT_FOUND), "not_found");
}
