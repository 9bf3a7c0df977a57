// assay run: a suite from its plan to its reports.
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/run.h"
#include "harness/suite/members.h"
#include "tools/commands.h"
#include "tools/model_options.h"

static const Option options[] = {
    {.name = "model",
     .kind = OPTION_TEXTS,
     .value = "NAME=PATH",
     .help = "read the suite's model NAME from PATH; a new name adds a model"},
    {.name = "data",
     .kind = OPTION_TEXTS,
     .value = "NAME=PATH",
     .help = "read the task's data from PATH: a file, or a directory with train, dev and test"},
    {.name = "set",
     .kind = OPTION_TEXTS,
     .value = "KEY.PATH=VALUE",
     .help = "override any key of the suite, as in tune.epochs=5"},
    {.name = "store",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "assay.db",
     .help = "store of results: trials that are in it are not run again"},
    {.name = "report",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .help = "folder for the report files (assay-report, unless the suite names one)"},
    {.name = "dry-run",
     .kind = OPTION_FLAG,
     .help =
         "show the plan: trials, cached ones, estimated time and memory, and what the check of the data finds"},
    {.name = "jobs",
     .short_name = 'j',
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "1",
     .lowest = 1,
     .highest = 256,
     .help = "worker processes, each with trials of its own; results do not depend on it"},
    {.name = "threads",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1024,
     .help = "threads of each trial; 0 shares those of this process among the jobs"},
    {.name = "device",
     .kind = OPTION_TEXT,
     .value = "DEVICE",
     .fallback = "cpu",
     .help = "where to compute: cpu, or cuda:N for a GPU"},
    {.name = "compute",
     .kind = OPTION_CHOICE,
     .value = "KIND",
     .fallback = "f32",
     .choices = compute_choices,
     .help = "products of what is judged in true fp32; with TF32 inputs on a GPU that has it; on a "
             "CPU with inputs rounded to bf16 or int8, as in predict (tuning computes in fp32)"},
    MODEL_OPTION_KV,
    {.name = "seed",
     .kind = OPTION_INTEGER,
     .value = "N",
     .highest = 9007199254740992.0,
     .help = "seed of folds, order, dropout and fresh weights, instead of the suite's"},
    {.name = "filter",
     .kind = OPTION_TEXT,
     .value = "WHAT",
     .help = "only some models, tasks, folds or settings, as in model=minilm,fold=0"},
    {.name = "limit",
     .kind = OPTION_INTEGER,
     .value = "N",
     .lowest = 1,
     .highest = 1e9,
     .help = "judge a seeded sample of N of each part, by class; reports are stamped so"},
    {.name = "retime", .kind = OPTION_FLAG, .help = "run stored trials again, for their times"},
    {.name = "checkpoint-seconds",
     .kind = OPTION_REAL,
     .value = "S",
     .fallback = "60",
     .lowest = 0.001,
     .highest = 86400,
     .help = "save the state of a trial under way so often"},
};

static size_t terminal_width(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
    return 100;
}

static Status split_all(CommandLine *line, const char *name, const SuiteNamedPath **out, size_t *n,
                        Error *err)
{
    const char *const *texts = NULL;
    const char *flag = strcmp(name, "model") == 0 ? "--model" : "--data";
    SuiteNamedPath *paths = NULL;
    *n = option_texts(line, name, &texts);
    TRY(arena_take(&line->arena, *n, sizeof *paths, "options", &paths, err));
    for (size_t i = 0; i < *n; i++)
        TRY(suite_split_named_path(slice_from_cstr(texts[i]), flag, &paths[i], err));
    *out = paths;
    return STATUS_OK;
}

static Status read_overrides(CommandLine *line, SuiteOverrides *out, Error *err)
{
    const char *const *texts = NULL;
    Slice *set = NULL;
    *out = (SuiteOverrides){.has_seed = option_given(line, "seed"),
                            .seed = (uint64_t)option_integer(line, "seed"),
                            .limit = (size_t)option_integer(line, "limit"),
                            .filter = slice_from_cstr(option_text(line, "filter"))};
    TRY(split_all(line, "model", &out->models, &out->n_models, err));
    TRY(split_all(line, "data", &out->data, &out->n_data, err));
    out->n_set = option_texts(line, "set", &texts);
    TRY(arena_take(&line->arena, out->n_set, sizeof *set, "options", &set, err));
    for (size_t i = 0; i < out->n_set; i++) set[i] = slice_from_cstr(texts[i]);
    out->set = set;
    return STATUS_OK;
}

