// tools/run_options.h: what commands share that look at runs in a store.
#ifndef ASSAY_TOOLS_RUN_OPTIONS_H
#define ASSAY_TOOLS_RUN_OPTIONS_H

#include "results/store.h"
#include "tools/command.h"

// The row of a command's table that names the store.
#define STORE_OPTION_ROW                                                               \
    {                                                                                  \
        .name = "store", .kind = OPTION_TEXT, .value = "FILE", .fallback = "assay.db", \
        .help = "store of results to read"                                             \
    }

// Opens --store for reading; where it is missing the message says what makes one.
Status run_store_open(const CommandLine *line, Store **out, Error *err) MUST_CHECK;

// "RUN", "RUN/MODEL" or "RUN/MODEL/TASK", where RUN is an id, its beginning, or "last". Slices borrow from text and line.
typedef struct RunName {
    Slice run_id;
    Slice model, task; // empty where not named
} RunName;
Status run_name_find(CommandLine *line, Store *store, const char *text, RunName *out,
                     Error *err) MUST_CHECK;

#endif
