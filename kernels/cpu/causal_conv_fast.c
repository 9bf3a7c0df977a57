// Causal convolutions: sixteen columns at a time over the rows that a tap each reads. Against the reference: float instead of
// double, one chain of fmaf over the taps, and rows outer, so that each is read from the cache for all of its taps.
#include "kernels/causal_conv.h"

#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"

static float *row_of(const Tensor *tensor, size_t i)
{
    return (float *)tensor->data + i * tensor->row_stride;
}

// The weight in panels: as it is, or packed into scratch.
static const float *panels_of(const Tensor *w, Exec *exec, Error *err)
{
    const size_t floats = tensor_storage(w->rows, w->cols, LAYOUT_PANELS);
    if (w->layout == LAYOUT_PANELS) return w->data;
    float *panels = exec_scratch(exec, size_max(floats, 1) * sizeof *panels);
    if (!panels) {
        (void)error_set_memory(err, floats, sizeof *panels, "a convolution");
        return NULL;
    }
    memset(panels, 0, floats * sizeof *panels);
    for (size_t j = 0; j < w->rows; j++) {
        for (size_t k = 0; k < w->cols; k++)
            panels[(j / VEC_WIDTH * w->cols + k) * VEC_WIDTH + j % VEC_WIDTH] = row_of(w, j)[k];
    }
    return panels;
}

// The rows that the taps of row t read, the sequence beginning at `first`; NULL: zeros.
static void tap_rows(const Tensor *x, const float *past, size_t taps, size_t first, size_t t,
                     const float **out)
{
    for (size_t k = 0; k < taps; k++) {
        const size_t ahead = t - first + k + 1;
        if (ahead >= taps)
            out[k] = row_of(x, first + ahead - taps);
        else
            out[k] = past ? past + (ahead - 1) * x->cols : NULL;
    }
}

static inline Vec load_tap(const float *row, size_t j, size_t cols)
{
    return row ? vec_load_any(row + j, cols - j) : vec_zero();
}

static void conv_row(size_t cols, size_t taps, const float *panels, const float *const *rows,
                     const float *bias, float *y)
{
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const float *w = panels + j * taps;
        Vec sum = vec_zero();
        for (size_t k = 0; k < taps; k++)
            sum = vec_fma(vec_load(w + k * VEC_WIDTH), load_tap(rows[k], j, cols), sum);
        if (bias) sum = vec_add(sum, vec_load_any(bias + j, cols - j));
        vec_store_any(y + j, cols - j, sum);
    }
}

// The last taps - 1 rows of past and x. Ascending: `to` may be past.
static void leave(const Tensor *x, const float *past, size_t taps, size_t first, size_t end,
                  float *to)
{
    const float *rows[CAUSAL_CONV_MAX];
    tap_rows(x, past, taps, first, end, rows); // those of a row that would follow
    for (size_t k = 0; k + 1 < taps; k++, to += x->cols) {
        if (!rows[k])
            memset(to, 0, x->cols * sizeof *to);
        else if (rows[k] != to)
            memcpy(to, rows[k], x->cols * sizeof *to);
    }
}

Status FAST(causal_conv)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1], *y = &args->out[0];
    const Ragged *batch = &args->as.conv.batch;
    const size_t mark = exec_scratch_mark(exec);
    const float *panels = panels_of(w, exec, err), *rows[CAUSAL_CONV_MAX];
    assert(w->cols >= 1 && w->cols <= CAUSAL_CONV_MAX);
    if (!panels) return STATUS_MEMORY;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        const float *past = args->in[3].data ? row_of(&args->in[3], s) : NULL;
        for (size_t t = first; t < end; t++) {
            tap_rows(x, past, w->cols, first, t, rows);
            conv_row(y->cols, w->cols, panels, rows, args->in[2].data, row_of(y, t));
        }
        if (args->out[1].data) leave(x, past, w->cols, first, end, row_of(&args->out[1], s));
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- backward ----

// dx of row t, from the rows of dy up to the sequence's end.
static void row_backward(const Tensor *dy, const float *panels, size_t taps, size_t t, size_t end,
                         float *dx)
{
    for (size_t j = 0; j < dy->cols; j += VEC_WIDTH) {
        const float *w = panels + j * taps;
        Vec sum = vec_zero();
        for (size_t back = size_min(taps, end - t); back-- > 0;) // taps ascending
            sum = vec_fma(vec_load(w + (taps - 1 - back) * VEC_WIDTH),
                          vec_load_any(row_of(dy, t + back) + j, dy->cols - j), sum);
        vec_store_any(dx + j, dy->cols - j, sum);
    }
}

// What row t adds to d_weight, in panels, and to d_bias; each optional.
static void add_row(const Tensor *dy, size_t t, size_t taps, const float *const *rows,
                    float *d_weight, float *d_bias)
{
    const float *d = row_of(dy, t);
    for (size_t j = 0; j < dy->cols; j += VEC_WIDTH) {
        const Vec value = vec_load_any(d + j, dy->cols - j);
        for (size_t k = 0; d_weight && k < taps; k++) {
            float *to = d_weight + (j / VEC_WIDTH * taps + k) * VEC_WIDTH;
            vec_store(to, vec_fma(value, load_tap(rows[k], j, dy->cols), vec_load(to)));
        }
        if (d_bias)
            vec_store_any(d_bias + j, dy->cols - j,
                          vec_add(vec_load_any(d_bias + j, dy->cols - j), value));
    }
}

// Panels of sums added to a weight's gradient in rows.
static void add_panels(const float *panels, const Tensor *to)
{
    for (size_t j = 0; j < to->rows; j++) {
        for (size_t k = 0; k < to->cols; k++)
            row_of(to, j)[k] += panels[(j / VEC_WIDTH * to->cols + k) * VEC_WIDTH + j % VEC_WIDTH];
    }
}

// Where sums of d_weight go: its own panels, or zeroed scratch where it is in rows.
static float *sums_of(const Tensor *d_weight, Exec *exec, Error *err)
{
    const size_t floats = tensor_storage(d_weight->rows, d_weight->cols, LAYOUT_PANELS);
    if (d_weight->layout == LAYOUT_PANELS) return d_weight->data;
    float *sums = exec_scratch(exec, size_max(floats, 1) * sizeof *sums);
    if (sums)
        memset(sums, 0, floats * sizeof *sums);
    else
        (void)error_set_memory(err, floats, sizeof *sums, "a convolution's gradient");
    return sums;
}

Status FAST(causal_conv_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *dy = &args->in[0], *x = &args->in[1], *w = &args->in[2];
    const Tensor *dx = &args->out[0], *d_weight = &args->out[1];
    const Ragged *batch = &args->as.conv.batch;
    const size_t mark = exec_scratch_mark(exec), taps = w->cols;
    const float *panels = panels_of(w, exec, err), *rows[CAUSAL_CONV_MAX];
    float *sums = panels && d_weight->data ? sums_of(d_weight, exec, err) : NULL;
    assert(taps >= 1 && taps <= CAUSAL_CONV_MAX);
    if (!panels || (d_weight->data && !sums)) {
        exec_scratch_release(exec, mark);
        return STATUS_MEMORY;
    }
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        const float *past = args->in[3].data ? row_of(&args->in[3], s) : NULL;
        for (size_t t = first; t < end; t++) {
            tap_rows(x, past, taps, first, t, rows);
            if (dx->data) row_backward(dy, panels, taps, t, end, row_of(dx, t));
            add_row(dy, t, taps, rows, sums, args->out[2].data);
        }
    }
    if (d_weight->data && d_weight->layout != LAYOUT_PANELS) add_panels(sums, d_weight);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
