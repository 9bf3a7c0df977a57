// The operations that an architecture records on a tape, each with its check of shapes; attention and experts have files of their own.
#include "kernels/causal_conv.h"
#include "models/program/tape_internal.h"

Value tape_add_node(Tape *tape, TapeNode node, RowDomain domain, size_t cols)
{
    TapeSlot *slot =
        tape_append(tape, &tape->slots, &tape->n_slots, &tape->slots_capacity, sizeof *slot);
    if (!slot) return (Value){0};
    *slot = (TapeSlot){.domain = domain, .cols = cols};
    node.out = tape->n_slots - 1;
    TapeNode *place =
        tape_append(tape, &tape->nodes, &tape->n_nodes, &tape->nodes_capacity, sizeof node);
    if (!place) return (Value){0};
    *place = node;
    return (Value){.slot = node.out, .begin = 0, .end = cols};
}

RowDomain tape_domain(const Tape *tape, Value value)
{
    return tape->status == STATUS_OK ? tape->slots[value.slot].domain : ROWS_TOKENS;
}

void tape_check(Tape *tape, bool holds, const char *what)
{
    if (!holds) tape_fail(tape, STATUS_INTERNAL, what);
}

static Value embedding(Tape *tape, RowDomain domain, ParamId word, ParamId position, ParamId type)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t cols = tape->params[word].cols;
    const ParamId others[2] = {position, type};
    for (size_t i = 0; i < 2; i++) {
        tape_check(tape, others[i] == PARAM_NONE || tape->params[others[i]].cols == cols,
                   "embedding tables differ in width");
    }
    return tape_add_node(
        tape, (TapeNode){.op = OP_EMBEDDING, .params = {word, position, type}, .n_params = 3},
        domain, cols);
}

static bool is_read_before(const Tape *tape, ParamId word)
{
    for (size_t i = 0; i < tape->n_nodes; i++) {
        if (tape->nodes[i].op == OP_EMBEDDING && tape->nodes[i].params[0] == word) return true;
    }
    return false;
}

// A tape has one list of rows, which is the largest table's.
static void choose_gathered(Tape *tape)
{
    Param *largest = NULL;
    for (size_t i = 0; i < tape->n_params; i++) {
        Param *param = &tape->params[i];
        param->is_gathered = false;
        if (param->is_looked_up && (!largest || param->storage > largest->storage)) largest = param;
    }
    if (largest) largest->is_gathered = true;
}

static void set_looked_up(Tape *tape, ParamId table, bool is_looked_up)
{
    tape->params[table].is_looked_up = is_looked_up;
    choose_gathered(tape);
}

Value tape_embedding(Tape *tape, ParamId word, ParamId position, ParamId type)
{
    if (tape->status == STATUS_OK)
        set_looked_up(tape, word,
                      tape->params[word].layout == LAYOUT_ROWS && !is_read_before(tape, word));
    return embedding(tape, ROWS_TOKENS, word, position, type);
}

static Value positions(Tape *tape, RowDomain domain, ParamId table, size_t first_row)
{
    if (tape->status != STATUS_OK) return (Value){0};
    tape_check(tape, first_row < tape->params[table].rows, "a table of positions has no rows");
    const TapeNode node = {.op = OP_EMBEDDING,
                           .params = {table, PARAM_NONE, PARAM_NONE},
                           .n_params = 3,
                           .as.embedding = {.is_by_position = true, .first_row = first_row}};
    return tape_add_node(tape, node, domain, tape->params[table].cols);
}

Value tape_positions(Tape *tape, ParamId table, size_t first_row)
{
    return positions(tape, ROWS_TOKENS, table, first_row);
}

Value tape_target_positions(Tape *tape, ParamId table)
{
    return positions(tape, ROWS_TARGETS, table, 0);
}

Value tape_first_row(Tape *tape, ParamId table)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const TapeNode node = {.op = OP_EMBEDDING,
                           .params = {table, PARAM_NONE, PARAM_NONE},
                           .n_params = 3,
                           .as.embedding = {.is_by_position = true, .is_one_row = true}};
    return tape_add_node(tape, node, ROWS_TOKENS, tape->params[table].cols);
}

Value tape_target_embedding(Tape *tape, ParamId word, ParamId position)
{
    if (tape->status == STATUS_OK) set_looked_up(tape, word, false);
    return embedding(tape, ROWS_TARGETS, word, position, PARAM_NONE);
}

Value tape_relative_rows(Tape *tape, ParamId table, const int32_t *bucket, int32_t reach)
{
    if (tape->status != STATUS_OK) return (Value){0};
    tape_check(tape, tape->n_relative == 0, "relative positions have one list of buckets");
    tape->relative_bucket = bucket;
    tape->relative_reach = reach;
    tape->n_relative = tape->params[table].rows;
    return embedding(tape, ROWS_RELATIVE, table, PARAM_NONE, PARAM_NONE);
}

