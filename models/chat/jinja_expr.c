// Expressions: what an operator stands between, down to names and numbers. Operators: jinja_operators.c.
#include <string.h>

#include "models/chat/jinja_internal.h"

const Token *jinja_peek(const JinjaParser *p)
{
    return &p->tokens[p->at];
}

bool jinja_is(const JinjaParser *p, TokenKind kind, const char *text)
{
    const Token *token = jinja_peek(p);
    return token->kind == kind && (!text || slice_eq_cstr(token->text, text));
}

bool jinja_take(JinjaParser *p, TokenKind kind, const char *text)
{
    if (!jinja_is(p, kind, text)) return false;
    p->at++;
    return true;
}

static Slice token_text(const Token *token)
{
    static const char *const names[] = {
        [TOKEN_END] = "the end",   [TOKEN_TEXT] = "text",      [TOKEN_OUTPUT_BEGIN] = "{{",
        [TOKEN_OUTPUT_END] = "}}", [TOKEN_BLOCK_BEGIN] = "{%", [TOKEN_BLOCK_END] = "%}",
        [TOKEN_STRING] = "a text",
    };
    const char *name = token->kind <= TOKEN_STRING ? names[token->kind] : NULL;
    return name ? slice_from_cstr(name) : slice_sub(token->text, 0, 40);
}

static Status unexpected(const JinjaParser *p, const char *wanted, Error *err)
{
    const Token *token = jinja_peek(p);
    return jinja_wrong(p, token->line, err, "found %.*s, want %s", SLICE_ARG(token_text(token)),
                       wanted);
}

Status jinja_expect(JinjaParser *p, TokenKind kind, const char *text, Error *err)
{
    if (jinja_take(p, kind, text)) return STATUS_OK;
    return unexpected(p, text ? text : kind == TOKEN_OUTPUT_END ? "}}" : "a name", err);
}

Status jinja_new_expr(JinjaParser *p, ExprKind kind, Expr **out, Error *err)
{
    TRY(arena_take(p->arena, 1, sizeof **out, "a template", out, err));
    **out = (Expr){.kind = kind, .line = jinja_peek(p)->line};
    return STATUS_OK;
}

Status jinja_new_pair(JinjaParser *p, ExprKind kind, const Expr *a, const Expr *b, JinjaOp op,
                      const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(jinja_new_expr(p, kind, &e, err));
    e->a = a;
    e->b = b;
    e->op = op;
    *out = e;
    return STATUS_OK;
}

Status jinja_add_item(JinjaParser *p, Expr *e, const Expr *item, Error *err)
{
    if ((e->n_items & (e->n_items - 1)) == 0) { // full at each power of two
        const Expr **items = NULL;
        TRY(arena_take(p->arena, 2 * e->n_items + 1, sizeof *items, "a template", &items, err));
        if (e->n_items > 0) memcpy(items, e->items, e->n_items * sizeof *items);
        e->items = items;
    }
    e->items[e->n_items++] = item;
    return STATUS_OK;
}

static Status add_keyword(JinjaParser *p, Expr *e, Slice name, const Expr *value, Error *err)
{
    if ((e->n_keywords & (e->n_keywords - 1)) == 0) {
        Keyword *keywords = NULL;
        TRY(arena_take(p->arena, 2 * e->n_keywords + 1, sizeof *keywords, "a template", &keywords,
                       err));
        if (e->n_keywords > 0) memcpy(keywords, e->keywords, e->n_keywords * sizeof *keywords);
        e->keywords = keywords;
    }
    e->keywords[e->n_keywords++] = (Keyword){name, value};
    return STATUS_OK;
}

Status jinja_enter(JinjaParser *p, Error *err)
{
    if (++p->depth <= JINJA_MAX_DEPTH) return STATUS_OK;
    return jinja_wrong(p, jinja_peek(p)->line, err, "nested deeper than %d", JINJA_MAX_DEPTH);
}

