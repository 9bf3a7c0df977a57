// kernels/check/cases.h: the shapes that hurt, as problems, for every operation.
//
// Cases of an operation are numbered; a number means the same problem for every row, dtype and device. A new variant of
// an operation needs nothing here; a new operation needs a line in the table of cases.c, and its backward one in
// derivative.h.
#ifndef ASSAY_KERNELS_CHECK_CASES_H
#define ASSAY_KERNELS_CHECK_CASES_H

#include "kernels/check/problem.h"

typedef enum Magnitude {
    MAGNITUDE_ONE,
    MAGNITUDE_TINY,  // squares underflow
    MAGNITUDE_LARGE, // squares are far from 1; softmax saturates
} Magnitude;

enum { CASE_PANELS = 1 << 4 }; // the bit of Case.options for weights in panels

typedef struct Case {
    size_t rows, cols, depth; // depth: K of products; which configuration of attention
    unsigned
        options; // bits that the builders read: which optional tensors, gaps between rows, layouts
    Magnitude magnitude;
} Case;

// Number of cases of a forward operation or of a backward one (those of its forward operation); 0: the table has none.
size_t case_count(OpKind op);
Case case_at(OpKind op, size_t index);
// "rows 3 cols 17 depth 5 options 0x2f large", into out.
void case_describe(OpKind op, size_t index, char *out, size_t size);
// The numbered problem. For a backward operation the f64 reference of the forward one is run to have what it needs,
// rounded to f32; `reference` is an Exec of reference rows.
Status case_build(OpKind op, DType dtype, size_t index, Exec *reference, Problem *out,
                  Error *err) MUST_CHECK;
// The forward operation with every optional output present, as a backward pass needs it.
Status case_build_forward(OpKind op, DType dtype, size_t index, Problem *out,
                          Error *err) MUST_CHECK;
// A problem of a shape of one's own. Forward operations only.
Status case_build_shape(OpKind op, DType dtype, const Case *c, Problem *out, Error *err) MUST_CHECK;

// Of kernels/check/cases_attention.c.
size_t attention_config_count(void);

#endif
