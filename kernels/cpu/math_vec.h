// kernels/cpu/math_vec.h: exp, tanh, erf's tail and the activations over Vec, as fixed sequences of fused steps.
//
// Our own minimax polynomials (Remez, weighted for relative error), so that no library's version, and neither AVX2 nor
// AVX-512, changes a bit. Largest errors against the exact value, over all of float32 (tests/kernels/test_math.c):
// exp 1.5, tanh 2.0 units in the last place; gelu 2 units of x / 2. erf appears as the normal distribution's tail, which
// loses no digits for negative x. NaN gives NaN; infinities give the limits.
#ifndef ASSAY_KERNELS_CPU_MATH_VEC_H
#define ASSAY_KERNELS_CPU_MATH_VEC_H

#include "kernels/cpu/vec.h"
#include "kernels/op.h"

// exp(x) for -104 <= x <= 89: x = n ln 2 + r, |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 q(r).
static inline Vec vec_exp_inside(Vec x)
{
    const Vec n = vec_round(vec_mul(x, vec_set1(0x1.715476p+0f))); // 1 / ln 2
    Vec r = vec_fma(n, vec_set1(-0x1.62e43p-1f), x);               // ln 2 in two parts
    r = vec_fma(n, vec_set1(0x1.05c61p-29f), r);
    Vec q = vec_set1(0x1.6a23cep-10f);
    q = vec_fma(q, r, vec_set1(0x1.123a2p-7f));
    q = vec_fma(q, r, vec_set1(0x1.5558f2p-5f));
    q = vec_fma(q, r, vec_set1(0x1.555492p-3f));
    q = vec_fma(q, r, vec_set1(0x1.fffffcp-2f));
    const Vec e = vec_add(vec_fma(vec_mul(r, r), q, r), vec_set1(1.0f));
    return vec_scale2(e, n);
}

static inline Vec vec_exp(Vec x)
{
    // Beyond these bounds the result is 0 or infinity; the second operand survives where x is NaN.
    return vec_exp_inside(vec_min(vec_set1(89.0f), vec_max(vec_set1(-104.0f), x)));
}

// exp(x) for x <= 0, with 0 below -87: numbers under the normal range add nothing to a softmax, and cost a processor's
// assist each.
static inline Vec vec_exp_softmax(Vec x)
{
    const Vec floor = vec_set1(-87.0f);
    return vec_select(vec_lt(x, floor), vec_zero(), vec_exp_inside(vec_max(floor, x)));
}

// 2^x for x <= 0, with 0 below -126, for weights that are rounded to bf16: within 3e-6 of itself, and 1 at 0.
static inline Vec vec_exp2_coarse(Vec x)
{
    const Vec floor = vec_set1(-126.0f), inside = vec_max(floor, x); // x where that is NaN
    const Vec n = vec_round(inside), f = vec_sub(inside, n);
    Vec q = vec_set1(0x1.3a007ap-7f);
    q = vec_fma(q, f, vec_set1(0x1.c9fd1ep-5f));
    q = vec_fma(q, f, vec_set1(0x1.ec0382p-3f));
    q = vec_fma(q, f, vec_set1(0x1.62e12ap-1f));
    q = vec_fma(q, f, vec_set1(1.0f));
    return vec_select(vec_lt(x, floor), vec_zero(), vec_scale2(q, n));
}

// The normal distribution's tail Phi(-a) = erfc(a / sqrt(2)) / 2 for 0 <= a <= 100, as exp of a polynomial for its logarithm:
// within 2e-8 for small a, 1e-5 of itself at a = 5 (Phi is 3e-7 there); further out it falls to 1e-38 too soon.
static inline Vec vec_normal_tail(Vec a)
{
    Vec q = vec_set1(-0x1.91e9cap-26f);
    q = vec_fma(q, a, vec_set1(0x1.6489ap-21f));
    q = vec_fma(q, a, vec_set1(-0x1.115b7ap-17f));
    q = vec_fma(q, a, vec_set1(0x1.ce36b2p-15f));
    q = vec_fma(q, a, vec_set1(-0x1.9e8ffp-13f));
    q = vec_fma(q, a, vec_set1(0x1.ad9becp-20f));
    q = vec_fma(q, a, vec_set1(0x1.3be0d8p-8f));
    q = vec_fma(q, a, vec_set1(-0x1.29d4e6p-5f));
    q = vec_fma(q, a, vec_set1(-0x1.45f196p-2f));
    q = vec_fma(q, a, vec_set1(-0x1.988466p-1f));
    q = vec_fma(q, a, vec_set1(-0x1.62e43p-1f));
    return vec_exp_inside(
        vec_max(vec_set1(-87.0f), q)); // above the subnormal numbers, which cost an assist each
}

