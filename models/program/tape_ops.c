// The operations that an architecture records on a tape, each with its check of shapes.
#include "kernels/causal_conv.h"
#include "models/program/tape_internal.h"

// Takes a node with its operands and gives it an output slot.
static Value add_node(Tape *tape, TapeNode node, RowDomain domain, size_t cols)
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
    check(tape, first_row < tape->params[table].rows, "a table of positions has no rows");
    const TapeNode node = {.op = OP_EMBEDDING,
                           .params = {table, PARAM_NONE, PARAM_NONE},
                           .n_params = 3,
                           .as.embedding = {.is_by_position = true, .first_row = first_row}};
    return add_node(tape, node, domain, tape->params[table].cols);
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
    return add_node(tape, node, ROWS_TOKENS, tape->params[table].cols);
}

Value tape_target_embedding(Tape *tape, ParamId word, ParamId position)
{
    if (tape->status == STATUS_OK) set_looked_up(tape, word, false);
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
    set_looked_up(tape, table, false);
    return add_node(tape,
                    (TapeNode){.op = OP_LINEAR,
                               .in = {x},
                               .n_in = 1,
                               .params = {table, bias},
                               .n_params = 2,
                               .row_end = n_out},
                    domain_of(tape, x), n_out);
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
    check(tape, n_weights == cols || (args.group > 0 && n_weights == args.group),
          "a norm has another width than its input");
    check(tape, args.group == 0 || cols % args.group == 0, "a norm's groups do not fit its input");
    check(tape, n_in == 1 || cols == tape->slots[in[0].slot].cols,
          "columns of a value have a residual");
    for (size_t i = 0; i < n_in; i++) {
        check(tape, value_cols(in[i]) == cols && domain_of(tape, in[i]) == domain_of(tape, in[0]),
              "a residual has another shape");
        node.in[i] = in[i];
    }
    return add_node(tape, node, domain_of(tape, in[0]), cols);
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
    check(tape, width > 0 && value_cols(x) % width == 0, "a norm's groups do not fit its input");
    const ParamInit init = weight_offset == 0.0f ? INIT_ONE : INIT_ZERO;
    const ParamId weight = tape_suffixed_vector(tape, name, ".weight", width, init);
    return tape_rms_norm_of(tape, x, weight,
                            (NormArgs){.epsilon = epsilon, .weight_offset = weight_offset});
}

