// base/error.h: how a fallible function says what went wrong.
//
// A function that can fail returns a Status and fills an Error: at the bottom the particular fact, on the way up the
// context, so that a person reads one sentence:
//     suite.json:12: model "minilm": vocabulary vocab.txt: line 30523 is empty
// Few codes, one only where some caller acts on it. Library code never prints, exits or aborts on input.
#ifndef ASSAY_BASE_ERROR_H
#define ASSAY_BASE_ERROR_H

#include <stddef.h>

// clang warns of any ignored Status; gcc needs the attribute on each function (MUST_CHECK below).
#if defined(__clang__)
#    define STATUS_ATTRIBUTE __attribute__((warn_unused_result))
#else
#    define STATUS_ATTRIBUTE
#endif

typedef enum STATUS_ATTRIBUTE Status {
    STATUS_OK = 0,
    STATUS_INVALID,   // wrong usage or invalid input: the program exits with 2
    STATUS_NOT_FOUND, // a file, run, name that does not exist: the program exits with 2
    STATUS_IO,        // the operating system refused to read or write: exits with 3
    STATUS_MEMORY,    // out of memory: exits with 3
    STATUS_DEVICE,    // a GPU or a library opened at run time failed or is absent: exits with 3
    STATUS_CANCELLED, // asked to stop (Ctrl-C): state is saved, exits with 130
    STATUS_DIVERGED,  // a loss or score became non-finite: the trial fails, others go on
    STATUS_INTERNAL,  // our own mistake, found by a check
} Status;

#define MUST_CHECK __attribute__((warn_unused_result))

enum { ERROR_TEXT_SIZE = 2048, ERROR_MAX_CAUSES = 12 };

// Plain data; zero it before first use. text reads outermost context first, ": " between links.
typedef struct Error {
    Status status;
    size_t n_causes; // links in the chain; past ERROR_MAX_CAUSES they join the outermost
    size_t cause_len[ERROR_MAX_CAUSES]; // byte length of each link, innermost fact first
    char text[ERROR_TEXT_SIZE];         // NUL-terminated; cut with "..." where it would not fit
} Error;

// Sets the innermost fact and returns status. err may be NULL: then only the status travels. Control characters and
// broken UTF-8 coming from arguments are shown as \xNN, so that a hostile name cannot drive a terminal.
Status error_set(Error *err, Status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Puts a context in front of what err already says and returns err's status. Never call it on success. With a NULL err
// the status is not known here and STATUS_INTERNAL comes back: who acts on the status passes an Error.
Status error_wrap(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same with "doing path: ", where err does not begin with the path already.
Status error_wrap_path(Error *err, const char *doing, const char *path);

// STATUS_IO, or STATUS_NOT_FOUND for ENOENT: "what: the system's words for errno". Saves errno first.
Status error_set_errno(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

// STATUS_MEMORY: "out of memory: wanted COUNT x SIZE bytes for what".
Status error_set_memory(Error *err, size_t count, size_t size, const char *what);

// The exit status of the program for a status: 0, 2, 3 or 130 (design: "The program").
int status_exit_code(Status status);
const char *status_name(Status status); // "ok", "invalid", "not_found", ...

// The static analyzer reads one source at a time and would hold that these may return STATUS_OK. Tell it.
#ifdef __clang_analyzer__
#    define error_set(err, status, ...) ((void)error_set((err), (status), __VA_ARGS__), (status))
#    define error_wrap(...)             ((void)error_wrap(__VA_ARGS__), STATUS_INTERNAL)
#    define error_wrap_path(...)        ((void)error_wrap_path(__VA_ARGS__), STATUS_INTERNAL)
#    define error_set_errno(...)        ((void)error_set_errno(__VA_ARGS__), STATUS_IO)
#    define error_set_memory(...)       ((void)error_set_memory(__VA_ARGS__), STATUS_MEMORY)
#endif

// Returns a failure unchanged where nothing needs releasing.
#define TRY(call)                                         \
    do {                                                  \
        const Status try_status_ = (call);                \
        if (try_status_ != STATUS_OK) return try_status_; \
    } while (0)

#endif
