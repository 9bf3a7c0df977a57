#include "metrics/char_ngrams.h"

#include <string.h>

#include "base/size.h"
#include "base/unicode.h"

enum { N_SLOTS = 1024, PADDING = 8 };

// What Python takes for white space in ASCII.
static const bool ascii_spaces[128] = {
    ['\t'] = true, ['\n'] = true, ['\v'] = true, ['\f'] = true, ['\r'] = true,
    [0x1c] = true, [0x1d] = true, [0x1e] = true, [0x1f] = true, [' '] = true};

// ---- characters as bytes ----

static size_t slot_of_point(CodePoint c)
{
    return (uint32_t)c * 2654435761u >> 22; // the upper 10 bits: N_SLOTS
}

// The number of a code point beyond ASCII, or 0; false where a new one does not fit.
static bool number_point(CharNumbers *numbers, CodePoint c, bool is_added, unsigned char *out)
{
    size_t at = slot_of_point(c);
    *out = 0;
    for (; numbers->slots[at] != 0; at = (at + 1) % N_SLOTS) {
        *out = numbers->slots[at];
        if (numbers->points[*out] == c) return true;
    }
    *out = 0;
    if (!is_added) return true;
    if (numbers->n == UINT8_MAX) return false;
    *out = (unsigned char)++numbers->n;
    numbers->points[*out] = c;
    numbers->slots[at] = *out;
    return true;
}

// The number of an ASCII character that had none yet.
static bool number_ascii(CharNumbers *numbers, unsigned char byte, bool is_added,
                         unsigned char *out)
{
    *out = 0;
    if (!is_added) return true;
    if (numbers->n == UINT8_MAX) return false;
    *out = numbers->ascii[byte] = (unsigned char)++numbers->n;
    numbers->points[numbers->n] = -1; // met by no code point
    return true;
}

Status char_text(CharNumbers *numbers, Slice text, bool has_space, bool is_added, Arena *arena,
                 CharText *out, bool *fits, Error *err)
{
    unsigned char *to;
    size_t n = 0;
    bool is_full = false;
    *out = (CharText){0};
    TRY(arena_take_raw(arena, text.len + PADDING, 1, "characters", &to, err));
    if (numbers->slots == NULL) {
        TRY(arena_take(arena, N_SLOTS, 1, "characters", &numbers->slots, err));
        // White space that is passed over has some number, so that it takes the way of all others.
        for (size_t c = 0; !has_space && c < 128; c++) numbers->ascii[c] = ascii_spaces[c];
    }
    for (size_t offset = 0; !is_full && offset < text.len;) {
        const unsigned char byte = (unsigned char)text.ptr[offset];
        if (byte < 0x80) {
            offset++;
            to[n] = numbers->ascii[byte];
            if (to[n] == 0) is_full = !number_ascii(numbers, byte, is_added, &to[n]);
            n += has_space || !ascii_spaces[byte];
        } else {
            const CodePoint c = utf8_next(text, &offset);
            if (!has_space && unicode_is_python_space(c)) continue;
            is_full = !number_point(numbers, c, is_added, &to[n++]);
        }
    }
    memset(to + n, 0, PADDING);
    *out = (CharText){to, n};
    *fits = !is_full;
    return STATUS_OK;
}

// ---- matches ----

// The hypothesis's n-grams of one order, by their bytes.
typedef struct Grams {
    uint64_t *keys;        // [mask + 1], 0 = free
    uint32_t *left;        // how often the hypothesis has it beyond what was matched
    unsigned char *is_met; // the reference has it too
    size_t mask;
    int shift;
} Grams;

// Begins of n-grams that can still match: their beginnings did.
typedef struct Places {
    uint32_t *at;    // [n]
    uint32_t *slots; // [n]: where the n-gram of the order at hand stands
    size_t n;
} Places;

static size_t find_gram(const Grams *g, uint64_t key)
{
    size_t at = (size_t)(key * 0x9E3779B97F4A7C15u >> g->shift);
    while (g->keys[at] != 0 && g->keys[at] != key) at = (at + 1) & g->mask;
    return at;
}

