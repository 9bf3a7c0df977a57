// Gemma 4: Gemma 3 (gemma.c) with norms that multiply by their weight alone, wider heads in global layers, and inputs of each layer.
//
//     x_0 = sqrt(H) * word[ids],  p = (RMSNorm(W_p x_0 / sqrt(H)) + sqrt(D) * table[ids]) / sqrt(2), D columns a layer
//     a_i = x_i + RMSNorm(W_o attention(rope(norm(W_q n)), rope(norm(W_k n)), norm(W_v n))),  n = RMSNorm(x_i)
//     b_i = a_i + RMSNorm(W_down (gelu(W_gate m) * W_up m)),  m = RMSNorm(a_i)
//     x_{i+1} = s_i (b_i + RMSNorm(W_l (gelu(W_g b_i) * p_i)))
//
// With experts b_i = a_i + RMSNorm(RMSNorm(W_down ..) + RMSNorm(mixture(RMSNorm(a_i)))), chosen by W_r (RMSNorm(a_i) / sqrt(H)), whose
// weights are a softmax of the chosen ones times a factor of each expert.
//
// Scores have no scale, values are normed without a weight, and global layers may take W_k in the place of W_v. The last n_sharing
// layers have no keys and values of their own: theirs are those of the last layer before them that sees as far. Of a text whose
// last tokens alone are read these layers are computed for those tokens only.
// Source: Transformers 5.24, models/gemma4; Gemma Team 2025, developers' guide to Gemma 3n, for inputs of layers and shared keys.
#include <math.h>

#include "models/architectures/decoder.h"
#include "models/architectures/experts.h"
#include "models/architectures/gemma.h"

enum { WITH_WINDOW, WITHOUT_WINDOW, N_REACHES };

// What layers hand on beside the hidden state.
typedef struct Stack {
    DecoderRopes ropes;
    Value keys[N_REACHES], values[N_REACHES]; // of the last layer that has its own
    ParamId ones[N_REACHES];                  // weights of norms that have none
    Value inputs;                             // of layers from first_input on
    size_t first_input;
    bool is_cut; // to the rows that are read
} Stack;

static int reach_of(const ModelConfig *c, size_t i)
{
    return c->attention.is_local[i] ? WITH_WINDOW : WITHOUT_WINDOW;
}

static bool is_sharing(const ModelConfig *c, size_t i)
{
    return i + c->gemma4.n_sharing >= c->n_layers;
}

static Value layer_inputs(Tape *t, const ModelConfig *c, Value x)
{
    const size_t d = c->gemma4.input_size, n = c->n_layers * d;
    const ParamId table =
        tape_table(t, "embed_tokens_per_layer", c->gemma4.input_vocab, n, c->pad_id);
    const Value of_token =
        tape_scale(t, tape_embedding(t, table, PARAM_NONE, PARAM_NONE), sqrtf((float)d));
    const Value made =
        decoder_linear(t, x, "per_layer_model_projection", n, false, ACTIVATION_NONE);
    const Value normed = tape_rms_norm(t, tape_scale(t, made, 1.0f / sqrtf((float)c->hidden_size)),
                                       "per_layer_projection_norm", d, c->layer_norm_eps, 0);
    return tape_scale(t, tape_add(t, normed, of_token), sqrtf(0.5f));
}

static void cut_inputs(Tape *t, const ModelConfig *c, size_t i, Stack *s)
{
    const size_t d = c->gemma4.input_size;
    s->is_cut = true;
    if (d == 0) return;
    const Value rest =
        tape_columns(t, s->inputs, (i - s->first_input) * d, (c->n_layers - s->first_input) * d);
    s->inputs = tape_output_rows(t, rest);
    s->first_input = i;
}

static Value head_norm(Tape *t, const ModelConfig *c, Value x, const char *name, size_t head_dim)
{
    return tape_rms_norm(t, x, name, head_dim, c->layer_norm_eps, 0);
}

// Keys and values before they are normed; queries too where they are of the same product, then *q is set.
static void keys_and_values(Tape *t, const ModelConfig *c, size_t i, bool cuts, Value x, Value *q,
                            Value *k, Value *v)
{
    const size_t head_dim = decoder_head_dim(c, i), n_q = c->n_heads * head_dim;
    const size_t n_kv =
        (c->attention.is_local[i] ? c->n_kv_heads : c->gemma4.n_global_kv_heads) * head_dim;
    const DensePart parts[] = {{"q_proj", n_q}, {"k_proj", n_kv}, {"v_proj", n_kv}};
    if (c->gemma4.values_are_keys && !c->attention.is_local[i]) {
        *q = decoder_linear(t, cuts ? tape_output_rows(t, x) : x, "q_proj", n_q,
                            c->attention.has_qkv_bias, ACTIVATION_NONE);
        *k = *v = decoder_linear(t, x, "k_proj", n_kv, c->attention.has_qkv_bias, ACTIVATION_NONE);
        return;
    }
    const Dense qkv = tape_dense_parts(t, parts, 3, c->hidden_size,
                                       c->attention.has_qkv_bias ? 0 : DENSE_NO_BIAS);
    const size_t begin = cuts ? n_q : 0;
    const Value all = tape_linear_part(t, x, qkv, begin, n_q + 2 * n_kv, ACTIVATION_NONE);
    *q = cuts ? tape_linear_part(t, tape_output_rows(t, x), qkv, 0, n_q, ACTIVATION_NONE)
              : tape_columns(t, all, 0, n_q);
    *k = tape_columns(t, all, n_q - begin, n_q - begin + n_kv);
    *v = tape_columns(t, all, n_q - begin + n_kv, n_q - begin + 2 * n_kv);
}

