#include "models/training/loss.h"

#include <math.h>
#include <string.h>

void loss_add(LossSums *sums, const LossSums *more)
{
    for (size_t k = 0; k < LOSS_TERMS; k++) {
        sums->loss[k] += more->loss[k];
        sums->weight[k] += more->weight[k];
        sums->soft[k] += more->soft[k];
        sums->soft_weight[k] += more->soft_weight[k];
    }
}

static double mean_of(const LossOptions *options, const double loss[LOSS_TERMS],
                      const double weight[LOSS_TERMS])
{
    double sum = 0;
    for (size_t k = 0; k < LOSS_TERMS; k++) sum += weight[k] > 0 ? loss[k] / weight[k] : 0;
    return options->head == HEAD_SPAN ? 0.5 * sum : sum; // others have one term
}

double loss_mean(const LossOptions *options, const LossSums *sums)
{
    const double hard = mean_of(options, sums->loss, sums->weight), t = options->temperature;
    if (!(t > 0)) return hard;
    return (1 - options->alpha) * hard +
           options->alpha * t * t * mean_of(options, sums->soft, sums->soft_weight);
}

size_t loss_n_labels(ModelHead head, const TokenSequence *input)
{
    switch (head) {
    case HEAD_SEQUENCE:
        return 1;
    case HEAD_SPAN:
        return 2;
    case HEAD_TOKEN:
    case HEAD_MASKED_LM:
    case HEAD_CAUSAL_LM:
        return input->n_tokens;
    case HEAD_SEQ2SEQ:
        return input->n_targets;
    case HEAD_EMBEDDING:
    case HEAD_COUNT:
        break;
    }
    return 0;
}

void loss_put_labels(ModelHead head, const TrainExample *example, int32_t *out)
{
    const size_t n = loss_n_labels(head, &example->input);
    const size_t shift = head == HEAD_CAUSAL_LM ? 1 : 0;
    if (!example->labels) { // it has targets
        *out = -100;
        return;
    }
    for (size_t i = 0; i < n; i++) out[i] = i + shift < n ? example->labels[i + shift] : -100;
}

double loss_weight(const TrainExample *example)
{
    return example->weight > 0 ? (double)example->weight : 1.0;
}

void loss_add_weights(const LossOptions *options, const TrainExample *example, LossSums *sums)
{
    const size_t n_tokens = example->input.n_tokens;
    const bool is_span = options->head == HEAD_SPAN;
    const double own = loss_weight(example);
    if (options->problem != PROBLEM_CLASSES) {
        sums->weight[0] += own;
        return;
    }
    // A teacher needs no label of a whole sequence; which of its tokens count, labels say.
    const bool by_sequence = is_span || options->head == HEAD_SEQUENCE;
    for (size_t k = 0; by_sequence && k < (is_span ? 2 : 1); k++) sums->soft_weight[k] += own;
    const size_t first = options->head == HEAD_CAUSAL_LM ? 1 : 0; // nothing comes before the first
    for (size_t i = first; i < loss_n_labels(options->head, &example->input); i++) {
        const int32_t label = example->labels[i];
        if (label < 0 || (is_span && (size_t)label >= n_tokens)) continue;
        const bool weighted = options->class_weights && !is_span;
        sums->weight[is_span ? i : 0] +=
            own * (weighted ? (double)options->class_weights[label] : 1.0);
        if (!by_sequence) sums->soft_weight[0] += own;
    }
}

static Status check_targets(const ModelConfig *config, const TrainExample *examples, size_t n,
                            Error *err)
{
    const bool are_labels = model_config_problem(config) == PROBLEM_LABELS;
    for (size_t i = 0; i < n; i++) {
        if (!examples[i].targets) {
            return error_set(
                err, STATUS_INVALID,
                "the model gives %s (problem_type \"%s\"), which %zu numbers a text teach it: "
                "assay tune --batches takes them as \"labels\"; classes want a model without",
                are_labels ? "several labels at once" : "numbers",
                are_labels ? "multi_label_classification" : "regression", config->n_labels);
        }
        for (size_t j = 0; j < config->n_labels; j++) {
            const double target = (double)examples[i].targets[j];
            if (isfinite(target) && (!are_labels || (target >= 0 && target <= 1))) continue;
            return error_set(err, STATUS_INVALID, "example %zu: target %zu is %g%s", i, j, target,
                             are_labels ? ", but must be within 0 .. 1" : "");
        }
    }
    return STATUS_OK;
}

