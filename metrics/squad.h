// metrics/squad.h: how the SQuAD scripts compare two answers; also the bags of words that other overlaps use.
#ifndef ASSAY_METRICS_SQUAD_H
#define ASSAY_METRICS_SQUAD_H

#include "metrics/metric.h"
#include "metrics/tokens.h"

typedef enum SquadVersion { SQUAD_2_0, SQUAD_1_1 } SquadVersion;
enum { N_SQUAD_VERSIONS = 2 };
extern const char *const squad_versions[N_SQUAD_VERSIONS]; // "2.0", "1.1": params.version

// An answer's words: lower-cased, ASCII punctuation dropped, the articles a, an, the taken for blanks, split at Python's
// white space. Refuses text that is not UTF-8, naming the byte. Memory comes from the arena.
Status squad_words(Slice text, Arena *arena, Tokens *out, Error *err) MUST_CHECK;

// How many words both have, each as often as in the side that has it less often. Works in scratch, which the caller
// rewinds; the order of words is kept.
Status words_in_common(const Tokens *a, const Tokens *b, Arena *scratch, size_t *n,
                       Error *err) MUST_CHECK;

typedef struct SquadScore {
    double exact;    // 0 or 1
    double f1;       // [0, 1]
    bool has_answer; // some reference is there; where none is, an empty answer is right
} SquadScore;

// The best exact match and the best F1 over the item's references, each by itself; those behind one that is met in full are
// not looked at. Version 1.1 refuses an item without
// references, and gives F1 0 where both sides have no word; 2.0 gives 1 there and passes over references without words.
Status squad_score(SquadVersion version, const Item *item, Arena *scratch, SquadScore *out,
                   Error *err) MUST_CHECK;

#endif
