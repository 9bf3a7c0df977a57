// Weights that stay in memory as a file stores them.
#include <string.h>

#include "base/size.h"
#include "kernels/pack.h"
#include "models/model_internal.h"

// Where row `row` of a tensor is stored, as a row of the parameter: GPT-2's layers have inputs first in Transformers but not
// in GGUF, so that their rows are whole there.
static const void *stored_row(const Param *param, const SafeTensor *tensor, size_t row)
{
    if (!param->is_input_first) return safetensor_row(tensor, row);
    return tensor->data.ptr + row * (tensor->data.len / param->rows);
}

// Whether a tensor can be kept as it is, as part of this parameter. Its shape is checked when it is read.
static bool can_keep(const Param *param, size_t part, const SafeTensor *tensor, DType *dtype)
{
    size_t rows, cols;
    weights_part_shape(param, part, &rows, &cols);
    const bool fits = tensor->n_dims == 2 && tensor->shape[0] == rows && tensor->shape[1] == cols;
    const bool is_whole = param->is_input_first
                              ? tensor->change == SAFE_TRANSPOSED
                              : tensor->change == SAFE_AS_IS || tensor->change == SAFE_ROPE_PAIRS;
    return fits && is_whole && tensor_type_dtype(tensor->type, dtype) &&
           pack_stored_is_known(*dtype) && param->cols % dtype_block(*dtype) == 0;
}

// The one dtype of all parts; F32 where they differ or one must be read as numbers.
static DType choose(const Model *model, const Param *param, const Safetensors *file)
{
    DType chosen = DTYPE_F32;
    if (param->is_vector || (param->layout != LAYOUT_PANELS && !param->is_gathered)) return chosen;
    for (size_t p = 0; p < param->n_parts; p++) {
        DType dtype = DTYPE_F32;
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        if (!tensor || !can_keep(param, p, tensor, &dtype)) return DTYPE_F32;
        if (p > 0 && dtype != chosen) return DTYPE_F32;
        chosen = dtype;
    }
    return chosen;
}

Status weights_choose_storage(Model *model, const Safetensors *file, Error *err)
{
    DType *dtypes = NULL;
    TRY(arena_take(&model->arena, model->tape.n_params, sizeof *dtypes, "parameters", &dtypes,
                   err));
    for (size_t i = 0; i < model->tape.n_params; i++)
        dtypes[i] = choose(model, &model->tape.params[i], file);
    tape_store(&model->tape, dtypes);
    return STATUS_OK;
}

// Row `row` of the parameter in the file.
static const void *find_row(const Model *model, const Param *param, const Safetensors *file,
                            size_t row)
{
    for (size_t p = 0; p < param->n_parts; p++) {
        const ParamPart *part = &param->parts[p];
        if (row < part->begin || row >= part->end) continue;
        return stored_row(param, weights_find_part(model, file, param, p), row - part->begin);
    }
    return NULL;
}

void weights_load_stored(Model *model, const Param *param, const Safetensors *file)
{
    char *to = (char *)(model->weights + param->offset);
    const size_t row_bytes = param->cols / dtype_block(param->dtype) * dtype_size(param->dtype);
    if (param->layout == LAYOUT_ROWS) {
        for (size_t row = 0; row < param->rows; row++)
            memcpy(to + row * row_bytes, find_row(model, param, file, row), row_bytes);
        return;
    }
    for (size_t first = 0; first < param->rows; first += PANEL_WIDTH) {
        const void *rows[PANEL_WIDTH] = {NULL};
        const size_t n = size_min(PANEL_WIDTH, param->rows - first);
        for (size_t i = 0; i < n; i++) rows[i] = find_row(model, param, file, first + i);
        pack_stored_panel(param->dtype, rows, param->cols, to + param_row_bytes(param, first));
    }
}

void weights_read_stored(const Model *model, const Param *param, float *rows)
{
    const Tensor tensor = {.data = model->weights + param->offset,
                           .rows = param->rows,
                           .cols = param->cols,
                           .row_stride = param->cols,
                           .dtype = param->dtype,
                           .layout = param->layout};
    for (size_t i = 0; i < param->rows; i++) unpack_tensor_row(&tensor, i, rows + i * param->cols);
}
