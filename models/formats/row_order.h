// models/formats/row_order.h: tensors whose rows stand in another order than that in which they are used.
//
// Rows come in heads of head_dim. Four orders occur in checkpoints:
//     groups   n_groups groups of heads, each with its queries, then one key, then one value (GPT-NeoX, BLOOM, Falcon); what is
//              used has all queries, then all keys, then all values
//     pairs    the first n_turned rows of each head pair by pair: 0, n/2, 1, n/2 + 1, .. (GPT-J, Cohere); what is used has the
//              halves one after the other, as OP_ROPE turns them
//     shards   n_shards groups of heads, each with its queries, its values and its keys, the first n_turned rows of each query and key
//              pair by pair (CodeGen); what is used has all queries, all keys, all values, and halves
//     parts    each head has parts of so many rows (Qwen3-Next: a key head's queries, keys, values and gates); what is used has the
//              first parts of all heads, then the second, ..
// A tensor has one of them or, with head_dim 0, none. An order that is_undone goes the other way: the tensor's rows stand as they
// are used in checkpoints of that order, and those that are used as they stand there. Vectors count as rows of one number.
#ifndef ASSAY_MODELS_FORMATS_ROW_ORDER_H
#define ASSAY_MODELS_FORMATS_ROW_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ROW_ORDER_PARTS = 4 };

typedef struct RowOrder {
    size_t head_dim;               // 0: as they are used
    size_t n_groups;               // 0: pairs
    size_t n_turned;               // even
    size_t n_shards;               // 0: none of these
    size_t parts[ROW_ORDER_PARTS]; // which add up to head_dim; all 0: none of these
    bool is_undone;
} RowOrder;

// n_rows rows of n_heads heads, all of whose rows stand pair by pair. The heads have even sizes.
RowOrder row_order_pairs(size_t n_rows, size_t n_heads);
// The order that undoes this one.
RowOrder row_order_undone(RowOrder order);
// Whether one order undoes the other: with both, rows are used as they stand.
bool row_order_undoes(const RowOrder *a, const RowOrder *b);
// Whether n_rows rows can be in this order.
bool row_order_fits(const RowOrder *order, size_t n_rows);
// Where the row that is used as `row` stands in the tensor of n_rows rows, and the other way about.
size_t row_order_in_tensor(const RowOrder *order, size_t n_rows, size_t row);
size_t row_order_in_use(const RowOrder *order, size_t n_rows, size_t row);
// Brings rows [n_rows, cols] from the tensor's order to that of use, or back, in place.
Status row_order_apply(const RowOrder *order, size_t n_rows, size_t cols, bool to_tensor,
                       float *rows, Error *err) MUST_CHECK;

#endif
