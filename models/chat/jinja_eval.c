// Expressions and statements, run.
#include <string.h>

#include "models/chat/jinja_internal.h"

// ---- names ----

static const JinjaValue *find(const JinjaRun *run, Slice name)
{
    for (const Scope *scope = run->scope; scope; scope = scope->parent) {
        for (size_t i = scope->n; i-- > 0;) {
            if (slice_eq(scope->variables[i].name, name)) return &scope->variables[i].value;
        }
    }
    return NULL;
}

Status jinja_set(JinjaRun *run, Slice name, JinjaValue value, Error *err)
{
    Scope *scope = run->scope;
    for (size_t i = 0; i < scope->n; i++) {
        if (!slice_eq(scope->variables[i].name, name)) continue;
        scope->variables[i].value = value;
        return STATUS_OK;
    }
    if (scope->n == scope->capacity) {
        const size_t larger = 2 * scope->capacity + 4;
        Variable *variables = NULL;
        TRY(jinja_alloc(run, larger, sizeof *variables, &variables, err));
        if (scope->n > 0) memcpy(variables, scope->variables, scope->n * sizeof *variables);
        scope->variables = variables;
        scope->capacity = larger;
    }
    scope->variables[scope->n++] = (Variable){name, value};
    return STATUS_OK;
}

// ---- expressions ----

static Status eval_arguments(JinjaRun *run, const Expr *e, JinjaArguments *out, Error *err)
{
    *out = (JinjaArguments){.n = e->n_items, .n_named = e->n_keywords};
    TRY(jinja_alloc(run, out->n, sizeof *out->items, &out->items, err));
    TRY(jinja_alloc(run, out->n_named, sizeof *out->named, &out->named, err));
    TRY(jinja_alloc(run, out->n_named, sizeof *out->names, &out->names, err));
    for (size_t i = 0; i < out->n; i++) TRY(jinja_eval(run, e->items[i], &out->items[i], err));
    for (size_t i = 0; i < out->n_named; i++) {
        out->names[i] = e->keywords[i].name;
        TRY(jinja_eval(run, e->keywords[i].value, &out->named[i], err));
    }
    return STATUS_OK;
}

static Status eval_call(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaArguments arguments;
    JinjaValue of = {0};
    const Expr *callee = e->a;
    if (callee->kind == EXPR_ATTRIBUTE) {
        TRY(jinja_eval(run, callee->a, &of, err));
        TRY(eval_arguments(run, e, &arguments, err));
        run->line = e->line;
        return jinja_method(run, of, callee->text, &arguments, out, err);
    }
    const JinjaValue *known = callee->kind == EXPR_NAME ? find(run, callee->text) : NULL;
    const bool asks_day = callee->kind == EXPR_NAME && slice_eq_cstr(callee->text, "strftime_now");
    if (callee->kind != EXPR_NAME || (known && known->kind != JINJA_MACRO && !asks_day))
        return jinja_fail(run, err, "only functions, macros and methods are called");
    const JinjaValue day = known && asks_day ? *known : of; // known may move
    const JinjaMacro *macro = known && known->kind == JINJA_MACRO ? known->as.macro : NULL;
    TRY(eval_arguments(run, e, &arguments, err));
    run->line = e->line;
    if (asks_day && !macro) return jinja_day(run, day, &arguments, out, err);
    if (macro) return jinja_call_macro(run, macro, &arguments, NULL, out, err);
    return jinja_function(run, callee->text, &arguments, out, err);
}

static Status eval_attribute(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaValue of = {0};
    int64_t number = 0;
    TRY(jinja_eval(run, e->a, &of, err));
    if (of.kind == JINJA_UNDEFINED)
        return jinja_fail(run, err, "'%.*s' is undefined", SLICE_ARG(slice_sub(of.as.text, 0, 80)));
    const bool is_number = slice_to_i64(e->text, &number); // a.0
    return jinja_index(run, of, is_number ? jinja_int(number) : jinja_text(e->text), out, err);
}

static Status eval_slice(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaValue of = {0}, ends[3];
    TRY(jinja_eval(run, e->a, &of, err));
    for (size_t i = 0; i < 3; i++) {
        ends[i] = (JinjaValue){.kind = JINJA_NONE};
        if (e->items[i]) TRY(jinja_eval(run, e->items[i], &ends[i], err));
    }
    return jinja_slice(run, of, ends, out, err);
}

static Status eval_list(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    TRY(jinja_new_list(run, e->n_items, out, err));
    for (size_t i = 0; i < e->n_items; i++)
        TRY(jinja_eval(run, e->items[i], &out->as.list->items[i], err));
    return STATUS_OK;
}

