#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/sha256.h"
#include "kernels/half.h"
#include "kernels/quant.h"
#include "kernels/quant_internal.h"

enum { N = 8192 };

static uint64_t lcg(uint64_t *state)
{
    return *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

// Numbers of eight magnitudes; blocks of zeros, of one number, of equal numbers, of one sign.
static void make_numbers(float *x)
{
    uint64_t state = 1;
    for (int i = 0; i < N; i++) {
        const int32_t k = (int32_t)(lcg(&state) >> 40) - (1 << 23);
        x[i] = ldexpf((float)k * 0x1p-23f, i / 32 % 8 - 4);
    }
    memset(x + 64, 0, 32 * sizeof *x);
    memset(x + 128, 0, 32 * sizeof *x);
    x[133] = -0.75f;
    for (int i = 160; i < 192; i++) x[i] = 0.5f;
    for (int i = 192; i < 224; i++) x[i] = fabsf(x[i]);
    for (int i = 224; i < 256; i++) x[i] = -fabsf(x[i]);
}

// What quantize and dequantize of the Python package gguf 0.19.0 give for make_numbers and make_blocks, hashed.
static const struct {
    DType dtype;
    size_t halves[2]; // where a block's 16-bit scales stand
    const char *encoded, *decoded;
} golden[] = {
    {DTYPE_F16,
     {0, 0},
     "6487abf01a96d5083f736d8d27fff13729d0c847a8ed98b3a57b9590ce470f81",
     "07cbfe2a04e4dd9fb3f595d4bef218d0305b19a4eae57f12d0bdad3a95f4bbe2"},
    {DTYPE_BF16,
     {0, 0},
     "ac5b74ccc0e1cf9d327c1b657bf8cdb48daa2c54e123a699213b3351aec2b777",
     "cd5e7ba1e57718bcc76b5287d2ec973b30841d9c422c8b16d3012bdbb79e665f"},
    {DTYPE_Q8_0,
     {0, 0},
     "8810fcbfd668fc6de0d49fa620e860e9754f3e5f034bb50be37d88e5ea76c4ae",
     "3e767396c79b8c336f067afda2b50ba9f7dc4b7666ec040e1a5989ed6de0cb34"},
    {DTYPE_Q4_0,
     {0, 0},
     "a293e802c8717122d22d21a4c83485a6d66e6eb085c0b1af941528e6e5b5a83c",
     "563ee925c8728aaf587aad4d2451d48cdcb1a00293aa73b91255ce6f87384014"},
    {DTYPE_Q4_1,
     {0, 2},
     "368993c732d2aad6fc919da1ef7d27daae94bb5e375eb376a974f3c2b185a8e6",
     "5839599a8d3b0b4e5dab2ce07825b13c7d9272631f23d3122ed761f03b45d1fc"},
    {DTYPE_Q5_0,
     {0, 0},
     "88c19db82523051d2ce7eb6b943a22998d18fe025d799cc56a6038b135c48eda",
     "09c7dab4310966ae995d7c3165f3dd3765019d7d9fafb725d0c48895742b6682"},
    {DTYPE_Q5_1,
     {0, 2},
     "72041f36424e171b746d77c6a1ac080822e6d934a1746792814f2f17b02be44d",
     "699721b4292a7b4541a2988307a75c0ae45e1cc05e2be40e276f0e01e265554e"},
    {DTYPE_MXFP4,
     {0, 0},
     "c690b91c7073a780bb0db7a4f35eaa83791e711180c4b84ffbb4d28e82f7cf68",
     "02eccb53ca84f8bef4ae60440b4377939e7543db30a4eb4633fcb95005f878bf"},
    {DTYPE_Q4_K, {0, 2}, NULL, "bf01c614f2404f940e9dd31fbc5a539ef93e03c5416a0e96cce160bcfe226c52"},
    {DTYPE_Q5_K, {0, 2}, NULL, "5d4874f33eca513a2255f4d820aff9acc04cfbf8f00d96ff4f9ad18cb40bbde4"},
    {DTYPE_Q6_K,
     {208, 208},
     NULL,
     "6189dc3416e457579f89a202249b45ea405920dbb21586fe5f8d03a89abd7bed"},
    {DTYPE_Q2_K,
     {80, 82},
     NULL,
     "e45f88f90bac1925a8471d78518b6e1bbed956efc7b521c8afb1850c16f7b257"},
    {DTYPE_Q3_K,
     {108, 108},
     NULL,
     "40aa3d84d3e8c600f4b438ac082f04289e18764b9bc10f95bda748f0a9425ad4"},
    {DTYPE_IQ4_NL,
     {0, 0},
     NULL,
     "07529e68d613fc7d4d300405545082b13bee6ca53d0f10a72fd45b3bd128818b"},
    {DTYPE_IQ4_XS,
     {0, 0},
     NULL,
     "cb568e44bbb471dc53b2b1659051fab298cc1c942c51da65cb1a4cd0e2d8b7f8"},
};

Test(quant, encodes_bit_for_bit_as_the_package_gguf)
{
    float *x = malloc(N * sizeof *x);
    char *blocks = malloc((size_t)N * 4);
    cr_assert(x && blocks);
    make_numbers(x);
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        size_t size = 0;
        char hash[SHA256_HEX_SIZE];
        if (!golden[i].encoded) continue;
        cr_assert(quant_row_bytes(golden[i].dtype, N, &size));
        quant_encode(golden[i].dtype, N, x, blocks);
        sha256_of((Slice){blocks, size}, hash);
        cr_expect_str_eq(hash, golden[i].encoded, "%s", dtype_name(golden[i].dtype));
    }
    free(x);
    free(blocks);
}

