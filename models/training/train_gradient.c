// The gradient of one batch, for tests.
#include <string.h>

#include "kernels/pack.h"
#include "models/training/train_run.h"

// The gradient of one parameter, as rows.
static Status gradient_rows(const Trainer *t, size_t index, float *rows)
{
    const Param *param = &t->model->tape.params[index];
    memset(rows, 0, param->rows * param->cols * sizeof *rows);
    if (!t->trained[index]) return STATUS_OK;
    if (index == t->table) {
        for (size_t i = 0; i < t->memory.n_merged; i++) {
            const RowSum *row = &t->memory.rows[t->memory.row_starts[i]];
            memcpy(rows + (size_t)row->id * param->cols, row->sum, param->cols * sizeof *rows);
        }
        return STATUS_OK;
    }
    const float *stored = t->lanes + t->gradient_offsets[index];
    if (param->layout == LAYOUT_PANELS)
        unpack_panels(stored, param->rows, param->cols, rows);
    else
        memcpy(rows, stored, param->rows * param->cols * sizeof *rows);
    return STATUS_OK;
}

Status model_gradient(Model *model, Pool *pool, const TrainExample *batch, size_t n_examples,
                      const TrainOptions *options, Slice tensor, float *out, double *grad_norm,
                      Error *err)
{
    const TrainOptions o = train_defaults(options);
    Trainer t;
    size_t index = 0, part = 0;
    if (!weights_find(model, tensor, &index, &part))
        return error_set(err, STATUS_NOT_FOUND, "the model has no tensor \"" SLICE_FMT "\"",
                         SLICE_ARG(tensor));
    TRY(train_check(model, &o, batch, n_examples, err));
    TRY(trainer_check_distill(model, &o, batch, n_examples, err));
    TRY(trainer_init(&t, model, pool, &o, 1, 1, err));
    const Param *param = &model->tape.params[index];
    const TrainExample **pointers = calloc(n_examples, sizeof *pointers);
    float *rows = calloc(param->rows * param->cols, sizeof *rows);
    Status s = pointers && rows ? STATUS_OK
                                : error_set_memory(err, n_examples, sizeof *pointers, "a gradient");
    for (size_t i = 0; s == STATUS_OK && i < n_examples; i++) pointers[i] = &batch[i];
    if (s == STATUS_OK) s = trainer_gradients(&t, pointers, n_examples, err);
    if (s == STATUS_OK) s = trainer_sum(&t, grad_norm, err);
    if (s == STATUS_OK) s = gradient_rows(&t, index, rows);
    if (s == STATUS_OK) s = weights_order_part(param, part, true, rows, err);
    if (s == STATUS_OK) {
        const size_t width = param->is_vector ? 1 : param->cols,
                     begin = param->parts[part].begin * width;
        memcpy(out, rows + begin, (param->parts[part].end * width - begin) * sizeof *out);
        if (param->is_input_first) s = weights_transpose(out, param->rows, param->cols, err);
    }
    free(pointers);
    free(rows);
    lora_undo(t.lora, model);
    trainer_release(&t);
    return s;
}
