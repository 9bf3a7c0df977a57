// Marian's translation models (OPUS-MT): the encoder-decoder of post-norm blocks (transformer.h) on embeddings times
// sqrt(hidden_size) plus sinusoids, which are computed.
//
// Sources: Junczys-Dowmunt et al. 2018, arXiv:1804.00344; Vaswani et al. 2017, arXiv:1706.03762, sections 3.4 and 3.5; names
// of tensors as in Transformers' modeling_marian.
#include <math.h>

#include "models/architectures/transformer.h"
#include "models/config_read.h"

static Value scaled(Tape *t, const ModelConfig *c, Value x, float scale)
{
    return tape_dropout(t, tape_scale(t, x, scale), c->hidden_dropout);
}

static void marian_record(Tape *t, const ModelConfig *c)
{
    static const char *const aliases[] = {"model.encoder.embed_tokens.weight",
                                          "model.decoder.embed_tokens.weight", "lm_head.weight",
                                          NULL};
    const float scale = c->decoder.has_scaled_embedding ? sqrtf((float)c->hidden_size) : 1.0f;
    tape_group(t, 0);
    tape_prefix(t, "model.");
    const ParamId shared = tape_tied_table(t, "shared", c->vocab_size, c->hidden_size, c->pad_id);
    tape_aliases(t, shared, aliases);
    // (word + sinusoid / scale) * scale: one pass over the table's rows instead of two.
    const ParamId position = tape_sinusoids(t, c->max_positions, c->hidden_size, 1.0f / scale);
    const Value source = scaled(t, c, tape_embedding(t, shared, position, PARAM_NONE), scale);
    const Value targets = scaled(t, c, tape_target_embedding(t, shared, position), scale);
    transformer_record(t, c, shared, source, targets);
}

static Status marian_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    bool is_shared = true;
    TRY(transformer_read_config(root, config, err));
    TRY(json_opt_bool(root, "share_encoder_decoder_embeddings", &is_shared, err));
    if (!is_shared) {
        return json_error(json_get(root, "share_encoder_decoder_embeddings"), err,
                          "embeddings that encoder and decoder do not share are not supported");
    }
    return STATUS_OK;
}

// As Vaswani et al. have it, section 3: one table for everything, ReLU. Weights of spread 1/sqrt(hidden_size) are what their
// embeddings and Glorot's rule for square matrices want. Texts end with the tokenizer's end token; the pad begins targets.
static void complete(ModelConfig *config)
{
    DecoderConfig *d = &config->decoder;
    d->n_encoder_layers = config->n_layers;
    if (d->n_layers == 0) d->n_layers = config->n_layers;
    if (config->n_layers < d->n_layers) config->n_layers = d->n_layers;
    d->n_heads = config->n_heads;
    d->intermediate_size = config->intermediate_size;
    d->start_id = config->pad_id;
    d->has_scaled_embedding = true;
    config->attention_dropout = 0.0f;
    config->activation = ACTIVATION_RELU;
    config->initializer_range = 1.0f / sqrtf((float)config->hidden_size);
}

const Architecture architecture_marian = {
    .model_type = "marian",
    .summary = "Marian translation models (OPUS-MT)",
    .classes = {{"MarianMTModel", HEAD_SEQ2SEQ}},
    .base_prefix = "model.",
    .read_config = marian_read_config,
    .write_config = transformer_write_config,
    .complete = complete,
    .record = marian_record,
};