Value tape_linear(Tape *tape, Value x, Dense dense, Activation activation)
{
    return tape_linear_part(tape, x, dense, 0, dense.n_out, activation);
}

Value tape_linear_part(Tape *tape, Value x, Dense dense, size_t begin, size_t end,
                       Activation activation)
{
    if (tape->status != STATUS_OK) return (Value){0};
    tape_check(tape, value_cols(x) == dense.n_in, "a dense layer's input has another width");
    tape_check(tape, begin < end && end <= dense.n_out, "a part of a dense layer lies outside it");
    tape_check(tape, begin % PANEL_WIDTH == 0 && (end % PANEL_WIDTH == 0 || end == dense.n_out),
               "a part of a dense layer cuts a panel");
    return tape_add_node(tape,
                         (TapeNode){.op = OP_LINEAR,
                                    .in = {x},
                                    .n_in = 1,
                                    .params = {dense.weight, dense.bias},
                                    .n_params = 2,
                                    .row_begin = begin,
                                    .row_end = end,
                                    .as.activation = activation},
                         tape_domain(tape, x), end - begin);
}

Value tape_linear_tied(Tape *tape, Value x, ParamId table, ParamId bias)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t n_out = tape->params[table].rows;
    tape_check(tape,
               value_cols(x) == tape->params[table].cols &&
                   (bias == PARAM_NONE || tape->params[bias].cols == n_out),
               "a tied layer does not fit its table");
    set_looked_up(tape, table, false);
    return tape_add_node(tape,
                         (TapeNode){.op = OP_LINEAR,
                                    .in = {x},
                                    .n_in = 1,
                                    .params = {table, bias},
                                    .n_params = 2,
                                    .row_end = n_out},
                         tape_domain(tape, x), n_out);
}

LayerNorm tape_layer_norm_params(Tape *tape, const char *name, size_t cols)
{
    const ParamId weight = tape_suffixed_vector(tape, name, ".weight", cols, INIT_ONE);
    return (LayerNorm){weight, tape_suffixed_vector(tape, name, ".bias", cols, INIT_ZERO)};
}

LayerNorm tape_offset_norm_params(Tape *tape, const char *name, size_t cols, bool has_bias)
{
    const ParamId weight = tape_suffixed_vector(tape, name, ".weight", cols, INIT_ZERO);
    return (LayerNorm){weight, has_bias ? tape_suffixed_vector(tape, name, ".bias", cols, INIT_ZERO)
                                        : PARAM_NONE};
}

static Value layer_norm(Tape *tape, const Value *in, size_t n_in, LayerNorm norm, NormArgs args)
{
    if (tape->status != STATUS_OK) return (Value){0};
    const size_t cols = value_cols(in[0]), n_weights = tape->params[norm.weight].cols;
    TapeNode node = {.op = OP_LAYER_NORM,
                     .n_in = n_in,
                     .params = {norm.weight, norm.bias},
                     .n_params = 2,
                     .as.norm = args};
    tape_check(tape, n_weights == cols || (args.group > 0 && n_weights == args.group),
               "a norm has another width than its input");
    tape_check(tape, args.group == 0 || cols % args.group == 0,
               "a norm's groups do not fit its input");
    tape_check(tape, n_in == 1 || cols == tape->slots[in[0].slot].cols,
               "columns of a value have a residual");
    for (size_t i = 0; i < n_in; i++) {
        tape_check(
            tape, value_cols(in[i]) == cols && tape_domain(tape, in[i]) == tape_domain(tape, in[0]),
            "a residual has another shape");
        node.in[i] = in[i];
    }
    return tape_add_node(tape, node, tape_domain(tape, in[0]), cols);
}

Value tape_layer_norm(Tape *tape, Value x, const char *name, float epsilon)
{
    const LayerNorm norm = tape_layer_norm_params(tape, name, value_cols(x));
    return layer_norm(tape, &x, 1, norm, (NormArgs){.epsilon = epsilon});
}

Value tape_layer_norm_unbiased(Tape *tape, Value x, const char *name, float epsilon)
{
    const ParamId weight = tape_suffixed_vector(tape, name, ".weight", value_cols(x), INIT_ONE);
    return layer_norm(tape, &x, 1, (LayerNorm){weight, PARAM_NONE}, (NormArgs){.epsilon = epsilon});
}

Value tape_layer_norm_of(Tape *tape, Value x, LayerNorm norm, NormArgs args)
{
    return layer_norm(tape, &x, 1, norm, args);
}

