// The rows of the registry that are DeepSeek's: the second and the third, which choose experts in other ways, GLM 4.7 Flash, which
// is the third with other sizes, and Youtu-LLM and MiniCPM 3, which have their attention alone.
#include <math.h>

#include "base/size.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/deepseek.h"
#include "models/architectures/experts.h"

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-6,
                                         .head_dim = 64, // what turns of a head
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};
static const ExpertKeys keys_2 = {.names = &experts_of_mlp,
                                  .count = "n_routed_experts",
                                  .n_experts = 64,
                                  .n_active = 6,
                                  .inner_size = "moe_intermediate_size",
                                  .usual_inner = 1407};
static const ExpertKeys keys_3 = {.names = &experts_of_mlp,
                                  .count = "n_routed_experts",
                                  .n_experts = 256,
                                  .n_active = 8,
                                  .inner_size = "moe_intermediate_size",
                                  .usual_inner = 2048,
                                  .route = ROUTE_SIGMOID};
static const ExpertSharing sharing_3 = {
    .n_dense = 3, .n_shared = 1, .scale = 2.5, .n_groups = 8, .n_top_groups = 4};

static const LatentConfig latent = {
    .q_rank = 1536, .kv_rank = 512, .plain_dims = 128, .turned_dims = 64, .value_dims = 128};

static const DecoderDefaults glm_defaults = {.theta = 10000,
                                             .norm_epsilon = 1e-5,
                                             .head_dim = 64,
                                             .activation_key = "hidden_act",
                                             .activation = "silu"};
static const ExpertKeys glm_keys = {.names = &experts_of_mlp,
                                    .count = "n_routed_experts",
                                    .other_count = "num_local_experts",
                                    .n_experts = 64,
                                    .n_active = 4,
                                    .inner_size = "moe_intermediate_size",
                                    .usual_inner = 1536,
                                    .route = ROUTE_SIGMOID};
static const ExpertSharing glm_sharing = {
    .n_dense = 1, .n_shared = 1, .scale = 1.8, .n_groups = 1, .n_top_groups = 1};
static const LatentConfig glm_latent = {
    .q_rank = 768, .kv_rank = 512, .plain_dims = 192, .turned_dims = 64, .value_dims = 256};

// Scores are scaled by their own width, and with YaRN once more.
static float score_scale(const ModelConfig *c)
{
    const RopeConfig *rope = &c->rotary.rope;
    double scale = 1 / sqrt((double)(c->latent.plain_dims + c->latent.turned_dims));
    if (rope->mscale_all_dim > 0 && rope->factor > 1)
        scale *= pow(0.1 * rope->mscale_all_dim * log(rope->factor) + 1, 2);
    return (float)scale;
}

