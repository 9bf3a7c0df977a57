// Rotations of a config.json as GGUF's metadata have them, and the factors of their frequencies, which are a tensor there.
#include "models/gguf/gguf_export_internal.h"

#include <math.h>

#include "models/config_read.h"
#include "models/program/rope.h"

// Llama 3: low frequencies turn `factor` times slower, high ones as they are, those between by a linear mix of both.
// Source: Transformers' modeling_rope_utils, _compute_llama3_parameters.
static void put_llama3_factors(GgufExport *out, double theta, Arena *arena,
                               GgufRopeFactors *factors)
{
    const size_t n = out->rotary_dims / 2;
    const double factor = export_real(out, out->rope, "factor", 8);
    const double low = export_real(out, out->rope, "low_freq_factor", 1);
    const double high = export_real(out, out->rope, "high_freq_factor", 4);
    const double original = export_real(out, out->rope, "original_max_position_embeddings", 8192);
    if (out->status == STATUS_OK)
        out->status =
            arena_take(arena, n, sizeof *factors->values, "factors", &factors->values, out->err);
    for (size_t i = 0; out->status == STATUS_OK && i < n; i++) {
        const double wavelength =
            2 * 3.14159265358979323846 * pow(theta, 2.0 * (double)i / (double)out->rotary_dims);
        const double mix = (original / wavelength - low) / (high - low);
        if (wavelength < original / high)
            factors->values[i] = 1.0f;
        else if (wavelength > original / low)
            factors->values[i] = (float)factor;
        else
            factors->values[i] = (float)(1.0 / ((1.0 - mix) / factor + mix));
    }
    factors->n = n;
}

static float *read_factors(GgufExport *out, const char *name, Arena *arena)
{
    const Json *list = NULL;
    float *values = NULL;
    const size_t n = out->rotary_dims / 2;
    if (out->status == STATUS_OK)
        out->status = json_want_kind(out->rope, name, JSON_ARRAY, &list, out->err);
    if (out->status == STATUS_OK && json_len(list) != n)
        out->status = json_error(list, out->err, "must have %zu numbers", n);
    if (out->status == STATUS_OK)
        out->status = arena_take(arena, n, sizeof *values, "factors", &values, out->err);
    for (size_t i = 0; out->status == STATUS_OK && i < n; i++) {
        double value = 1;
        out->status = json_as_double(json_at(list, i), 1e-6, 1e6, &value, out->err);
        values[i] = (float)value;
    }
    return values;
}

static void put_long_factors(GgufExport *out, size_t context, Arena *arena,
                             GgufRopeFactors *factors)
{
    const Json *from =
        config_has(out->rope, "original_max_position_embeddings") ? out->rope : out->config;
    const double original =
        export_real(out, from, "original_max_position_embeddings", (double)context);
    const double ratio = (double)context / original;
    const double usual = ratio > 1 ? sqrt(1 + log(ratio) / log(original)) : 1;
    factors->values = read_factors(out, "short_factor", arena);
    factors->long_values = read_factors(out, "long_factor", arena);
    factors->n = out->rotary_dims / 2;
    export_put_size(out, "rope.scaling.original_context_length", (size_t)original);
    export_put_real(out, "rope.scaling.attn_factor",
                    export_real(out, out->rope, "attention_factor", usual));
}

// What YaRN's usual numbers are not. llama.cpp multiplies its attn_factor by the scale that follows from the factor.
static void put_yarn(GgufExport *out, double factor)
{
    const RopeConfig given = {.kind = ROPE_YARN,
                              .factor = factor,
                              .attention_factor =
                                  export_real(out, out->rope, "attention_factor", 0),
                              .mscale = export_real(out, out->rope, "mscale", 0),
                              .mscale_all_dim = export_real(out, out->rope, "mscale_all_dim", 0)};
    const RopeConfig plain = {.kind = ROPE_YARN, .factor = factor};
    const double scale = (double)rope_scale(&given, 1), usual = (double)rope_scale(&plain, 1);
    const bool is_latent = out->parsed && out->parsed->latent.kv_rank > 0; // told otherwise
    if (scale != usual && !is_latent)
        export_put_real(out, "rope.scaling.attn_factor", scale / usual);
    if (config_has(out->rope, "beta_fast"))
        export_put_real(out, "rope.scaling.yarn_beta_fast",
                        export_real(out, out->rope, "beta_fast", 32));
    if (config_has(out->rope, "beta_slow"))
        export_put_real(out, "rope.scaling.yarn_beta_slow",
                        export_real(out, out->rope, "beta_slow", 1));
}

void export_put_rope(GgufExport *out, size_t context, Arena *arena, GgufRopeFactors *factors)
{
    Slice type = SLICE("default");
    const Json *parameters = json_get(out->config, "rope_parameters");
    // Gemma 3 has two sets; the one of its full layers is the main one in GGUF, the other is fixed there.
    if (config_has(parameters, "full_attention"))
        parameters = json_get(parameters, "full_attention");
    out->rope = config_has(out->config, "rope_scaling") ? json_get(out->config, "rope_scaling")
                                                        : parameters;
    double theta = export_real(out, parameters, "rope_theta", 10000);
    theta = export_real(out, out->config, "rope_theta", theta);
    const double partial = export_real(out, parameters, "partial_rotary_factor",
                                       export_real(out, out->config, "partial_rotary_factor", 1));
    out->rotary_dims = (size_t)((double)out->head_dim * partial);
    if (out->parsed) {
        theta = out->parsed->rotary.rope.theta;
        out->rotary_dims = out->parsed->rotary.dims;
    }
    export_put_real(out, "rope.freq_base", theta);
    export_put_size(out, "rope.dimension_count", out->rotary_dims);
    if (out->status != STATUS_OK || !out->rope) return;
    out->status = json_opt_string(out->rope, "type", &type, out->err);
    if (out->status == STATUS_OK)
        out->status = json_opt_string(out->rope, "rope_type", &type, out->err);
    if (slice_eq_cstr(type, "linear") || slice_eq_cstr(type, "yarn")) {
        export_put_text(out, "rope.scaling.type", type);
        const double factor = export_real(out, out->rope, "factor", 1);
        export_put_real(out, "rope.scaling.factor", factor);
        const double original = export_real(out, out->rope, "original_max_position_embeddings", 0);
        if (original > 0)
            export_put_size(out, "rope.scaling.original_context_length", (size_t)original);
        if (slice_eq_cstr(type, "yarn")) put_yarn(out, factor);
    } else if (slice_eq_cstr(type, "llama3")) {
        put_llama3_factors(out, theta, arena, factors);
    } else if (slice_eq_cstr(type, "longrope") || slice_eq_cstr(type, "su")) {
        put_long_factors(out, context, arena, factors);
    }
}