static uint64_t gram_at(const CharText *text, uint32_t at, uint64_t mask)
{
    uint64_t eight;
    memcpy(&eight, text->numbers + at, sizeof eight);
    return eight & mask;
}

// The first `order` bytes of a word in memory, whichever way the machine reads it.
static uint64_t mask_of(size_t order)
{
    unsigned char bytes[8] = {0};
    uint64_t mask;
    memset(bytes, 0xff, order);
    memcpy(&mask, bytes, sizeof mask);
    return mask;
}

static void add_grams(Grams *g, const CharText *text, Places *places, size_t order)
{
    const uint64_t mask = mask_of(order);
    size_t n = 0;
    memset(g->keys, 0, (g->mask + 1) * sizeof *g->keys);
    for (size_t i = 0; i < places->n; i++) {
        const uint32_t at = places->at[i];
        if (at + order > text->n) continue;
        const uint64_t key = gram_at(text, at, mask);
        const size_t slot = find_gram(g, key);
        const bool is_new = g->keys[slot] == 0;
        g->keys[slot] = key;
        g->left[slot] = is_new ? 1 : g->left[slot] + 1;
        g->is_met[slot] = 0;
        places->at[n] = at;
        places->slots[n++] = (uint32_t)slot;
    }
    places->n = n;
}

// Matches of the reference's n-grams; those that the hypothesis does not have are dropped from the places.
static size_t match_grams(Grams *g, const CharText *text, Places *places, size_t order)
{
    const uint64_t mask = mask_of(order);
    size_t n = 0, n_matches = 0;
    for (size_t i = 0; i < places->n; i++) {
        const uint32_t at = places->at[i];
        if (at + order > text->n) continue;
        const uint64_t key = gram_at(text, at, mask);
        const size_t slot = find_gram(g, key);
        if (g->keys[slot] == 0) continue;
        const uint32_t is_left = g->left[slot] > 0;
        g->left[slot] -= is_left;
        n_matches += is_left;
        g->is_met[slot] = 1;
        places->at[n++] = at;
    }
    places->n = n;
    return n_matches;
}

static void drop_unmet(const Grams *g, Places *places)
{
    size_t n = 0;
    for (size_t i = 0; i < places->n; i++) {
        places->at[n] = places->at[i];
        n += g->is_met[places->slots[i]];
    }
    places->n = n;
}

// ---- the same without hashing, where a table of groups by next character is small ----

// Positions whose n-grams so far are equal form a group; its n-grams of the next order are told apart by one character,
// so their groups stand in a table by (group, character).
typedef struct Groups {
    uint16_t *table; // [n_groups + 1, width]
    size_t width;    // characters of the hypothesis, and one for those that it does not have
    size_t n;
    uint32_t *left;        // as in Grams, by group
    unsigned char *is_met; // as in Grams
} Groups;

enum { MOST_CELLS = 1 << 17 };

static void add_groups(Groups *g, const CharText *text, Places *places, size_t order)
{
    const unsigned char *last = text->numbers + order - 1;
    size_t n = 0, n_groups = 0;
    memset(g->table, 0, (g->n + 1) * g->width * sizeof *g->table);
    for (size_t i = 0; i < places->n; i++) {
        const uint32_t at = places->at[i];
        if (at + order > text->n) break; // positions rise
        uint16_t *cell = &g->table[places->slots[i] * g->width + last[at]];
        if (*cell == 0) {
            *cell = (uint16_t)++n_groups;
            g->left[n_groups] = 0;
            g->is_met[n_groups] = 0;
        }
        g->left[*cell]++;
        places->at[n] = at;
        places->slots[n++] = *cell;
    }
    places->n = n;
    g->n = n_groups;
}

