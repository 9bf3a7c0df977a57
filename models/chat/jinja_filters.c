// Filters, tests and functions of templates.
#include <math.h>
#include <string.h>

#include "models/chat/jinja_internal.h"

const JinjaValue *jinja_argument(const JinjaArguments *a, size_t place, const char *name)
{
    for (size_t i = 0; i < a->n_named; i++) {
        if (slice_eq_cstr(a->names[i], name)) return &a->named[i];
    }
    return place < a->n ? &a->items[place] : NULL;
}

// ---- filters ----

static Status filter_trim(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                          Error *err)
{
    Slice text = {0}, set = {0};
    const JinjaValue *chars = jinja_argument(a, 0, "chars");
    TRY(jinja_to_text(run, of, &text, err));
    if (chars && chars->kind == JINJA_STRING) set = chars->as.text;
    *out = jinja_text(jinja_strip(text, set.ptr ? &set : NULL, true, true));
    return STATUS_OK;
}

static Status filter_tojson(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                            Error *err)
{
    Buffer text = {0};
    const JinjaValue *indent = jinja_argument(a, 1, "indent");
    if (a->n == 1) indent = &a->items[0];
    const bool has_indent =
        indent && indent->kind == JINJA_INT && indent->as.integer >= 0 && indent->as.integer <= 16;
    if (of.kind == JINJA_UNDEFINED)
        return jinja_fail(run, err, "'%.*s' is undefined", SLICE_ARG(slice_sub(of.as.text, 0, 80)));
    jinja_append_json(&text, of, has_indent ? (int)indent->as.integer : -1, 0);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = jinja_keep(run, buffer_slice(&text), out, err);
    buffer_release(&text);
    return s;
}

static Status filter_length(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                            Error *err)
{
    JinjaList items = {0};
    (void)a;
    TRY(jinja_items(run, of, &items, err));
    *out = jinja_int((int64_t)items.n);
    return STATUS_OK;
}

static Status filter_string(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                            Error *err)
{
    Slice text = {0};
    (void)a;
    TRY(jinja_to_text(run, of, &text, err));
    *out = jinja_text(text);
    return STATUS_OK;
}

static Status filter_list(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                          Error *err)
{
    JinjaList items = {0};
    (void)a;
    TRY(jinja_items(run, of, &items, err));
    TRY(jinja_new_list(run, items.n, out, err));
    if (items.n > 0) memcpy(out->as.list->items, items.items, items.n * sizeof *items.items);
    return STATUS_OK;
}

static Status end_item(JinjaRun *run, JinjaValue of, bool is_last, JinjaValue *out, Error *err)
{
    JinjaList items = {0};
    TRY(jinja_items(run, of, &items, err));
    *out = items.n > 0 ? items.items[is_last ? items.n - 1 : 0]
                       : jinja_undefined(SLICE("an item of nothing"));
    return STATUS_OK;
}

static Status filter_first(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                           Error *err)
{
    (void)a;
    return end_item(run, of, false, out, err);
}

static Status filter_last(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                          Error *err)
{
    (void)a;
    return end_item(run, of, true, out, err);
}

static Status filter_reverse(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                             Error *err)
{
    (void)a;
    const JinjaValue none = {.kind = JINJA_NONE}, ends[3] = {none, none, jinja_int(-1)};
    return jinja_slice(run, of, ends, out, err);
}

static Status filter_join(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                          Error *err)
{
    Buffer text = {0};
    JinjaList items = {0};
    Slice between = {0};
    const JinjaValue *d = jinja_argument(a, 0, "d"), *attribute = jinja_argument(a, 1, "attribute");
    TRY(jinja_items(run, of, &items, err));
    if (d) TRY(jinja_to_text(run, *d, &between, err));
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < items.n; i++) {
        JinjaValue item = items.items[i];
        if (attribute) s = jinja_index(run, item, *attribute, &item, err);
        if (i > 0) buffer_append(&text, between);
        jinja_append(&text, item, false, 0);
        if (s == STATUS_OK && text.len > JINJA_MAX_MEMORY)
            s = jinja_fail(run, err, "a joined text is too long");
    }
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) s = jinja_keep(run, buffer_slice(&text), out, err);
    buffer_release(&text);
    return s;
}