static Status read_options(CommandLine *line, RunOptions *out, Error *err)
{
    *out = (RunOptions){.store_path = option_text(line, "store"),
                        .report_dir = option_text(line, "report"),
                        .compute = compute_option(line),
                        .kv = kv_option(line),
                        .n_jobs = (size_t)option_integer(line, "jobs"),
                        .n_threads = (size_t)option_integer(line, "threads"),
                        .retime = option_flag(line, "retime"),
                        .checkpoint_seconds = option_real(line, "checkpoint-seconds"),
                        .cancel = interrupt_flag(),
                        .log = line->log,
                        .program_version = version_text(),
                        .argc = line->argc,
                        .argv = line->argv,
                        .width = terminal_width(),
                        .colour = line->log->use_color && isatty(STDOUT_FILENO),
                        .is_quiet_table = line->is_json};
    return device_option(line, &out->device, err);
}

static Status show_result(CommandLine *line, const RunOptions *how, RunResult *result, Buffer *out,
                          Error *err)
{
    log_info(line->log, "run %s: %zu trials, %zu of them from the store, %zu done now, %zu failed",
             result->run_id, result->n_trials, result->n_cached, result->n_done, result->n_failed);
    if (line->is_json) return run_result_json(result, how->store_path, out, err);
    buffer_append(out, buffer_slice(&result->table));
    for (size_t i = 0; i < result->n_reports; i++) {
        buffer_append_cstr(out, i == 0 ? "\n" : "");
        output_escaped(out, result->reports[i]);
        buffer_append_byte(out, '\n');
    }
    return buffer_status(out, err);
}

// verdicts: gets what a run comes to; may be NULL.
static Status run_loaded(CommandLine *line, const Suite *suite, const RunOptions *how, Buffer *out,
                         Buffer *verdicts, Error *err)
{
    RunResult result = {0};
    if (option_flag(line, "dry-run")) return run_describe(suite, how, line->is_json, out, err);
    Status s = run_suite(suite, how, &result, err);
    if (s == STATUS_CANCELLED)
        s = error_wrap(err,
                       "stopped; what is done is kept, and the same command goes on from there");
    if (s == STATUS_OK) s = show_result(line, how, &result, out, err);
    if (s == STATUS_OK && verdicts) buffer_append(verdicts, buffer_slice(&result.verdicts));
    if (s == STATUS_OK && result.n_failed > 0) line->exit_code = 3;
    run_result_release(&result);
    return s;
}

// ---- suites of suites ----

// These speak of one suite's models, tasks and keys. --model is for all: each suite has the model beside its own.
static Status refuse_for_members(CommandLine *line, const SuiteMembers *members, Error *err)
{
    static const char *const single[] = {"data", "set", "filter"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (!option_given(line, single[i])) continue;
        return error_set(err, STATUS_INVALID,
                         "--%s is for one suite; \"" SLICE_FMT "\" has %zu: run the one that you "
                         "mean by its name",
                         single[i], SLICE_ARG(members->suite), members->n);
    }
    return STATUS_OK;
}

// What is wrong with a later one is said before the first is run.
static Status load_members(Arena *arena, const SuiteMembers *members,
                           const SuiteOverrides *overrides, Suite ***out, Error *err)
{
    Suite **suites = NULL;
    TRY(arena_take(arena, members->n, sizeof *suites, "suites", &suites, err));
    for (size_t i = 0; i < members->n; i++) suites[i] = NULL;
    *out = suites;
    for (size_t i = 0; i < members->n; i++)
        TRY(suite_load(members->all[i].path, overrides, &suites[i], err));
    return STATUS_OK;
}

static Status run_member(CommandLine *line, const SuiteMember *member, const Suite *suite,
                         RunOptions how, Buffer *out, Buffer *verdicts, Error *err)
{
    const char *folder = how.report_dir ? how.report_dir : "assay-report";
    how.report_dir = arena_printf(&line->arena, "%s/" SLICE_FMT, folder, SLICE_ARG(member->name));
    if (how.report_dir == NULL) return error_set_memory(err, member->name.len, 1, "a path");
    log_info(line->log, "suite " SLICE_FMT, SLICE_ARG(member->name));
    const Status s = run_loaded(line, suite, &how, out, verdicts, err);
    return s == STATUS_OK ? s : error_wrap(err, "suite " SLICE_FMT, SLICE_ARG(member->name));
}

