// p-values of many comparisons at once, adjusted by every method.
#include "metrics/corrections.h"
#include "tools/score/case_json.h"

// statsmodels' names, as the references have them.
static const char *const names[] = {
    [CORRECTION_BONFERRONI] = "bonferroni",
    [CORRECTION_SIDAK] = "sidak",
    [CORRECTION_HOLM] = "holm",
    [CORRECTION_HOLM_SIDAK] = "holm-sidak",
    [CORRECTION_HOCHBERG] = "simes-hochberg",
    [CORRECTION_HOMMEL] = "hommel",
    [CORRECTION_BH] = "fdr_bh",
    [CORRECTION_BY] = "fdr_by",
};

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers p;
    double alpha = 0.05, *adjusted;
    TRY(case_numbers(c, "pvalues", &p, err));
    TRY(case_opt_share(c, "alpha", &alpha, err));
    TRY(arena_take(c->arena, p.n, sizeof *adjusted, "p-values", &adjusted, err));
    for (size_t m = 0; m < N_CORRECTIONS; m++) {
        TRY(adjust_p_values((Correction)m, p.values, p.n, adjusted, err));
        json_member_object(w, names[m]);
        json_member_array(w, "reject");
        for (size_t i = 0; i < p.n; i++)
            json_put_i64(w, adjusted[i] <= alpha * (1 + 1e-12)); // equal but for rounding is equal
        json_end_array(w);
        score_put_numbers(w, "adjusted", adjusted, p.n);
        json_end_object(w);
    }
    return STATUS_OK;
}

const ScoreFamily score_comparisons = {
    .name = "multiple-comparisons",
    .summary = "p-values adjusted for their number: Holm, Benjamini-Hochberg and six others",
    .fields = "A case is {\"pvalues\": [..], \"alpha\": 0.05}.",
    .run_case = run_case,
};
