// models/config.h: config.json of a checkpoint, read and checked.
#ifndef ASSAY_MODELS_CONFIG_H
#define ASSAY_MODELS_CONFIG_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/slice.h"
#include "kernels/op.h"
#include "models/program/rope.h"

// What stands on top of the encoder.
typedef enum ModelHead {
    HEAD_EMBEDDING, // none: one vector a sequence, the mean of its hidden states
    HEAD_SEQUENCE,  // a class for each sequence
    HEAD_TOKEN,     // a class for each token
    HEAD_SPAN,      // start and end of an answer in each sequence
    HEAD_MASKED_LM, // a token of the vocabulary for each token
    HEAD_CAUSAL_LM, // the token of the vocabulary that comes next, for each token
    HEAD_SEQ2SEQ,   // a token of the vocabulary for each target token
    HEAD_COUNT
} ModelHead;

const char *
model_head_name(ModelHead head); // "embedding", "sequence", "token", "span", "masked-lm",
                                 // "causal-lm", "seq2seq"

// What makes one vector of a sequence's hidden states.
typedef enum EmbeddingPool {
    POOL_MEAN,
    POOL_FIRST, // the first token's, as models made with BERT's [CLS] want
    POOL_LAST,  // the last token's, as decoders want
} EmbeddingPool;

typedef struct Architecture Architecture; // models/architecture.h

// The decoder of an encoder-decoder; its hidden size is the encoder's. All zero for other models.
typedef struct DecoderConfig {
    size_t n_layers, n_heads, intermediate_size;
    size_t n_encoder_layers;   // ModelConfig.n_layers is the larger of the two
    size_t vocab_size;         // of the targets; 0 = ModelConfig.vocab_size, which is the source's
    int32_t start_id;          // of the token before the first target
    bool has_own_table;        // words of the targets have a table of their own, not the source's
    bool has_scaled_embedding; // embeddings times sqrt(hidden_size)
    bool has_scaled_output;    // the tied output layer's input over sqrt(hidden_size)
    bool is_gated;             // feed-forward blocks
    bool is_pre_norm;          // norms stand before each half of a block, and one behind each stack
    bool has_no_bias;          // of the logits
    bool starts_with_last;     // in tuning the last label comes before the first target (mBART)
    // Of biases by relative position, for both stacks; 0 without. biases_each: every block has its own (UMT5).
    size_t n_relative_buckets, relative_distance;
    bool biases_each;
} DecoderConfig;

// DeBERTa's attention and heads. All zero for other models.
typedef struct DebertaConfig {
    bool is_relative;            // scores weigh positions, by the two below
    bool has_position_keys;      // against queries ("c2p")
    bool has_position_queries;   // against keys ("p2c")
    bool shares_projections;     // positions go through the layers of queries and keys
    bool norms_positions;        // a LayerNorm over the table of relative positions
    bool has_absolute_positions; // in the embeddings
    bool is_legacy;              // the masked LM's head, as Transformers names it
    size_t n_buckets;            // of each sign; 0 = each distance has its own
    size_t max_distance;         // behind which distances are not told apart
    size_t n_score_parts;        // that the scale of scores counts: 1 to 3
    float pooler_dropout;
    Activation pooler_activation;
} DebertaConfig;

// Keys and values of DeepSeek's attention, made of fewer numbers that a token has. All zero for other models.
typedef struct LatentConfig {
    size_t q_rank,
        kv_rank; // of those numbers; q_rank 0: queries are made of the hidden state itself
    size_t plain_dims,
        turned_dims;   // columns of a key that do not turn and that do, the latter of all heads
    size_t value_dims; // columns of a value
    bool is_in_pairs;  // what turns together stands side by side in checkpoints
} LatentConfig;

// Gemma 4. All zero for other models.
typedef struct Gemma4Config {
    size_t global_head_dim, n_global_kv_heads; // of layers without a window
    bool values_are_keys;                      // in those: what keys are made of are values too
    size_t n_sharing;    // the last so many layers take keys and values of earlier ones
    bool widens_sharing; // whose feed-forwards are twice as wide
    size_t input_size,
        input_vocab; // a layer's own columns of each token, and that table's rows; 0 without
} Gemma4Config;

// Layers that learn by the gated delta rule (kernels/delta_rule.h). All zero for other models.
typedef struct DeltaConfig {
    size_t n_heads, n_key_heads;
    size_t key_dim, value_dim; // columns of a head
    bool
        is_stacked; // in checkpoints: what a key head and its value heads are made of stands together
} DeltaConfig;

typedef struct ExpertNames ExpertNames; // models/architectures/experts.h

