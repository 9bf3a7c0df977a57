#include "models/generation/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"

static const double COLDEST = 1e-200;

static Status check_number(const char *what, double value, double lowest, double highest,
                           Error *err)
{
    if (value >= lowest && value <= highest) return STATUS_OK; // false for NaN
    return error_set(err, STATUS_INVALID, "%s %g is outside %g .. %g", what, value, lowest,
                     highest);
}

Status sample_check(const SampleOptions *o, Error *err)
{
    TRY(check_number("temperature", o->temperature, 0, 1e6, err));
    TRY(check_number("top_p", o->top_p, 0, 1, err));
    TRY(check_number("min_p", o->min_p, 0, 1, err));
    if (o->repetition_penalty == 0) return STATUS_OK; // off
    return check_number("repetition_penalty", o->repetition_penalty, 1e-6, 1e6, err);
}

// The first of the highest logits; NaN counts as none of them.
static size_t highest(const float *logits, size_t n)
{
    enum { LANES = 16 }; // that the compiler takes side by side
    float lanes[LANES], most = -INFINITY;
    size_t i = 0;
    for (size_t l = 0; l < LANES; l++) lanes[l] = -INFINITY;
    for (; i + LANES <= n; i += LANES) {
        for (size_t l = 0; l < LANES; l++)
            lanes[l] = logits[i + l] > lanes[l] ? logits[i + l] : lanes[l];
    }
    for (size_t l = 0; l < LANES; l++) most = lanes[l] > most ? lanes[l] : most;
    for (; i < n; i++) most = logits[i] > most ? logits[i] : most;
    for (i = 0; i < n && !(logits[i] >= most); i++) continue;
    return i < n ? i : 0;
}

