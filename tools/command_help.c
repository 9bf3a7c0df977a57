#include <string.h>

#include "tools/command.h"

enum { WIDTH = 80, HELP_COLUMN = 30, MORE_COLUMN = 10 };

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

// Where the second column of "  name  what it is" begins; 0 where there is none.
static size_t second_column(Slice line)
{
    const size_t gap = slice_find(slice_sub(line, 2, line.len), SLICE("  "));
    size_t at = gap == SIZE_MAX ? line.len : 2 + gap;
    while (at < line.len && line.ptr[at] == ' ') at++;
    return line.len > 2 && line.ptr[2] != ' ' && at < line.len ? at : 0;
}

bool help_list_item(Slice *lines, Buffer *item, size_t *second)
{
    Slice line, rest;
    buffer_clear(item);
    if (!slice_split(lines, '\n', &line)) return false;
    *second = second_column(line);
    buffer_append(item, line);
    for (rest = *lines; slice_split(&rest, '\n', &line); *lines = rest) {
        if (*second == 0 || !slice_starts_with(line, SLICE("    "))) break;
        buffer_append_byte(item, ' ');
        buffer_append(item, slice_trim(line));
    }
    return true;
}

static void put_list(Buffer *out, Slice lines)
{
    Buffer item = {0};
    size_t indent = 0;
    while (help_list_item(&lines, &item, &indent)) {
        buffer_append(out, slice_sub(buffer_slice(&item), 0, indent));
        if (item.ptr) wrap(out, item.ptr + indent, indent, indent);
        if (item.failed) out->failed = true;
    }
    buffer_release(&item);
}

static void append_values(Buffer *out, const Option *option)
{
    for (size_t i = 0; option->choices && option->choices[i]; i++) {
        buffer_printf(out, "%s%s", i ? "|" : "", option->choices[i]);
    }
    if (!option->choices) buffer_append_cstr(out, option->value);
}

// Broken before a choice where it is long. Gives the column behind it.
static size_t put_label(Buffer *out, Slice label)
{
    size_t column = 0;
    Slice piece;
    while (slice_split(&label, '|', &piece)) {
        const size_t len = piece.len + (column > 0) + (label.len > 0);
        if (column > 0 && column + len > WIDTH) {
            buffer_printf(out, "\n%*s", MORE_COLUMN, "");
            column = MORE_COLUMN;
        }
        buffer_printf(out, "%s" SLICE_FMT, column > 0 ? "|" : "", SLICE_ARG(piece));
        column += piece.len + (column > 0);
    }
    return column;
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
    size_t column = put_label(out, buffer_slice(&label));
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

// A command and, behind it or below, what it does.
static void put_example(Buffer *out, Slice example)
{
    const size_t at = slice_find(example, SLICE("  # "));
    const Slice command = slice_sub(example, 0, at < example.len ? at : example.len);
    Slice rest = command, word;
    size_t column = 1;
    if (2 + example.len <= WIDTH) {
        buffer_printf(out, "  " SLICE_FMT "\n", SLICE_ARG(example));
        return;
    }
    buffer_append_byte(out, ' ');
    while (slice_split(&rest, ' ', &word)) {
        if (column + 1 + word.len + 2 > WIDTH) {
            buffer_append_cstr(out, " \\\n     ");
            column = 5;
        }
        buffer_printf(out, " " SLICE_FMT, SLICE_ARG(word));
        column += 1 + word.len;
    }
    if (command.len < example.len)
        buffer_printf(out, "\n      " SLICE_FMT,
                      SLICE_ARG(slice_sub(example, command.len + 2, example.len)));
    buffer_append_byte(out, '\n');
}

void help_program(Buffer *out)
{
    wrap(out,
         "assay weighs language models: it loads them, tunes them, runs them, times them, scores "
         "them and says, with error bars, whether one is better than another.",
         0, 0);
    buffer_append_cstr(out, "\nusage: assay COMMAND [ARGUMENT...]\n");
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
    buffer_append_byte(out, '\n');
    wrap(
        out,
        "assay COMMAND --help says more. Exit status: 0 fine; 1 the answer is no; 2 wrong usage or "
        "invalid input; 3 the work could not be finished; 4 undecided; 130 stopped by Ctrl-C.",
        0, 0);
}

void help_command(const Command *command, Buffer *out)
{
    buffer_printf(out, "usage: assay %s [OPTION...]%s%s\n\n", command->name,
                  command->operands[0] ? " " : "", command->operands);
    const char *text = command->description;
    while (*text) {
        const char *end = strstr(text, "\n\n");
        const size_t len = end ? (size_t)(end - text) : strlen(text);
        if (memchr(text, '\n', len)) {
            put_list(out, (Slice){text, len});
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
    while (slice_split(&lines, '\n', &example)) put_example(out, example);
}
