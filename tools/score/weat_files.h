// tools/score/weat_files.h: the sets of a WEAT and embeddings of their examples, as files.
#ifndef ASSAY_TOOLS_SCORE_WEAT_FILES_H
#define ASSAY_TOOLS_SCORE_WEAT_FILES_H

#include "tools/score/score.h"

// SETS.json EMBEDDINGS.jsonl.
Status weat_run_files(CommandLine *line, Error *err) MUST_CHECK;

#endif
