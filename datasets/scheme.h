// datasets/scheme.h: the schemes by which tags of words mark entities.
//
//     IOB1   I-X in an entity; B-X only where it follows at once another of the same type
//     IOB2   B-X begins every entity, I-X goes on
//     IOBES  B-X, I-X .. E-X; S-X for one word
//     BILOU  the same with L-X for E-X and U-X for S-X
//
// Sources: Ramshaw & Marcus 1995; Sang & Veenstra 1999; Ratinov & Roth 2009, section 3.
#ifndef ASSAY_DATASETS_SCHEME_H
#define ASSAY_DATASETS_SCHEME_H

#include "datasets/sample.h"

enum TagScheme { SCHEME_IOB2, SCHEME_IOB1, SCHEME_IOBES, SCHEME_BILOU, N_TAG_SCHEMES };
typedef enum TagScheme TagScheme;

const char *scheme_name(size_t scheme); // NULL past the last
// In any case of letters; N_TAG_SCHEMES where there is none of that name.
TagScheme scheme_find(Slice name);

// The first word whose tag the scheme does not allow where it stands; n where all are well.
size_t scheme_break(TagScheme scheme, const Slice *tags, size_t n);

// What tags of many sentences fit; zero it.
typedef struct SchemeFit {
    size_t n_sentences;
    size_t n_broken[N_TAG_SCHEMES]; // sentences that do not fit it
    bool has_entities;              // some tag has a prefix: "B-PER"
    bool has_plain;                 // some tag besides "O" has none: parts of speech
} SchemeFit;
void scheme_look(SchemeFit *fit, const Slice *tags, size_t n);
// The scheme that all sentences fit, the first of the enum where several do; N_TAG_SCHEMES where none does, or where the
// tags mark no entities.
TagScheme scheme_of(const SchemeFit *fit);

#endif
