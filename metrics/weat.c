// WEAT and SEAT: are two sets of targets nearer to different sets of attributes?
//
//     s(w) = mean_{a in A} cos(w, a) - mean_{b in B} cos(w, b)
//     d    = (mean_{x in X} s(x) - mean_{y in Y} s(y)) / sd_{w in X and Y} s(w)
//
// Sources: Caliskan, Bryson & Narayanan 2017, Science 356, 183-186; May et al. 2019, arXiv:1903.10561, whose program
// divides the variance by n - 1 ("ddof": 1, the default). Score 0 is d; "weat/difference" is its numerator. Words and
// sentences are embedded by whoever makes the items; SEAT is WEAT on sentences.
#include "metrics/weat.h"

#include <math.h>

#include "base/philox.h"
#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const params[] = {"ddof", NULL};
static const char *const sub_scores[] = {"difference", NULL};

// Cosines of every target with every attribute.
typedef struct WeatIndex {
    size_t *targets, *attributes; // item numbers
    size_t n_targets, n_attributes;
    double *cosines; // [n_targets, n_attributes]
} WeatIndex;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    int64_t *ddof;
    if (plan->setup.n_groups != N_WEAT_GROUPS) {
        return error_set(err, STATUS_INVALID,
                         "wants four groups (targets X and Y, attributes A and B), not %zu",
                         plan->setup.n_groups);
    }
    TRY(arena_take(arena, 1, sizeof *ddof, "options", &ddof, err));
    *ddof = 1;
    if (plan->setup.params != NULL) {
        TRY(json_opt_i64(plan->setup.params, "ddof", 0, 1, ddof, err));
    }
    plan->options = ddof;
    return STATUS_OK;
}

static double dot(const Item *a, const Item *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->embedding_size; i++) {
        sum += (double)a->embedding[i] * (double)b->embedding[i];
    }
    return sum;
}

static Status check_embedding(const Item *item, size_t size, Error *err)
{
    if (item->group < 0 || item->group >= N_WEAT_GROUPS) {
        return error_set(err, STATUS_INVALID, "is in none of the four groups");
    }
    if (item->embedding == NULL || item->embedding_size == 0) {
        return error_set(err, STATUS_INVALID, "has no embedding");
    }
    if (item->embedding_size != size) {
        return error_set(err, STATUS_INVALID, "has an embedding of %zu numbers, others have %zu",
                         item->embedding_size, size);
    }
    const double square = dot(item, item);
    if (isfinite(square) && square > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "has an embedding that is zero or not finite: it has no direction");
}

static Status index_items(const MetricPlan *plan, const Item *items, size_t n_items, Arena *arena,
                          const void **out, Error *err)
{
    (void)plan;
    WeatIndex *x;
    TRY(arena_take(arena, 1, sizeof *x, "embeddings", &x, err));
    TRY(arena_take(arena, n_items, sizeof(size_t), "targets", &x->targets, err));
    TRY(arena_take(arena, n_items, sizeof(size_t), "attributes", &x->attributes, err));
    for (size_t i = 0; i < n_items; i++) {
        const Status s = check_embedding(&items[i], items[0].embedding_size, err);
        if (s != STATUS_OK) return error_wrap(err, "item %zu", i);
        if (items[i].group <= WEAT_Y) {
            x->targets[x->n_targets++] = i;
        } else {
            x->attributes[x->n_attributes++] = i;
        }
    }
    TRY(arena_take(arena, x->n_targets, size_max(1, x->n_attributes) * sizeof(double), "cosines",
                   &x->cosines, err));
    for (size_t t = 0; t < x->n_targets; t++) {
        const Item *target = &items[x->targets[t]];
        const double own = dot(target, target);
        for (size_t a = 0; a < x->n_attributes; a++) {
            const Item *attribute = &items[x->attributes[a]];
            x->cosines[t * x->n_attributes + a] =
                dot(target, attribute) / sqrt(own * dot(attribute, attribute));
        }
    }
    *out = x;
    return STATUS_OK;
}

// s(w) of a target under weights of items; NaN where a set of attributes is empty.
static double association(const WeatIndex *x, const Item *items, const double *weights, size_t t)
{
    double sums[2] = {0, 0}, totals[2] = {0, 0};
    for (size_t a = 0; a < x->n_attributes; a++) {
        const size_t i = x->attributes[a];
        const size_t side = (size_t)items[i].group - WEAT_A;
        if (weights[i] == 0) continue;
        sums[side] += weights[i] * x->cosines[t * x->n_attributes + a];
        totals[side] += weights[i];
    }
    return sums[0] / totals[0] - sums[1] / totals[1];
}

static Status score_items(const MetricPlan *plan, const Item *items, const double *weights,
                          size_t n_items, const void *index, Arena *scratch, double *scores,
                          Error *err)
{
    (void)n_items;
    const WeatIndex *x = index;
    double *s, sums[2] = {0, 0}, totals[2] = {0, 0}, squares = 0;
    TRY(arena_take(scratch, x->n_targets, sizeof *s, "associations", &s, err));
    for (size_t t = 0; t < x->n_targets; t++) {
        const Item *item = &items[x->targets[t]];
        const double w = weights[x->targets[t]];
        if (w == 0) continue;
        s[t] = association(x, items, weights, t);
        sums[item->group] += w * s[t];
        totals[item->group] += w;
    }
    const double total = totals[0] + totals[1], mean = (sums[0] + sums[1]) / total;
    for (size_t t = 0; t < x->n_targets; t++) {
        squares += weights[x->targets[t]] * (s[t] - mean) * (s[t] - mean);
    }
    const double freedom = total - (double)*(const int64_t *)plan->options;
    const double deviation = freedom > 0 ? sqrt(squares / freedom) : (double)NAN;
    scores[1] = sums[0] / totals[0] - sums[1] / totals[1];
    scores[0] = deviation > 0 ? scores[1] / deviation : (double)NAN;
    return STATUS_OK;
}

