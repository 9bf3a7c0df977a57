// tools/score/bbq.h: between bbq.c and bbq_files.c.
#ifndef ASSAY_TOOLS_SCORE_BBQ_H
#define ASSAY_TOOLS_SCORE_BBQ_H

#include "tools/score/score.h"

// QUESTIONS.jsonl [PREDICTIONS.jsonl [KEY]]: without predictions the questions have a "prediction" each.
Status bbq_run_files(CommandLine *line, Error *err) MUST_CHECK;

#endif
