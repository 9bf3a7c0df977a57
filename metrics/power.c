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

double items_needed_sampled(double difference, double variance_items, double variance_a, double k_a,
                            double variance_b, double k_b, double alpha, double power)
{
    const double variance = variance_items + variance_a / k_a + variance_b / k_b;
    return items_needed(difference, sqrt(variance), alpha, power);
}

double items_needed_proportions(double p, double q, double alpha, double power)
{
    return items_needed(p - q, sqrt(p * (1 - p) + q * (1 - q)), alpha, power);
}

double paired_accuracy_error(double discordant, double n)
{
    return sqrt(discordant / n);
}
