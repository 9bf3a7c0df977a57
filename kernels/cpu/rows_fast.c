// Operations on rows: embedding, layer norm, softmax, cross-entropy, dropout. Against the references: sixteen columns at a
// time, float sums in sixteen lanes and one tree instead of a double.
#include <math.h>

#include "base/size.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_dropout.h"
#include "kernels/exec.h"
#include "kernels/pack.h"
#include "kernels/softmax.h"

static float *row_of(const Tensor *tensor, size_t i)
{
    return tensor->data ? (float *)tensor->data + i * tensor->row_stride : NULL;
}

// Row `id` of a table whose rows or panels it is: in panels a row's numbers are one panel's width apart. Stored tables
// (kernels/pack.h) are taken as numbers first.
static const float *table_row(const Tensor *table, size_t id, float *gathered)
{
    if (table->dtype != DTYPE_F32) {
        unpack_tensor_row(table, id, gathered);
        return gathered;
    }
    if (table->layout == LAYOUT_ROWS) return row_of(table, id);
    const float *from = (const float *)table->data + id / PANEL_WIDTH * PANEL_WIDTH * table->cols +
                        id % PANEL_WIDTH;
    for (size_t j = 0; j < table->cols; j++) gathered[j] = from[j * PANEL_WIDTH];
    return gathered;
}

Status FAST(embedding)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const EmbeddingArgs *as = &args->as.embedding;
    const Tensor *position = &args->in[1], *type = &args->in[2], *y = &args->out[0];
    for (size_t t = 0; t < y->rows; t++) {
        float *out = row_of(y, t);
        const float *w = table_row(&args->in[0], as->ids ? (size_t)as->ids[t] : 0, out);
        const float *p = position->data ? row_of(position, (size_t)as->position_ids[t]) : NULL;
        const float *k = type->data ? row_of(type, (size_t)as->type_ids[t]) : NULL;
        for (size_t j = 0; j < y->cols; j += VEC_WIDTH) {
            const size_t n = y->cols - j;
            Vec sum = vec_load_any(w + j, n);
            if (p) sum = vec_add(sum, vec_load_any(p + j, n));
            if (k) sum = vec_add(sum, vec_load_any(k + j, n));
            vec_store_any(out + j, n, sum);
        }
    }
    return STATUS_OK;
}

// padding: the id whose row gets nothing; NULL = none.
static void add_rows(const Tensor *dy, const int32_t *ids, const Tensor *table,
                     const int32_t *padding)
{
    if (!table->data) return;
    for (size_t t = 0; t < dy->rows; t++) {
        if (padding && ids && ids[t] == *padding) continue;
        const float *from = row_of(dy, t);
        const size_t id = ids ? (size_t)ids[t] : 0;
        if (table->layout == LAYOUT_PANELS) {
            float *panel = (float *)table->data + id / PANEL_WIDTH * PANEL_WIDTH * table->cols;
            for (size_t j = 0; j < dy->cols; j++)
                panel[j * PANEL_WIDTH + id % PANEL_WIDTH] += from[j];
            continue;
        }
        float *to = row_of(table, id);
        for (size_t j = 0; j < dy->cols; j += VEC_WIDTH) {
            const size_t n = dy->cols - j;
            vec_store_any(to + j, n, vec_add(vec_load_any(to + j, n), vec_load_any(from + j, n)));
        }
    }
}

Status FAST(embedding_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const EmbeddingArgs *as = &args->as.embedding;
    add_rows(&args->in[0], as->ids, &args->out[0], as->has_padding ? &as->padding_id : NULL);
    add_rows(&args->in[0], as->position_ids, &args->out[1], NULL);
    add_rows(&args->in[0], as->type_ids, &args->out[2], NULL);
    return STATUS_OK;
}

// s = x + residual into s; returns the sum of s.
static float add_residual(size_t cols, const float *x, const float *residual, float *s)
{
    Vec sum = vec_zero();
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const size_t n = cols - j;
        Vec value = vec_load_any(x + j, n);
        if (residual) value = vec_add(value, vec_load_any(residual + j, n));
        if (residual || s != x) vec_store_any(s + j, n, value);
        sum = vec_add(sum, value);
    }
    return vec_reduce_add(sum);
}

