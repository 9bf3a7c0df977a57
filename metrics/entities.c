// Entities from tags.
//
// The plain reading is conlleval's (Tjong Kim Sang & Buchholz 2000): wherever prefix or type change in a way that could
// begin or end an entity, one begins or ends. The strict reading has a table of neighbours for each scheme.
#include "metrics/entities.h"

#include <string.h>

#include "base/size.h"
#include "base/unicode.h"
#include "metrics/word_hash.h"

const char *const tag_schemes[N_TAG_SCHEMES] = {"IOB2", "IOB1", "IOE1", "IOE2", "IOBES", "BILOU"};

typedef struct Tag {
    CodePoint prefix;
    Slice type;
} Tag;

static size_t last_dash(Slice text)
{
    for (size_t i = text.len; i-- > 0;) {
        if (text.ptr[i] == '-') return i;
    }
    return SIZE_MAX;
}

static Slice strip_dashes(Slice text)
{
    size_t begin = 0, end = text.len;
    while (begin < end && text.ptr[begin] == '-') begin++;
    while (end > begin && text.ptr[end - 1] == '-') end--;
    return slice_sub(text, begin, end);
}

// The text without its first or last character, and that character.
static Slice take_prefix(const TagReading *reading, Slice tag, CodePoint *prefix)
{
    size_t at = 0;
    if (!reading->is_suffixed) {
        *prefix = utf8_next(tag, &at);
        return slice_sub(tag, at, tag.len);
    }
    for (at = tag.len - 1; at > 0 && ((unsigned char)tag.ptr[at] & 0xc0) == 0x80;) at--;
    size_t offset = at;
    *prefix = utf8_next(tag, &offset);
    return slice_sub(tag, 0, at);
}

// The two readings cut the type differently: strict takes dashes off both ends, plain cuts at the dash nearest to the
// prefix, wherever it is.
static Tag read_tag(const TagReading *reading, Slice text)
{
    Tag tag;
    Slice rest = take_prefix(reading, text, &tag.prefix);
    if (reading->is_strict) {
        rest = strip_dashes(rest);
    } else if (reading->is_suffixed) {
        const size_t dash = last_dash(rest);
        rest = slice_sub(rest, 0, dash);
    } else {
        const size_t dash = slice_find_byte(rest, '-');
        if (dash != SIZE_MAX) rest = slice_sub(rest, dash + 1, rest.len);
    }
    tag.type = rest.len > 0 ? rest : SLICE("_");
    return tag;
}

// ---- As conlleval ----

static bool is_one_of(CodePoint c, const char *set)
{
    return c > 0 && c < 0x80 && strchr(set, (int)c) != NULL;
}

static bool ends_chunk(const Tag *before, const Tag *at)
{
    if (is_one_of(before->prefix, "ES")) return true;
    if (is_one_of(before->prefix, "BI") && is_one_of(at->prefix, "BSO")) return true;
    return !is_one_of(before->prefix, "O.") && !slice_eq(before->type, at->type);
}

static bool starts_chunk(const Tag *before, const Tag *at)
{
    if (is_one_of(at->prefix, "BS")) return true;
    if (is_one_of(before->prefix, "ESO") && is_one_of(at->prefix, "EI")) return true;
    return !is_one_of(at->prefix, "O.") && !slice_eq(before->type, at->type);
}

static size_t read_plain(const Tag *tags, size_t n_tags, Entity *out)
{
    size_t n = 0, begin = 0;
    Tag before = {'O', SLICE("_")};
    for (size_t i = 0; i <= n_tags; i++) {
        const Tag at = i < n_tags ? tags[i] : (Tag){'O', SLICE("_")};
        if (ends_chunk(&before, &at)) out[n++] = (Entity){before.type, begin, i};
        if (starts_chunk(&before, &at)) begin = i;
        before = at;
    }
    return n;
}

// ---- Strict ----

