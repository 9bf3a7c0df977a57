// What other programs do not learn from a quantised file: they go by the metadata of GGUF, which has no place for every option of a
// config.json.
#include <math.h>

#include "models/gguf/gguf_model.h"
#include "models/quantize_internal.h"

static double scale_of(const ModelConfig *c)
{
    const size_t head_dim = c->head_dim ? c->head_dim : c->hidden_size / c->n_heads;
    return c->attention_scale > 0 ? (double)c->attention_scale : 1 / sqrt((double)head_dim);
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

static bool has_same_windows(const ModelConfig *a, const ModelConfig *b)
{
    for (size_t i = 0; i < a->n_layers && i < b->n_layers; i++) {
        const size_t one = a->is_local && !a->is_local[i] ? 0 : a->window;
        const size_t other = b->is_local && !b->is_local[i] ? 0 : b->window;
        if (one != other) return false;
    }
    return true;
}

static void list_unsaid(const ModelConfig *is, const ModelConfig *told, Buffer *out)
{
    const struct {
        bool is_said;
        const char *what;
    } parts[] = {
        {is_close(scale_of(is), scale_told(told)) && is->scales_by_layer == told->scales_by_layer,
         "how attention is scaled"},
        {is->sees_all == told->sees_all, "that attention goes both ways"},
        {has_same_windows(is, told), "the window of each layer"},
        {is->activation == told->activation, "the activation"},
        {is_close((double)is->attention_soft_cap, (double)told->attention_soft_cap) &&
             is_close((double)is->output_soft_cap, (double)told->output_soft_cap),
         "soft caps"},
        {is->rope.kind != ROPE_DYNAMIC, "a rotation that grows with the text"},
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
