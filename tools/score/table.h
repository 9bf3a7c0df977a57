// tools/score/table.h: labels, predictions, probabilities and weights of many items, from one file or two.
//
// A file is JSON Lines (its first byte that is no blank is '{') or lines of fields between tabs. Members and columns are known by
// name: "label" (y_true, gold, reference, x), "prediction" (y_pred, predicted, y), "weight" (sample_weight),
// "cluster" (items of one passage, document or user, which do not count as independent), "score" (of the second of two classes) and, in JSON, "probabilities", a list in the order of the sorted labels or an object by label.
// Other columns of a table with a header are probabilities by the name of their label; "id" is passed over. Without a
// header the columns are label, prediction, and then "score" or a probability a class in the order of the sorted labels.
//
// Several labels at once stand in one field, with a separator between them, or in JSON as a list; there "labels" and
// "predicted_labels" are names too.
#ifndef ASSAY_TOOLS_SCORE_TABLE_H
#define ASSAY_TOOLS_SCORE_TABLE_H

#include "metrics/clusters.h"
#include "tools/score/files.h"

typedef enum TableKind { TABLE_CLASSES, TABLE_NUMBERS, TABLE_LABEL_SETS } TableKind;

// Labels that hold, item by item.
typedef struct TableSets {
    int32_t *labels;
    size_t *starts; // [n + 1]
} TableSets;

typedef struct Table {
    TableKind kind;
    const char *path; // of the predictions, for messages
    size_t n;
    Slice *label_texts, *predicted_texts; // [n]; the second NULL where there are none
    double *scores;                       // [n, n_scores] or NULL
    size_t n_scores;
    Slice *score_names; // [n_scores] or NULL: in the order of labels
    double *weights;    // [n] or NULL
    uint32_t *clusters; // [n] or NULL
    ClusterNames cluster_names;
    Slice *labels;              // [n_labels], sorted: numbers by value, before texts by bytes
    size_t n_labels;            // 0 before table_find_classes
    int32_t *label, *predicted; // [n]: classes
    double *probabilities;      // [n, n_labels] or NULL
    double *x, *y;              // [n]: after table_find_numbers
    TableSets held, given;      // of references and predictions: after table_find_label_sets
    TextLines files[2];         // kept open: texts lie in them
} Table;

// One file of both (ref NULL), or references and predictions apart, line by line. Release it also after a failure.
Status table_open(const char *path, const char *ref, TableKind kind, bool is_replaced, Arena *arena,
                  Table *out, Error *err) MUST_CHECK;
// Texts as classes: labels, and probabilities checked. Predictions that are not given are the likeliest class.
Status table_find_classes(Table *table, Arena *arena, Error *err) MUST_CHECK;
// Texts as finite numbers: x from the references, y from the predictions.
Status table_find_numbers(Table *table, Arena *arena, Error *err) MUST_CHECK;
// Texts as sets of labels, sorted by bytes. Predictions that are not given are the labels with a probability of threshold and more.
Status table_find_label_sets(Table *table, Slice separator, double threshold, Arena *arena,
                             Error *err) MUST_CHECK;
// Sets what differs from item to item in one that item_empty() made.
void table_set_item(const Table *table, size_t i, Item *item);
void table_close(Table *table);

// How a family works on such files (table_run.c).
typedef struct TableSpec {
    const Metric *const
        *metrics; // ended by NULL; those that want probabilities only where there are some
    TableKind kind;
} TableSpec;

// The whole work of run_files for such a family.
Status table_files_run(CommandLine *line, const TableSpec *spec, Error *err) MUST_CHECK;
// Between the labels of a list, in texts of table_open; in no label.
enum { TABLE_LIST_MARK = 0x1f };

#define TABLE_FILE_OPTIONS \
    "ref", "pred", "invalid-utf8", "timing", "level", "confidence-n", "seed", "metric"

#endif
