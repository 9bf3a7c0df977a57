// harness/teacher.h: the model that another learns from (tune.distill, models/training/distill.h): opened once, asked once about each
// window of the training part.
//
// A teacher is a saved model with a head for the task's labels; their order and further labels of its own do not matter. Of
// whole texts it reads its own tokens. Of tags, spans and written texts each of the learner's tokens has an answer, so that
// both want the same tokenizer. A teacher that is tuned in the same suite is, for each trial, the one that won on the same
// training part (harness/plan.h), as it was tuned. Answers as wide as a vocabulary are not kept: such a teacher is asked step by step.
#ifndef ASSAY_HARNESS_TEACHER_H
#define ASSAY_HARNESS_TEACHER_H

#include "harness/learnt.h"
#include "models/training/train.h"

typedef struct Teacher Teacher;

// Which of the teacher's outputs each of the learner's labels is, in the arena; NULL where a head has no classes. Refuses
// another head and labels that the teacher lacks, by name.
Status teacher_columns(const char *path, const ModelConfig *teacher, ModelHead head,
                       const Slice *labels, size_t n_labels, Arena *arena, const int32_t **columns,
                       Error *err) MUST_CHECK;

// The teacher of a setting, which asks for one; its tokens are prepared. Checks that it can teach. tuned: the model, where it is
// tuned in the same suite, with the key of that tuning; it is taken over. NULL: the setting's files are opened.
Status teacher_open(const Prepared *prepared, size_t model, size_t task, int setting,
                    const char *key, Model **tuned, Teacher **out, Error *err) MUST_CHECK;
void teacher_close(Teacher **teacher); // a no-op on NULL
// Whether an open one serves this setting too.
bool teacher_serves(const Teacher *teacher, const Prepared *prepared, size_t model, size_t task,
                    int setting, const char *key);
// Puts what the teacher says into the examples of what is learnt, and into options. positions [n_originals]: of the training
// part. Of the originals it is asked once, of copies in every call: their answers lie in the arena.
Status teacher_teach(Teacher *teacher, const Prepared *prepared, Pool *pool,
                     const size_t *positions, const Learnt *learnt, const atomic_int *cancel,
                     Arena *arena, TrainExample *examples, DistillOptions *options,
                     Error *err) MUST_CHECK;
// Opens and closes the teachers of a model's settings: what is wrong with them is said before the first trial. All models'
// tokens are prepared.
Status teacher_check(const Prepared *prepared, size_t model, size_t task, Error *err) MUST_CHECK;

#endif