// ---- The test ----

// The number of ways to choose k of n, or limit + 1 where it is more.
static size_t count_ways(size_t n, size_t k, size_t limit)
{
    double ways = 1;
    for (size_t i = 1; i <= k; i++) {
        ways *= (double)(n - k + i) / (double)i;
        if (ways > (double)limit + 0.5) return limit + 1;
    }
    return (size_t)nearbyint(ways);
}

static double sum_at(const double *s, const size_t *chosen, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < k; i++) sum += s[chosen[i]];
    return sum;
}

// The next k of n in lexicographic order; false after the last.
static bool next_choice(size_t *chosen, size_t k, size_t n)
{
    size_t i = k;
    while (i > 0 && chosen[i - 1] == n - k + i - 1) i--;
    if (i == 0) return false;
    chosen[i - 1]++;
    for (; i < k; i++) chosen[i] = chosen[i - 1] + 1;
    return true;
}

// s [n]: associations, those of X first. The sum over the first set orders partitions as the difference of means does.
static Status test_partitions(const double *s, size_t n, size_t k, size_t n_permutations,
                              uint64_t seed, Arena *scratch, WeatTest *out, Error *err)
{
    size_t *order, n_as_strong = 0;
    TRY(arena_take(scratch, n, sizeof *order, "partitions", &order, err));
    for (size_t i = 0; i < n; i++) order[i] = i;
    const double seen = sum_at(s, order, k);
    // Sums of the same numbers in another order are the same sum.
    const double enough = seen - 1e-12 * (1 + fabs(seen));
    const size_t n_ways = count_ways(n, k, n_permutations);
    out->is_exact = n_ways <= n_permutations;
    if (out->is_exact) {
        do {
            n_as_strong += sum_at(s, order, k) >= enough;
        } while (next_choice(order, k, n));
        out->n_partitions = n_ways;
    } else {
        Philox rng = philox_stream(seed, 0x77656174);
        n_as_strong = 1;
        for (size_t i = 1; i < n_permutations; i++) {
            philox_shuffle(&rng, order, n);
            n_as_strong += sum_at(s, order, k) >= enough;
        }
        out->n_partitions = n_permutations;
    }
    out->p = (double)n_as_strong / (double)out->n_partitions;
    return STATUS_OK;
}

Status weat_test_associations(const double *s, size_t n, size_t n_first, size_t n_permutations,
                              uint64_t seed, WeatTest *out, Error *err)
{
    Arena scratch = {0};
    *out = (WeatTest){.p = NAN};
    if (n_permutations == 0) n_permutations = DEFAULT_WEAT_PERMUTATIONS;
    if (n_first == 0 || n_first == n) return STATUS_OK;
    const Status status = test_partitions(s, n, n_first, n_permutations, seed, &scratch, out, err);
    arena_release(&scratch);
    return status;
}

static Status run_test(const MetricPlan *plan, const Item *items, size_t n_items,
                       size_t n_permutations, uint64_t seed, Arena *scratch, WeatTest *out,
                       Error *err)
{
    const void *index;
    double *weights, *s;
    size_t n = 0, n_first = 0, n_attributes[2] = {0, 0};
    TRY(index_items(plan, items, n_items, scratch, &index, err));
    const WeatIndex *x = index;
    TRY(arena_take(scratch, n_items, sizeof *weights, "weights", &weights, err));
    TRY(arena_take(scratch, n_items, sizeof *s, "associations", &s, err));
    for (size_t i = 0; i < n_items; i++) {
        weights[i] = items[i].weight > 0;
        if (items[i].group >= WEAT_A) n_attributes[items[i].group - WEAT_A] += items[i].weight > 0;
    }
    for (int32_t group = WEAT_X; group <= WEAT_Y; group++) {
        for (size_t t = 0; t < x->n_targets; t++) {
            const size_t i = x->targets[t];
            if (items[i].group != group || weights[i] == 0) continue;
            s[n++] = association(x, items, weights, t);
        }
        if (group == WEAT_X) n_first = n;
    }
    *out = (WeatTest){.p = NAN};
    if (n_first == 0 || n_first == n || n_attributes[0] == 0 || n_attributes[1] == 0) {
        return STATUS_OK;
    }
    return test_partitions(s, n, n_first, n_permutations, seed, scratch, out, err);
}

Status weat_test(const MetricPlan *plan, const Item *items, size_t n_items, size_t n_permutations,
                 uint64_t seed, WeatTest *out, Error *err)
{
    Arena scratch = {0};
    if (n_permutations == 0) n_permutations = DEFAULT_WEAT_PERMUTATIONS;
    const Status s = run_test(plan, items, n_items, n_permutations, seed, &scratch, out, err);
    arena_release(&scratch);
    return s == STATUS_OK ? s : error_wrap(err, "%s", plan->metric->name);
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|ddof:%lld", (long long)*(const int64_t *)plan->options);
}

const Metric metric_weat = {
    .name = "weat",
    .summary = "effect size of how differently two sets of targets go with two sets of attributes",
    .source = "Caliskan et al. 2017, Science 356, 183-186; May et al. 2019, arXiv:1903.10561",
    .needs = NEEDS_EMBEDDINGS | NEEDS_GROUPS,
    .kind = METRIC_WHOLE,
    .direction = NO_DIRECTION,
    .lowest = -INFINITY, // sets of equal size: within 2
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .sub_scores = sub_scores,
    .index_items = index_items,
    .score_items = score_items,
    .signature = signature,
};