Test(quant, decodes_bit_for_bit_as_the_package_gguf)
{
    enum { BLOCKS = 32 };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const DType dtype = golden[i].dtype;
        const size_t size = dtype_size(dtype), n = BLOCKS * dtype_block(dtype);
        uint8_t *blocks = malloc(BLOCKS * size);
        float *x = malloc(n * sizeof *x);
        uint64_t state = 7;
        char hash[SHA256_HEX_SIZE];
        cr_assert(blocks && x);
        for (size_t j = 0; j < BLOCKS * size; j++) blocks[j] = (uint8_t)(lcg(&state) >> 56);
        for (size_t j = 0; j < BLOCKS; j++) {
            // Scales below 2: neither infinite nor NaN.
            for (int h = 0; h < 2; h++) blocks[j * size + golden[i].halves[h] + 1] &= 0xbf;
        }
        quant_decode(dtype, n, blocks, x);
        sha256_of((Slice){(const char *)x, n * sizeof *x}, hash);
        cr_expect_str_eq(hash, golden[i].decoded, "%s", dtype_name(dtype));
        free(blocks);
        free(x);
    }
}

// Mean squared error of a format on x, as a share of the numbers' own mean square.
static double loss_of(DType dtype, const float *x, size_t n)
{
    size_t size = 0;
    cr_assert(quant_row_bytes(dtype, n, &size));
    char *blocks = malloc(size);
    float *back = malloc(n * sizeof *back);
    cr_assert(blocks && back);
    quant_encode(dtype, n, x, blocks);
    quant_decode(dtype, n, blocks, back);
    double sum = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        sum += pow((double)back[i] - (double)x[i], 2);
        all += pow((double)x[i], 2);
    }
    free(blocks);
    free(back);
    return sum / all;
}

// Measured on these numbers: 4.82e-3, 1.16e-3, 2.86e-4; the limits leave 3 %. Rounding between the extremes of each part, its
// scale rounded to the nearest integer, gives 6.12e-3, 1.45e-3, 3.45e-4.
Test(quant, searched_formats_lose_little_of_normal_numbers)
{
    float *x = malloc(N * sizeof *x);
    uint64_t state = 3;
    cr_assert(x);
    for (int i = 0; i < N; i++) {
        double sum = 0; // twelve uniform numbers: near enough to normal
        for (int k = 0; k < 12; k++) sum += (double)(lcg(&state) >> 40) * 0x1p-24;
        x[i] = (float)(sum - 6) * 0.02f;
    }
    const double q4 = loss_of(DTYPE_Q4_K, x, N), q5 = loss_of(DTYPE_Q5_K, x, N),
                 q6 = loss_of(DTYPE_Q6_K, x, N);
    cr_expect_lt(q4, 4.97e-3, "q4_k: %g", q4);
    cr_expect_lt(q5, 1.19e-3, "q5_k: %g", q5);
    cr_expect_lt(q6, 2.95e-4, "q6_k: %g", q6);
    const double q3 = loss_of(DTYPE_Q3_K, x, N), q2 = loss_of(DTYPE_Q2_K, x, N),
                 nl = loss_of(DTYPE_IQ4_NL, x, N), xs = loss_of(DTYPE_IQ4_XS, x, N);
    // ggml's own (ggml_quantize_chunk) give 2.29e-2, 8.85e-2, 5.81e-3 and 5.90e-3 on normal numbers.
    cr_expect_lt(q3, 2.13e-2, "q3_k: %g", q3);
    cr_expect_lt(q2, 7.08e-2, "q2_k: %g", q2);
    cr_expect_lt(nl, 5.58e-3, "iq4_nl: %g", nl);
    cr_expect_lt(xs, 5.66e-3, "iq4_xs: %g", xs);
    free(x);
}

static void encode_blocks(DType dtype, const float *x, uint8_t *block)
{
    quant_encode(dtype, dtype_block(dtype), x, block);
}

static void check_build(DType dtype, QuantSearch *plain, QuantSearch *other)
{
    float *x = malloc(N * sizeof *x);
    cr_assert(x);
    make_numbers(x);
    for (size_t i = 0; i < N; i += dtype_block(dtype)) {
        uint8_t want[QUANT_MAX_BLOCK], got[QUANT_MAX_BLOCK];
        plain(dtype, x + i, want);
        other(dtype, x + i, got);
        cr_assert_arr_eq(got, want, dtype_size(dtype), "%s, block at %zu", dtype_name(dtype), i);
    }
    free(x);
}

