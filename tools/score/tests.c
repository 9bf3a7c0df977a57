// Significance tests on plain numbers, and distribution functions (distributions.c): a case names its "kind".
#include <math.h>

#include "metrics/delong.h"
#include "metrics/distributions.h"
#include "metrics/hypothesis.h"
#include "tools/score/case_json.h"
#include "tools/score/distributions.h"
#include "tools/score/items.h"

static const PutResult as_wrapped = {.statistic = "statistic", .is_wrapped = true};

// [[a, b], [c, d]]: b and c count items that only one of the two has right.
static Status run_mcnemar(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers table;
    size_t columns;
    TRY(case_matrix(c, "table", &table, &columns, err));
    if (columns != 2 || table.n != 4)
        return json_error(json_get(c->root, "table"), err, "must be two rows of two counts");
    for (size_t i = 0; i < 4; i++) {
        if (!(table.values[i] >= 0 && isfinite(table.values[i])))
            return json_error(json_get(c->root, "table"), err, "count %g must not be negative",
                              table.values[i]);
    }
    const double only_first = table.values[1], only_second = table.values[2];
    const TestResult exact = {.statistic = fmin(only_first, only_second),
                              .p = mcnemar_exact(only_first, only_second)};
    const TestResult mid = {.statistic = fmin(only_first, only_second),
                            .p = mcnemar_mid_p(only_first, only_second)};
    const TestResult corrected = mcnemar_chi2(only_first, only_second, 1),
                     plain = mcnemar_chi2(only_first, only_second, 0);
    put_result(w, "exact", &exact, &as_wrapped);
    put_result(w, "mid_p", &mid, &as_wrapped);
    put_result(w, "chi2_corrected", &corrected, &as_wrapped);
    put_result(w, "chi2", &plain, &as_wrapped);
    Reasons reasons = {0};
    reason_add(&reasons, only_first + only_second == 0, "chi2: the two never differ");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static void put_t_tests(const Numbers *x, const Numbers *y, double level, JsonWriter *w)
{
    static const PutResult plain = {.statistic = "t"};
    const TestResult paired = t_paired(x->values, y->values, x->n);
    const TestResult welch = t_welch(x->values, x->n, y->values, y->n);
    const TestResult student = t_student(x->values, x->n, y->values, y->n);
    json_member_object(w, "paired_t");
    json_member_double(w, "t", paired.statistic);
    json_member_double(w, "df", paired.df);
    json_member_double(w, "p", paired.p);
    put_interval(w, "ci95", t_paired_interval(x->values, y->values, x->n, level));
    json_member_double(w, "p_less", paired.p_less);
    json_member_double(w, "p_greater", paired.p_greater);
    json_end_object(w);
    put_result(w, "welch_t", &welch, &plain);
    put_result(w, "student_t", &student, &plain);
}

static Status put_wilcoxon(const Numbers *x, const Numbers *y, JsonWriter *w, Error *err)
{
    static const PutResult wrapped = {.statistic = "W", .is_wrapped = true};
    static const PutResult sided = {.statistic = "W", .has_sides = true};
    static const struct {
        const char *key;
        WilcoxonZeros zeros;
        bool is_corrected;
    } forms[] = {
        {"wilcoxon_approx_wilcox_corr0", WILCOXON_DROP, false},
        {"wilcoxon_approx_wilcox_corr1", WILCOXON_DROP, true},
        {"wilcoxon_approx_pratt_corr0", WILCOXON_PRATT, false},
        {"wilcoxon_approx_pratt_corr1", WILCOXON_PRATT, true},
        {"wilcoxon_approx_zsplit_corr0", WILCOXON_SPLIT, false},
        {"wilcoxon_approx_zsplit_corr1", WILCOXON_SPLIT, true},
    };
    enum { MAX_EXACT = 1000 }; // of the program's answer: the table grows with the square
    TestResult result;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        TRY(wilcoxon(x->values, y->values, x->n, forms[i].zeros, WILCOXON_NORMAL,
                     forms[i].is_corrected, &result, err));
        put_result(w, forms[i].key, &result, &wrapped);
    }
    if (x->n <= MAX_EXACT) {
        TRY(wilcoxon(x->values, y->values, x->n, WILCOXON_DROP, WILCOXON_EXACT, false, &result,
                     err));
        put_result(w, "wilcoxon_exact", &result, &sided);
    }
    TRY(wilcoxon(x->values, y->values, x->n, WILCOXON_DROP, WILCOXON_AUTO, false, &result, err));
    put_result(w, "wilcoxon_auto", &result, &wrapped);
    return STATUS_OK;
}

