#include "metrics/order.h"

#include <math.h>
#include <string.h>

#include "base/size.h"

typedef struct Keyed {
    double value;
    uint32_t index;
} Keyed;

// ---- Few values, or a bucket of them ----

enum { INSERTION = 24 };

static void insertion_sort(Keyed *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const Keyed moved = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1].value > moved.value; at--) items[at] = items[at - 1];
        items[at] = moved;
    }
}

// Merges two sorted halves of `from` into `to`; of equal values the left one's come first.
static void merge(const Keyed *from, size_t middle, size_t n, Keyed *to)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < n; i++) {
        const bool takes_left =
            right >= n || (left < middle && from[left].value <= from[right].value);
        to[i] = takes_left ? from[left++] : from[right++];
    }
}

// Bottom up, so that nothing recurses; spare [n]. Stable.
static void merge_sort(Keyed *items, size_t n, Keyed *spare)
{
    for (size_t i = 0; i < n; i += INSERTION) insertion_sort(items + i, size_min(INSERTION, n - i));
    Keyed *from = items, *to = spare;
    for (size_t width = INSERTION; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            const size_t count = size_min(2 * width, n - i);
            merge(from + i, size_min(width, count), count, to + i);
        }
        Keyed *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != items) memcpy(items, from, n * sizeof *items);
}

static bool is_sorted(const Keyed *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (items[i - 1].value > items[i].value) return false;
    }
    return true;
}

// ---- Many ----

// Buckets of equal width between the lowest and the highest value: scores and probabilities spread over them. Twice: into
// few buckets that memory can follow, and each of those, by then in the cache, into buckets of a few items. Equal values
// share a bucket and stay in their order there.
enum { ITEMS_A_BUCKET = 8, FEW_BUCKETS = 512, LEAST_FOR_BUCKETS = 64 };

typedef struct Spread {
    double lowest, scale;
    size_t n_buckets;
} Spread;

// False where values cannot be spread: some are not finite, or all are the same.
static bool spread_between(double lowest, double highest, size_t n, Spread *out)
{
    out->n_buckets = size_min(n / ITEMS_A_BUCKET, FEW_BUCKETS);
    out->lowest = lowest;
    out->scale = (double)out->n_buckets / (highest - lowest);
    return isfinite(highest - lowest) && isfinite(out->scale) && out->scale > 0;
}

// Rises with the value; rounding never turns two around.
static size_t bucket_of(const Spread *s, double value)
{
    return size_min((size_t)((value - s->lowest) * s->scale), s->n_buckets - 1);
}

static void sort_few(Keyed *items, size_t n, Keyed *spare)
{
    if (n <= INSERTION) {
        insertion_sort(items, n);
    } else if (!is_sorted(items, n)) {
        merge_sort(items, n, spare);
    }
}

static void sort_bucket(Keyed *items, size_t n, Keyed *spare)
{
    Spread spread;
    double lowest = INFINITY, highest = -INFINITY;
    if (n < LEAST_FOR_BUCKETS) {
        sort_few(items, n, spare);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        lowest = items[i].value < lowest ? items[i].value : lowest;
        highest = items[i].value > highest ? items[i].value : highest;
    }
    if (!spread_between(lowest, highest, n, &spread)) {
        sort_few(items, n, spare);
        return;
    }
    uint32_t ends[FEW_BUCKETS + 1] = {0};
    for (size_t i = 0; i < n; i++) ends[bucket_of(&spread, items[i].value) + 1]++;
    for (size_t b = 0; b < spread.n_buckets; b++) ends[b + 1] += ends[b];
    for (size_t i = 0; i < n; i++) spare[ends[bucket_of(&spread, items[i].value)]++] = items[i];
    for (size_t b = 0, begin = 0; b < spread.n_buckets; b++) { // by now each start is its end
        sort_few(spare + begin, ends[b] - begin, items + begin);
        begin = ends[b];
    }
    memcpy(items, spare, n * sizeof *items);
}

static bool find_spread(const double *values, size_t stride, size_t n, Spread *out)
{
    double lowest = INFINITY, highest = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = values[i * stride];
        lowest = value < lowest ? value : lowest;
        highest = value > highest ? value : highest;
        sum += value * 0; // NaN where some value is not finite
    }
    return sum == 0 && spread_between(lowest, highest, n, out);
}

static Status spread_out(const double *values, size_t stride, size_t n, const Spread *spread,
                         Arena *scratch, Keyed *items, Error *err)
{
    uint32_t ends[FEW_BUCKETS + 1] = {0};
    Keyed *spare;
    size_t largest = 0;
    for (size_t i = 0; i < n; i++) ends[bucket_of(spread, values[i * stride]) + 1]++;
    for (size_t b = 0; b < spread->n_buckets; b++) {
        largest = size_max(largest, ends[b + 1]);
        ends[b + 1] += ends[b];
    }
    for (size_t i = 0; i < n; i++) {
        const double value = values[i * stride];
        items[ends[bucket_of(spread, value)]++] = (Keyed){.value = value, .index = (uint32_t)i};
    }
    TRY(arena_take(scratch, largest, sizeof *spare, "sort keys", &spare, err));
    for (size_t b = 0, begin = 0; b < spread->n_buckets; b++) {
        sort_bucket(items + begin, ends[b] - begin, spare);
        begin = ends[b];
    }
    return STATUS_OK;
}

static Status sort_values(const double *values, size_t stride, size_t n, Arena *scratch,
                          Keyed **out, Error *err)
{
    Keyed *items, *spare;
    Spread spread;
    if (n > UINT32_MAX) return error_set(err, STATUS_INVALID, "%zu items are too many to sort", n);
    TRY(arena_take(scratch, n, sizeof *items, "sort keys", &items, err));
    *out = items;
    if (n >= LEAST_FOR_BUCKETS && find_spread(values, stride, n, &spread))
        return spread_out(values, stride, n, &spread, scratch, items, err);
    TRY(arena_take(scratch, n, sizeof *spare, "sort keys", &spare, err));
    for (size_t i = 0; i < n; i++)
        items[i] = (Keyed){.value = values[i * stride], .index = (uint32_t)i};
    if (!is_sorted(items, n)) merge_sort(items, n, spare);
    return STATUS_OK;
}

Status order_ascending(const double *values, size_t stride, size_t n, Arena *scratch,
                       uint32_t *order, Error *err)
{
    Keyed *items = NULL;
    TRY(sort_values(values, stride, n, scratch, &items, err));
    for (size_t i = 0; i < n; i++) order[i] = items[i].index;
    return STATUS_OK;
}

Status order_groups(const double *values, size_t stride, size_t n, Arena *scratch, uint32_t *order,
                    unsigned char *begins, Error *err)
{
    Keyed *items = NULL;
    TRY(sort_values(values, stride, n, scratch, &items, err));
    for (size_t i = 0; i < n; i++) {
        order[i] = items[i].index;
        begins[i] = i == 0 || items[i].value != items[i - 1].value;
    }
    return STATUS_OK;
}