// After all tables: what each run came to, a line a task.
static Status put_verdicts(Buffer *verdicts, Error *err)
{
    Buffer out = {0};
    Status s = buffer_status(verdicts, err);
    Slice rest = buffer_slice(verdicts);
    if (rest.len > 0) buffer_append_cstr(&out, "\nIn short\n");
    while (s == STATUS_OK && rest.len > 0) {
        const size_t end = slice_find_byte(rest, '\n');
        buffer_append_cstr(&out, "  ");
        output_escaped(&out, slice_sub(rest, 0, end));
        buffer_append_byte(&out, '\n');
        rest = slice_sub(rest, end + 1, rest.len);
    }
    buffer_release(verdicts);
    if (s == STATUS_OK) return output_buffer(&out, err);
    buffer_release(&out);
    return s;
}

// Each one's answer is written as soon as it is there.
static Status run_members(CommandLine *line, const SuiteMembers *members,
                          const SuiteOverrides *overrides, const RunOptions *how, Error *err)
{
    Suite **suites = NULL;
    Buffer verdicts = {0};
    Status s = load_members(&line->arena, members, overrides, &suites, err);
    for (size_t i = 0; s == STATUS_OK && i < members->n; i++) {
        Buffer out = {0};
        if (line->is_json)
            buffer_append_cstr(&out, i == 0 ? "[\n" : ",\n");
        else if (i > 0)
            buffer_append_cstr(&out, "\n");
        s = run_member(line, &members->all[i], suites[i], *how, &out, &verdicts, err);
        if (line->is_json && i + 1 == members->n) buffer_append_cstr(&out, "]\n");
        if (s == STATUS_OK)
            s = output_buffer(&out, err);
        else
            buffer_release(&out);
    }
    for (size_t i = 0; suites && i < members->n; i++) suite_close(&suites[i]);
    if (s == STATUS_OK) return put_verdicts(&verdicts, err);
    buffer_release(&verdicts);
    return s;
}

static Status run_one(CommandLine *line, const SuiteOverrides *overrides, const RunOptions *how,
                      Error *err)
{
    Suite *suite = NULL;
    Buffer out = {0};
    Status s = suite_load(line->operands[0], overrides, &suite, err);
    if (s == STATUS_OK) s = run_loaded(line, suite, how, &out, NULL, err);
    if (s == STATUS_OK)
        s = output_buffer(&out, err);
    else
        buffer_release(&out);
    suite_close(&suite);
    return s;
}

static Status run(CommandLine *line, Error *err)
{
    SuiteOverrides overrides;
    SuiteMembers members;
    RunOptions how;
    TRY(read_overrides(line, &overrides, err));
    TRY(read_options(line, &how, err));
    TRY(suite_members_load(&line->arena, line->operands[0], &members, err));
    if (members.n == 0) return run_one(line, &overrides, &how, err);
    TRY(refuse_for_members(line, &members, err));
    return run_members(line, &members, &overrides, &how, err);
}

const Command command_run = {
    .name = "run",
    .group = "Evaluate",
    .summary = "plan a suite's trials, run what is not stored, report",
    .operands = "SUITE",
    .min_operands = 1,
    .max_operands = 1,
    .description =
        "Reads a suite (a file, or the name of an installed one), plans its trials, takes from the "
        "store what is there, runs the rest and writes the reports. Trials are stored as they end: "
        "a run that was stopped or killed is begun again by the same command and goes on.\n\n"
        "A suite of suites (\"all\", say) runs those that it names, one after the other, each with a "
        "folder of its own below the reports' folder.\n\n"
        "Ctrl-C once finishes the step, saves the state and ends; twice ends at once. The exit "
        "status is 3 where a trial failed, even if others finished.",
    OPTIONS(options),
    .examples = "assay run sentiment  # one of the suites that come with assay\n"
                "assay run all        # all that need nothing else\n"
                "assay run my.json --model minilm=models/minilm --jobs 2\n"
                "assay run my.json --dry-run  # what it would do",
    .run = run,
};
