// How GGUF and Transformers call the tensors of encoders, and of T5, which begins with one.
#include "models/gguf/gguf_names.h"

// BERT and what is built like it.
// clang-format off
#define BERT_NAMES(base)                                                                     \
    {"token_embd", base ".embeddings.word_embeddings", SAFE_AS_IS},                          \
    {"position_embd", base ".embeddings.position_embeddings", SAFE_AS_IS},                   \
    {"token_types", base ".embeddings.token_type_embeddings", SAFE_AS_IS},                   \
    {"token_embd_norm", base ".embeddings.LayerNorm", SAFE_AS_IS},                           \
    {"blk.%.attn_q", base ".encoder.layer.%.attention.self.query", SAFE_AS_IS},              \
    {"blk.%.attn_k", base ".encoder.layer.%.attention.self.key", SAFE_AS_IS},                \
    {"blk.%.attn_v", base ".encoder.layer.%.attention.self.value", SAFE_AS_IS},              \
    {"blk.%.attn_output", base ".encoder.layer.%.attention.output.dense", SAFE_AS_IS},       \
    {"blk.%.attn_output_norm", base ".encoder.layer.%.attention.output.LayerNorm", SAFE_AS_IS}, \
    {"blk.%.ffn_up", base ".encoder.layer.%.intermediate.dense", SAFE_AS_IS},                \
    {"blk.%.ffn_down", base ".encoder.layer.%.output.dense", SAFE_AS_IS},                    \
    {"blk.%.layer_output_norm", base ".encoder.layer.%.output.LayerNorm", SAFE_AS_IS}
// clang-format on

static const GgufName bert_names[] = {
    BERT_NAMES("bert"),
    {"cls", "bert.pooler.dense", SAFE_AS_IS},
    {"cls.output", "classifier", SAFE_AS_IS},
};
static const GgufName roberta_names[] = {
    BERT_NAMES("roberta"),
    {"cls", "roberta.pooler.dense", SAFE_AS_IS},
};
static const GgufName roberta_classes[] = {
    BERT_NAMES("roberta"),
    {"cls", "classifier.dense", SAFE_AS_IS},
    {"cls.output", "classifier.out_proj", SAFE_AS_IS},
};
static const GgufName distilbert_names[] = {
    {"token_embd", "distilbert.embeddings.word_embeddings", SAFE_AS_IS},
    {"position_embd", "distilbert.embeddings.position_embeddings", SAFE_AS_IS},
    {"token_embd_norm", "distilbert.embeddings.LayerNorm", SAFE_AS_IS},
    {"blk.%.attn_q", "distilbert.transformer.layer.%.attention.q_lin", SAFE_AS_IS},
    {"blk.%.attn_k", "distilbert.transformer.layer.%.attention.k_lin", SAFE_AS_IS},
    {"blk.%.attn_v", "distilbert.transformer.layer.%.attention.v_lin", SAFE_AS_IS},
    {"blk.%.attn_output", "distilbert.transformer.layer.%.attention.out_lin", SAFE_AS_IS},
    {"blk.%.attn_output_norm", "distilbert.transformer.layer.%.sa_layer_norm", SAFE_AS_IS},
    {"blk.%.ffn_up", "distilbert.transformer.layer.%.ffn.lin1", SAFE_AS_IS},
    {"blk.%.ffn_down", "distilbert.transformer.layer.%.ffn.lin2", SAFE_AS_IS},
    {"blk.%.layer_output_norm", "distilbert.transformer.layer.%.output_layer_norm", SAFE_AS_IS},
};

static const GgufName nomic_bert_names[] = {
    {"token_embd", "nomic_bert.embeddings.word_embeddings", SAFE_AS_IS},
    {"token_types", "nomic_bert.embeddings.token_type_embeddings", SAFE_AS_IS},
    {"token_embd_norm", "nomic_bert.emb_ln", SAFE_AS_IS},
    {"blk.%.attn_qkv", "nomic_bert.encoder.layers.%.attn.Wqkv", SAFE_AS_IS},
    {"blk.%.attn_output", "nomic_bert.encoder.layers.%.attn.out_proj", SAFE_AS_IS},
    {"blk.%.attn_output_norm", "nomic_bert.encoder.layers.%.norm1", SAFE_AS_IS},
    {"blk.%.ffn_up", "nomic_bert.encoder.layers.%.mlp.fc11", SAFE_AS_IS},
    {"blk.%.ffn_gate", "nomic_bert.encoder.layers.%.mlp.fc12", SAFE_AS_IS},
    {"blk.%.ffn_down", "nomic_bert.encoder.layers.%.mlp.fc2", SAFE_AS_IS},
    {"blk.%.layer_output_norm", "nomic_bert.encoder.layers.%.norm2", SAFE_AS_IS},
};

