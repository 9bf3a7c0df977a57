// Weights kept as a file has them, mapped, or rounded for products in low precision: the same answers in any company.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

Test(weights_kept, as_stored_give_the_same_bits)
{
    static const TensorType types[] = {TENSOR_F16,    TENSOR_BF16,  TENSOR_Q8_0, TENSOR_Q4_0,
                                       TENSOR_Q4_1,   TENSOR_Q5_0,  TENSOR_Q5_1, TENSOR_Q4_K,
                                       TENSOR_Q5_K,   TENSOR_Q6_K,  TENSOR_Q2_K, TENSOR_Q3_K,
                                       TENSOR_IQ4_NL, TENSOR_IQ4_XS};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *folder = folder_make(), *path = folder_path(folder, "q.gguf");
        size_t n = 0, m = 0;
        must_quantize(save_wide(folder), types[i], path);
        for (size_t n_tokens = 1; n_tokens < 20; n_tokens += 6) {
            float *plain = logits_kept(path, AS_NUMBERS, n_tokens, &n),
                  *kept = logits_kept(path, AS_STORED, n_tokens, &m),
                  *mapped = logits_kept(path, AS_MAPPED, n_tokens, &m);
            cr_assert_eq(n, m);
            cr_assert_arr_eq(plain, kept, n * sizeof *plain, "%s", tensor_type_name(types[i]));
            cr_assert_arr_eq(plain, mapped, n * sizeof *plain, "%s", tensor_type_name(types[i]));
            free(plain);
            free(kept);
            free(mapped);
        }
        Model *plain = open_kept(path, AS_NUMBERS), *kept = open_kept(path, AS_STORED);
        cr_expect_lt(model_size(kept).weight_bytes, model_size(plain).weight_bytes * 3 / 4, "%s",
                     tensor_type_name(types[i]));
        check_equal_weights(tensor_type_name(types[i]), plain, kept);
        cr_expect_not(model_capabilities(kept) & MODEL_CAN_TRAIN);
        model_close(&plain);
        model_close(&kept);
        folder_remove(folder);
    }
}

Test(weights_kept, mapped_they_give_the_same_bits_and_read_back_the_same)
{
    // Inputs first, stacked parts, tied tables, 16 bits, rows of queries in pairs.
    static const char *const names[] = {"tiny-gpt2",
                                        "tiny-llama2",
                                        "tiny-llama-linear-bf16",
                                        "tiny-qwen3",
                                        "tiny-phi3",
                                        "tiny-bert-seqcls",
                                        "stories260K/stories260K-f32.gguf",
                                        "stories260K/stories260K-q5_1.gguf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char relative[128], model[1024];
        snprintf(relative, sizeof relative, "models/%s", names[i]);
        const char *shared = shared_need(relative);
        snprintf(model, sizeof model, "%s", shared);
        for (size_t n_tokens = 1; n_tokens < 20; n_tokens += 9) {
            size_t n = 0, m = 0;
            float *plain = logits_kept(model, AS_NUMBERS, n_tokens, &n),
                  *mapped = logits_kept(model, AS_MAPPED, n_tokens, &m);
            cr_assert_eq(n, m);
            cr_assert_arr_eq(plain, mapped, n * sizeof *plain, "%s", names[i]);
            free(plain);
            free(mapped);
        }
        Model *plain = open_kept(model, AS_NUMBERS), *mapped = open_kept(model, AS_MAPPED);
        check_equal_weights(names[i], plain, mapped);
        const ModelSize all = model_size(plain), rest = model_size(mapped);
        cr_expect_gt(rest.mapped_bytes, 0);
        cr_expect_lt(rest.weight_bytes, all.weight_bytes / 4, "%s: %llu of %llu bytes", names[i],
                     (unsigned long long)rest.weight_bytes, (unsigned long long)all.weight_bytes);
        model_close(&plain);
        model_close(&mapped);
    }
}

