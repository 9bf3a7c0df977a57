#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/training/trainer.h"

// A stretch of storage as a tensor of one row.
static Tensor stretch(float *data, size_t n)
{
    return tensor_f32(data, 1, n);
}

static Status add_to(Exec *exec, float *sum, float *more, size_t n, Error *err)
{
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.out[0] = stretch(sum, n);
    args.in[0] = stretch(more, n);
    args.as.scale.factor = 1.0f;
    return op_run(exec, OP_ADD_SCALED, DTYPE_F32, &args, err);
}

static Status squared_norm(Exec *exec, float *data, size_t n, double *out, Error *err)
{
    OpArgs args;
    double sum = 0;
    memset(&args, 0, sizeof args);
    args.in[0] = stretch(data, n);
    args.out[0] = (Tensor){.data = &sum, .rows = 1, .cols = 1, .row_stride = 1, .dtype = DTYPE_F64};
    TRY(op_run(exec, OP_SQUARED_NORM, DTYPE_F32, &args, err));
    *out += sum;
    return STATUS_OK;
}

// ---- rows of the gathered table ----

static int by_id_and_unit(const void *a, const void *b)
{
    const RowSum *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

// Lists every unit's rows by id and unit; row_starts[i] .. row_starts[i + 1] is the i-th distinct id.
static void list_rows(Trainer *t)
{
    StepMemory *m = &t->memory;
    m->n_rows = m->n_merged = 0;
    if (!t->program->uses_rows) return;
    for (size_t u = 0; u < t->cut.n_units; u++) {
        const TrainUnit *unit = &t->units[u];
        for (size_t r = 0; r < unit->n_rows; r++) {
            const size_t at = unit->first_token + r;
            m->rows[m->n_rows++] = (RowSum){
                .id = m->row_ids[at], .unit = (uint32_t)u, .sum = m->row_sums + at * t->row_cols};
        }
    }
    qsort(m->rows, m->n_rows, sizeof *m->rows, by_id_and_unit);
    for (size_t i = 0; i < m->n_rows; i++) {
        if (i == 0 || m->rows[i].id != m->rows[i - 1].id) m->row_starts[m->n_merged++] = i;
    }
    m->row_starts[m->n_merged] = m->n_rows;
}

// Adds the rows of ids [first, last) up, unit by unit, into each id's first row.
static Status sum_rows(Trainer *t, Exec *exec, size_t first, size_t last, double *norm, Error *err)
{
    const StepMemory *m = &t->memory;
    for (size_t i = first; i < last; i++) {
        float *sum = m->rows[m->row_starts[i]].sum;
        for (size_t r = m->row_starts[i] + 1; r < m->row_starts[i + 1]; r++)
            TRY(add_to(exec, sum, m->rows[r].sum, t->row_cols, err));
        TRY(squared_norm(exec, sum, t->row_cols, norm, err));
    }
    return STATUS_OK;
}

// ---- summing ----

// Lanes in one tree: neighbours first, then neighbours of those.
static Status sum_lanes(Trainer *t, Exec *exec, const Chunk *chunk, double *norm, Error *err)
{
    const size_t n_lanes = size_min(t->options.n_lanes, t->cut.n_units);
    float *first = t->lanes + t->gradient_offsets[chunk->param] + chunk->begin;
    for (size_t step = 1; step < n_lanes; step *= 2) {
        for (size_t lane = 0; lane + step < n_lanes; lane += 2 * step) {
            TRY(add_to(exec, first + lane * t->lane_floats, first + (lane + step) * t->lane_floats,
                       chunk->n, err));
        }
    }
    return squared_norm(exec, first, chunk->n, norm, err);
}

static Status sum_part(Trainer *t, size_t part, Exec *exec, Error *err)
{
    double *norm = &t->norms[part];
    *norm = 0;
    if (part < t->n_chunks) {
        const Chunk *chunk = &t->chunks[part];
        if (chunk->is_table || !t->trained[chunk->param]) return STATUS_OK;
        TRY(sum_lanes(t, exec, chunk, norm, err));
        // What is learned of an adapted layer is not the layer.
        if (t->lora && t->lora->is_adapted[chunk->param]) *norm = 0;
        return STATUS_OK;
    }
    const size_t first = (part - t->n_chunks) * CHUNK_ROWS;
    return sum_rows(t, exec, first, size_min(first + CHUNK_ROWS, t->memory.n_merged), norm, err);
}

static Status sum_job(void *context, size_t part, size_t worker, Error *err)
{
    Trainer *t = context;
    return sum_part(t, part, t->model->workers[worker].exec, err);
}

Status trainer_sum(Trainer *t, double *grad_norm, Error *err)
{
    list_rows(t);
    const size_t n_parts = t->n_chunks + (t->memory.n_merged + CHUNK_ROWS - 1) / CHUNK_ROWS;
    if (n_parts > t->n_norms) {
        double *norms = realloc(t->norms, n_parts * sizeof *norms);
        if (!norms) return error_set_memory(err, n_parts, sizeof *norms, "norms");
        t->norms = norms;
        t->n_norms = n_parts;
    }
    TRY(pool_try(t->pool, n_parts, sum_job, t, err));
    double sum = 0;
    for (size_t i = 0; i < n_parts; i++) sum += t->norms[i];
    TRY(lora_gradients(t, &sum, err));
    *grad_norm = sqrt(sum);
    return STATUS_OK;
}

// ---- updating ----

typedef struct Update {
    Trainer *trainer;
    double learning_rate, gradient_scale;
} Update;

AdamwArgs trainer_adamw(const Trainer *t, double learning_rate, double gradient_scale, size_t param)
{
    const Param *p = &t->model->tape.params[param];
    return (AdamwArgs){.learning_rate = (float)(learning_rate * t->group_factor[p->group]),
                       .beta1 = (float)t->options.beta1,
                       .beta2 = (float)t->options.beta2,
                       .epsilon = (float)t->options.epsilon,
                       .weight_decay = p->is_vector ? 0.0f : (float)t->options.weight_decay,
                       .step = t->step - t->group_start[p->group] + 1,
                       .gradient_scale = (float)gradient_scale};
}

static Status adamw(const Update *update, Exec *exec, const Chunk *chunk, float *gradient,
                    Error *err)
{
    Trainer *t = update->trainer;
    const Param *param = &t->model->tape.params[chunk->param];
    const size_t moment = t->moment_offsets[chunk->param] + chunk->begin;
    OpArgs args;
    memset(&args, 0, sizeof args);
    args.in[0] = stretch(gradient, chunk->n);
    args.out[0] = stretch(t->model->weights + param->offset + chunk->begin, chunk->n);
    args.out[1] = stretch(t->first_moments + moment, chunk->n);
    args.out[2] = stretch(t->second_moments + moment, chunk->n);
    args.as.adamw = trainer_adamw(t, update->learning_rate, update->gradient_scale, chunk->param);
    return op_run(exec, OP_ADAMW, DTYPE_F32, &args, err);
}

// The first merged row whose id is at least `id`.
static size_t merged_from(const StepMemory *m, size_t id)
{
    size_t low = 0, high = m->n_merged;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if ((size_t)m->rows[m->row_starts[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Rows of the table that the step did not touch have a gradient of 0, but moments and decay go on.
static Status update_table(const Update *update, const Chunk *chunk, size_t worker_index,
                           Exec *exec, Error *err)
{
    Trainer *t = update->trainer;
    const StepMemory *m = &t->memory;
    const size_t cols = t->row_cols, first_id = chunk->begin / cols,
                 end_id = (chunk->begin + chunk->n) / cols;
    float *gradient = t->table_scratch + worker_index * CHUNK_ROWS * cols;
    const size_t first = merged_from(m, first_id), end = merged_from(m, end_id);
    for (size_t i = first; i < end; i++) {
        const RowSum *row = &m->rows[m->row_starts[i]];
        memcpy(gradient + ((size_t)row->id - first_id) * cols, row->sum, cols * sizeof *gradient);
    }
    TRY(adamw(update, exec, chunk, gradient, err));
    for (size_t i = first; i < end; i++) {
        memset(gradient + ((size_t)m->rows[m->row_starts[i]].id - first_id) * cols, 0,
               cols * sizeof *gradient);
    }
    return STATUS_OK;
}

static Status update_job(void *context, size_t index, size_t worker, Error *err)
{
    const Update *update = context;
    Trainer *t = update->trainer;
    const Chunk *chunk = &t->chunks[index];
    Exec *exec = t->model->workers[worker].exec;
    if (!t->trained[chunk->param]) return STATUS_OK;
    if (chunk->is_table) return update_table(update, chunk, worker, exec, err);
    float *lane = t->lanes + t->gradient_offsets[chunk->param] + chunk->begin;
    const bool is_adapted = t->lora && t->lora->is_adapted[chunk->param];
    const Status s = is_adapted ? STATUS_OK : adamw(update, exec, chunk, lane, err);
    for (size_t i = 0; i < size_min(t->options.n_lanes, t->cut.n_units); i++)
        memset(lane + i * t->lane_floats, 0, chunk->n * sizeof *lane);
    return s;
}

Status trainer_update(Trainer *t, double learning_rate, double gradient_scale, Error *err)
{
    Update update = {
        .trainer = t, .learning_rate = learning_rate, .gradient_scale = gradient_scale};
    TRY(pool_try(t->pool, t->n_chunks, update_job, &update, err));
    return lora_update(t, learning_rate, gradient_scale, err);
}