static float centred_squares(size_t cols, const float *s, float mean)
{
    const Vec centre = vec_set1(mean);
    Vec sum = vec_zero();
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const size_t n = size_min(VEC_WIDTH, cols - j);
        Vec d = vec_sub(vec_load_any(s + j, n), centre);
        if (n < VEC_WIDTH) d = vec_first(d, n);
        sum = vec_fma(d, d, sum);
    }
    return vec_reduce_add(sum);
}

// The columns of a row that are normed together, and where their weights stand.
typedef struct NormGroup {
    size_t begin, size;
    size_t weights; // from the start of weight and bias
    size_t number;
} NormGroup;

static size_t norm_group_size(const OpArgs *args, size_t cols)
{
    return args->as.norm.group > 0 ? args->as.norm.group : cols;
}

static NormGroup norm_group(size_t begin, size_t size, size_t cols, size_t weight_cols)
{
    return (NormGroup){.begin = begin,
                       .size = size,
                       .weights = weight_cols == cols ? begin : 0,
                       .number = begin / size};
}

// The residual's columns, where there is one.
static const float *residual_of(const OpArgs *args, size_t i, size_t begin)
{
    return args->in[1].data ? row_of(&args->in[1], i) + begin : NULL;
}

static void norm_columns(const OpArgs *args, size_t i, NormGroup group)
{
    const Tensor *y = &args->out[0], *statistics = &args->out[2];
    const float *weight = (const float *)args->in[2].data + group.weights;
    const float *bias = args->in[3].data ? (const float *)args->in[3].data + group.weights : NULL;
    const Vec offset = vec_set1(args->as.norm.weight_offset);
    const size_t cols = group.size;
    float *to = row_of(y, i) + group.begin;
    float *s = args->out[1].data ? row_of(&args->out[1], i) + group.begin : to;
    const float sum = add_residual(cols, row_of(&args->in[0], i) + group.begin,
                                   residual_of(args, i, group.begin), s);
    const float mean = sum / (float)cols;
    const float variance = centred_squares(cols, s, mean) / (float)cols;
    const float rstd = 1.0f / sqrtf(variance + args->as.norm.epsilon);
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const size_t n = cols - j;
        const Vec centred = vec_sub(vec_load_any(s + j, n), vec_set1(mean));
        const Vec normal = vec_mul(centred, vec_set1(rstd));
        const Vec w = vec_add(offset, vec_load_any(weight + j, n)),
                  b = bias ? vec_load_any(bias + j, n) : vec_zero();
        vec_store_any(to + j, n, vec_fma(normal, w, b));
    }
    if (statistics->data) {
        row_of(statistics, i)[2 * group.number] = mean;
        row_of(statistics, i)[2 * group.number + 1] = rstd;
    }
}

Status FAST(layer_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const size_t size = norm_group_size(args, y->cols);
    for (size_t i = 0; i < y->rows; i++) {
        for (size_t begin = 0; begin < y->cols; begin += size)
            norm_columns(args, i, norm_group(begin, size, y->cols, args->in[2].cols));
    }
    return STATUS_OK;
}

// One group of a row of the backward pass; d_weight and d_bias are sums over the rows so far.
static void norm_columns_backward(const OpArgs *args, size_t i, NormGroup group, float *d_weight,
                                  float *d_bias)
{
    const float *dy = row_of(&args->in[0], i) + group.begin,
                *s = row_of(&args->in[1], i) + group.begin;
    const float *statistics = row_of(&args->in[2], i) + 2 * group.number;
    const float *weight = (const float *)args->in[3].data + group.weights;
    float *ds = row_of(&args->out[0], i) + group.begin;
    const size_t cols = group.size;
    const Vec mean = vec_set1(statistics[0]), rstd = vec_set1(statistics[1]),
              offset = vec_set1(args->as.norm.weight_offset);
    Vec sum_g = vec_zero(), sum_gn = vec_zero();
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const size_t n = cols - j; // lanes past the end have dy = 0
        const Vec d = vec_load_any(dy + j, n);
        const Vec normal = vec_mul(vec_sub(vec_load_any(s + j, n), mean), rstd);
        const Vec g = vec_mul(d, vec_add(offset, vec_load_any(weight + j, n)));
        sum_g = vec_add(sum_g, g);
        sum_gn = vec_fma(g, normal, sum_gn);
        vec_store_any(d_weight + j, n, vec_fma(d, normal, vec_load_any(d_weight + j, n)));
        vec_store_any(d_bias + j, n, vec_add(d, vec_load_any(d_bias + j, n)));
    }
    const Vec mean_g = vec_set1(vec_reduce_add(sum_g) / (float)cols);
    const Vec mean_gn = vec_set1(vec_reduce_add(sum_gn) / (float)cols);
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const size_t n = cols - j;
        const Vec normal = vec_mul(vec_sub(vec_load_any(s + j, n), mean), rstd);
        const Vec w = vec_add(offset, vec_load_any(weight + j, n));
        const Vec g = vec_mul(vec_load_any(dy + j, n), w);
        const Vec centred = vec_fnma(normal, mean_gn, vec_sub(g, mean_g));
        vec_store_any(ds + j, n, vec_mul(rstd, centred));
    }
}

