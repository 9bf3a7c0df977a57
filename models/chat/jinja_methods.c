// Methods of texts and mappings.
#include <string.h>

#include "models/chat/jinja_internal.h"

static bool is_in(Slice set, char c)
{
    return slice_find_byte(set, c) != SIZE_MAX;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

// The length of a blank of more than one byte at the text's front or, at_end, its end: U+0085, U+00A0, U+2000.. and U+3000.
static size_t wide_blank(Slice text, bool at_end)
{
    static const Slice blanks[] = {
        SLICE_LIT("\xC2\x85"),     SLICE_LIT("\xC2\xA0"),     SLICE_LIT("\xE1\x9A\x80"),
        SLICE_LIT("\xE2\x80\x80"), SLICE_LIT("\xE2\x80\x81"), SLICE_LIT("\xE2\x80\x82"),
        SLICE_LIT("\xE2\x80\x83"), SLICE_LIT("\xE2\x80\x84"), SLICE_LIT("\xE2\x80\x85"),
        SLICE_LIT("\xE2\x80\x86"), SLICE_LIT("\xE2\x80\x87"), SLICE_LIT("\xE2\x80\x88"),
        SLICE_LIT("\xE2\x80\x89"), SLICE_LIT("\xE2\x80\x8A"), SLICE_LIT("\xE2\x80\xA8"),
        SLICE_LIT("\xE2\x80\xA9"), SLICE_LIT("\xE2\x80\xAF"), SLICE_LIT("\xE2\x81\x9F"),
        SLICE_LIT("\xE3\x80\x80")};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        if (at_end ? slice_ends_with(text, blanks[i]) : slice_starts_with(text, blanks[i]))
            return blanks[i].len;
    }
    return 0;
}

// Bytes at the front (or end) that go; sets are of ASCII characters.
static size_t strippable(Slice text, const Slice *set, bool at_end)
{
    if (text.len == 0) return 0;
    const char c = text.ptr[at_end ? text.len - 1 : 0];
    if (set) return is_in(*set, c);
    return is_blank(c) ? 1 : wide_blank(text, at_end);
}

Slice jinja_strip(Slice text, const Slice *set, bool left, bool right)
{
    for (size_t n; left && (n = strippable(text, set, false)) > 0;)
        text = slice_sub(text, n, text.len);
    for (size_t n; right && (n = strippable(text, set, true)) > 0;) text.len -= n;
    return text;
}

typedef struct Call {
    JinjaRun *run;
    Slice text;
    const JinjaArguments *arguments;
    Slice first; // the first argument, where it is a text; else ptr NULL
} Call;

// ---- texts ----

static Status split(const Call *c, JinjaValue *out, Error *err)
{
    const JinjaValue *most = jinja_argument(c->arguments, 1, "maxsplit");
    const size_t limit = most && most->kind == JINJA_INT && most->as.integer >= 0
                             ? (size_t)most->as.integer
                             : SIZE_MAX;
    size_t n = 0;
    Slice rest = c->text;
    if (c->first.ptr && c->first.len == 0) return jinja_fail(c->run, err, "empty separator");
    TRY(jinja_new_list(c->run, c->text.len + 1, out, err));
    while (true) {
        if (!c->first.ptr) rest = jinja_strip(rest, NULL, true, false);
        if (!c->first.ptr && rest.len == 0) break;
        size_t at = c->first.ptr ? slice_find(rest, c->first) : 0;
        while (!c->first.ptr && at < rest.len &&
               strippable(slice_sub(rest, at, rest.len), NULL, false) == 0)
            at++;
        if (!c->first.ptr && at == rest.len) at = SIZE_MAX;
        if (n == limit) at = SIZE_MAX;
        out->as.list->items[n++] = jinja_text(slice_sub(rest, 0, at == SIZE_MAX ? rest.len : at));
        if (at == SIZE_MAX) break;
        rest = slice_sub(rest, at + c->first.len, rest.len);
    }
    out->as.list->n = n;
    return STATUS_OK;
}

static Status replace(const Call *c, JinjaValue *out, Error *err)
{
    Buffer text = {0};
    Slice rest = c->text;
    const JinjaArguments *a = c->arguments;
    if (!c->first.ptr || a->n < 2 || a->items[1].kind != JINJA_STRING || c->first.len == 0)
        return jinja_fail(c->run, err, "replace wants two texts, the first not empty");
    for (size_t at; (at = slice_find(rest, c->first)) != SIZE_MAX;) {
        buffer_append(&text, slice_sub(rest, 0, at));
        buffer_append(&text, a->items[1].as.text);
        rest = slice_sub(rest, at + c->first.len, rest.len);
        if (text.len > JINJA_MAX_MEMORY) break; // refused below
    }
    buffer_append(&text, rest);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = jinja_keep(c->run, buffer_slice(&text), out, err);
    buffer_release(&text);
    return s;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') return (char)(c + 32);
    return c;
}

static char upper(char c)
{
    if (c >= 'a' && c <= 'z') return (char)(c - 32);
    return c;
}

// upper, lower, title, capitalize: of ASCII letters; others stay.
static Status change_case(const Call *c, char how, JinjaValue *out, Error *err)
{
    char *text = NULL;
    TRY(jinja_alloc(c->run, c->text.len, 1, &text, err));
    for (size_t i = 0; i < c->text.len; i++) {
        const bool begins = i == 0 || (how == 't' && !is_letter(c->text.ptr[i - 1]));
        const bool is_upper = how == 'u' || ((how == 't' || how == 'c') && begins);
        text[i] = lower(c->text.ptr[i]);
        if (is_upper) text[i] = upper(text[i]);
    }
    *out = jinja_text((Slice){text, c->text.len});
    return STATUS_OK;
}

