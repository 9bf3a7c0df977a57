// assay show: a run on the terminal, with its curves or samples where asked for.
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "results/report/report.h"
#include "tools/commands.h"
#include "tools/listing.h"
#include "tools/run_options.h"

static const Option options[] = {
    STORE_OPTION_ROW,
    {.name = "curves", .kind = OPTION_FLAG, .help = "the points of every training curve, as TSV"},
    {.name = "samples",
     .kind = OPTION_FLAG,
     .help = "the samples answered worst, as TSV; a table on a terminal"},
    {.name = "worst",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "20",
     .lowest = 1,
     .highest = 1000000,
     .help = "samples a model and task"},
};

static size_t terminal_width(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
    return 100;
}

static void put_field(Buffer *out, Slice text, char end)
{
    output_escaped(out, text);
    buffer_append_byte(out, end);
}

static void put_curves(const RunView *view, Buffer *out)
{
    buffer_append_cstr(out, "trial\tmodel\tsetting\tfold\tseries\tstep\tvalue\n");
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        for (size_t j = 0; j < trial->n_series; j++) {
            const ViewSeries *series = &trial->series[j];
            for (size_t k = 0; k < series->n_points; k++) {
                put_field(out, slice_sub(trial->id, 0, 12), '\t');
                put_field(out, view->models[trial->model].name, '\t');
                put_field(out, view->settings_table[trial->setting].label, '\t');
                buffer_printf(out, "%d\t", (int)trial->outer_fold);
                put_field(out, series->name, '\t');
                buffer_printf(out, "%lld\t", (long long)series->points[k].step);
                buffer_append_double(out, series->points[k].value);
                buffer_append_byte(out, '\n');
            }
        }
    }
}

static void put_samples(const RunView *view, Buffer *out)
{
    buffer_append_cstr(out, "model\ttask\tid\treference\tpredicted\tp_reference\tinput\n");
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        put_field(out, view->models[worst->model].name, '\t');
        put_field(out, view->tasks[worst->task].name, '\t');
        put_field(out, worst->sample_id, '\t');
        put_field(out, worst->reference, '\t');
        put_field(out, worst->predicted, '\t');
        if (!isnan(worst->p_reference)) buffer_append_double(out, worst->p_reference);
        buffer_append_byte(out, '\t');
        put_field(out, worst->input, '\n');
    }
}

// The same for people: each text below what was said of it.
static Status put_samples_table(const RunView *view, Arena *arena, Buffer *out, Error *err)
{
    static const char *const columns[] = {"model",     "task",         "id",   "reference",
                                          "predicted", "p(reference)", "input"};
    enum { N_COLUMNS = sizeof columns / sizeof *columns };
    Listing listing = {.arena = arena, .columns = columns, .n_columns = N_COLUMNS, .n_below = 1};
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        listing_text(&listing, view->models[worst->model].name);
        listing_text(&listing, view->tasks[worst->task].name);
        listing_text(&listing, worst->sample_id);
        listing_text(&listing, worst->reference);
        listing_text(&listing, worst->predicted);
        if (isnan(worst->p_reference))
            listing_cstr(&listing, NULL);
        else
            listing_printf(&listing, "%.3f", worst->p_reference);
        listing_text(&listing, worst->input);
    }
    listing_put_table(&listing, out);
    return listing_status(&listing, err);
}

static Status render(CommandLine *line, const RunView *view, Buffer *out, Error *err)
{
    const bool curves = option_flag(line, "curves"), samples = option_flag(line, "samples");
    const ReportOptions wanted = {.width = terminal_width(),
                                  .colour = line->log->use_color && isatty(STDOUT_FILENO)};
    static const ReportOptions plain = {0};
    if (line->is_json) return report_find(SLICE("json"))->render(view, &plain, out, err);
    if (curves) put_curves(view, out);
    if (samples && isatty(STDOUT_FILENO)) return put_samples_table(view, &line->arena, out, err);
    if (samples) put_samples(view, out);
    if (curves || samples) return STATUS_OK;
    return report_find(SLICE("terminal"))->render(view, &wanted, out, err);
}

static Status show_run(CommandLine *line, Store *store, Error *err)
{
    RunName name;
    RunView view = {0};
    Buffer out = {0};
    const RunViewOptions wanted = {.n_worst = (size_t)option_integer(line, "worst")};
    const char *text = line->n_operands > 0 ? line->operands[0] : "last";
    TRY(run_name_find(line, store, text, &name, err));
    TRY(run_view_load(store, name.run_id, &wanted, &view, err));
    Status s = render(line, &view, &out, err);
    run_view_release(&view);
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    return s;
}

static Status run(CommandLine *line, Error *err)
{
    Store *store = NULL;
    TRY(run_store_open(line, &store, err));
    const Status s = show_run(line, store, err);
    store_close(&store);
    return s;
}

const Command command_show = {
    .name = "show",
    .group = "Results",
    .summary = "show a run's table, curves or samples",
    .operands = "[RUN]",
    .max_operands = 1,
    .description = "RUN is a run's id, the beginning of one, or \"last\" (the default).",
    OPTIONS(options),
    .examples = "assay show  # the newest run\n"
                "assay show last --samples --worst 50  # what it got most wrong",
    .run = run,
};
