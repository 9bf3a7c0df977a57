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

// In a plain reading an entity can end where none began in its sentence: after a prefix that conlleval does not know and no
// type ("U" and then "B-PER"). It begins with the sentence here, since sentences are scored each by itself; seqeval lets it
// begin where the last one did, be that sentences before.
typedef struct Entity {
    Slice type;        // "_" for a bare prefix; borrowed from the tag
    size_t begin, end; // tokens, end exclusive; ends rise from one entity to the next
} Entity;

// The entities of one sentence, in the arena. Refuses an empty tag; a strict reading also a prefix that the scheme does
// not know, naming the token and a scheme that has all of the sentence's prefixes.
Status entities_of_tags(const TagReading *reading, const Slice *tags, size_t n_tags, Arena *arena,
                        Entity **out, size_t *n, Error *err) MUST_CHECK;

// ---- Many sentences: each distinct tag is read once, each pair of neighbours judged once ----

enum { TAG_TABLE_CAPACITY = 128 }; // distinct tags

typedef struct TagTable TagTable;

// An entity by the number of its type; types are numbered from 0 in the order of first sight.
typedef struct NumberedEntity {
    uint32_t type, begin, end;
} NumberedEntity;

// In the arena.
Status tag_table_new(TagReading reading, Arena *arena, TagTable **out, Error *err) MUST_CHECK;
// The tag that stands between two sentences, no text, and its number.
extern const Slice tag_between;
enum { TAG_BETWEEN = 1 };
// Tags as numbers from 1, out [n_tags]; equal numbers are equal tags. False for an empty tag, one that the strict scheme
// does not know, or one too many for the table: entities_of_tags then has the answer or the error.
bool tag_table_numbers(TagTable *table, const Slice *tags, size_t n_tags, uint8_t *out);
// The entities of one sentence or of many with TAG_BETWEEN between them, as entities_of_tags has them, counted from the first
// number, in out [n_tags + 1]; returns how many: n_tags at most.
size_t tag_table_entities(TagTable *table, const uint8_t *numbers, size_t n_tags,
                          NumberedEntity *out);
// The first tag of those read that is neither "O" nor a prefix that some scheme knows, alone or with "-" and a type; no text
// where there is none.
Slice tag_table_strange(const TagTable *table);
size_t tag_table_n_types(const TagTable *table);          // at most TAG_TABLE_CAPACITY + 1
Slice tag_table_type(const TagTable *table, size_t type); // borrowed from a tag

#endif
