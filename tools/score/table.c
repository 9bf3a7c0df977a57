#include "tools/score/table.h"

#include <math.h>
#include <string.h>

#include "base/buffer_keep.h"
#include "base/json_reader.h"
#include "base/size.h"

typedef enum Role {
    ROLE_LABEL,
    ROLE_PREDICTION,
    ROLE_WEIGHT,
    ROLE_SCORE,
    ROLE_CLUSTER,
    ROLE_SKIPPED
} Role;

static const struct {
    const char *name;
    Role role;
} roles[] = {
    {"label", ROLE_LABEL},
    {"y_true", ROLE_LABEL},
    {"gold", ROLE_LABEL},
    {"reference", ROLE_LABEL},
    {"x", ROLE_LABEL},
    {"prediction", ROLE_PREDICTION},
    {"y_pred", ROLE_PREDICTION},
    {"predicted", ROLE_PREDICTION},
    {"y", ROLE_PREDICTION},
    {"weight", ROLE_WEIGHT},
    {"sample_weight", ROLE_WEIGHT},
    {"score", ROLE_SCORE},
    {"cluster", ROLE_CLUSTER},
    {"id", ROLE_SKIPPED},
};

// What a name stands for; ROLE_SCORE where it is none of ours.
static Role role_of(Slice name, TableKind kind, bool *is_known)
{
    *is_known = true;
    if (kind == TABLE_LABEL_SETS && slice_eq_cstr(name, "labels")) return ROLE_LABEL;
    if (kind == TABLE_LABEL_SETS && slice_eq_cstr(name, "predicted_labels")) return ROLE_PREDICTION;
    // "x" and "y" are lists of numbers; of many labels one may be called so.
    const bool is_label = kind == TABLE_LABEL_SETS && name.len == 1;
    for (size_t i = 0; !is_label && i < sizeof roles / sizeof *roles; i++) {
        if (slice_eq_cstr(name, roles[i].name)) return roles[i].role;
    }
    *is_known = false;
    return ROLE_SCORE;
}

enum { MAX_COLUMNS = 4096 };

typedef struct Reading {
    Table *table;
    Arena *arena;
    const TextLines *file;
    Role
        first; // of a file without names: ROLE_LABEL, or ROLE_PREDICTION in one of predictions alone
    bool is_shared; // label and prediction stand in this file, else one of them
    Role columns[MAX_COLUMNS];
    size_t n_columns, n_scores;
    size_t begin;      // the first line of data
    bool has_clusters; // of JSON Lines
} Reading;

static Status refuse(const Reading *r, size_t line, Error *err, const char *what, Slice found)
{
    return error_set(err, STATUS_INVALID, "%s:%zu: %s, not \"" SLICE_FMT "\"", r->file->path,
                     line + 1, what, SLICE_ARG(slice_sub(found, 0, size_min(found.len, 60))));
}

static Status take_columns(Reading *r, size_t n, Error *err)
{
    Table *t = r->table;
    size_t cells;
    bool has[ROLE_SKIPPED + 1] = {false};
    for (size_t c = 0; c < r->n_columns; c++) has[r->columns[c]] = true;
    // Before anything is read: a column that both files have has room for the items of the first.
    if (t->n > 0 && t->n != n) {
        return error_set(err, STATUS_INVALID,
                         "%s has %zu items, but %s has %zu: line i of each must be the same item",
                         r->file->path, n, t->files[1].path, t->n);
    }
    t->n = n;
    if (has[ROLE_LABEL] && t->label_texts == NULL)
        TRY(arena_take(r->arena, n, sizeof(Slice), "labels", &t->label_texts, err));
    if (has[ROLE_PREDICTION] && t->predicted_texts == NULL)
        TRY(arena_take(r->arena, n, sizeof(Slice), "predictions", &t->predicted_texts, err));
    if (has[ROLE_WEIGHT] && t->weights == NULL)
        TRY(arena_take(r->arena, n, sizeof(double), "weights", &t->weights, err));
    if (has[ROLE_CLUSTER] && t->clusters == NULL)
        TRY(arena_take(r->arena, n, sizeof *t->clusters, "clusters", &t->clusters, err));
    if (r->n_scores == 0) return STATUS_OK;
    if (!size_mul(n, r->n_scores, &cells))
        return error_set_memory(err, n, r->n_scores, "probabilities");
    t->n_scores = r->n_scores;
    return arena_take(r->arena, cells, sizeof(double), "probabilities", &t->scores, err);
}

static Status put_weight(Reading *r, size_t line, size_t i, Slice text, Error *err)
{
    if (slice_to_double(text, &r->table->weights[i]) && r->table->weights[i] >= 0) return STATUS_OK;
    return refuse(r, line, err, "a weight is a number, at least 0", text);
}

