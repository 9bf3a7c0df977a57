#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/uversion.h>

#include "base/size.h"
#include "base/unicode_internal.h"

// ICU counts in int32_t, and UTF-16 takes at most as many units as UTF-8 takes bytes.
enum { MAX_TEXT_BYTES = INT32_MAX / 4 };

static Status icu_error(Error *err, const char *doing, UErrorCode code)
{
    if (code == U_MEMORY_ALLOCATION_ERROR) return error_set_memory(err, 1, 1, doing);
    return error_set(err, STATUS_INTERNAL, "%s: ICU says %s", doing, u_errorName(code));
}

// What every conversion refuses.
static Status check_text(Slice text, Error *err)
{
    if (text.len > MAX_TEXT_BYTES) {
        return error_set(err, STATUS_INVALID,
                         "a text of %zu bytes is too long: at most %d are possible", text.len,
                         MAX_TEXT_BYTES);
    }
    const size_t at = utf8_invalid_at(text);
    if (at == SIZE_MAX) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "the text is not valid UTF-8: byte 0x%02X at offset %zu",
                     (unsigned)(unsigned char)text.ptr[at], at);
}

static bool is_ascii(Slice text)
{
    unsigned char all = 0; // no branch a byte, so that the compiler takes many at once
    for (size_t i = 0; i < text.len; i++) all |= (unsigned char)text.ptr[i];
    return all < 0x80;
}

// ---- Normalisation: ICU's C interface works on UTF-16 ----

static Status to_utf8(Arena *arena, const UChar *text, int32_t len, Slice *out, Error *err)
{
    UErrorCode code = U_ZERO_ERROR;
    int32_t n_bytes = 0;
    u_strToUTF8(NULL, 0, &n_bytes, text, len, &code);
    char *bytes = NULL;
    TRY(arena_take(arena, (size_t)n_bytes + 1, 1, "a normalised text", &bytes, err));
    code = U_ZERO_ERROR;
    u_strToUTF8(bytes, n_bytes + 1, NULL, text, len, &code);
    if (U_FAILURE(code)) return icu_error(err, "normalising", code);
    *out = (Slice){bytes, (size_t)n_bytes};
    return STATUS_OK;
}

static Status normalize_utf16(Arena *arena, const UNormalizer2 *rules, Slice text,
                              const UChar *source, int32_t n_source, Slice *out, Error *err)
{
    UErrorCode code = U_ZERO_ERROR;
    if (unorm2_isNormalized(rules, source, n_source, &code) && U_SUCCESS(code)) {
        *out = text;
        return STATUS_OK;
    }
    code = U_ZERO_ERROR;
    const int32_t n_units = unorm2_normalize(rules, source, n_source, NULL, 0, &code);
    if (code != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(code))
        return icu_error(err, "normalising", code);
    UChar *normal = malloc(((size_t)n_units + 1) * sizeof *normal);
    if (normal == NULL)
        return error_set_memory(err, (size_t)n_units, sizeof *normal, "normalising");
    code = U_ZERO_ERROR;
    unorm2_normalize(rules, source, n_source, normal, n_units + 1, &code);
    const Status s = U_FAILURE(code) ? icu_error(err, "normalising", code)
                                     : to_utf8(arena, normal, n_units, out, err);
    free(normal);
    return s;
}

Status unicode_normalize(Arena *arena, Slice text, UnicodeForm form, Slice *out, Error *err)
{
    if (is_ascii(text)) {
        *out = text;
        return STATUS_OK;
    }
    TRY(check_text(text, err));
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *rules = unicode_rules(form, &code);
    if (U_FAILURE(code)) return icu_error(err, "loading the normalisation data", code);
    UChar *source = malloc((text.len + 1) * sizeof *source);
    if (source == NULL) return error_set_memory(err, text.len, sizeof *source, "normalising");
    int32_t n_source = 0;
    u_strFromUTF8(source, (int32_t)text.len + 1, &n_source, text.ptr, (int32_t)text.len, &code);
    const Status s = U_FAILURE(code)
                         ? icu_error(err, "normalising", code)
                         : normalize_utf16(arena, rules, text, source, n_source, out, err);
    free(source);
    return s;
}

size_t unicode_decompose(CodePoint c, CodePoint out[4])
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *rules = unorm2_getNFDInstance(&code);
    UChar units[8]; // a full canonical decomposition has at most 4 code points
    const int32_t n_units = unorm2_getDecomposition(rules, c, units, 8, &code);
    if (U_FAILURE(code) || n_units <= 0) {
        out[0] = c;
        return 1;
    }
    int32_t n = 0;
    u_strToUTF32(out, 4, &n, units, n_units, &code);
    return (size_t)n;
}

// ---- Case ----

typedef int32_t CaseFunction(const UCaseMap *map, char *out, int32_t capacity, const char *text,
                             int32_t len, UErrorCode *code);

