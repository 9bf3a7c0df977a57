// How the SQuAD scripts compare two answers.
//
// Source: Rajpurkar et al. 2016 (1606.05250), 2018 (1806.03822); evaluate-v1.1.py and evaluate-v2.0.py.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
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

// What an ASCII byte is: a blank, a letter or digit, punctuation, or something else.
static const char ascii_kinds[] =
    "xxxxxxxxxSSSSSxxxxxxxxxxxxxxSSSSSPPPPPPPPPPPPPPPwwwwwwwwwwPPPPPP"
    "PwwwwwwwwwwwwwwwwwwwwwwwwwwPPPPPPwwwwwwwwwwwwwwwwwwwwwwwwwwPPPPx";

// Texts of ASCII without control characters in one pass: words are then what stands between blanks. kept [text.len].
static bool split_plain(Slice text, char *kept, Slice *words, size_t *n)
{
    size_t len = 0, begin = 0;
    *n = 0;
    for (size_t i = 0; i <= text.len; i++) {
        const unsigned char byte = i < text.len ? (unsigned char)text.ptr[i] : ' ';
        const int kind = byte < 0x80 ? ascii_kinds[byte] : 'x';
        if (kind == 'w') {
            kept[len++] = (char)(byte | ((unsigned char)(byte - 'A') < 26) << 5);
        } else if (kind == 'S') {
            const Slice word = {kept + begin, len - begin};
            if (word.len > 0 && !is_article(word)) words[(*n)++] = word;
            begin = len;
        } else if (kind == 'x') {
            return false;
        }
    }
    return true;
}

Status squad_words(Slice text, Arena *arena, Tokens *out, Error *err)
{
    char *kept;
    *out = (Tokens){0};
    TRY(arena_take_raw(arena, text.len, 1, "an answer", &kept, err));
    TRY(arena_take_raw(arena, text.len / 2 + 1, sizeof *out->items, "words", &out->items, err));
    if (split_plain(text, kept, out->items, &out->n)) return STATUS_OK;
    out->n = 0;
    const size_t bad = utf8_invalid_at(text);
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    Slice lower;
    TRY(unicode_lower(arena, text, &lower, err));
    TRY(arena_take_raw(arena, lower.len, 1, "an answer", &kept, err));
    size_t len = 0;
    for (size_t i = 0; i < lower.len; i++) {
        if (!is_ascii_punctuation(lower.ptr[i])) kept[len++] = lower.ptr[i];
    }
    TRY(arena_take_raw(arena, len / 2 + 1, sizeof *out->items, "words", &out->items, err));
    out->n = split_words((Slice){kept, len}, out->items);
    return STATUS_OK;
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

static inline bool is_same_word(Slice a, Slice b)
{
    return a.len == b.len && (a.len == 0 || (*a.ptr == *b.ptr && memcmp(a.ptr, b.ptr, a.len) == 0));
}

// A few words are compared each with each.
static size_t common_of_few(const Tokens *a, const Tokens *b)
{
    uint64_t is_used = 0;
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            if (is_used >> j & 1 || !is_same_word(a->items[i], b->items[j])) continue;
            is_used |= UINT64_C(1) << j;
            n++;
            break;
        }
    }
    return n;
}

Status words_in_common(const Tokens *a, const Tokens *b, Arena *scratch, size_t *n, Error *err)
{
    enum { FEW = 16 };
    Slice *left, *right;
    *n = 0;
    if (a->n <= FEW && b->n <= FEW) {
        *n = common_of_few(a, b);
        return STATUS_OK;
    }
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

bool words_equal(const Tokens *a, const Tokens *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!is_same_word(a->items[i], b->items[i])) return false;
    }
    return true;
}

static Status compare_answers(SquadVersion version, const Tokens *hypothesis,
                              const Tokens *reference, Arena *scratch, SquadScore *best, Error *err)
{
    const bool is_equal = words_equal(hypothesis, reference);
    double f1 = 0;
    if (hypothesis->n == 0 || reference->n == 0) {
        f1 = version == SQUAD_2_0 && is_equal ? 1 : 0;
    } else {
        size_t n;
        TRY(words_in_common(hypothesis, reference, scratch, &n, err));
        f1 = 2 * (double)n / ((double)hypothesis->n + (double)reference->n);
    }
    best->exact = fmax(best->exact, is_equal ? 1 : 0);
    best->f1 = fmax(best->f1, f1);
    return STATUS_OK;
}

Status squad_score(SquadVersion version, const Item *item, Arena *scratch, SquadScore *out,
                   Error *err)
{
    Tokens hypothesis, reference = {0};
    size_t n_compared = 0;
    *out = (SquadScore){0};
    if (squad_words(item->hypothesis, scratch, &hypothesis, err) != STATUS_OK) {
        return error_wrap(err, "hypothesis");
    }
    for (size_t r = 0; r < item->n_references; r++) {
        if (item->references[r].ptr == NULL) continue;
        out->has_answer = true;
        if (squad_words(item->references[r], scratch, &reference, err) != STATUS_OK) {
            return error_wrap(err, "reference %zu", r);
        }
        if (version == SQUAD_2_0 && reference.n == 0) continue;
        n_compared++;
        TRY(compare_answers(version, &hypothesis, &reference, scratch, out, err));
    }
    if (version == SQUAD_1_1 && !out->has_answer) {
        return error_set(err, STATUS_INVALID,
                         "has no reference, which version 1.1 does not know: use \"2.0\"");
    }
    if (n_compared > 0) return STATUS_OK;
    reference = (Tokens){0}; // 2.0: the answer is to have no words
    return compare_answers(version, &hypothesis, &reference, scratch, out, err);
}
