// The template's text as tokens, blanks around tags taken away as trim_blocks, lstrip_blocks and the minus signs say.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/chat/jinja_internal.h"

typedef struct Lexer {
    JinjaParser *parser;
    Slice text;
    size_t at, capacity;
    uint32_t line;
    bool starts_line; // what was read last ended with a line
} Lexer;

Status jinja_wrong(const JinjaParser *parser, uint32_t line, Error *err, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(err, STATUS_INVALID, SLICE_FMT ":%u: %s", SLICE_ARG(parser->name), line, text);
}

static Status add(Lexer *l, Token token, Error *err)
{
    JinjaParser *p = l->parser;
    if (p->n == l->capacity) {
        const size_t larger = 2 * l->capacity + 64;
        Token *tokens = NULL;
        TRY(arena_take(p->arena, larger, sizeof *tokens, "a template", &tokens, err));
        if (p->n > 0) memcpy(tokens, p->tokens, p->n * sizeof *tokens);
        p->tokens = tokens;
        l->capacity = larger;
    }
    p->tokens[p->n++] = token;
    return STATUS_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char byte_at(const Lexer *l, size_t at)
{
    if (at >= l->text.len) return '\0';
    return l->text.ptr[at];
}

static void move(Lexer *l, size_t to)
{
    for (; l->at < to && l->at < l->text.len; l->at++) l->line += l->text.ptr[l->at] == '\n';
}

// ---- inside a tag ----

static Status lex_string(Lexer *l, Error *err)
{
    const char quote = byte_at(l, l->at);
    const uint32_t line = l->line;
    size_t end = l->at + 1, n = 0;
    while (end < l->text.len && l->text.ptr[end] != quote) end += l->text.ptr[end] == '\\' ? 2 : 1;
    if (end >= l->text.len)
        return jinja_wrong(l->parser, line, err, "a text in quotes does not end");
    char *text = NULL;
    TRY(arena_take(l->parser->arena, end - l->at, 1, "a template", &text, err));
    static const char names[] = "ntrbf", bytes[] = "\n\t\r\b\f";
    for (size_t i = l->at + 1; i < end; i++) {
        char c = l->text.ptr[i];
        if (c == '\\' && i + 1 < end) {
            c = l->text.ptr[++i];
            const char *known = c ? strchr(names, c) : NULL;
            if (known) c = bytes[known - names];
            if (c == 'x' || c == 'u')
                return jinja_wrong(l->parser, line, err, "\\%c in a text is not supported", c);
            if (!known && c != '\\' && c != '\'' && c != '"') text[n++] = '\\';
        }
        text[n++] = c;
    }
    TRY(add(l, (Token){.kind = TOKEN_STRING, .line = line, .text = {text, n}}, err));
    move(l, end + 1);
    return STATUS_OK;
}

static bool is_name_byte(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

static Status lex_number(Lexer *l, Error *err)
{
    size_t end = l->at;
    bool is_real = false;
    while (byte_at(l, end) >= '0' && byte_at(l, end) <= '9') end++;
    if (byte_at(l, end) == '.' && byte_at(l, end + 1) >= '0' && byte_at(l, end + 1) <= '9') {
        is_real = true;
        end++;
        while (byte_at(l, end) >= '0' && byte_at(l, end) <= '9') end++;
    }
    if (byte_at(l, end) == 'e' || byte_at(l, end) == 'E') {
        size_t digit = end + 1;
        digit += byte_at(l, digit) == '-' || byte_at(l, digit) == '+';
        is_real = is_real || (byte_at(l, digit) >= '0' && byte_at(l, digit) <= '9');
        if (byte_at(l, digit) >= '0' && byte_at(l, digit) <= '9') end = digit;
        while (byte_at(l, end) >= '0' && byte_at(l, end) <= '9') end++;
    }
    const Slice text = slice_sub(l->text, l->at, end);
    Token token = {.kind = is_real ? TOKEN_FLOAT : TOKEN_INT, .line = l->line, .text = text};
    if (text.len > 60 || !slice_to_double(text, &token.number) || (!is_real && token.number > 9e15))
        return jinja_wrong(l->parser, l->line, err, "a number is too long");
    l->at = end;
    return add(l, token, err);
}

static Status lex_sign(Lexer *l, Error *err)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "//", "**", "(", ")", "[",
                                        "]",  "{",  "}",  ",",  ":",  ".",  "|", "=", "<",
                                        ">",  "+",  "-",  "*",  "/",  "%",  "~"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const Slice sign = slice_from_cstr(signs[i]);
        if (!slice_starts_with(slice_sub(l->text, l->at, l->text.len), sign)) continue;
        l->at += sign.len;
        return add(l, (Token){.kind = TOKEN_SIGN, .line = l->line, .text = sign}, err);
    }
    return jinja_wrong(l->parser, l->line, err, "\"%c\" has no meaning in a tag",
                       byte_at(l, l->at));
}

