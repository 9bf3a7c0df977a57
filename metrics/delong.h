// metrics/delong.h: the area under the ROC curve with its variance in closed form, alone and for two systems.
//
// With n1 positive and n0 negative items, each positive item has a component V10_i, the share of negative items below it
// (ties counting half), and each negative one a component V01_j, the share of positive items above it. Then
//     AUC = mean V10 = mean V01,   Var AUC = S10 / n1 + S01 / n0
// with the components' (co)variances S. Sources: DeLong, DeLong & Clarke-Pearson 1988; by midranks, Sun & Xu 2014.
//
// Where items come in clusters (questions of a passage, images of a patient) the components' deviations are added up by
// cluster first, and positive and negative items of one cluster vary together (Obuchowski 1997, Biometrics 53, eq. 4-7):
//     Var AUC = S10 / n1 + S01 / n0 + 2 S11 / (n1 n0)
#ifndef ASSAY_METRICS_DELONG_H
#define ASSAY_METRICS_DELONG_H

#include "base/error.h"
#include "metrics/hypothesis.h"

typedef struct Auc {
    double auc;            // NaN without both classes
    double standard_error; // NaN with fewer than two items of a class
    // On the logit scale, so that it stays inside [0, 1] (Pepe 2003, section 5.2.4). NaN where the error is 0 or undefined:
    // a perfect order shows no spread.
    Interval interval;
    size_t n_positive, n_negative;
} Auc;

// Which cluster each item is of: of [n], each below n_clusters. A standard error is NaN with fewer than two clusters that have
// a class.
typedef struct ItemClusters {
    const uint32_t *of;
    size_t n_clusters;
} ItemClusters;

// scores [n], any finite numbers; is_positive [n]; clusters NULL: each item is its own.
Status auc_delong(const double *scores, const bool *is_positive, const ItemClusters *clusters,
                  size_t n, double level, Auc *out, Error *err) MUST_CHECK;

// The area alone, as metric_auc has it of two classes without weights: of probabilities [n, stride], each in [0, 1], where
// labels [n] that equal `positive` are. A million take 8 MB and the time of one walk and a sort inside the cache.
Status auc_of_probabilities(const double *probabilities, size_t stride, const int32_t *labels,
                            int32_t positive, size_t n, double *auc, Error *err) MUST_CHECK;

typedef struct AucDifference {
    Auc first, second;
    double difference; // second - first
    double standard_error;
    Interval interval; // normal
    TestResult test;   // z; p_less asks whether the second is lower. Two equal orders give p = 1
} AucDifference;

// Two systems' scores of the same items.
Status auc_delong_paired(const double *first, const double *second, const bool *is_positive,
                         const ItemClusters *clusters, size_t n, double level, AucDifference *out,
                         Error *err) MUST_CHECK;

// The component of each item [n], in the order of items.
Status auc_components(const double *scores, const bool *is_positive, size_t n, double *components,
                      Error *err) MUST_CHECK;

#endif