Status token_logprob(const float *logits, size_t n_vocab, int32_t token, Exec *exec,
                     double *logprob, bool *is_highest, Error *err)
{
    double sums[2] = {0, 0};
    OpArgs args;
    memset(&args, 0, sizeof args);
    memcpy(&args.in[0].data, &logits, sizeof logits); // a view drops the const; only read
    args.in[0].rows = 1;
    args.in[0].cols = args.in[0].row_stride = n_vocab;
    args.out[0] = (Tensor){.data = sums, .rows = 1, .cols = 2, .row_stride = 2, .dtype = DTYPE_F64};
    args.as.cross_entropy.labels = &token;
    TRY(op_run(exec, OP_CROSS_ENTROPY, DTYPE_F32, &args, err));
    *logprob = -sums[0];
    if (is_highest) *is_highest = highest(logits, n_vocab) == (size_t)token;
    return STATUS_OK;
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// Tokens seen before lose: a positive logit is divided, a negative one multiplied; each once.
static void penalise(const float *logits, size_t n_vocab, const int32_t *seen, size_t n_seen,
                     double penalty, double *scores)
{
    for (size_t i = 0; i < n_seen; i++) {
        const size_t id = (size_t)seen[i];
        if (seen[i] < 0 || id >= n_vocab) continue;
        const double logit = (double)logits[id];
        scores[id] = logit < 0 ? logit * penalty : logit / penalty;
    }
}

// The n_top highest of values, and perhaps more, in descending order; returns how many. The best of each of some groups tell
// what the n_top highest reach at least, so that few values are sorted. out [n].
static size_t sort_highest(const double *values, size_t n, size_t n_top, double *out)
{
    enum {
        GROUPS = 4
    }; // of each that is asked for: as many values then pass as are wanted, or a little more
    const size_t n_groups = GROUPS * n_top, size = n_groups > 0 ? n / n_groups : 0;
    double lowest = -INFINITY;
    size_t n_out = 0;
    if (size >= GROUPS) {
        for (size_t g = 0; g < n_groups; g++) {
            const double *group = values + g * size;
            double lanes[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
            for (size_t i = 0; i + 4 <= size; i += 4) {
                for (size_t l = 0; l < 4; l++)
                    lanes[l] = group[i + l] > lanes[l] ? group[i + l] : lanes[l];
            }
            for (size_t l = 1; l < 4; l++) lanes[0] = lanes[l] > lanes[0] ? lanes[l] : lanes[0];
            out[g] = lanes[0];
        }
        qsort(out, n_groups, sizeof *out, descending);
        lowest = out[n_top - 1];
    }
    for (size_t i = 0; i < n; i++) { // without a branch, which nobody could foretell
        out[n_out] = values[i];
        n_out += values[i] >= lowest;
    }
    qsort(out, n_out, sizeof *out, descending);
    return n_out;
}

// The k-th highest of the scores.
static double kth_highest(const double *scores, size_t n, size_t k, double *scratch)
{
    const size_t n_sorted = sort_highest(scores, n, k, scratch);
    return n_sorted > 0 ? scratch[size_min(k, n_sorted) - 1] : -INFINITY;
}

// ---- the least number that is kept, without sorting ----

enum { SPLIT_BITS = 8, SPLIT_PARTS = 1 << SPLIT_BITS, DOUBLE_BITS = 64, FEW_LEFT = 64 };

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// Of probabilities in `values` [*n], whose bits above `shift` + SPLIT_BITS are equal, those of the part in which the sum of the
// highest, from `sum` on, comes to top_p: they stay at the front of values. False where it comes to it in no part.
static bool split_values(double *values, size_t *n, unsigned shift, double top_p, double *sum)
{
    double sums[2][SPLIT_PARTS] = {
        {0}}; // neighbours often fall in one part: two sums run side by side
    for (size_t i = 0; i < *n; i++)
        sums[i % 2][bits_of(values[i]) >> shift & (SPLIT_PARTS - 1)] += values[i];
    size_t part = SPLIT_PARTS;
    while (part-- > 0) {
        const double with = *sum + (sums[0][part] + sums[1][part]);
        if (with >= top_p) break;
        *sum = with;
    }
    if (part >= SPLIT_PARTS) return false; // below 0
    size_t n_left = 0;
    for (size_t i = 0; i < *n; i++) {
        const double value = values[i];
        values[n_left] = value;
        n_left += (bits_of(value) >> shift & (SPLIT_PARTS - 1)) == part;
    }
    *n = n_left;
    return true;
}

// The last of the highest of p whose sum, from the highest on, comes to top_p. Parts of the bits are summed in another order than
// that one: false where so little is between the sum and top_p that its roundings might tell.
static bool last_of_sum(const double *p, size_t n, double top_p, double *scratch, double *last)
{
    const double slack = 4 * (double)n * 0x1p-53;
    double sum = 0;
    size_t n_left = n, first = 0, end = 0;
    memcpy(scratch, p, n * sizeof *p);
    for (unsigned shift = DOUBLE_BITS - SPLIT_BITS; n_left > FEW_LEFT; shift -= SPLIT_BITS) {
        if (!split_values(scratch, &n_left, shift, top_p, &sum)) return false;
        if (shift == 0) break;
    }
    if (sum >= top_p - slack) return false;
    qsort(scratch, n_left, sizeof *scratch, descending);
    for (end = 0; end < n_left && sum < top_p + slack; end++) {
        sum += scratch[end];
        if (sum < top_p - slack) first = end + 1;
    }
    if (sum < top_p + slack || first >= end || scratch[first] != scratch[end - 1]) return false;
    *last = scratch[first];
    return true;
}

// Drops the least probable tokens (p = 0) as long as what stays has probability top_p.
static void keep_top_p(double *p, size_t n, double top_p, size_t n_least, double *scratch)
{
    enum { FIRST = 64 };
    size_t n_kept = 0, n_sorted = 0;
    double lowest = 0, sum = 0;
    for (size_t n_top = size_min(FIRST, n); n_kept == n_sorted; n_top = n) {
        // Above the first ones all are kept, n_least among them.
        if (n_sorted > n_least && sum < top_p && last_of_sum(p, n, top_p, scratch, &lowest)) break;
        n_sorted = sort_highest(p, n, n_top, scratch);
        n_kept = 0;
        sum = 0;
        while (n_kept < n_sorted && (sum < top_p || n_kept < n_least) && scratch[n_kept] > 0)
            sum += scratch[n_kept++];
        lowest = n_sorted > 0 ? scratch[size_max(n_kept, 1) - 1] : 0;
        if (n_top == n) break;
    }
    for (size_t i = 0; i < n; i++) p[i] = p[i] < lowest ? 0 : p[i];
}

// In lanes that the compiler takes side by side.
static double highest_of(const double *values, size_t n)
{
    double lanes[8], most = -INFINITY;
    size_t i = 0;
    for (size_t l = 0; l < 8; l++) lanes[l] = -INFINITY;
    for (; i + 8 <= n; i += 8) {
        for (size_t l = 0; l < 8; l++)
            lanes[l] = values[i + l] > lanes[l] ? values[i + l] : lanes[l];
    }
    for (size_t l = 0; l < 8; l++) most = lanes[l] > most ? lanes[l] : most;
    for (; i < n; i++) most = values[i] > most ? values[i] : most;
    return most;
}

static double sum_of(const double *values, size_t n)
{
    double lanes[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t l = 0; l < 8; l++) lanes[l] += values[i + l];
    }
    for (size_t l = 0; l < 8; l++) sum += lanes[l];
    for (; i < n; i++) sum += values[i];
    return sum;
}

// Drops tokens less probable than a share of the most probable one.
static void keep_min_p(double *p, size_t n, double min_p, size_t n_least, double *scratch)
{
    double lowest = min_p * highest_of(p, n);
    if (n_least > 1) {
        const double last = kth_highest(p, n, size_min(n_least, n), scratch);
        lowest = last < lowest ? last : lowest;
    }
    for (size_t i = 0; i < n; i++) p[i] = p[i] < lowest ? 0 : p[i];
}

// Probabilities of the scores that are at least `lowest`.
static void softmax(const double *scores, size_t n, double lowest, double *p)
{
    const double max = highest_of(scores, n);
    for (size_t i = 0; i < n; i++) p[i] = scores[i] >= lowest ? exp(scores[i] - max) : 0;
    const double sum = sum_of(p, n);
    for (size_t i = 0; i < n; i++) p[i] /= sum;
}

void sample_filter(const SampleOptions *o, size_t n_least, double *scores, size_t n, double *p,
                   double *scratch)
{
    const size_t top_k = size_max(o->top_k, n_least);
    double lowest = -INFINITY;
    // The likeliest token is certain long before this floor, above which no logit's quotient is infinite.
    const double temperature = fmax(o->temperature, COLDEST);
    for (size_t i = 0; i < n; i++) scores[i] /= temperature;
    if (o->top_k > 0 && top_k < n) lowest = kth_highest(scores, n, top_k, scratch);
    softmax(scores, n, lowest, p);
    if (o->top_p > 0 && o->top_p < 1) keep_top_p(p, n, o->top_p, n_least, scratch);
    if (o->min_p > 0) keep_min_p(p, n, o->min_p, n_least, scratch);
}

static size_t draw(const double *p, size_t n, const SampleOptions *options, size_t index)
{
    Philox rng = philox_stream(options->seed, index);
    const double at = philox_double(&rng) * sum_of(p, n);
    double passed = 0;
    size_t chosen = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] > 0)) continue;
        chosen = i; // rounding may leave a little at the end: then the last one
        passed += p[i];
        if (at < passed) break;
    }
    return chosen;
}