static size_t match_groups(Groups *g, const CharText *text, Places *places, size_t order)
{
    const unsigned char *last = text->numbers + order - 1;
    size_t n = 0, n_matches = 0;
    for (size_t i = 0; i < places->n; i++) {
        const uint32_t at = places->at[i];
        if (at + order > text->n) break;
        const uint16_t group = g->table[places->slots[i] * g->width + last[at]];
        const uint32_t is_left = g->left[group] > 0; // group 0, no group, has none
        g->left[group] -= is_left;
        n_matches += is_left;
        g->is_met[group] = 1;
        places->at[n] = at;
        places->slots[n] = group;
        n += group != 0;
    }
    places->n = n;
    return n_matches;
}

static void keep_met(const Groups *g, Places *places)
{
    size_t n = 0;
    for (size_t i = 0; i < places->n; i++) {
        places->at[n] = places->at[i];
        places->slots[n] = places->slots[i];
        n += g->is_met[places->slots[i]];
    }
    places->n = n;
}

static Status match_by_groups(const CharText *hypothesis, const CharText *reference,
                              size_t n_numbers, size_t max_order, Arena *scratch, Places *own,
                              Places *other, double *matches, Error *err)
{
    Groups g = {.width = n_numbers + 1, .n = n_numbers};
    const size_t most = size_max(hypothesis->n, n_numbers) + 1;
    TRY(arena_take_raw(scratch, most * g.width, sizeof *g.table, "n-grams", &g.table, err));
    TRY(arena_take_raw(scratch, most, sizeof *g.left, "n-grams", &g.left, err));
    TRY(arena_take_raw(scratch, most, sizeof *g.is_met, "n-grams", &g.is_met, err));
    g.left[0] = 0;
    for (size_t i = 0; i < own->n; i++) own->slots[i] = hypothesis->numbers[own->at[i]];
    for (size_t i = 0; i < other->n; i++) other->slots[i] = reference->numbers[other->at[i]];
    for (size_t order = 2; order <= max_order && other->n > 0; order++) {
        add_groups(&g, hypothesis, own, order);
        matches[order - 1] = (double)match_groups(&g, reference, other, order);
        keep_met(&g, own);
    }
    return STATUS_OK;
}

static Status places_of(const CharText *text, Arena *scratch, Places *out, Error *err)
{
    out->n = 0;
    TRY(arena_take_raw(scratch, text->n, sizeof *out->at, "n-grams", &out->at, err));
    TRY(arena_take_raw(scratch, text->n, sizeof *out->slots, "n-grams", &out->slots, err));
    for (size_t i = 0; i < text->n; i++) {
        out->at[out->n] = (uint32_t)i;
        out->n += text->numbers[i] != 0;
    }
    return STATUS_OK;
}

// Single characters are counted by their numbers alone.
static size_t match_characters(const CharText *hypothesis, const CharText *reference)
{
    uint32_t left[256] = {0};
    size_t n = 0;
    for (size_t i = 0; i < hypothesis->n; i++) left[hypothesis->numbers[i]]++;
    for (size_t i = 0; i < reference->n; i++) { // the hypothesis has no character 0
        const uint32_t is_left = left[reference->numbers[i]] > 0;
        left[reference->numbers[i]] -= is_left;
        n += is_left;
    }
    return n;
}

// ---- the same by bits, where the hypothesis is short ----

enum { MOST_WORDS = 4, SHORT_CHARACTERS = 64 * MOST_WORDS };

// at [reference's n, n_words]: the places in the hypothesis, as bits, of the n-gram from a reference's character on. Each of
// the reference's n-grams uses up one place; then at is made ready for the next order. n_words is a constant to the caller.
static inline size_t match_places(uint64_t *at, size_t n, size_t n_words)
{
    uint64_t left[MOST_WORDS];
    size_t n_matches = 0;
    for (size_t w = 0; w < n_words; w++) left[w] = UINT64_MAX;
    for (size_t j = 0; j < n; j++, at += n_words) {
        const uint64_t *next = at + n_words;
        uint64_t open = UINT64_MAX; // 0 once a place is taken
        for (size_t w = 0; w < n_words; w++) {
            const uint64_t met = at[w] & left[w] & open;
            left[w] ^= met & -met;
            open &= (uint64_t)(met != 0) - 1;
            at[w] &= next[w] >> 1 | (w + 1 < n_words ? next[w + 1] << 63 : 0);
        }
        n_matches += open == 0;
    }
    return n_matches;
}

