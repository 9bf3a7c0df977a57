// base/unicode.h: Unicode through ICU, in UTF-8.
//
// ICU's version is part of what a result depends on, so unicode_version goes into manifests and signatures.
#ifndef ASSAY_BASE_UNICODE_H
#define ASSAY_BASE_UNICODE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef int32_t CodePoint;

// Decodes one code point at *offset and moves it on. Broken bytes give -1 and move by one byte. Precondition:
// *offset < text.len. No ICU involved.
CodePoint utf8_next(Slice text, size_t *offset);
// Writes 1 to 4 bytes and returns how many; code points outside Unicode and surrogates give U+FFFD.
size_t utf8_encode(CodePoint c, char out[4]);
// The offset of the first byte that is not valid UTF-8 (overlong forms and surrogates are invalid), or SIZE_MAX.
size_t utf8_invalid_at(Slice text);
// Code points in valid UTF-8; broken bytes count one each.
size_t utf8_count(Slice text);

typedef enum UnicodeForm { UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD } UnicodeForm;
// Normalised copy in the arena (the text itself where it already is in that form). Input must be valid UTF-8.
Status unicode_normalize(Arena *arena, Slice text, UnicodeForm form, Slice *out,
                         Error *err) MUST_CHECK;
// Canonical decomposition of one code point: at most 4 results. Returns how many (1 = itself).
size_t unicode_decompose(CodePoint c, CodePoint out[4]);
// The same for the compatibility decomposition (U+FDFA has 18, the longest).
enum { UNICODE_MAX_COMPATIBILITY = 18 };
size_t unicode_decompose_compatibility(CodePoint c, CodePoint out[UNICODE_MAX_COMPATIBILITY]);
// The composite of two code points in NFC, or -1.
CodePoint unicode_compose(CodePoint first, CodePoint second);
int unicode_combining_class(CodePoint c); // 0 to 254
// Whether a text can be cut before c and both sides be brought into the form on their own.
bool unicode_begins_segment(CodePoint c, UnicodeForm form);
// Whether text, valid UTF-8, is known to be in that form; false may also mean that no quick answer exists.
bool unicode_is_normalized(Slice text, UnicodeForm form);
// Full, language-neutral lower-casing of a text (final sigma, U+0130 -> "i" + U+0307).
Status unicode_lower(Arena *arena, Slice text, Slice *out, Error *err) MUST_CHECK;
// Lower-casing of one code point without context: at most 3 results. Returns how many.
CodePoint unicode_upper_point(CodePoint c); // simple mapping: one code point
size_t unicode_lower_point(CodePoint c, CodePoint out[3]);
// Full case folding.
Status unicode_fold_case(Arena *arena, Slice text, Slice *out, Error *err) MUST_CHECK;

// Two-letter general category, such as "Lu", "Mn", "Cc", "Zs"; "Cn" for unassigned.
const char *unicode_category(CodePoint c);
// The Unicode version that first has c, as 10 * major + minor (8.0 is 80); 0 for unassigned. For rules that are pinned to
// an older version.
int unicode_age(CodePoint c);
// White_Space property; this is not Python's str.isspace, which also has U+001C..U+001F.
bool unicode_is_white_space(CodePoint c);
// Python's str.isspace for one code point: bidirectional type WS, B or S, or category Zs (goldens/metrics: conventions).
bool unicode_is_python_space(CodePoint c);
bool unicode_is_alphanumeric(CodePoint c); // categories L* and N*, as Python's str.isalnum
// A number for the script of c (ISO 15924 by ICU's numbering); unicode_script_named finds the number of a name ("Hani", "Han").
int unicode_script(CodePoint c);
int unicode_script_named(const char *name);
// Grapheme clusters of Unicode, with UAX 29's rules but GB9c: a text without state is {0}; unicode_breaks_before says
// whether a cluster ends before c, which comes next, and takes c in.
typedef struct GraphemeState {
    int last; // the class of the character before, + 1; 0 at the start of a text
    bool in_pictograph, odd_regional;
} GraphemeState;
bool unicode_breaks_before(GraphemeState *state, CodePoint c);
// Columns on a terminal: 0 for combining marks, 2 for wide characters, else 1.
int unicode_columns(CodePoint c);
// Columns of a whole text.
size_t unicode_text_columns(Slice text);

const char *unicode_version(void); // "ICU 72.1, Unicode 15.0"

#endif
