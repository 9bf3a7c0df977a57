#include "models/architectures/encoder.h"

#include <math.h>

#include "models/architectures/relative.h"
#include "models/program/rope.h"

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    return tape_dense(t, &name, 1, n_in, n_out);
}

// A layer of a block, of one tensor or of several.
static Dense block_layer(Tape *t, const EncoderNames *names, const DensePart *parts, size_t n_parts,
                         size_t n_in)
{
    return tape_dense_parts(t, parts, n_parts, n_in, names->lacks_biases ? DENSE_NO_BIAS : 0);
}

// The parameters of a block, which several blocks may share.
typedef struct Block {
    Dense qkv, attention_output, inner, outer;
    LayerNorm attention_norm, output_norm;
    RopeId rope; // where heads turn
} Block;

static Value embeddings(Tape *t, const ModelConfig *c, const EncoderNames *names, ParamId *word)
{
    const size_t h = c->hidden_size, n_positions = c->first_position + c->max_positions;
    const size_t width = c->embedding_size ? c->embedding_size : h;
    tape_group(t, 0);
    tape_prefix(t, "%s", names->embeddings);
    *word = tape_table(t, "word_embeddings", c->vocab_size, width, c->pad_id);
    const ParamId position = names->lacks_positions
                                 ? PARAM_NONE
                                 : tape_table(t, "position_embeddings", n_positions, width,
                                              c->positions_skip_pads ? c->pad_id : -1);
    const ParamId type = names->has_types && c->type_vocab_size > 0
                             ? tape_table(t, "token_type_embeddings", c->type_vocab_size, width, -1)
                             : PARAM_NONE;
    Value sum = tape_embedding(t, *word, position, type);
    if (names->tasks && c->n_tasks > 0)
        sum =
            tape_add(t, sum, tape_first_row(t, tape_table(t, names->tasks, c->n_tasks, width, -1)));
    if (names->embeddings_norm) tape_prefix(t, "%s", "");
    if (names->drops_before_norm) sum = tape_dropout(t, sum, c->dropout.hidden);
    const char *norm = names->embeddings_norm ? names->embeddings_norm : "LayerNorm";
    const Value normed =
        names->lacks_embeddings_norm ? sum : tape_layer_norm(t, sum, norm, c->layer_norm_eps);
    const Value x = names->drops_before_norm ? normed : tape_dropout(t, normed, c->dropout.hidden);
    if (!names->projection || (width == h && !names->always_projects)) return x;
    tape_prefix(t, "%s", "");
    return tape_linear(t, x, dense(t, names->projection, width, h), ACTIVATION_NONE);
}

static Block declare_block(Tape *t, const ModelConfig *c, const EncoderNames *names)
{
    const size_t h = c->hidden_size, n = c->intermediate_size;
    const bool is_one = !names->qkv[1];
    const DensePart qkv[3] = {
        {names->qkv[0], is_one ? 3 * h : h}, {names->qkv[1], h}, {names->qkv[2], h}};
    const DensePart output = {names->attention_output, h}, outer = {names->outer, h};
    const DensePart inner[2] = {{names->gate ? names->gate : names->inner, n}, {names->inner, n}};
    const DensePart both = {names->stacked_up_gate, 2 * n};
    Block b;
    b.qkv = block_layer(t, names, qkv, is_one ? 1 : 3, h);
    b.attention_output = block_layer(t, names, &output, 1, h);
    b.attention_norm = tape_layer_norm_params(t, names->attention_norm, h);
    b.inner = names->stacked_up_gate ? tape_dense_parts(t, &both, 1, h, DENSE_NO_BIAS)
                                     : block_layer(t, names, inner, names->gate ? 2 : 1, h);
    b.outer = block_layer(t, names, &outer, 1, n);
    b.output_norm = tape_layer_norm_params(t, names->output_norm, h);
    return b;
}

