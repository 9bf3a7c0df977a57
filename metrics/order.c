#include "metrics/order.h"

#include <string.h>

enum { DIGIT_BITS = 11, N_BUCKETS = 1 << DIGIT_BITS, N_PASSES = 6 }; // 6 x 11 bits cover 64

typedef struct Keyed {
    uint64_t key;
    uint32_t index;
} Keyed;

// Unsigned keys in the order of the doubles; -0 and 0 are equal.
static uint64_t key_of(double value)
{
    if (value == 0) value = 0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static size_t digit_of(uint64_t key, unsigned pass)
{
    return (size_t)(key >> (pass * DIGIT_BITS)) & (N_BUCKETS - 1);
}

// One stable pass; false where all keys share the digit and nothing had to move.
static bool sort_pass(const Keyed *from, Keyed *to, size_t n, unsigned pass, const uint32_t *counts)
{
    if (counts[digit_of(from[0].key, pass)] == n) return false;
    uint32_t starts[N_BUCKETS];
    uint32_t sum = 0;
    for (size_t b = 0; b < N_BUCKETS; b++) {
        starts[b] = sum;
        sum += counts[b];
    }
    for (size_t i = 0; i < n; i++) to[starts[digit_of(from[i].key, pass)]++] = from[i];
    return true;
}

Status order_ascending(const double *values, size_t stride, size_t n, Arena *scratch,
                       uint32_t *order, Error *err)
{
    if (n == 0) return STATUS_OK;
    if (n > UINT32_MAX) return error_set(err, STATUS_INVALID, "%zu items are too many to sort", n);
    Keyed *from, *to;
    uint32_t *counts; // [N_PASSES, N_BUCKETS]
    TRY(arena_take(scratch, n, sizeof *from, "sort keys", &from, err));
    TRY(arena_take(scratch, n, sizeof *to, "sort keys", &to, err));
    TRY(arena_take(scratch, (size_t)N_PASSES * N_BUCKETS, sizeof *counts, "sort counts", &counts,
                   err));
    for (size_t i = 0; i < n; i++) {
        from[i] = (Keyed){.key = key_of(values[i * stride]), .index = (uint32_t)i};
        for (unsigned pass = 0; pass < N_PASSES; pass++) {
            counts[(size_t)pass * N_BUCKETS + digit_of(from[i].key, pass)]++;
        }
    }
    for (unsigned pass = 0; pass < N_PASSES; pass++) {
        if (!sort_pass(from, to, n, pass, counts + (size_t)pass * N_BUCKETS)) continue;
        Keyed *swapped = from;
        from = to;
        to = swapped;
    }
    for (size_t i = 0; i < n; i++) order[i] = from[i].index;
    return STATUS_OK;
}
