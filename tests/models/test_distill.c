// Learning from a teacher: the loss against PyTorch, its gradient against finite differences, and what it makes of models.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "model_support.h"
#include "models/training/loss.h"

// ---- the loss of one unit ----

static const float student[4][3] = {
    {0.5f, -1.25f, 2.0f}, {1.5f, 0.25f, -0.75f}, {-2.0f, 0.125f, 0.5f}, {0.0f, 3.0f, -1.0f}};
static const float teacher[4][3] = {
    {1.0f, -0.5f, 3.0f}, {-1.0f, 2.5f, 0.25f}, {0.5f, 0.5f, -4.0f}, {2.0f, 1.0f, 0.0f}};

typedef struct UnitCase {
    ModelHead head;
    size_t n_sequences, n_cols;
    int32_t offsets[5], labels[4];
    bool is_weighted;
    double loss, gradient[4][3];
} UnitCase;

// torch 2.15 in double: (1 - 0.7) * cross_entropy(s, y, weight) + 0.7 * kl_div(log_softmax(s / 2.5), softmax(t / 2.5),
// "batchmean") * 2.5^2; of spans half the sum over both ends, each sequence one row.
static const UnitCase unit_cases[] = {
    {.head = HEAD_SEQUENCE,
     .n_sequences = 4,
     .n_cols = 3,
     .offsets = {0, 1, 2, 3, 4},
     .labels = {2, -100, 1, 0},
     .is_weighted = true,
     .loss = 1.509380220,
     .gradient = {{0.023492653, 0.003166080, -0.026658734},
                  {0.152066164, -0.132828449, -0.019237715},
                  {-0.121878291, -0.137922210, 0.259800501},
                  {-0.200453341, 0.232960569, -0.032507228}}},
    {.head = HEAD_TOKEN,
     .n_sequences = 2,
     .n_cols = 3,
     .offsets = {0, 3, 4},
     .labels = {2, -100, 1, 0},
     .is_weighted = true,
     .loss = 1.443759355,
     .gradient = {{0.028797535, 0.003782487, -0.032580022},
                  {0, 0, 0},
                  {-0.165155366, -0.148949785, 0.314105151},
                  {-0.240031482, 0.283864390, -0.043832908}}},
    {.head = HEAD_SPAN,
     .n_sequences = 2,
     .n_cols = 2,
     .offsets = {0, 3, 4},
     .labels = {1, 2, -100, -100},
     .loss = 0.556399440,
     .gradient = {{-0.000438427, 0.036659687},
                  {0.098847471, -0.003690471},
                  {-0.098409044, -0.032969216},
                  {0, 0}}},
};

static const float unit_weights[3] = {1.0f, 2.0f, 0.5f};

// Labels as each sequence's examples have them, so that the batch's weights are counted as in tuning.
static LossSums batch_weights(const LossOptions *options, const UnitCase *c)
{
    LossSums batch = {0};
    for (size_t s = 0; s < c->n_sequences; s++) {
        const size_t first = (size_t)c->offsets[s], n = (size_t)c->offsets[s + 1] - first;
        const TrainExample example = {.input = {.n_tokens = n},
                                      .labels = c->labels + (c->head == HEAD_SPAN ? 2 * s : first)};
        loss_add_weights(options, &example, &batch);
    }
    return batch;
}

static double unit_loss(Exec *exec, const UnitCase *c, float *logits, float *gradient)
{
    Error err = {0};
    const LossOptions options = {.head = c->head,
                                 .class_weights = c->is_weighted ? unit_weights : NULL,
                                 .temperature = 2.5,
                                 .alpha = 0.7};
    const LossSums batch = batch_weights(&options, c);
    float told[12];
    LossSums sums;
    for (size_t i = 0; i < 4; i++)
        memcpy(told + i * c->n_cols, teacher[i], c->n_cols * sizeof *told);
    const Tensor s = tensor_f32(logits, 4, c->n_cols), t = tensor_f32(told, 4, c->n_cols),
                 g = tensor_f32(gradient, 4, c->n_cols);
    const LossRows rows = {
        .offsets = c->offsets, .n_sequences = c->n_sequences, .labels = c->labels, .teacher = &t};
    want_ok(loss_unit(&options, exec, &s, &rows, &batch, gradient ? &g : NULL, &sums, &err), &err);
    return loss_mean(&options, &sums);
}

