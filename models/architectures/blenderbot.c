// Blenderbot: chat models. The large ones are mBART without a norm on embeddings, the small one is BART whose decoder norms words
// alone, before positions are added. No row of their positions is unused.
//
//     x_0 = word[ids] + position;  small: LayerNorm of it, and y_0 = LayerNorm(word[ids]) + position in the decoder
//
// Source: Roller et al. 2021, arXiv:2004.13637; names of tensors as in Transformers' modeling_blenderbot and
// modeling_blenderbot_small.
#include "models/architectures/transformer.h"
#include "models/config_read.h"

static const float NORM_EPSILON = 1e-5f;

static ParamId positions_of(Tape *t, const ModelConfig *c, bool is_target)
{
    tape_prefix(t, is_target ? "model.decoder." : "model.encoder.");
    return tape_table(t, "embed_positions", c->max_positions, c->hidden_size, -1);
}

static Value large_embedding(Tape *t, const ModelConfig *c, const WordTables *words, bool is_target)
{
    const ParamId positions = positions_of(t, c, is_target);
    const ParamId table = is_target ? words->targets : words->source;
    return tape_dropout(t, transformer_embedding(t, c, table, positions, is_target),
                        c->dropout.hidden);
}

static Value small_embedding(Tape *t, const ModelConfig *c, const WordTables *words, bool is_target)
{
    const ParamId positions = positions_of(t, c, is_target);
    Value x;
    if (is_target) {
        // As they are, whatever scale_embedding says.
        const Value word = tape_target_embedding(t, words->targets, PARAM_NONE);
        x = tape_add(t, tape_layer_norm(t, word, "layernorm_embedding", NORM_EPSILON),
                     tape_target_positions(t, positions));
    } else {
        x = tape_layer_norm(t, transformer_embedding(t, c, words->source, positions, false),
                            "layernorm_embedding", NORM_EPSILON);
    }
    return tape_dropout(t, x, c->dropout.hidden);
}

typedef Value Embedding(Tape *t, const ModelConfig *c, const WordTables *words, bool is_target);

static void record(Tape *t, const ModelConfig *c, Embedding *embedding)
{
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const WordTables words = seq2seq_tables(t, c, c->pad_id);
    const Value source = embedding(t, c, &words, false), targets = embedding(t, c, &words, true);
    transformer_record(t, c, &words, source, targets);
}

static void record_large(Tape *t, const ModelConfig *c)
{
    record(t, c, large_embedding);
}

static void record_small(Tape *t, const ModelConfig *c)
{
    record(t, c, small_embedding);
}

static Status read_large(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    static const TransformerDefaults defaults = {
        .start_id = 1, .is_pre_norm = true, .activation = "gelu"};
    (void)arena;
    return transformer_read_config(root, &defaults, c, err);
}

static Status read_small(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    static const TransformerDefaults defaults = {.start_id = 1, .activation = "gelu"};
    (void)arena;
    return transformer_read_config(root, &defaults, c, err);
}

const Architecture architecture_blenderbot = {
    .model_type = "blenderbot",
    .summary = "Blenderbot: chat with an encoder-decoder",
    .classes = {{"BlenderbotForConditionalGeneration", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = read_large,
    .write_config = transformer_write_config,
    .record = record_large,
};

const Architecture architecture_blenderbot_small = {
    .model_type = "blenderbot-small",
    .summary = "Blenderbot 90M: norms behind the layers",
    .classes = {{"BlenderbotSmallForConditionalGeneration", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = read_small,
    .write_config = transformer_write_config,
    .record = record_small,
};
