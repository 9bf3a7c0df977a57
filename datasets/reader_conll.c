// Files of columns as the CoNLL tasks have them: a word a line, its tag in a column beside it, a blank line between
// sentences.
//
// The number of columns is that of the first line of data; a file with a tab in that line is cut at tabs, another at runs
// of blanks. "-DOCSTART-" lines end a sentence and are no words. A line that begins with '#' is a comment only where it
// has another number of columns: "#" is a word of tweets.
#include "datasets/readers.h"

#include <string.h>

enum { MAX_COLUMNS = 256 };

typedef struct Table {
    const ReadInput *input;
    Arena scratch;
    bool by_tab;
    size_t n_columns, word, tag; // tag SIZE_MAX: the file has none
    size_t line;
    // The sentence that is being read.
    Slice *words, *tags;
    size_t n, capacity, first_line;
} Table;

static bool take_line(Slice *rest, Slice *line)
{
    if (rest->len == 0) return false;
    const size_t found = slice_find_byte(*rest, '\n');
    *line = slice_sub(*rest, 0, found);
    *rest = slice_sub(*rest, found == SIZE_MAX ? rest->len : found + 1, rest->len);
    if (line->len && line->ptr[line->len - 1] == '\r') line->len--;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// How many columns a line has; the first MAX_COLUMNS of them into fields.
static size_t split(bool by_tab, Slice line, Slice *fields)
{
    size_t n = 0, at = 0;
    if (!by_tab) line = slice_trim(line);
    for (;;) {
        const size_t begin = at;
        while (at < line.len && (by_tab ? line.ptr[at] != '\t' : !is_blank(line.ptr[at]))) at++;
        if (n < MAX_COLUMNS) fields[n] = slice_sub(line, begin, at);
        n++;
        if (at >= line.len) return n;
        at++;
        while (!by_tab && at < line.len && is_blank(line.ptr[at])) at++;
    }
}

static bool is_document(Slice line)
{
    return slice_starts_with(line, SLICE("-DOCSTART-"));
}

static Status table_error(const Table *t, Error *err, const char *what)
{
    return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu: %s", SLICE_ARG(t->input->path), t->line,
                     what);
}

// A column asked for by its number from 1.
static Status asked_column(const Table *t, Slice asked, const char *role, size_t *out, Error *err)
{
    uint64_t number = 0;
    if (asked.len == 0) return STATUS_OK;
    if (!slice_to_u64(asked, &number) || number < 1 || number > t->n_columns) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: the line has %zu columns, but the %s is asked for in "
                                   "\"" SLICE_FMT "\": name a column by its number from 1",
                         SLICE_ARG(t->input->path), t->line, t->n_columns, role,
                         SLICE_ARG(slice_sub(asked, 0, 80)));
    }
    *out = (size_t)number - 1;
    return STATUS_OK;
}

// From the first line of data: how it is cut, and which column is what.
static Status resolve(Table *t, Slice line, Error *err)
{
    Slice fields[MAX_COLUMNS];
    const ReadOptions *options = t->input->options;
    const char delimiter = options->delimiter;
    if (delimiter != 0 && delimiter != '\t' && delimiter != ' ')
        return table_error(t, err, "columns of words and tags are cut at \"tab\" or \"space\"");
    t->by_tab = delimiter == '\t' || (!delimiter && slice_find_byte(line, '\t') != SIZE_MAX);
    t->n_columns = split(t->by_tab, line, fields);
    if (t->n_columns > MAX_COLUMNS) return table_error(t, err, "more than 256 columns");
    t->word = 0;
    t->tag = t->n_columns > 1 ? t->n_columns - 1 : SIZE_MAX;
    TRY(asked_column(t, options->columns.text, "word", &t->word, err));
    TRY(asked_column(t, options->columns.label, "tag", &t->tag, err));
    if (t->tag == SIZE_MAX && !options->label_optional) {
        return table_error(t, err,
                           "the line has one column: a word and its tag are wanted, a tab or a "
                           "blank between them");
    }
    return STATUS_OK;
}

static Status keep_word(Table *t, Slice word, Slice tag, Error *err)
{
    if (t->n == t->capacity) {
        const size_t capacity = t->capacity ? 2 * t->capacity : 64;
        Slice *words = NULL, *tags = NULL;
        TRY(arena_take(&t->scratch, capacity, sizeof *words, "a sentence", &words, err));
        TRY(arena_take(&t->scratch, capacity, sizeof *tags, "a sentence", &tags, err));
        if (t->n > 0) {
            memcpy(words, t->words, t->n * sizeof *words);
            memcpy(tags, t->tags, t->n * sizeof *tags);
        }
        t->words = words;
        t->tags = tags;
        t->capacity = capacity;
    }
    if (t->n == 0) t->first_line = t->line;
    t->words[t->n] = word;
    t->tags[t->n++] = tag;
    return STATUS_OK;
}