static void fill_student(const UnitCase *c, float *logits)
{
    for (size_t i = 0; i < 4; i++)
        memcpy(logits + i * c->n_cols, student[i], c->n_cols * sizeof *logits);
}

Test(distill, the_loss_and_its_gradient_are_pytorchs)
{
    Error err = {0};
    Exec *exec = NULL;
    want_ok(exec_open(&(ExecOptions){0}, &exec, &err), &err);
    for (size_t k = 0; k < sizeof unit_cases / sizeof *unit_cases; k++) {
        const UnitCase *c = &unit_cases[k];
        float logits[12], gradient[12];
        fill_student(c, logits);
        const double loss = unit_loss(exec, c, logits, gradient);
        cr_assert(fabs(loss - c->loss) < 2e-6, "%s: loss %.9f, not %.9f", model_head_name(c->head),
                  loss, c->loss);
        for (size_t i = 0; i < 4 * c->n_cols; i++) {
            const double wanted = c->gradient[i / c->n_cols][i % c->n_cols];
            cr_assert(fabs((double)gradient[i] - wanted) < 1e-6,
                      "%s: gradient %zu is %.9f, not %.9f", model_head_name(c->head), i,
                      (double)gradient[i], wanted);
        }
    }
    exec_close(&exec);
}

Test(distill, the_gradient_is_that_of_finite_differences)
{
    Error err = {0};
    Exec *exec = NULL;
    want_ok(exec_open(&(ExecOptions){0}, &exec, &err), &err);
    for (size_t k = 0; k < sizeof unit_cases / sizeof *unit_cases; k++) {
        const UnitCase *c = &unit_cases[k];
        float logits[12], gradient[12];
        fill_student(c, logits);
        unit_loss(exec, c, logits, gradient);
        for (size_t i = 0; i < 4 * c->n_cols; i++) {
            const float step = 1.0f / 64, before = logits[i];
            logits[i] = before + step;
            const double above = unit_loss(exec, c, logits, NULL);
            logits[i] = before - step;
            const double below = unit_loss(exec, c, logits, NULL);
            logits[i] = before;
            const double slope = (above - below) / (2 * (double)step);
            // The third derivative is below 1, rounding of the losses below 1e-6.
            cr_assert(fabs((double)gradient[i] - slope) < 1.2e-4, "%s: gradient %zu is %g, not %g",
                      model_head_name(c->head), i, (double)gradient[i], slope);
        }
    }
    exec_close(&exec);
}

// ---- models ----

static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_MASKED_LM,
                                  HEAD_CAUSAL_LM};

// The teacher's logits for all examples, put into them.
static void ask_teacher(Model *model, SmallData *data, Arena *arena)
{
    Error err = {0};
    Pool *pool = open_pool(2);
    const float *rows[32];
    cr_assert_leq(data->n, 32);
    want_ok(distill_logits(model, pool, data->inputs, data->n, NULL, model_output_width(model),
                           NULL, arena, rows, &err),
            &err);
    for (size_t i = 0; i < data->n; i++) data->examples[i].teacher = rows[i];
    pool_close(&pool);
}

