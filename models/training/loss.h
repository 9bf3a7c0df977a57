// models/training/loss.h: the loss of each head over a ragged batch of logits, and its gradient.
//
//     HEAD_SEQUENCE, HEAD_TOKEN, HEAD_MASKED_LM, HEAD_SEQ2SEQ:  mean of cross-entropy over the labels that are not ignored
//     HEAD_CAUSAL_LM:  the same, where the label of a token is that of the one behind it
//     HEAD_SEQUENCE with PROBLEM_LABELS or PROBLEM_VALUES:  mean over examples and labels of the binary cross-entropy
//         max(s, 0) - s y + log(1 + exp(-|s|)),  or of  (s - y)^2
//     HEAD_SPAN:  half the sum of two such means, for start and end; each a softmax over the tokens of one sequence
//
// With a teacher (models/training/distill.h) that is the hard loss, and the whole is, over logits s of the model and t of the teacher,
//
//     (1 - alpha) * hard + alpha * T^2 * mean of KL(softmax(t / T) || softmax(s / T))
//
// HEAD_SEQUENCE: the mean over all sequences, those without a label too. HEAD_SPAN: half the sum of two such means, each over
// the tokens of a sequence. Others: the mean over the rows whose label is not ignored. Class weights and smoothing are of the
// hard loss alone.
//
// Sources: Devlin et al. 2019, arXiv:1810.04805, section 4; Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2; label
// smoothing and class weights as kernels/softmax.h.
#ifndef ASSAY_MODELS_LOSS_H
#define ASSAY_MODELS_LOSS_H

#include "kernels/exec.h"
#include "models/config.h"
#include "models/input.h"

enum { LOSS_TERMS = 2 }; // a second one for the ends of spans

typedef struct LossOptions {
    ModelHead head;
    ProblemType problem;
    const float *class_weights; // [n_labels], or NULL for ones
    float label_smoothing;
    double temperature; // T of the teacher's part; 0 = there is none
    double alpha;       // its share
} LossOptions;

// Sums of one or more units; add them in unit order.
typedef struct LossSums {
    double loss[LOSS_TERMS], weight[LOSS_TERMS];
    double soft[LOSS_TERMS],
        soft_weight[LOSS_TERMS]; // of the teacher's part: divergences, and rows
} LossSums;

void loss_add(LossSums *sums, const LossSums *more);
// The mean over all that was added; 0 where every label is ignored.
double loss_mean(const LossOptions *options, const LossSums *sums);

// Numbers in an example's labels: 1, n_tokens, n_targets or 2.
size_t loss_n_labels(ModelHead head, const TokenSequence *input);
// The labels as the rows of logits want them: [loss_n_labels]. A causal LM's are those of the next token.
void loss_put_labels(ModelHead head, const TrainExample *example, int32_t *out);
// An example's own weight.
double loss_weight(const TrainExample *example);
// Adds the weights of an example's labels to *sums, so that a batch's are known before its units run.
void loss_add_weights(const LossOptions *options, const TrainExample *example, LossSums *sums);
// Labels within the classes (ignored ones apart).
Status loss_check_labels(const ModelConfig *config, const TrainExample *examples, size_t n,
                         Error *err) MUST_CHECK;

// The rows of a unit: offsets [n_sequences + 1] of its sequences' tokens (of HEAD_SEQ2SEQ their target tokens).
typedef struct LossRows {
    const int32_t *offsets;
    size_t n_sequences;
    const int32_t *labels;       // those of its examples, one after the other
    const float *weights;        // [n_sequences] of the examples; NULL = all 1
    const float *const *targets; // [n_sequences] of PROBLEM_LABELS and PROBLEM_VALUES
    const Tensor *teacher; // logits of the teacher's part, wanted where options have a temperature
} LossRows;

// One unit. logits [rows, n_labels]. gradient (same shape; may be NULL) receives d mean / d logits, where `batch` holds the
// weights of the whole batch. On the CPU only.
Status loss_unit(const LossOptions *options, Exec *exec, const Tensor *logits, const LossRows *rows,
                 const LossSums *batch, const Tensor *gradient, LossSums *sums,
                 Error *err) MUST_CHECK;
// The same of PROBLEM_LABELS and PROBLEM_VALUES (loss_values.c). Cannot fail.
void loss_values_unit(const LossOptions *options, const Tensor *logits, const LossRows *rows,
                      const LossSums *batch, const Tensor *gradient, LossSums *sums);
// Its teacher's part (loss_soft.c): adds to sums->soft and to the gradient.
Status loss_soft_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                      const LossRows *rows, const LossSums *batch, const Tensor *gradient,
                      LossSums *sums, Error *err) MUST_CHECK;

#endif
