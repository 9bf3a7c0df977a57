// Families of which metadata are told by the config understood (ModelConfig): those whose config.json has older and newer spellings.
#include "models/gguf/gguf_export_internal.h"

#include <string.h>

#include "models/config_read.h"

// Families whose config.json has older and newer spellings, told by what was read from it; and whether their norms are of root
// mean squares.
typedef struct ParsedFamily {
    const char *model_type;
    bool is_rms;
} ParsedFamily;

static const ParsedFamily parsed_families[] = {{"arcee", true},
                                               {"bert", false},
                                               {"bloom", false},
                                               {"camembert", false},
                                               {"cohere", false},
                                               {"cohere2", false},
                                               {"cwm", true},
                                               {"deepseek_v2", true},
                                               {"deepseek_v3", true},
                                               {"distilbert", false},
                                               {"dots1", true},
                                               {"ernie4_5", true},
                                               {"eurobert", true},
                                               {"exaone", true},
                                               {"exaone4", true},
                                               {"falcon", false},
                                               {"gemma", true},
                                               {"gemma2", true},
                                               {"gemma3_text", true},
                                               {"glm", true},
                                               {"glm4", true},
                                               {"glm4_moe", true},
                                               {"glm4_moe_lite", true},
                                               {"gpt_bigcode", false},
                                               {"gpt_neox", false},
                                               {"gpt_oss", true},
                                               {"granite", true},
                                               {"granitemoe", true},
                                               {"granitemoehybrid", true},
                                               {"helium", true},
                                               {"hunyuan_v1_dense", true},
                                               {"hunyuan_v1_moe", true},
                                               {"internlm3", true},
                                               {"jais2", false},
                                               {"lfm2", true},
                                               {"minimax_m2", true},
                                               {"ministral", true},
                                               {"ministral3", true},
                                               {"mixtral", true},
                                               {"modernbert", false},
                                               {"mpt", false},
                                               {"nemotron", false},
                                               {"nomic_bert", false},
                                               {"olmo", false},
                                               {"olmo2", true},
                                               {"olmo3", true},
                                               {"olmoe", true},
                                               {"phi", false},
                                               {"qwen2_moe", true},
                                               {"qwen3_moe", true},
                                               {"roberta", false},
                                               {"seed_oss", true},
                                               {"smollm3", true},
                                               {"stablelm", false},
                                               {"starcoder2", false},
                                               {"xlm-roberta", false}};

// The row of a type; NULL where it is told by config.json itself.
static const ParsedFamily *parsed_family(Slice model_type)
{
    for (size_t i = 0; i < sizeof parsed_families / sizeof *parsed_families; i++) {
        if (slice_eq_cstr(model_type, parsed_families[i].model_type)) return &parsed_families[i];
    }
    return NULL;
}

bool export_reads_parsed(Slice model_type)
{
    return parsed_family(model_type) != NULL;
}

// llama.cpp has Gemma 2's usual caps where its files have none. A final cap of 0 is off there; one of scores cannot be, and is
// put so high that it does nothing.
static void put_caps(GgufExport *out)
{
    static const struct {
        const char *key;
        double none;
    } caps[] = {{"attn_logit_softcapping", 1e6}, {"final_logit_softcapping", 0}};
    const bool has_usual = strcmp(out->architecture, "gemma2") == 0;
    for (size_t i = 0; i < 2; i++) {
        const bool is_off = has_usual && json_get(out->config, caps[i].key);
        if (is_off || config_has(out->config, caps[i].key))
            export_put_real(out, caps[i].key,
                            export_real(out, out->config, caps[i].key, caps[i].none));
    }
}

