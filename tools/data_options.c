#include "tools/data_options.h"

#include <string.h>

const char *const header_choices[] = {"auto", "yes", "no", NULL};
const char *const encoding_choices[] = {"utf-8", "latin1", "windows-1252", NULL};

const char *const empty_sides_choices[] = {"refuse", "drop", "keep", NULL};
const char *const bad_answers_choices[] = {"refuse", "drop", "relocate", NULL};

static Status read_delimiter(const char *text, char *out, Error *err)
{
    static const struct {
        const char *name;
        char character;
    } names[] = {{"tab", '\t'}, {"comma", ','}, {"space", ' '}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i].name) != 0) continue;
        *out = names[i].character;
        return STATUS_OK;
    }
    if (strlen(text) != 1 || text[0] == '"' || text[0] == '\n' || text[0] == '\r' || text[0] < 0) {
        return error_set(err, STATUS_INVALID,
                         "--delimiter '%s': wanted is one ASCII character, or tab, comma, space",
                         text);
    }
    *out = text[0];
    return STATUS_OK;
}

Status data_options_read_texts(const CommandLine *line, ReadOptions *out, Error *err)
{
    static const ReadHeader headers[] = {READ_HEADER_AUTO, READ_HEADER_YES, READ_HEADER_NO};
    static const TextEncoding encodings[] = {ENCODING_UTF8, ENCODING_LATIN1, ENCODING_WINDOWS_1252};
    const char *delimiter = option_text(line, "delimiter");
    *out = (ReadOptions){
        .speech = SPEECH_OPTIONS,
        .format = slice_from_cstr(option_text(line, "format")),
        .columns = {.text = slice_from_cstr(option_text(line, "text")),
                    .label = slice_from_cstr(option_text(line, "label")),
                    .pair = slice_from_cstr(option_text(line, "pair")),
                    .id = slice_from_cstr(option_text(line, "id-column"))},
        .header = headers[option_choice(line, "header")],
        .encoding = encodings[option_choice(line, "encoding")],
    };
    return delimiter ? read_delimiter(delimiter, &out->delimiter, err) : STATUS_OK;
}

Status data_options_read(const CommandLine *line, Arena *arena, ReadOptions *out, Error *err)
{
    const char *const *labels = NULL;
    const size_t n_labels = option_texts(line, "labels", &labels);
    Slice *copies = NULL;
    TRY(data_options_read_texts(line, out, err));
    out->columns.target = slice_from_cstr(option_text(line, "target"));
    out->empty_sides = (EmptySides)option_choice(line, "empty-sides");
    out->bad_answers = (BadAnswers)option_choice(line, "bad-answers");
    if (n_labels == 0) return STATUS_OK;
    TRY(arena_take(arena, n_labels, sizeof *copies, "labels", &copies, err));
    for (size_t i = 0; i < n_labels; i++) copies[i] = slice_from_cstr(labels[i]);
    out->labels = copies;
    out->n_labels = n_labels;
    return STATUS_OK;
}

Status data_options_split_label(Arena *arena, ReadOptions *options, Error *err)
{
    Slice rest = options->columns.label, column;
    ReadAttribute *labels = NULL;
    size_t n = 0;
    if (slice_find_byte(rest, ',') == SIZE_MAX) return STATUS_OK;
    TRY(arena_take(arena, rest.len, sizeof *labels, "columns", &labels, err));
    while (slice_split(&rest, ',', &column)) {
        column = slice_trim(column);
        if (column.len == 0)
            return error_set(err, STATUS_INVALID, "--label " SLICE_FMT ": a column's name is empty",
                             SLICE_ARG(options->columns.label));
        labels[n++] = (ReadAttribute){column, column};
    }
    options->columns.label = SLICE("");
    options->columns.labels = labels;
    options->columns.n_labels = n;
    return STATUS_OK;
}