Value tape_rms_norm_of(Tape *tape, Value x, ParamId weight, NormArgs args)
{
    if (tape->status != STATUS_OK) return (Value){0};
    check(tape, value_cols(x) % tape->params[weight].cols == 0,
          "a norm's groups do not fit its input");
    return add_node(tape,
                    (TapeNode){.op = OP_RMS_NORM,
                               .in = {x},
                               .n_in = 1,
                               .params = {weight},
                               .n_params = 1,
                               .as.norm = args},
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

Value tape_causal_conv(Tape *tape, Value x, const char *name, size_t n_taps, bool has_bias)
{
    const size_t cols = value_cols(x);
    check(tape, domain_of(tape, x) == ROWS_TOKENS, "a convolution is of all tokens");
    check(tape, n_taps >= 1 && n_taps <= CAUSAL_CONV_MAX, "a convolution has too many taps");
    if (tape->status != STATUS_OK) return (Value){0};
    TapeNode node = {.op = OP_CAUSAL_CONV, .in = {x}, .n_in = 1, .n_params = 2};
    node.params[0] = tape_conv_weight(tape, name, cols, n_taps);
    node.params[1] =
        has_bias ? tape_suffixed_vector(tape, name, ".bias", cols, INIT_ZERO) : PARAM_NONE;
    node.as.conv.state = tape->n_state;
    tape->n_state += (n_taps - 1) * cols;
    return add_node(tape, node, ROWS_TOKENS, cols);
}

Value tape_delta_rule(Tape *tape, Value q, Value k, Value v, Value gates, const DeltaArgs *args)
{
    const size_t n_keys = args->n_key_heads * args->key_dim, n = args->n_heads * args->value_dim;
    check(tape,
          domain_of(tape, q) == ROWS_TOKENS && same_shape(tape, q, k) &&
              domain_of(tape, v) == ROWS_TOKENS && domain_of(tape, gates) == ROWS_TOKENS,
          "the delta rule is of all tokens");
    check(tape,
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
    return add_node(tape, node, ROWS_TOKENS, n);
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
        check(tape, part_fits(&args->parts[i], args->n_heads, in[i]),
              "a part lies outside its heads");
        check(tape, domain_of(tape, in[i]) == domain_of(tape, in[0]),
              "parts of heads differ in rows");
    }
    check(tape, taken <= width && (n_in > 1 || args->parts[1].n == 0),
          "parts do not fit their head");
    return add_node(tape, node, domain_of(tape, in[0]), args->n_heads * width);
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

static Value cap(Tape *tape, Value x, SoftCapArgs args)
{
    check(tape, args.cap > 0.0f, "a cap must be above 0");
    return add_node(tape, (TapeNode){.op = OP_SOFT_CAP, .in = {x}, .n_in = 1, .as.soft_cap = args},
                    domain_of(tape, x), value_cols(x));
}

Value tape_soft_cap(Tape *tape, Value x, float limit)
{
    return cap(tape, x, (SoftCapArgs){.cap = limit});
}

Value tape_clamp(Tape *tape, Value x, float limit)
{
    return cap(tape, x, (SoftCapArgs){.cap = limit, .is_hard = 1});
}

static bool is_same(Value a, Value b)
{
    return a.slot == b.slot && a.begin == b.begin && a.end == b.end;
}

// Keys and values of an attention are cached once, however many attentions read them.
static void set_cache(Tape *tape, TapeNode *node, size_t cols)
{
    for (size_t i = 0; i < tape->n_nodes; i++) {
        const TapeNode *other = &tape->nodes[i];
        if (other->op != OP_ATTENTION || !other->as.attention.is_cached ||
            !is_same(other->in[1], node->in[1]) || !is_same(other->in[2], node->in[2]) ||
            other->as.attention.window != node->as.attention.window)
            continue;
        node->as.attention.cache = other->as.attention.cache;
        node->as.attention.reads_cache = true;
        return;
    }
    TapeCache *cache =
        tape_append(tape, &tape->caches, &tape->n_caches, &tape->caches_capacity, sizeof *cache);
    if (!cache) return;
    *cache = (TapeCache){.cols = cols, .window = node->as.attention.window};
    node->as.attention.cache = tape->n_caches - 1;
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
    if (attention->relative_bucket || attention->has_sinks) {
        node.params[0] = attention->relative_bucket ? attention->relative_bias : PARAM_NONE;
        node.params[1] = attention->has_sinks ? attention->sinks : PARAM_NONE;
        node.n_params = 2;
    }
    if (attention->is_cached) set_cache(tape, &node, kv_cols);
    return add_node(tape, node, domain_of(tape, q), q_cols);
}

Value tape_relative_rows(Tape *tape, ParamId table, const int32_t *bucket, int32_t reach)
{
    if (tape->status != STATUS_OK) return (Value){0};
    check(tape, tape->n_relative == 0, "relative positions have one list of buckets");
    tape->relative_bucket = bucket;
    tape->relative_reach = reach;
    tape->n_relative = tape->params[table].rows;
    return embedding(tape, ROWS_RELATIVE, table, PARAM_NONE, PARAM_NONE);
}

Value tape_disentangled(Tape *tape, Value q, Value k, Value v, const Value *position_queries,
                        const Value *position_keys, const TapeAttention *attention)
{
    const Value *positions[2] = {position_queries, position_keys};
    const size_t cols = attention->n_heads * attention->head_dim;
    TapeNode node = {.op = OP_DISENTANGLED,
                     .in = {q, k, v},
                     .n_in = 3,
                     .dropout = attention->dropout,
                     .site = tape->n_sites++,
                     .as.attention = *attention};
    check(tape, value_cols(q) == cols && value_cols(k) == cols && value_cols(v) == cols,
          "attention's operands do not fit its heads");
    check(tape, domain_of(tape, k) == domain_of(tape, v), "keys and values have other rows");
    for (size_t i = 0; i < 2; i++) {
        if (!positions[i]) continue;
        check(tape,
              value_cols(*positions[i]) == cols && domain_of(tape, *positions[i]) == ROWS_RELATIVE,
              "positions do not fit attention's heads");
        node.in[node.n_in++] = *positions[i];
    }
    check(tape, node.n_in > 3, "disentangled attention has positions");
    node.as.attention.n_kv_heads = attention->n_heads;
    node.as.attention.has_position_queries = position_queries != NULL;
    node.as.attention.has_position_keys = position_keys != NULL;
    node.as.attention.relative_bucket = tape->relative_bucket;
    node.as.attention.relative_reach = tape->relative_reach;
    return add_node(tape, node, domain_of(tape, q), cols);
}

Route tape_route(Tape *tape, Value logits, size_t n_active, ParamId bias, const RouteArgs *args)
{
    TapeNode node = {.op = OP_ROUTE, .in = {logits}, .n_in = 1, .params = {bias}, .n_params = 1};
    const RowDomain domain = domain_of(tape, logits);
    check(tape, n_active >= 1 && n_active <= value_cols(logits),
          "a row goes to at least one expert and at most to all");
    check(tape, args->kind == ROUTE_SIGMOID || (bias == PARAM_NONE && !args->normalizes),
          "only sigmoids are corrected and normalized");
    check(tape,
          args->n_groups == 0 ||
              (value_cols(logits) % args->n_groups == 0 && args->n_top_groups <= args->n_groups &&
               n_active <= args->n_top_groups * (value_cols(logits) / args->n_groups)),
          "groups of experts do not fit");
    TapeSlot *slot =
        tape_append(tape, &tape->slots, &tape->n_slots, &tape->slots_capacity, sizeof *slot);
    if (!slot) return (Route){0};
    *slot = (TapeSlot){.domain = domain, .cols = n_active};
    node.as.route.args = *args;
    node.as.route.chosen = tape->n_slots - 1;
    const Value chosen = {.slot = node.as.route.chosen, .end = n_active};
    return (Route){.weights = add_node(tape, node, domain, n_active), .chosen = chosen};
}

static void check_expert(Tape *tape, Value x, const TapeExpert *expert)
{
    const Param *gate = &tape->params[expert->weights[EXPERT_GATE]],
                *up = &tape->params[expert->weights[EXPERT_UP]],
                *down = &tape->params[expert->weights[EXPERT_DOWN]];
    for (size_t i = 0; i < EXPERT_LAYERS; i++) {
        const ParamId bias = expert->biases[i];
        check(tape,
              bias == PARAM_NONE ||
                  tape->params[bias].cols == tape->params[expert->weights[i]].rows,
              "an expert's bias does not fit its layer");
    }
    check(tape,
          gate->cols == value_cols(x) && up->cols == gate->cols && up->rows == gate->rows &&
              down->cols == gate->rows && down->rows == gate->cols,
          "an expert's layers do not fit");
}

Value tape_experts(Tape *tape, Value x, Route route, const TapeExpert *experts, size_t n_experts,
                   GatedArgs gated)
{
    if (tape->status != STATUS_OK) return (Value){0};
    TapeExpert *list = arena_alloc(tape->arena, n_experts, sizeof *list);
    if (!list) {
        tape_fail(tape, STATUS_MEMORY, "a mixture of experts");
        return (Value){0};
    }
    TapeNode node = {.op = NODE_EXPERTS, .in = {x, route.weights, route.chosen}, .n_in = 3};
    node.as.experts.list = list;
    node.as.experts.n = n_experts;
    node.as.experts.gated = gated;
    for (size_t i = 0; i < n_experts; i++) {
        list[i] = experts[i];
        check_expert(tape, x, &experts[i]);
    }
    check(tape, domain_of(tape, route.weights) == domain_of(tape, x), "experts have other rows");
    return add_node(tape, node, domain_of(tape, x), value_cols(x));
}

bool tape_multiplies(const TapeNode *node, ParamId param)
{
    if (node->op == OP_LINEAR) return node->params[0] == param;
    for (size_t i = 0; node->op == NODE_EXPERTS && i < node->as.experts.n; i++) {
        const TapeExpert *expert = &node->as.experts.list[i];
        for (size_t k = 0; k < EXPERT_LAYERS; k++) {
            if (expert->weights[k] == param) return true;
        }
    }
    return false;
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
    const RowDomain domain = domain_of(tape, x);
    check(tape, domain == ROWS_TOKENS || domain == ROWS_TARGETS, "outputs are rows of tokens");
    return add_node(tape, (TapeNode){.op = OP_SELECT_ROWS, .in = {x}, .n_in = 1}, ROWS_OUTPUTS,
                    value_cols(x));
}

Value tape_columns(Tape *tape, Value x, size_t begin, size_t end)
{
    check(tape, begin < end && end <= value_cols(x), "columns lie outside a value");
    return (Value){.slot = x.slot, .begin = x.begin + begin, .end = x.begin + end};
}