// ---- what binds tightest ----

static Status parse_literal(JinjaParser *p, JinjaValue value, const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(jinja_new_expr(p, EXPR_LITERAL, &e, err));
    e->literal = value;
    *out = e;
    p->at++;
    return STATUS_OK;
}

static Status parse_name(JinjaParser *p, const Expr **out, Error *err)
{
    static const struct {
        const char *name;
        JinjaValue value;
    } constants[] = {{"true", {.kind = JINJA_BOOL, .as.truth = true}},
                     {"True", {.kind = JINJA_BOOL, .as.truth = true}},
                     {"false", {.kind = JINJA_BOOL}},
                     {"False", {.kind = JINJA_BOOL}},
                     {"none", {.kind = JINJA_NONE}},
                     {"None", {.kind = JINJA_NONE}}};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (jinja_is(p, TOKEN_NAME, constants[i].name))
            return parse_literal(p, constants[i].value, out, err);
    }
    Expr *e = NULL;
    TRY(jinja_new_expr(p, EXPR_NAME, &e, err));
    e->text = jinja_peek(p)->text;
    *out = e;
    p->at++;
    return STATUS_OK;
}

// Texts that stand side by side are one.
static Status parse_strings(JinjaParser *p, const Expr **out, Error *err)
{
    Slice all = jinja_peek(p)->text;
    while (p->tokens[p->at + 1].kind == TOKEN_STRING) {
        const Slice more = p->tokens[++p->at].text;
        char *text = NULL;
        TRY(arena_take(p->arena, all.len + more.len + 1, 1, "a template", &text, err));
        memcpy(text, all.ptr, all.len);
        memcpy(text + all.len, more.ptr, more.len);
        all = (Slice){text, all.len + more.len};
    }
    return parse_literal(p, jinja_text(all), out, err);
}

// Up to the closing bracket, which is taken.
static Status parse_list(JinjaParser *p, const char *close, const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(jinja_new_expr(p, EXPR_LIST, &e, err));
    while (!jinja_is(p, TOKEN_SIGN, close)) {
        const Expr *item = NULL;
        TRY(jinja_parse_expr(p, &item, err));
        TRY(jinja_add_item(p, e, item, err));
        if (!jinja_take(p, TOKEN_SIGN, ",")) break;
    }
    *out = e;
    return jinja_expect(p, TOKEN_SIGN, close, err);
}

static Status parse_map(JinjaParser *p, const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(jinja_new_expr(p, EXPR_MAP, &e, err));
    while (!jinja_is(p, TOKEN_SIGN, "}")) {
        const Expr *key = NULL, *value = NULL;
        TRY(jinja_parse_expr(p, &key, err));
        TRY(jinja_expect(p, TOKEN_SIGN, ":", err));
        TRY(jinja_parse_expr(p, &value, err));
        TRY(jinja_add_item(p, e, key, err));
        TRY(add_keyword(p, e, (Slice){0}, value, err));
        if (!jinja_take(p, TOKEN_SIGN, ",")) break;
    }
    *out = e;
    return jinja_expect(p, TOKEN_SIGN, "}", err);
}

// A bracketed expression, or a tuple.
static Status parse_group(JinjaParser *p, const Expr **out, Error *err)
{
    if (jinja_is(p, TOKEN_SIGN, ")")) return parse_list(p, ")", out, err);
    TRY(jinja_parse_tuple(p, false, out, err));
    return jinja_expect(p, TOKEN_SIGN, ")", err);
}