typedef enum TypeRule { TYPE_ANY, TYPE_SAME, TYPE_DIFFERENT } TypeRule;

// Prefixes of two neighbouring tags ("*" is any), and how their types are to relate.
typedef struct Neighbours {
    const char *before, *at;
    TypeRule rule;
} Neighbours;

enum { MAX_NEIGHBOURS = 6 };

// Tables are ended by a NULL. Those of IOE1 leave out that an E may follow an O, as the reference's do.
typedef struct SchemeRules {
    const char *prefixes;
    Neighbours starts[MAX_NEIGHBOURS + 1];
    Neighbours inside[MAX_NEIGHBOURS + 1];
    Neighbours ends[MAX_NEIGHBOURS + 1]; // an entity ends before the second of the two
} SchemeRules;

static const SchemeRules rules[N_TAG_SCHEMES] = {
    [SCHEME_IOB1] =
        {
            .prefixes = "IOB",
            .starts = {{"OB", "I", TYPE_ANY}, {"I", "I", TYPE_DIFFERENT}, {"IB", "B", TYPE_SAME}},
            .inside = {{"BI", "I", TYPE_SAME}},
            .ends = {{"I", "OB", TYPE_ANY},
                     {"IB", "I", TYPE_DIFFERENT},
                     {"B", "O", TYPE_ANY},
                     {"B", "B", TYPE_SAME}},
        },
    [SCHEME_IOB2] =
        {
            .prefixes = "IOB",
            .starts = {{"*", "B", TYPE_ANY}},
            .inside = {{"BI", "I", TYPE_SAME}},
            .ends = {{"BI", "OB", TYPE_ANY}, {"BI", "I", TYPE_DIFFERENT}},
        },
    [SCHEME_IOE1] =
        {
            .prefixes = "IOE",
            .starts = {{"OE", "I", TYPE_ANY}, {"I", "I", TYPE_DIFFERENT}, {"E", "E", TYPE_SAME}},
            .inside = {{"I", "IE", TYPE_SAME}},
            .ends = {{"I", "IE", TYPE_DIFFERENT}, {"I", "O", TYPE_ANY}, {"E", "IE", TYPE_SAME}},
        },
    [SCHEME_IOE2] =
        {
            .prefixes = "IOE",
            .starts = {{"OE", "IE", TYPE_ANY}, {"I", "IE", TYPE_DIFFERENT}},
            .inside = {{"I", "IE", TYPE_SAME}},
            .ends = {{"E", "*", TYPE_ANY}},
        },
    [SCHEME_IOBES] =
        {
            .prefixes = "IOBES",
            .starts = {{"*", "BS", TYPE_ANY}},
            .inside = {{"BI", "IE", TYPE_SAME}},
            .ends = {{"SE", "*", TYPE_ANY}},
        },
    [SCHEME_BILOU] =
        {
            .prefixes = "BILOU",
            .starts = {{"*", "BU", TYPE_ANY}},
            .inside = {{"BI", "IL", TYPE_SAME}},
            .ends = {{"UL", "*", TYPE_ANY}},
        },
};

static bool fits(const Neighbours *table, const Tag *before, const Tag *at)
{
    const bool is_same = slice_eq(before->type, at->type);
    for (const Neighbours *n = table; n->before != NULL; n++) {
        if (*n->before != '*' && !is_one_of(before->prefix, n->before)) continue;
        if (*n->at != '*' && !is_one_of(at->prefix, n->at)) continue;
        if (n->rule == TYPE_ANY || (n->rule == TYPE_SAME) == is_same) return true;
    }
    return false;
}

// tags has an "O" after the last.
static size_t read_strict(const SchemeRules *r, const Tag *tags, size_t n_tags, Entity *out)
{
    size_t n = 0;
    Tag before = {'O', SLICE("_")};
    for (size_t i = 0; i < n_tags;) {
        size_t end = i + 1;
        if (fits(r->starts, &before, &tags[i])) {
            while (fits(r->inside, &tags[end - 1], &tags[end])) end++;
            if (fits(r->ends, &tags[end - 1], &tags[end])) {
                out[n++] = (Entity){tags[i].type, i, end};
            }
        }
        i = end;
        before = tags[i - 1];
    }
    return n;
}

