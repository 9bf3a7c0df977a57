// Checkpoints: a run that was stopped and goes on gives the bits of one that was not.
#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "model_support.h"
#include "models/training/train_run.h"
#include "tests/support/folder.h"

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
    // One bit of a weight: nothing but the checksum can tell.
    Arena arena = {0};
    Slice saved = {0};
    want_ok(file_read(&arena, path, SIZE_MAX, &saved, &err), &err);
    char *flipped = arena_alloc(&arena, saved.len, 1);
    cr_assert(flipped != NULL);
    memcpy(flipped, saved.ptr, saved.len);
    flipped[saved.len / 2] ^= 1;
    want_ok(file_write(path, (Slice){flipped, saved.len}, &err), &err);
    arena_release(&arena);
    cr_assert(model_train(model, pool, data.examples, data.n, &options, &result, &err) ==
                      STATUS_INVALID &&
                  strstr(err.text, "checksum"),
              "%s", err.text);
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
