// The polynomials behind the fast rows, seen through linear layers of one weight 1: an activation of any float. Errors are
// in units in the last place of the exact value, over every 997th float and both signs; AVX2 and AVX-512 give equal bits.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/exec.h"
#include "kernels/linear.h"
#include "kernels/softmax.h"

enum { BATCH = 4096 };

static Exec *exec_for_test(void)
{
    Exec *exec = NULL;
    Error err = {0};
    const ExecOptions options = {0};
    cr_assert_eq(exec_open(&options, &exec, &err), STATUS_OK, "%s", err.text);
    return exec;
}

static const OpRow *runnable(OpKind op, const char *variant)
{
    const OpRow *row = op_find(op, DTYPE_F32, variant);
    return row && (row->cpu_features & ~machine_cpu_features()) == 0 ? row : NULL;
}

// y[i] = act(x[i]) as the row computes it.
static void activate(Exec *exec, const OpRow *row, Activation activation, float *x, float *y,
                     size_t n)
{
    float one = 1.0f;
    OpArgs args = {.as.linear.activation = activation};
    Error err = {0};
    args.in[0] = tensor_f32(x, n, 1);
    args.in[1] = tensor_f32(&one, 1, 1);
    args.out[0] = tensor_f32(y, n, 1);
    cr_assert_eq(row->run(&args, exec, &err), STATUS_OK, "%s", err.text);
}

static double ulp_error(float got, double exact)
{
    if (isnan(exact)) return isnan(got) ? 0.0 : INFINITY;
    const float nearest = (float)exact;
    if (isinf(nearest) || isinf(got)) return got == nearest ? 0.0 : INFINITY;
    const double magnitude = fmax(fabs((double)nearest), 0x1p-126);
    int exponent;
    (void)frexp(magnitude, &exponent);
    return fabs((double)got - exact) / ldexp(1.0, exponent - 24);
}

// Fills x with the next floats of a walk over all bit patterns up to `last`; returns how many.
static size_t next_floats(uint32_t *bits, uint32_t last, uint32_t sign, float *x)
{
    size_t n = 0;
    for (; n < BATCH && *bits <= last; n++, *bits += 997) {
        const uint32_t pattern = *bits | sign;
        memcpy(&x[n], &pattern, sizeof pattern);
    }
    return n;
}

static double worst_error(const OpRow *row, Activation activation, float largest, float *where)
{
    static float x[BATCH], y[BATCH];
    Exec *exec = exec_for_test();
    double worst = 0;
    uint32_t last;
    memcpy(&last, &largest, sizeof last);
    for (uint32_t sign = 0; sign < 2; sign++) {
        for (uint32_t bits = 0; bits <= last;) {
            const size_t n = next_floats(&bits, last, sign << 31, x);
            activate(exec, row, activation, x, y, n);
            for (size_t i = 0; i < n; i++) {
                const double error = ulp_error(y[i], activation_value(activation, x[i]));
                if (error <= worst) continue;
                worst = error;
                *where = x[i];
            }
        }
    }
    exec_close(&exec);
    return worst;
}

static const char *const variants[] = {"avx2", "avx512"};

Test(math, tanh_is_within_two_ulp_for_every_float)
{
    for (size_t i = 0; i < 2; i++) {
        const OpRow *row = runnable(OP_LINEAR, variants[i]);
        float where = 0;
        if (!row) continue;
        const double worst = worst_error(row, ACTIVATION_TANH, INFINITY, &where);
        cr_assert_leq(worst, 2.0, "%s: %g ulp at %a", variants[i], worst, (double)where);
    }
}

// silu(x) = x / (1 + exp(-x)): exp, one sum, one quotient, one product.
Test(math, silu_is_within_four_ulp_until_exp_leaves_the_range)
{
    for (size_t i = 0; i < 2; i++) {
        const OpRow *row = runnable(OP_LINEAR, variants[i]);
        float where = 0;
        if (!row) continue;
        const double worst = worst_error(row, ACTIVATION_SILU, 87.0f, &where);
        cr_assert_leq(worst, 4.0, "%s: %g ulp at %a", variants[i], worst, (double)where);
    }
}

Test(math, gelu_is_within_four_ulp_of_its_larger_term)
{
    static float x[BATCH], y[BATCH];
    Exec *exec = exec_for_test();
    for (size_t v = 0; v < 2; v++) {
        const OpRow *row = runnable(OP_LINEAR, variants[v]);
        for (uint32_t sign = 0; row && sign < 2; sign++) {
            for (uint32_t bits = 0; bits <= 0x7f7fffffu;) {
                const size_t n = next_floats(&bits, 0x7f7fffffu, sign << 31, x);
                activate(exec, row, ACTIVATION_GELU, x, y, n);
                for (size_t i = 0; i < n; i++) {
                    // x / 2 + x / 2 erf: for negative x the terms cancel, and x / 2 sets the unit.
                    const double exact = activation_value(ACTIVATION_GELU, x[i]);
                    const double unit = fmax(fabs((double)x[i]) * 0x1p-25, 0x1p-149);
                    cr_assert_leq(fabs((double)y[i] - exact), 4.0 * unit,
                                  "%s: gelu(%a) = %a, not %a", variants[v], (double)x[i],
                                  (double)y[i], exact);
                }
            }
        }
    }
    exec_close(&exec);
}

