// Attention on a tape, and the cache of its keys and values.
#include "models/program/tape_internal.h"

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
    tape_check(tape,
               value_cols(q) == q_cols && value_cols(k) == kv_cols && value_cols(v) == kv_cols,
               "attention's operands do not fit its heads");
    tape_check(tape, attention->n_kv_heads > 0 && attention->n_heads % attention->n_kv_heads == 0,
               "heads do not share keys evenly");
    tape_check(tape, tape_domain(tape, k) == tape_domain(tape, v),
               "keys and values have other rows");
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
    return tape_add_node(tape, node, tape_domain(tape, q), q_cols);
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
    tape_check(tape, value_cols(q) == cols && value_cols(k) == cols && value_cols(v) == cols,
               "attention's operands do not fit its heads");
    tape_check(tape, tape_domain(tape, k) == tape_domain(tape, v),
               "keys and values have other rows");
    for (size_t i = 0; i < 2; i++) {
        if (!positions[i]) continue;
        tape_check(tape,
                   value_cols(*positions[i]) == cols &&
                       tape_domain(tape, *positions[i]) == ROWS_RELATIVE,
                   "positions do not fit attention's heads");
        node.in[node.n_in++] = *positions[i];
    }
    tape_check(tape, node.n_in > 3, "disentangled attention has positions");
    node.as.attention.n_kv_heads = attention->n_heads;
    node.as.attention.has_position_queries = position_queries != NULL;
    node.as.attention.has_position_keys = position_keys != NULL;
    node.as.attention.relative_bucket = tape->relative_bucket;
    node.as.attention.relative_reach = tape->relative_reach;
    return tape_add_node(tape, node, tape_domain(tape, q), cols);
}
