#include "models/training/trainer_lora.h"

#include <string.h>

#include "base/size.h"
#include "kernels/pack.h"
#include "models/training/trainer.h"

typedef struct LoraJob {
    const Lora *lora;
    Model *model;
    Trainer *trainer; // of gradients and updates
    double learning_rate, gradient_scale;
    Status (*run)(const struct LoraJob *job, size_t target, Exec *exec, Error *err);
} LoraJob;

static Status lora_job(void *context, size_t target, size_t worker, Error *err)
{
    const LoraJob *job = context;
    Exec *exec = job->model->workers[worker].exec;
    const size_t mark = exec_scratch_mark(exec);
    const Status s = job->run(job, target, exec, err);
    exec_scratch_release(exec, mark);
    return s;
}

static Status run_job(const LoraJob *job, Pool *pool, Error *err)
{
    LoraJob copy = *job;
    return pool_try(pool, job->lora->n_targets, lora_job, &copy, err);
}

static Status product(Exec *exec, Tensor a, int transpose_a, Tensor b, int transpose_b,
                      int accumulate, Tensor out, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = a;
    args.in[1] = b;
    args.out[0] = out;
    args.as.gemm = (GemmArgs){
        .transpose_a = transpose_a, .transpose_b = transpose_b, .accumulate = accumulate};
    return op_run(exec, OP_GEMM, DTYPE_F32, &args, err);
}

static Status multiply(Exec *exec, float *data, size_t n, float factor, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.out[0] = tensor_f32(data, 1, n);
    args.as.scale.factor = factor;
    return op_run(exec, OP_SCALE, DTYPE_F32, &args, err);
}

static float *scratch_floats(Exec *exec, size_t n)
{
    size_t size_bytes = 0;
    return size_mul(n, sizeof(float), &size_bytes) ? exec_scratch(exec, size_bytes) : NULL;
}

// rows[adapter's rows] += s B A.
static Status add_product(const Lora *lora, const LoraAdapter *x, float *rows, Exec *exec,
                          Error *err)
{
    const size_t n = x->n_out * lora->rank;
    float *scaled = scratch_floats(exec, n);
    if (!scaled) return error_set_memory(err, n, sizeof *scaled, "an adapter");
    memcpy(scaled, lora->values + x->b, n * sizeof *scaled);
    TRY(multiply(exec, scaled, n, lora->scale, err));
    return product(exec, tensor_f32(scaled, x->n_out, lora->rank), 0,
                   tensor_f32(lora->values + x->a, lora->rank, x->n_in), 0, 1,
                   tensor_f32(rows + x->row * x->n_in, x->n_out, x->n_in), err);
}

static Status merge_target(const LoraJob *job, size_t index, Exec *exec, Error *err)
{
    const Lora *lora = job->lora;
    const LoraTarget *target = &lora->targets[index];
    const Param *p = &job->model->tape.params[target->param];
    const size_t n = p->rows * p->cols;
    float *stored = job->model->weights + p->offset;
    const bool in_panels = p->layout == LAYOUT_PANELS;
    float *rows = in_panels ? scratch_floats(exec, n) : stored;
    if (!rows) return error_set_memory(err, n, sizeof *rows, "merging an adapter");
    memcpy(rows, lora->base + target->base, n * sizeof *rows);
    for (size_t i = target->first; i < target->first + target->n; i++)
        TRY(add_product(lora, &lora->adapters[i], rows, exec, err));
    if (in_panels) pack_panels(rows, p->rows, p->cols, stored);
    return STATUS_OK;
}

Status lora_merge(const Lora *lora, Model *model, Pool *pool, Error *err)
{
    if (!lora) return STATUS_OK;
    const LoraJob job = {.lora = lora, .model = model, .run = merge_target};
    return run_job(&job, pool, err);
}

void lora_undo(const Lora *lora, Model *model)
{
    for (size_t i = 0; lora && i < lora->n_targets; i++) {
        const LoraTarget *target = &lora->targets[i];
        const Param *p = &model->tape.params[target->param];
        const float *rows = lora->base + target->base;
        if (p->layout == LAYOUT_PANELS)
            pack_panels(rows, p->rows, p->cols, model->weights + p->offset);
        else
            memcpy(model->weights + p->offset, rows, p->rows * p->cols * sizeof *rows);
    }
}