Status sample_token(const SampleOptions *o, const float *logits, size_t n_vocab,
                    const int32_t *seen, size_t n_seen, size_t index, Exec *exec, int32_t *token,
                    double *logprob, Error *err)
{
    const bool is_penalised = o->repetition_penalty > 0 && o->repetition_penalty != 1;
    size_t chosen = 0;
    if (o->temperature > 0 || is_penalised) {
        const size_t mark = exec_scratch_mark(exec);
        double *scores = exec_scratch(exec, 3 * n_vocab * sizeof *scores);
        if (!scores) return error_set_memory(err, 3 * n_vocab, sizeof *scores, "sampling");
        for (size_t i = 0; i < n_vocab; i++) scores[i] = (double)logits[i];
        if (is_penalised) penalise(logits, n_vocab, seen, n_seen, o->repetition_penalty, scores);
        if (o->temperature > 0) {
            double *p = scores + n_vocab;
            sample_filter(o, 1, scores, n_vocab, p, p + n_vocab);
            chosen = draw(p, n_vocab, o, index);
        } else {
            for (size_t i = 1; i < n_vocab; i++) chosen = scores[i] > scores[chosen] ? i : chosen;
        }
        exec_scratch_release(exec, mark);
    } else {
        chosen = highest(logits, n_vocab);
    }
    *token = (int32_t)chosen;
    return token_logprob(logits, n_vocab, *token, exec, logprob, NULL, err);
}
