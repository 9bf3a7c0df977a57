// models/chat/jinja_internal.h: values, trees and the running of a template; for the jinja_*.c files.
#ifndef ASSAY_MODELS_CHAT_JINJA_INTERNAL_H
#define ASSAY_MODELS_CHAT_JINJA_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "models/chat/jinja.h"

enum {
    JINJA_MAX_BYTES = 1 << 20,   // of a template
    JINJA_MAX_DEPTH = 64,        // of nested expressions, statements and values
    JINJA_MAX_STEPS = 1 << 22,   // expressions and statements run
    JINJA_MAX_MEMORY = 64 << 20, // bytes of values made, and of output
    JINJA_MAX_CALLS = 50,        // of macros, one in another
};

// ---- values ----

typedef enum JinjaKind {
    JINJA_UNDEFINED, // text: the name that has no value
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_FLOAT,
    JINJA_STRING,
    JINJA_LIST,
    JINJA_MAP,
    JINJA_MACRO,
} JinjaKind;

typedef struct JinjaList JinjaList;
typedef struct JinjaMap JinjaMap;
typedef struct JinjaMacro JinjaMacro;

typedef struct JinjaValue {
    JinjaKind kind;
    union {
        bool truth;
        int64_t integer;
        double real;
        Slice text;
        JinjaList *list;
        JinjaMap *map;
        const JinjaMacro *macro;
    } as;
} JinjaValue;

struct JinjaList {
    JinjaValue *items;
    size_t n;
};

struct JinjaMap {
    Slice *keys;
    JinjaValue *values;
    size_t n, capacity;
    bool is_namespace; // may be changed by {% set name.member = .. %}
};

// ---- trees ----

typedef enum ExprKind {
    EXPR_LITERAL,
    EXPR_NAME,      // text
    EXPR_ATTRIBUTE, // a . text
    EXPR_INDEX,     // a [ b ]
    EXPR_SLICE,     // a [ items[0] : items[1] : items[2] ], each may be NULL
    EXPR_CALL,      // a ( items, keywords )
    EXPR_FILTER,    // a | text ( items, keywords )
    EXPR_TEST,      // a is text ( items )
    EXPR_NOT,
    EXPR_NEGATIVE,
    EXPR_BINARY,  // a op b
    EXPR_COMPARE, // a op b; chains are and-ed
    EXPR_AND,
    EXPR_OR,
    EXPR_IF, // b ? a : c (c may be NULL)
    EXPR_LIST,
    EXPR_MAP, // keys in items, values in keywords' values
} ExprKind;

typedef enum JinjaOp {
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_POWER,
    OP_CONCAT,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_IN,
    OP_NOT_IN,
} JinjaOp;

typedef struct Expr Expr;
typedef struct Keyword {
    Slice name;
    const Expr *value;
} Keyword;

struct Expr {
    ExprKind kind;
    uint32_t line;
    JinjaOp op;
    Slice text;
    JinjaValue literal;
    const Expr *a, *b, *c;
    const Expr **items;
    size_t n_items;
    Keyword *keywords;
    size_t n_keywords;
};

typedef enum StatementKind {
    STATEMENT_TEXT,
    STATEMENT_OUTPUT,
    STATEMENT_IF,  // value, body, otherwise
    STATEMENT_FOR, // targets in value (iterable), condition, body, otherwise
    STATEMENT_SET, // names or names[0].member
    STATEMENT_SET_BLOCK,
    STATEMENT_BREAK,
    STATEMENT_CONTINUE,
    STATEMENT_BLOCK, // body: {% generation %}
    STATEMENT_MACRO, // names[0], parameters, body
    STATEMENT_CALL,  // value: the call of a macro, to which parameters and body are its "caller"
} StatementKind;

enum { JINJA_MAX_TARGETS = 8 };

typedef struct Statement Statement;
struct Statement {
    StatementKind kind;
    uint32_t line;
    Slice text; // of STATEMENT_TEXT
    const Expr *value, *condition;
    const Expr *parameters; // names in items, what they are else (or NULL) in keywords; NULL: none
    Slice names[JINJA_MAX_TARGETS];
    size_t n_names;
    Slice member;
    const Statement *body, *otherwise, *next;
};

struct JinjaTemplate {
    Slice name;
    const Statement *body;
};

// ---- reading ----

typedef enum TokenKind {
    TOKEN_END, // of the template
    TOKEN_TEXT,
    TOKEN_OUTPUT_BEGIN, // {{
    TOKEN_OUTPUT_END,
    TOKEN_BLOCK_BEGIN, // {%
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING, // text without its quotes and escapes
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_SIGN, // text: "(", "==", ...
} TokenKind;