// What goes into the gate and what is multiplied with it are one tensor, in that order in both.
static const GgufName modernbert_names[] = {
    {"token_embd", "model.embeddings.tok_embeddings", SAFE_AS_IS},
    {"token_embd_norm", "model.embeddings.norm", SAFE_AS_IS},
    {"output_norm", "model.final_norm", SAFE_AS_IS},
    {"blk.%.attn_norm", "model.layers.%.attn_norm", SAFE_AS_IS},
    {"blk.%.attn_qkv", "model.layers.%.attn.Wqkv", SAFE_AS_IS},
    {"blk.%.attn_output", "model.layers.%.attn.Wo", SAFE_AS_IS},
    {"blk.%.ffn_norm", "model.layers.%.mlp_norm", SAFE_AS_IS},
    {"blk.%.ffn_up", "model.layers.%.mlp.Wi", SAFE_AS_IS},
    {"blk.%.ffn_down", "model.layers.%.mlp.Wo", SAFE_AS_IS},
    {"cls", "head.dense", SAFE_AS_IS},
    {"cls.norm", "head.norm", SAFE_AS_IS},
    {"cls.output", "classifier", SAFE_AS_IS},
};

// T5's two stacks, but for what differs with a gate.
// clang-format off
#define T5_NAMES                                                                                           \
    {"token_embd", "shared", SAFE_AS_IS},                                                                  \
    {"output", "lm_head", SAFE_AS_IS},                                                                     \
    {"enc.output_norm", "encoder.final_layer_norm", SAFE_AS_IS},                                           \
    {"dec.output_norm", "decoder.final_layer_norm", SAFE_AS_IS},                                           \
    {"enc.blk.%.attn_norm", "encoder.block.%.layer.0.layer_norm", SAFE_AS_IS},                             \
    {"enc.blk.%.attn_q", "encoder.block.%.layer.0.SelfAttention.q", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_k", "encoder.block.%.layer.0.SelfAttention.k", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_v", "encoder.block.%.layer.0.SelfAttention.v", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_o", "encoder.block.%.layer.0.SelfAttention.o", SAFE_AS_IS},                           \
    {"enc.blk.%.attn_rel_b", "encoder.block.%.layer.0.SelfAttention.relative_attention_bias", SAFE_AS_IS}, \
    {"enc.blk.%.ffn_norm", "encoder.block.%.layer.1.layer_norm", SAFE_AS_IS},                              \
    {"enc.blk.%.ffn_gate", "encoder.block.%.layer.1.DenseReluDense.wi_0", SAFE_AS_IS},                     \
    {"enc.blk.%.ffn_down", "encoder.block.%.layer.1.DenseReluDense.wo", SAFE_AS_IS},                       \
    {"dec.blk.%.attn_norm", "decoder.block.%.layer.0.layer_norm", SAFE_AS_IS},                             \
    {"dec.blk.%.attn_q", "decoder.block.%.layer.0.SelfAttention.q", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_k", "decoder.block.%.layer.0.SelfAttention.k", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_v", "decoder.block.%.layer.0.SelfAttention.v", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_o", "decoder.block.%.layer.0.SelfAttention.o", SAFE_AS_IS},                           \
    {"dec.blk.%.attn_rel_b", "decoder.block.%.layer.0.SelfAttention.relative_attention_bias", SAFE_AS_IS}, \
    {"dec.blk.%.cross_attn_norm", "decoder.block.%.layer.1.layer_norm", SAFE_AS_IS},                       \
    {"dec.blk.%.cross_attn_q", "decoder.block.%.layer.1.EncDecAttention.q", SAFE_AS_IS},                   \
    {"dec.blk.%.cross_attn_k", "decoder.block.%.layer.1.EncDecAttention.k", SAFE_AS_IS},                   \
    {"dec.blk.%.cross_attn_v", "decoder.block.%.layer.1.EncDecAttention.v", SAFE_AS_IS},                   \
    {"dec.blk.%.cross_attn_o", "decoder.block.%.layer.1.EncDecAttention.o", SAFE_AS_IS},                   \
    {"dec.blk.%.ffn_norm", "decoder.block.%.layer.2.layer_norm", SAFE_AS_IS},                              \
    {"dec.blk.%.ffn_gate", "decoder.block.%.layer.2.DenseReluDense.wi_0", SAFE_AS_IS},                     \
    {"dec.blk.%.ffn_down", "decoder.block.%.layer.2.DenseReluDense.wo", SAFE_AS_IS}
