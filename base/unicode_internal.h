// base/unicode_internal.h: between unicode.c and unicode_points.c.
#ifndef ASSAY_BASE_UNICODE_INTERNAL_H
#define ASSAY_BASE_UNICODE_INTERNAL_H

#include <unicode/unorm2.h>

#include "base/unicode.h"

// ICU's rules of a form, borrowed; NULL and a failure in *code where its data are missing.
const UNormalizer2 *unicode_rules(UnicodeForm form, UErrorCode *code);

#endif
