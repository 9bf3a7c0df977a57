// Tercom's tokeniser: replacements one after the other, over code points.
//
// Three of the reference's rules cannot apply and are left out: "'s" at the very end, since blanks are put around the
// text first, and, for the same reason, the two pairs that split kana only where they make up the whole text.
#include "base/size.h"
#include "base/unicode.h"
#include "metrics/ter.h"

typedef struct Points {
    CodePoint *items;
    size_t n;
} Points;

typedef struct Range {
    CodePoint first, last;
} Range;

static bool is_in(CodePoint c, const Range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last) return true;
    }
    return false;
}

#define IS_IN(c, ranges) is_in((c), (ranges), sizeof(ranges) / sizeof *(ranges))

static bool is_digit(CodePoint c)
{
    return c >= '0' && c <= '9';
}

static bool is_point(CodePoint c)
{
    return c == '.' || c == ',';
}

static bool is_western_symbol(CodePoint c)
{
    static const Range ranges[] = {{'{', '~'}, {'[', '`'}, {' ', '&'},
                                   {'(', '+'}, {':', '@'}, {'/', '/'}};
    return IS_IN(c, ranges);
}

static bool is_asian_punctuation(CodePoint c)
{
    static const Range ranges[] = {{0x3001, 0x3002}, {0x3008, 0x3011}, {0x3014, 0x301f},
                                   {0xff61, 0xff65}, {0x30fb, 0x30fb}, {0xff0e, 0xff0e},
                                   {0xff0c, 0xff0c}, {0xff1f, 0xff1f}, {0xff1a, 0xff1b},
                                   {0xff01, 0xff02}, {0xff08, 0xff09}};
    return IS_IN(c, ranges);
}

// The reference writes U+3200..U+3F22 where the block ends at U+32FF.
static bool is_asian_alone(CodePoint c)
{
    static const Range ranges[] = {{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x31c0, 0x31ef},
                                   {0x2e80, 0x2eff}, {0x3300, 0x33ff}, {0xf900, 0xfaff},
                                   {0xfe30, 0xfe4f}, {0x3200, 0x3f22}};
    return IS_IN(c, ranges) || is_asian_punctuation(c);
}

static bool is_dropped(CodePoint c)
{
    static const Range ranges[] = {{'.', '.'}, {',', ','}, {'?', '?'},
                                   {':', ';'}, {'!', '"'}, {'(', ')'}};
    return IS_IN(c, ranges);
}

// ---- Replacements; each may make a text up to three times as long ----

static Status room_for(Points *text, Arena *arena, Points *out, Error *err)
{
    size_t n;
    *out = (Points){0};
    if (!size_mul(text->n, 3, &n) || !size_add(n, 2, &n)) {
        return error_set_memory(err, text->n, 3, "a text");
    }
    return arena_take(arena, n, sizeof *out->items, "a text", &out->items, err);
}

static void put(Points *out, CodePoint c)
{
    out->items[out->n++] = c;
}

static void drop(Points *text, bool (*is_one)(CodePoint))
{
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        if (!is_one(text->items[i])) text->items[n++] = text->items[i];
    }
    text->n = n;
}

// In place; `to` is one code point or none (-1).
static void replace_text(Points *text, const char *from, CodePoint to)
{
    const size_t len = slice_from_cstr(from).len;
    size_t n = 0;
    for (size_t i = 0; i < text->n;) {
        size_t same = 0;
        while (same < len && i + same < text->n && text->items[i + same] == from[same]) same++;
        if (same < len) {
            text->items[n++] = text->items[i++];
            continue;
        }
        if (to >= 0) text->items[n++] = to;
        i += len;
    }
    text->n = n;
}

static Status wrap(Points *text, bool (*is_one)(CodePoint), Arena *arena, Error *err)
{
    Points out;
    TRY(room_for(text, arena, &out, err));
    for (size_t i = 0; i < text->n; i++) {
        const bool is_wrapped = is_one(text->items[i]);
        if (is_wrapped) put(&out, ' ');
        put(&out, text->items[i]);
        if (is_wrapped) put(&out, ' ');
    }
    *text = out;
    return STATUS_OK;
}

// "'s " -> " 's ".
static Status split_possessives(Points *text, Arena *arena, Error *err)
{
    Points out;
    TRY(room_for(text, arena, &out, err));
    for (size_t i = 0; i < text->n; i++) {
        const CodePoint *c = text->items + i;
        if (i + 2 < text->n && c[0] == '\'' && c[1] == 's' && c[2] == ' ') put(&out, ' ');
        put(&out, *c);
    }
    *text = out;
    return STATUS_OK;
}

