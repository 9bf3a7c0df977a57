#include "metrics/word_ids.h"

#include "base/size.h"
#include "metrics/word_hash.h"

// Words of up to 15 bytes are told apart by two numbers: the bytes and, highest, the length. Of longer ones they are a hash and
// the length, and the words are compared too.
typedef struct WordKey {
    uint64_t low, high;
} WordKey;

struct WordEntry {
    WordKey key;
    Slice word; // of longer ones
};

enum { KEY_BYTES = 15, FEW_WORDS = 512 };
#define LONG_MARK (UINT64_C(0xFF) << 56)

// Few words get a table in which hardly any two meet; many must not need too much memory.
Status word_ids_init(WordIds *ids, size_t capacity, Arena *arena, Error *err)
{
    size_t n_slots = 16;
    unsigned shift = 60;
    if (capacity >= UINT32_MAX / 2) {
        return error_set(err, STATUS_INVALID, "%zu words are too many", capacity);
    }
    for (; n_slots < (capacity <= FEW_WORDS ? 8 : 2) * capacity; n_slots *= 2) shift--;
    *ids = (WordIds){.capacity = capacity, .n_slots = n_slots, .shift = shift};
    TRY(arena_take(arena, n_slots, sizeof *ids->slots, "words", &ids->slots, err));
    TRY(arena_take_raw(arena, capacity + 2, sizeof *ids->entries, "words", &ids->entries, err));
    ids->entries[0].key = (WordKey){0, UINT64_MAX};
    return STATUS_OK;
}

// The first n of 16 bytes, without asking how many they are: lengths of words cannot be foreseen.
static inline WordKey key_of_bytes(const char *at, size_t n)
{
    static const unsigned char window[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    const char *mask = (const char *)window + 16 - n;
    return (WordKey){load_eight(at) & load_eight(mask),
                     (load_eight(at + 8) & load_eight(mask + 8)) | (uint64_t)n << 56};
}

// Near the end of a text, where no 16 bytes may be read, and of longer words.
static WordKey key_with_care(Slice word)
{
    const size_t n = word.len;
    if (n > KEY_BYTES) return (WordKey){long_word_key(word), LONG_MARK | n};
    const uint64_t length = (uint64_t)n << 56;
    if (n <= 8) return (WordKey){word_key(word), length};
    return (WordKey){load_eight(word.ptr), load_eight(word.ptr + n - 8) >> (128 - 8 * n) | length};
}

// at_most: from where on 16 bytes may not be read.
static inline WordKey key_of(Slice word, const char *at_most)
{
    if (word.len > KEY_BYTES || word.ptr >= at_most) return key_with_care(word);
    return key_of_bytes(word.ptr, word.len);
}

static const char *readable_until(const Tokens *tokens)
{
    const bool is_known = tokens->text_end != NULL && tokens->n > 0 &&
                          tokens->text_end - tokens->items[0].ptr > KEY_BYTES;
    return is_known ? tokens->text_end - KEY_BYTES : NULL;
}

// 0 where they are equal.
static inline uint64_t apart(WordKey a, WordKey b)
{
    return (a.low ^ b.low) | (a.high ^ b.high);
}

static size_t place_of_long(const WordIds *ids, Slice word, WordKey key, size_t at)
{
    for (; ids->slots[at] != 0; at = (at + 1) & (ids->n_slots - 1)) {
        const WordEntry *entry = &ids->entries[ids->slots[at]];
        if (apart(entry->key, key) == 0 && slice_eq(entry->word, word)) break;
    }
    return at;
}

// The word's slot, or the free one where it would stand. Whether the first look finds the word cannot be foreseen and is not
// asked: only another word there, which is rare, and long words are branches.
static inline uint32_t *slot_of(const WordIds *ids, Slice word, WordKey key)
{
    const uint64_t hash = key.low * 0x9E3779B97F4A7C15u + key.high * 0xBF58476D1CE4E5B9u;
    size_t at = (size_t)(hash >> ids->shift);
    if (word.len > KEY_BYTES) return &ids->slots[place_of_long(ids, word, key, at)];
    for (;; at = (at + 1) & (ids->n_slots - 1)) {
        uint32_t *slot = &ids->slots[at];
        const uint64_t is_taken = -(uint64_t)(*slot != 0); // all bits
        if ((apart(ids->entries[*slot].key, key) & is_taken) == 0) return slot;
    }
}

Status word_ids_of(WordIds *ids, const Tokens *tokens, Arena *arena, uint32_t **numbers, Error *err)
{
    const WordIds table = *ids; // no store changes this copy, and the compiler knows it
    const Slice *words = tokens->items;
    const size_t n_words = tokens->n;
    const char *at_most = readable_until(tokens);
    size_t n = ids->n;
    uint32_t *out;
    if (n_words > table.capacity - n) {
        return error_set(err, STATUS_INTERNAL, "more than %zu words", table.capacity);
    }
    TRY(arena_take_raw(arena, n_words, sizeof *out, "words", &out, err));
    *numbers = out;
    for (size_t i = 0; i < n_words; i++) {
        const Slice word = words[i];
        const WordKey key = key_of(word, at_most);
        table.entries[n + 1].key = key; // stays there if it is new
        if (word.len > KEY_BYTES) table.entries[n + 1].word = word;
        uint32_t *slot = slot_of(&table, word, key);
        const uint32_t is_new = -(uint32_t)(*slot == 0); // all bits
        *slot |= ((uint32_t)n + 1) & is_new;
        out[i] = *slot - 1;
        n += is_new & 1;
    }
    ids->n = n;
    return STATUS_OK;
}

Status word_ids_known(const WordIds *ids, const Tokens *tokens, Arena *arena, uint32_t **numbers,
                      Error *err)
{
    const WordIds table = *ids;
    const Slice *words = tokens->items;
    const size_t n_words = tokens->n;
    const uint32_t unknown = (uint32_t)ids->n;
    const char *at_most = readable_until(tokens);
    uint32_t *out;
    TRY(arena_take_raw(arena, n_words, sizeof *out, "words", &out, err));
    *numbers = out;
    for (size_t i = 0; i < n_words; i++) {
        const uint32_t number = *slot_of(&table, words[i], key_of(words[i], at_most)) - 1;
        out[i] = number < unknown ? number : unknown; // a free slot comes to the highest number
    }
    return STATUS_OK;
}
