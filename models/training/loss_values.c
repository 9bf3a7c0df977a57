// Losses of labels that are right or not one by one, and of numbers: PyTorch's BCEWithLogitsLoss and MSELoss, as Transformers takes
// them for multi_label_classification and regression.
#include <math.h>

#include "models/training/loss.h"

static double binary_loss(double score, double target, double *slope)
{
    const double shrunk = exp(-fabs(score)); // of the side that cannot overflow
    *slope = (score >= 0 ? 1 / (1 + shrunk) : shrunk / (1 + shrunk)) - target;
    return fmax(score, 0) - score * target + log1p(shrunk);
}

static double squared_loss(double score, double target, double *slope)
{
    *slope = 2 * (score - target);
    return (score - target) * (score - target);
}

void loss_values_unit(const LossOptions *options, const Tensor *logits, const LossRows *rows,
                      const LossSums *batch, const Tensor *gradient, LossSums *sums)
{
    const size_t n = logits->cols;
    const double all = batch->weight[0];
    *sums = (LossSums){0};
    for (size_t s = 0; s < rows->n_sequences; s++) {
        const float *scores = (const float *)logits->data + s * logits->row_stride;
        float *to = gradient ? (float *)gradient->data + s * gradient->row_stride : NULL;
        const double own = rows->weights ? (double)rows->weights[s] : 1.0;
        double sum = 0;
        for (size_t j = 0; j < n; j++) {
            const double score = (double)scores[j], target = (double)rows->targets[s][j];
            double slope;
            sum += options->problem == PROBLEM_LABELS ? binary_loss(score, target, &slope)
                                                      : squared_loss(score, target, &slope);
            if (to) to[j] = all > 0 ? (float)(own * slope / ((double)n * all)) : 0.0f;
        }
        sums->loss[0] += own * sum / (double)n;
        sums->weight[0] += own;
    }
}
