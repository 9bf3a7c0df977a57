// How two lists of numbers go together: coefficients with p-values, and errors of y as a prediction of x.
#include <math.h>

#include "metrics/correlation_tests.h"
#include "metrics/metrics_list.h"
#include "tools/score/case_json.h"
#include "tools/score/table.h"

static void put_correlation(JsonWriter *w, const char *key, const char *name,
                            const CorrelationResult *result, size_t n, bool has_interval)
{
    json_member_object(w, key);
    json_member_double(w, name, result->r);
    json_member_double(w, "p", result->p);
    if (has_interval && isnan(result->lo)) {
        json_member_null(w, "ci95");
    } else if (has_interval) {
        put_interval(w, "ci95", (Interval){result->lo, result->hi});
    }
    if (has_interval && isnan(result->r) && n < 2)
        json_member_cstr(w, "error",
                         "wants two pairs or more"); // as the reference, which refuses here
    json_end_object(w);
}

// Whether a list has two different values.
static bool varies(const Numbers *numbers)
{
    for (size_t i = 1; i < numbers->n; i++) {
        if (numbers->values[i] != numbers->values[0]) return true;
    }
    return false;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers x, y;
    double level = 0.95;
    CorrelationTests out;
    TRY(case_numbers(c, "x", &x, err));
    TRY(case_numbers(c, "y", &y, err));
    TRY(case_same_length(c, "y", y.n, "x", x.n, err));
    TRY(case_opt_share(c, "level", &level, err));
    TRY(correlation_tests(x.values, y.values, x.n, level, &out, err));
    put_correlation(w, "pearson", "r", &out.pearson, x.n, true);
    put_correlation(w, "spearman", "r", &out.spearman, x.n, false);
    put_correlation(w, "kendall_b", "tau", &out.kendall_b, x.n, false);
    put_correlation(w, "kendall_c", "tau", &out.kendall_c, x.n, false);
    json_member_double(w, "mse", out.mse);
    json_member_double(w, "mae", out.mae);
    json_member_double(w, "r2_true_x_pred_y", out.r2);
    json_member_double(w, "lin_ccc", out.concordance);
    Reasons reasons = {0};
    reason_add(&reasons, x.n < 2, "correlation: wants two pairs or more");
    reason_add(&reasons, x.n >= 2 && !varies(&x), "correlation: every x is the same");
    reason_add(&reasons, x.n >= 2 && !varies(&y), "correlation: every y is the same");
    reason_add(&reasons, x.n == 2, "spearman p: wants three pairs or more");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status run_files(CommandLine *line, Error *err)
{
    static const Metric *const metrics[] = {
        &metric_pearson, &metric_spearman, &metric_kendall, &metric_concordance,
        &metric_mse,     &metric_mae,      &metric_r2,      NULL};
    static const TableSpec spec = {.metrics = metrics, .kind = TABLE_NUMBERS};
    return table_files_run(line, &spec, err);
}

static const char *const options[] = {TABLE_FILE_OPTIONS, NULL};

const ScoreFamily score_correlation = {
    .name = "correlation",
    .summary = "Pearson, Spearman, Kendall and Lin's concordance, mean errors, R2",
    .fields = "A case is {\"x\": [..], \"y\": [..]}; for errors, y predicts x.",
    .run_case = run_case,
    .run_files = run_files,
    .options = options,
};
