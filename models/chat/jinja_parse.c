// Statements of a template.
#include <string.h>

#include "models/chat/jinja_internal.h"

static Status parse_body(JinjaParser *p, const char *const *ends, const Statement **out,
                         Error *err);

static Status new_statement(JinjaParser *p, StatementKind kind, Statement **out, Error *err)
{
    TRY(arena_take(p->arena, 1, sizeof **out, "a template", out, err));
    **out = (Statement){.kind = kind, .line = jinja_peek(p)->line};
    return STATUS_OK;
}

static Status end_block(JinjaParser *p, Error *err)
{
    if (jinja_take(p, TOKEN_BLOCK_END, NULL)) return STATUS_OK;
    const Token *token = jinja_peek(p);
    return jinja_wrong(p, token->line, err, "found \"%.*s\" where the tag should end",
                       SLICE_ARG(slice_sub(token->text, 0, 40)));
}

// One of the words that end a body is next; it is taken, its "%}" not.
static bool take_end(JinjaParser *p, const char *word)
{
    if (!jinja_is(p, TOKEN_BLOCK_BEGIN, NULL)) return false;
    p->at++;
    if (jinja_take(p, TOKEN_NAME, word)) return true;
    p->at--;
    return false;
}

static Status parse_if(JinjaParser *p, Statement *s, Error *err)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL}, *const last[] = {"endif",
                                                                                        NULL};
    TRY(jinja_parse_tuple(p, false, &s->value, err));
    TRY(end_block(p, err));
    TRY(parse_body(p, ends, &s->body, err));
    if (take_end(p, "elif")) {
        Statement *next = NULL;
        if (++p->depth > JINJA_MAX_DEPTH)
            return jinja_wrong(p, s->line, err, "more than %d times elif", JINJA_MAX_DEPTH);
        TRY(new_statement(p, STATEMENT_IF, &next, err));
        TRY(parse_if(p, next, err));
        p->depth--;
        s->otherwise = next;
        return STATUS_OK;
    }
    if (take_end(p, "else")) {
        TRY(end_block(p, err));
        TRY(parse_body(p, last, &s->otherwise, err));
    }
    if (!take_end(p, "endif")) return jinja_wrong(p, s->line, err, "this if has no endif");
    return end_block(p, err);
}

static Status parse_names(JinjaParser *p, Statement *s, Error *err)
{
    const bool has_brackets = jinja_take(p, TOKEN_SIGN, "(");
    do {
        const Token *token = jinja_peek(p);
        if (token->kind != TOKEN_NAME || s->n_names == JINJA_MAX_TARGETS)
            return jinja_wrong(p, token->line, err, "1 to %d names are wanted here",
                               JINJA_MAX_TARGETS);
        s->names[s->n_names++] = token->text;
        p->at++;
    } while (jinja_take(p, TOKEN_SIGN, ","));
    return has_brackets ? jinja_expect(p, TOKEN_SIGN, ")", err) : STATUS_OK;
}

static Status parse_for(JinjaParser *p, Statement *s, Error *err)
{
    static const char *const ends[] = {"else", "endfor", NULL}, *const last[] = {"endfor", NULL};
    TRY(parse_names(p, s, err));
    TRY(jinja_expect(p, TOKEN_NAME, "in", err));
    TRY(jinja_parse_tuple(p, true, &s->value, err));
    if (jinja_take(p, TOKEN_NAME, "if")) TRY(jinja_parse_expr(p, &s->condition, err));
    if (jinja_is(p, TOKEN_NAME, "recursive"))
        return jinja_wrong(p, s->line, err, "recursive loops are not supported");
    TRY(end_block(p, err));
    p->loops++;
    TRY(parse_body(p, ends, &s->body, err));
    p->loops--;
    if (take_end(p, "else")) {
        TRY(end_block(p, err));
        TRY(parse_body(p, last, &s->otherwise, err));
    }
    if (!take_end(p, "endfor")) return jinja_wrong(p, s->line, err, "this for has no endfor");
    return end_block(p, err);
}

static Status parse_set(JinjaParser *p, Statement *s, Error *err)
{
    static const char *const ends[] = {"endset", NULL};
    TRY(parse_names(p, s, err));
    if (s->n_names == 1 && jinja_take(p, TOKEN_SIGN, ".")) {
        s->member = jinja_peek(p)->text;
        TRY(jinja_expect(p, TOKEN_NAME, NULL, err));
    }
    if (jinja_take(p, TOKEN_SIGN, "=")) {
        TRY(jinja_parse_tuple(p, false, &s->value, err));
        return end_block(p, err);
    }
    s->kind = STATEMENT_SET_BLOCK;
    if (s->n_names > 1 || !jinja_is(p, TOKEN_BLOCK_END, NULL))
        return jinja_wrong(p, s->line, err, "set wants a name and a value, or a block");
    TRY(end_block(p, err));
    TRY(parse_body(p, ends, &s->body, err));
    if (!take_end(p, "endset")) return jinja_wrong(p, s->line, err, "this set has no endset");
    return end_block(p, err);
}

static Status parse_generation(JinjaParser *p, Statement *s, Error *err)
{
    static const char *const ends[] = {"endgeneration", NULL};
    TRY(end_block(p, err));
    TRY(parse_body(p, ends, &s->body, err));
    if (!take_end(p, "endgeneration"))
        return jinja_wrong(p, s->line, err, "this generation has no endgeneration");
    return end_block(p, err);
}

