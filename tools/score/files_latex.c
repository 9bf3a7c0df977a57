// Systems by metrics as a table for LaTeX.
#include <math.h>

#include "tools/score/files_internal.h"

static void put_escaped(Buffer *out, Slice text)
{
    static const struct {
        char byte;
        const char *latex;
    } specials[] = {{'\\', "\\textbackslash{}"},
                    {'~', "\\textasciitilde{}"},
                    {'^', "\\textasciicircum{}"},
                    {'_', "\\_"},
                    {'&', "\\&"},
                    {'%', "\\%"},
                    {'$', "\\$"},
                    {'#', "\\#"},
                    {'{', "\\{"},
                    {'}', "\\}"}};
    for (size_t i = 0; i < text.len; i++) {
        const char *latex = NULL;
        for (size_t k = 0; k < sizeof specials / sizeof *specials; k++) {
            if (text.ptr[i] == specials[k].byte) latex = specials[k].latex;
        }
        if (latex != NULL)
            buffer_append_cstr(out, latex);
        else
            buffer_append_byte(out, text.ptr[i]);
    }
}

static void put_name(Buffer *out, const char *path)
{
    Buffer plain = {0};
    output_escaped(&plain, slice_from_cstr(path));
    put_escaped(out, buffer_slice(&plain));
    out->failed |= plain.failed;
    buffer_release(&plain);
}

// "54.3 (52.1 ± 39.6) (p = 0.4096)", with a star where p is below 0.05.
static void put_cell(Buffer *out, const TextRun *run, const TextSystem *system)
{
    const int width = (int)option_integer(run->line, "width");
    buffer_printf(out, " & %.*f", width, system->scores[0].scores[0]);
    if (!isnan(system->mean)) {
        buffer_printf(out, " (%.*f \u00b1 %.*f)", width, system->mean, width, system->ci);
    }
    if (isnan(system->p_value)) return;
    buffer_printf(out, " (p = %.4f)%s", system->p_value, system->p_value < 0.05 ? "*" : "");
}

Status text_put_latex(const TextRun *runs, size_t n_runs, Buffer *out, Error *err)
{
    const size_t n_systems = runs[0].n_hyps;
    const bool is_tested = runs[0].test != PAIRED_NONE;
    TextNames names;
    if (n_systems < 2 || runs[0].is_by_sentence) {
        return error_set(err, STATUS_INVALID,
                         "--format latex is a table of several systems' scores: text and json are "
                         "for one, or for its segments");
    }
    buffer_append_cstr(out, "\\begin{tabular}{r");
    for (size_t k = 0; k < n_runs; k++) buffer_append_byte(out, 'c');
    buffer_append_cstr(out, "}\n\\toprule\nSystem");
    for (size_t k = 0; k < n_runs; k++) {
        TRY(text_names(&runs[k], 0, &names, err));
        buffer_append_cstr(out, " & ");
        put_escaped(out, names.name);
        if (!isnan(runs[k].systems[0].mean)) {
            buffer_append_cstr(out, " (\u03bc \u00b1 95\\% CI)");
        }
    }
    buffer_append_cstr(out, " \\\\\n\\midrule\n");
    for (size_t h = 0; h < n_systems; h++) {
        if (h == 0 && is_tested) buffer_append_cstr(out, "Baseline: ");
        put_name(out, runs[0].systems[h].path);
        for (size_t k = 0; k < n_runs; k++) put_cell(out, &runs[k], &runs[k].systems[h]);
        buffer_append_cstr(out, " \\\\\n");
    }
    buffer_append_cstr(out, "\\bottomrule\n\\end{tabular}\n");
    for (size_t k = 0; k < n_runs; k++) {
        TRY(text_names(&runs[k], 0, &names, err));
        buffer_printf(out, "%% " SLICE_FMT ": " SLICE_FMT "\n", SLICE_ARG(names.name),
                      SLICE_ARG(names.signature));
    }
    return buffer_status(out, err);
}