Test(quant, every_build_of_a_search_gives_the_same_bytes)
{
    static const DType shifted[] = {DTYPE_Q4_K, DTYPE_Q5_K, DTYPE_Q2_K},
                       with_sign[] = {DTYPE_Q6_K, DTYPE_Q3_K, DTYPE_IQ4_XS, DTYPE_IQ4_NL};
    // What this machine takes, and the narrower vectors that it may have beside.
    for (size_t i = 0; i < sizeof shifted / sizeof *shifted; i++)
        check_build(shifted[i], quant_search_shifted_plain, encode_blocks);
    for (size_t i = 0; i < sizeof with_sign / sizeof *with_sign; i++)
        check_build(with_sign[i], quant_search_signed_plain, encode_blocks);
#if defined(__x86_64__)
    const bool has_avx2 = (machine_cpu_features() & CPU_AVX2) != 0;
    for (size_t i = 0; has_avx2 && i < sizeof shifted / sizeof *shifted; i++)
        check_build(shifted[i], quant_search_shifted_plain, quant_search_shifted_avx2);
    for (size_t i = 0; has_avx2 && i < sizeof with_sign / sizeof *with_sign; i++)
        check_build(with_sign[i], quant_search_signed_plain, quant_search_signed_avx2);
#endif
}

Test(quant, every_format_survives_extreme_numbers)
{
    static const float values[] = {0.0f, 1e-40f, -1e-40f, 1e-30f, 1.0f, -1.0f, 60000.0f, -60000.0f};
    float x[256], back[256];
    uint8_t blocks[256 * 4];
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        if (!quant_is_known((DType)dtype)) continue;
        // A scale is a power of two, below 8 times which 6 times is the largest.
        const float share = dtype == DTYPE_MXFP4 ? 0.25f : 0.05f;
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            for (int i = 0; i < 256; i++) x[i] = values[v];
            quant_encode((DType)dtype, 256, x, blocks);
            quant_decode((DType)dtype, 256, blocks, back);
            for (int i = 0; i < 256; i++) {
                const float miss = fabsf(back[i] - x[i]), allowed = share * fabsf(x[i]) + 1e-7f;
                cr_assert(miss <= allowed, "%s of %g gives %g", dtype_name((DType)dtype),
                          (double)x[i], (double)back[i]);
            }
        }
    }
}

Test(quant, counts_whole_blocks_only)
{
    size_t size = 0;
    cr_expect(quant_row_bytes(DTYPE_Q4_K, 512, &size));
    cr_expect_eq(size, 288);
    cr_expect_not(quant_row_bytes(DTYPE_Q4_K, 288, &size));
    cr_expect_not(quant_row_bytes(DTYPE_Q8_0, 33, &size));
    cr_expect_not(quant_row_bytes(DTYPE_F32, SIZE_MAX / 2, &size));
    cr_expect(quant_row_bytes(DTYPE_Q8_0, 0, &size));
    cr_expect_eq(size, 0);
    cr_expect_not(quant_is_known(DTYPE_I32));
}

Test(half, every_half_comes_back)
{
    for (uint32_t i = 0; i <= 0xffff; i++) {
        const float x = f32_from_f16((uint16_t)i);
        if (isnan(x)) {
            cr_assert(isnan(f32_from_f16(f16_from_f32(x))));
        } else {
            cr_assert_eq(f16_from_f32(x), i, "%x", i);
        }
        const float y = f32_from_bf16((uint16_t)i);
        cr_assert(isnan(y) || bf16_from_f32(y) == i, "%x", i);
    }
}

Test(half, rounds_to_nearest_even)
{
    cr_expect_eq(f16_from_f32(1.0f + 0x1p-11f), 0x3c00);            // a tie, to even
    cr_expect_eq(f16_from_f32(1.0f + 3 * 0x1p-11f), 0x3c02);        // a tie, to even
    cr_expect_eq(f16_from_f32(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01); // above it
    cr_expect_eq(f16_from_f32(65519.0f), 0x7bff);
    cr_expect_eq(f16_from_f32(65520.0f), 0x7c00); // half way to 2^16
    cr_expect_eq(f16_from_f32(-1e30f), 0xfc00);
    cr_expect_eq(f16_from_f32(0x1p-25f), 0x0000); // half of the least, to even
    cr_expect_eq(f16_from_f32(0x1.8p-25f), 0x0001);
    cr_expect_eq(f16_from_f32(0x1.ffcp-15f), 0x0400 - 1 + 1); // rounds up into the normal numbers
    cr_expect_eq(bf16_from_f32(1.0f + 0x1p-8f), 0x3f80);
    cr_expect_eq(bf16_from_f32(3.4e38f), 0x7f80);
}
