// base/log.h: messages and progress for people, always on standard error.
//
// The program owns one Log and passes it down; library code that has nothing to say takes none. NULL is a silent Log.
#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum LogLevel { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

typedef struct Log {
    FILE *stream;   // where lines go; stderr in the program
    LogLevel level; // messages above it are dropped
    // On a terminal progress redraws one line; elsewhere it is a plain line, at most one in 10 s.
    bool is_terminal;
    bool use_color;
    bool progress_shown; // on the terminal, where it must be wiped before a message
    int64_t last_progress_ns;
} Log;

// Finds out whether stream is a terminal, and honours NO_COLOR and TERM=dumb.
Log log_to_stream(FILE *stream, LogLevel level);
// One line, "warning: ..." or "error: ..." in front at those levels. Control characters in arguments are shown as \xNN.
void log_message(Log *log, LogLevel level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define log_info(log, ...)    log_message((log), LOG_INFO, __VA_ARGS__)
#define log_warning(log, ...) log_message((log), LOG_WARNING, __VA_ARGS__)

// A line as it is. Longer than a terminal is wide (100 columns at most) it goes on below, indented, from a space on.
void log_line(Log *log, const char *text);

// "[###.....] 12/48 trials  3 min left  fold 2, lr 3e-05: loss 0.41": redrawn at most ten times a second on a terminal.
// started_ns is the clock_now_ns at which done was 0; the ETA comes from it. A total of 0 is not known: "12 trials". detail may
// be NULL.
void log_progress(Log *log, const char *what, size_t done, size_t total, int64_t started_ns,
                  const char *detail);
// Wipes the progress line.
void log_progress_end(Log *log);

#endif
