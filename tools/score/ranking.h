// tools/score/ranking.h: what rankings are scored by, from cases and from TREC's files.
#ifndef ASSAY_TOOLS_SCORE_RANKING_H
#define ASSAY_TOOLS_SCORE_RANKING_H

#include "metrics/metric.h"
#include "tools/score/score.h"

enum { N_RANKING_METRICS = 5 };
extern const Metric *const ranking_metrics[N_RANKING_METRICS];

// QRELS RUN.
Status trec_run_files(CommandLine *line, Error *err) MUST_CHECK;

#endif
