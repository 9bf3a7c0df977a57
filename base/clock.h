// base/clock.h: time.
#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include <stdint.h>

// Nanoseconds of the monotonic clock; only differences mean anything.
int64_t clock_now_ns(void);
// CPU nanoseconds of the calling thread, and of the whole process.
int64_t clock_thread_cpu_ns(void);
int64_t clock_process_cpu_ns(void);
// Nanoseconds since 1970-01-01 UTC.
int64_t clock_unix_ns(void);

enum { CLOCK_TEXT_SIZE = 32 };
// "2026-01-31T12:34:56Z" of a clock_unix_ns value; out has CLOCK_TEXT_SIZE bytes.
void clock_format_utc(int64_t unix_ns, char *out);
// A duration for people: "850 ms", "12.3 s", "4 min 05 s", "2 h 10 min"; out has CLOCK_TEXT_SIZE bytes.
void clock_format_duration(int64_t ns, char *out);

#endif
