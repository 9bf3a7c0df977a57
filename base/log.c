#include "base/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/size.h"

enum { LINE_SIZE = 4096, BAR_COLUMNS = 20 };

#define REDRAW_NS     ((int64_t)100 * 1000 * 1000)       // on a terminal
#define PLAIN_LINE_NS ((int64_t)10 * 1000 * 1000 * 1000) // elsewhere
#define NS_PER_S      ((int64_t)1000 * 1000 * 1000)

static const struct {
    const char *prefix;
    const char *color;
} styles[] = {
    [LOG_ERROR] = {"error: ", "\x1b[31m"},
    [LOG_WARNING] = {"warning: ", "\x1b[33m"},
    [LOG_INFO] = {"", ""},
    [LOG_DEBUG] = {"", ""},
};

Log log_to_stream(FILE *stream, LogLevel level)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    const bool is_dumb = term == NULL || strcmp(term, "dumb") == 0;
    const bool is_terminal = !is_dumb && isatty(fileno(stream)) == 1;
    const bool wants_color = no_color == NULL || no_color[0] == '\0';
    return (Log){
        .stream = stream,
        .level = level,
        .is_terminal = is_terminal,
        .use_color = is_terminal && wants_color,
    };
}

void log_progress_end(Log *log)
{
    if (log == NULL || !log->progress_shown) return;
    if (log->is_terminal) fputs("\r\x1b[K", log->stream);
    log->progress_shown = false;
    (void)fflush(log->stream); // a message that cannot be written has nobody to be told to
}