static bool has_prefixes(const SchemeRules *r, const Tag *tags, size_t n_tags)
{
    for (size_t i = 0; i < n_tags; i++) {
        if (!is_one_of(tags[i].prefix, r->prefixes)) return false;
    }
    return true;
}

static Status check_prefixes(TagScheme scheme, const Slice *texts, const Tag *tags, size_t n_tags,
                             Error *err)
{
    size_t at = 0, fitting = 0;
    while (at < n_tags && is_one_of(tags[at].prefix, rules[scheme].prefixes)) at++;
    if (at == n_tags) return STATUS_OK;
    while (fitting < N_TAG_SCHEMES && !has_prefixes(&rules[fitting], tags, n_tags)) fitting++;
    if (fitting == N_TAG_SCHEMES) {
        return error_set(err, STATUS_INVALID,
                         "token %zu: tag \"" SLICE_FMT "\" is not of scheme %s (prefixes %s)", at,
                         SLICE_ARG(texts[at]), tag_schemes[scheme], rules[scheme].prefixes);
    }
    return error_set(err, STATUS_INVALID,
                     "token %zu: tag \"" SLICE_FMT
                     "\" is not of scheme %s (prefixes %s), but scheme %s would fit",
                     at, SLICE_ARG(texts[at]), tag_schemes[scheme], rules[scheme].prefixes,
                     tag_schemes[fitting]);
}

Status entities_of_tags(const TagReading *reading, const Slice *tags, size_t n_tags, Arena *arena,
                        Entity **out, size_t *n, Error *err)
{
    Tag *read;
    *n = 0;
    TRY(arena_take(arena, n_tags + 1, sizeof *read, "tags", &read, err));
    for (size_t i = 0; i < n_tags; i++) {
        if (tags[i].len == 0) {
            return error_set(err, STATUS_INVALID, "token %zu: the tag is empty", i);
        }
        read[i] = read_tag(reading, tags[i]);
    }
    read[n_tags] = (Tag){'O', SLICE("_")};
    TRY(arena_take(arena, n_tags, sizeof **out, "entities", out, err));
    if (!reading->is_strict) {
        *n = read_plain(read, n_tags, *out);
        return STATUS_OK;
    }
    TRY(check_prefixes(reading->scheme, tags, read, n_tags, err));
    *n = read_strict(&rules[reading->scheme], read, n_tags, *out);
    return STATUS_OK;
}

// ---- Many sentences ----

enum { N_TAG_SLOTS = 4 * TAG_TABLE_CAPACITY, N_TAGS = TAG_TABLE_CAPACITY + 2 };

// What two neighbours come to; 0 where they have not been judged.
typedef enum PairFlag { PAIR_JUDGED = 1, PAIR_STARTS = 2, PAIR_ENDS = 4, PAIR_INSIDE = 8 } PairFlag;

const Slice tag_between = {"\xff", 1};

// Tag 0 is none; TAG_BETWEEN, which also lies beyond both ends of a text, is in no slot.
struct TagTable {
    TagReading reading;
    size_t n, n_types;
    uint64_t keys[N_TAGS]; // word_hash.h
    Slice texts[N_TAGS], types[N_TAGS];
    Tag tags[N_TAGS];
    uint8_t type_of[N_TAGS];
    uint8_t slots[N_TAG_SLOTS];    // tag, 0 = free
    uint8_t of_one_byte[256];      // the tag that is one byte, 0 = not seen
    uint8_t is_outside[N_TAGS];    // 1 where two such neighbours neither begin nor end an entity
    uint8_t pairs[N_TAGS][N_TAGS]; // PairFlag
};

