#include "datasets/sniff.h"

#include "base/file.h"
#include "base/json_reader.h"
#include "base/unicode.h"
#include "datasets/encoding.h"
#include "datasets/rows.h"
#include "datasets/sniff_table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_FILE_BYTES ((size_t)4 << 30)

typedef struct Look {
    Slice path, text;
    Arena scratch;
    Sniff *out;
    bool is_done; // the format is known, or it is known that there is none
} Look;

const char *sniff_format_name(SniffFormat format)
{
    switch (format) {
    case SNIFF_UNKNOWN:
        return "unknown";
    case SNIFF_TSV:
        return "tsv";
    case SNIFF_CSV:
        return "csv";
    case SNIFF_JSONL:
        return "jsonl";
    case SNIFF_LINES:
        return "lines";
    case SNIFF_CONLL:
        return "conll";
    case SNIFF_SQUAD:
        return "squad";
    }
    return "unknown";
}

// Settles the format; why is copied.
static Status settle(Look *look, SniffFormat format, const char *why, Error *err)
{
    look->is_done = true;
    look->out->format = format;
    look->out->why = arena_copy(&look->out->arena, slice_from_cstr(why));
    return look->out->why.ptr ? STATUS_OK : error_set_memory(err, strlen(why), 1, "a sentence");
}

static bool has_extension(const Look *look, const char *extension)
{
    const size_t len = strlen(extension);
    return look->path.len > len &&
           strncasecmp(look->path.ptr + look->path.len - len, extension, len) == 0;
}

// ---- SQuAD: {"data": [{"paragraphs": [{"qas": [{..}]}]}]} ----

// Enters the array at a key of the object that comes next; *found is false (and the object read through) without one.
static Status enter_array(JsonReader *r, const char *wanted, bool *found, Error *err)
{
    JsonKind kind = JSON_NULL;
    bool more;
    Slice key;
    *found = false;
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_OBJECT) return json_skip(r, err);
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_peek(r, &kind, err));
        if (kind == JSON_ARRAY && slice_eq_cstr(key, wanted)) {
            *found = true;
            return json_read_array(r, err);
        }
        TRY(json_skip(r, err));
    }
}

// Reads the rest of an object that enter_array stopped in.
static Status leave_object(JsonReader *r, Error *err)
{
    bool more;
    Slice key;
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_skip(r, err));
    }
}

static Status count_questions(JsonReader *r, size_t level, size_t *n, bool *is_squad, Error *err)
{
    static const char *const keys[] = {"data", "paragraphs", "qas"};
    bool found, more;
    TRY(enter_array(r, keys[level], &found, err));
    if (!found) return STATUS_OK;
    for (;;) {
        TRY(json_read_element(r, &more, err));
        if (!more) break;
        if (level < 2) {
            TRY(count_questions(r, level + 1, n, is_squad, err));
        } else {
            *is_squad = true;
            ++*n;
            TRY(json_skip(r, err));
        }
    }
    return leave_object(r, err);
}

static Status look_for_squad(Look *look, Error *err)
{
    size_t n = 0;
    bool is_squad = false;
    char why[128];
    Error ignored = {0};
    JsonReader r = json_reader(look->path, look->text, &look->scratch);
    const Status s = count_questions(&r, 0, &n, &is_squad, &ignored);
    if (s == STATUS_MEMORY) return error_set_memory(err, look->text.len, 1, "a JSON document");
    if (s != STATUS_OK || !is_squad || json_read_end(&r, &ignored) != STATUS_OK) return STATUS_OK;
    look->out->n_records = n;
    snprintf(why, sizeof why, "one JSON document with data, paragraphs and qas: %zu questions", n);
    return settle(look, SNIFF_SQUAD, why, err);
}

// ---- JSON Lines ----

static Status find_key(SniffTable *table, TextIndex *keys, Slice key, size_t *column, Error *err)
{
    const size_t n_before = keys->n;
    TRY(text_index_add(keys, key, column, err));
    if (*column < SNIFF_MAX_COLUMNS && keys->n > n_before) table->columns[*column].name = key;
    return STATUS_OK;
}

// A value as text: a string's own, else as it is written.
static Status read_value(JsonReader *r, Slice *value, Error *err)
{
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    return kind == JSON_STRING ? json_read_string(r, value, err) : json_read_raw(r, value, err);
}

static Status add_record(SniffTable *table, TextIndex *keys, JsonReader *r, Error *err)
{
    Slice key, value;
    bool more;
    size_t column;
    TRY(json_read_object(r, err));
    for (;;) {
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        TRY(find_key(table, keys, key, &column, err));
        TRY(read_value(r, &value, err));
        TRY(sniff_table_add(table, column, value, err));
    }
    table->n_records++;
    return json_read_end(r, err);
}

