// T5: an encoder-decoder of pre-norm blocks with RMS norms and biases by relative position, which the first block of each
// stack has for all of them. mT5 is T5 1.1 on another vocabulary, UMT5 has biases in every block.
//
//     x' = x + W_o attention(norm(x));  x'' = x' + W_2 act(W_1 norm(x'))   or   W_2 (act(W_1 norm(x')) * W_3 norm(x'))
//     score[i][j] = q[i] . k[j] + bias[bucket(j - i)]: not divided by sqrt(head_dim)
//
// Sources: Raffel et al. 2020, arXiv:1910.10683, section 2.1; Xue et al. 2021, arXiv:2010.11934; Chung et al. 2023,
// arXiv:2304.09151; gated feed-forward: Shazeer 2020, arXiv:2002.05202; names of
// tensors as in Transformers' modeling_t5.
#include <math.h>

#include "models/architectures/relative.h"
#include "models/architectures/seq2seq.h"
#include "models/config_read.h"

// One of the two stacks, while it is recorded.
typedef struct Stack {
    const ModelConfig *config;
    const char *name;
    bool is_decoder;
    TapeAttention attention; // of its self-attention, with the bias of its first block
} Stack;

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    const DensePart part = {name, n_out};
    return tape_dense_parts(t, &part, 1, n_in, DENSE_NO_BIAS);
}

static Value norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return tape_rms_norm(t, x, name, c->hidden_size, c->layer_norm_eps, 0.0f);
}

static size_t inner_size(const ModelConfig *c)
{
    return c->n_heads * c->head_dim;
}

// Records the table of biases, [buckets, heads] in the checkpoint, and the buckets of all distances that differ.
static void add_relative_bias(Tape *t, Stack *s)
{
    const DecoderConfig *d = &s->config->decoder;
    s->attention.relative_bias =
        tape_relative_bias(t, "relative_attention_bias", s->config->n_heads, d->n_relative_buckets);
    relative_buckets(t, d->n_relative_buckets, d->relative_distance, s->is_decoder, &s->attention);
}

static Value residual(Tape *t, const Stack *s, Value x, Value y)
{
    return tape_add(t, x, tape_dropout(t, y, s->config->dropout.hidden));
}

// Whether block i of the decoder is the last and only the rows that a head reads are computed behind its keys and values. A part
// of the stacked layer begins at a panel, so that queries must fill whole ones.
static bool is_cut(const ModelConfig *c, bool is_decoder, size_t i)
{
    return is_decoder && c->head == HEAD_SEQUENCE && i + 1 == c->decoder.n_layers &&
           inner_size(c) % PANEL_WIDTH == 0;
}

// Queries of the rows that are read alone, which become the residual.
static Value cut_attention(Tape *t, const Stack *s, Value normed, Dense qkv, Value *x)
{
    const size_t inner = inner_size(s->config);
    const Value kv = tape_linear_part(t, normed, qkv, inner, 3 * inner, ACTIVATION_NONE);
    const Value q =
        tape_linear_part(t, tape_output_rows(t, normed), qkv, 0, inner, ACTIVATION_NONE);
    *x = tape_output_rows(t, *x);
    return tape_attention(t, q, tape_columns(t, kv, 0, inner),
                          tape_columns(t, kv, inner, 2 * inner), &s->attention);
}

static Value self_attention(Tape *t, Stack *s, size_t i, Value x)
{
    const ModelConfig *c = s->config;
    const size_t h = c->hidden_size, inner = inner_size(c);
    const DensePart parts[] = {{"q", inner}, {"k", inner}, {"v", inner}};
    tape_prefix(t, "%s.block.%zu.layer.0.", s->name, i);
    const Value normed = norm(t, c, x, "layer_norm");
    tape_prefix(t, "%s.block.%zu.layer.0.SelfAttention.", s->name, i);
    const Dense dense_qkv = tape_dense_parts(t, parts, 3, h, DENSE_NO_BIAS);
    if (i == 0 || c->decoder.biases_each) add_relative_bias(t, s);
    Value mixed;
    if (is_cut(c, s->is_decoder, i)) {
        mixed = cut_attention(t, s, normed, dense_qkv, &x);
    } else {
        const Value qkv = tape_linear(t, normed, dense_qkv, ACTIVATION_NONE);
        mixed = tape_attention(t, tape_columns(t, qkv, 0, inner),
                               tape_columns(t, qkv, inner, 2 * inner),
                               tape_columns(t, qkv, 2 * inner, 3 * inner), &s->attention);
    }
    return residual(t, s, x, tape_linear(t, mixed, dense(t, "o", inner, h), ACTIVATION_NONE));
}

