#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "tools/command.h"

Test(program, says_its_version)
{
    Arena arena = {0};
    const Program text = RUN(&arena, NULL, "--version");
    program_want(&text, 0);
    cr_expect(slice_starts_with(text.out, SLICE("assay ")) && count_lines(text.out) == 1);
    const Program json = RUN(&arena, NULL, "--version", "--json");
    program_want(&json, 0);
    cr_expect(slice_eq_cstr(text_of(json_of(json.out), "version"), version_text()));
    arena_release(&arena);
}

Test(program, refuses_wrong_usage_with_one_line_and_status_2)
{
    static const struct {
        const char *arguments[4];
        const char *message;
    } cases[] = {
        {{NULL}, "assay: a command is wanted"},
        {{"prdict"}, "assay: there is no command 'prdict'; did you mean 'predict'?"},
        {{"predict"}, "assay predict: MODEL is missing: "},
        {{"predict", "x", "--mdoe", "logits"},
         "assay predict: there is no option --mdoe; did you mean --mode?"},
        {{"list", "metrcs"},
         "personal, architectures, kernels, formats, runs; did you mean metrics?"},
        {{"inspect", "/no/such/model"}, "/no/such/model"},
        {{"help", "nothing"}, "there is no command 'nothing'"},
        {{"list", "runs", "--store", "/no/such/store.db"}, "/no/such/store.db"},
        {{"tune", "x"}, "one of --train FILE and --batches FILE is wanted"},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *arguments[6] = {0};
        memcpy(arguments, cases[i].arguments, sizeof cases[i].arguments);
        const Program program = program_run(&arena, NULL, NULL, arguments);
        program_want(&program, 2);
        cr_expect(text_contains(program.err, cases[i].message), "case %zu says: %s", i,
                  program.err.ptr);
        cr_expect_eq(count_lines(program.err), 1, "case %zu: %s", i, program.err.ptr);
        cr_expect_eq(program.out.len, 0, "case %zu wrote to standard output", i);
    }
    arena_release(&arena);
}

Test(program, refuses_an_unknown_option_of_every_command)
{
    Arena arena = {0};
    for (size_t i = 0; i < n_commands; i++) {
        const Program program =
            RUN(&arena, NULL, commands_all[i]->name, "--no-such-option-anywhere");
        program_want(&program, 2);
        cr_expect(text_contains(program.err, "--no-such-option-anywhere"), "%s says: %s",
                  commands_all[i]->name, program.err.ptr);
    }
    arena_release(&arena);
}

Test(program, reports_a_full_disk_and_a_closed_output)
{
    static const char *const calls[][3] = {{"--help", NULL},
                                           {"--man", NULL},
                                           {"list", "kernels", NULL},
                                           {"completion", "zsh", NULL},
                                           {"doctor", NULL}};
    Arena arena = {0};
    if (access("/dev/full", W_OK) != 0) cr_skip_test("/dev/full is absent");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const Program full = program_run(&arena, NULL, "/dev/full", calls[i]);
        program_want(&full, 3);
        cr_expect(text_contains(full.err, "standard output"), "%s says: %s", calls[i][0],
                  full.err.ptr);
        const Program closed = program_run(&arena, NULL, "", calls[i]);
        program_want(&closed, 3);
    }
    arena_release(&arena);
}

Test(program, never_writes_raw_control_characters)
{
    Arena arena = {0};
    const Program program = RUN(&arena, NULL, "inspect", "evil\x1b[2J\nname");
    program_want(&program, 2);
    cr_expect_eq(slice_find_byte(program.err, '\x1b'), SIZE_MAX);
    cr_expect_eq(count_lines(program.err), 1);
    arena_release(&arena);
}

static size_t longest_line(Slice text)
{
    Slice line;
    size_t longest = 0;
    while (slice_split(&text, '\n', &line)) {
        if (line.len > longest) longest = line.len;
    }
    return longest;
}

Test(program, lists_every_topic_as_text_and_as_json)
{
    Arena arena = {0};
    const Command *list = command_find("list");
    for (size_t i = 0; list->operand_choices[i]; i++) {
        const char *topic = list->operand_choices[i];
        const Program text = RUN(&arena, NULL, "list", topic);
        const Program json = RUN(&arena, NULL, "list", topic, "--json");
        program_want(&text, 0);
        program_want(&json, 0);
        const Json *rows = json_of(json.out);
        cr_expect_eq(json_kind(rows), JSON_ARRAY, "%s", topic);
        // A row of metrics is its line and at least three below it, one of architectures its line and two.
        const bool is_architecture = strcmp(topic, "architectures") == 0;
        const size_t least = strcmp(topic, "metrics") == 0 ? 4 : is_architecture ? 3 : 1;
        const size_t n_lines = count_lines(text.out) - 1;
        cr_expect(least == 1 ? n_lines == json_len(rows) : n_lines >= least * json_len(rows),
                  "%s: %zu lines of %zu rows", topic, n_lines, json_len(rows));
        const size_t most = least > 1 ? 100 : SIZE_MAX;
        cr_expect_leq(longest_line(text.out), most, "%s: a line is too wide", topic);
        for (const Json *row = json_first(rows); row; row = json_next(row)) {
            cr_expect(json_get(row, "summary") || json_get(row, "id"), "%s: a row without words",
                      topic);
        }
    }
    arena_release(&arena);
}

Test(program, looks_at_the_machine)
{
    Arena arena = {0};
    const Program text = RUN(&arena, NULL, "doctor");
    const Program json = RUN(&arena, NULL, "doctor", "--json");
    program_want(&text, 0);
    program_want(&json, 0);
    const Json *checks = json_get(json_of(json.out), "checks");
    cr_assert(checks && json_len(checks) > 8);
    for (const Json *check = json_first(checks); check; check = json_next(check)) {
        cr_expect(text_contains(text.out, arena_cstr(&arena, text_of(check, "what"))));
    }
    cr_expect(text_contains(text.out, "faster than f32: "));
    arena_release(&arena);
}
