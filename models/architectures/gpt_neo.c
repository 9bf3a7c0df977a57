// GPT-Neo: GPT-2 whose layers see the whole text and a window of it in turn, with scores that are not scaled.
//
//     x_0 = word[ids] + position[0..]
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Black et al. 2021, "GPT-Neo: Large Scale Autoregressive Language Modeling with Mesh-Tensorflow"; names of tensors as
// in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "transformer.h.%zu.", i);
    const Value n = decoder_layer_norm(t, c, x, "ln_1");
    tape_prefix(t, "transformer.h.%zu.attn.attention.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, names), n);
    const Value out = decoder_linear(t, mixed, "out_proj", h, true, ACTIVATION_NONE);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->hidden_dropout));

    tape_prefix(t, "transformer.h.%zu.", i);
    const Value m = decoder_layer_norm(t, c, a, "ln_2");
    tape_prefix(t, "transformer.h.%zu.mlp.", i);
    const Value inner = decoder_linear(t, m, "c_fc", c->intermediate_size, true, c->activation);
    const Value outer = decoder_linear(t, inner, "c_proj", h, true, ACTIVATION_NONE);
    return tape_add(t, a, tape_dropout(t, outer, c->hidden_dropout));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "transformer.",
                                       .words = "wte",
                                       .positions = "wpe",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "ln_f"};
    decoder_record(t, c, &frame, block);
}

// The kinds of one item of attention_types, so many times: [["global", "local"], 12]. *n layers are known.
static Status read_kinds(const Json *item, size_t n_layers, bool *is_local, size_t *n, Error *err)
{
    int64_t times = 0;
    const Json *kinds = json_kind(item) == JSON_ARRAY ? json_at(item, 0) : NULL;
    if (!kinds || json_kind(kinds) != JSON_ARRAY || json_len(item) != 2)
        return json_error(item, err, "must be a list of kinds and a number: [[\"global\"], 12]");
    TRY(json_as_i64(json_at(item, 1), 1, 1 << 24, &times, err));
    const size_t n_all = json_len(kinds) * (size_t)times;
    for (size_t k = 0; k < n_all && *n <= n_layers; k++, (*n)++) {
        const Json *kind = json_at(kinds, k % json_len(kinds));
        Slice name = {0};
        TRY(json_as_string(kind, &name, err));
        const bool local = slice_eq_cstr(name, "local");
        if (!local && !slice_eq_cstr(name, "global"))
            return json_error(kind, err, "must be \"global\" or \"local\"");
        if (*n < n_layers) is_local[*n] = local;
    }
    return STATUS_OK;
}

static Status read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *types = NULL;
    bool *is_local = NULL;
    size_t n = 0;
    TRY(json_want_kind(root, "attention_types", JSON_ARRAY, &types, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_local, "layers", &is_local, err));
    for (const Json *v = json_first(types); v; v = json_next(v))
        TRY(read_kinds(v, c->n_layers, is_local, &n, err));
    c->is_local = is_local;
    if (n == c->n_layers) return STATUS_OK;
    return json_error(types, err, "its kinds are not those of %zu layers, as num_layers says",
                      c->n_layers);
}

static Status read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &c->hidden_size, err));
    TRY(config_read_size(root, "num_layers", &c->n_layers, err));
    TRY(config_read_size(root, "num_heads", &c->n_heads, err));
    TRY(config_read_size(root, "max_position_embeddings", &c->max_positions, err));
    TRY(config_read_size_or(root, "intermediate_size", 4 * c->hidden_size, &c->intermediate_size,
                            err));
    TRY(config_split_heads(root, "hidden_size", c, err));
    c->window = 256;
    return json_get(root, "window_size") ? config_read_size(root, "window_size", &c->window, err)
                                         : STATUS_OK;
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_sizes(root, c, err));
    TRY(read_layers(arena, root, c, err));
    c->activation = ACTIVATION_GELU_TANH;
    if (json_get(root, "activation_function"))
        TRY(config_read_activation(root, "activation_function", &c->activation, err));
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0, &c->attention_dropout, err));
    TRY(config_read_float(root, "resid_dropout", 0, 0.999, 0, &c->hidden_dropout, err));
    TRY(config_read_float(root, "embed_dropout", 0, 0.999, 0, &c->embedding_dropout, err));
    TRY(decoder_read_tagger(root, c, err));
    c->attention_scale = 1.0f;
    c->norm_bias = c->is_tied = true;
    return json_opt_bool(root, "tie_word_embeddings", &c->is_tied, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "hidden_size", c->hidden_size);
    json_member_u64(w, "num_layers", c->n_layers);
    json_member_u64(w, "num_heads", c->n_heads);
    json_member_u64(w, "intermediate_size", c->intermediate_size);
    json_member_u64(w, "max_position_embeddings", c->max_positions);
    json_member_u64(w, "window_size", c->window);
    json_member_array(w, "attention_types");
    for (size_t i = 0; i < c->n_layers; i++) {
        json_begin_array(w);
        json_begin_array(w);
        json_put_cstr(w, c->is_local && c->is_local[i] ? "local" : "global");
        json_end_array(w);
        json_put_u64(w, 1);
        json_end_array(w);
    }
    json_end_array(w);
    json_member_cstr(w, "activation_function",
                     c->activation == ACTIVATION_GELU_TANH ? "gelu_new"
                                                           : config_activation_name(c->activation));
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, "attention_dropout", c->attention_dropout);
    json_member_float(w, "resid_dropout", c->hidden_dropout);
    json_member_float(w, "embed_dropout", c->embedding_dropout);
    json_member_bool(w, "tie_word_embeddings", c->is_tied);
}

const Architecture architecture_gpt_neo = {
    .model_type = "gpt_neo",
    .summary = "GPT-Neo: GPT-2 with a window in every other layer",
    .classes = {{"GPTNeoForCausalLM", HEAD_CAUSAL_LM},
                {"GPTNeoModel", HEAD_EMBEDDING},
                {"GPTNeoForSequenceClassification", HEAD_SEQUENCE},
                {"GPTNeoForTokenClassification", HEAD_TOKEN},
                {"GPTNeoForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