static Value cross_attention(Tape *t, const Stack *s, size_t i, Value x, Value source)
{
    const ModelConfig *c = s->config;
    const size_t h = c->hidden_size, inner = inner_size(c);
    const DensePart parts[] = {{"k", inner}, {"v", inner}};
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = c->n_heads,
                                     .head_dim = c->head_dim,
                                     .scale = 1.0f,
                                     .relative_bias = PARAM_NONE,
                                     .dropout = c->dropout.attention};
    tape_prefix(t, "%s.block.%zu.layer.1.", s->name, i);
    const Value normed = norm(t, c, x, "layer_norm");
    tape_prefix(t, "%s.block.%zu.layer.1.EncDecAttention.", s->name, i);
    const Value q = tape_linear(t, normed, dense(t, "q", h, inner), ACTIVATION_NONE);
    const Value kv =
        tape_linear(t, source, tape_dense_parts(t, parts, 2, h, DENSE_NO_BIAS), ACTIVATION_NONE);
    const Value mixed = tape_attention(t, q, tape_columns(t, kv, 0, inner),
                                       tape_columns(t, kv, inner, 2 * inner), &attention);
    return residual(t, s, x, tape_linear(t, mixed, dense(t, "o", inner, h), ACTIVATION_NONE));
}

static Value feed_forward(Tape *t, const Stack *s, size_t i, Value x)
{
    const ModelConfig *c = s->config;
    const size_t h = c->hidden_size, f = c->intermediate_size, layer = s->is_decoder ? 2 : 1;
    tape_prefix(t, "%s.block.%zu.layer.%zu.", s->name, i, layer);
    const Value normed = norm(t, c, x, "layer_norm");
    tape_prefix(t, "%s.block.%zu.layer.%zu.DenseReluDense.", s->name, i, layer);
    Value inner;
    if (c->decoder.is_gated) {
        const DensePart parts[] = {{"wi_0", f}, {"wi_1", f}};
        const Value both = tape_linear(t, normed, tape_dense_parts(t, parts, 2, h, DENSE_NO_BIAS),
                                       ACTIVATION_NONE);
        inner = tape_gated(t, tape_columns(t, both, 0, f), tape_columns(t, both, f, 2 * f),
                           c->activation);
    } else {
        inner = tape_linear(t, normed, dense(t, "wi", h, f), c->activation);
    }
    inner = tape_dropout(t, inner, c->dropout.hidden);
    return residual(t, s, x, tape_linear(t, inner, dense(t, "wo", f, h), ACTIVATION_NONE));
}

// source: the encoder's output, for the decoder; NULL for the encoder.
static Value stack(Tape *t, const ModelConfig *c, size_t n_layers, Value x, const Value *source)
{
    // Transformers puts a prefix before both in classifiers; the others' files leave it out.
    static const char *const names[2][2] = {{"encoder", "decoder"},
                                            {"transformer.encoder", "transformer.decoder"}};
    Stack s = {.config = c,
               .name = names[c->head != HEAD_SEQ2SEQ][source != NULL],
               .is_decoder = source != NULL,
               .attention = {.n_heads = c->n_heads,
                             .n_kv_heads = c->n_heads,
                             .head_dim = c->head_dim,
                             .scale = 1.0f,
                             .is_causal = source != NULL,
                             .relative_bias = PARAM_NONE,
                             .dropout = c->dropout.attention}};
    x = tape_dropout(t, x, c->dropout.hidden);
    tape_hidden(t, x);
    for (size_t i = 0; i < n_layers; i++) {
        tape_group(t, 1 + i);
        x = self_attention(t, &s, i, x);
        if (source) x = cross_attention(t, &s, i, x, *source);
        x = feed_forward(t, &s, i, x);
        if (i + 1 < n_layers) tape_hidden(t, x);
    }
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s.", s.name);
    x = tape_dropout(t, norm(t, c, x, "final_layer_norm"), c->dropout.hidden);
    tape_hidden(t, x);
    return x;
}

// Of the encoder alone: an embedding, or classes of tokens.
static Value encoder_head(Tape *t, const ModelConfig *c, Value x)
{
    if (c->head == HEAD_EMBEDDING)
        return c->embedding.pool == POOL_MEAN ? tape_mean_pool(t, x) : tape_output_rows(t, x);
    return seq2seq_head(t, c, x);
}