static void append_tag(TagTable *t, Slice text, uint64_t key, const Tag *tag)
{
    size_t type = 0;
    while (type < t->n_types && !slice_eq(t->types[type], tag->type)) type++;
    if (type == t->n_types) t->types[t->n_types++] = tag->type;
    t->texts[t->n] = text;
    t->keys[t->n] = key;
    t->tags[t->n] = *tag;
    t->is_outside[t->n] = is_one_of(tag->prefix, "O.");
    t->type_of[t->n++] = (uint8_t)type;
}

Status tag_table_new(TagReading reading, Arena *arena, TagTable **out, Error *err)
{
    const Tag outside = {'O', SLICE("_")};
    TRY(arena_take(arena, 1, sizeof **out, "a table of tags", out, err));
    (*out)->reading = reading;
    (*out)->n = TAG_BETWEEN;
    append_tag(*out, tag_between, 0, &outside);
    (*out)->of_one_byte[(unsigned char)tag_between.ptr[0]] = TAG_BETWEEN;
    return STATUS_OK;
}

// 0 where it cannot be had.
static uint8_t number_tag(TagTable *t, Slice text)
{
    if (text.len == 0) return 0;
    const uint64_t key = word_key(text);
    size_t at = word_place(key, N_TAG_SLOTS - 1);
    for (; t->slots[at] != 0; at = (at + 1) % N_TAG_SLOTS) {
        const uint8_t number = t->slots[at];
        if (t->keys[number] == key && word_is(t->texts[number], text)) return number;
    }
    if (t->n == N_TAGS) return 0;
    const Tag tag = read_tag(&t->reading, text);
    if (t->reading.is_strict && !is_one_of(tag.prefix, rules[t->reading.scheme].prefixes)) return 0;
    t->slots[at] = (uint8_t)t->n;
    if (text.len == 1) t->of_one_byte[(unsigned char)text.ptr[0]] = (uint8_t)t->n;
    append_tag(t, text, key, &tag);
    return t->slots[at];
}

Slice tag_table_strange(const TagTable *table)
{
    for (size_t k = TAG_BETWEEN + 1; k < table->n; k++) {
        const Slice text = table->texts[k];
        const bool is_suffixed = table->reading.is_suffixed;
        const bool is_bare = text.len == 1 || text.ptr[is_suffixed ? text.len - 2 : 1] == '-';
        if (!is_bare || !is_one_of(table->tags[k].prefix, "OBIESLU")) return text;
    }
    return (Slice){0};
}

// Known tags of one byte first and the others after them, so that nothing branches on where an "O" gives way to a "B-PER":
// no processor could foresee it.
bool tag_table_numbers(TagTable *table, const Slice *tags, size_t n_tags, uint8_t *out)
{
    enum { AT_ONCE = 256 };
    uint8_t later[AT_ONCE];
    for (size_t begin = 0; begin < n_tags; begin += AT_ONCE) {
        const size_t n = size_min(AT_ONCE, n_tags - begin);
        size_t n_later = 0;
        for (size_t i = 0; i < n; i++) {
            const Slice tag = tags[begin + i];
            const unsigned is_byte = tag.len == 1;
            const unsigned char first = tag.len > 0 ? (unsigned char)tag.ptr[0] : 0;
            out[begin + i] = (uint8_t)(table->of_one_byte[first] & (0u - is_byte));
            later[n_later] = (uint8_t)i;
            n_later += out[begin + i] == 0;
        }
        for (size_t k = 0; k < n_later; k++) {
            const size_t i = begin + later[k];
            out[i] = number_tag(table, tags[i]);
            if (out[i] == 0) return false;
        }
    }
    return true;
}

