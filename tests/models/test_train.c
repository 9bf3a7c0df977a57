// Tuning: laws that need no golden. The result depends on model, data and options alone.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "models/model_internal.h"

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

Test(train, gives_the_same_bits_where_activations_are_computed_anew)
{
    static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_MASKED_LM,
                                      HEAD_CAUSAL_LM};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        for (int k = 0; k < 4; k++) {
            TrainOptions options = busy_options();
            if (k == 1) options.freeze = SLICE("embeddings,0");
            if (k == 2) options.gradual_unfreezing = 1;
            if (k == 3) options.freeze = SLICE("1");
            Model *a = small_model(heads[h], 3, 1), *b = small_model(heads[h], 3, 1);
            SmallData data = small_data(a, 23, 2);
            const TrainResult ra = train(a, 1, &data, &options);
            options.gradient_checkpointing = 1;
            const TrainResult rb = train(b, 2, &data, &options);
            cr_assert(ra.last_train_loss == rb.last_train_loss);
            check_equal_weights(model_head_name(heads[h]), a, b);
            small_data_release(&data);
            model_close(&a);
            model_close(&b);
        }
    }
}

// Floats of a worker's buffers for a unit of 512 tokens.
static size_t buffer_floats(const Model *model, bool recomputes)
{
    enum { MOST_PARAMS = 256 };
    Error err = {0};
    Arena arena = {0};
    Program *program = NULL;
    bool trained[MOST_PARAMS];
    cr_assert_leq(model->tape.n_params, MOST_PARAMS);
    for (size_t i = 0; i < model->tape.n_params; i++) trained[i] = true;
    const ProgramOptions options = {
        .is_training = true, .trained = trained, .dropout = 0.1f, .recomputes = recomputes};
    want_ok(program_build(&model->tape, &options, &arena, &program, &err), &err);
    const size_t floats = program_buffer_floats(
        program, (Extent){.n_tokens = 512, .n_sequences = 1, .n_outputs = 512});
    arena_release(&arena);
    return floats;
}

Test(train, activations_that_are_computed_anew_take_less_memory)
{
    Error err = {0};
    Model *model = NULL;
    ModelConfig config = small_config(HEAD_TOKEN, 3);
    config.n_layers = 12;
    const ModelOptions options = {.seed = 1, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    const size_t all = buffer_floats(model, false), few = buffer_floats(model, true);
    cr_expect_lt(few, all * 2 / 5, "%zu floats of %zu", few, all);
    model_close(&model);
}

// Of a gradient with products in bf16: its angle to the one in f32, and that one thread and three agree.
Test(train, products_in_bf16_give_nearly_the_same_gradient_and_learn)
{
    static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_CAUSAL_LM};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        Error err = {0};
        TrainOptions options = busy_options();
        Model *model = small_model(heads[h], 3, 1), *other = small_model(heads[h], 3, 1);
        SmallData data = small_data(model, 9, 2);
        Pool *pool = open_pool(1);
        options.dropout = 0;
        for (size_t i = 0; i < model_n_tensors(model); i++) {
            const Slice name = model_tensor_name(model, i);
            size_t rows = 0, cols = 0;
            double norm[2], xx = 0, yy = 0, xy = 0;
            want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
            float *x = calloc(2 * rows * cols + 1, sizeof *x), *y = x + rows * cols;
            cr_assert_not_null(x);
            for (int k = 0; k < 2; k++) {
                options.bf16_products = k;
                want_ok(model_gradient(model, pool, data.examples, data.n, &options, name,
                                       k ? y : x, &norm[k], &err),
                        &err);
            }
            for (size_t j = 0; j < rows * cols; j++) {
                xx += (double)x[j] * (double)x[j];
                yy += (double)y[j] * (double)y[j];
                xy += (double)x[j] * (double)y[j];
            }
            cr_assert(fabs(norm[1] / norm[0] - 1) < 0.02, "norms %g and %g", norm[0], norm[1]);
            cr_assert(norm[1] != norm[0]);
            // Gradients that are nothing but rounding (of key biases) have no direction.
            if (xx > 1e-8 * norm[0] * norm[0])
                cr_assert(xy / sqrt(xx * yy) > 0.995, SLICE_FMT ": cosine %g", SLICE_ARG(name),
                          xy / sqrt(xx * yy));
            free(x);
        }
        options.bf16_products = 1;
        options.gradient_checkpointing = 1;
        train(model, 1, &data, &options);
        options.gradient_checkpointing = 0;
        train(other, 3, &data, &options);
        check_equal_weights(model_head_name(heads[h]), model, other);
        pool_close(&pool);
        small_data_release(&data);
        model_close(&model);
        model_close(&other);
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
