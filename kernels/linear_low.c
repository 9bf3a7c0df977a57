#include "kernels/linear_low.h"

#include "kernels/pack.h"

int linear_low_takes(OpKind op, DType dtype, Layout layout)
{
    if (layout != LAYOUT_PANELS) return 0;
    if (op == OP_LINEAR_BF16) return dtype == DTYPE_BF16;
    return op == OP_LINEAR_I8 && dtype_block(dtype) > 1 && pack_stored_is_known(dtype);
}
