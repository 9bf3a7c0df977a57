// datasets/coreference.h: sentences with a pronoun that means one of two people, as samples. Internal to datasets/.
//
// Such a sample has the sentence as its context, a question about the pronoun as its text, and the two people as its choices.
#ifndef ASSAY_DATASETS_COREFERENCE_H
#define ASSAY_DATASETS_COREFERENCE_H

#include "datasets/bias_samples.h"

// The gender of a pronoun of the third person, in lower case or with a capital; SAMPLE_NO_LABEL of other words.
int32_t pronoun_gender(Slice word);
const char *gender_name(int32_t gender); // "male"

// The next word at or behind *at, which moves to its end: letters, digits, hyphens and what is not ASCII. ptr NULL at the end.
Slice sentence_word(Slice text, size_t *at);
// The first place where a person stands as a whole word (or words), in any case; ptr NULL where there is none.
Slice sentence_find(Slice sentence, Slice name);
// A person as it stands in a sentence, with the article before it, where there is one.
Slice sentence_with_article(Slice sentence, Slice name);

typedef struct Coreference {
    Slice sentence;
    Slice pronoun;   // within the sentence
    Slice people[2]; // within it too, without articles
} Coreference;
// Context, question, pronoun, and choices ("the mechanic").
Status coreference_fill(const Coreference *from, Arena *arena, BiasSample *out,
                        Error *err) MUST_CHECK;

#endif
