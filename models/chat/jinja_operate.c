// Operators, indices and slices.
#include <math.h>
#include <string.h>

#include "models/chat/jinja_internal.h"

static int64_t integer_of(JinjaValue v)
{
    return v.kind == JINJA_BOOL ? v.as.truth : v.as.integer;
}

static JinjaValue real_value(double real)
{
    return (JinjaValue){.kind = JINJA_FLOAT, .as.real = real};
}

// ---- numbers ----

static Status operate_reals(JinjaRun *run, JinjaOp op, double a, double b, JinjaValue *out,
                            Error *err)
{
    const bool divides = op == OP_DIVIDE || op == OP_FLOOR_DIVIDE || op == OP_MODULO;
    if (divides && b == 0) return jinja_fail(run, err, "division by zero");
    double r = 0;
    if (op == OP_ADD) r = a + b;
    if (op == OP_SUBTRACT) r = a - b;
    if (op == OP_MULTIPLY) r = a * b;
    if (op == OP_DIVIDE) r = a / b;
    if (op == OP_FLOOR_DIVIDE) r = floor(a / b);
    if (op == OP_MODULO) r = a - floor(a / b) * b;
    if (op == OP_POWER) r = pow(a, b);
    *out = real_value(r);
    return STATUS_OK;
}

// Division rounds down, and the rest has the divisor's sign, as in Python.
static Status operate_integers(JinjaRun *run, JinjaOp op, int64_t a, int64_t b, JinjaValue *out,
                               Error *err)
{
    int64_t r = 0;
    bool fails = false;
    if (op == OP_DIVIDE || (op == OP_POWER && b < 0))
        return operate_reals(run, op, (double)a, (double)b, out, err);
    if (op == OP_FLOOR_DIVIDE || op == OP_MODULO) {
        if (b == 0) return jinja_fail(run, err, "division by zero");
        if (b == -1) { // the least number has no opposite
            fails = op == OP_FLOOR_DIVIDE && __builtin_sub_overflow((int64_t)0, a, &r);
            if (op == OP_MODULO) r = 0;
        } else {
            const int64_t rest = a % b;
            const bool is_off = rest != 0 && (rest < 0) != (b < 0);
            r = op == OP_MODULO ? rest + (is_off ? b : 0) : a / b - is_off;
        }
    }
    if (op == OP_ADD) fails = __builtin_add_overflow(a, b, &r);
    if (op == OP_SUBTRACT) fails = __builtin_sub_overflow(a, b, &r);
    if (op == OP_MULTIPLY) fails = __builtin_mul_overflow(a, b, &r);
    if (op == OP_POWER) {
        r = 1;
        for (int64_t i = 0; i < b && !fails && i < 64; i++)
            fails = __builtin_mul_overflow(r, a, &r);
        fails = fails || (b > 64 && a != 0 && a != 1);
        if (b > 64) r = a;
    }
    if (fails) return jinja_fail(run, err, "a number becomes too large");
    *out = jinja_int(r);
    return STATUS_OK;
}

// ---- texts and lists ----

static Status join_texts(JinjaRun *run, Slice a, Slice b, JinjaValue *out, Error *err)
{
    char *text = NULL;
    TRY(jinja_alloc(run, a.len + b.len, 1, &text, err));
    if (a.len > 0) memcpy(text, a.ptr, a.len);
    if (b.len > 0) memcpy(text + a.len, b.ptr, b.len);
    *out = jinja_text((Slice){text, a.len + b.len});
    return STATUS_OK;
}

static Status join_lists(JinjaRun *run, const JinjaList *a, const JinjaList *b, JinjaValue *out,
                         Error *err)
{
    TRY(jinja_new_list(run, a->n + b->n, out, err));
    if (a->n > 0) memcpy(out->as.list->items, a->items, a->n * sizeof *a->items);
    if (b->n > 0) memcpy(out->as.list->items + a->n, b->items, b->n * sizeof *b->items);
    return STATUS_OK;
}

