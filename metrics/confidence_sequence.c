#include "metrics/confidence_sequence.h"

#include <math.h>

Status confidence_sequence_open(ConfidenceMethod method, double lowest, double highest,
                                double alpha, Arena *arena, ConfidenceSequence *out, Error *err)
{
    if (!(alpha > 0 && alpha < 1) || !(lowest < highest) || !isfinite(highest - lowest)) {
        return error_set(err, STATUS_INVALID,
                         "a confidence sequence wants alpha in (0, 1) and finite bounds with "
                         "lowest < highest, not %g and [%g, %g]",
                         alpha, lowest, highest);
    }
    *out = (ConfidenceSequence){.method = method,
                                .lowest = lowest,
                                .highest = highest,
                                .alpha = alpha,
                                .interval = {lowest, highest},
                                .hi = 1};
    if (method != CONFIDENCE_BETTING) return STATUS_OK;
    TRY(arena_take(arena, CONFIDENCE_STEPS + 1, sizeof(double), "capital", &out->up, err));
    return arena_take(arena, CONFIDENCE_STEPS + 1, sizeof(double), "capital", &out->down, err);
}

// The size of the next bet, from what was seen before it.
static double next_bet(const ConfidenceSequence *s)
{
    const double t = s->n + 1, variance = (0.25 + s->squares) / t;
    return sqrt(2 * log(2 / s->alpha) / (variance * t * log1p(t)));
}

static void add_bernstein(ConfidenceSequence *s, double x, double bet)
{
    const double mean = (0.5 + s->sum) / (s->n + 1), lambda = fmin(bet, 0.5);
    s->bets += lambda;
    s->won += lambda * x;
    s->risk += (x - mean) * (x - mean) * (-log1p(-lambda) - lambda); // 4 (x - mean)^2 psi(lambda)
    const double center = s->won / s->bets, half = (log(2 / s->alpha) + s->risk) / s->bets;
    s->lo = fmax(s->lo, center - half);
    s->hi = fmin(s->hi, center + half);
}

// A candidate mean m is given up for good once half of the capital that bets against it has grown by 1 / alpha: `up` bets
// that the mean is higher, `down` that it is lower.
static void add_betting(ConfidenceSequence *s, double x, double bet)
{
    const double ruin = log(2 / s->alpha);
    double lo = 1, hi = 0;
    for (size_t i = 0; i <= CONFIDENCE_STEPS; i++) {
        const double m = (double)i / CONFIDENCE_STEPS;
        const double raise = m > 0 ? fmin(bet, 0.5 / m) : bet;
        const double lower = m < 1 ? fmin(bet, 0.5 / (1 - m)) : bet;
        s->up[i] += log1p(raise * (x - m));
        s->down[i] += log1p(-lower * (x - m));
        if (s->up[i] >= ruin || s->down[i] >= ruin) continue;
        lo = fmin(lo, m);
        hi = fmax(hi, m);
    }
    // One step outwards: the end lies between a candidate kept and one given up.
    const double step = 1.0 / CONFIDENCE_STEPS;
    s->lo = fmax(s->lo, lo - step);
    s->hi = fmin(s->hi, hi + step);
}

Status confidence_sequence_add(ConfidenceSequence *s, double value, Error *err)
{
    if (!(value >= s->lowest && value <= s->highest)) {
        return error_set(err, STATUS_INVALID, "value %g lies outside [%g, %g]", value, s->lowest,
                         s->highest);
    }
    const double width = s->highest - s->lowest, x = (value - s->lowest) / width;
    const double bet = next_bet(s);
    if (s->method == CONFIDENCE_BETTING) {
        add_betting(s, x, bet);
    } else {
        add_bernstein(s, x, bet);
    }
    s->n += 1;
    s->sum += x;
    const double mean = (0.5 + s->sum) / (s->n + 1);
    s->squares += (x - mean) * (x - mean);
    if (s->lo <= s->hi)
        s->interval = (Interval){s->lowest + width * s->lo, s->lowest + width * s->hi};
    return STATUS_OK;
}
