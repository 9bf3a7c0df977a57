// Paired tests between systems on the same segments.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "metrics/numpy_rng.h"
#include "metrics/paired.h"
#include "tools/score/files.h"

static bool is_identical(const TextScore *a, const TextScore *b)
{
    const size_t n = a->rows.n_rows * a->plan.width;
    for (size_t i = 0; i < n; i++) {
        if (a->rows.values[i] != b->rows.values[i]) return false;
    }
    return true;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// sacreBLEU's: the mean of the resamples, and half the distance between the order statistics at 1/40 from both ends.
static void describe(TextSystem *system, double *draws, size_t n)
{
    double sum = 0;
    if (n == 0) return;
    for (size_t i = 0; i < n; i++) sum += draws[i];
    qsort(draws, n, sizeof *draws, compare_doubles);
    system->mean = sum / (double)n;
    system->ci = 0.5 * (draws[n - n / 40 - 1] - draws[n / 40]);
}

static double seen_difference(const TextSystem *systems, size_t k)
{
    return systems[k].scores[0].scores[0] - systems[0].scores[0].scores[0];
}

// ---- our own draws ----

static Status compare_one(TextSystem *systems, size_t k, PairedTest test, size_t n_draws,
                          uint64_t seed, Arena *arena, Error *err)
{
    const TextScore *first = &systems[0].scores[0], *second = &systems[k].scores[0];
    const System both[2] = {{&first->plan, &first->rows}, {&second->plan, &second->rows}};
    const size_t n_scores = first->plan.n_scores;
    const bool is_bootstrap = test == PAIRED_BOOTSTRAP;
    double *draws, *own;
    size_t cells;
    if (!size_mul(n_draws, 2 * n_scores, &cells)) {
        return error_set_memory(err, n_draws, 2 * n_scores, "draws");
    }
    TRY(arena_take(arena, cells, sizeof *draws, "draws", &draws, err));
    TRY(arena_take(arena, n_draws, sizeof *own, "draws", &own, err));
    TRY(bootstrap_replicates(both, 2, is_bootstrap ? RESAMPLE_BOOTSTRAP : RESAMPLE_SWAP, n_draws,
                             seed, NULL, draws, err));
    const double seen = seen_difference(systems, k);
    systems[k].p_value = is_bootstrap ? p_of_bootstrap(draws, n_draws, n_scores, seen, false)
                                      : p_of_swaps(draws, n_draws, n_scores, seen, false);
    if (!is_bootstrap) return STATUS_OK;
    for (size_t s = k == 1 ? 0 : 1; s < 2; s++) {
        for (size_t r = 0; r < n_draws; r++) own[r] = draws[(2 * r + s) * n_scores];
        describe(&systems[s == 0 ? 0 : k], own, n_draws);
    }
    return STATUS_OK;
}

// ---- NumPy's draws, in sacreBLEU's order ----

typedef struct Compat {
    TextSystem *systems;
    size_t n_systems, n_draws, n, width;
    PairedTest test;
    double *
        draws; // [n_systems, n_draws]: scores; for randomisation the differences of the pseudo-systems
    double *sums;   // [2, width]
    double *scores; // [2, n_scores]
} Compat;

static void add_row(double *sums, const double *row, size_t width)
{
    for (size_t c = 0; c < width; c++) sums[c] += row[c];
}

static void draw_bootstrap(Compat *c, NumpyRng *rng, uint32_t *units)
{
    for (size_t r = 0; r < c->n_draws; r++) {
        for (size_t i = 0; i < c->n; i++) units[i] = numpy_below(rng, (uint32_t)c->n);
        for (size_t s = 0; s < c->n_systems; s++) {
            const TextScore *score = &c->systems[s].scores[0];
            memset(c->sums, 0, c->width * sizeof *c->sums);
            for (size_t i = 0; i < c->n; i++) {
                add_row(c->sums, score->rows.values + units[i] * c->width, c->width);
            }
            metric_score_sums(&score->plan, c->sums, c->scores);
            c->draws[s * c->n_draws + r] = c->scores[0];
        }
    }
}

static void draw_swaps(Compat *c, NumpyRng *rng, unsigned char *takes_first)
{
    const TextScore *first = &c->systems[0].scores[0];
    for (size_t r = 0; r < c->n_draws; r++) {
        for (size_t s = 1; s < c->n_systems; s++) {
            const TextScore *second = &c->systems[s].scores[0];
            memset(c->sums, 0, 2 * c->width * sizeof *c->sums);
            for (size_t i = 0; i < c->n; i++) {
                const size_t at = i * c->width;
                const unsigned char takes = takes_first[r * c->n + i];
                add_row(c->sums + (takes ? 0 : c->width), first->rows.values + at, c->width);
                add_row(c->sums + (takes ? c->width : 0), second->rows.values + at, c->width);
            }
            metric_score_sums(&first->plan, c->sums, c->scores);
            const double a = c->scores[0];
            metric_score_sums(&first->plan, c->sums + c->width, c->scores);
            c->draws[s * c->n_draws + r] = a - c->scores[0];
        }
    }
    (void)rng;
}

// Strictly greater, so that a system against itself has the smallest p there is.
static double p_of(const Compat *c, size_t s)
{
    const double seen = fabs(seen_difference(c->systems, s));
    const double *own = c->draws + s * c->n_draws, *base = c->draws;
    const bool is_bootstrap = c->test == PAIRED_BOOTSTRAP;
    double mean = 0;
    size_t n_far = 0;
    for (size_t r = 0; is_bootstrap && r < c->n_draws; r++) mean += fabs(own[r] - base[r]);
    mean /= (double)c->n_draws;
    for (size_t r = 0; r < c->n_draws; r++) {
        const double distance = is_bootstrap ? fabs(own[r] - base[r]) - mean : fabs(own[r]);
        n_far += distance > seen;
    }
    return ((double)n_far + 1) / ((double)c->n_draws + 1);
}

static Status compare_as_sacrebleu(Compat *c, uint64_t seed, Arena *arena, Error *err)
{
    NumpyRng rng = numpy_rng(seed);
    uint32_t *units;
    unsigned char *takes;
    size_t cells;
    const size_t n_scores = c->systems[0].scores[0].plan.n_scores;
    if (!size_mul(c->n_systems, c->n_draws, &cells)) {
        return error_set_memory(err, c->n_systems, c->n_draws, "draws");
    }
    TRY(arena_take(arena, cells, sizeof *c->draws, "draws", &c->draws, err));
    TRY(arena_take(arena, c->width, 2 * sizeof *c->sums, "sums", &c->sums, err));
    TRY(arena_take(arena, n_scores, 2 * sizeof *c->scores, "scores", &c->scores, err));
    if (c->test == PAIRED_BOOTSTRAP) {
        TRY(arena_take(arena, c->n, sizeof *units, "draws", &units, err));
        draw_bootstrap(c, &rng, units);
    } else { // one stream of bits over all trials
        TRY(arena_take(arena, c->n_draws, c->n, "swaps", &takes, err));
        numpy_bools(&rng, c->n_draws * c->n, takes);
        draw_swaps(c, &rng, takes);
    }
    for (size_t s = 1; s < c->n_systems; s++) c->systems[s].p_value = p_of(c, s);
    for (size_t s = 0; c->test == PAIRED_BOOTSTRAP && s < c->n_systems; s++) {
        describe(&c->systems[s], c->draws + s * c->n_draws, c->n_draws);
    }
    return STATUS_OK;
}

Status text_compare(TextSystem *systems, size_t n_systems, PairedTest test, size_t n_draws,
                    uint64_t seed, bool is_compat, Error *err)
{
    Arena arena = {0};
    Status s = STATUS_OK;
    const TextScore *first = &systems[0].scores[0];
    for (size_t k = 1; k < n_systems; k++) {
        systems[k].is_identical = is_identical(first, &systems[k].scores[0]);
    }
    if (is_compat) {
        Compat c = {.systems = systems,
                    .n_systems = n_systems,
                    .n_draws = n_draws,
                    .n = first->rows.n_rows,
                    .width = first->plan.width,
                    .test = test};
        s = compare_as_sacrebleu(&c, seed, &arena, err);
    }
    for (size_t k = 1; !is_compat && s == STATUS_OK && k < n_systems; k++) {
        const ArenaMark mark = arena_mark(&arena);
        s = compare_one(systems, k, test, n_draws, seed, &arena, err);
        arena_rewind(&arena, mark);
    }
    arena_release(&arena);
    return s;
}
