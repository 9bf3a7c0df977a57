// Models of texts and images: the text model within them opens as it would by itself.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "models/checkpoint.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

enum { MOST_TENSORS = 128 };

// The config of a saved model as the text_config of another.
static void wrap_config(const char *folder, const char *path)
{
    Error err = {0};
    JsonDocument *document = NULL;
    Buffer text = {0};
    want_ok(json_load(folder_path(path, "config.json"), JSON_STRICT, &document, &err), &err);
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    json_member_cstr(&w, "model_type", "qwen3_vl");
    json_member_array(&w, "architectures");
    json_put_cstr(&w, "Qwen3VLForConditionalGeneration");
    json_end_array(&w);
    json_member_object(&w, "vision_config");
    json_end_object(&w);
    json_put_key(&w, "text_config");
    json_put_value(&w, json_root(document));
    json_end_object(&w);
    buffer_append_byte(&text, 0);
    folder_write(folder, "config.json", buffer_slice(&text).ptr);
    buffer_release(&text);
    json_close(&document);
}

// The tensors of a saved model with `before` in the place of "model.", and one of what sees images.
static void wrap_tensors(const char *folder, const char *path, const char *before)
{
    Error err = {0};
    Arena arena = {0};
    Safetensors file;
    SafeItem items[MOST_TENSORS];
    static const float x[4];
    want_ok(safetensors_open(folder_path(path, "model.safetensors"), &file, &err), &err);
    cr_assert_lt(file.n_tensors, MOST_TENSORS);
    for (size_t i = 0; i < file.n_tensors; i++) {
        const SafeTensor *t = &file.tensors[i];
        const Slice rest = slice_sub(t->name, strlen("model."), t->name.len);
        items[i] = (SafeItem){.type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        items[i].name =
            slice_from_cstr(arena_printf(&arena, "%s" SLICE_FMT, before, SLICE_ARG(rest)));
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    items[file.n_tensors] = (SafeItem){.name = SLICE("vision_tower.layers.0.weight"),
                                       .type = TENSOR_F32,
                                       .n_dims = 1,
                                       .shape = {4},
                                       .data = x};
    want_ok(safetensors_write(folder_path(folder, "model.safetensors"), items, file.n_tensors + 1,
                              NULL, 0, NULL, NULL, &err),
            &err);
    safetensors_close(&file);
    arena_release(&arena);
}

Test(checkpoint_text, opens_the_text_model_of_a_model_with_images)
{
    static const char *const befores[] = {"language_model.model.", "model.language_model.",
                                          "language_model.", "model."};
    const char *folder = folder_make();
    char path[512];
    snprintf(path, sizeof path, "%s", save_small(folder, HEAD_CAUSAL_LM, 2));
    for (size_t i = 0; i < sizeof befores / sizeof *befores; i++) {
        Error err = {0};
        Model *model = NULL;
        Slice told = {0};
        const ModelOptions options = {.without_tokenizer = 1};
        char whole[512];
        snprintf(whole, sizeof whole, "%s/whole-%zu", folder, i);
        want_ok(file_make_directories(whole, &err), &err);
        wrap_config(whole, path);
        wrap_tensors(whole, path, befores[i]);
        cr_expect_eq(largest_difference(whole, path), 0.0f, "%s", befores[i]);
        want_ok(model_open(whole, &options, &model, &err), &err);
        cr_expect_eq(model_unused_tensors(model, &told), 1);
        cr_expect_neq(slice_find(told, SLICE("sees images")), SIZE_MAX);
        model_close(&model);
    }
    folder_remove(folder);
}

// Files leave out what is as in Transformers' classes, and have older spellings.
Test(checkpoint_text, tells_a_config_of_its_own)
{
    static const struct {
        const char *json, *model_type, *class_name;
        size_t vocab_size, hidden_size, n_heads, n_kv_heads, head_dim, window;
        double theta, factor;
        int32_t eos;
    } cases[] = {
        {"{\"model_type\": \"gemma3\", \"architectures\": [\"Gemma3ForConditionalGeneration\"], "
         "\"eos_token_id\": [1, 106], \"text_config\": {\"hidden_size\": 2560, "
         "\"intermediate_size\": 10240, \"model_type\": \"gemma3_text\", \"num_hidden_layers\": 34, "
         "\"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}, \"sliding_window\": 1024}, "
         "\"vision_config\": {\"hidden_size\": 1152}}",
         "gemma3_text", "Gemma3ForCausalLM", 262208, 2560, 8, 4, 256, 1024, 1e6, 8, 1},
        {"{\"model_type\": \"gemma4\", \"architectures\": [\"Gemma4ForConditionalGeneration\"], "
         "\"eos_token_id\": [1, 106], \"text_config\": {\"hidden_size\": 1536, "
         "\"intermediate_size\": 6144, \"model_type\": \"gemma4_text\", \"num_hidden_layers\": 35, "
         "\"num_key_value_heads\": 1, \"num_kv_shared_layers\": 20, \"sliding_window\": 512, "
         "\"use_double_wide_mlp\": true, \"final_logit_softcapping\": 30.0, \"layer_types\": null}, "
         "\"audio_config\": {}, \"vision_config\": {}}",
         "gemma4_text", "Gemma4ForCausalLM", 262144, 1536, 8, 1, 256, 512, 1e6, 1, 1},
        {"{\"model_type\": \"qwen3_5\", \"architectures\": [\"Qwen3_5ForConditionalGeneration\"], "
         "\"text_config\": {\"hidden_size\": 1024, \"intermediate_size\": 3584, "
         "\"model_type\": \"qwen3_5_text\", \"num_hidden_layers\": 24, \"num_attention_heads\": 8, "
         "\"num_key_value_heads\": 2, \"linear_num_value_heads\": 16, \"eos_token_id\": 248044, "
         "\"attn_output_gate\": true, \"full_attention_interval\": 4, "
         "\"tie_word_embeddings\": true, \"rope_parameters\": {\"mrope_interleaved\": true, "
         "\"mrope_section\": [11, 11, 10], \"rope_type\": \"default\", \"rope_theta\": 10000000, "
         "\"partial_rotary_factor\": 0.25}}, \"vision_config\": {\"depth\": 12}}",
         "qwen3_5_text", "Qwen3_5ForCausalLM", 248320, 1024, 8, 2, 256, 0, 1e7, 0, 248044},
        {"{\"model_type\": \"qwen3_5_moe\", "
         "\"architectures\": [\"Qwen3_5MoeForConditionalGeneration\"], "
         "\"text_config\": {\"model_type\": \"qwen3_5_moe_text\", \"eos_token_id\": 248044, "
         "\"attn_output_gate\": true, \"full_attention_interval\": 4, \"num_experts\": 256, "
         "\"mtp_num_hidden_layers\": 1, \"rope_parameters\": {\"rope_type\": \"default\", "
         "\"rope_theta\": 10000000, \"partial_rotary_factor\": 0.25}}}",
         "qwen3_5_moe_text", "Qwen3_5MoeForCausalLM", 248320, 2048, 16, 2, 256, 0, 1e7, 0, 248044},
        {"{\"model_type\": \"llava\", \"text_config\": {\"model_type\": \"llama\", "
         "\"vocab_size\": 32064}}",
         "llama", "LlamaForCausalLM", 32064, 4096, 32, 32, 128, 0, 1e4, 0, -1},
        {"{\"model_type\": \"qwen2_vl\", \"architectures\": [\"Qwen2VLForConditionalGeneration\"], "
         "\"vocab_size\": 151936, \"hidden_size\": 1536, \"intermediate_size\": 8960, "
         "\"num_hidden_layers\": 28, \"num_attention_heads\": 12, \"num_key_value_heads\": 2, "
         "\"max_position_embeddings\": 32768, \"rope_theta\": 1000000.0, \"eos_token_id\": 151645, "
         "\"rope_scaling\": {\"type\": \"mrope\", \"mrope_section\": [16, 24, 24]}, "
         "\"vision_config\": {\"depth\": 32}}",
         "qwen2", "Qwen2ForCausalLM", 151936, 1536, 12, 2, 128, 0, 1e6, 0, 151645},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Arena arena = {0};
        ModelConfig c;
        const char *folder = folder_make();
        folder_write(folder, "config.json", cases[i].json);
        want_ok(checkpoint_config(&arena, folder, &c, &err), &err);
        cr_expect(slice_eq_cstr(c.model_type, cases[i].model_type), "%zu", i);
        cr_expect(slice_eq_cstr(c.class_name, cases[i].class_name), "%zu", i);
        cr_expect_eq(c.vocab_size, cases[i].vocab_size, "%zu: %zu", i, c.vocab_size);
        cr_expect_eq(c.hidden_size, cases[i].hidden_size, "%zu: %zu", i, c.hidden_size);
        cr_expect_eq(c.n_heads, cases[i].n_heads, "%zu: %zu", i, c.n_heads);
        cr_expect_eq(c.n_kv_heads, cases[i].n_kv_heads, "%zu: %zu", i, c.n_kv_heads);
        cr_expect_eq(c.head_dim, cases[i].head_dim, "%zu: %zu", i, c.head_dim);
        cr_expect_eq(c.attention.window, cases[i].window, "%zu: %zu", i, c.attention.window);
        cr_expect_eq(c.rotary.rope.theta, cases[i].theta, "%zu: %g", i, c.rotary.rope.theta);
        cr_expect_eq(c.rotary.rope.factor, cases[i].factor, "%zu: %g", i, c.rotary.rope.factor);
        cr_expect_eq(c.n_eos > 0 ? c.eos_ids[0] : -1, cases[i].eos, "%zu", i);
        cr_expect(c.output.is_tied, "%zu", i);
        arena_release(&arena);
        folder_remove(folder);
    }
}

Test(checkpoint_text, refuses_by_name_what_it_does_not_know)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{\"model_type\": \"llava\", \"text_config\": {\"model_type\": \"mamba\"}}", "\"mamba\""},
        {"{\"model_type\": \"gemma3\", \"text_config\": 5}", "text_config"},
        {"{\"model_type\": \"gemma3\", \"text_config\": {\"hidden_size\": \"a\"}}", "hidden_size"},
        {"{\"model_type\": \"aya_vision\", \"architectures\": [\"AyaForSequenceClassification\"], "
         "\"text_config\": {}}",
         "cohere2"},
        {"{\"model_type\": \"paligemma\", \"text_config\": {}}", "unknown architecture"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Arena arena = {0};
        ModelConfig c;
        const char *folder = folder_make();
        folder_write(folder, "config.json", cases[i].json);
        cr_assert_eq(checkpoint_config(&arena, folder, &c, &err), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says) && strstr(err.text, folder), "%zu: %s", i,
                  err.text);
        arena_release(&arena);
        folder_remove(folder);
    }
}
