// The row of DeBERTa v2 and v3 in the registry, and what of config.json it reads and writes.
#include <ctype.h>

#include "models/architecture.h"
#include "models/architectures/bert_config.h"
#include "models/architectures/deberta.h"

// Members that change what is computed and that only some of the largest models have.
static Status refuse_variants(const Json *root, const ModelConfig *config, Error *err)
{
    int64_t kernel = 0, head_size = (int64_t)(config->hidden_size / config->n_heads),
            pooler = (int64_t)config->hidden_size;
    TRY(json_opt_i64(root, "conv_kernel_size", 0, 1 << 16, &kernel, err));
    if (kernel > 0) {
        return json_error(json_get(root, "conv_kernel_size"), err,
                          "a convolution behind the first block (DeBERTa v2 xlarge and xxlarge) is "
                          "not supported");
    }
    TRY(json_opt_i64(root, "attention_head_size", 1, 1 << 24, &head_size, err));
    if ((size_t)head_size * config->n_heads != config->hidden_size) {
        return json_error(json_get(root, "attention_head_size"), err,
                          "%zu heads of %lld columns do not make up the hidden size %zu",
                          config->n_heads, (long long)head_size, config->hidden_size);
    }
    TRY(json_opt_i64(root, "pooler_hidden_size", 1, 1 << 24, &pooler, err));
    if ((size_t)pooler != config->hidden_size) {
        return json_error(json_get(root, "pooler_hidden_size"), err,
                          "found %lld, but the hidden size is %zu", (long long)pooler,
                          config->hidden_size);
    }
    return STATUS_OK;
}

// Whether one of the words between the bars of "c2p | p2c" is this one.
static bool has_word(Slice text, const char *word)
{
    Slice part;
    while (slice_split(&text, '|', &part)) {
        part = slice_trim(part);
        size_t i = 0;
        while (i < part.len && word[i] && tolower((unsigned char)part.ptr[i]) == word[i]) i++;
        if (i == part.len && !word[i]) return true;
    }
    return false;
}

// One string with bars, or a list.
static Status read_parts(const Json *root, DebertaConfig *d, Error *err)
{
    const Json *parts = json_get(root, "pos_att_type");
    if (parts && json_kind(parts) == JSON_STRING) {
        d->has_position_keys = has_word(json_string(parts), "c2p");
        d->has_position_queries = has_word(json_string(parts), "p2c");
    } else if (parts && json_kind(parts) == JSON_ARRAY) {
        for (const Json *part = json_first(parts); part; part = json_next(part)) {
            Slice name;
            TRY(json_as_string(part, &name, err));
            if (slice_eq_cstr(name, "c2p")) d->has_position_keys = true;
            if (slice_eq_cstr(name, "p2c")) d->has_position_queries = true;
        }
    } else if (parts && json_kind(parts) != JSON_NULL) {
        return json_error(parts, err, "must be a text or a list of texts");
    }
    // As in Transformers the scale counts them even where attention has no positions.
    d->n_score_parts = 1 + (size_t)d->has_position_keys + (size_t)d->has_position_queries;
    d->is_relative = d->is_relative && d->n_score_parts > 1;
    return STATUS_OK;
}

static Status read_relative(const Json *root, ModelConfig *config, Error *err)
{
    enum { MOST = 1 << 20 };
    DebertaConfig *d = &config->deberta;
    int64_t buckets = -1, distance = -1;
    Slice norms = SLICE("none");
    TRY(json_opt_bool(root, "relative_attention", &d->is_relative, err));
    TRY(read_parts(root, d, err));
    TRY(json_opt_bool(root, "share_att_key", &d->shares_projections, err));
    TRY(json_opt_string(root, "norm_rel_ebd", &norms, err));
    d->norms_positions = has_word(norms, "layer_norm");
    TRY(json_opt_i64(root, "position_buckets", -1, MOST, &buckets, err));
    TRY(json_opt_i64(root, "max_relative_positions", -1, MOST, &distance, err));
    d->n_buckets = buckets > 0 ? (size_t)buckets : 0;
    d->max_distance = distance > 0 ? (size_t)distance : config->max_positions;
    if (!d->is_relative || d->n_buckets == 0) return STATUS_OK;
    if (d->n_buckets < 4 || d->max_distance < d->n_buckets / 2 + 2) {
        return json_error(json_get(root, "position_buckets"), err,
                          "%zu buckets for distances up to %zu: buckets must be 4 or more, and "
                          "distances reach beyond half of them",
                          d->n_buckets, d->max_distance);
    }
    return STATUS_OK;
}

