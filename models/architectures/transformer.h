// The encoder-decoder of Vaswani et al. as BART and its kin have it: blocks, and what all of them read of config.json.
//
//     encoder:  a = LayerNorm(x + attention(x, x));  x' = LayerNorm(a + W_2 act(W_1 a))
//     decoder:  a = LayerNorm(y + causal attention(y, y));  b = LayerNorm(a + attention(a, x))
//               y' = LayerNorm(b + W_2 act(W_1 b))
//     logits = y E^T + final_logits_bias, with the table E of the embeddings, or another (seq2seq.h)
//
// With DecoderConfig.is_pre_norm norms stand before each half instead, x + f(LayerNorm(x)), and one behind each stack.
//
// Sources: Vaswani et al. 2017, arXiv:1706.03762, figure 1; pre-norm: Baevski & Auli 2019, arXiv:1809.10853; names of tensors as
// in Transformers' modeling_bart and modeling_mbart.
#ifndef ASSAY_MODELS_ARCHITECTURES_TRANSFORMER_H
#define ASSAY_MODELS_ARCHITECTURES_TRANSFORMER_H

#include "models/architectures/seq2seq.h"

// Where what config.json leaves out differs from one family to the next.
typedef struct TransformerDefaults {
    int64_t start_id;                                    // decoder_start_token_id; -1: bos_token_id
    bool has_scaled_embedding, is_pre_norm, has_no_bias; // has_no_bias: no final_logits_bias
    double attention_dropout;
    const char *activation;
} TransformerDefaults;

// Words, times sqrt(hidden_size) where the config says so, plus positions out of a table of any numbers.
Value transformer_embedding(Tape *tape, const ModelConfig *config, ParamId words, ParamId positions,
                            bool is_target);
// The same with positions that are sinusoids (recorded with transformer_scale's inverse as their factor), after dropout.
Value transformer_embedding_scaled(Tape *tape, const ModelConfig *config, ParamId words,
                                   ParamId positions, bool is_target);
float transformer_scale(const ModelConfig *config); // of words

// Blocks on the embeddings of the source and of the targets, and the output layer. Every hidden state is marked, and the
// output is set. Call after the embeddings are recorded.
void transformer_record(Tape *tape, const ModelConfig *config, const WordTables *words,
                        Value source, Value targets);

// The members that all of the family have.
Status transformer_read_config(const Json *root, const TransformerDefaults *defaults,
                               ModelConfig *config, Error *err) MUST_CHECK;
void transformer_write_config(const ModelConfig *config, JsonWriter *w);

#endif