static size_t match_by_width(uint64_t *at, size_t n, size_t n_words)
{
    if (n_words == 1) return match_places(at, n, 1);
    if (n_words == 2) return match_places(at, n, 2);
    return n_words == 3 ? match_places(at, n, 3) : match_places(at, n, MOST_WORDS);
}

static Status match_short(const CharText *hypothesis, const CharText *reference, size_t n_numbers,
                          size_t max_order, Arena *scratch, double *matches, Error *err)
{
    const size_t n_words = (hypothesis->n + 63) / 64;
    uint64_t *at, *of_number;
    TRY(arena_take_raw(scratch, reference->n + 1, n_words * sizeof *at, "n-grams", &at, err));
    TRY(arena_take(scratch, n_numbers + 1, n_words * sizeof *at, "n-grams", &of_number, err));
    for (size_t i = 0; i < hypothesis->n; i++) {
        of_number[hypothesis->numbers[i] * n_words + i / 64] |= UINT64_C(1) << i % 64;
    }
    for (size_t j = 0; j <= reference->n; j++) { // none after the last
        const uint64_t *from = of_number + reference->numbers[j] * n_words;
        for (size_t w = 0; w < n_words; w++) at[j * n_words + w] = from[w];
    }
    for (size_t order = 1; order <= max_order && order <= reference->n; order++) {
        const size_t n = match_by_width(at, reference->n + 1 - order, n_words);
        if (n == 0) break;
        matches[order - 1] = (double)n;
    }
    return STATUS_OK;
}

Status char_ngram_matches(const CharText *hypothesis, const CharText *reference, size_t n_numbers,
                          size_t max_order, Arena *scratch, double *matches, Error *err)
{
    Grams g = {.mask = 63, .shift = 58};
    Places own, other;
    for (size_t k = 0; k < max_order; k++) matches[k] = 0;
    if (max_order == 0 || hypothesis->n == 0) return STATUS_OK;
    if (hypothesis->n >= UINT32_MAX / 4 || reference->n >= UINT32_MAX / 4) {
        return error_set(err, STATUS_INVALID, "%zu characters are too many for one text",
                         size_max(hypothesis->n, reference->n));
    }
    if (hypothesis->n <= SHORT_CHARACTERS) {
        return match_short(hypothesis, reference, n_numbers, max_order, scratch, matches, err);
    }
    matches[0] = (double)match_characters(hypothesis, reference);
    if (matches[0] == 0) return STATUS_OK;
    TRY(places_of(hypothesis, scratch, &own, err));
    TRY(places_of(reference, scratch, &other, err));
    if ((hypothesis->n + 1) * (n_numbers + 1) <= MOST_CELLS && hypothesis->n < UINT16_MAX) {
        return match_by_groups(hypothesis, reference, n_numbers, max_order, scratch, &own, &other,
                               matches, err);
    }
    for (; g.mask < 2 * hypothesis->n; g.shift--) g.mask = 2 * g.mask + 1;
    TRY(arena_take_raw(scratch, g.mask + 1, sizeof *g.keys, "n-grams", &g.keys, err));
    TRY(arena_take_raw(scratch, g.mask + 1, sizeof *g.left, "n-grams", &g.left, err));
    TRY(arena_take_raw(scratch, g.mask + 1, sizeof *g.is_met, "n-grams", &g.is_met, err));
    for (size_t order = 2; order <= max_order; order++) {
        add_grams(&g, hypothesis, &own, order);
        matches[order - 1] = (double)match_grams(&g, reference, &other, order);
        if (other.n == 0) break;
        drop_unmet(&g, &own);
    }
    return STATUS_OK;
}
