// Tuning: laws that need no golden. The result depends on model, data and options alone.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "model_support.h"
#include "models/train_run.h"
#include "tests/support/folder.h"

static Pool *open_pool(size_t n_threads)
{
    Error err = {0};
    Pool *pool = NULL;
    want_ok(pool_open(n_threads, &pool, &err), &err);
    return pool;
}

// Small batches over two epochs with everything that draws or schedules.
static TrainOptions busy_options(void)
{
    return (TrainOptions){.learning_rate = 1e-3,
                          .weight_decay = 0.01,
                          .schedule = SCHEDULE_COSINE,
                          .warmup_ratio = 0.1,
                          .clip_norm = 1.0,
                          .batch_size = 5,
                          .epochs = 2,
                          .dropout = -1,
                          .seed = 11};
}

static TrainResult train(Model *model, size_t n_threads, const SmallData *data,
                         const TrainOptions *options)
{
    Error err = {0};
    TrainResult result = {0};
    Pool *pool = open_pool(n_threads);
    want_ok(model_train(model, pool, data->examples, data->n, options, &result, &err), &err);
    pool_close(&pool);
    return result;
}

static void check_equal_weights(const char *what, const Model *a, const Model *b)
{
    size_t n = 0;
    float *x = all_weights(a, &n), *y = all_weights(b, &n);
    for (size_t i = 0; i < n; i++) {
        cr_assert(memcmp(&x[i], &y[i], sizeof *x) == 0, "%s: weight %zu is %.9g and %.9g", what, i,
                  (double)x[i], (double)y[i]);
    }
    free(x);
    free(y);
}

Test(train, gives_the_same_bits_with_any_number_of_threads)
{
    static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_MASKED_LM};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        for (size_t threads = 2; threads <= 4; threads++) {
            const TrainOptions options = busy_options();
            Model *a = small_model(heads[h], 3, 1), *b = small_model(heads[h], 3, 1);
            SmallData data = small_data(a, 23, 2);
            const TrainResult ra = train(a, 1, &data, &options),
                              rb = train(b, threads, &data, &options);
            cr_assert(ra.n_steps == 10 && rb.n_steps == 10 &&
                      ra.last_train_loss == rb.last_train_loss);
            check_equal_weights(model_head_name(heads[h]), a, b);
            small_data_release(&data);
            model_close(&a);
            model_close(&b);
        }
    }
}

Test(train, takes_accumulated_batches_as_one)
{
    TrainOptions options = busy_options();
    Model *a = small_model(HEAD_SEQUENCE, 3, 1), *b = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(a, 24, 2);
    options.batch_size = 8;
    train(a, 1, &data, &options);
    options.batch_size = 2;
    options.accumulate = 4;
    train(b, 1, &data, &options);
    check_equal_weights("accumulated", a, b);
    small_data_release(&data);
    model_close(&a);
    model_close(&b);
}

Test(train, learns_what_can_be_learnt)
{
    Error err = {0};
    double before = 0, after = 0;
    const TrainOptions options = {
        .learning_rate = 3e-3, .batch_size = 8, .epochs = 30, .dropout = 0, .clip_norm = 1};
    Model *model = small_model(HEAD_SEQUENCE, 2, 1);
    SmallData data = small_data(model, 32, 2);
    Pool *pool = open_pool(1);
    want_ok(model_loss(model, pool, data.examples, data.n, NULL, &before, &err), &err);
    train(model, 1, &data, &options);
    want_ok(model_loss(model, pool, data.examples, data.n, NULL, &after, &err), &err);
    cr_assert(after < 0.1 * before, "the loss went from %g to %g", before, after);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
}

Test(train, gives_trial_after_trial_of_one_model_the_bits_of_a_fresh_one)
{
    Error err = {0};
    TrainOptions options = busy_options();
    Model *kept = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(kept, 23, 2);
    want_ok(model_keep(kept, &err), &err);
    for (uint64_t trial = 0; trial < 3; trial++) {
        options.learning_rate = 1e-3 / (double)(trial + 1);
        options.freeze =
            trial == 1 ? SLICE("embeddings") : (Slice){0}; // other sizes of gradients and moments
        Model *fresh = small_model(HEAD_SEQUENCE, 3, 1);
        want_ok(model_reset(kept, 1, &err), &err);
        train(fresh, 1, &data, &options);
        train(kept, 2, &data, &options);
        check_equal_weights("trial", fresh, kept);
        model_close(&fresh);
    }
    small_data_release(&data);
    model_close(&kept);
}

