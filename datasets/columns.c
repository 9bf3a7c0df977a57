#include "datasets/columns.h"

#include "base/name_list.h"
#include "datasets/choices.h"
#include "datasets/columns_internal.h"
#include "datasets/label_sets.h"
#include "datasets/pairs.h"

static bool is_taken(const ReadColumns *columns, size_t column)
{
    for (size_t i = 0; i < columns->n_choices; i++) {
        if (column_number(columns->choices[i]) == column + 1) return true;
    }
    for (int role = 0; role < N_COLUMN_ROLES; role++) {
        if (column_number(column_asked(columns, (ColumnRole)role)) == column + 1) return true;
    }
    for (size_t i = 0; i < columns->n_labels; i++) {
        if (column_number(columns->labels[i].column) == column + 1) return true;
    }
    for (size_t i = 0; i < columns->n_attributes; i++) {
        if (column_number(columns->attributes[i].column) == column + 1) return true;
    }
    return false;
}

// What a sample is judged by: its label, or its target.
static ColumnRole answer_role(const ReadOptions *options)
{
    return options->wants_target ? COLUMN_TARGET : COLUMN_LABEL;
}

// The columns of text and answer where there is no header: as asked for, else the first ones left.
static void place_without_header(const ReadOptions *options, size_t n_fields,
                                 size_t role[N_COLUMN_ROLES])
{
    const ReadColumns *columns = &options->columns;
    size_t next = 0;
    for (int r = 0; r < N_COLUMN_ROLES; r++) {
        const Slice asked = column_asked(columns, (ColumnRole)r);
        role[r] = NO_COLUMN;
        if (asked.ptr) {
            const size_t number = column_number(asked);
            if (number) role[r] = number - 1;
        } else if (r == COLUMN_TEXT || r == (int)answer_role(options)) {
            while (next < n_fields && is_taken(columns, next)) next++;
            if (next < n_fields) role[r] = next++;
        }
    }
}

static bool is_default_name(const ReadOptions *options, ColumnRole role, Slice field)
{
    return column_default_rank(role, options->wants_target, field) != SIZE_MAX;
}

static bool has_default_name(const ReadOptions *options, const Slice *fields, size_t n_fields,
                             ColumnRole role)
{
    for (size_t i = 0; i < n_fields; i++) {
        if (is_default_name(options, role, fields[i])) return true;
    }
    return false;
}

// The rule that reader.h states at ReadOptions.header.
static bool looks_like_header(const ReadOptions *options, const Slice *fields, size_t n_fields)
{
    const ColumnRole answer = answer_role(options);
    if (columns_ask_by_name(&options->columns)) return true;
    if (has_default_name(options, fields, n_fields, COLUMN_TEXT) &&
        has_default_name(options, fields, n_fields, answer)) {
        return true;
    }
    size_t role[N_COLUMN_ROLES];
    place_without_header(options, n_fields, role);
    const size_t at = role[answer], text = role[COLUMN_TEXT];
    if (at < n_fields && is_default_name(options, answer, fields[at])) return true;
    return options->label_optional && text < n_fields &&
           is_default_name(options, COLUMN_TEXT, fields[text]);
}

static NameList list_headings(const Slice *fields, size_t n_fields)
{
    NameList list = {0};
    for (size_t i = 0; i < n_fields; i++) name_list_quote(&list, slice_trim(fields[i]));
    return list;
}

static Status find_heading(const ReadInput *input, const Slice *fields, size_t n_fields,
                           size_t line, const char *role, Slice asked, size_t *out, Error *err)
{
    *out = NO_COLUMN;
    for (size_t i = 0; i < n_fields; i++) {
        if (!column_same_heading(fields[i], asked)) continue;
        if (*out != NO_COLUMN) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: the heading \"" SLICE_FMT
                                       "\" stands over columns %zu and %zu: ask for one by number",
                             SLICE_ARG(input->path), line, SLICE_ARG(asked), *out + 1, i + 1);
        }
        *out = i;
    }
    if (*out != NO_COLUMN) return STATUS_OK;
    const NameList headings = list_headings(fields, n_fields);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: there is no column \"" SLICE_FMT
                               "\" (asked for as %s); the headings are %s",
                     SLICE_ARG(input->path), line, SLICE_ARG(slice_sub(asked, 0, 80)), role,
                     headings.text);
}

// A column that was asked for, by heading or by number.
static Status find_asked(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                         size_t line, const char *role, Slice asked, size_t *out, Error *err)
{
    const size_t number = column_number(asked);
    *out = number - 1;
    if (number >= 1 && number <= map->n_fields) return STATUS_OK;
    if (map->has_header && !number) {
        return find_heading(input, fields, map->n_fields, line, role, asked, out, err);
    }
    if (number) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ":%zu: column %zu is asked for as %s, but the row has %zu column%s",
                         SLICE_ARG(input->path), line, number, role, map->n_fields,
                         map->n_fields == 1 ? "" : "s");
    }
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: column \"" SLICE_FMT "\" is asked for as %s by name, but "
                               "the file has no header (%s): give its number from 1",
                     SLICE_ARG(input->path), line, SLICE_ARG(slice_sub(asked, 0, 80)), role,
                     input->options->speech == SPEECH_OPTIONS ? "--header no"
                                                              : "\"header\": false");
}

