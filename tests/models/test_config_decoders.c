// What decoders read of config.json, and what they refuse there.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "model_support.h"

// The config.json of a decoder of three layers with more members.
static Status parse_decoder(Arena *arena, const char *members, ModelConfig *c, Error *err)
{
    const char *text = arena_printf(
        arena,
        "{\"vocab_size\": 50, \"hidden_size\": 16, \"num_hidden_layers\": 3, "
        "\"num_attention_heads\": 2, \"intermediate_size\": 20, \"max_position_embeddings\": 30, "
        "%s}",
        members);
    cr_assert_not_null(text);
    return parse_config(arena, text, c, err);
}

// null is as good as absent: max_window_layers says which layers have the window.
Test(config, reads_the_windows_of_qwen)
{
    static const char *const kinds[] = {
        "null", "[\"sliding_attention\", \"full_attention\", \"full_attention\"]"};
    for (size_t i = 0; i < 2; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        const char *members = arena_printf(&arena,
                                           "\"model_type\": \"qwen2\", \"num_key_value_heads\": 1, "
                                           "\"use_sliding_window\": true, \"sliding_window\": 4, "
                                           "\"max_window_layers\": 2, \"layer_types\": %s",
                                           kinds[i]);
        cr_assert_not_null(members);
        want_ok(parse_decoder(&arena, members, &c, &err), &err);
        cr_assert_not_null(c.attention.is_local);
        cr_expect_eq(c.attention.is_local[0], i == 1);
        cr_expect_eq(c.attention.is_local[1], false);
        cr_expect_eq(c.attention.is_local[2], i == 0);
        arena_release(&arena);
    }
}

