// datasets/columns.h: which column of a table is the text, the label and so on. Internal to datasets/.
#ifndef ASSAY_DATASETS_COLUMNS_H
#define ASSAY_DATASETS_COLUMNS_H

#include "datasets/reader.h"

enum ColumnRole {
    COLUMN_TEXT,
    COLUMN_LABEL,
    COLUMN_PAIR,
    COLUMN_ID,
    COLUMN_GROUP,
    COLUMN_TARGET,
    N_COLUMN_ROLES
};
typedef enum ColumnRole ColumnRole;

#define NO_COLUMN SIZE_MAX

typedef struct ColumnMap {
    bool has_header;
    size_t n_fields;             // that every row must have
    size_t role[N_COLUMN_ROLES]; // indices of fields, or NO_COLUMN
    size_t *choices;             // [options->columns.n_choices]
    size_t *attributes;          // [options->columns.n_attributes]
    size_t *labels;              // [options->columns.n_labels]
} ColumnMap;

const char *column_role_name(ColumnRole role); // "text", "label", ...
// The names that a role has by default, ended by NULL; NULL for roles without. They are others where targets are wanted.
const char *const *column_default_names(ColumnRole role, bool wants_target);
// The place of a name among a role's default ones, or SIZE_MAX. Blanks around it and case do not matter.
size_t column_default_rank(ColumnRole role, bool wants_target, Slice name);
// What the options ask for in a role.
Slice column_asked(const ReadColumns *columns, ColumnRole role);

// Decides about the header and finds every column, from the first row (line `line` of the file).
Status columns_resolve(const ReadInput *input, const Slice *fields, size_t n_fields, size_t line,
                       ColumnMap *out, Error *err) MUST_CHECK;

// One row of fields becomes a sample of the builder.
Status columns_add_row(const ReadInput *input, const ColumnMap *map, const Slice *fields,
                       size_t line, Error *err) MUST_CHECK;

// How many fields a delimiter ' ' may cut a line into: the highest column number asked for; 0 where none is.
size_t columns_highest_number(const ReadColumns *columns);

#endif
