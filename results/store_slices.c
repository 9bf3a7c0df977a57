// results/store_slices.c: scores of a run by groups of samples.
#include "results/store_internal.h"

static Status put_slice_row(Query *q, const void *rows, size_t i, Error *err)
{
    const RunSlice *slice = (const RunSlice *)rows + i;
    query_bind_text(q, slice->model);
    query_bind_text(q, slice->task);
    query_bind_text(q, slice->setting);
    query_bind_cstr(q, trial_role_name(slice->role));
    query_bind_text(q, slice->attribute);
    query_bind_text(q, slice->value);
    store_bind_score(q, &slice->score);
    query_bind_i64(q, (int64_t)slice->n_without);
    query_bind_double(q, slice->difference);
    query_bind_double(q, slice->difference_lo);
    query_bind_double(q, slice->difference_hi);
    query_bind_double(q, slice->p);
    query_bind_double(q, slice->p_adjusted);
    query_bind_i64(q, slice->is_worst);
    return query_do(q, err);
}

Status store_set_run_slices(Store *store, Slice run_id, const RunSlice *slices, size_t n_slices,
                            Error *err)
{
    return store_replace_rows(
        store, run_id, "DELETE FROM run_slice WHERE run_id = ?",
        "INSERT INTO run_slice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        put_slice_row, slices, n_slices, err);
}

Status store_get_run_slices(Store *store, Arena *arena, Slice run_id, RunSlice **slices,
                            size_t *n_slices, Error *err)
{
    int64_t row = -1;
    TRY(store_run_row(store, run_id, &row, err));
    Query q;
    TRY(query_begin(
        store,
        "SELECT model, task, setting, role, attribute, value, metric, name, estimate, lo, hi, level, method, n,"
        " direction, lowest, highest, n_without, difference, difference_lo, difference_hi, p, p_adjusted, is_worst"
        " FROM run_slice WHERE run_id = ? ORDER BY position",
        &q, err));
    query_bind_i64(&q, row);
    size_t capacity = 0;
    *slices = NULL;
    *n_slices = 0;
    while (query_row(&q) && query_room(&q, arena, slices, *n_slices, &capacity, sizeof **slices)) {
        RunSlice *slice = &(*slices)[(*n_slices)++];
        slice->model = query_text(&q, arena);
        slice->task = query_text(&q, arena);
        slice->setting = query_text(&q, arena);
        trial_role_parse(query_text(&q, arena), &slice->role);
        slice->attribute = query_text(&q, arena);
        slice->value = query_text(&q, arena);
        store_read_score(&q, arena, &slice->score);
        slice->n_without = (uint64_t)query_i64(&q, 0);
        slice->difference = query_double(&q);
        slice->difference_lo = query_double(&q);
        slice->difference_hi = query_double(&q);
        slice->p = query_double(&q);
        slice->p_adjusted = query_double(&q);
        slice->is_worst = query_i64(&q, 0) != 0;
    }
    return query_end(&q, err);
}