// The column that bears the role's first default name.
static Status find_default(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                           size_t line, ColumnRole role, size_t *out, Error *err)
{
    const ReadOptions *options = input->options;
    size_t best = NO_COLUMN, best_rank = SIZE_MAX;
    for (size_t i = 0; i < map->n_fields; i++) {
        const size_t rank = column_default_rank(role, options->wants_target, fields[i]);
        if (rank >= best_rank) continue;
        best = i;
        best_rank = rank;
    }
    *out = best;
    // Asked for by name it must be the only one of that name.
    return best == NO_COLUMN ? STATUS_OK
                             : find_heading(input, fields, map->n_fields, line,
                                            column_role_name(role), fields[best], out, err);
}

// The one column under a header that nothing else is taken from, or NO_COLUMN.
static size_t only_column_left(const ReadColumns *columns, const ColumnMap *map)
{
    size_t left = NO_COLUMN;
    for (size_t i = 0; i < map->n_fields; i++) {
        bool is_used = is_taken(columns, i);
        for (int r = 0; r < N_COLUMN_ROLES; r++) is_used = is_used || map->role[r] == i;
        if (is_used) continue;
        if (left != NO_COLUMN) return NO_COLUMN;
        left = i;
    }
    return left;
}

// How a column is named: "columns": {"text": ...} in a suite, --text COLUMN on the command line.
static const char *ask_before(const ReadOptions *options)
{
    return options->speech == SPEECH_OPTIONS ? "--" : "\"columns\": {\"";
}

static const char *ask_after(const ReadOptions *options)
{
    return options->speech == SPEECH_OPTIONS ? " COLUMN" : "\": ...}";
}

static Status missing_column(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                             size_t line, ColumnRole role, Error *err)
{
    const char *name = column_role_name(role);
    if (!map->has_header) {
        return error_set(
            err, STATUS_INVALID,
            SLICE_FMT ":%zu: no column is left for the %s: the row has %zu column%s; is "
                      "the delimiter right?",
            SLICE_ARG(input->path), line, name, map->n_fields, map->n_fields == 1 ? "" : "s");
    }
    const NameList headings = list_headings(fields, map->n_fields);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT
                     ":%zu: none of the headings %s is known to hold the %s: name it with "
                     "%s%s%s",
                     SLICE_ARG(input->path), line, headings.text, name, ask_before(input->options),
                     name, ask_after(input->options));
}

// A label (or target) that is also the text would be learnt from the answer.
static Status check_apart(const ReadInput *input, const ColumnMap *map, size_t line, Error *err)
{
    static const ColumnRole inputs[] = {COLUMN_TEXT, COLUMN_PAIR};
    const ColumnRole answer = answer_role(input->options);
    const size_t at = map->role[answer];
    for (size_t i = 0; at != NO_COLUMN && i < sizeof inputs / sizeof *inputs; i++) {
        if (map->role[inputs[i]] != at) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: column %zu is taken as %s and as %s: the answer would "
                                   "stand in the question; name another column",
                         SLICE_ARG(input->path), line, at + 1, column_role_name(inputs[i]),
                         column_role_name(answer));
    }
    return STATUS_OK;
}

// What a sample has any number of: choices, labels and attributes.
static Status resolve_lists(const ReadInput *input, const Slice *fields, size_t line,
                            ColumnMap *out, Error *err)
{
    const ReadColumns *columns = &input->options->columns;
    TRY(arena_take(input->arena, columns->n_attributes, sizeof *out->attributes, "columns",
                   &out->attributes, err));
    TRY(arena_take(input->arena, columns->n_choices, sizeof *out->choices, "columns", &out->choices,
                   err));
    for (size_t i = 0; i < columns->n_choices; i++) {
        TRY(find_asked(input, out, fields, line, "a choice", columns->choices[i], &out->choices[i],
                       err));
    }
    if (input->options->wants_choices && columns->n_choices == 0) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: which columns are the choices? Name them with "
                                   "\"columns\": {\"choices\": [..]}",
                         SLICE_ARG(input->path), line);
    }
    for (size_t i = 0; i < columns->n_attributes; i++) {
        TRY(find_asked(input, out, fields, line, "an attribute", columns->attributes[i].column,
                       &out->attributes[i], err));
    }
    TRY(arena_take(input->arena, columns->n_labels, sizeof *out->labels, "columns", &out->labels,
                   err));
    for (size_t i = 0; i < columns->n_labels; i++) {
        TRY(find_asked(input, out, fields, line, "a label", columns->labels[i].column,
                       &out->labels[i], err));
    }
    return STATUS_OK;
}

