// ROUGE as metrics: the mean F over items; of several references the one with the best F counts, the first on ties.
//
// A row is [F, 1, precision, recall].
#include <math.h>

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/rouge.h"

typedef enum RougeKind { ROUGE_1, ROUGE_2, ROUGE_L, ROUGE_LSUM } RougeKind;
static const char *const params[] = {"stemmer", NULL};
static const char *const sub_scores[] = {"precision", "recall", NULL};

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

static void add_want(RougeKind kind, RougeWants *wants)
{
    switch (kind) {
    case ROUGE_1:
    case ROUGE_2:
        wants->max_order = size_max(wants->max_order, kind == ROUGE_1 ? 1 : 2);
        break;
    case ROUGE_L:
        wants->has_l = true;
        break;
    case ROUGE_LSUM:
        wants->has_l_sum = true;
        break;
    }
}

static const RougeScore *score_of_kind(const RougeScores *scores, RougeKind kind)
{
    switch (kind) {
    case ROUGE_1:
    case ROUGE_2:
        return &scores->n[kind == ROUGE_1 ? 0 : 1];
    case ROUGE_L:
        return &scores->l;
    case ROUGE_LSUM:
        break;
    }
    return &scores->l_sum;
}

static RougeKind kind_of(const MetricPlan *plan)
{
    return ((const RougeOptions *)plan->options)->kind;
}

Status rouge_rows(const MetricPlan *const *plans, size_t n, const Item *item, Arena *scratch,
                  double *const *rows, Error *err)
{
    RougeReading reading = ((const RougeOptions *)plans[0]->options)->reading;
    RougeWants wants = {0};
    RougeText hypothesis;
    bool has_reference = false;
    for (size_t k = 0; k < n; k++) add_want(kind_of(plans[k]), &wants);
    reading.has_lines = wants.has_l_sum;
    if (rouge_text(&reading, item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        const ArenaMark mark = arena_mark(scratch);
        RougeText reference;
        RougeScores scores;
        if (rouge_text(&reading, item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        TRY(rouge_compare(&hypothesis, &reference, wants, scratch, &scores, err));
        arena_rewind(scratch, mark);
        for (size_t k = 0; k < n; k++) {
            const RougeScore *score = score_of_kind(&scores, kind_of(plans[k]));
            if (has_reference && score->f1 <= rows[k][0]) continue;
            rows[k][0] = score->f1;
            rows[k][1] = 1;
            rows[k][2] = score->precision;
            rows[k][3] = score->recall;
        }
        has_reference = true;
    }
    if (!has_reference) return error_set(err, STATUS_INVALID, "has no reference");
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    return rouge_rows(&plan, 1, item, scratch, &out, err);
}

Status rouge_plan_words(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err)
{
    RougeText read;
    TRY(rouge_text(&((const RougeOptions *)plan->options)->reading, text, arena, &read, err));
    *out = read.words;
    return STATUS_OK;
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
        .params = params, .width = 4, .sub_scores = sub_scores, .prepare = (its_prepare),    \
        .row = row, .score_sums = score_sums, .signature = signature,                        \
    }

const Metric metric_rouge1 =
    ROUGE_METRIC("rouge1", "F of shared words, mean over items", prepare_1);
const Metric metric_rouge2 =
    ROUGE_METRIC("rouge2", "F of shared pairs of words, mean over items", prepare_2);
const Metric metric_rouge_l =
    ROUGE_METRIC("rougeL", "F of the longest common subsequence, mean over items", prepare_l);
const Metric metric_rouge_lsum =
    ROUGE_METRIC("rougeLsum", "the same by sentences, one a line, as for summaries", prepare_lsum);