// ---- Tables ----

// The last field may be empty, as that of an item without labels; so may a line that has no other.
static size_t split_line(Slice line, TableKind kind, Slice *fields)
{
    const bool ends_empty =
        line.len > 0 ? line.ptr[line.len - 1] == '\t' : kind == TABLE_LABEL_SETS;
    size_t n = 0;
    while (n < MAX_COLUMNS && slice_split(&line, '\t', &fields[n])) n++;
    if (ends_empty && n < MAX_COLUMNS) fields[n++] = SLICE("");
    return n;
}

static Status read_header(Reading *r, Slice *fields, Error *err)
{
    bool is_known;
    r->n_columns = split_line(r->file->lines[0], r->table->kind, fields);
    role_of(fields[0], r->table->kind, &is_known);
    r->begin = is_known;
    for (size_t c = 0; c < r->n_columns; c++) {
        const Role by_place =
            (Role)(c + r->first) < ROLE_WEIGHT ? (Role)(c + r->first) : ROLE_SCORE;
        r->columns[c] = is_known ? role_of(fields[c], r->table->kind, &(bool){false}) : by_place;
        if (!r->is_shared && r->first == ROLE_LABEL && !is_known && c > 0)
            r->columns[c] = ROLE_SKIPPED; // a file of references has nothing else to say
        r->n_scores += r->columns[c] == ROLE_SCORE;
    }
    if (!is_known || r->n_scores < 2) return STATUS_OK;
    TRY(arena_take(r->arena, r->n_scores, sizeof(Slice), "labels", &r->table->score_names, err));
    for (size_t c = 0, at = 0; c < r->n_columns; c++) {
        if (r->columns[c] == ROLE_SCORE) r->table->score_names[at++] = fields[c];
    }
    return STATUS_OK;
}

static Status read_fields(Reading *r, size_t line, const Slice *fields, Error *err)
{
    Table *t = r->table;
    const size_t i = line - r->begin;
    double *scores = t->scores != NULL ? t->scores + i * t->n_scores : NULL;
    for (size_t c = 0; c < r->n_columns; c++) {
        switch (r->columns[c]) {
        case ROLE_LABEL:
            t->label_texts[i] = fields[c];
            break;
        case ROLE_PREDICTION:
            t->predicted_texts[i] = fields[c];
            break;
        case ROLE_WEIGHT:
            TRY(put_weight(r, line, i, fields[c], err));
            break;
        case ROLE_SCORE:
            if (!slice_to_double(fields[c], scores++))
                return refuse(r, line, err, "a probability is a number", fields[c]);
            break;
        case ROLE_CLUSTER:
            TRY(clusters_index(&t->cluster_names, fields[c], &t->clusters[i], err));
            break;
        case ROLE_SKIPPED:
            break;
        }
    }
    return STATUS_OK;
}

static Status read_table(Reading *r, Error *err)
{
    Slice *fields;
    TRY(arena_take(r->arena, MAX_COLUMNS, sizeof *fields, "fields", &fields, err));
    TRY(read_header(r, fields, err));
    if (r->file->n == r->begin)
        return error_set(err, STATUS_INVALID, "%s: has a header and no items", r->file->path);
    TRY(take_columns(r, r->file->n - r->begin, err));
    for (size_t line = r->begin; line < r->file->n; line++) {
        const size_t n = split_line(r->file->lines[line], r->table->kind, fields);
        if (n != r->n_columns)
            return error_set(err, STATUS_INVALID,
                             "%s:%zu: has %zu fields between tabs, but the first line has %zu",
                             r->file->path, line + 1, n, r->n_columns);
        TRY(read_fields(r, line, fields, err));
    }
    return STATUS_OK;
}

// ---- JSON Lines ----

// A label, whatever it is written as.
static Status read_scalar(JsonReader *j, Slice *out, Error *err)
{
    JsonKind kind;
    TRY(json_peek(j, &kind, err));
    if (kind == JSON_STRING) return json_read_string(j, out, err);
    if (kind == JSON_ARRAY || kind == JSON_OBJECT)
        return json_reader_error(j, err, "a label is a text or a number, not %s",
                                 json_kind_name(kind));
    if (kind != JSON_NULL) return json_read_raw(j, out, err);
    return json_read_null(j, err); // no answer: a text without ptr
}

static Status join_list(JsonReader *j, Buffer *text, Error *err)
{
    bool more;
    TRY(json_read_array(j, err));
    buffer_append_byte(text, TABLE_LIST_MARK);
    while (true) {
        Slice label = {0};
        TRY(json_read_element(j, &more, err));
        if (!more) return STATUS_OK;
        TRY(read_scalar(j, &label, err));
        if (slice_find_byte(label, TABLE_LIST_MARK) != SIZE_MAX)
            return json_reader_error(j, err, "a label has the control character 0x1f");
        if (text->len > 1) buffer_append_byte(text, TABLE_LIST_MARK);
        buffer_append(text, label);
    }
}

