// The draws, and what is made of replicates.
#include "metrics/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"
#include "metrics/distributions.h"
#include "metrics/resample.h"

// The last counter word keeps draws apart from every other use of the same seed; attempts count in its low bits.
enum { TAG_DRAW = 0x62730000, TAG_SWAP = 0x73770000 };

static void block_at(uint64_t seed, size_t resample, uint32_t block, uint32_t tag, uint32_t out[4])
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {block, (uint32_t)resample, (uint32_t)((uint64_t)resample >> 32),
                                 tag};
    philox_block(counter, key, out);
}

// Lemire's bounded draw; a rejected word is drawn again at the same position with the next attempt, so that other
// positions do not move.
static uint32_t below(uint64_t seed, size_t resample, size_t position, uint32_t word,
                      uint32_t bound, uint32_t threshold)
{
    uint64_t product = (uint64_t)word * bound;
    for (uint32_t attempt = 1; (uint32_t)product < threshold && attempt < 0xffff; attempt++) {
        uint32_t words[4];
        block_at(seed, resample, (uint32_t)(position / 4), TAG_DRAW + attempt, words);
        product = (uint64_t)words[position % 4] * bound;
    }
    return (uint32_t)(product >> 32);
}

enum { N_BLOCKS = 64, N_WORDS = 4 * N_BLOCKS };

// words [n] become draws below bound. Whether one of them has to be drawn again.
static bool scale_words(const uint32_t *restrict words, size_t n, uint32_t bound,
                        uint32_t threshold, uint32_t *restrict units)
{
    uint32_t n_rejected = 0;
    for (size_t j = 0; j < n; j++) {
        const uint64_t product = (uint64_t)words[j] * bound;
        units[j] = (uint32_t)(product >> 32);
        n_rejected += (uint32_t)product < threshold;
    }
    return n_rejected > 0;
}

// The draws at positions [begin, begin + count); begin is a multiple of four.
static void draw_piece(uint64_t seed, size_t resample, size_t n_units, size_t begin, size_t count,
                       uint32_t *units)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t bound = (uint32_t)n_units;
    const uint32_t threshold = bound > 0 ? (0u - bound) % bound : 0;
    uint32_t words[N_WORDS];
    for (size_t i = 0; i < count; i += N_WORDS) {
        const size_t n = size_min(N_WORDS, count - i);
        const uint32_t counter[4] = {(uint32_t)((begin + i) / 4), (uint32_t)resample,
                                     (uint32_t)((uint64_t)resample >> 32), TAG_DRAW};
        philox_blocks(counter, key, (n + 3) / 4, words);
        if (!scale_words(words, n, bound, threshold, units + i)) continue;
        for (size_t j = 0; j < n; j++)
            units[i + j] = below(seed, resample, begin + i + j, words[j], bound, threshold);
    }
}

void draw_units(uint64_t seed, size_t resample, size_t n_units, uint32_t *units)
{
    draw_piece(seed, resample, n_units, 0, n_units, units);
}

void bootstrap_counts(uint64_t seed, size_t resample, size_t n_units, uint32_t *counts)
{
    enum { PIECE = 1024 };
    uint32_t units[PIECE];
    memset(counts, 0, n_units * sizeof *counts);
    for (size_t i = 0; i < n_units; i += PIECE) {
        const size_t n = size_min(PIECE, n_units - i);
        draw_piece(seed, resample, n_units, i, n, units);
        for (size_t j = 0; j < n; j++) counts[units[j]]++;
    }
}

void bootstrap_swaps(uint64_t seed, size_t resample, size_t n_units, unsigned char *swap)
{
    for (size_t i = 0; i < n_units; i += 128) {
        uint32_t words[4];
        block_at(seed, resample, (uint32_t)(i / 128), TAG_SWAP, words);
        for (size_t j = 0; j < 128 && i + j < n_units; j++) {
            swap[i + j] = (unsigned char)(words[j / 32] >> (j % 32) & 1u);
        }
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort_doubles(double *values, size_t n)
{
    if (n > 1) qsort(values, n, sizeof *values, compare_doubles);
}

double quantile_sorted(const double *sorted, size_t n, double q)
{
    if (n == 0 || !(q >= 0 && q <= 1)) return NAN;
    const double at = q * (double)(n - 1);
    const size_t below_at = size_min((size_t)at, n - 1);
    const size_t above_at = size_min(below_at + 1, n - 1);
    const double share = at - (double)below_at, step = sorted[above_at] - sorted[below_at];
    // From the nearer end, so that q = 1 gives the last value itself.
    return share < 0.5 ? sorted[below_at] + step * share : sorted[above_at] - step * (1 - share);
}

Interval interval_percentile(double *replicates, size_t n, double level)
{
    sort_doubles(replicates, n);
    const double tail = 0.5 * (1 - level);
    return (Interval){quantile_sorted(replicates, n, tail),
                      quantile_sorted(replicates, n, 1 - tail)};
}

Interval interval_basic(double *replicates, size_t n, double estimate, double level)
{
    const Interval p = interval_percentile(replicates, n, level);
    return (Interval){2 * estimate - p.hi, 2 * estimate - p.lo};
}

// Sum of cubes over 6 (sum of squares)^1.5 of the deviations (Efron 1987, equation 6.6).
static double acceleration(const double *values, size_t n)
{
    const double mean = mean_of(values, n);
    double squares = 0, cubes = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = mean - values[i];
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

Interval interval_bca(double *replicates, size_t n, double estimate, const double *jackknife_values,
                      size_t n_jackknife, double level)
{
    sort_doubles(replicates, n);
    size_t less = 0, less_or_equal = 0;
    for (size_t i = 0; i < n; i++) {
        less += replicates[i] < estimate;
        less_or_equal += replicates[i] <= estimate;
    }
    if (n == 0) return (Interval){NAN, NAN};
    const double rank = 0.5 * ((double)less + (double)less_or_equal) / (double)n;
    const double z0 = normal_quantile(rank);
    if (!isfinite(z0)) return (Interval){NAN, NAN};
    const double a = acceleration(jackknife_values, n_jackknife);
    const double z = normal_quantile(0.5 * (1 - level));
    const double lo = normal_cdf(z0 + (z0 + z) / (1 - a * (z0 + z)));
    const double hi = normal_cdf(z0 + (z0 - z) / (1 - a * (z0 - z)));
    return (Interval){quantile_sorted(replicates, n, lo), quantile_sorted(replicates, n, hi)};
}

double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    return n > 0 ? sum / (double)n : (double)NAN;
}

double standard_deviation(const double *values, size_t n)
{
    if (n < 2) return NAN;
    const double mean = mean_of(values, n);
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

size_t drop_undefined(double *values, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i])) values[kept++] = values[i];
    }
    return kept;
}
