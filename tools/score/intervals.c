// Intervals: of k successes of n, of a mean of bounded values watched as they come, and what a comparison can see.
#include <math.h>

#include "metrics/bootstrap.h"
#include "metrics/confidence_sequence.h"
#include "metrics/distributions.h"
#include "metrics/power.h"
#include "tools/score/answer.h"
#include "tools/score/case_json.h"
#include "tools/score/files.h"

// Two-sided exact test against chance one half: all counts no likelier than the one seen.
static double binomial_test_half(double k, double n)
{
    return fmin(1, 2 * binomial_cdf(fmin(k, n - k), n, 0.5));
}

static Status run_proportion(const ScoreCase *c, double level, JsonWriter *w, Error *err)
{
    static const struct {
        const char *key;
        Interval (*interval)(double k, double n, double level);
    } intervals[] = {
        {"wilson", interval_wilson},
        {"clopper_pearson", interval_clopper_pearson},
        {"agresti_coull", interval_agresti_coull},
        {"jeffreys", interval_jeffreys},
        {"normal", interval_wald},
        {"wilson_cc", interval_wilson_corrected},
    };
    double k, n;
    TRY(json_want_double(c->root, "n", 0, 9007199254740992.0, &n, err));
    TRY(json_want_double(c->root, "k", 0, n, &k, err));
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++)
        put_interval(w, intervals[i].key, intervals[i].interval(k, n, level));
    json_member_double(w, "binom_test_p", n > 0 ? binomial_test_half(k, n) : (double)NAN);
    Reasons reasons = {0};
    reason_add(&reasons, n == 0, "intervals: there are no items");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status put_sequence(const ScoreCase *c, const char *key, ConfidenceMethod method,
                           double lowest, double highest, double alpha, const Numbers *values,
                           JsonWriter *w, Error *err)
{
    ConfidenceSequence sequence;
    TRY(confidence_sequence_open(method, lowest, highest, alpha, c->arena, &sequence, err));
    for (size_t i = 0; i < values->n; i++)
        TRY(confidence_sequence_add(&sequence, values->values[i], err));
    put_interval(w, key, sequence.interval);
    return STATUS_OK;
}

// A mean: Student's t for a number of values fixed beforehand, and sequences that hold whenever one stops.
static Status run_mean(const ScoreCase *c, double level, JsonWriter *w, Error *err)
{
    Numbers values;
    double lowest = 0, highest = 1;
    TRY(case_numbers(c, "values", &values, err));
    TRY(json_opt_double(c->root, "lowest", -1e300, 1e300, &lowest, err));
    TRY(json_opt_double(c->root, "highest", -1e300, 1e300, &highest, err));
    const double mean = mean_of(values.values, values.n), n = (double)values.n;
    const double error = standard_deviation(values.values, values.n) / sqrt(n);
    json_member_double(w, "mean", mean);
    json_member_double(w, "standard_error", error);
    put_interval(w, "t", interval_t(mean, error, n - 1, level));
    TRY(put_sequence(c, "betting", CONFIDENCE_BETTING, lowest, highest, 1 - level, &values, w,
                     err));
    return put_sequence(c, "empirical_bernstein", CONFIDENCE_BERNSTEIN, lowest, highest, 1 - level,
                        &values, w, err);
}

// What a difference of this size asks for, or what so many items can see.
static Status run_power(const ScoreCase *c, double alpha, JsonWriter *w, Error *err)
{
    double difference = NAN, sd, n = NAN, power = 0.8;
    TRY(json_want_double(c->root, "standard_deviation", 0, 1e300, &sd, err));
    TRY(json_opt_double(c->root, "difference", 1e-300, 1e300, &difference, err));
    TRY(json_opt_double(c->root, "n", 1, 1e300, &n, err));
    TRY(case_opt_share(c, "power", &power, err));
    json_member_double(w, "items_needed", items_needed(difference, sd, alpha, power));
    json_member_double(w, "detectable", minimum_detectable_effect(sd / sqrt(n), alpha, power));
    json_member_double(w, "power", power_of(difference, sd / sqrt(n), alpha));
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    double alpha = 0.05;
    TRY(case_opt_share(c, "alpha", &alpha, err));
    if (json_get(c->root, "values") != NULL) return run_mean(c, 1 - alpha, w, err);
    if (json_get(c->root, "standard_deviation") != NULL) return run_power(c, alpha, w, err);
    return run_proportion(c, 1 - alpha, w, err);
}

// ---- files ----