static Status parse_primary(JinjaParser *p, const Expr **out, Error *err)
{
    const Token *token = jinja_peek(p);
    switch (token->kind) {
    case TOKEN_NAME:
        return parse_name(p, out, err);
    case TOKEN_STRING:
        return parse_strings(p, out, err);
    case TOKEN_INT:
        return parse_literal(p, jinja_int((int64_t)token->number), out, err);
    case TOKEN_FLOAT:
        return parse_literal(p, (JinjaValue){.kind = JINJA_FLOAT, .as.real = token->number}, out,
                             err);
    case TOKEN_SIGN:
        if (jinja_take(p, TOKEN_SIGN, "(")) return parse_group(p, out, err);
        if (jinja_take(p, TOKEN_SIGN, "[")) return parse_list(p, "]", out, err);
        if (jinja_take(p, TOKEN_SIGN, "{")) return parse_map(p, out, err);
        break;
    case TOKEN_END:
    case TOKEN_TEXT:
    case TOKEN_OUTPUT_BEGIN:
    case TOKEN_OUTPUT_END:
    case TOKEN_BLOCK_BEGIN:
    case TOKEN_BLOCK_END:
        break;
    }
    return unexpected(p, "an expression", err);
}

// "(a, b, name=c)" after its opening bracket.
static Status parse_arguments(JinjaParser *p, Expr *e, Error *err)
{
    while (!jinja_is(p, TOKEN_SIGN, ")")) {
        const Token *next = &p->tokens[p->at];
        const Expr *value = NULL;
        const bool is_named = next->kind == TOKEN_NAME && next[1].kind == TOKEN_SIGN &&
                              slice_eq_cstr(next[1].text, "=");
        if (is_named) p->at += 2;
        TRY(jinja_parse_expr(p, &value, err));
        if (is_named) {
            TRY(add_keyword(p, e, next->text, value, err));
        } else {
            if (e->n_keywords > 0) return unexpected(p, "a named argument", err);
            TRY(jinja_add_item(p, e, value, err));
        }
        if (!jinja_take(p, TOKEN_SIGN, ",")) break;
    }
    return jinja_expect(p, TOKEN_SIGN, ")", err);
}

Status jinja_parse_parameters(JinjaParser *p, const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(jinja_new_expr(p, EXPR_CALL, &e, err));
    while (!jinja_is(p, TOKEN_SIGN, ")")) {
        Expr *name = NULL;
        const Expr *otherwise = NULL;
        TRY(jinja_new_expr(p, EXPR_NAME, &name, err));
        name->text = jinja_peek(p)->text;
        TRY(jinja_expect(p, TOKEN_NAME, NULL, err));
        if (jinja_take(p, TOKEN_SIGN, "=")) TRY(jinja_parse_expr(p, &otherwise, err));
        TRY(jinja_add_item(p, e, name, err));
        TRY(add_keyword(p, e, name->text, otherwise, err));
        if (!jinja_take(p, TOKEN_SIGN, ",")) break;
    }
    *out = e;
    return jinja_expect(p, TOKEN_SIGN, ")", err);
}

// a[b] or a[b:c:d] after the opening bracket.
static Status parse_subscript(JinjaParser *p, const Expr *of, const Expr **out, Error *err)
{
    Expr *e = NULL;
    const Expr *ends[3] = {NULL, NULL, NULL};
    size_t n = 0;
    TRY(jinja_new_expr(p, EXPR_INDEX, &e, err));
    for (bool more = true; more && n < 3; n++) {
        if (!jinja_is(p, TOKEN_SIGN, ":") && !jinja_is(p, TOKEN_SIGN, "]"))
            TRY(jinja_parse_expr(p, &ends[n], err));
        more = jinja_take(p, TOKEN_SIGN, ":");
        if (more) e->kind = EXPR_SLICE;
    }
    e->a = of;
    e->b = ends[0];
    if (e->kind == EXPR_INDEX && !e->b) return unexpected(p, "an index", err);
    for (size_t i = 0; i < 3; i++) TRY(jinja_add_item(p, e, ends[i], err));
    *out = e;
    return jinja_expect(p, TOKEN_SIGN, "]", err);
}

