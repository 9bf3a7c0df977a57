// results/report/report.c: the formats, what they say in words, and files that are left alone.
#include <math.h>

#include "base/clock.h"
#include "base/file.h"
#include "results/report/report_internal.h"
#include "results/report/svg/gnuplot.h"

const ReportFormat report_formats[] = {
    {"terminal", "txt", "aligned tables for a terminal", render_terminal},
    {"markdown", "md", "tables for a README or a pull request", render_markdown},
    {"json", "json", "everything, for programs", render_json},
    {"csv", "csv", "every score a row, for spreadsheets", render_csv},
    {"html", "html", "one self-contained page with plots", render_html},
};
const size_t report_format_count = sizeof report_formats / sizeof *report_formats;

const char report_mark_label[] = "assay-report-inputs";

const ReportFormat *report_find(Slice name)
{
    for (size_t i = 0; i < report_format_count; i++) {
        if (slice_eq_cstr(name, report_formats[i].name)) return &report_formats[i];
    }
    return NULL;
}

// The model with the next best headline after `best`, baselines left out.
static int next_best(const RunView *view, int task, int best)
{
    int next = VIEW_NONE;
    double estimate = NAN;
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *score = run_view_headline(view, (int)m, task, (Slice){0});
        if ((int)m == best || view->models[m].is_baseline || score == NULL ||
            isnan(score->score.estimate))
            continue;
        const bool is_better = view->tasks[task].direction < 0 ? score->score.estimate < estimate
                                                               : score->score.estimate > estimate;
        if (next != VIEW_NONE && !is_better) continue;
        next = (int)m;
        estimate = score->score.estimate;
    }
    return next;
}

static int find_baseline(const RunView *view, int task)
{
    for (size_t m = 0; m < view->n_models; m++) {
        if (view->models[m].is_baseline &&
            run_view_headline(view, (int)m, task, (Slice){0}) != NULL)
            return (int)m;
    }
    return VIEW_NONE;
}

static void lead_over(const RunView *view, int task, const ViewScore *score, int other,
                      const char *before, Buffer *out)
{
    const ViewScore *against = run_view_headline(view, other, task, (Slice){0});
    const double lead = score->score.estimate - against->score.estimate;
    const bool is_ahead = view->tasks[task].direction < 0 ? lead < 0 : lead > 0;
    const bool is_directed = view->tasks[task].direction != 0;
    buffer_append_cstr(out, before);
    if (lead == 0) {
        buffer_printf(out, "the same as " SLICE_FMT, SLICE_ARG(view->models[other].name));
        return;
    }
    text_value(out, fabs(lead), score->score.highest);
    buffer_printf(out, " %s " SLICE_FMT,
                  is_directed ? (is_ahead ? "better than" : "worse than")
                  : lead > 0  ? "above"
                              : "below",
                  SLICE_ARG(view->models[other].name));
    // Whether that is chance, a paired comparison says; that it may well be, the reader should see here.
    if (against->score.estimate >= score->score.lo && against->score.estimate <= score->score.hi)
        buffer_append_cstr(out, " (within the interval)");
}

void report_verdict(const RunView *view, int task, Buffer *out)
{
    const ViewTask *t = &view->tasks[task];
    const int best = run_view_best_model(view, task);
    if (best == VIEW_NONE) {
        buffer_printf(out, "No model has a score on " SLICE_FMT " yet.", SLICE_ARG(t->name));
        return;
    }
    const ViewScore *score = run_view_headline(view, best, task, (Slice){0});
    const int second = next_best(view, task, best), baseline = find_baseline(view, task);
    buffer_printf(out, SLICE_FMT " %s on " SLICE_FMT ": " SLICE_FMT " ",
                  SLICE_ARG(view->models[best].name),
                  second == VIEW_NONE ? "was judged"
                  : t->direction == 0 ? "scores highest"
                                      : "scores best",
                  SLICE_ARG(t->name), SLICE_ARG(t->primary));
    text_score(out, &score->score);
    if (second != VIEW_NONE) lead_over(view, task, score, second, ", ", out);
    if (baseline != VIEW_NONE)
        lead_over(view, task, score, baseline, second == VIEW_NONE ? ", " : " and ", out);
    buffer_append_byte(out, '.');
    size_t n_won = 0, n_folds = 0;
    const int setting = run_view_best_setting(view, best, task, &n_won, &n_folds);
    if (setting == VIEW_NONE || view->n_axes == 0) return;
    buffer_printf(out, " Best setting: " SLICE_FMT, SLICE_ARG(view->settings_table[setting].label));
    if (n_folds > 1) buffer_printf(out, ", chosen in %zu of %zu folds", n_won, n_folds);
    buffer_append_byte(out, '.');
}