// Pairs of neighbours are taken from the left, without overlap, and blanks put into them.
typedef enum PairRule {
    POINT_AFTER_OTHER,  // x. -> "x . "
    POINT_BEFORE_OTHER, // .x -> " . x"
    DASH_AFTER_DIGIT    // 1- -> "1 - "
} PairRule;

static bool is_pair(PairRule rule, CodePoint a, CodePoint b)
{
    switch (rule) {
    case POINT_AFTER_OTHER:
        return !is_digit(a) && is_point(b);
    case POINT_BEFORE_OTHER:
        return is_point(a) && !is_digit(b);
    case DASH_AFTER_DIGIT:
        break;
    }
    return is_digit(a) && b == '-';
}

static Status split_pairs(Points *text, PairRule rule, Arena *arena, Error *err)
{
    Points out;
    TRY(room_for(text, arena, &out, err));
    for (size_t i = 0; i < text->n; i++) {
        const CodePoint a = text->items[i];
        if (i + 1 == text->n || !is_pair(rule, a, text->items[i + 1])) {
            put(&out, a);
            continue;
        }
        if (rule == POINT_BEFORE_OTHER) put(&out, ' ');
        put(&out, a);
        put(&out, ' ');
        put(&out, text->items[++i]);
        if (rule != POINT_BEFORE_OTHER) put(&out, ' ');
    }
    *text = out;
    return STATUS_OK;
}

static Status pad(Points *text, Arena *arena, Error *err)
{
    Points out;
    TRY(room_for(text, arena, &out, err));
    put(&out, ' ');
    for (size_t i = 0; i < text->n; i++) put(&out, text->items[i]);
    put(&out, ' ');
    *text = out;
    return STATUS_OK;
}

static Status normalize(const TercomOptions *options, Points *text, Arena *arena, Error *err)
{
    replace_text(text, "\n-", -1);
    replace_text(text, "\n", ' ');
    replace_text(text, "&quot;", '"');
    replace_text(text, "&amp;", '&');
    replace_text(text, "&lt;", '<');
    replace_text(text, "&gt;", '>');
    TRY(pad(text, arena, err));
    TRY(wrap(text, is_western_symbol, arena, err));
    TRY(split_possessives(text, arena, err));
    TRY(split_pairs(text, POINT_AFTER_OTHER, arena, err));
    TRY(split_pairs(text, POINT_BEFORE_OTHER, arena, err));
    TRY(split_pairs(text, DASH_AFTER_DIGIT, arena, err));
    return options->has_asian ? wrap(text, is_asian_alone, arena, err) : STATUS_OK;
}

static Status decode(Slice text, Arena *arena, Points *out, Error *err)
{
    *out = (Points){0};
    TRY(arena_take(arena, text.len, sizeof *out->items, "a text", &out->items, err));
    for (size_t offset = 0; offset < text.len;) put(out, utf8_next(text, &offset));
    while (out->n > 0 && unicode_is_python_space(out->items[out->n - 1])) out->n--;
    return STATUS_OK;
}

static Status encode(const Points *text, Arena *arena, Slice *out, Error *err)
{
    char *bytes;
    size_t len = 0;
    TRY(arena_take(arena, text->n, 4, "a text", &bytes, err));
    for (size_t i = 0; i < text->n; i++) len += utf8_encode(text->items[i], bytes + len);
    *out = (Slice){bytes, len};
    return STATUS_OK;
}

Status tercom_tokens(const TercomOptions *options, Slice text, Arena *arena, Tokens *out,
                     Error *err)
{
    const size_t bad = utf8_invalid_at(text);
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    if (!options->is_normalized && !options->has_no_punct) {
        return tokenize_text(TOKENIZER_NONE, text, !options->is_cased, arena, out, err);
    }
    Points points;
    if (!options->is_cased) TRY(unicode_lower(arena, text, &text, err));
    TRY(decode(text, arena, &points, err));
    if (options->is_normalized) TRY(normalize(options, &points, arena, err));
    if (options->has_no_punct) drop(&points, is_dropped);
    if (options->has_no_punct && options->has_asian) drop(&points, is_asian_punctuation);
    TRY(encode(&points, arena, &text, err));
    return tokenize_text(TOKENIZER_NONE, text, false, arena, out, err);
}
