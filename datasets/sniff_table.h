// datasets/sniff_table.h: what the columns of an unknown table hold. Internal to datasets/.
#ifndef ASSAY_DATASETS_SNIFF_TABLE_H
#define ASSAY_DATASETS_SNIFF_TABLE_H

#include "datasets/sniff.h"
#include "datasets/text_index.h"

enum { SNIFF_MAX_DISTINCT = 2000, SNIFF_MAX_COLUMNS = 1000 };

typedef struct SniffStats {
    Slice name;       // heading or key; empty for none
    TextIndex values; // the first SNIFF_MAX_DISTINCT distinct ones
    size_t *counts;   // [SNIFF_MAX_DISTINCT]
    bool is_full;     // there are more
    size_t n;
    double sum_length;                    // code points
    bool are_numbers;                     // every value that is not empty
    bool are_whole, are_marks, are_lists; // likewise
    Slice first;
} SniffStats;

typedef struct SniffTable {
    Arena *arena;        // scratch
    SniffStats *columns; // [SNIFF_MAX_COLUMNS]
    size_t n_columns;
    size_t n_records;
    bool is_of_tags; // the only column holds the tags of tokens: it is the label
} SniffTable;

Status sniff_table_init(SniffTable *table, Arena *scratch, Error *err) MUST_CHECK;
// Adds a value to a column, made where it is the next one. Further columns than SNIFF_MAX_COLUMNS are left out.
Status sniff_table_add(SniffTable *table, size_t column, Slice value, Error *err) MUST_CHECK;
// Whether a first row that is not in the table is a header over it.
bool sniff_table_is_header(const SniffTable *table, const Slice *fields, size_t n_fields);
// Chooses columns and classes and copies all that stays into out->arena.
Status sniff_table_finish(const SniffTable *table, Sniff *out, Error *err) MUST_CHECK;

#endif
