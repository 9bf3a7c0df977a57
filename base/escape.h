// base/escape.h: text of strangers made safe to show on a terminal or in a log.
#ifndef ASSAY_BASE_ESCAPE_H
#define ASSAY_BASE_ESCAPE_H

#include "base/slice.h"

// Copies text into out (size bytes, size >= 4), NUL-terminated, and returns the length written. Control characters
// (U+0000..001F, 007F, 0080..009F), those that turn or break a line (U+061C, 200E, 200F, 2028..202E, 2066..2069: with them
// a text can be shown as another, CVE-2021-42574) and broken UTF-8 become \xNN, a byte each. What does not fit is cut between
// characters and ends with "...".
size_t escape_text(Slice text, char *out, size_t size);

#endif