// The inner layer of a block, with its gate where it has one.
static Value inner_layer(Tape *t, const ModelConfig *c, const EncoderNames *names, const Block *b,
                         Value x)
{
    const size_t n = c->intermediate_size;
    if (!names->gate && !names->stacked_up_gate) return tape_linear(t, x, b->inner, c->activation);
    const size_t gate = names->gate ? 0 : n, up = names->gate ? n : 0; // first columns
    const Value both = tape_linear(t, x, b->inner, ACTIVATION_NONE);
    return tape_gated(t, tape_columns(t, both, gate, gate + n), tape_columns(t, both, up, up + n),
                      c->activation);
}

// Attention over x, normed where norms stand before the layers, and its output layer; of queries of the rows `chosen` alone, where
// there are such.
static Value attend(Tape *t, const ModelConfig *c, const EncoderNames *names, const Block *b,
                    const TapeAttention *attention, Value x, const Value *chosen)
{
    const size_t h = c->hidden_size;
    Value q, k, v;
    if (chosen) {
        q = tape_linear_part(t, *chosen, b->qkv, 0, h, ACTIVATION_NONE);
        const Value kv = tape_linear_part(t, x, b->qkv, h, 3 * h, ACTIVATION_NONE);
        k = tape_columns(t, kv, 0, h);
        v = tape_columns(t, kv, h, 2 * h);
    } else {
        const Value all = tape_linear(t, x, b->qkv, ACTIVATION_NONE);
        q = tape_columns(t, all, 0, h);
        k = tape_columns(t, all, h, 2 * h);
        v = tape_columns(t, all, 2 * h, 3 * h);
    }
    if (c->rotary.dims > 0) {
        q = tape_rope(t, q, attention->head_dim, b->rope);
        k = tape_rope(t, k, attention->head_dim, b->rope);
    }
    const Value mixed = tape_attention(t, q, k, v, attention);
    const Value out = tape_linear(t, mixed, b->attention_output, ACTIVATION_NONE);
    return names->drops_attention_output ? tape_dropout(t, out, c->dropout.hidden) : out;
}

// What a layer reads of x, and what goes on of x and what the layer gave.
static Value before(Tape *t, const ModelConfig *c, const EncoderNames *names, LayerNorm norm,
                    Value x)
{
    const NormArgs args = {.epsilon = c->layer_norm_eps};
    return names->last_norm ? tape_layer_norm_of(t, x, norm, args) : x;
}

static Value behind(Tape *t, const ModelConfig *c, const EncoderNames *names, LayerNorm norm,
                    Value x, Value out)
{
    return names->last_norm ? tape_add(t, x, out)
                            : tape_layer_norm_shared(t, out, x, norm, c->layer_norm_eps);
}

// Where only one token of each sequence is read of its output, queries and all that follows are computed for them alone; keys
// and values are always those of every token.
static Value run_block(Tape *t, const ModelConfig *c, const EncoderNames *names, const Block *b,
                       const TapeAttention *attention, Value x, bool chosen_only)
{
    const Value n = before(t, c, names, b->attention_norm, x);
    const Value residual = chosen_only ? tape_chosen_tokens(t, x) : x;
    const Value queried = chosen_only && names->last_norm ? tape_chosen_tokens(t, n) : residual;
    const Value out = attend(t, c, names, b, attention, n, chosen_only ? &queried : NULL);
    const Value a = behind(t, c, names, b->attention_norm, residual, out);

    Value inner = inner_layer(t, c, names, b, before(t, c, names, b->output_norm, a));
    if (names->drops_inner) inner = tape_dropout(t, inner, c->dropout.hidden);
    Value outer = tape_linear(t, inner, b->outer, ACTIVATION_NONE);
    if (names->drops_output) outer = tape_dropout(t, outer, c->dropout.hidden);
    return behind(t, c, names, b->output_norm, a, outer);
}

