#include "models/training/train.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/size.h"
#include "models/training/train_run.h"

static uint64_t steps_per_epoch(const TrainOptions *o, size_t n_examples)
{
    const uint64_t sequences = (uint64_t)o->batch_size * o->accumulate;
    return (n_examples + sequences - 1) / sequences;
}

static uint64_t planned_steps(const TrainOptions *o, size_t n_examples)
{
    if (o->max_steps > 0) return o->max_steps;
    // Not a step more where a fraction such as 0.1 of 30 steps comes out a hair above a whole number.
    return (uint64_t)ceil(o->epochs * (double)steps_per_epoch(o, n_examples) - 1e-9);
}

// Where the run ends, which is not always where its schedule does.
static uint64_t last_step(const TrainOptions *o, size_t n_examples)
{
    const uint64_t planned = planned_steps(o, n_examples);
    uint64_t last = o->until_steps;
    if (o->until_epochs > 0)
        last = (uint64_t)ceil(o->until_epochs * (double)steps_per_epoch(o, n_examples) - 1e-9);
    return last > 0 && last < planned ? last : planned;
}

uint64_t train_planned_steps(const TrainOptions *options, size_t n_examples)
{
    const TrainOptions o = train_defaults(options);
    return last_step(&o, n_examples);
}

static bool is_cancelled(const TrainOptions *o)
{
    return o->cancel && atomic_load_explicit(o->cancel, memory_order_relaxed);
}

// The batch as this epoch asks about it.
static void mask_batch(TrainRun *run, uint64_t epoch, size_t n)
{
    const TrainOptions *o = &run->trainer.options;
    int32_t *at = run->mask_ids;
    for (size_t i = 0; i < n; i++) {
        TrainExample *to = &run->masked[i];
        const size_t n_tokens = run->batch[i]->input.n_tokens;
        *to = *run->batch[i];
        mask_draw(o->masking, run->batch[i], o->seed, epoch, at, at + n_tokens);
        to->input.ids = at;
        to->labels = at + n_tokens;
        run->batch[i] = to;
        at += 2 * n_tokens;
    }
}

static Status take_masked(TrainRun *run, size_t largest_batch, Error *err)
{
    Trainer *t = &run->trainer;
    size_t longest = 0, n_tokens = 0;
    if (!t->options.masking) return STATUS_OK;
    for (size_t i = 0; i < run->n_examples; i++)
        longest = size_max(longest, run->examples[i].input.n_tokens);
    if (!size_mul(2 * largest_batch, longest, &n_tokens)) n_tokens = SIZE_MAX;
    TRY(arena_take(&t->arena, largest_batch, sizeof *run->masked, "a batch", &run->masked, err));
    return arena_take(&t->arena, n_tokens, sizeof *run->mask_ids, "a batch", &run->mask_ids, err);
}

// The examples of step i of the run.
static Status choose_batch(TrainRun *run, uint64_t step, size_t *n, Error *err)
{
    const TrainOptions *o = &run->trainer.options;
    if (run->batch_starts) {
        const size_t begin = run->batch_starts[step];
        *n = run->batch_starts[step + 1] - begin;
        for (size_t i = 0; i < *n; i++) run->batch[i] = &run->examples[begin + i];
        return STATUS_OK;
    }
    const uint64_t epoch = step / run->steps_per_epoch;
    if (run->order_epoch != epoch) {
        TRY(train_order(o, run->trainer.model->config.head, run->examples, run->n_examples, epoch,
                        run->order, err));
        run->order_epoch = epoch;
    }
    const size_t size = o->batch_size * o->accumulate,
                 begin = (size_t)(step % run->steps_per_epoch) * size;
    *n = size_min(size, run->n_examples - begin);
    for (size_t i = 0; i < *n; i++) run->batch[i] = &run->examples[run->order[begin + i]];
    if (o->masking) mask_batch(run, epoch, *n);
    return STATUS_OK;
}

static bool is_better(const TrainRun *run, double loss, double metric)
{
    const TrainOptions *o = &run->trainer.options;
    const RunState *s = &run->state;
    if (o->monitor == MONITOR_LOSS)
        return isnan(s->best_loss) || loss < s->best_loss - o->min_delta;
    if (o->monitor == MONITOR_METRIC)
        return isnan(s->best_metric) || metric > s->best_metric + o->min_delta;
    return true;
}

static void keep_best(TrainRun *run, double loss, double metric)
{
    const Model *model = run->trainer.model;
    run->state.best_loss = loss;
    run->state.best_metric = metric;
    run->state.best_step = run->trainer.step;
    run->state.n_worse = 0;
    if (!run->best_weights) return;
    memcpy(run->best_weights, model->weights, model->tape.n_floats * sizeof(float));
    run->state.has_best = 1;
}

