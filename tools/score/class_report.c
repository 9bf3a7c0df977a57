#include "tools/score/class_report.h"

#include "base/size.h"
#include "base/unicode.h"

// Right-aligned in width code points.
static void put_name(Buffer *out, Slice name, size_t width)
{
    const size_t len = utf8_count(name);
    for (size_t i = len; i < width; i++) buffer_append_byte(out, ' ');
    buffer_append(out, name);
}

static void put_row(const ClassReport *report, Slice name, size_t width, size_t at, double support,
                    int digits, Buffer *out)
{
    put_name(out, name, width);
    buffer_append_byte(out, ' ');
    for (size_t part = 0; part < 3; part++)
        buffer_printf(out, " %9.*f", digits, report->parts[part][at]);
    buffer_printf(out, " %9.*f\n", report->has_hits ? 0 : 1, support);
}

void class_report_text(const ClassReport *report, int digits, Buffer *out)
{
    static const char *const headers[] = {"precision", "recall", "f1-score", "support"};
    const Slice last = SLICE("weighted avg");
    size_t width = size_max(last.len, (size_t)digits);
    double total = 0;
    for (size_t c = 0; c < report->n_labels; c++) {
        width = size_max(width, utf8_count(report->labels[c]));
        total += confusion_support(report->confusion, c);
    }
    put_name(out, (Slice){0}, width);
    buffer_append_byte(out, ' ');
    for (size_t i = 0; i < 4; i++) buffer_printf(out, " %9s", headers[i]);
    buffer_append_cstr(out, "\n\n");
    for (size_t c = 0; c < report->n_labels; c++)
        put_row(report, report->labels[c], width, report->first_class + c,
                confusion_support(report->confusion, c), digits, out);
    buffer_append_byte(out, '\n');
    put_name(out, SLICE("accuracy"), width);
    buffer_printf(out, "  %9s %9s %9.*f %9.*f\n", "", "", digits, report->accuracy,
                  report->has_hits ? 0 : 1, total);
    put_row(report, SLICE("macro avg"), width, report->macro, total, digits, out);
    put_row(report, last, width, report->weighted, total, digits, out);
}
