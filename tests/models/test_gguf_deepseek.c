// DeepSeek in GGUF: what makes keys and values is one tensor in checkpoints and in older files, and one each in newer ones.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

static const char small[] =
    "{\"model_type\": \"deepseek_v3\", \"architectures\": [\"DeepseekV3ForCausalLM\"], "
    "\"vocab_size\": 50, \"hidden_size\": 32, \"num_hidden_layers\": 2, "
    "\"num_attention_heads\": 4, \"num_key_value_heads\": 4, \"intermediate_size\": 64, "
    "\"max_position_embeddings\": 40, \"q_lora_rank\": 24, \"kv_lora_rank\": 20, "
    "\"qk_nope_head_dim\": 12, \"qk_rope_head_dim\": 8, \"v_head_dim\": 16, "
    "\"n_routed_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 24, "
    "\"n_shared_experts\": 1, \"first_k_dense_replace\": 1, \"n_group\": 2, \"topk_group\": 1, "
    "\"initializer_range\": 0.1}";

// As older files of llama.cpp have them: one tensor makes both, and the metadata speak of heads as they are.
static void put_older(const char *from, const char *to)
{
    Error err = {0};
    Gguf file;
    Safetensors told;
    GgufBuilder b = {0};
    float *joined[8] = {0};
    Buffer text = {0};
    JsonDocument *config = NULL;
    int64_t n_heads = 0, n_key = 0, n_value = 0;
    want_ok(gguf_open(from, &file, &err), &err);
    want_ok(gguf_config(&file, &text, &err), &err);
    want_ok(json_parse(SLICE("config"), buffer_slice(&text), JSON_STRICT, &config, &err), &err);
    want_ok(gguf_tensors(&file, json_root(config), &told, &err), &err);
    const struct {
        const char *key;
        int64_t *value;
        const char *of;
    } sizes[] = {
        {"deepseek2.attention.head_count_kv", &n_heads, "deepseek2.attention.head_count"},
        {"deepseek2.attention.key_length", &n_key, "deepseek2.attention.key_length_mla"},
        {"deepseek2.attention.value_length", &n_value, "deepseek2.attention.value_length_mla"}};
    for (size_t k = 0; k < 3; k++) {
        want_ok(gguf_get_int(&file, sizes[k].of, 1, 1000, sizes[k].value, NULL, &err), &err);
        gguf_put_u32(&b, sizes[k].key, (uint32_t)*sizes[k].value);
    }
    for (size_t i = 0; i < file.n_pairs; i++) {
        const GgufPair *pair = &file.pairs[i];
        bool is_left_out =
            slice_eq_cstr(pair->key, GGUF_KEY_CONFIG) || slice_ends_with(pair->key, SLICE("_mla"));
        for (size_t k = 0; k < 3; k++)
            is_left_out = is_left_out || slice_eq_cstr(pair->key, sizes[k].key);
        if (!is_left_out) gguf_put_value(&b, pair->key, &pair->value);
    }
    SafeItem items[128] = {0};
    size_t n = 0, n_joined = 0;
    for (size_t i = 0; i < told.n_tensors; i++) {
        const SafeTensor *t = &told.tensors[i];
        char name[GGUF_NAME_SIZE];
        if (t->change != SAFE_KEYS_VALUES) continue;
        cr_assert(gguf_name_from_model(gguf_family_of_model(SLICE("deepseek_v3")), t->name, name));
        float *numbers = joined[n_joined++] = calloc(t->n_elements, sizeof *numbers);
        want_ok(safetensor_read_f32(t, numbers, &err), &err);
        items[n] = (SafeItem){.name = arena_copy(&told.arena, slice_from_cstr(name)),
                              .type = TENSOR_F32,
                              .n_dims = 2,
                              .data = numbers};
        memcpy(items[n++].shape, t->shape, sizeof t->shape);
    }
    cr_assert_gt(n_joined, 0);
    for (size_t i = 0; i < file.n_tensors && n < 128; i++) {
        const SafeTensor *t = &file.tensors[i];
        if (slice_ends_with(t->name, SLICE("_k_b.weight")) ||
            slice_ends_with(t->name, SLICE("_v_b.weight")))
            continue;
        items[n] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[n++].shape, t->shape, sizeof t->shape);
    }
    want_ok(gguf_write(to, &b, items, n, NULL, NULL, &err), &err);
    for (size_t i = 0; i < n_joined; i++) free(joined[i]);
    gguf_builder_release(&b);
    safetensors_close(&told);
    json_close(&config);
    buffer_release(&text);
    gguf_close(&file);
}

Test(gguf_deepseek, keys_and_values_are_two_tensors_or_one)
{
    Arena arena = {0};
    Error err = {0};
    Gguf file;
    ModelConfig config;
    Model *model = NULL;
    const ModelOptions options = {.seed = 11, .without_tokenizer = 1};
    const char *folder = folder_make();
    const char *path = folder_path(folder, "model"), *own = folder_path(folder, "own.gguf"),
               *older = folder_path(folder, "older.gguf"), *back = folder_path(folder, "back");
    want_ok(parse_config(&arena, small, &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    must_quantize(path, TENSOR_F32, own);
    want_ok(gguf_open(own, &file, &err), &err);
    const SafeTensor *keys = gguf_tensor(&file, SLICE("blk.1.attn_k_b.weight")),
                     *values = gguf_tensor(&file, SLICE("blk.1.attn_v_b.weight"));
    cr_assert(keys && values && !gguf_tensor(&file, SLICE("blk.1.attn_kv_b.weight")));
    want_ok(safetensor_want_shape(keys, 3, (const size_t[3]){4, 20, 12}, &err), &err);
    want_ok(safetensor_want_shape(values, 3, (const size_t[3]){4, 16, 20}, &err), &err);
    gguf_close(&file);
    must_quantize(own, TENSOR_F32, back);
    put_older(own, older);
    cr_expect_eq(largest_difference(path, own), 0.0f);
    cr_expect_eq(largest_difference(path, back), 0.0f);
    const float of_older = largest_difference(path, older);
    cr_expect_lt(of_older, 1e-5f, "%g", (double)of_older);
    arena_release(&arena);
    folder_remove(folder);
}

Test(gguf_deepseek, keys_without_values_are_refused)
{
    Error err = {0};
    Gguf file;
    GgufBuilder b = {0};
    Safetensors told;
    JsonDocument *config = NULL;
    const float numbers[8] = {0};
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    const SafeItem keys = {.name = SLICE("blk.0.attn_k_b.weight"),
                           .type = TENSOR_F32,
                           .n_dims = 3,
                           .shape = {2, 2, 2},
                           .data = numbers};
    gguf_put_string(&b, "general.architecture", SLICE("deepseek2"));
    want_ok(gguf_write(path, &b, &keys, 1, NULL, NULL, &err), &err);
    want_ok(gguf_open(path, &file, &err), &err);
    want_ok(json_parse(SLICE("config"), SLICE("{\"model_type\": \"deepseek_v3\"}"), JSON_STRICT,
                       &config, &err),
            &err);
    cr_assert_eq(gguf_tensors(&file, json_root(config), &told, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "blk.0.attn_v_b.weight"), "%s", err.text);
    json_close(&config);
    gguf_close(&file);
    gguf_builder_release(&b);
    folder_remove(folder);
}