static Status filter_default(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                             Error *err)
{
    const JinjaValue *missing = jinja_argument(a, 0, "default_value"),
                     *boolean = jinja_argument(a, 1, "boolean");
    (void)run, (void)err;
    const bool is_missing =
        of.kind == JINJA_UNDEFINED || (boolean && jinja_truth(*boolean) && !jinja_truth(of));
    *out = !is_missing ? of : missing ? *missing : jinja_text((Slice){0});
    return STATUS_OK;
}

static Status filter_int(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                         Error *err)
{
    int64_t integer = 0;
    double real = 0;
    (void)run, (void)a, (void)err;
    if (of.kind == JINJA_INT) integer = of.as.integer;
    if (of.kind == JINJA_BOOL) integer = of.as.truth;
    if (of.kind == JINJA_FLOAT) real = of.as.real;
    if (of.kind == JINJA_STRING && !slice_to_i64(slice_trim(of.as.text), &integer))
        (void)slice_to_double(slice_trim(of.as.text), &real);
    if (fabs(real) < 9e15 && real != 0) integer = (int64_t)real;
    *out = jinja_int(integer);
    return STATUS_OK;
}

static Status filter_float(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                           Error *err)
{
    double real = of.kind == JINJA_FLOAT  ? of.as.real
                  : of.kind == JINJA_INT  ? (double)of.as.integer
                  : of.kind == JINJA_BOOL ? (double)of.as.truth
                                          : 0;
    (void)run, (void)a, (void)err;
    if (of.kind == JINJA_STRING) (void)slice_to_double(slice_trim(of.as.text), &real);
    *out = (JinjaValue){.kind = JINJA_FLOAT, .as.real = real};
    return STATUS_OK;
}

static Status filter_abs(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                         Error *err)
{
    (void)a;
    const bool is_negative =
        (of.kind == JINJA_INT && of.as.integer < 0) || (of.kind == JINJA_FLOAT && of.as.real < 0);
    *out = of;
    return is_negative ? jinja_binary(run, OP_SUBTRACT, jinja_int(0), of, out, err) : STATUS_OK;
}

static Status filter_safe(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                          Error *err)
{
    (void)run, (void)a, (void)err;
    *out = of;
    return STATUS_OK;
}

// map(attribute="role") or map("trim").
static Status filter_map(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                         Error *err)
{
    JinjaList items = {0};
    const JinjaValue *attribute = jinja_argument(a, SIZE_MAX, "attribute"),
                     *missing = jinja_argument(a, SIZE_MAX, "default");
    const JinjaArguments rest = {.items = a->items + 1, .n = a->n > 0 ? a->n - 1 : 0};
    TRY(jinja_items(run, of, &items, err));
    TRY(jinja_new_list(run, items.n, out, err));
    if (!attribute && (a->n == 0 || a->items[0].kind != JINJA_STRING))
        return jinja_fail(run, err, "map wants attribute=, or the name of a filter");
    for (size_t i = 0; i < items.n; i++) {
        JinjaValue *to = &out->as.list->items[i];
        TRY(jinja_step(run, err));
        if (!attribute) {
            TRY(jinja_filter(run, a->items[0].as.text, items.items[i], &rest, to, err));
            continue;
        }
        TRY(jinja_index(run, items.items[i], *attribute, to, err));
        if (to->kind == JINJA_UNDEFINED && missing) *to = *missing;
    }
    return STATUS_OK;
}

// selectattr("role", "equalto", "user"), rejectattr, select("string"), reject.
static Status choose(JinjaRun *run, JinjaValue of, const JinjaArguments *a, bool by_attribute,
                     bool keeps, JinjaValue *out, Error *err)
{
    JinjaList items = {0};
    size_t n = 0;
    const size_t first = by_attribute ? 1 : 0;
    if (a->n < first) return jinja_fail(run, err, "the name of an attribute is wanted");
    const bool has_test = a->n > first;
    if (has_test && a->items[first].kind != JINJA_STRING)
        return jinja_fail(run, err, "the name of a test is wanted");
    const JinjaArguments rest = {.items = a->items + first + 1,
                                 .n = has_test ? a->n - first - 1 : 0};
    TRY(jinja_items(run, of, &items, err));
    TRY(jinja_new_list(run, items.n, out, err));
    for (size_t i = 0; i < items.n; i++) {
        JinjaValue value = items.items[i];
        TRY(jinja_step(run, err));
        if (by_attribute) TRY(jinja_index(run, value, a->items[0], &value, err));
        bool holds = jinja_truth(value);
        if (has_test) TRY(jinja_test(run, a->items[first].as.text, value, &rest, &holds, err));
        if (holds == keeps) out->as.list->items[n++] = items.items[i];
    }
    out->as.list->n = n;
    return STATUS_OK;
}