Value tape_layer_norm_shared(Tape *tape, Value x, Value residual, LayerNorm norm, float epsilon)
{
    const Value in[2] = {x, residual};
    return layer_norm(tape, in, 2, norm, (NormArgs){.epsilon = epsilon});
}

Value tape_layer_norm_residual(Tape *tape, Value x, Value residual, const char *name, float epsilon)
{
    const LayerNorm norm = tape_layer_norm_params(tape, name, value_cols(x));
    return tape_layer_norm_shared(tape, x, residual, norm, epsilon);
}

Value tape_rms_norm(Tape *tape, Value x, const char *name, size_t width, float epsilon,
                    float weight_offset)
{
    if (tape->status != STATUS_OK) return (Value){0};
    tape_check(tape, width > 0 && value_cols(x) % width == 0,
               "a norm's groups do not fit its input");
    const ParamInit init = weight_offset == 0.0f ? INIT_ONE : INIT_ZERO;
    const ParamId weight = tape_suffixed_vector(tape, name, ".weight", width, init);
    return tape_rms_norm_of(tape, x, weight,
                            (NormArgs){.epsilon = epsilon, .weight_offset = weight_offset});
}

Value tape_rms_norm_of(Tape *tape, Value x, ParamId weight, NormArgs args)
{
    if (tape->status != STATUS_OK) return (Value){0};
    tape_check(tape, value_cols(x) % tape->params[weight].cols == 0,
               "a norm's groups do not fit its input");
    return tape_add_node(tape,
                         (TapeNode){.op = OP_RMS_NORM,
                                    .in = {x},
                                    .n_in = 1,
                                    .params = {weight},
                                    .n_params = 1,
                                    .as.norm = args},
                         tape_domain(tape, x), value_cols(x));
}

Value tape_rope(Tape *tape, Value x, size_t head_dim, RopeId angles)
{
    if (tape->status != STATUS_OK) return (Value){0};
    tape_check(tape, angles < tape->n_ropes && tape->ropes[angles].n_dims <= head_dim,
               "a rotary embedding turns more columns than a head has");
    tape_check(tape, head_dim > 0 && value_cols(x) % head_dim == 0, "heads do not fit their value");
    TapeNode node = {.op = OP_ROPE, .in = {x}, .n_in = 1};
    node.as.rope.table = angles;
    node.as.rope.head_dim = head_dim;
    return tape_add_node(tape, node, tape_domain(tape, x), value_cols(x));
}

static bool same_shape(const Tape *tape, Value a, Value b)
{
    return value_cols(a) == value_cols(b) && tape_domain(tape, a) == tape_domain(tape, b);
}

Value tape_gated(Tape *tape, Value a, Value b, Activation activation)
{
    tape_check(tape, same_shape(tape, a, b), "a gate has another shape than what it gates");
    return tape_add_node(
        tape, (TapeNode){.op = OP_GATED, .in = {a, b}, .n_in = 2, .as.activation = activation},
        tape_domain(tape, a), value_cols(a));
}

Value tape_causal_conv(Tape *tape, Value x, const char *name, size_t n_taps, bool has_bias)
{
    const size_t cols = value_cols(x);
    tape_check(tape, tape_domain(tape, x) == ROWS_TOKENS, "a convolution is of all tokens");
    tape_check(tape, n_taps >= 1 && n_taps <= CAUSAL_CONV_MAX, "a convolution has too many taps");
    if (tape->status != STATUS_OK) return (Value){0};
    TapeNode node = {.op = OP_CAUSAL_CONV, .in = {x}, .n_in = 1, .n_params = 2};
    node.params[0] = tape_conv_weight(tape, name, cols, n_taps);
    node.params[1] =
        has_bias ? tape_suffixed_vector(tape, name, ".bias", cols, INIT_ZERO) : PARAM_NONE;
    node.as.conv.state = tape->n_state;
    tape->n_state += (n_taps - 1) * cols;
    return tape_add_node(tape, node, ROWS_TOKENS, cols);
}

Value tape_delta_rule(Tape *tape, Value q, Value k, Value v, Value gates, const DeltaArgs *args)
{
    const size_t n_keys = args->n_key_heads * args->key_dim, n = args->n_heads * args->value_dim;
    tape_check(tape,
               tape_domain(tape, q) == ROWS_TOKENS && same_shape(tape, q, k) &&
                   tape_domain(tape, v) == ROWS_TOKENS && tape_domain(tape, gates) == ROWS_TOKENS,
               "the delta rule is of all tokens");
    tape_check(tape,
               args->n_key_heads > 0 && args->n_heads % args->n_key_heads == 0 &&
                   value_cols(q) == n_keys && value_cols(v) == n &&
                   value_cols(gates) == 2 * args->n_heads,
               "the delta rule's operands do not fit its heads");
    if (tape->status != STATUS_OK) return (Value){0};
    TapeNode node = {.op = OP_DELTA_RULE, .in = {q, k, v, gates}, .n_in = 4, .n_params = 1};
    node.params[0] = tape_delta_rates(tape, args->n_heads);
    node.as.delta.args = *args;
    node.as.delta.state = tape->n_state;
    tape->n_state += args->n_heads * args->key_dim * args->value_dim;
    return tape_add_node(tape, node, ROWS_TOKENS, n);
}

