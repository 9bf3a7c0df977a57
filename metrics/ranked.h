// metrics/ranked.h: what AUC and average precision share: rows of a label and probabilities, and orders by class.
//
// With two classes a row is (label, probability of the positive class); with more it is (label, p_0 .. p_{C-1}).
#ifndef ASSAY_METRICS_RANKED_H
#define ASSAY_METRICS_RANKED_H

#include "metrics/metric.h"

typedef enum RankedAverage { RANKED_MACRO, RANKED_WEIGHTED, RANKED_MICRO } RankedAverage;
extern const char *const ranked_averages[3]; // as params have them

typedef struct RankedOptions {
    size_t average;     // RankedAverage
    size_t multi_class; // 0 = one against the rest, 1 = one against one
    size_t positive;    // with two classes: which is positive
    bool is_binary;
} RankedOptions;

// Items by one probability, ascending, with what a walk over them asks: so that it touches nothing else but weights.
enum {
    RANKED_IS_POSITIVE = 1,
    RANKED_BEGINS = 2
}; // the second: the score differs from the one before
typedef struct RankedColumn {
    uint32_t *order;      // [n]
    unsigned char *marks; // [n], in that order
} RankedColumn;

typedef struct RankedIndex {
    RankedColumn *columns; // [n_columns], with two classes of the positive one alone
    RankedColumn
        flat; // over all (item, class) pairs, position i * n_columns + c; NULL unless asked for
    size_t n_columns;
} RankedIndex;

Status ranked_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                  Error *err) MUST_CHECK;
// A RankedIndex. The second is for plans with RankedOptions: flat where more than two classes are averaged micro.
Status ranked_index(const MetricPlan *plan, const RowSet *rows, bool wants_flat, Arena *arena,
                    const void **index, Error *err) MUST_CHECK;
Status ranked_index_by_average(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                               const void **index, Error *err) MUST_CHECK;
// Scores behind the first are those of classes.
Status ranked_score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err) MUST_CHECK;

// A column under weights of items, as AUC and average precision walk it.
typedef struct RankedWalk {
    const RankedColumn *column;
    const double *weights; // of items
    size_t n;              // of the column
    size_t
        n_pairs; // what a position is divided by to give its item: 1, or n_columns for the flat order
} RankedWalk;

// values [n * stride], and a byte for each of them that says whether it is positive, give a column; in the arena.
Status ranked_column(const double *values, size_t stride, size_t n,
                     const unsigned char *is_positive, Arena *arena, RankedColumn *out,
                     Error *err) MUST_CHECK;
// Areas under the ROC curve (NaN where a side is missing) and under the curve of precision by steps (0 without positives); the
// weight of the positive items beside.
typedef double RankedScore(RankedWalk walk, double *positives);
RankedScore ranked_area, ranked_precision;
// The score of every column, into of_columns [n_columns] unless that is NULL, and their mean as o->average has it: of the columns
// alike or by the weight of their positive items, or the score of the flat order.
double ranked_mean(const RankedOptions *o, const RankedIndex *index, RankedWalk walk,
                   RankedScore *score, double *of_columns);

#endif