// gelu where what comes out is rounded to 8 bits or to bf16 anyway: x (1/2 + t p(t^2)), t = x within +- 4.25, with p for the
// least error of the whole. Within 6e-5, and within 6e-5 of itself for x > 0: half the work of ACTIVATION_GELU.
static inline Vec vec_gelu_coarse(Vec x)
{
    const Vec above = vec_max(vec_set1(-4.25f), x); // x where that is NaN, as below
    const Vec t = vec_min(vec_set1(4.25f), above), u = vec_mul(t, t);
    Vec p = vec_set1(0x1.8ff566p-35f);
    p = vec_fma(p, u, vec_set1(-0x1.36493ep-28f));
    p = vec_fma(p, u, vec_set1(0x1.aa85a6p-23f));
    p = vec_fma(p, u, vec_set1(-0x1.59716ep-18f));
    p = vec_fma(p, u, vec_set1(0x1.732678p-14f));
    p = vec_fma(p, u, vec_set1(-0x1.1adfbap-10f));
    p = vec_fma(p, u, vec_set1(0x1.3e770cp-7f));
    p = vec_fma(p, u, vec_set1(-0x1.0f1d8cp-4f));
    p = vec_fma(p, u, vec_set1(0x1.98641p-2f));
    return vec_mul(above, vec_fma(t, p, vec_set1(0.5f)));
}

// x^2 < 0.4: x p(x^2). Else 1 - 2 / (exp(2 |x|) + 1); from 10 on that is 1 in float32.
static inline Vec vec_tanh(Vec x)
{
    const Vec ax = vec_abs(x), u = vec_mul(x, x);
    Vec p = vec_set1(0x1.13b28cp-9f);
    p = vec_fma(p, u, vec_set1(-0x1.0a7636p-7f));
    p = vec_fma(p, u, vec_set1(0x1.63379ap-6f));
    p = vec_fma(p, u, vec_set1(-0x1.b9e5eep-5f));
    p = vec_fma(p, u, vec_set1(0x1.11103p-3f));
    p = vec_fma(p, u, vec_set1(-0x1.555552p-2f));
    const Vec small = vec_fma(vec_mul(x, u), p, x); // the constant term is 1
    const Vec z = vec_min(vec_set1(10.0f), ax);
    const Vec e = vec_exp_inside(vec_add(z, z));
    const Vec large = vec_sub(vec_set1(1.0f), vec_div(vec_set1(2.0f), vec_add(e, vec_set1(1.0f))));
    return vec_select(vec_lt(u, vec_set1(0.4f)), small, vec_copysign(large, x));
}

static inline Vec vec_sigmoid(Vec x)
{
    const Vec one = vec_set1(1.0f);
    return vec_div(one, vec_add(one, vec_exp(vec_neg(x))));
}

// exp(2 log(1 + exp(x))) - 1 for x <= 40: tanh(log(1 + exp(x))) is n / (n + 2).
static inline Vec vec_mish_part(Vec x)
{
    const Vec e = vec_exp(x);
    return vec_mul(e, vec_add(e, vec_set1(2.0f)));
}

// The argument of gelu_tanh's tanh: sqrt(2 / pi) (x + 0.044715 x^3).
static inline Vec vec_gelu_tanh_inner(Vec x)
{
    const Vec cubic = vec_fma(vec_mul(vec_set1(0.044715f), vec_mul(x, x)), x, x);
    return vec_mul(vec_set1(0x1.988454p-1f), cubic);
}

