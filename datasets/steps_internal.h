// datasets/steps_internal.h: between the sources of steps. Internal to datasets/.
#ifndef ASSAY_DATASETS_STEPS_INTERNAL_H
#define ASSAY_DATASETS_STEPS_INTERNAL_H

#include "datasets/steps.h"

// steps_unicode.c
extern const Step step_nfc, step_nfd, step_nfkc, step_nfkd, step_lower, step_accents, step_control,
    step_whitespace;
// steps_marks.c
extern const Step step_quotes, step_punctuation, step_digits, step_urls, step_users;
// steps_personal.c
extern const Step step_anonymise;
// steps_english.c
extern const Step step_contractions;

// Bytes of an ASCII text have no code point above 0x7F.
bool step_is_ascii(Slice text);
static inline bool step_is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#endif
