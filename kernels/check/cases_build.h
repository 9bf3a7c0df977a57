// kernels/check/cases_build.h: the inputs of a case, an operation each; attention's are of cases_attention.c.
#ifndef ASSAY_KERNELS_CHECK_CASES_BUILD_H
#define ASSAY_KERNELS_CHECK_CASES_BUILD_H

#include "kernels/check/cases.h"

// Fills the arguments of a problem. is_for_backward: its outputs serve the backward operation too.
typedef void CaseBuild(Problem *problem, const Case *c, int is_for_backward);

CaseBuild attention_build, disentangled_build, embedding_build, linear_build, linear_low_build,
    feed_forward_build, layer_norm_build, rms_norm_build, rope_build, heads_build, gated_build,
    add_build, soft_cap_build, causal_conv_build, delta_rule_build, dropout_build,
    select_rows_build, mean_pool_build, softmax_build, route_build, log_sum_exp_build,
    cross_entropy_build, add_scaled_build, scale_build, squared_norm_build, adamw_build, gemm_build;

#endif
