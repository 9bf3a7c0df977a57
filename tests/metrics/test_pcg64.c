// NumPy's generator against its own streams.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/pcg64.h"
#include "tests/metrics/golden.h"

static uint64_t number(const Json *value)
{
    char text[32] = {0};
    const Slice digits = json_string(value);
    cr_assert_lt(digits.len, sizeof text);
    memcpy(text, digits.ptr, digits.len);
    return strtoull(text, NULL, 10);
}

static void expect_integers(uint64_t seed, const Json *list, size_t line)
{
    const Slice bound = json_key(list);
    char text[32] = {0};
    memcpy(text, bound.ptr, bound.len);
    uint32_t drawn[256];
    const size_t n = json_len(list);
    cr_assert_leq(n, sizeof drawn / sizeof *drawn);
    Pcg64 rng = pcg64_seeded(seed);
    pcg64_integers(&rng, (uint32_t)strtoull(text, NULL, 10), n, drawn);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(drawn[i], (uint32_t)json_double(json_at(list, i)), "line %zu: %s", line, text);
}

Test(pcg64, repeats_numpys_default_generator)
{
    Golden golden = golden_open("numpy_rng.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *raw = json_get(r, "random_raw_uint64");
        if (raw == NULL) continue;
        const uint64_t seed = number(json_get(r, "seed"));
        Pcg64 rng = pcg64_seeded(seed), doubles = rng;
        for (const Json *v = json_first(raw); v != NULL; v = json_next(v))
            cr_expect_eq(pcg64_next(&rng), number(v), "line %zu", golden.line);
        for (const Json *v = json_first(json_get(r, "random_double")); v != NULL; v = json_next(v))
            cr_expect_eq(pcg64_double(&doubles), json_double(v), "line %zu", golden.line);
        for (const Json *v = json_first(json_get(r, "choice")); v != NULL; v = json_next(v))
            expect_integers(seed, v, golden.line);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_geq(n_cases, (size_t)4);
}

Test(pcg64, draws_nothing_for_a_range_of_one)
{
    Pcg64 rng = pcg64_seeded(5), other = rng;
    uint32_t drawn[3] = {9, 9, 9};
    pcg64_integers(&rng, 1, 3, drawn);
    for (size_t i = 0; i < 3; i++) cr_expect_eq(drawn[i], 0u);
    cr_expect_eq(pcg64_next(&rng), pcg64_next(&other));
}
