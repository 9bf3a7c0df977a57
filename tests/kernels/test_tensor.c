#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "kernels/pack.h"
#include "kernels/tensor.h"

Test(tensor, every_dtype_has_a_name_and_a_size)
{
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        cr_expect_gt(dtype_size((DType)dtype), 0);
        cr_expect_str_not_empty(dtype_name((DType)dtype));
    }
    cr_expect_eq(dtype_size(DTYPE_F64), sizeof(double));
}

Test(tensor, views_share_memory_and_stride)
{
    float numbers[3 * 8];
    for (int i = 0; i < 24; i++) numbers[i] = (float)i;
    const Tensor whole = tensor_f32(numbers, 3, 8);
    const Tensor part = tensor_columns(tensor_rows(whole, 1, 3), 5, 7);
    cr_expect_eq(part.rows, 2);
    cr_expect_eq(part.cols, 2);
    cr_expect_eq(part.row_stride, 8);
    cr_expect_eq(((float *)part.data)[0], 13.0f);
    const Tensor absent = tensor_columns((Tensor){0}, 0, 0);
    cr_expect_null(absent.data);
}

Test(pack, panels_hold_every_weight_where_the_header_says)
{
    static const size_t sizes[] = {1, 2, 15, 16, 17, 33, 64};
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++) {
        for (size_t b = 0; b < sizeof sizes / sizeof *sizes; b++) {
            const size_t n = sizes[a], k = sizes[b];
            const size_t storage = tensor_storage(n, k, LAYOUT_PANELS);
            float *rows = calloc(n * k, sizeof *rows), *back = calloc(n * k, sizeof *back);
            float *panels = malloc(storage * sizeof *panels);
            cr_assert(rows && back && panels);
            memset(panels, 0xFF, storage * sizeof *panels);
            for (size_t i = 0; i < n * k; i++) rows[i] = (float)i + 1.0f;
            pack_panels(rows, n, k, panels);
            double sum = 0, want = 0;
            for (size_t i = 0; i < storage; i++) sum += panels[i]; // NaN where unwritten
            for (size_t i = 0; i < n * k; i++) want += rows[i];
            cr_expect_eq(sum, want, "%zu x %zu: filling is not zero", n, k);
            const size_t i = n - 1, j = k - 1;
            cr_expect_eq(panels[((i / PANEL_WIDTH) * k + j) * PANEL_WIDTH + i % PANEL_WIDTH],
                         rows[i * k + j]);
            unpack_panels(panels, n, k, back);
            cr_expect_arr_eq(back, rows, n * k * sizeof *rows, "%zu x %zu", n, k);
            free(rows);
            free(back);
            free(panels);
        }
    }
}
