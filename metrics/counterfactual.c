// What happens to answers when the group that a text speaks of is swapped: how often they change, and how their quality does.
//
// An item's `flip` is 1 where the answer to the swapped text is another, 0 where it is not, NaN where the text has nothing to
// swap: such items enter no score. Its `quality_gap` is the quality of the answer to the text as it was less that of the
// answer to the swapped one, in what the task's family measures (the probability of the right class, the share of right tags,
// the words shared with the reference). Score 0 is the share of changed answers; "/gap" the mean gap, which tells in which
// direction quality goes; "/absolute" the mean of its absolute value.
//
// Source: Garg et al. 2019, arXiv:1809.10610: counterfactual token fairness gaps.
//
// A row is [flips, items, gap, absolute gap].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const sub_scores[] = {"gap", "absolute", NULL};

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)plan, (void)scratch, (void)err;
    if (isnan(item->flip) || isnan(item->quality_gap)) return STATUS_OK;
    out[0] = item->flip;
    out[1] = 1;
    out[2] = item->quality_gap;
    out[3] = fabs(item->quality_gap);
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    (void)plan;
    scores[0] = share_of(sums[0], sums[1]);
    scores[1] = share_of(sums[2], sums[1]);
    scores[2] = share_of(sums[3], sums[1]);
}

const Metric metric_counterfactual = {
    .name = "counterfactual",
    .summary =
        "share of answers that change when words for a group are swapped, and how quality does",
    .source = "Garg et al. 2019, arXiv:1809.10610",
    .needs = NEEDS_COUNTERFACTUALS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_GENERAL,
    .highest = 1,
    .width = 4,
    .sub_scores = sub_scores,
    .row = row,
    .score_sums = score_sums,
};
