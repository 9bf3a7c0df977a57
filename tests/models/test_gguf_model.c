// GGUF as Transformers names things.
#include <criterion/criterion.h>
#include <string.h>

#include "models/checkpoint.h"
#include "models/gguf/gguf_model.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

Test(gguf_model, names_go_both_ways)
{
    static const struct {
        const char *model_type, *name, *stored;
        SafeChange change;
    } cases[] = {
        {"llama", "model.layers.11.self_attn.q_proj.weight", "blk.11.attn_q.weight",
         SAFE_REORDERED},
        {"qwen2", "model.layers.0.self_attn.k_proj.bias", "blk.0.attn_k.bias", SAFE_AS_IS},
        {"gemma2", "model.norm.weight", "output_norm.weight", SAFE_LESS_ONE},
        {"gpt2", "transformer.h.3.attn.c_attn.weight", "blk.3.attn_qkv.weight", SAFE_TRANSPOSED},
        {"gpt2", "transformer.h.3.attn.c_attn.bias", "blk.3.attn_qkv.bias", SAFE_AS_IS},
        {"t5", "decoder.block.11.layer.1.EncDecAttention.o.weight",
         "dec.blk.11.cross_attn_o.weight", SAFE_AS_IS},
        {"t5", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
         "enc.blk.0.attn_rel_b.weight", SAFE_AS_IS},
        {"gpt_neox", "gpt_neox.layers.7.attention.query_key_value.bias", "blk.7.attn_qkv.bias",
         SAFE_REORDERED},
        {"gemma", "model.layers.3.post_attention_layernorm.weight", "blk.3.ffn_norm.weight",
         SAFE_LESS_ONE},
        {"gpt_bigcode", "transformer.h.3.attn.c_attn.bias", "blk.3.attn_qkv.bias", SAFE_REORDERED},
        {"cohere2", "model.layers.3.self_attn.q_proj.weight", "blk.3.attn_q.weight", SAFE_AS_IS},
        {"ministral3", "model.layers.3.self_attn.q_proj.weight", "blk.3.attn_q.weight",
         SAFE_REORDERED},
        {"deepseek_v3", "model.layers.1.mlp.gate.e_score_correction_bias", "blk.1.exp_probs_b.bias",
         SAFE_AS_IS},
        {"minimax_m2", "model.layers.1.block_sparse_moe.e_score_correction_bias",
         "blk.1.exp_probs_b.bias", SAFE_AS_IS},
        {"nomic_bert", "nomic_bert.encoder.layers.1.mlp.fc12.weight", "blk.1.ffn_gate.weight",
         SAFE_AS_IS},
        {"modernbert", "model.layers.1.mlp.Wi.weight", "blk.1.ffn_up.weight", SAFE_AS_IS},
        {"bert", "bert.encoder.layer.2.output.LayerNorm.bias", "blk.2.layer_output_norm.bias",
         SAFE_AS_IS},
        {"xlm-roberta", "roberta.encoder.layer.2.output.dense.weight", "blk.2.ffn_down.weight",
         SAFE_AS_IS},
        {"distilbert", "distilbert.transformer.layer.2.sa_layer_norm.bias",
         "blk.2.attn_output_norm.bias", SAFE_AS_IS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const GgufFamily *family = gguf_family_of_model(slice_from_cstr(cases[i].model_type));
        char stored[GGUF_NAME_SIZE], name[128];
        cr_assert(gguf_name_from_model(family, slice_from_cstr(cases[i].name), stored));
        cr_expect_str_eq(stored, cases[i].stored);
        cr_assert(gguf_name_to_model(family, slice_from_cstr(stored), name, sizeof name));
        cr_expect_str_eq(name, cases[i].name);
        cr_expect_eq(gguf_change(family, slice_from_cstr(name)), cases[i].change);
    }
    const GgufFamily *bert = gguf_family_of_model(SLICE("bert"));
    char stored[GGUF_NAME_SIZE];
    cr_expect_not(
        gguf_name_from_model(bert, SLICE("bert.encoder.layer.x.output.dense.weight"), stored));
    cr_expect_not(gguf_name_from_model(bert, SLICE("qa_outputs.weight"), stored));
    cr_expect_null(gguf_family_of_model(SLICE("marian")));
}

Test(gguf_model, refuses_broken_metadata_and_strangers)
{
    static const struct {
        const char *architecture, *says;
        uint32_t n_parts;
    } cases[] = {{"llama", "there is no \"split.no\"", 3},
                 {"mamba", "unknown architecture \"mamba\"", 0},
                 {"llama", "\"llama.block_count\" is missing", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        Checkpoint files;
        GgufBuilder b = {0};
        const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
        gguf_put_string(&b, "general.architecture", slice_from_cstr(cases[i].architecture));
        if (cases[i].n_parts > 0) gguf_put_u32(&b, "split.count", cases[i].n_parts);
        want_ok(gguf_write(path, &b, NULL, 0, NULL, NULL, &err), &err);
        cr_assert_eq(checkpoint_open(path, &files, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].says), "%s", err.text);
        gguf_builder_release(&b);
        folder_remove(folder);
    }
}

// Without a decoder it is another architecture; with our config.json left out, all must follow from the metadata.
Test(gguf_model, t5s_encoder_alone_is_told)
{
    static const char *const kinds[][3] = {{"t5", "T5EncoderModel", "relu"},
                                           {"t5", "T5EncoderModel", "gated-gelu"},
                                           {"umt5", "UMT5EncoderModel", "gated-gelu"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Arena arena = {0};
        Error err = {0};
        Gguf file;
        ModelConfig config;
        Model *model = NULL;
        Slice architecture = {0};
        const ModelOptions options = {.seed = 3, .without_tokenizer = 1};
        const char *folder = folder_make(), *path = folder_path(folder, "model"),
                   *own = folder_path(folder, "own.gguf"),
                   *other = folder_path(folder, "other.gguf");
        const char *json = arena_printf(
            &arena,
            "{\"model_type\": \"%s\", \"architectures\": [\"%s\"], \"feed_forward_proj\": \"%s\", "
            "\"vocab_size\": 50, \"d_model\": 32, \"d_kv\": 8, \"d_ff\": 40, \"num_layers\": 2, "
            "\"num_heads\": 4, \"relative_attention_num_buckets\": 8, "
            "\"relative_attention_max_distance\": 128}",
            kinds[i][0], kinds[i][1], kinds[i][2]);
        want_ok(parse_config(&arena, json, &config, &err), &err);
        want_ok(model_create(&config, NULL, &options, &model, &err), &err);
        want_ok(model_save(model, path, &err), &err);
        model_close(&model);
        must_quantize(path, TENSOR_F32, own);
        want_ok(gguf_open(own, &file, &err), &err);
        want_ok(gguf_get_string(&file, "general.architecture", &architecture, NULL, &err), &err);
        cr_expect(slice_eq_cstr(architecture, "t5encoder"));
        gguf_close(&file);
        strip_gguf(own, other);
        cr_expect_lt(largest_difference(path, other), 1e-5f, "%zu", i);
        arena_release(&arena);
        folder_remove(folder);
    }
}

// A file without a kind of scaling means linear, older ones have the factor under another key, and 0 stands for none; read so by
// llama-cpp-python 0.3.36.
Test(gguf_model, rotations_are_scaled_as_told)
{
    static const struct {
        const char *architecture, *type, *key;
        float factor;
        RopeKind kind;
    } cases[] = {
        {"llama", NULL, NULL, 0, ROPE_DEFAULT},
        {"llama", NULL, "rope.scaling.factor", 4, ROPE_LINEAR},
        {"llama", NULL, "rope.scale_linear", 4, ROPE_LINEAR},
        {"llama", "linear", "rope.scaling.factor", 0, ROPE_DEFAULT},
        {"llama", "none", "rope.scaling.factor", 4, ROPE_DEFAULT},
        {"llama", "yarn", "rope.scaling.factor", 4, ROPE_YARN},
        {"gpt-oss", NULL, NULL, 0, ROPE_DEFAULT}, // and no width without experts
    };
    static const char *const sizes[] = {"block_count",          "embedding_length",
                                        "attention.head_count", "feed_forward_length",
                                        "expert_count",         "expert_used_count"};
    static const float words[8 * 8];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        Gguf file;
        Buffer text = {0};
        ModelConfig config;
        GgufBuilder b = {0};
        char key[96];
        const char *kind = cases[i].architecture;
        const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
        const size_t n_sizes = strcmp(kind, "llama") == 0 ? 4 : 6;
        gguf_put_string(&b, "general.architecture", slice_from_cstr(kind));
        snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", kind);
        gguf_put_f32(&b, key, 1e-5f);
        for (size_t k = 0; k < n_sizes; k++) {
            const bool is_inner = k == 3 && n_sizes > 4;
            snprintf(key, sizeof key, "%s.%s", kind,
                     is_inner ? "expert_feed_forward_length" : sizes[k]);
            gguf_put_u32(&b, key, k == 1 ? 8 : 1);
        }
        snprintf(key, sizeof key, "%s.context_length", kind);
        gguf_put_u32(&b, key, 64);
        snprintf(key, sizeof key, "%s.rope.scaling.type", kind);
        if (cases[i].type) gguf_put_string(&b, key, slice_from_cstr(cases[i].type));
        snprintf(key, sizeof key, "%s.%s", kind, cases[i].key ? cases[i].key : "");
        if (cases[i].key) gguf_put_f32(&b, key, cases[i].factor);
        const SafeItem item = {.name = SLICE("token_embd.weight"),
                               .type = TENSOR_F32,
                               .n_dims = 2,
                               .shape = {8, 8},
                               .data = words};
        want_ok(gguf_write(path, &b, &item, 1, NULL, NULL, &err), &err);
        want_ok(gguf_open(path, &file, &err), &err);
        want_ok(gguf_config_told(&file, &text, &err), &err);
        want_ok(parse_config(&arena,
                             arena_printf(&arena, SLICE_FMT, SLICE_ARG(buffer_slice(&text))),
                             &config, &err),
                &err);
        cr_expect_eq(config.rotary.rope.kind, cases[i].kind, "case %zu", i);
        cr_expect_eq(config.rotary.rope.theta, 10000.0, "case %zu", i);
        if (config.rotary.rope.kind == ROPE_YARN)
            cr_expect_eq(config.rotary.rope.original_positions, 64);
        if (config.rotary.rope.kind != ROPE_DEFAULT)
            cr_expect_eq(config.rotary.rope.factor, 4.0, "case %zu", i);
        buffer_release(&text);
        gguf_close(&file);
        gguf_builder_release(&b);
        arena_release(&arena);
        folder_remove(folder);
    }
}