// Feed-forward layers that are mixtures of experts. All zero for other models.
typedef struct ExpertsConfig {
    const ExpertNames *names;
    size_t n_experts, n_active;    // of which a token goes to so many
    size_t inner_size;             // of an expert
    size_t shared_size;            // of the expert that every token goes to; 0 without
    bool shares_plainly;           // that expert has no weight
    RouteKind route;               // what makes weights of the router's numbers
    float gate_limit, gate_alpha;  // GatedArgs of an expert; 0 without
    size_t n_groups, n_top_groups; // RouteArgs; 0 without
    bool corrects;                 // choices by a bias
    bool normalizes;               // weights of ROUTE_SIGMOID
    float floor, tolerance;        // RouteArgs; 0 without
    float weight_scale;            // 0 = 1
    const bool *is_dense;          // [n_layers] layers that are no mixture; NULL = none
    const char
        *not_tuned; // member of config.json that asks for what tuning does not do; NULL = none
} ExpertsConfig;

// A layer behind the pooling of an embedding, as sentence-transformers has them.
enum { EMBEDDING_MAX_LAYERS = 4 };
typedef struct EmbeddingLayer {
    char name[64]; // "2_Dense": its folder, with which the names of its tensors begin
    size_t n_in, n_out;
    bool has_bias;
    Activation activation;
} EmbeddingLayer;

// The vector of HEAD_EMBEDDING: what is pooled, and what follows.
typedef struct EmbeddingConfig {
    EmbeddingPool pool;
    EmbeddingLayer layers[EMBEDDING_MAX_LAYERS];
    size_t n_layers;
} EmbeddingConfig;

// What is dropped in tuning, of each place.
typedef struct DropoutConfig {
    float embedding, hidden, attention;
    float mlp;        // within a feed-forward block
    float classifier; // < 0: as hidden
    float span;       // within a span head, where the architecture has that
} DropoutConfig;

// Rotary embeddings.
typedef struct RotaryConfig {
    size_t dims;                 // columns of a head that turn
    RopeConfig rope, rope_local; // rope_local.theta 0: as rope; else of the layers with a window
    bool in_pairs;               // neighbours turn together: rows stand so in the checkpoint
    const bool *skips;           // [n_layers] layers that turn nothing; NULL = none
} RotaryConfig;

// Norms of query and key heads.
typedef enum HeadNorm {
    HEAD_NORM_RMS,        // root mean square, by a weight of all heads
    HEAD_NORM_RMS_TURNED, // the same of what has turned (Hunyuan)
    HEAD_NORM_RMS_BARE,   // of what has turned, without a weight (nanochat)
    HEAD_NORM_RMS_LONG,   // as the first, called "q_layernorm" (LFM2)
    HEAD_NORM_LAYER,      // LayerNorm by a weight and bias of all heads (Phi)
    HEAD_NORM_LAYER_EACH, // by a row of a matrix for each head (Command R+)
    HEAD_NORM_LAYER_OWN,  // by a tensor for each head (StableLM 2 12B)
} HeadNorm;

// Attention of decoders, beside their sizes.
typedef struct AttentionConfig {
    size_t window;        // keys that a token sees, itself included; 0 = all before it
    const bool *is_local; // [n_layers] layers that have the window; NULL = all
    bool sees_all;        // it goes both ways: an encoder of a decoder's blocks
    float scale;          // of scores; 0 = 1 / sqrt(head_dim)
    bool scales_by_layer; // GPT-2's: divided by 1 + the layer's number
    float soft_cap;       // of scores; 0 = none
    float alibi_scale;    // of what ALiBi adds to scores; 0 = without ALiBi
    bool has_sinks;       // a score more a head, of a value of zeros
    bool has_qkv_bias, has_output_bias;
    float qkv_cap;        // queries, keys and values are kept within it; 0 = as they are
    bool has_head_norms;  // of queries and keys
    bool norms_all_heads; // then: of the columns of all heads together
    HeadNorm head_norm;   // then: which
} AttentionConfig;

// How the halves of a decoder's block stand to each other.
typedef struct BlockConfig {
    bool is_parallel;     // attention and feed-forward layers read the same hidden state
    bool has_two_norms;   // then: each reads it through a norm of its own
    bool is_post_norm;    // norms stand behind the residuals, not before the layers
    float residual_scale; // of what a layer adds to the hidden state; 0 = 1
    bool has_mlp_bias, has_norm_bias;
} BlockConfig;

// Layers with a convolution, or with that and the delta rule, in attention's place.
typedef struct ConvConfig {
    const bool *layers; // [n_layers] which they are; NULL = none
    size_t n_taps;
    bool has_bias; // of its layers, too
} ConvConfig;

// The layer that gives a score of each token of the vocabulary.
typedef struct OutputConfig {
    bool is_tied; // it is the token table; of decoders
    bool is_own;  // of masked LMs and encoder-decoders: it is not the table of (the targets') words
    size_t width; // of what a masked LM's own one reads; 0 = embedding_size
    bool has_bias;
    float scale, soft_cap; // of the logits; 0 = 1, 0 = none
} OutputConfig;

// ALBERT: blocks share the parameters of one of n_groups groups (0 = each has its own), which is n_inner blocks itself.
typedef struct AlbertConfig {
    size_t n_groups, n_inner;
} AlbertConfig;