static bool has_stopped(const TrainRun *run)
{
    const TrainOptions *o = &run->trainer.options;
    return o->monitor != MONITOR_NONE && o->patience > 0 && run->state.n_worse >= o->patience;
}

// At the end of an epoch: validation, and the best so far.
static Status evaluate(TrainRun *run, Error *err)
{
    Trainer *t = &run->trainer;
    const TrainOptions *o = &t->options;
    RunState *s = &run->state;
    TrainEvaluation e = {
        .epoch = t->step / run->steps_per_epoch, .step = t->step, .loss = NAN, .metric = NAN};
    e.train_loss = s->loss_count > 0 ? s->loss_sum / (double)s->loss_count : NAN;
    if (o->n_validation > 0)
        TRY(model_loss(t->model, t->pool, o->validation, o->n_validation, o, &e.loss, err));
    if (o->evaluate) TRY(o->evaluate(o->context, t->model, &e.metric, err));
    if (o->n_validation > 0 && !isfinite(e.loss)) {
        return error_set(err, STATUS_DIVERGED, "the validation loss became %s after step %llu",
                         isnan(e.loss) ? "NaN" : "infinite", (unsigned long long)t->step);
    }
    e.is_best = is_better(run, e.loss, e.metric);
    if (e.is_best)
        keep_best(run, e.loss, e.metric);
    else
        s->n_worse++;
    s->loss_sum = 0;
    s->loss_count = 0;
    s->n_evaluations++;
    s->evaluated_step = t->step;
    if (o->on_evaluation) o->on_evaluation(o->context, &e);
    return STATUS_OK;
}

static bool wants_evaluation(const TrainRun *run)
{
    const Trainer *t = &run->trainer;
    if (run->batch_starts || (t->options.n_validation == 0 && !t->options.evaluate)) return false;
    if (run->state.evaluated_step == t->step) return false; // also before the first step
    return t->step % run->steps_per_epoch == 0 || t->step == t->n_steps;
}

static Status one_step(TrainRun *run, Error *err)
{
    Trainer *t = &run->trainer;
    TrainStep step = {0};
    size_t n = 0;
    TRY(choose_batch(run, t->step, &n, err));
    const uint64_t epoch = t->step / run->steps_per_epoch;
    TRY(trainer_step(t, run->batch, n, &step, err));
    step.epoch = run->batch_starts ? 0 : epoch;
    run->state.loss_sum += step.loss;
    run->state.loss_count++;
    run->state.last_loss = step.loss;
    run->state.n_tokens += step.n_tokens;
    if (t->options.on_step) t->options.on_step(t->options.context, &step);
    return STATUS_OK;
}

static Status save_if_due(TrainRun *run, Error *err)
{
    const double elapsed = (double)(clock_now_ns() - run->saved_ns) * 1e-9;
    return elapsed >= run->trainer.options.checkpoint_seconds ? checkpoint_save(run, err)
                                                              : STATUS_OK;
}

static Status cancelled(TrainRun *run, Error *err)
{
    TRY(checkpoint_save(run, err));
    return error_set(err, STATUS_CANCELLED, "stopped after step %llu of %llu",
                     (unsigned long long)run->trainer.step,
                     (unsigned long long)run->trainer.n_steps);
}

// Between steps the state is whole: an evaluation that was stopped is made again after a resumption.
static Status loop(TrainRun *run, Error *err)
{
    Trainer *t = &run->trainer;
    run->saved_ns = clock_now_ns();
    for (;;) {
        if (wants_evaluation(run)) {
            const Status s = evaluate(run, err);
            if (s == STATUS_CANCELLED) return cancelled(run, err);
            TRY(s);
        }
        if (t->step >= run->last_step || has_stopped(run)) return STATUS_OK;
        if (is_cancelled(&t->options)) return cancelled(run, err);
        TRY(save_if_due(run, err));
        TRY(one_step(run, err));
    }
}

static void finish(TrainRun *run, bool resumed, TrainResult *result)
{
    Trainer *t = &run->trainer;
    const RunState *s = &run->state;
    const bool restore = s->has_best && s->best_step != t->step;
    if (restore)
        memcpy(t->model->weights, run->best_weights, t->model->tape.n_floats * sizeof(float));
    *result = (TrainResult){.n_steps = t->step,
                            .planned_steps = t->n_steps,
                            .epochs = (double)t->step / (double)run->steps_per_epoch,
                            .best_step = s->has_best ? s->best_step : t->step,
                            .best_loss = s->best_loss,
                            .best_metric = s->best_metric,
                            .last_train_loss = s->last_loss,
                            .n_tokens = s->n_tokens,
                            .stopped_early = has_stopped(run) && t->step < run->last_step,
                            .resumed = resumed};
}

