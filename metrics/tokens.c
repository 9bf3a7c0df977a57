#include "metrics/tokens.h"

#include <string.h>

#include "base/unicode.h"
#include "metrics/eight_bytes.h"
#include "metrics/mecab.h"

const char *const tokenizer_names[N_TOKENIZERS] = {"13a",       "intl",      "zh",       "char",
                                                   "none",      "ja-mecab",  "ko-mecab", "spm",
                                                   "flores101", "flores200", "spBLEU-1K"};

// What a character means to a tokeniser's rules.
typedef enum CharClass {
    CHAR_NOTHING, // before the first and after the last character
    CHAR_SPACE = 'S',
    CHAR_OTHER = 'o',
    CHAR_NUMBER = 'n',
    CHAR_ALONE = 'A',  // always a token of its own
    CHAR_POINT = 'P',  // a token of its own unless numbers hold it
    CHAR_HYPHEN = 'H', // a token of its own after a number
} CharClass;

// A tokeniser's classes: of ASCII by table, of the rest by a function that is not asked about white space.
typedef struct Classes {
    const char *ascii; // [128]
    CharClass (*classify)(CodePoint c);
} Classes;

static CharClass classify_other(CodePoint c)
{
    (void)c;
    return CHAR_OTHER;
}

static CharClass classify_alone(CodePoint c)
{
    (void)c;
    return CHAR_ALONE;
}

static CharClass classify_intl(CodePoint c)
{
    switch (unicode_category(c)[0]) {
    case 'P':
        return CHAR_POINT;
    case 'N':
        return CHAR_NUMBER;
    case 'S':
        return CHAR_ALONE;
    default:
        return CHAR_OTHER;
    }
}

// The reference's table, with its two slips: it writes U+20000..2A6D6 and U+2F800..2FA1D with four digits, which makes
// them U+2001..2A6D and U+2F81..2FA1.
static bool is_chinese(CodePoint c)
{
    static const CodePoint ranges[][2] = {
        {0x3400, 0x4db5}, {0x4e00, 0x9fa5}, {0x9fa6, 0x9fbb}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
        {0xfa70, 0xfad9}, {0x2001, 0x2a6d}, {0x2f81, 0x2fa1}, {0xff00, 0xffef}, {0x2e80, 0x2eff},
        {0x3000, 0x303f}, {0x31c0, 0x31ef}, {0x2f00, 0x2fdf}, {0x2ff0, 0x2fff}, {0x3100, 0x312f},
        {0x31a0, 0x31bf}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f}, {0x2600, 0x26ff}, {0x2700, 0x27bf},
        {0x3200, 0x32ff}, {0x3300, 0x33ff}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    }
    return false;
}

static CharClass classify_zh(CodePoint c)
{
    return is_chinese(c) ? CHAR_ALONE : CHAR_OTHER;
}

static bool is_mecab(TokenizerKind kind, MecabLanguage *language)
{
    *language = kind == TOKENIZER_KO_MECAB ? MECAB_KOREAN : MECAB_JAPANESE;
    return kind == TOKENIZER_JA_MECAB || kind == TOKENIZER_KO_MECAB;
}

Status word_tokenizer_open(TokenizerKind kind, Error *err)
{
    MecabLanguage language;
    if (needs_splitter(kind)) {
        return error_set(err, STATUS_INVALID,
                         "tokenize \"%s\" works with a SentencePiece model: assay score bleu "
                         "--spm-model FILE, or \"spm_model\" in a case's params",
                         tokenizer_names[kind]);
    }
    return is_mecab(kind, &language) ? mecab_open(language, err) : STATUS_OK;
}

Status word_tokenizer_signature(TokenizerKind kind, Arena *arena, const char **out, Error *err)
{
    MecabLanguage language;
    const char *version;
    *out = tokenizer_names[kind];
    if (!is_mecab(kind, &language)) return STATUS_OK;
    TRY(mecab_version(language, &version, err));
    *out = arena_printf(arena, "%s-%s", tokenizer_names[kind], version);
    return *out != NULL ? STATUS_OK : error_set_memory(err, 1, 64, "a signature");
}

