#include <criterion/criterion.h>

#include <math.h>

#include "base/philox.h"

// Random123 1.09, kat_vectors, "philox4x32 10".
Test(philox, gives_the_known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint32_t out[4];
        philox_block(cases[k].counter, cases[k].key, out);
        cr_assert_arr_eq(out, cases[k].out, sizeof out, "vector %zu", k);
    }
}

Test(philox, stream_reads_blocks_in_order)
{
    Philox rng = philox_stream(0x299f31d0a4093822u, 0x0370734413198a2eu);
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0, 0x13198a2e, 0x03707344};
        const uint32_t key[2] = {0xa4093822, 0x299f31d0};
        uint32_t wanted[4];
        philox_block(counter, key, wanted);
        for (int i = 0; i < 4; i++) cr_assert_eq(philox_u32(&rng), wanted[i], "value %d", i);
    }
}

Test(philox, gives_many_blocks_as_one_by_one)
{
    enum { MOST = 200 };
    const uint32_t counter[4] = {UINT32_MAX - 70, 7, 8, 9}, key[2] = {10, 11};
    for (size_t n = 0; n <= MOST; n += n < 70 ? 1 : 13) {
        uint32_t out[4 * MOST + 1] = {0};
        out[4 * n] = 123; // must stay
        philox_blocks(counter, key, n, out);
        for (size_t b = 0; b < n; b++) {
            const uint32_t at[4] = {counter[0] + (uint32_t)b, 7, 8, 9};
            uint32_t wanted[4];
            philox_block(at, key, wanted);
            cr_assert_arr_eq(out + 4 * b, wanted, sizeof wanted, "block %zu of %zu", b, n);
        }
        cr_assert_eq(out[4 * n], 123u);
    }
}

Test(philox, position_carries_into_its_upper_half)
{
    Philox rng = philox_stream(5, 6);
    rng.counter[0] = UINT32_MAX;
    for (int i = 0; i < 4; i++) philox_u32(&rng);
    cr_assert_eq(rng.counter[0], 0);
    cr_assert_eq(rng.counter[1], 1);
}

Test(philox, streams_and_seeds_differ)
{
    Philox a = philox_stream(1, 1), b = philox_stream(1, 2), c = philox_stream(2, 1);
    const uint64_t x = philox_u64(&a), y = philox_u64(&b), z = philox_u64(&c);
    cr_assert(x != y && y != z && x != z);
}

Test(philox, doubles_fill_the_unit_interval)
{
    Philox rng = philox_stream(7, 0);
    double sum = 0;
    const int n = 100000;
    for (int i = 0; i < n; i++) {
        const double x = philox_double(&rng);
        cr_assert(x >= 0 && x < 1);
        sum += x;
    }
    cr_assert_lt(fabs(sum / n - 0.5), 0.005, "mean %g", sum / n); // 5 standard errors
}

Test(philox, below_is_even_over_its_range)
{
    Philox rng = philox_stream(8, 0);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) counts[philox_below(&rng, 7)]++;
    for (int k = 0; k < 7; k++) cr_assert_lt(abs(counts[k] - 10000), 500, "%d: %d", k, counts[k]);
    cr_assert_eq(philox_below(&rng, 1), 0);
    const uint64_t large = (UINT64_C(1) << 63) + 1; // half of all draws are rejected
    for (int i = 0; i < 1000; i++) cr_assert_lt(philox_below(&rng, large), large);
}

Test(philox, normals_have_mean_zero_and_variance_one)
{
    Philox rng = philox_stream(9, 0);
    double sum = 0, squares = 0;
    const int n = 100000;
    for (int i = 0; i < n; i++) {
        const double x = philox_normal(&rng);
        sum += x;
        squares += x * x;
    }
    cr_assert_lt(fabs(sum / n), 0.016, "mean %g", sum / n);
    cr_assert_lt(fabs(squares / n - 1), 0.023, "variance %g", squares / n);
}

Test(philox, shuffle_permutes_and_repeats)
{
    size_t a[100], b[100];
    for (size_t i = 0; i < 100; i++) a[i] = b[i] = i;
    Philox rng = philox_stream(10, 0);
    Philox same = rng;
    philox_shuffle(&rng, a, 100);
    philox_shuffle(&same, b, 100);
    cr_assert_arr_eq(a, b, sizeof a);
    bool seen[100] = {0};
    size_t n_moved = 0;
    for (size_t i = 0; i < 100; i++) {
        cr_assert_not(seen[a[i]], "%zu stands twice", a[i]);
        seen[a[i]] = true;
        n_moved += a[i] != i;
    }
    cr_assert_gt(n_moved, 80);
    philox_shuffle(&rng, a, 0);
}