static void add_to(const Tensor *gradient, const float *sums)
{
    float *to = gradient->data;
    for (size_t j = 0; to && j < gradient->cols; j++) to[j] += sums[j];
}

Status FAST(layer_norm_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const size_t rows = args->out[0].rows, cols = args->out[0].cols;
    const size_t mark = exec_scratch_mark(exec), n_sums = args->in[3].cols;
    const size_t size = norm_group_size(args, cols);
    float *sums = exec_scratch(exec, 2 * n_sums * sizeof *sums);
    if (!sums) return error_set_memory(err, 2 * n_sums, sizeof *sums, "layer_norm_backward");
    for (size_t j = 0; j < 2 * n_sums; j++) sums[j] = 0.0f;
    for (size_t i = 0; i < rows; i++) {
        for (size_t begin = 0; begin < cols; begin += size) {
            const NormGroup group = norm_group(begin, size, cols, n_sums);
            norm_columns_backward(args, i, group, sums + group.weights,
                                  sums + n_sums + group.weights);
        }
    }
    add_to(&args->out[1], sums);
    add_to(&args->out[2], sums + n_sums);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

Status FAST(dropout)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Ragged *batch = &args->as.dropout.batch;
    const DropoutStream stream = dropout_stream(&args->as.dropout);
    const Tensor *x = &args->in[0], *y = &args->out[0];
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t begin = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        for (size_t i = begin; i < end; i++) {
            if (args->as.dropout.p > 0.0f) {
                vec_dropout_row(&stream, batch->sequence_keys[s],
                                (uint32_t)(i - begin) + args->as.dropout.first_row, y->cols,
                                row_of(x, i), row_of(y, i));
            } else if (row_of(x, i) != row_of(y, i)) {
                memmove(row_of(y, i), row_of(x, i), y->cols * sizeof(float));
            }
        }
    }
    return STATUS_OK;
}

// exp(x - shift) into e (which may be NULL or x); returns their sum. Meanwhile a row that comes next is fetched: x where there is none.
static float exp_sum(size_t cols, const float *x, float shift, float *e, const float *next)
{
    Vec sum = vec_zero();
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        __builtin_prefetch(next + j, 0, 2);
        const size_t n = size_min(VEC_WIDTH, cols - j);
        Vec value = vec_exp(vec_sub(vec_load_any(x + j, n), vec_set1(shift)));
        if (n < VEC_WIDTH) value = vec_first(value, n);
        sum = vec_add(sum, value);
        if (e) vec_store_any(e + j, n, value);
    }
    return vec_reduce_add(sum);
}

static float largest_of_row(size_t cols, const float *x)
{
    Vec max = vec_set1(-INFINITY);
    const size_t whole = cols - cols % VEC_WIDTH;
    for (size_t j = 0; j < whole; j += VEC_WIDTH) max = vec_max(max, vec_load(x + j));
    float largest = vec_reduce_max(max);
    for (size_t j = whole; j < cols; j++) largest = x[j] > largest ? x[j] : largest;
    return largest;
}

// exp(x - max) into e (which may be NULL or x); returns their sum and the largest x.
static float exp_row(size_t cols, const float *x, float *e, float *largest)
{
    *largest = largest_of_row(cols, x);
    return exp_sum(cols, x, *largest, e, x);
}

