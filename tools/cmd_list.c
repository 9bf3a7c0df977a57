// assay list: what there is to choose from. A topic is a row of topics.
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "datasets/personal.h"
#include "datasets/reader.h"
#include "harness/suite/suite.h"
#include "kernels/exec.h"
#include "metrics/metric.h"
#include "models/architecture.h"
#include "results/report/report.h"
#include "results/store.h"
#include "tools/commands.h"
#include "tools/listing.h"
#include "tools/run_options.h"

enum { MAX_WORDS = 32 };

// Words that a cell keeps.
static void put_words(Listing *out, const Slice *words, size_t n)
{
    Slice *copy = ARENA_NEW(out->arena, Slice, n);
    if (!copy)
        out->failed = true;
    else
        memcpy(copy, words, n * sizeof *words);
    listing_words(out, copy, copy ? n : 0);
}

// "0 to 100", "0 to any".
static void put_range(Listing *out, const Metric *metric)
{
    char ends[2][32];
    const double values[2] = {metric->lowest, metric->highest};
    for (size_t i = 0; i < 2; i++) {
        if (isfinite(values[i])) {
            snprintf(ends[i], sizeof ends[i], "%g", values[i]);
        } else {
            snprintf(ends[i], sizeof ends[i], "any");
        }
    }
    listing_printf(out, "%s to %s", ends[0], ends[1]);
}

// The signature under default options, for as many classes, groups, systems or raters as the metric must have at least.
static void put_signature(Listing *out, const Metric *metric)
{
    static const Slice names[] = {SLICE_LIT("0"), SLICE_LIT("1"), SLICE_LIT("2"), SLICE_LIT("3")};
    for (size_t n = 2; n <= sizeof names / sizeof *names; n++) {
        const MetricSetup setup = {.labels = names, .n_labels = n, .groups = names, .n_groups = n};
        MetricPlan plan;
        Slice signature = {0};
        Error ignored = {0};
        if (metric_plan(metric, &setup, out->arena, &plan, &ignored) != STATUS_OK) continue;
        if (metric_signature(&plan, out->arena, &signature, &ignored) != STATUS_OK) continue;
        listing_text(out, signature);
        return;
    }
    listing_cstr(out, NULL);
}

static Status list_metrics(CommandLine *line, Listing *out, Error *err)
{
    static const struct {
        unsigned bit;
        const char *name;
    } needs[] = {
        {NEEDS_LABELS, "labels"},
        {NEEDS_PROBABILITIES, "probabilities"},
        {NEEDS_TEXT, "text"},
        {NEEDS_TAGS, "tags"},
        {NEEDS_LOG_LIKELIHOODS, "log-likelihoods"},
        {NEEDS_VALUES, "values"},
        {NEEDS_GROUPS, "groups"},
        {NEEDS_COUNTS, "counts"},
        {NEEDS_RANKING, "ranking"},
        {NEEDS_RATINGS, "ratings"},
        {NEEDS_EMBEDDINGS, "embeddings"},
        {NEEDS_PREFERENCES, "preferences"},
        {NEEDS_COUNTERFACTUALS, "counterfactuals"},
        {NEEDS_STEREOTYPES, "stereotypes"},
        {NEEDS_ASSOCIATIONS, "associations"},
        {NEEDS_LABEL_SETS, "label sets"},
    };
    static const char *const directions[] = {
        [HIGHER_IS_BETTER] = "higher", [LOWER_IS_BETTER] = "lower", [NO_DIRECTION] = NULL};
    (void)line, (void)err;
    for (size_t i = 0; i < metrics_count; i++) {
        const Metric *metric = metrics_all[i];
        Slice words[MAX_WORDS];
        size_t n = 0;
        for (size_t k = 0; k < sizeof needs / sizeof *needs; k++) {
            if (metric->needs & needs[k].bit) words[n++] = slice_from_cstr(needs[k].name);
        }
        listing_cstr(out, metric->name);
        listing_cstr(out, directions[metric->direction]);
        put_range(out, metric);
        put_words(out, words, n);
        listing_cstr(out, metric->summary);
        listing_cstr(out, metric->source);
        put_signature(out, metric);
    }
    out->n_below = 3;
    return STATUS_OK;
}

