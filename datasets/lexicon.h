// datasets/lexicon.h: words that may stand for each other.
//
// A lexicon is JSON: {"lexicon": NAME, "summary": TEXT, "groups": [["big", "large", "huge"], ...]}. Each word of a group may
// stand for the others; a word of several groups for those of all. Words are in lower case, letters alone (with inner hyphens
// and apostrophes).
#ifndef ASSAY_DATASETS_LEXICON_H
#define ASSAY_DATASETS_LEXICON_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct Lexicon Lexicon; // lives in the arena it was loaded into

// Refused, with its place: a lexicon without groups; a group of fewer than two words, or with one twice; a word that is not
// as above.
Status lexicon_load(const char *path, Arena *arena, const Lexicon **out, Error *err) MUST_CHECK;
// Words that may stand for one in lower case; 0 where it is not in the lexicon.
size_t lexicon_find(const Lexicon *lexicon, Slice word, const Slice **out);

#endif
