// tools/tokenize_as.h: `assay tokenize --as NAME`: a text's tokens as a metric sees them.
#ifndef ASSAY_TOOLS_TOKENIZE_AS_H
#define ASSAY_TOOLS_TOKENIZE_AS_H

#include "tools/command.h"

// Names of metrics' tokenisers, ended by NULL: choices of --as.
extern const char *const tokenize_as_names[];

// Reads --in: cases {"text": TEXT} or JSON strings, one a line; with --plain, or where the first line is neither, lines of
// plain text. Writes a JSON array a line to --out.
Status tokenize_as_run(CommandLine *line, Error *err) MUST_CHECK;

#endif