// One name, number, text or sign; n_open counts brackets.
static Status lex_part(Lexer *l, size_t *n_open, Error *err)
{
    const char c = byte_at(l, l->at);
    if (c == '\'' || c == '"') return lex_string(l, err);
    if (c >= '0' && c <= '9') return lex_number(l, err);
    if (is_name_byte(c, true)) {
        size_t stop = l->at;
        while (is_name_byte(byte_at(l, stop), false)) stop++;
        const Slice name = slice_sub(l->text, l->at, stop);
        l->at = stop;
        return add(l, (Token){.kind = TOKEN_NAME, .line = l->line, .text = name}, err);
    }
    *n_open += c == '(' || c == '[' || c == '{';
    if ((c == ')' || c == ']' || c == '}') && *n_open > 0) --*n_open;
    return lex_sign(l, err);
}

// Up to the tag's end; *has_minus where that has a minus sign, *has_plus a plus. Within brackets "}}" ends two maps.
static Status lex_inside(Lexer *l, const char *end, bool *has_minus, bool *has_plus, Error *err)
{
    const uint32_t line = l->line;
    size_t n_open = 0;
    while (l->at < l->text.len) {
        const char c = byte_at(l, l->at);
        if (is_blank(c)) {
            move(l, l->at + 1);
            continue;
        }
        const bool is_signed = c == '-' || c == '+';
        const Slice rest = slice_sub(l->text, l->at + is_signed, l->text.len);
        if (n_open == 0 && slice_starts_with(rest, slice_from_cstr(end))) {
            *has_minus = c == '-';
            *has_plus = c == '+';
            l->at += (size_t)is_signed + 2;
            return STATUS_OK;
        }
        TRY(lex_part(l, &n_open, err));
    }
    return jinja_wrong(l->parser, line, err, "a tag that begins here does not end");
}

// ---- between tags ----

// Text before a tag at `end`, less blanks that the tag takes away.
static Status lex_text(Lexer *l, size_t end, char sign, bool is_output, Error *err)
{
    Slice text = slice_sub(l->text, l->at, end);
    if (sign == '-') {
        while (text.len > 0 && is_blank(text.ptr[text.len - 1])) text.len--;
    } else if (sign != '+' && !is_output) {
        size_t line = text.len;
        while (line > 0 && is_blank(text.ptr[line - 1]) && text.ptr[line - 1] != '\n') line--;
        const bool is_begun = line > 0 ? text.ptr[line - 1] == '\n' : l->starts_line;
        if (is_begun) text.len = line;
    }
    const uint32_t at = l->line;
    move(l, end);
    if (text.len == 0) return STATUS_OK;
    return add(l, (Token){.kind = TOKEN_TEXT, .line = at, .text = text}, err);
}

// Blanks behind a tag: all after a minus, else of a block or comment the end of its line.
static void skip_after(Lexer *l, bool has_minus, bool has_plus, bool is_output)
{
    l->starts_line = false;
    if (has_minus) {
        while (l->at < l->text.len && is_blank(l->text.ptr[l->at])) {
            l->starts_line = l->text.ptr[l->at] == '\n';
            move(l, l->at + 1);
        }
    } else if (!is_output && !has_plus && byte_at(l, l->at) == '\n') {
        move(l, l->at + 1);
        l->starts_line = true;
    }
}

static size_t find_tag(const Lexer *l)
{
    for (size_t at = l->at; at + 1 < l->text.len; at++) {
        const char next = l->text.ptr[at + 1];
        if (l->text.ptr[at] == '{' && (next == '{' || next == '%' || next == '#')) return at;
    }
    return l->text.len;
}

static Status lex_comment(Lexer *l, Error *err)
{
    const size_t end = slice_find(slice_sub(l->text, l->at, l->text.len), SLICE("#}"));
    if (end == SIZE_MAX)
        return jinja_wrong(l->parser, l->line, err, "a comment that begins here does not end");
    const char sign = byte_at(l, l->at + end - (end > 0)); // of "-#}"
    move(l, l->at + end + 2);
    skip_after(l, sign == '-', sign == '+', false);
    return STATUS_OK;
}

static Status lex_tag(Lexer *l, Error *err)
{
    const char kind = byte_at(l, l->at + 1), sign = byte_at(l, l->at + 2);
    const bool is_output = kind == '{', is_signed = sign == '-' || sign == '+';
    bool has_minus = false, has_plus = false;
    move(l, l->at + 2 + is_signed);
    if (kind == '#') return lex_comment(l, err);
    TRY(add(l, (Token){.kind = is_output ? TOKEN_OUTPUT_BEGIN : TOKEN_BLOCK_BEGIN, .line = l->line},
            err));
    TRY(lex_inside(l, is_output ? "}}" : "%}", &has_minus, &has_plus, err));
    TRY(add(l, (Token){.kind = is_output ? TOKEN_OUTPUT_END : TOKEN_BLOCK_END, .line = l->line},
            err));
    skip_after(l, has_minus, has_plus, is_output);
    return STATUS_OK;
}

Status jinja_lex(JinjaParser *parser, Slice text, Error *err)
{
    Lexer l = {.parser = parser, .text = text, .line = 1, .starts_line = true};
    while (l.at < text.len) {
        const size_t tag = find_tag(&l);
        const char sign = byte_at(&l, tag + 2);
        TRY(lex_text(&l, tag, tag < text.len ? sign : '+', byte_at(&l, tag + 1) == '{', err));
        if (tag < text.len) TRY(lex_tag(&l, err));
    }
    return add(&l, (Token){.kind = TOKEN_END, .line = l.line}, err);
}
