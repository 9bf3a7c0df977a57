// metrics/order.h: the order of items by a value, for scores that go by rank.
#ifndef ASSAY_METRICS_ORDER_H
#define ASSAY_METRICS_ORDER_H

#include "base/arena.h"
#include "base/error.h"

// order [n]: the indices of values[i * stride], i < n, from lowest to highest; equal values keep their order. No NaN.
// n at most UINT32_MAX. Linear in n (radix sort); works in scratch, which the caller rewinds.
Status order_ascending(const double *values, size_t stride, size_t n, Arena *scratch,
                       uint32_t *order, Error *err) MUST_CHECK;

#endif
