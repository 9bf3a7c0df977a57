// harness/suite/overrides.h: what the command line changes in a suite's text.
//
// Changes are spliced into the text as it was written, so that what is left keeps its lines, and the changed suite is
// read and checked as any other. A message about spliced text names the flag in place of line and column.
#ifndef ASSAY_HARNESS_SUITE_OVERRIDES_H
#define ASSAY_HARNESS_SUITE_OVERRIDES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct SuiteOverrides;

// A stretch of the text that the command line gave.
typedef struct OverrideEdit {
    size_t begin, end; // in the text as changed
    int64_t delta;     // bytes by which the text grew here; 0 for a change inside another one
    Slice flag;        // "--set tune.batch_size=8"
} OverrideEdit;

typedef struct OverrideText {
    Slice name;     // of the file
    Slice original; // as read
    Slice text;     // as changed
    OverrideEdit *edits;
    size_t n_edits;
} OverrideText;

// Whether a definition of that name is there, for --data of a task that the suite does not use.
typedef Status (*OverrideKnowsTask)(void *context, Slice task, bool *knows, Error *err);

// Applies --model, --data, --set, --seed, --limit and --filter in this order. All lies in the arena.
Status overrides_apply(Arena *arena, Slice name, Slice text, const struct SuiteOverrides *overrides,
                       OverrideKnowsTask knows_task, void *context, OverrideText *out,
                       Error *err) MUST_CHECK;
// Whether a value of the document parsed from out->text was given on the command line.
bool overrides_gave(const OverrideText *edited, const Json *value);
// Turns the place that a message about out->text names into the flag, or the place in the original text. A message without
// such a place stays as it is.
void overrides_explain(const OverrideText *edited, Error *err);

#endif