// The apostrophe is no symbol in 13a: "isn't" stays whole.
static const char ascii_13a[] = "oooooooooSSSSSooooooooooooooSSSSSAAAAAAoAAAAPHPAnnnnnnnnnnAAAAAA"
                                "AooooooooooooooooooooooooooAAAAAAooooooooooooooooooooooooooAAAAo";
static const char ascii_intl[] = "oooooooooSSSSSooooooooooooooSSSSSPPPAPPPPPPAPPPPnnnnnnnnnnPPAAAP"
                                 "PooooooooooooooooooooooooooPPPAPAooooooooooooooooooooooooooPAPAo";
static const char ascii_char[] = "AAAAAAAAASSSSSAAAAAAAAAAAAAASSSSSAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
static const char ascii_none[] = "oooooooooSSSSSooooooooooooooSSSSSooooooooooooooooooooooooooooooo"
                                 "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo";

static const Classes classes_all[N_TOKENIZERS] = {
    [TOKENIZER_13A] = {ascii_13a, classify_other},
    [TOKENIZER_INTL] = {ascii_intl, classify_intl},
    [TOKENIZER_ZH] = {ascii_13a, classify_zh},
    [TOKENIZER_CHAR] = {ascii_char, classify_alone},
    [TOKENIZER_NONE] = {ascii_none, classify_other},
    [TOKENIZER_JA_MECAB] = {ascii_none,
                            classify_other}, // what MeCab gives has blanks between words
    [TOKENIZER_KO_MECAB] = {ascii_none, classify_other},
};

static CharClass class_of(const Classes *classes, Slice text, size_t *offset)
{
    const unsigned char byte = (unsigned char)text.ptr[*offset];
    if (byte < 0x80) {
        ++*offset;
        return (CharClass)classes->ascii[byte];
    }
    const CodePoint c = utf8_next(text, offset);
    return unicode_is_python_space(c) ? CHAR_SPACE : classes->classify(c);
}

// Other and number: neither ends a token.
static bool is_inside(char class_name)
{
    return class_name >= 'a';
}

// The rules as one pass. The reference runs "non-number, point" over the text, then "point, non-number", each without
// overlap; that comes to: a point stands alone if what comes before it is no number (and was not itself taken by the
// first rule), or if what comes after it is no number. edge is what lies beyond both ends: 13a puts blanks there. Letters
// and digits, which are most of a text, end no token: they are passed over before anything else is asked.
static size_t split(Slice text, const Classes *classes, CharClass edge, Slice *tokens)
{
    size_t n = 0, begin = 0;
    CharClass before = edge;
    bool has_taken = false; // whether the first rule took the character before
    const bool is_passed = is_inside(classes->ascii['a']);
    ByteScan scan = {0};
    for (size_t offset = 0; offset < text.len;) {
        const size_t end = is_passed ? scan_past(&scan, text, offset, alphanumerics_among) : offset;
        if (end > offset) {
            before = (CharClass)classes->ascii[(unsigned char)text.ptr[end - 1]];
            has_taken = false;
            offset = end;
            if (offset == text.len) break;
        }
        const size_t at_begin = offset;
        const CharClass at = class_of(classes, text, &offset);
        if (is_inside((char)at)) {
            before = at;
            has_taken = false;
            continue;
        }
        bool is_alone = at == CHAR_ALONE || (at == CHAR_HYPHEN && before == CHAR_NUMBER);
        bool is_taken = false;
        if (at == CHAR_POINT) {
            size_t next = offset;
            const CharClass after = offset < text.len ? class_of(classes, text, &next) : edge;
            is_taken = before != CHAR_NOTHING && before != CHAR_NUMBER && !has_taken;
            is_alone = is_taken || (after != CHAR_NOTHING && after != CHAR_NUMBER);
        }
        if (is_alone || at == CHAR_SPACE) {
            if (at_begin > begin) tokens[n++] = slice_sub(text, begin, at_begin);
            if (is_alone) tokens[n++] = slice_sub(text, at_begin, offset);
            begin = offset;
        }
        has_taken = is_taken;
        before = at;
    }
    if (begin < text.len) tokens[n++] = slice_sub(text, begin, text.len);
    return n;
}

