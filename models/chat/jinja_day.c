// strftime_now: what a template writes of the day. Not of today, so that a prompt does not depend on it.
#include <stdio.h>

#include "models/chat/jinja_internal.h"

typedef struct Day {
    int year, month, day;
} Day;

static const Day usual = {2025, 1, 1};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_before(const Day *d, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int n = 0;
    for (int i = 0; i + 1 < month; i++) n += lengths[i] + (i == 1 && is_leap(d->year));
    return n;
}

// Of the Gregorian calendar: 1 January of year 1 was a Monday.
static int weekday(const Day *d)
{
    const int y = d->year - 1;
    return (y * 365 + y / 4 - y / 100 + y / 400 + days_before(d, d->month) + d->day) % 7;
}

static bool take_number(Slice *text, size_t n_digits, int *out)
{
    *out = 0;
    if (text->len < n_digits) return false;
    for (size_t i = 0; i < n_digits; i++) {
        const char c = text->ptr[i];
        if (c < '0' || c > '9') return false;
        *out = 10 * *out + (c - '0');
    }
    *text = slice_sub(*text, n_digits, text->len);
    return true;
}

// "2025-08-05".
static bool read_day(Slice text, Day *out)
{
    const bool is_read = take_number(&text, 4, &out->year) && slice_starts_with(text, SLICE("-"));
    if (!is_read) return false;
    text = slice_sub(text, 1, text.len);
    if (!take_number(&text, 2, &out->month) || !slice_starts_with(text, SLICE("-"))) return false;
    text = slice_sub(text, 1, text.len);
    if (!take_number(&text, 2, &out->day) || text.len > 0) return false;
    if (out->year < 1 || out->month < 1 || out->month > 12 || out->day < 1) return false;
    return days_before(out, out->month) + out->day <= days_before(out, out->month + 1);
}

// One conversion of a format; at midnight. False for those that are not known.
static bool put_part(const Day *d, char kind, bool is_short, char *out, size_t size)
{
    const char *const name = kind == 'B' || kind == 'b'   ? months[d->month - 1]
                             : kind == 'A' || kind == 'a' ? weekdays[weekday(d)]
                                                          : NULL;
    const int number = kind == 'd'   ? d->day
                       : kind == 'm' ? d->month
                       : kind == 'y' ? d->year % 100
                       : kind == 'j' ? days_before(d, d->month) + d->day
                                     : 0;
    switch (kind) {
    case 'B':
    case 'A':
        return snprintf(out, size, "%s", name) > 0;
    case 'b':
    case 'a':
        return snprintf(out, size, "%.3s", name) > 0;
    case 'Y':
        return snprintf(out, size, "%d", d->year) > 0;
    case 'j':
        return snprintf(out, size, is_short ? "%d" : "%03d", number) > 0;
    case 'd':
    case 'm':
    case 'y':
    case 'H':
    case 'M':
    case 'S':
        return snprintf(out, size, is_short ? "%d" : "%02d", number) > 0;
    case '%':
        return snprintf(out, size, "%%") > 0;
    default:
        return false;
    }
}

Status jinja_day(JinjaRun *run, JinjaValue day, const JinjaArguments *a, JinjaValue *out,
                 Error *err)
{
    enum { MOST = 200 };
    char text[MOST] = "";
    size_t len = 0;
    Day d = usual;
    if (day.kind == JINJA_STRING && !read_day(day.as.text, &d))
        return jinja_fail(run, err, "strftime_now wants a day such as \"2025-08-05\"");
    if (a->n != 1 || a->items[0].kind != JINJA_STRING)
        return jinja_fail(run, err, "strftime_now wants a format");
    const Slice format = a->items[0].as.text;
    for (size_t i = 0; i < format.len; i++) {
        char part[16] = {format.ptr[i], '\0'};
        if (format.ptr[i] == '%') {
            const bool is_short = i + 1 < format.len && format.ptr[i + 1] == '-';
            i += is_short ? 2 : 1;
            if (i >= format.len || !put_part(&d, format.ptr[i], is_short, part, sizeof part))
                return jinja_fail(run, err, "strftime_now: the format \"%.*s\" is not supported",
                                  SLICE_ARG(slice_sub(format, 0, 40)));
        }
        const int n = snprintf(text + len, sizeof text - len, "%s", part);
        if (n < 0 || (size_t)n >= sizeof text - len)
            return jinja_fail(run, err, "strftime_now: the format is too long");
        len += (size_t)n;
    }
    return jinja_keep(run, (Slice){text, len}, out, err);
}
