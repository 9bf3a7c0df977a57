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

static void store_f32(size_t n_kv_heads, size_t head_dim, const float *key, const float *value,
                      size_t row, float *key_page, float *value_page)
{
    for (size_t c = 0; c < n_kv_heads * head_dim; c++) key_page[c * PANEL_WIDTH + row] = key[c];
    for (size_t h = 0; h < n_kv_heads; h++)
        memcpy(value_page + (h * PANEL_WIDTH + row) * head_dim, value + h * head_dim,
               head_dim * sizeof *value);
}

void attention_store_row(size_t n_kv_heads, size_t head_dim, DType dtype, const float *key,
                         const float *value, size_t row, void *key_page, void *value_page)
{
    enum { AT_ONCE = 256 };
    const size_t n_columns = n_kv_heads * head_dim;
    uint16_t *keys = key_page, *values = value_page, rounded[AT_ONCE];
    if (dtype == DTYPE_F32) {
        store_f32(n_kv_heads, head_dim, key, value, row, key_page, value_page);
        return;
    }
    for (size_t c = 0; c < n_columns; c += AT_ONCE) {
        const size_t n = size_min(AT_ONCE, n_columns - c);
        round_row(dtype, n, key + c, rounded);
        for (size_t i = 0; i < n; i++) keys[(c + i) * PANEL_WIDTH + row] = rounded[i];
    }
    for (size_t h = 0; h < n_kv_heads; h++)
        round_row(dtype, head_dim, value + h * head_dim,
                  values + (h * PANEL_WIDTH + row) * head_dim);
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
