// metrics/corrections.h: many comparisons at once.
//
// A family is declared by the caller; adjusted p-values are compared with alpha as they stand.
#ifndef ASSAY_METRICS_CORRECTIONS_H
#define ASSAY_METRICS_CORRECTIONS_H

#include "base/error.h"

typedef enum Correction {
    CORRECTION_BONFERRONI,
    CORRECTION_SIDAK,
    CORRECTION_HOLM, // Holm 1979: for gates
    CORRECTION_HOLM_SIDAK,
    CORRECTION_HOCHBERG, // Hochberg 1988, Simes
    CORRECTION_HOMMEL,   // Hommel 1988
    CORRECTION_BH,       // Benjamini & Hochberg 1995: false discovery rate, for exploration
    CORRECTION_BY,       // Benjamini & Yekutieli 2001: under any dependence
} Correction;

enum { N_CORRECTIONS = CORRECTION_BY + 1 };
// "holm", "bh", ...
const char *correction_name(Correction correction);

// adjusted [n] from p [n], which may be the same array. Refuses p-values outside [0, 1]; NaN stays NaN and does not
// count into the family.
Status adjust_p_values(Correction correction, const double *p, size_t n, double *adjusted,
                       Error *err) MUST_CHECK;

#endif
