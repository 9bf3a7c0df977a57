// Weights that stay as a file stores them: in memory, packed, or where the file is mapped.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "kernels/pack.h"
#include "kernels/quant.h"
#include "models/model_internal.h"

// Where row `row` of a tensor is stored, as a row of the parameter: GPT-2's layers have inputs first in Transformers but not
// in GGUF, so that their rows are whole there.
static const void *stored_row(const Param *param, size_t part, const SafeTensor *tensor, size_t row,
                              void *room)
{
    const ParamPart *of = &param->parts[part];
    if (!param->is_input_first)
        return safetensor_row(tensor, row_order_in_tensor(&of->order, of->end - of->begin, row),
                              room);
    return tensor->data.ptr + row * (tensor->data.len / param->rows);
}

static bool has_shape(const Param *param, size_t part, const SafeTensor *tensor)
{
    size_t rows, cols;
    weights_part_shape(param, part, &rows, &cols);
    return tensor->n_dims == 2 && tensor->shape[0] == rows && tensor->shape[1] == cols;
}

static bool is_in_rows(const SafeTensor *tensor)
{
    return tensor->change == SAFE_AS_IS || tensor->change == SAFE_REORDERED;
}

// Whether a tensor can be kept as it is, as part of this parameter. Its shape is checked when it is read.
static bool can_keep(const Param *param, size_t part, const SafeTensor *tensor, DType *dtype)
{
    const bool is_whole =
        param->is_input_first
            ? tensor->change == SAFE_TRANSPOSED
            : is_in_rows(tensor) || tensor->change == SAFE_SPREAD || tensor->change == SAFE_JOINED;
    return has_shape(param, part, tensor) && is_whole && tensor_type_dtype(tensor->type, dtype) &&
           pack_stored_is_known(*dtype) && param->cols % dtype_block(*dtype) == 0;
}

// The same where the file is mapped: numbers must lie as their type wants.
static bool can_map(const Param *param, size_t part, const SafeTensor *tensor, PartPlace *place)
{
    DType dtype = DTYPE_F32;
    const RowOrder *order = &param->parts[part].order;
    const bool as_it_lies = is_in_rows(tensor) && row_order_undoes(order, &tensor->order);
    if (!has_shape(param, part, tensor) || !tensor_type_dtype(tensor->type, &dtype)) return false;
    if (dtype != DTYPE_F32 && (!pack_stored_is_known(dtype) || param->cols % dtype_block(dtype)))
        return false;
    if (dtype == DTYPE_F32 && (uintptr_t)tensor->data.ptr % sizeof(float) != 0) return false;
    *place = (PartPlace){.mapped = tensor->data.ptr, .dtype = dtype, .layout = LAYOUT_ROWS};
    if (param->is_input_first) {
        if (as_it_lies) place->layout = LAYOUT_COLUMNS;
        return as_it_lies ? dtype == DTYPE_F32 : tensor->change == SAFE_TRANSPOSED;
    }
    if (as_it_lies) return true;
    place->order = tensor->order;
    return is_in_rows(tensor) && order->head_dim == 0 && param->layout == LAYOUT_PANELS;
}

// Matrices of products, and tables that are looked up in: what kernels read in other forms than f32.
static bool is_readable(const Param *param)
{
    return !param->is_vector && !param->is_exact &&
           (param->layout == LAYOUT_PANELS || param->is_looked_up) && param->n_parts > 0;
}

// Whether the program cuts this weight elsewhere than between its parts: then they must lie in one piece.
static bool is_cut_within(const Model *model, size_t index)
{
    const Param *param = &model->tape.params[index];
    for (size_t i = 0; i < model->tape.n_nodes; i++) {
        const TapeNode *node = &model->tape.nodes[i];
        if (node->op != OP_LINEAR || node->params[0] != index) continue;
        for (size_t p = 0; p < param->n_parts; p++) {
            const ParamPart *part = &param->parts[p];
            if (node->row_begin > part->begin && node->row_begin < part->end) return true;
            if (node->row_end > part->begin && node->row_end < part->end) return true;
        }
    }
    return false;
}

// Every part where the file is mapped, or where one cannot be none.
static Status map_parts(Model *model, size_t index, const Safetensors *file, Error *err)
{
    Param *param = &model->tape.params[index];
    PartPlace *places = NULL;
    bool is_reordered = false;
    if (!is_readable(param)) return STATUS_OK;
    TRY(arena_take(&model->arena, param->n_parts, sizeof *places, "parameters", &places, err));
    for (size_t p = 0; p < param->n_parts; p++) {
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        if (!tensor || !can_map(param, p, tensor, &places[p])) return STATUS_OK;
        is_reordered = is_reordered || places[p].order.head_dim > 0;
    }
    if (!is_reordered || !is_cut_within(model, index)) param->places = places;
    return STATUS_OK;
}