static unsigned judge_pair(TagTable *t, size_t before, size_t at)
{
    const Tag *a = &t->tags[before], *b = &t->tags[at];
    const SchemeRules *r = &rules[t->reading.scheme];
    unsigned flags = PAIR_JUDGED;
    if (t->reading.is_strict) {
        if (fits(r->starts, a, b)) flags |= PAIR_STARTS;
        if (fits(r->inside, a, b)) flags |= PAIR_INSIDE;
        if (fits(r->ends, a, b)) flags |= PAIR_ENDS;
    } else {
        if (starts_chunk(a, b)) flags |= PAIR_STARTS;
        if (ends_chunk(a, b)) flags |= PAIR_ENDS;
    }
    t->pairs[before][at] = (uint8_t)flags;
    return flags;
}

static inline unsigned pair_flags(TagTable *t, size_t before, size_t at)
{
    const unsigned flags = t->pairs[before][at];
    return flags != 0 ? flags : judge_pair(t, before, at);
}

// read_strict by number.
static size_t strict_entities(TagTable *t, const uint8_t *numbers, size_t n_tags,
                              NumberedEntity *out)
{
    size_t n = 0, before = TAG_BETWEEN;
    for (size_t i = 0; i < n_tags;) {
        size_t last = numbers[i], end = i + 1;
        if (pair_flags(t, before, last) & PAIR_STARTS) {
            size_t next = end < n_tags ? numbers[end] : TAG_BETWEEN;
            while (pair_flags(t, last, next) & PAIR_INSIDE) {
                last = next;
                next = ++end < n_tags ? numbers[end] : TAG_BETWEEN;
            }
            if (pair_flags(t, last, next) & PAIR_ENDS) {
                out[n++] = (NumberedEntity){t->type_of[numbers[i]], (uint32_t)i, (uint32_t)end};
            }
        }
        i = end;
        before = last;
    }
    return n;
}

// read_plain by number, without branches on what no processor can foresee: first the places between two tags of which one is
// inside of an entity, then what begins or ends there.
static size_t plain_entities(TagTable *t, const uint8_t *numbers, size_t n_tags,
                             NumberedEntity *out)
{
    enum { AT_ONCE = 256 };
    uint8_t places[AT_ONCE];
    size_t n = 0, begin = 0, before = TAG_BETWEEN;
    for (size_t first = 0; first <= n_tags; first += AT_ONCE) {
        const size_t n_here = size_min(AT_ONCE, n_tags + 1 - first);
        size_t n_places = 0;
        unsigned was_outside = t->is_outside[before];
        for (size_t k = 0; k < n_here; k++) {
            const size_t at = first + k < n_tags ? numbers[first + k] : TAG_BETWEEN;
            const unsigned is_outside = t->is_outside[at];
            places[n_places] = (uint8_t)k;
            n_places += (is_outside & was_outside & (at != TAG_BETWEEN)) == 0;
            was_outside = is_outside;
        }
        for (size_t k = 0; k < n_places; k++) {
            const size_t i = first + places[k], at = i < n_tags ? numbers[i] : TAG_BETWEEN;
            before = i > 0 ? numbers[i - 1] : TAG_BETWEEN;
            const unsigned flags = pair_flags(t, before, at);
            out[n] = (NumberedEntity){t->type_of[before], (uint32_t)begin, (uint32_t)i};
            n += (flags & PAIR_ENDS) != 0;
            begin = (flags & PAIR_STARTS) != 0 ? i : begin;
            begin = at == TAG_BETWEEN ? i + 1 : begin; // of the next sentence
        }
        before = first + n_here <= n_tags ? numbers[first + n_here - 1] : TAG_BETWEEN;
    }
    return n;
}

size_t tag_table_entities(TagTable *table, const uint8_t *numbers, size_t n_tags,
                          NumberedEntity *out)
{
    return table->reading.is_strict ? strict_entities(table, numbers, n_tags, out)
                                    : plain_entities(table, numbers, n_tags, out);
}

size_t tag_table_n_types(const TagTable *table)
{
    return table->n_types;
}

Slice tag_table_type(const TagTable *table, size_t type)
{
    return table->types[type];
}
