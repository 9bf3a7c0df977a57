#include "metrics/porter.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/slice.h"

static bool is_vowel_letter(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

// A y is a consonant unless it follows one.
static bool next_is_consonant(char c, bool is_first, bool before_is_consonant)
{
    if (c == 'y') return is_first || !before_is_consonant;
    return !is_vowel_letter(c);
}

// What the paper's conditions ask of a stem, found in one pass.
typedef struct Shape {
    size_t measure; // m: how often a vowel is followed by a consonant
    bool has_vowel;
    bool consonants
        [3]; // of the last, the one before it, and the one before that; false where there is none
} Shape;

static Shape shape_of(Slice stem)
{
    Shape shape = {0};
    bool before = false;
    for (size_t i = 0; i < stem.len; i++) {
        const bool is_consonant = next_is_consonant(stem.ptr[i], i == 0, before);
        shape.measure += i > 0 && is_consonant && !before;
        shape.has_vowel |= !is_consonant;
        shape.consonants[2] = shape.consonants[1];
        shape.consonants[1] = shape.consonants[0];
        shape.consonants[0] = is_consonant;
        before = is_consonant;
    }
    return shape;
}

static bool ends_double_consonant(Slice word)
{
    return word.len >= 2 && word.ptr[word.len - 1] == word.ptr[word.len - 2] &&
           shape_of(word).consonants[0];
}

// *o: consonant, vowel, consonant other than w, x, y; NLTK adds the two letters vowel, consonant.
static bool ends_short_syllable(Slice word)
{
    const Shape shape = shape_of(word);
    if (word.len == 2) return !shape.consonants[1] && shape.consonants[0];
    if (word.len < 3 || !shape.consonants[2] || shape.consonants[1] || !shape.consonants[0]) {
        return false;
    }
    const char last = word.ptr[word.len - 1];
    return last != 'w' && last != 'x' && last != 'y';
}

// Takes `suffix` for `replacement`, where the stem before it has a measure above `above` (-1: always). Rules are tried
// in order, and the first suffix that fits decides, whether or not the condition holds.
typedef struct Rule {
    Slice suffix, replacement;
    int above;
} Rule;

static Slice without(Slice word, size_t n)
{
    return slice_sub(word, 0, word.len - n);
}

static size_t replace(char *word, size_t len, Slice suffix, Slice replacement)
{
    len -= suffix.len;
    if (replacement.len > 0) memcpy(word + len, replacement.ptr, replacement.len);
    return len + replacement.len;
}

static const Rule *rule_of(Slice word, const Rule *rules, size_t n)
{
    if (word.len == 0) return NULL;
    const char last = word.ptr[word.len - 1];
    for (size_t i = 0; i < n; i++) {
        const Slice suffix = rules[i].suffix;
        if (suffix.ptr[suffix.len - 1] == last && slice_ends_with(word, suffix)) return &rules[i];
    }
    return NULL;
}

static size_t apply(char *word, size_t len, const Rule *rules, size_t n)
{
    const Slice text = {word, len};
    const Rule *rule = rule_of(text, rules, n);
    if (rule == NULL) return len;
    const Slice stem = without(text, rule->suffix.len);
    if (rule->above >= 0 && shape_of(stem).measure <= (size_t)rule->above) return len;
    return replace(word, len, rule->suffix, rule->replacement);
}

#define RULE(suffix, replacement, above)                 \
    {                                                    \
        SLICE_LIT(suffix), SLICE_LIT(replacement), above \
    }
#define APPLY(word, len, rules) apply((word), (len), (rules), sizeof(rules) / sizeof *(rules))

static size_t step_1a(char *word, size_t len)
{
    static const Rule rules[] = {RULE("sses", "ss", -1), RULE("ies", "i", -1), RULE("ss", "ss", -1),
                                 RULE("s", "", -1)};
    if (len == 4 && slice_ends_with((Slice){word, len}, SLICE("ies"))) return len - 1;
    return APPLY(word, len, rules);
}

// After "ed" or "ing" is gone: an e comes back, or a doubled letter becomes single.
static size_t restore_stem(char *word, size_t len)
{
    static const Rule rules[] = {RULE("at", "ate", -1), RULE("bl", "ble", -1),
                                 RULE("iz", "ize", -1)};
    const Slice text = {word, len};
    if (rule_of(text, rules, 3) != NULL) return apply(word, len, rules, 3);
    if (ends_double_consonant(text)) {
        const char last = word[len - 1];
        return last == 'l' || last == 's' || last == 'z' ? len : len - 1;
    }
    if (shape_of(text).measure == 1 && ends_short_syllable(text)) word[len++] = 'e';
    return len;
}

static size_t step_1b(char *word, size_t len)
{
    static const Slice suffixes[] = {SLICE_LIT("ed"), SLICE_LIT("ing")};
    static const Rule agreed[] = {RULE("eed", "ee", 0)};
    const Slice text = {word, len};
    if (slice_ends_with(text, SLICE("ied"))) return len - (len == 4 ? 1 : 2);
    if (slice_ends_with(text, SLICE("eed"))) return APPLY(word, len, agreed);
    for (size_t i = 0; i < 2; i++) {
        if (!slice_ends_with(text, suffixes[i])) continue;
        const Slice stem = without(text, suffixes[i].len);
        if (shape_of(stem).has_vowel) return restore_stem(word, stem.len);
    }
    return len;
}

static size_t step_1c(char *word, size_t len)
{
    const bool fits =
        len > 2 && word[len - 1] == 'y' && shape_of((Slice){word, len - 1}).consonants[0];
    if (fits) word[len - 1] = 'i';
    return len;
}

static size_t step_2(char *word, size_t len)
{
    static const Rule alli[] = {RULE("alli", "al", 0)};
    static const Rule rules[] = {
        RULE("ational", "ate", 0), RULE("tional", "tion", 0), RULE("enci", "ence", 0),
        RULE("anci", "ance", 0),   RULE("izer", "ize", 0),    RULE("bli", "ble", 0),
        RULE("alli", "al", 0),     RULE("entli", "ent", 0),   RULE("eli", "e", 0),
        RULE("ousli", "ous", 0),   RULE("ization", "ize", 0), RULE("ation", "ate", 0),
        RULE("ator", "ate", 0),    RULE("alism", "al", 0),    RULE("iveness", "ive", 0),
        RULE("fulness", "ful", 0), RULE("ousness", "ous", 0), RULE("aliti", "al", 0),
        RULE("iviti", "ive", 0),   RULE("biliti", "ble", 0),  RULE("fulli", "ful", 0),
    };
    len = APPLY(word, len, alli); // NLTK: first, so that "rationalli" goes on as "rational"
    const Slice text = {word, len};
    // NLTK: the l counts as the stem's, so that "geologi" is as "archaeologi".
    if (slice_ends_with(text, SLICE("logi"))) {
        return shape_of(without(text, 3)).measure > 0 ? len - 1 : len;
    }
    return APPLY(word, len, rules);
}

static size_t step_3(char *word, size_t len)
{
    static const Rule rules[] = {RULE("icate", "ic", 0), RULE("ative", "", 0),
                                 RULE("alize", "al", 0), RULE("iciti", "ic", 0),
                                 RULE("ical", "ic", 0),  RULE("ful", "", 0),
                                 RULE("ness", "", 0)};
    return APPLY(word, len, rules);
}

static size_t step_4(char *word, size_t len)
{
    static const Rule rules[] = {
        RULE("al", "", 1),    RULE("ance", "", 1), RULE("ence", "", 1), RULE("er", "", 1),
        RULE("ic", "", 1),    RULE("able", "", 1), RULE("ible", "", 1), RULE("ant", "", 1),
        RULE("ement", "", 1), RULE("ment", "", 1), RULE("ent", "", 1),  RULE("ion", "", 1),
        RULE("ou", "", 1),    RULE("ism", "", 1),  RULE("ate", "", 1),  RULE("iti", "", 1),
        RULE("ous", "", 1),   RULE("ive", "", 1),  RULE("ize", "", 1),
    };
    const bool is_ion = slice_ends_with((Slice){word, len}, SLICE("ion"));
    if (is_ion && (len < 4 || (word[len - 4] != 's' && word[len - 4] != 't'))) return len;
    return APPLY(word, len, rules);
}

static size_t step_5(char *word, size_t len)
{
    if (word[len - 1] == 'e') {
        const Slice stem = {word, len - 1};
        const size_t measure = shape_of(stem).measure;
        if (measure > 1 || (measure == 1 && !ends_short_syllable(stem))) len--;
    }
    const Slice text = {word, len};
    if (slice_ends_with(text, SLICE("ll")) && shape_of(without(text, 1)).measure > 1) len--;
    return len;
}

// NLTK's irregular forms.
static bool stem_irregular(char *word, size_t *len)
{
    static const Slice forms[][2] = {
        {SLICE_LIT("sky"), SLICE_LIT("sky")},          {SLICE_LIT("skies"), SLICE_LIT("sky")},
        {SLICE_LIT("dying"), SLICE_LIT("die")},        {SLICE_LIT("lying"), SLICE_LIT("lie")},
        {SLICE_LIT("tying"), SLICE_LIT("tie")},        {SLICE_LIT("news"), SLICE_LIT("news")},
        {SLICE_LIT("innings"), SLICE_LIT("inning")},   {SLICE_LIT("inning"), SLICE_LIT("inning")},
        {SLICE_LIT("outings"), SLICE_LIT("outing")},   {SLICE_LIT("outing"), SLICE_LIT("outing")},
        {SLICE_LIT("cannings"), SLICE_LIT("canning")}, {SLICE_LIT("canning"), SLICE_LIT("canning")},
        {SLICE_LIT("howe"), SLICE_LIT("howe")},        {SLICE_LIT("proceed"), SLICE_LIT("proceed")},
        {SLICE_LIT("exceed"), SLICE_LIT("exceed")},    {SLICE_LIT("succeed"), SLICE_LIT("succeed")},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!slice_eq((Slice){word, *len}, forms[i][0])) continue;
        *len = replace(word, *len, forms[i][0], forms[i][1]);
        return true;
    }
    return false;
}