static void t5_record(Tape *t, const ModelConfig *c)
{
    const DecoderConfig *d = &c->decoder;
    const bool is_whole = c->head == HEAD_SEQ2SEQ || model_config_rereads_source(c);
    tape_group(t, 0);
    tape_prefix(t, "%s", c->head == HEAD_SEQ2SEQ ? "" : "transformer.");
    const WordTables words = seq2seq_tables(t, c, -1);
    const Value tokens = tape_embedding(t, words.source, PARAM_NONE, PARAM_NONE);
    const Value target_tokens =
        is_whole ? tape_target_embedding(t, words.targets, PARAM_NONE) : tokens;
    const Value source = stack(t, c, d->n_encoder_layers, tokens, NULL);
    Value y = is_whole ? stack(t, c, d->n_layers, target_tokens, &source) : source;
    tape_prefix(t, "%s", "");
    if (c->head != HEAD_SEQ2SEQ) {
        const bool is_cut_before = d->n_layers > 0 && is_cut(c, true, d->n_layers - 1);
        if (c->head == HEAD_SEQUENCE && !is_cut_before) y = tape_output_rows(t, y);
        tape_output(t, is_whole ? seq2seq_head(t, c, y) : encoder_head(t, c, y));
        return;
    }
    if (d->has_scaled_output) y = tape_scale(t, y, 1.0f / sqrtf((float)c->hidden_size));
    tape_output(t, seq2seq_output(t, c, &words, y, PARAM_NONE));
}

// ---- config.json ----

// No position is too far: a length that its buckets do not tell apart any more is as good as any.
enum { LONGEST = 1 << 20 };

static Status read_sizes(const Json *root, ModelConfig *config, Error *err)
{
    DecoderConfig *d = &config->decoder;
    int64_t n_layers = 0, buckets = 32, distance = 128;
    TRY(config_read_size(root, "vocab_size", &config->vocab_size, err));
    TRY(config_read_size(root, "d_model", &config->hidden_size, err));
    TRY(config_read_size(root, "d_kv", &config->head_dim, err));
    TRY(config_read_size(root, "d_ff", &config->intermediate_size, err));
    TRY(config_read_size(root, "num_heads", &config->n_heads, err));
    TRY(config_read_size(root, "num_layers", &d->n_encoder_layers, err));
    n_layers = (int64_t)d->n_encoder_layers;
    TRY(json_opt_i64(root, "num_decoder_layers", 1, 1 << 16, &n_layers, err));
    TRY(json_opt_i64(root, "relative_attention_num_buckets", 4, 1 << 16, &buckets, err));
    TRY(json_opt_i64(root, "relative_attention_max_distance", 2, 1 << 20, &distance, err));
    if (distance <= buckets / 2) {
        return json_error(json_get(root, "relative_attention_max_distance"), err,
                          "must be above half of the %lld buckets", (long long)buckets);
    }
    d->n_layers = (size_t)n_layers;
    d->n_heads = config->n_heads;
    d->intermediate_size = config->intermediate_size;
    d->n_relative_buckets = (size_t)buckets;
    d->relative_distance = (size_t)distance;
    config->n_layers = d->n_encoder_layers > d->n_layers ? d->n_encoder_layers : d->n_layers;
    config->max_positions = LONGEST;
    return STATUS_OK;
}

// An activation by its name, "gated-" before it where there is a gate. Of gated-gelu it is the tanh approximation.
static bool parse_feed_forward(Slice name, ModelConfig *config)
{
    static const Slice gated = SLICE_LIT("gated-");
    const bool is_gated = slice_starts_with(name, gated);
    config->decoder.is_gated = is_gated;
    if (!config_activation_of(is_gated ? slice_sub(name, gated.len, name.len) : name,
                              &config->activation))
        return false;
    if (slice_eq_cstr(name, "gated-gelu")) config->activation = ACTIVATION_GELU_TANH;
    return true;
}

// Members of their own have the last word.
static Status read_feed_forward(const Json *root, Slice usual, ModelConfig *config, Error *err)
{
    Slice name = usual;
    TRY(json_opt_string(root, "feed_forward_proj", &name, err));
    if (!parse_feed_forward(name, config)) {
        return json_error(json_get(root, "feed_forward_proj"), err,
                          "unknown \"" SLICE_FMT "\"; known are activations (relu, gelu, gelu_new, "
                          "silu, tanh) and the same behind gated-",
                          SLICE_ARG(name));
    }
    TRY(json_opt_bool(root, "is_gated_act", &config->decoder.is_gated, err));
    const Json *given = json_get(root, "dense_act_fn");
    if (!given || json_kind(given) == JSON_NULL) return STATUS_OK;
    return config_read_activation(root, "dense_act_fn", &config->activation, err);
}

// The first T5 divides the outputs of its tied layer by sqrt(d_model), T5 1.1 does not; files before Transformers 5 tell them
// apart by tie_word_embeddings. Whether the layer is tied only the weights say.
static Status read_scaling(const Json *root, ModelConfig *config, Error *err)
{
    DecoderConfig *d = &config->decoder;
    bool is_tied = true;
    TRY(json_opt_bool(root, "tie_word_embeddings", &is_tied, err));
    d->has_scaled_output = is_tied;
    return json_opt_bool(root, "scale_decoder_outputs", &d->has_scaled_output, err);
}