Status loss_check_labels(const ModelConfig *config, const TrainExample *examples, size_t n,
                         Error *err)
{
    if (model_config_problem(config) != PROBLEM_CLASSES)
        return check_targets(config, examples, n, err);
    if (config->head == HEAD_SPAN) return STATUS_OK; // positions outside are ignored
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < loss_n_labels(config->head, &examples[i].input); t++) {
            const int32_t label = examples[i].labels[t];
            if (label < 0 || (size_t)label < config->n_labels) continue;
            return error_set(err, STATUS_INVALID,
                             "example %zu: label %d is outside the model's %zu classes", i, label,
                             config->n_labels);
        }
    }
    return STATUS_OK;
}

static Status cross_entropy(const LossOptions *options, Exec *exec, const Tensor *logits,
                            const int32_t *labels, double scale, const Tensor *gradient,
                            double *loss, double *weight, Error *err)
{
    double sums[2] = {0, 0};
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = *logits;
    args.out[0] = (Tensor){.data = sums,
                           .rows = 1,
                           .cols = 2,
                           .row_stride = 2,
                           .dtype = DTYPE_F64,
                           .device = logits->device};
    if (gradient) args.out[1] = *gradient;
    args.as.cross_entropy = (CrossEntropyArgs){
        .labels = labels,
        .class_weights = options->head == HEAD_SPAN ? NULL : options->class_weights,
        .label_smoothing = options->label_smoothing};
    TRY(op_run(exec, OP_CROSS_ENTROPY, DTYPE_F32, &args, err));
    *loss += sums[0];
    *weight += sums[1];
    if (!gradient) return STATUS_OK;
    memset(&args, 0, sizeof args);
    args.out[0] = *gradient;
    args.as.scale.factor = (float)scale;
    return op_run(exec, OP_SCALE, DTYPE_F32, &args, err);
}

// One over a batch's weight; nothing where all its labels are ignored.
static double inverse(double weight)
{
    return weight > 0 ? 1.0 / weight : 0.0;
}

static float *at(const Tensor *t, size_t row, size_t col)
{
    return (float *)t->data + row * t->row_stride + col;
}

// logits and gradient (may be NULL): rows of one sequence. The scores of one end stand in a column; the softmax wants a row.
static Status span_term(const LossOptions *options, Exec *exec, const Tensor *logits, size_t term,
                        int32_t label, double scale, const Tensor *gradient, LossSums *sums,
                        Error *err)
{
    const size_t n = logits->rows, mark = exec_scratch_mark(exec);
    float *scratch = exec_scratch(exec, 2 * n * sizeof *scratch);
    if (!scratch) return error_set_memory(err, 2 * n, sizeof *scratch, "a span's loss");
    const Tensor row = tensor_f32(scratch, 1, n), row_gradient = tensor_f32(scratch + n, 1, n);
    if (label < 0 || (size_t)label >= n) label = -1;
    for (size_t i = 0; i < n; i++) scratch[i] = *at(logits, i, term);
    const Status s =
        cross_entropy(options, exec, &row, &label, scale, gradient ? &row_gradient : NULL,
                      &sums->loss[term], &sums->weight[term], err);
    for (size_t i = 0; s == STATUS_OK && gradient && i < n; i++)
        *at(gradient, i, term) = scratch[n + i];
    exec_scratch_release(exec, mark);
    return s;
}