// Whether a part lies within the heads of its value.
static bool part_fits(const HeadPart *part, size_t n_heads, Value in)
{
    const size_t n = part->is_shared ? 1 : n_heads, width = value_cols(in) / n;
    return value_cols(in) % n == 0 && part->begin + part->n <= width &&
           !(part->in_pairs && part->n % 2 != 0);
}

Value tape_heads(Tape *tape, const Value *in, size_t n_in, size_t width, const HeadsArgs *args)
{
    TapeNode node = {.op = OP_HEADS, .n_in = n_in, .as.heads = *args};
    size_t taken = 0;
    for (size_t i = 0; i < n_in; i++) {
        node.in[i] = in[i];
        taken += args->parts[i].n;
        tape_check(tape, part_fits(&args->parts[i], args->n_heads, in[i]),
                   "a part lies outside its heads");
        tape_check(tape, tape_domain(tape, in[i]) == tape_domain(tape, in[0]),
                   "parts of heads differ in rows");
    }
    tape_check(tape, taken <= width && (n_in > 1 || args->parts[1].n == 0),
               "parts do not fit their head");
    return tape_add_node(tape, node, tape_domain(tape, in[0]), args->n_heads * width);
}

Value tape_add(Tape *tape, Value a, Value b)
{
    tape_check(tape, same_shape(tape, a, b), "terms of a sum differ in shape");
    return tape_add_node(tape,
                         (TapeNode){.op = OP_ADD, .in = {a, b}, .n_in = 2, .as.add = {1.0f, 1.0f}},
                         tape_domain(tape, a), value_cols(a));
}

Value tape_scale(Tape *tape, Value x, float factor)
{
    return tape_add_node(tape,
                         (TapeNode){.op = OP_ADD, .in = {x}, .n_in = 1, .as.add = {factor, 0.0f}},
                         tape_domain(tape, x), value_cols(x));
}

static Value cap(Tape *tape, Value x, SoftCapArgs args)
{
    tape_check(tape, args.cap > 0.0f, "a cap must be above 0");
    return tape_add_node(tape,
                         (TapeNode){.op = OP_SOFT_CAP, .in = {x}, .n_in = 1, .as.soft_cap = args},
                         tape_domain(tape, x), value_cols(x));
}

Value tape_soft_cap(Tape *tape, Value x, float limit)
{
    return cap(tape, x, (SoftCapArgs){.cap = limit});
}

Value tape_clamp(Tape *tape, Value x, float limit)
{
    return cap(tape, x, (SoftCapArgs){.cap = limit, .is_hard = 1});
}

Value tape_dropout(Tape *tape, Value x, float p)
{
    return tape_add_node(
        tape,
        (TapeNode){.op = OP_DROPOUT, .in = {x}, .n_in = 1, .dropout = p, .site = tape->n_sites++},
        tape_domain(tape, x), value_cols(x));
}

Value tape_chosen_tokens(Tape *tape, Value x)
{
    tape_check(tape, tape_domain(tape, x) == ROWS_TOKENS, "single tokens are taken of tokens");
    return tape_add_node(tape, (TapeNode){.op = OP_SELECT_ROWS, .in = {x}, .n_in = 1},
                         ROWS_SEQUENCES, value_cols(x));
}

Value tape_mean_pool(Tape *tape, Value x)
{
    tape_check(tape, tape_domain(tape, x) == ROWS_TOKENS, "a mean is taken of tokens");
    return tape_add_node(tape, (TapeNode){.op = OP_MEAN_POOL, .in = {x}, .n_in = 1}, ROWS_SEQUENCES,
                         value_cols(x));
}

Value tape_output_rows(Tape *tape, Value x)
{
    const RowDomain domain = tape_domain(tape, x);
    tape_check(tape, domain == ROWS_TOKENS || domain == ROWS_TARGETS, "outputs are rows of tokens");
    return tape_add_node(tape, (TapeNode){.op = OP_SELECT_ROWS, .in = {x}, .n_in = 1}, ROWS_OUTPUTS,
                         value_cols(x));
}

Value tape_columns(Tape *tape, Value x, size_t begin, size_t end)
{
    tape_check(tape, begin < end && end <= value_cols(x), "columns lie outside a value");
    return (Value){.slot = x.slot, .begin = x.begin + begin, .end = x.begin + end};
}
