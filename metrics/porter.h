// metrics/porter.h: the Porter stemmer, for scores that take "runs" and "running" for one word.
#ifndef ASSAY_METRICS_PORTER_H
#define ASSAY_METRICS_PORTER_H

#include "base/arena.h"
#include "base/error.h"

// Stems a word of lower-case ASCII letters and digits in place and returns its new length, which is never more than
// `len`. Words of one or two letters stay. Source: Porter 1980, Program 14(3), 130-137, with NLTK's extensions (the
// default of its PorterStemmer, 3.10.4), which ROUGE's reference program uses.
size_t porter_stem(char *word, size_t len);

// Stems that were found before, for the words of running text. Threads may share it: an entry is written once, and whether
// a word is in it changes no stem.
typedef struct StemMemo StemMemo;

// In the arena.
Status stem_memo_new(Arena *arena, StemMemo **out, Error *err) MUST_CHECK;
// porter_stem; memo NULL remembers nothing.
size_t porter_stem_known(StemMemo *memo, char *word, size_t len);

#endif
