// metrics/porter.h: the Porter stemmer, for scores that take "runs" and "running" for one word.
#ifndef ASSAY_METRICS_PORTER_H
#define ASSAY_METRICS_PORTER_H

#include <stddef.h>

// Stems a word of lower-case ASCII letters and digits in place and returns its new length, which is never more than
// `len`. Words of one or two letters stay. Source: Porter 1980, Program 14(3), 130-137, with NLTK's extensions (the
// default of its PorterStemmer, 3.10.4), which ROUGE's reference program uses.
size_t porter_stem(char *word, size_t len);
// The same for the words of running text: each thread remembers stems that it has found.
size_t porter_stem_known(char *word, size_t len);

#endif