// Both are x times a number within 0 and 1, up to where their exponential leaves the range: |x| sets the unit.
Test(math, mish_and_quick_gelu_are_within_four_units_of_their_argument)
{
    static const Activation kinds[] = {ACTIVATION_MISH, ACTIVATION_QUICK_GELU};
    static float x[BATCH], y[BATCH];
    Exec *exec = exec_for_test();
    for (size_t v = 0; v < 4; v++) {
        const OpRow *row = runnable(OP_LINEAR, variants[v % 2]);
        for (uint32_t sign = 0; row && sign < 2; sign++) {
            for (uint32_t bits = 0; bits <= 0x7f7fffffu;) {
                const size_t n = next_floats(&bits, 0x7f7fffffu, sign << 31, x);
                activate(exec, row, kinds[v / 2], x, y, n);
                for (size_t i = 0; i < n; i++) {
                    const double exact = activation_value(kinds[v / 2], x[i]);
                    const double unit = fmax(fabs((double)x[i]) * 0x1p-24, 0x1p-149);
                    cr_assert_leq(fabs((double)y[i] - exact), 4.0 * unit,
                                  "%s: activation %d of %a is %a, not %a", variants[v % 2],
                                  (int)kinds[v / 2], (double)x[i], (double)y[i], exact);
                }
            }
        }
    }
    exec_close(&exec);
}

// softmax of (x, 0) is (e / (1 + e), 1 / (1 + e)) with e = exp(x), x <= 0: within 2 ulp of exp's error.
Test(math, exp_is_within_two_ulp_below_zero)
{
    static float x[2 * BATCH], y[2 * BATCH], column[BATCH];
    Exec *exec = exec_for_test();
    for (size_t v = 0; v < 2; v++) {
        const OpRow *row = runnable(OP_SOFTMAX, variants[v]);
        for (uint32_t bits = 0; row && bits <= 0x42ae0000u;) { // to -87
            const size_t n = next_floats(&bits, 0x42ae0000u, 0x80000000u, column);
            for (size_t i = 0; i < n; i++) {
                x[2 * i] = column[i];
                x[2 * i + 1] = 0.0f;
            }
            OpArgs args = {0};
            Error err = {0};
            args.in[0] = tensor_f32(x, n, 2);
            args.out[0] = tensor_f32(y, n, 2);
            cr_assert_eq(row->run(&args, exec, &err), STATUS_OK, "%s", err.text);
            for (size_t i = 0; i < n; i++) {
                const double e = exp((double)column[i]);
                cr_assert_leq(ulp_error(y[2 * i], e / (1.0 + e)), 3.0, "%s: exp(%a)", variants[v],
                              (double)column[i]);
            }
        }
    }
    exec_close(&exec);
}

Test(math, avx2_and_avx512_give_the_same_bits_for_every_activation)
{
    static float x[BATCH], a[BATCH], b[BATCH];
    const OpRow *avx2 = runnable(OP_LINEAR, "avx2"), *avx512 = runnable(OP_LINEAR, "avx512");
    if (!avx2 || !avx512) cr_skip_test("this machine has no AVX-512");
    Exec *exec = exec_for_test();
    for (int activation = 0; activation < ACTIVATION_COUNT; activation++) {
        for (uint32_t sign = 0; sign < 2; sign++) {
            for (uint32_t bits = 0; bits <= 0x7f800000u;) {
                const size_t n = next_floats(&bits, 0x7f800000u, sign << 31, x);
                activate(exec, avx2, (Activation)activation, x, a, n);
                activate(exec, avx512, (Activation)activation, x, b, n);
                for (size_t i = 0; i < n; i++) {
                    cr_assert_arr_eq(&a[i], &b[i], sizeof a[i], "activation %d of %a: %a and %a",
                                     activation, (double)x[i], (double)a[i], (double)b[i]);
                }
            }
        }
    }
    exec_close(&exec);
}

Test(math, activations_keep_nan_and_their_limits)
{
    static const float x[] = {NAN, INFINITY, -INFINITY, 0.0f, 1e30f, -1e30f};
    static const double tanh_of[] = {NAN, 1, -1, 0, 1, -1},
                        relu_of[] = {NAN, INFINITY, 0, 0, 1e30f, 0};
    float in[6], y[6];
    memcpy(in, x, sizeof in);
    Exec *exec = exec_for_test();
    for (size_t v = 0; v < 2; v++) {
        const OpRow *row = runnable(OP_LINEAR, variants[v]);
        for (size_t i = 0; row && i < 6; i++) {
            activate(exec, row, ACTIVATION_TANH, &in[i], &y[i], 1);
            cr_assert(isnan(tanh_of[i]) ? isnan(y[i]) : (double)y[i] == tanh_of[i], "tanh(%g) = %g",
                      (double)x[i], (double)y[i]);
            activate(exec, row, ACTIVATION_RELU, &in[i], &y[i], 1);
            cr_assert(isnan(relu_of[i]) ? isnan(y[i]) : (double)y[i] == relu_of[i], "relu(%g) = %g",
                      (double)x[i], (double)y[i]);
            activate(exec, row, ACTIVATION_RELU2, &in[i], &y[i], 1);
            const double square = relu_of[i] * relu_of[i];
            cr_assert(isnan(square) ? isnan(y[i]) : (double)y[i] == (double)(float)square,
                      "relu2(%g) = %g", (double)x[i], (double)y[i]);
            activate(exec, row, ACTIVATION_GELU, &in[i], &y[i], 1);
            cr_assert_eq(isnan(y[i]) != 0, isnan(x[i]) != 0, "gelu(%g) = %g", (double)x[i],
                         (double)y[i]);
        }
    }
    exec_close(&exec);
}