// clang-format on

// What is called "up" has two names in Transformers: with a gate and without.
static const GgufName t5_names[] = {
    T5_NAMES,
    {"enc.blk.%.ffn_up", "encoder.block.%.layer.1.DenseReluDense.wi", SAFE_AS_IS},
    {"dec.blk.%.ffn_up", "decoder.block.%.layer.2.DenseReluDense.wi", SAFE_AS_IS},
};
static const GgufName t5_gated_names[] = {
    T5_NAMES,
    {"enc.blk.%.ffn_up", "encoder.block.%.layer.1.DenseReluDense.wi_1", SAFE_AS_IS},
    {"dec.blk.%.ffn_up", "decoder.block.%.layer.2.DenseReluDense.wi_1", SAFE_AS_IS},
};

#define NAMES(list) list, sizeof(list) / sizeof *(list)

const GgufFamily gguf_encoders[] = {
    {"bert", "bert", "BertModel", NAMES(bert_names), GGUF_ROWS_IN_ORDER, false},
    {"bert", "distilbert", "DistilBertModel", NAMES(distilbert_names), GGUF_ROWS_IN_ORDER, false},
    {"bert", "roberta", "RobertaModel", NAMES(roberta_names), GGUF_ROWS_IN_ORDER, false},
    {"bert", "xlm-roberta", "XLMRobertaModel", NAMES(roberta_names), GGUF_ROWS_IN_ORDER, false},
    {"bert", "camembert", "CamembertModel", NAMES(roberta_names), GGUF_ROWS_IN_ORDER, false},
    {"nomic-bert", "nomic_bert", "NomicBertModel", NAMES(nomic_bert_names), GGUF_ROWS_IN_ORDER,
     false},
    {"modern-bert", "modernbert", "ModernBertModel", NAMES(modernbert_names), GGUF_ROWS_IN_ORDER,
     false},
    {"t5", "t5", "T5ForConditionalGeneration", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "mt5", "MT5ForConditionalGeneration", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "umt5", "UMT5ForConditionalGeneration", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5encoder", "t5", "T5EncoderModel", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5encoder", "mt5", "MT5EncoderModel", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
    {"t5encoder", "umt5", "UMT5EncoderModel", NAMES(t5_names), GGUF_ROWS_IN_ORDER, false},
};
const size_t gguf_n_encoders = sizeof gguf_encoders / sizeof *gguf_encoders;

const GgufFamily gguf_gated_t5[] = {
    {"t5", "t5", "T5ForConditionalGeneration", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "mt5", "MT5ForConditionalGeneration", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
    {"t5", "umt5", "UMT5ForConditionalGeneration", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER,
     false},
    {"t5encoder", "t5", "T5EncoderModel", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
    {"t5encoder", "mt5", "MT5EncoderModel", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
    {"t5encoder", "umt5", "UMT5EncoderModel", NAMES(t5_gated_names), GGUF_ROWS_IN_ORDER, false},
};
const size_t gguf_n_gated_t5 = sizeof gguf_gated_t5 / sizeof *gguf_gated_t5;

const GgufFamily gguf_roberta_classes[] = {
    {"bert", "roberta", "RobertaForSequenceClassification", NAMES(roberta_classes),
     GGUF_ROWS_IN_ORDER, false},
    {"bert", "xlm-roberta", "XLMRobertaForSequenceClassification", NAMES(roberta_classes),
     GGUF_ROWS_IN_ORDER, false},
    {"bert", "camembert", "CamembertForSequenceClassification", NAMES(roberta_classes),
     GGUF_ROWS_IN_ORDER, false},
};
const size_t gguf_n_roberta_classes = sizeof gguf_roberta_classes / sizeof *gguf_roberta_classes;