// ---- resumption ----

typedef struct Watch {
    TrainStep steps[64];
    size_t n_steps, n_evaluations;
    double last_validation;
    uint64_t stop_after; // step; UINT64_MAX = never
    atomic_int cancel;
} Watch;

static void watch_step(void *context, const TrainStep *step)
{
    Watch *watch = context;
    watch->steps[watch->n_steps++] = *step;
    if (step->step == watch->stop_after) atomic_store(&watch->cancel, 1);
}

static void watch_evaluation(void *context, const TrainEvaluation *evaluation)
{
    Watch *watch = context;
    watch->n_evaluations++;
    watch->last_validation = evaluation->loss;
}

static TrainOptions watched(TrainOptions options, Watch *watch, const SmallData *validation,
                            const char *checkpoint)
{
    options.on_step = watch_step;
    options.on_evaluation = watch_evaluation;
    options.context = watch;
    options.cancel = &watch->cancel;
    options.validation = validation->examples;
    options.n_validation = validation->n;
    options.monitor = MONITOR_LOSS;
    options.patience = 10;
    options.checkpoint = checkpoint;
    return options;
}

// Stops after a step, goes on in a model opened anew, and compares with a run that was not stopped.
static void check_resumed(const TrainOptions *options, uint64_t stop_after)
{
    Error err = {0};
    TrainResult whole = {0}, parts = {0};
    Watch straight = {.stop_after = UINT64_MAX}, first = {.stop_after = stop_after},
          second = {.stop_after = UINT64_MAX};
    const char *folder = folder_make();
    char path[512];
    snprintf(path, sizeof path, "%s", folder_path(folder, "state"));
    Model *a = small_model(HEAD_SEQUENCE, 3, 1), *b = small_model(HEAD_SEQUENCE, 3, 1),
          *c = small_model(HEAD_SEQUENCE, 3, 8);
    SmallData data = small_data(a, 23, 2), validation = small_data(a, 9, 3);
    Pool *pool = open_pool(2);
    const TrainOptions o1 = watched(*options, &straight, &validation, NULL),
                       o2 = watched(*options, &first, &validation, path),
                       o3 = watched(*options, &second, &validation, path);
    want_ok(model_train(a, pool, data.examples, data.n, &o1, &whole, &err), &err);
    cr_assert(model_train(b, pool, data.examples, data.n, &o2, &parts, &err) == STATUS_CANCELLED,
              "%s", err.text);
    cr_assert(strstr(err.text, "stopped after step") && file_exists(path), "%s", err.text);
    want_ok(model_train(c, pool, data.examples, data.n, &o3, &parts, &err), &err);
    check_equal_weights("resumed", a, c);
    cr_assert(parts.resumed && !whole.resumed && parts.n_steps == whole.n_steps &&
              parts.best_step == whole.best_step);
    cr_assert(parts.best_loss == whole.best_loss && parts.n_tokens == whole.n_tokens &&
              parts.last_train_loss == whole.last_train_loss);
    cr_assert(first.n_steps + second.n_steps == straight.n_steps &&
              first.n_evaluations + second.n_evaluations == straight.n_evaluations);
    for (size_t i = 0; i < second.n_steps; i++) {
        const TrainStep *x = &straight.steps[first.n_steps + i], *y = &second.steps[i];
        cr_assert(x->step == y->step && x->epoch == y->epoch && x->loss == y->loss &&
                      x->grad_norm == y->grad_norm,
                  "step %zu after resumption", i);
    }
    cr_assert(!file_exists(path), "the checkpoint is removed at the end");
    pool_close(&pool);
    small_data_release(&data);
    small_data_release(&validation);
    model_close(&a);
    model_close(&b);
    model_close(&c);
    folder_remove(folder);
}

Test(train, resumes_to_the_same_bits_from_any_step)
{
    TrainOptions options = busy_options();
    for (uint64_t step = 0; step < 9; step++)
        check_resumed(&options, step); // five steps an epoch; 4 ends one
    options.gradual_unfreezing = 1;
    options.sort_by_length = 1;
    options.epochs = 4;
    check_resumed(&options, 7);
    options.balance_classes = 1;
    check_resumed(&options, 12);
}