static Status parse_macro(JinjaParser *p, Statement *s, Error *err)
{
    static const char *const ends[] = {"endmacro", NULL};
    const size_t loops = p->loops;
    s->names[0] = jinja_peek(p)->text;
    s->n_names = 1;
    TRY(jinja_expect(p, TOKEN_NAME, NULL, err));
    TRY(jinja_expect(p, TOKEN_SIGN, "(", err));
    TRY(jinja_parse_parameters(p, &s->parameters, err));
    TRY(end_block(p, err));
    p->loops = 0;
    TRY(parse_body(p, ends, &s->body, err));
    p->loops = loops;
    if (!take_end(p, "endmacro")) return jinja_wrong(p, s->line, err, "this macro has no endmacro");
    return end_block(p, err);
}

static Status parse_call(JinjaParser *p, Statement *s, Error *err)
{
    static const char *const ends[] = {"endcall", NULL};
    const size_t loops = p->loops;
    if (jinja_take(p, TOKEN_SIGN, "(")) TRY(jinja_parse_parameters(p, &s->parameters, err));
    TRY(jinja_parse_expr(p, &s->value, err));
    TRY(end_block(p, err));
    p->loops = 0;
    TRY(parse_body(p, ends, &s->body, err));
    p->loops = loops;
    if (!take_end(p, "endcall")) return jinja_wrong(p, s->line, err, "this call has no endcall");
    return end_block(p, err);
}

static Status parse_jump(JinjaParser *p, Statement *s, Error *err)
{
    if (p->loops == 0) return jinja_wrong(p, s->line, err, "break and continue stand in loops");
    return end_block(p, err);
}

static Status parse_block(JinjaParser *p, Statement **out, Error *err)
{
    static const struct {
        const char *word;
        StatementKind kind;
        Status (*parse)(JinjaParser *p, Statement *s, Error *err);
    } words[] = {{"if", STATEMENT_IF, parse_if},
                 {"for", STATEMENT_FOR, parse_for},
                 {"set", STATEMENT_SET, parse_set},
                 {"break", STATEMENT_BREAK, parse_jump},
                 {"continue", STATEMENT_CONTINUE, parse_jump},
                 {"macro", STATEMENT_MACRO, parse_macro},
                 {"call", STATEMENT_CALL, parse_call},
                 {"generation", STATEMENT_BLOCK, parse_generation}};
    const Token *token = jinja_peek(p);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!jinja_take(p, TOKEN_NAME, words[i].word)) continue;
        TRY(new_statement(p, words[i].kind, out, err));
        (*out)->line = token->line;
        return words[i].parse(p, *out, err);
    }
    return jinja_wrong(
        p, token->line, err,
        "\"%.*s\" is not supported here: known are if, for, set, break, continue, macro, call and "
        "generation",
        SLICE_ARG(slice_sub(token->text, 0, 40)));
}

static Status parse_statement(JinjaParser *p, Statement **out, Error *err)
{
    if (jinja_is(p, TOKEN_TEXT, NULL)) {
        TRY(new_statement(p, STATEMENT_TEXT, out, err));
        (*out)->text = p->tokens[p->at++].text;
        return STATUS_OK;
    }
    if (jinja_take(p, TOKEN_OUTPUT_BEGIN, NULL)) {
        TRY(new_statement(p, STATEMENT_OUTPUT, out, err));
        TRY(jinja_parse_tuple(p, false, &(*out)->value, err));
        return jinja_expect(p, TOKEN_OUTPUT_END, NULL, err);
    }
    p->at++; // {%
    return parse_block(p, out, err);
}

static bool is_end(const JinjaParser *p, const char *const *ends)
{
    const Token *token = &p->tokens[p->at];
    if (token->kind == TOKEN_END) return true;
    if (token->kind != TOKEN_BLOCK_BEGIN || token[1].kind != TOKEN_NAME) return false;
    for (size_t i = 0; ends[i]; i++) {
        if (slice_eq_cstr(token[1].text, ends[i])) return true;
    }
    return false;
}

static Status parse_body(JinjaParser *p, const char *const *ends, const Statement **out, Error *err)
{
    Statement *last = NULL;
    *out = NULL;
    if (++p->depth > JINJA_MAX_DEPTH)
        return jinja_wrong(p, jinja_peek(p)->line, err, "nested deeper than %d", JINJA_MAX_DEPTH);
    while (!is_end(p, ends)) {
        Statement *statement = NULL;
        TRY(parse_statement(p, &statement, err));
        if (last)
            last->next = statement;
        else
            *out = statement;
        last = statement;
    }
    p->depth--;
    return STATUS_OK;
}

// Lines end with a line feed, and the last one's is left out.
static Status normal_lines(Arena *arena, Slice text, Slice *out, Error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    TRY(arena_take(arena, text.len + 1, 1, "a template", &bytes, err));
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n') continue;
        bytes[n++] = c;
        if (c == '\r') bytes[n - 1] = '\n';
    }
    if (n > 0 && bytes[n - 1] == '\n') n--;
    *out = (Slice){bytes, n};
    return STATUS_OK;
}

Status jinja_parse(Arena *arena, Slice name, Slice text, const JinjaTemplate **out, Error *err)
{
    static const char *const none[] = {NULL};
    JinjaTemplate *template = NULL;
    JinjaParser parser = {.arena = arena, .name = arena_copy(arena, name)};
    Slice lines = {0};
    if (text.len > JINJA_MAX_BYTES)
        return error_set(err, STATUS_INVALID, SLICE_FMT ": a template of %zu bytes; at most %d",
                         SLICE_ARG(name), text.len, JINJA_MAX_BYTES);
    TRY(arena_take(arena, 1, sizeof *template, "a template", &template, err));
    TRY(normal_lines(arena, text, &lines, err));
    TRY(jinja_lex(&parser, lines, err));
    TRY(parse_body(&parser, none, &template->body, err));
    template->name = parser.name;
    *out = template;
    return STATUS_OK;
}