static Status squared_norm(Exec *exec, float *data, size_t n, double *out, Error *err)
{
    OpArgs args;
    double sum = 0;
    memset(&args, 0, sizeof args);
    args.in[0] = tensor_f32(data, 1, n);
    args.out[0] = (Tensor){.data = &sum, .rows = 1, .cols = 1, .row_stride = 1, .dtype = DTYPE_F64};
    TRY(op_run(exec, OP_SQUARED_NORM, DTYPE_F32, &args, err));
    *out += sum;
    return STATUS_OK;
}

// dw: the gradient of the layer's rows.
static Status adapter_gradient(const Lora *lora, const LoraAdapter *x, float *dw, Exec *exec,
                               double *norm, Error *err)
{
    const size_t n_a = lora->rank * x->n_in, n_b = x->n_out * lora->rank;
    float *da = lora->gradients + x->a, *db = lora->gradients + x->b;
    const Tensor rows = tensor_f32(dw + x->row * x->n_in, x->n_out, x->n_in);
    TRY(product(exec, tensor_f32(lora->values + x->b, x->n_out, lora->rank), 1, rows, 0, 0,
                tensor_f32(da, lora->rank, x->n_in), err));
    TRY(product(exec, rows, 0, tensor_f32(lora->values + x->a, lora->rank, x->n_in), 1, 0,
                tensor_f32(db, x->n_out, lora->rank), err));
    TRY(multiply(exec, da, n_a, lora->scale, err));
    TRY(multiply(exec, db, n_b, lora->scale, err));
    TRY(squared_norm(exec, da, n_a, norm, err));
    return squared_norm(exec, db, n_b, norm, err);
}

static Status gradient_of_target(const LoraJob *job, size_t index, Exec *exec, Error *err)
{
    const Lora *lora = job->lora;
    const LoraTarget *target = &lora->targets[index];
    const Param *p = &job->model->tape.params[target->param];
    float *rows = job->trainer->lanes + job->trainer->gradient_offsets[target->param];
    lora->norms[index] = 0;
    if (!job->trainer->trained[target->param]) return STATUS_OK;
    if (p->layout == LAYOUT_PANELS) {
        const float *panels = rows;
        rows = scratch_floats(exec, p->rows * p->cols);
        if (!rows) return error_set_memory(err, p->rows * p->cols, sizeof *rows, "a gradient");
        unpack_panels(panels, p->rows, p->cols, rows);
    }
    for (size_t i = target->first; i < target->first + target->n; i++)
        TRY(adapter_gradient(lora, &lora->adapters[i], rows, exec, &lora->norms[index], err));
    return STATUS_OK;
}

Status lora_gradients(Trainer *t, double *norm, Error *err)
{
    if (!t->lora) return STATUS_OK;
    const LoraJob job = {
        .lora = t->lora, .model = t->model, .trainer = t, .run = gradient_of_target};
    TRY(run_job(&job, t->pool, err));
    for (size_t i = 0; i < t->lora->n_targets; i++) *norm += t->lora->norms[i];
    return STATUS_OK;
}

static Status update_target(const LoraJob *job, size_t index, Exec *exec, Error *err)
{
    const Lora *lora = job->lora;
    const Trainer *t = job->trainer;
    const LoraTarget *target = &lora->targets[index];
    const LoraAdapter *first = &lora->adapters[target->first], *last = first + target->n - 1;
    // The adapters of a target lie one after the other, with zeros between that stay zero.
    const size_t end = last->b + size_round_up(last->n_out * lora->rank, PANEL_WIDTH),
                 n = end - first->a;
    if (!t->trained[target->param]) return STATUS_OK;
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = tensor_f32(lora->gradients + first->a, 1, n);
    args.out[0] = tensor_f32(lora->values + first->a, 1, n);
    args.out[1] = tensor_f32(lora->first_moments + first->a, 1, n);
    args.out[2] = tensor_f32(lora->second_moments + first->a, 1, n);
    args.as.adamw = trainer_adamw(t, job->learning_rate, job->gradient_scale, target->param);
    TRY(op_run(exec, OP_ADAMW, DTYPE_F32, &args, err));
    return merge_target(job, index, exec, err);
}

Status lora_update(Trainer *t, double learning_rate, double gradient_scale, Error *err)
{
    if (!t->lora) return STATUS_OK;
    const LoraJob job = {.lora = t->lora,
                         .model = t->model,
                         .trainer = t,
                         .learning_rate = learning_rate,
                         .gradient_scale = gradient_scale,
                         .run = update_target};
    return run_job(&job, t->pool, err);
}