Test(train, saves_as_often_as_it_is_told)
{
    // With no time between checkpoints each step leaves one; it is there until the run ends.
    Error err = {0};
    TrainResult result;
    const char *folder = folder_make();
    char path[512];
    snprintf(path, sizeof path, "%s", folder_path(folder, "no/such/folder"));
    TrainOptions options = busy_options();
    options.checkpoint = path;
    options.checkpoint_seconds = 1e-9;
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 23, 2);
    Pool *pool = open_pool(1);
    cr_assert(model_train(model, pool, data.examples, data.n, &options, &result, &err) != STATUS_OK,
              "a checkpoint that cannot be written is an error");
    snprintf(path, sizeof path, "%s", folder_path(folder, "state"));
    want_ok(model_train(model, pool, data.examples, data.n, &options, &result, &err), &err);
    cr_assert(!file_exists(path));
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
    folder_remove(folder);
}

Test(train, refuses_a_checkpoint_of_another_run)
{
    Error err = {0};
    TrainResult result;
    Watch watch = {.stop_after = 3};
    const char *folder = folder_make();
    char path[512];
    snprintf(path, sizeof path, "%s", folder_path(folder, "state"));
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 23, 2), validation = small_data(model, 9, 3);
    Pool *pool = open_pool(1);
    TrainOptions options = watched(busy_options(), &watch, &validation, path);
    cr_assert(model_train(model, pool, data.examples, data.n, &options, &result, &err) ==
              STATUS_CANCELLED);
    atomic_store(&watch.cancel, 0);
    options.learning_rate = 2e-3;
    cr_assert(model_train(model, pool, data.examples, data.n, &options, &result, &err) ==
              STATUS_INVALID);
    cr_assert(strstr(err.text, path) && strstr(err.text, "other data or settings"), "%s", err.text);
    options.learning_rate = 1e-3;
    cr_assert(model_train(model, pool, data.examples, data.n - 1, &options, &result, &err) ==
              STATUS_INVALID);
    want_ok(file_write(path, SLICE("\x04\0\0\0"), &err), &err);
    cr_assert(model_train(model, pool, data.examples, data.n, &options, &result, &err) ==
                      STATUS_INVALID &&
                  strstr(err.text, path),
              "%s", err.text);
    pool_close(&pool);
    small_data_release(&data);
    small_data_release(&validation);
    model_close(&model);
    folder_remove(folder);
}

// ---- stopping ----

typedef struct Script {
    const double *metrics;
    size_t n;
    float *weights[16]; // as they were at each evaluation
} Script;

static Status scripted(void *context, Model *model, double *metric, Error *err)
{
    (void)err;
    Script *script = context;
    size_t n = 0;
    script->weights[script->n] = all_weights(model, &n);
    *metric = script->metrics[script->n++];
    return STATUS_OK;
}

Test(train, stops_when_nothing_gets_better_and_restores_the_best)
{
    static const double metrics[] = {0.5, 0.7, 0.7, 0.6, 0.9, 0.9};
    Script script = {.metrics = metrics};
    TrainOptions options = busy_options();
    options.epochs = 6;
    options.monitor = MONITOR_METRIC;
    options.patience = 2;
    options.evaluate = scripted;
    options.context = &script;
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 23, 2);
    const TrainResult result = train(model, 1, &data, &options);
    cr_assert(script.n == 4 && result.stopped_early && result.n_steps == 20 &&
              result.best_step == 10 && result.best_metric == 0.7);
    size_t n = 0;
    float *now = all_weights(model, &n);
    cr_assert(memcmp(now, script.weights[1], n * sizeof *now) == 0,
              "the weights are those of the best evaluation, the earlier of equal ones");
    cr_assert(memcmp(now, script.weights[3], n * sizeof *now) != 0);
    free(now);
    for (size_t i = 0; i < script.n; i++) free(script.weights[i]);
    small_data_release(&data);
    model_close(&model);
}

Test(train, reports_a_loss_that_is_no_number_with_step_and_rate)
{
    Error err = {0};
    TrainResult result;
    float bias[32];
    for (size_t i = 0; i < 32; i++) bias[i] = NAN;
    TrainOptions options = busy_options();
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 23, 2);
    Pool *pool = open_pool(2);
    want_ok(model_tensor_write(model, SLICE("bert.pooler.dense.bias"), bias, &err), &err);
    cr_assert(model_train(model, pool, data.examples, data.n, &options, &result, &err) ==
              STATUS_DIVERGED);
    cr_assert(strstr(err.text, "step 0") && strstr(err.text, "learning rate"), "%s", err.text);
    // A rate that is far too high.
    Model *other = small_model(HEAD_SEQUENCE, 3, 1);
    options.learning_rate = 1e6;
    options.clip_norm = 0;
    options.weight_decay = 100;
    options.schedule = SCHEDULE_CONSTANT;
    options.epochs = 10;
    cr_assert(model_train(other, pool, data.examples, data.n, &options, &result, &err) ==
                  STATUS_DIVERGED,
              "%s", err.text);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
    model_close(&other);
}

