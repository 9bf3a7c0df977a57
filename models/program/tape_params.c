// The parameters of a tape: how they are declared, and where each lies among the weights.
#include <string.h>

#include "base/size.h"
#include "kernels/pack.h"
#include "models/program/tape_internal.h"

// Parameters begin at multiples of this many floats: 64 bytes.
enum { PARAM_ALIGNMENT = 16, TAPE_MAX_PARTS = 8 };

static ParamId add_param(Tape *tape, Param param)
{
    Param *slot =
        tape_append(tape, &tape->params, &tape->n_params, &tape->params_capacity, sizeof param);
    if (!slot) return 0;
    size_t storage = 0, rows = 0;
    // tensor_storage fills panels up; asked only where that cannot overflow.
    if (!size_add(param.rows, PANEL_WIDTH, &rows) || !size_mul(rows, param.cols, &storage) ||
        storage > SIZE_MAX / 64 - tape->n_floats) {
        tape_fail(tape, STATUS_INVALID, "a parameter is too large for this machine");
        return 0;
    }
    param.group = tape->group;
    param.storage = tensor_storage(param.rows, param.cols, param.layout);
    param.offset = tape->n_floats;
    tape->n_floats += size_round_up(param.storage, PARAM_ALIGNMENT);
    *slot = param;
    return tape->n_params - 1;
}

size_t param_row_bytes(const Param *param, size_t row)
{
    if (param->is_vector) return row * sizeof(float);
    if (param->dtype == DTYPE_F32) return row * param->cols * sizeof(float);
    if (param->layout == LAYOUT_PANELS)
        return row / PANEL_WIDTH * pack_stored_panel_bytes(param->dtype, param->cols);
    return row * (param->cols / dtype_block(param->dtype)) * dtype_size(param->dtype);
}

// Floats' worth of memory of a matrix.
static size_t stored_floats(DType dtype, Layout layout, size_t rows, size_t cols)
{
    if (dtype == DTYPE_F32) return tensor_storage(rows, cols, layout);
    const size_t bytes = layout == LAYOUT_PANELS
                             ? pack_stored_bytes(dtype, rows, cols)
                             : rows * (cols / dtype_block(dtype)) * dtype_size(dtype);
    return size_round_up(bytes, sizeof(float)) / sizeof(float);
}

size_t param_packed_floats(const Param *param, bool as_f32)
{
    size_t floats = 0;
    if (!param->places || as_f32) {
        floats = as_f32 ? tensor_storage(param->rows, param->cols, param->layout) : param->storage;
        return size_round_up(floats, PARAM_ALIGNMENT);
    }
    for (size_t p = 0; p < param->n_parts; p++) {
        const size_t rows = param->parts[p].end - param->parts[p].begin;
        floats +=
            size_round_up(stored_floats(param->places[p].dtype, param->layout, rows, param->cols),
                          PARAM_ALIGNMENT);
    }
    return floats;
}

// Places for the parts that are not mapped.
static void place_parts(Tape *tape, Param *param)
{
    param->storage = 0;
    for (size_t p = 0; p < param->n_parts; p++) {
        PartPlace *place = &param->places[p];
        const size_t rows = param->parts[p].end - param->parts[p].begin;
        if (place->mapped) continue;
        place->offset = tape->n_floats;
        const size_t n = size_round_up(
            stored_floats(place->dtype, place->layout, rows, param->cols), PARAM_ALIGNMENT);
        param->storage += n;
        tape->n_floats += n;
    }
}

void tape_store(Tape *tape, const DType *dtypes)
{
    tape->n_floats = 0;
    for (size_t i = 0; i < tape->n_params; i++) {
        Param *param = &tape->params[i];
        param->dtype = dtypes[i];
        param->offset = tape->n_floats;
        if (param->places) {
            place_parts(tape, param);
            continue;
        }
        param->storage = stored_floats(param->dtype, param->layout, param->rows, param->cols);
        tape->n_floats += size_round_up(param->storage, PARAM_ALIGNMENT);
    }
}

// Parts named PREFIX NAME SUFFIX, one behind the other.
static ParamPart *make_parts(Tape *tape, const DensePart *dense, size_t n_parts, const char *suffix)
{
    if (tape->status != STATUS_OK) return NULL;
    ParamPart *parts = ARENA_NEW(tape->arena, ParamPart, n_parts);
    size_t at = 0;
    for (size_t i = 0; parts && i < n_parts; i++) {
        const char *name = arena_printf(tape->arena, "%s%s%s", tape->prefix, dense[i].name, suffix);
        if (!name) {
            parts = NULL;
            break;
        }
        parts[i] =
            (ParamPart){.name = slice_from_cstr(name), .begin = at, .end = at + dense[i].n_out};
        at += dense[i].n_out;
    }
    if (!parts) tape_fail(tape, STATUS_MEMORY, "a parameter's name");
    return parts;
}

