// models/config.h: config.json of a checkpoint, read and checked.
#ifndef ASSAY_MODELS_CONFIG_H
#define ASSAY_MODELS_CONFIG_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/slice.h"
#include "kernels/op.h"

// What stands on top of the encoder.
typedef enum ModelHead {
    HEAD_EMBEDDING, // none: one vector a sequence, the mean of its hidden states
    HEAD_SEQUENCE,  // a class for each sequence
    HEAD_TOKEN,     // a class for each token
    HEAD_SPAN,      // start and end of an answer in each sequence
    HEAD_MASKED_LM, // a token of the vocabulary for each token
    HEAD_COUNT
} ModelHead;

const char *
model_head_name(ModelHead head); // "embedding", "sequence", "token", "span", "masked-lm"

// What makes one vector of a sequence's hidden states.
typedef enum EmbeddingPool {
    POOL_MEAN,
    POOL_FIRST, // the first token's, as models made with BERT's [CLS] want
    POOL_LAST,  // the last token's, as decoders want
} EmbeddingPool;

typedef struct Architecture Architecture; // models/architecture.h

// Sizes are checked on reading: at least 1, at most 2^24, and hidden_size a multiple of n_heads. Text borrows from the
// arena given to model_config_parse.
typedef struct ModelConfig {
    const Architecture *architecture; // the row of the registry that understands this model
    Slice model_type;                 // "bert"
    Slice class_name;                 // "BertForSequenceClassification", as in architectures[0]
    ModelHead head;
    size_t vocab_size, hidden_size, n_layers, n_heads, intermediate_size;
    size_t max_positions;     // longest sequence
    size_t first_position;    // row of the position table for the first token
    bool positions_skip_pads; // a pad inside a sequence has the row before, and is not counted
    EmbeddingPool pool;       // of HEAD_EMBEDDING
    bool one_token; // HEAD_MASKED_LM answers for TokenSequence.chosen alone: one row a sequence
    size_t type_vocab_size;
    int32_t pad_id; // -1 where the file names none
    // ModernBERT: which blocks see everything, the others only tokens at most local_reach away; rotary bases of the two
    // kinds; biases; the activation and pooling of its head.
    const unsigned char *is_global; // [n_layers]
    size_t local_reach;
    double global_theta, local_theta;
    bool attention_bias, mlp_bias, norm_bias, head_bias, decoder_bias;
    bool classifies_first; // the first token is classified, not the mean
    Activation head_activation;
    float embedding_dropout, mlp_dropout;
    float layer_norm_eps;
    Activation activation;
    float hidden_dropout, attention_dropout,
        classifier_dropout; // classifier_dropout < 0: as hidden_dropout
    float span_dropout;     // within a span head, where the architecture has that
    float initializer_range;
    const Slice *labels; // by class index (id2label); "LABEL_0", ... where the file has none
    // Classes of a sequence or token head; 2 for a span head; vocab_size for a masked LM.
    size_t n_labels;
    Slice problem_type; // as in the file; empty where absent
} ModelConfig;

// Reads a config.json. An unknown architecture is refused by name, with the known ones listed.
Status model_config_load(Arena *arena, const char *path, ModelConfig *out, Error *err) MUST_CHECK;
// The same from a document in hand.
Status model_config_parse(Arena *arena, const Json *root, ModelConfig *out, Error *err) MUST_CHECK;

// config.json of a model: original's members (NULL where there is none) in their order, those that config states
// replaced or added. Ends with a newline.
Status model_config_write(const ModelConfig *config, const Json *original, Buffer *out,
                          Error *err) MUST_CHECK;

#endif
