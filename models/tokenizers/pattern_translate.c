// Oniguruma's expressions (Ruby syntax, UTF-8) in PCRE2's words, where the two differ:
//   \w \W   letters, marks, numbers and connectors; PCRE2 10.42 leaves out marks; \b \B are their borders
//   \h \H   hexadecimal digits, not blanks
//   \s \S   the property White_Space; PCRE2 adds U+180E
//   [[:alpha:]] and its kin are of Unicode; PCRE2 takes some of them for other sets. \p{Punct}, \p{Alnum} and others it lacks
//   (?m)    the dot matches line ends: PCRE2's (?s). ^ and $ are of lines always: PCRE2_MULTILINE
//   x{2}+   repeated once or more, not possessive
// What PCRE2 lacks (&& in a class) is refused there, with the place.
#include <string.h>

#include "base/unicode.h"
#include "models/tokenizers/pattern.h"

// Signs that Unicode counts as alphabetic: letters in circles and squares.
#define SIGNS_OF_WORDS \
    "\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{1F169}\\x{1F170}-\\x{1F189}"
#define CLASS_WORD "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" SIGNS_OF_WORDS
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

// Sets by name, within [: :] or \p{ }, and all that is outside of them; NULL where a class cannot say that.
typedef struct NamedSet {
    const char *name, *members, *others;
} NamedSet;

#define NOT_BLANK                                                \
    "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Cn}\\p{Co}\\p{Cs}" \
    "\\p{Zl}\\p{Zp}\\x{0}-\\x{8}\\x{A}-\\x{1F}\\x{7F}-\\x{9F}"
// What later versions of Unicode count too, of characters that are older.
#define ALPHABETIC                                             \
    "\\p{Alphabetic}\\x{363}-\\x{36F}\\x{C04}\\x{F82}\\x{F83}" \
    "\\x{1DD3}-\\x{1DE6}\\x{11080}\\x{11081}"
#define LOWERCASE "\\p{Lowercase}\\x{10FC}\\x{A7F2}-\\x{A7F4}\\x{AB69}"
static const NamedSet named_sets[] = {
    {"alpha", ALPHABETIC, NULL},
    {"digit", "\\p{Nd}", "\\P{Nd}"},
    {"alnum", ALPHABETIC "\\p{Nd}", NULL},
    {"upper", "\\p{Uppercase}", "\\P{Uppercase}"},
    {"lower", LOWERCASE, NULL},
    {"space", SPACE, CLASS_NOT_SPACE},
    {"blank", "\\p{Zs}\\x{9}", NOT_BLANK},
    {"punct", "\\p{P}\\p{S}", "\\p{C}\\p{L}\\p{M}\\p{N}\\p{Z}"},
    {"cntrl", "\\p{Cc}", "\\P{Cc}"},
    {"graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}", SPACE "\\p{Cc}\\p{Cn}\\p{Cs}"},
    {"print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}",
     "\\p{Cc}\\p{Cn}\\p{Cs}\\p{Zl}\\p{Zp}"},
    {"xdigit", HEX, "\\x{0}-\\x{2F}\\x{3A}-\\x{40}G-\\x{60}g-\\x{10FFFF}"},
    {"word", CLASS_WORD, CLASS_NOT_WORD},
    {"ascii", "\\x{0}-\\x{7F}", "\\x{80}-\\x{10FFFF}"},
};

enum { MAX_GROUPS = 256 };

