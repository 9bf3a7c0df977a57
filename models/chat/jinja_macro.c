// Macros: bodies with parameters, and blocks that are handed to one.
#include "models/chat/jinja_internal.h"

Status jinja_new_macro(JinjaRun *run, const Statement *s, JinjaValue *out, Error *err)
{
    JinjaMacro *macro = NULL;
    TRY(jinja_alloc(run, 1, sizeof *macro, &macro, err));
    *macro = (JinjaMacro){.statement = s, .scope = run->scope};
    *out = (JinjaValue){.kind = JINJA_MACRO, .as.macro = macro};
    return STATUS_OK;
}

static Slice name_of(const JinjaMacro *macro)
{
    return macro->statement->kind == STATEMENT_MACRO ? macro->statement->names[0] : SLICE("caller");
}

static bool has_parameter(const Expr *parameters, Slice name)
{
    for (size_t i = 0; parameters && i < parameters->n_items; i++) {
        if (slice_eq(parameters->items[i]->text, name)) return true;
    }
    return false;
}

static Status check_arguments(JinjaRun *run, const JinjaMacro *macro, const JinjaArguments *a,
                              Error *err)
{
    const Expr *parameters = macro->statement->parameters;
    const Slice name = slice_sub(name_of(macro), 0, 80);
    const size_t n = parameters ? parameters->n_items : 0;
    if (a->n > n)
        return jinja_fail(run, err, "macro \"%.*s\" takes %zu arguments, not %zu", SLICE_ARG(name),
                          n, a->n);
    for (size_t i = 0; i < a->n_named; i++) {
        if (has_parameter(parameters, a->names[i])) continue;
        return jinja_fail(run, err, "macro \"%.*s\" has no parameter \"%.*s\"", SLICE_ARG(name),
                          SLICE_ARG(slice_sub(a->names[i], 0, 80)));
    }
    return STATUS_OK;
}

// Into the present scope, which is the macro's own: what stands for one may name those before it.
static Status bind_parameters(JinjaRun *run, const Expr *parameters, const JinjaArguments *a,
                              Error *err)
{
    for (size_t i = 0; parameters && i < parameters->n_items; i++) {
        const Slice name = parameters->items[i]->text;
        const Expr *otherwise = parameters->keywords[i].value;
        JinjaValue value = i < a->n ? a->items[i] : jinja_undefined(name);
        bool is_given = i < a->n;
        for (size_t k = 0; k < a->n_named; k++) {
            if (!slice_eq(a->names[k], name)) continue;
            if (is_given)
                return jinja_fail(run, err, "\"%.*s\" is given twice",
                                  SLICE_ARG(slice_sub(name, 0, 80)));
            value = a->named[k];
            is_given = true;
        }
        if (!is_given && otherwise) TRY(jinja_eval(run, otherwise, &value, err));
        TRY(jinja_set(run, name, value, err));
    }
    return STATUS_OK;
}

static Status run_macro(JinjaRun *run, const JinjaMacro *macro, const JinjaArguments *a,
                        const JinjaValue *caller, JinjaValue *out, Error *err)
{
    Buffer text = {0};
    TRY(bind_parameters(run, macro->statement->parameters, a, err));
    if (caller) TRY(jinja_set(run, SLICE("caller"), *caller, err));
    Status s = jinja_run_body(run, macro->statement->body, &text, err);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) s = jinja_keep(run, buffer_slice(&text), out, err);
    buffer_release(&text);
    return s;
}

Status jinja_call_macro(JinjaRun *run, const JinjaMacro *macro, const JinjaArguments *a,
                        const JinjaValue *caller, JinjaValue *out, Error *err)
{
    Scope *outer = run->scope;
    TRY(check_arguments(run, macro, a, err));
    if (++run->n_calls > JINJA_MAX_CALLS)
        return jinja_fail(run, err, "macros call one another more than %d times deep",
                          JINJA_MAX_CALLS);
    TRY(jinja_open_scope(run, macro->scope, err));
    const Status s = run_macro(run, macro, a, caller, out, err);
    run->scope = outer;
    run->n_calls--;
    return s;
}
