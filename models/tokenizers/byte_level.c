// Byte-level vocabularies: the spelling of bytes as characters, the GPT-2 pattern, and the way back.
#include "models/tokenizers/tokenizer_internal.h"

// Bytes that stand for themselves: printable and no blank in Latin-1.
static bool is_printable(int byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

CodePoint byte_level_char(unsigned char byte)
{
    if (is_printable(byte)) return byte;
    // The others in order: 0x00-0x20 (33 of them), 0x7F-0xA0 (34), 0xAD.
    if (byte <= 0x20) return 0x100 + byte;
    if (byte <= 0xA0) return 0x100 + 33 + (byte - 0x7F);
    return 0x100 + 33 + 34;
}

int byte_level_byte(CodePoint c)
{
    if (c >= 0 && c < 0x100) return is_printable(c) ? c : -1;
    if (c < 0x100 || c > 0x100 + 67) return -1;
    const int index = c - 0x100;
    return index < 33 ? index : index < 67 ? index - 33 + 0x7F : 0xAD;
}

void byte_level_spell(Buffer *out, Slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char utf8[4];
        const size_t len = utf8_encode(byte_level_char((unsigned char)bytes.ptr[i]), utf8);
        buffer_append(out, (Slice){utf8, len});
    }
}

// ---- the GPT-2 pattern ----

typedef enum PatternClass {
    PATTERN_OTHER,
    PATTERN_LETTER,
    PATTERN_NUMBER,
    PATTERN_SPACE
} PatternClass;

static PatternClass next_class(Slice text, size_t *at)
{
    const unsigned char byte = (unsigned char)text.ptr[*at];
    if (byte < 0x80) {
        *at += 1;
        if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return PATTERN_LETTER;
        if (byte >= '0' && byte <= '9') return PATTERN_NUMBER;
        return byte == ' ' || (byte >= 9 && byte <= 13) ? PATTERN_SPACE : PATTERN_OTHER;
    }
    const CodePoint c = utf8_next(text, at);
    if (c < 0) return PATTERN_OTHER;
    if (unicode_is_white_space(c)) return PATTERN_SPACE;
    const char *category = unicode_category(c);
    return category[0] == 'L'   ? PATTERN_LETTER
           : category[0] == 'N' ? PATTERN_NUMBER
                                : PATTERN_OTHER;
}

// The end of the run of class at *at, which must not be the end of text.
static size_t run_end(Slice text, size_t at, PatternClass class)
{
    while (at < text.len) {
        size_t next = at;
        if (next_class(text, &next) != class) break;
        at = next;
    }
    return at;
}

static size_t contraction_len(Slice rest)
{
    static const Slice contractions[] = {SLICE_LIT("'s"),  SLICE_LIT("'t"), SLICE_LIT("'re"),
                                         SLICE_LIT("'ve"), SLICE_LIT("'m"), SLICE_LIT("'ll"),
                                         SLICE_LIT("'d")};
    for (size_t i = 0; i < sizeof contractions / sizeof *contractions; i++) {
        if (slice_starts_with(rest, contractions[i])) return contractions[i].len;
    }
    return 0;
}

// White space at begin, no single blank before a run: \s+(?!\S) leaves the last one for what follows, \s+ takes a
// single one.
static size_t blanks_end(Slice text, size_t begin)
{
    size_t last = begin, end = begin;
    while (end < text.len) {
        size_t next = end;
        if (next_class(text, &next) != PATTERN_SPACE) break;
        last = end;
        end = next;
    }
    return end < text.len && last > begin ? last : end;
}

bool gpt2_next_piece(Slice text, size_t *at, Slice *piece)
{
    const size_t begin = *at;
    if (begin >= text.len) return false;
    size_t end = begin;
    if (text.ptr[begin] == '\'') end += contraction_len(slice_sub(text, begin, text.len));
    if (end == begin) {
        size_t next = begin;
        PatternClass class = next_class(text, &next);
        if (text.ptr[begin] == ' ' && next < text.len) {
            const size_t after_blank = next;
            class = next_class(text, &next);
            if (class == PATTERN_SPACE) next = after_blank;
        }
        end = class == PATTERN_SPACE ? blanks_end(text, begin) : run_end(text, next, class);
    }
    *piece = (Slice){text.ptr + begin, end - begin};
    *at = end;
    return true;
}

// ---- the way back ----

// Bytes of the longest start of a character at the front of text, which utf8_next refused: at least 1.
static size_t broken_len(Slice text)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    const size_t wanted = s[0] >= 0xF0 && s[0] <= 0xF4  ? 4
                          : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
                          : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                                                        : 1;
    // The second byte's bounds leave out overlong forms, surrogates and what lies above U+10FFFF.
    const unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    size_t len = 1;
    while (len < wanted && len < text.len && s[len] >= (len == 1 ? low : 0x80) &&
           s[len] <= (len == 1 ? high : 0xBF))
        len++;
    return len;
}

void utf8_append_lossy(Buffer *out, Slice bytes)
{
    for (size_t at = 0, good = 0; at < bytes.len;) {
        const size_t begin = at;
        const bool is_valid = utf8_next(bytes, &at) >= 0;
        if (!is_valid) {
            buffer_append(out, slice_sub(bytes, good, begin));
            buffer_append(out, SLICE("\xEF\xBF\xBD"));
            at = begin + broken_len(slice_sub(bytes, begin, bytes.len));
            good = at;
        }
        if (at == bytes.len) buffer_append(out, slice_sub(bytes, good, at));
    }
}
