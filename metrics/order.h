// metrics/order.h: the order of items by a value, for scores that go by rank.
#ifndef ASSAY_METRICS_ORDER_H
#define ASSAY_METRICS_ORDER_H

#include "base/arena.h"
#include "base/error.h"

// order [n]: the indices of values[i * stride], i < n, from lowest to highest; equal values keep their order. No NaN.
// n at most UINT32_MAX. Near linear in n where values spread over their range, else n log n; works in scratch, which the
// caller rewinds.
Status order_ascending(const double *values, size_t stride, size_t n, Arena *scratch,
                       uint32_t *order, Error *err) MUST_CHECK;
// The same; begins [n] marks with 1 each place where a value differs from the one before (and the first place).
Status order_groups(const double *values, size_t stride, size_t n, Arena *scratch, uint32_t *order,
                    unsigned char *begins, Error *err) MUST_CHECK;

#endif
