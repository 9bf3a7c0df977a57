// A GGUF file's tensors under the names, and in the shapes, that Transformers has.

#include "models/gguf/gguf_model.h"

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

static Status refuse_rows(Slice name, size_t n_rows, size_t n_heads, const char *kind, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     "tensor \"" SLICE_FMT "\": its %zu rows are not those of %zu heads%s, which "
                     "config.json asks for",
                     SLICE_ARG(name), n_rows, n_heads, kind);
}

// Queries, keys and values are one tensor.
static Status stacked_order(const ModelConfig *config, Slice name, size_t n_rows, RowOrder *out,
                            Error *err)
{
    const size_t n_heads = config->n_heads + 2 * config->n_kv_heads;
    const RowOrder order = {.head_dim = config->head_dim, .n_groups = config->n_kv_heads};
    if (n_rows != n_heads * config->head_dim || !row_order_fits(&order, n_rows))
        return refuse_rows(name, n_rows, n_heads, " of queries, keys and values", err);
    *out = row_order_undone(order);
    return STATUS_OK;
}

Status gguf_row_order(const GgufFamily *family, const ModelConfig *config, Slice name,
                      size_t n_rows, RowOrder *out, Error *err)
{
    if (family->rows == GGUF_ROWS_STACKED) return stacked_order(config, name, n_rows, out, err);
    const bool is_key = slice_find(name, SLICE("k_proj")) != SIZE_MAX;
    const size_t n_heads = is_key ? config->n_kv_heads : config->n_heads;
    if (n_rows % n_heads != 0 || n_rows / n_heads % 2 != 0)
        return refuse_rows(name, n_rows, n_heads, " of even size", err);
    *out = row_order_pairs(n_rows, n_heads);
    return STATUS_OK;
}

// What the order of rows follows from: the model that config.json speaks of, read where a tensor asks for it.
typedef struct RowOrders {
    const GgufFamily *family;
    const Json *json;
    Arena arena;
    ModelConfig config;
    bool is_read;
} RowOrders;

static Status order_of(RowOrders *orders, SafeTensor *tensor, Error *err)
{
    if (!orders->is_read)
        TRY(model_config_parse(&orders->arena, orders->json, &orders->config, err));
    orders->is_read = true;
    return gguf_row_order(orders->family, &orders->config, tensor->name, tensor->shape[0],
                          &tensor->order, err);
}

