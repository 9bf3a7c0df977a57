#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_internal.h"
#include "base/input.h"
#include "base/size.h"

enum { FIRST_CAPACITY = 1 << 16, MAX_LINE_BYTES = 64 << 20 };

struct LineReader {
    Input *input;
    char *name;
    char *bytes;
    size_t capacity;
    size_t begin, end; // bytes read and not yet returned
    size_t number;
    bool at_end; // of the file
};

Status line_reader_open(const char *path, LineReader **out, Error *err)
{
    *out = NULL;
    Input *input;
    TRY(input_open(path, NULL, &input, err));
    LineReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        input_close(&input);
        return error_set_memory(err, 1, sizeof *reader, "a line reader");
    }
    reader->input = input;
    reader->capacity = FIRST_CAPACITY;
    reader->bytes = malloc(reader->capacity);
    reader->name = strdup(file_input_name(path));
    if (reader->bytes == NULL || reader->name == NULL) {
        line_reader_close(&reader);
        return error_set_memory(err, FIRST_CAPACITY, 1, "a line reader");
    }
    *out = reader;
    return STATUS_OK;
}

// Makes room behind `end`: the unread bytes move to the front, and the buffer grows where they fill it.
static Status make_room(LineReader *reader, Error *err)
{
    const size_t n = reader->end - reader->begin;
    if (reader->begin > 0) {
        memmove(reader->bytes, reader->bytes + reader->begin, n);
        reader->begin = 0;
        reader->end = n;
    }
    if (n < reader->capacity) return STATUS_OK;
    if (n > MAX_LINE_BYTES) {
        return error_set(err, STATUS_INVALID, "%s:%zu: the line is longer than %d MiB",
                         reader->name, reader->number + 1, MAX_LINE_BYTES >> 20);
    }
    const size_t capacity = size_min(2 * reader->capacity, (size_t)MAX_LINE_BYTES + 3);
    char *grown = realloc(reader->bytes, capacity);
    if (grown == NULL) return error_set_memory(err, capacity, 1, "a line");
    reader->bytes = grown;
    reader->capacity = capacity;
    return STATUS_OK;
}

static Status read_more(LineReader *reader, Error *err)
{
    TRY(make_room(reader, err));
    size_t n;
    TRY(input_read(reader->input, reader->bytes + reader->end, reader->capacity - reader->end, &n,
                   err));
    reader->end += n;
    reader->at_end = n == 0;
    return STATUS_OK;
}

// Reads until an LF stands at begin + *len; at the end of the file *len is all that is left.
static Status find_line_end(LineReader *reader, size_t *len, bool *has_lf, Error *err)
{
    size_t n_searched = 0;
    for (;;) {
        const Slice unread = {reader->bytes + reader->begin, reader->end - reader->begin};
        const size_t at = slice_find_byte(slice_sub(unread, n_searched, unread.len), '\n');
        *has_lf = at != SIZE_MAX;
        *len = *has_lf ? n_searched + at : unread.len;
        if (*has_lf || reader->at_end) return STATUS_OK;
        n_searched = unread.len;
        TRY(read_more(reader, err));
    }
}

Status line_reader_next(LineReader *reader, Slice *line, bool *more, Error *err)
{
    size_t len;
    bool has_lf;
    *more = false;
    TRY(find_line_end(reader, &len, &has_lf, err));
    if (len == 0 && !has_lf) return STATUS_OK;
    *line = (Slice){reader->bytes + reader->begin, len};
    // What editors put before a text to say that it is UTF-8 is none of it.
    if (reader->number == 0 && slice_starts_with(*line, SLICE("\xEF\xBB\xBF")))
        *line = slice_sub(*line, 3, line->len);
    if (has_lf && line->len > 0 && line->ptr[line->len - 1] == '\r') line->len--;
    if (line->len > MAX_LINE_BYTES) {
        return error_set(err, STATUS_INVALID, "%s:%zu: the line is longer than %d MiB",
                         reader->name, reader->number + 1, MAX_LINE_BYTES >> 20);
    }
    reader->begin += len + has_lf;
    reader->number++;
    *more = true;
    return STATUS_OK;
}

size_t line_reader_number(const LineReader *reader)
{
    return reader->number;
}

const char *line_reader_name(const LineReader *reader)
{
    return reader->name;
}

void line_reader_close(LineReader **reader)
{
    LineReader *closed = *reader;
    if (closed == NULL) return;
    input_close(&closed->input);
    free(closed->bytes);
    free(closed->name);
    free(closed);
    *reader = NULL;
}

size_t file_count_lines(const char *path)
{
    enum { PIECE_BYTES = 1 << 16, MOST_BYTES = 1 << 30 };
    struct stat info;
    size_t n_lines = 0;
    char *piece = malloc(PIECE_BYTES);
    const int fd = piece == NULL || strcmp(path, "-") == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    bool is_counted =
        fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= MOST_BYTES;
    char last = '\n';
    for (off_t at = 0; is_counted;) {
        const ssize_t n = pread(fd, piece, PIECE_BYTES, at);
        if (n <= 0) break;
        Slice rest = {piece, (size_t)n};
        if (at == 0) is_counted = !input_is_packed(rest);
        last = piece[n - 1];
        at += n;
        for (size_t end = slice_find_byte(rest, '\n'); end != SIZE_MAX;
             end = slice_find_byte(rest, '\n')) {
            n_lines++;
            rest = slice_sub(rest, end + 1, rest.len);
        }
    }
    if (fd >= 0) close(fd);
    free(piece);
    return is_counted ? n_lines + (last != '\n') : 0;
}