// llama.cpp knows whether weights add up to 1 by the architecture; expert_weights_norm says it too.
static void put_experts(GgufExport *out, const ModelConfig *c)
{
    char key[EXPORT_KEY_SIZE];
    const ExpertsConfig *e = &c->experts;
    export_put_size(out, "expert_count", e->n_experts);
    export_put_size(out, "expert_used_count", e->n_active);
    if (e->inner_size != c->intermediate_size || slice_starts_with(c->model_type, SLICE("qwen")) ||
        slice_eq_cstr(c->model_type, "gpt_oss") || slice_eq_cstr(c->model_type, "minimax_m2") ||
        e->shares_plainly || c->latent.kv_rank > 0)
        export_put_size(out, "expert_feed_forward_length", e->inner_size);
    if (e->shared_size > 0)
        export_put_size(out, "expert_shared_feed_forward_length", e->shared_size);
    const bool normalizes =
        e->route == ROUTE_SIGMOID ? e->normalizes : e->route == ROUTE_SOFTMAX_TOP;
    gguf_put_bool(out->b, export_key(out, "expert_weights_norm", key), normalizes);
}

// Experts beside some of every token, behind dense layers.
static void put_shared_experts(GgufExport *out)
{
    enum { GATE_SOFTMAX = 1, GATE_SIGMOID = 2 }; // as llama.cpp numbers them
    const ModelConfig *c = out->parsed;
    const ExpertsConfig *e = &c->experts;
    size_t n_dense = 0;
    while (n_dense < c->n_layers && e->is_dense && e->is_dense[n_dense]) n_dense++;
    export_put_size(out, "leading_dense_block_count", n_dense);
    export_put_size(out, "expert_shared_count",
                    e->inner_size > 0 ? e->shared_size / e->inner_size : 0);
    export_put_real(out, "expert_weights_scale", (double)e->weight_scale);
    export_put_size(out, "expert_gating_func",
                    e->route == ROUTE_SIGMOID ? GATE_SIGMOID : GATE_SOFTMAX);
    // All groups are as good as none; llama.cpp takes none but some of several.
    if (e->n_top_groups < e->n_groups) {
        export_put_size(out, "expert_group_count", e->n_groups);
        export_put_size(out, "expert_group_used_count", e->n_top_groups);
    }
}

// DeepSeek's attention. What llama.cpp keeps of a token is the few numbers that keys and values are made of, as one key of one
// head; keys and values themselves are those of "_mla".
static void put_latent(GgufExport *out)
{
    const ModelConfig *c = out->parsed;
    const LatentConfig *l = &c->latent;
    export_put_size(out, "attention.q_lora_rank", l->q_rank); // 0: none
    export_put_size(out, "attention.kv_lora_rank", l->kv_rank);
    export_put_size(out, "attention.head_count_kv", 1);
    export_put_size(out, "attention.key_length", l->kv_rank + l->turned_dims);
    export_put_size(out, "attention.value_length", l->kv_rank);
    export_put_size(out, "attention.key_length_mla", l->plain_dims + l->turned_dims);
    export_put_size(out, "attention.value_length_mla", l->value_dims);
    if (c->rotary.rope.kind == ROPE_YARN)
        export_put_real(out, "rope.scaling.yarn_log_multiplier",
                        0.1 * c->rotary.rope.mscale_all_dim);
}

// Whether all layers are local but every `period`-th, the first among these or the last.
static bool is_local_but_every(const bool *is_local, size_t n, size_t period, bool first_is_full)
{
    for (size_t i = 0; i < n; i++) {
        if (is_local[i] != ((i + !first_is_full) % period != 0)) return false;
    }
    return true;
}

// Which layers are local: all but every n-th, or a list.
static void put_pattern(GgufExport *out, const bool *is_local, size_t n, bool first_is_full)
{
    char key[EXPORT_KEY_SIZE];
    size_t period = 1;
    while (period <= n && !is_local_but_every(is_local, n, period, first_is_full)) period++;
    (void)export_key(out, "attention.sliding_window_pattern", key);
    if (period <= n)
        gguf_put_u32(out->b, key, (uint32_t)period);
    else
        gguf_put_bools(out->b, key, is_local, n);
}

