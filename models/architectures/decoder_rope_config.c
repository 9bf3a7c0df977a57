// Members of config.json that say how positions turn, of all decoders: read and written.
#include "models/architectures/decoder_config.h"

static bool is_null(const Json *value)
{
    return !value || json_kind(value) == JSON_NULL;
}

static Status read_rope_kind(const Json *parameters, RopeKind *out, Error *err)
{
    const char *key = is_null(json_get(parameters, "rope_type")) ? "type" : "rope_type";
    Slice name = SLICE("default");
    TRY(json_opt_string(parameters, key, &name, err));
    if (slice_eq_cstr(name, "su")) name = SLICE("longrope"); // its first name
    // Of models with images: positions of three dimensions, which are equal in a text alone.
    if (slice_eq_cstr(name, "mrope")) name = SLICE("default");
    for (int kind = 0; kind < ROPE_KIND_COUNT; kind++) {
        if (!slice_eq_cstr(name, rope_kind_name((RopeKind)kind))) continue;
        *out = (RopeKind)kind;
        return STATUS_OK;
    }
    return json_error(json_get(parameters, key), err,
                      "scaling \"" SLICE_FMT "\" of the rotary embedding is not supported; known "
                      "are default, linear, dynamic, llama3, yarn, longrope",
                      SLICE_ARG(name));
}

static Status read_factors(Arena *arena, const Json *parameters, const char *key, size_t n,
                           const float **out, Error *err)
{
    const Json *list = NULL;
    float *factors = NULL;
    TRY(json_want_kind(parameters, key, JSON_ARRAY, &list, err));
    if (json_len(list) != n)
        return json_error(list, err, "%zu factors, but %zu are wanted", json_len(list), n);
    TRY(arena_take(arena, n, sizeof *factors, "factors", &factors, err));
    for (size_t i = 0; i < n; i++) {
        double value = 0;
        TRY(json_as_double(json_at(list, i), 1e-9, 1e9, &value, err));
        factors[i] = (float)value;
    }
    *out = factors;
    return STATUS_OK;
}

static Status read_yarn(const Json *parameters, RopeConfig *out, Error *err)
{
    bool is_truncated = true;
    out->beta_fast = 32;
    out->beta_slow = 1;
    TRY(json_opt_double(parameters, "beta_fast", 1e-6, 1e6, &out->beta_fast, err));
    TRY(json_opt_double(parameters, "beta_slow", 1e-6, 1e6, &out->beta_slow, err));
    TRY(json_opt_bool(parameters, "truncate", &is_truncated, err));
    out->keeps_fractions = !is_truncated;
    return STATUS_OK;
}

static Status read_proportional(const Json *parameters, RopeConfig *out, Error *err)
{
    out->part = out->factor = 1;
    TRY(json_opt_double(parameters, "partial_rotary_factor", 0, 1, &out->part, err));
    return json_opt_double(parameters, "factor", 1e-6, 1e6, &out->factor, err);
}

static Status read_llama3(const Json *parameters, RopeConfig *out, Error *err)
{
    TRY(json_want_double(parameters, "low_freq_factor", 1e-6, 1e6, &out->low_freq_factor, err));
    TRY(json_want_double(parameters, "high_freq_factor", 1e-6, 1e6, &out->high_freq_factor, err));
    return json_want_double(parameters, "factor", 1e-6, 1e6, &out->factor, err);
}

// The context of the first training: beside the other parameters, or at the top (Phi-3), or the model's own.
static Status read_original_positions(const Json *root, const Json *parameters,
                                      const ModelConfig *config, size_t *out, Error *err)
{
    static const char *const key = "original_max_position_embeddings";
    // Where both say it the top has the last word, as in Transformers 5.
    const Json *from = is_null(json_get(root, key)) ? parameters : root;
    return config_read_size_or(from, key, config->max_positions, out, err);
}

Status decoder_read_rope(Arena *arena, const Json *root, const Json *parameters, double theta,
                         const ModelConfig *config, RopeConfig *out, Error *err)
{
    *out = (RopeConfig){.theta = theta};
    if (is_null(parameters)) return STATUS_OK;
    if (json_kind(parameters) != JSON_OBJECT)
        return json_error(parameters, err, "must be an object, {\"rope_type\": ..}, or null");
    TRY(read_rope_kind(parameters, &out->kind, err));
    TRY(json_opt_double(parameters, "rope_theta", 1e-3, 1e18, &out->theta, err));
    TRY(json_opt_double(parameters, "attention_factor", 0, 1e6, &out->attention_factor, err));
    TRY(json_opt_double(parameters, "mscale", 0, 1e6, &out->mscale, err));
    TRY(json_opt_double(parameters, "mscale_all_dim", 0, 1e6, &out->mscale_all_dim, err));
    TRY(read_original_positions(root, parameters, config, &out->original_positions, err));
    switch (out->kind) {
    case ROPE_DEFAULT:
    case ROPE_KIND_COUNT:
        return STATUS_OK;
    case ROPE_LINEAR:
        return json_want_double(parameters, "factor", 1e-6, 1e6, &out->factor, err);
    case ROPE_DYNAMIC:
        out->original_positions = config->max_positions;
        if (config->rotary.dims <= 2)
            return json_error(parameters, err, "\"dynamic\" wants heads of more than 2 columns");
        return json_want_double(parameters, "factor", 1, 1e6, &out->factor, err);
    case ROPE_LLAMA3:
        return read_llama3(parameters, out, err);
    case ROPE_YARN:
        TRY(read_yarn(parameters, out, err));
        out->factor = (double)config->max_positions / (double)out->original_positions;
        return json_opt_double(parameters, "factor", 1e-6, 1e6, &out->factor, err);
    case ROPE_PROPORTIONAL:
        return read_proportional(parameters, out, err);
    case ROPE_LONGROPE:
        break;
    }
    TRY(read_factors(arena, parameters, "short_factor", config->rotary.dims / 2,
                     &out->short_factors, err));
    TRY(read_factors(arena, parameters, "long_factor", config->rotary.dims / 2, &out->long_factors,
                     err));
    return json_opt_double(parameters, "factor", 0, 1e6, &out->factor, err);
}