static Status filter_selectattr(JinjaRun *run, JinjaValue of, const JinjaArguments *a,
                                JinjaValue *out, Error *err)
{
    return choose(run, of, a, true, true, out, err);
}

static Status filter_rejectattr(JinjaRun *run, JinjaValue of, const JinjaArguments *a,
                                JinjaValue *out, Error *err)
{
    return choose(run, of, a, true, false, out, err);
}

static Status filter_select(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                            Error *err)
{
    return choose(run, of, a, false, true, out, err);
}

static Status filter_reject(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                            Error *err)
{
    return choose(run, of, a, false, false, out, err);
}

static const struct {
    const char *name;
    JinjaFilter *run;
} filters[] = {
    {"trim", filter_trim},
    {"tojson", filter_tojson},
    {"length", filter_length},
    {"count", filter_length},
    {"string", filter_string},
    {"list", filter_list},
    {"first", filter_first},
    {"last", filter_last},
    {"reverse", filter_reverse},
    {"join", filter_join},
    {"default", filter_default},
    {"d", filter_default},
    {"int", filter_int},
    {"float", filter_float},
    {"abs", filter_abs},
    {"safe", filter_safe},
    {"map", filter_map},
    {"selectattr", filter_selectattr},
    {"rejectattr", filter_rejectattr},
    {"select", filter_select},
    {"reject", filter_reject},
    {"sort", jinja_filter_sort},
    {"dictsort", jinja_filter_dictsort},
    {"unique", jinja_filter_unique},
    {"max", jinja_filter_max},
    {"min", jinja_filter_min},
    {"sum", jinja_filter_sum},
    {"indent", jinja_filter_indent},
    {"escape", jinja_filter_escape},
    {"round", jinja_filter_round},
    {"e", jinja_filter_escape},
};

Status jinja_filter(JinjaRun *run, Slice name, JinjaValue of, const JinjaArguments *arguments,
                    JinjaValue *out, Error *err)
{
    static const char *const methods[] = {"upper",      "lower",   "title",
                                          "capitalize", "replace", "items"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (slice_eq_cstr(name, filters[i].name))
            return filters[i].run(run, of, arguments, out, err);
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (slice_eq_cstr(name, methods[i]))
            return jinja_method(run, of, name, arguments, out, err);
    }
    return jinja_fail(run, err, "there is no filter \"%.*s\"", SLICE_ARG(slice_sub(name, 0, 40)));
}

// ---- tests ----

static bool is_of_kind(Slice name, JinjaValue v, bool *out)
{
    const bool is_number = jinja_is_number(v);
    const struct {
        const char *name;
        bool holds;
    } tests[] = {
        {"defined", v.kind != JINJA_UNDEFINED},
        {"undefined", v.kind == JINJA_UNDEFINED},
        {"none", v.kind == JINJA_NONE},
        {"string", v.kind == JINJA_STRING},
        {"mapping", v.kind == JINJA_MAP && !v.as.map->is_namespace},
        {"iterable", v.kind == JINJA_STRING || v.kind == JINJA_LIST || v.kind == JINJA_MAP ||
                         v.kind == JINJA_UNDEFINED},
        {"sequence", v.kind == JINJA_STRING || v.kind == JINJA_LIST || v.kind == JINJA_MAP ||
                         v.kind == JINJA_UNDEFINED},
        {"number", is_number},
        {"integer", v.kind == JINJA_INT},
        {"float", v.kind == JINJA_FLOAT},
        {"boolean", v.kind == JINJA_BOOL},
        {"true", v.kind == JINJA_BOOL && v.as.truth},
        {"false", v.kind == JINJA_BOOL && !v.as.truth},
        {"callable", v.kind == JINJA_MACRO},
        {"odd", v.kind == JINJA_INT && v.as.integer % 2 != 0},
        {"even", v.kind == JINJA_INT && v.as.integer % 2 == 0},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        *out = tests[i].holds;
        if (slice_eq_cstr(name, tests[i].name)) return true;
    }
    return false;
}