static Status eval_map(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    TRY(jinja_new_map(run, e->n_items, out, err));
    for (size_t i = 0; i < e->n_items; i++) {
        JinjaValue key = {0}, value = {0};
        TRY(jinja_eval(run, e->items[i], &key, err));
        TRY(jinja_eval(run, e->keywords[i].value, &value, err));
        if (key.kind != JINJA_STRING) return jinja_fail(run, err, "a mapping's keys are texts");
        TRY(jinja_map_put(run, out->as.map, key.as.text, value, err));
    }
    return STATUS_OK;
}

static Status eval_negative(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaValue v = {0};
    TRY(jinja_eval(run, e->a, &v, err));
    return jinja_binary(run, OP_SUBTRACT, jinja_int(0), v, out, err);
}

// "a and b", "a or b": the side that decides, as it is.
static Status eval_logic(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    TRY(jinja_eval(run, e->a, out, err));
    return jinja_truth(*out) == (e->kind == EXPR_AND) ? jinja_eval(run, e->b, out, err) : STATUS_OK;
}

static Status eval_pair(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaValue a = {0}, b = {0};
    bool truth = false;
    TRY(jinja_eval(run, e->a, &a, err));
    TRY(jinja_eval(run, e->b, &b, err));
    run->line = e->line;
    if (e->kind == EXPR_INDEX) return jinja_index(run, a, b, out, err);
    if (e->kind == EXPR_BINARY) return jinja_binary(run, e->op, a, b, out, err);
    TRY(jinja_compare(run, e->op, a, b, &truth, err));
    *out = jinja_bool(truth);
    return STATUS_OK;
}

static Status eval_if(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaValue condition = {0};
    TRY(jinja_eval(run, e->b, &condition, err));
    if (jinja_truth(condition)) return jinja_eval(run, e->a, out, err);
    *out = jinja_undefined(SLICE("the value of an if without else"));
    return e->c ? jinja_eval(run, e->c, out, err) : STATUS_OK;
}

static Status eval_named(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    JinjaArguments arguments;
    JinjaValue of = {0};
    bool truth = false;
    TRY(jinja_eval(run, e->a, &of, err));
    TRY(eval_arguments(run, e, &arguments, err));
    run->line = e->line;
    if (e->kind == EXPR_FILTER) return jinja_filter(run, e->text, of, &arguments, out, err);
    TRY(jinja_test(run, e->text, of, &arguments, &truth, err));
    *out = jinja_bool(truth);
    return STATUS_OK;
}

static Status eval_name(JinjaRun *run, const Expr *e, JinjaValue *out)
{
    const JinjaValue *found = find(run, e->text);
    // A function is there, though it has no value: "is defined" says so.
    *out = found                        ? *found
           : jinja_is_function(e->text) ? (JinjaValue){.kind = JINJA_NONE}
                                        : jinja_undefined(e->text);
    return STATUS_OK;
}

static Status eval_kind(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        *out = e->literal;
        return STATUS_OK;
    case EXPR_NAME:
        return eval_name(run, e, out);
    case EXPR_ATTRIBUTE:
        return eval_attribute(run, e, out, err);
    case EXPR_SLICE:
        return eval_slice(run, e, out, err);
    case EXPR_CALL:
        return eval_call(run, e, out, err);
    case EXPR_FILTER:
    case EXPR_TEST:
        return eval_named(run, e, out, err);
    case EXPR_NOT:
        TRY(jinja_eval(run, e->a, out, err));
        *out = jinja_bool(!jinja_truth(*out));
        return STATUS_OK;
    case EXPR_NEGATIVE:
        return eval_negative(run, e, out, err);
    case EXPR_INDEX:
    case EXPR_BINARY:
    case EXPR_COMPARE:
        return eval_pair(run, e, out, err);
    case EXPR_AND:
    case EXPR_OR:
        return eval_logic(run, e, out, err);
    case EXPR_IF:
        return eval_if(run, e, out, err);
    case EXPR_LIST:
        return eval_list(run, e, out, err);
    case EXPR_MAP:
        break;
    }
    return eval_map(run, e, out, err);
}

// Chains of operators nest to the left without end, so the running is bounded too.
Status jinja_eval(JinjaRun *run, const Expr *e, JinjaValue *out, Error *err)
{
    enum { DEEPEST = 2000 };
    run->line = e->line;
    TRY(jinja_step(run, err));
    if (++run->depth > DEEPEST) return jinja_fail(run, err, "an expression has too many parts");
    const Status s = eval_kind(run, e, out, err);
    run->depth--;
    return s;
}

