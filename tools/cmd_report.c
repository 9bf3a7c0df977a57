// assay report: runs as documents.
#include "base/file.h"
#include "base/json.h"
#include "base/size.h"
#include "results/report/report.h"
#include "tools/commands.h"
#include "tools/run_options.h"

static const Option options[] = {
    STORE_OPTION_ROW,
    {.name = "format",
     .kind = OPTION_TEXT,
     .value = "NAMES",
     .fallback = "html",
     .help = "html, markdown, json, csv, terminal; several with commas between"},
    {.name = "report",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .fallback = "assay-report",
     .help = "directory for the files; \"-\" writes one format to standard output"},
};

typedef struct Job {
    CommandLine *line;
    Store *store;
    const ReportFormat *formats[16];
    size_t n_formats;
    JsonWriter json;
    Buffer text;
} Job;

static Status parse_formats(Job *job, Error *err)
{
    Slice list = slice_from_cstr(option_text(job->line, "format")), name;
    const char *known[16];
    for (size_t i = 0; i < report_format_count; i++) known[i] = report_formats[i].name;
    while (slice_split(&list, ',', &name)) {
        name = slice_trim(name);
        const ReportFormat *format = report_find(name);
        if (!format) {
            const char *near = nearest_name(name, known, report_format_count);
            return error_set(
                err, STATUS_INVALID, "--format: \"" SLICE_FMT "\" is no format of a report; %s%s%s",
                SLICE_ARG(name), near ? "did you mean \"" : "",
                near ? near : "assay list formats names those there are", near ? "\"?" : "");
        }
        if (job->n_formats == sizeof job->formats / sizeof *job->formats)
            return error_set(err, STATUS_INVALID, "--format names too many formats");
        job->formats[job->n_formats++] = format;
    }
    if (job->n_formats == 0) return error_set(err, STATUS_INVALID, "--format names no format");
    return STATUS_OK;
}

static Status write_file(Job *job, const RunView *view, const ReportFormat *format,
                         const char *directory, Error *err)
{
    Slice path;
    bool written = false;
    TRY(report_write(view, format, NULL, directory, &job->line->arena, &path, &written, err));
    if (job->line->is_json) {
        json_begin_object(&job->json);
        json_member_string(&job->json, "run", view->run_id);
        json_member_cstr(&job->json, "format", format->name);
        json_member_string(&job->json, "path", path);
        json_member_bool(&job->json, "written", written);
        json_end_object(&job->json);
        return STATUS_OK;
    }
    output_escaped(&job->text, path);
    buffer_append_cstr(&job->text, written ? "\n" : " (as it was: nothing has changed)\n");
    return STATUS_OK;
}

static Status report_view(Job *job, const RunView *view, Error *err)
{
    static const ReportOptions defaults = {0};
    const char *directory = option_text(job->line, "report");
    if (slice_eq_cstr(slice_from_cstr(directory), "-"))
        return job->formats[0]->render(view, &defaults, &job->text, err);
    // Several runs get a directory each, so that none overwrites another.
    if (job->line->n_operands > 1) {
        directory = file_join(&job->line->arena, slice_from_cstr(directory), view->run_id);
        if (!directory) return error_set_memory(err, view->run_id.len, 1, "a path");
    }
    for (size_t i = 0; i < job->n_formats; i++)
        TRY(write_file(job, view, job->formats[i], directory, err));
    return STATUS_OK;
}

static Status report_run(Job *job, const char *operand, Error *err)
{
    RunName name;
    RunView view = {0};
    TRY(run_name_find(job->line, job->store, operand, &name, err));
    TRY(run_view_load(job->store, name.run_id, NULL, &view, err));
    const Status s = report_view(job, &view, err);
    run_view_release(&view);
    return s;
}

static Status report_all(Job *job, Error *err)
{
    static const char *const newest[] = {"last"};
    const size_t n = size_max(job->line->n_operands, 1);
    const char *const *names =
        job->line->n_operands > 0 ? (const char *const *)job->line->operands : newest;
    const bool to_stdout = slice_eq_cstr(slice_from_cstr(option_text(job->line, "report")), "-");
    if (to_stdout && (job->n_formats > 1 || n > 1 || job->line->is_json)) {
        return error_set(err, STATUS_INVALID,
                         "--report - takes one run and one format, without --json");
    }
    TRY(run_store_open(job->line, &job->store, err));
    if (job->line->is_json) json_begin_array(&job->json);
    for (size_t i = 0; i < n; i++) TRY(report_run(job, names[i], err));
    if (job->line->is_json) {
        json_end_array(&job->json);
        buffer_append_byte(&job->text, '\n');
    }
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    Job job = {.line = line};
    job.json = json_writer(&job.text, 2);
    Status s = parse_formats(&job, err);
    if (s == STATUS_OK) s = report_all(&job, err);
    if (s == STATUS_OK) s = output_buffer(&job.text, err);
    buffer_release(&job.text);
    store_close(&job.store);
    return s;
}

const Command command_report = {
    .name = "report",
    .group = "Results",
    .summary = "write a run as HTML, Markdown, JSON or CSV",
    .operands = "[RUN...]",
    .max_operands = 1000,
    .description =
        "RUN is a run's id, the beginning of one, or \"last\" (the default). A file whose "
        "inputs have not changed is left alone. Several runs get a directory each.",
    OPTIONS(options),
    .examples = "assay report last --format html,markdown  # assay-report/report.html and .md\n"
                "assay report last --format csv --report -  # to standard output",
    .run = run,
};
