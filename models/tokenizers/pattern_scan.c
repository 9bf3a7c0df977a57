// The patterns that most byte-level vocabularies were trained with, scanned by hand.
#include "base/unicode.h"
#include "models/tokenizers/newer.h"
#include "models/tokenizers/pattern.h"

typedef enum PatternClass {
    PATTERN_OTHER,
    PATTERN_LETTER,
    PATTERN_NUMBER,
    PATTERN_SPACE,
    PATTERN_NEWLINE, // a space too: CR and LF
} PatternClass;

enum { O = PATTERN_OTHER, L = PATTERN_LETTER, N = PATTERN_NUMBER, S = PATTERN_SPACE };
static const uint8_t ascii_class[128] = {
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    S,
    PATTERN_NEWLINE,
    S,
    S,
    PATTERN_NEWLINE,
    O,
    O, //
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O, //
    S,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O,
    O, //
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    N,
    O,
    O,
    O,
    O,
    O,
    O, //
    O,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L, //
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    O,
    O,
    O,
    O,
    O, //
    O,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L, //
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    L,
    O,
    O,
    O,
    O,
    O, //
};

static PatternClass slow_class(Slice text, size_t *at)
{
    const CodePoint c = utf8_next(text, at);
    if (c < 0) return PATTERN_OTHER;
    if (unicode_is_white_space(c)) return PATTERN_SPACE;
    const char *category = newer_category(c);
    return category[0] == 'L'   ? PATTERN_LETTER
           : category[0] == 'N' ? PATTERN_NUMBER
                                : PATTERN_OTHER;
}

static inline PatternClass next_class(Slice text, size_t *at)
{
    const unsigned char byte = (unsigned char)text.ptr[*at];
    if (byte >= 0x80) return slow_class(text, at);
    *at += 1;
    return (PatternClass)ascii_class[byte];
}

static bool is_space(PatternClass class)
{
    return class == PATTERN_SPACE || class == PATTERN_NEWLINE;
}

// The end of the run of class at *at, of at most n_most characters.
static size_t run_end(Slice text, size_t at, PatternClass class, size_t n_most)
{
    for (; at < text.len && n_most > 0; n_most--) {
        size_t next = at;
        if (next_class(text, &next) != class) break;
        at = next;
    }
    return at;
}

// The white space at begin, with what a pattern may ask about it.
typedef struct Blanks {
    size_t end;
    size_t last;        // where the last of them begins
    size_t newline_end; // behind the last CR or LF; begin where there is none
} Blanks;

static Blanks blanks_at(Slice text, size_t begin)
{
    Blanks b = {begin, begin, begin};
    while (b.end < text.len) {
        size_t next = b.end;
        const PatternClass class = next_class(text, &next);
        if (!is_space(class)) break;
        b.last = b.end;
        b.end = next;
        if (class == PATTERN_NEWLINE) b.newline_end = next;
    }
    return b;
}

// \s+(?!\S)|\s+: the last blank of a run goes with what follows, a single one stands by itself.
static size_t blanks_end(Slice text, size_t begin, const Blanks *b)
{
    return b->end < text.len && b->last > begin ? b->last : b->end;
}

// 's|'t|'re|'ve|'m|'ll|'d: the length at the front of rest, or 0.
static size_t contraction_len(Slice rest, bool any_case, bool is_ascii)
{
    if (rest.len < 2 || rest.ptr[0] != '\'') return 0;
    const int a = any_case ? rest.ptr[1] | 0x20 : rest.ptr[1];
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    // U+017F, the long s, is an s without its case.
    if (any_case && !is_ascii && slice_starts_with(rest, SLICE("'\xC5\xBF"))) return 3;
    if (rest.len < 3) return 0;
    const int b = any_case ? rest.ptr[2] | 0x20 : rest.ptr[2];
    const bool is_long = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return is_long ? 3 : 0;
}

bool gpt2_next_piece(Slice text, size_t *at, Slice *piece)
{
    const size_t begin = *at;
    if (begin >= text.len) return false;
    size_t end = begin + contraction_len(slice_sub(text, begin, text.len), false, true);
    if (end == begin) {
        size_t next = begin;
        PatternClass class = next_class(text, &next);
        if (text.ptr[begin] == ' ' && next < text.len) {
            const size_t after_blank = next;
            class = next_class(text, &next);
            if (is_space(class)) next = after_blank;
        }
        if (is_space(class)) {
            const Blanks b = blanks_at(text, begin);
            end = blanks_end(text, begin, &b);
        } else {
            end = run_end(text, next, class, SIZE_MAX);
        }
    }
    *piece = (Slice){text.ptr + begin, end - begin};
    *at = end;
    return true;
}

// What stands at begin and is no contraction.
static size_t llama3_end(Slice text, size_t begin, size_t max_digits)
{
    size_t first = begin;
    const PatternClass class = next_class(text, &first);
    if (class == PATTERN_LETTER) return run_end(text, first, PATTERN_LETTER, SIZE_MAX);
    size_t second = first;
    const PatternClass after =
        first < text.len ? next_class(text, &second) : PATTERN_SPACE; // the end is no letter
    if ((class == PATTERN_OTHER || class == PATTERN_SPACE) && after == PATTERN_LETTER)
        return run_end(text, second, PATTERN_LETTER, SIZE_MAX);
    if (class == PATTERN_NUMBER) return run_end(text, first, PATTERN_NUMBER, max_digits - 1);
    const bool blank_first = text.ptr[begin] == ' ' && after == PATTERN_OTHER && first < text.len;
    if (class == PATTERN_OTHER || blank_first) {
        size_t end = run_end(text, first, PATTERN_OTHER, SIZE_MAX);
        while (end < text.len && (text.ptr[end] == '\r' || text.ptr[end] == '\n')) end++;
        return end;
    }
    const Blanks b = blanks_at(text, begin);
    return b.newline_end > begin ? b.newline_end : blanks_end(text, begin, &b);
}

bool llama3_next_piece(Slice text, const Pattern *pattern, size_t *at, Slice *piece)
{
    const size_t begin = *at;
    if (begin >= text.len) return false;
    size_t end = begin + contraction_len(slice_sub(text, begin, text.len), true, pattern->is_ascii);
    if (end == begin) end = llama3_end(text, begin, pattern->max_digits);
    *piece = (Slice){text.ptr + begin, end - begin};
    *at = end;
    return true;
}

bool starcoder_next_piece(Slice text, size_t *at, Slice *piece)
{
    const size_t begin = *at;
    if (begin >= text.len) return false;
    size_t next = begin;
    if (next_class(text, &next) == PATTERN_NUMBER) {
        *piece = (Slice){text.ptr + begin, next - begin};
        *at = next;
        return true;
    }
    // The pattern sees no further than the next digit.
    size_t limit = next;
    while (limit < text.len) {
        size_t after = limit;
        if (next_class(text, &after) == PATTERN_NUMBER) break;
        limit = after;
    }
    return gpt2_next_piece(slice_sub(text, 0, limit), at, piece);
}
