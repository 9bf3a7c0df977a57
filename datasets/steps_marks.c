// Steps about signs: quotes, punctuation, digits, addresses.
#include "datasets/steps_internal.h"

#include "base/unicode.h"

// ---- quotes ----

static Slice plain_sign(CodePoint c)
{
    static const struct {
        CodePoint sign;
        Slice plain;
    } signs[] = {
        {0xAB, SLICE_LIT("\"")},   {0xBB, SLICE_LIT("\"")},    {0x2010, SLICE_LIT("-")},
        {0x2011, SLICE_LIT("-")},  {0x2012, SLICE_LIT("-")},   {0x2013, SLICE_LIT("-")},
        {0x2014, SLICE_LIT("-")},  {0x2015, SLICE_LIT("-")},   {0x2018, SLICE_LIT("'")},
        {0x2019, SLICE_LIT("'")},  {0x201A, SLICE_LIT("'")},   {0x201B, SLICE_LIT("'")},
        {0x201C, SLICE_LIT("\"")}, {0x201D, SLICE_LIT("\"")},  {0x201E, SLICE_LIT("\"")},
        {0x201F, SLICE_LIT("\"")}, {0x2026, SLICE_LIT("...")}, {0x2032, SLICE_LIT("'")},
        {0x2033, SLICE_LIT("\"")}, {0x2039, SLICE_LIT("'")},   {0x203A, SLICE_LIT("'")},
        {0x2212, SLICE_LIT("-")},
    };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (signs[i].sign == c) return signs[i].plain;
    }
    return (Slice){0};
}

static Status apply_quotes(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    while (edit->at < edit->from.len) {
        size_t next = edit->at;
        const CodePoint c = utf8_next(edit->from, &next);
        const Slice plain = c < 0x80 ? (Slice){0} : plain_sign(c);
        if (plain.len > 0)
            text_edit_put(edit, next - edit->at, plain);
        else
            text_edit_keep(edit, next - edit->at);
    }
    return STATUS_OK;
}

const Step step_quotes = {.name = "quotes",
                          .summary =
                              "typographic quotes, dashes and ellipses become those of ASCII",
                          .apply = apply_quotes};

// ---- punctuation, digits ----

static bool is_punctuation(CodePoint c)
{
    if (c >= 0 && c < 0x80) return c > ' ' && c < 0x7F && !step_is_alnum((char)c);
    return c > 0 && unicode_category(c)[0] == 'P';
}

static Status apply_punctuation(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    while (edit->at < edit->from.len) {
        size_t next = edit->at;
        if (is_punctuation(utf8_next(edit->from, &next)))
            text_edit_put(edit, next - edit->at, (Slice){0});
        else
            text_edit_keep(edit, next - edit->at);
    }
    return STATUS_OK;
}

const Step step_punctuation = {
    .name = "punctuation",
    .summary = "punctuation is removed: Unicode's category P and all signs of ASCII",
    .not_for_words = "it would remove whole words, and each word has its tag",
    .apply = apply_punctuation};

static Status apply_digits(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    while (edit->at < edit->from.len) {
        size_t next = edit->at;
        const CodePoint c = utf8_next(edit->from, &next);
        const bool is_digit = c < 0x80
                                  ? c >= '0' && c <= '9'
                                  : unicode_category(c)[0] == 'N' && unicode_category(c)[1] == 'd';
        if (is_digit)
            text_edit_put(edit, next - edit->at, SLICE("0"));
        else
            text_edit_keep(edit, next - edit->at);
    }
    return STATUS_OK;
}

const Step step_digits = {
    .name = "digits", .summary = "every decimal digit becomes 0", .apply = apply_digits};

// ---- addresses ----

// Whether the text goes on with this prefix, ASCII case apart, at `at`.
static bool has_prefix(Slice text, size_t at, const char *prefix)
{
    for (; *prefix; prefix++, at++) {
        if (at >= text.len) return false;
        const char c = text.ptr[at];
        if ((c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c) != *prefix) return false;
    }
    return true;
}

// The end of an address: before white space, and before signs that end a sentence.
static size_t url_end(Slice text, size_t at)
{
    size_t end = at;
    while (end < text.len && (unsigned char)text.ptr[end] > ' ' && text.ptr[end] != '<' &&
           text.ptr[end] != '>' && text.ptr[end] != '"')
        end++;
    while (end > at && !step_is_alnum(text.ptr[end - 1]) && text.ptr[end - 1] != '/' &&
           (unsigned char)text.ptr[end - 1] < 0x80)
        end--;
    return end;
}

static Status apply_urls(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    const Slice text = edit->from;
    while (edit->at < text.len) {
        const size_t at = edit->at;
        const bool may_begin = at == 0 || !step_is_alnum(text.ptr[at - 1]);
        const size_t n = !may_begin                         ? 0
                         : has_prefix(text, at, "https://") ? 8
                         : has_prefix(text, at, "http://")  ? 7
                         : has_prefix(text, at, "www.")     ? 4
                                                            : 0;
        const size_t end = n > 0 ? url_end(text, at) : at;
        if (end > at + n && n > 0)
            text_edit_put(edit, end - at, SLICE("<URL>"));
        else
            text_edit_keep(edit, 1);
    }
    return STATUS_OK;
}

const Step step_urls = {
    .name = "urls", .summary = "web addresses become <URL>", .apply = apply_urls};

static Status apply_users(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    const Slice text = edit->from;
    while (edit->at < text.len) {
        const size_t at = edit->at;
        size_t end = at + 1;
        const char before = (char)(at > 0 ? text.ptr[at - 1] : ' ');
        const bool may_begin = text.ptr[at] == '@' && !step_is_alnum(before) && before != '_' &&
                               before != '.' && before != '-' && (unsigned char)before < 0x80;
        while (may_begin && end < text.len &&
               (step_is_alnum(text.ptr[end]) || text.ptr[end] == '_'))
            end++;
        if (may_begin && end > at + 1)
            text_edit_put(edit, end - at, SLICE("@user"));
        else
            text_edit_keep(edit, 1);
    }
    return STATUS_OK;
}

const Step step_users = {
    .name = "users", .summary = "names of accounts (@name) become @user", .apply = apply_users};
