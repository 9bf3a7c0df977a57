// Oniguruma's expressions (Ruby syntax, UTF-8) in PCRE2's words, where the two differ:
//   \w \W   letters, marks, numbers and connectors; PCRE2 10.42 leaves out marks; \b \B are their borders
//   \h \H   hexadecimal digits, not blanks
//   \s \S   the property White_Space; PCRE2 adds U+180E
//   (?m)    the dot matches line ends: PCRE2's (?s). ^ and $ are of lines always: PCRE2_MULTILINE
//   x{2}+   repeated once or more, not possessive
// What PCRE2 lacks (&& in a class) is refused there, with the place.
#include "models/tokenizers/pattern.h"

#define CLASS_WORD "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24B6}-\\x{24E9}"
// Of other numbers those of Latin-1 are word characters to Oniguruma, but within [ ] they are not.
#define WORD CLASS_WORD "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"
// All categories that CLASS_WORD has not; circled letters, which are signs, come along.
#define CLASS_NOT_WORD                                             \
    "\\p{C}\\p{Z}\\p{S}\\p{No}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}" \
    "\\p{Po}"
#define WORD_BORDER    "(?:(?<=[" WORD "])(?![" WORD "])|(?<![" WORD "])(?=[" WORD "]))"
#define NO_WORD_BORDER "(?:(?<=[" WORD "])(?=[" WORD "])|(?<![" WORD "])(?![" WORD "]))"
#define SPACE          "\\x{9}-\\x{D}\\x{20}\\x{85}\\p{Z}"
#define CLASS_NOT_SPACE                                          \
    "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Cn}\\p{Co}\\p{Cs}" \
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}\\x{7F}-\\x{84}\\x{86}-\\x{9F}"
#define HEX "0-9A-Fa-f"

enum { MAX_GROUPS = 256 };

typedef struct Translation {
    Slice in;
    size_t at;
    Buffer *out;
    size_t class_depth;        // of [ ]
    size_t groups[MAX_GROUPS]; // where open groups begin in out
    size_t n_groups;
    size_t atom; // where the last atom begins in out
} Translation;

static void begin_atom(Translation *t)
{
    if (t->class_depth == 0) t->atom = t->out->len;
}

// A class of ours: its members within [ ], else with brackets of its own.
static Status put_class(Translation *t, const char *members, char letter, Error *err)
{
    if (t->class_depth == 0) {
        buffer_append_cstr(t->out, letter >= 'A' && letter <= 'Z' ? "[^" : "[");
        buffer_append_cstr(t->out, members);
        buffer_append_byte(t->out, ']');
        return STATUS_OK;
    }
    if (letter == 'H')
        return error_set(err, STATUS_INVALID,
                         "the regular expression \"" SLICE_FMT
                         "\" has \\H within a class, which is not supported: spell it out",
                         SLICE_ARG(t->in));
    buffer_append_cstr(t->out, letter == 'w'   ? CLASS_WORD
                               : letter == 'W' ? CLASS_NOT_WORD
                               : letter == 'S' ? CLASS_NOT_SPACE
                                               : members);
    return STATUS_OK;
}

static Status put_escape(Translation *t, Error *err)
{
    begin_atom(t);
    if (t->at + 1 >= t->in.len) {
        buffer_append_byte(t->out, '\\');
        t->at++;
        return STATUS_OK; // PCRE2 says what is wrong
    }
    const char letter = t->in.ptr[t->at + 1];
    t->at += 2;
    switch (letter) {
    case 'w':
    case 'W':
        return put_class(t, WORD, letter, err);
    case 's':
    case 'S':
        return put_class(t, SPACE, letter, err);
    case 'h':
    case 'H':
        return put_class(t, HEX, letter, err);
    case 'b':
    case 'B':
        if (t->class_depth == 0) {
            buffer_append_cstr(t->out, letter == 'b' ? WORD_BORDER : NO_WORD_BORDER);
            return STATUS_OK;
        }
        // a backspace
        // fallthrough
    default:
        buffer_append_byte(t->out, '\\');
        buffer_append_byte(t->out, letter);
        return STATUS_OK;
    }
}