static Status as_in_model(RowOrders *orders, Arena *arena, const SafeTensor *stored,
                          SafeTensor *out, Error *err)
{
    char name[256];
    *out = *stored;
    if (gguf_name_to_model(orders->family, stored->name, name, sizeof name)) {
        out->name = arena_copy(arena, slice_from_cstr(name));
        if (!out->name.ptr) return error_set_memory(err, 1, sizeof name, "a tensor's name");
    }
    if (stored->change == SAFE_KEYS_VALUES || stored->change == SAFE_JOINED) return STATUS_OK;
    out->change = gguf_change(orders->family, out->name);
    if (out->change == SAFE_REORDERED) return order_of(orders, out, err);
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

// The tensor that makes a block's keys and values, of which the file has one each; is_part: the one of values, told with it.
static Status join_keys_values(const Gguf *file, const SafeTensor *keys, Arena *arena,
                               SafeTensor *out, bool *is_part, Error *err)
{
    const Slice of_keys = SLICE(".attn_k_b.weight"), of_values = SLICE(".attn_v_b.weight");
    *is_part = slice_ends_with(keys->name, of_values);
    if (!slice_ends_with(keys->name, of_keys)) return STATUS_OK;
    const Slice block = slice_sub(keys->name, 0, keys->name.len - of_keys.len);
    const char *name = arena_printf(arena, SLICE_FMT ".attn_v_b.weight", SLICE_ARG(block)),
               *joined = arena_printf(arena, SLICE_FMT ".attn_kv_b.weight", SLICE_ARG(block));
    if (!name || !joined) return error_set_memory(err, 2, keys->name.len, "a tensor's name");
    const SafeTensor *values = gguf_tensor(file, slice_from_cstr(name));
    if (gguf_tensor(file, slice_from_cstr(joined))) { // some files have all three
        *is_part = true;
        return STATUS_OK;
    }
    if (!values || keys->n_dims != 3 || values->n_dims != 3 || keys->shape[0] != values->shape[0] ||
        keys->shape[1] != values->shape[2]) {
        return error_set(err, STATUS_INVALID,
                         "tensor \"" SLICE_FMT "\": its shape and that of \"%s\" must be of the "
                         "same heads, and of as many numbers as both are made of",
                         SLICE_ARG(keys->name), name);
    }
    *out = *keys;
    out->name = slice_from_cstr(joined);
    out->n_dims = 2;
    out->shape[0] = keys->shape[0] * (keys->shape[2] + values->shape[1]);
    out->shape[1] = keys->shape[1];
    out->n_elements = keys->n_elements + values->n_elements;
    out->change = SAFE_KEYS_VALUES;
    out->keys = keys;
    out->values = values;
    return STATUS_OK;
}

// The layer of a gate and of what it gates, of which the file has one each; is_part: the second, told with the first.
static Status join_gates(const Gguf *file, const GgufFamily *family, const SafeTensor *gate,
                         Arena *arena, SafeTensor *out, bool *is_part, Error *err)
{
    const Slice of_gate = SLICE(".ffn_gate.weight"), of_up = SLICE(".ffn_up.weight");
    if (!family || strcmp(family->model_type, "granitemoehybrid") != 0) return STATUS_OK;
    *is_part = slice_ends_with(gate->name, of_up);
    if (!slice_ends_with(gate->name, of_gate)) return STATUS_OK;
    const Slice block = slice_sub(gate->name, 0, gate->name.len - of_gate.len);
    const char *name = arena_printf(arena, SLICE_FMT ".ffn_up.weight", SLICE_ARG(block)),
               *joined = arena_printf(arena, SLICE_FMT ".ffn_gate_up.weight", SLICE_ARG(block));
    if (!name || !joined) return error_set_memory(err, 2, gate->name.len, "a tensor's name");
    const SafeTensor *up = gguf_tensor(file, slice_from_cstr(name));
    if (!up || gate->n_dims != 2 || up->n_dims != 2 || up->type != gate->type ||
        up->shape[0] != gate->shape[0] || up->shape[1] != gate->shape[1]) {
        return error_set(err, STATUS_INVALID,
                         "tensor \"" SLICE_FMT "\": its type and shape must be those of \"%s\"",
                         SLICE_ARG(gate->name), name);
    }
    *out = *gate;
    out->name = slice_from_cstr(joined);
    out->shape[0] *= 2;
    out->n_elements *= 2;
    out->change = SAFE_JOINED;
    out->upper = gate;
    out->lower = up;
    return STATUS_OK;
}

// Rows that stand in the metadata before those of the table.
static Status join_positions(const Gguf *file, const Json *config, Arena *arena, SafeTensor *table,
                             Error *err)
{
    Slice model_type = {0};
    GgufItems items = {0};
    float *values = NULL;
    double value = 0;
    bool found = false;
    if (!slice_eq_cstr(table->name, "position_embd.weight")) return STATUS_OK;
    TRY(json_opt_string(config, "model_type", &model_type, err));
    if (slice_eq_cstr(model_type, "bert")) return STATUS_OK; // as other programs read it
    TRY(gguf_get_array(file, GGUF_KEY_FIRST_POSITIONS, GGUF_F64, &items, &found, err));
    if (!found) return STATUS_OK;
    const size_t n_cols = table->n_dims == 2 ? table->shape[1] : 0, n_first = items.n;
    if (n_cols == 0 || n_first % n_cols != 0) {
        return error_set(err, STATUS_INVALID,
                         "metadata \"" GGUF_KEY_FIRST_POSITIONS "\": its %zu numbers are no rows "
                         "of tensor \"" SLICE_FMT "\"",
                         n_first, SLICE_ARG(table->name));
    }
    TRY(arena_take(arena, n_first + table->n_elements, sizeof *values, "positions", &values, err));
    for (size_t i = 0; gguf_next_real(&items, &value); i++) values[i] = (float)value;
    TRY(safetensor_read_f32(table, values + n_first, err));
    table->type = TENSOR_F32;
    table->shape[0] += n_first / n_cols;
    table->n_elements += n_first;
    table->data = (Slice){(const char *)values, table->n_elements * sizeof *values};
    table->mapped = (Slice){0};
    return STATUS_OK;
}

Status gguf_tensors(const Gguf *file, const Json *config, Safetensors *out, Error *err)
{
    *out = (Safetensors){0};
    RowOrders orders = {.json = config};
    TRY(gguf_family_of_config(config, &orders.family, err));
    Status s = arena_take(&out->arena, file->n_tensors, sizeof *out->tensors, "tensors",
                          &out->tensors, err);
    for (size_t i = 0; s == STATUS_OK && i < file->n_tensors; i++) {
        SafeTensor tensor = file->tensors[i];
        bool is_part = false;
        if (is_of_config(tensor.name)) continue;
        s = join_positions(file, config, &out->arena, &tensor, err);
        if (s == STATUS_OK)
            s = join_keys_values(file, &file->tensors[i], &out->arena, &tensor, &is_part, err);
        if (s == STATUS_OK && !is_part)
            s = join_gates(file, orders.family, &file->tensors[i], &out->arena, &tensor, &is_part,
                           err);
        if (s == STATUS_OK && !is_part)
            s = as_in_model(&orders, &out->arena, &tensor, &out->tensors[out->n_tensors++], err);
    }
    arena_release(&orders.arena);
    if (s == STATUS_OK) safetensors_sort(out);
    if (s == STATUS_OK) s = safetensors_want_distinct(out, err);
    if (s == STATUS_OK) return s;
    safetensors_close(out);
    if (err && slice_starts_with(slice_from_cstr(err->text), file->name)) return s;
    return error_wrap(err, SLICE_FMT, SLICE_ARG(file->name));
}