// ---- what is trained ----

static size_t group_of(Slice tensor)
{
    if (slice_starts_with(tensor, SLICE("bert.embeddings."))) return 0;
    if (slice_starts_with(tensor, SLICE("bert.encoder.layer.0."))) return 1;
    return slice_starts_with(tensor, SLICE("bert.encoder.layer.1.")) ? 2 : 3;
}

// The largest change of a tensor of each group since `before`.
static void largest_changes(const Model *model, const float *before, double changes[4])
{
    size_t n = 0, at = 0;
    float *now = all_weights(model, &n);
    for (size_t g = 0; g < 4; g++) changes[g] = 0;
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        Error err = {0};
        size_t rows = 0, cols = 0;
        const Slice name = model_tensor_name(model, i);
        want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
        for (size_t k = 0; k < rows * cols; k++, at++)
            changes[group_of(name)] =
                fmax(changes[group_of(name)], fabs((double)now[at] - (double)before[at]));
    }
    free(now);
}

static void check_changed(const TrainOptions *options, const bool moved[4], const char *what)
{
    size_t n = 0;
    double changes[4];
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 23, 2);
    float *before = all_weights(model, &n);
    train(model, 1, &data, options);
    largest_changes(model, before, changes);
    for (size_t g = 0; g < 4; g++)
        cr_assert((changes[g] > 0) == moved[g], "%s: group %zu moved by %g", what, g, changes[g]);
    free(before);
    small_data_release(&data);
    model_close(&model);
}

Test(train, leaves_frozen_parts_as_they_are)
{
    TrainOptions options = busy_options();
    options.epochs = 1;
    check_changed(&options, (const bool[]){true, true, true, true}, "nothing frozen");
    options.freeze = SLICE("embeddings");
    check_changed(&options, (const bool[]){false, true, true, true}, "embeddings");
    options.freeze = SLICE("0-1");
    check_changed(&options, (const bool[]){true, false, false, true}, "0-1");
    options.freeze = SLICE(" embeddings , 1");
    check_changed(&options, (const bool[]){false, true, false, true}, "embeddings, 1");
    options.freeze = SLICE("encoder");
    check_changed(&options, (const bool[]){false, false, false, true}, "encoder");
}

Test(train, unfreezes_from_the_head_down_epoch_by_epoch)
{
    TrainOptions options = busy_options();
    options.gradual_unfreezing = 1;
    options.schedule = SCHEDULE_CONSTANT;
    for (size_t epochs = 1; epochs <= 4; epochs++) {
        bool moved[4];
        for (size_t g = 0; g < 4; g++) moved[g] = 3 - g < epochs;
        options.epochs = (double)epochs;
        check_changed(&options, moved, "gradual");
    }
}

Test(train, slows_lower_layers_down)
{
    // The first AdamW step without decay moves a weight by the rate, whatever its gradient.
    size_t n = 0;
    double changes[4];
    const TrainOptions options = {.learning_rate = 1e-3,
                                  .schedule = SCHEDULE_CONSTANT,
                                  .max_steps = 1,
                                  .dropout = 0,
                                  .layer_decay = 0.5};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 16, 2);
    float *before = all_weights(model, &n);
    train(model, 1, &data, &options);
    largest_changes(model, before, changes);
    for (size_t g = 0; g < 4; g++) {
        const double wanted = 1e-3 * pow(0.5, 3.0 - (double)g);
        cr_assert(fabs(changes[g] - wanted) < 0.01 * wanted, "group %zu moved by %g, not %g", g,
                  changes[g], wanted);
    }
    free(before);
    small_data_release(&data);
    model_close(&model);
}

// ---- options ----