// act(x). Called with a constant activation, so that the switch costs nothing.
static inline __attribute__((always_inline)) Vec vec_activation(Activation activation, Vec x)
{
    const Vec half = vec_mul(x, vec_set1(0.5f));
    switch (activation) {
    case ACTIVATION_GELU: {
        // x Phi(x) = max(0, x) - |x| Phi(-|x|)
        const Vec a = vec_min(vec_set1(100.0f), vec_abs(x));
        return vec_fnma(a, vec_normal_tail(a), vec_max(vec_zero(), x));
    }
    case ACTIVATION_GELU_TANH:
        return vec_fma(half, vec_tanh(vec_gelu_tanh_inner(x)), half);
    case ACTIVATION_RELU:
        return vec_max(vec_zero(), x);
    case ACTIVATION_TANH:
        return vec_tanh(x);
    case ACTIVATION_SILU:
        return vec_mul(x, vec_sigmoid(x));
    case ACTIVATION_QUICK_GELU:
        return vec_mul(x, vec_sigmoid(vec_mul(vec_set1(1.702f), x)));
    case ACTIVATION_RELU2: {
        const Vec above = vec_max(vec_zero(), x);
        return vec_mul(above, above);
    }
    case ACTIVATION_MISH: {
        const Vec n = vec_mish_part(vec_min(vec_set1(40.0f), x));
        return vec_mul(x, vec_div(n, vec_add(n, vec_set1(2.0f))));
    }
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        break;
    }
    return x;
}

// act'(x), as above.
static inline __attribute__((always_inline)) Vec vec_activation_slope(Activation activation, Vec x)
{
    const Vec one = vec_set1(1.0f), half = vec_set1(0.5f);
    switch (activation) {
    case ACTIVATION_GELU: {
        // Phi(x) + x phi(x); both are at their limits from 100 on, where x phi(x) would be infinity times 0.
        const Vec inside = vec_min(vec_set1(100.0f), vec_max(vec_set1(-100.0f), x));
        const Vec tail = vec_normal_tail(vec_abs(inside));
        const Vec cdf = vec_select(vec_lt(vec_zero(), inside), vec_sub(one, tail), tail);
        const Vec density = vec_exp_softmax(vec_mul(vec_mul(inside, inside), vec_neg(half)));
        return vec_fma(vec_mul(inside, density), vec_set1(0x1.988454p-2f), cdf);
    }
    case ACTIVATION_GELU_TANH: {
        const Vec t = vec_tanh(vec_gelu_tanh_inner(x));
        const Vec inner = vec_mul(vec_set1(0x1.988454p-1f),
                                  vec_fma(vec_mul(vec_set1(3.0f * 0.044715f), x), x, one));
        const Vec bell = vec_mul(vec_mul(half, x), vec_fnma(t, t, one));
        return vec_fma(bell, inner, vec_fma(half, t, half));
    }
    case ACTIVATION_RELU:
        return vec_select(vec_lt(vec_zero(), x), one, vec_mul(x, vec_zero()));
    case ACTIVATION_TANH: {
        const Vec t = vec_tanh(x);
        return vec_fnma(t, t, one);
    }
    case ACTIVATION_SILU: {
        const Vec s = vec_sigmoid(x);
        return vec_mul(s, vec_fma(x, vec_sub(one, s), one));
    }
    case ACTIVATION_QUICK_GELU: {
        const Vec scaled = vec_mul(vec_set1(1.702f), x), s = vec_sigmoid(scaled);
        return vec_mul(s, vec_fma(scaled, vec_sub(one, s), one));
    }
    case ACTIVATION_RELU2: {
        const Vec above = vec_max(vec_zero(), x);
        return vec_add(above, above);
    }
    case ACTIVATION_MISH: {
        // t + x (1 - t^2) sigmoid(x), t = n / (n + 2) and n + 1 = (1 + e)^2; from 20 on that is 1
        const Vec inside = vec_min(vec_set1(20.0f), x), e = vec_exp(inside);
        const Vec n = vec_mish_part(inside), below = vec_add(n, vec_set1(2.0f));
        const Vec t = vec_div(n, below), four = vec_set1(4.0f);
        const Vec bell = vec_div(vec_mul(vec_mul(four, e), vec_add(one, e)), vec_mul(below, below));
        return vec_fma(inside, bell, t);
    }
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        break;
    }
    return one;
}

#endif
