// BART: an encoder-decoder of post-norm blocks (transformer.h) with learned positions, whose first two rows are unused, and
// a norm on both embeddings.
//
// Source: Lewis et al. 2020, arXiv:1910.13461; names of tensors as in Transformers' modeling_bart.
#include <math.h>

#include "models/architectures/transformer.h"
#include "models/config_read.h"

enum { FIRST_POSITION = 2 };
static const float NORM_EPSILON = 1e-5f;

static Value normed(Tape *t, const ModelConfig *c, Value x)
{
    return tape_dropout(t, tape_layer_norm(t, x, "layernorm_embedding", NORM_EPSILON),
                        c->hidden_dropout);
}

// Words times sqrt(hidden_size), positions as they are: (word + position) + (sqrt(hidden_size) - 1) * word.
static Value scaled(Tape *t, const ModelConfig *c, Value sum, Value word)
{
    return tape_add(t, sum, tape_scale(t, word, sqrtf((float)c->hidden_size) - 1.0f));
}

static void bart_record(Tape *t, const ModelConfig *c)
{
    static const char *const aliases[] = {"model.encoder.embed_tokens.weight",
                                          "model.decoder.embed_tokens.weight",
                                          "encoder.embed_tokens.weight", "lm_head.weight", NULL};
    const size_t n_positions = c->max_positions + FIRST_POSITION;
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const ParamId shared = tape_tied_table(t, "shared", c->vocab_size, c->hidden_size, c->pad_id);
    tape_aliases(t, shared, aliases);
    tape_prefix(t, "model.encoder.");
    ParamId position = tape_table(t, "embed_positions", n_positions, c->hidden_size, -1);
    Value x = tape_embedding(t, shared, position, PARAM_NONE);
    if (c->decoder.has_scaled_embedding)
        x = scaled(t, c, x, tape_embedding(t, shared, PARAM_NONE, PARAM_NONE));
    const Value source = normed(t, c, x);
    tape_prefix(t, "model.decoder.");
    position = tape_table(t, "embed_positions", n_positions, c->hidden_size, -1);
    x = tape_target_embedding(t, shared, position);
    if (c->decoder.has_scaled_embedding)
        x = scaled(t, c, x, tape_target_embedding(t, shared, PARAM_NONE));
    const Value targets = normed(t, c, x);
    transformer_record(t, c, shared, source, targets);
}

static Status bart_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(transformer_read_config(root, config, err));
    config->first_position = FIRST_POSITION;
    return STATUS_OK;
}

const Architecture architecture_bart = {
    .model_type = "bart",
    .summary = "BART encoder-decoders: summaries, translations and other texts from texts",
    .classes = {{"BartForConditionalGeneration", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = bart_read_config,
    .write_config = transformer_write_config,
    .record = bart_record,
};
