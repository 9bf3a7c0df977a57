#include "models/training/trainer.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

static const size_t NONE = SIZE_MAX;

TrainOptions train_defaults(const TrainOptions *options)
{
    TrainOptions o = options ? *options : (TrainOptions){.dropout = -1};
    if (o.learning_rate == 0) o.learning_rate = 5e-5;
    if (o.beta1 == 0) o.beta1 = 0.9;
    if (o.beta2 == 0) o.beta2 = 0.999;
    if (o.epsilon == 0) o.epsilon = 1e-8;
    if (o.batch_size == 0) o.batch_size = 16;
    if (o.accumulate == 0) o.accumulate = 1;
    if (o.epochs == 0) o.epochs = 3;
    if (o.n_lanes == 0) o.n_lanes = 4;
    if (o.n_cycles == 0) o.n_cycles = 1;
    if (o.layer_decay == 0) o.layer_decay = 1;
    if (o.checkpoint_seconds == 0) o.checkpoint_seconds = 60;
    return o;
}

static Status check_number(const char *what, double value, double lowest, double highest,
                           Error *err)
{
    if (value >= lowest && value <= highest) return STATUS_OK; // false for NaN
    return error_set(err, STATUS_INVALID, "%s %g is outside %g .. %g", what, value, lowest,
                     highest);
}

static Status check_options(const TrainOptions *o, Error *err)
{
    TRY(check_number("learning rate", o->learning_rate, 0, 1e12, err));
    TRY(check_number("weight decay", o->weight_decay, 0, 1e6, err));
    TRY(check_number("beta1", o->beta1, 0, 0.999999999, err));
    TRY(check_number("beta2", o->beta2, 0, 0.999999999, err));
    TRY(check_number("epsilon", o->epsilon, 1e-30, 1, err));
    TRY(check_number("clipping norm", o->clip_norm, 0, 1e30, err));
    TRY(check_number("dropout", fmax(0, o->dropout), 0, 0.999, err));
    TRY(check_number("warm-up ratio", o->warmup_ratio, 0, 1, err));
    TRY(check_number("epochs", o->epochs, 1e-9, 1e6, err));
    TRY(check_number("batch size", (double)o->batch_size, 1, 1e6, err));
    TRY(check_number("accumulated batches", (double)o->accumulate, 1, 1e6, err));
    TRY(check_number("layer decay", o->layer_decay, 1e-6, 1, err));
    TRY(check_number("label smoothing", (double)o->label_smoothing, 0, 0.999, err));
    return check_number("lanes", (double)o->n_lanes, 1, TRAIN_MAX_LANES, err);
}

Status train_check(const Model *model, const TrainOptions *options, const TrainExample *examples,
                   size_t n_examples, Error *err)
{
    const ModelConfig *config = &model->config;
    if (model->exec_options.device.kind != DEVICE_CPU) {
        return error_set(
            err, STATUS_DEVICE,
            "tuning on a GPU (cuda:%d) is not in this version: tune with --device cpu; what "
            "comes out predicts on either",
            model->exec_options.device.index);
    }
    if (model->keeps_stored) {
        return error_set(err, STATUS_INVALID,
                         "a model whose weights are kept as stored answers and is not tuned");
    }
    if (!(model_capabilities(model) & MODEL_CAN_TRAIN)) {
        return error_set(err, STATUS_INVALID, "a model with a %s head cannot be tuned",
                         model_head_name(config->head));
    }
    if (config->experts.not_tuned) {
        return error_set(err, STATUS_INVALID,
                         "config.json asks for \"%s\" in tuning, which is not in this version: "
                         "without it (false, or 0) its experts are tuned by the loss alone",
                         config->experts.not_tuned);
    }
    const bool has_classes = model_config_problem(config) == PROBLEM_CLASSES;
    const bool classifies = config->head == HEAD_SEQUENCE || config->head == HEAD_TOKEN;
    if (classifies && has_classes && config->n_labels < 2)
        return error_set(err, STATUS_INVALID, "tuning a classifier needs at least two classes");
    if (!has_classes &&
        (options->distill || options->class_weights || options->label_smoothing > 0))
        return error_set(err, STATUS_INVALID,
                         "a teacher, class weights and label smoothing are for models that give "
                         "one class of several, not for problem_type \"" SLICE_FMT "\"",
                         SLICE_ARG(config->problem_type));
    if (n_examples == 0)
        return error_set(err, STATUS_INVALID, "there are no examples to learn from");
    TRY(check_options(options, err));
    for (size_t i = 0; i < n_examples; i++) {
        const Status s = model_check_inputs(model, &examples[i].input, 1, err);
        if (s != STATUS_OK) return error_wrap(err, "example %zu", i);
    }
    return loss_check_labels(config, examples, n_examples, err);
}

