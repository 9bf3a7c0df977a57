// Distribution functions against scipy's.
#include <criterion/criterion.h>
#include <math.h>

#include "metrics/distributions.h"
#include "tests/metrics/golden.h"

typedef enum Family { FAMILY_NORMAL, FAMILY_T, FAMILY_CHI2, FAMILY_BETA } Family;

static double evaluate(Family family, const char *what, double x, double a, double b)
{
    const bool is_cdf = what[0] == 'c', is_sf = what[0] == 's';
    switch (family) {
    case FAMILY_NORMAL:
        return is_cdf ? normal_cdf(x) : is_sf ? normal_sf(x) : normal_quantile(x);
    case FAMILY_T:
        return is_cdf ? t_cdf(x, a) : is_sf ? t_sf(x, a) : t_quantile(x, a);
    case FAMILY_CHI2:
        return is_cdf ? chi2_cdf(x, a) : is_sf ? chi2_sf(x, a) : chi2_quantile(x, a);
    case FAMILY_BETA:
        return is_cdf ? beta_cdf(x, a, b) : is_sf ? beta_sf(x, a, b) : beta_quantile(x, a, b);
    }
    return NAN;
}

static void expect_function(const Json *record, Family family, const char *points,
                            const char *values, double a, double b, size_t line)
{
    const Json *x = json_get(record, points), *want = json_get(record, values);
    if (want == NULL) return;
    cr_assert_eq(json_len(x), json_len(want));
    for (size_t i = 0; i < json_len(x); i++) {
        const double at = golden_double(json_at(x, i));
        const double got = evaluate(family, values, at, a, b),
                     wanted = golden_double(json_at(want, i));
        cr_expect(is_close(got, wanted, 1e-10, 1e-15),
                  "line %zu: %s(%g; %g, %g): got %.17g, want %.17g", line, values, at, a, b, got,
                  wanted);
    }
}

Test(distributions, agree_with_scipy)
{
    static const struct {
        const char *kind, *a, *b;
    } families[] = {{"dist_norm", NULL, NULL},
                    {"dist_t", "df", NULL},
                    {"dist_chi2", "df", NULL},
                    {"dist_beta", "a", "b"}};
    Golden golden = golden_open("stats/tests.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        for (size_t f = 0; f < 4; f++) {
            if (!slice_eq_cstr(json_string(json_get(r, "kind")), families[f].kind)) continue;
            const double a = families[f].a != NULL ? golden_get(r, families[f].a) : 0;
            const double b = families[f].b != NULL ? golden_get(r, families[f].b) : 0;
            expect_function(r, (Family)f, "x", "cdf", a, b, golden.line);
            expect_function(r, (Family)f, "x", "sf", a, b, golden.line);
            expect_function(r, (Family)f, "ppf_of", "ppf", a, b, golden.line);
            n_cases++;
        }
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)10);
}

Test(distributions, quantiles_invert_their_cdf)
{
    static const double ps[] = {1e-12, 1e-5, 0.025, 0.3, 0.5, 0.7, 0.975, 1 - 1e-9};
    static const double shapes[] = {0.5, 1, 3.5, 40, 1000, 1e5};
    for (size_t i = 0; i < sizeof ps / sizeof *ps; i++) {
        const double p = ps[i];
        cr_expect(is_close(normal_cdf(normal_quantile(p)), p, 1e-12, 0), "normal at %g", p);
        for (size_t a = 0; a < sizeof shapes / sizeof *shapes; a++) {
            cr_expect(is_close(t_cdf(t_quantile(p, shapes[a]), shapes[a]), p, 1e-9, 0),
                      "t(%g) at %g", shapes[a], p);
            cr_expect(is_close(chi2_cdf(chi2_quantile(p, shapes[a]), shapes[a]), p, 1e-9, 0),
                      "chi2(%g) at %g", shapes[a], p);
            for (size_t b = 0; b < sizeof shapes / sizeof *shapes; b++) {
                const double x = beta_quantile(p, shapes[a], shapes[b]);
                if (x < 1) { // else the quantile is nearer to 1 than a double can say
                    cr_expect(is_close(beta_cdf(x, shapes[a], shapes[b]), p, 1e-7, 0),
                              "beta(%g, %g) at %g: %.17g", shapes[a], shapes[b], p,
                              beta_cdf(x, shapes[a], shapes[b]));
                }
                const double f = f_quantile(p, shapes[a], shapes[b]);
                cr_expect(is_close(f_cdf(f, shapes[a], shapes[b]), p, 1e-9, 0), "f(%g, %g) at %g",
                          shapes[a], shapes[b], p);
            }
        }
    }
}

Test(distributions, refuse_what_is_outside_their_domain)
{
    cr_expect(isnan(normal_quantile(-0.1)));
    cr_expect(isnan(normal_quantile(NAN)));
    cr_expect(isnan(t_quantile(0.5, 0)));
    cr_expect(isnan(beta_cdf(0.5, -1, 1)));
    cr_expect(isnan(chi2_sf(NAN, 3)));
    cr_expect_eq(normal_quantile(1), INFINITY);
    cr_expect_eq(chi2_quantile(0, 3), 0);
    cr_expect_eq(beta_quantile(1, 2, 3), 1);
}
