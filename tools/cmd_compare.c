// assay compare: is the candidate better than the base?
#include <math.h>

#include "base/file.h"
#include "results/compare.h"
#include "tools/commands.h"
#include "tools/run_options.h"

static const Option options[] = {
    STORE_OPTION_ROW,
    {.name = "candidate-store",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "store of the candidate's run, where it is another one"},
    {.name = "metric",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help = "metric whose verdict decides (default: the base run's primary metric)"},
    {.name = "margin",
     .kind = OPTION_REAL,
     .value = "X",
     .fallback = "0",
     .highest = 1e9,
     .help = "differences within it count as equivalent, in the metric's units"},
    {.name = "gate",
     .kind = OPTION_FLAG,
     .help = "pass (0) only where the candidate is shown to be worse by less than --margin; fail "
             "(1) where it is shown to be worse by more; else undecided (4)"},
    {.name = "level",
     .kind = OPTION_REAL,
     .value = "P",
     .fallback = "0.95",
     .lowest = 0.5,
     .highest = 0.9999,
     .help = "level of the intervals"},
    {.name = "seed",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "17",
     .highest = 9007199254740992.0,
     .help = "seed of resampling"},
    {.name = "junit", .kind = OPTION_TEXT, .value = "FILE", .help = "write JUnit XML as well"},
};

enum { EXIT_NO = 1, EXIT_UNDECIDED = 4 };

typedef struct Sides {
    Store *base_store, *candidate_store; // the second is NULL where they share one
    CompareSide base, candidate;
} Sides;

static Status open_sides(CommandLine *line, Sides *sides, Error *err)
{
    RunName base, candidate;
    const char *other = option_text(line, "candidate-store");
    TRY(run_store_open(line, &sides->base_store, err));
    if (other) TRY(store_open(other, STORE_READ_ONLY, &sides->candidate_store, err));
    Store *second = other ? sides->candidate_store : sides->base_store;
    TRY(run_name_find(line, sides->base_store, line->operands[0], &base, err));
    TRY(run_name_find(line, second, line->operands[1], &candidate, err));
    sides->base = (CompareSide){sides->base_store, base.run_id, base.model, base.task};
    sides->candidate = (CompareSide){second, candidate.run_id, candidate.model, candidate.task};
    return STATUS_OK;
}

// The improvement's two-sided interval, whichever direction is better.
static double improvement_hi(const ComparedMetric *metric)
{
    return metric->direction < 0 ? -metric->paired.lo : metric->paired.hi;
}

// Non-inferiority (metrics/paired.h): the burden of proof lies with the candidate.
static int gate_exit(const ComparedMetric *metric, double margin)
{
    if (metric->verdict == COMPARE_IDENTICAL || metric->paired.is_noninferior) return 0;
    return improvement_hi(metric) < -margin ? EXIT_NO : EXIT_UNDECIDED;
}

static const char *gate_words(int exit_code)
{
    if (exit_code == 0) return "passed: worse by no more than the margin, if at all";
    if (exit_code == EXIT_NO) return "failed: worse by more than the margin";
    return "undecided: these samples allow both; take more, or a wider margin";
}

static Status write_comparison(CommandLine *line, const Comparison *c, Error *err)
{
    Buffer out = {0};
    if (line->is_json) {
        comparison_json(c, &out);
    } else {
        comparison_text(c, 0, &out);
        if (option_flag(line, "gate"))
            buffer_printf(&out, "gate: %s\n", gate_words(line->exit_code));
    }
    return output_buffer(&out, err);
}

static Status write_junit(CommandLine *line, const Comparison *c, Error *err)
{
    Buffer out = {0};
    const char *path = option_text(line, "junit");
    if (!path) return STATUS_OK;
    comparison_junit(c, &out);
    Status s = buffer_status(&out, err);
    if (s == STATUS_OK) s = file_write(path, buffer_slice(&out), err);
    buffer_release(&out);
    return s;
}

static Status compare_sides(CommandLine *line, const Sides *sides, Error *err)
{
    Comparison c = {0};
    const char *metric = option_text(line, "metric");
    const CompareOptions wanted = {.level = option_real(line, "level"),
                                   .margin = option_real(line, "margin"),
                                   .seed = (uint64_t)option_integer(line, "seed"),
                                   .primary = slice_from_cstr(metric)};
    TRY(compare_runs(&sides->base, &sides->candidate, &wanted, &c, err));
    const ComparedMetric *primary = &c.metrics[c.primary];
    line->exit_code = option_flag(line, "gate")           ? gate_exit(primary, wanted.margin)
                      : primary->verdict == COMPARE_WORSE ? EXIT_NO
                                                          : 0;
    Status s = write_junit(line, &c, err);
    if (s == STATUS_OK) s = write_comparison(line, &c, err);
    comparison_release(&c);
    return s;
}

static Status run(CommandLine *line, Error *err)
{
    Sides sides = {0};
    if (option_flag(line, "gate") && !(option_real(line, "margin") > 0)) {
        return error_set(err, STATUS_INVALID,
                         "--gate wants --margin X above 0: how much worse is still acceptable");
    }
    Status s = open_sides(line, &sides, err);
    if (s == STATUS_OK) s = compare_sides(line, &sides, err);
    store_close(&sides.candidate_store);
    store_close(&sides.base_store);
    return s;
}

const Command command_compare = {
    .name = "compare",
    .group = "Results",
    .summary = "say whether one model is better than another on the same samples",
    .operands = "BASE CANDIDATE",
    .min_operands = 2,
    .max_operands = 2,
    .description =
        "BASE and CANDIDATE are runs (an id, its beginning, \"last\"), or models of them: RUN/MODEL, "
        "RUN/MODEL/TASK. Samples are paired by their ids; the difference comes with its interval, "
        "an exact test and a verdict.\n\n"
        "Exit status without --gate: 1 where the whole interval of the primary metric's difference "
        "lies on the worse side, else 0.",
    OPTIONS(options),
    .examples = "assay compare last/base last/candidate  # two models of one run\n"
                "assay compare OLD NEW --gate --margin 0.01 --junit gate.xml  # in CI",
    .run = run,
};
