// tools/score/bias_files.h: sets about bias with what models made of them, as files.
#ifndef ASSAY_TOOLS_SCORE_BIAS_FILES_H
#define ASSAY_TOOLS_SCORE_BIAS_FILES_H

#include "tools/score/score.h"

// RESULTS.csv as the authors' program writes it, or DATA.csv SCORES.jsonl.
Status crows_pairs_run_files(CommandLine *line, Error *err) MUST_CHECK;
// PRO.txt PRO_ANSWERS.txt ANTI_ANSWERS.txt.
Status winobias_run_files(CommandLine *line, Error *err) MUST_CHECK;
// An answer that names a person: lower case, without an article; in the arena.
Status score_bare_mention(Slice text, Arena *arena, Slice *out, Error *err) MUST_CHECK;
// SETS.json EMBEDDINGS.jsonl.
Status weat_run_files(CommandLine *line, Error *err) MUST_CHECK;

#endif
