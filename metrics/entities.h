// metrics/entities.h: from tags to entities, as seqeval 1.2.2 reads them.
#ifndef ASSAY_METRICS_ENTITIES_H
#define ASSAY_METRICS_ENTITIES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef enum TagScheme {
    SCHEME_IOB2,
    SCHEME_IOB1,
    SCHEME_IOE1,
    SCHEME_IOE2,
    SCHEME_IOBES,
    SCHEME_BILOU
} TagScheme;
enum { N_TAG_SCHEMES = SCHEME_BILOU + 1 };
extern const char *const tag_schemes[N_TAG_SCHEMES]; // "IOB2", "IOB1", ..

typedef struct TagReading {
    TagScheme scheme; // for is_strict alone
    bool
        is_strict; // entities that do not keep to the scheme are none; else they are read as conlleval does
    bool is_suffixed; // "PER-B" in place of "B-PER"
} TagReading;

typedef struct Entity {
    Slice type;        // "_" for a bare prefix; borrowed from the tag
    size_t begin, end; // tokens, end exclusive; ends rise from one entity to the next
} Entity;

// The entities of one sentence, in the arena. Refuses an empty tag; a strict reading also a prefix that the scheme does
// not know, naming the token and a scheme that has all of the sentence's prefixes.
Status entities_of_tags(const TagReading *reading, const Slice *tags, size_t n_tags, Arena *arena,
                        Entity **out, size_t *n, Error *err) MUST_CHECK;

#endif