// ---- what is trained, and when ----

static Status set_groups(Trainer *t, uint64_t steps_per_epoch, Error *err)
{
    const size_t n_layers = t->model->config.n_layers;
    bool *frozen = NULL;
    t->n_groups = n_layers + 2;
    TRY(arena_take(&t->arena, t->model->tape.n_params, sizeof *frozen, "parameters", &frozen, err));
    TRY(arena_take(&t->arena, t->n_groups, sizeof *t->group_start, "groups", &t->group_start, err));
    TRY(arena_take(&t->arena, t->n_groups, sizeof *t->group_factor, "groups", &t->group_factor,
                   err));
    TRY(train_freeze(t->model, t->options.freeze, frozen, err));
    TRY(lora_start(&t->lora, &t->arena, t->model, t->options.lora, frozen, t->options.seed, err));
    for (size_t g = 0; g < t->n_groups; g++) {
        const size_t below_head =
            t->n_groups - 1 - g; // 0 for the head, n_layers + 1 for the embeddings
        t->group_factor[g] = pow(t->options.layer_decay, (double)below_head);
        t->group_start[g] = (uint64_t)t->options.gradual_unfreezing * below_head * steps_per_epoch;
    }
    for (size_t i = 0; i < t->model->tape.n_params; i++) {
        const size_t group = t->model->tape.params[i].group;
        t->wanted[i] = !frozen[i] && t->group_start[group] < t->n_steps &&
                       t->model->tape.params[i].source == PARAM_TRAINED &&
                       (!t->lora || t->lora->is_adapted[i] || lora_trains_head(t->model, i));
    }
    return STATUS_OK;
}

static bool is_due(const Trainer *t, size_t param)
{
    return t->wanted[param] && t->group_start[t->model->tape.params[param].group] <= t->step;
}

Status trainer_unfreeze(Trainer *t, Error *err)
{
    bool changed = t->program == NULL;
    for (size_t i = 0; i < t->model->tape.n_params; i++) {
        const bool now = is_due(t, i);
        changed = changed || now != t->trained[i];
        t->trained[i] = now;
    }
    if (!changed) return STATUS_OK;
    const ProgramOptions options = {.is_training = true,
                                    .trained = t->trained,
                                    .dropout = (float)t->options.dropout,
                                    .recomputes = t->options.gradient_checkpointing};
    return program_build(&t->model->tape, &options, &t->arena, &t->program, err);
}

// ---- memory ----

