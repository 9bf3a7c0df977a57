#include <string.h>

#include "tools/command.h"

// Text for roff: backslashes and hyphens are escaped, and no line begins with a request.
static void put_text(Buffer *out, const char *text)
{
    bool at_start = true;
    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\'')) buffer_append_cstr(out, "\\&");
        if (*text == '\\')
            buffer_append_cstr(out, "\\e");
        else if (*text == '-')
            buffer_append_cstr(out, "\\-");
        else
            buffer_append_byte(out, *text);
        at_start = *text == '\n';
    }
}

// Items of two columns are tags and texts, which go round at any width; other lines stay as they are.
static void put_list(Buffer *out, Slice lines)
{
    Buffer item = {0};
    size_t second = 0;
    while (help_list_item(&lines, &item, &second)) {
        if (item.failed) out->failed = true;
        if (item.len == 0) continue;
        char *text = item.ptr;
        if (second > 0) {
            text[second - 1] = '\0';
            buffer_append_cstr(out, ".TP 12n\n");
            put_text(out, text + strspn(text, " "));
            while (out->len > 0 && out->ptr[out->len - 1] == ' ') out->len--;
            buffer_append_byte(out, '\n');
            put_text(out, text + second);
        } else {
            buffer_append_cstr(out, ".br\n");
            put_text(out, text);
        }
        buffer_append_byte(out, '\n');
    }
    buffer_release(&item);
}

static void put_paragraphs(Buffer *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        const size_t len = end ? (size_t)(end - text) : strlen(text);
        const bool is_laid_out = memchr(text, '\n', len) != NULL;
        Buffer paragraph = {0};
        buffer_append(&paragraph, (Slice){text, len});
        buffer_append_cstr(out, ".PP\n");
        if (is_laid_out)
            put_list(out, buffer_slice(&paragraph));
        else if (paragraph.ptr)
            put_text(out, paragraph.ptr);
        if (!is_laid_out) buffer_append_byte(out, '\n');
        if (paragraph.failed) out->failed = true;
        buffer_release(&paragraph);
        text += len + (end ? 2 : 0);
    }
}

// What may be given, in the tag where it fits into a line there.
static bool put_values(Buffer *out, const Option *option)
{
    enum { TAG_BYTES = 50 };
    size_t n_bytes = 0;
    for (size_t c = 0; option->choices && option->choices[c]; c++)
        n_bytes += strlen(option->choices[c]) + 1;
    const bool is_listed = n_bytes > 0 && n_bytes <= TAG_BYTES;
    for (size_t c = 0; is_listed && option->choices[c]; c++) {
        buffer_append_cstr(out, c ? "|" : " ");
        put_text(out, option->choices[c]);
    }
    if (is_listed) return true;
    buffer_append_cstr(out, " \\fI");
    put_text(out, option->value);
    buffer_append_cstr(out, "\\fR");
    return n_bytes == 0;
}

static void put_options(Buffer *out, const Option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Option *option = &options[i];
        buffer_append_cstr(out, ".TP\n\\fB");
        if (option->short_name) buffer_printf(out, "\\-%c\\fR, \\fB", option->short_name);
        buffer_append_cstr(out, "\\-\\-");
        put_text(out, option->name);
        for (size_t k = 0; option->also && option->also[k]; k++) {
            buffer_append_cstr(out, "\\fR, \\fB");
            put_text(out, option->also[k]);
        }
        buffer_append_cstr(out, "\\fR");
        const bool is_told = option->kind == OPTION_FLAG || put_values(out, option);
        buffer_append_byte(out, '\n');
        put_text(out, option->help);
        for (size_t c = 0; !is_told && option->choices[c]; c++) {
            buffer_append_cstr(out, c ? ", " : "; one of ");
            put_text(out, option->choices[c]);
        }
        if (option->kind == OPTION_TEXTS) buffer_append_cstr(out, "; may be given again");
        if (option->fallback) {
            buffer_append_cstr(out, " (default: ");
            put_text(out, option->fallback);
            buffer_append_byte(out, ')');
        }
        buffer_append_cstr(out, ".\n");
    }
}

static void put_command(Buffer *out, const Command *command)
{
    buffer_printf(out, ".SS \"assay %s [OPTION...]%s", command->name,
                  command->operands[0] ? " " : "");
    put_text(out, command->operands);
    buffer_append_cstr(out, "\"\n");
    put_text(out, command->summary);
    buffer_append_cstr(out, ".\n");
    put_paragraphs(out, command->description);
    put_options(out, command->options, command->n_options);
    if (command->examples) {
        buffer_append_cstr(out, ".PP\nExamples:\n.PP\n.nf\n.in 2n\n"); // as far left as in help
        put_text(out, command->examples);
        buffer_append_cstr(out, "\n.fi\n.in\n");
    }
}

void man_page(Buffer *out)
{
    buffer_append_cstr(out, ".TH ASSAY 1 \"\" \"assay ");
    put_text(out, version_text());
    buffer_append_cstr(
        out,
        "\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\nassay \\- benchmark and evaluation harness for "
        "language models\n.SH SYNOPSIS\n.B assay\n.I COMMAND\n[OPTION...] "
        "[ARGUMENT...]\n.SH DESCRIPTION\nassay loads language models, tunes them, runs "
        "them, times them, scores them and says, with error bars, whether one is "
        "better than another.\n.SH OPTIONS OF EVERY COMMAND\n");
    put_options(out, global_options, n_global_options);
    buffer_append_cstr(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < n_commands; i++) put_command(out, commands_all[i]);
    buffer_append_cstr(
        out,
        ".SH EXIT STATUS\n.TP\n0\nFine.\n.TP\n1\nThe answer is no: a regression, a gate not "
        "met.\n.TP\n2\nWrong usage or invalid input.\n.TP\n3\nThe work could not be finished: a trial "
        "failed, a file could not be written.\n.TP\n4\nUndecided: a gate that the data cannot "
        "settle.\n.TP\n130\nStopped by Ctrl\\-C; what was finished is kept.\n.SH FILES\n.TP\n"
        "\\fIassay.db\\fR\nThe store of results, in the working directory unless \\-\\-store names "
        "another.\n.TP\n\\fIassay\\-report/\\fR\nWhere reports are written.\n.SH ENVIRONMENT\n.TP\n"
        "\\fBASSAY_CPU\\fR\nbase, avx2 or avx512: use no more of the processor than that.\n.TP\n"
        "\\fBNO_COLOR\\fR\nNo colours on the terminal.\n");
}