static ParamId add_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row,
                         Layout layout)
{
    const DensePart part = {name, rows};
    ParamPart *parts = make_parts(tape, &part, 1, ".weight");
    return add_param(tape, (Param){.parts = parts,
                                   .n_parts = 1,
                                   .rows = rows,
                                   .cols = cols,
                                   .layout = layout,
                                   .init = INIT_NORMAL,
                                   .zero_row = zero_row});
}

static ParamId add_sinusoids(Tape *tape, size_t rows, size_t cols, ParamInit init, int32_t zero_row,
                             float factor)
{
    return add_param(tape, (Param){.rows = rows,
                                   .cols = cols,
                                   .layout = LAYOUT_ROWS,
                                   .init = init,
                                   .factor = factor,
                                   .source = PARAM_COMPUTED,
                                   .zero_row = zero_row});
}

ParamId tape_sinusoids(Tape *tape, size_t rows, size_t cols, float factor)
{
    return add_sinusoids(tape, rows, cols, INIT_SINUSOIDS, -1, factor);
}

ParamId tape_wide_sinusoids(Tape *tape, size_t rows, size_t cols, int32_t zero_row, float factor)
{
    if (cols < 4) tape_fail(tape, STATUS_INVALID, "these sinusoids need at least 4 columns");
    return add_sinusoids(tape, rows, cols, INIT_WIDE_SINUSOIDS, zero_row, factor);
}

ParamId tape_fixed_sinusoids(Tape *tape, const char *name, size_t rows, size_t cols)
{
    const ParamId id = add_table(tape, name, rows, cols, -1, LAYOUT_ROWS);
    if (tape->status != STATUS_OK) return id;
    tape->params[id].init = INIT_SINUSOIDS;
    tape->params[id].factor = 1.0f;
    tape->params[id].source = PARAM_BUFFER;
    return id;
}

void tape_aliases(Tape *tape, ParamId param, const char *const *names)
{
    if (tape->status == STATUS_OK) tape->params[param].aliases = names;
}

ParamId tape_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row)
{
    return add_table(tape, name, rows, cols, zero_row, LAYOUT_ROWS);
}

ParamId tape_relative_bias(Tape *tape, const char *name, size_t n_heads, size_t n_buckets)
{
    const ParamId id = add_table(tape, name, n_heads, n_buckets, -1, LAYOUT_ROWS);
    if (tape->status == STATUS_OK) tape->params[id].is_input_first = true;
    return id;
}

ParamId tape_alibi(Tape *tape, size_t n_heads, size_t n_positions, float factor)
{
    return add_param(tape, (Param){.rows = n_heads,
                                   .cols = n_positions,
                                   .layout = LAYOUT_ROWS,
                                   .init = INIT_SLOPES,
                                   .factor = factor,
                                   .source = PARAM_COMPUTED,
                                   .zero_row = -1});
}

ParamId tape_tied_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row)
{
    return add_table(tape, name, rows, cols, zero_row, tape->weight_layout);
}

ParamId tape_ones(Tape *tape, size_t cols)
{
    return add_param(tape, (Param){.rows = 1,
                                   .cols = cols,
                                   .is_vector = true,
                                   .layout = LAYOUT_ROWS,
                                   .init = INIT_ONE,
                                   .source = PARAM_COMPUTED,
                                   .zero_row = -1});
}

static ParamId add_vector(Tape *tape, const DensePart *dense, size_t n_parts, const char *suffix,
                          ParamInit init)
{
    size_t cols = 0;
    for (size_t i = 0; i < n_parts; i++) cols += dense[i].n_out;
    ParamPart *parts = make_parts(tape, dense, n_parts, suffix);
    return add_param(tape, (Param){.parts = parts,
                                   .n_parts = n_parts,
                                   .rows = 1,
                                   .cols = cols,
                                   .is_vector = true,
                                   .layout = LAYOUT_ROWS,
                                   .init = init,
                                   .zero_row = -1});
}

ParamId tape_suffixed_vector(Tape *tape, const char *name, const char *suffix, size_t cols,
                             ParamInit init)
{
    const DensePart part = {name, cols};
    return add_vector(tape, &part, 1, suffix, init);
}

ParamId tape_head_weights(Tape *tape, const char *name, size_t n_heads, size_t head_dim)
{
    const ParamId id = tape_suffixed_vector(tape, name, ".weight", n_heads * head_dim, INIT_ONE);
    if (tape->status == STATUS_OK) tape->params[id].stored_rows = n_heads;
    return id;
}

ParamId tape_listed_weights(Tape *tape, const char *name, const char *list, size_t n_heads,
                            size_t head_dim)
{
    DensePart *parts = ARENA_NEW(tape->arena, DensePart, n_heads);
    for (size_t i = 0; parts && i < n_heads; i++) {
        parts[i] = (DensePart){arena_printf(tape->arena, "%s.%s.%zu", name, list, i), head_dim};
        if (!parts[i].name) parts = NULL;
    }
    if (!parts) {
        tape_fail(tape, STATUS_MEMORY, "the norms of heads");
        return 0;
    }
    return add_vector(tape, parts, n_heads, ".weight", INIT_ONE);
}

