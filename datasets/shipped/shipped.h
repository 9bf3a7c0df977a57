// datasets/shipped/shipped.h: what the generators of the shipped data have in common: a command line, and the check that a
// file is what the generator writes.
#ifndef ASSAY_DATASETS_SHIPPED_SHIPPED_H
#define ASSAY_DATASETS_SHIPPED_SHIPPED_H

#include "base/buffer.h"
#include "base/error.h"

// Appends one whole file. Its bytes depend on nothing but the generator's own seed.
typedef Status (*ShippedMake)(Buffer *out, Error *err);

// "NAME FILE" writes the file, "NAME --check FILE" compares it byte for byte and names the first line that differs. For
// main: messages go to standard error, the exit status comes back.
int shipped_main(int argc, char **argv, const char *name, ShippedMake make);

#endif