void report_subtitle(const RunView *view, Buffer *out)
{
    char when[CLOCK_TEXT_SIZE];
    clock_format_utc(view->started_unix_ns, when);
    buffer_printf(out, "run " SLICE_FMT ", %s, " SLICE_FMT ": %zu of %zu trials",
                  SLICE_ARG(view->run_id), when, SLICE_ARG(view->status), view->n_done,
                  view->n_trials);
    if (view->n_failed > 0) buffer_printf(out, ", %zu failed", view->n_failed);
    if (view->is_limited) buffer_append_cstr(out, ", on a limited sample");
}

Status report_mark(const char *inputs_hash, const ReportFormat *format,
                   const ReportOptions *options, char mark[SHA256_HEX_SIZE], Error *err)
{
    const bool draws = strcmp(format->name, "html") == 0 && gnuplot_is_available(options->gnuplot);
    Buffer text = {0};
    buffer_printf(&text, "%s %s %d %zu %d %d", inputs_hash, format->name, REPORT_RENDERER_VERSION,
                  options->width, options->colour, draws);
    const Status s = buffer_status(&text, err);
    if (s == STATUS_OK) sha256_of(buffer_slice(&text), mark);
    buffer_release(&text);
    return s;
}

// Whether the file carries the mark. A file that is not there, or not ours, does not.
static bool is_marked(const char *path, const char *mark)
{
    Slice file = {0};
    if (!file_exists(path) || file_map(path, &file, NULL) != STATUS_OK) return false;
    const bool found = slice_find(file, slice_from_cstr(mark)) != SIZE_MAX;
    file_unmap(&file);
    return found;
}

static Status make_path(const ReportFormat *format, const char *directory, Arena *arena,
                        char **path, Error *err)
{
    char name[32];
    snprintf(name, sizeof name, "report.%s", format->extension);
    *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(name));
    return *path != NULL ? STATUS_OK : error_set_memory(err, strlen(directory), 1, "a path");
}

Status report_is_current(const char *inputs_hash, const ReportFormat *format,
                         const ReportOptions *options, const char *directory, Arena *arena,
                         Slice *path, bool *is_current, Error *err)
{
    static const ReportOptions defaults = {0};
    if (options == NULL) options = &defaults;
    char mark[SHA256_HEX_SIZE], *file = NULL;
    TRY(report_mark(inputs_hash, format, options, mark, err));
    TRY(make_path(format, directory, arena, &file, err));
    *path = slice_from_cstr(file);
    *is_current = is_marked(file, mark);
    return STATUS_OK;
}

// Formats without a place for a comment get a last line.
static Status add_mark(const RunView *view, const ReportFormat *format,
                       const ReportOptions *options, Buffer *out, Error *err)
{
    char mark[SHA256_HEX_SIZE];
    TRY(report_mark(view->inputs_hash, format, options, mark, err));
    if (slice_find(buffer_slice(out), slice_from_cstr(mark)) == SIZE_MAX)
        buffer_printf(out, "\n%s %s\n", report_mark_label, mark);
    return buffer_status(out, err);
}

Status report_write(const RunView *view, const ReportFormat *format, const ReportOptions *options,
                    const char *directory, Arena *arena, Slice *path, bool *written, Error *err)
{
    static const ReportOptions defaults = {0};
    if (options == NULL) options = &defaults;
    bool is_current = false;
    *written = false;
    TRY(report_is_current(view->inputs_hash, format, options, directory, arena, path, &is_current,
                          err));
    if (is_current) return STATUS_OK;
    TRY(file_make_directories(directory, err));
    Buffer out = {0};
    Status s = format->render(view, options, &out, err);
    if (s == STATUS_OK) s = buffer_status(&out, err);
    if (s == STATUS_OK) s = add_mark(view, format, options, &out, err);
    if (s == STATUS_OK) s = file_write(path->ptr, buffer_slice(&out), err);
    *written = s == STATUS_OK;
    buffer_release(&out);
    return s == STATUS_OK ? s : error_wrap(err, "report %s", format->name);
}
