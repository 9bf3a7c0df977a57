// harness/suite/keys_internal.h: between the sources that have the rows.
#ifndef ASSAY_HARNESS_SUITE_KEYS_INTERNAL_H
#define ASSAY_HARNESS_SUITE_KEYS_INTERNAL_H

#include <stddef.h>

#include "harness/suite/keys.h"
#include "harness/suite/suite.h"
#include "harness/suite/suite_internal.h"

#define COUNT(array)        (sizeof(array) / sizeof *(array))
#define FIELD(Type, member) .offset = offsetof(Type, member), .size = sizeof(((Type *)0)->member)
#define KEY(name_, kind_, summary_, fallback_) \
    .name = (name_), .kind = (kind_), .summary = (summary_), .fallback = (fallback_)

enum { MANY = 1000000 };

#define MOST 9007199254740992.0 // 2^53: integers up to here are exact in every reader of JSON

// The names of "compute", of a model and of tuning (keys.c).
const char *key_choice_compute(size_t i);

#endif
