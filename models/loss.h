// models/loss.h: the loss of each head over a ragged batch of logits, and its gradient.
//
//     HEAD_SEQUENCE, HEAD_TOKEN, HEAD_MASKED_LM, HEAD_SEQ2SEQ:  mean of cross-entropy over the labels that are not ignored
//     HEAD_CAUSAL_LM:  the same, where the label of a token is that of the one behind it
//     HEAD_SPAN:  half the sum of two such means, for start and end; each a softmax over the tokens of one sequence
//
// Sources: Devlin et al. 2019, arXiv:1810.04805, section 4; label smoothing and class weights as kernels/softmax.h.
#ifndef ASSAY_MODELS_LOSS_H
#define ASSAY_MODELS_LOSS_H

#include "kernels/exec.h"
#include "models/config.h"
#include "models/input.h"

enum { LOSS_TERMS = 2 }; // a second one for the ends of spans

typedef struct LossOptions {
    ModelHead head;
    const float *class_weights; // [n_labels], or NULL for ones
    float label_smoothing;
} LossOptions;

// Sums of one or more units; add them in unit order.
typedef struct LossSums {
    double loss[LOSS_TERMS], weight[LOSS_TERMS];
} LossSums;

void loss_add(LossSums *sums, const LossSums *more);
// The mean over all that was added; 0 where every label is ignored.
double loss_mean(const LossOptions *options, const LossSums *sums);

// Numbers in an example's labels: 1, n_tokens, n_targets or 2.
size_t loss_n_labels(ModelHead head, const TokenSequence *input);
// The labels as the rows of logits want them: [loss_n_labels]. A causal LM's are those of the next token.
void loss_put_labels(ModelHead head, const TrainExample *example, int32_t *out);
// Adds the weights of an example's labels to *sums, so that a batch's are known before its units run.
void loss_add_weights(const LossOptions *options, const TrainExample *example, LossSums *sums);
// Labels within the classes (ignored ones apart).
Status loss_check_labels(const ModelConfig *config, const TrainExample *examples, size_t n,
                         Error *err) MUST_CHECK;

// One unit. logits [rows, n_labels]; labels: those of the unit's examples, one after the other; offsets [n_sequences + 1].
// gradient (same shape; may be NULL) receives d mean / d logits, where `batch` holds the weights of the whole batch.
// On the CPU only.
Status loss_unit(const LossOptions *options, Exec *exec, const Tensor *logits,
                 const int32_t *offsets, size_t n_sequences, const int32_t *labels,
                 const LossSums *batch, const Tensor *gradient, LossSums *sums,
                 Error *err) MUST_CHECK;

#endif