static size_t terminal_columns(FILE *stream)
{
    struct winsize window = {0};
    const bool is_known = ioctl(fileno(stream), TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    return is_known ? window.ws_col : 80;
}

// The length of the longest start of text that surely fits: a character beyond ASCII may take two columns.
static size_t fitting_length(const char *text, size_t columns)
{
    size_t used = 0;
    size_t at = 0;
    while (text[at] != '\0') {
        const size_t begin = at++;
        while (((unsigned char)text[at] & 0xC0) == 0x80) at++;
        used += (unsigned char)text[begin] < 0x80 ? 1 : 2;
        if (used > columns) return begin;
    }
    return at;
}

// Where a line that is too long is broken: at its last space that fits, else at the next one; its end where there is none.
static size_t break_at(const char *text, size_t columns)
{
    size_t at = fitting_length(text, columns);
    if (text[at] == '\0') return at;
    for (size_t i = at + 1; i-- > 0;) {
        if (text[i] == ' ') return i;
    }
    while (text[at] != '\0' && text[at] != ' ') at++;
    return at;
}

static void put_line(const Log *log, const char *prefix, const char *text)
{
    enum { WIDEST = 100, INDENT = 2 };
    size_t used = strlen(prefix);
    size_t width = SIZE_MAX;
    if (log->is_terminal) width = size_min(terminal_columns(log->stream), WIDEST);
    while (width != SIZE_MAX && *text != '\0') {
        const size_t len = break_at(text, width > used ? width - used : 1);
        if (text[len] == '\0') break;
        fprintf(log->stream, "%.*s\n%*s", (int)len, text, INDENT, "");
        text += len;
        while (*text == ' ') text++;
        used = INDENT;
    }
    fprintf(log->stream, "%s\n", text);
}

void log_line(Log *log, const char *text)
{
    if (log == NULL) return;
    log_progress_end(log);
    put_line(log, "", text);
    (void)fflush(log->stream); // a message that cannot be written has nobody to be told to
}

void log_message(Log *log, LogLevel level, const char *format, ...)
{
    if (log == NULL || level > log->level) return;
    char raw[LINE_SIZE];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    char shown[LINE_SIZE + 4];
    const size_t n = escape_text(slice_from_cstr(len < 0 ? format : raw), shown, LINE_SIZE);
    const bool is_cut = len >= (int)sizeof raw;

    log_progress_end(log);
    const bool is_colored = log->use_color && styles[level].color[0] != '\0';
    if (is_cut) memcpy(shown + n, "...", sizeof "...");
    fprintf(log->stream, "%s%s%s", is_colored ? styles[level].color : "", styles[level].prefix,
            is_colored ? "\x1b[0m" : "");
    put_line(log, styles[level].prefix, shown);
    (void)fflush(log->stream); // a message that cannot be written has nobody to be told to
}

// The time left, judged by the mean so far; empty before the first unit is done.
static void format_eta(char out[CLOCK_TEXT_SIZE + 8], int64_t elapsed_ns, size_t done, size_t total)
{
    out[0] = '\0';
    if (done == 0 || done >= total || elapsed_ns <= 0) return;
    const double left_s = (double)elapsed_ns / 1e9 * (double)(total - done) / (double)done;
    if (left_s < 60) {
        snprintf(out, CLOCK_TEXT_SIZE + 8, "%.0f s left", left_s < 1 ? 1 : left_s);
    } else if (left_s < 3600) {
        snprintf(out, CLOCK_TEXT_SIZE + 8, "%.0f min left", left_s / 60);
    } else if (left_s < 1e9) {
        char text[CLOCK_TEXT_SIZE];
        clock_format_duration((int64_t)left_s * NS_PER_S, text);
        snprintf(out, CLOCK_TEXT_SIZE + 8, "%s left", text);
    }
}

static void format_bar(char out[BAR_COLUMNS + 3], size_t done, size_t total)
{
    const size_t filled = (size_t)((double)done / (double)total * BAR_COLUMNS);
    out[0] = '[';
    for (size_t i = 0; i < BAR_COLUMNS; i++) out[1 + i] = i < filled ? '#' : '.';
    out[BAR_COLUMNS + 1] = ']';
    out[BAR_COLUMNS + 2] = '\0';
}

static void draw(Log *log, const char *line)
{
    if (!log->is_terminal) {
        fprintf(log->stream, "%s\n", line);
    } else {
        const size_t len = fitting_length(line, terminal_columns(log->stream) - 1);
        fprintf(log->stream, "\r%.*s\x1b[K", (int)len, line);
    }
    (void)fflush(log->stream); // a message that cannot be written has nobody to be told to
}

static bool is_due(const Log *log, bool is_last, int64_t started_ns, int64_t now_ns)
{
    if (log->is_terminal) return is_last || now_ns - log->last_progress_ns >= REDRAW_NS;
    // A run of a few seconds says nothing; one that has reported also reports its end.
    const bool has_reported = log->last_progress_ns > started_ns;
    const int64_t since_ns = now_ns - (has_reported ? log->last_progress_ns : started_ns);
    return since_ns >= PLAIN_LINE_NS || (is_last && has_reported);
}

void log_progress(Log *log, const char *what, size_t done, size_t total, int64_t started_ns,
                  const char *detail)
{
    if (log == NULL || log->level < LOG_INFO) return;
    const int64_t now_ns = clock_now_ns();
    const bool is_known = total > 0;
    if (!is_due(log, is_known && done >= total, started_ns, now_ns)) return;

    char bar[BAR_COLUMNS + 3] = "";
    char of[32] = "";
    char eta[CLOCK_TEXT_SIZE + 8];
    char line[LINE_SIZE];
    char shown[LINE_SIZE];
    const bool has_bar = log->is_terminal && is_known;
    if (has_bar) format_bar(bar, done < total ? done : total, total);
    if (is_known) snprintf(of, sizeof of, "/%zu", total);
    format_eta(eta, now_ns - started_ns, done, total);
    snprintf(line, sizeof line, "%s%s%zu%s %s%s%s%s%s", bar, has_bar ? " " : "", done, of, what,
             eta[0] != '\0' ? "  " : "", eta, detail != NULL ? "  " : "",
             detail != NULL ? detail : "");
    escape_text(slice_from_cstr(line), shown, sizeof shown);
    draw(log, shown);
    log->progress_shown = log->is_terminal;
    log->last_progress_ns = now_ns;
}
