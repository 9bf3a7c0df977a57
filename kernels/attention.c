#include "kernels/attention.h"

#include <string.h>

#include "base/size.h"
#include "kernels/half.h"

static void round_f16(size_t n, const float *restrict x, uint16_t *restrict out)
{
    for (size_t i = 0; i < n; i++) out[i] = f16_from_f32(x[i]);
}

static void round_bf16(size_t n, const float *restrict x, uint16_t *restrict out)
{
    for (size_t i = 0; i < n; i++) out[i] = bf16_from_f32(x[i]);
}

static void round_row(DType dtype, size_t n, const float *x, uint16_t *out)
{
    if (dtype == DTYPE_F16)
        round_f16(n, x, out);
    else
        round_bf16(n, x, out);
}

// Keys lie by column: rows of one page side by side fill its lines one after the other.
static void store_f32(size_t n_kv_heads, const Tensor *keys, const Tensor *values, size_t row,
                      float *key_page, float *value_page)
{
    const size_t head_dim = keys->cols / n_kv_heads;
    const float *key = keys->data, *value = values->data;
    for (size_t c = 0; c < keys->cols; c++) {
        for (size_t r = 0; r < keys->rows; r++)
            key_page[c * PANEL_WIDTH + row + r] = key[r * keys->row_stride + c];
    }
    for (size_t r = 0; r < values->rows; r++, value += values->row_stride) {
        for (size_t h = 0; h < n_kv_heads; h++)
            memcpy(value_page + (h * PANEL_WIDTH + row + r) * head_dim, value + h * head_dim,
                   head_dim * sizeof *value);
    }
}

static void store_half(size_t n_kv_heads, DType dtype, const Tensor *keys, const Tensor *values,
                       size_t row, uint16_t *key_page, uint16_t *value_page)
{
    enum { AT_ONCE = 64 };
    const size_t head_dim = keys->cols / n_kv_heads;
    const float *key = keys->data, *value = values->data;
    uint16_t rounded[PANEL_WIDTH][AT_ONCE];
    for (size_t begin = 0; begin < keys->cols; begin += AT_ONCE) {
        const size_t n = size_min(AT_ONCE, keys->cols - begin);
        for (size_t r = 0; r < keys->rows; r++)
            round_row(dtype, n, key + r * keys->row_stride + begin, rounded[r]);
        for (size_t c = 0; c < n; c++) {
            for (size_t r = 0; r < keys->rows; r++)
                key_page[(begin + c) * PANEL_WIDTH + row + r] = rounded[r][c];
        }
    }
    for (size_t r = 0; r < values->rows; r++, value += values->row_stride) {
        for (size_t h = 0; h < n_kv_heads; h++)
            round_row(dtype, head_dim, value + h * head_dim,
                      value_page + (h * PANEL_WIDTH + row + r) * head_dim);
    }
}

void attention_store_rows(size_t n_kv_heads, DType dtype, const Tensor *keys, const Tensor *values,
                          size_t row, void *key_page, void *value_page)
{
    if (dtype == DTYPE_F32)
        store_f32(n_kv_heads, keys, values, row, key_page, value_page);
    else
        store_half(n_kv_heads, dtype, keys, values, row, key_page, value_page);
}

void attention_order_columns(size_t n_heads, size_t head_dim, const float *restrict from,
                             float *restrict to)
{
    enum { AT_ONCE = 4 }; // columns of which a line of `to` is filled
    for (size_t h = 0; h < n_heads; h++, from += head_dim) {
        size_t d = 0;
        float *out = to + h;
        for (; d + AT_ONCE <= head_dim; d += AT_ONCE, out += AT_ONCE * n_heads) {
            out[0] = from[d];
            out[n_heads] = from[d + 1];
            out[2 * n_heads] = from[d + 2];
            out[3 * n_heads] = from[d + 3];
        }
        for (; d < head_dim; d++, out += n_heads) *out = from[d];
    }
}
