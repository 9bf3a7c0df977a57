#include "models/tape.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/size.h"

// Parameters begin at multiples of this many floats: 64 bytes.
enum { PARAM_ALIGNMENT = 16 };

size_t value_cols(Value value)
{
    return value.end - value.begin;
}

Tape tape_begin(Arena *arena, Layout weight_layout)
{
    return (Tape){.arena = arena, .weight_layout = weight_layout};
}

static void fail(Tape *tape, Status status, const char *what)
{
    if (tape->status != STATUS_OK) return;
    tape->status = status == STATUS_MEMORY
                       ? error_set_memory(&tape->error, 1, 1, what)
                       : error_set(&tape->error, status, "recording the model: %s", what);
}

Status tape_finish(Tape *tape, Error *err)
{
    if (!tape->has_output) fail(tape, STATUS_INTERNAL, "it has no output");
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
            fail(tape, STATUS_MEMORY, "a model's program");
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
        fail(tape, STATUS_INTERNAL, "a prefix is too long");
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
        fail(tape, STATUS_INVALID, "a parameter is too large for this machine");
        return 0;
    }
    param.group = tape->group;
    param.storage = tensor_storage(param.rows, param.cols, param.layout);
    param.offset = tape->n_floats;
    tape->n_floats += size_round_up(param.storage, PARAM_ALIGNMENT);
    *slot = param;
    return tape->n_params - 1;
}

// Parts named PREFIX NAME SUFFIX, sharing `total` rows or columns equally.
static ParamPart *make_parts(Tape *tape, const char *const *names, size_t n_names,
                             const char *suffix, size_t total)
{
    if (tape->status != STATUS_OK) return NULL;
    ParamPart *parts = ARENA_NEW(tape->arena, ParamPart, n_names);
    for (size_t i = 0; parts && i < n_names; i++) {
        const char *name = arena_printf(tape->arena, "%s%s%s", tape->prefix, names[i], suffix);
        if (!name) {
            parts = NULL;
            break;
        }
        parts[i] = (ParamPart){.name = slice_from_cstr(name),
                               .begin = total / n_names * i,
                               .end = total / n_names * (i + 1)};
    }
    if (!parts) fail(tape, STATUS_MEMORY, "a parameter's name");
    return parts;
}

ParamId tape_table(Tape *tape, const char *name, size_t rows, size_t cols, int32_t zero_row)
{
    ParamPart *parts = make_parts(tape, &name, 1, ".weight", rows);
    return add_param(tape, (Param){.parts = parts,
                                   .n_parts = 1,
                                   .rows = rows,
                                   .cols = cols,
                                   .layout = LAYOUT_ROWS,
                                   .init = INIT_NORMAL,
                                   .zero_row = zero_row});
}

static ParamId add_vector(Tape *tape, const char *const *names, size_t n_names, const char *suffix,
                          size_t cols, ParamInit init)
{
    ParamPart *parts = make_parts(tape, names, n_names, suffix, cols);
    return add_param(tape, (Param){.parts = parts,
                                   .n_parts = n_names,
                                   .rows = 1,
                                   .cols = cols,
                                   .is_vector = true,
                                   .layout = LAYOUT_ROWS,
                                   .init = init,
                                   .zero_row = -1});
}

ParamId tape_vector(Tape *tape, const char *name, size_t cols, ParamInit init)
{
    return add_vector(tape, &name, 1, "", cols, init);
}

Dense tape_dense(Tape *tape, const char *const *names, size_t n_names, size_t n_in, size_t n_out)
{
    if (n_out % n_names != 0) fail(tape, STATUS_INTERNAL, "stacked layers must be of one size");
    ParamPart *parts = make_parts(tape, names, n_names, ".weight", n_out);
    const ParamId weight = add_param(tape, (Param){.parts = parts,
                                                   .n_parts = n_names,
                                                   .rows = n_out,
                                                   .cols = n_in,
                                                   .layout = tape->weight_layout,
                                                   .init = INIT_NORMAL,
                                                   .zero_row = -1});
    const ParamId bias = add_vector(tape, names, n_names, ".bias", n_out, INIT_ZERO);
    return (Dense){.weight = weight, .bias = bias, .n_in = n_in, .n_out = n_out};
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
    if (!holds) fail(tape, STATUS_INTERNAL, what);
}

Value tape_embedding(Tape *tape, ParamId word, ParamId position, ParamId type)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t cols = tape->params[word].cols;
    const ParamId added[] = {position, type};
    for (size_t i = 0; i < 2; i++) {
        check(tape, added[i] == PARAM_NONE || tape->params[added[i]].cols == cols,
              "embedding tables differ in width");
    }
    tape->params[word].is_gathered = true;
    return add_node(tape,
                    (TapeNode){.op = OP_EMBEDDING, .params = {word, position, type}, .n_params = 3},
                    ROWS_TOKENS, cols);
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
    check(tape, value_cols(x) == tape->params[table].cols && tape->params[bias].cols == n_out,
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

static Value layer_norm(Tape *tape, const Value *in, size_t n_in, const char *name, float epsilon)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t cols = value_cols(in[0]);
    const ParamId weight = add_vector(tape, &name, 1, ".weight", cols, INIT_ONE);
    const ParamId bias = add_vector(tape, &name, 1, ".bias", cols, INIT_ZERO);
    TapeNode node = {.op = OP_LAYER_NORM,
                     .n_in = n_in,
                     .params = {weight, bias},
                     .n_params = 2,
                     .as.epsilon = epsilon};
    for (size_t i = 0; i < n_in; i++) {
        check(tape, value_cols(in[i]) == cols && domain_of(tape, in[i]) == domain_of(tape, in[0]),
              "a residual has another shape");
        node.in[i] = in[i];
    }
    return add_node(tape, node, domain_of(tape, in[0]), cols);
}

Value tape_layer_norm(Tape *tape, Value x, const char *name, float epsilon)
{
    return layer_norm(tape, &x, 1, name, epsilon);
}

Value tape_layer_norm_residual(Tape *tape, Value x, Value residual, const char *name, float epsilon)
{
    const Value in[2] = {x, residual};
    return layer_norm(tape, in, 2, name, epsilon);
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
    return add_node(tape,
                    (TapeNode){.op = OP_ATTENTION,
                               .in = {q, k, v},
                               .n_in = 3,
                               .dropout = attention->dropout,
                               .site = tape->n_sites++,
                               .as.attention = *attention},
                    domain_of(tape, q), q_cols);
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
