// Help, manual page and completions come from the tables; here the program's own words are held to them.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "program.h"
#include "tests/support/folder.h"
#include "tools/command.h"

static void want_options(Slice text, const char *where, const char *prefix, const Option *options,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        Buffer name = {0};
        buffer_printf(&name, "%s%s", prefix, options[i].name);
        cr_expect(text_contains(text, name.ptr), "%s lacks %s", where, name.ptr);
        buffer_release(&name);
    }
}

Test(help, names_every_command)
{
    Arena arena = {0};
    const Program program = RUN(&arena, NULL, "--help");
    program_want(&program, 0);
    for (size_t i = 0; i < n_commands; i++) {
        cr_expect(text_contains(program.out, commands_all[i]->name), "%s is missing",
                  commands_all[i]->name);
    }
    want_options(program.out, "--help", "--", global_options, n_global_options);
    arena_release(&arena);
}

// With one blank for each run of blanks and line ends: what is one text may stand on two lines.
static Slice folded(Arena *arena, Slice text)
{
    char *out = ARENA_NEW(arena, char, text.len + 1);
    size_t n = 0;
    cr_assert_not_null(out);
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const bool is_blank = c == ' ' || c == '\n';
        if (!is_blank)
            out[n++] = c;
        else if (n == 0 || out[n - 1] != ' ')
            out[n++] = ' ';
    }
    return (Slice){out, n};
}

Test(help, of_a_command_names_every_option_and_ends_well)
{
    Arena arena = {0};
    for (size_t i = 0; i < n_commands; i++) {
        const Command *command = commands_all[i];
        const Program one = RUN(&arena, NULL, command->name, "--help");
        const Program other = RUN(&arena, NULL, "help", command->name);
        program_want(&one, 0);
        program_want(&other, 0);
        cr_expect(slice_eq(one.out, other.out), "help %s and %s --help differ", command->name,
                  command->name);
        Slice lines = one.out, line;
        while (slice_split(&lines, '\n', &line))
            cr_expect_leq(line.len, 80, "%s --help: " SLICE_FMT, command->name, SLICE_ARG(line));
        want_options(one.out, command->name, "--", command->options, command->n_options);
        const Slice text = folded(&arena, one.out);
        for (size_t k = 0; k < command->n_options; k++) {
            if (!command->options[k].fallback) continue;
            cr_expect(text_contains(text, command->options[k].fallback),
                      "%s --%s: the default is not shown", command->name, command->options[k].name);
        }
    }
    arena_release(&arena);
}

// Lines that begin with a dot are requests; only those that we write may stand there.
Test(help, fills_a_manual_page)
{
    static const char *const requests[] = {".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi",
                                           ".B ", ".I ", ".br", ".in", ".nh", ".ad"};
    Arena arena = {0};
    const Program program = RUN(&arena, NULL, "--man");
    program_want(&program, 0);
    for (size_t i = 0; i < n_commands; i++) {
        const Command *command = commands_all[i];
        for (size_t k = 0; k < command->n_options; k++) {
            Buffer name = {0};
            buffer_append_cstr(&name, "\\fB\\-\\-");
            for (const char *at = command->options[k].name; *at; at++) {
                buffer_printf(&name, "%s%c", *at == '-' ? "\\" : "", *at);
            }
            cr_expect(text_contains(program.out, name.ptr), "%s --%s is missing", command->name,
                      command->options[k].name);
            buffer_release(&name);
        }
    }
    Slice rest = program.out, text;
    bool is_as_it_stands = false; // lines that man does not break: they begin in column 2
    while (slice_split(&rest, '\n', &text)) {
        if (slice_eq_cstr(text, ".nf")) is_as_it_stands = true;
        if (slice_eq_cstr(text, ".fi")) is_as_it_stands = false;
        size_t width = 0;
        for (size_t i = 0; i < text.len; i++)
            width += text.ptr[i] != '\\' || text.ptr[i + 1] == 'e';
        cr_expect(!is_as_it_stands || width <= 78, "%zu columns: " SLICE_FMT, width,
                  SLICE_ARG(text));
        bool is_known = text.len == 0 || text.ptr[0] != '.';
        for (size_t i = 0; i < sizeof requests / sizeof *requests && !is_known; i++) {
            is_known = slice_starts_with(text, slice_from_cstr(requests[i]));
        }
        cr_expect(is_known, "the page has the line " SLICE_FMT, SLICE_ARG(text));
        cr_expect(!(text.len > 0 && text.ptr[0] == '\''), "a line begins with a quote");
    }
    arena_release(&arena);
}

Test(help, completes_every_command_and_option_in_three_shells)
{
    static const struct {
        const char *shell, *prefix;
    } shells[] = {{"bash", "--"}, {"zsh", "--"}, {"fish", "-l "}};
    Arena arena = {0};
    for (size_t s = 0; s < sizeof shells / sizeof *shells; s++) {
        const Program program = RUN(&arena, NULL, "completion", shells[s].shell);
        program_want(&program, 0);
        for (size_t i = 0; i < n_commands; i++) {
            cr_expect(text_contains(program.out, commands_all[i]->name), "%s: %s", shells[s].shell,
                      commands_all[i]->name);
            want_options(program.out, shells[s].shell, shells[s].prefix, commands_all[i]->options,
                         commands_all[i]->n_options);
        }
    }
    const Program unknown = RUN(&arena, NULL, "completion", "csh");
    program_want(&unknown, 2);
    arena_release(&arena);
}

// bash itself reads the script, and completes with it.
Test(help, completes_in_bash)
{
    static const struct {
        const char *words, *wanted;
    } cases[] = {
        {"assay tok", "tokenize"},
        {"assay tune --lear", "--learning-rate"},
        {"assay predict --mode cl", "classify"},
        {"assay list me", "metrics"},
    };
    Arena arena = {0};
    const char *folder = folder_make();
    const Program program = RUN(&arena, NULL, "completion", "bash");
    const char *script = write_file(&arena, folder, "completion", arena_cstr(&arena, program.out));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shell[2048], answer[256] = "";
        snprintf(
            shell, sizeof shell,
            "bash -c 'source %s && COMP_WORDS=(%s) && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && _assay && "
            "echo \"${COMPREPLY[*]}\"'",
            script, cases[i].words);
        FILE *pipe = popen(shell, "r");
        cr_assert(pipe && fgets(answer, sizeof answer, pipe), "%s gave nothing", cases[i].words);
        pclose(pipe);
        cr_expect(strstr(answer, cases[i].wanted), "%s: %s", cases[i].words, answer);
    }
    folder_remove(folder);
    arena_release(&arena);
}
