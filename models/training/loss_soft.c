// The teacher's part of the loss: how far the model's softened answers are from the teacher's.
//
//     d (T^2 * KL) / d s = T * (softmax(s / T) - softmax(t / T))
#include <math.h>
#include <string.h>

#include "models/training/loss.h"

// One softmax: n scores that stand `stride` apart in a row or a column.
typedef struct Scores {
    const float *model, *teacher;
    float *gradient; // added to; NULL = not wanted
    size_t n, model_stride, teacher_stride, gradient_stride;
} Scores;

// logits = from / T; probabilities = their softmax. Returns log sum exp(logits).
static Status soften(Exec *exec, const float *from, size_t stride, size_t n, double temperature,
                     float *logits, float *probabilities, double *log_sum, Error *err)
{
    OpArgs args;
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        logits[i] = (float)((double)from[i * stride] / temperature);
        if (logits[i] > logits[best]) best = i;
    }
    memset(&args, 0, sizeof args);
    args.in[0] = tensor_f32(logits, 1, n);
    args.out[0] = tensor_f32(probabilities, 1, n);
    TRY(op_run(exec, OP_SOFTMAX, DTYPE_F32, &args, err));
    *log_sum = (double)logits[best] - log((double)probabilities[best]);
    return STATUS_OK;
}

// scratch [4, n]. scale: of the gradient.
static Status divergence(Exec *exec, const Scores *s, double temperature, double scale,
                         float *scratch, double *sum, Error *err)
{
    float *model = scratch, *q = scratch + s->n, *teacher = scratch + 2 * s->n,
          *p = scratch + 3 * s->n;
    double log_q = 0, log_p = 0, kl = 0;
    TRY(soften(exec, s->model, s->model_stride, s->n, temperature, model, q, &log_q, err));
    TRY(soften(exec, s->teacher, s->teacher_stride, s->n, temperature, teacher, p, &log_p, err));
    for (size_t i = 0; i < s->n; i++)
        kl += (double)p[i] * (((double)teacher[i] - log_p) - ((double)model[i] - log_q));
    *sum += kl;
    for (size_t i = 0; s->gradient && i < s->n; i++)
        s->gradient[i * s->gradient_stride] +=
            (float)(scale * temperature * ((double)q[i] - (double)p[i]));
    return STATUS_OK;
}

static float *at(const Tensor *t, size_t row, size_t col)
{
    return (float *)t->data + row * t->row_stride + col;
}

static double inverse(double weight)
{
    return weight > 0 ? 1.0 / weight : 0.0;
}

// Row by row: of HEAD_SEQUENCE all, else those whose label counts.
static Status rows_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                        const int32_t *labels, const Tensor *teacher, const LossSums *batch,
                        const Tensor *gradient, float *scratch, LossSums *sums, Error *err)
{
    const double scale = options->alpha * inverse(batch->soft_weight[0]);
    for (size_t i = 0; i < logits->rows; i++) {
        if (options->head != HEAD_SEQUENCE && labels[i] < 0) continue;
        const Scores row = {.model = at(logits, i, 0),
                            .teacher = at(teacher, i, 0),
                            .gradient = gradient ? at(gradient, i, 0) : NULL,
                            .n = logits->cols,
                            .model_stride = 1,
                            .teacher_stride = 1,
                            .gradient_stride = 1};
        TRY(divergence(exec, &row, options->temperature, scale, scratch, &sums->soft[0], err));
        sums->soft_weight[0] += 1;
    }
    return STATUS_OK;
}

// Starts and ends: a column of a sequence's rows each.
static Status spans_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                         const LossRows *rows, const LossSums *batch, const Tensor *gradient,
                         float *scratch, LossSums *sums, Error *err)
{
    const Tensor *teacher = rows->teacher;
    for (size_t s = 0; s < rows->n_sequences; s++) {
        const size_t begin = (size_t)rows->offsets[s], n = (size_t)rows->offsets[s + 1] - begin;
        for (size_t k = 0; k < LOSS_TERMS; k++) {
            const Scores column = {.model = at(logits, begin, k),
                                   .teacher = at(teacher, begin, k),
                                   .gradient = gradient ? at(gradient, begin, k) : NULL,
                                   .n = n,
                                   .model_stride = logits->row_stride,
                                   .teacher_stride = teacher->row_stride,
                                   .gradient_stride = gradient ? gradient->row_stride : 0};
            TRY(divergence(exec, &column, options->temperature,
                           0.5 * options->alpha * inverse(batch->soft_weight[k]), scratch,
                           &sums->soft[k], err));
            sums->soft_weight[k] += 1;
        }
    }
    return STATUS_OK;
}

Status loss_soft_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                      const LossRows *rows, const LossSums *batch, const Tensor *gradient,
                      LossSums *sums, Error *err)
{
    const bool is_span = options->head == HEAD_SPAN;
    const size_t mark = exec_scratch_mark(exec), longest = is_span ? logits->rows : logits->cols;
    float *scratch = exec_scratch(exec, 4 * longest * sizeof *scratch);
    if (!scratch) return error_set_memory(err, 4 * longest, sizeof *scratch, "a teacher's loss");
    const Status s =
        is_span ? spans_unit(options, exec, logits, rows, batch, gradient, scratch, sums, err)
                : rows_unit(options, exec, logits, rows->labels, rows->teacher, batch, gradient,
                            scratch, sums, err);
    exec_scratch_release(exec, mark);
    return s;
}
