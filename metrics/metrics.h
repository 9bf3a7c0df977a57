// metrics/metrics.h: the C library: everything a program needs to score outputs and compare systems.
//
// docs/examples/ shows its use: score_accuracy.c, and score_bleu.c with two systems compared. Link assay_metrics and assay_base.
#ifndef ASSAY_METRICS_METRICS_H
#define ASSAY_METRICS_METRICS_H

#include "metrics/baseline.h"
#include "metrics/calibration.h"
#include "metrics/confusion.h"
#include "metrics/corrections.h"
#include "metrics/distributions.h"
#include "metrics/evaluate.h"
#include "metrics/group_gaps.h"
#include "metrics/hypothesis.h"
#include "metrics/paired.h"
#include "metrics/power.h"
#include "metrics/weat.h"

#endif
