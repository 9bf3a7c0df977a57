// Embeddings that sentence-transformers' modules.json makes with layers behind pooling, as EmbeddingGemma's.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { WIDTH = 32, MIDDLE = 48, LAST = 20, N_TOKENS = 7 };

#define MODULE(place, kind) \
    "{\"path\": \"" place "\", \"type\": \"sentence_transformers.models." kind "\"}"
#define ALL_MODULES                                                                    \
    "[" MODULE("", "Transformer") ", " MODULE("pool", "Pooling") ", " MODULE(          \
        "2_Dense", "Dense") ", " MODULE("3_Dense", "Dense") ", " MODULE("4_Normalize", \
                                                                        "Normalize") "]"

static void put_layer(const char *model, const char *name, const char *config, size_t n_in,
                      size_t n_out, bool has_bias, float *weight, float *bias)
{
    Error err = {0};
    char folder[600];
    snprintf(folder, sizeof folder, "%s/%s", model, name);
    drawn_shares(SLICE("weight"), name, n_in * n_out, weight);
    drawn_shares(SLICE("bias"), name, n_out, bias);
    for (size_t i = 0; i < n_in * n_out; i++) weight[i] -= 0.5f;
    const SafeItem items[] = {{.name = SLICE_LIT("linear.weight"),
                               .type = TENSOR_F32,
                               .n_dims = 2,
                               .shape = {n_out, n_in},
                               .data = weight},
                              {.name = SLICE_LIT("linear.bias"),
                               .type = TENSOR_F32,
                               .n_dims = 1,
                               .shape = {n_out},
                               .data = bias}};
    want_ok(file_make_directories(folder, &err), &err);
    want_ok(safetensors_write(folder_path(folder, "model.safetensors"), items, has_bias ? 2 : 1,
                              NULL, 0, NULL, NULL, &err),
            &err);
    folder_write(folder, "config.json", config);
}

static void layer_of(size_t n_in, size_t n_out, const float *weight, const float *bias,
                     bool is_tanh, const double *x, double *y)
{
    for (size_t o = 0; o < n_out; o++) {
        y[o] = bias ? (double)bias[o] : 0;
        for (size_t i = 0; i < n_in; i++) y[o] += (double)weight[o * n_in + i] * x[i];
        if (is_tanh) y[o] = tanh(y[o]);
    }
}

static void embed(const char *path, const ModelOptions *options, size_t width, float *out)
{
    Error err = {0};
    Model *model = NULL;
    Pool *pool = open_pool(2);
    int32_t ids[N_TOKENS] = {5, 9, 3, 17, 30, 2, 8};
    const TokenSequence input = {.ids = ids, .n_tokens = N_TOKENS};
    want_ok(model_open(path, options, &model, &err), &err);
    cr_assert_eq(model_output_width(model), width);
    want_ok(model_predict(model, pool, &input, 1, NULL, out, &err), &err);
    pool_close(&pool);
    model_close(&model);
}

static const ModelOptions as_told = {.without_tokenizer = 1};
static const ModelOptions by_the_first = {
    .without_tokenizer = 1, .has_pool = 1, .pool = POOL_FIRST};

static const char *model_with_layers(const char *folder, float *weights, float *biases)
{
    static char path[512];
    snprintf(path, sizeof path, "%s", save_small(folder, HEAD_EMBEDDING, 0));
    Error err = {0};
    put_layer(path, "2_Dense", "{\"in_features\": 32, \"out_features\": 48}", WIDTH, MIDDLE, true,
              weights, biases);
    put_layer(path, "3_Dense",
              "{\"in_features\": 48, \"out_features\": 20, \"bias\": false, "
              "\"activation_function\": \"torch.nn.modules.linear.Identity\"}",
              MIDDLE, LAST, false, weights + (size_t)WIDTH * MIDDLE, biases + MIDDLE);
    want_ok(file_make_directories(folder_path(path, "pool"), &err), &err);
    folder_write(path, "pool/config.json", "{\"pooling_mode_cls_token\": true}");
    folder_write(path, "modules.json", ALL_MODULES);
    return path;
}

