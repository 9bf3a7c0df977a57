// models/architectures/decoder.h: what decoders have in common, for their files.
//
// Each file records its blocks with its own names; the steps between weights are the same: queries, keys and values of one
// product, norms of heads, rotation, attention over the cache, a gated layer, and an output layer that is computed for the
// tokens alone whose answers someone reads.
#ifndef ASSAY_MODELS_ARCHITECTURES_DECODER_H
#define ASSAY_MODELS_ARCHITECTURES_DECODER_H

#include "models/config.h"
#include "models/program/tape.h"

// Angles of the layers with the whole context and of those with a window; and with ALiBi what it adds to scores, by distance.
typedef struct DecoderRopes {
    RopeId queries, global, local; // queries: of queries where keys have `global`; mostly the same
    ParamId alibi;
    const int32_t *distances; // [2 * max_positions - 1]; NULL without
} DecoderRopes;

DecoderRopes decoder_ropes(Tape *tape, const ModelConfig *config);

// The token table called NAME, its rows of each token, times embedding_scale.
Value decoder_embedding(Tape *tape, const ModelConfig *config, const char *name, ParamId *table);

// The same plus rows of a table of positions, both dropped out of together.
Value decoder_positioned(Tape *tape, const ModelConfig *config, const char *words,
                         const char *positions, ParamId *table);

// Columns of a head of layer i.
size_t decoder_head_dim(const ModelConfig *config, size_t layer);
// Whether only the rows that are read are computed behind the keys and values of layer i: the last, or one of the last that have none.
bool decoder_is_cut(const ModelConfig *config, size_t layer);
// Rows of x that layer i goes on with: all, or those that are read.
Value decoder_rows(Tape *tape, const ModelConfig *config, size_t layer, Value x);

// Attention of layer i over x (normed), before its output layer. qkv: queries, keys and values stacked. Head norms are
// q_norm and k_norm below the tape's prefix, and sinks are "sinks", where the config has them.
Value decoder_attention(Tape *tape, const ModelConfig *config, size_t layer, DecoderRopes ropes,
                        Dense qkv, Value x);
// A lone layer on x.
Value decoder_linear(Tape *tape, Value x, const char *name, size_t n_out, bool has_bias,
                     Activation activation);
// Queries, keys and values from three tensors; and from one that has them head by head, in n_groups (RowOrder).
Dense decoder_qkv(Tape *tape, const ModelConfig *config, const char *const names[3]);
Dense decoder_fused_qkv(Tape *tape, const ModelConfig *config, const char *name, size_t n_groups);
// act(gate x) * (up x), of one product.
Value decoder_gate(Tape *tape, const ModelConfig *config, Dense gate_up, Value x);
// All of such a layer of n, with layers gate_proj, up_proj and down_proj below the tape's prefix.
Value decoder_gated_layer(Tape *tape, const ModelConfig *config, size_t n, Value x);
// RMS norm with the config's epsilon and offset.
Value decoder_norm(Tape *tape, const ModelConfig *config, Value x, const char *name);
// LayerNorm with the config's epsilon and offset, without a bias where block.has_norm_bias says so; and one without weights too.
Value decoder_layer_norm(Tape *tape, const ModelConfig *config, Value x, const char *name);
Value decoder_bare_norm(Tape *tape, const ModelConfig *config, Value x, const char *name);
// The rows that the head reads of those behind the last block.
Value decoder_read_rows(Tape *tape, const ModelConfig *config, Value x);
// Logits of x: by the table, or the output layer NAME where it is not tied, scaled and capped.
Value decoder_next_token(Tape *tape, const ModelConfig *config, ParamId table, const char *name,
                         Value x);
// The same of the rows that are read; or classes of the sequence's last token, of each token, or of starts and ends.
Value decoder_head(Tape *tape, const ModelConfig *config, ParamId table, const char *name, Value x);
// Hidden states after the final norm, and decoder_head. Last call.
void decoder_output(Tape *tape, const ModelConfig *config, ParamId table, const char *name,
                    Value x);

// The tensors of a block of two layers one after the other, each behind a norm (the frame's):
//     a = x + W_o attention(W_q n, W_k n, W_v n),  n = norm(x)
//     a + W_down act(W_up m), or with a gate a + W_down (act(W_gate m) * W_up m), or experts in their place,  m = norm(a)
// What a layer adds may be normed too. Where the config says is_post_norm the sums go on from n and m instead of x and a, and
// where it says is_parallel m = norm(x). Without a second norm the two layers read the same state: m = n.
typedef struct DecoderBlockNames {
    const char *blocks; // "transformer.h.": the block's number follows
    const char
        *norms[2]; // before attention and before the feed-forward layers; the second NULL without
    const char *behind[2];   // behind them; NULL without
    const char *attention;   // "attn.": what follows before these three
    const char *qkv[3];      // or one tensor that has all head by head
    const char *stacked_qkv; // or one that has all queries, then all keys, then all values
    // Or an attention of its own over x (normed), before its output layer; NULL: decoder_attention.
    Value (*attend)(Tape *tape, const ModelConfig *config, size_t layer, DecoderRopes ropes,
                    Value x);
    const char *output;
    const char *feed_forward;    // "mlp."
    const char *gate;            // NULL without
    const char *stacked_gate_up; // one tensor of gate and up, in this order
    const char *up, *down;
} DecoderBlockNames;

// Llama's, but for its norms and what is stacked.
#define DECODER_LLAMA_LAYERS                                                  \
    .blocks = "model.layers.", .attention = "self_attn.", .output = "o_proj", \
    .feed_forward = "mlp.", .down = "down_proj"

// x of the layer before gives x of layer i.
typedef Value DecoderBlock(Tape *tape, const ModelConfig *config, size_t layer, DecoderRopes ropes,
                           Value x);

// What stands around the blocks of most decoders.
typedef struct DecoderFrame {
    const char *prefix;     // of the tables and norms below
    const char *words;      // token table
    const char *positions;  // table of positions; NULL without
    const char *words_norm; // LayerNorm on the embeddings; NULL without
    // Or what is given to the first block; then there are no words, positions and words_norm.
    Value (*embed)(Tape *tape, const ModelConfig *config, ParamId *table);
    Value (*norm)(Tape *tape, const ModelConfig *config, Value x, const char *name); // the last one
    const char *last_norm;
    const char *output; // output layer, where it is not tied; NULL: lm_head
    // What the head makes of the hidden states behind the last norm; NULL: decoder_head.
    Value (*head)(Tape *tape, const ModelConfig *config, ParamId table, Value x);
    const DecoderBlockNames *names; // of the blocks, where they are such
} DecoderFrame;

// Llama's, but for the norm and the blocks.
#define DECODER_LLAMA_FRAME .prefix = "model.", .words = "embed_tokens", .last_norm = "norm"
// GPT-2's, but for positions, the norm and the blocks.
#define DECODER_GPT_FRAME .prefix = "transformer.", .words = "wte", .last_norm = "ln_f"

// Embeddings, n_layers blocks, the last norm and the head. block may be NULL where the frame has names.
void decoder_record(Tape *tape, const ModelConfig *config, const DecoderFrame *frame,
                    DecoderBlock *block);

#endif
