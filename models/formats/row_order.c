#include "models/formats/row_order.h"

#include <stdlib.h>
#include <string.h>

static size_t rows_of_parts(const size_t *parts)
{
    size_t n = 0;
    for (size_t i = 0; i < ROW_ORDER_PARTS; i++) n += parts[i];
    return n;
}

RowOrder row_order_pairs(size_t n_rows, size_t n_heads)
{
    return (RowOrder){.head_dim = n_rows / n_heads, .n_turned = n_rows / n_heads};
}

RowOrder row_order_undone(RowOrder order)
{
    order.is_undone = !order.is_undone;
    return order;
}

bool row_order_undoes(const RowOrder *a, const RowOrder *b)
{
    if (a->head_dim == 0 || b->head_dim == 0) return a->head_dim == b->head_dim;
    return a->head_dim == b->head_dim && a->n_groups == b->n_groups && a->n_turned == b->n_turned &&
           a->n_shards == b->n_shards && memcmp(a->parts, b->parts, sizeof a->parts) == 0 &&
           a->is_undone != b->is_undone;
}

bool row_order_fits(const RowOrder *order, size_t n_rows)
{
    if (order->head_dim == 0) return true;
    if (n_rows % order->head_dim != 0) return false;
    const size_t n_heads = n_rows / order->head_dim;
    if (order->parts[0] > 0) return rows_of_parts(order->parts) == order->head_dim;
    if (order->n_shards > 0 && n_heads % (3 * order->n_shards) != 0) return false;
    if (order->n_groups == 0) return order->n_turned <= order->head_dim && order->n_turned % 2 == 0;
    return n_heads % order->n_groups == 0 && n_heads / order->n_groups > 2;
}

// Where column `at` of a head that is used stands in the checkpoint's, and the other way about.
static size_t paired(const RowOrder *order, size_t at)
{
    const size_t half = order->n_turned / 2;
    return at < order->n_turned ? 2 * (at % half) + at / half : at;
}

static size_t unpaired(const RowOrder *order, size_t at)
{
    const size_t half = order->n_turned / 2;
    return at < order->n_turned ? at % 2 * half + at / 2 : at;
}

// Keys are used before values, and stand behind them.
enum { QUERIES, SECOND, THIRD };
static const size_t swapped[] = {[QUERIES] = QUERIES, [SECOND] = THIRD, [THIRD] = SECOND};

static size_t in_shards(const RowOrder *order, size_t n_rows, size_t row)
{
    const size_t head = row / order->head_dim, at = row % order->head_dim,
                 n_heads = n_rows / order->head_dim / 3, each = n_heads / order->n_shards,
                 part = head / n_heads, shard = head % n_heads / each, place = head % each;
    return ((3 * shard + swapped[part]) * each + place) * order->head_dim +
           (part == THIRD ? at : paired(order, at)); // values do not turn
}

static size_t from_shards(const RowOrder *order, size_t n_rows, size_t row)
{
    const size_t head = row / order->head_dim, at = row % order->head_dim,
                 n_heads = n_rows / order->head_dim / 3, each = n_heads / order->n_shards,
                 shard = head / (3 * each), part = swapped[head / each % 3], place = head % each;
    return (part * n_heads + shard * each + place) * order->head_dim +
           (part == THIRD ? at : unpaired(order, at));
}

// Rows of the parts that heads, or groups of heads, have.
typedef struct Parts {
    size_t rows[ROW_ORDER_PARTS];
} Parts;

static Parts parts_of(const RowOrder *order, size_t n_rows)
{
    Parts parts = {{0}};
    if (order->parts[0] > 0) {
        memcpy(parts.rows, order->parts, sizeof parts.rows);
        return parts;
    }
    parts.rows[QUERIES] = n_rows / order->n_groups - 2 * order->head_dim;
    parts.rows[SECOND] = parts.rows[THIRD] = order->head_dim;
    return parts;
}

static size_t in_parts(const RowOrder *order, size_t n_rows, size_t row)
{
    const Parts parts = parts_of(order, n_rows);
    const size_t whole = rows_of_parts(parts.rows), n = n_rows / whole;
    size_t before = 0, p = 0;
    while (row >= n * (before + parts.rows[p])) before += parts.rows[p++];
    row -= n * before;
    return row / parts.rows[p] * whole + before + row % parts.rows[p];
}

static size_t from_parts(const RowOrder *order, size_t n_rows, size_t row)
{
    const Parts parts = parts_of(order, n_rows);
    const size_t whole = rows_of_parts(parts.rows), n = n_rows / whole, at = row % whole;
    size_t before = 0, p = 0;
    while (at >= before + parts.rows[p]) before += parts.rows[p++];
    return n * before + row / whole * parts.rows[p] + at - before;
}

// Where the row that is used as `row` stands among those of a checkpoint, and the other way about.
static size_t in_checkpoint(const RowOrder *order, size_t n_rows, size_t row)
{
    const size_t at = row % order->head_dim;
    if (order->n_shards > 0) return in_shards(order, n_rows, row);
    if (order->n_groups > 0 || order->parts[0] > 0) return in_parts(order, n_rows, row);
    return row - at + paired(order, at);
}

static size_t in_use(const RowOrder *order, size_t n_rows, size_t row)
{
    const size_t at = row % order->head_dim;
    if (order->n_shards > 0) return from_shards(order, n_rows, row);
    if (order->n_groups > 0 || order->parts[0] > 0) return from_parts(order, n_rows, row);
    return row - at + unpaired(order, at);
}

size_t row_order_in_tensor(const RowOrder *order, size_t n_rows, size_t row)
{
    if (order->head_dim == 0) return row;
    return order->is_undone ? in_use(order, n_rows, row) : in_checkpoint(order, n_rows, row);
}

size_t row_order_in_use(const RowOrder *order, size_t n_rows, size_t row)
{
    const RowOrder undone = row_order_undone(*order);
    return row_order_in_tensor(&undone, n_rows, row);
}

Status row_order_apply(const RowOrder *order, size_t n_rows, size_t cols, bool to_tensor,
                       float *rows, Error *err)
{
    if (order->head_dim == 0 || n_rows == 0) return STATUS_OK;
    float *copy = calloc(n_rows, cols * sizeof *copy);
    if (!copy) return error_set_memory(err, n_rows * cols, sizeof *copy, "rows in another order");
    memcpy(copy, rows, n_rows * cols * sizeof *copy);
    for (size_t r = 0; r < n_rows; r++) {
        const size_t stored = row_order_in_tensor(order, n_rows, r);
        const size_t from = to_tensor ? r : stored, to = to_tensor ? stored : r;
        memcpy(rows + to * cols, copy + from * cols, cols * sizeof *copy);
    }
    free(copy);
    return STATUS_OK;
}
