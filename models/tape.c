#include "models/tape.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/size.h"
#include "kernels/pack.h"

// Parameters begin at multiples of this many floats: 64 bytes.
enum { PARAM_ALIGNMENT = 16, TAPE_MAX_PARTS = 8 };

size_t value_cols(Value value)
{
    return value.end - value.begin;
}

Tape tape_begin(Arena *arena, Layout weight_layout)
{
    return (Tape){.arena = arena, .weight_layout = weight_layout};
}

void tape_fail(Tape *tape, Status status, const char *what)
{
    if (tape->status != STATUS_OK) return;
    tape->status = status == STATUS_MEMORY
                       ? error_set_memory(&tape->error, 1, 1, what)
                       : error_set(&tape->error, status, "recording the model: %s", what);
}

Status tape_finish(Tape *tape, Error *err)
{
    if (!tape->has_output) tape_fail(tape, STATUS_INTERNAL, "it has no output");
    if (tape->status != STATUS_OK && err) *err = tape->error;
    return tape->status;
}

// The next free entry of a growing list in the tape's arena, or NULL.
static void *append(Tape *tape, void *list, size_t *count, size_t *capacity, size_t size)
{
    if (tape->status != STATUS_OK) return NULL;
    char *items;
    memcpy(&items, list, sizeof items);
    if (*count == *capacity) {
        const size_t larger = *capacity ? 2 * *capacity : 64;
        char *fresh = arena_alloc(tape->arena, larger, size);
        if (!fresh) {
            tape_fail(tape, STATUS_MEMORY, "a model's program");
            return NULL;
        }
        if (*count > 0) memcpy(fresh, items, *count * size);
        memcpy(list, &fresh, sizeof fresh);
        items = fresh;
        *capacity = larger;
    }
    return items + (*count)++ * size;
}

void tape_prefix(Tape *tape, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(tape->prefix, sizeof tape->prefix, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof tape->prefix)
        tape_fail(tape, STATUS_INTERNAL, "a prefix is too long");
}

void tape_group(Tape *tape, size_t group)
{
    tape->group = group;
}

// ---- parameters ----