// usual: where the file is silent.
static Status read_attention(const Json *root, const LatentConfig *usual, ModelConfig *c,
                             Error *err)
{
    LatentConfig *l = &c->latent;
    l->is_in_pairs = true;
    if (!json_get(root, "q_lora_rank") || config_has(root, "q_lora_rank")) // null: none
        TRY(config_read_size_or(root, "q_lora_rank", usual->q_rank, &l->q_rank, err));
    TRY(config_read_size_or(root, "kv_lora_rank", usual->kv_rank, &l->kv_rank, err));
    TRY(config_read_size_or(root, "qk_nope_head_dim", usual->plain_dims, &l->plain_dims, err));
    TRY(config_read_size_or(root, "qk_rope_head_dim", usual->turned_dims, &l->turned_dims, err));
    TRY(config_read_size_or(root, "v_head_dim", usual->value_dims, &l->value_dims, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    if (l->turned_dims % 2 != 0)
        return json_error(json_get(root, "qk_rope_head_dim"), err, "must be even");
    if (c->n_kv_heads != c->n_heads)
        return json_error(json_get(root, "num_key_value_heads"), err,
                          "keys are made for every head: only %zu is supported", c->n_heads);
    c->rotary.dims = l->turned_dims;
    c->head_dim = size_max(l->plain_dims + l->turned_dims, l->value_dims);
    c->attention.scale = score_scale(c);
    return STATUS_OK;
}

static Status read_2(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    Slice method = SLICE("greedy");
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(read_attention(root, &latent, c, err));
    TRY(experts_read(root, &keys_2, c, err));
    TRY(experts_read_layers(arena, root, 0, 2, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    TRY(config_read_float(root, "routed_scaling_factor", 1e-6, 1e6, 1, &c->experts.weight_scale,
                          err));
    TRY(config_want_string(root, "scoring_func", "softmax", err));
    TRY(json_opt_string(root, "topk_method", &method, err));
    if (slice_eq_cstr(method, "greedy")) return STATUS_OK;
    if (slice_eq_cstr(method, "group_limited_greedy"))
        return experts_read_groups(root, 1, 1, 1, c, err);
    return json_error(json_get(root, "topk_method"), err,
                      "\"" SLICE_FMT "\" is not supported; there are greedy and "
                      "group_limited_greedy",
                      SLICE_ARG(slice_sub(method, 0, 40)));
}

static Status read_3(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(read_attention(root, &latent, c, err));
    TRY(experts_read(root, &keys_3, c, err));
    TRY(experts_read_corrected(arena, root, &sharing_3, c, err));
    return json_opt_bool(root, "rope_interleave", &c->latent.is_in_pairs, err);
}

// "dense" or "sparse" for each layer; where there are none the first is dense.
static Status read_layer_kinds(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *list = NULL;
    bool *is_dense = NULL;
    TRY(config_read_layer_list(root, "mlp_layer_types", c->n_layers, &list, err));
    if (!list) return STATUS_OK;
    TRY(arena_take(arena, c->n_layers, sizeof *is_dense, "layers", &is_dense, err));
    for (size_t i = 0; i < c->n_layers; i++) {
        Slice kind = {0};
        TRY(json_as_string(json_at(list, i), &kind, err));
        is_dense[i] = slice_eq_cstr(kind, "dense");
        if (!is_dense[i] && !slice_eq_cstr(kind, "sparse"))
            return json_error(json_at(list, i), err,
                              "layers of \"" SLICE_FMT
                              "\" are not supported; known are dense, sparse",
                              SLICE_ARG(slice_sub(kind, 0, 40)));
    }
    c->experts.is_dense = is_dense;
    return STATUS_OK;
}

static Status read_glm(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &glm_defaults, c, err));
    TRY(config_want_number(root, "partial_rotary_factor", 1, err));
    TRY(read_attention(root, &glm_latent, c, err));
    TRY(experts_read(root, &glm_keys, c, err));
    TRY(experts_read_corrected(arena, root, &glm_sharing, c, err));
    TRY(read_layer_kinds(arena, root, c, err));
    return json_opt_bool(root, "rope_interleave", &c->latent.is_in_pairs, err);
}

static void write_attention(const ModelConfig *c, JsonWriter *w)
{
    const LatentConfig *l = &c->latent;
    ModelConfig told = *c;
    told.head_dim = l->turned_dims; // as Transformers counts it
    decoder_write(&told, &defaults, w);
    json_put_key(w, "q_lora_rank");
    if (l->q_rank > 0)
        json_put_u64(w, l->q_rank);
    else
        json_put_null(w);
    json_member_u64(w, "kv_lora_rank", l->kv_rank);
    json_member_u64(w, "qk_nope_head_dim", l->plain_dims);
    json_member_u64(w, "qk_rope_head_dim", l->turned_dims);
    json_member_u64(w, "v_head_dim", l->value_dims);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
}

static void write_common(const ModelConfig *c, const ExpertKeys *keys, JsonWriter *w)
{
    write_attention(c, w);
    experts_write(c, keys, w);
    experts_write_layers(c, w);
}

static void write_2(const ModelConfig *c, JsonWriter *w)
{
    write_common(c, &keys_2, w);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    json_member_cstr(w, "topk_method", c->experts.n_groups > 0 ? "group_limited_greedy" : "greedy");
}

static void write_3(const ModelConfig *c, JsonWriter *w)
{
    write_common(c, &keys_3, w);
    json_member_bool(w, "rope_interleave", c->latent.is_in_pairs);
}

static void write_glm(const ModelConfig *c, JsonWriter *w)
{
    write_common(c, &glm_keys, w);
    json_member_bool(w, "rope_interleave", c->latent.is_in_pairs);
    json_member_array(w, "mlp_layer_types");
    for (size_t i = 0; i < c->n_layers; i++)
        json_put_cstr(w, experts_are_in(c, i) ? "sparse" : "dense");
    json_end_array(w);
}

const Architecture architecture_deepseek_v2 = {
    .model_type = "deepseek_v2",
    .summary = "DeepSeek 2: latent attention, and experts beside some of every token",
    .classes = {{"DeepseekV2ForCausalLM", HEAD_CAUSAL_LM},
                {"DeepseekV2Model", HEAD_EMBEDDING},
                {"DeepseekV2ForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_2,
    .write_config = write_2,
    .record = deepseek_record,
};

const Architecture architecture_deepseek_v3 = {
    .model_type = "deepseek_v3",
    .summary = "DeepSeek 3 and R1: DeepSeek 2 with experts chosen in groups",
    .classes = {DECODER_CLASSES("DeepseekV3")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_3,
    .write_config = write_3,
    .record = deepseek_record,
};

const Architecture architecture_glm4_moe_lite = {
    .model_type = "glm4_moe_lite",
    .summary = "GLM 4.7 Flash: DeepSeek 3's layers",
    .classes = {{"Glm4MoeLiteForCausalLM", HEAD_CAUSAL_LM}, {"Glm4MoeLiteModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_glm,
    .write_config = write_glm,
    .record = deepseek_record,
};

// ---- without experts ----

static const DecoderDefaults youtu_defaults = {.theta = 10000,
                                               .norm_epsilon = 1e-6,
                                               .head_dim = 64,
                                               .is_tied = true,
                                               .activation_key = "hidden_act",
                                               .activation = "silu"};

static Status read_youtu(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &youtu_defaults, c, err));
    TRY(read_attention(root, &latent, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    return json_opt_bool(root, "rope_interleave", &c->latent.is_in_pairs, err);
}

static void write_youtu(const ModelConfig *c, JsonWriter *w)
{
    write_attention(c, w);
    json_member_bool(w, "rope_interleave", c->latent.is_in_pairs);
}

const Architecture architecture_youtu = {
    .model_type = "youtu",
    .summary = "Youtu-LLM: Llama with DeepSeek 3's attention",
    .classes = {{"YoutuForCausalLM", HEAD_CAUSAL_LM}, {"YoutuModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_youtu,
    .write_config = write_youtu,
    .record = deepseek_record,
};

static const DecoderDefaults minicpm_defaults = {.theta = 10000,
                                                 .norm_epsilon = 1e-5,
                                                 .head_dim = 32,
                                                 .is_tied = true,
                                                 .activation_key = "hidden_act",
                                                 .activation = "silu"};

// Factors of embeddings, of what layers add, and of logits.
static Status read_factors(const Json *root, ModelConfig *c, Error *err)
{
    const float no_depth = sqrtf((float)c->n_layers);
    float depth = 0;
    size_t base = 0;
    const bool has_depth = !json_get(root, "scale_depth") || config_has(root, "scale_depth"),
               has_base = !json_get(root, "dim_model_base") || config_has(root, "dim_model_base");
    TRY(config_read_float(root, "scale_emb", 1e-9, 1e9, 12, &c->embedding_scale, err));
    TRY(config_read_float(root, "scale_depth", 1e-9, 1e9, has_depth ? 1.4 : (double)no_depth,
                          &depth, err));
    TRY(config_read_size_or(root, "dim_model_base", has_base ? 256 : c->hidden_size, &base, err));
    c->block.residual_scale = depth / no_depth;
    c->output.scale = (float)base / (float)c->hidden_size;
    return STATUS_OK;
}

static Status read_minicpm(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &minicpm_defaults, c, err));
    const LatentConfig usual = {.q_rank = 768,
                                .kv_rank = 256,
                                .plain_dims = 64,
                                .turned_dims = 32,
                                .value_dims = size_max(c->hidden_size / c->n_heads, 1)};
    TRY(read_attention(root, &usual, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    c->latent.is_in_pairs = false;
    return read_factors(root, c, err);
}

static void write_minicpm(const ModelConfig *c, JsonWriter *w)
{
    write_attention(c, w);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    json_member_float(w, "scale_emb", c->embedding_scale);
    json_member_float(w, "scale_depth", c->block.residual_scale * sqrtf((float)c->n_layers));
    json_member_u64(w, "dim_model_base",
                    (uint64_t)lroundf(c->output.scale * (float)c->hidden_size));
}

const Architecture architecture_minicpm3 = {
    .model_type = "minicpm3",
    .summary = "MiniCPM 3: Llama with DeepSeek 2's attention and factors like Granite's",
    .classes = {{"MiniCPM3ForCausalLM", HEAD_CAUSAL_LM},
                {"MiniCPM3Model", HEAD_EMBEDDING},
                {"MiniCPM3ForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_minicpm,
    .write_config = write_minicpm,
    .record = deepseek_record,
};
