// Distribution functions: a case gives values, and what is wanted of them.
#include "tools/score/distributions.h"

#include <math.h>

#include "metrics/distributions.h"
#include "tools/score/case_json.h"

typedef enum Family { FAMILY_NORMAL, FAMILY_T, FAMILY_CHI2, FAMILY_BETA, FAMILY_F } Family;

typedef struct Distribution {
    Family family;
    double a, b;
} Distribution;

static double cdf_at(const Distribution *d, double x)
{
    switch (d->family) {
    case FAMILY_NORMAL:
        return normal_cdf(x);
    case FAMILY_T:
        return t_cdf(x, d->a);
    case FAMILY_CHI2:
        return chi2_cdf(x, d->a);
    case FAMILY_BETA:
        return beta_cdf(x, d->a, d->b);
    case FAMILY_F:
        return f_cdf(x, d->a, d->b);
    }
    return NAN;
}

static double sf_at(const Distribution *d, double x)
{
    switch (d->family) {
    case FAMILY_NORMAL:
        return normal_sf(x);
    case FAMILY_T:
        return t_sf(x, d->a);
    case FAMILY_CHI2:
        return chi2_sf(x, d->a);
    case FAMILY_BETA:
        return beta_sf(x, d->a, d->b);
    case FAMILY_F:
        return f_sf(x, d->a, d->b);
    }
    return NAN;
}

static double quantile_at(const Distribution *d, double p)
{
    switch (d->family) {
    case FAMILY_NORMAL:
        return normal_quantile(p);
    case FAMILY_T:
        return t_quantile(p, d->a);
    case FAMILY_CHI2:
        return chi2_quantile(p, d->a);
    case FAMILY_BETA:
        return beta_quantile(p, d->a, d->b);
    case FAMILY_F:
        return f_quantile(p, d->a, d->b);
    }
    return NAN;
}

static Status run_distribution(const ScoreCase *c, Family family, JsonWriter *w, Error *err)
{
    static const char *const first[] = {NULL, "df", "df", "a", "df1"};
    static const char *const second[] = {NULL, NULL, NULL, "b", "df2"};
    Distribution d = {.family = family};
    Numbers x, p;
    if (first[family] != NULL)
        TRY(json_want_double(c->root, first[family], 1e-300, 1e300, &d.a, err));
    if (second[family] != NULL)
        TRY(json_want_double(c->root, second[family], 1e-300, 1e300, &d.b, err));
    TRY(case_opt_numbers(c, "x", &x, err));
    TRY(case_opt_numbers(c, "ppf_of", &p, err));
    double *out;
    TRY(arena_take(c->arena, x.n + p.n, sizeof *out, "values", &out, err));
    for (size_t i = 0; i < x.n; i++) out[i] = cdf_at(&d, x.values[i]);
    score_put_numbers(w, "cdf", out, x.n);
    for (size_t i = 0; i < x.n; i++) out[i] = sf_at(&d, x.values[i]);
    score_put_numbers(w, "sf", out, x.n);
    for (size_t i = 0; i < p.n; i++) out[i] = quantile_at(&d, p.values[i]);
    score_put_numbers(w, "ppf", out, p.n);
    return STATUS_OK;
}

Status score_run_normal(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return run_distribution(c, FAMILY_NORMAL, w, err);
}

Status score_run_t(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return run_distribution(c, FAMILY_T, w, err);
}

Status score_run_chi2(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return run_distribution(c, FAMILY_CHI2, w, err);
}

Status score_run_beta(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return run_distribution(c, FAMILY_BETA, w, err);
}

Status score_run_f(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return run_distribution(c, FAMILY_F, w, err);
}
