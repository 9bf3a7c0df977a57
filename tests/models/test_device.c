// Models and GPUs: what can be said of them without one, and their agreement where there is one.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "kernels/device.h"
#include "model_support.h"
#include "models/model_internal.h"

static const Device gpu = {.kind = DEVICE_CUDA};

static Status create_on(Device device, ModelHead head, Model **out, Error *err)
{
    const ModelConfig config = small_config(head, 3);
    const ModelOptions options = {.device = device, .seed = 5, .without_tokenizer = 1};
    return model_create(&config, NULL, &options, out, err);
}

Test(device, a_gpu_that_is_not_there_is_refused_in_one_sentence)
{
    size_t n = 0;
    Error err = {0};
    Model *model = NULL;
    if (device_count(&n, &err) != STATUS_OK) cr_expect_eq(n, 0);
    const Device missing = {.kind = DEVICE_CUDA, .index = (int)n};
    char name[16];
    snprintf(name, sizeof name, "cuda:%zu", n);
    cr_expect_eq(create_on(missing, HEAD_SEQUENCE, &model, &err), STATUS_DEVICE);
    cr_expect_null(model);
    cr_expect_not_null(strstr(err.text, name), "%s", err.text);
    cr_expect_null(strchr(err.text, '\n'), "%s", err.text);
    if (n == 0 && op_find(OP_LINEAR, DTYPE_F32, "cuda"))
        cr_expect_not_null(strstr(err.text, "--device cpu"), "%s", err.text);
}

Test(device, tuning_on_a_gpu_is_refused_by_name)
{
    Error err = {0};
    TrainResult result = {0};
    const TrainOptions options = busy_options();
    Pool *pool = open_pool(1);
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    SmallData data = small_data(model, 4, 2);
    model->exec_options.device = gpu; // as if it were there: the refusal comes before anything runs
    cr_expect_eq(model_capabilities(model) & MODEL_CAN_TRAIN, 0);
    cr_expect_eq(model_train(model, pool, data.examples, data.n, &options, &result, &err),
                 STATUS_DEVICE);
    cr_expect_not_null(strstr(err.text, "tuning on a GPU (cuda:0) is not in this version"), "%s",
                       err.text);
    cr_expect_not_null(strstr(err.text, "--device cpu"), "%s", err.text);
    cr_expect_eq(model_keep(model, &err), STATUS_DEVICE);
    model->exec_options.device = (Device){0};
    small_data_release(&data);
    model_close(&model);
    pool_close(&pool);
}

Test(device, every_step_of_every_head_has_a_row_for_gpus)
{
    if (!op_find(OP_LINEAR, DTYPE_F32, "cuda")) cr_skip_test("this build has no CUDA kernels");
    for (int head = 0; head < HEAD_COUNT; head++) {
        if (head == HEAD_SEQ2SEQ) continue; // encoder-decoders do not run on GPUs in this version
        Model *model = small_model((ModelHead)head, 3, 1);
        const Program *program = model->program;
        cr_assert_gt(program->n_forward, 0);
        for (size_t i = 0; i < program->n_forward; i++) {
            const OpKind op = program->steps[i].op;
            const OpRow *row = op_best(op, DTYPE_F32, DEVICE_CUDA, 0);
            cr_expect_not_null(row, "%s head, step %zu: %s has no CUDA row",
                               model_head_name((ModelHead)head), i, op_info(op)->name);
            cr_expect(!row || row->forward_safe);
        }
        model_close(&model);
    }
}

Test(device, units_for_gpus_are_large_but_bounded)
{
    Model *model = small_model(HEAD_TOKEN, 3, 1);
    cr_expect_eq(model_unit_tokens(model), 768);
    model->exec_options.device = gpu;
    cr_expect_eq(model_unit_tokens(model), 16384);
    model->exec_options.device = (Device){0};
    model_close(&model);

    // Logits over a large vocabulary: a unit's values stay within 512 MiB.
    Error err = {0};
    ModelConfig config = small_config(HEAD_MASKED_LM, 0);
    config.vocab_size = config.n_labels = 60000;
    const ModelOptions options = {.without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    model->exec_options.device = gpu;
    const size_t tokens = model_unit_tokens(model);
    cr_expect_geq(tokens, 768);
    const Extent extent = {
        .n_tokens = tokens, .n_sequences = tokens / 2, .n_outputs = tokens, .n_targets = tokens};
    cr_expect_leq(program_buffer_floats(model->program, extent), (512u << 20) / 4);
    model->exec_options.device = (Device){0};
    model_close(&model);
}

static float *predict(Model *model, Pool *pool, const TokenSequence *inputs, size_t n, size_t *len)
{
    Error err = {0};
    *len = model_output_rows(model, inputs, n) * model_output_width(model);
    float *logits = calloc(*len, sizeof *logits);
    want_ok(model_predict(model, pool, inputs, n, NULL, logits, &err), &err);
    return logits;
}

// Sequence by sequence on the GPU: the bits of one call.
static void check_alone(Model *model, Pool *pool, const SmallData *data, const float *together)
{
    for (size_t i = 0, at = 0; i < data->n; i++) {
        size_t len = 0;
        float *alone = predict(model, pool, &data->inputs[i], 1, &len);
        cr_assert_arr_eq(alone, together + at, len * sizeof *alone, "sequence %zu", i);
        at += len;
        free(alone);
    }
}

Test(device, a_gpu_predicts_what_the_cpu_does)
{
    size_t n_gpus = 0;
    Error err = {0};
    if (device_count(&n_gpus, &err) != STATUS_OK) cr_skip_test("%s", err.text);
    Pool *pool = open_pool(2);
    for (int head = 0; head < HEAD_COUNT; head++) {
        if (head == HEAD_SEQ2SEQ) continue;
        Model *here = NULL, *there = NULL;
        size_t len = 0;
        want_ok(create_on((Device){0}, (ModelHead)head, &here, &err), &err);
        want_ok(create_on(gpu, (ModelHead)head, &there, &err), &err);
        SmallData data = small_data(here, 9, 3);
        float *expected = predict(here, pool, data.inputs, data.n, &len);
        float *got = predict(there, pool, data.inputs, data.n, &len);
        for (size_t i = 0; i < len; i++) {
            cr_assert_float_eq(got[i], expected[i], 1e-5, "%s head, number %zu: %.9g and %.9g",
                               model_head_name((ModelHead)head), i, (double)got[i],
                               (double)expected[i]);
        }
        check_alone(there, pool, &data, got);
        free(got);
        free(expected);
        small_data_release(&data);
        model_close(&there);
        model_close(&here);
    }
    pool_close(&pool);
}
