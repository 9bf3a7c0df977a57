// Rotary embeddings and their scalings.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/gguf/gguf_import_internal.h"
#include "models/program/rope.h"

static void put_factors(GgufImport *in, const char *key, const char *tensor)
{
    const SafeTensor *factors = gguf_tensor(in->file, slice_from_cstr(tensor));
    const size_t n = in->rotary_dims / 2;
    if (in->status != STATUS_OK) return;
    float *values = calloc(n + 1, sizeof *values);
    if (!values) {
        in->status = error_set_memory(in->err, n, sizeof *values, "factors of the rotation");
        return;
    }
    in->status = safetensor_want_shape(factors, 1, &n, in->err);
    if (in->status == STATUS_OK) in->status = safetensor_read_f32(factors, values, in->err);
    json_member_array(&in->w, key);
    for (size_t i = 0; i < n; i++) json_put_float(&in->w, values[i]);
    json_end_array(&in->w);
    free(values);
}

// Llama 3's factors come as the tensor rope_freqs, Phi-3's as a short and a long list.
static void put_listed_factors(GgufImport *in, bool has_freqs)
{
    double attention = 1;
    size_t original = 0;
    import_put_text(in, "rope_type", "longrope");
    put_factors(in, "long_factor", has_freqs ? "rope_freqs.weight" : "rope_factors_long.weight");
    put_factors(in, "short_factor", has_freqs ? "rope_freqs.weight" : "rope_factors_short.weight");
    if (import_size(in, "rope.scaling.original_context_length", &original))
        import_put_size(in, "original_max_position_embeddings", original);
    if (import_real(in, "rope.scaling.attn_factor", &attention) || has_freqs)
        import_put_real(in, "attention_factor", attention);
}

static void put_original(GgufImport *in)
{
    size_t original = 0;
    if (import_size(in, "rope.scaling.original_context_length", &original) ||
        import_size(in, "context_length", &original)) // llama.cpp's, of a silent file
        import_put_size(in, "original_max_position_embeddings", original);
}

// DeepSeek's scores grow by the square of 1 + mscale_all_dim 0.1 ln(factor). Files have a tenth of that multiplier for reasons of
// history; where it is not 0 rotations do not grow, else they do as in other models, and scores by that once more.
static void put_latent_scales(GgufImport *in, bool is_yarn, double factor)
{
    double attention = 1, all = 0;
    const double a_tenth = factor > 1 ? 0.1 * log(factor) : 0;
    (void)import_real(in, "rope.scaling.attn_factor", &attention);
    (void)import_real(in, "rope.scaling.yarn_log_multiplier", &all);
    const double usual = all == 0 || !is_yarn ? 1 + a_tenth : 1;
    const double score = attention * usual * (1 + 10 * all * a_tenth);
    if (is_yarn) attention *= usual;
    if (attention == 1 && all != 0)
        import_put_real(in, "mscale", 10 * all);
    else if (attention != 1)
        import_put_real(in, "attention_factor", attention);
    if (score != 1 && a_tenth > 0)
        import_put_real(in, "mscale_all_dim",
                        attention == 1 && is_yarn ? 10 * all : (score - 1) / a_tenth);
}

// What attn_factor makes of rotations. With YaRN llama.cpp multiplies it by 1 + 0.1 ln(factor), and of Mistral divides it by the same
// of a tenth of yarn_log_multiplier.
static void put_scale(GgufImport *in, bool is_yarn, double factor)
{
    double attention = 1, all = 0;
    const double log_factor = is_yarn && factor > 1 ? log(factor) : 0;
    bool is_told = import_real(in, "rope.scaling.attn_factor", &attention);
    if (strcmp(in->architecture, "mistral3") == 0)
        is_told = import_real(in, "rope.scaling.yarn_log_multiplier", &all) || is_told;
    if (is_told && (is_yarn || attention != 1))
        import_put_real(in, "attention_factor",
                        attention * (1 + 0.1 * log_factor) / (1 + 0.1 * all * log_factor));
}

static void put_yarn(GgufImport *in)
{
    double beta = 0;
    put_original(in);
    if (import_real(in, "rope.scaling.yarn_beta_fast", &beta))
        import_put_real(in, "beta_fast", beta);
    if (import_real(in, "rope.scaling.yarn_beta_slow", &beta))
        import_put_real(in, "beta_slow", beta);
    // gpt-oss keeps the ramp's ends as they are; llama.cpp rounds them in every model.
    if (strcmp(in->family->model_type, "gpt_oss") == 0) import_put_flag(in, "truncate", false);
}

// By how much rotations are scaled: 0 for not at all. Older files have another key, and a file that names no kind means linear.
static double scaling_factor(GgufImport *in, Slice *type)
{
    char key[IMPORT_KEY_SIZE];
    double factor = 0;
    *type = SLICE("linear");
    if (in->status == STATUS_OK)
        in->status = gguf_get_string(in->file, import_key(in, "rope.scaling.type", key), type, NULL,
                                     in->err);
    if (!import_real(in, "rope.scaling.factor", &factor))
        (void)import_real(in, "rope.scale_linear", &factor);
    return slice_eq_cstr(*type, "none") ? 0 : factor;
}

// Ministral's queries grow beyond its first context however rotations are scaled.
static void put_growth(GgufImport *in, bool is_yarn)
{
    import_copy_real(in, "attention.temperature_scale", "llama_4_scaling_beta");
    if (!is_yarn) put_original(in);
}

// Without the object around it. factor: 0 for none.
static void put_scaling(GgufImport *in, bool is_yarn, double factor)
{
    // Where none is named gpt-oss would have its usual one.
    import_put_text(in, "rope_type", is_yarn ? "yarn" : factor != 0 ? "linear" : "default");
    if (factor != 0) import_put_real(in, "factor", factor);
    if (is_yarn) put_yarn(in);
    if (strcmp(in->architecture, "deepseek2") == 0)
        put_latent_scales(in, is_yarn, factor);
    else
        put_scale(in, is_yarn, factor);
    if (strcmp(in->family->model_type, "ministral3") == 0) put_growth(in, is_yarn);
}

// Linear scaling, YaRN, or a factor for each frequency.
void import_put_rope(GgufImport *in)
{
    Slice type = {0};
    double theta = 10000; // llama.cpp's, of a silent file
    (void)import_real(in, "rope.freq_base", &theta);
    import_put_real(in, "rope_theta", theta);
    const double factor = scaling_factor(in, &type);
    const bool has_long = import_has_tensor(in, "rope_factors_long.weight");
    const bool has_freqs = import_has_tensor(in, "rope_freqs.weight");
    const bool is_yarn = slice_eq_cstr(type, "yarn");
    const bool is_known = is_yarn || slice_eq_cstr(type, "linear") || slice_eq_cstr(type, "none");
    if (in->status != STATUS_OK) return;
    json_member_double(&in->w, "partial_rotary_factor",
                       rope_part_of(in->rotary_dims, in->head_dim));
    if (!has_long && !has_freqs && !is_known) {
        in->status = error_set(in->err, STATUS_INVALID,
                               SLICE_FMT ": rope scaling \"" SLICE_FMT
                                         "\" is not supported; supported are linear, yarn, "
                                         "Llama 3's factors and Phi-3's",
                               SLICE_ARG(in->file->name), SLICE_ARG(type));
        return;
    }
    json_member_object(&in->w, "rope_scaling");
    if (has_long || has_freqs)
        put_listed_factors(in, has_freqs);
    else
        put_scaling(in, is_yarn && factor != 0, factor);
    json_end_object(&in->w);
}
