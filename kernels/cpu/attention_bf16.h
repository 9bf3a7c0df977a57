// kernels/cpu/attention_bf16.h: OP_ATTENTION_BF16 over products of rows and panels of pairs, whichever instructions make them.
#ifndef ASSAY_KERNELS_CPU_ATTENTION_BF16_H
#define ASSAY_KERNELS_CPU_ATTENTION_BF16_H

#include "kernels/cpu/low_tile.h"
#include "kernels/exec.h"

// The tile's rows against panels of n_columns outputs, panel_pairs words apart. Of `weights`, `c` and `n_last` it has those of the
// first column.
typedef void AttentionProduct(size_t n_rows, size_t n_columns, size_t panel_pairs, Bf16Tile tile);

typedef struct AttentionProducts {
    size_t rows; // of queries at a time, at most
    size_t step; // pairs of columns, and of keys, come in multiples of it: zeros fill them up
    // scores may write whole tiles: c has room for `rows` rows of whole vectors.
    AttentionProduct *scores, *values;
} AttentionProducts;

Status attention_bf16_run(const OpArgs *args, const AttentionProducts *products, Exec *exec,
                          Error *err);

#endif