// Command R7B is built as Command R is, but turns over another base where its file names none.
Test(config, takes_the_base_of_the_kind)
{
    static const struct {
        const char *members;
        double theta;
    } cases[] = {{"\"model_type\": \"cohere\"", 500000},
                 {"\"model_type\": \"cohere2\"", 10000},
                 {"\"model_type\": \"cohere2\", \"rope_theta\": 50000", 50000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        want_ok(parse_decoder(&arena, cases[i].members, &c, &err), &err);
        cr_expect_eq(c.rotary.rope.theta, cases[i].theta, "%s: %g", cases[i].members,
                     c.rotary.rope.theta);
        arena_release(&arena);
    }
}

Test(config, refuses_rotations_that_are_no_object)
{
    static const char *const values[] = {"\"linear\"", "[2.0]", "2"};
    for (size_t i = 0; i < 3; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        const char *members =
            arena_printf(&arena, "\"model_type\": \"llama\", \"rope_scaling\": %s", values[i]);
        cr_assert_not_null(members);
        cr_expect_neq(parse_decoder(&arena, members, &c, &err), STATUS_OK);
        cr_expect(strstr(err.text, "rope_scaling") && strstr(err.text, "an object"), "%s",
                  err.text);
        arena_release(&arena);
    }
}

// Two sets of parameters, or in older files one scaling, which is that of the layers that see all. Where the file leaves a base
// out it is the kind's own.
Test(config, reads_rotations_of_two_kinds_of_layers)
{
    static const struct {
        const char *members;
        RopeKind kind;
        double factor, theta, local_theta;
    } cases[] = {
        {"\"model_type\": \"gemma3_text\"", ROPE_DEFAULT, 0, 1e6, 1e4},
        {"\"model_type\": \"gemma3_text\", \"rope_theta\": 500, \"rope_local_base_freq\": 70, "
         "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}",
         ROPE_LINEAR, 8, 500, 70},
        {"\"model_type\": \"gemma3_text\", \"rope_theta\": 500, \"rope_local_base_freq\": 70, "
         "\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8}, "
         "\"sliding_attention\": {\"rope_type\": \"default\"}}",
         ROPE_LINEAR, 8, 500, 70},
        {"\"model_type\": \"gemma3_text\", \"rope_theta\": 500, \"rope_parameters\": "
         "{\"sliding_attention\": {\"rope_theta\": 90}}, \"rope_scaling\": null",
         ROPE_DEFAULT, 0, 500, 90},
        {"\"model_type\": \"olmo3\", \"rope_theta\": 100, \"rope_scaling\": {\"rope_type\": \"linear\", "
         "\"factor\": 8}",
         ROPE_LINEAR, 8, 100, 100},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        want_ok(parse_decoder(&arena, cases[i].members, &c, &err), &err);
        cr_expect_eq(c.rotary.rope.kind, cases[i].kind, "%zu", i);
        cr_expect_eq(c.rotary.rope.factor, cases[i].factor, "%zu: %g", i, c.rotary.rope.factor);
        cr_expect_eq(c.rotary.rope.theta, cases[i].theta, "%zu: %g", i, c.rotary.rope.theta);
        cr_expect_eq(c.rotary.rope_local.theta, cases[i].local_theta, "%zu: %g", i,
                     c.rotary.rope_local.theta);
        cr_expect_eq(c.rotary.rope_local.kind, ROPE_DEFAULT, "%zu", i);
        arena_release(&arena);
    }
}

// Its files name a cap of scores, which nobody applies.
Test(config, gemma3_caps_logits_alone)
{
    Arena arena = {0};
    Error err = {0};
    ModelConfig c = {0};
    want_ok(parse_decoder(
                &arena,
                "\"architectures\": [\"Gemma3ForCausalLM\"], \"model_type\": \"gemma3_text\", "
                "\"attn_logit_softcapping\": 2.0, \"final_logit_softcapping\": 3.0",
                &c, &err),
            &err);
    cr_expect_eq(c.attention.soft_cap, 0.0f);
    cr_expect_eq(c.output.soft_cap, 3.0f);
    arena_release(&arena);
}

Test(config, kinds_of_decoders_refuse_by_name_what_they_do_not_support)
{
    static const struct {
        const char *members, *says;
    } cases[] = {
        {"\"model_type\": \"granite_swa\", \"architectures\": [\"GraniteSWAForCausalLM\"], "
         "\"layer_rope_theta\": [100, 0, 200], \"layer_types\": [\"full_attention\", "
         "\"sliding_attention\", \"full_attention\"]",
         "200, but 100"},
        {"\"model_type\": \"granite_swa\", \"architectures\": [\"GraniteSWAForCausalLM\"], "
         "\"layer_rope_theta\": [100, 0]",
         "layer_rope_theta"},
        {"\"model_type\": \"nanochat\", \"architectures\": [\"NanoChatForCausalLM\"], "
         "\"rope_parameters\": {\"rope_type\": \"dynamic\", \"factor\": 2}",
         "\"dynamic\" is not supported"},
        {"\"model_type\": \"minimax_m2\", \"architectures\": [\"MiniMaxM2ForCausalLM\"], "
         "\"rotary_dim\": 7",
         "rotary_dim"},
        {"\"model_type\": \"solar_open\", \"architectures\": [\"SolarOpenForCausalLM\"], "
         "\"moe_intermediate_size\": 8, \"first_k_dense_replace\": 1",
         "first_k_dense_replace"},
        {"\"model_type\": \"youtu\", \"architectures\": [\"YoutuForCausalLM\"], "
         "\"num_key_value_heads\": 1",
         "num_key_value_heads"},
        {"\"model_type\": \"ernie4_5_moe\", \"architectures\": [\"Ernie4_5_MoeForCausalLM\"], "
         "\"num_key_value_heads\": 1, \"moe_num_experts\": 4, \"moe_k\": 7",
         "a token goes to 7 experts, but there are 4"},
        {"\"model_type\": \"phimoe\", \"architectures\": [\"PhimoeForCausalLM\"], "
         "\"num_key_value_heads\": 1, \"num_experts_per_tok\": 1",
         "num_experts_per_tok"},
        {"\"model_type\": \"phimoe\", \"architectures\": [\"PhimoeForCausalLM\"], "
         "\"num_key_value_heads\": 1, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}",
         "scaled rotary embeddings are not supported in phimoe"},
        {"\"model_type\": \"lfm2_moe\", \"architectures\": [\"Lfm2MoeForCausalLM\"], "
         "\"num_key_value_heads\": 1, \"num_experts\": 3",
         "a token goes to 4 experts, but there are 3"},
        {"\"model_type\": \"gemma4_text\", \"architectures\": [\"Gemma4ForCausalLM\"], "
         "\"num_key_value_heads\": 1, \"hidden_size_per_layer_input\": 0, "
         "\"enable_moe_block\": true, \"num_experts\": 4, \"top_k_experts\": 5, "
         "\"moe_intermediate_size\": 8",
         "a token goes to 5 experts, but there are 4"},
        {"\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], "
         "\"rope_parameters\": {\"rope_type\": \"proportional\"}",
         "Gemma 4 alone"},
        {"\"model_type\": \"llama\", \"partial_rotary_factor\": 0.5", "turn as a whole"},
        {"\"model_type\": \"qwen3\", \"rope_parameters\": {\"partial_rotary_factor\": 0.5}",
         "turn as a whole"},
        {"\"model_type\": \"gemma3_text\", \"rope_parameters\": {\"rope_theta\": 500}",
         "rope_parameters: must have"},
        {"\"model_type\": \"gemma3_text\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}",
         "rope_scaling: \"rope_type\""},
        {"\"model_type\": \"olmo3\", \"rope_parameters\": {\"full_attention\": {}}, \"rope_scaling\": "
         "{\"rope_type\": \"linear\", \"factor\": 2}",
         "rope_scaling: beside"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        ModelConfig c = {0};
        cr_expect_eq(parse_decoder(&arena, cases[i].members, &c, &err), STATUS_INVALID, "%zu", i);
        cr_expect(strstr(err.text, cases[i].says), "%zu: %s", i, err.text);
        arena_release(&arena);
    }
}