static Status list_readers(CommandLine *line, Listing *out, Error *err)
{
    (void)line, (void)err;
    for (size_t i = 0; i < readers_count; i++) {
        const Reader *reader = readers_all[i];
        Slice words[MAX_WORDS];
        size_t n = 0;
        for (; reader->extensions[n] && n < MAX_WORDS; n++) {
            words[n] = slice_from_cstr(reader->extensions[n]);
        }
        listing_cstr(out, reader->name);
        put_words(out, words, n);
        listing_cstr(out, reader->summary);
    }
    return STATUS_OK;
}

static Status list_architectures(CommandLine *line, Listing *out, Error *err)
{
    (void)line, (void)err;
    for (size_t i = 0; i < architectures_count; i++) {
        const Architecture *architecture = architectures_all[i];
        Slice heads[HEAD_COUNT], classes[ARCHITECTURE_MAX_CLASSES];
        size_t n_heads = 0, n_classes = 0;
        for (const ArchitectureClass *c = architecture->classes; c->name; c++) {
            classes[n_classes++] = slice_from_cstr(c->name);
            if (architecture_class(architecture, c->head) == c)
                heads[n_heads++] = slice_from_cstr(model_head_name(c->head));
        }
        listing_cstr(out, architecture->model_type);
        listing_cstr(out, architecture->summary);
        put_words(out, heads, n_heads);
        put_words(out, classes, n_classes);
    }
    out->n_below = 2;
    return STATUS_OK;
}

// Whether the dynamic linker knows a library. Opening it would take longer than the whole list may.
static bool library_is_installed(Slice name)
{
    Slice cache = {0};
    Error why = {0};
    if (file_map("/etc/ld.so.cache", &cache, &why) != STATUS_OK) return false;
    const bool found = slice_find(cache, name) != SIZE_MAX;
    file_unmap(&cache);
    return found;
}

// Whether this machine can run a row. GPUs are not touched either.
static bool can_run(const OpRow *row, bool has_openblas)
{
    if (row->device == DEVICE_CUDA) return file_exists("/dev/nvidiactl");
    if ((machine_cpu_features() & row->cpu_features) != row->cpu_features) return false;
    return !row->is_available || has_openblas;
}

static Status list_kernels(CommandLine *line, Listing *out, Error *err)
{
    static const char *const devices[] = {[DEVICE_CPU] = "cpu", [DEVICE_CUDA] = "cuda"};
    const bool has_openblas = library_is_installed(SLICE("libopenblas.so"));
    (void)line, (void)err;
    for (size_t i = 0; i < op_row_count(); i++) {
        const OpRow *row = op_row(i);
        listing_cstr(out, op_info(row->op)->name);
        listing_cstr(out, row->variant);
        listing_cstr(out, devices[row->device]);
        listing_cstr(out, dtype_name(row->dtype));
        listing_bool(out, can_run(row, has_openblas));
        listing_count(out, (uint64_t)row->preference);
        listing_cstr(out, op_info(row->op)->summary);
    }
    return STATUS_OK;
}

static Status list_formats(CommandLine *line, Listing *out, Error *err)
{
    (void)line, (void)err;
    for (size_t i = 0; i < report_format_count; i++) {
        listing_cstr(out, report_formats[i].name);
        listing_cstr(out, report_formats[i].extension);
        listing_cstr(out, report_formats[i].summary);
    }
    return STATUS_OK;
}

static void put_entries(Listing *out, const SuiteEntry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        listing_text(out, entries[i].name);
        listing_text(out, entries[i].path);
        listing_text(out, entries[i].summary);
    }
}

static Status list_tasks(CommandLine *line, Listing *out, Error *err)
{
    SuiteEntry *entries = NULL;
    size_t n = 0;
    (void)line;
    TRY(suite_list_tasks(out->arena, &entries, &n, err));
    put_entries(out, entries, n);
    return STATUS_OK;
}

static Status list_suites(CommandLine *line, Listing *out, Error *err)
{
    SuiteEntry *entries = NULL;
    size_t n = 0;
    (void)line;
    TRY(suite_list_suites(out->arena, &entries, &n, err));
    put_entries(out, entries, n);
    return STATUS_OK;
}

static Status list_steps(CommandLine *line, Listing *out, Error *err)
{
    (void)line, (void)err;
    for (size_t i = 0; i < steps_count; i++) {
        listing_cstr(out, steps_all[i]->name);
        listing_cstr(out, steps_all[i]->summary);
    }
    return STATUS_OK;
}

