// harness/zero_shot.h: classes that a model was never tuned on, by one that knows whether a text entails another (Yin, Hay & Roth
// 2019, arXiv:1909.00161): each class makes a hypothesis, and is as likely as the text entails it. Numbers are those of
// Transformers' zero-shot-classification pipeline:
//
//     p[c] = exp(s[c][entailment]) / sum over classes of the same
//     or, for labels that hold one by one,  p[c] = exp(s[c][entailment]) / (exp(s[c][entailment]) + exp(s[c][contradiction]))
//
// where s[c] are the model's scores of the text with the hypothesis of c.
#ifndef ASSAY_HARNESS_ZERO_SHOT_H
#define ASSAY_HARNESS_ZERO_SHOT_H

#include "base/arena.h"
#include "base/error.h"
#include "models/config.h"

// The class of the model that says that the text entails the hypothesis; SIZE_MAX where none is called so, or where it does not
// tell classes apart.
size_t zero_shot_entailment(const ModelConfig *config);
// The template with the label in the place of its one {}; {{ and }} are braces. In the arena.
Status zero_shot_hypothesis(Slice template, Slice label, Arena *arena, Slice *out,
                            Error *err) MUST_CHECK;
// logits [n, config->n_labels] of one text with n hypotheses give out [n]. The class that says contradiction is the first, or the
// last where the first is entailment, as the pipeline has it.
void zero_shot_probabilities(const ModelConfig *config, const float *logits, size_t n,
                             bool is_multi, double *out);

#endif
