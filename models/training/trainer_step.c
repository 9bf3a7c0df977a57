#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "models/training/trainer.h"

// ---- room for a step ----

static Status grow(void *list, size_t count, size_t size, Error *err)
{
    void *fresh = calloc(size_max(count, 1), size);
    if (!fresh) return error_set_memory(err, count, size, "a step");
    void *old;
    memcpy(&old, list, sizeof old);
    free(old);
    memcpy(list, &fresh, sizeof fresh);
    return STATUS_OK;
}

// Sizes grow by half at least, so that they soon stop growing.
static size_t room(size_t old, size_t wanted)
{
    return wanted <= old ? old : size_max(wanted, old + old / 2);
}

static Status want_memory(Trainer *t, size_t n_tokens, size_t n_targets, size_t n_sequences,
                          Error *err)
{
    StepMemory *m = &t->memory;
    if (n_sequences > m->n_sequences) {
        const size_t n = room(m->n_sequences, n_sequences);
        TRY(grow(&m->inputs, n, sizeof *m->inputs, err));
        TRY(grow(&m->weights, n, sizeof *m->weights, err));
        TRY(grow(&m->targets, n, sizeof *m->targets, err));
        m->n_sequences = n; // of all three, now that each has them
    }
    const size_t n_labels = n_tokens + n_targets + 2 * n_sequences;
    if (n_labels > m->n_labels) {
        const size_t n = room(m->n_labels, n_labels);
        TRY(grow(&m->labels, n, sizeof *m->labels, err));
        m->n_labels = n;
    }
    if (n_tokens <= m->n_tokens) return STATUS_OK;
    const size_t old = m->n_tokens, larger = room(old, n_tokens);
    TRY(grow(&m->row_ids, larger, sizeof *m->row_ids, err));
    TRY(grow(&m->row_of_token, larger, sizeof *m->row_of_token, err));
    TRY(grow(&m->rows, larger, sizeof *m->rows, err));
    TRY(grow(&m->row_starts, larger + 1, sizeof *m->row_starts, err));
    huge_free(m->row_sums, old * t->row_cols * sizeof *m->row_sums);
    m->n_tokens = 0;
    m->row_sums = t->row_cols > 0 ? huge_alloc(larger * t->row_cols * sizeof *m->row_sums) : NULL;
    if (t->row_cols > 0 && !m->row_sums)
        return error_set_memory(err, larger * t->row_cols, sizeof *m->row_sums, "a step");
    m->n_tokens = larger;
    return STATUS_OK;
}

// ---- cutting ----

// Depends on the batch alone. At least as many units as lanes, so that lanes have equal work, and a multiple of them.
static size_t count_units(const Trainer *t, size_t n_tokens, size_t n_sequences)
{
    const size_t lanes = t->options.n_lanes;
    const size_t needed = (n_tokens + TRAIN_UNIT_TOKENS - 1) / TRAIN_UNIT_TOKENS;
    return size_min(n_sequences, size_round_up(size_max(needed, lanes), lanes));
}

static Status cut_batch(Trainer *t, const TrainExample *const *batch, size_t n, Error *err)
{
    const TokenSequence **inputs = NULL;
    size_t n_tokens = 0, n_targets = 0;
    arena_release(&t->step_arena);
    TRY(arena_take(&t->step_arena, n, sizeof *inputs, "a batch", &inputs, err));
    for (size_t i = 0; i < n; i++) {
        inputs[i] = &batch[i]->input;
        n_tokens += inputs[i]->n_tokens;
        n_targets += inputs[i]->n_targets;
    }
    const size_t n_units = count_units(t, n_tokens + n_targets, n);
    TRY(want_memory(t, n_tokens, n_targets, n, err));
    TRY(units_balanced(&t->step_arena, inputs, n, n_units, &t->cut, err));
    TRY(arena_take(&t->step_arena, t->cut.n_units, sizeof *t->units, "units", &t->units, err));
    size_t token = 0, label = 0;
    t->batch = (LossSums){0};
    t->is_weighted = false;
    for (size_t u = 0; u < t->cut.n_units; u++) {
        t->units[u] = (TrainUnit){.first_token = token, .first_label = label};
        for (size_t i = t->cut.starts[u]; i < t->cut.starts[u + 1]; i++) {
            const TrainExample *example = batch[t->cut.order[i]];
            const size_t n_labels = loss_n_labels(t->loss.head, &example->input);
            t->memory.inputs[i] = &example->input;
            t->memory.weights[i] = (float)loss_weight(example);
            t->memory.targets[i] = example->targets;
            t->is_weighted = t->is_weighted || example->weight > 0;
            loss_put_labels(t->loss.head, example, t->memory.labels + label);
            loss_add_weights(&t->loss, example, &t->batch);
            token += example->input.n_tokens;
            label += n_labels;
        }
    }
    return STATUS_OK;
}

// ---- one unit ----

static int by_number(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

// The distinct ids of a unit in ascending order, and each token's place among them.
static size_t distinct_ids(const int32_t *ids, size_t n, int32_t *distinct, int32_t *row_of_token)
{
    size_t n_rows = 0;
    memcpy(distinct, ids, n * sizeof *ids);
    qsort(distinct, n, sizeof *distinct, by_number);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || distinct[i] != distinct[n_rows - 1]) distinct[n_rows++] = distinct[i];
    }
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = n_rows - 1;
        while (low < high) {
            const size_t middle = (low + high) / 2;
            if (distinct[middle] < ids[i])
                low = middle + 1;
            else
                high = middle;
        }
        row_of_token[i] = (int32_t)low;
    }
    return n_rows;
}

