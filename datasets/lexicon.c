#include "datasets/lexicon.h"

#include "base/json.h"
#include "base/unicode.h"
#include "datasets/text_index.h"

typedef struct Entry {
    Slice *others; // [n]
    size_t n, capacity;
} Entry;

struct Lexicon {
    TextIndex words;
    Entry *entries; // [words.n]
};

static bool is_word(Slice text)
{
    for (size_t at = 0; at < text.len;) {
        const size_t begin = at;
        const CodePoint c = utf8_next(text, &at);
        const bool is_inner = (c == '-' || c == '\'') && begin > 0 && at < text.len;
        const char *kind = c < 0 ? "Cn" : unicode_category(c);
        if (!is_inner && kind[0] != 'L' && kind[0] != 'M') return false;
    }
    return text.len > 0;
}

static Status read_word(const Json *at, Arena *arena, Slice *out, Error *err)
{
    Slice word, lower;
    TRY(json_as_string(at, &word, err));
    TRY(unicode_lower(arena, word, &lower, err));
    if (!is_word(word) || !slice_eq(lower, word))
        return json_error(at, err, "\"" SLICE_FMT "\" is no single word in lower case",
                          SLICE_ARG(slice_sub(word, 0, 60)));
    *out = arena_copy(arena, word);
    return out->ptr ? STATUS_OK : error_set_memory(err, word.len, 1, "a word");
}

static Status add_other(Arena *arena, Entry *entry, Slice other, Error *err)
{
    for (size_t i = 0; i < entry->n; i++) {
        if (slice_eq(entry->others[i], other)) return STATUS_OK;
    }
    if (entry->n == entry->capacity) {
        const size_t wanted = 2 * entry->capacity + 4;
        TRY(arena_grow(arena, entry->n, wanted, sizeof *entry->others, "words", &entry->others,
                       err));
        entry->capacity = wanted;
    }
    entry->others[entry->n++] = other;
    return STATUS_OK;
}

static Status read_group(const Json *group, Arena *arena, Lexicon *lexicon, Error *err)
{
    Slice *words = NULL;
    size_t n = 0;
    if (json_kind(group) != JSON_ARRAY || json_len(group) < 2)
        return json_error(group, err, "a group is a list of two words or more");
    TRY(arena_take(arena, json_len(group), sizeof *words, "words", &words, err));
    for (const Json *v = json_first(group); v; v = json_next(v)) {
        TRY(read_word(v, arena, &words[n], err));
        for (size_t i = 0; i < n; i++) {
            if (slice_eq(words[i], words[n])) return json_error(v, err, "the word stands twice");
        }
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        size_t index;
        TRY(text_index_add(&lexicon->words, words[i], &index, err));
        for (size_t k = 0; k < n; k++) {
            if (k != i) TRY(add_other(arena, &lexicon->entries[index], words[k], err));
        }
    }
    return STATUS_OK;
}

static Status read_groups(const Json *groups, Arena *arena, Lexicon *lexicon, Error *err)
{
    size_t n = 0;
    if (json_len(groups) == 0) return json_error(groups, err, "the lexicon has no groups");
    for (const Json *v = json_first(groups); v; v = json_next(v)) n += json_len(v);
    lexicon->words.arena = arena;
    TRY(arena_take(arena, n, sizeof *lexicon->entries, "words", &lexicon->entries, err));
    for (const Json *v = json_first(groups); v; v = json_next(v))
        TRY(read_group(v, arena, lexicon, err));
    return STATUS_OK;
}

Status lexicon_load(const char *path, Arena *arena, const Lexicon **out, Error *err)
{
    static const char *const known[] = {"lexicon", "summary", "groups"};
    JsonDocument *document = NULL;
    const Json *groups = NULL;
    Lexicon *lexicon = NULL;
    Status s = json_load(path, JSON_COMMENTS, &document, err);
    if (s == STATUS_OK) s = json_check_keys(json_root(document), known, 3, err);
    if (s == STATUS_OK) s = json_want_kind(json_root(document), "groups", JSON_ARRAY, &groups, err);
    if (s == STATUS_OK) s = arena_take(arena, 1, sizeof *lexicon, "a lexicon", &lexicon, err);
    if (s == STATUS_OK) s = read_groups(groups, arena, lexicon, err);
    json_close(&document);
    *out = lexicon;
    return s;
}

size_t lexicon_find(const Lexicon *lexicon, Slice word, const Slice **out)
{
    const size_t index = text_index_find(&lexicon->words, word);
    if (index == SIZE_MAX) return 0;
    *out = lexicon->entries[index].others;
    return lexicon->entries[index].n;
}
