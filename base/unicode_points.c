// Unicode point by point: decomposition, composition, scripts, grapheme clusters.
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include "base/unicode_internal.h"

size_t unicode_decompose_compatibility(CodePoint c, CodePoint out[UNICODE_MAX_COMPATIBILITY])
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *rules = unorm2_getNFKDInstance(&code);
    UChar units[2 * UNICODE_MAX_COMPATIBILITY];
    const int32_t n_units =
        unorm2_getDecomposition(rules, c, units, 2 * UNICODE_MAX_COMPATIBILITY, &code);
    if (U_FAILURE(code) || n_units <= 0) {
        out[0] = c;
        return 1;
    }
    int32_t n = 0;
    u_strToUTF32(out, UNICODE_MAX_COMPATIBILITY, &n, units, n_units, &code);
    return (size_t)n;
}

CodePoint unicode_compose(CodePoint first, CodePoint second)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *rules = unorm2_getNFCInstance(&code);
    return U_FAILURE(code) ? -1 : unorm2_composePair(rules, first, second);
}

int unicode_combining_class(CodePoint c)
{
    return u_getCombiningClass(c);
}

const UNormalizer2 *unicode_rules(UnicodeForm form, UErrorCode *code)
{
    switch (form) {
    case UNICODE_NFC:
        return unorm2_getNFCInstance(code);
    case UNICODE_NFD:
        return unorm2_getNFDInstance(code);
    case UNICODE_NFKC:
        return unorm2_getNFKCInstance(code);
    case UNICODE_NFKD:
        return unorm2_getNFKDInstance(code);
    }
    return NULL;
}

bool unicode_begins_segment(CodePoint c, UnicodeForm form)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *rules = unicode_rules(form, &code);
    return U_FAILURE(code) || unorm2_hasBoundaryBefore(rules, c);
}

bool unicode_is_normalized(Slice text, UnicodeForm form)
{
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *rules = unicode_rules(form, &code);
    if (U_FAILURE(code)) return false;
    // Below the first character that any form changes there is nothing to ask.
    const CodePoint quiet = form == UNICODE_NFC ? 0x300 : form == UNICODE_NFD ? 0xC0 : 0xA0;
    int last_class = 0;
    for (size_t at = 0; at < text.len;) {
        const CodePoint c = utf8_next(text, &at);
        if (c < quiet) {
            last_class = 0;
            continue;
        }
        UChar units[2];
        int32_t n = 0;
        UBool failed = 0;
        U16_APPEND(units, n, 2, c, failed);
        if (failed || unorm2_quickCheck(rules, units, n, &code) != UNORM_YES) return false;
        const int class = u_getCombiningClass(c);
        if (class != 0 && class < last_class) return false;
        last_class = class;
    }
    return true;
}

int unicode_script(CodePoint c)
{
    UErrorCode code = U_ZERO_ERROR;
    return (int)uscript_getScript(c, &code);
}

int unicode_script_named(const char *name)
{
    return u_getPropertyValueEnum(UCHAR_SCRIPT, name);
}

// GB4, GB5 (around controls), GB6-GB8 (Hangul), GB9, GB9a, GB9b (marks).
static bool breaks_between(int a, int b)
{
    if (a == U_GCB_CR && b == U_GCB_LF) return false;
    if (a == U_GCB_CONTROL || a == U_GCB_CR || a == U_GCB_LF || b == U_GCB_CONTROL ||
        b == U_GCB_CR || b == U_GCB_LF)
        return true;
    if (a == U_GCB_L && (b == U_GCB_L || b == U_GCB_V || b == U_GCB_LV || b == U_GCB_LVT))
        return false;
    if ((a == U_GCB_LV || a == U_GCB_V) && (b == U_GCB_V || b == U_GCB_T)) return false;
    if ((a == U_GCB_LVT || a == U_GCB_T) && b == U_GCB_T) return false;
    return b != U_GCB_EXTEND && b != U_GCB_ZWJ && b != U_GCB_SPACING_MARK && a != U_GCB_PREPEND;
}

bool unicode_breaks_before(GraphemeState *state, CodePoint c)
{
    const int class = u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK);
    const bool is_pictograph = u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC);
    const int last = state->last - 1;
    bool breaks = state->last == 0 || breaks_between(last, class);
    // GB11: pictographs joined by ZWJ; GB12, GB13: regional indicators in twos.
    if (last == U_GCB_ZWJ && state->in_pictograph && is_pictograph) breaks = false;
    const bool is_regional = class == U_GCB_REGIONAL_INDICATOR;
    if (is_regional && last == U_GCB_REGIONAL_INDICATOR && state->odd_regional) breaks = false;
    state->odd_regional = is_regional && !(state->odd_regional && !breaks);
    state->in_pictograph = is_pictograph || (state->in_pictograph && !breaks &&
                                             (class == U_GCB_EXTEND || class == U_GCB_ZWJ));
    state->last = class + 1;
    return breaks;
}
