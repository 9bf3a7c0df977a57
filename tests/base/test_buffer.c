#include <criterion/criterion.h>

#include <float.h>
#include <math.h>

#include "base/buffer.h"
#include "base/buffer_count.h"
#include "base/philox.h"

Test(buffer, grows_and_stays_terminated)
{
    Buffer buffer = {0};
    for (int i = 0; i < 1000; i++) buffer_printf(&buffer, "%d,", i);
    buffer_append_byte(&buffer, '!');
    buffer_append(&buffer, (Slice){"\0x", 2});
    cr_assert_eq(buffer.len, 3893);
    cr_assert_eq(buffer.ptr[buffer.len], '\0');
    cr_assert_eq(memcmp(buffer.ptr + 3879, "97,998,999,!\0x", 14), 0);
    cr_assert_eq(buffer_status(&buffer, NULL), STATUS_OK);
    buffer_clear(&buffer);
    cr_assert_eq(buffer_slice(&buffer).len, 0);
    buffer_append_cstr(&buffer, "again");
    cr_assert_str_eq(buffer.ptr, "again");
    buffer_release(&buffer);
    cr_assert_null(buffer.ptr);
}

Test(buffer, remembers_that_memory_ran_out)
{
    Buffer buffer = {0};
    Error err = {0};
    buffer_append_cstr(&buffer, "kept");
    buffer_append(&buffer,
                  (Slice){"", SIZE_MAX - 10}); // more than any machine has; nothing is read
    buffer_append_cstr(&buffer, "dropped");
    cr_assert_eq(buffer_status(&buffer, &err), STATUS_MEMORY);
    cr_assert_str_eq(buffer.ptr, "kept");
    buffer_release(&buffer);
}

static const char *shown(Buffer *buffer, double value)
{
    buffer_clear(buffer);
    buffer_append_double(buffer, value);
    return buffer->ptr;
}

Test(buffer, prints_the_shortest_double)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {1e-5, "1e-05"},
        {3, "3"},
        {-0.0, "-0"},
        {1.0 / 3, "0.3333333333333333"},
        {1e22, "1e+22"},
        {5e-324, "5e-324"},
        {100000, "100000"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {0.1 + 0.2, "0.30000000000000004"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
    };
    Buffer buffer = {0};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cr_assert_str_eq(shown(&buffer, cases[k].value), cases[k].text);
    }
    buffer_release(&buffer);
}

Test(buffer, doubles_survive_the_way_through_text)
{
    Philox rng = philox_stream(1, 2);
    Buffer buffer = {0};
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = philox_u64(&rng);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        shown(&buffer, value);
        cr_assert(slice_to_double(buffer_slice(&buffer), &back), "%s", buffer.ptr);
        cr_assert_eq(memcmp(&back, &value, sizeof value), 0, "%s", buffer.ptr);
    }
    buffer_release(&buffer);
}

Test(buffer, tells_counts_and_sizes_as_people_read_them)
{
    static const struct {
        uint64_t n;
        const char *count, *size;
    } cases[] = {{0, "0", "0.0 KiB"},
                 {999, "999", "1.0 KiB"},
                 {524287, "524,287", "512.0 KiB"},
                 {524288, "524,288", "0.5 MiB"},
                 {1234567890, "1,234,567,890", "1177.4 MiB"},
                 {10ull << 30, "10,737,418,240", "10.0 GiB"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer count = {0}, size = {0};
        buffer_append_count(&count, cases[i].n);
        buffer_append_size(&size, cases[i].n);
        cr_expect_str_eq(count.ptr, cases[i].count);
        cr_expect_str_eq(size.ptr, cases[i].size);
        buffer_release(&count);
        buffer_release(&size);
    }
}