Status columns_resolve(const ReadInput *input, const Slice *fields, size_t n_fields, size_t line,
                       ColumnMap *out, Error *err)
{
    const ReadOptions *options = input->options;
    const ReadColumns *columns = &options->columns;
    out->n_fields = n_fields;
    out->has_header = options->header == READ_HEADER_AUTO
                          ? looks_like_header(options, fields, n_fields)
                          : options->header == READ_HEADER_YES;
    place_without_header(options, n_fields, out->role);
    for (int r = 0; r < N_COLUMN_ROLES; r++) {
        const ColumnRole role = (ColumnRole)r;
        const Slice asked = column_asked(columns, role);
        if (asked.len) {
            TRY(find_asked(input, out, fields, line, column_role_name(role), asked, &out->role[r],
                           err));
        } else if (out->has_header && !asked.ptr) {
            TRY(find_default(input, out, fields, line, role, &out->role[r], err));
        }
    }
    if (out->has_header && !columns->text.ptr && out->role[COLUMN_TEXT] == NO_COLUMN) {
        out->role[COLUMN_TEXT] = only_column_left(columns, out);
    }
    if (out->role[COLUMN_TEXT] == NO_COLUMN) {
        return missing_column(input, out, fields, line, COLUMN_TEXT, err);
    }
    const ColumnRole answer = answer_role(options);
    const bool wants_label = !options->label_optional && columns->n_labels == 0;
    if (out->role[answer] == NO_COLUMN && (options->wants_target || wants_label)) {
        return missing_column(input, out, fields, line, answer, err);
    }
    TRY(check_apart(input, out, line, err));
    return resolve_lists(input, fields, line, out, err);
}

static Slice field_of(const ColumnMap *map, const Slice *fields, ColumnRole role)
{
    const size_t column = map->role[role];
    return column == NO_COLUMN ? (Slice){0} : fields[column];
}

// What the columns of the labels say.
static Status add_marked(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                         const Sample *sample, Error *err)
{
    const ReadColumns *columns = &input->options->columns;
    LabelSet set = {0};
    for (size_t i = 0; i < columns->n_labels; i++) {
        TRY(label_set_mark(input, sample->line, &set, columns->labels[i].name,
                           fields[map->labels[i]], err));
    }
    return label_set_finish(input, sample, &set, err);
}

static Status take_attributes(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                              Sample *sample, Error *err)
{
    const ReadColumns *columns = &input->options->columns;
    SampleAttribute *attributes = NULL;
    if (columns->n_attributes == 0) return STATUS_OK;
    TRY(arena_take(input->arena, columns->n_attributes, sizeof *attributes, "attributes",
                   &attributes, err));
    for (size_t i = 0; i < columns->n_attributes; i++) {
        attributes[i] =
            (SampleAttribute){columns->attributes[i].name, slice_trim(fields[map->attributes[i]])};
    }
    sample->attributes = attributes;
    sample->n_attributes = columns->n_attributes;
    return STATUS_OK;
}

Status columns_add_row(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                       size_t line, Error *err)
{
    const ReadColumns *columns = &input->options->columns;
    const Slice label = slice_trim(field_of(map, fields, COLUMN_LABEL));
    if (label.len == 0 && !labels_may_be_empty(input->options)) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: the label (column %zu) is missing: fill it in, or remove "
                                   "the row",
                         SLICE_ARG(input->path), line, map->role[COLUMN_LABEL] + 1);
    }
    Sample sample = {.line = line,
                     .gold = SAMPLE_NO_LABEL,
                     .text = field_of(map, fields, COLUMN_TEXT),
                     .pair = field_of(map, fields, COLUMN_PAIR),
                     .id = slice_trim(field_of(map, fields, COLUMN_ID)),
                     .group = slice_trim(field_of(map, fields, COLUMN_GROUP))};
    TRY(take_attributes(input, map, fields, &sample, err));
    if (input->options->wants_choices) {
        Slice *choices = NULL;
        TRY(arena_take(input->arena, columns->n_choices, sizeof *choices, "choices", &choices,
                       err));
        for (size_t i = 0; i < columns->n_choices; i++) choices[i] = fields[map->choices[i]];
        sample.choices = choices;
        sample.n_choices = columns->n_choices;
        return choices_add(input, &sample, label, NULL, err);
    }
    if (columns->n_labels > 0) return add_marked(input, map, fields, &sample, err);
    if (!input->options->wants_target) return labelled_add(input, &sample, label, err);
    const Slice target = field_of(map, fields, COLUMN_TARGET);
    sample.targets = &target;
    sample.n_targets = 1;
    return pairs_add(input, &sample, err);
}
