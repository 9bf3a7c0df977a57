// The rows of the registry that are DeepSeek's: the second and the third, which choose experts in other ways.
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

// Scores are scaled by their own width, and with YaRN once more.
static float score_scale(const ModelConfig *c)
{
    const RopeConfig *rope = &c->rope;
    double scale = 1 / sqrt((double)(c->latent.plain_dims + c->latent.turned_dims));
    if (rope->mscale_all_dim > 0 && rope->factor > 1)
        scale *= pow(0.1 * rope->mscale_all_dim * log(rope->factor) + 1, 2);
    return (float)scale;
}

static Status read_attention(const Json *root, ModelConfig *c, Error *err)
{
    LatentConfig *l = &c->latent;
    l->is_in_pairs = true;
    if (!json_get(root, "q_lora_rank") || config_has(root, "q_lora_rank")) // null: none
        TRY(config_read_size_or(root, "q_lora_rank", 1536, &l->q_rank, err));
    TRY(config_read_size_or(root, "kv_lora_rank", 512, &l->kv_rank, err));
    TRY(config_read_size_or(root, "qk_nope_head_dim", 128, &l->plain_dims, err));
    TRY(config_read_size_or(root, "qk_rope_head_dim", 64, &l->turned_dims, err));
    TRY(config_read_size_or(root, "v_head_dim", 128, &l->value_dims, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    if (l->turned_dims % 2 != 0)
        return json_error(json_get(root, "qk_rope_head_dim"), err, "must be even");
    if (c->n_kv_heads != c->n_heads)
        return json_error(json_get(root, "num_key_value_heads"), err,
                          "keys are made for every head: only %zu is supported", c->n_heads);
    c->rotary_dims = l->turned_dims;
    c->head_dim = size_max(l->plain_dims + l->turned_dims, l->value_dims);
    c->attention_scale = score_scale(c);
    return STATUS_OK;
}

// Which layers have experts, and the part of them that is every token's.
static Status read_layers(Arena *arena, const Json *root, int64_t n_dense, int64_t n_shared,
                          ModelConfig *c, Error *err)
{
    bool *is_dense = NULL;
    TRY(json_opt_i64(root, "first_k_dense_replace", 0, 1 << 24, &n_dense, err));
    TRY(json_opt_i64(root, "n_shared_experts", 0, 1 << 16, &n_shared, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_dense, "layers", &is_dense, err));
    for (size_t i = 0; i < c->n_layers; i++) is_dense[i] = i < (size_t)n_dense;
    c->experts.is_dense = is_dense;
    c->experts.shares_plainly = true;
    c->experts.shared_size = (size_t)n_shared * c->experts.inner_size;
    return STATUS_OK;
}

// least: experts that a group's score is made of.
static Status read_groups(const Json *root, size_t n, size_t n_top, size_t least, ModelConfig *c,
                          Error *err)
{
    ExpertsConfig *e = &c->experts;
    TRY(config_read_size_or(root, "n_group", n, &e->n_groups, err));
    TRY(config_read_size_or(root, "topk_group", n_top, &e->n_top_groups, err));
    const size_t size = e->n_experts / e->n_groups;
    if (e->n_experts % e->n_groups == 0 && size >= least && e->n_top_groups <= e->n_groups &&
        e->n_active <= e->n_top_groups * size)
        return STATUS_OK;
    return json_error(root, err,
                      "%zu of %zu experts in the best %zu of n_group %zu groups: they do not fit",
                      e->n_active, e->n_experts, e->n_top_groups, e->n_groups);
}

// A member that says how experts are chosen, where it is there.
static Status want_method(const Json *root, const char *key, const char *wanted, Error *err)
{
    Slice method = slice_from_cstr(wanted);
    TRY(json_opt_string(root, key, &method, err));
    if (slice_eq_cstr(method, wanted)) return STATUS_OK;
    return json_error(json_get(root, key), err, "\"" SLICE_FMT "\": only \"%s\" is supported",
                      SLICE_ARG(slice_sub(method, 0, 40)), wanted);
}

static Status read_2(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    Slice method = SLICE("greedy");
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(read_attention(root, c, err));
    TRY(experts_read(root, &keys_2, c, err));
    TRY(read_layers(arena, root, 0, 2, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->has_mlp_bias, err));
    TRY(config_read_float(root, "routed_scaling_factor", 1e-6, 1e6, 1, &c->experts.weight_scale,
                          err));
    TRY(want_method(root, "scoring_func", "softmax", err));
    TRY(json_opt_string(root, "topk_method", &method, err));
    if (slice_eq_cstr(method, "greedy")) return STATUS_OK;
    if (slice_eq_cstr(method, "group_limited_greedy")) return read_groups(root, 1, 1, 1, c, err);
    return json_error(json_get(root, "topk_method"), err,
                      "\"" SLICE_FMT "\" is not supported; there are greedy and "
                      "group_limited_greedy",
                      SLICE_ARG(slice_sub(method, 0, 40)));
}

static Status read_3(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(read_attention(root, c, err));
    TRY(experts_read(root, &keys_3, c, err));
    TRY(read_layers(arena, root, 3, 1, c, err));
    TRY(config_read_float(root, "routed_scaling_factor", 1e-6, 1e6, 2.5, &c->experts.weight_scale,
                          err));
    TRY(want_method(root, "scoring_func", "sigmoid", err));
    TRY(want_method(root, "topk_method", "noaux_tc", err));
    c->experts.corrects = c->experts.normalizes = true;
    TRY(json_opt_bool(root, "norm_topk_prob", &c->experts.normalizes, err));
    TRY(json_opt_bool(root, "rope_interleave", &c->latent.is_in_pairs, err));
    return read_groups(root, 8, 4, 2, c, err);
}

static void write_common(const ModelConfig *c, const ExpertKeys *keys, JsonWriter *w)
{
    const ExpertsConfig *e = &c->experts;
    const LatentConfig *l = &c->latent;
    ModelConfig told = *c;
    size_t n_dense = 0;
    told.head_dim = l->turned_dims; // as Transformers counts it
    decoder_write(&told, &defaults, w);
    experts_write(c, keys, w);
    json_put_key(w, "q_lora_rank");
    if (l->q_rank > 0)
        json_put_u64(w, l->q_rank);
    else
        json_put_null(w);
    json_member_u64(w, "kv_lora_rank", l->kv_rank);
    json_member_u64(w, "qk_nope_head_dim", l->plain_dims);
    json_member_u64(w, "qk_rope_head_dim", l->turned_dims);
    json_member_u64(w, "v_head_dim", l->value_dims);
    json_member_bool(w, "attention_bias", c->has_qkv_bias);
    while (n_dense < c->n_layers && e->is_dense && e->is_dense[n_dense]) n_dense++;
    json_member_u64(w, "first_k_dense_replace", n_dense);
    json_member_u64(w, "n_shared_experts", e->inner_size > 0 ? e->shared_size / e->inner_size : 0);
    json_member_float(w, "routed_scaling_factor", e->weight_scale);
    if (e->n_groups == 0) return;
    json_member_u64(w, "n_group", e->n_groups);
    json_member_u64(w, "topk_group", e->n_top_groups);
}

static void write_2(const ModelConfig *c, JsonWriter *w)
{
    write_common(c, &keys_2, w);
    json_member_bool(w, "mlp_bias", c->has_mlp_bias);
    json_member_cstr(w, "topk_method", c->experts.n_groups > 0 ? "group_limited_greedy" : "greedy");
}

static void write_3(const ModelConfig *c, JsonWriter *w)
{
    write_common(c, &keys_3, w);
    json_member_bool(w, "norm_topk_prob", c->experts.normalizes);
    json_member_bool(w, "rope_interleave", c->latent.is_in_pairs);
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
    .classes = {{"DeepseekV3ForCausalLM", HEAD_CAUSAL_LM},
                {"DeepseekV3Model", HEAD_EMBEDDING},
                {"DeepseekV3ForSequenceClassification", HEAD_SEQUENCE},
                {"DeepseekV3ForTokenClassification", HEAD_TOKEN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_3,
    .write_config = write_3,
    .record = deepseek_record,
};
