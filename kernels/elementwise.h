// kernels/elementwise.h: operations on whole storages, whatever their layout, and sums of matrices.
//
//     y += a x            OP_ADD_SCALED
//     y *= a              OP_SCALE
//     y = sum x^2         OP_SQUARED_NORM, f64 [1, 1] for either dtype
//     y = a x + b z       OP_ADD, of matrices row by row: rows may be strided; z optional; y may be x or z
//
//     g' = gradient_scale * g                                                    OP_ADAMW
//     m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2
//     p = p - learning_rate * weight_decay * p
//     p = p - learning_rate * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + epsilon)
//
// Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, with the decay multiplied by the learning rate, as
// PyTorch does.
// But for OP_ADD tensors are contiguous and have equal storage: tensor_storage(rows, cols, layout) elements, filling of panels
// included (zeros stay zeros). May be empty. Cannot fail.
#ifndef ASSAY_KERNELS_ELEMENTWISE_H
#define ASSAY_KERNELS_ELEMENTWISE_H

#include "kernels/op.h"

OpKernel add_scaled_reference_f32, add_scaled_reference_f64;
OpKernel scale_reference_f32, scale_reference_f64;
OpKernel add_reference_f32, add_reference_f64;
OpKernel squared_norm_reference_f32, squared_norm_reference_f64;
OpKernel adamw_reference_f32, adamw_reference_f64;

#endif
