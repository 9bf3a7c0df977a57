#include "models/config_read.h"

enum { CONFIG_MAX_SIZE = 1 << 24 };

bool config_has(const Json *root, const char *key)
{
    const Json *value = json_get(root, key);
    return value && json_kind(value) != JSON_NULL;
}

Status config_read_size(const Json *root, const char *key, size_t *out, Error *err)
{
    int64_t value = 0;
    TRY(json_want_i64(root, key, 1, CONFIG_MAX_SIZE, &value, err));
    *out = (size_t)value;
    return STATUS_OK;
}

Status config_read_size_or(const Json *root, const char *key, size_t missing, size_t *out,
                           Error *err)
{
    *out = missing;
    return config_has(root, key) ? config_read_size(root, key, out, err) : STATUS_OK;
}

Status config_split_heads(const Json *root, const char *hidden_key, ModelConfig *config, Error *err)
{
    if (config->hidden_size % config->n_heads != 0) {
        return json_error(root, err, "%s %zu is no multiple of %zu heads", hidden_key,
                          config->hidden_size, config->n_heads);
    }
    config->n_kv_heads = config->n_heads;
    config->head_dim = config->hidden_size / config->n_heads;
    return STATUS_OK;
}

Status config_read_float(const Json *root, const char *key, double lowest, double highest,
                         double missing, float *out, Error *err)
{
    double value = missing;
    TRY(json_opt_double(root, key, lowest, highest, &value, err));
    *out = (float)value;
    return STATUS_OK;
}

Status config_want_bool(const Json *root, const char *key, bool wanted, Error *err)
{
    bool value = wanted;
    TRY(json_opt_bool(root, key, &value, err));
    if (value == wanted) return STATUS_OK;
    return json_error(json_get(root, key), err, "only %s is supported", wanted ? "true" : "false");
}

Status config_want_number(const Json *root, const char *key, double wanted, Error *err)
{
    double value = wanted;
    TRY(json_opt_double(root, key, -1e18, 1e18, &value, err));
    if (value == wanted) return STATUS_OK;
    return json_error(json_get(root, key), err, "%g: only %g is supported", value, wanted);
}

Status config_want_string(const Json *root, const char *key, const char *wanted, Error *err)
{
    Slice value = slice_from_cstr(wanted);
    TRY(json_opt_string(root, key, &value, err));
    if (slice_eq_cstr(value, wanted)) return STATUS_OK;
    return json_error(json_get(root, key), err, "\"" SLICE_FMT "\": only \"%s\" is supported",
                      SLICE_ARG(slice_sub(value, 0, 40)), wanted);
}

Status config_want_null(const Json *root, const char *key, Error *err)
{
    if (!config_has(root, key)) return STATUS_OK;
    return json_error(json_get(root, key), err, "only null is supported");
}

Status config_read_layer_list(const Json *root, const char *key, size_t n_layers, const Json **out,
                              Error *err)
{
    *out = NULL;
    if (!config_has(root, key)) return STATUS_OK;
    TRY(json_want_kind(root, key, JSON_ARRAY, out, err));
    if (json_len(*out) == n_layers) return STATUS_OK;
    return json_error(*out, err, "%s has %zu entries, but num_hidden_layers is %zu", key,
                      json_len(*out), n_layers);
}

Status config_read_classifier_pooling(const Json *root, const char *missing, const char *first,
                                      const char *each, ModelConfig *config, Error *err)
{
    Slice pooling = slice_from_cstr(missing);
    TRY(json_opt_string(root, "classifier_pooling", &pooling, err));
    config->classifies_first = slice_eq_cstr(pooling, first);
    config->classifies_each = each && slice_eq_cstr(pooling, each);
    if (config->classifies_first || config->classifies_each || slice_eq_cstr(pooling, "mean"))
        return STATUS_OK;
    return json_error(json_get(root, "classifier_pooling"), err,
                      "unknown pooling \"" SLICE_FMT "\"; known are %s, mean%s%s",
                      SLICE_ARG(slice_sub(pooling, 0, 40)), first, each ? ", " : "",
                      each ? each : "");
}

void config_write_classifier_pooling(const ModelConfig *config, const char *first, JsonWriter *w)
{
    json_member_cstr(w, "classifier_pooling",
                     config->classifies_first  ? first
                     : config->classifies_each ? "late"
                                               : "mean");
}

// The first name of an activation is the one written.
static const struct {
    const char *name;
    Activation activation;
} activations[] = {
    {"gelu", ACTIVATION_GELU},
    {"gelu_new", ACTIVATION_GELU_TANH},
    {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
    {"gelu_fast", ACTIVATION_GELU_TANH},
    {"gelu_accurate", ACTIVATION_GELU_TANH},
    {"gelu_python", ACTIVATION_GELU},
    {"gelu_python_tanh", ACTIVATION_GELU_TANH},
    {"relu", ACTIVATION_RELU},
    {"silu", ACTIVATION_SILU},
    {"swish", ACTIVATION_SILU},
    {"tanh", ACTIVATION_TANH},
    {"quick_gelu", ACTIVATION_QUICK_GELU},
    {"relu2", ACTIVATION_RELU2},
    {"mish", ACTIVATION_MISH},
};

bool config_activation_of(Slice name, Activation *out)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (!slice_eq_cstr(name, activations[i].name)) continue;
        *out = activations[i].activation;
        return true;
    }
    return false;
}

Status config_read_own_output(const Json *root, ModelConfig *config, Error *err)
{
    bool is_tied = true;
    TRY(json_opt_bool(root, "tie_word_embeddings", &is_tied, err));
    config->output.is_own =
        !is_tied && (config->head == HEAD_MASKED_LM || config->head == HEAD_SEQ2SEQ);
    return STATUS_OK;
}

Status config_read_activation(const Json *root, const char *key, Activation *out, Error *err)
{
    Slice name = SLICE("gelu");
    TRY(json_opt_string(root, key, &name, err));
    if (config_activation_of(name, out)) return STATUS_OK;
    return json_error(
        json_get(root, key), err,
        "unknown activation \"" SLICE_FMT
        "\"; known are gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, relu, relu2, silu, "
        "swish, mish, tanh",
        SLICE_ARG(name));
}

const char *config_activation_name(Activation activation)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (activations[i].activation == activation) return activations[i].name;
    }
    return "linear";
}

Status config_read_ends(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    const int64_t highest = (int64_t)model_config_target_vocab(config) - 1;
    const Json *bos = json_get(root, "bos_token_id"), *eos = json_get(root, "eos_token_id");
    int64_t id = -1;
    if (bos && json_kind(bos) == JSON_NUMBER) {
        TRY(json_as_i64(bos, -1, INT32_MAX, &id, err));
        if (id <= highest) config->bos_id = (int32_t)id;
    }
    if (!eos || json_kind(eos) == JSON_NULL) return STATUS_OK;
    const size_t n = json_kind(eos) == JSON_ARRAY ? json_len(eos) : 1;
    int32_t *ids = NULL;
    config->n_eos = 0;
    TRY(arena_take(arena, n, sizeof *ids, "ids that end texts", &ids, err));
    for (size_t i = 0; i < n; i++) {
        TRY(json_as_i64(json_kind(eos) == JSON_ARRAY ? json_at(eos, i) : eos, -1, INT32_MAX, &id,
                        err));
        // Small models keep the ids of large ones now and then: what the vocabulary lacks cannot come.
        if (id >= 0 && id <= highest) ids[config->n_eos++] = (int32_t)id;
    }
    config->eos_ids = ids;
    return STATUS_OK;
}
