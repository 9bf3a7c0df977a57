// tools/score/stereoset.h: between bias.c, which has the family, and stereoset.c, which reads its files.
#ifndef ASSAY_TOOLS_SCORE_STEREOSET_H
#define ASSAY_TOOLS_SCORE_STEREOSET_H

#include "tools/score/score.h"

// DATA.json SCORES.json.
Status stereoset_run_files(CommandLine *line, Error *err) MUST_CHECK;

#endif