static Status repeat(JinjaRun *run, Slice text, int64_t n, JinjaValue *out, Error *err)
{
    char *bytes = NULL;
    const size_t times = n > 0 ? (size_t)n : 0;
    TRY(jinja_alloc(run, times, text.len, &bytes, err));
    for (size_t i = 0; i < times && text.len > 0; i++)
        memcpy(bytes + i * text.len, text.ptr, text.len);
    *out = jinja_text((Slice){bytes, times * text.len});
    return STATUS_OK;
}

Status jinja_binary(JinjaRun *run, JinjaOp op, JinjaValue a, JinjaValue b, JinjaValue *out,
                    Error *err)
{
    if (op == OP_CONCAT) {
        Slice left = {0}, right = {0};
        TRY(jinja_to_text(run, a, &left, err));
        TRY(jinja_to_text(run, b, &right, err));
        return join_texts(run, left, right, out, err);
    }
    if (a.kind == JINJA_UNDEFINED || b.kind == JINJA_UNDEFINED) {
        const Slice name = a.kind == JINJA_UNDEFINED ? a.as.text : b.as.text;
        return jinja_fail(run, err, "'%.*s' is undefined", SLICE_ARG(slice_sub(name, 0, 80)));
    }
    if (jinja_is_number(a) && jinja_is_number(b)) {
        if (a.kind == JINJA_FLOAT || b.kind == JINJA_FLOAT)
            return operate_reals(run, op, jinja_real(a), jinja_real(b), out, err);
        return operate_integers(run, op, integer_of(a), integer_of(b), out, err);
    }
    if (op == OP_ADD && a.kind == JINJA_STRING && b.kind == JINJA_STRING)
        return join_texts(run, a.as.text, b.as.text, out, err);
    if (op == OP_ADD && a.kind == JINJA_LIST && b.kind == JINJA_LIST)
        return join_lists(run, a.as.list, b.as.list, out, err);
    if (op == OP_MULTIPLY && a.kind == JINJA_STRING && b.kind == JINJA_INT)
        return repeat(run, a.as.text, b.as.integer, out, err);
    return jinja_fail(run, err, "%s and %s do not go together in this operation",
                      jinja_kind_name(a), jinja_kind_name(b));
}

static bool contains(JinjaValue of, JinjaValue what)
{
    if (of.kind == JINJA_STRING)
        return what.kind == JINJA_STRING && slice_find(of.as.text, what.as.text) != SIZE_MAX;
    if (of.kind == JINJA_MAP)
        return what.kind == JINJA_STRING && jinja_map_find(of.as.map, what.as.text) != NULL;
    for (size_t i = 0; of.kind == JINJA_LIST && i < of.as.list->n; i++) {
        if (jinja_equal(of.as.list->items[i], what, 0)) return true;
    }
    return false;
}

Status jinja_compare(JinjaRun *run, JinjaOp op, JinjaValue a, JinjaValue b, bool *out, Error *err)
{
    double order = 0;
    if (op == OP_EQUAL || op == OP_NOT_EQUAL) {
        *out = jinja_equal(a, b, 0) == (op == OP_EQUAL);
        return STATUS_OK;
    }
    if (op == OP_IN || op == OP_NOT_IN) {
        const bool can = b.kind == JINJA_STRING || b.kind == JINJA_LIST || b.kind == JINJA_MAP ||
                         b.kind == JINJA_UNDEFINED;
        if (!can) return jinja_fail(run, err, "nothing is \"in\" %s", jinja_kind_name(b));
        if (b.kind == JINJA_STRING && a.kind != JINJA_STRING)
            return jinja_fail(run, err, "a text is wanted before \"in\", not %s",
                              jinja_kind_name(a));
        *out = contains(b, a) == (op == OP_IN);
        return STATUS_OK;
    }
    if (jinja_is_number(a) && jinja_is_number(b)) {
        order = jinja_real(a) - jinja_real(b);
    } else if (a.kind == JINJA_STRING && b.kind == JINJA_STRING) {
        order = slice_cmp(a.as.text, b.as.text);
    } else {
        return jinja_fail(run, err, "%s and %s have no order", jinja_kind_name(a),
                          jinja_kind_name(b));
    }
    *out = op == OP_LESS         ? order < 0
           : op == OP_LESS_EQUAL ? order <= 0
           : op == OP_GREATER    ? order > 0
                                 : order >= 0;
    return STATUS_OK;
}

