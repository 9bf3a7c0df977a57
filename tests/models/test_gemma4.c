// Gemma 4: what is refused, keys that layers share, and tuning. Against Transformers: test_decoder_kinds.c.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "models/generation/cache.h"
#include "models/model_internal.h"
#include "tests/models/model_support.h"

#define SIZES                                                                                  \
    "{\"model_type\": \"gemma4_text\", \"architectures\": [\"Gemma4ForCausalLM\"], "           \
    "\"vocab_size\": 50, \"hidden_size\": 32, \"num_hidden_layers\": 4, \"head_dim\": 8, "     \
    "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"intermediate_size\": 64, "      \
    "\"max_position_embeddings\": 40, \"initializer_range\": 0.1, "                            \
    "\"vocab_size_per_layer_input\": 50, \"global_head_dim\": 16, \"layer_types\": "           \
    "[\"sliding_attention\", \"full_attention\", \"sliding_attention\", \"full_attention\"], " \
    "\"hidden_size_per_layer_input\": 8, "

static Model *small_gemma(const char *json, Arena *arena)
{
    Error err = {0};
    ModelConfig config;
    Model *model = NULL;
    const ModelOptions options = {.seed = 11, .without_tokenizer = 1};
    want_ok(parse_config(arena, json, &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    return model;
}

Test(gemma4, refuses_by_name_what_it_does_not_support)
{
    static const struct {
        const char *members, *says;
    } cases[] = {
        {"\"enable_moe_block\": true}", "num_experts"},
        {"\"use_bidirectional_attention\": \"all\"}", "use_bidirectional_attention"},
        {"\"num_kv_shared_layers\": 3}", "layer 1 is to take keys"},
        {"\"num_kv_shared_layers\": 4}", "layer 0 is to take keys"},
        {"\"per_layer_config\": {\"1\": {\"head_dim\": 16}}}", "1 layers, but 2"},
        {"\"per_layer_config\": {\"0\": {\"head_dim\": 16}}}", "no layer of full_attention"},
        {"\"per_layer_config\": {\"1\": {\"head_dim\": 16}, \"3\": {\"head_dim\": 8}}}",
         "with other heads"},
        {"\"per_layer_config\": {\"1\": {\"sliding_window\": 16}}}", "differ by layer"},
        {"\"attention_k_eq_v\": true, \"num_global_key_value_heads\": 3}", "no multiple"},
        {"\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"yarn\"}}}", "proportional"},
        {"\"sliding_window\": null}", "sliding_window"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Arena arena = {0};
        ModelConfig c;
        char text[2048];
        (void)snprintf(text, sizeof text, "%s%s", SIZES, cases[i].members);
        cr_expect_eq(parse_config(&arena, text, &c, &err), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%zu: %s", i, err.text);
        arena_release(&arena);
    }
}

// As Transformers writes it where nothing differs: global layers have the heads of the others.
Test(gemma4, an_empty_list_of_layers_says_that_none_differs)
{
    Error err = {0};
    Arena arena = {0};
    ModelConfig c;
    want_ok(parse_config(&arena, SIZES "\"per_layer_config\": {}}", &c, &err), &err);
    cr_expect_eq(c.gemma4.global_head_dim, 8);
    cr_expect_eq(c.gemma4.n_global_kv_heads, 2);
    arena_release(&arena);
}

// Layers that share keep no keys of their own.
Test(gemma4, keys_that_layers_share_are_kept_once)
{
    Arena arena = {0};
    Model *own = small_gemma(SIZES "\"sliding_window\": 6, \"num_kv_shared_layers\": 0}", &arena),
          *shared =
              small_gemma(SIZES "\"sliding_window\": 6, \"num_kv_shared_layers\": 2}", &arena);
    const size_t both = sizeof(float) * 2 * (16 + 32); // a local layer's and a global one's columns
    cr_expect_eq(cache_bytes_per_token(&own->tape, DTYPE_F32), 2 * both);
    cr_expect_eq(cache_bytes_per_token(&shared->tape, DTYPE_F32), both);
    model_close(&own);
    model_close(&shared);
    arena_release(&arena);
}

Test(gemma4, threads_and_checkpointing_do_not_change_what_is_learned)
{
    Arena arena = {0};
    Model *models[3];
    for (size_t i = 0; i < 3; i++)
        models[i] = small_gemma(
            SIZES
            "\"sliding_window\": 6, \"num_kv_shared_layers\": 2, \"tie_word_embeddings\": false}",
            &arena);
    SmallData data = small_data(models[0], 11, 2);
    TrainOptions options = busy_options();
    (void)train(models[0], 1, &data, &options);
    (void)train(models[1], 3, &data, &options);
    options.gradient_checkpointing = true;
    (void)train(models[2], 2, &data, &options);
    check_equal_weights("threads", models[0], models[1]);
    check_equal_weights("checkpointing", models[0], models[2]);
    for (size_t i = 0; i < 3; i++) model_close(&models[i]);
    small_data_release(&data);
    arena_release(&arena);
}
