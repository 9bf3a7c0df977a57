// Matrices of f32 out of a file, a stretch of rows at a time: what is read is never held twice.
#include "base/file.h"
#include "base/size.h"
#include "kernels/pack.h"
#include "models/model_internal.h"

static bool can_stream(const Model *model, const Param *param, const Safetensors *file)
{
    if (param->is_vector || param->is_input_first || param->source == PARAM_COMPUTED) return false;
    for (size_t p = 0; p < param->n_parts; p++) {
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        if (!tensor || (tensor->change != SAFE_AS_IS && tensor->change != SAFE_REORDERED) ||
            param->parts[p].order.head_dim > 0)
            return false;
    }
    return true;
}

// Rows that are read at a time: whole panels.
static size_t rows_at_once(const Param *param)
{
    const size_t panel_bytes = PANEL_WIDTH * param->cols * sizeof(float);
    return PANEL_WIDTH * size_max(1, WEIGHTS_STRETCH_BYTES / size_max(panel_bytes, 1));
}

size_t weights_rows_needed(const Model *model, const Param *param, const Safetensors *file)
{
    return file && can_stream(model, param, file) ? size_min(rows_at_once(param), param->rows)
                                                  : param->rows;
}

// The part of [first, first + n) that lies in tensor `part`, to its place in `to`.
static Status read_stretch(const Model *model, const Param *param, const Safetensors *file,
                           size_t part, size_t first, size_t n, float *to, Error *err)
{
    const SafeTensor *tensor = weights_find_part(model, file, param, part);
    const size_t begin = size_max(first, param->parts[part].begin);
    const size_t end = size_min(first + n, param->parts[part].end);
    if (begin >= end) return STATUS_OK;
    const size_t row = begin - param->parts[part].begin,
                 row_bytes = tensor->data.len / tensor->shape[0];
    TRY(safetensor_read_rows_f32(tensor, row, end - begin, to + (begin - first) * param->cols,
                                 err));
    safetensor_drop(tensor,
                    slice_sub(tensor->data, row * row_bytes, (row + end - begin) * row_bytes));
    return STATUS_OK;
}

Status weights_load_rows(Model *model, const Param *param, const Safetensors *file, float *scratch,
                         bool *is_done, Error *err)
{
    float *weights = model->weights + param->offset;
    *is_done = can_stream(model, param, file);
    if (!*is_done) return STATUS_OK;
    const size_t step = rows_at_once(param);
    for (size_t first = 0; first < param->rows; first += step) {
        const size_t n = size_min(step, param->rows - first);
        const bool is_placed = param->layout == LAYOUT_ROWS && !param->is_rounded;
        float *rows = is_placed ? weights + first * param->cols : scratch;
        for (size_t p = 0; p < param->n_parts; p++)
            TRY(read_stretch(model, param, file, p, first, n, rows, err));
        if (param->is_rounded)
            TRY(weights_put_rounded(model, param, first, n, rows, err));
        else if (param->layout == LAYOUT_PANELS)
            pack_panels(rows, n, param->cols, weights + first * param->cols);
    }
    return STATUS_OK;
}
