#include <criterion/criterion.h>

#include "metrics/numpy_rng.h"

// numpy 2.4.6: default_rng(12345).bit_generator.random_raw(3); goldens/metrics/numpy_rng.jsonl has longer streams.
Test(numpy_rng, gives_numpys_raw_outputs)
{
    NumpyRng rng = numpy_rng(12345);
    cr_expect_eq(numpy_u64(&rng), 4193609425186963869u);
    cr_expect_eq(numpy_u64(&rng), 5843160025838961886u);
    cr_expect_eq(numpy_u64(&rng), 14708796524633321433u);
}

Test(numpy_rng, stays_below_its_bound_and_takes_bits_in_order)
{
    NumpyRng rng = numpy_rng(7), bits = numpy_rng(7);
    unsigned char out[40];
    for (size_t i = 0; i < 1000; i++) cr_assert_lt(numpy_below(&rng, 3), 3);
    cr_expect_eq(numpy_below(&rng, 1), 0);
    rng = numpy_rng(7);
    numpy_bools(&bits, 40, out);
    const uint64_t raw = numpy_u64(&rng);
    for (size_t i = 0; i < 40; i++) cr_expect_eq(out[i], raw >> i & 1, "%zu", i);
}
