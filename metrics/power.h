// metrics/power.h: what a comparison of a given size can see.
//
// Source: Card et al. 2020, EMNLP 745; Miller 2024, arXiv:2411.00640, section 5. alpha is two-sided.
#ifndef ASSAY_METRICS_POWER_H
#define ASSAY_METRICS_POWER_H

// The smallest true difference that is found with the given power: (z_{1-alpha/2} + z_power) * standard_error.
double minimum_detectable_effect(double standard_error, double alpha, double power);
// The chance to find a true difference.
double power_of(double difference, double standard_error, double alpha);
// Items wanted to see `difference`, from the standard deviation of the paired differences between items.
double items_needed(double difference, double standard_deviation, double alpha, double power);
// The same where each item is answered several times by both systems: variance_items is the variance between items of the
// difference, variance_a / k_a and variance_b / k_b that of the mean of k answers (Miller 2024, equation 9).
double items_needed_sampled(double difference, double variance_items, double variance_a, double k_a,
                            double variance_b, double k_b, double alpha, double power);
// Items for each of two groups to tell proportions p and q apart, unpaired.
double items_needed_proportions(double p, double q, double alpha, double power);
// The standard error of a paired difference of two accuracies over n items, of which the share `discordant` is judged
// differently, when there is no true difference: sqrt(discordant / n).
double paired_accuracy_error(double discordant, double n);

#endif
