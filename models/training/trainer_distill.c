#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/training/trainer.h"

// ---- logits of many inputs ----

enum { PIECE_FLOATS = 1 << 24 }; // what is predicted at once, but for a larger input

static void put_columns(const float *from, size_t n_rows, size_t from_cols, const int32_t *columns,
                        size_t n_labels, float *to)
{
    for (size_t i = 0; i < n_rows; i++) {
        for (size_t k = 0; k < n_labels; k++)
            to[i * n_labels + k] = from[i * from_cols + (columns ? (size_t)columns[k] : k)];
    }
}

static Status logits_of_piece(Model *teacher, Pool *pool, const TokenSequence *inputs, size_t n,
                              size_t n_rows, const int32_t *columns, size_t n_labels,
                              const atomic_int *cancel, float *to, Error *err)
{
    const size_t width = model_output_width(teacher);
    float *logits = malloc(size_max(n_rows * width, 1) * sizeof *logits);
    if (!logits) return error_set_memory(err, n_rows, width * sizeof *logits, "a teacher's logits");
    const Status s = model_predict(teacher, pool, inputs, n, cancel, logits, err);
    if (s == STATUS_OK) put_columns(logits, n_rows, width, columns, n_labels, to);
    free(logits);
    return s;
}

Status distill_logits(Model *teacher, Pool *pool, const TokenSequence *inputs, size_t n,
                      const int32_t *columns, size_t n_labels, const atomic_int *cancel,
                      Arena *arena, const float **rows, Error *err)
{
    const size_t width = model_output_width(teacher);
    for (size_t begin = 0; begin < n;) {
        size_t end = begin, n_rows = 0, floats = 0;
        float *logits = NULL;
        while (end < n && (end == begin || n_rows * width < PIECE_FLOATS))
            n_rows += model_output_rows(teacher, &inputs[end++], 1);
        if (!size_mul(n_rows, n_labels, &floats)) floats = SIZE_MAX;
        TRY(arena_take(arena, floats, sizeof *logits, "a teacher's logits", &logits, err));
        TRY(logits_of_piece(teacher, pool, inputs + begin, end - begin, n_rows, columns, n_labels,
                            cancel, logits, err));
        for (size_t i = begin; i < end; i++) {
            rows[i] = logits;
            logits += model_output_rows(teacher, &inputs[i], 1) * n_labels;
        }
        begin = end;
    }
    return STATUS_OK;
}

// ---- in tuning ----

Status trainer_check_distill(const Model *model, const TrainOptions *options,
                             const TrainExample *examples, size_t n_examples, Error *err)
{
    const DistillOptions *d = options->distill;
    if (!d) return STATUS_OK;
    if (!(d->temperature > 0 && d->temperature <= 1e6))
        return error_set(err, STATUS_INVALID, "a teacher's temperature %g is outside 0 .. 1e6",
                         d->temperature);
    if (!(d->alpha >= 0 && d->alpha <= 1))
        return error_set(err, STATUS_INVALID, "the teacher's share %g is outside 0 .. 1", d->alpha);
    bool has_all = true;
    for (size_t i = 0; i < n_examples; i++) has_all = has_all && examples[i].teacher;
    if (has_all) return STATUS_OK;
    if (!d->teacher)
        return error_set(err, STATUS_INVALID, "examples come without a teacher's logits");
    const ModelConfig *own = model_config(model), *other = model_config(d->teacher);
    if (other->head != own->head || other->vocab_size != own->vocab_size ||
        model_output_width(d->teacher) != model_output_width(model)) {
        return error_set(
            err, STATUS_INVALID,
            "the teacher has a %s head with %zu outputs and %zu tokens, the model that learns a %s "
            "head with %zu outputs and %zu tokens: they must be alike",
            model_head_name(other->head), model_output_width(d->teacher), other->vocab_size,
            model_head_name(own->head), model_output_width(model), own->vocab_size);
    }
    for (size_t i = 0; i < n_examples; i++) {
        const Status s = model_check_inputs(d->teacher, &examples[i].input, 1, err);
        if (s != STATUS_OK) return error_wrap(err, "example %zu, for the teacher", i);
    }
    return STATUS_OK;
}

// Asks the teacher about the whole batch.
static Status ask(Trainer *t, Error *err)
{
    const size_t n = t->cut.starts[t->cut.n_units];
    TokenSequence *inputs = NULL;
    TRY(arena_take(&t->step_arena, n, sizeof *inputs, "a batch", &inputs, err));
    for (size_t i = 0; i < n; i++) inputs[i] = *t->memory.inputs[i];
    return model_predict(t->options.distill->teacher, t->pool, inputs, n, NULL, t->memory.teacher,
                         err);
}

static Status check_finite(const Trainer *t, size_t n, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(t->memory.teacher[i]))
            return error_set(err, STATUS_DIVERGED,
                             "the teacher's scores are not finite at step %llu",
                             (unsigned long long)t->step);
    }
    return STATUS_OK;
}

Status trainer_teach(Trainer *t, const TrainExample *const *batch, Error *err)
{
    StepMemory *m = &t->memory;
    const size_t width = model_output_width(t->model), n = t->cut.starts[t->cut.n_units];
    size_t n_rows = 0, floats = 0;
    bool has_all = true;
    for (size_t u = 0; u < t->cut.n_units; u++) {
        t->units[u].first_row = n_rows;
        for (size_t i = t->cut.starts[u]; i < t->cut.starts[u + 1]; i++)
            n_rows += model_output_rows(t->model, m->inputs[i], 1);
    }
    for (size_t i = 0; i < n; i++) has_all = has_all && batch[i]->teacher;
    if (!size_mul(n_rows, width, &floats)) floats = SIZE_MAX / sizeof *m->teacher;
    if (floats > m->n_teacher || !m->teacher) {
        free(m->teacher);
        m->teacher = calloc(size_max(floats, 1), sizeof *m->teacher);
        m->n_teacher = m->teacher ? floats : 0;
        if (!m->teacher) return error_set_memory(err, n_rows, width * sizeof(float), "a step");
    }
    if (!has_all) {
        TRY(ask(t, err));
        return check_finite(t, floats, err);
    }
    float *to = m->teacher;
    for (size_t i = 0; i < n; i++) {
        const size_t own = model_output_rows(t->model, m->inputs[i], 1) * width;
        memcpy(to, batch[t->cut.order[i]]->teacher, own * sizeof *to);
        to += own;
    }
    return check_finite(t, floats, err);
}
