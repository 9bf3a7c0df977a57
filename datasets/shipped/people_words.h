// datasets/shipped/people_words.h: sentences about people, from which people.txt and people-pairs.csv are made.
//
// Nobody real is meant: origins are invented, trades and pronouns stand evenly with good and bad.
#ifndef ASSAY_DATASETS_SHIPPED_PEOPLE_WORDS_H
#define ASSAY_DATASETS_SHIPPED_PEOPLE_WORDS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/philox.h"

enum { PEOPLE_THEMES = 3, PEOPLE_PAIRS = 3, PEOPLE_TAILS = 8, PEOPLE_TEXT_TAILS = 6 };

// What a pair of groups differs in. In the texts the first group does what is bad in so many of a hundred sentences.
typedef struct PeopleTheme {
    const char *name; // "origin"
    const char *groups[PEOPLE_PAIRS][2];
    unsigned bad_percent;
} PeopleTheme;
extern const PeopleTheme people_themes[PEOPLE_THEMES];

// All of a sentence but the group.
typedef struct PeopleSentence {
    unsigned theme, pair, frame, subject, deed, tail;
    bool is_bad;
} PeopleSentence;

// Draws one; tails first_tail .. first_tail + n_tails - 1 end it.
PeopleSentence people_draw(Philox *rng, unsigned first_tail, unsigned n_tails);
// Appends it with the first (0) or second (1) group of its pair.
void people_put(const PeopleSentence *sentence, unsigned group, Buffer *out);

#endif