static Status read_config(const Json *root, Slice usual_feed_forward, ModelConfig *config,
                          Error *err)
{
    DecoderConfig *d = &config->decoder;
    int64_t start_id = 0;
    TRY(read_sizes(root, config, err));
    TRY(read_feed_forward(root, usual_feed_forward, config, err));
    TRY(json_opt_i64(root, "decoder_start_token_id", 0, (int64_t)config->vocab_size - 1, &start_id,
                     err));
    d->start_id = (int32_t)start_id;
    TRY(config_read_float(root, "layer_norm_epsilon", 0.0, 1.0, 1e-6, &config->layer_norm_eps,
                          err));
    TRY(config_read_float(root, "dropout_rate", 0.0, 0.999, 0.1, &config->dropout.hidden, err));
    config->dropout.attention = config->dropout.hidden;
    TRY(config_read_float(root, "classifier_dropout", 0.0, 0.999, 0.0, &config->dropout.classifier,
                          err));
    config->initializer_range =
        0.05f; // Transformers varies it by layer; new models are not made here
    return STATUS_OK;
}

static Status t5_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(read_scaling(root, config, err));
    return read_config(root, SLICE("relu"), config, err);
}

static Status mt5_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    return read_config(root, SLICE("gated-gelu"), config, err);
}

static Status umt5_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(read_scaling(root, config, err));
    config->decoder.biases_each = true;
    return read_config(root, SLICE("gated-gelu"), config, err);
}

static void t5_write_config(const ModelConfig *config, JsonWriter *w)
{
    const DecoderConfig *d = &config->decoder;
    json_member_u64(w, "vocab_size", config->vocab_size);
    json_member_u64(w, "d_model", config->hidden_size);
    json_member_u64(w, "d_kv", config->head_dim);
    json_member_u64(w, "d_ff", config->intermediate_size);
    json_member_u64(w, "num_heads", config->n_heads);
    json_member_u64(w, "num_layers", d->n_encoder_layers);
    json_member_u64(w, "num_decoder_layers", d->n_layers);
    json_member_u64(w, "relative_attention_num_buckets", d->n_relative_buckets);
    json_member_u64(w, "relative_attention_max_distance", d->relative_distance);
    json_member_u64(w, "decoder_start_token_id", (size_t)d->start_id);
    json_member_bool(w, "is_encoder_decoder", true);
    json_member_bool(w, "tie_word_embeddings", d->has_scaled_output);
    json_member_cstr(w, "feed_forward_proj", d->is_gated ? "gated-gelu" : "relu");
    json_member_cstr(w, "dense_act_fn", config_activation_name(config->activation));
    json_member_float(w, "layer_norm_epsilon", config->layer_norm_eps);
    json_member_float(w, "dropout_rate", config->dropout.hidden);
}

const Architecture architecture_t5 = {
    .model_type = "t5",
    .summary = "T5 and T5 1.1 encoder-decoders (FLAN-T5 among them)",
    .classes = {{"T5ForConditionalGeneration", HEAD_SEQ2SEQ},
                {"T5WithLMHeadModel", HEAD_SEQ2SEQ},
                {"T5EncoderModel", HEAD_EMBEDDING},
                {"T5ForSequenceClassification", HEAD_SEQUENCE},
                {"T5ForTokenClassification", HEAD_TOKEN, "transformer."},
                {"T5ForQuestionAnswering", HEAD_SPAN, ""},
                {"T5Model", HEAD_SEQ2SEQ}}, // whose output layer is the word table
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_END,
    .end_id = 1,
    .read_config = t5_read_config,
    .write_config = t5_write_config,
    .record = t5_record,
};

const Architecture architecture_mt5 = {
    .model_type = "mt5",
    .summary = "mT5, T5 1.1 for a hundred languages",
    .classes = {{"MT5ForConditionalGeneration", HEAD_SEQ2SEQ},
                {"MT5EncoderModel", HEAD_EMBEDDING},
                {"MT5ForSequenceClassification", HEAD_SEQUENCE},
                {"MT5ForTokenClassification", HEAD_TOKEN, "transformer."},
                {"MT5ForQuestionAnswering", HEAD_SPAN, ""}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_END,
    .end_id = 1,
    .read_config = mt5_read_config,
    .write_config = t5_write_config,
    .record = t5_record,
};

const Architecture architecture_umt5 = {
    .model_type = "umt5",
    .summary = "UMT5, mT5 with relative positions of every block",
    .classes = {{"UMT5ForConditionalGeneration", HEAD_SEQ2SEQ},
                {"UMT5EncoderModel", HEAD_EMBEDDING},
                {"UMT5ForSequenceClassification", HEAD_SEQUENCE},
                {"UMT5ForTokenClassification", HEAD_TOKEN, "transformer."},
                {"UMT5ForQuestionAnswering", HEAD_SPAN, ""}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_END,
    .end_id = 1,
    .read_config = umt5_read_config,
    .write_config = t5_write_config,
    .record = t5_record,
};