Test(embedding_layers, follow_pooling_as_modules_json_says)
{
    static float weights[WIDTH * MIDDLE + MIDDLE * LAST], biases[MIDDLE + LAST];
    float pooled[WIDTH], ours[LAST], again[LAST];
    double x[WIDTH], y[MIDDLE], z[LAST];
    Error err = {0};
    Model *model = NULL;
    const char *folder = folder_make(), *path = model_with_layers(folder, weights, biases);
    char copy[512];
    snprintf(copy, sizeof copy, "%s", folder_path(folder, "copy"));
    embed(path, &by_the_first, WIDTH, pooled);
    embed(path, &as_told, LAST, ours);
    for (size_t i = 0; i < WIDTH; i++) x[i] = (double)pooled[i];
    layer_of(WIDTH, MIDDLE, weights, biases, true, x, y);
    layer_of(MIDDLE, LAST, weights + (size_t)WIDTH * MIDDLE, NULL, false, y, z);
    for (size_t i = 0; i < LAST; i++)
        cr_expect(fabs((double)ours[i] - z[i]) <= 1e-5, "%zu: %g, not %g", i, (double)ours[i],
                  z[i]);

    want_ok(model_open(path, &as_told, &model, &err), &err);
    cr_expect(model_wants_normalized(model));
    want_ok(model_save(model, copy, &err), &err);
    model_close(&model);
    embed(copy, &as_told, LAST, again);
    cr_expect_arr_eq(again, ours, sizeof ours);
    folder_remove(folder);
}

Test(embedding_layers, that_do_not_fit_are_refused)
{
    static const struct {
        const char *file, *text, *says;
    } cases[] = {
        {"2_Dense/config.json", "{\"in_features\": 31, \"out_features\": 48}",
         "in_features is 31, but what comes before it has 32 columns"},
        {"3_Dense/config.json", "{\"in_features\": 48, \"out_features\": 21, \"bias\": false}",
         "3_Dense.linear.weight"},
        {"2_Dense/config.json",
         "{\"in_features\": 32, \"out_features\": 48, \"activation_function\": \"torch.nn.CELU\"}",
         "whose activation is not known"},
        {"2_Dense/config.json",
         "{\"in_features\": 32, \"out_features\": 48, \"module_input_name\": \"token_embeddings\"}",
         "a dense layer of tokens"},
        {"modules.json", "[" MODULE("2_Dense", "Dense") ", " MODULE("pool", "Pooling") "]",
         "a dense layer before pooling"},
        {"modules.json",
         "[" MODULE("pool", "Pooling") ", " MODULE("4", "Normalize") ", " MODULE("2_Dense",
                                                                                 "Dense") "]",
         "a module behind the one that normalises"},
        {"modules.json", "[" MODULE("pool", "Pooling") ", " MODULE("4_Dense", "Dense") "]",
         "4_Dense/config.json"},
        {"modules.json", "[" MODULE("../model/pool", "Pooling") "]",
         "a module's folder must be a plain name beside modules.json"},
        {"modules.json", "[" MODULE("pool", "Pooling") ", " MODULE("..", "Dense") "]",
         "a module's folder must be a plain name beside modules.json"},
        {"modules.json", "{\"path\": \"pool\"}", "modules.json:1:1: must be a list of modules"},
        {"modules.json", "[" MODULE("pool", "Pooling") ", \"2_Dense\"]", "must be a module, {"},
        {"pool/config.json", NULL, "a pooling whose config.json is missing"},
        {"2_Dense/model.safetensors", NULL, "2_Dense/model.safetensors is not there"},
    };
    static float weights[WIDTH * MIDDLE + MIDDLE * LAST], biases[MIDDLE + LAST];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Model *model = NULL;
        const char *folder = folder_make(), *path = model_with_layers(folder, weights, biases);
        if (cases[i].text)
            folder_write(path, cases[i].file, cases[i].text);
        else
            cr_assert_eq(remove(folder_path(path, cases[i].file)), 0);
        cr_expect_neq(model_open(path, &as_told, &model, &err), STATUS_OK, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%zu: %s", i, err.text);
        model_close(&model);
        folder_remove(folder);
    }
}

Test(embedding_layers, cannot_be_said_in_a_gguf_file)
{
    static float weights[WIDTH * MIDDLE + MIDDLE * LAST], biases[MIDDLE + LAST];
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    Pool *pool = open_pool(1);
    const char *folder = folder_make(), *path = model_with_layers(folder, weights, biases);
    cr_expect_neq(model_quantize(path, quantize_format_of(TENSOR_F32),
                                 folder_path(folder, "m.gguf"), pool, NULL, &arena, &report, &err),
                  STATUS_OK);
    cr_expect(strstr(err.text, "a dense layer after pooling"), "%s", err.text);
    pool_close(&pool);
    arena_release(&arena);
    folder_remove(folder);
}
