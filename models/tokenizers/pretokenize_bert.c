// BertPreTokenizer: white space separates words, each punctuation character is a word.
#include "models/tokenizers/pretokenizer.h"

typedef enum CharClass { CLASS_WORD, CLASS_SPACE, CLASS_PUNCTUATION } CharClass;

const char *bert_category(CodePoint c)
{
    // Assigned by 8.0 but moved to another category since.
    static const struct {
        CodePoint c;
        const char *category;
    } moved[] = {{0x166D, "Po"}, {0x1734, "Mn"}, {0x1885, "Lo"},
                 {0x1886, "Lo"}, {0xA9BD, "Mc"}, {0x111C9, "Po"}};
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        if (moved[i].c == c) return moved[i].category;
    }
    return unicode_age(c) <= 80 ? unicode_category(c) : "Cn";
}

bool bert_is_punctuation(CodePoint c)
{
    // All of ASCII that is neither letter, digit, blank nor control counts, "$" and "^" included.
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126);
    return bert_category(c)[0] == 'P';
}

static CharClass class_of(CodePoint c)
{
    if (c == ' ' || (c >= 9 && c <= 13)) return CLASS_SPACE;
    if (c < 0x80) return bert_is_punctuation(c) ? CLASS_PUNCTUATION : CLASS_WORD;
    // The great scripts without punctuation or blanks inside, so that they need no look-up.
    if ((c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) ||
        (c >= 0x1100 && c <= 0x11FF))
        return CLASS_WORD;
    if ((c >= 0xC0 && c <= 0x24F) || (c >= 0x391 && c <= 0x481)) return CLASS_WORD;
    if (unicode_is_white_space(c)) return CLASS_SPACE;
    return bert_is_punctuation(c) ? CLASS_PUNCTUATION : CLASS_WORD;
}

// Classes of ASCII, as class_of has them: 1 blank, 2 punctuation.
static const uint8_t ascii_class[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
    1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, //
    2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, //
    2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0, //
};

static CharClass next_class(Slice text, size_t *at)
{
    const unsigned char byte = (unsigned char)text.ptr[*at];
    if (byte < 0x80) {
        *at += 1;
        return (CharClass)ascii_class[byte];
    }
    return class_of(utf8_next(text, at));
}

bool bert_next_word(Slice text, size_t *at, Slice *word)
{
    while (*at < text.len) {
        const size_t begin = *at;
        const CharClass first = next_class(text, at);
        if (first == CLASS_SPACE) continue;
        size_t end = *at;
        while (first == CLASS_WORD && *at < text.len) {
            if (next_class(text, at) != CLASS_WORD) break;
            end = *at;
        }
        *at = end;
        *word = (Slice){text.ptr + begin, end - begin};
        return true;
    }
    return false;
}