static void prepare_rows(Trainer *t, TrainUnit *unit, Unit *bound)
{
    StepMemory *m = &t->memory;
    if (!t->program->uses_rows) return;
    int32_t *rows = m->row_of_token + unit->first_token;
    unit->n_rows = distinct_ids(bound->ids, bound->n_tokens, m->row_ids + unit->first_token, rows);
    bound->row_of_token = rows;
    bound->n_rows = unit->n_rows;
    bound->row_gradients = m->row_sums + unit->first_token * t->row_cols;
    memset(bound->row_gradients, 0, unit->n_rows * t->row_cols * sizeof *bound->row_gradients);
}

static Status run_unit(Trainer *t, size_t index, size_t worker_index, Error *err)
{
    TrainUnit *unit = &t->units[index];
    Worker *worker = &t->model->workers[worker_index];
    const size_t begin = t->cut.starts[index], n = t->cut.starts[index + 1] - begin;
    ProgramRun run = {.program = t->program,
                      .exec = worker->exec,
                      .memory = &worker->train_memory,
                      .weights = t->model->weights,
                      .gradients = t->lanes + index % t->options.n_lanes * t->lane_floats,
                      .gradient_offsets = t->gradient_offsets,
                      .seed = t->options.seed,
                      .step = t->step,
                      .bf16_products = t->options.bf16_products};
    TRY(worker_gather(worker, &t->model->config, t->memory.inputs + begin, n, &run.unit, err));
    prepare_rows(t, unit, &run.unit);
    TRY(program_bind(&run, err));
    TRY(program_forward(&run, err));
    const Tensor logits = program_output(&run), gradient = program_output_gradient(&run);
    Tensor teacher = logits; // the shape
    if (t->memory.teacher)
        teacher =
            tensor_f32(t->memory.teacher + unit->first_row * logits.cols, logits.rows, logits.cols);
    const LossRows rows = {.offsets = t->loss.head == HEAD_SEQ2SEQ ? run.unit.target_offsets
                                                                   : run.unit.offsets,
                           .n_sequences = n,
                           .labels = t->memory.labels + unit->first_label,
                           .weights = t->is_weighted ? t->memory.weights + begin : NULL,
                           .targets = t->memory.targets + begin,
                           .teacher = &teacher};
    TRY(loss_unit(&t->loss, worker->exec, &logits, &rows, &t->batch, &gradient, &unit->sums, err));
    return program_backward(&run, err);
}

// A lane takes its units one after the other, so that its sums have one order.
static Status lane_job(void *context, size_t lane, size_t worker, Error *err)
{
    Trainer *t = context;
    for (size_t u = lane; u < t->cut.n_units; u += t->options.n_lanes)
        TRY(run_unit(t, u, worker, err));
    return STATUS_OK;
}

Status trainer_gradients(Trainer *t, const TrainExample *const *batch, size_t n, Error *err)
{
    TRY(cut_batch(t, batch, n, err));
    if (t->options.distill) TRY(trainer_teach(t, batch, err));
    return pool_try(t->pool, size_min(t->options.n_lanes, t->cut.n_units), lane_job, t, err);
}

// ---- a whole step ----

static double learning_rate(const Trainer *t)
{
    const TrainOptions *o = &t->options;
    const double ratio = ceil(o->warmup_ratio * (double)t->n_steps);
    const uint64_t n_warmup = o->warmup_ratio > 0 ? (uint64_t)ratio : o->warmup_steps;
    return o->learning_rate *
           schedule_factor(o->schedule, t->step, n_warmup, t->n_steps, o->n_cycles);
}

// The factor that brings the gradient to the clipping norm, as PyTorch's clip_grad_norm_ has it.
static double clip_scale(double clip_norm, double grad_norm)
{
    return clip_norm > 0 ? fmin(1.0, clip_norm / (grad_norm + 1e-6)) : 1.0;
}

Status trainer_step(Trainer *t, const TrainExample *const *batch, size_t n, TrainStep *out,
                    Error *err)
{
    TRY(trainer_unfreeze(t, err));
    TRY(trainer_gradients(t, batch, n, err));
    LossSums sums = {0};
    for (size_t u = 0; u < t->cut.n_units; u++) loss_add(&sums, &t->units[u].sums);
    *out = (TrainStep){.step = t->step,
                       .learning_rate = learning_rate(t),
                       .loss = loss_mean(&t->loss, &sums),
                       .n_sequences = n};
    for (size_t i = 0; i < n; i++) out->n_tokens += sequence_rows(&batch[i]->input);
    TRY(trainer_sum(t, &out->grad_norm, err));
    if (!isfinite(out->loss) || !isfinite(out->grad_norm)) {
        const bool is_norm = isfinite(out->loss);
        return error_set(err, STATUS_DIVERGED,
                         "the %s became %s at step %llu, with a learning rate of %g",
                         is_norm ? "gradient's norm" : "loss",
                         isnan(is_norm ? out->grad_norm : out->loss) ? "NaN" : "infinite",
                         (unsigned long long)t->step, out->learning_rate);
    }
    TRY(trainer_update(t, out->learning_rate, clip_scale(t->options.clip_norm, out->grad_norm),
                       err));
    t->step++;
    return STATUS_OK;
}
