// tools/score/distributions.h: distribution functions, kinds of tests.c.
#ifndef ASSAY_TOOLS_SCORE_DISTRIBUTIONS_H
#define ASSAY_TOOLS_SCORE_DISTRIBUTIONS_H

#include "tools/score/score.h"

Status score_run_normal(const ScoreCase *c, JsonWriter *w, Error *err) MUST_CHECK;
Status score_run_t(const ScoreCase *c, JsonWriter *w, Error *err) MUST_CHECK;
Status score_run_chi2(const ScoreCase *c, JsonWriter *w, Error *err) MUST_CHECK;
Status score_run_beta(const ScoreCase *c, JsonWriter *w, Error *err) MUST_CHECK;
Status score_run_f(const ScoreCase *c, JsonWriter *w, Error *err) MUST_CHECK;

#endif