static Status list_personal(CommandLine *line, Listing *out, Error *err)
{
    (void)line, (void)err;
    for (size_t i = 0; i < personal_kinds_count; i++) {
        listing_cstr(out, personal_kinds[i].name);
        listing_cstr(out, personal_kinds[i].mark);
        listing_cstr(out, personal_kinds[i].summary);
    }
    return STATUS_OK;
}

static Status list_runs(CommandLine *line, Listing *out, Error *err)
{
    Store *store = NULL;
    RunSummary *runs = NULL;
    size_t n = 0;
    // No store yet means no runs yet, unless it was asked for by name.
    if (!option_given(line, "store") && !file_exists(option_text(line, "store"))) return STATUS_OK;
    Status s = run_store_open(line, &store, err);
    if (s == STATUS_OK) s = store_list_runs(store, out->arena, &runs, &n, err);
    for (size_t i = 0; i < n; i++) {
        char started[CLOCK_TEXT_SIZE];
        clock_format_utc(runs[i].started_unix_ns, started);
        listing_text(out, runs[i].id);
        listing_text(out, runs[i].suite);
        listing_text(out, runs[i].status);
        listing_count(out, runs[i].n_trials);
        listing_count(out, runs[i].n_done);
        listing_count(out, runs[i].n_failed);
        listing_printf(out, "%s", started);
    }
    store_close(&store);
    return s;
}

typedef struct Topic {
    const char *name;
    Status (*list)(CommandLine *line, Listing *out, Error *err);
    const char *columns[LISTING_MAX_COLUMNS]; // ended by NULL
} Topic;

static const Topic topics[] = {
    {"tasks", list_tasks, {"name", "path", "summary"}},
    {"suites", list_suites, {"name", "path", "summary"}},
    {"metrics",
     list_metrics,
     {"name", "better", "range", "needs", "summary", "source", "signature"}},
    {"readers", list_readers, {"name", "extensions", "summary"}},
    {"steps", list_steps, {"name", "summary"}},
    {"personal", list_personal, {"name", "mark", "summary"}},
    {"architectures", list_architectures, {"name", "summary", "heads", "classes"}},
    {"kernels",
     list_kernels,
     {"operation", "variant", "device", "dtype", "runs_here", "preference", "summary"}},
    {"formats", list_formats, {"name", "extension", "summary"}},
    {"runs", list_runs, {"id", "suite", "status", "n_trials", "n_done", "n_failed", "started"}},
};
enum { N_TOPICS = sizeof topics / sizeof *topics };
static const char *const topic_names[] = {
    "tasks",         "suites",  "metrics", "readers", "steps", "personal",
    "architectures", "kernels", "formats", "runs",    NULL};

static const Topic *find_topic(const char *name)
{
    for (size_t i = 0; i < N_TOPICS; i++) {
        if (strcmp(name, topics[i].name) == 0) return &topics[i];
    }
    return NULL;
}

static Status run(CommandLine *line, Error *err)
{
    const char *name = line->operands[0];
    const Topic *topic = find_topic(name);
    Buffer out = {0};
    if (!topic) return command_refuse_operand(line, err);
    Listing listing = {.arena = &line->arena, .columns = topic->columns};
    while (topic->columns[listing.n_columns]) listing.n_columns++;
    TRY(topic->list(line, &listing, err));
    TRY(listing_status(&listing, err));
    if (line->is_json) {
        JsonWriter w = json_writer(&out, 2);
        listing_put_json(&listing, &w);
        buffer_append_byte(&out, '\n');
    } else {
        listing_put_table(&listing, &out);
    }
    return output_buffer(&out, err);
}

static const Option options[] = {STORE_OPTION_ROW};

const Command command_list = {
    .name = "list",
    .group = "About",
    .summary =
        "tasks, suites, metrics, readers, steps, personal data, architectures, kernels, report formats or runs",
    .operands = "WHAT",
    .min_operands = 1,
    .max_operands = 1,
    .operand_choices = topic_names,
    .description =
        "Lists what there is. Tasks and suites are those of ./suites and of the installation. "
        "Steps are those that a task's \"prepare\" may name, personal what assay scan looks for. "
        "Kernels are the rows of the operation table; of those that run on a machine the one with the "
        "highest preference is picked. Runs are those of --store, newest first.",
    OPTIONS(options),
    .examples = "assay list metrics\n"
                "assay list runs --store results.db --json",
    .run = run,
};
