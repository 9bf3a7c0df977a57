#include "tests/models/saved.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"

const char *save_small(const char *folder, ModelHead head, size_t n_labels)
{
    Error err = {0};
    Model *model = small_model(head, n_labels, 5);
    const char *path = folder_path(folder, "model");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

const char *save_wide(const char *folder)
{
    Error err = {0};
    Model *model = NULL;
    ModelConfig config = small_config(HEAD_SEQUENCE, 3);
    const ModelOptions options = {.seed = 3};
    config.hidden_size = 64;
    config.intermediate_size = 256;
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    const char *path = folder_path(folder, "wide");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

void must_quantize(const char *model, TensorType to, const char *out)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    Pool *pool = open_pool(2);
    want_ok(model_quantize(model, quantize_format_of(to), out, pool, NULL, &arena, &report, &err),
            &err);
    pool_close(&pool);
    arena_release(&arena);
}

void strip_gguf(const char *from, const char *to)
{
    Error err = {0};
    Gguf file;
    GgufBuilder b = {0};
    want_ok(gguf_open(from, &file, &err), &err);
    SafeItem *items = calloc(file.n_tensors + 1, sizeof *items);
    cr_assert_not_null(items);
    for (size_t i = 0; i < file.n_pairs; i++) {
        const GgufPair *pair = &file.pairs[i];
        if (slice_eq_cstr(pair->key, GGUF_KEY_CONFIG)) continue;
        gguf_put_value(&b, pair->key, &pair->value);
    }
    for (size_t i = 0; i < file.n_tensors; i++) {
        const SafeTensor *t = &file.tensors[i];
        items[i] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    want_ok(gguf_write(to, &b, items, file.n_tensors, NULL, NULL, &err), &err);
    gguf_builder_release(&b);
    free(items);
    gguf_close(&file);
}

Model *open_kept(const char *path, Keeping keeping)
{
    Error err = {0};
    Model *model = NULL;
    const ModelOptions options = {.without_tokenizer = 1,
                                  .keep_stored = keeping == AS_STORED,
                                  .mapped = keeping == AS_MAPPED};
    want_ok(model_open(path, &options, &model, &err), &err);
    return model;
}

float *logits_kept(const char *path, Keeping keeping, size_t n_tokens, size_t *n)
{
    Error err = {0};
    int32_t ids[64];
    Model *model = open_kept(path, keeping);
    Pool *pool = open_pool(1);
    const size_t vocab_size = model_config(model)->vocab_size;
    for (size_t i = 0; i < n_tokens; i++) ids[i] = (int32_t)((3 + 7 * i) % vocab_size);
    const TokenSequence input = {.ids = ids, .n_tokens = n_tokens};
    *n = model_output_rows(model, &input, 1) * model_output_width(model);
    float *logits = malloc(*n * sizeof *logits);
    cr_assert_not_null(logits);
    want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
    pool_close(&pool);
    model_close(&model);
    return logits;
}

float largest_difference(const char *a, const char *b)
{
    size_t n = 0, m = 0;
    float *x = logits_kept(a, AS_NUMBERS, 12, &n), *y = logits_kept(b, AS_NUMBERS, 12, &m),
          largest = 0;
    cr_assert_eq(n, m);
    for (size_t i = 0; i < n; i++) {
        const float difference = fabsf(x[i] - y[i]);
        largest = isnan(difference) ? INFINITY : fmaxf(largest, difference);
        if (isinf(largest)) break;
    }
    free(x);
    free(y);
    return largest;
}