static TapeAttention attention_of(Tape *t, const ModelConfig *c, const EncoderNames *names)
{
    enum { FARTHEST = 128 }; // of MPNet, whatever its config says
    const size_t head_dim = c->hidden_size / c->n_heads;
    TapeAttention attention = {.n_heads = c->n_heads,
                               .n_kv_heads = c->n_heads,
                               .head_dim = head_dim,
                               .scale = 1.0f / sqrtf((float)head_dim),
                               .dropout = c->dropout.attention};
    if (!names->relative_bias) return attention;
    tape_group(t, 0);
    tape_prefix(t, "%s", "");
    attention.relative_bias =
        tape_relative_bias(t, names->relative_bias, c->n_heads, c->n_relative_buckets);
    relative_buckets(t, c->n_relative_buckets, FARTHEST, false, &attention);
    return attention;
}

bool encoder_reads_one_token(const ModelConfig *c)
{
    return c->head == HEAD_SEQUENCE || (c->head == HEAD_MASKED_LM && c->one_token) ||
           (c->head == HEAD_EMBEDDING && c->embedding.pool != POOL_MEAN);
}

// The group of layer i, as Transformers counts it.
static size_t group_of(const ModelConfig *c, size_t i)
{
    if (c->albert.n_groups == 0) return i;
    return (size_t)((double)i / ((double)c->n_layers / (double)c->albert.n_groups));
}

static Value last_norm(Tape *t, const ModelConfig *c, const EncoderNames *names, Value x)
{
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    const Value y = tape_layer_norm(t, x, names->last_norm, c->layer_norm_eps);
    tape_hidden(t, y);
    return y;
}

Value encoder_blocks(Tape *t, const ModelConfig *c, const EncoderNames *names, ParamId *word)
{
    // A part of the fused layer begins at a panel, which hidden sizes that are no multiple of its width do not allow.
    const bool one_token = encoder_reads_one_token(c),
               can_split = c->hidden_size % PANEL_WIDTH == 0 && c->rotary.dims == 0;
    RopeId rope = 0;
    const size_t n_inner = c->albert.n_inner ? c->albert.n_inner : 1;
    Block *blocks = ARENA_NEW(t->arena, Block, n_inner);
    if (!blocks) {
        tape_fail(t, STATUS_MEMORY, "blocks");
        return (Value){0};
    }
    Value x = embeddings(t, c, names, word);
    const TapeAttention attention = attention_of(t, c, names);
    if (c->rotary.dims > 0)
        rope = rope_record(t, &c->rotary.rope, c->rotary.dims, c->max_positions);
    tape_hidden(t, x);
    for (size_t i = 0; i < c->n_layers; i++) {
        const size_t group = group_of(c, i);
        const bool is_new = i == 0 || group != group_of(c, i - 1), is_last = i + 1 == c->n_layers;
        if (is_new) tape_group(t, 1 + i);
        for (size_t k = 0; k < n_inner; k++) {
            tape_prefix(t, "%s%zu.", names->blocks, group);
            if (names->inner_blocks)
                tape_prefix(t, "%s%zu.%s%zu.", names->blocks, group, names->inner_blocks, k);
            if (is_new) blocks[k] = declare_block(t, c, names);
            blocks[k].rope = rope;
            x = run_block(t, c, names, &blocks[k], &attention, x,
                          one_token && can_split && is_last && k + 1 == n_inner);
        }
        if (!is_last || !names->last_norm) tape_hidden(t, x);
    }
    if (names->last_norm) x = last_norm(t, c, names, x);
    if (one_token && !(can_split && c->n_layers > 0)) x = tape_chosen_tokens(t, x);
    return x;
}

static Value layer(Tape *t, const char *name, Value x, size_t n_out, Activation activation)
{
    return tape_linear(t, x, dense(t, name, value_cols(x), n_out), activation);
}

