// tools/misspelt.h: members of a line that are not known, but nearly or elsewhere are one that would change the answer: a slip there
// must not go unseen, though other members are passed over.
#ifndef ASSAY_TOOLS_MISSPELT_H
#define ASSAY_TOOLS_MISSPELT_H

#include "tools/jsonl.h"

enum { MISSPELT_MOST_NAMES = 40 };

// Refuses the first of keys that is not known and means one of names (ended by NULL), which is not given beside it. Names are
// those that may be left out: of others the line itself tells that they are missing.
Status refuse_misspelt(const JsonlTexts *keys, const char *const *names,
                       bool (*is_known)(Slice key), Error *err) MUST_CHECK;

#endif