// A number a line, as a case.
static Status put_values(CommandLine *line, TextLines *file, Buffer *out, Error *err)
{
    const bool is_replaced = option_choice(line, "invalid-utf8") == 1;
    JsonWriter w = json_writer(out, 0);
    size_t n = 0;
    TRY(text_lines_open(line->operands[1], is_replaced, &line->arena, file, err));
    json_begin_object(&w);
    json_member_double(&w, "alpha", 1 - option_real(line, "level"));
    json_member_double(&w, "lowest", option_real(line, "lowest"));
    json_member_double(&w, "highest", option_real(line, "highest"));
    json_member_array(&w, "values");
    for (size_t i = 0; i < file->n; i++) {
        const Slice text = slice_trim(file->lines[i]);
        double value;
        if (text.len == 0) continue;
        if (!slice_to_double(text, &value) || !(value >= option_real(line, "lowest")) ||
            !(value <= option_real(line, "highest"))) {
            return error_set(err, STATUS_INVALID,
                             "%s:%zu: \"" SLICE_FMT "\" is no number from %g to %g (--lowest and "
                             "--highest say what values can be)",
                             file->path, i + 1, SLICE_ARG(slice_sub(text, 0, 40)),
                             option_real(line, "lowest"), option_real(line, "highest"));
        }
        json_put_double(&w, value);
        n++;
    }
    json_end_array(&w);
    json_end_object(&w);
    if (n > 0) return buffer_status(out, err);
    return error_set(err, STATUS_INVALID, "%s has no number: one a line is wanted", file->path);
}

static Status put_lines(const Json *answer, double level, Buffer *out)
{
    static const struct {
        const char *key, *words;
    } rows[] = {
        {"t", "Student's t, of so many values fixed beforehand"},
        {"betting", "whenever one stops: betting (Waudby-Smith & Ramdas 2024)"},
        {"empirical_bernstein", "whenever one stops: empirical Bernstein (the same)"},
    };
    const Json *mean = json_get(answer, "mean"), *error = json_get(answer, "standard_error");
    buffer_printf(out, "mean %.6g", json_double(mean));
    if (json_kind(error) == JSON_NUMBER) {
        buffer_printf(out, ", standard error %.6g", json_double(error));
    }
    buffer_printf(out, "\n%g%% intervals:\n", 100 * level);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const Json *interval = json_get(answer, rows[i].key);
        const Json *lo = json_at(interval, 0), *hi = json_at(interval, 1);
        if (json_kind(lo) != JSON_NUMBER || json_kind(hi) != JSON_NUMBER) continue; // undefined
        buffer_printf(out, "    %.6g to %.6g  %s\n", json_double(lo), json_double(hi),
                      rows[i].words);
    }
    return STATUS_OK;
}

static Status answer_values(CommandLine *line, Slice text, Buffer *out, Error *err)
{
    JsonDocument *values = NULL, *answer = NULL;
    Buffer raw = {0};
    JsonWriter w = json_writer(&raw, 0);
    Status s = json_parse(SLICE("values"), text, JSON_STRICT, &values, err);
    const ScoreCase c = {.root = json_root(values), .arena = &line->arena};
    json_begin_object(&w);
    if (s == STATUS_OK) s = run_case(&c, &w, err);
    json_end_object(&w);
    if (s == STATUS_OK) s = buffer_status(&raw, err);
    if (s == STATUS_OK && line->is_json) {
        buffer_append(out, buffer_slice(&raw));
        buffer_append_byte(out, '\n');
    } else if (s == STATUS_OK) {
        s = json_parse(SLICE("answer"), buffer_slice(&raw), JSON_STRICT, &answer, err);
        if (s == STATUS_OK) s = put_lines(json_root(answer), option_real(line, "level"), out);
    }
    json_close(&values);
    json_close(&answer);
    buffer_release(&raw);
    return s;
}

static Status run_files(CommandLine *line, Error *err)
{
    TextLines file = {0};
    Buffer text = {0}, out = {0};
    TRY(score_check_files(line, 1, 1, "a file of numbers, one a line, in the order they came",
                          err));
    Status s = put_values(line, &file, &text, err);
    if (s == STATUS_OK) s = answer_values(line, buffer_slice(&text), &out, err);
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&text);
    buffer_release(&out);
    text_lines_close(&file);
    return s;
}

static const char *const file_options[] = {"lowest", "highest", "level", "invalid-utf8", NULL};

const ScoreFamily score_intervals = {
    .name = "intervals",
    .summary = "intervals of proportions and means, confidence sequences, detectable differences",
    .fields =
        "A case is {\"k\": successes, \"n\": items, \"alpha\": 0.05}, or {\"values\": [..], \"lowest\": 0, "
        "\"highest\": 1}, or {\"standard_deviation\": of paired differences, \"difference\", \"n\"}.",
    .run_case = run_case,
    .run_files = run_files,
    .options = file_options,
};
