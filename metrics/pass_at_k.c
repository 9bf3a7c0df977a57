// pass@k: the chance that one of k programs drawn without replacement passes, estimated from n of which c passed.
//
//     1 - C(n - c, k) / C(n, k) = 1 - prod_{i = n-c+1..n} (1 - k / i)
//
// Source: Chen et al. 2021, arXiv:2107.03374, equation 1 and figure 3. Mean over problems.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const params[] = {"k", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    int64_t *k;
    TRY(arena_take(arena, 1, sizeof *k, "options", &k, err));
    *k = 1;
    if (plan->setup.params != NULL) {
        TRY(json_opt_i64(plan->setup.params, "k", 1, 1000000, k, err));
    }
    plan->options = k;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    const double k = (double)*(const int64_t *)plan->options;
    const double n = item->n_drawn, c = item->n_passed;
    if (!(n >= 1 && n <= 1e9 && c >= 0 && c <= n) || n != floor(n) || c != floor(c)) {
        return error_set(err, STATUS_INVALID, "%g of %g programs passed: no such counts", c, n);
    }
    if (k > n) {
        return error_set(err, STATUS_INVALID,
                         "pass@%g wants at least %g programs, but %g were drawn", k, k, n);
    }
    double none = n - c < k ? 0 : 1;
    for (double i = n - c + 1; i <= n && none > 0; i++) none *= 1 - k / i;
    out[0] = 1 - none;
    out[1] = 1;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|k:%lld", (long long)*(const int64_t *)plan->options);
}

const Metric metric_pass_at_k = {
    .name = "pass_at_k",
    .summary = "chance that one of k drawn programs passes, without bias (k: 1)",
    .source = "Chen et al. 2021, arXiv:2107.03374, equation 1",
    .needs = NEEDS_COUNTS,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
