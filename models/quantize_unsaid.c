// What other programs do not learn from a quantised file: they go by the metadata of GGUF, which has no place for every option of a
// config.json.
#include <math.h>
#include <string.h>

#include "models/gguf/gguf_model.h"
#include "models/quantize_internal.h"

static double scale_of(const ModelConfig *c)
{
    const size_t head_dim = c->head_dim ? c->head_dim : c->hidden_size / c->n_heads;
    return c->attention.scale > 0 ? (double)c->attention.scale : 1 / sqrt((double)head_dim);
}

// Of Gemma llama.cpp tells it by the size of the model, which it knows by the number of layers, whatever the metadata say.
static double scale_told(const ModelConfig *c)
{
    const bool is_second = slice_eq_cstr(c->model_type, "gemma2");
    if (!is_second && !slice_eq_cstr(c->model_type, "gemma3_text")) return scale_of(c);
    const bool is_largest = c->n_layers == (is_second ? 46 : 62);
    return 1 / sqrt((double)(is_largest ? c->hidden_size / c->n_heads : c->head_dim));
}

static bool is_close(double a, double b)
{
    return fabs(a - b) <= 1e-5 * fmax(fabs(a), fabs(b));
}

// Whether llama.cpp heeds a window in the metadata of this kind of model; EXAONE 4's of its largest alone, Phi-3's of none.
static bool heeds_windows(const ModelConfig *c)
{
    static const char *const names[] = {"cohere2", "gemma2", "gemma3_text", "gpt_oss", "olmo3"};
    if (slice_eq_cstr(c->model_type, "exaone4")) return c->n_layers == 64;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_eq_cstr(c->model_type, names[i])) return true;
    }
    return false;
}

// A window as long as the context is none.
static size_t window_within(const ModelConfig *c, size_t layer, size_t longest)
{
    const size_t window = model_config_window(c, layer);
    return window >= longest ? 0 : window;
}

static bool has_same_windows(const ModelConfig *is, const ModelConfig *told)
{
    const size_t longest = is->max_positions;
    for (size_t i = 0; i < is->n_layers && i < told->n_layers; i++) {
        const size_t other = heeds_windows(is) ? window_within(told, i, longest) : 0;
        if (window_within(is, i, longest) != other) return false;
    }
    return true;
}

static bool has_same_rotations(const ModelConfig *is, const ModelConfig *told)
{
    // Without windows that it heeds EXAONE 4 turns in all layers there.
    const bool turns_all = slice_eq_cstr(is->model_type, "exaone4") && !heeds_windows(is);
    for (size_t i = 0; i < is->n_layers && i < told->n_layers; i++) {
        if ((is->rotary.skips && is->rotary.skips[i]) !=
            (!turns_all && told->rotary.skips && told->rotary.skips[i]))
            return false;
    }
    return is->latent.is_in_pairs == told->latent.is_in_pairs;
}

// Whether two rotations have the same frequencies.
static bool has_same_frequencies(const ModelConfig *c, const RopeConfig *other)
{
    enum { MOST_PAIRS = 512 };
    float one[MOST_PAIRS], another[MOST_PAIRS];
    if (c->rotary.dims / 2 > MOST_PAIRS) return false;
    rope_frequencies(&c->rotary.rope, c->rotary.dims, false, one);
    rope_frequencies(other, c->rotary.dims, false, another);
    return memcmp(one, another, c->rotary.dims / 2 * sizeof *one) == 0;
}

// llama.cpp rounds the ends of YaRN's ramp in every model.
static bool is_rounded_anyway(const ModelConfig *c)
{
    RopeConfig other = c->rotary.rope;
    if (other.kind != ROPE_YARN || !other.keeps_fractions) return true;
    other.keeps_fractions = false;
    return has_same_frequencies(c, &other);
}

// Where the ramp begins and ends llama.cpp heeds in Ministral 3 alone.
static bool has_usual_ramp(const ModelConfig *c)
{
    RopeConfig other = c->rotary.rope;
    if (other.kind != ROPE_YARN || slice_eq_cstr(c->model_type, "ministral3")) return true;
    other.beta_fast = 32;
    other.beta_slow = 1;
    return has_same_frequencies(c, &other);
}

// Of DeepSeek llama.cpp takes both scales for one.
static bool has_same_yarn(const ModelConfig *is, const ModelConfig *told)
{
    if (is->rotary.rope.kind != ROPE_YARN) return true;
    if (is->latent.kv_rank > 0 && is->rotary.rope.mscale_all_dim == 0) return false;
    return is_close((double)rope_scale(&is->rotary.rope, is->max_positions),
                    (double)rope_scale(&told->rotary.rope, told->max_positions));
}