static Status copy_words(Table *t, const Slice *from, const Slice **out, Error *err)
{
    Slice *copy = NULL;
    TRY(arena_take(t->input->arena, t->n, sizeof *copy, "a sentence", &copy, err));
    memcpy(copy, from, t->n * sizeof *copy); // the words lie in the file's text, which stays
    *out = copy;
    return STATUS_OK;
}

static Status join_words(Table *t, Slice *out, Error *err)
{
    size_t len = t->n - 1;
    char *text = NULL;
    for (size_t i = 0; i < t->n; i++) len += t->words[i].len;
    TRY(arena_take(t->input->arena, len + 1, 1, "a sentence", &text, err));
    *out = (Slice){text, len};
    for (size_t i = 0; i < t->n; i++) {
        if (i > 0) *text++ = ' ';
        memcpy(text, t->words[i].ptr, t->words[i].len);
        text += t->words[i].len;
    }
    return STATUS_OK;
}

static Status end_sentence(Table *t, Error *err)
{
    Sample sample = {.line = t->first_line, .n_tokens = t->n, .gold = SAMPLE_NO_LABEL};
    if (t->n == 0) return STATUS_OK;
    TRY(join_words(t, &sample.text, err));
    TRY(copy_words(t, t->words, &sample.tokens, err));
    if (t->tag != SIZE_MAX) TRY(copy_words(t, t->tags, &sample.tags, err));
    t->n = 0;
    return dataset_builder_add(t->input->builder, &sample, NULL, err);
}

static Status ragged(const Table *t, Slice line, size_t n, Error *err)
{
    const bool has_tab = slice_find_byte(line, '\t') != SIZE_MAX,
               has_blank = slice_find_byte(slice_trim(line), ' ') != SIZE_MAX;
    const bool has_options = t->input->options->speech == SPEECH_OPTIONS;
    // Tabs and blanks are mixed where a line has the one and the file is cut at the other.
    const char *other = t->by_tab && !has_tab && has_blank ? "space"
                        : !t->by_tab && has_tab            ? "tab"
                                                           : NULL;
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT ":%zu: the line has %zu column%s, the lines before %zu, cut at %s: \"" SLICE_FMT
                  "\"; %s%s%s",
        SLICE_ARG(t->input->path), t->line, n, n == 1 ? "" : "s", t->n_columns,
        t->by_tab ? "tabs" : "blanks", SLICE_ARG(slice_sub(line, 0, 40)),
        !other        ? "complete it, or take away what is too much"
        : has_options ? "is it --delimiter "
                      : "is it \"delimiter\": \"",
        other ? other : "",
        !other        ? ""
        : has_options ? "?"
                      : "\"?");
}

static Status add_line(Table *t, Slice line, Error *err)
{
    Slice fields[MAX_COLUMNS];
    if (slice_trim(line).len == 0) return end_sentence(t, err);
    if (is_document(line)) return end_sentence(t, err);
    const bool is_marked = line.ptr[0] == '#';
    if (t->n_columns == 0) {
        // Before the first line of data a '#' with a tab may be a word, anything else is a comment.
        if (is_marked && slice_find_byte(line, '\t') == SIZE_MAX) return STATUS_OK;
        TRY(resolve(t, line, err));
    }
    const size_t n = split(t->by_tab, line, fields);
    if (n != t->n_columns) {
        if (is_marked) return STATUS_OK;
        return ragged(t, line, n, err);
    }
    // A blank beside a tab is no part of a word; blanks alone are one.
    const Slice bare = slice_trim(fields[t->word]);
    if (bare.len > 0) fields[t->word] = bare;
    if (fields[t->word].len == 0) return table_error(t, err, "the word is empty");
    if (t->tag != SIZE_MAX && slice_trim(fields[t->tag]).len == 0)
        return table_error(t, err, "the tag is empty");
    return keep_word(t, fields[t->word],
                     t->tag != SIZE_MAX ? slice_trim(fields[t->tag]) : (Slice){0}, err);
}

static Status read_all(Table *t, Error *err)
{
    Slice rest = t->input->text, line;
    if (t->input->options->columns.n_attributes > 0) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": files of columns hold no attributes of a sentence",
                         SLICE_ARG(t->input->path));
    }
    while (take_line(&rest, &line)) {
        t->line++;
        TRY(add_line(t, line, err));
    }
    return end_sentence(t, err);
}

static Status read_conll(const ReadInput *input, Error *err)
{
    Table table = {.input = input};
    const Status s = read_all(&table, err);
    arena_release(&table.scratch);
    return s;
}

static const char *const extensions[] = {".conll", ".iob", ".iob2", ".bio", NULL};

const Reader reader_conll = {
    .name = "conll",
    .summary = "columns of words and tags, a blank line between sentences",
    .extensions = extensions,
    .read = read_conll,
};