static bool is_named_json(const Look *look)
{
    return has_extension(look, ".json") || has_extension(look, ".jsonl") ||
           has_extension(look, ".ndjson");
}

static Status look_for_jsonl(Look *look, Error *err)
{
    SniffTable table;
    TextIndex keys = {.arena = &look->scratch};
    Slice rest = look->text, line;
    char why[ERROR_TEXT_SIZE + 64];
    TRY(sniff_table_init(&table, &look->scratch, err));
    for (size_t number = 1; slice_split(&rest, '\n', &line); number++) {
        if (slice_trim(line).len == 0) continue;
        Error found = {0};
        JsonReader r = json_reader(look->path, line, &look->scratch);
        r.first_line = number;
        const Status s = add_record(&table, &keys, &r, &found);
        if (s == STATUS_MEMORY) return error_set_memory(err, line.len, 1, "a JSON record");
        if (s == STATUS_OK) continue;
        // Text may begin with a bracket too.
        if (table.n_records == 0 && !is_named_json(look)) return STATUS_OK;
        snprintf(why, sizeof why, "it begins as JSON, but is neither JSON Lines nor SQuAD: %s",
                 found.text);
        return settle(look, SNIFF_UNKNOWN, why, err);
    }
    TRY(sniff_table_finish(&table, look->out, err));
    snprintf(why, sizeof why, "%zu JSON objects, one a line", table.n_records);
    return settle(look, SNIFF_JSONL, why, err);
}

// ---- CoNLL ----

static bool is_tag(Slice word)
{
    if (slice_eq_cstr(word, "O")) return true;
    return word.len > 2 && word.ptr[1] == '-' &&
           slice_find_byte(SLICE("BIESLU"), word.ptr[0]) != SIZE_MAX;
}

static Slice last_word(Slice line)
{
    size_t at = line.len;
    while (at > 0 && line.ptr[at - 1] != ' ' && line.ptr[at - 1] != '\t') at--;
    return at == 0 ? (Slice){0} : slice_sub(line, at, line.len); // one word alone bears no tag
}

static Status look_for_conll(Look *look, Error *err)
{
    SniffTable tags;
    Slice rest = look->text, line;
    size_t n_tagged = 0, n_other = 0, n_sentences = 0;
    bool is_inside = false;
    TRY(sniff_table_init(&tags, &look->scratch, err));
    while (slice_split(&rest, '\n', &line)) {
        line = slice_trim(line);
        if (line.len == 0 || slice_starts_with(line, SLICE("-DOCSTART-"))) {
            is_inside = false;
            continue;
        }
        n_sentences += !is_inside;
        is_inside = true;
        const Slice tag = last_word(line);
        if (!is_tag(tag)) {
            // Given up early: this is asked of every text.
            if (++n_other > 20 && n_other > n_tagged / 20) return STATUS_OK;
            continue;
        }
        n_tagged++;
        TRY(sniff_table_add(&tags, 0, tag, err));
    }
    if (n_tagged < 2 || n_sentences < 2 || n_other > n_tagged / 20) return STATUS_OK;
    tags.columns[0].name = SLICE("tag");
    tags.n_records = n_sentences;
    tags.is_of_tags = true;
    TRY(sniff_table_finish(&tags, look->out, err));
    char why[160];
    snprintf(why, sizeof why,
             "%zu sentences between blank lines, a token and its tag a line (%zu tokens)",
             n_sentences, n_tagged);
    return settle(look, SNIFF_CONLL, why, err);
}

// ---- TSV and CSV ----

typedef struct Dialect {
    const char *extension; // with which it comes first
    char delimiter;
    bool is_quoted;
    const char *what;
} Dialect;

static const Dialect dialects[] = {
    {".tsv", '\t', false, "tabs"},
    {".csv", ',', true, "commas"},
    {".csv", ';', true, "semicolons"},
    {".csv", '\t', true, "tabs"},
};

// *fits: all rows have the same number of columns, two or more. Fills the table with all rows but the first.
static Status try_dialect(Look *look, const Dialect *dialect, SniffTable *table, Slice **first,
                          size_t *n_first, bool *fits, Error *err)
{
    RowReader rows = {.path = look->path,
                      .text = look->text,
                      .arena = &look->scratch,
                      .delimiter = dialect->delimiter,
                      .is_quoted = dialect->is_quoted};
    bool more;
    *fits = false;
    *n_first = 0;
    TRY(sniff_table_init(table, &look->scratch, err));
    for (;;) {
        const Status s = row_next(&rows, &more, err);
        if (s == STATUS_INVALID) return STATUS_OK; // quotes that do not pair
        TRY(s);
        if (!more) break;
        if (rows.is_blank) continue;
        if (*n_first == 0) {
            if (rows.n_fields < 2) return STATUS_OK;
            *n_first = rows.n_fields;
            TRY(arena_take(&look->scratch, rows.n_fields, sizeof **first, "a row", first, err));
            memcpy(*first, rows.fields, rows.n_fields * sizeof **first);
            continue;
        }
        if (rows.n_fields != *n_first) return STATUS_OK;
        for (size_t i = 0; i < rows.n_fields; i++)
            TRY(sniff_table_add(table, i, rows.fields[i], err));
        table->n_records++;
    }
    *fits = *n_first >= 2;
    return STATUS_OK;
}

