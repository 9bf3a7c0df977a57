// ERNIE 4.5 with experts: ERNIE 4.5 (llama_kin.c) whose later layers are mixtures, chosen by softmax(W_r x) + b, the weights of the
// chosen ones without b and adding up to 1, beside experts of every token. Names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/llama.h"

static const DecoderDefaults defaults = {.theta = 500000,
                                         .norm_epsilon = 1e-5,
                                         .n_kv_heads = 4,
                                         .is_tied = true,
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};
static const ExpertNames names = {.block = "mlp",
                                  .router = "gate",
                                  .gate = "gate_proj",
                                  .up = "up_proj",
                                  .down = "down_proj",
                                  .correction = "moe_statics.e_score_correction_bias",
                                  .correction_is_row = true};

// Layers first to last, where last is -1 for the last of all, have experts, and of these every interval-th of the model.
static Status read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool *is_dense = NULL;
    int64_t first = 1, last = -1, interval = 1;
    TRY(json_opt_i64(root, "moe_layer_start_index", 0, 1 << 24, &first, err));
    TRY(json_opt_i64(root, "moe_layer_end_index", -1, 1 << 24, &last, err));
    TRY(json_opt_i64(root, "moe_layer_interval", 1, 1 << 24, &interval, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_dense, "layers", &is_dense, err));
    for (size_t i = 0; i < c->n_layers; i++)
        is_dense[i] =
            i < (size_t)first || (last >= 0 && i > (size_t)last) || (i + 1) % (size_t)interval != 0;
    c->experts.is_dense = is_dense;
    return STATUS_OK;
}

static Status read_experts(const Json *root, ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    int64_t n_shared = 2;
    *e = (ExpertsConfig){.names = &names, .route = ROUTE_SOFTMAX_TOP, .corrects = true};
    TRY(config_read_size_or(root, "moe_num_experts", 64, &e->n_experts, err));
    TRY(config_read_size_or(root, "moe_k", 6, &e->n_active, err));
    TRY(config_read_size_or(root, "moe_intermediate_size", 1536, &e->inner_size, err));
    TRY(json_opt_i64(root, "moe_num_shared_experts", 0, 1 << 16, &n_shared, err));
    e->shares_plainly = true;
    e->shared_size = (size_t)n_shared * e->inner_size;
    return experts_check(root, e, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_bias = false;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(json_opt_bool(root, "use_bias", &has_bias, err));
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = has_bias;
    c->rotary.in_pairs = true;
    c->dropout.attention = 0; // whatever config.json says, as in Transformers
    TRY(read_experts(root, c, err));
    return read_layers(arena, root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    const ExpertsConfig *e = &c->experts;
    size_t first = 0, last = 0, interval = 1;
    while (first + 1 < c->n_layers && !experts_are_in(c, first)) first++;
    for (size_t i = first; i < c->n_layers; i++) {
        if (experts_are_in(c, i)) last = i;
    }
    while (first + interval < last && !experts_are_in(c, first + interval)) interval++;
    decoder_write(c, &defaults, w);
    json_member_bool(w, "use_bias", c->attention.has_qkv_bias);
    json_member_u64(w, "moe_num_experts", e->n_experts);
    json_member_u64(w, "moe_k", e->n_active);
    json_member_u64(w, "moe_intermediate_size", e->inner_size);
    json_member_u64(w, "moe_num_shared_experts", e->shared_size / e->inner_size);
    json_member_u64(w, "moe_layer_start_index", first);
    json_member_u64(w, "moe_layer_end_index", last);
    json_member_u64(w, "moe_layer_interval", interval);
    decoder_write_pad(c, w);
}

const Architecture architecture_ernie4_5_moe = {
    .model_type = "ernie4_5_moe",
    .summary = "ERNIE 4.5 with experts beside some of every token",
    .classes = {{"Ernie4_5_MoeForCausalLM", HEAD_CAUSAL_LM}, {"Ernie4_5_MoeModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = llama_record,
};