static Status read_head(const Json *root, ModelConfig *config, Error *err)
{
    DebertaConfig *d = &config->deberta;
    d->is_legacy = true;
    TRY(json_opt_bool(root, "legacy", &d->is_legacy, err));
    if (!d->is_legacy && config->embedding_size != config->hidden_size) {
        return json_error(json_get(root, "legacy"), err,
                          "the masked LM's newer head wants embeddings as wide as hidden states");
    }
    TRY(config_read_float(root, "pooler_dropout", 0.0, 0.999, 0.0, &d->pooler_dropout, err));
    TRY(config_read_float(root, "cls_dropout", 0.0, 0.999, -1.0, &config->dropout.classifier, err));
    return config_read_activation(root, "pooler_hidden_act", &d->pooler_activation, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    enum { MOST_TYPES = 1 << 24 };
    int64_t n_types = 0;
    (void)arena;
    TRY(bert_config_read_untyped(root, config, err));
    if (!json_get(root, "layer_norm_eps")) config->layer_norm_eps = 1e-7f;
    TRY(json_opt_i64(root, "type_vocab_size", 0, MOST_TYPES, &n_types, err));
    config->type_vocab_size = (size_t)n_types;
    config->deberta.has_absolute_positions = true;
    TRY(json_opt_bool(root, "position_biased_input", &config->deberta.has_absolute_positions, err));
    TRY(bert_config_read_embedding(root, 0, config, err));
    TRY(refuse_variants(root, config, err));
    TRY(read_relative(root, config, err));
    config->pad_id = 0; // where the file names none
    return read_head(root, config, err);
}

static void write_config(const ModelConfig *config, JsonWriter *w)
{
    const DebertaConfig *d = &config->deberta;
    ModelConfig plain = *config;
    plain.dropout.classifier = -1.0f; // its name is another
    bert_config_write_untyped(&plain, w);
    json_member_u64(w, "type_vocab_size", config->type_vocab_size);
    json_member_u64(w, "embedding_size", config->embedding_size);
    json_member_bool(w, "relative_attention", d->is_relative);
    json_member_array(w, "pos_att_type");
    if (d->has_position_queries) json_put_cstr(w, "p2c");
    if (d->has_position_keys) json_put_cstr(w, "c2p");
    json_end_array(w);
    json_member_bool(w, "share_att_key", d->shares_projections);
    json_member_cstr(w, "norm_rel_ebd", d->norms_positions ? "layer_norm" : "none");
    if (d->n_buckets > 0) json_member_u64(w, "position_buckets", d->n_buckets);
    json_member_u64(w, "max_relative_positions", d->max_distance);
    json_member_bool(w, "position_biased_input", d->has_absolute_positions);
    json_member_bool(w, "legacy", d->is_legacy);
    json_member_float(w, "pooler_dropout", d->pooler_dropout);
    json_member_cstr(w, "pooler_hidden_act", config_activation_name(d->pooler_activation));
    if (config->dropout.classifier >= 0)
        json_member_float(w, "cls_dropout", config->dropout.classifier);
}

// As v3 has it.
static void complete(ModelConfig *config)
{
    enum { V3_BUCKETS = 256 };
    DebertaConfig *d = &config->deberta;
    config->type_vocab_size = 0;
    config->layer_norm_eps = 1e-7f;
    config->embedding_size = config->hidden_size;
    *d = (DebertaConfig){.is_relative = true,
                         .has_position_keys = true,
                         .has_position_queries = true,
                         .shares_projections = true,
                         .norms_positions = true,
                         .is_legacy = true,
                         .max_distance = config->max_positions,
                         .n_score_parts = 3,
                         .pooler_activation = ACTIVATION_GELU};
    // A short model tells each distance apart.
    if (config->max_positions >= V3_BUCKETS) d->n_buckets = V3_BUCKETS;
}

const Architecture architecture_deberta_v2 = {
    .model_type = "deberta-v2",
    .summary = "DeBERTa v2, v3 and mDeBERTa encoders",
    .classes = {{"DebertaV2ForSequenceClassification", HEAD_SEQUENCE},
                {"DebertaV2ForTokenClassification", HEAD_TOKEN},
                {"DebertaV2ForQuestionAnswering", HEAD_SPAN},
                {"DebertaV2ForMaskedLM", HEAD_MASKED_LM},
                {"DebertaV2Model", HEAD_EMBEDDING}},
    .base_prefix = "deberta.",
    .read_config = read_config,
    .write_config = write_config,
    .complete = complete,
    .record = deberta_record,
};