// ---- statements ----

Status jinja_open_scope(JinjaRun *run, Scope *parent, Error *err)
{
    Scope *scope = NULL;
    TRY(jinja_alloc(run, 1, sizeof *scope, &scope, err));
    *scope = (Scope){.parent = parent};
    run->scope = scope;
    return STATUS_OK;
}

static Status bind_names(JinjaRun *run, const Statement *s, JinjaValue value, Error *err)
{
    JinjaList items = {0};
    if (s->n_names == 1) return jinja_set(run, s->names[0], value, err);
    TRY(jinja_items(run, value, &items, err));
    if (items.n != s->n_names)
        return jinja_fail(run, err, "%zu names for %zu values", s->n_names, items.n);
    for (size_t i = 0; i < items.n; i++) TRY(jinja_set(run, s->names[i], items.items[i], err));
    return STATUS_OK;
}

// "loop", of item i of the list.
static Status bind_loop(JinjaRun *run, const JinjaList *items, size_t i, Error *err)
{
    JinjaValue loop = {0};
    const int64_t at = (int64_t)i, n = (int64_t)items->n;
    const struct {
        const char *name;
        JinjaValue value;
    } members[] = {
        {"index", jinja_int(at + 1)},
        {"index0", jinja_int(at)},
        {"revindex", jinja_int(n - at)},
        {"revindex0", jinja_int(n - at - 1)},
        {"first", jinja_bool(i == 0)},
        {"last", jinja_bool(i + 1 == items->n)},
        {"length", jinja_int(n)},
        {"depth", jinja_int(1)},
        {"depth0", jinja_int(0)},
        {"previtem", i > 0 ? items->items[i - 1] : jinja_undefined(SLICE("previtem"))},
        {"nextitem", i + 1 < items->n ? items->items[i + 1] : jinja_undefined(SLICE("nextitem"))},
    };
    enum { N_MEMBERS = sizeof members / sizeof *members };
    TRY(jinja_new_map(run, N_MEMBERS, &loop, err));
    for (size_t k = 0; k < N_MEMBERS; k++)
        TRY(jinja_map_put(run, loop.as.map, slice_from_cstr(members[k].name), members[k].value,
                          err));
    return jinja_set(run, SLICE("loop"), loop, err);
}

// The items for which the loop's condition holds.
static Status filter_items(JinjaRun *run, const Statement *s, JinjaList *items, Error *err)
{
    JinjaValue kept = {0};
    size_t n = 0;
    if (!s->condition) return STATUS_OK;
    TRY(jinja_new_list(run, items->n, &kept, err));
    for (size_t i = 0; i < items->n; i++) {
        Scope scope = {.parent = run->scope};
        JinjaValue holds = {.kind = JINJA_NONE};
        run->scope = &scope;
        Status status = bind_names(run, s, items->items[i], err);
        if (status == STATUS_OK) status = jinja_eval(run, s->condition, &holds, err);
        run->scope = scope.parent;
        TRY(status);
        if (jinja_truth(holds)) kept.as.list->items[n++] = items->items[i];
    }
    *items = (JinjaList){kept.as.list->items, n};
    return STATUS_OK;
}

static Status run_for(JinjaRun *run, const Statement *s, Buffer *out, Error *err)
{
    JinjaValue over = {0};
    JinjaList items = {0};
    TRY(jinja_eval(run, s->value, &over, err));
    TRY(jinja_items(run, over, &items, err));
    TRY(filter_items(run, s, &items, err));
    if (items.n == 0) return jinja_run_body(run, s->otherwise, out, err);
    for (size_t i = 0; i < items.n && !run->breaks; i++) {
        Scope *outer = run->scope;
        TRY(jinja_open_scope(run, outer, err));
        Status status = bind_loop(run, &items, i, err);
        if (status == STATUS_OK) status = bind_names(run, s, items.items[i], err);
        if (status == STATUS_OK) status = jinja_run_body(run, s->body, out, err);
        run->scope = outer;
        run->continues = false;
        TRY(status);
    }
    run->breaks = false;
    return STATUS_OK;
}

static Status run_set(JinjaRun *run, const Statement *s, JinjaValue value, Error *err)
{
    if (!s->member.ptr) return bind_names(run, s, value, err);
    const JinjaValue *of = find(run, s->names[0]);
    if (!of || of->kind != JINJA_MAP || !of->as.map->is_namespace)
        return jinja_fail(run, err, "%.*s is no namespace: its members stay as they are",
                          SLICE_ARG(slice_sub(s->names[0], 0, 80)));
    return jinja_map_put(run, of->as.map, s->member, value, err);
}