ParamId tape_vector(Tape *tape, const char *name, size_t cols, ParamInit init)
{
    return tape_suffixed_vector(tape, name, "", cols, init);
}

ParamId tape_fixed_vector(Tape *tape, const char *name, size_t cols)
{
    const ParamId id = tape_vector(tape, name, cols, INIT_ZERO);
    if (tape->status == STATUS_OK) tape->params[id].source = PARAM_BUFFER;
    return id;
}

ParamId tape_fixed_number(Tape *tape, const char *name)
{
    const ParamId id = tape_fixed_vector(tape, name, 1);
    if (tape->status == STATUS_OK) tape->params[id].init = INIT_ONE;
    return id;
}

ParamId tape_buffer(Tape *tape, const char *name, size_t cols)
{
    const ParamId id = tape_fixed_vector(tape, name, cols);
    if (tape->status == STATUS_OK) tape->params[id].stored_rows = 1;
    return id;
}

Dense tape_dense(Tape *tape, const char *const *names, size_t n_names, size_t n_in, size_t n_out)
{
    DensePart parts[TAPE_MAX_PARTS];
    if (n_names > TAPE_MAX_PARTS || n_out % n_names != 0) {
        tape_fail(tape, STATUS_INTERNAL, "stacked layers must be few and of one size");
        return (Dense){0};
    }
    for (size_t i = 0; i < n_names; i++) parts[i] = (DensePart){names[i], n_out / n_names};
    return tape_dense_parts(tape, parts, n_names, n_in, 0);
}

Dense tape_dense_parts(Tape *tape, const DensePart *parts, size_t n_parts, size_t n_in,
                       unsigned flags)
{
    size_t n_out = 0;
    for (size_t i = 0; i < n_parts; i++) n_out += parts[i].n_out;
    if ((flags & DENSE_INPUT_FIRST) && n_parts != 1)
        tape_fail(tape, STATUS_INTERNAL, "a layer whose inputs come first is one tensor");
    const ParamId weight =
        add_param(tape, (Param){.parts = make_parts(tape, parts, n_parts, ".weight"),
                                .n_parts = n_parts,
                                .rows = n_out,
                                .cols = n_in,
                                .is_input_first = (flags & DENSE_INPUT_FIRST) != 0,
                                .layout = tape->weight_layout,
                                .init = INIT_NORMAL,
                                .zero_row = -1});
    ParamId bias = PARAM_NONE;
    if (!(flags & DENSE_NO_BIAS)) bias = add_vector(tape, parts, n_parts, ".bias", INIT_ZERO);
    return (Dense){.weight = weight, .bias = bias, .n_in = n_in, .n_out = n_out};
}

ParamId tape_delta_rates(Tape *tape, size_t n_heads)
{
    const DensePart parts[] = {{"A_log", n_heads}, {"dt_bias", n_heads}};
    return add_vector(tape, parts, 2, "", INIT_ONE);
}

ParamId tape_conv_weight(Tape *tape, const char *name, size_t n_columns, size_t n_taps)
{
    const ParamId id = add_table(tape, name, n_columns, n_taps, -1, tape->weight_layout);
    if (tape->status != STATUS_OK) return id;
    tape->params[id].is_conv = tape->params[id].is_exact = true;
    return id;
}

void tape_row_order(Tape *tape, Dense dense, size_t part, RowOrder order)
{
    const ParamId params[] = {dense.weight, dense.bias};
    for (size_t i = 0; i < 2 && tape->status == STATUS_OK; i++) {
        if (params[i] == PARAM_NONE) continue;
        ParamPart *of = &tape->params[params[i]].parts[part];
        if (!row_order_fits(&order, of->end - of->begin))
            tape_fail(tape, STATUS_INTERNAL, "a layer's rows cannot be in this order");
        of->order = order;
    }
}

void tape_keep_exact(Tape *tape, Dense dense)
{
    if (tape->status == STATUS_OK) tape->params[dense.weight].is_exact = true;
}

RopeId tape_rope_angles(Tape *tape, const TapeRope *rope)
{
    TapeRope *place =
        tape_append(tape, &tape->ropes, &tape->n_ropes, &tape->ropes_capacity, sizeof *place);
    if (!place) return 0;
    *place = *rope;
    const float **lists[] = {&place->frequencies, &place->long_frequencies};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!*lists[i]) continue;
        float *copy = arena_alloc(tape->arena, rope->n_dims / 2 + 1, sizeof *copy);
        if (copy) memcpy(copy, *lists[i], rope->n_dims / 2 * sizeof *copy);
        if (!copy) tape_fail(tape, STATUS_MEMORY, "a rotary embedding's frequencies");
        *lists[i] = copy;
    }
    if (rope->n_dims % 2 != 0 || rope->n_dims == 0)
        tape_fail(tape, STATUS_INTERNAL, "a rotary embedding turns pairs of columns");
    return tape->n_ropes - 1;
}
