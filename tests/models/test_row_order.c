// Rows that stand in another order than that in which they are used.
#include <criterion/criterion.h>
#include <string.h>

#include "models/formats/row_order.h"

static const struct {
    RowOrder order;
    size_t n_rows;
} cases[] = {
    {{0}, 7},
    {{.head_dim = 4, .n_turned = 4}, 8},
    {{.head_dim = 6, .n_turned = 2}, 12},
    {{.head_dim = 2, .n_groups = 1}, 10},
    {{.head_dim = 3, .n_groups = 2}, 24},
    {{.head_dim = 2, .n_groups = 3, .is_undone = true}, 18},
    {{.head_dim = 8, .n_turned = 4, .is_undone = true}, 16},
    {{.head_dim = 4, .n_turned = 2, .n_shards = 2}, 24},
    {{.head_dim = 2, .n_turned = 2, .n_shards = 2, .is_undone = true}, 24},
    {{.head_dim = 8, .parts = {1, 1, 3, 3}}, 24},
    {{.head_dim = 6, .parts = {3, 3}, .is_undone = true}, 18},
};
enum { N_CASES = sizeof cases / sizeof *cases, MAX_ROWS = 24 };

Test(row_order, goes_there_and_back)
{
    for (size_t i = 0; i < N_CASES; i++) {
        const RowOrder *order = &cases[i].order, undone = row_order_undone(*order);
        const size_t n = cases[i].n_rows;
        bool seen[MAX_ROWS] = {false};
        cr_assert(row_order_fits(order, n), "case %zu", i);
        for (size_t row = 0; row < n; row++) {
            const size_t at = row_order_in_tensor(order, n, row);
            cr_assert_lt(at, n, "case %zu, row %zu", i, row);
            cr_expect_not(seen[at], "case %zu: two rows stand at %zu", i, at);
            seen[at] = true;
            cr_expect_eq(row_order_in_use(order, n, at), row, "case %zu, row %zu", i, row);
            cr_expect_eq(row_order_in_use(&undone, n, row), at, "case %zu, row %zu", i, row);
        }
    }
}

Test(row_order, is_undone_by_its_opposite_alone)
{
    for (size_t i = 0; i < N_CASES; i++) {
        const RowOrder undone = row_order_undone(cases[i].order);
        for (size_t k = 0; k < N_CASES; k++) {
            const bool same = i == k;
            cr_expect_eq(row_order_undoes(&undone, &cases[k].order), same, "cases %zu, %zu", i, k);
        }
    }
    const RowOrder pairs = row_order_pairs(8, 2);
    cr_expect_not(row_order_undoes(&pairs, &pairs));
}

// Two heads of four: pairs 0, 2, 1, 3. Two groups of two queries, a key and a value, in heads of one.
Test(row_order, moves_rows)
{
    static const struct {
        RowOrder order;
        float tensor[8];
    } of[] = {{{.head_dim = 4, .n_turned = 4}, {0, 2, 1, 3, 4, 6, 5, 7}},
              {{.head_dim = 1, .n_groups = 2}, {0, 1, 4, 6, 2, 3, 5, 7}}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        float rows[8] = {0, 1, 2, 3, 4, 5, 6, 7};
        Error err = {0};
        cr_assert_eq(row_order_apply(&of[i].order, 8, 1, true, rows, &err), STATUS_OK);
        cr_expect_arr_eq(rows, of[i].tensor, sizeof rows, "order %zu", i);
        const RowOrder undone = row_order_undone(of[i].order);
        cr_assert_eq(row_order_apply(&undone, 8, 1, true, rows, &err), STATUS_OK);
        for (size_t r = 0; r < 8; r++) cr_expect_eq(rows[r], (float)r, "order %zu", i);
    }
}
