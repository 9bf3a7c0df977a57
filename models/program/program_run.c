#include <assert.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/pack.h"
#include "models/program/program_internal.h"

// ---- tensors of a step ----

static Tensor slot_tensor(const ProgramRun *run, size_t index, size_t begin, size_t end)
{
    const ProgramSlot *slot = &run->program->slots[index];
    const Extent extent = extent_of_run(run);
    Tensor t =
        tensor_f32(run->memory->buffers + run->memory->offsets[slot->buffer] + slot->begin + begin,
                   extent_rows(&extent, slot->domain), end - begin);
    t.device = exec_device(run->exec);
    t.row_stride = t.device.kind == DEVICE_CPU ? slot->stride : slot->stride_elsewhere;
    return t;
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

// Rows begin .. end of a parameter whose parts lie apart, all of one part.
static Tensor part_tensor(const ProgramRun *run, const Param *param, size_t part, size_t begin,
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
        if (param->places) return part_tensor(run, param, 0, operand->begin, operand->end);
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

// ---- steps ----

static DropoutArgs dropout_args(const ProgramRun *run, const ProgramStep *step)
{
    return (DropoutArgs){.p = step->dropout,
                         .seed = run->seed,
                         .step = run->step,
                         .site = step->site,
                         .batch = run->ragged[step->rows],
                         .first_row =
                             step->rows == ROWS_RELATIVE ? (uint32_t)run->first_relative : 0};
}

static EmbeddingArgs embedding_args(const ProgramRun *run, const ProgramStep *step,
                                    const TapeNode *node)
{
    const bool by_row = step->out[0].kind == OPERAND_ROWS, by_target = step->rows == ROWS_TARGETS;
    const int32_t padding = run->program->tape->params[node->params[0]].zero_row;
    const EmbeddingArgs args = {
        .ids = node->as.embedding.is_by_position ? run->device_positions
               : by_row && by_target             ? run->unit.row_of_target
               : by_target                       ? run->device_target_ids
               : step->rows == ROWS_RELATIVE     ? run->device_relative
               : by_row                          ? run->device_rows
                                                 : run->device_ids,
        .position_ids = by_target ? run->device_target_positions : run->device_positions,
        .type_ids = run->device_types,
        .has_padding = padding >= 0 && !by_row, // a gathered row is not its id
        .padding_id = padding};
    return args;
}

static void set_attention(const ProgramRun *run, const ProgramStep *step, const TapeNode *node,
                          OpArgs *args)
{
    const TapeAttention *a = &node->as.attention;
    args->as.attention = (AttentionArgs){.n_heads = a->n_heads,
                                         .n_kv_heads = a->n_kv_heads,
                                         .head_dim = a->head_dim,
                                         .scale = a->scale,
                                         .is_causal = a->is_causal,
                                         .window = a->window,
                                         .soft_cap = a->soft_cap,
                                         .relative_bucket = a->relative_bucket,
                                         .relative_reach = a->relative_reach,
                                         .first_bucket = (int32_t)run->first_relative,
                                         .queries = run->ragged[step->rows],
                                         .keys = run->ragged[step->key_rows],
                                         .dropout = dropout_args(run, step)};
}

// The arguments of a step that are no tensors.
static void set_arguments(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const TapeNode *node = &run->program->tape->nodes[step->node];
    switch (step->op) {
    case OP_EMBEDDING:
    case OP_EMBEDDING_BACKWARD:
        args->as.embedding = embedding_args(run, step, node);
        break;
    case OP_LINEAR:
    case OP_LINEAR_BACKWARD:
        args->as.linear.activation = node->as.activation;
        break;
    case OP_LAYER_NORM:
    case OP_LAYER_NORM_BACKWARD:
    case OP_RMS_NORM:
    case OP_RMS_NORM_BACKWARD:
        args->as.norm = node->as.norm;
        break;
    case OP_ROPE:
        args->as.rope =
            (RopeArgs){.head_dim = node->as.rope.head_dim, .is_inverse = step->is_backward};
        break;
    case OP_GATED:
    case OP_GATED_BACKWARD:
        args->as.gated.activation = node->as.activation;
        break;
    case OP_ADD:
        args->as.add = step->add;
        break;
    case OP_SOFT_CAP:
    case OP_SOFT_CAP_BACKWARD:
        args->as.soft_cap.cap = node->as.cap;
        break;
    case OP_ATTENTION:
    case OP_ATTENTION_BACKWARD:
    case OP_DISENTANGLED:
    case OP_DISENTANGLED_BACKWARD:
        set_attention(run, step, node, args);
        break;
    case OP_DROPOUT:
        args->as.dropout = dropout_args(run, step);
        break;
    case OP_SELECT_ROWS:
    case OP_SELECT_ROWS_BACKWARD:
        args->as.select.rows =
            step->rows == ROWS_OUTPUTS ? run->device_outputs : run->device_chosen;
        break;
    case OP_ROUTE:
    case OP_ROUTE_BACKWARD:
        args->as.route = node->as.route.args;
        break;
    case OP_MEAN_POOL:
    case OP_MEAN_POOL_BACKWARD:
        args->as.pool.batch = run->ragged[ROWS_TOKENS];
        break;
    case OP_ADD_SCALED:
        args->as.scale.factor = 1.0f;
        break;
    default:
        assert(step->op == NODE_EXPERTS); // programs have no other operation
    }
}

// Row `row` of pages of keys and values (AttentionArgs.pages_by_head).
static void store_row(const TapeAttention *a, const float *key, const float *value, size_t row,
                      float *key_page, float *value_page)
{
    const size_t cols = a->n_kv_heads * a->head_dim;
    for (size_t c = 0; c < cols; c++) key_page[c * PANEL_WIDTH + row] = key[c];
    for (size_t h = 0; h < a->n_kv_heads; h++)
        memcpy(value_page + (h * PANEL_WIDTH + row) * a->head_dim, value + h * a->head_dim,
               a->head_dim * sizeof *value);
}

// The keys and values of the unit's tokens go into their sequences' pages; the attention reads them there.
static void store_keys(const ProgramRun *run, const TapeAttention *attention, const Tensor *keys,
                       const Tensor *values)
{
    const ProgramCache *c = run->unit.cache;
    const size_t cache = attention->cache;
    for (size_t s = 0; s < run->unit.n_sequences; s++) {
        const size_t begin = (size_t)run->unit.offsets[s], end = (size_t)run->unit.offsets[s + 1];
        const size_t n_keys = (size_t)(c->key_offsets[s + 1] - c->key_offsets[s]);
        for (size_t i = begin; i < end; i++) {
            const size_t row = n_keys - (end - i), page = s * c->max_pages + row / c->page_rows;
            store_row(attention, (const float *)keys->data + i * keys->row_stride,
                      (const float *)values->data + i * values->row_stride, row % c->page_rows,
                      c->key_pages[cache][page], c->value_pages[cache][page]);
        }
    }
}

static void attend_cached(const ProgramRun *run, const TapeNode *node, OpArgs *args)
{
    const ProgramCache *c = run->unit.cache;
    const size_t cache = node->as.attention.cache;
    store_keys(run, &node->as.attention, &args->in[1], &args->in[2]);
    args->in[1] = args->in[2] = (Tensor){0};
    args->as.attention.keys =
        (Ragged){.n_sequences = run->unit.n_sequences, .offsets = run->device_key_offsets};
    args->as.attention.pages_by_head = 1;
    args->as.attention.key_pages = (const float *const *)c->key_pages[cache];
    args->as.attention.value_pages = (const float *const *)c->value_pages[cache];
    args->as.attention.page_rows = c->page_rows;
    args->as.attention.max_pages = c->max_pages;
}

static void store_rows(const Tensor *rows, float *to)
{
    for (size_t i = 0; i < rows->rows; i++) {
        memcpy(to + i * rows->cols, (const float *)rows->data + i * rows->row_stride,
               rows->cols * sizeof *to);
    }
}

// Keys as the attention reads them from pages.
static void store_keys_of(const ProgramAttention *a, const Tensor *keys, float *to)
{
    if (!a->by_column) {
        store_rows(keys, to);
        return;
    }
    for (size_t i = 0; i < keys->rows; i++)
        attention_order_columns(a->n_heads, a->cols / a->n_heads,
                                (const float *)keys->data + i * keys->row_stride, to + i * a->cols);
}

// An attention of targets that come one by one.
static void attend_pages(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const AttentionPages *pages = &run->unit.target_pages[step->attention];
    if (pages->new_keys) {
        store_keys_of(&run->program->attentions[step->attention], &args->in[1], pages->new_keys);
        store_rows(&args->in[2], pages->new_values);
    }
    args->in[1] = args->in[2] = (Tensor){0};
    args->as.attention.queries.n_sequences = pages->n_sequences;
    args->as.attention.queries.offsets = pages->query_offsets;
    args->as.attention.keys =
        (Ragged){.n_sequences = pages->n_sequences, .offsets = pages->key_offsets};
    args->as.attention.keys_by_column = run->program->attentions[step->attention].by_column;
    args->as.attention.key_pages = pages->keys;
    args->as.attention.value_pages = pages->values;
    args->as.attention.page_rows = pages->page_rows;
    args->as.attention.max_pages = pages->max_pages;
}

// Word embeddings of the unit's own: row i of them where the table has a token's id.
static void read_rows(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const float *values = run->unit.row_values;
    memcpy(&args->in[0].data, &values, sizeof values); // a view drops the const; only read
    args->in[0].rows = run->unit.n_rows;
    args->as.embedding.ids =
        step->rows == ROWS_TARGETS ? run->unit.row_of_target : run->device_rows;
}

// Columns of y from the order of a file's rows into that of use. row: as many numbers as y has columns.
static void order_columns(const Tensor *y, const RowOrder *order, float *row)
{
    for (size_t i = 0; i < y->rows; i++) {
        float *to = (float *)y->data + i * y->row_stride;
        memcpy(row, to, y->cols * sizeof *row);
        for (size_t j = 0; j < y->cols; j++) to[j] = row[row_order_in_tensor(order, y->cols, j)];
    }
}

// A product whose weight has its rows in another order. The bias goes in with it, in their order: added afterwards it would
// round once more.
static Status run_reordered(const ProgramRun *run, OpArgs *args, const RowOrder *order, Error *err)
{
    Exec *exec = run->exec;
    const size_t mark = exec_scratch_mark(exec), n = args->out[0].cols;
    const float *bias = args->in[2].data;
    float *row = exec_scratch(exec, 2 * n * sizeof *row);
    if (!row) return error_set_memory(err, 2 * n, sizeof *row, "a row of keys");
    if (bias) {
        for (size_t j = 0; j < n; j++) row[n + row_order_in_tensor(order, n, j)] = bias[j];
        args->in[2].data = row + n;
    }
    const Status s = program_run_op(run, exec_linear(exec, &args->in[1]), args, err);
    if (s == STATUS_OK) order_columns(&args->out[0], order, row);
    exec_scratch_release(exec, mark);
    return s;
}

// A product with a weight whose parts lie apart: one a part, each into its own columns.
static Status run_parts(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                        Error *err)
{
    const Operand *weight = &step->in[1];
    const Param *param = &run->program->tape->params[weight->index];
    for (size_t p = 0; p < param->n_parts; p++) {
        const ParamPart *part = &param->parts[p];
        const size_t begin = part->begin > weight->begin ? part->begin : weight->begin;
        const size_t end = part->end < weight->end ? part->end : weight->end;
        const RowOrder *order = &param->places[p].order;
        if (begin >= end) continue;
        OpArgs own = *args;
        own.in[1] = part_tensor(run, param, p, begin, end);
        own.out[0] = tensor_columns(args->out[0], begin - weight->begin, end - weight->begin);
        own.in[2] = tensor_columns(args->in[2], begin - weight->begin, end - weight->begin);
        if (order->head_dim == 0) {
            TRY(program_run_op(run, exec_linear(run->exec, &own.in[1]), &own, err));
            continue;
        }
        if (end - begin != part->end - part->begin || own.as.linear.activation != ACTIVATION_NONE)
            return error_set(err, STATUS_INTERNAL,
                             "rows in another order are multiplied in one piece");
        TRY(run_reordered(run, &own, order, err));
    }
    return STATUS_OK;
}

static bool is_in_parts(const ProgramRun *run, const ProgramStep *step)
{
    return step->op == OP_LINEAR && run->program->tape->params[step->in[1].index].places;
}

// A step's tensors and settings: those of the program, and what the unit has in their place.
static void take_arguments(ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    memset(args, 0, sizeof *args);
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (step->in[k].kind != OPERAND_NONE) args->in[k] = program_operand(run, &step->in[k]);
    }
    for (size_t k = 0; k < OP_MAX_OUT; k++) {
        if (step->out[k].kind != OPERAND_NONE) args->out[k] = program_operand(run, &step->out[k]);
    }
    set_arguments(run, step, args);
    const TapeNode *node = &run->program->tape->nodes[step->node];
    if (step->op == OP_ATTENTION && run->unit.cache && node->as.attention.is_cached)
        attend_cached(run, node, args);
    const bool has_rows =
        step->rows == ROWS_TOKENS || (step->rows == ROWS_TARGETS && run->unit.row_of_target);
    if (step->op == OP_EMBEDDING && run->unit.row_values && has_rows &&
        !node->as.embedding.is_by_position)
        read_rows(run, step, args);
    if (step->op == OP_ATTENTION && run->unit.target_pages && step->rows == ROWS_TARGETS)
        attend_pages(run, step, args);
}

// The operation of a step in the Exec's compute mode. Decoders meet keys one by one or all at once, and must find the same
// numbers: their attention stays as it is.
static OpKind operation(const ProgramRun *run, const ProgramStep *step, const OpArgs *args)
{
    if (step->op != OP_ATTENTION || step->rows == ROWS_TARGETS || args->as.attention.is_causal ||
        args->as.attention.key_pages || args->as.attention.dropout.p > 0 || args->out[1].data)
        return step->op;
    return exec_attention(run->exec);
}

Status program_linear(const ProgramRun *run, const OpArgs *args, Error *err)
{
    if (run->bf16_products && program_low_takes(&args->in[1]))
        return program_low_linear(run->exec, args, err);
    return program_run_op(run, exec_linear(run->exec, &args->in[1]), args, err);
}

Status program_linear_backward(const ProgramRun *run, const OpArgs *args, Error *err)
{
    if (run->bf16_products && program_low_takes(&args->in[2]))
        return program_low_backward(run->exec, args, err);
    return program_run_op(run, OP_LINEAR_BACKWARD, args, err);
}

static Status run_step(ProgramRun *run, const ProgramStep *step, OpArgs *args, Error *err)
{
    if (step->op == NODE_EXPERTS)
        return step->is_backward ? program_experts_backward(run, step, args, err)
                                 : program_experts(run, step, args, err);
    if (step->op == OP_LINEAR_BACKWARD) return program_linear_backward(run, args, err);
    if (is_in_parts(run, step)) return run_parts(run, step, args, err);
    if (step->op == OP_LINEAR) return program_linear(run, args, err);
    return program_run_op(run, operation(run, step, args), args, err);
}

// The weights of the product after step i, among steps begin .. end; the first one follows the last, in the next unit.
static const float *next_weights(const ProgramRun *run, size_t i, size_t begin, size_t end)
{
    for (size_t n = 1; n < end - begin; n++) {
        const size_t at = i + n < end ? i + n : i + n - (end - begin);
        const ProgramStep *step = &run->program->steps[at];
        if (step->op == OP_LINEAR) return program_operand(run, &step->in[1]).data;
    }
    return NULL;
}

// What an attention that comes before the next product reads from pages.
static const FetchList *next_pages(const ProgramRun *run, size_t i, size_t end)
{
    for (size_t at = i + 1; run->unit.target_pages && at < end; at++) {
        const ProgramStep *step = &run->program->steps[at];
        if (step->op == OP_LINEAR) break;
        if (step->op == OP_ATTENTION && step->rows == ROWS_TARGETS)
            return &run->unit.target_pages[step->attention].fetch;
    }
    return NULL;
}

// Whether a product's weight is rounded by row and lies in one piece, so that OP_FEED_FORWARD_I8 takes it.
static bool is_rounded_by_row(const ProgramRun *run, const ProgramStep *step, const Tensor *weight)
{
    const Param *param = &run->program->tape->params[step->in[1].index];
    if (param->places && (param->n_parts > 1 || param->places[0].order.head_dim > 0)) return false;
    return weight->dtype == DTYPE_Q8_ROW && exec_linear(run->exec, weight) == OP_LINEAR_I8;
}

// Whether the product of step i is all that the next one takes. That alone decides how it is rounded, so that every program of a
// model finds the same numbers.
static bool feeds_next(const ProgramRun *run, size_t i, size_t end)
{
    const ProgramStep *step = &run->program->steps[i], *next = step + 1;
    return i + 1 < end && step->op == OP_LINEAR && next->op == OP_LINEAR &&
           step->in[0].kind == OPERAND_SLOT && next->in[0].kind == OPERAND_SLOT &&
           next->in[0].index == step->out[0].index && next->in[0].begin == 0 &&
           next->in[0].end == run->program->slots[step->out[0].index].cols;
}

// Whether the two can be one operation: nobody else reads what is between them, and rows of x, which are read before their own
// rows of y are written but after others, lie elsewhere. Several threads cut a product by its outputs, and so each by itself.
static bool is_one_operation(const ProgramRun *run, size_t i)
{
    const ProgramStep *step = &run->program->steps[i], *next = step + 1;
    const ProgramSlot *slots = run->program->slots, *inner = &slots[step->out[0].index];
    const Activation activation = run->program->tape->nodes[next->node].as.activation;
    return !run->help && !inner->is_pinned && inner->last == i + 1 &&
           activation == ACTIVATION_NONE && step->out[1].kind == OPERAND_NONE &&
           next->out[1].kind == OPERAND_NONE &&
           slots[step->in[0].index].buffer != slots[next->out[0].index].buffer;
}

// Steps i and i + 1 where they are two layers of int8, the second of which takes the first's numbers alone; else *done stays
// false. args: those of step i.
static Status run_feed_forward(ProgramRun *run, size_t i, size_t end, const OpArgs *args,
                               bool *done, Error *err)
{
    const ProgramStep *step = &run->program->steps[i];
    OpArgs outer, both = *args;
    if (!feeds_next(run, i, end) || !is_rounded_by_row(run, step, &args->in[1])) return STATUS_OK;
    take_arguments(run, step + 1, &outer);
    if (!is_rounded_by_row(run, step + 1, &outer.in[1])) return STATUS_OK;
    *done = true;
    if (!is_one_operation(run, i)) {
        outer.as.linear.scales_by_block = 1;
        TRY(program_run_op(run, OP_LINEAR_I8, args, err));
        return program_run_op(run, OP_LINEAR_I8, &outer, err);
    }
    both.in[3] = outer.in[1];
    both.in[4] = outer.in[2];
    both.out[0] = outer.out[0];
    return op_run(run->exec, OP_FEED_FORWARD_I8, DTYPE_F32, &both, err);
}

static Status run_steps(ProgramRun *run, size_t begin, size_t end, Error *err)
{
    for (size_t i = begin; i < end; i++) {
        const ProgramStep *step = &run->program->steps[i];
        OpArgs args;
        bool done = false;
        take_arguments(run, step, &args);
        TRY(run_feed_forward(run, i, end, &args, &done, err));
        if (done) {
            i++;
            continue;
        }
        if (step->op == OP_LINEAR) {
            args.as.linear.next = next_weights(run, i, begin, end);
            args.as.linear.fetch = next_pages(run, i, end);
        }
        TRY(run_step(run, step, &args, err));
    }
    return STATUS_OK;
}

Status program_forward(ProgramRun *run, Error *err)
{
    return run_steps(run, 0, run->program->n_forward, err);
}

Status program_backward(ProgramRun *run, Error *err)
{
    return run_steps(run, run->program->n_forward, run->program->n_steps, err);
}