// Of the labels, with this share of the whole.
static Status hard_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                        const LossRows *unit, double share, const LossSums *batch,
                        const Tensor *gradient, LossSums *sums, Error *err)
{
    if (options->head != HEAD_SPAN) {
        return cross_entropy(options, exec, logits, unit->labels, share * inverse(batch->weight[0]),
                             gradient, &sums->loss[0], &sums->weight[0], err);
    }
    for (size_t s = 0; s < unit->n_sequences; s++) {
        const size_t begin = (size_t)unit->offsets[s], end = (size_t)unit->offsets[s + 1];
        const Tensor rows = tensor_rows(*logits, begin, end);
        const Tensor rows_gradient = gradient ? tensor_rows(*gradient, begin, end) : rows;
        for (size_t k = 0; k < LOSS_TERMS; k++) {
            TRY(span_term(options, exec, &rows, k, unit->labels[2 * s + k],
                          0.5 * share * inverse(batch->weight[k]), gradient ? &rows_gradient : NULL,
                          sums, err));
        }
    }
    return STATUS_OK;
}

// All rows of a unit, whatever the weights of their examples.
static Status plain_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                         const LossRows *rows, double own, const LossSums *batch,
                         const Tensor *gradient, LossSums *sums, Error *err)
{
    const bool is_taught = options->temperature > 0;
    LossOptions soft = *options;
    *sums = (LossSums){0};
    TRY(hard_unit(options, exec, logits, rows, own * (is_taught ? 1 - options->alpha : 1), batch,
                  gradient, sums, err));
    if (!is_taught) return STATUS_OK;
    soft.alpha *= own;
    return loss_soft_unit(&soft, exec, logits, rows, batch, gradient, sums, err);
}

// One sequence of a unit, from begin to end among its rows, with its example's weight.
static Status weighted_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                            const LossRows *rows, size_t sequence, const LossSums *batch,
                            const Tensor *gradient, LossSums *sums, Error *err)
{
    const bool is_row = options->head == HEAD_SEQUENCE;
    const size_t begin = is_row ? sequence : (size_t)rows->offsets[sequence];
    const size_t end = is_row ? sequence + 1 : (size_t)rows->offsets[sequence + 1];
    const int32_t offsets[] = {0, (int32_t)(end - begin)};
    const double own = (double)rows->weights[sequence];
    const Tensor own_logits = tensor_rows(*logits, begin, end);
    const Tensor own_gradient = gradient ? tensor_rows(*gradient, begin, end) : own_logits;
    const Tensor teacher =
        options->temperature > 0 ? tensor_rows(*rows->teacher, begin, end) : own_logits;
    const LossRows one = {.offsets = offsets,
                          .n_sequences = 1,
                          .labels =
                              rows->labels + (options->head == HEAD_SPAN ? 2 * sequence : begin),
                          .teacher = &teacher};
    LossSums sum;
    TRY(plain_unit(options, exec, &own_logits, &one, own, batch, gradient ? &own_gradient : NULL,
                   &sum, err));
    for (size_t k = 0; k < LOSS_TERMS; k++) {
        sums->loss[k] += own * sum.loss[k];
        sums->weight[k] += own * sum.weight[k];
        sums->soft[k] += own * sum.soft[k];
        sums->soft_weight[k] += own * sum.soft_weight[k];
    }
    return STATUS_OK;
}

Status loss_unit(const LossOptions *options, Exec *exec, const Tensor *logits, const LossRows *rows,
                 const LossSums *batch, const Tensor *gradient, LossSums *sums, Error *err)
{
    if (options->problem != PROBLEM_CLASSES) {
        loss_values_unit(options, logits, rows, batch, gradient, sums);
        return STATUS_OK;
    }
    if (rows->weights == NULL)
        return plain_unit(options, exec, logits, rows, 1, batch, gradient, sums, err);
    *sums = (LossSums){0};
    for (size_t s = 0; s < rows->n_sequences; s++)
        TRY(weighted_unit(options, exec, logits, rows, s, batch, gradient, sums, err));
    return STATUS_OK;
}