static Status parse_postfix(JinjaParser *p, const Expr **out, Error *err)
{
    while (true) {
        Expr *e = NULL;
        if (jinja_take(p, TOKEN_SIGN, ".")) {
            TRY(jinja_new_expr(p, EXPR_ATTRIBUTE, &e, err));
            if (!jinja_is(p, TOKEN_NAME, NULL) && !jinja_is(p, TOKEN_INT, NULL))
                return unexpected(p, "a name", err);
            e->a = *out;
            e->text = p->tokens[p->at++].text;
            *out = e;
        } else if (jinja_take(p, TOKEN_SIGN, "[")) {
            TRY(parse_subscript(p, *out, out, err));
        } else if (jinja_take(p, TOKEN_SIGN, "(")) {
            TRY(jinja_new_expr(p, EXPR_CALL, &e, err));
            e->a = *out;
            TRY(parse_arguments(p, e, err));
            *out = e;
        } else {
            return STATUS_OK;
        }
    }
}

// ---- filters and tests ----

static Status parse_filter(JinjaParser *p, const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(jinja_new_expr(p, EXPR_FILTER, &e, err));
    if (!jinja_is(p, TOKEN_NAME, NULL)) return unexpected(p, "the name of a filter", err);
    e->a = *out;
    e->text = p->tokens[p->at++].text;
    if (jinja_take(p, TOKEN_SIGN, "(")) TRY(parse_arguments(p, e, err));
    *out = e;
    return STATUS_OK;
}

// A test may have one argument without brackets: "is divisibleby 3".
static bool begins_argument(const JinjaParser *p)
{
    static const char *const words[] = {"else", "or", "and", "if", "is", "in", "not"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (jinja_is(p, TOKEN_NAME, words[i])) return false;
    }
    const TokenKind kind = jinja_peek(p)->kind;
    return kind == TOKEN_NAME || kind == TOKEN_STRING || kind == TOKEN_INT || kind == TOKEN_FLOAT ||
           jinja_is(p, TOKEN_SIGN, "[") || jinja_is(p, TOKEN_SIGN, "{");
}

static Status parse_test(JinjaParser *p, const Expr **out, Error *err)
{
    Expr *e = NULL;
    const bool is_not = jinja_take(p, TOKEN_NAME, "not");
    TRY(jinja_new_expr(p, EXPR_TEST, &e, err));
    if (!jinja_is(p, TOKEN_NAME, NULL)) return unexpected(p, "the name of a test", err);
    e->a = *out;
    e->text = p->tokens[p->at++].text;
    if (jinja_take(p, TOKEN_SIGN, "(")) {
        TRY(parse_arguments(p, e, err));
    } else if (begins_argument(p)) {
        const Expr *argument = NULL;
        TRY(parse_primary(p, &argument, err));
        TRY(parse_postfix(p, &argument, err));
        TRY(jinja_add_item(p, e, argument, err));
    }
    *out = e;
    return is_not ? jinja_new_pair(p, EXPR_NOT, e, NULL, OP_ADD, out, err) : STATUS_OK;
}

Status jinja_parse_operand(JinjaParser *p, bool with_filters, const Expr **out, Error *err)
{
    TRY(jinja_enter(p, err));
    if (jinja_take(p, TOKEN_SIGN, "-")) {
        TRY(jinja_parse_operand(p, false, out, err));
        TRY(jinja_new_pair(p, EXPR_NEGATIVE, *out, NULL, OP_ADD, out, err));
    } else if (jinja_take(p, TOKEN_SIGN, "+")) {
        TRY(jinja_parse_operand(p, false, out, err));
    } else {
        TRY(parse_primary(p, out, err));
    }
    TRY(parse_postfix(p, out, err));
    while (with_filters) {
        if (jinja_take(p, TOKEN_SIGN, "|"))
            TRY(parse_filter(p, out, err));
        else if (jinja_take(p, TOKEN_NAME, "is"))
            TRY(parse_test(p, out, err));
        else
            break;
    }
    p->depth--;
    return STATUS_OK;
}
