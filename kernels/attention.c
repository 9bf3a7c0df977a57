#include "kernels/attention.h"

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
