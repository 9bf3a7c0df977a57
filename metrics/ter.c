// TER: edits, shifts of runs of words among them, for each word of the references.
//
// Source: Snover et al. 2006. Numbers are sacreBLEU 2.6.0's: of several references the fewest edits, over their mean
// length. A row is [edits, length].
#include <math.h>
#include <string.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/ter.h"

static const char *const params[] = {"normalized", "no_punct", "asian_support", "case_sensitive",
                                     NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    TercomOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    plan->options = o;
    if (options == NULL) return STATUS_OK;
    TRY(json_opt_bool(options, "normalized", &o->is_normalized, err));
    TRY(json_opt_bool(options, "no_punct", &o->has_no_punct, err));
    TRY(json_opt_bool(options, "asian_support", &o->has_asian, err));
    return json_opt_bool(options, "case_sensitive", &o->is_cased, err);
}

static Status join(const Tokens *tokens, Arena *arena, Slice *out, Error *err)
{
    char *bytes;
    size_t len = 0;
    for (size_t i = 0; i < tokens->n; i++) len += tokens->items[i].len + 1;
    TRY(arena_take_raw(arena, len, 1, "a text", &bytes, err));
    *out = (Slice){bytes, len};
    for (size_t i = 0; i < tokens->n; i++) {
        memcpy(bytes, tokens->items[i].ptr, tokens->items[i].len);
        bytes += tokens->items[i].len;
        *bytes++ = ' ';
    }
    return STATUS_OK;
}

// sacreBLEU sends references through the tokeniser twice, hypotheses once: "..5" ends as ". . 5" here, there as ". .5".
static Status reference_tokens(const TercomOptions *o, Slice text, Arena *arena, Tokens *out,
                               Error *err)
{
    TRY(tercom_tokens(o, text, arena, out, err));
    if (!o->is_normalized) return STATUS_OK;
    TRY(join(out, arena, &text, err));
    return tercom_tokens(o, text, arena, out, err);
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const TercomOptions *o = plan->options;
    Tokens hypothesis;
    double fewest = INFINITY, length = 0, n = 0;
    if (tercom_tokens(o, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        const ArenaMark mark = arena_mark(scratch);
        Tokens reference;
        size_t edits;
        if (reference_tokens(o, item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(ter_edits(&hypothesis, &reference, scratch, &edits, err));
        arena_rewind(scratch, mark);
        fewest = fmin(fewest, (double)edits);
        length += (double)reference.n;
        n += 1;
    }
    if (n == 0) return error_set(err, STATUS_INVALID, "has no reference");
    out[0] = fewest;
    out[1] = length / n;
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    (void)plan;
    const double without_reference = sums[0] > 0 ? 100 : 0;
    scores[0] = sums[1] > 0 ? 100 * (sums[0] / sums[1]) : without_reference;
}

// The fields and order of sacreBLEU's signature.
static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const TercomOptions *o = plan->options;
    return arena_format(arena, out, err, "|case:%s|tok:tercom|norm:%s|punct:%s|asian:%s",
                        o->is_cased ? "mixed" : "lc", o->is_normalized ? "yes" : "no",
                        o->has_no_punct ? "no" : "yes", o->has_asian ? "yes" : "no");
}

const Metric metric_ter = {
    .name = "ter",
    .summary = "translation edit rate: edits and shifts in percent of the references' words",
    .source = "Snover et al. 2006; sacreBLEU 2.6.0, after Tercom",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
