// A run of assay predict that was stopped, gone on with by the next: byte for byte what a run that was not disturbed writes.
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

enum { N_LINES = 400, FITS_BYTES = 20000 };

static Arena arena;
static Error err;
static const char *folder, *model;

static void set_up(void)
{
    static const Slice labels[] = {{"bad", 3}, {"good", 4}, {"so so", 5}};
    arena = (Arena){0};
    folder = folder_make();
    model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 3);
}

static void tear_down(void)
{
    folder_remove(folder);
    arena_release(&arena);
}

TestSuite(predict_resume, .init = set_up, .fini = tear_down);

static const char *at(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static Slice content(const char *name)
{
    Slice text = {0};
    cr_assert_eq(file_read(&arena, at(name), 1 << 20, &text, &err), STATUS_OK, "%s", err.text);
    return text;
}

// Lines of many texts, with a blank one and one that fails; `odd` is another text, at its place.
static const char *input(size_t odd)
{
    Buffer text = {0};
    for (size_t i = 0; i < N_LINES; i++)
        buffer_printf(&text, i == 7 ? "\nno object\n" : "{\"id\": %zu, \"text\": \"good %zu%s\"}\n",
                      i, i % 11, i == odd ? " bad" : "");
    const char *kept = arena_printf(&arena, "%s", text.ptr);
    buffer_release(&text);
    return kept;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A run to out.jsonl that stops where the file may not grow further.
static void stop_a_run(const char *lines)
{
    limit_files(FITS_BYTES);
    const Program stopped = RUN(&arena, lines, "predict", model, "--out", at("out.jsonl"));
    limit_files(RLIM_INFINITY);
    program_want(&stopped, 3);
    cr_assert(text_contains(stopped.err, "and the same command goes on behind them"), "%s",
              stopped.err.ptr);
    cr_assert_gt(content("out.jsonl.partial").len, FITS_BYTES / 2);
}

// The next run; its messages come back. The file is as of one run in one go.
static Slice go_on(const char *lines, const char *option, const char *value)
{
    const Program next =
        RUN(&arena, lines, "predict", model, "--out", at("out.jsonl"), option, value);
    const Program whole =
        RUN(&arena, lines, "predict", model, "--out", at("whole.jsonl"), option, value);
    cr_expect_eq(next.status, 2);
    cr_expect_eq(whole.status, 2);
    cr_expect(slice_eq(content("out.jsonl"), content("whole.jsonl")), "other bytes");
    cr_expect_not(file_exists(at("out.jsonl.partial")));
    cr_expect_not(file_exists(at("out.jsonl.partial.log")));
    cr_expect(text_contains(next.err, "1 of 400 cases"), "%s", next.err.ptr);
    return next.err;
}

Test(predict_resume, the_next_run_goes_on_behind_what_stands)
{
    const char *lines = input(SIZE_MAX);
    stop_a_run(lines);
    const size_t n = count_lines(content("out.jsonl.partial"));
    const Slice said = go_on(lines, "--batch", "33"); // which changes no answer
    cr_expect(text_contains(said, arena_printf(&arena, "going on behind its %zu answers", n)), "%s",
              said.ptr);
    cr_expect_not(file_exists(at("out.jsonl.partial.2")));
}

// What a run that was killed leaves: the log and the answers end anywhere, and the lock is gone.
Test(predict_resume, what_is_behind_the_last_step_is_written_again)
{
    const char *lines = input(SIZE_MAX);
    stop_a_run(lines);
    FILE *partial = fopen(at("out.jsonl.partial"), "a"),
         *log = fopen(at("out.jsonl.partial.log"), "a");
    cr_assert(partial && log);
    fputs("{\"id\": 399, \"label\": \"good\"}\n{\"id\"", partial);
    fputs("{\"answers\": 12, \"fai", log);
    cr_assert(fclose(partial) == 0 && fclose(log) == 0);
    cr_expect(text_contains(go_on(lines, "--threads", "1"), "going on behind its"));
    cr_expect_not(file_exists(at("out.jsonl.partial.2")));
}

Test(predict_resume, another_input_is_answered_from_where_it_is_another)
{
    stop_a_run(input(SIZE_MAX));
    const Slice said = go_on(input(0), "--batch", "9");
    cr_expect(text_contains(said, "out.jsonl.partial.2: its input was another"), "%s", said.ptr);
    cr_expect_gt(content("out.jsonl.partial.2").len, FITS_BYTES / 2);
}

Test(predict_resume, another_option_or_model_begins_anew)
{
    const char *lines = input(SIZE_MAX);
    stop_a_run(lines);
    const Slice options = go_on(lines, "--mode", "logits");
    cr_expect(text_contains(options, "out.jsonl.partial.2: its options are others (--mode=logits)"),
              "%s", options.ptr);
    stop_a_run(lines);
    write_file(&arena, model, "README.md", "# changed\n");
    const Slice changed = go_on(lines, "--batch", "100");
    cr_expect(text_contains(changed, "out.jsonl.partial.3: it is of another model"), "%s",
              changed.ptr);
}

Test(predict_resume, answers_that_were_changed_since_are_put_aside)
{
    const char *lines = input(SIZE_MAX);
    stop_a_run(lines);
    FILE *partial = fopen(at("out.jsonl.partial"), "r+");
    cr_assert(partial && fputs("{\"ID\"", partial) >= 0 && fclose(partial) == 0);
    cr_expect(text_contains(go_on(lines, "--batch", "100"), "is not as the run before left it"));
    cr_expect(slice_starts_with(content("out.jsonl.partial.2"), SLICE("{\"ID\"")));
}

// What was answered stands in the file long before all is, where there is much to do for each line.
Test(predict_resume, much_work_is_done_in_pieces)
{
    Buffer lines = {0};
    const char *stories = arena_printf(&arena, "%s", shared_need("models/stories260K"));
    for (int i = 0; i < 150; i++)
        buffer_append_cstr(&lines, "{\"prompt\": \"Once\", \"max_new_tokens\": 100000000, "
                                   "\"stop\": \"park\"}\n");
    limit_files(FITS_BYTES);
    const Program stopped =
        RUN(&arena, lines.ptr, "predict", stories, "--out", at("out.jsonl"), "--threads", "2");
    limit_files(RLIM_INFINITY);
    program_want(&stopped, 3);
    cr_expect_eq(number_of(json_line(content("out.jsonl.partial.log"), 1), "answers"), 64);
    buffer_release(&lines);
}
