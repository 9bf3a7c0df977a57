// base/distinct.h: values turned into numbers of the distinct ones among them, in sorted order.
#ifndef ASSAY_BASE_DISTINCT_H
#define ASSAY_BASE_DISTINCT_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

// index [n] receives each value's place among the distinct ones, -1 where it is empty; *distinct [*n_distinct], in the arena,
// has them ascending by order (of two Slices, as qsort takes it). Slices are borrowed.
Status distinct_index(const Slice *values, size_t n, int (*order)(const void *, const void *),
                      Arena *arena, int32_t *index, Slice **distinct, size_t *n_distinct,
                      Error *err) MUST_CHECK;

#endif
