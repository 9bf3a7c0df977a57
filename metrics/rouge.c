// ROUGE as metrics: the mean F over items; of several references the one with the best F counts, the first on ties.
//
// A row is [F, 1, precision, recall].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/rouge.h"

typedef enum RougeKind { ROUGE_1, ROUGE_2, ROUGE_L, ROUGE_LSUM } RougeKind;
static const char *const params[] = {"stemmer", NULL};

typedef struct RougeOptions {
    RougeKind kind;
    RougeReading reading;
} RougeOptions;

static Status prepare_kind(MetricPlan *plan, RougeKind kind, Arena *arena, Error *err)
{
    RougeOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    o->kind = kind;
    if (plan->setup.params != NULL) {
        TRY(json_opt_bool(plan->setup.params, "stemmer", &o->reading.is_stemmed, err));
    }
    if (o->reading.is_stemmed) TRY(stem_memo_new(arena, &o->reading.memo, err));
    plan->width = 4;
    plan->n_scores = 3;
    plan->options = o;
    return STATUS_OK;
}

static Status prepare_1(MetricPlan *plan, Arena *arena, Error *err)
{
    return prepare_kind(plan, ROUGE_1, arena, err);
}

static Status prepare_2(MetricPlan *plan, Arena *arena, Error *err)
{
    return prepare_kind(plan, ROUGE_2, arena, err);
}

static Status prepare_l(MetricPlan *plan, Arena *arena, Error *err)
{
    return prepare_kind(plan, ROUGE_L, arena, err);
}

static Status prepare_lsum(MetricPlan *plan, Arena *arena, Error *err)
{
    return prepare_kind(plan, ROUGE_LSUM, arena, err);
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    return arena_format(arena, name, err, "%s/%s", plan->metric->name,
                        score == 1 ? "precision" : "recall");
}

// A text as one list of tokens, or for the summary level as one a line.
typedef struct Side {
    Tokens *sentences;
    size_t n;
} Side;

static Status read_side(const RougeOptions *o, Slice text, Arena *arena, Side *out, Error *err)
{
    if (o->kind == ROUGE_LSUM) {
        return rouge_sentences(&o->reading, text, arena, &out->sentences, &out->n, err);
    }
    out->n = 1;
    TRY(arena_take(arena, 1, sizeof *out->sentences, "a text", &out->sentences, err));
    return rouge_words(&o->reading, text, arena, out->sentences, err);
}