typedef struct Translation {
    Slice in;
    size_t at;
    Buffer *out;
    size_t class_depth;        // of [ ]
    size_t n_nested;           // classes that are open within that
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

// Letters count, whatever their case, as they do in names of properties.
static const NamedSet *find_set(Slice name)
{
    for (size_t i = 0; i < sizeof named_sets / sizeof *named_sets; i++) {
        const char *known = named_sets[i].name;
        size_t at = 0;
        while (at < name.len && known[at] && (name.ptr[at] | 0x20) == known[at]) at++;
        if (at == name.len && !known[at]) return &named_sets[i];
    }
    return NULL;
}

static Status put_set(Translation *t, const NamedSet *set, bool is_negated, Error *err)
{
    if (t->class_depth > 0 && is_negated && !set->others)
        return error_set(err, STATUS_INVALID,
                         "the regular expression \"" SLICE_FMT
                         "\" has all but %s within a class, which is not supported: spell it out",
                         SLICE_ARG(t->in), set->name);
    if (t->class_depth == 0) buffer_append_cstr(t->out, is_negated ? "[^" : "[");
    buffer_append_cstr(t->out, t->class_depth > 0 && is_negated ? set->others : set->members);
    if (t->class_depth == 0) buffer_append_byte(t->out, ']');
    return STATUS_OK;
}

// "name" or "^name" up to `close`, from `begin` on; NULL where it is none of the sets.
static const NamedSet *set_at(const Translation *t, size_t begin, const char *close,
                              bool *is_negated, size_t *end)
{
    const Slice rest = slice_sub(t->in, begin, t->in.len);
    const size_t len = slice_find(rest, slice_from_cstr(close));
    *is_negated = rest.len > 0 && rest.ptr[0] == '^';
    if (len == SIZE_MAX) return NULL;
    *end = begin + len + strlen(close);
    return find_set(slice_sub(rest, *is_negated, len));
}

// [:name:] within a class. Of one that is all of it, [[:^name:]], the brackets say what is left out.
static Status put_posix(Translation *t, bool *is_done, Error *err)
{
    bool is_negated = false;
    size_t end = 0;
    const NamedSet *set = set_at(t, t->at + 2, ":]", &is_negated, &end);
    *is_done = set != NULL;
    if (!set) return STATUS_OK; // PCRE2 says what is wrong
    const bool is_all = end < t->in.len && t->in.ptr[end] == ']' && t->at > 0 &&
                        t->in.ptr[t->at - 1] == '[' && t->class_depth == 1;
    if (is_negated && is_all && !set->others) {
        buffer_append_cstr(t->out, "^");
        is_negated = false;
    }
    t->at = end;
    return put_set(t, set, is_negated, err);
}

// A script by name is that alone; PCRE2 would take characters along that are used with it.
static bool put_script(Translation *t, Slice rest, bool is_negated)
{
    const size_t len = slice_find_byte(rest, '}');
    const Slice name = slice_sub(rest, 0, len == SIZE_MAX ? 0 : len);
    char text[32];
    if (name.len < 3 || name.len >= sizeof text) return false; // two letters are a category
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (unicode_script_named(text) < 0) return false;
    buffer_append(t->out, slice_sub(t->in, t->at, t->at + 3));
    buffer_append_cstr(t->out, is_negated ? "^sc:" : "sc:");
    buffer_append(t->out, name);
    buffer_append_byte(t->out, '}');
    t->at += 3 + is_negated + len + 1;
    return true;
}

// \p{name}, \P{name} and \p{^name} of the sets that PCRE2 lacks or has others for; \p{Punct} has no symbols, and \p{Word} is
// what \w is.
static Status put_property(Translation *t, bool *is_done, Error *err)
{
    static const NamedSet punct = {"punct", "\\p{P}", "\\P{P}"}, word = {"word", WORD, NULL};
    bool is_negated = false;
    size_t end = 0;
    *is_done = false;
    if (t->at + 2 >= t->in.len || t->in.ptr[t->at + 2] != '{') return STATUS_OK;
    const NamedSet *set = set_at(t, t->at + 3, "}", &is_negated, &end);
    if (!set) {
        *is_done = put_script(t, slice_sub(t->in, t->at + 3 + is_negated, t->in.len), is_negated);
        return STATUS_OK;
    }
    if (strcmp(set->name, "punct") == 0) set = &punct;
    if (strcmp(set->name, "word") == 0 && t->class_depth == 0) set = &word;
    is_negated = is_negated != (t->in.ptr[t->at + 1] == 'P');
    *is_done = true;
    t->at = end;
    return put_set(t, set, is_negated, err);
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
    if (letter == 'p' || letter == 'P') {
        bool is_done = false;
        TRY(put_property(t, &is_done, err));
        if (is_done) return STATUS_OK;
    }
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

// A character of a class that no backslash begins.
static Status translate_in_class(Translation *t, Error *err)
{
    const Slice rest = slice_sub(t->in, t->at, t->in.len);
    const char c = *rest.ptr;
    if (slice_starts_with(rest, SLICE("[^")))
        return error_set(err, STATUS_INVALID,
                         "the regular expression \"" SLICE_FMT
                         "\" has all but a class within a class, which is not supported: spell "
                         "it out",
                         SLICE_ARG(t->in));
    if (slice_starts_with(rest, SLICE("&&")))
        return error_set(err, STATUS_INVALID,
                         "the regular expression \"" SLICE_FMT
                         "\" has && in a class, which is not supported: spell it out",
                         SLICE_ARG(t->in));
    const bool opens = c == '[' && rest.len > 1 && rest.ptr[1] != ':';
    if (opens || (c == ']' && t->n_nested > 0)) {
        t->n_nested = opens ? t->n_nested + 1 : t->n_nested - 1; // its members are the outer one's
        t->at++;
        return STATUS_OK;
    }
    if (c == '[') {
        bool is_done = false;
        TRY(put_posix(t, &is_done, err));
        if (is_done) return STATUS_OK;
        t->class_depth++;
    }
    if (c == ']') t->class_depth--;
    buffer_append_byte(t->out, c);
    t->at++;
    return STATUS_OK;
}

static Status translate_next(Translation *t, Error *err)
{
    const char c = t->in.ptr[t->at];
    if (c == '\\') return put_escape(t, err);
    if (t->class_depth > 0) return translate_in_class(t, err);
    if (c == '(') {
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
