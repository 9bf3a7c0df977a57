// datasets/sniff.h: looks at a data file and says what it seems to be, for `assay init`.
#ifndef ASSAY_DATASETS_SNIFF_H
#define ASSAY_DATASETS_SNIFF_H

#include "datasets/reader.h"

typedef enum SniffFormat {
    SNIFF_UNKNOWN,
    SNIFF_TSV,
    SNIFF_CSV,
    SNIFF_JSONL,
    SNIFF_LINES, // plain text, a sentence a line
    SNIFF_CONLL, // a token a line with its tag last, blank lines between sentences
    SNIFF_SQUAD, // the SQuAD JSON layout
} SniffFormat;

// What the values of a column look like beside words.
typedef enum SniffValues {
    SNIFF_WORDS,
    SNIFF_MARKS,   // 0 and 1, or true and false
    SNIFF_NUMBERS, // that measure something: too many for classes, or not whole
    SNIFF_LISTS,   // "[..]"
} SniffValues;

typedef struct SniffColumn {
    SniffValues values;
    Slice name;         // the heading or key; "1", "2".. without a header
    Slice sample;       // its value in the first record, cut to 60 bytes
    size_t n_distinct;  // values among the records looked at
    double mean_length; // code points
} SniffColumn;

typedef struct SniffClass {
    Slice name;
    size_t count;
} SniffClass;

enum { SNIFF_NO_COLUMN = -1 };

typedef struct Sniff {
    Arena arena; // owns everything below
    SniffFormat format;
    TextEncoding encoding; // ENCODING_WINDOWS_1252 where the bytes are not UTF-8
    bool has_header;
    char delimiter;   // of TSV and CSV, 0 otherwise
    size_t n_records; // rows, sentences (CoNLL) or questions (SQuAD)
    SniffColumn *columns;
    size_t n_columns;
    int text_column, pair_column, label_column,
        id_column;       // indices into columns, or SNIFF_NO_COLUMN
    bool label_is_named; // label_column bears a label's name
    int measure_column;  // that bears a label's name and holds no classes, but numbers or lists
    SniffClass *classes; // of the label column, in the order of dataset.labels; for CoNLL the tags
    size_t n_classes;
    Slice why; // one sentence: what spoke for this format and these columns
} Sniff;

// Reads the whole file (at most 4 GiB). A file that is nothing known is no error: format is SNIFF_UNKNOWN and why says
// what was looked for. *out is zeroed by the caller.
Status sniff_file(const char *path, Sniff *out, Error *err) MUST_CHECK;
void sniff_release(Sniff *sniff); // a no-op on a zeroed one
const char *sniff_format_name(
    SniffFormat format); // "tsv", "csv", "jsonl", "lines", "conll", "squad", "unknown"

#endif
