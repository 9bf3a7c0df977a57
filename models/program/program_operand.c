// A step's operands as tensors: where values and weights lie for the unit at hand.
#include <string.h>

#include "kernels/pack.h"
#include "models/program/program_internal.h"

static Tensor slot_tensor(const ProgramRun *run, size_t index, size_t begin, size_t end)
{
    const ProgramSlot *slot = &run->program->slots[index];
    const Extent extent = extent_of_run(run);
    Tensor t =
        tensor_f32(run->memory->buffers + run->memory->offsets[slot->buffer] + slot->begin + begin,
                   extent_rows(&extent, slot->domain), end - begin);
    t.device = exec_device(run->exec);
    t.row_stride = t.device.kind != DEVICE_CPU                             ? slot->stride_elsewhere
                   : slot->narrow_stride > 0 && program_is_narrow(&extent) ? slot->narrow_stride
                                                                           : slot->stride;
    if (run->part_rows == 0) return t;
    if (slot->domain == ROWS_AT_ONCE || slot->domain == ROWS_STRETCH)
        return tensor_rows(t, 0, run->part_rows);
    return tensor_rows(t, run->part_begin, run->part_begin + run->part_rows);
}

// Rows begin .. end of a matrix (columns, of a vector) whose numbers start at base.
static Tensor param_tensor(const ProgramRun *run, const Param *param, float *base, size_t begin,
                           size_t end)
{
    float *first = (float *)((char *)base + param_row_bytes(param, begin));
    Tensor t = param->is_vector ? tensor_f32(first, 1, end - begin)
                                : tensor_f32(first, end - begin, param->cols);
    t.dtype = param->dtype;
    t.layout = param->layout;
    t.device = exec_device(run->exec);
    return t;
}

Tensor program_part_tensor(const ProgramRun *run, const Param *param, size_t part, size_t begin,
                           size_t end)
{
    const PartPlace *place = &param->places[part];
    const size_t first = begin - param->parts[part].begin;
    const size_t n_rows = param->parts[part].end - param->parts[part].begin;
    char *data = (char *)(run->weights + place->offset);
    if (place->mapped)
        memcpy(&data, &place->mapped, sizeof data); // a view drops the const; only read
    Tensor t = {.data = data,
                .rows = end - begin,
                .cols = param->cols,
                .row_stride = param->cols,
                .dtype = place->dtype,
                .layout = place->layout,
                .device = exec_device(run->exec)};
    if (place->layout == LAYOUT_COLUMNS) {
        t.data = data + first * sizeof(float);
        t.row_stride = n_rows;
    } else if (place->layout == LAYOUT_ROWS) {
        t.data =
            data + first * (param->cols / dtype_block(place->dtype)) * dtype_size(place->dtype);
    } else if (place->dtype == DTYPE_F32) {
        t.data = data + first * param->cols * sizeof(float);
    } else {
        t.data = data + first / PANEL_WIDTH * pack_stored_panel_bytes(place->dtype, param->cols);
    }
    return t;
}

Tensor program_operand(const ProgramRun *run, const Operand *operand)
{
    const bool is_param = operand->kind == OPERAND_PARAM || operand->kind == OPERAND_GRADIENT ||
                          operand->kind == OPERAND_ROWS;
    const Param *param = is_param ? &run->program->tape->params[operand->index] : NULL;
    switch (operand->kind) {
    case OPERAND_NONE:
        break;
    case OPERAND_ANGLES:
        return program_angles(run, operand->index);
    case OPERAND_SLOT:
        return slot_tensor(run, operand->index, operand->begin, operand->end);
    case OPERAND_PARAM:
        if (param->places) return program_part_tensor(run, param, 0, operand->begin, operand->end);
        return param_tensor(run, param, run->weights + param->offset, operand->begin, operand->end);
    case OPERAND_GRADIENT:
        return param_tensor(run, param, run->gradients + run->gradient_offsets[operand->index],
                            operand->begin, operand->end);
    case OPERAND_ROWS: {
        Tensor t = tensor_f32(run->unit.row_gradients, run->unit.n_rows, param->cols);
        t.device = exec_device(run->exec);
        return t;
    }
    }
    return (Tensor){0};
}

Tensor program_output(const ProgramRun *run)
{
    const Value v = run->program->tape->output;
    return slot_tensor(run, run->program->output, v.begin, v.end);
}

Tensor program_output_gradient(const ProgramRun *run)
{
    return slot_tensor(run, run->program->output_gradient, 0,
                       run->program->slots[run->program->output_gradient].cols);
}

Tensor program_source_keys(const ProgramRun *run, size_t attention, bool are_values)
{
    const ProgramAttention *a = &run->program->attentions[attention];
    return program_operand(run, are_values ? &a->values : &a->keys);
}

Tensor program_hidden(const ProgramRun *run, size_t index)
{
    const size_t slot = run->program->hidden[index];
    return slot_tensor(run, slot, 0, run->program->slots[slot].cols);
}