// Memory beside the trainer's, and the state of a checkpoint where there is one.
static Status prepare(TrainRun *run, size_t largest_batch, bool *resumed, Error *err)
{
    Trainer *t = &run->trainer;
    const TrainOptions *o = &t->options;
    run->state = (RunState){.best_loss = NAN, .best_metric = NAN, .last_loss = NAN};
    run->order_epoch = UINT64_MAX;
    TRY(arena_take(&t->arena, largest_batch, sizeof(TrainExample *), "a batch", &run->batch, err));
    if (!run->batch_starts)
        TRY(arena_take(&t->arena, run->n_examples, sizeof *run->order, "an order", &run->order,
                       err));
    TRY(take_masked(run, largest_batch, err));
    if (o->monitor == MONITOR_LOSS && o->n_validation == 0)
        return error_set(err, STATUS_INVALID,
                         "watching the validation loss needs validation examples");
    if (o->monitor == MONITOR_METRIC && !o->evaluate)
        return error_set(err, STATUS_INVALID, "watching a metric needs something that measures it");
    if (o->monitor != MONITOR_NONE) {
        TRY(model_take_block(t->model, t->model->tape.n_floats, &run->best_weights, err));
    }
    if (!o->checkpoint) return STATUS_OK;
    train_fingerprint(run);
    if (!file_exists(o->checkpoint)) return STATUS_OK;
    *resumed = true;
    TRY(checkpoint_load(run, err));
    return trainer_unfreeze(t, err);
}

static Status run_all(TrainRun *run, Model *model, Pool *pool, const TrainOptions *options,
                      uint64_t n_steps, size_t largest_batch, TrainResult *result, Error *err)
{
    bool resumed = false;
    TRY(trainer_init(&run->trainer, model, pool, options, n_steps, run->steps_per_epoch, err));
    Status s = prepare(run, largest_batch, &resumed, err);
    if (s == STATUS_OK) s = loop(run, err);
    if (s == STATUS_OK && options->keep_checkpoint) s = checkpoint_save(run, err);
    if (s == STATUS_OK) finish(run, resumed, result);
    if (s == STATUS_OK && !options->keep_checkpoint && options->checkpoint &&
        file_exists(options->checkpoint) && unlink(options->checkpoint) != 0) {
        s = error_set_errno(err, "removing %s", options->checkpoint);
    }
    model_give_block(model, run->best_weights);
    trainer_release(&run->trainer);
    return s;
}

Status model_train(Model *model, Pool *pool, const TrainExample *examples, size_t n_examples,
                   const TrainOptions *options, TrainResult *result, Error *err)
{
    const TrainOptions o = train_defaults(options);
    TrainRun run = {.examples = examples, .n_examples = n_examples};
    TRY(train_check(model, &o, examples, n_examples, err));
    TRY(trainer_check_distill(model, &o, examples, n_examples, err));
    if (o.n_validation > 0) {
        const Status s = train_check(model, &o, o.validation, o.n_validation, err);
        if (s != STATUS_OK) return error_wrap(err, "validation");
    }
    run.steps_per_epoch = steps_per_epoch(&o, n_examples);
    run.last_step = last_step(&o, n_examples);
    const size_t largest = size_min(n_examples, o.batch_size * o.accumulate);
    return run_all(&run, model, pool, &o, planned_steps(&o, n_examples), largest, result, err);
}

Status model_train_batches(Model *model, Pool *pool, const TrainExample *examples,
                           const size_t *starts, size_t n_batches, const TrainOptions *options,
                           TrainResult *result, Error *err)
{
    TrainOptions o = train_defaults(options);
    size_t largest = 0;
    o.monitor = MONITOR_NONE;
    o.validation = NULL;
    o.n_validation = 0;
    o.evaluate = NULL;
    if (n_batches == 0) return error_set(err, STATUS_INVALID, "there are no batches");
    for (size_t i = 0; i < n_batches; i++) {
        if (starts[i + 1] <= starts[i])
            return error_set(err, STATUS_INVALID, "batch %zu is empty", i);
        largest = size_max(largest, starts[i + 1] - starts[i]);
    }
    TrainRun run = {.examples = examples,
                    .n_examples = starts[n_batches],
                    .batch_starts = starts,
                    .steps_per_epoch = n_batches,
                    .last_step = n_batches};
    TRY(train_check(model, &o, examples, starts[n_batches], err));
    TRY(trainer_check_distill(model, &o, examples, starts[n_batches], err));
    return run_all(&run, model, pool, &o, n_batches, largest, result, err);
}