Test(train, refuses_what_cannot_be_done_and_says_why)
{
    Error err = {0};
    TrainResult result;
    static const char *const says[] = {"learning rate",
                                       "learning rate",
                                       "dropout",
                                       "outside the model's 3 classes",
                                       "blocks \"2\" are outside",
                                       "not understood",
                                       "needs validation examples",
                                       "something that measures",
                                       "lanes",
                                       "not understood",
                                       "no examples"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        TrainOptions options = busy_options();
        Model *model = small_model(HEAD_SEQUENCE, 3, 1);
        SmallData data = small_data(model, 8, 2);
        Pool *pool = open_pool(1);
        size_t n = data.n;
        switch (i) {
        case 0:
            options.learning_rate = -1;
            break;
        case 1:
            options.learning_rate = NAN;
            break;
        case 2:
            options.dropout = 1;
            break;
        case 3:
            *small_label(&data, 5) = 3;
            break;
        case 4:
            options.freeze = SLICE("embeddings,2");
            break;
        case 5:
            options.freeze = SLICE("0..1");
            break;
        case 6:
            options.monitor = MONITOR_LOSS;
            break;
        case 7:
            options.monitor = MONITOR_METRIC;
            break;
        case 8:
            options.n_lanes = 17;
            break;
        case 9:
            options.freeze = SLICE("head");
            break;
        default:
            n = 0;
        }
        const Status s = model_train(model, pool, data.examples, n, &options, &result, &err);
        cr_assert(s == STATUS_INVALID && strstr(err.text, says[i]), "case %zu: %s", i, err.text);
        pool_close(&pool);
        small_data_release(&data);
        model_close(&model);
    }
}

Test(schedule, follows_its_formula)
{
    static const struct {
        Schedule schedule;
        uint64_t step;
        double factor;
    } cases[] = {
        {SCHEDULE_LINEAR, 0, 0.0},           {SCHEDULE_LINEAR, 5, 0.5},
        {SCHEDULE_LINEAR, 10, 1.0},          {SCHEDULE_LINEAR, 60, 0.5},
        {SCHEDULE_LINEAR, 110, 0.0},         {SCHEDULE_COSINE, 60, 0.5},
        {SCHEDULE_COSINE, 110, 0.0},         {SCHEDULE_CONSTANT, 109, 1.0},
        {SCHEDULE_CONSTANT, 1, 0.1},         {SCHEDULE_COSINE_RESTARTS, 60, 1.0},
        {SCHEDULE_COSINE_RESTARTS, 35, 0.5}, {SCHEDULE_COSINE_RESTARTS, 110, 0.0},
        {SCHEDULE_INVERSE_SQRT, 10, 1.0},    {SCHEDULE_INVERSE_SQRT, 40, 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double factor = schedule_factor(cases[i].schedule, cases[i].step, 10, 110, 2);
        cr_assert(fabs(factor - cases[i].factor) < 1e-12, "%s at step %llu: %g, not %g",
                  schedule_name(cases[i].schedule), (unsigned long long)cases[i].step, factor,
                  cases[i].factor);
    }
    for (int s = 0; s < SCHEDULE_COUNT; s++) {
        Schedule parsed;
        Error err = {0};
        want_ok(schedule_parse(slice_from_cstr(schedule_name((Schedule)s)), &parsed, &err), &err);
        cr_assert(parsed == (Schedule)s);
        cr_assert(isfinite(schedule_factor((Schedule)s, 0, 0, 0, 0)));
        cr_assert(schedule_parse(SLICE("sudden"), &parsed, &err) == STATUS_INVALID &&
                  strstr(err.text, "linear"));
    }
}

Test(train_order, visits_every_example_once_an_epoch)
{
    enum { N = 131 };
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, N, 2);
    for (int sorted = 0; sorted < 2; sorted++) {
        size_t orders[2][N];
        const TrainOptions options = {
            .batch_size = 4, .accumulate = 1, .seed = 5, .sort_by_length = sorted};
        for (uint64_t epoch = 0; epoch < 2; epoch++) {
            Error err = {0};
            size_t seen[N] = {0};
            want_ok(
                train_order(&options, HEAD_SEQUENCE, data.examples, N, epoch, orders[epoch], &err),
                &err);
            for (size_t i = 0; i < N; i++) seen[orders[epoch][i]]++;
            for (size_t i = 0; i < N; i++)
                cr_assert(seen[i] == 1, "sorted %d, epoch %llu: example %zu comes %zu times",
                          sorted, (unsigned long long)epoch, i, seen[i]);
        }
        cr_assert(memcmp(orders[0], orders[1], sizeof orders[0]) != 0, "epochs differ");
        size_t spread = 0;
        for (size_t b = 0; b + 4 <= 128; b += 4) {
            for (size_t i = 1; i < 4; i++) {
                const size_t x = data.inputs[orders[0][b]].n_tokens,
                             y = data.inputs[orders[0][b + i]].n_tokens;
                spread += x > y ? x - y : y - x;
            }
        }
        cr_assert(sorted ? spread < 128 : spread > 200,
                  "sorted %d: lengths within batches differ by %zu in all", sorted, spread);
    }
    small_data_release(&data);
    model_close(&model);
}