// One label, or where labels come in sets a list of them.
static Status read_labels(const Reading *r, JsonReader *j, Slice *out, Error *err)
{
    JsonKind kind;
    Buffer text = {0};
    TRY(json_peek(j, &kind, err));
    if (r->table->kind != TABLE_LABEL_SETS || kind != JSON_ARRAY) return read_scalar(j, out, err);
    const Status s = join_list(j, &text, err);
    if (s == STATUS_OK) return buffer_keep(&text, r->arena, "labels", out, err);
    buffer_release(&text);
    return s;
}

typedef struct Line {
    Slice label, predicted, cluster;
    double weight;
    bool has_label, has_predicted, has_weight, has_cluster;
    double *scores; // [n_scores], borrowed until the next line
    Slice *names;   // of an object
    size_t n_scores;
} Line;

static Status add_score(JsonReader *j, Line *line, Error *err)
{
    if (line->n_scores == MAX_COLUMNS)
        return json_reader_error(j, err, "more than %d probabilities", (int)MAX_COLUMNS);
    return json_read_double(j, &line->scores[line->n_scores++], err);
}

static Status read_list(JsonReader *j, Line *line, Error *err)
{
    bool more;
    TRY(json_read_array(j, err));
    while (true) {
        TRY(json_read_element(j, &more, err));
        if (!more) return STATUS_OK;
        TRY(add_score(j, line, err));
    }
}

static Status read_by_label(JsonReader *j, Line *line, Error *err)
{
    bool more;
    TRY(json_read_object(j, err));
    while (true) {
        Slice key;
        TRY(json_read_key(j, &key, &more, err));
        if (!more) return STATUS_OK;
        if (line->n_scores < MAX_COLUMNS) line->names[line->n_scores] = key;
        TRY(add_score(j, line, err));
    }
}

static Status read_probabilities(JsonReader *j, Line *line, bool *has_names, Error *err)
{
    JsonKind kind;
    TRY(json_peek(j, &kind, err));
    *has_names = kind == JSON_OBJECT;
    return *has_names ? read_by_label(j, line, err) : read_list(j, line, err);
}

static Status read_member(const Reading *r, JsonReader *j, Slice key, Line *line, bool *has_names,
                          Error *err)
{
    bool is_known;
    Role role = role_of(key, r->table->kind, &is_known);
    if (slice_eq_cstr(key, "probabilities")) return read_probabilities(j, line, has_names, err);
    if (!is_known) return json_skip(j, err);
    // What assay predict calls the label is a prediction in a file of predictions.
    if (!r->is_shared && r->first == ROLE_PREDICTION && role == ROLE_LABEL) role = ROLE_PREDICTION;
    switch (role) {
    case ROLE_LABEL:
        line->has_label = true;
        return read_labels(r, j, &line->label, err);
    case ROLE_PREDICTION:
        line->has_predicted = true;
        return read_labels(r, j, &line->predicted, err);
    case ROLE_WEIGHT:
        line->has_weight = true;
        return json_read_double(j, &line->weight, err);
    case ROLE_SCORE:
        return add_score(j, line, err);
    case ROLE_CLUSTER:
        line->has_cluster = true;
        return read_scalar(j, &line->cluster, err);
    case ROLE_SKIPPED:
        break;
    }
    return json_skip(j, err);
}

// The first line says which members all have.
static Status begin_lines(Reading *r, const Line *line, bool has_names, Error *err)
{
    Table *t = r->table;
    r->n_columns = 0;
    if (line->has_label) r->columns[r->n_columns++] = ROLE_LABEL;
    if (line->has_predicted) r->columns[r->n_columns++] = ROLE_PREDICTION;
    if (line->has_weight) r->columns[r->n_columns++] = ROLE_WEIGHT;
    if (line->has_cluster) r->columns[r->n_columns++] = ROLE_CLUSTER;
    r->has_clusters = line->has_cluster;
    r->n_scores = line->n_scores;
    TRY(take_columns(r, r->file->n, err));
    if (!has_names) return STATUS_OK;
    TRY(arena_take(r->arena, r->n_scores, sizeof(Slice), "labels", &t->score_names, err));
    memcpy(t->score_names, line->names, r->n_scores * sizeof(Slice));
    return STATUS_OK;
}

