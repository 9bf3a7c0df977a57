#include "base/distinct.h"

#include <stdlib.h>

Status distinct_index(const Slice *values, size_t n, int (*order)(const void *, const void *),
                      Arena *arena, int32_t *index, Slice **distinct, size_t *n_distinct,
                      Error *err)
{
    Slice *sorted = NULL;
    size_t n_named = 0, n_out = 0;
    TRY(arena_take(arena, n, sizeof *sorted, "values", &sorted, err));
    for (size_t i = 0; i < n; i++) {
        if (values[i].len > 0) sorted[n_named++] = values[i];
    }
    if (n_named > 0) qsort(sorted, n_named, sizeof *sorted, order);
    for (size_t i = 0; i < n_named; i++) {
        if (i == 0 || !slice_eq(sorted[i], sorted[n_out - 1])) sorted[n_out++] = sorted[i];
    }
    for (size_t i = 0; i < n; i++) {
        index[i] = -1;
        if (values[i].len == 0) continue;
        const Slice *found = bsearch(&values[i], sorted, n_out, sizeof *sorted, order);
        index[i] = (int32_t)(found - sorted);
    }
    *distinct = sorted;
    *n_distinct = n_out;
    return STATUS_OK;
}