static Status finish_delimited(Look *look, const Dialect *dialect, SniffTable *table,
                               const Slice *first, size_t n_first, Error *err)
{
    Sniff *out = look->out;
    char why[160];
    out->has_header = table->n_records > 0 && sniff_table_is_header(table, first, n_first);
    for (size_t i = 0; i < n_first && i < SNIFF_MAX_COLUMNS; i++) {
        if (out->has_header) {
            table->columns[i].name = slice_trim(first[i]);
        } else {
            TRY(sniff_table_add(table, i, first[i], err));
            table->columns[i].first = first[i];
        }
    }
    table->n_records += !out->has_header;
    TRY(sniff_table_finish(table, out, err));
    out->delimiter = dialect->delimiter;
    snprintf(why, sizeof why, "%zu rows of %zu columns between %s, %s", table->n_records, n_first,
             dialect->what, out->has_header ? "under a header" : "without a header");
    return settle(look, dialect->is_quoted ? SNIFF_CSV : SNIFF_TSV, why, err);
}

static Status look_for_delimited(Look *look, Error *err)
{
    const size_t n = sizeof dialects / sizeof *dialects;
    for (size_t turn = 0; turn < 2 * n && !look->is_done; turn++) {
        const Dialect *dialect = &dialects[turn % n];
        // First those that the file's name announces, then the others.
        if (has_extension(look, dialect->extension) != (turn < n)) continue;
        const ArenaMark mark = arena_mark(&look->scratch);
        SniffTable table;
        Slice *first = NULL;
        size_t n_first;
        bool fits;
        TRY(try_dialect(look, dialect, &table, &first, &n_first, &fits, err));
        if (fits) TRY(finish_delimited(look, dialect, &table, first, n_first, err));
        arena_rewind(&look->scratch, mark);
    }
    const bool claims_table = has_extension(look, ".tsv") || has_extension(look, ".csv");
    if (look->is_done || !claims_table) return STATUS_OK;
    return settle(look, SNIFF_UNKNOWN,
                  "its rows have different numbers of columns between tabs, commas or semicolons",
                  err);
}

static Status look_for_lines(Look *look, Error *err)
{
    size_t n = 0;
    Slice rest = look->text, line;
    while (slice_split(&rest, '\n', &line)) n++;
    look->out->n_records = n;
    char why[64];
    snprintf(why, sizeof why, "%zu lines of plain text", n);
    return settle(look, SNIFF_LINES, why, err);
}

static Status look_at(Look *look, const char *path, Error *err)
{
    Sniff *out = look->out;
    Slice bytes = {0};
    out->text_column = out->pair_column = out->label_column = out->id_column = out->measure_column =
        SNIFF_NO_COLUMN;
    TRY(file_read_data(&look->scratch, path, MAX_FILE_BYTES, &bytes, NULL, err));
    if (bytes.len == 0) return error_set(err, STATUS_INVALID, "%s: the file is empty", path);
    const bool is_utf8 = utf8_invalid_at(bytes) == SIZE_MAX;
    out->encoding = is_utf8 ? ENCODING_UTF8 : ENCODING_WINDOWS_1252;
    TRY(encoding_decode(&look->scratch, look->path, bytes, out->encoding, SPEECH_KEYS, &look->text,
                        err));
    const Slice trimmed = slice_trim(look->text);
    if (trimmed.len == 0) return settle(look, SNIFF_UNKNOWN, "it holds nothing but blanks", err);
    if (trimmed.ptr[0] == '{' || trimmed.ptr[0] == '[') {
        TRY(look_for_squad(look, err));
        if (!look->is_done) TRY(look_for_jsonl(look, err));
    }
    if (!look->is_done) TRY(look_for_conll(look, err));
    if (!look->is_done) TRY(look_for_delimited(look, err));
    return look->is_done ? STATUS_OK : look_for_lines(look, err);
}

Status sniff_file(const char *path, Sniff *out, Error *err)
{
    *out = (Sniff){0};
    Look look = {.path = slice_from_cstr(path), .out = out};
    const Status s = look_at(&look, path, err);
    arena_release(&look.scratch);
    if (s != STATUS_OK) sniff_release(out);
    return s;
}

void sniff_release(Sniff *sniff)
{
    Arena arena = sniff->arena;
    arena_release(&arena);
    *sniff = (Sniff){0};
}
