// assay score: a metric on files or on cases.
#include "tools/commands.h"
#include "tools/score.h"

static const Option options[] = {
    {.name = "cases",
     .kind = OPTION_FLAG,
     .help = "read cases from --in, one JSON object a line, and answer each on --out"},
    {.name = "in",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to read with --cases; - is standard input"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "where the answers of --cases go; - is standard output"},
};

static Status find_family(const char *name, const ScoreFamily **out, Error *err)
{
    const Slice wanted = slice_from_cstr(name);
    for (size_t i = 0; i < n_score_families; i++) {
        *out = score_families[i];
        if (slice_eq_cstr(wanted, (*out)->name)) return STATUS_OK;
    }
    const char *near = nearest_name(wanted, score_family_names, n_score_families);
    return error_set(err, STATUS_INVALID, "there is no score '%s'; %s%s%s", name,
                     near ? "did you mean '" : "assay score --help names those there are",
                     near ? near : "", near ? "'?" : "");
}

static bool is_taken(const ScoreFamily *family, const char *name)
{
    for (size_t i = 0; family->options != NULL && family->options[i] != NULL; i++) {
        if (slice_eq_cstr(slice_from_cstr(name), family->options[i])) return true;
    }
    return false;
}

// Options of another family, or of the other way of working, would be passed over in silence.
static Status check_options(const ScoreFamily *family, const CommandLine *line, bool is_cases,
                            Error *err)
{
    enum { N_OPTIONS = sizeof options / sizeof *options, N_OF_CASES = 3 };
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const char *name = options[i].name;
        if (!option_given(line, name)) continue;
        if (is_cases && i >= N_OF_CASES) {
            return error_set(err, STATUS_INVALID,
                             "--%s is for files: with --cases, each case has its own \"params\"",
                             name);
        }
        if (!is_cases && i < N_OF_CASES) {
            return error_set(err, STATUS_INVALID, "--%s goes with --cases", name);
        }
        if (!is_cases && !is_taken(family, name)) {
            return error_set(err, STATUS_INVALID, "--%s is no option of score %s", name,
                             family->name);
        }
    }
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    const ScoreFamily *family = NULL;
    const bool is_cases = option_flag(line, "cases");
    TRY(find_family(line->operands[0], &family, err));
    if (!is_cases && family->run_files == NULL) {
        return error_set(err, STATUS_INVALID,
                         "score %s works on cases: assay score %s --cases --in FILE", family->name,
                         family->name);
    }
    TRY(check_options(family, line, is_cases, err));
    if (!is_cases) return family->run_files(line, err);
    if (line->n_operands > 1) {
        return error_set(err, STATUS_INVALID, "with --cases the input comes from --in, not from %s",
                         line->operands[1]);
    }
    return score_run_cases(family, line, err);
}

const Command command_score = {
    .name = "score",
    .group = "Evaluate",
    .summary = "a metric on files, or on cases given as JSON Lines",
    .operands = "METRIC [FILE...]",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .operand_choices = score_family_names,
    .description =
        "With --cases each line of --in is a case with its own \"params\", and each line of --out its "
        "answer, in the same order. An \"id\" comes back as it was; numbers that are not finite are the "
        "texts \"NaN\", \"Infinity\" and \"-Infinity\". A case that fails becomes {\"error\": TEXT} in its "
        "place, the others go on, and the exit status is 2.\n\n"
        "For bleu, chrf and ter a case is {\"hyps\": [..], \"refs\": [[stream 1..], ..], \"params\": {..}}, "
        "where a null in a stream means that the segment has no such reference; {\"hyps\": TEXT, \"refs\": "
        "[TEXT, ..]} is one segment, and \"segments\": true adds the score of each segment.",
    OPTIONS(options),
    .examples = "  assay score bleu --cases --in cases.jsonl --out answers.jsonl\n",
    .run = run,
};