size_t porter_stem(char *word, size_t len)
{
    if (stem_irregular(word, &len) || len <= 2) return len;
    len = step_1a(word, len);
    len = step_1b(word, len);
    len = step_1c(word, len);
    len = step_2(word, len);
    len = step_3(word, len);
    len = step_4(word, len);
    return len > 0 ? step_5(word, len) : 0;
}

// ---- Stems remembered ----

enum { KNOWN_BYTES = 16, N_KNOWN = 16384, N_TRIED = 2 };

typedef enum EntryState { ENTRY_FREE, ENTRY_TAKEN, ENTRY_READY } EntryState;

typedef struct KnownStem {
    uint64_t word[2]; // its bytes, zeros after them
    char stem[KNOWN_BYTES];
    uint32_t len;      // of the stem
    atomic_uint state; // EntryState; what is ready is only read
} KnownStem;

struct StemMemo {
    KnownStem entries[N_KNOWN + N_TRIED];
};

Status stem_memo_new(Arena *arena, StemMemo **out, Error *err)
{
    return arena_take(arena, 1, sizeof **out, "stems", out, err);
}

static size_t remember(KnownStem *entry, const uint64_t bytes[2], char *word, size_t len)
{
    unsigned expected = ENTRY_FREE;
    const size_t stem_len = porter_stem(word, len);
    if (!atomic_compare_exchange_strong(&entry->state, &expected, ENTRY_TAKEN)) return stem_len;
    memcpy(entry->word, bytes, sizeof entry->word);
    memcpy(entry->stem, word, stem_len);
    entry->len = (uint32_t)stem_len;
    atomic_store_explicit(&entry->state, ENTRY_READY, memory_order_release);
    return stem_len;
}

size_t porter_stem_known(StemMemo *memo, char *word, size_t len)
{
    uint64_t bytes[2] = {0};
    if (memo == NULL || len == 0 || len > KNOWN_BYTES) return porter_stem(word, len);
    memcpy(bytes, word, len);
    const uint64_t hash = (bytes[0] ^ bytes[1] * 0xBF58476D1CE4E5B9u) * 0x9E3779B97F4A7C15u;
    KnownStem *entry = &memo->entries[hash >> 50];
    for (size_t k = 0; k < N_TRIED; k++, entry++) {
        const unsigned state = atomic_load_explicit(&entry->state, memory_order_acquire);
        if (state == ENTRY_FREE) return remember(entry, bytes, word, len);
        if (state != ENTRY_READY || entry->word[0] != bytes[0] || entry->word[1] != bytes[1])
            continue;
        memcpy(word, entry->stem, entry->len);
        return entry->len;
    }
    return porter_stem(word, len);
}
