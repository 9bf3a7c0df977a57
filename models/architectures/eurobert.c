// EuroBERT: Llama's blocks (llama.c) whose attention goes both ways, with the heads of an encoder. A class of a text comes of all
// its tokens, each classified by itself ("late"), of their mean, or of the first:
//
//     y = mean_t(W_c gelu(W_d h_t)),  y = W_c gelu(W_d mean_t(h_t)),  y = W_c gelu(W_d h_0)
//
// Source: Boizard et al. 2025, arXiv:2503.05500; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static Value head(Tape *t, const ModelConfig *c, ParamId table, Value x)
{
    if (c->head != HEAD_SEQUENCE) return decoder_head(t, c, table, "lm_head", x);
    Value of = decoder_read_rows(t, c, x);
    if (!c->classifies_first && !c->classifies_each) of = tape_mean_pool(t, of);
    const Value inner = decoder_linear(t, of, "dense", c->hidden_size, true, ACTIVATION_GELU);
    const Value classes =
        decoder_linear(t, inner, "classifier", c->n_labels, true, ACTIVATION_NONE);
    return c->classifies_each ? tape_mean_pool(t, classes) : classes;
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {
        DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"},
        .qkv = {"q_proj", "k_proj", "v_proj"}, .gate = "gate_proj", .up = "up_proj"};
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names,
                                       .head = head};
    decoder_record(t, c, &frame, NULL);
}

// ---- config.json ----

static const DecoderDefaults defaults = {
    .theta = 10000, .norm_epsilon = 1e-5, .activation_key = "hidden_act", .activation = "silu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    TRY(json_opt_bool(root, "mlp_bias", &c->block.has_mlp_bias, err));
    c->output.has_bias = c->block.has_mlp_bias;
    c->attention.sees_all = true;
    c->dropout.classifier = 0; // nothing is dropped before its classifiers
    return config_read_classifier_pooling(root, "late", "bos", "late", c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "mlp_bias", c->block.has_mlp_bias);
    config_write_classifier_pooling(c, "bos", w);
    decoder_write_pad(c, w);
}

const Architecture architecture_eurobert = {
    .model_type = "eurobert",
    .summary = "EuroBERT: Llama's blocks that see both ways",
    .classes = {{"EuroBertForSequenceClassification", HEAD_SEQUENCE},
                {"EuroBertForTokenClassification", HEAD_TOKEN},
                {"EuroBertForMaskedLM", HEAD_MASKED_LM},
                {"EuroBertModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
