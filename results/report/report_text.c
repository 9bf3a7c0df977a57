// results/report/report_text.c: numbers and foreign text, written so that a reader sees what is there.
#include <math.h>

#include "base/clock.h"
#include "base/unicode.h"
#include "results/report/report_internal.h"

void text_value(Buffer *out, double value, double highest)
{
    if (isnan(value)) {
        buffer_append_cstr(out, "n/a");
    } else {
        buffer_printf(out, highest <= 1 ? "%.3f" : "%.2f", value);
    }
}

void text_score(Buffer *out, const StoredScore *score)
{
    text_value(out, score->estimate, score->highest);
    if (isnan(score->estimate) || isnan(score->lo) || isnan(score->hi)) return;
    buffer_append_cstr(out, " [");
    text_value(out, score->lo, score->highest);
    buffer_append_cstr(out, ", ");
    text_value(out, score->hi, score->highest);
    buffer_append_byte(out, ']');
}

void text_duration(Buffer *out, int64_t ns)
{
    char text[CLOCK_TEXT_SIZE] = "n/a";
    if (ns != STORE_NO_TIME) clock_format_duration(ns, text);
    buffer_append_cstr(out, text);
}

void text_bytes(Buffer *out, uint64_t size_bytes)
{
    if (size_bytes == 0) {
        buffer_append_cstr(out, "n/a");
    } else if (size_bytes < 10ULL << 30) {
        buffer_printf(out, size_bytes < 1048576 ? "%.0f KiB" : "%.0f MiB",
                      (double)size_bytes / (size_bytes < 1048576 ? 1024.0 : 1048576.0));
    } else {
        buffer_printf(out, "%.1f GiB", (double)size_bytes / 1073741824.0);
    }
}

static void counted(Buffer *out, uint64_t n, const char *noun)
{
    buffer_append_count(out, n);
    buffer_printf(out, " %s%s", noun, n == 1 ? "" : "s");
}

void text_source(Buffer *out, const ViewScore *score)
{
    counted(out, score->score.n, "sample");
    if (score->n_folds > 0) {
        buffer_append_cstr(out, ", ");
        counted(out, score->n_folds, "fold");
    }
    buffer_append_cstr(out, ", ");
    counted(out, score->n_seeds, "seed");
}

static void append_point(Buffer *out, CodePoint c)
{
    char bytes[4];
    buffer_append(out, (Slice){bytes, utf8_encode(c, bytes)});
}

// Marks that turn the direction of text around what follows: a label must not rearrange the page.
static bool is_direction_mark(CodePoint c)
{
    return c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void text_html(Buffer *out, Slice text)
{
    for (size_t i = 0; i < text.len;) {
        const CodePoint c = utf8_next(text, &i);
        switch (c) {
        case '&':
            buffer_append_cstr(out, "&amp;");
            break;
        case '<':
            buffer_append_cstr(out, "&lt;");
            break;
        case '>':
            buffer_append_cstr(out, "&gt;");
            break;
        case '"':
            buffer_append_cstr(out, "&quot;");
            break;
        case '\'':
            buffer_append_cstr(out, "&#39;");
            break;
        default:
            if (c < 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || c == 0xfffe ||
                c == 0xffff) {
                append_point(out, 0xfffd);
            } else if (!is_direction_mark(c)) {
                append_point(out, c);
            }
        }
    }
}

void text_markdown(Buffer *out, Slice text)
{
    for (size_t i = 0; i < text.len;) {
        const CodePoint c = utf8_next(text, &i);
        if (c == '<') {
            buffer_append_cstr(out, "&lt;");
        } else if (c == '>') {
            buffer_append_cstr(out, "&gt;");
        } else if (c == '&') {
            buffer_append_cstr(out, "&amp;");
        } else if (c >= 0 && (c < 0x20 || c == 0x7f)) {
            buffer_append_byte(out, ' ');
        } else if (c >= 0 && c < 0x7f && strchr("\\`*_{}[]()#|~!@", (char)c) != NULL) {
            buffer_append_byte(out, '\\');
            buffer_append_byte(out, (char)c);
        } else if (!is_direction_mark(c)) {
            append_point(out, c < 0 ? 0xfffd : c);
        }
    }
}

void text_plain(Buffer *out, Slice text)
{
    for (size_t i = 0; i < text.len;) {
        const CodePoint c = utf8_next(text, &i);
        if (c == '\n') {
            buffer_append_cstr(out, "\\n");
        } else if (c == '\t') {
            buffer_append_byte(out, ' ');
        } else if ((c >= 0 && c < 0x20) || (c >= 0x7f && c < 0xa0)) {
            buffer_printf(out, "\\x%02x", (unsigned)c);
        } else if (!is_direction_mark(c)) {
            append_point(out, c < 0 ? 0xfffd : c);
        }
    }
}

void text_csv(Buffer *out, Slice text)
{
    double number;
    const bool is_formula =
        text.len > 0 && strchr("=+-@\t\r", text.ptr[0]) != NULL && !slice_to_double(text, &number);
    bool is_quoted = is_formula;
    for (size_t i = 0; i < text.len && !is_quoted; i++)
        is_quoted = strchr(",\"\r\n", text.ptr[i]) != NULL;
    if (!is_quoted) {
        buffer_append(out, text);
        return;
    }
    buffer_append_byte(out, '"');
    if (is_formula) buffer_append_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') buffer_append_byte(out, '"');
        buffer_append_byte(out, text.ptr[i]);
    }
    buffer_append_byte(out, '"');
}