Test(train_order, draws_classes_equally_often_where_asked)
{
    enum { N = 900 };
    Error err = {0};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, N, 2);
    size_t order[N], counts[3] = {0};
    const TrainOptions options = {
        .batch_size = 4, .accumulate = 1, .seed = 5, .balance_classes = 1};
    for (size_t i = 0; i < N; i++) *small_label(&data, i) = i < 30 ? 0 : i < 100 ? -100 : 2;
    want_ok(train_order(&options, HEAD_SEQUENCE, data.examples, N, 0, order, &err), &err);
    for (size_t i = 0; i < N; i++) {
        cr_assert(data.examples[order[i]].labels[0] >= 0);
        counts[data.examples[order[i]].labels[0]]++;
    }
    cr_assert(counts[1] == 0 && counts[0] > 390 && counts[0] < 510, "%zu of the rare class",
              counts[0]);
    cr_assert(train_order(&options, HEAD_TOKEN, data.examples, N, 0, order, &err) ==
              STATUS_INVALID);
    small_data_release(&data);
    model_close(&model);
}

Test(train, plans_its_steps)
{
    static const struct {
        size_t n, batch, accumulate;
        double epochs;
        uint64_t max_steps, steps;
    } cases[] = {{2000, 16, 1, 3, 0, 375}, {2001, 16, 1, 1, 0, 126}, {100, 16, 2, 2, 0, 8},
                 {100, 10, 1, 0.5, 0, 5},  {100, 10, 1, 0.3, 0, 3},  {100, 10, 1, 3, 7, 7},
                 {1, 16, 1, 1, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const TrainOptions options = {.batch_size = cases[i].batch,
                                      .accumulate = cases[i].accumulate,
                                      .epochs = cases[i].epochs,
                                      .max_steps = cases[i].max_steps};
        cr_assert(train_planned_steps(&options, cases[i].n) == cases[i].steps,
                  "case %zu: %llu steps", i,
                  (unsigned long long)train_planned_steps(&options, cases[i].n));
    }
}

Test(train, passes_over_ignored_labels)
{
    Error err = {0};
    double with = 0, without = 0, none = 1;
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 10, 2);
    Pool *pool = open_pool(1);
    want_ok(model_loss(model, pool, data.examples, 9, NULL, &without, &err), &err);
    *small_label(&data, 9) = -100;
    want_ok(model_loss(model, pool, data.examples, 10, NULL, &with, &err), &err);
    cr_assert(with == without, "%.17g and %.17g", with, without);
    want_ok(model_loss(model, pool, data.examples + 9, 1, NULL, &none, &err), &err);
    cr_assert(none == 0);
    TrainResult result;
    const TrainOptions options = {.max_steps = 1, .dropout = 0};
    want_ok(model_train(model, pool, data.examples + 9, 1, &options, &result, &err), &err);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
}

Test(train, weighs_classes_by_their_rarity)
{
    int32_t labels[] = {0, 0, 0, 2, -100};
    TrainExample examples[5];
    float weights[3];
    for (size_t i = 0; i < 5; i++) examples[i] = (TrainExample){.labels = &labels[i]};
    train_balanced_weights(examples, 5, 3, weights);
    cr_assert(weights[0] == (float)(4.0 / 9.0) && weights[1] == 0.0f &&
                  weights[2] == (float)(4.0 / 3.0),
              "%g %g %g", (double)weights[0], (double)weights[1], (double)weights[2]);
}

Test(train, survives_every_allocation_that_fails)
{
    Error err = {0};
    TrainResult result;
    TrainOptions options = busy_options();
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 7, 2);
    Pool *pool = open_pool(1);
    options.validation = data.examples;
    options.n_validation = 3;
    options.monitor = MONITOR_LOSS;
    options.epochs = 1;
    want_ok(model_keep(model, &err), &err);
    Status s = STATUS_MEMORY;
    for (size_t n = 1; s != STATUS_OK; n++) {
        cr_assert(n < 3000, "it never succeeds");
        err = (Error){0};
        want_ok(model_reset(model, 1, &err), &err);
        arena_fail_after(n);
        s = model_train(model, pool, data.examples, data.n, &options, &result, &err);
        arena_fail_after(0);
        cr_assert(s == STATUS_OK || s == STATUS_MEMORY, "allocation %zu: %s: %s", n, status_name(s),
                  err.text);
    }
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
}
