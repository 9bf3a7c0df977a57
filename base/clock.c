#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    clock_gettime(id, &now); // fails only for an unknown clock
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_process_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_unix_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void clock_format_utc(int64_t unix_ns, char *out)
{
    const time_t seconds = unix_ns / NS_PER_S - (unix_ns % NS_PER_S < 0);
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static long long rounded(int64_t ns, int64_t unit)
{
    return ns / unit + (ns % unit >= (unit + 1) / 2); // adding first could overflow
}

void clock_format_duration(int64_t ns, char *out)
{
    if (ns < 0) ns = 0;
    const size_t size = CLOCK_TEXT_SIZE;
    const long long deciseconds = rounded(ns, NS_PER_S / 10);
    const long long seconds = rounded(ns, NS_PER_S);
    const long long minutes = seconds / 60;
    // The limits look at the rounded value, so that 59.97 s is "1 min 00 s" and never "60.0 s".
    if (rounded(ns, 1) < NS_PER_US) {
        snprintf(out, size, "%lld ns", (long long)ns);
    } else if (rounded(ns, NS_PER_US) < 1000) {
        snprintf(out, size, "%lld us", rounded(ns, NS_PER_US));
    } else if (rounded(ns, NS_PER_MS) < 1000) {
        snprintf(out, size, "%lld ms", rounded(ns, NS_PER_MS));
    } else if (deciseconds < 600) {
        snprintf(out, size, "%lld.%lld s", deciseconds / 10, deciseconds % 10);
    } else if (minutes < 60) {
        snprintf(out, size, "%lld min %02lld s", minutes, seconds % 60);
    } else {
        snprintf(out, size, "%lld h %02lld min", minutes / 60, minutes % 60);
    }
}
