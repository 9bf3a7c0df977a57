// Confidence sequences hold at every moment, and narrow.
#include <criterion/criterion.h>
#include <math.h>

#include "base/philox.h"
#include "metrics/confidence_sequence.h"

static ConfidenceSequence sequence_open(ConfidenceMethod method, Arena *arena)
{
    ConfidenceSequence s;
    Error err = {0};
    cr_assert_eq(confidence_sequence_open(method, 0, 1, 0.05, arena, &s, &err), STATUS_OK, "%s",
                 err.text);
    return s;
}

// Whether the mean of coin flips ever leaves the interval within n of them; *width is the last one's.
static bool fails(ConfidenceMethod method, double mean, size_t n, uint64_t seed, double *width)
{
    Arena arena = {0};
    Error err = {0};
    ConfidenceSequence s = sequence_open(method, &arena);
    Philox rng = philox_stream(seed, 9);
    bool has_failed = false;
    for (size_t i = 0; i < n; i++) {
        cr_assert_eq(confidence_sequence_add(&s, philox_double(&rng) < mean, &err), STATUS_OK);
        has_failed |= mean < s.interval.lo || mean > s.interval.hi;
    }
    *width = s.interval.hi - s.interval.lo;
    arena_release(&arena);
    return has_failed;
}

Test(confidence_sequence, holds_at_every_moment_in_19_of_20_runs)
{
    static const struct {
        ConfidenceMethod method;
        size_t n_runs, n;
        double width; // after n flips, at most
    } cases[] = {{CONFIDENCE_BERNSTEIN, 400, 1000, 0.16}, {CONFIDENCE_BETTING, 60, 400, 0.2}};
    for (size_t c = 0; c < 2; c++) {
        size_t n_failed = 0;
        for (uint64_t seed = 0; seed < cases[c].n_runs; seed++) {
            double width;
            n_failed += fails(cases[c].method, 0.8, cases[c].n, seed, &width);
            cr_expect_leq(width, cases[c].width, "%g", width);
        }
        // At most one in twenty; four standard deviations more.
        const double n = (double)cases[c].n_runs;
        cr_expect_leq((double)n_failed, 0.05 * n + 4 * sqrt(0.05 * 0.95 * n), "%zu", n_failed);
    }
}

Test(confidence_sequence, only_narrows_and_keeps_to_its_scale)
{
    Arena arena = {0};
    Error err = {0};
    ConfidenceSequence s;
    cr_assert_eq(confidence_sequence_open(CONFIDENCE_BETTING, -10, 30, 0.1, &arena, &s, &err),
                 STATUS_OK);
    double lo = -10, hi = 30;
    for (size_t i = 0; i < 200; i++) {
        cr_assert_eq(confidence_sequence_add(&s, i % 2 == 0 ? 4 : 6, &err), STATUS_OK);
        cr_expect(s.interval.lo >= lo && s.interval.hi <= hi);
        lo = s.interval.lo;
        hi = s.interval.hi;
    }
    cr_expect(lo > 0 && lo < 5 && hi > 5 && hi < 10, "[%g, %g]", lo, hi);
    cr_expect_eq(confidence_sequence_add(&s, 31, &err), STATUS_INVALID);
    cr_expect_eq(confidence_sequence_add(&s, NAN, &err), STATUS_INVALID);
    cr_expect_eq(confidence_sequence_open(CONFIDENCE_BETTING, 1, 1, 0.1, &arena, &s, &err),
                 STATUS_INVALID);
    arena_release(&arena);
}