static Status keep_scores(Reading *r, size_t i, const Line *line, bool has_names, Error *err)
{
    const Table *t = r->table;
    for (size_t s = 0; s < line->n_scores; s++) {
        size_t to = has_names ? 0 : s;
        while (has_names && to < r->n_scores && !slice_eq(t->score_names[to], line->names[s])) to++;
        if (to == r->n_scores)
            return error_set(err, STATUS_INVALID, "%s:%zu: has other labels than the first line",
                             r->file->path, i + 1);
        t->scores[i * r->n_scores + to] = line->scores[s];
    }
    return STATUS_OK;
}

static Status keep_line(Reading *r, size_t i, const Line *line, bool has_names, Error *err)
{
    Table *t = r->table;
    if (i == 0) TRY(begin_lines(r, line, has_names, err));
    const bool may_label = r->is_shared || r->first == ROLE_LABEL;
    const bool may_predict = r->is_shared || r->first == ROLE_PREDICTION;
    const bool has_label = may_label && t->label_texts != NULL;
    const bool has_predicted = may_predict && t->predicted_texts != NULL;
    if (line->has_label != has_label || line->has_predicted != has_predicted ||
        (line->has_weight && t->weights == NULL) || line->has_cluster != r->has_clusters ||
        line->n_scores != r->n_scores ||
        has_names != (line->n_scores > 0 && t->score_names != NULL))
        return error_set(err, STATUS_INVALID, "%s:%zu: has other members than the first line",
                         r->file->path, i + 1);
    if (line->has_weight && !(line->weight >= 0 && isfinite(line->weight)))
        return error_set(err, STATUS_INVALID, "%s:%zu: weight %g must be finite and at least 0",
                         r->file->path, i + 1, line->weight);
    if (line->has_cluster)
        TRY(clusters_index(&t->cluster_names, line->cluster, &t->clusters[i], err));
    if (has_label) t->label_texts[i] = line->label;
    if (has_predicted) t->predicted_texts[i] = line->predicted;
    if (t->weights != NULL && (r->is_shared || line->has_weight)) t->weights[i] = line->weight;
    return keep_scores(r, i, line, has_names, err);
}

static Status read_line(const Reading *r, size_t i, Line *line, bool *has_names, Error *err)
{
    bool more;
    JsonReader j = json_reader(slice_from_cstr(r->file->path), r->file->lines[i], r->arena);
    j.first_line = i + 1;
    TRY(json_read_object(&j, err));
    while (true) {
        Slice key;
        TRY(json_read_key(&j, &key, &more, err));
        if (!more) return json_read_end(&j, err);
        TRY(read_member(r, &j, key, line, has_names, err));
    }
}

static Status read_json(Reading *r, Error *err)
{
    double *scores;
    Slice *names;
    TRY(arena_take(r->arena, MAX_COLUMNS, sizeof *scores, "probabilities", &scores, err));
    TRY(arena_take(r->arena, MAX_COLUMNS, sizeof *names, "labels", &names, err));
    for (size_t i = 0; i < r->file->n; i++) {
        bool has_names = false;
        Line line = {.weight = 1, .scores = scores, .names = names};
        TRY(read_line(r, i, &line, &has_names, err));
        TRY(keep_line(r, i, &line, has_names, err));
    }
    return STATUS_OK;
}

// ---- The whole ----

static Status read_file(Table *table, const TextLines *file, Role first, bool is_shared,
                        Arena *arena, Error *err)
{
    Reading *r;
    TRY(arena_take(arena, 1, sizeof *r, "columns", &r, err));
    *r = (Reading){
        .table = table, .arena = arena, .file = file, .first = first, .is_shared = is_shared};
    const Slice head = slice_trim(file->lines[0]);
    return head.len > 0 && head.ptr[0] == '{' ? read_json(r, err) : read_table(r, err);
}

Status table_open(const char *path, const char *ref, TableKind kind, bool is_replaced, Arena *arena,
                  Table *out, Error *err)
{
    *out = (Table){.kind = kind, .path = path};
    TRY(text_lines_open(path, is_replaced, arena, &out->files[0], err));
    if (ref == NULL) {
        TRY(read_file(out, &out->files[0], ROLE_LABEL, true, arena, err));
    } else {
        TRY(text_lines_open(ref, is_replaced, arena, &out->files[1], err));
        TRY(read_file(out, &out->files[1], ROLE_LABEL, false, arena, err));
        TRY(read_file(out, &out->files[0], ROLE_PREDICTION, false, arena, err));
    }
    if (out->label_texts == NULL)
        return error_set(err, STATUS_INVALID, "%s: no column or member \"label\" is there", path);
    return STATUS_OK;
}

void table_close(Table *table)
{
    for (size_t f = 0; f < 2; f++) text_lines_close(&table->files[f]);
    clusters_release(&table->cluster_names);
    *table = (Table){0};
}
