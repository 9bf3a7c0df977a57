// harness/check_rows.h: rows of a report's data section, as they are found. Internal to harness/.
#ifndef ASSAY_HARNESS_CHECK_ROWS_H
#define ASSAY_HARNESS_CHECK_ROWS_H

#include "datasets/personal.h"
#include "harness/prepare.h"

// Set arena and task; the rest is zeroed. Running out of memory is remembered, and check_rows_status tells.
typedef struct CheckRows {
    Arena *arena;
    Slice task;
    CheckRow *rows;
    size_t n, capacity;
    bool out_of_memory;
} CheckRows;

// value: of the arena, NULL where memory ran out.
void check_row(CheckRows *rows, const char *section, Slice item, double number, NoteLevel level,
               const char *value);
// "train spam": what of which part.
Slice check_item(CheckRows *rows, const char *part, Slice what);
Status check_rows_status(const CheckRows *rows, Error *err) MUST_CHECK;

// Personal data among samples, or texts: section "personal data". what: "samples", "outputs".
void check_add_personal(Slice item, const PersonalCounts *counts, const char *what,
                        CheckRows *rows);
// The same as a sentence for a note, in the arena; ptr NULL where nothing was found or memory ran out.
Slice check_personal_note(const PersonalCounts *counts, const char *what, Arena *arena);
// What the steps of a task did to its parts.
void check_add_steps(const SuiteTask *task, const TaskData *data, CheckRows *rows);

#endif
