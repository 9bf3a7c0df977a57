// kernels/pack.h: weights into panels and back.
//
// A weight [rows = n, cols = k] as stored in checkpoints (row-major, y = x W^T) is packed once when a model loads; in tuning
// the panels are the master weights, and saving unpacks. Packing moves numbers and changes none.
#ifndef ASSAY_KERNELS_PACK_H
#define ASSAY_KERNELS_PACK_H

#include "kernels/tensor.h"

// rows [n, k] row-major f32 -> panels of tensor_storage(n, k, LAYOUT_PANELS) floats, zeros filled in. No overlap.
void pack_panels(const float *rows, size_t n, size_t k, float *panels);
// The inverse.
void unpack_panels(const float *panels, size_t n, size_t k, float *rows);

#endif
