// Operators of expressions, from the tightest to the loosest. The order is Jinja's: or, and, not, comparisons, + -, ~, * / // %, **,
// signs, then filters.
#include "models/chat/jinja_internal.h"

typedef struct OpSign {
    const char *sign;
    JinjaOp op;
} OpSign;

typedef Status Parse(JinjaParser *p, const Expr **out, Error *err);

static Status parse_chain(JinjaParser *p, const OpSign *signs, size_t n_signs, Parse *operand,
                          const Expr **out, Error *err)
{
    TRY(operand(p, out, err));
    while (true) {
        const Expr *right = NULL;
        size_t i = 0;
        while (i < n_signs && !jinja_take(p, TOKEN_SIGN, signs[i].sign)) i++;
        if (i == n_signs) return STATUS_OK;
        TRY(operand(p, &right, err));
        TRY(jinja_new_pair(p, EXPR_BINARY, *out, right, signs[i].op, out, err));
    }
}

static Status parse_signed(JinjaParser *p, const Expr **out, Error *err)
{
    return jinja_parse_operand(p, true, out, err);
}

static Status parse_power(JinjaParser *p, const Expr **out, Error *err)
{
    static const OpSign signs[] = {{"**", OP_POWER}};
    return parse_chain(p, signs, 1, parse_signed, out, err);
}

static Status parse_product(JinjaParser *p, const Expr **out, Error *err)
{
    static const OpSign signs[] = {
        {"*", OP_MULTIPLY}, {"/", OP_DIVIDE}, {"//", OP_FLOOR_DIVIDE}, {"%", OP_MODULO}};
    return parse_chain(p, signs, 4, parse_power, out, err);
}

static Status parse_concat(JinjaParser *p, const Expr **out, Error *err)
{
    static const OpSign signs[] = {{"~", OP_CONCAT}};
    return parse_chain(p, signs, 1, parse_product, out, err);
}

static Status parse_sum(JinjaParser *p, const Expr **out, Error *err)
{
    static const OpSign signs[] = {{"+", OP_ADD}, {"-", OP_SUBTRACT}};
    return parse_chain(p, signs, 2, parse_concat, out, err);
}

static bool take_comparison(JinjaParser *p, JinjaOp *op)
{
    static const OpSign signs[] = {{"==", OP_EQUAL},  {"!=", OP_NOT_EQUAL},
                                   {"<", OP_LESS},    {"<=", OP_LESS_EQUAL},
                                   {">", OP_GREATER}, {">=", OP_GREATER_EQUAL}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        *op = signs[i].op;
        if (jinja_take(p, TOKEN_SIGN, signs[i].sign)) return true;
    }
    *op = OP_IN;
    if (jinja_take(p, TOKEN_NAME, "in")) return true;
    const Token *next = &p->tokens[p->at];
    *op = OP_NOT_IN;
    if (!jinja_is(p, TOKEN_NAME, "not") || next[1].kind != TOKEN_NAME ||
        !slice_eq_cstr(next[1].text, "in"))
        return false;
    p->at += 2;
    return true;
}

// "a < b < c" is "a < b and b < c".
static Status parse_comparison(JinjaParser *p, const Expr **out, Error *err)
{
    const Expr *left = NULL, *right = NULL, *all = NULL, *one = NULL;
    JinjaOp op;
    TRY(parse_sum(p, &left, err));
    while (take_comparison(p, &op)) {
        TRY(parse_sum(p, &right, err));
        TRY(jinja_new_pair(p, EXPR_COMPARE, left, right, op, &one, err));
        if (all) TRY(jinja_new_pair(p, EXPR_AND, all, one, op, &one, err));
        all = one;
        left = right;
    }
    *out = all ? all : left;
    return STATUS_OK;
}

static Status parse_not(JinjaParser *p, const Expr **out, Error *err)
{
    if (!jinja_take(p, TOKEN_NAME, "not")) return parse_comparison(p, out, err);
    TRY(jinja_enter(p, err));
    TRY(parse_not(p, out, err));
    p->depth--;
    return jinja_new_pair(p, EXPR_NOT, *out, NULL, OP_ADD, out, err);
}

static Status parse_and(JinjaParser *p, const Expr **out, Error *err)
{
    const Expr *right = NULL;
    TRY(parse_not(p, out, err));
    while (jinja_take(p, TOKEN_NAME, "and")) {
        TRY(parse_not(p, &right, err));
        TRY(jinja_new_pair(p, EXPR_AND, *out, right, OP_ADD, out, err));
    }
    return STATUS_OK;
}

static Status parse_or(JinjaParser *p, const Expr **out, Error *err)
{
    const Expr *right = NULL;
    TRY(parse_and(p, out, err));
    while (jinja_take(p, TOKEN_NAME, "or")) {
        TRY(parse_and(p, &right, err));
        TRY(jinja_new_pair(p, EXPR_OR, *out, right, OP_ADD, out, err));
    }
    return STATUS_OK;
}

static Status parse_conditional(JinjaParser *p, const Expr **out, Error *err)
{
    TRY(parse_or(p, out, err));
    while (jinja_take(p, TOKEN_NAME, "if")) {
        Expr *e = NULL;
        TRY(jinja_new_expr(p, EXPR_IF, &e, err));
        e->a = *out;
        TRY(parse_or(p, &e->b, err));
        if (jinja_take(p, TOKEN_NAME, "else")) TRY(jinja_parse_expr(p, &e->c, err));
        *out = e;
    }
    return STATUS_OK;
}

Status jinja_parse_expr(JinjaParser *p, const Expr **out, Error *err)
{
    TRY(jinja_enter(p, err));
    TRY(parse_conditional(p, out, err));
    p->depth--;
    return STATUS_OK;
}

Status jinja_parse_tuple(JinjaParser *p, bool without_if, const Expr **out, Error *err)
{
    Expr *e = NULL;
    TRY(without_if ? parse_or(p, out, err) : jinja_parse_expr(p, out, err));
    if (!jinja_is(p, TOKEN_SIGN, ",")) return STATUS_OK;
    TRY(jinja_new_expr(p, EXPR_LIST, &e, err));
    TRY(jinja_add_item(p, e, *out, err));
    while (jinja_take(p, TOKEN_SIGN, ",")) {
        if (jinja_is(p, TOKEN_SIGN, ")") || jinja_is(p, TOKEN_BLOCK_END, NULL)) break;
        TRY(jinja_parse_expr(p, out, err));
        TRY(jinja_add_item(p, e, *out, err));
    }
    *out = e;
    return STATUS_OK;
}