static size_t replace_all(char *text, size_t len, Slice from, Slice to)
{
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        if (len - i >= from.len && memcmp(text + i, from.ptr, from.len) == 0) {
            if (to.len > 0) memmove(text + out, to.ptr, to.len);
            out += to.len;
            i += from.len;
        } else {
            text[out++] = text[i++];
        }
    }
    return out;
}

// 13a's clean-up, one replacement after the other: "&amp;lt;" ends as "<". No replacement is longer than what it replaces.
static Status clean_13a(Arena *arena, Slice text, Slice *out, Error *err)
{
    static const Slice rules[][2] = {
        {SLICE_LIT("<skipped>"), SLICE_LIT("")}, {SLICE_LIT("-\n"), SLICE_LIT("")},
        {SLICE_LIT("\n"), SLICE_LIT(" ")},       {SLICE_LIT("&quot;"), SLICE_LIT("\"")},
        {SLICE_LIT("&amp;"), SLICE_LIT("&")},    {SLICE_LIT("&lt;"), SLICE_LIT("<")},
        {SLICE_LIT("&gt;"), SLICE_LIT(">")}};
    *out = text;
    const bool is_clean =
        slice_find_byte(text, '&') == SIZE_MAX && slice_find_byte(text, '\n') == SIZE_MAX &&
        (slice_find_byte(text, '<') == SIZE_MAX || slice_find(text, rules[0][0]) == SIZE_MAX);
    if (is_clean) return STATUS_OK;
    char *copy;
    TRY(arena_take_raw(arena, text.len, 1, "a text", &copy, err));
    memcpy(copy, text.ptr, text.len);
    size_t len = text.len;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        len = replace_all(copy, len, rules[i][0], rules[i][1]);
    }
    *out = (Slice){copy, len};
    return STATUS_OK;
}

// Without white space at the ends, in Python's sense.
static Slice strip(Slice text, bool is_left_stripped)
{
    size_t begin = 0, end = text.len;
    while (end > 0) {
        size_t at = end - 1;
        while (at > 0 && ((unsigned char)text.ptr[at] & 0xC0) == 0x80) at--;
        size_t offset = at;
        if (!unicode_is_python_space(utf8_next(text, &offset))) break;
        end = at;
    }
    while (is_left_stripped && begin < end) {
        size_t offset = begin;
        if (!unicode_is_python_space(utf8_next(text, &offset))) break;
        begin = offset;
    }
    return slice_sub(text, begin, end);
}

static Status split_at_blanks(TokenizerKind kind, Slice text, Arena *arena, Tokens *out, Error *err)
{
    TRY(arena_take_raw(arena, text.len + 1, sizeof *out->items, "tokens", &out->items, err));
    const CharClass edge = kind == TOKENIZER_13A ? CHAR_SPACE : CHAR_NOTHING;
    out->text_end = text.len > 0 ? text.ptr + text.len : text.ptr; // it may have no place
    out->n = split(text, &classes_all[kind], edge, out->items);
    return STATUS_OK;
}

static Status prepare_text(Slice *text, bool is_lowercased, Arena *arena, Error *err)
{
    const size_t bad = utf8_invalid_at(*text);
    if (bad != SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8", bad);
    }
    return is_lowercased ? unicode_lower(arena, *text, text, err) : STATUS_OK;
}

Status tokenize_by(const WordSplitter *splitter, Slice text, bool is_lowercased, Arena *arena,
                   Tokens *out, Error *err)
{
    *out = (Tokens){0};
    TRY(prepare_text(&text, is_lowercased, arena, err));
    TRY(splitter->split(splitter->context, strip(text, false), arena, &text, err));
    return split_at_blanks(TOKENIZER_NONE, text, arena, out, err);
}

Status tokenize_text(TokenizerKind kind, Slice text, bool is_lowercased, Arena *arena, Tokens *out,
                     Error *err)
{
    MecabLanguage language;
    *out = (Tokens){0};
    TRY(prepare_text(&text, is_lowercased, arena, err));
    const bool has_mecab = is_mecab(kind, &language);
    text = strip(text, kind == TOKENIZER_ZH || has_mecab);
    if (has_mecab) TRY(mecab_wakati(language, text, arena, &text, err));
    if (kind == TOKENIZER_13A) TRY(clean_13a(arena, text, &text, err));
    return split_at_blanks(kind, text, arena, out, err);
}