// "(" and what says of which kind the group is; the letters of (?imx-imx: mean other things.
static Status open_group(Translation *t, Error *err)
{
    if (t->n_groups == MAX_GROUPS)
        return error_set(err, STATUS_INVALID,
                         "the regular expression \"" SLICE_FMT "\" nests more than %d groups",
                         SLICE_ARG(slice_sub(t->in, 0, 100)), MAX_GROUPS);
    t->groups[t->n_groups++] = t->out->len;
    buffer_append_byte(t->out, '(');
    t->at++;
    if (t->at + 1 >= t->in.len || t->in.ptr[t->at] != '?') return STATUS_OK;
    size_t end = t->at + 1;
    while (end < t->in.len && (t->in.ptr[end] == 'i' || t->in.ptr[end] == 'm' ||
                               t->in.ptr[end] == 'x' || t->in.ptr[end] == '-'))
        end++;
    if (end == t->at + 1 || end >= t->in.len || (t->in.ptr[end] != ':' && t->in.ptr[end] != ')'))
        return STATUS_OK;
    for (; t->at < end; t->at++) {
        const bool is_dot_all = t->in.ptr[t->at] == 'm';
        buffer_append(t->out, is_dot_all ? SLICE("s") : slice_sub(t->in, t->at, t->at + 1));
    }
    return STATUS_OK;
}

// "{...}" that counts: its length with a "+" behind it that would be possessive in PCRE2, or 0.
static size_t counted_plus(const Translation *t)
{
    size_t end = t->at + 1;
    while (end < t->in.len &&
           ((t->in.ptr[end] >= '0' && t->in.ptr[end] <= '9') || t->in.ptr[end] == ','))
        end++;
    const bool counts = end > t->at + 1 && end + 1 < t->in.len && t->in.ptr[end] == '}';
    return counts && t->in.ptr[end + 1] == '+' ? end + 2 - t->at : 0;
}

// x{2}+ becomes (?:x{2})+.
static void put_counted_plus(Translation *t, size_t len)
{
    Buffer *out = t->out;
    Buffer atom = {0};
    buffer_append(&atom, slice_sub(buffer_slice(out), t->atom, out->len));
    if (!out->failed) out->len = t->atom;
    buffer_append_cstr(out, "(?:");
    buffer_append(out, buffer_slice(&atom));
    buffer_append(out, slice_sub(t->in, t->at, t->at + len - 1));
    buffer_append_cstr(out, ")+");
    out->failed = out->failed || atom.failed;
    buffer_release(&atom);
    t->at += len;
}

static Status translate_next(Translation *t, Error *err)
{
    const char c = t->in.ptr[t->at];
    if (c == '\\') return put_escape(t, err);
    if (t->class_depth > 0) {
        if (c == '[' && t->at + 1 < t->in.len && t->in.ptr[t->at + 1] != ':')
            return error_set(err, STATUS_INVALID,
                             "the regular expression \"" SLICE_FMT
                             "\" has a class within a class, which is not supported: spell it out",
                             SLICE_ARG(t->in));
        if (c == '[') t->class_depth++;
        if (c == ']') t->class_depth--;
        if (c == '&' && t->at + 1 < t->in.len && t->in.ptr[t->at + 1] == '&')
            return error_set(err, STATUS_INVALID,
                             "the regular expression \"" SLICE_FMT
                             "\" has && in a class, which is not supported: spell it out",
                             SLICE_ARG(t->in));
    } else if (c == '(') {
        return open_group(t, err);
    } else if (c == ')') {
        if (t->n_groups > 0) t->atom = t->groups[--t->n_groups];
    } else if (c == '[') {
        begin_atom(t);
        t->class_depth = 1;
        buffer_append_byte(t->out, c);
        t->at++;
        if (t->at < t->in.len && t->in.ptr[t->at] == '^') {
            buffer_append_byte(t->out, '^');
            t->at++;
        }
        return STATUS_OK;
    } else if (c == '{' && counted_plus(t) > 0) {
        put_counted_plus(t, counted_plus(t));
        return STATUS_OK;
    } else if (c != '{' && c != '}' && c != '*' && c != '+' && c != '?' && c != ',' &&
               !(c >= '0' && c <= '9' && t->at > 0 && t->in.ptr[t->at - 1] == '{') &&
               ((unsigned char)c & 0xC0) != 0x80) {
        begin_atom(t);
    }
    buffer_append_byte(t->out, c);
    t->at++;
    return STATUS_OK;
}

Status pattern_translate(Slice regex, Buffer *out, Error *err)
{
    Translation t = {.in = regex, .out = out};
    while (t.at < regex.len && !out->failed) TRY(translate_next(&t, err));
    return STATUS_OK;
}
