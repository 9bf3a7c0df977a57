// Granite 4 in GGUF: gates and what they gate are one tensor in checkpoints, and one each there.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

// The path. positions: "rope", or "nope" for none.
static const char *save_granite(const char *folder, const char *positions)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig config;
    Model *model = NULL;
    char text[1024];
    const ModelOptions options = {.seed = 11, .without_tokenizer = 1};
    const char *path = folder_path(folder, "model");
    snprintf(text, sizeof text,
             "{\"model_type\": \"granitemoehybrid\", "
             "\"architectures\": [\"GraniteMoeHybridForCausalLM\"], "
             "\"vocab_size\": 50, \"hidden_size\": 64, \"num_hidden_layers\": 2, "
             "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
             "\"shared_intermediate_size\": 96, \"intermediate_size\": 32, "
             "\"num_local_experts\": 0, \"max_position_embeddings\": 40, "
             "\"layer_types\": [\"attention\", \"attention\"], \"residual_multiplier\": 0.5, "
             "\"embedding_multiplier\": 3.0, \"logits_scaling\": 2.0, "
             "\"attention_multiplier\": 0.1, \"initializer_range\": 0.1, "
             "\"position_embedding_type\": \"%s\"}",
             positions);
    want_ok(parse_config(&arena, text, &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    arena_release(&arena);
    return path;
}

// llama-cpp-python 0.3.36 has the same logits, to 5e-7 of the largest, with rotations and without.
Test(gguf_granite, gates_are_two_tensors)
{
    static const char *const positions[] = {"rope", "nope"};
    for (size_t i = 0; i < 2; i++) {
        Error err = {0};
        Gguf file;
        const char *folder = folder_make(), *path = save_granite(folder, positions[i]);
        const char *own = folder_path(folder, "own.gguf"), *back = folder_path(folder, "back"),
                   *other = folder_path(folder, "other.gguf");
        must_quantize(path, TENSOR_F32, own);
        want_ok(gguf_open(own, &file, &err), &err);
        const SafeTensor *gate = gguf_tensor(&file, SLICE("blk.1.ffn_gate.weight")),
                         *up = gguf_tensor(&file, SLICE("blk.1.ffn_up.weight"));
        cr_assert(gate && up);
        want_ok(safetensor_want_shape(gate, 2, (const size_t[2]){96, 64}, &err), &err);
        want_ok(safetensor_want_shape(up, 2, (const size_t[2]){96, 64}, &err), &err);
        gguf_close(&file);
        must_quantize(own, TENSOR_F32, back);
        strip_gguf(own, other);
        cr_expect_eq(largest_difference(path, own), 0.0f);
        cr_expect_eq(largest_difference(path, back), 0.0f);
        cr_expect_lt(largest_difference(path, other), 1e-5f, "%s", positions[i]);
        folder_remove(folder);
    }
}

// Kept in their blocks the rows of both are found, as they are where the file is mapped.
Test(gguf_granite, gates_stay_as_they_are_stored)
{
    size_t n = 0, m = 0;
    const char *folder = folder_make(), *path = save_granite(folder, "rope");
    const char *stored = folder_path(folder, "stored.gguf");
    must_quantize(path, TENSOR_Q8_0, stored);
    float *numbers = logits_kept(stored, AS_NUMBERS, 12, &n);
    for (Keeping keeping = AS_STORED; keeping <= AS_MAPPED; keeping++) {
        float *kept = logits_kept(stored, keeping, 12, &m), largest = 0;
        cr_assert_eq(n, m);
        for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(kept[i] - numbers[i]));
        cr_expect_lt(largest, 1e-5f, "%d: %g", (int)keeping, (double)largest);
        free(kept);
    }
    free(numbers);
    folder_remove(folder);
}

Test(gguf_granite, gates_of_other_shapes_are_refused)
{
    static const float numbers[8];
    for (size_t n_items = 1; n_items <= 2; n_items++) {
        Error err = {0};
        Gguf file;
        GgufBuilder b = {0};
        Safetensors told;
        JsonDocument *config = NULL;
        const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
        const SafeItem items[] = {{.name = SLICE("blk.0.ffn_gate.weight"),
                                   .type = TENSOR_F32,
                                   .n_dims = 2,
                                   .shape = {2, 4},
                                   .data = numbers},
                                  {.name = SLICE("blk.0.ffn_up.weight"),
                                   .type = TENSOR_F32,
                                   .n_dims = 2,
                                   .shape = {1, 4},
                                   .data = numbers}};
        gguf_put_string(&b, "general.architecture", SLICE("granite"));
        want_ok(gguf_write(path, &b, items, n_items, NULL, NULL, &err), &err);
        want_ok(gguf_open(path, &file, &err), &err);
        want_ok(json_parse(SLICE("config"), SLICE("{\"model_type\": \"granitemoehybrid\"}"),
                           JSON_STRICT, &config, &err),
                &err);
        cr_assert_eq(gguf_tensors(&file, json_root(config), &told, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "blk.0.ffn_up.weight"), "%s", err.text);
        json_close(&config);
        gguf_close(&file);
        gguf_builder_release(&b);
        folder_remove(folder);
    }
}