// The one dtype of all parts. Where they differ each gets a place of its own; F32 where one must be read as numbers.
static Status choose(Model *model, size_t index, const Safetensors *file, DType *out, Error *err)
{
    Param *param = &model->tape.params[index];
    PartPlace *places = NULL;
    bool differ = false;
    if (!is_readable(param)) return STATUS_OK;
    TRY(arena_take(&model->arena, param->n_parts, sizeof *places, "parameters", &places, err));
    for (size_t p = 0; p < param->n_parts; p++) {
        DType dtype = DTYPE_F32;
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        if (!tensor || !can_keep(param, p, tensor, &dtype)) return STATUS_OK;
        places[p] = (PartPlace){.dtype = dtype, .layout = param->layout};
        differ = differ || dtype != places[0].dtype;
    }
    if (!differ)
        *out = places[0].dtype;
    else if (!is_cut_within(model, index))
        param->places = places;
    return STATUS_OK;
}

// What a matrix that products read is rounded to, for their compute mode; F32 where it is not.
static DType round_to(const Model *model, const Param *param, DType in_file)
{
    const ComputeMode compute = model->exec_options.compute;
    if (param->is_vector || param->is_exact || param->layout != LAYOUT_PANELS ||
        dtype_block(in_file) > 1)
        return DTYPE_F32;
    if (compute == COMPUTE_BF16 && in_file != DTYPE_BF16) return DTYPE_BF16;
    if (compute == COMPUTE_I8 && param->cols % dtype_block(DTYPE_Q8_ROW) == 0) return DTYPE_Q8_ROW;
    if (compute == COMPUTE_I8 && param->cols % dtype_block(DTYPE_Q8_0) == 0) return DTYPE_Q8_0;
    return DTYPE_F32;
}

Status weights_choose_storage(Model *model, const Safetensors *file, Error *err)
{
    DType *dtypes = NULL;
    TRY(arena_take(&model->arena, model->tape.n_params, sizeof *dtypes, "parameters", &dtypes,
                   err));
    for (size_t i = 0; i < model->tape.n_params; i++) {
        Param *param = &model->tape.params[i];
        if (model->is_mapped) TRY(map_parts(model, i, file, err));
        if (param->places) continue;
        TRY(choose(model, i, file, &dtypes[i], err));
        const DType rounded = param->places ? DTYPE_F32 : round_to(model, param, dtypes[i]);
        param->is_rounded = rounded != DTYPE_F32;
        if (param->is_rounded) dtypes[i] = rounded;
    }
    tape_store(&model->tape, dtypes);
    return STATUS_OK;
}

// ---- loading ----

// Rows of one matrix, from rows of tensors. What was read is given back to the system stretch by stretch, so that a file and
// its weights are never both in memory.
typedef struct Packing {
    const Model *model;
    const Param *param;
    const Safetensors *file;
    const SafeTensor *tensor; // of the part that the last row was in
    size_t part;
    const char *dropped; // up to here
    char *room;          // for PANEL_WIDTH rows that are put together
} Packing;

// Row `row` of the parameter in the file, or in `room`.
static const void *find_row(Packing *packing, size_t row, char *room)
{
    const Param *param = packing->param;
    const ParamPart *part = &param->parts[packing->part];
    if (!packing->tensor || row < part->begin || row >= part->end) {
        packing->part = 0;
        while (row >= param->parts[packing->part].end) packing->part++;
        packing->tensor = weights_find_part(packing->model, packing->file, param, packing->part);
        packing->dropped = packing->tensor->data.ptr;
        part = &param->parts[packing->part];
    }
    const char *at = stored_row(param, packing->part, packing->tensor, row - part->begin, room);
    if (packing->tensor->change == SAFE_SPREAD || packing->tensor->change == SAFE_JOINED) return at;
    if (part->order.head_dim == 0 && at - packing->dropped >= WEIGHTS_STRETCH_BYTES) {
        safetensor_drop(packing->tensor,
                        (Slice){packing->dropped, (size_t)(at - packing->dropped)});
        packing->dropped = at;
    }
    return at;
}