Value encoder_vocabulary(Tape *t, const ModelConfig *c, const EncoderNames *names, ParamId word,
                         Value x)
{
    tape_prefix(t, "%s", "");
    if (!c->output.is_own)
        return tape_linear_tied(t, x, word,
                                tape_vector(t, names->bias[0], c->vocab_size, INIT_ZERO));
    const Dense output = dense(t, names->output, value_cols(x), c->vocab_size);
    // Before Transformers 5 the layer's bias was the one that stands beside it, and files have that alone.
    tape_aliases(t, output.bias, names->bias);
    return tape_linear(t, x, output, ACTIVATION_NONE);
}

static Value dropped(Tape *t, const float *dropout, Value x)
{
    return dropout ? tape_dropout(t, x, *dropout) : x;
}

static Value classifier(Tape *t, const ModelConfig *c, const EncoderHead *head, Value x)
{
    const Value pooled = layer(t, head->pooler, dropped(t, head->pooler_dropout, x), c->hidden_size,
                               head->pooler_activation);
    return layer(t, head->classifier, tape_dropout(t, pooled, head->classifier_dropout),
                 c->n_labels, ACTIVATION_NONE);
}

static Value masked_lm(Tape *t, const ModelConfig *c, const EncoderNames *names,
                       const EncoderHead *head, ParamId word, Value x)
{
    const size_t tied = c->embedding_size ? c->embedding_size : c->hidden_size,
                 width = c->output.width ? c->output.width : tied;
    const Value inner = layer(t, head->transform, x, width, head->transform_activation);
    const Value normed = tape_layer_norm(t, inner, head->transform_norm, c->layer_norm_eps);
    return encoder_vocabulary(t, c, names, word, normed);
}

Value encoder_head(Tape *t, const ModelConfig *c, const EncoderNames *names,
                   const EncoderHead *head, ParamId word, Value x)
{
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    switch (c->head) {
    case HEAD_EMBEDDING:
        return c->embedding.pool == POOL_MEAN ? tape_mean_pool(t, x) : x;
    case HEAD_SEQUENCE:
        return classifier(t, c, head, x);
    case HEAD_TOKEN:
        return layer(t, "classifier", tape_dropout(t, x, head->token_dropout), c->n_labels,
                     ACTIVATION_NONE);
    case HEAD_SPAN:
        return layer(t, "qa_outputs", dropped(t, head->span_dropout, x), 2, ACTIVATION_NONE);
    case HEAD_MASKED_LM:
        return masked_lm(t, c, names, head, word, x);
    case HEAD_CAUSAL_LM: // not among their classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

EncoderHead encoder_pooled_head(const ModelConfig *c, const char *pooler, const char *transform,
                                const char *transform_norm)
{
    const float p = encoder_head_dropout(c);
    return (EncoderHead){.pooler = pooler,
                         .pooler_activation = ACTIVATION_TANH,
                         .classifier = "classifier",
                         .classifier_dropout = p,
                         .token_dropout = p,
                         .transform = transform,
                         .transform_norm = transform_norm,
                         .transform_activation = c->activation};
}

void encoder_record(Tape *t, const ModelConfig *c, const EncoderNames *names,
                    const EncoderHead *head)
{
    ParamId word = 0;
    const Value x = encoder_blocks(t, c, names, &word);
    tape_output(t, encoder_head(t, c, names, head, word, x));
}

// The masked LM's activation is GELU with erf whatever the blocks have.
void encoder_record_roberta(Tape *t, const ModelConfig *c, const EncoderNames *names, float dropout)
{
    const EncoderHead head = {.pooler = "classifier.dense",
                              .pooler_activation = ACTIVATION_TANH,
                              .pooler_dropout = &dropout,
                              .classifier = "classifier.out_proj",
                              .classifier_dropout = dropout,
                              .token_dropout = dropout,
                              .transform = "lm_head.dense",
                              .transform_norm = "lm_head.layer_norm",
                              .transform_activation = ACTIVATION_GELU};
    encoder_record(t, c, names, &head);
}

float encoder_head_dropout(const ModelConfig *c)
{
    return c->dropout.classifier >= 0 ? c->dropout.classifier : c->dropout.hidden;
}
