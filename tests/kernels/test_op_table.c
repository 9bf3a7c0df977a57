#include <criterion/criterion.h>

#include <string.h>

#include "base/machine.h"
#include "kernels/bench.h"
#include "kernels/check/cases.h"
#include "kernels/check/derivative.h"
#include "kernels/check/tolerance.h"
#include "kernels/exec.h"

Test(op_table, names_and_summaries_are_there_and_differ)
{
    for (int a = 0; a < OP_COUNT; a++) {
        cr_expect_eq(op_info((OpKind)a)->op, (OpKind)a);
        cr_expect_str_not_empty(op_info((OpKind)a)->name);
        cr_expect_str_not_empty(op_info((OpKind)a)->summary);
        for (int b = 0; b < a; b++) {
            cr_expect_str_neq(op_info((OpKind)a)->name, op_info((OpKind)b)->name);
        }
    }
}

Test(op_table, lists_rows_by_operation_with_the_references_first)
{
    int last = -1;
    for (size_t i = 0; i < op_row_count(); i++) {
        const OpRow *row = op_row(i);
        cr_assert_geq((int)row->op, last);
        if ((int)row->op > last) cr_expect_str_eq(row->variant, "reference");
        last = (int)row->op;
        cr_expect_eq(op_find(row->op, row->dtype, row->variant), row, "%s %s %s is there twice",
                     op_info(row->op)->name, row->variant, dtype_name(row->dtype));
    }
    cr_expect_null(op_row(op_row_count()));
}

Test(op_table, every_operation_has_its_references_cases_tolerances_and_bench)
{
    for (int i = 0; i < OP_COUNT; i++) {
        const OpKind op = (OpKind)i;
        const char *name = op_info(op)->name;
        cr_expect_not_null(op_find(op, DTYPE_F32, "reference"), "%s", name);
        cr_expect_not_null(op_find(op, DTYPE_F64, "reference"), "%s", name);
        cr_expect_gt(case_count(op), 0, "%s has no cases (kernels/check/cases.c)", name);
        cr_expect(tolerance_covers(op, 0), "%s has no tolerance (kernels/check/tolerance.c)", name);
        cr_expect(bench_covers(op), "%s has no bench entry (kernels/bench_cases.c)", name);
    }
}

// The operations whose gradients are other operations, by their names.
Test(op_table, every_backward_operation_belongs_to_a_forward_one_and_has_a_derivative)
{
    for (int i = 0; i < OP_COUNT; i++) {
        const char *name = op_info((OpKind)i)->name;
        const char *suffix = strstr(name, "_backward");
        int n_owners = 0;
        for (int f = 0; f < OP_COUNT; f++) {
            n_owners += op_info((OpKind)f)->backward == (OpKind)i;
        }
        cr_expect_leq(n_owners, 1, "%s", name);
        if (suffix) cr_expect_eq(n_owners, 1, "%s is nobody's backward", name);
        if (n_owners > 0 && i != OP_CROSS_ENTROPY) {
            cr_expect_not_null(derivative_of((OpKind)i), "%s has no finite differences", name);
        }
    }
}

Test(op_table, the_best_row_is_one_that_the_features_allow)
{
    static const unsigned features[] = {CPU_BASE, CPU_AVX2, CPU_AVX2 | CPU_AVX512};
    for (int op = 0; op < OP_COUNT; op++) {
        for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
            const OpRow *row = op_best((OpKind)op, DTYPE_F32, DEVICE_CPU, features[i]);
            cr_assert_not_null(row);
            cr_expect_eq(row->cpu_features & ~features[i], 0);
            cr_expect(row->forward_safe || !op_info((OpKind)op)->is_forward);
            if (features[i] == CPU_BASE) cr_expect_str_neq(row->variant, "avx2");
        }
    }
}

Test(op_table, has_no_row_for_a_dtype_that_nobody_implements)
{
    cr_expect_null(op_best(OP_LINEAR, DTYPE_U8, DEVICE_CPU, CPU_BASE));
    cr_expect_null(op_find(OP_LINEAR, DTYPE_F32, "no such variant"));
}