const Json *decoder_rope_parameters(const Json *root)
{
    // Where both stand there, the older one has the last word in Transformers 5 unless it is empty.
    const Json *before = json_get(root, "rope_scaling");
    const bool is_empty =
        is_null(before) || (json_kind(before) == JSON_OBJECT && json_len(before) == 0);
    const Json *parameters = is_empty ? json_get(root, "rope_parameters") : before;
    return is_null(parameters) ? NULL : parameters;
}

// ---- one set for each kind of layers ----

// The parameters of one of them; where they name no base it is the one of older files, beside them. Transformers looks for
// "truncate" where a single set would have it.
static Status read_one_of_two(Arena *arena, const Json *root, const Json *parameters,
                              const char *theta_key, double theta, ModelConfig *c, RopeConfig *out,
                              Error *err)
{
    TRY(json_opt_double(root, theta_key, 1e-3, 1e18, &theta, err));
    TRY(decoder_read_rope(arena, root, parameters, theta, c, out, err));
    out->keeps_fractions = false;
    return STATUS_OK;
}

// In older files a scaling is that of the layers which see all. Transformers heeds "rope_type" in it, but not "type".
static Status check_older_scaling(const Json *root, bool is_alone, Error *err)
{
    const Json *scaling = json_get(root, "rope_scaling");
    if (is_null(scaling) || json_kind(scaling) != JSON_OBJECT || json_len(scaling) == 0)
        return STATUS_OK;
    if (!is_alone) return json_error(scaling, err, "beside rope_parameters only null is supported");
    if (json_get(scaling, "rope_type")) return STATUS_OK;
    return json_error(scaling, err, "\"rope_type\" must say which scaling it is");
}

Status decoder_read_two_ropes(Arena *arena, const Json *root, double theta, double local_theta,
                              const char *local_key, ModelConfig *c, Error *err)
{
    const Json *both = NULL;
    TRY(json_opt_kind(root, "rope_parameters", JSON_OBJECT, &both, err));
    TRY(check_older_scaling(root, both == NULL, err));
    if (!both) {
        c->rotary.rope.keeps_fractions = false;
        return read_one_of_two(arena, root, NULL, local_key, local_theta, c, &c->rotary.rope_local,
                               err);
    }
    const Json *global = json_get(both, "full_attention");
    const Json *local = json_get(both, "sliding_attention");
    if (!global && !local)
        return json_error(both, err,
                          "must have \"full_attention\" and \"sliding_attention\", an object for "
                          "the layers of each kind");
    TRY(read_one_of_two(arena, root, global, "rope_theta", theta, c, &c->rotary.rope, err));
    return read_one_of_two(arena, root, local, local_key, local_theta, c, &c->rotary.rope_local,
                           err);
}

// ---- writing ----

static void put_factors(JsonWriter *w, const char *key, const float *factors, size_t n)
{
    json_member_array(w, key);
    for (size_t i = 0; i < n; i++) json_put_float(w, factors[i]);
    json_end_array(w);
}

void decoder_put_rope(const ModelConfig *config, const RopeConfig *rope, bool tells_part,
                      JsonWriter *w)
{
    json_begin_object(w);
    json_member_cstr(w, "rope_type", rope_kind_name(rope->kind));
    json_member_double(w, "rope_theta", rope->theta);
    if (rope->factor > 0) json_member_double(w, "factor", rope->factor);
    if (rope->attention_factor > 0)
        json_member_double(w, "attention_factor", rope->attention_factor);
    if (rope->kind != ROPE_DEFAULT && rope->kind != ROPE_LINEAR && rope->kind != ROPE_DYNAMIC &&
        rope->kind != ROPE_PROPORTIONAL)
        json_member_u64(w, "original_max_position_embeddings", rope->original_positions);
    if (rope->kind == ROPE_LLAMA3) {
        json_member_double(w, "low_freq_factor", rope->low_freq_factor);
        json_member_double(w, "high_freq_factor", rope->high_freq_factor);
    }
    if (rope->kind == ROPE_YARN) {
        json_member_double(w, "beta_fast", rope->beta_fast);
        json_member_double(w, "beta_slow", rope->beta_slow);
        json_member_bool(w, "truncate", !rope->keeps_fractions);
    }
    if (rope->mscale > 0) json_member_double(w, "mscale", rope->mscale);
    if (rope->mscale_all_dim > 0) json_member_double(w, "mscale_all_dim", rope->mscale_all_dim);
    if (rope->kind == ROPE_LONGROPE) {
        put_factors(w, "short_factor", rope->short_factors, config->rotary.dims / 2);
        put_factors(w, "long_factor", rope->long_factors, config->rotary.dims / 2);
    }
    if (rope->growth > 0) json_member_double(w, "llama_4_scaling_beta", rope->growth);
    if (rope->kind == ROPE_PROPORTIONAL)
        json_member_double(w, "partial_rotary_factor", rope->part);
    else if (tells_part || config->rotary.dims < config->head_dim)
        json_member_double(w, "partial_rotary_factor",
                           rope_part_of(config->rotary.dims, config->head_dim));
    json_end_object(w);
}

void decoder_write_rope(const ModelConfig *c, JsonWriter *w)
{
    json_put_key(w, "rope_parameters");
    decoder_put_rope(c, &c->rotary.rope, false, w);
}