// ---- parts ----

static Status characters(JinjaRun *run, JinjaValue of, JinjaList *out, Error *err)
{
    if (of.kind == JINJA_STRING || of.kind == JINJA_LIST) return jinja_items(run, of, out, err);
    if (of.kind == JINJA_UNDEFINED)
        return jinja_fail(run, err, "'%.*s' is undefined", SLICE_ARG(slice_sub(of.as.text, 0, 80)));
    return jinja_fail(run, err, "%s has no items by number", jinja_kind_name(of));
}

Status jinja_index(JinjaRun *run, JinjaValue of, JinjaValue at, JinjaValue *out, Error *err)
{
    JinjaList items = {0};
    *out = jinja_undefined(at.kind == JINJA_STRING ? at.as.text : SLICE("an item"));
    if (of.kind == JINJA_MAP) {
        const JinjaValue *found =
            at.kind == JINJA_STRING ? jinja_map_find(of.as.map, at.as.text) : NULL;
        if (found) *out = *found;
        return STATUS_OK;
    }
    if (of.kind == JINJA_UNDEFINED) return characters(run, of, &items, err);
    if (at.kind != JINJA_INT) return STATUS_OK; // a name that a list or text does not have
    TRY(characters(run, of, &items, err));
    const int64_t n = (int64_t)items.n, i = at.as.integer < 0 ? at.as.integer + n : at.as.integer;
    if (i >= 0 && i < n) *out = items.items[i];
    return STATUS_OK;
}

static Status slice_end(JinjaRun *run, JinjaValue value, int64_t missing, int64_t n, bool is_back,
                        int64_t *out, Error *err)
{
    *out = missing;
    if (value.kind == JINJA_NONE) return STATUS_OK;
    if (value.kind != JINJA_INT) return jinja_fail(run, err, "a slice is made with numbers");
    int64_t at = value.as.integer;
    if (at < 0) at = at < -n ? -1 : at + n;
    if (value.as.integer < 0 && at < 0 && !is_back) at = 0;
    if (at > n) at = n;
    if (is_back && at > n - 1) at = n - 1;
    *out = at;
    return STATUS_OK;
}

Status jinja_slice(JinjaRun *run, JinjaValue of, const JinjaValue ends[3], JinjaValue *out,
                   Error *err)
{
    JinjaList items = {0};
    int64_t begin = 0, end = 0;
    TRY(characters(run, of, &items, err));
    const int64_t n = (int64_t)items.n;
    const bool has_step = ends[2].kind == JINJA_INT;
    const int64_t step = has_step ? ends[2].as.integer : 1;
    if (step == 0 || step > INT32_MAX || step < -INT32_MAX)
        return jinja_fail(run, err, "a slice's step is 0 or too large");
    TRY(slice_end(run, ends[0], step > 0 ? 0 : n - 1, n, step < 0, &begin, err));
    TRY(slice_end(run, ends[1], step > 0 ? n : -1, n, step < 0, &end, err));
    TRY(jinja_new_list(run, items.n, out, err));
    size_t n_out = 0;
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += step)
        out->as.list->items[n_out++] = items.items[i];
    out->as.list->n = n_out;
    if (of.kind != JINJA_STRING) return STATUS_OK;
    char *text = NULL;
    size_t len = 0;
    TRY(jinja_alloc(run, of.as.text.len, 1, &text, err));
    for (size_t i = 0; i < n_out; i++) {
        const Slice part = out->as.list->items[i].as.text;
        memcpy(text + len, part.ptr, part.len);
        len += part.len;
    }
    *out = jinja_text((Slice){text, len});
    return STATUS_OK;
}