typedef struct Token {
    TokenKind kind;
    uint32_t line;
    Slice text;
    double number;
} Token;

typedef struct JinjaParser {
    Arena *arena;
    Slice name;
    Token *tokens; // the last is TOKEN_END
    size_t n, at;
    size_t depth, loops;
} JinjaParser;

// NAME:LINE: and what is wrong; STATUS_INVALID.
Status jinja_wrong(const JinjaParser *parser, uint32_t line, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// text into parser->tokens (jinja_lex.c).
Status jinja_lex(JinjaParser *parser, Slice text, Error *err) MUST_CHECK;
// jinja_operators.c; a tuple without brackets is a list. without_if: "a if b" ends before the "if".
Status jinja_parse_expr(JinjaParser *parser, const Expr **out, Error *err) MUST_CHECK;
Status jinja_parse_tuple(JinjaParser *parser, bool without_if, const Expr **out,
                         Error *err) MUST_CHECK;
// jinja_expr.c: what stands between operators, its sign before it and its filters and tests behind.
Status jinja_parse_operand(JinjaParser *parser, bool with_filters, const Expr **out,
                           Error *err) MUST_CHECK;
// "(a, b=1)", the first bracket taken.
Status jinja_parse_parameters(JinjaParser *parser, const Expr **out, Error *err) MUST_CHECK;
// One level deeper; refused beyond JINJA_MAX_DEPTH. parser->depth-- on the way back.
Status jinja_enter(JinjaParser *parser, Error *err) MUST_CHECK;
Status jinja_new_expr(JinjaParser *parser, ExprKind kind, Expr **out, Error *err) MUST_CHECK;
Status jinja_new_pair(JinjaParser *parser, ExprKind kind, const Expr *a, const Expr *b, JinjaOp op,
                      const Expr **out, Error *err) MUST_CHECK;
Status jinja_add_item(JinjaParser *parser, Expr *expr, const Expr *item, Error *err) MUST_CHECK;
const Token *jinja_peek(const JinjaParser *parser);
bool jinja_is(const JinjaParser *parser, TokenKind kind, const char *text);
bool jinja_take(JinjaParser *parser, TokenKind kind, const char *text);
Status jinja_expect(JinjaParser *parser, TokenKind kind, const char *text, Error *err) MUST_CHECK;

// ---- running ----

typedef struct Variable {
    Slice name;
    JinjaValue value;
} Variable;

// Names of one scope: a loop's body has its own.
typedef struct Scope Scope;
struct Scope {
    Variable *variables;
    size_t n, capacity;
    Scope *parent;
};

struct JinjaMacro {
    const Statement *statement;
    Scope *scope; // where it was made
};

typedef struct JinjaRun {
    const JinjaTemplate *template;
    Arena arena;
    Scope *scope;
    size_t n_steps, n_bytes, depth, n_calls;
    uint32_t line;
    bool breaks, continues;
} JinjaRun;

// Arguments of a call, a filter or a test.
typedef struct JinjaArguments {
    JinjaValue *items;
    size_t n;
    Slice *names; // of the last n_named
    JinjaValue *named;
    size_t n_named;
} JinjaArguments;

// jinja_run.c: NAME:LINE: and what is wrong; STATUS_INVALID.
Status jinja_fail(JinjaRun *run, Error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// n * size bytes of the run's memory, counted.
Status jinja_alloc(JinjaRun *run, size_t n, size_t size, void *out, Error *err) MUST_CHECK;
Status jinja_step(JinjaRun *run, Error *err) MUST_CHECK;

// jinja_value.c
JinjaValue jinja_bool(bool truth);
JinjaValue jinja_int(int64_t integer);
JinjaValue jinja_text(Slice text);
JinjaValue jinja_undefined(Slice name);
const char *jinja_kind_name(JinjaValue value);
bool jinja_truth(JinjaValue value);
// Booleans count as numbers, as in Python; jinja_real takes no other kind.
bool jinja_is_number(JinjaValue v);
double jinja_real(JinjaValue v);
bool jinja_equal(JinjaValue a, JinjaValue b, size_t depth);
Status jinja_from_json(JinjaRun *run, const Json *json, size_t depth, JinjaValue *out,
                       Error *err) MUST_CHECK;
Status jinja_new_list(JinjaRun *run, size_t n, JinjaValue *out, Error *err) MUST_CHECK;
Status jinja_new_map(JinjaRun *run, size_t n, JinjaValue *out, Error *err) MUST_CHECK;
Status jinja_map_put(JinjaRun *run, JinjaMap *map, Slice key, JinjaValue value,
                     Error *err) MUST_CHECK;
const JinjaValue *jinja_map_find(const JinjaMap *map, Slice key);
// As Python's str() has it, or, is_repr, repr().
void jinja_append(Buffer *out, JinjaValue value, bool is_repr, size_t depth);
void jinja_append_json(Buffer *out, JinjaValue value, int indent, size_t depth);
Status jinja_to_text(JinjaRun *run, JinjaValue value, Slice *out, Error *err) MUST_CHECK;
// A copy in the run's memory.
Status jinja_keep(JinjaRun *run, Slice text, JinjaValue *out, Error *err) MUST_CHECK;
// What a loop goes over: items of a list, keys of a map, characters of a text; none of what is undefined.
Status jinja_items(JinjaRun *run, JinjaValue value, JinjaList *out, Error *err) MUST_CHECK;

// jinja_operate.c
Status jinja_binary(JinjaRun *run, JinjaOp op, JinjaValue a, JinjaValue b, JinjaValue *out,
                    Error *err) MUST_CHECK;
Status jinja_compare(JinjaRun *run, JinjaOp op, JinjaValue a, JinjaValue b, bool *out,
                     Error *err) MUST_CHECK;
Status jinja_index(JinjaRun *run, JinjaValue of, JinjaValue at, JinjaValue *out,
                   Error *err) MUST_CHECK;
Status jinja_slice(JinjaRun *run, JinjaValue of, const JinjaValue ends[3], JinjaValue *out,
                   Error *err) MUST_CHECK;

// jinja_eval.c
Status jinja_eval(JinjaRun *run, const Expr *expr, JinjaValue *out, Error *err) MUST_CHECK;
Status jinja_set(JinjaRun *run, Slice name, JinjaValue value, Error *err) MUST_CHECK;
Status jinja_run_body(JinjaRun *run, const Statement *body, Buffer *out, Error *err) MUST_CHECK;
// A scope within the present one. It stays in the run's memory: a macro may have been made in it.
Status jinja_open_scope(JinjaRun *run, Scope *parent, Error *err) MUST_CHECK;

// jinja_macro.c
Status jinja_new_macro(JinjaRun *run, const Statement *s, JinjaValue *out, Error *err) MUST_CHECK;
// caller: what the macro may call by that name, or NULL.
Status jinja_call_macro(JinjaRun *run, const JinjaMacro *macro, const JinjaArguments *arguments,
                        const JinjaValue *caller, JinjaValue *out, Error *err) MUST_CHECK;

typedef Status JinjaFilter(JinjaRun *run, JinjaValue of, const JinjaArguments *arguments,
                           JinjaValue *out, Error *err);
// jinja_sort.c
JinjaFilter jinja_filter_sort, jinja_filter_dictsort, jinja_filter_unique, jinja_filter_max,
    jinja_filter_min, jinja_filter_sum, jinja_filter_indent, jinja_filter_escape,
    jinja_filter_round;

// jinja_filters.c, jinja_methods.c
Status jinja_filter(JinjaRun *run, Slice name, JinjaValue of, const JinjaArguments *arguments,
                    JinjaValue *out, Error *err) MUST_CHECK;
Status jinja_test(JinjaRun *run, Slice name, JinjaValue of, const JinjaArguments *arguments,
                  bool *out, Error *err) MUST_CHECK;
Status jinja_method(JinjaRun *run, JinjaValue of, Slice name, const JinjaArguments *arguments,
                    JinjaValue *out, Error *err) MUST_CHECK;
// strftime_now(format) of `day`, a text such as "2025-08-05", or else of a day that is always the same (jinja_day.c).
Status jinja_day(JinjaRun *run, JinjaValue day, const JinjaArguments *arguments, JinjaValue *out,
                 Error *err) MUST_CHECK;
// range, namespace, dict, raise_exception.
Status jinja_function(JinjaRun *run, Slice name, const JinjaArguments *arguments, JinjaValue *out,
                      Error *err) MUST_CHECK;
bool jinja_is_function(Slice name);
// The argument of that name or place; NULL where it is not given.
const JinjaValue *jinja_argument(const JinjaArguments *arguments, size_t place, const char *name);
// text without characters of `set` (NULL: blanks) at its ends.
Slice jinja_strip(Slice text, const Slice *set, bool left, bool right);

#endif