static void put_window(GgufExport *out)
{
    const ModelConfig *c = out->parsed;
    if (c->attention.window == 0) return;
    if (!model_config_has_windows(c) && !slice_eq_cstr(c->model_type, "exaone4")) {
        // llama.cpp ends the process where a window is of no layer, and has one of its own where a file is silent, but for these.
        if (!slice_eq_cstr(c->model_type, "gemma3_text") && !slice_eq_cstr(c->model_type, "olmo3"))
            export_put_size(out, "attention.sliding_window", c->max_positions);
        return;
    }
    // Of both sides together, where a token sees both.
    export_put_size(out, "attention.sliding_window",
                    c->attention.sees_all ? 2 * (c->attention.window - 1) : c->attention.window);
    if (c->attention.is_local) put_pattern(out, c->attention.is_local, c->n_layers, false);
}

static void put_gemma(GgufExport *out)
{
    const ModelConfig *c = out->parsed;
    put_caps(out);
    // llama.cpp takes the scale that Gemma's own sizes have; of other sizes only we read it.
    if (c->attention.scale > 0) export_put_real(out, "attention.scale", (double)c->attention.scale);
    if (c->rotary.rope_local.theta > 0)
        export_put_real(out, "rope.freq_base_swa", c->rotary.rope_local.theta);
}

// LFM2's layers that are no attention: those without heads of keys.
static void put_convs(GgufExport *out, Arena *arena)
{
    char key[EXPORT_KEY_SIZE];
    uint32_t *n_heads = NULL;
    const ModelConfig *c = out->parsed;
    if (out->status == STATUS_OK)
        out->status = arena_take(arena, c->n_layers, sizeof *n_heads, "layers", &n_heads, out->err);
    for (size_t i = 0; n_heads && i < c->n_layers; i++)
        n_heads[i] = c->conv.layers[i] ? 0 : (uint32_t)c->n_kv_heads;
    if (n_heads)
        gguf_put_u32s(out->b, export_key(out, "attention.head_count_kv", key), n_heads,
                      c->n_layers);
    export_put_size(out, "shortconv.l_cache", c->conv.n_taps);
}

// What decoders and encoders alike have.
static void put_sizes(GgufExport *out)
{
    const ModelConfig *c = out->parsed;
    export_put_size(out, "vocab_size", c->vocab_size);
    export_put_size(out, "context_length", c->max_positions);
    export_put_size(out, "embedding_length", c->hidden_size);
    export_put_size(out, "block_count", c->n_layers);
    export_put_size(out, "feed_forward_length", c->intermediate_size);
    export_put_size(out, "attention.head_count", c->n_heads);
}