static ParamId add_param(Tape *tape, Param param)
{
    Param *slot =
        append(tape, &tape->params, &tape->n_params, &tape->params_capacity, sizeof param);
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

ParamId tape_sinusoids(Tape *tape, size_t rows, size_t cols, float factor)
{
    return add_param(tape, (Param){.rows = rows,
                                   .cols = cols,
                                   .layout = LAYOUT_ROWS,
                                   .init = INIT_SINUSOIDS,
                                   .factor = factor,
                                   .source = PARAM_COMPUTED,
                                   .zero_row = -1});
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

ParamId tape_tied_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row)
{
    return add_table(tape, name, rows, cols, zero_row, tape->weight_layout);
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

ParamId tape_vector(Tape *tape, const char *name, size_t cols, ParamInit init)
{
    const DensePart part = {name, cols};
    return add_vector(tape, &part, 1, "", init);
}

ParamId tape_buffer(Tape *tape, const char *name, size_t cols)
{
    const ParamId id = tape_vector(tape, name, cols, INIT_ZERO);
    if (tape->status != STATUS_OK) return id;
    tape->params[id].is_one_row = true;
    tape->params[id].source = PARAM_BUFFER;
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

RopeId tape_rope_angles(Tape *tape, const TapeRope *rope)
{
    TapeRope *place =
        append(tape, &tape->ropes, &tape->n_ropes, &tape->ropes_capacity, sizeof *place);
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

// ---- operations ----

// Takes a node with its operands and gives it an output slot.
static Value add_node(Tape *tape, TapeNode node, RowDomain domain, size_t cols)
{
    TapeSlot *slot =
        append(tape, &tape->slots, &tape->n_slots, &tape->slots_capacity, sizeof *slot);
    if (!slot) return (Value){0};
    *slot = (TapeSlot){.domain = domain, .cols = cols};
    node.out = tape->n_slots - 1;
    TapeNode *place =
        append(tape, &tape->nodes, &tape->n_nodes, &tape->nodes_capacity, sizeof node);
    if (!place) return (Value){0};
    *place = node;
    return (Value){.slot = node.out, .begin = 0, .end = cols};
}

static RowDomain domain_of(const Tape *tape, Value value)
{
    return tape->status == STATUS_OK ? tape->slots[value.slot].domain : ROWS_TOKENS;
}

// Both operands are ours, so a mismatch is a mistake of the architecture's file.
static void check(Tape *tape, bool holds, const char *what)
{
    if (!holds) tape_fail(tape, STATUS_INTERNAL, what);
}

static Value embedding(Tape *tape, RowDomain domain, ParamId word, ParamId position, ParamId type)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t cols = tape->params[word].cols;
    const ParamId others[2] = {position, type};
    for (size_t i = 0; i < 2; i++) {
        check(tape, others[i] == PARAM_NONE || tape->params[others[i]].cols == cols,
              "embedding tables differ in width");
    }
    return add_node(tape,
                    (TapeNode){.op = OP_EMBEDDING, .params = {word, position, type}, .n_params = 3},
                    domain, cols);
}

Value tape_embedding(Tape *tape, ParamId word, ParamId position, ParamId type)
{
    if (tape->status == STATUS_OK)
        tape->params[word].is_gathered = tape->params[word].layout == LAYOUT_ROWS;
    return embedding(tape, ROWS_TOKENS, word, position, type);
}

Value tape_target_embedding(Tape *tape, ParamId word, ParamId position)
{
    if (tape->status == STATUS_OK) tape->params[word].is_gathered = false;
    return embedding(tape, ROWS_TARGETS, word, position, PARAM_NONE);
}

Value tape_linear(Tape *tape, Value x, Dense dense, Activation activation)
{
    return tape_linear_part(tape, x, dense, 0, dense.n_out, activation);
}

Value tape_linear_part(Tape *tape, Value x, Dense dense, size_t begin, size_t end,
                       Activation activation)
{
    if (tape->status != STATUS_OK) return (Value){0};
    check(tape, value_cols(x) == dense.n_in, "a dense layer's input has another width");
    check(tape, begin < end && end <= dense.n_out, "a part of a dense layer lies outside it");
    check(tape, begin % PANEL_WIDTH == 0 && (end % PANEL_WIDTH == 0 || end == dense.n_out),
          "a part of a dense layer cuts a panel");
    return add_node(tape,
                    (TapeNode){.op = OP_LINEAR,
                               .in = {x},
                               .n_in = 1,
                               .params = {dense.weight, dense.bias},
                               .n_params = 2,
                               .row_begin = begin,
                               .row_end = end,
                               .as.activation = activation},
                    domain_of(tape, x), end - begin);
}

Value tape_linear_tied(Tape *tape, Value x, ParamId table, ParamId bias)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t n_out = tape->params[table].rows;
    check(tape,
          value_cols(x) == tape->params[table].cols &&
              (bias == PARAM_NONE || tape->params[bias].cols == n_out),
          "a tied layer does not fit its table");
    tape->params[table].is_gathered = false;
    return add_node(tape,
                    (TapeNode){.op = OP_LINEAR,
                               .in = {x},
                               .n_in = 1,
                               .params = {table, bias},
                               .n_params = 2,
                               .row_end = n_out},
                    domain_of(tape, x), n_out);
}

static Value layer_norm(Tape *tape, const Value *in, size_t n_in, const char *name, float epsilon,
                        bool has_bias)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t cols = value_cols(in[0]);
    const DensePart part = {name, cols};
    const ParamId weight = add_vector(tape, &part, 1, ".weight", INIT_ONE);
    const ParamId bias = has_bias ? add_vector(tape, &part, 1, ".bias", INIT_ZERO) : PARAM_NONE;
    TapeNode node = {.op = OP_LAYER_NORM,
                     .n_in = n_in,
                     .params = {weight, bias},
                     .n_params = 2,
                     .as.norm.epsilon = epsilon};
    for (size_t i = 0; i < n_in; i++) {
        check(tape, value_cols(in[i]) == cols && domain_of(tape, in[i]) == domain_of(tape, in[0]),
              "a residual has another shape");
        node.in[i] = in[i];
    }
    return add_node(tape, node, domain_of(tape, in[0]), cols);
}

Value tape_layer_norm(Tape *tape, Value x, const char *name, float epsilon)
{
    return layer_norm(tape, &x, 1, name, epsilon, true);
}

Value tape_layer_norm_unbiased(Tape *tape, Value x, const char *name, float epsilon)
{
    return layer_norm(tape, &x, 1, name, epsilon, false);
}

Value tape_layer_norm_residual(Tape *tape, Value x, Value residual, const char *name, float epsilon)
{
    const Value in[2] = {x, residual};
    return layer_norm(tape, in, 2, name, epsilon, true);
}

Value tape_rms_norm(Tape *tape, Value x, const char *name, size_t width, float epsilon,
                    float weight_offset)
{
    if (tape->status != STATUS_OK) return (Value){0};
    check(tape, width > 0 && value_cols(x) % width == 0, "a norm's groups do not fit its input");
    const DensePart part = {name, width};
    const ParamInit init = weight_offset == 0.0f ? INIT_ONE : INIT_ZERO;
    const ParamId weight = add_vector(tape, &part, 1, ".weight", init);
    return add_node(tape,
                    (TapeNode){.op = OP_RMS_NORM,
                               .in = {x},
                               .n_in = 1,
                               .params = {weight},
                               .n_params = 1,
                               .as.norm = {.epsilon = epsilon, .weight_offset = weight_offset}},
                    domain_of(tape, x), value_cols(x));
}

Value tape_rope(Tape *tape, Value x, size_t head_dim, RopeId angles)
{
    if (tape->status != STATUS_OK) return (Value){0};
    check(tape, angles < tape->n_ropes && tape->ropes[angles].n_dims <= head_dim,
          "a rotary embedding turns more columns than a head has");
    check(tape, head_dim > 0 && value_cols(x) % head_dim == 0, "heads do not fit their value");
    TapeNode node = {.op = OP_ROPE, .in = {x}, .n_in = 1};
    node.as.rope.table = angles;
    node.as.rope.head_dim = head_dim;
    return add_node(tape, node, domain_of(tape, x), value_cols(x));
}

static bool same_shape(const Tape *tape, Value a, Value b)
{
    return value_cols(a) == value_cols(b) && domain_of(tape, a) == domain_of(tape, b);
}

Value tape_gated(Tape *tape, Value a, Value b, Activation activation)
{
    check(tape, same_shape(tape, a, b), "a gate has another shape than what it gates");
    return add_node(
        tape, (TapeNode){.op = OP_GATED, .in = {a, b}, .n_in = 2, .as.activation = activation},
        domain_of(tape, a), value_cols(a));
}

Value tape_add(Tape *tape, Value a, Value b)
{
    check(tape, same_shape(tape, a, b), "terms of a sum differ in shape");
    return add_node(tape, (TapeNode){.op = OP_ADD, .in = {a, b}, .n_in = 2, .as.add = {1.0f, 1.0f}},
                    domain_of(tape, a), value_cols(a));
}

Value tape_scale(Tape *tape, Value x, float factor)
{
    return add_node(tape, (TapeNode){.op = OP_ADD, .in = {x}, .n_in = 1, .as.add = {factor, 0.0f}},
                    domain_of(tape, x), value_cols(x));
}

Value tape_soft_cap(Tape *tape, Value x, float cap)
{
    check(tape, cap > 0.0f, "a soft cap must be above 0");
    return add_node(tape, (TapeNode){.op = OP_SOFT_CAP, .in = {x}, .n_in = 1, .as.cap = cap},
                    domain_of(tape, x), value_cols(x));
}

Value tape_attention(Tape *tape, Value q, Value k, Value v, const TapeAttention *attention)
{
    const size_t q_cols = attention->n_heads * attention->head_dim;
    const size_t kv_cols = attention->n_kv_heads * attention->head_dim;
    check(tape, value_cols(q) == q_cols && value_cols(k) == kv_cols && value_cols(v) == kv_cols,
          "attention's operands do not fit its heads");
    check(tape, attention->n_kv_heads > 0 && attention->n_heads % attention->n_kv_heads == 0,
          "heads do not share keys evenly");
    check(tape, domain_of(tape, k) == domain_of(tape, v), "keys and values have other rows");
    TapeNode node = {.op = OP_ATTENTION,
                     .in = {q, k, v},
                     .n_in = 3,
                     .dropout = attention->dropout,
                     .site = tape->n_sites++,
                     .as.attention = *attention};
    if (attention->relative_bucket) {
        node.params[0] = attention->relative_bias;
        node.n_params = 1;
    }
    if (attention->is_cached) {
        TapeCache *cache =
            append(tape, &tape->caches, &tape->n_caches, &tape->caches_capacity, sizeof *cache);
        if (!cache) return (Value){0};
        *cache = (TapeCache){.cols = kv_cols, .window = attention->window};
        node.as.attention.cache = tape->n_caches - 1;
    }
    return add_node(tape, node, domain_of(tape, q), q_cols);
}

Value tape_dropout(Tape *tape, Value x, float p)
{
    return add_node(
        tape,
        (TapeNode){.op = OP_DROPOUT, .in = {x}, .n_in = 1, .dropout = p, .site = tape->n_sites++},
        domain_of(tape, x), value_cols(x));
}

Value tape_chosen_tokens(Tape *tape, Value x)
{
    check(tape, domain_of(tape, x) == ROWS_TOKENS, "single tokens are taken of tokens");
    return add_node(tape, (TapeNode){.op = OP_SELECT_ROWS, .in = {x}, .n_in = 1}, ROWS_SEQUENCES,
                    value_cols(x));
}

Value tape_mean_pool(Tape *tape, Value x)
{
    check(tape, domain_of(tape, x) == ROWS_TOKENS, "a mean is taken of tokens");
    return add_node(tape, (TapeNode){.op = OP_MEAN_POOL, .in = {x}, .n_in = 1}, ROWS_SEQUENCES,
                    value_cols(x));
}

Value tape_output_rows(Tape *tape, Value x)
{
    check(tape, domain_of(tape, x) == ROWS_TOKENS, "outputs are rows of tokens");
    return add_node(tape, (TapeNode){.op = OP_SELECT_ROWS, .in = {x}, .n_in = 1}, ROWS_OUTPUTS,
                    value_cols(x));
}

Value tape_columns(Tape *tape, Value x, size_t begin, size_t end)
{
    check(tape, begin < end && end <= value_cols(x), "columns lie outside a value");
    return (Value){.slot = x.slot, .begin = x.begin + begin, .end = x.begin + end};
}

void tape_hidden(Tape *tape, Value x)
{
    Value *place = append(tape, &tape->hidden, &tape->n_hidden, &tape->hidden_capacity, sizeof x);
    if (place) *place = x;
}

void tape_output(Tape *tape, Value x)
{
    check(tape, !tape->has_output, "it has two outputs");
    tape->output = x;
    tape->has_output = true;
}
