// models/architectures/encoder.h: what encoders have in common, for their files: blocks of BERT's kind, and the heads on them.
//
//     x_0 = (W_p) LayerNorm(word[ids] + position[..] (+ type[type_ids]))
//     a_i = LayerNorm(x_i + W_o attention(W_q x_i, W_k x_i, W_v x_i))
//     x_{i+1} = LayerNorm(a_i + W_2 gelu(W_1 a_i))
//
// In the place of positions heads may turn, and of W_1 a gated layer may stand: act(W_g a_i) * W_1 a_i. Norms may stand before
// the layers instead, as in Megatron's BERT, and one behind all blocks:
//
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i)),  h = LayerNorm(x_n)
//
// Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805, after Vaswani et al. 2017, arXiv:1706.03762.
#ifndef ASSAY_MODELS_ARCHITECTURES_ENCODER_H
#define ASSAY_MODELS_ARCHITECTURES_ENCODER_H

#include "models/architecture.h"

// How a checkpoint spells its tensors.
typedef struct EncoderNames {
    const char *embeddings;      // prefix
    const char *embeddings_norm; // its whole name; NULL = "LayerNorm" below that prefix
    const char
        *projection; // layer from embedding_size to hidden_size where they differ; NULL = none
    bool always_projects;
    const char *tasks; // table of tasks below that prefix, where n_tasks says so; NULL = none
    const char
        *relative_bias; // table of biases by relative position, which all blocks share; NULL = none
    // Prefix of block i is this, the number and a dot; where groups share parameters, the number of its group and then
    // inner_blocks, another number and a dot.
    const char *blocks, *inner_blocks;
    const char *qkv[3]; // or one tensor of all three
    const char *attention_output, *attention_norm, *inner, *outer, *output_norm;
    const char *last_norm; // whole name; with it norms stand before the layers. NULL = behind them
    const char *gate;      // NULL = none
    const char
        *stacked_up_gate; // one tensor of both, without a bias, in the place of inner and gate
    // Of a masked LM: an output layer of its own, and the bias where it is the token table; both whole names. bias ends with NULL.
    const char *output, *bias[2];
    bool has_types;
    bool lacks_positions; // in the embeddings
    bool lacks_embeddings_norm;
    bool drops_before_norm;      // of the embeddings
    bool lacks_biases;           // of the blocks' layers
    bool drops_attention_output; // dropout between W_o and the residual
    bool drops_inner;            // before W_2
    bool drops_output;           // behind it
} EncoderNames;

// The encoder; *word receives its token table, for a decoder tied to it. What it gives has a row for each token, or one
// for each sequence where the head reads no others.
Value encoder_blocks(Tape *tape, const ModelConfig *config, const EncoderNames *names,
                     ParamId *word);

// Whether the head reads one token of each sequence.
bool encoder_reads_one_token(const ModelConfig *config);

// Layers of the heads; names are whole. Dropouts stand before a layer; NULL = none.
typedef struct EncoderHead {
    const char *pooler; // of HEAD_SEQUENCE, before the classifier
    Activation pooler_activation;
    const float *pooler_dropout;
    const char *classifier; // of HEAD_SEQUENCE; that of HEAD_TOKEN is "classifier"
    float classifier_dropout, token_dropout;
    const float *span_dropout;
    const char *transform,
        *transform_norm; // of HEAD_MASKED_LM, before the scores of the vocabulary
    Activation transform_activation;
} EncoderHead;

// Heads as BERT has them: a class behind a pooler and tanh, a masked LM's transform with the blocks' activation. Names are whole.
EncoderHead encoder_pooled_head(const ModelConfig *config, const char *pooler,
                                const char *transform, const char *transform_norm);

// Records config->head on what the encoder gave. word: the token table.
Value encoder_head(Tape *tape, const ModelConfig *config, const EncoderNames *names,
                   const EncoderHead *head, ParamId word, Value x);
// Encoder and head, and sets the output.
void encoder_record(Tape *tape, const ModelConfig *config, const EncoderNames *names,
                    const EncoderHead *head);
// The same with RoBERTa's heads: two layers for a class, the first under "classifier.dense", and a masked LM under "lm_head".
void encoder_record_roberta(Tape *tape, const ModelConfig *config, const EncoderNames *names,
                            float dropout);
// A masked LM's scores of the vocabulary: x times the token table, or an output layer of its own.
Value encoder_vocabulary(Tape *tape, const ModelConfig *config, const EncoderNames *names,
                         ParamId word, Value x);
// Dropout within the head: classifier_dropout, or hidden_dropout where the file has none.
float encoder_head_dropout(const ModelConfig *config);

#endif