static Status compare(RougeKind kind, const Side *hypothesis, const Side *reference, Arena *scratch,
                      RougeScore *out, Error *err)
{
    switch (kind) {
    case ROUGE_1:
    case ROUGE_2:
        return rouge_n(hypothesis->sentences, reference->sentences, kind == ROUGE_1 ? 1 : 2,
                       scratch, out, err);
    case ROUGE_L:
        return rouge_l(hypothesis->sentences, reference->sentences, scratch, out, err);
    case ROUGE_LSUM:
        break;
    }
    return rouge_lsum(hypothesis->sentences, hypothesis->n, reference->sentences, reference->n,
                      scratch, out, err);
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const RougeOptions *o = plan->options;
    Side hypothesis;
    double best = -1;
    if (read_side(o, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        const ArenaMark mark = arena_mark(scratch);
        Side reference;
        RougeScore score;
        if (read_side(o, item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(compare(o->kind, &hypothesis, &reference, scratch, &score, err));
        arena_rewind(scratch, mark);
        if (score.f1 <= best) continue;
        best = score.f1;
        out[0] = score.f1;
        out[2] = score.precision;
        out[3] = score.recall;
    }
    if (best < 0) return error_set(err, STATUS_INVALID, "has no reference");
    out[1] = 1;
    return STATUS_OK;
}

// A text as one list of tokens and as one a line.
typedef struct BothSides {
    Side whole, lines;
} BothSides;

static Status read_both(const RougeReading *reading, Slice text, Arena *arena, BothSides *out,
                        Error *err)
{
    const RougeOptions whole = {ROUGE_L, *reading}, lines = {ROUGE_LSUM, *reading};
    TRY(read_side(&whole, text, arena, &out->whole, err));
    if (text.len > 0 && slice_find_byte(text, '\n') == SIZE_MAX) {
        out->lines = out->whole;
        return STATUS_OK;
    }
    return read_side(&lines, text, arena, &out->lines, err);
}

static Status compare_all(const BothSides *hypothesis, const BothSides *reference, Arena *scratch,
                          RougeScore scores[N_ROUGE_METRICS], Error *err)
{
    const Side *h = &hypothesis->lines, *r = &reference->lines;
    TRY(rouge_orders(hypothesis->whole.sentences, reference->whole.sentences, 2, scratch, scores,
                     err));
    TRY(rouge_l(hypothesis->whole.sentences, reference->whole.sentences, scratch, &scores[ROUGE_L],
                err));
    scores[ROUGE_LSUM] = scores[ROUGE_L];
    const bool is_same =
        h->sentences == hypothesis->whole.sentences && r->sentences == reference->whole.sentences;
    if (is_same) return STATUS_OK;
    return rouge_lsum(h->sentences, h->n, r->sentences, r->n, scratch, &scores[ROUGE_LSUM], err);
}

Status rouge_rows(const MetricPlan *plan, const Item *item, Arena *scratch,
                  double *const rows[N_ROUGE_METRICS], Error *err)
{
    const RougeReading *reading = &((const RougeOptions *)plan->options)->reading;
    BothSides hypothesis, reference;
    bool has_reference = false;
    if (read_both(reading, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        const ArenaMark mark = arena_mark(scratch);
        RougeScore scores[N_ROUGE_METRICS];
        if (read_both(reading, item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(compare_all(&hypothesis, &reference, scratch, scores, err));
        arena_rewind(scratch, mark);
        for (size_t k = 0; k < N_ROUGE_METRICS; k++) {
            if (has_reference && scores[k].f1 <= rows[k][0]) continue;
            rows[k][0] = scores[k].f1;
            rows[k][1] = 1;
            rows[k][2] = scores[k].precision;
            rows[k][3] = scores[k].recall;
        }
        has_reference = true;
    }
    if (!has_reference) return error_set(err, STATUS_INVALID, "has no reference");
    return STATUS_OK;
}

Status rouge_plan_words(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err)
{
    return rouge_words(&((const RougeOptions *)plan->options)->reading, text, arena, out, err);
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    (void)plan;
    const double n = sums[1] > 0 ? sums[1] : (double)NAN;
    scores[0] = sums[0] / n;
    scores[1] = sums[2] / n;
    scores[2] = sums[3] / n;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RougeOptions *o = plan->options;
    return arena_format(arena, out, err, "|stemmer:%s", o->reading.is_stemmed ? "yes" : "no");
}

#define ROUGE_METRIC(its_name, its_summary, its_prepare)                                     \
    {                                                                                        \
        .name = (its_name), .summary = (its_summary),                                        \
        .source = "Lin 2004, W04-1013; rouge_score 0.1.2", .needs = NEEDS_TEXT,              \
        .kind = METRIC_SUMS, .direction = HIGHER_IS_BETTER, .form = FORM_MEAN, .highest = 1, \
        .params = params, .prepare = (its_prepare), .score_name = score_name, .row = row,    \
        .score_sums = score_sums, .signature = signature,                                    \
    }

const Metric metric_rouge1 =
    ROUGE_METRIC("rouge1", "F of shared words, mean over items", prepare_1);
const Metric metric_rouge2 =
    ROUGE_METRIC("rouge2", "F of shared pairs of words, mean over items", prepare_2);
const Metric metric_rouge_l =
    ROUGE_METRIC("rougeL", "F of the longest common subsequence, mean over items", prepare_l);
const Metric metric_rouge_lsum =
    ROUGE_METRIC("rougeLsum", "the same by sentences, one a line, as for summaries", prepare_lsum);
