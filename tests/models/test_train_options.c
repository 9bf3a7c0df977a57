// What the options of tuning mean: freezing, rates, schedules, order, weights, and what is refused.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "models/training/train_run.h"

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
    options.freeze = SLICE("0, name:*.layer.1.*,name:*pooler*,name:classifier.*");
    check_changed(&options, (const bool[]){true, false, false, false}, "tensors by name");
}

Test(train, finds_tensors_to_freeze_by_name)
{
    static const struct {
        const char *text, *wrong; // wrong: part of the message; NULL where it is right
    } cases[] = {{"name:*", NULL},
                 {"name:*.bias", NULL},
                 {"name:classifier.weight", NULL},
                 {"name:*self.query.*,name:*self.key.*,name:*self.value.*", NULL},
                 {"name:*self.query.*", "can only be frozen together: "},
                 {"name:*.bia", "has no tensor \"*.bia\"; its names are like \"bert.enc"},
                 {"name:classifier.weight*t", "has no tensor"},
                 {"name:", "\"name:\" wants the name of a tensor"},
                 {"names:*", "is not understood"}};
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        const Status s = train_freeze(model, slice_from_cstr(cases[i].text), NULL, &err);
        cr_expect_eq(s, cases[i].wrong ? STATUS_INVALID : STATUS_OK, "%s: %s", cases[i].text,
                     err.text);
        cr_expect(!cases[i].wrong || strstr(err.text, cases[i].wrong), "%s: %s", cases[i].text,
                  err.text);
    }
    model_close(&model);
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

// Groups come equally often, and what is in no group as often as without balance.
Test(train_order, draws_groups_equally_often_and_leaves_the_rest)
{
    enum { N = 900 };
    Error err = {0};
    Model *model = small_model(HEAD_TOKEN, 3, 1);
    SmallData data = small_data(model, N, 2);
    size_t order[N], counts[3] = {0};
    int32_t groups[N];
    for (size_t i = 0; i < N; i++) groups[i] = i < 60 ? 1 : i < 360 ? -1 : 0;
    const TrainOptions options = {
        .batch_size = 4, .accumulate = 1, .seed = 5, .balance_groups = groups};
    want_ok(train_order(&options, HEAD_TOKEN, data.examples, N, 0, order, &err), &err);
    for (size_t i = 0; i < N; i++) counts[groups[order[i]] + 1]++;
    for (size_t g = 0; g < 3; g++)
        cr_assert(counts[g] > 240 && counts[g] < 360, "group %zu: %zu of 300", g, counts[g]);
    small_data_release(&data);
    model_close(&model);
}

// An example of weight 2 counts as if it stood twice in the batch, one of weight 1 as without weight.
Test(train, weighs_examples)
{
    static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_CAUSAL_LM};
    static const char *const tensors[] = {
        "bert.encoder.layer.0.output.dense.weight", "bert.encoder.layer.0.output.dense.weight",
        "bert.encoder.layer.0.output.dense.weight", "model.layers.0.mlp.down_proj.weight"};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        enum { N = 6 };
        Error err = {0};
        Model *model = small_model(heads[h], heads[h] == HEAD_SPAN ? 2 : 3, 1);
        SmallData data = small_data(model, N, 2);
        Pool *pool = open_pool(2);
        const TrainOptions options = {.dropout = 0};
        TrainExample twice[N + 1];
        size_t rows, cols;
        double norm, losses[2];
        memcpy(twice, data.examples, N * sizeof *twice);
        twice[N] = twice[2];
        want_ok(model_tensor_shape(model, slice_from_cstr(tensors[h]), &rows, &cols, &err), &err);
        float *want = calloc(rows * cols, sizeof *want), *seen = calloc(rows * cols, sizeof *seen);
        want_ok(model_gradient(model, pool, twice, N + 1, &options, slice_from_cstr(tensors[h]),
                               want, &norm, &err),
                &err);
        want_ok(model_loss(model, pool, twice, N + 1, &options, &losses[0], &err), &err);
        for (size_t i = 0; i < N; i++) data.examples[i].weight = i == 2 ? 2 : 1;
        want_ok(model_gradient(model, pool, data.examples, N, &options, slice_from_cstr(tensors[h]),
                               seen, &norm, &err),
                &err);
        want_ok(model_loss(model, pool, data.examples, N, &options, &losses[1], &err), &err);
        cr_assert(fabs(losses[0] - losses[1]) < 1e-6, "head %zu: %g, twice %g", h, losses[1],
                  losses[0]);
        double largest = 0, off = 0;
        for (size_t i = 0; i < rows * cols; i++) {
            largest = fmax(largest, fabs((double)want[i]));
            off = fmax(off, fabs((double)want[i] - (double)seen[i]));
        }
        cr_assert(largest > 0 && off <= 1e-5 * largest, "head %zu: off by %g of %g", h, off,
                  largest);
        free(want);
        free(seen);
        pool_close(&pool);
        small_data_release(&data);
        model_close(&model);
    }
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