// ModernBERT: which blocks see everything, the others only tokens at most local_reach away; rotary bases of the two kinds;
// biases; the activation of its head.
typedef struct ModernBertConfig {
    const unsigned char *is_global; // [n_layers]
    size_t local_reach;
    double global_theta, local_theta;
    bool has_attention_bias, has_mlp_bias, has_head_bias, has_decoder_bias;
    Activation head_activation;
} ModernBertConfig;

// Sizes are checked on reading: at least 1, at most 2^24, and hidden_size a multiple of n_heads. Texts and arrays lie in the
// arena given to model_config_parse. Formats other than config.json fill the same members; models/architectures/decoder.h says
// what each of a decoder's does.
typedef struct ModelConfig {
    const Architecture *architecture; // the row of the registry that understands this model
    Slice model_type;                 // "bert"
    Slice class_name;                 // "BertForSequenceClassification", as in architectures[0]
    bool class_is_assumed;            // the file names none
    ModelHead head;
    bool one_token; // HEAD_MASKED_LM answers for TokenSequence.chosen alone: one row a sequence

    size_t vocab_size, hidden_size, n_layers, intermediate_size;
    size_t n_heads, n_kv_heads; // heads of queries, and of keys and values
    size_t head_dim;            // 0 = hidden_size / n_heads
    size_t n_further_blocks;    // behind the others, for guesses at tokens further on: left out

    // Tables that a token's first hidden state is the sum of.
    size_t max_positions;      // longest sequence
    size_t first_position;     // row of the position table for the first token
    bool positions_skip_pads;  // a pad inside a sequence has the row before, and is not counted
    size_t type_vocab_size;    // segments
    size_t n_tasks;            // ERNIE: rows of its table of tasks; 0 without
    size_t n_relative_buckets; // MPNet: of its bias by relative position
    size_t embedding_size;     // their width, where a layer projects them; 0 = hidden_size
    size_t embedding_dims;     // OPT: the same, and of the hidden state that the head reads
    float embedding_scale;     // of the token table's rows; 0 = 1

    RotaryConfig rotary;
    AttentionConfig attention;
    BlockConfig block;
    ConvConfig conv;
    OutputConfig output;
    Activation activation;
    float layer_norm_eps;
    float norm_weight_offset; // 1 where norms multiply by 1 + weight
    DropoutConfig dropout;
    float initializer_range;

    // What some kinds of model have beside that.
    ExpertsConfig experts;
    LatentConfig latent;
    DeltaConfig delta;
    Gemma4Config gemma4;
    DecoderConfig decoder;
    DebertaConfig deberta;
    AlbertConfig albert;
    ModernBertConfig modernbert;

    int32_t pad_id, bos_id; // -1 where the file names none
    const int32_t *eos_ids; // tokens that end a text
    size_t n_eos;

    // What the head answers.
    EmbeddingConfig embedding;
    const Slice *labels; // by class index (id2label); "LABEL_0", ... where the file has none
    // Classes of a sequence or token head; 2 for a span head; vocab_size where the answers are tokens.
    size_t n_labels;
    Slice problem_type;    // as in the file; empty where absent
    bool classifies_first; // the first token is classified, not the mean
    bool classifies_each;  // all tokens are classified, and their scores' mean counts (EuroBERT)
    // Of HEAD_TOKEN: one score a token, positive where it was put in another's place (ELECTRA).
    bool is_discriminator;
} ModelConfig;

// Keys that a token of a decoder's layer sees, itself included; 0 = all before it.
size_t model_config_window(const ModelConfig *config, size_t layer);
// Whether a layer has less than all of them.
bool model_config_has_windows(const ModelConfig *config);

// Tokens that the answers of a language model are among.
size_t model_config_target_vocab(const ModelConfig *config);

// What the numbers of a head that reads whole texts are.
typedef enum ProblemType {
    PROBLEM_CLASSES, // scores of classes, one of which is right; and of any other head
    PROBLEM_LABELS,  // scores of labels, each of which is right or not: multi_label_classification
    PROBLEM_VALUES,  // numbers: regression, and one label of which the file says nothing
} ProblemType;
ProblemType model_config_problem(const ModelConfig *config);
// As config.json says it; empty for classes, which need no saying.
Slice model_problem_name(ProblemType problem);

// Whether the head is on a decoder that reads the source a second time, one place later (BART's classes of texts, and spans).
bool model_config_rereads_source(const ModelConfig *config);

// Reads a config.json. An unknown architecture is refused by name, with the known ones listed.
Status model_config_load(Arena *arena, const char *path, ModelConfig *out, Error *err) MUST_CHECK;
// The same from a document in hand.
Status model_config_parse(Arena *arena, const Json *root, ModelConfig *out, Error *err) MUST_CHECK;

// config.json of a model: original's members (NULL where there is none) in their order, those that config states
// replaced or added. Ends with a newline.
Status model_config_write(const ModelConfig *config, const Json *original, Buffer *out,
                          Error *err) MUST_CHECK;

#endif