static Status run_set_block(JinjaRun *run, const Statement *s, Error *err)
{
    Buffer text = {0};
    JinjaValue value = {.kind = JINJA_NONE};
    Status status = jinja_run_body(run, s->body, &text, err);
    if (status == STATUS_OK) status = buffer_status(&text, err);
    if (status == STATUS_OK) status = jinja_keep(run, buffer_slice(&text), &value, err);
    if (status == STATUS_OK) status = run_set(run, s, value, err);
    buffer_release(&text);
    return status;
}

// {% call macro(..) %}: its body is what the macro calls as "caller".
static Status run_call(JinjaRun *run, const Statement *s, JinjaValue *out, Error *err)
{
    JinjaArguments arguments;
    JinjaValue caller = {0};
    const Expr *call = s->value;
    const JinjaValue *known =
        call->kind == EXPR_CALL && call->a->kind == EXPR_NAME ? find(run, call->a->text) : NULL;
    if (!known || known->kind != JINJA_MACRO)
        return jinja_fail(run, err, "what is called with a block must be a macro");
    const JinjaMacro *macro = known->as.macro;
    TRY(eval_arguments(run, call, &arguments, err));
    TRY(jinja_new_macro(run, s, &caller, err));
    return jinja_call_macro(run, macro, &arguments, &caller, out, err);
}

static Status put(JinjaRun *run, JinjaValue value, Buffer *out, Error *err)
{
    jinja_append(out, value, false, 0);
    if (out->len <= JINJA_MAX_MEMORY) return STATUS_OK;
    return jinja_fail(run, err, "the template makes more than %d MiB", JINJA_MAX_MEMORY >> 20);
}

static Status run_statement(JinjaRun *run, const Statement *s, Buffer *out, Error *err)
{
    JinjaValue value = {0};
    switch (s->kind) {
    case STATEMENT_TEXT:
        return put(run, jinja_text(s->text), out, err);
    case STATEMENT_OUTPUT:
        TRY(jinja_eval(run, s->value, &value, err));
        return put(run, value, out, err);
    case STATEMENT_IF:
        TRY(jinja_eval(run, s->value, &value, err));
        return jinja_run_body(run, jinja_truth(value) ? s->body : s->otherwise, out, err);
    case STATEMENT_FOR:
        return run_for(run, s, out, err);
    case STATEMENT_SET:
        TRY(jinja_eval(run, s->value, &value, err));
        return run_set(run, s, value, err);
    case STATEMENT_SET_BLOCK:
        return run_set_block(run, s, err);
    case STATEMENT_BREAK:
        run->breaks = true;
        return STATUS_OK;
    case STATEMENT_CONTINUE:
        run->continues = true;
        return STATUS_OK;
    case STATEMENT_MACRO:
        TRY(jinja_new_macro(run, s, &value, err));
        return jinja_set(run, s->names[0], value, err);
    case STATEMENT_CALL:
        TRY(run_call(run, s, &value, err));
        return put(run, value, out, err);
    case STATEMENT_BLOCK:
        break;
    }
    return jinja_run_body(run, s->body, out, err);
}

Status jinja_run_body(JinjaRun *run, const Statement *body, Buffer *out, Error *err)
{
    for (const Statement *s = body; s && !run->breaks && !run->continues; s = s->next) {
        run->line = s->line;
        TRY(jinja_step(run, err));
        TRY(run_statement(run, s, out, err));
    }
    return STATUS_OK;
}

Status jinja_render(const JinjaTemplate *template, const JinjaVariable *variables, size_t n,
                    Buffer *out, Error *err)
{
    Scope scope = {0};
    JinjaRun run = {.template = template, .scope = &scope, .line = 1};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        JinjaValue value = variables[i].is_true ? jinja_bool(true) : jinja_text(variables[i].text);
        if (variables[i].is_none) value = (JinjaValue){.kind = JINJA_NONE};
        if (variables[i].json) s = jinja_from_json(&run, variables[i].json, 0, &value, err);
        if (s == STATUS_OK) s = jinja_set(&run, slice_from_cstr(variables[i].name), value, err);
    }
    if (s == STATUS_OK) s = jinja_run_body(&run, template->body, out, err);
    if (s == STATUS_OK) s = buffer_status(out, err);
    arena_release(&run.arena);
    return s;
}