static Status text_method(const Call *c, Slice name, JinjaValue *out, Error *err)
{
    static const struct {
        const char *name;
        bool left, right;
    } strips[] = {{"strip", true, true}, {"lstrip", true, false}, {"rstrip", false, true}};
    static const struct {
        const char *name;
        char how;
    } cases[] = {{"upper", 'u'}, {"lower", 'l'}, {"title", 't'}, {"capitalize", 'c'}};
    for (size_t i = 0; i < 3; i++) {
        if (!slice_eq_cstr(name, strips[i].name)) continue;
        *out = jinja_text(
            jinja_strip(c->text, c->first.ptr ? &c->first : NULL, strips[i].left, strips[i].right));
        return STATUS_OK;
    }
    for (size_t i = 0; i < 4; i++) {
        if (slice_eq_cstr(name, cases[i].name)) return change_case(c, cases[i].how, out, err);
    }
    if (slice_eq_cstr(name, "split")) return split(c, out, err);
    if (slice_eq_cstr(name, "replace")) return replace(c, out, err);
    if (slice_eq_cstr(name, "join") && c->arguments->n == 1) {
        JinjaValue between = jinja_text(c->text);
        const JinjaArguments join = {.items = &between, .n = 1};
        return jinja_filter(c->run, SLICE("join"), c->arguments->items[0], &join, out, err);
    }
    const bool begins = slice_eq_cstr(name, "startswith"), ends = slice_eq_cstr(name, "endswith"),
               finds = slice_eq_cstr(name, "find");
    if ((begins || ends || finds) && !c->first.ptr)
        return jinja_fail(c->run, err, "%.*s wants a text", SLICE_ARG(name));
    if (begins || ends) {
        *out = jinja_bool(begins ? slice_starts_with(c->text, c->first)
                                 : slice_ends_with(c->text, c->first));
        return STATUS_OK;
    }
    if (finds) { // in bytes of ASCII texts; others count characters
        JinjaList before = {0};
        const size_t at = slice_find(c->text, c->first);
        if (at != SIZE_MAX)
            TRY(jinja_items(c->run, jinja_text(slice_sub(c->text, 0, at)), &before, err));
        *out = jinja_int(at == SIZE_MAX ? -1 : (int64_t)before.n);
        return STATUS_OK;
    }
    return jinja_fail(c->run, err, "a text has no method \"%.*s\"",
                      SLICE_ARG(slice_sub(name, 0, 40)));
}

// ---- mappings ----

static Status pairs(JinjaRun *run, const JinjaMap *map, JinjaValue *out, Error *err)
{
    TRY(jinja_new_list(run, map->n, out, err));
    for (size_t i = 0; i < map->n; i++) {
        JinjaValue pair;
        TRY(jinja_new_list(run, 2, &pair, err));
        pair.as.list->items[0] = jinja_text(map->keys[i]);
        pair.as.list->items[1] = map->values[i];
        out->as.list->items[i] = pair;
    }
    return STATUS_OK;
}

static Status map_method(JinjaRun *run, const JinjaMap *map, Slice name, const JinjaArguments *a,
                         JinjaValue *out, Error *err)
{
    if (slice_eq_cstr(name, "items")) return pairs(run, map, out, err);
    if (slice_eq_cstr(name, "keys") || slice_eq_cstr(name, "values")) {
        TRY(jinja_new_list(run, map->n, out, err));
        for (size_t i = 0; i < map->n; i++)
            out->as.list->items[i] =
                slice_eq_cstr(name, "keys") ? jinja_text(map->keys[i]) : map->values[i];
        return STATUS_OK;
    }
    if (slice_eq_cstr(name, "get") && a->n >= 1 && a->items[0].kind == JINJA_STRING) {
        const JinjaValue *found = jinja_map_find(map, a->items[0].as.text);
        *out = found ? *found : a->n > 1 ? a->items[1] : (JinjaValue){.kind = JINJA_NONE};
        return STATUS_OK;
    }
    return jinja_fail(run, err, "a mapping has no method \"%.*s\"",
                      SLICE_ARG(slice_sub(name, 0, 40)));
}

Status jinja_method(JinjaRun *run, JinjaValue of, Slice name, const JinjaArguments *a,
                    JinjaValue *out, Error *err)
{
    if (of.kind == JINJA_MAP) return map_method(run, of.as.map, name, a, out, err);
    if (of.kind == JINJA_STRING) {
        Call call = {.run = run, .text = of.as.text, .arguments = a};
        if (a->n > 0 && a->items[0].kind == JINJA_STRING) {
            call.first = a->items[0].as.text;
            if (!call.first.ptr) call.first = SLICE("");
        }
        return text_method(&call, name, out, err);
    }
    if (of.kind == JINJA_UNDEFINED)
        return jinja_fail(run, err, "'%.*s' is undefined", SLICE_ARG(slice_sub(of.as.text, 0, 80)));
    return jinja_fail(run, err, "%s has no method \"%.*s\"", jinja_kind_name(of),
                      SLICE_ARG(slice_sub(name, 0, 40)));
}