Test(distill, a_teacher_that_is_asked_gives_the_bits_of_answers_that_were_kept)
{
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        Arena arena = {0};
        TrainOptions options = busy_options();
        Model *told = small_model(heads[h], 3, 7), *a = small_model(heads[h], 3, 1),
              *b = small_model(heads[h], 3, 1), *plain = small_model(heads[h], 3, 1);
        SmallData data = small_data(a, 23, 2);
        DistillOptions distill = {.temperature = 3, .alpha = 0.6, .teacher = told};
        const TrainResult hard = train(plain, 1, &data, &options);
        options.distill = &distill;
        const TrainResult live = train(a, 1, &data, &options);
        ask_teacher(told, &data, &arena);
        distill.teacher = NULL;
        const TrainResult kept = train(b, 3, &data, &options);
        cr_assert(live.last_train_loss == kept.last_train_loss);
        cr_assert(live.last_train_loss != hard.last_train_loss);
        check_equal_weights(model_head_name(heads[h]), a, b);
        Model *none = small_model(heads[h], 3, 1);
        distill.alpha = 0; // the labels alone
        train(none, 2, &data, &options);
        check_equal_weights("alpha 0", plain, none);
        model_close(&none);
        model_close(&told);
        model_close(&a);
        model_close(&b);
        model_close(&plain);
        small_data_release(&data);
        arena_release(&arena);
    }
}

Test(distill, a_model_learns_its_teachers_answers_without_any_label)
{
    Error err = {0};
    Arena arena = {0};
    const DistillOptions distill = {.temperature = 2, .alpha = 1};
    const TrainOptions options = {.learning_rate = 3e-3,
                                  .batch_size = 8,
                                  .epochs = 60,
                                  .dropout = 0,
                                  .clip_norm = 1,
                                  .distill = &distill};
    Model *told = small_model(HEAD_SEQUENCE, 3, 7), *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 32, 2);
    float logits[2][96];
    Pool *pool = open_pool(1);
    double before = 0, after = 0;
    for (size_t i = 0; i < data.n; i++) *small_label(&data, i) = -100;
    ask_teacher(told, &data, &arena);
    for (int k = 0; k < 2; k++) {
        if (k == 1) train(model, 1, &data, &options);
        want_ok(model_predict(model, pool, data.inputs, data.n, NULL, logits[k], &err), &err);
    }
    // Up to what a softmax does not see: a number added to a row.
    for (size_t i = 0; i < data.n; i++) {
        for (size_t c = 1; c < 3; c++) {
            const double wanted =
                (double)data.examples[i].teacher[c] - (double)data.examples[i].teacher[0];
            before += fabs((double)logits[0][3 * i + c] - (double)logits[0][3 * i] - wanted);
            after += fabs((double)logits[1][3 * i + c] - (double)logits[1][3 * i] - wanted);
        }
    }
    cr_assert(after < 0.2 * before, "the distance went from %g to %g", before, after);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&told);
    model_close(&model);
    arena_release(&arena);
}

static void expect_refusal(const DistillOptions *distill, const char *says)
{
    Error err = {0};
    TrainResult result;
    TrainOptions options = busy_options();
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 5, 2);
    Pool *pool = open_pool(1);
    options.distill = distill;
    cr_assert_eq(model_train(model, pool, data.examples, data.n, &options, &result, &err),
                 STATUS_INVALID);
    cr_assert_neq(slice_find(slice_from_cstr(err.text), slice_from_cstr(says)), SIZE_MAX, "%s",
                  err.text);
    pool_close(&pool);
    small_data_release(&data);
    model_close(&model);
}

Test(distill, refuses_teachers_that_cannot_teach)
{
    Model *four = small_model(HEAD_SEQUENCE, 4, 7), *tags = small_model(HEAD_TOKEN, 3, 7);
    expect_refusal(&(DistillOptions){.temperature = 0, .alpha = 0.5}, "temperature 0");
    expect_refusal(&(DistillOptions){.temperature = (double)NAN, .alpha = 0.5}, "temperature");
    expect_refusal(&(DistillOptions){.temperature = 2, .alpha = 1.5}, "share 1.5");
    expect_refusal(&(DistillOptions){.temperature = 2, .alpha = 0.5}, "without a teacher's logits");
    expect_refusal(&(DistillOptions){.temperature = 2, .alpha = 0.5, .teacher = four}, "4 outputs");
    expect_refusal(&(DistillOptions){.temperature = 2, .alpha = 0.5, .teacher = tags}, "token");
    model_close(&four);
    model_close(&tags);
}
