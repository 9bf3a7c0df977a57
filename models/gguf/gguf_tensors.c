// A GGUF file's tensors under the names, and in the shapes, that Transformers has.
#include <stdlib.h>
#include <string.h>

#include "models/gguf/gguf_model.h"

enum { MAX_SIZE = 1 << 24 };

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const SafeTensor *)a)->name, ((const SafeTensor *)b)->name);
}

// Values that config.json states.
static bool is_of_config(Slice name)
{
    static const char *const names[] = {"rope_freqs.weight", "rope_factors_long.weight",
                                        "rope_factors_short.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_eq_cstr(name, names[i])) return true;
    }
    return false;
}

Status gguf_count_heads(const Json *config, Slice name, size_t rows, size_t *out, Error *err)
{
    int64_t n_heads = 0, n_kv_heads = 0;
    TRY(json_want_i64(config, "num_attention_heads", 1, MAX_SIZE, &n_heads, err));
    n_kv_heads = n_heads;
    TRY(json_opt_i64(config, "num_key_value_heads", 1, MAX_SIZE, &n_kv_heads, err));
    const bool is_key = slice_find(name, SLICE("k_proj")) != SIZE_MAX;
    *out = (size_t)(is_key ? n_kv_heads : n_heads);
    if (rows % *out == 0 && rows / *out % 2 == 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "tensor \"" SLICE_FMT "\": its %zu rows are no %zu heads of even size",
                     SLICE_ARG(name), rows, *out);
}

Status gguf_stacked_order(const ModelConfig *config, Slice name, size_t rows, RowOrder *out,
                          Error *err)
{
    const size_t n_heads = config->n_heads + 2 * config->n_kv_heads;
    *out = (RowOrder){.head_dim = config->head_dim, .n_groups = config->n_kv_heads};
    if (rows == n_heads * config->head_dim && row_order_fits(out, rows)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "tensor \"" SLICE_FMT "\": its %zu rows are no %zu heads of %zu",
                     SLICE_ARG(name), rows, n_heads, config->head_dim);
}

// The order of a stacked tensor, by the config that the file tells.
static Status order_of(const Json *config, SafeTensor *tensor, Error *err)
{
    Arena arena = {0};
    ModelConfig parsed;
    Status s = model_config_parse(&arena, config, &parsed, err);
    if (s == STATUS_OK)
        s = gguf_stacked_order(&parsed, tensor->name, tensor->shape[0], &tensor->order, err);
    arena_release(&arena);
    return s;
}

static Status as_in_model(const GgufFamily *family, const Json *config, Arena *arena,
                          const SafeTensor *stored, SafeTensor *out, Error *err)
{
    char name[256];
    *out = *stored;
    if (gguf_name_to_model(family, stored->name, name, sizeof name)) {
        out->name = arena_copy(arena, slice_from_cstr(name));
        if (!out->name.ptr) return error_set_memory(err, 1, sizeof name, "a tensor's name");
    }
    out->change = gguf_change(family, out->name);
    if (out->change == SAFE_ROPE_PAIRS)
        return gguf_count_heads(config, out->name, out->shape[0], &out->n_heads, err);
    if (out->change == SAFE_STACKED) return order_of(config, out, err);
    // A layer of one output, a vector there.
    if (out->n_dims == 1 && slice_ends_with(out->name, SLICE(".shared_expert_gate.weight"))) {
        out->n_dims = 2;
        out->shape[1] = out->shape[0];
        out->shape[0] = 1;
    }
    if (out->change == SAFE_TRANSPOSED && out->n_dims == 2) {
        out->shape[0] = stored->shape[1];
        out->shape[1] = stored->shape[0];
    }
    return STATUS_OK;
}

Status gguf_tensors(const Gguf *file, const Json *config, Safetensors *out, Error *err)
{
    *out = (Safetensors){0};
    const GgufFamily *family = NULL;
    TRY(gguf_family_of_config(config, &family, err));
    Status s = arena_take(&out->arena, file->n_tensors, sizeof *out->tensors, "tensors",
                          &out->tensors, err);
    for (size_t i = 0; s == STATUS_OK && i < file->n_tensors; i++) {
        if (is_of_config(file->tensors[i].name)) continue;
        s = as_in_model(family, config, &out->arena, &file->tensors[i],
                        &out->tensors[out->n_tensors++], err);
    }
    if (s == STATUS_OK && out->n_tensors > 0)
        qsort(out->tensors, out->n_tensors, sizeof *out->tensors, by_name);
    for (size_t i = 1; s == STATUS_OK && i < out->n_tensors; i++) {
        if (slice_eq(out->tensors[i - 1].name, out->tensors[i].name))
            s = error_set(err, STATUS_INVALID, "two tensors are \"" SLICE_FMT "\"",
                          SLICE_ARG(out->tensors[i].name));
    }
    if (s == STATUS_OK) return s;
    safetensors_close(out);
    return error_wrap(err, SLICE_FMT, SLICE_ARG(file->name));
}
