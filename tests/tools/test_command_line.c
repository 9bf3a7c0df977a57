#include <criterion/criterion.h>
#include <string.h>

#include "tools/command.h"

// A table of its own, so that each kind of option is there.
static const char *const colours[] = {"red", "green", NULL};
static const Option options[] = {
    {.name = "flag", .short_name = 'f', .kind = OPTION_FLAG, .help = "a flag"},
    {.name = "gauge", .short_name = 'g', .kind = OPTION_FLAG, .help = "another"},
    {.name = "out", .short_name = 'o', .kind = OPTION_TEXT, .value = "FILE", .help = "a text"},
    {.name = "data", .kind = OPTION_TEXTS, .value = "NAME", .help = "texts"},
    {.name = "many",
     .short_name = 'm',
     .takes_many = true,
     .kind = OPTION_TEXTS,
     .value = "NAME...",
     .help = "texts at once"},
    {.name = "count",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "3",
     .lowest = 1,
     .highest = 10,
     .help = "a number"},
    {.name = "rate", .kind = OPTION_REAL, .value = "X", .fallback = "5e-5", .help = "a real"},
    {.name = "colour",
     ALSO("-col", "-fc"),
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = colours,
     .help = "one of"},
};
static Status run_nothing(CommandLine *line, Error *err)
{
    (void)line, (void)err;
    return STATUS_OK;
}
static const Command command = {.name = "try",
                                .group = "About",
                                .summary = "try",
                                .operands = "A [B]",
                                .min_operands = 1,
                                .max_operands = 2,
                                .description = "try",
                                OPTIONS(options),
                                .run = run_nothing};

static CommandLine line;
static Error err;

// Reads arguments for the command above, as if its name stood before them.
static Status parse(const char *const *arguments)
{
    int argc = 0;
    while (arguments[argc]) argc++;
    command_line_release(&line);
    line.command = &command;
    err = (Error){0};
    return command_line_parse(&line, argc, arguments, &err);
}
#define PARSE(...) parse((const char *const[]){"assay", __VA_ARGS__, NULL})

Test(command_line, reads_values_in_every_spelling)
{
    const char *const *texts = NULL;
    cr_assert_eq(PARSE("a", "--out=x=y", "--data", "1", "--count", "7", "--data=2", "--rate=-0.5",
                       "--colour", "green", "-f", "b"),
                 STATUS_OK, "%s", err.text);
    cr_expect_str_eq(option_text(&line, "out"), "x=y");
    cr_expect_eq(option_texts(&line, "data", &texts), 2);
    cr_expect_str_eq(texts[0], "1");
    cr_expect_str_eq(texts[1], "2");
    cr_expect_eq(option_integer(&line, "count"), 7);
    cr_expect_eq(option_real(&line, "rate"), -0.5);
    cr_expect_eq(option_choice(&line, "colour"), 1);
    cr_expect(option_flag(&line, "flag") && !option_flag(&line, "gauge"));
    cr_expect(line.n_operands == 2 && strcmp(line.operands[1], "b") == 0);
    command_line_release(&line);
}

