// BLEU: geometric mean of clipped n-gram precisions times a penalty for short output.
//
//     100 exp(sum_n log p_n / N) * min(1, exp(1 - r / c))
//
// Source: Papineni et al. 2002, section 2.3; smoothing as numbered by Chen & Cherry 2014: floor and add-k (1 and 2),
// exp (3, NIST's). Numbers are sacreBLEU 2.6.0's. A row is [matches, totals] by order, hypothesis length, and the
// length of the closest reference (the shorter of equally close ones).
#include <math.h>

#include "metrics/bleu.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/ngrams.h"

enum { MAX_ORDER = 16 };
typedef enum Smoothing { SMOOTH_EXP, SMOOTH_FLOOR, SMOOTH_ADD_K, SMOOTH_NONE } Smoothing;
static const char *const smoothings[] = {"exp", "floor", "add-k", "none"};
static const char *const params[] = {
    "tokenize",        "smooth_method",   "smooth_value", "lowercase",
    "effective_order", "max_ngram_order", "spm_model",    NULL};

typedef struct BleuOptions {
    size_t tokenizer;
    size_t smoothing;
    double smooth_value;
    int64_t max_order;
    bool is_lowercased;
    bool has_effective_order;
    const WordSplitter *splitter; // NULL where the tokeniser needs none
} BleuOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    BleuOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (BleuOptions){.max_order = 4, .smooth_value = NAN};
    TRY(params_choice(options, "tokenize", tokenizer_names, N_TOKENIZERS, &o->tokenizer, err));
    if (needs_splitter((TokenizerKind)o->tokenizer)) o->splitter = plan->setup.splitter;
    if (o->splitter == NULL && !plan->setup.has_rows)
        TRY(word_tokenizer_open((TokenizerKind)o->tokenizer, err));
    TRY(params_choice(options, "smooth_method", smoothings, 4, &o->smoothing, err));
    if (options != NULL) {
        TRY(json_opt_double(options, "smooth_value", 0, 1e9, &o->smooth_value, err));
        TRY(json_opt_bool(options, "lowercase", &o->is_lowercased, err));
        TRY(json_opt_bool(options, "effective_order", &o->has_effective_order, err));
        TRY(json_opt_i64(options, "max_ngram_order", 0, MAX_ORDER, &o->max_order, err));
    }
    if (isnan(o->smooth_value)) o->smooth_value = o->smoothing == SMOOTH_FLOOR ? 0.1 : 1;
    plan->width = 2 * (size_t)o->max_order + 2;
    plan->n_scores = (size_t)o->max_order + 2;
    plan->options = o;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    const size_t order = (size_t)((const BleuOptions *)plan->options)->max_order;
    if (score > order) return arena_format(arena, name, err, "bleu/brevity_penalty");
    return arena_format(arena, name, err, "bleu/precision/%zu", score);
}

Status bleu_tokens(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err)
{
    const BleuOptions *o = plan->options;
    if (o->splitter != NULL)
        return tokenize_by(o->splitter, text, o->is_lowercased, arena, out, err);
    return tokenize_text((TokenizerKind)o->tokenizer, text, o->is_lowercased, arena, out, err);
}

static double closest_length(double length, const Tokens *references, size_t n)
{
    double best = 0, distance = INFINITY;
    for (size_t r = 0; r < n; r++) {
        const double candidate = (double)references[r].n, d = fabs(candidate - length);
        if (d > distance || (d == distance && candidate >= best)) continue;
        best = candidate;
        distance = d;
    }
    return best;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const BleuOptions *o = plan->options;
    const size_t order = (size_t)o->max_order;
    Tokens hypothesis, *references;
    size_t n = 0;
    TRY(arena_take(scratch, item->n_references, sizeof *references, "references", &references,
                   err));
    if (bleu_tokens(plan, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        if (bleu_tokens(plan, item->references[r], scratch, &references[n++], err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
    }
    if (n == 0) return error_set(err, STATUS_INVALID, "has no reference");
    TRY(ngram_matches(&hypothesis, references, n, order, scratch, out, err));
    const double length = (double)hypothesis.n;
    for (size_t k = 0; k < order; k++) out[order + k] = fmax(0, length - (double)k);
    out[2 * order] = length;
    out[2 * order + 1] = closest_length(length, references, n);
    return STATUS_OK;
}

// Precisions in percent after smoothing; returns how many orders the mean is over.
static size_t smooth(const BleuOptions *o, const double *matches, const double *totals,
                     double *precisions)
{
    const size_t order = (size_t)o->max_order;
    size_t effective = order;
    double halved = 1;
    for (size_t k = 0; k < order; k++) precisions[k] = 0;
    for (size_t k = 0; k < order; k++) {
        const double added = o->smoothing == SMOOTH_ADD_K && k > 0 ? o->smooth_value : 0;
        const double matched = matches[k] + added, total = totals[k] + added;
        if (total == 0) break;
        if (o->has_effective_order) effective = k + 1;
        if (matched > 0) {
            precisions[k] = 100 * matched / total;
        } else if (o->smoothing == SMOOTH_EXP) {
            halved *= 2;
            precisions[k] = 100 / (halved * total);
        } else if (o->smoothing == SMOOTH_FLOOR) {
            precisions[k] = 100 * o->smooth_value / total;
        }
    }
    return effective;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    const BleuOptions *o = plan->options;
    const size_t order = (size_t)o->max_order;
    const double length = sums[2 * order], reference = sums[2 * order + 1];
    double penalty = 1, matched = 0;
    if (length < reference) penalty = length > 0 ? exp(1 - reference / length) : 0;
    scores[order + 1] = penalty;
    for (size_t k = 0; k < order; k++) {
        matched += sums[k];
        scores[1 + k] = 0;
    }
    scores[0] = 0;
    if (matched == 0) return;
    const size_t effective = smooth(o, sums, sums + order, scores + 1);
    double logs = 0;
    for (size_t k = 0; k < effective; k++) {
        if (scores[1 + k] == 0) return;
        logs += log(scores[1 + k]);
    }
    scores[0] = penalty * exp(logs / (double)effective);
}

// The fields and order of sacreBLEU's signature; what the data decide (the number of references) is not the plan's.
static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const BleuOptions *o = plan->options;
    Slice value = {0};
    const char *tokenizer;
    TRY(word_tokenizer_signature((TokenizerKind)o->tokenizer, arena, &tokenizer, err));
    if (o->tokenizer == TOKENIZER_SPM) tokenizer = o->splitter->name; // the others say which model
    if (o->smoothing == SMOOTH_FLOOR || o->smoothing == SMOOTH_ADD_K) {
        TRY(arena_format(arena, &value, err, "[%.2f]", o->smooth_value));
    }
    return arena_format(arena, out, err, "|case:%s|eff:%s|tok:%s|smooth:%s" SLICE_FMT,
                        o->is_lowercased ? "lc" : "mixed", o->has_effective_order ? "yes" : "no",
                        tokenizer, smoothings[o->smoothing], SLICE_ARG(value));
}

const Metric metric_bleu = {
    .name = "bleu",
    .summary =
        "n-gram precision with a brevity penalty, over the corpus; tokenised as 13a by default",
    .source = "Papineni et al. 2002; sacreBLEU 2.6.0",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .highest = 100,
    .params = params,
    .prepare = prepare,
    .score_name = score_name,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
