// The order of values: stable, whatever they look like.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "base/philox.h"
#include "metrics/order.h"

typedef double (*Draw)(Philox *rng, size_t i);

static double uniform(Philox *rng, size_t i)
{
    (void)i;
    return philox_double(rng);
}

static double few_values(Philox *rng, size_t i)
{
    (void)i;
    return (double)philox_below(rng, 3) - 1;
}

static double one_value(Philox *rng, size_t i)
{
    (void)rng;
    (void)i;
    return 0.25;
}

static double falling(Philox *rng, size_t i)
{
    (void)rng;
    return -(double)i;
}

// Nearly all within one bucket of the widest range.
static double crowded(Philox *rng, size_t i)
{
    return i == 7 ? 1e300 : exp(-700 * philox_double(rng));
}

static double signed_zeros(Philox *rng, size_t i)
{
    return i % 5 == 0 ? philox_normal(rng) : i % 2 == 0 ? 0.0 : -0.0;
}

static double infinite(Philox *rng, size_t i)
{
    return i % 11 == 0 ? INFINITY : i % 13 == 0 ? -INFINITY : philox_normal(rng);
}

static double widest(Philox *rng, size_t i)
{
    return i % 2 == 0 ? 1.7e308 * philox_double(rng) : -1.7e308 * philox_double(rng);
}

static double subnormal(Philox *rng, size_t i)
{
    (void)i;
    return 5e-324 * (double)philox_below(rng, 1000);
}

Test(order, sorts_stably_and_marks_where_values_change)
{
    static const struct {
        const char *name;
        Draw draw;
    } draws[] = {{"uniform", uniform},   {"few values", few_values}, {"one value", one_value},
                 {"falling", falling},   {"crowded", crowded},       {"signed zeros", signed_zeros},
                 {"infinite", infinite}, {"widest", widest},         {"subnormal", subnormal}};
    static const size_t sizes[] = {0, 1, 2, 23, 24, 25, 49, 63, 64, 65, 500, 4095, 20000};
    for (size_t d = 0; d < sizeof draws / sizeof *draws; d++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const size_t n = sizes[k];
            Arena arena = {0};
            Error err = {0};
            Philox rng = philox_stream(d, k);
            double *values = ARENA_NEW(&arena, double, 3 * n + 1);
            unsigned char *begins = ARENA_NEW(&arena, unsigned char, n + 1);
            uint32_t *order = ARENA_NEW(&arena, uint32_t, n + 1);
            unsigned char *is_seen = ARENA_NEW(&arena, unsigned char, n + 1);
            for (size_t i = 0; i < n; i++) values[3 * i] = draws[d].draw(&rng, i);
            cr_assert_eq(order_groups(values, 3, n, &arena, order, begins, &err), STATUS_OK);
            for (size_t i = 0; i < n; i++) {
                cr_assert(order[i] < n && !is_seen[order[i]]++, "%s %zu", draws[d].name, n);
                const double value = values[3 * (size_t)order[i]];
                const double before = i > 0 ? values[3 * (size_t)order[i - 1]] : NAN;
                cr_assert_eq(begins[i], value != before, "%s %zu at %zu", draws[d].name, n, i);
                if (i == 0) continue;
                cr_assert(before < value || (before == value && order[i - 1] < order[i]),
                          "%s %zu at %zu", draws[d].name, n, i);
            }
            arena_release(&arena);
        }
    }
}