// cuts: queries alone are of the rows that are read.
static Value attention(Tape *t, const ModelConfig *c, size_t i, Stack *s, bool cuts, Value x)
{
    const int reach = reach_of(c, i);
    const size_t head_dim = decoder_head_dim(c, i);
    const RopeId rope = c->attention.is_local[i] ? s->ropes.local : s->ropes.global;
    Value q;
    if (is_sharing(c, i)) {
        q = decoder_linear(t, x, "q_proj", c->n_heads * head_dim, c->attention.has_qkv_bias,
                           ACTIVATION_NONE);
    } else {
        Value k, v;
        keys_and_values(t, c, i, cuts, x, &q, &k, &v);
        s->keys[reach] = tape_rope(t, head_norm(t, c, k, "k_norm", head_dim), head_dim, rope);
        s->values[reach] =
            tape_rms_norm_of(t, v, s->ones[reach], (NormArgs){.epsilon = c->layer_norm_eps});
    }
    q = tape_rope(t, head_norm(t, c, q, "q_norm", head_dim), head_dim, rope);
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = value_cols(s->keys[reach]) / head_dim,
                                     .head_dim = head_dim,
                                     .scale = 1.0f,
                                     .is_causal = true,
                                     .window = model_config_window(c, i),
                                     .dropout = c->dropout.attention,
                                     .is_cached = true};
    return tape_attention(t, q, s->keys[reach], s->values[reach], &attention);
}

// What the layer makes of its own input, added to x.
static Value with_input(Tape *t, const ModelConfig *c, size_t i, const Stack *s, Value x)
{
    const size_t d = c->gemma4.input_size, at = (i - s->first_input) * d;
    if (d == 0) return x;
    const Value gate = decoder_linear(t, x, "per_layer_input_gate", d, false, ACTIVATION_NONE);
    const Value inner = tape_gated(t, gate, tape_columns(t, s->inputs, at, at + d), c->activation);
    const Value out =
        decoder_linear(t, inner, "per_layer_projection", c->hidden_size, false, ACTIVATION_NONE);
    return tape_add(t, x, decoder_norm(t, c, out, "post_per_layer_input_norm"));
}

// x times a number of the layer, which training leaves as it is.
static Value scaled(Tape *t, const Stack *s, Value x)
{
    const HeadsArgs spread = {.n_heads = value_cols(x), .parts = {{.n = 1, .is_shared = 1}}};
    Value number = tape_first_row(t, tape_fixed_number(t, "layer_scalar"));
    if (s->is_cut) number = tape_output_rows(t, number);
    return tape_gated(t, x, tape_heads(t, &number, 1, 1, &spread), ACTIVATION_NONE);
}

// What experts make of a beside the gated layer, whose answer is `outer`.
static Value with_experts(Tape *t, const ModelConfig *c, Value a, Value outer)
{
    const NormArgs norm = {.epsilon = c->layer_norm_eps};
    const ParamId scale = tape_vector(t, "router.scale", c->hidden_size, INIT_ONE);
    const Value seen =
        tape_scale(t, tape_rms_norm_of(t, a, scale, norm), 1.0f / sqrtf((float)c->hidden_size));
    const Route route = experts_route(t, c, seen);
    const Value mixed =
        experts_mixed(t, c, route, decoder_norm(t, c, a, "pre_feedforward_layernorm_2"));
    return tape_add(t, decoder_norm(t, c, outer, "post_feedforward_layernorm_1"),
                    decoder_norm(t, c, mixed, "post_feedforward_layernorm_2"));
}

static Value block(Tape *t, const ModelConfig *c, size_t i, Stack *s, Value x)
{
    const size_t n_inner =
        c->intermediate_size * (c->gemma4.widens_sharing && is_sharing(c, i) ? 2 : 1);
    bool cuts = decoder_is_cut(c, i) && !s->is_cut;
    if (cuts && is_sharing(c, i)) {
        x = tape_output_rows(t, x);
        cut_inputs(t, c, i, s);
        cuts = false;
    }
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_norm(t, c, x, "input_layernorm");
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value out = decoder_linear(t, attention(t, c, i, s, cuts, n), "o_proj", c->hidden_size,
                                     c->attention.has_output_bias, ACTIVATION_NONE);
    if (cuts) {
        x = tape_output_rows(t, x);
        cut_inputs(t, c, i, s);
    }
    tape_prefix(t, "model.layers.%zu.", i);
    const Value a = tape_add(t, x, decoder_norm(t, c, out, "post_attention_layernorm"));
    const Value m = decoder_norm(t, c, a, "pre_feedforward_layernorm");
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    Value outer = decoder_gated_layer(t, c, n_inner, m);
    tape_prefix(t, "model.layers.%zu.", i);
    if (experts_are_in(c, i)) outer = with_experts(t, c, a, outer);
    const Value b = tape_add(t, a, decoder_norm(t, c, outer, "post_feedforward_layernorm"));
    return scaled(t, s, with_input(t, c, i, s, b));
}

void gemma4_record(Tape *t, const ModelConfig *c)
{
    Stack stack = {.ropes = decoder_ropes(t, c)};
    ParamId table = 0;
    tape_prefix(t, "model.");
    Value x = decoder_embedding(t, c, "embed_tokens", &table);
    if (c->gemma4.input_size > 0) stack.inputs = layer_inputs(t, c, x);
    stack.ones[WITH_WINDOW] = tape_ones(t, c->head_dim);
    stack.ones[WITHOUT_WINDOW] = tape_ones(t, c->gemma4.global_head_dim);
    for (size_t i = 0; i < c->n_layers; i++) {
        tape_hidden(t, x);
        x = block(t, c, i, &stack, x);
    }
    tape_prefix(t, "model.");
    tape_group(t, 1 + c->n_layers);
    decoder_output(t, c, table, "lm_head", decoder_norm(t, c, x, "norm"));
}