// Places of gradients and moments. The gathered table has moments, but no gradient of its full size.
static Status set_places(Trainer *t, Error *err)
{
    const Tape *tape = &t->model->tape;
    size_t n_chunks = 0;
    for (size_t i = 0; i < tape->n_params; i++) {
        const Param *p = &tape->params[i];
        if (!t->wanted[i]) continue;
        const size_t floats = size_round_up(p->storage, PANEL_WIDTH);
        if (!t->lora || !t->lora->is_adapted[i]) {
            t->moment_offsets[i] = t->n_moments;
            t->n_moments += floats;
        }
        if (p->is_gathered) {
            t->table = i;
            t->row_cols = p->cols;
            n_chunks += (p->rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
        } else {
            t->gradient_offsets[i] = t->lane_floats;
            t->lane_floats += floats;
            n_chunks += (p->storage + CHUNK_FLOATS - 1) / CHUNK_FLOATS;
        }
    }
    if (n_chunks == 0)
        return error_set(err, STATUS_INVALID, "everything is frozen: there is nothing to train");
    TRY(arena_take(&t->arena, n_chunks, sizeof *t->chunks, "parameters", &t->chunks, err));
    for (size_t i = 0; i < tape->n_params; i++) {
        const Param *p = &tape->params[i];
        if (!t->wanted[i]) continue;
        const size_t step = p->is_gathered ? CHUNK_ROWS * p->cols : CHUNK_FLOATS;
        for (size_t at = 0; at < p->storage; at += step) {
            t->chunks[t->n_chunks++] = (Chunk){.param = i,
                                               .begin = at,
                                               .n = size_min(step, p->storage - at),
                                               .is_table = p->is_gathered};
        }
    }
    return STATUS_OK;
}

static Status take_memory(Trainer *t, Error *err)
{
    const size_t n_lane_floats = size_max(t->options.n_lanes * t->lane_floats, 1);
    const size_t n_scratch = size_max(t->n_threads * CHUNK_ROWS * t->row_cols, 1);
    TRY(model_take_block(t->model, n_lane_floats, &t->lanes, err));
    TRY(model_take_block(t->model, size_max(t->n_moments, 1), &t->first_moments, err));
    TRY(model_take_block(t->model, size_max(t->n_moments, 1), &t->second_moments, err));
    return model_take_block(t->model, n_scratch, &t->table_scratch, err);
}

Status trainer_init(Trainer *t, Model *model, Pool *pool, const TrainOptions *options,
                    uint64_t n_steps, uint64_t steps_per_epoch, Error *err)
{
    const size_t n_params = model->tape.n_params;
    *t = (Trainer){
        .model = model, .pool = pool, .options = *options, .n_steps = n_steps, .table = NONE};
    t->n_threads = pool_threads(pool);
    t->loss = (LossOptions){.head = model->config.head,
                            .problem = model_config_problem(&model->config),
                            .class_weights = options->class_weights,
                            .label_smoothing = options->label_smoothing};
    if (options->distill) {
        t->loss.temperature = options->distill->temperature;
        t->loss.alpha = options->distill->alpha;
    }
    Status s = model_want_workers(model, t->n_threads, err);
    if (s == STATUS_OK)
        s = arena_take(&t->arena, n_params, sizeof *t->wanted, "parameters", &t->wanted, err);
    if (s == STATUS_OK)
        s = arena_take(&t->arena, n_params, sizeof *t->trained, "parameters", &t->trained, err);
    if (s == STATUS_OK)
        s = arena_take(&t->arena, n_params, sizeof *t->gradient_offsets, "parameters",
                       &t->gradient_offsets, err);
    if (s == STATUS_OK)
        s = arena_take(&t->arena, n_params, sizeof *t->moment_offsets, "parameters",
                       &t->moment_offsets, err);
    if (s == STATUS_OK) s = set_groups(t, steps_per_epoch, err);
    if (s == STATUS_OK) s = set_places(t, err);
    if (s == STATUS_OK) s = take_memory(t, err);
    if (s == STATUS_OK) s = trainer_unfreeze(t, err);
    if (s == STATUS_OK) s = lora_merge(t->lora, model, pool, err);
    if (s != STATUS_OK) trainer_release(t);
    return s;
}

static void step_memory_release(StepMemory *m, size_t cols)
{
    free(m->row_ids);
    free(m->row_of_token);
    free(m->labels);
    free(m->rows);
    free(m->row_starts);
    free(m->inputs);
    free(m->teacher);
    free(m->weights);
    free(m->targets);
    huge_free(m->row_sums, m->n_tokens * cols * sizeof *m->row_sums);
    *m = (StepMemory){0};
}

void trainer_release(Trainer *t)
{
    if (!t->model) return;
    // The slots stay with the workers; the program that they were laid out for goes.
    for (size_t i = 0; i < t->model->n_workers; i++)
        t->model->workers[i].train_memory.program = NULL;
    step_memory_release(&t->memory, t->row_cols);
    model_give_block(t->model, t->lanes);
    model_give_block(t->model, t->first_moments);
    model_give_block(t->model, t->second_moments);
    model_give_block(t->model, t->table_scratch);
    free(t->norms);
    arena_release(&t->step_arena);
    arena_release(&t->arena);
    *t = (Trainer){0};
}
