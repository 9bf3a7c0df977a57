#include <math.h>

#include "kernels/linear.h"

static const double inv_sqrt_2 = 0.70710678118654752440;
static const double inv_sqrt_2pi = 0.39894228040143267794;
// gelu_tanh(x) = x / 2 * (1 + tanh(c (x + 0.044715 x^3))), c = sqrt(2 / pi)
static const double sqrt_2_over_pi = 0.79788456080286535588;
static const double gelu_cubic = 0.044715;
static const double quick_gelu = 1.702;

// exp(2 log(1 + exp(x))) - 1, of which tanh(log(1 + exp(x))) is n / (n + 2). Beyond 80 that is 1.
static double mish_part(double x)
{
    const double e = exp(x > 80.0 ? 80.0 : x);
    return e * (e + 2.0);
}

double activation_value(Activation activation, double x)
{
    switch (activation) {
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        break;
    case ACTIVATION_GELU:
        return 0.5 * x * erfc(-x * inv_sqrt_2); // erfc keeps digits where 1 + erf would cancel
    case ACTIVATION_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(sqrt_2_over_pi * (x + gelu_cubic * x * x * x)));
    case ACTIVATION_RELU:
        return x > 0.0 || x != x ? x : 0.0;
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_SILU:
        return x / (1.0 + exp(-x));
    case ACTIVATION_QUICK_GELU:
        return x / (1.0 + exp(-quick_gelu * x));
    case ACTIVATION_RELU2:
        return x > 0.0 || x != x ? x * x : 0.0;
    case ACTIVATION_MISH: {
        const double n = mish_part(x);
        return x * (n / (n + 2.0));
    }
    }
    return x;
}

double activation_slope(Activation activation, double x)
{
    switch (activation) {
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        break;
    case ACTIVATION_GELU:
        return 0.5 * erfc(-x * inv_sqrt_2) + x * inv_sqrt_2pi * exp(-0.5 * x * x);
    case ACTIVATION_GELU_TANH: {
        const double t = tanh(sqrt_2_over_pi * (x + gelu_cubic * x * x * x));
        const double inner = sqrt_2_over_pi * (1.0 + 3.0 * gelu_cubic * x * x);
        return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
    }
    case ACTIVATION_RELU:
        return x > 0.0 ? 1.0 : 0.0;
    case ACTIVATION_TANH: {
        const double t = tanh(x);
        return 1.0 - t * t;
    }
    case ACTIVATION_SILU: {
        const double s = 1.0 / (1.0 + exp(-x));
        return s * (1.0 + x * (1.0 - s));
    }
    case ACTIVATION_QUICK_GELU: {
        const double s = 1.0 / (1.0 + exp(-quick_gelu * x));
        return s * (1.0 + quick_gelu * x * (1.0 - s));
    }
    case ACTIVATION_RELU2:
        return x > 0.0 || x != x ? 2.0 * x : 0.0;
    case ACTIVATION_MISH: {
        // t + x (1 - t^2) sigmoid(x), t = n / (n + 2) and n + 1 = (1 + e)^2
        const double n = mish_part(x), inside = x > 80.0 ? 80.0 : x, e = exp(inside);
        return n / (n + 2.0) + inside * (4.0 * e * (1.0 + e)) / ((n + 2.0) * (n + 2.0));
    }
    }
    return 1.0;
}
