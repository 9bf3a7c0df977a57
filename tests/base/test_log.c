#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static char *text;
static size_t text_len;
static Log journal;

static void set_up(void)
{
    journal = log_to_stream(open_memstream(&text, &text_len), LOG_INFO);
}

static void tear_down(void)
{
    (void)fclose(journal.stream);
    free(text);
}

TestSuite(log, .init = set_up, .fini = tear_down);

static const char *written(void)
{
    (void)fflush(journal.stream);
    return text;
}

Test(log, prefixes_and_filters_by_level)
{
    cr_assert_not(journal.is_terminal);
    log_message(&journal, LOG_ERROR, "one %d", 1);
    log_warning(&journal, "two");
    log_info(&journal, "three");
    log_message(&journal, LOG_DEBUG, "four");
    cr_assert_str_eq(written(), "error: one 1\nwarning: two\nthree\n");
}

Test(log, null_is_silent)
{
    log_info(NULL, "nothing");
    log_progress(NULL, "trials", 1, 2, 0, NULL);
    log_progress_end(NULL);
    cr_assert_eq(text_len, 0);
}

Test(log, shows_control_characters)
{
    log_info(&journal, "%s", "a\x1b[31m\nb");
    cr_assert_str_eq(written(), "a\\x1b[31m\\x0ab\n");
}

Test(log, cuts_what_does_not_fit)
{
    static char large[10001];
    memset(large, 'x', sizeof large - 1);
    log_info(&journal, "%s", large);
    const size_t len = strlen(written());
    cr_assert_lt(len, 5000);
    cr_assert_str_eq(text + len - 4, "...\n");
}

Test(log, uses_colours_only_where_asked)
{
    journal.use_color = true;
    log_warning(&journal, "w");
    log_info(&journal, "i");
    cr_assert_str_eq(written(), "\x1b[33mwarning: \x1b[0mw\ni\n");
}

// Without a window the width is 80. A line is broken at spaces; a word longer than that stays whole.
Test(log, breaks_messages_between_words_on_a_terminal)
{
    char word[121], want[600];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    journal.is_terminal = true;
    log_warning(&journal, "%.60s %.10s %.20s end", word, word, word);
    log_line(&journal, word);
    log_line(&journal, "");
    snprintf(want, sizeof want, "warning: %.60s %.10s\n  %.20s end\n%s\n\n", word, word, word,
             word);
    cr_assert_str_eq(written(), want);
}

Test(log, keeps_messages_on_one_line_elsewhere)
{
    char word[121];
    memset(word, ' ', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    log_line(&journal, word);
    cr_assert_eq(strlen(written()), sizeof word);
}

static int64_t seconds_ago(int64_t seconds)
{
    return clock_now_ns() - seconds * 1000000000;
}

Test(log, progress_of_a_short_run_says_nothing_off_a_terminal)
{
    const int64_t started_ns = clock_now_ns();
    for (size_t done = 0; done <= 5; done++)
        log_progress(&journal, "trials", done, 5, started_ns, NULL);
    cr_assert_str_eq(written(), "");
}

Test(log, progress_is_a_plain_line_off_a_terminal)
{
    const int64_t started_ns = seconds_ago(720);
    log_progress(&journal, "trials", 12, 48, started_ns, "fold 2\n");
    log_progress(&journal, "trials", 13, 48, started_ns, "dropped: less than ten seconds later");
    log_progress(&journal, "trials", 48, 48, started_ns, NULL);
    cr_assert_str_eq(written(), "12/48 trials  36 min left  fold 2\\x0a\n48/48 trials\n");
}

Test(log, progress_of_nobody_knows_how_many_counts)
{
    journal.is_terminal = true;
    log_progress(&journal, "cases", 12, 0, seconds_ago(7), NULL);
    cr_assert_str_eq(written(), "\r12 cases\x1b[K");
}

Test(log, progress_redraws_one_line_on_a_terminal_and_gives_way_to_messages)
{
    journal.is_terminal = true;
    log_progress(&journal, "trials", 1, 2, seconds_ago(7), NULL);
    log_progress(&journal, "trials", 1, 2, seconds_ago(7), "dropped: too soon");
    log_info(&journal, "hello");
    cr_assert_str_eq(written(),
                     "\r[##########..........] 1/2 trials  7 s left\x1b[K\r\x1b[Khello\n");
    log_progress_end(&journal);
    cr_assert_str_eq(written(),
                     "\r[##########..........] 1/2 trials  7 s left\x1b[K\r\x1b[Khello\n");
}

Test(log, progress_is_cut_at_the_terminal_s_width)
{
    journal.is_terminal = true;
    char detail[200];
    for (size_t i = 0; i < 198; i += 2) memcpy(detail + i, "\xc3\xa9", 2);
    detail[198] = '\0';
    log_progress(&journal, "trials", 2, 2, seconds_ago(3), detail);
    const char *line = written();
    size_t columns = 0;
    for (const char *c = line; *c != '\x1b'; c++) columns += (*c & 0x40) != 0 || (*c & 0x80) == 0;
    cr_assert_lt(columns, 81, "%zu columns",
                 columns); // 80 where the width is unknown, with the carriage return
    cr_assert_neq((unsigned char)strchr(line, '\x1b')[-1] & 0xC0, 0xC0, "cut inside a character");
}

Test(log, progress_without_a_total_or_past_it_is_fine)
{
    journal.is_terminal = true;
    log_progress(&journal, "files", 0, 0, clock_now_ns(), NULL);
    journal.last_progress_ns = 0;
    log_progress(&journal, "files", 9, 3, clock_now_ns(), NULL);
    cr_assert_str_eq(written(), "\r0 files\x1b[K\r[####################] 9/3 files\x1b[K");
}
