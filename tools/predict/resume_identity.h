// tools/predict/resume_identity.h: who answers, in a line of JSON: all but the input that an answer hangs on. Internal to resume.c.
#ifndef ASSAY_TOOLS_PREDICT_RESUME_IDENTITY_H
#define ASSAY_TOOLS_PREDICT_RESUME_IDENTITY_H

#include "tools/command.h"

// {"program", "machine", "model", "options"}, in the arena. A model is the names, sizes, inodes and times of its files: hashes of
// weights would take longer to make than many a run. Files that begin with the name of --out are none of it.
Status resume_identity(const CommandLine *line, Arena *arena, Slice *out, Error *err) MUST_CHECK;
// In what the two differ, as the end of a sentence; *why is NULL where in nothing.
Status resume_identity_differs(Slice before, Slice now, Arena *arena, const char **why,
                               Error *err) MUST_CHECK;

#endif
