// tools/score/answer.h: a case that was made from files: its answer on standard output, as JSON or as a table.
#ifndef ASSAY_TOOLS_SCORE_ANSWER_H
#define ASSAY_TOOLS_SCORE_ANSWER_H

#include "tools/score/score.h"

// Works on a case's text; messages call it `name`, and give lines and columns in it.
Status score_answer_text(const ScoreFamily *family, Slice name, Slice text, CommandLine *line,
                         Error *err) MUST_CHECK;
// Prints an answer (an object as run_case gives it, or an object of such objects): with --json as it is, else a row for
// each score with its interval.
Status score_print_answer(Slice answer, CommandLine *line, Error *err) MUST_CHECK;
// Checks how many files follow the family's name.
Status score_check_files(const CommandLine *line, size_t least, size_t most, const char *wanted,
                         Error *err) MUST_CHECK;

// What takes one line of a JSON Lines file.
typedef Status ScoreLine(void *context, size_t index, const Json *value, Error *err);
// Gives each line of a file to take, by its index; blank lines are passed over, those from `most` on only counted. *n: lines
// that are not blank.
Status score_each_line(const char *path, size_t most, ScoreLine *take, void *context, size_t *n,
                       Error *err) MUST_CHECK;

#endif
