#include "tests/models/heads.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/architecture.h"
#include "tests/models/model_support.h"

enum { PAD = 0 };

Model *heads_decoder(const char *type, ModelHead head, size_t n_labels, size_t head_dim)
{
    static const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    static const int32_t eos[] = {3};
    Error err = {0};
    Model *model = NULL;
    const bool is_gpt2 = strcmp(type, "gpt2") == 0;
    const ModelConfig config = {.architecture = architecture_find(slice_from_cstr(type)),
                                .head = head,
                                .vocab_size = 50,
                                .n_labels = head == HEAD_CAUSAL_LM ? 50 : n_labels,
                                .labels = head == HEAD_CAUSAL_LM ? NULL : labels,
                                .hidden_size = HEADS_HIDDEN,
                                .n_layers = 2,
                                .n_heads = 4,
                                .n_kv_heads = is_gpt2 ? 4 : 2,
                                .head_dim = head_dim,
                                .rotary = {.dims = head_dim, .rope = {.theta = 10000}},
                                .intermediate_size = 48,
                                .max_positions = 24,
                                .pad_id = PAD,
                                .bos_id = 1,
                                .eos_ids = eos,
                                .n_eos = 1,
                                .layer_norm_eps = 1e-5f,
                                .activation = is_gpt2 ? ACTIVATION_GELU_TANH : ACTIVATION_SILU,
                                .initializer_range = 0.2f,
                                .output = {.is_tied = true}};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

Model *heads_encoder_decoder(const char *type, ModelHead head, size_t hidden_size)
{
    static const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    Error err = {0};
    Model *model = NULL;
    static const int32_t eos[] = {2};
    const bool is_mbart = strcmp(type, "mbart") == 0, is_t5 = strstr(type, "t5") != NULL;
    const ModelConfig config = {.architecture = architecture_find(slice_from_cstr(type)),
                                .head = head,
                                .vocab_size = 50,
                                .n_labels = head == HEAD_SEQ2SEQ ? 50
                                            : head == HEAD_SPAN  ? 2
                                                                 : 3,
                                .labels =
                                    head == HEAD_SEQUENCE || head == HEAD_TOKEN ? labels : NULL,
                                .hidden_size = hidden_size,
                                .n_layers = 2,
                                .n_heads = 4,
                                .head_dim = is_t5 ? hidden_size / 4 : 0,
                                .intermediate_size = 48,
                                .max_positions = 24,
                                .first_position = 2,
                                .decoder = {.n_layers = 2,
                                            .n_heads = is_t5 ? 4 : 2,
                                            .intermediate_size = 40,
                                            .n_encoder_layers = 1,
                                            .start_id = 2,
                                            .n_relative_buckets = 8,
                                            .relative_distance = 16,
                                            .is_gated = strcmp(type, "t5") != 0 && is_t5,
                                            .biases_each = strcmp(type, "umt5") == 0,
                                            .is_pre_norm = is_mbart,
                                            .starts_with_last = is_mbart},
                                .pad_id = 1,
                                .bos_id = 0,
                                .eos_ids = eos,
                                .n_eos = is_t5 ? 1 : 0,
                                .layer_norm_eps = 1e-6f,
                                .activation = ACTIVATION_GELU,
                                .initializer_range = 0.2f};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

float *heads_tensor(const Model *model, const char *name)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    want_ok(model_tensor_shape(model, slice_from_cstr(name), &rows, &cols, &err), &err);
    float *values = calloc(rows * cols, sizeof *values);
    want_ok(model_tensor_read(model, slice_from_cstr(name), values, &err), &err);
    return values;
}

// Mean cross-entropy of classes, in double.
static double loss_of(Model *model, Pool *pool, const SmallData *data)
{
    Error err = {0};
    const size_t width = model_output_width(model);
    float *logits = calloc(data->n * width + 1, sizeof *logits);
    double sum = 0;
    want_ok(model_predict(model, pool, data->inputs, data->n, NULL, logits, &err), &err);
    for (size_t i = 0; i < data->n; i++) {
        double exps = 0;
        const float *row = logits + i * width;
        for (size_t k = 0; k < width; k++) exps += exp((double)row[k]);
        sum += log(exps) - (double)row[data->examples[i].labels[0]];
    }
    free(logits);
    return sum / (double)data->n;
}

// One step of AdamW whose epsilon is 1 goes g / (|g| + 1) times the rate down each weight, from which g follows.
static double gradient_of(float before, float after, double rate)
{
    const double step = ((double)before - (double)after) / rate;
    return step / (1 - fabs(step));
}

void heads_check_gradient(const char *type, Model *model, Model *tuned, const char *const *names,
                          size_t n_names)
{
    Error err = {0};
    const double rate = 0.01, h = 2e-3;
    Pool *pool = open_pool(1);
    SmallData data = small_data(model, 6, 9);
    for (size_t i = 0; i < data.n; i++) {
        const TokenSequence *input = &data.examples[i].input;
        int32_t *ids = data.numbers + (input->ids - data.numbers);
        for (size_t t = 0; t < input->n_tokens; t++)
            ids[t] += ids[t] == 1;    // padding learns nothing
        ids[input->n_tokens - 1] = 2; // the end that an encoder-decoder wants
    }
    const size_t starts[] = {0, 6};
    const TrainOptions options = {
        .learning_rate = rate, .epsilon = 1, .schedule = SCHEDULE_CONSTANT, .dropout = 0};
    TrainResult result = {0};
    want_ok(model_train_batches(tuned, pool, data.examples, starts, 1, &options, &result, &err),
            &err);
    for (size_t k = 0; k < n_names; k++) {
        size_t rows = 0, cols = 0;
        want_ok(model_tensor_shape(model, slice_from_cstr(names[k]), &rows, &cols, &err), &err);
        float *before = heads_tensor(model, names[k]), *after = heads_tensor(tuned, names[k]);
        for (size_t e = 0; e < 6; e++) {
            const size_t at = 37 * e % (rows * cols);
            const float kept = before[at];
            double sides[2];
            for (size_t side = 0; side < 2; side++) {
                before[at] = (float)((double)kept + (side ? h : -h));
                want_ok(model_tensor_write(model, slice_from_cstr(names[k]), before, &err), &err);
                sides[side] = loss_of(model, pool, &data);
            }
            before[at] = kept;
            want_ok(model_tensor_write(model, slice_from_cstr(names[k]), before, &err), &err);
            const double wanted = (sides[1] - sides[0]) / (2 * h);
            const double found = gradient_of(kept, after[at], rate);
            cr_expect_float_eq(found, wanted, 1e-3 + 1e-2 * fabs(wanted), "%s: %s[%zu]: %g, not %g",
                               type, names[k], at, found, wanted);
        }
        free(before);
        free(after);
    }
    small_data_release(&data);
    model_close(&model);
    model_close(&tuned);
    pool_close(&pool);
}