// Gates, weights and choices. Of groups llama.cpp takes the best by their two best experts, as DeepSeek 3 does.
static bool has_same_experts(const ModelConfig *is, const ModelConfig *told)
{
    const ExpertsConfig *a = &is->experts, *b = &told->experts;
    if (a->n_top_groups < a->n_groups && a->route != ROUTE_SIGMOID) return false;
    return is_close((double)a->gate_limit, (double)b->gate_limit) &&
           is_close((double)a->gate_alpha, (double)b->gate_alpha) && a->route == b->route &&
           a->normalizes == b->normalizes;
}

static void list_unsaid(const ModelConfig *is, const ModelConfig *told, Buffer *out)
{
    const struct {
        bool is_said;
        const char *what;
    } parts[] = {
        {is_close(scale_of(is), scale_told(told)) &&
             is->attention.scales_by_layer == told->attention.scales_by_layer,
         "how attention is scaled"},
        {is->attention.sees_all == told->attention.sees_all, "that attention goes both ways"},
        {has_same_windows(is, told), "the window of each layer"},
        {is->activation == told->activation, "the activation"},
        {is_close((double)is->attention.soft_cap, (double)told->attention.soft_cap) &&
             is_close((double)is->output.soft_cap, (double)told->output.soft_cap),
         "soft caps"},
        {is->rotary.rope.kind != ROPE_DYNAMIC, "a rotation that grows with the text"},
        {has_same_rotations(is, told), "which layers and columns turn"},
        {is_rounded_anyway(is), "\"truncate\": false of YaRN"},
        {has_usual_ramp(is), "the ramp of YaRN"},
        {has_same_yarn(is, told), "the scales of YaRN"},
        {!model_config_has_windows(is) ||
             (is->rotary.rope_local.kind == ROPE_DEFAULT &&
              is_close(is->rotary.rope_local.theta, told->rotary.rope_local.theta)),
         "the rotation of local layers"},
        {has_same_experts(is, told), "how experts are chosen and weighed"},
        // Those numbers' norms have a fixed one in Transformers, and the other norms' in llama.cpp.
        {is->latent.kv_rank == 0 || is_close((double)is->layer_norm_eps, 1e-6),
         "the epsilon of norms within attention"},
        {is->block.is_post_norm == told->block.is_post_norm &&
             is->block.is_parallel == told->block.is_parallel,
         "where residuals begin"},
        {is->head != HEAD_SEQUENCE || is->classifies_first == told->classifies_first,
         "which tokens are classified"},
        {is_close((double)is->attention.alibi_scale, (double)told->attention.alibi_scale), "ALiBi"},
        // llama.cpp scales none: its logits are larger, and in the same order.
        {!is->decoder.has_scaled_output, "the scale of logits"},
        {is->decoder.relative_distance == told->decoder.relative_distance,
         "\"relative_attention_max_distance\""},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].is_said) buffer_printf(out, "%s%s", out->len > 0 ? ", " : "", parts[i].what);
    }
}

// The config that the metadata alone tell; STATUS_INVALID where no family tells so much.
static Status read_told(QuantizeWork *work, const Gguf *file, ModelConfig *told, Error *err)
{
    Buffer text = {0};
    JsonDocument *document = NULL;
    Status s = gguf_config_told(file, &text, err);
    if (s == STATUS_OK)
        s = json_parse(SLICE("metadata"), buffer_slice(&text), JSON_STRICT, &document, err);
    if (s == STATUS_OK) s = model_config_parse(work->arena, json_root(document), told, err);
    json_close(&document);
    buffer_release(&text);
    return s;
}

Status quantize_find_unsaid(QuantizeWork *work, const char *out_path, Error *err)
{
    Gguf file = {0};
    ModelConfig told = {0};
    Error ignored = {0};
    Buffer unsaid = {0};
    if (!work->family) return STATUS_OK;
    TRY(gguf_open(out_path, &file, err));
    if (read_told(work, &file, &told, &ignored) == STATUS_OK)
        list_unsaid(&work->config, &told, &unsaid);
    gguf_close(&file);
    Status s = buffer_status(&unsaid, err);
    if (s == STATUS_OK && unsaid.len > 0) {
        work->report->unsaid = arena_copy(work->arena, buffer_slice(&unsaid));
        if (!work->report->unsaid.ptr) s = error_set_memory(err, unsaid.len, 1, "a warning");
    }
    buffer_release(&unsaid);
    return s;
}
