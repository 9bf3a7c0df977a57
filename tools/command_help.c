#include <string.h>

#include "tools/command.h"

enum { WIDTH = 100, HELP_COLUMN = 30 };

// Appends words of text from column `column` on, broken at WIDTH; following lines are indented by `indent`.
static void wrap(Buffer *out, const char *text, size_t column, size_t indent)
{
    bool is_first = true;
    while (*text) {
        const size_t len = strcspn(text, " ");
        if (!is_first && column + 1 + len > WIDTH) {
            buffer_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            buffer_append_byte(out, ' ');
            column++;
        }
        buffer_append(out, (Slice){text, len});
        column += len;
        text += len;
        text += strspn(text, " ");
        is_first = false;
    }
    buffer_append_byte(out, '\n');
}

static void append_values(Buffer *out, const Option *option)
{
    for (size_t i = 0; option->choices && option->choices[i]; i++) {
        buffer_printf(out, "%s%s", i ? "|" : "", option->choices[i]);
    }
    if (!option->choices) buffer_append_cstr(out, option->value);
}

// "  -o, --out FILE": what stands left of an option's help.
static void put_option(Buffer *out, const Option *option)
{
    Buffer label = {0};
    Buffer help = {0};
    if (option->short_name)
        buffer_printf(&label, "  -%c, --%s", option->short_name, option->name);
    else
        buffer_printf(&label, "      --%s", option->name);
    for (size_t k = 0; option->also && option->also[k]; k++)
        buffer_printf(&label, ", %s", option->also[k]);
    if (option->kind != OPTION_FLAG) {
        buffer_append_byte(&label, ' ');
        append_values(&label, option);
    }
    buffer_append_cstr(&help, option->help);
    if (option->kind == OPTION_TEXTS) buffer_append_cstr(&help, "; may be given again");
    if (option->fallback) buffer_printf(&help, " (default: %s)", option->fallback);
    size_t column = label.len;
    buffer_append(out, buffer_slice(&label));
    if (column + 2 > HELP_COLUMN) {
        buffer_append_byte(out, '\n');
        column = 0;
    }
    buffer_printf(out, "%*s", (int)(HELP_COLUMN - column), "");
    if (help.ptr) wrap(out, help.ptr, HELP_COLUMN, HELP_COLUMN);
    if (label.failed || help.failed) out->failed = true;
    buffer_release(&label);
    buffer_release(&help);
}

static void put_options(Buffer *out, const char *heading, const Option *options, size_t n)
{
    if (n == 0) return;
    buffer_printf(out, "\n%s:\n", heading);
    for (size_t i = 0; i < n; i++) put_option(out, &options[i]);
}

// The words that may stand first, where the command has a list of them.
static void put_choices(Buffer *out, const Command *command)
{
    Buffer words = {0};
    if (!command->operand_choices) return;
    buffer_printf(&words, "%.*s is one of:", (int)strcspn(command->operands, " "),
                  command->operands);
    for (size_t i = 0; command->operand_choices[i]; i++)
        buffer_printf(&words, "%s %s", i ? "," : "", command->operand_choices[i]);
    buffer_append_byte(&words, '.');
    buffer_append_byte(out, '\n');
    if (words.ptr) wrap(out, words.ptr, 0, 0);
    if (words.failed) out->failed = true;
    buffer_release(&words);
}

void help_program(Buffer *out)
{
    buffer_append_cstr(
        out, "assay weighs language models: it loads them, tunes them, runs them, times them, "
             "scores them\nand says, with error bars, whether one is better than "
             "another.\n\nusage: assay COMMAND [ARGUMENT...]\n");
    for (size_t g = 0; command_groups[g]; g++) {
        buffer_printf(out, "\n%s:\n", command_groups[g]);
        for (size_t i = 0; i < n_commands; i++) {
            const Command *command = commands_all[i];
            if (strcmp(command->group, command_groups[g]) != 0) continue;
            buffer_printf(out, "  %-12s", command->name);
            wrap(out, command->summary, 14, 14);
        }
    }
    put_options(out, "Options of every command", global_options, n_global_options);
    buffer_append_cstr(
        out,
        "\nassay COMMAND --help says more. Exit status: 0 fine; 1 the answer is no; 2 wrong usage or "
        "invalid\ninput; 3 the work could not be finished; 4 undecided; 130 stopped by Ctrl-C.\n");
}

void help_command(const Command *command, Buffer *out)
{
    buffer_printf(out, "usage: assay %s [OPTION...]%s%s\n\n", command->name,
                  command->operands[0] ? " " : "", command->operands);
    const char *text = command->description;
    while (*text) {
        const char *end = strstr(text, "\n\n");
        const size_t len = end ? (size_t)(end - text) : strlen(text);
        // A paragraph with line breaks of its own is laid out already.
        if (memchr(text, '\n', len)) {
            buffer_append(out, (Slice){text, len});
            buffer_append_byte(out, '\n');
        } else {
            Buffer paragraph = {0};
            buffer_append(&paragraph, (Slice){text, len});
            if (paragraph.ptr) wrap(out, paragraph.ptr, 0, 0);
            if (paragraph.failed) out->failed = true;
            buffer_release(&paragraph);
        }
        text += len;
        if (end) {
            text += 2;
            buffer_append_byte(out, '\n');
        }
    }
    put_choices(out, command);
    put_options(out, "Options", command->options, command->n_options);
    put_options(out, "Options of every command", global_options, n_global_options);
    Slice lines = slice_from_cstr(command->examples ? command->examples : ""), example;
    if (lines.len > 0) buffer_append_cstr(out, "\nExamples:\n");
    while (slice_split(&lines, '\n', &example))
        buffer_printf(out, "  " SLICE_FMT "\n", SLICE_ARG(example));
}