static Status map_case(Arena *arena, CaseFunction *function, Slice text, Slice *out, Error *err)
{
    TRY(check_text(text, err));
    UErrorCode code = U_ZERO_ERROR;
    UCaseMap *map = ucasemap_open("", U_FOLD_CASE_DEFAULT, &code); // "" is the root locale
    if (U_FAILURE(code)) return icu_error(err, "changing case", code);
    const ArenaMark mark = arena_mark(arena);
    size_t capacity = text.len + 1; // most texts keep their length; the second try knows better
    Status s;
    for (;;) {
        char *bytes = NULL;
        s = arena_take(arena, capacity, 1, "a text in another case", &bytes, err);
        if (s != STATUS_OK) break;
        code = U_ZERO_ERROR;
        const int32_t n =
            function(map, bytes, (int32_t)capacity, text.ptr, (int32_t)text.len, &code);
        if (code == U_BUFFER_OVERFLOW_ERROR || (U_SUCCESS(code) && (size_t)n >= capacity)) {
            arena_rewind(arena, mark);
            capacity = (size_t)n + 1;
            continue;
        }
        if (U_FAILURE(code)) s = icu_error(err, "changing case", code);
        *out = (Slice){bytes, (size_t)n};
        break;
    }
    ucasemap_close(map);
    return s;
}

static Status lower_ascii(Arena *arena, Slice text, Slice *out, Error *err)
{
    char *bytes = NULL;
    TRY(arena_take_raw(arena, text.len + 1, 1, "a text in another case", &bytes, err));
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        bytes[i] = (char)(c | ((unsigned char)(c - 'A') < 26) << 5);
    }
    *out = (Slice){bytes, text.len};
    return STATUS_OK;
}

Status unicode_lower(Arena *arena, Slice text, Slice *out, Error *err)
{
    if (is_ascii(text)) return lower_ascii(arena, text, out, err);
    return map_case(arena, ucasemap_utf8ToLower, text, out, err);
}

Status unicode_fold_case(Arena *arena, Slice text, Slice *out, Error *err)
{
    if (is_ascii(text)) return lower_ascii(arena, text, out, err);
    return map_case(arena, ucasemap_utf8FoldCase, text, out, err);
}

CodePoint unicode_upper_point(CodePoint c)
{
    return u_toupper(c);
}

size_t unicode_lower_point(CodePoint c, CodePoint out[3])
{
    if (c ==
        0x130) { // the only code point whose lower case is longer everywhere (SpecialCasing.txt)
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = u_tolower(c);
    return 1;
}

// ---- Properties ----

const char *unicode_category(CodePoint c)
{
    static const char names[U_CHAR_CATEGORY_COUNT][3] = {
        [U_UNASSIGNED] = "Cn",
        [U_UPPERCASE_LETTER] = "Lu",
        [U_LOWERCASE_LETTER] = "Ll",
        [U_TITLECASE_LETTER] = "Lt",
        [U_MODIFIER_LETTER] = "Lm",
        [U_OTHER_LETTER] = "Lo",
        [U_NON_SPACING_MARK] = "Mn",
        [U_ENCLOSING_MARK] = "Me",
        [U_COMBINING_SPACING_MARK] = "Mc",
        [U_DECIMAL_DIGIT_NUMBER] = "Nd",
        [U_LETTER_NUMBER] = "Nl",
        [U_OTHER_NUMBER] = "No",
        [U_SPACE_SEPARATOR] = "Zs",
        [U_LINE_SEPARATOR] = "Zl",
        [U_PARAGRAPH_SEPARATOR] = "Zp",
        [U_CONTROL_CHAR] = "Cc",
        [U_FORMAT_CHAR] = "Cf",
        [U_PRIVATE_USE_CHAR] = "Co",
        [U_SURROGATE] = "Cs",
        [U_DASH_PUNCTUATION] = "Pd",
        [U_START_PUNCTUATION] = "Ps",
        [U_END_PUNCTUATION] = "Pe",
        [U_CONNECTOR_PUNCTUATION] = "Pc",
        [U_OTHER_PUNCTUATION] = "Po",
        [U_MATH_SYMBOL] = "Sm",
        [U_CURRENCY_SYMBOL] = "Sc",
        [U_MODIFIER_SYMBOL] = "Sk",
        [U_OTHER_SYMBOL] = "So",
        [U_INITIAL_PUNCTUATION] = "Pi",
        [U_FINAL_PUNCTUATION] = "Pf",
    };
    return names[u_charType(c)];
}

int unicode_age(CodePoint c)
{
    UVersionInfo version;
    u_charAge(c, version);
    return 10 * version[0] + version[1];
}

bool unicode_is_white_space(CodePoint c)
{
    return u_isUWhiteSpace(c);
}

bool unicode_is_python_space(CodePoint c)
{
    static const struct {
        CodePoint first, last;
    } ranges[] = {
        {0x0009, 0x000D}, {0x001C, 0x0020}, {0x0085, 0x0085}, {0x00A0, 0x00A0}, {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
    };
    if (c > 0x20 && c < 0x85) return false; // most of a text
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i].first; i++) {
        if (c <= ranges[i].last) return true;
    }
    return false;
}

bool unicode_is_alphanumeric(CodePoint c)
{
    return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

int unicode_columns(CodePoint c)
{
    if (c < 0x300) return 1;
    // Medial vowels and final consonants of Hangul join the syllable before them.
    if (c >= 0x1160 && c <= 0x11FF) return 0;
    if ((U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) != 0) return 0;
    const int32_t width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

size_t unicode_text_columns(Slice text)
{
    size_t columns = 0;
    for (size_t at = 0; at < text.len;) columns += (size_t)unicode_columns(utf8_next(text, &at));
    return columns;
}

const char *unicode_version(void)
{
    return "ICU " U_ICU_VERSION ", Unicode " U_UNICODE_VERSION;
}