Status jinja_test(JinjaRun *run, Slice name, JinjaValue of, const JinjaArguments *a, bool *out,
                  Error *err)
{
    static const struct {
        const char *name;
        JinjaOp op;
    } comparisons[] = {{"equalto", OP_EQUAL},   {"eq", OP_EQUAL},     {"==", OP_EQUAL},
                       {"sameas", OP_EQUAL},    {"ne", OP_NOT_EQUAL}, {"!=", OP_NOT_EQUAL},
                       {"in", OP_IN},           {"lt", OP_LESS},      {"lessthan", OP_LESS},
                       {"le", OP_LESS_EQUAL},   {"gt", OP_GREATER},   {"greaterthan", OP_GREATER},
                       {"ge", OP_GREATER_EQUAL}};
    if (is_of_kind(name, of, out)) return STATUS_OK;
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
        if (!slice_eq_cstr(name, comparisons[i].name)) continue;
        if (a->n != 1) return jinja_fail(run, err, "this test wants a value to compare with");
        return jinja_compare(run, comparisons[i].op, of, a->items[0], out, err);
    }
    if (slice_eq_cstr(name, "divisibleby") && a->n == 1) {
        JinjaValue rest;
        TRY(jinja_binary(run, OP_MODULO, of, a->items[0], &rest, err));
        *out = !jinja_truth(rest);
        return STATUS_OK;
    }
    return jinja_fail(run, err, "there is no test \"%.*s\"", SLICE_ARG(slice_sub(name, 0, 40)));
}

// ---- functions ----

bool jinja_is_function(Slice name)
{
    return slice_eq_cstr(name, "raise_exception") || slice_eq_cstr(name, "namespace") ||
           slice_eq_cstr(name, "dict") || slice_eq_cstr(name, "range");
}

static Status make_range(JinjaRun *run, const JinjaArguments *a, JinjaValue *out, Error *err)
{
    int64_t ends[3] = {0, 0, 1};
    for (size_t i = 0; i < a->n && i < 3; i++) {
        if (a->items[i].kind != JINJA_INT) return jinja_fail(run, err, "range wants numbers");
        ends[i] = a->items[i].as.integer;
    }
    if (a->n == 1) {
        ends[1] = ends[0];
        ends[0] = 0;
    }
    const bool fits = a->n >= 1 && a->n <= 3 && ends[2] != 0 && fabs((double)ends[0]) < 1e15 &&
                      fabs((double)ends[1]) < 1e15 && fabs((double)ends[2]) < 1e15;
    if (!fits) return jinja_fail(run, err, "range wants 1 to 3 numbers of sensible size");
    const int64_t span = ends[2] > 0 ? ends[1] - ends[0] : ends[0] - ends[1],
                  step = ends[2] > 0 ? ends[2] : -ends[2];
    const int64_t n = span <= 0 ? 0 : (span + step - 1) / step;
    if (n > JINJA_MAX_STEPS)
        return jinja_fail(run, err, "a range of more than %d", JINJA_MAX_STEPS);
    TRY(jinja_new_list(run, (size_t)n, out, err));
    for (int64_t i = 0; i < n; i++) out->as.list->items[i] = jinja_int(ends[0] + i * ends[2]);
    return STATUS_OK;
}

Status jinja_function(JinjaRun *run, Slice name, const JinjaArguments *a, JinjaValue *out,
                      Error *err)
{
    if (slice_eq_cstr(name, "raise_exception")) {
        Slice text = SLICE("an exception");
        if (a->n > 0) TRY(jinja_to_text(run, a->items[0], &text, err));
        return jinja_fail(run, err, "the template refuses this conversation: %.*s",
                          SLICE_ARG(slice_sub(text, 0, 300)));
    }
    if (slice_eq_cstr(name, "range")) return make_range(run, a, out, err);
    if (!jinja_is_function(name))
        return jinja_fail(run, err, "'%.*s' is undefined", SLICE_ARG(slice_sub(name, 0, 80)));
    TRY(jinja_new_map(run, a->n_named, out, err));
    out->as.map->is_namespace = slice_eq_cstr(name, "namespace");
    for (size_t i = 0; i < a->n_named; i++)
        TRY(jinja_map_put(run, out->as.map, a->names[i], a->named[i], err));
    return STATUS_OK;
}
