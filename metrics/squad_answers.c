// How the SQuAD scripts compare two answers.
//
// Source: Rajpurkar et al. 2016 (1606.05250), 2018 (1806.03822); evaluate-v1.1.py and evaluate-v2.0.py.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "metrics/eight_bytes.h"
#include "metrics/squad.h"

const char *const squad_versions[N_SQUAD_VERSIONS] = {"2.0", "1.1"};

static bool is_ascii_punctuation(char byte)
{
    return (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') ||
           (byte >= '[' && byte <= '`') || (byte >= '{' && byte <= '~');
}

// Python's \w without "_", which is dropped as punctuation before: combining marks are not in it.
static bool is_word_point(CodePoint c)
{
    if (c >= 0x80) return unicode_is_alphanumeric(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

// utf8_next without a call for ASCII.
static inline CodePoint next_point(Slice text, size_t *offset)
{
    const unsigned char byte = (unsigned char)text.ptr[*offset];
    if (byte >= 0x80) return utf8_next(text, offset);
    ++*offset;
    return byte;
}

static bool is_article(Slice word)
{
    switch (word.len) {
    case 1:
        return word.ptr[0] == 'a';
    case 2:
        return memcmp(word.ptr, "an", 2) == 0;
    case 3:
        return memcmp(word.ptr, "the", 3) == 0;
    default:
        return false;
    }
}

// An article stands between word boundaries, so it is a whole run of word characters: "a" before a combining mark is
// one, and splits the text there as a blank does.
static size_t split_words(Slice text, Slice *words)
{
    size_t n = 0, begin = SIZE_MAX;
    for (size_t offset = 0; offset < text.len;) {
        const size_t at = offset;
        const CodePoint c = next_point(text, &offset);
        bool is_break = unicode_is_python_space(c);
        if (is_word_point(c)) {
            for (size_t next = offset; next < text.len; offset = next) {
                if (!is_word_point(next_point(text, &next))) break;
            }
            is_break = is_article(slice_sub(text, at, offset));
        }
        if (is_break && begin != SIZE_MAX) words[n++] = slice_sub(text, begin, at);
        if (is_break) {
            begin = SIZE_MAX;
        } else if (begin == SIZE_MAX) {
            begin = at;
        }
    }
    if (begin != SIZE_MAX) words[n++] = slice_sub(text, begin, text.len);
    return n;
}

// ---- The same for printing characters alone, eight at a time; almost all answers are such ----

// A word and its first eight bytes, zeros beyond it: with the length, they tell short words apart.
typedef struct Word {
    Slice text;
    uint64_t key;
} Word;

enum { SLACK = 16 }; // bytes behind the words that may be read and written

static inline void put_word(Word *out, Slice text)
{
    const size_t n = text.len < 8 ? text.len : 8;
    const uint64_t key = load_eight(text.ptr) & UINT64_MAX >> (64 - 8 * n) % 64;
    *out = (Word){text, n > 0 ? key : 0};
}

typedef struct Splitting {
    char *kept; // with SLACK beyond the text's length
    Word *words;
    size_t len, begin, n; // of kept; of the word at hand; of words
} Splitting;

// A word ends; what was no word, or an article, stays where the next one is written. Nothing here can be foreseen, so
// nothing branches.
static inline void end_word(Splitting *s)
{
    static const uint64_t articles[] = {1, 'a', 'a' | 'n' << 8, 't' | 'h' << 8 | 'e' << 16};
    const Slice word = {s->kept + s->begin, s->len - s->begin};
    put_word(&s->words[s->n], word);
    const bool is_an_article = s->words[s->n].key == articles[word.len < 4 ? word.len : 0];
    s->n += (word.len > 0) & !is_an_article;
    s->begin = s->len;
}

// Eight lower-cased bytes of which `breaks` are in no word and `blanks` end one.
static inline void take_eight(Splitting *s, uint64_t eight, uint64_t breaks, uint64_t blanks)
{
    size_t from = 0;
    for (; breaks != 0; breaks &= breaks - 1) {
        const size_t bit = (size_t)__builtin_ctzll(breaks), at = bit / 8;
        store_eight(s->kept + s->len, eight >> 8 * from);
        s->len += at - from;
        from = at + 1;
        if (blanks >> bit & 1) end_word(s);
    }
    if (from == 8) return;
    store_eight(s->kept + s->len, eight >> 8 * from);
    s->len += 8 - from;
}

// False where a byte prints nothing.
static bool split_printing(Slice text, Splitting *s)
{
    for (size_t i = 0; i <= text.len; i += 8) {
        const bool is_last = text.len - i < 8;
        const uint64_t bytes = eight_at(text, i);
        // A byte beyond ASCII gives others a carry, but then the eight are refused anyway.
        const uint64_t silent = bytes | at_least(bytes, 0x7f) | ~at_least(bytes, ' ');
        if ((silent & HIGH_BITS) != 0) return false;
        const uint64_t letters = letters_among(bytes);
        const uint64_t lower = bytes | letters >> 2;
        const uint64_t words = letters | between(bytes, '0', '9');
        uint64_t breaks = words ^ HIGH_BITS;
        if (is_last) breaks &= UINT64_MAX >> (56 - 8 * (text.len - i)); // one blank ends the text
        take_eight(s, lower, breaks, ~at_least(bytes, ' ' + 1));
    }
    return true;
}

// ---- Answers ----

enum { SHORT = 240 }; // bytes of texts whose words need no memory of an arena

typedef struct Answer {
    Word *words;
    size_t n;
    Word few[SHORT / 2 + 1];
    char kept[SHORT + SLACK];
} Answer;

static Status split_any(Slice text, Arena *arena, Answer *out, Error *err)
{
    const size_t bad = utf8_invalid_at(text);
    Slice lower, *texts;
    char *kept;
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    TRY(unicode_lower(arena, text, &lower, err));
    TRY(arena_take_raw(arena, lower.len + SLACK, 1, "an answer", &kept, err));
    size_t len = 0;
    for (size_t i = 0; i < lower.len; i++) {
        if (!is_ascii_punctuation(lower.ptr[i])) kept[len++] = lower.ptr[i];
    }
    TRY(arena_take_raw(arena, len / 2 + 1, sizeof *texts, "words", &texts, err));
    TRY(arena_take_raw(arena, len / 2 + 1, sizeof *out->words, "words", &out->words, err));
    out->n = split_words((Slice){kept, len}, texts);
    for (size_t i = 0; i < out->n; i++) put_word(&out->words[i], texts[i]);
    return STATUS_OK;
}

// Words lie in the answer or in the arena.
static Status split_answer(Slice text, Arena *arena, Answer *out, Error *err)
{
    Splitting s = {.kept = out->kept, .words = out->few};
    if (text.len > SHORT) {
        TRY(arena_take_raw(arena, text.len + SLACK, 1, "an answer", &s.kept, err));
        TRY(arena_take_raw(arena, text.len / 2 + 1, sizeof *s.words, "words", &s.words, err));
    }
    out->words = s.words;
    if (!split_printing(text, &s)) return split_any(text, arena, out, err);
    out->n = s.n;
    return STATUS_OK;
}

static Status answer_tokens(const Answer *answer, Arena *arena, Tokens *out, Error *err)
{
    TRY(arena_take_raw(arena, answer->n, sizeof *out->items, "words", &out->items, err));
    for (size_t i = 0; i < answer->n; i++) out->items[i] = answer->words[i].text;
    out->n = answer->n;
    return STATUS_OK;
}

Status squad_words(Slice text, Arena *arena, Tokens *out, Error *err)
{
    Answer *answer;
    *out = (Tokens){0};
    TRY(arena_take_raw(arena, 1, sizeof *answer, "an answer", &answer, err));
    TRY(split_answer(text, arena, answer, err));
    return answer_tokens(answer, arena, out, err);
}

static int compare_words(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

static Status sorted_words(const Tokens *words, Arena *scratch, Slice **out, Error *err)
{
    TRY(arena_take(scratch, words->n, sizeof **out, "words", out, err));
    if (words->n == 0) return STATUS_OK;
    memcpy(*out, words->items, words->n * sizeof **out);
    qsort(*out, words->n, sizeof **out, compare_words);
    return STATUS_OK;
}

Status words_in_common(const Tokens *a, const Tokens *b, Arena *scratch, size_t *n, Error *err)
{
    Slice *left, *right;
    *n = 0;
    TRY(sorted_words(a, scratch, &left, err));
    TRY(sorted_words(b, scratch, &right, err));
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const int order = slice_cmp(left[i], right[j]);
        *n += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return STATUS_OK;
}

static inline bool is_same_word(const Word *a, const Word *b)
{
    return a->key == b->key && a->text.len == b->text.len &&
           (a->text.len <= 8 || memcmp(a->text.ptr, b->text.ptr, a->text.len) == 0);
}

static bool is_same_answer(const Answer *a, const Answer *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!is_same_word(&a->words[i], &b->words[i])) return false;
    }
    return true;
}

enum { FEW = 16 };

// A few words are compared each with each.
static size_t common_of_few(const Answer *a, const Answer *b)
{
    unsigned is_used = 0;
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        unsigned same = 0;
        for (size_t j = 0; j < b->n; j++)
            same |= (unsigned)(b->words[j].key == a->words[i].key) << j;
        for (same &= ~is_used; same != 0; same &= same - 1) {
            const size_t j = (size_t)__builtin_ctz(same);
            if (!is_same_word(&a->words[i], &b->words[j])) continue;
            is_used |= 1u << j;
            n++;
            break;
        }
    }
    return n;
}

static Status answers_in_common(const Answer *a, const Answer *b, Arena *scratch, size_t *n,
                                Error *err)
{
    Tokens left, right;
    if (a->n <= FEW && b->n <= FEW) {
        *n = common_of_few(a, b);
        return STATUS_OK;
    }
    TRY(answer_tokens(a, scratch, &left, err));
    TRY(answer_tokens(b, scratch, &right, err));
    return words_in_common(&left, &right, scratch, n, err);
}

static Status compare_answers(SquadVersion version, const Answer *hypothesis,
                              const Answer *reference, Arena *scratch, SquadScore *best, Error *err)
{
    const bool is_same = is_same_answer(hypothesis, reference);
    double f1 = is_same ? 1 : 0;
    if (hypothesis->n == 0 || reference->n == 0) {
        if (version == SQUAD_1_1) f1 = 0;
    } else if (!is_same) {
        size_t n;
        TRY(answers_in_common(hypothesis, reference, scratch, &n, err));
        f1 = 2 * (double)n / ((double)hypothesis->n + (double)reference->n);
    }
    best->exact = fmax(best->exact, is_same ? 1 : 0);
    best->f1 = fmax(best->f1, f1);
    return STATUS_OK;
}

static Status compare_references(SquadVersion version, const Item *item, Arena *scratch,
                                 SquadScore *out, Error *err)
{
    Answer hypothesis, reference;
    size_t n_compared = 0;
    if (split_answer(item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (out->exact == 1 && out->f1 == 1) break; // the same words in another order are not exact
        const bool is_equal = slice_eq(item->references[r], item->hypothesis);
        const Answer *other = is_equal ? &hypothesis : &reference;
        if (item->references[r].ptr == NULL) continue;
        if (!is_equal && split_answer(item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        if (version == SQUAD_2_0 && other->n == 0) continue;
        n_compared++;
        TRY(compare_answers(version, &hypothesis, other, scratch, out, err));
    }
    if (n_compared > 0) return STATUS_OK;
    reference.n = 0; // 2.0: the answer is to have no words
    return compare_answers(version, &hypothesis, &reference, scratch, out, err);
}

Status squad_score(SquadVersion version, const Item *item, Arena *scratch, SquadScore *out,
                   Error *err)
{
    *out = (SquadScore){0};
    for (size_t r = 0; r < item->n_references; r++) {
        out->has_answer |= item->references[r].ptr != NULL;
    }
    if (version == SQUAD_1_1 && !out->has_answer) {
        return error_set(err, STATUS_INVALID,
                         "has no reference, which version 1.1 does not know: use \"2.0\"");
    }
    return compare_references(version, item, scratch, out, err);
}
