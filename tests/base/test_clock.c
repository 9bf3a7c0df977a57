#include <criterion/criterion.h>

#include "base/clock.h"

Test(clock, never_runs_backwards)
{
    int64_t before = clock_now_ns();
    for (int i = 0; i < 1000; i++) {
        const int64_t now = clock_now_ns();
        cr_assert_geq(now, before);
        before = now;
    }
    cr_assert_geq(clock_process_cpu_ns(), 0);
    cr_assert_geq(clock_thread_cpu_ns(), 0);
}

Test(clock, formats_moments)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {951782400000000000, "2000-02-29T00:00:00Z"},
        {1769862896999999999, "2026-01-31T12:34:56Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {INT64_MAX, "2262-04-11T23:47:16Z"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format_utc(cases[k].ns, text);
        cr_assert_str_eq(text, cases[k].text);
    }
}

Test(clock, formats_durations_for_people)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {-5, "0 ns"},
        {12000, "12 us"},
        {850000000, "850 ms"},
        {999600000, "1.0 s"},
        {12340000000, "12.3 s"},
        {59970000000, "1 min 00 s"},
        {245000000000, "4 min 05 s"},
        {7800000000000, "2 h 10 min"},
        {INT64_MAX, "2562047 h 47 min"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format_duration(cases[k].ns, text);
        cr_assert_str_eq(text, cases[k].text);
    }
}
