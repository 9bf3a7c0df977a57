// kernels/bench_build.h: the inputs of a case of the bench, an operation or a few alike each.
#ifndef ASSAY_KERNELS_BENCH_BUILD_H
#define ASSAY_KERNELS_BENCH_BUILD_H

#include "kernels/bench_internal.h"

typedef Status BenchBuild(const BenchCase *c, Arena *arena, BenchProblem *out, Error *err);

struct BenchCase {
    OpKind op;
    const char *shape;
    size_t rows, cols, depth;
    int option; // activation, or whether attention is causal, or the format of weights
    BenchBuild *build;
};

BenchBuild bench_build_linear, bench_build_linear_low, bench_build_feed_forward,
    bench_build_linear_backward, bench_build_gemm, bench_build_attention,
    bench_build_attention_cached, bench_build_attention_backward, bench_build_disentangled,
    bench_build_disentangled_backward, bench_build_layer_norm, bench_build_layer_norm_backward,
    bench_build_rms_norm, bench_build_rope, bench_build_matrices, bench_build_embedding,
    bench_build_embedding_backward, bench_build_dropout, bench_build_select, bench_build_pool,
    bench_build_softmax, bench_build_heads, bench_build_conv, bench_build_delta_rule,
    bench_build_route, bench_build_elementwise;

#endif
