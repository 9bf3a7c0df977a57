// datasets/check_internal.h: between check.c (counts) and check_warnings.c (sentences).
#ifndef ASSAY_DATASETS_CHECK_INTERNAL_H
#define ASSAY_DATASETS_CHECK_INTERNAL_H

#include "datasets/check.h"

// Fills check->warnings from its counts.
Status check_warn(const CheckPart *parts, const CheckOptions *options, DataCheck *check,
                  Error *err) MUST_CHECK;

#endif