// A model whose feed-forward layers are wide enough to be shared among threads.
static const char *save_wider(const char *folder)
{
    Error err = {0};
    Model *model = NULL;
    ModelConfig config = small_config(HEAD_SEQUENCE, 3);
    config.hidden_size = 256;
    config.intermediate_size = 512;
    want_ok(model_create(&config, NULL, NULL, &model, &err), &err);
    const char *path = folder_path(folder, "wider");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

// The output of one long text; freed by the caller.
static float *long_output(Model *model, size_t n_threads, size_t *n)
{
    enum { N_TOKENS = 24 };
    Error err = {0};
    int32_t ids[N_TOKENS];
    const TokenSequence input = {.ids = ids, .n_tokens = N_TOKENS};
    for (size_t i = 0; i < N_TOKENS; i++)
        ids[i] = (int32_t)((3 + 7 * i) % model_config(model)->vocab_size);
    *n = model_output_rows(model, &input, 1) * model_output_width(model);
    float *out = malloc(*n * sizeof *out);
    cr_assert_not_null(out);
    Pool *pool = open_pool(n_threads);
    want_ok(model_predict(model, pool, &input, 1, NULL, out, &err), &err);
    pool_close(&pool);
    return out;
}

Test(weights_kept, mapped_rows_are_shared_among_threads_with_the_same_bits)
{
    static const TensorType types[] = {TENSOR_F32, TENSOR_BF16, TENSOR_Q8_0, TENSOR_Q4_K};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *folder = folder_make(), *path = folder_path(folder, "q.gguf");
        size_t n = 0, m = 0;
        must_quantize(save_wider(folder), types[i], path);
        Model *mapped = open_kept(path, AS_MAPPED);
        float *one = long_output(mapped, 1, &n), *three = long_output(mapped, 3, &m);
        cr_assert_eq(n, m);
        cr_assert_arr_eq(one, three, n * sizeof *one, "%s", tensor_type_name(types[i]));
        free(one);
        free(three);
        model_close(&mapped);
        folder_remove(folder);
    }
}

// Opens for products of that kind; skips the test where the CPU has none.
static Model *open_low(const char *path, ComputeMode compute)
{
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.without_tokenizer = 1, .keep_stored = 1, .compute = compute};
    const Status s = model_open(path, &options, &model, &err);
    if (s == STATUS_DEVICE) cr_skip_test("%s", err.text);
    want_ok(s, &err);
    return model;
}

enum { LOW_SEQUENCES = 7 };

// Outputs of sequences of 1, 4, 7, ... ids, all in one call; freed by the caller.
static float *low_outputs(Model *model, size_t n_sequences, size_t n_threads, size_t *n)
{
    static int32_t ids[64];
    Error err = {0};
    TokenSequence inputs[LOW_SEQUENCES] = {0};
    for (size_t i = 0; i < 64; i++)
        ids[i] = (int32_t)((5 + 11 * i) % model_config(model)->vocab_size);
    for (size_t i = 0; i < n_sequences; i++)
        inputs[i] = (TokenSequence){.ids = ids + i, .n_tokens = 1 + 3 * i};
    *n = model_output_rows(model, inputs, n_sequences) * model_output_width(model);
    float *out = malloc(*n * sizeof *out);
    cr_assert_not_null(out);
    Pool *pool = open_pool(n_threads);
    want_ok(model_predict(model, pool, inputs, n_sequences, NULL, out, &err), &err);
    pool_close(&pool);
    return out;
}

Test(weights_kept, products_in_low_precision_are_close_and_the_same_in_any_company)
{
    static const ComputeMode modes[] = {COMPUTE_BF16, COMPUTE_I8};
    static const TensorType types[] = {TENSOR_F32, TENSOR_BF16, TENSOR_Q8_0, TENSOR_Q4_K};
    for (size_t i = 0; i < 8; i++) {
        const char *folder = folder_make(), *path = folder_path(folder, "q.gguf");
        size_t n = 0, m = 0, all = 0;
        must_quantize(save_wide(folder), types[i / 2], path);
        Model *low = open_low(path, modes[i % 2]), *plain = open_kept(path, AS_STORED);
        float *a = low_outputs(low, LOW_SEQUENCES, 2, &n),
              *b = low_outputs(plain, LOW_SEQUENCES, 1, &m);
        cr_assert_eq(n, m);
        double error = 0, size = 0;
        for (size_t j = 0; j < n; j++) {
            error += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
            size += (double)b[j] * (double)b[j];
        }
        // int8 rounds a block of inputs, and a block of weights, by up to 1/254 of its largest number each; bf16 less.
        cr_expect_lt(sqrt(error / size), 0.05, "%s: %g", tensor_type_name(types[i / 2]),
                     sqrt(error / size));
        float *some = low_outputs(low, LOW_SEQUENCES - 3, 1, &all);
        cr_expect_arr_eq(a, some, all * sizeof *a);
        free(a);
        free(b);
        free(some);
        model_close(&low);
        model_close(&plain);
        folder_remove(folder);
    }
}

Test(weights_kept, low_precision_is_refused_where_weights_are_tuned)
{
    Error err = {0};
    Model *model = NULL;
    const char *folder = folder_make(), *path = save_wide(folder);
    const ModelOptions options = {.without_tokenizer = 1, .compute = COMPUTE_I8};
    cr_expect_eq(model_open(path, &options, &model, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "f32"), "%s", err.text);
    folder_remove(folder);
}