// Rows [begin, end) of the parameter to `to`.
static void pack_rows(Packing *packing, DType dtype, Layout layout, size_t begin, size_t end,
                      char *to)
{
    const size_t cols = packing->param->cols;
    const size_t row_bytes = cols / dtype_block(dtype) * dtype_size(dtype);
    if (layout == LAYOUT_ROWS) {
        for (size_t row = begin; row < end; row++)
            memcpy(to + (row - begin) * row_bytes, find_row(packing, row, packing->room),
                   row_bytes);
        return;
    }
    const size_t panel_bytes = pack_stored_panel_bytes(dtype, cols);
    for (size_t first = begin; first < end; first += PANEL_WIDTH, to += panel_bytes) {
        const void *rows[PANEL_WIDTH] = {NULL};
        const size_t n = size_min(PANEL_WIDTH, end - first);
        for (size_t i = 0; i < n; i++)
            rows[i] = find_row(packing, first + i, packing->room + i * row_bytes);
        pack_stored_panel(dtype, rows, cols, to);
    }
}

Status weights_load_stored(Model *model, const Param *param, const Safetensors *file, Error *err)
{
    Packing packing = {.model = model, .param = param, .file = file};
    const size_t row_bytes = param->cols * sizeof(float); // no stored number is wider
    packing.room = malloc(PANEL_WIDTH * row_bytes);
    if (!packing.room) return error_set_memory(err, PANEL_WIDTH, row_bytes, "packing weights");
    if (!param->places) {
        pack_rows(&packing, param->dtype, param->layout, 0, param->rows,
                  (char *)(model->weights + param->offset));
    }
    for (size_t p = 0; p < param->n_parts; p++) {
        const ParamPart *part = &param->parts[p];
        const PartPlace *place = param->places ? &param->places[p] : NULL;
        if (place && place->mapped) continue;
        if (place)
            pack_rows(&packing, place->dtype, place->layout, part->begin, part->end,
                      (char *)(model->weights + place->offset));
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        if (tensor) safetensor_drop(tensor, tensor->data);
    }
    free(packing.room);
    return STATUS_OK;
}

// ---- reading back ----

// Row `row` of a part that lies by itself.
static void read_part_row(const Model *model, const Param *param, size_t p, size_t row, float *out)
{
    const PartPlace *place = &param->places[p];
    const size_t n_rows = param->parts[p].end - param->parts[p].begin;
    const float *weights = place->mapped ? place->mapped : model->weights + place->offset;
    if (place->layout == LAYOUT_COLUMNS) {
        for (size_t k = 0; k < param->cols; k++) out[k] = weights[k * n_rows + row];
        return;
    }
    row = row_order_in_tensor(&place->order, n_rows, row);
    Tensor tensor = {.rows = n_rows,
                     .cols = param->cols,
                     .row_stride = param->cols,
                     .dtype = place->dtype,
                     .layout = place->layout};
    memcpy(&tensor.data, &weights, sizeof weights); // only read
    unpack_tensor_row(&tensor, row, out);
}

Status weights_put_rounded(Model *model, const Param *param, size_t begin, size_t n_rows,
                           const float *rows, Error *err)
{
    char *to = (char *)(model->weights + param->offset);
    const size_t row_bytes = param->cols / dtype_block(param->dtype) * dtype_size(param->dtype);
    char *encoded = malloc(PANEL_WIDTH * row_bytes);
    if (!encoded) return error_set_memory(err, PANEL_WIDTH, row_bytes, "rounding weights");
    for (size_t first = 0; first < n_rows; first += PANEL_WIDTH) {
        const void *of[PANEL_WIDTH] = {NULL};
        const size_t n = size_min(PANEL_WIDTH, n_rows - first);
        for (size_t i = 0; i < n; i++) {
            quant_encode(param->dtype, param->cols, rows + (first + i) * param->cols,
                         encoded + i * row_bytes);
            of[i] = encoded + i * row_bytes;
        }
        pack_stored_panel(param->dtype, of, param->cols,
                          to + param_row_bytes(param, begin + first));
    }
    free(encoded);
    return STATUS_OK;
}

void weights_read_stored(const Model *model, const Param *param, float *rows)
{
    const Tensor tensor = {.data = model->weights + param->offset,
                           .rows = param->rows,
                           .cols = param->cols,
                           .row_stride = param->cols,
                           .dtype = param->dtype,
                           .layout = param->layout};
    for (size_t i = 0; !param->places && i < param->rows; i++)
        unpack_tensor_row(&tensor, i, rows + i * param->cols);
    for (size_t p = 0; param->places && p < param->n_parts; p++) {
        const ParamPart *part = &param->parts[p];
        for (size_t i = part->begin; i < part->end; i++)
            read_part_row(model, param, p, i - part->begin, rows + i * param->cols);
    }
}
