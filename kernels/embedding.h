// kernels/embedding.h: look-up in the embedding tables, and the sum of their gradients.
//
//     y[t] = word[ids[t]] + position[position_ids[t]] + type[type_ids[t]]          OP_EMBEDDING
//     d word[ids[t]] += dy[t], and the like                                       OP_EMBEDDING_BACKWARD
//
// Source: Devlin et al. 2019, arXiv:1810.04805, figure 2.
//   T        token rows of the ragged batch; may be 0
//   y, dy    [T, H], rows may be strided
//   word     [entries, H] in LAYOUT_ROWS or LAYOUT_PANELS, and so d word; forward also as a file stores it (kernels/pack.h)
//   position, type   [entries, H] row-major; optional (data NULL), their ids then not read
//   ids      below the entries of their table (checked by who built the batch); those of words may be NULL, then all are 0
// The sum is taken as (word + position) + type. Gradients are added row by row in token order; the row of padding_id, where
// there is one, gets none. Cannot fail, but for the reference's scratch of a stored table (STATUS_MEMORY).
#ifndef ASSAY_KERNELS_EMBEDDING_H
#define ASSAY_KERNELS_EMBEDDING_H

#include "kernels/op.h"

OpKernel embedding_reference_f32, embedding_reference_f64;
OpKernel embedding_backward_reference_f32, embedding_backward_reference_f64;

#endif
