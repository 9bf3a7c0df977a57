// tools/tokenize/tokenize.h: the three things that `assay tokenize` does. Internal to cmd_tokenize.c and this folder.
#ifndef ASSAY_TOOLS_TOKENIZE_TOKENIZE_H
#define ASSAY_TOOLS_TOKENIZE_TOKENIZE_H

#include "tools/command.h"

// model.c: answers each line of --in by the tokenizer of the one MODEL among the operands: an encoding, or with --decode a
// text. A case that fails is answered with its error.
Status tokenize_run(CommandLine *line, Error *err) MUST_CHECK;

// train.c: makes a vocabulary of the operands' texts in the folder --out, and prints what became of them.
extern const char *const tokenize_train_kinds[]; // choices of --train, ended by NULL
Status tokenize_train_run(CommandLine *line, Error *err) MUST_CHECK;

// as.c, for --as: a text's tokens as a metric sees them.
// Names of metrics' tokenisers, ended by NULL: choices of --as.
extern const char *const tokenize_as_names[];

// Reads --in: cases {"text": TEXT} or JSON strings, one a line; with --plain, or where the first line is neither, lines of
// plain text. Writes a JSON array a line to --out.
Status tokenize_as_run(CommandLine *line, Error *err) MUST_CHECK;

#endif