static Status put_mann_whitney(const Numbers *x, const Numbers *y, JsonWriter *w, Error *err)
{
    static const PutResult plain = {.statistic = "U"};
    enum { MAX_PAIRS = 100000 };
    TestResult result;
    TRY(mann_whitney(x->values, x->n, y->values, y->n, false, &result, err));
    put_result(w, "mannwhitney_asymptotic", &result, &plain);
    if (x->n > 0 && y->n <= MAX_PAIRS / x->n) {
        TRY(mann_whitney(x->values, x->n, y->values, y->n, true, &result, err));
        put_result(w, "mannwhitney_exact", &result, &plain);
    }
    return STATUS_OK;
}

static Status run_paired(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers x, y;
    double level = 0.95, delta, p_flip, seed = 17;
    TRY(case_numbers(c, "x", &x, err));
    TRY(case_numbers(c, "y", &y, err));
    TRY(case_same_length(c, "y", y.n, "x", x.n, err));
    TRY(case_opt_share(c, "level", &level, err));
    TRY(json_opt_double(c->root, "seed", 0, 9007199254740992.0, &seed, err));
    double *d;
    TRY(arena_take(c->arena, x.n, sizeof *d, "differences", &d, err));
    for (size_t i = 0; i < x.n; i++) d[i] = x.values[i] - y.values[i];
    put_t_tests(&x, &y, level, w);
    TRY(put_wilcoxon(&x, &y, w, err));
    TRY(put_mann_whitney(&x, &y, w, err));
    const TestResult sign = sign_test(x.values, y.values, x.n);
    json_member_object(w, "sign_test");
    json_member_double(w, "k", sign.statistic);
    json_member_double(w, "n", sign.df);
    json_member_double(w, "p", sign.p);
    json_end_object(w);
    TRY(sign_flip_test(d, x.n, 10000, (uint64_t)seed, &p_flip, err));
    json_member_double(w, "permutation_p", p_flip);
    json_member_double(w, "cohen_d_paired", cohen_d_paired(x.values, y.values, x.n));
    json_member_double(w, "cohen_d", cohen_d(x.values, x.n, y.values, y.n));
    json_member_double(w, "hedges_g", hedges_g(x.values, x.n, y.values, y.n));
    TRY(cliffs_delta(x.values, x.n, y.values, y.n, &delta, err));
    json_member_double(w, "cliffs_delta", delta);
    Reasons reasons = {0};
    reason_add(&reasons, x.n < 2, "paired_t: wants two pairs or more");
    reason_add(&reasons, x.n >= 2 && isnan(cohen_d_paired(x.values, y.values, x.n)),
               "paired_t: every pair is equal");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status read_groups(const ScoreCase *c, const double ***groups, size_t **lengths, size_t *k,
                          Error *err)
{
    const Json *list;
    TRY(json_want_kind(c->root, "groups", JSON_ARRAY, &list, err));
    TRY(arena_take(c->arena, json_len(list), sizeof **groups, "groups", groups, err));
    TRY(arena_take(c->arena, json_len(list), sizeof **lengths, "groups", lengths, err));
    *k = 0;
    for (const Json *g = json_first(list); g != NULL; g = json_next(g)) {
        Numbers values;
        TRY(case_array(c, g, &values, err));
        (*groups)[*k] = values.values;
        (*lengths)[(*k)++] = values.n;
    }
    return STATUS_OK;
}

static Status run_k_samples(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const PutResult chi2 = {.statistic = "chi2"}, h = {.statistic = "H"},
                           f = {.statistic = "F"};
    const double **groups;
    size_t *lengths, k;
    TestResult result;
    double df_within;
    TRY(read_groups(c, &groups, &lengths, &k, err));
    bool is_even = k >= 3;
    for (size_t g = 1; g < k; g++) is_even = is_even && lengths[g] == lengths[0];
    if (is_even) {
        TRY(friedman(groups, k, lengths[0], &result, err));
        put_result(w, "friedman", &result, &chi2);
    }
    TRY(kruskal(groups, lengths, k, &result, err));
    put_result(w, "kruskal", &result, &h);
    result = anova(groups, lengths, k, &df_within);
    put_result(w, "anova", &result, &f);
    Reasons reasons = {0};
    reason_add(&reasons, !is_even, "friedman: wants three groups or more of one length");
    reason_add(&reasons, isnan(result.statistic), "anova: wants two groups or more with values");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status run_contingency(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers table;
    size_t columns;
    TRY(case_matrix(c, "table", &table, &columns, err));
    if (columns == 0)
        return json_error(json_get(c->root, "table"), err, "must be rows of counts, not empty");
    const size_t rows = table.n / columns;
    const TestResult plain = chi2_table(table.values, rows, columns, false);
    const TestResult yates = chi2_table(table.values, rows, columns, true);
    json_member_double(w, "chi2", plain.statistic);
    json_member_double(w, "dof", plain.df);
    json_member_double(w, "p", plain.p);
    json_member_double(w, "p_yates", yates.p);
    json_put_key(w, "fisher_exact_p");
    if (rows == 2 && columns == 2) {
        const TestResult fisher = fisher_exact(table.values);
        json_put_double(w, fisher.p);
        json_member_double(w, "odds_ratio", fisher.statistic);
    } else {
        json_put_null(w);
    }
    Reasons reasons = {0};
    reason_add(&reasons, isnan(plain.statistic), "chi2: a row or column is empty");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

// Differences of k folds, with how many items a fold tests and trains on.
static Status run_folds(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const PutResult sided = {.statistic = "t", .has_df = true, .has_sides = true};
    static const PutResult plain = {.statistic = "F"};
    Numbers d;
    double n_test, n_train, level = 0.95;
    TRY(case_numbers(c, "differences", &d, err));
    TRY(json_want_double(c->root, "n_test", 0, 1e15, &n_test, err));
    TRY(json_want_double(c->root, "n_train", 1, 1e15, &n_train, err));
    TRY(case_opt_share(c, "level", &level, err));
    const TestResult result = t_folds(d.values, d.n, n_test, n_train);
    put_result(w, "nadeau_bengio", &result, &sided);
    put_interval(w, "ci95", t_folds_interval(d.values, d.n, n_test, n_train, level));
    if (d.n == 10) {
        const TestResult f = f_5x2cv(d.values);
        put_result(w, "5x2cv", &f, &plain);
    }
    return STATUS_OK;
}

static void put_auc(JsonWriter *w, const char *key, const Auc *auc)
{
    json_member_object(w, key);
    json_member_double(w, "auc", auc->auc);
    json_member_double(w, "standard_error", auc->standard_error);
    put_interval(w, "ci95", auc->interval);
    json_end_object(w);
}

// "clusters": a name or number for each item, in a list as long as y.
static Status read_clusters(const ScoreCase *c, size_t n, ClusterNames *names, ItemClusters *out,
                            Error *err)
{
    const Json *list = NULL;
    uint32_t *of;
    size_t i = 0;
    TRY(json_want_kind(c->root, "clusters", JSON_ARRAY, &list, err));
    TRY(case_same_length(c, "clusters", json_len(list), "y", n, err));
    TRY(arena_take(c->arena, n, sizeof *of, "clusters", &of, err));
    for (const Json *v = json_first(list); v != NULL; v = json_next(v)) {
        int32_t index;
        Slice name;
        TRY(score_name_of(v, &name, err));
        TRY(score_name_index(names, v, name, &index, err));
        of[i++] = (uint32_t)index;
    }
    *out = (ItemClusters){of, names->n_clusters};
    return STATUS_OK;
}

static Status compare_areas(const ScoreCase *c, const Numbers *first, const Numbers *second,
                            const bool *is_positive, double level, AucDifference *out, Error *err)
{
    ClusterNames names = {0};
    ItemClusters clusters;
    const bool is_clustered = json_get(c->root, "clusters") != NULL;
    Status s = is_clustered ? read_clusters(c, first->n, &names, &clusters, err) : STATUS_OK;
    if (s == STATUS_OK) {
        s = auc_delong_paired(first->values, second->values, is_positive,
                              is_clustered ? &clusters : NULL, first->n, level, out, err);
    }
    clusters_release(&names);
    return s;
}

static Status run_delong(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const PutResult sided = {.statistic = "z", .has_sides = true};
    Numbers y, first, second;
    double level = 0.95;
    bool *is_positive;
    AucDifference out;
    TRY(case_numbers(c, "y", &y, err));
    TRY(case_numbers(c, "score", &first, err));
    TRY(case_opt_numbers(c, "score2", &second, err));
    TRY(case_opt_share(c, "level", &level, err));
    TRY(case_same_length(c, "score", first.n, "y", y.n, err));
    if (second.values == NULL) second = first;
    TRY(case_same_length(c, "score2", second.n, "y", y.n, err));
    TRY(arena_take(c->arena, y.n, sizeof *is_positive, "labels", &is_positive, err));
    for (size_t i = 0; i < y.n; i++) {
        if (y.values[i] != 0 && y.values[i] != 1)
            return json_error(json_get(c->root, "y"), err, "label %g must be 0 or 1", y.values[i]);
        is_positive[i] = y.values[i] == 1;
    }
    TRY(compare_areas(c, &first, &second, is_positive, level, &out, err));
    put_auc(w, "first", &out.first);
    if (second.values != first.values) {
        put_auc(w, "second", &out.second);
        json_member_double(w, "difference", out.difference);
        json_member_double(w, "standard_error", out.standard_error);
        put_interval(w, "ci95", out.interval);
        put_result(w, "delong", &out.test, &sided);
    }
    Reasons reasons = {0};
    reason_add(&reasons, isnan(out.first.auc), "auc: only one class among y");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

// Non-inferiority and equivalence of an improvement with its standard error.
static Status run_margin(const ScoreCase *c, JsonWriter *w, Error *err)
{
    double improvement, error, margin, df = INFINITY, level = 0.95;
    TRY(json_want_double(c->root, "improvement", -1e300, 1e300, &improvement, err));
    TRY(json_want_double(c->root, "standard_error", 0, 1e300, &error, err));
    TRY(json_want_double(c->root, "margin", 0, 1e300, &margin, err));
    TRY(json_opt_double(c->root, "df", 1e-9, 1e300, &df, err));
    TRY(case_opt_share(c, "level", &level, err));
    json_member_double(w, "noninferiority_p", noninferiority_p(improvement, error, df, margin));
    json_member_double(w, "equivalence_p", equivalence_p(improvement, error, df, margin));
    json_member_double(w, "lower_bound", improvement - t_upper_quantile(1 - level, df) * error);
    return STATUS_OK;
}

static const struct {
    const char *name;
    Status (*run)(const ScoreCase *c, JsonWriter *w, Error *err);
} kinds[] = {
    {"mcnemar", run_mcnemar},         {"paired", run_paired},
    {"k_samples", run_k_samples},     {"folds", run_folds},
    {"delong", run_delong},           {"margin", run_margin},
    {"dist_norm", score_run_normal},  {"dist_t", score_run_t},
    {"contingency", run_contingency}, {"dist_chi2", score_run_chi2},
    {"dist_beta", score_run_beta},    {"dist_f", score_run_f},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Slice kind;
    TRY(json_want_string(c->root, "kind", &kind, err));
    const char *names[N_KINDS];
    for (size_t i = 0; i < N_KINDS; i++) {
        if (slice_eq_cstr(kind, kinds[i].name)) return kinds[i].run(c, w, err);
        names[i] = kinds[i].name;
    }
    const char *nearest = nearest_name(kind, names, N_KINDS);
    return json_error(json_get(c->root, "kind"), err, "\"" SLICE_FMT "\" is no kind of test%s%s%s",
                      SLICE_ARG(kind), nearest != NULL ? ": did you mean \"" : "",
                      nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

const ScoreFamily score_tests = {
    .name = "tests",
    .summary = "significance tests, effect sizes and distribution functions on plain numbers",
    .fields =
        "A case names its \"kind\": mcnemar and contingency take a \"table\", paired \"x\" and \"y\", "
        "k_samples \"groups\", folds \"differences\", \"n_test\" and \"n_train\", delong \"y\", "
        "\"score\", \"score2\" and \"clusters\", margin \"improvement\", \"standard_error\" and \"margin\"; dist_norm, "
        "dist_t, dist_chi2, dist_beta and dist_f take \"x\" and \"ppf_of\".",
    .run_case = run_case,
};