Test(command_line, joins_short_options_and_takes_the_rest_as_a_value)
{
    cr_assert_eq(PARSE("-fgoFILE", "a", "-q"), STATUS_OK, "%s", err.text);
    cr_expect(option_flag(&line, "flag") && option_flag(&line, "gauge") &&
              option_flag(&line, "quiet"));
    cr_expect_str_eq(option_text(&line, "out"), "FILE");
    cr_assert_eq(PARSE("-o", "-", "a"), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(option_text(&line, "out"), "-");
    command_line_release(&line);
}

Test(command_line, knows_further_spellings_of_an_option)
{
    cr_assert_eq(PARSE("a", "-col", "green", "-nc"), STATUS_OK, "%s", err.text);
    cr_expect_eq(option_choice(&line, "colour"), 1);
    cr_expect(option_flag(&line, "no-color"));
    cr_assert_eq(PARSE("a", "-fc=red"), STATUS_OK, "%s", err.text); // not -f and then -c
    cr_expect_eq(option_choice(&line, "colour"), 0);
    cr_expect(!option_flag(&line, "flag"));
    cr_assert_eq(PARSE("--", "-col"), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(line.operands[0], "-col");
    command_line_release(&line);
}

Test(command_line, takes_all_values_up_to_the_next_option)
{
    const char *const *texts = NULL;
    cr_assert_eq(PARSE("a", "-m", "x", "-", "y", "-f", "b", "--many=z"), STATUS_OK, "%s", err.text);
    cr_assert_eq(option_texts(&line, "many", &texts), 4);
    cr_expect_str_eq(texts[1], "-");
    cr_expect_str_eq(texts[3], "z");
    cr_expect(line.n_operands == 2 && strcmp(line.operands[1], "b") == 0);
    command_line_release(&line);
}

Test(command_line, gives_defaults_and_tells_them_from_what_was_given)
{
    cr_assert_eq(PARSE("a"), STATUS_OK, "%s", err.text);
    cr_expect_eq(option_integer(&line, "count"), 3);
    cr_expect_eq(option_real(&line, "rate"), 5e-5);
    cr_expect(!option_given(&line, "count"));
    cr_expect_null(option_text(&line, "out"));
    cr_expect_eq(option_choice(&line, "colour"), SIZE_MAX);
    command_line_release(&line);
}

Test(command_line, lets_the_last_value_count)
{
    cr_assert_eq(PARSE("a", "--count", "2", "--count=9"), STATUS_OK, "%s", err.text);
    cr_expect_eq(option_integer(&line, "count"), 9);
    command_line_release(&line);
}

Test(command_line, takes_everything_after_two_hyphens_as_it_is)
{
    cr_assert_eq(PARSE("--", "--flag", "-o"), STATUS_OK, "%s", err.text);
    cr_expect(!option_flag(&line, "flag"));
    cr_expect_eq(line.n_operands, 2);
    cr_expect_str_eq(line.operands[0], "--flag");
    command_line_release(&line);
}

Test(command_line, refuses_what_is_wrong_and_says_what_is_right)
{
    static const struct {
        const char *arguments[4];
        const char *message;
    } cases[] = {
        {{"a", "--cuont", "3"}, "did you mean --count?"},
        {{"a", "--zzzzzzz"}, "lists those there are"},
        {{"a", "--josn"}, "did you mean --json?"},
        {{"a", "-z"}, "-z"},
        {{"a", "-ffgz"}, "no option -z in -ffgz"},
        {{"a", "-coll"}, "did you mean -col?"},
        {{"a", "-colur", "red"}, "did you mean --colour?"},
        {{"a", "-out", "x"}, "did you mean --out?"},
        {{"a", "-col"}, "wants a value"},
        {{"a", "-m"}, "wants a value"},
        {{"a", "--count", "0"}, "1 to 10"},
        {{"a", "--count", "11"}, "1 to 10"},
        {{"a", "--count", "3.5"}, "an integer is wanted"},
        {{"a", "--count", ""}, "an integer is wanted"},
        {{"a", "--rate", "fast"}, "a number is wanted"},
        {{"a", "--rate", "nan"}, "a number is wanted"},
        {{"a", "--colour", "gren"}, "did you mean green?"},
        {{"a", "--out"}, "wants a value"},
        {{"a", "--flag=yes"}, "takes no value"},
        {{"--flag"}, "assay try A [B]"},
        {{"a", "b", "c"}, "'c' is one argument too many"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *arguments[6] = {"assay"};
        for (size_t k = 0; k < 4; k++) arguments[k + 1] = cases[i].arguments[k];
        cr_expect_eq(parse(arguments), STATUS_INVALID, "case %zu was taken", i);
        cr_expect(strstr(err.text, cases[i].message), "case %zu says: %s", i, err.text);
    }
    command_line_release(&line);
}

Test(command_line, finds_the_command_behind_global_options)
{
    static const char *const arguments[] = {"assay", "--json", "list", "metrics", NULL};
    CommandLine found = {0};
    cr_assert_eq(command_line_parse(&found, 4, arguments, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(found.command->name, "list");
    cr_expect(found.is_json);
    command_line_release(&found);
}

// ---- the tables themselves ----

static bool is_known_group(const char *group)
{
    for (size_t i = 0; command_groups[i]; i++) {
        if (strcmp(command_groups[i], group) == 0) return true;
    }
    return false;
}

static size_t n_spelled(const Option *all, size_t n, const char *text)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; all[i].also && all[i].also[k]; k++)
            found += strcmp(all[i].also[k], text) == 0;
    }
    return found;
}

static void check_options(const char *name, const Option *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Option *o = &all[i];
        cr_assert(o->name && o->help && strlen(o->help) > 3, "%s: option %zu lacks words", name, i);
        cr_expect(o->help[strlen(o->help) - 1] != '.', "%s --%s: help ends with a full stop", name,
                  o->name);
        cr_expect((o->kind == OPTION_FLAG) == (o->value == NULL), "%s --%s: value", name, o->name);
        cr_expect((o->kind == OPTION_CHOICE) == (o->choices != NULL), "%s --%s: choices", name,
                  o->name);
        for (size_t k = 0; o->also && o->also[k]; k++) {
            cr_expect(o->also[k][0] == '-' && strlen(o->also[k]) > 2, "%s: %s", name, o->also[k]);
            cr_expect_eq(n_spelled(all, n, o->also[k]) +
                             (all != global_options) *
                                 n_spelled(global_options, n_global_options, o->also[k]),
                         1u, "%s %s stands twice", name, o->also[k]);
        }
        for (size_t k = 0; k < i; k++) {
            cr_expect(strcmp(o->name, all[k].name) != 0, "%s --%s stands twice", name, o->name);
            cr_expect(!o->short_name || o->short_name != all[k].short_name, "%s -%c stands twice",
                      name, o->short_name);
        }
        for (size_t k = 0; all != global_options && k < n_global_options; k++) {
            cr_expect(strcmp(o->name, global_options[k].name) != 0, "%s --%s hides a global one",
                      name, o->name);
            cr_expect(!o->short_name || o->short_name != global_options[k].short_name,
                      "%s -%c hides a global one", name, o->short_name);
        }
    }
}

Test(commands, have_sound_tables)
{
    check_options("assay", global_options, n_global_options);
    for (size_t i = 0; i < n_commands; i++) {
        const Command *c = commands_all[i];
        cr_expect(is_known_group(c->group), "%s: group %s", c->name, c->group);
        cr_assert(c->summary && c->description && c->operands && c->run, "%s lacks words", c->name);
        cr_expect(c->summary[strlen(c->summary) - 1] != '.', "%s: full stop", c->name);
        cr_expect_leq(c->n_options, (size_t)COMMAND_MAX_OPTIONS);
        cr_expect_leq(c->min_operands, c->max_operands);
        cr_expect((c->operands[0] == '\0') == (c->max_operands == 0), "%s: operands", c->name);
        cr_expect_eq(command_find(c->name), c, "%s stands twice", c->name);
        check_options(c->name, c->options, c->n_options);
    }
}

Test(commands, have_defaults_that_their_own_parser_takes)
{
    for (size_t i = 0; i < n_commands; i++) {
        const char *arguments[8] = {"assay", commands_all[i]->name};
        CommandLine parsed = {0};
        int argc = 2;
        for (size_t k = 0; k < commands_all[i]->min_operands; k++) arguments[argc++] = "x";
        err = (Error){0};
        cr_expect_eq(command_line_parse(&parsed, argc, arguments, &err), STATUS_OK, "%s: %s",
                     commands_all[i]->name, err.text);
        command_line_release(&parsed);
    }
}