Status FAST(softmax)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    for (size_t i = 0; i < y->rows; i++) {
        float *to = row_of(y, i), largest;
        const Vec sum = vec_set1(exp_row(y->cols, row_of(&args->in[0], i), to, &largest));
        for (size_t j = 0; j < y->cols; j += VEC_WIDTH) {
            const size_t n = y->cols - j;
            vec_store_any(to + j, n, vec_div(vec_load_any(to + j, n), sum));
        }
    }
    return STATUS_OK;
}

// The largest number of each group of columns; the largest of all is returned.
static float group_row(size_t cols, const float *x, float *groups)
{
    float largest = -INFINITY;
    for (size_t j = 0; j < cols; j += LOG_SUM_GROUP, groups++) {
        Vec max = vec_set1(-INFINITY);
        const size_t n = size_min(LOG_SUM_GROUP, cols - j), whole = n - n % VEC_WIDTH;
        for (size_t v = 0; v < whole; v += VEC_WIDTH) max = vec_max(vec_load(x + j + v), max);
        *groups = vec_reduce_max(max);
        for (size_t v = whole; v < n; v++) *groups = x[j + v] > *groups ? x[j + v] : *groups;
        largest = *groups > largest ? *groups : largest;
    }
    return largest;
}

Status FAST(log_sum_exp)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *x = &args->in[0];
    double *out = args->out[0].data;
    for (size_t i = 0; i < x->rows; i++) {
        const float *from = row_of(x, i);
        float *groups = row_of(&args->out[1], i);
        const float largest =
            groups ? group_row(x->cols, from, groups) : largest_of_row(x->cols, from);
        const float *next = i + 1 < x->rows ? row_of(x, i + 1) : from;
        out[i] = (double)largest + log((double)exp_sum(x->cols, from, largest, NULL, next));
    }
    return STATUS_OK;
}

static float class_weight(const CrossEntropyArgs *as, size_t class_index)
{
    return as->class_weights ? as->class_weights[class_index] : 1.0f;
}

// The part of the loss that label smoothing spreads over all classes; weights becomes the sum of their weights.
static double smoothed_loss(const CrossEntropyArgs *as, size_t cols, const float *x, double log_sum,
                            double *weights)
{
    double loss = 0;
    *weights = 0;
    for (size_t j = 0; j < cols; j++) {
        const double weight = (double)class_weight(as, j);
        *weights += weight;
        loss -= weight * ((double)x[j] - log_sum);
    }
    return loss * (double)as->label_smoothing / (double)cols;
}

static double cross_entropy_row(const CrossEntropyArgs *as, size_t cols, const float *x,
                                size_t label, float *dx)
{
    float largest;
    const float at_label = x[label]; // dx may be x
    const double keep = (1.0 - (double)as->label_smoothing) * (double)class_weight(as, label);
    double weights = 0, loss = 0;
    const float sum = exp_row(cols, x, NULL, &largest);
    const double log_sum = (double)largest + log((double)sum);
    if (as->label_smoothing > 0.0f) loss = smoothed_loss(as, cols, x, log_sum, &weights);
    loss -= keep * ((double)at_label - log_sum);
    if (!dx) return loss;
    const double smooth = (double)as->label_smoothing / (double)cols;
    (void)exp_row(cols, x, dx, &largest);
    const Vec factor = vec_set1((float)((keep + smooth * weights) / (double)sum));
    for (size_t j = 0; j < cols; j += VEC_WIDTH) {
        const size_t n = cols - j;
        vec_store_any(dx + j, n, vec_mul(vec_load_any(dx + j, n), factor));
    }
    if (smooth > 0.0) {
        for (size_t j = 0; j < cols; j++) dx[j] -= (float)smooth * class_weight(as, j);
    }
    dx[label] -= (float)keep;
    return loss;
}

Status FAST(cross_entropy)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const CrossEntropyArgs *as = &args->as.cross_entropy;
    const Tensor *x = &args->in[0];
    double loss = 0, weight = 0;
    for (size_t i = 0; i < x->rows; i++) {
        float *gradient = row_of(&args->out[1], i);
        if (as->labels[i] >= 0) {
            const size_t label = (size_t)as->labels[i];
            loss += cross_entropy_row(as, x->cols, row_of(x, i), label, gradient);
            weight += (double)class_weight(as, label);
        } else if (gradient) {
            memset(gradient, 0, x->cols * sizeof *gradient);
        }
    }
    double *out = args->out[0].data;
    out[0] = loss;
    out[1] = weight;
    return STATUS_OK;
}
