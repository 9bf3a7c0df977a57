#include "metrics/power.h"

#include <math.h>

#include "metrics/distributions.h"

double minimum_detectable_effect(double standard_error, double alpha, double power)
{
    return (normal_quantile(1 - 0.5 * alpha) + normal_quantile(power)) * standard_error;
}

double power_of(double difference, double standard_error, double alpha)
{
    const double z = normal_quantile(1 - 0.5 * alpha), shift = fabs(difference) / standard_error;
    return normal_sf(z - shift) + normal_cdf(-z - shift);
}

double items_needed(double difference, double standard_deviation, double alpha, double power)
{
    const double z = normal_quantile(1 - 0.5 * alpha) + normal_quantile(power);
    const double root = z * standard_deviation / difference;
    return ceil(root * root);
}

double paired_accuracy_error(double discordant, double n)
{
    return sqrt(discordant / n);
}