static void put_decoder(GgufExport *out, bool is_rms, Arena *arena, GgufRopeFactors *factors)
{
    char key[EXPORT_KEY_SIZE];
    const ModelConfig *c = out->parsed;
    const Slice model = c->model_type;
    out->head_dim = c->head_dim;
    put_sizes(out);
    const bool is_latent = c->latent.kv_rank > 0;
    if (!is_latent) {
        if (c->conv.layers)
            put_convs(out, arena);
        else
            export_put_size(out, "attention.head_count_kv", c->n_kv_heads);
        export_put_size(out, "attention.key_length", c->head_dim);
        export_put_size(out, "attention.value_length", c->head_dim);
    }
    export_put_real(out,
                    is_rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon",
                    (double)c->layer_norm_eps);
    if (slice_eq_cstr(model, "gpt_neox") || slice_eq_cstr(model, "stablelm"))
        gguf_put_bool(out->b, export_key(out, "use_parallel_residual", key), c->block.is_parallel);
    if (slice_eq_cstr(model, "falcon"))
        export_put_text(out, "tensor_data_layout",
                        SLICE("jploski")); // queries, keys, values stacked
    if (c->attention.sees_all)
        gguf_put_bool(out->b, export_key(out, "attention.causal", key), false);
    put_window(out);
    if (slice_starts_with(model, SLICE("gemma"))) put_gemma(out);
    if (c->rotary.rope.growth > 0)
        export_put_real(out, "attention.temperature_scale", c->rotary.rope.growth);
    if (slice_eq_cstr(model, "mpt")) export_put_real(out, "attention.max_alibi_bias", 8);
    if (c->attention.qkv_cap > 0)
        export_put_real(out, "attention.clamp_kqv", (double)c->attention.qkv_cap);
    if (slice_starts_with(model, SLICE("cohere")))
        export_put_real(out, "logit_scale", (double)c->output.scale);
    if (slice_starts_with(model, SLICE("granite"))) {
        export_put_real(out, "logit_scale", 1.0 / (double)c->output.scale);
        export_put_real(out, "residual_scale", (double)c->block.residual_scale);
        export_put_real(out, "embedding_scale", (double)c->embedding_scale);
        export_put_real(out, "attention.scale", (double)c->attention.scale);
        // By which llama.cpp says of Granite whether anything turns.
        if (c->rotary.skips)
            gguf_put_bool(out->b, export_key(out, "rope.scaling.finetuned", key), false);
    }
    if (c->experts.n_experts > 0) put_experts(out, c);
    if (c->experts.route == ROUTE_SIGMOID || is_latent) put_shared_experts(out);
    if (is_latent) put_latent(out);
    if (c->rotary.dims > 0) export_put_rope(out, c->max_positions, arena, factors);
}

// Rotations of Nomic's BERT, and of ModernBERT, whose blocks see near tokens alone or everything.
static void put_turning(GgufExport *out, Arena *arena)
{
    const ModelConfig *c = out->parsed;
    bool *is_local = NULL;
    export_put_size(out, "rope.dimension_count", c->hidden_size / c->n_heads);
    export_put_real(out, "rope.freq_base",
                    c->modernbert.is_global ? c->modernbert.global_theta : c->rotary.rope.theta);
    if (!c->modernbert.is_global) return;
    out->status = arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, out->err);
    if (out->status != STATUS_OK) return;
    for (size_t i = 0; i < c->n_layers; i++) is_local[i] = !c->modernbert.is_global[i];
    export_put_real(out, "rope.freq_base_swa", c->modernbert.local_theta);
    export_put_text(out, "hidden_activation",
                    slice_from_cstr(config_activation_name(c->activation)));
    export_put_size(out, "attention.sliding_window", 2 * c->modernbert.local_reach);
    put_pattern(out, is_local, c->n_layers, true);
}

static bool is_encoder(const char *architecture)
{
    return strcmp(architecture, "bert") == 0 || strcmp(architecture, "nomic-bert") == 0 ||
           strcmp(architecture, "modern-bert") == 0;
}

static void put_encoder(GgufExport *out, Arena *arena)
{
    char key[EXPORT_KEY_SIZE];
    const ModelConfig *c = out->parsed;
    put_sizes(out);
    export_put_real(out, "attention.layer_norm_epsilon", (double)c->layer_norm_eps);
    gguf_put_bool(out->b, export_key(out, "attention.causal", key), false);
    if (strcmp(out->architecture, "bert") != 0) put_turning(out, arena);
    if (!c->modernbert.is_global) // which llama.cpp wants of a DistilBERT too
        gguf_put_u32(out->b, "tokenizer.ggml.token_type_count",
                     c->type_vocab_size > 0 ? (uint32_t)c->type_vocab_size : 1);
}

void export_put_parsed(GgufExport *out, Arena *arena, GgufRopeFactors *factors)
{
    const ParsedFamily *family = parsed_family(out->parsed->model_type);
    if (is_encoder(out->architecture))
        put_encoder(out, arena);
    else
        put_decoder(out, family && family->is_rms, arena, factors);
}
