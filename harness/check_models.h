// harness/check_models.h: what can be wrong between models, settings and data, found before the first trial.
#ifndef ASSAY_HARNESS_CHECK_MODELS_H
#define ASSAY_HARNESS_CHECK_MODELS_H

#include "base/log.h"
#include "harness/prepare.h"
#include "models/config.h"

// Opens a saved model once, so that a damaged one is said at once and not by each of its trials; then, for each task: the
// parts that a setting freezes exist, the classes that it weighs are in the data, and a model that is judged as saved has
// the task's classes. On the CPU, whatever the trials run on: a process that has touched a GPU could not be forked.
// The tasks must have been read (prepare_task).
// Tensors that a model has no use for are named in the log (may be NULL).
Status check_model(const Suite *suite, const Prepared *prepared, size_t model, Log *log,
                   Error *err) MUST_CHECK;

// A model judged as saved may have the classes in another order; each class of the task must be there by name.
//   label_of  [config->n_labels]: the task's class for each of the model's, or SAMPLE_NO_LABEL
// path is for messages.
Status map_labels(const char *path, const ModelConfig *config, const TaskData *data,
                  int32_t *label_of, Error *err) MUST_CHECK;

#endif
