// Filters that put lists in order or boil them down, and those of texts that templates ask for now and then.
#include <math.h>
#include <string.h>

#include "models/chat/jinja_internal.h"

// ---- order ----

typedef struct Order {
    Slice attribute; // of items that are compared by one; empty: themselves
    bool is_reverse, is_cased;
} Order;

static bool flag_of(const JinjaArguments *a, size_t place, const char *name)
{
    const JinjaValue *flag = jinja_argument(a, place, name);
    return flag && jinja_truth(*flag);
}

// What an item is compared by: texts in lower case, unless case counts.
static Status key_of(JinjaRun *run, const Order *order, JinjaValue item, JinjaValue *out,
                     Error *err)
{
    static const JinjaArguments none = {0};
    *out = item;
    if (order->attribute.len > 0)
        TRY(jinja_index(run, item, jinja_text(order->attribute), out, err));
    if (out->kind == JINJA_STRING && !order->is_cased)
        return jinja_method(run, *out, SLICE("lower"), &none, out, err);
    return STATUS_OK;
}

// Merges two sorted halves: the order of equal ones stays.
static Status merge(JinjaRun *run, const Order *order, JinjaValue *keys, JinjaValue *items,
                    JinjaValue *spare, size_t begin, size_t middle, size_t end, size_t n,
                    Error *err)
{
    size_t a = begin, b = middle;
    for (size_t at = begin; at < end; at++) {
        bool takes_b = a == middle;
        if (!takes_b && b < end)
            TRY(jinja_compare(run, order->is_reverse ? OP_GREATER : OP_LESS, keys[b], keys[a],
                              &takes_b, err));
        const size_t from = takes_b ? b++ : a++;
        spare[at] = keys[from];
        spare[n + at] = items[from];
    }
    memcpy(keys + begin, spare + begin, (end - begin) * sizeof *keys);
    memcpy(items + begin, spare + n + begin, (end - begin) * sizeof *items);
    return STATUS_OK;
}

static Status sort_items(JinjaRun *run, const Order *order, JinjaValue *keys, JinjaValue *items,
                         size_t n, Error *err)
{
    JinjaValue *spare = NULL;
    TRY(jinja_alloc(run, 2 * n, sizeof *spare, &spare, err));
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin + width < n; begin += 2 * width) {
            const size_t end = begin + 2 * width < n ? begin + 2 * width : n;
            TRY(jinja_step(run, err));
            TRY(merge(run, order, keys, items, spare, begin, begin + width, end, n, err));
        }
    }
    return STATUS_OK;
}

static Status copy_items(JinjaRun *run, JinjaValue of, JinjaValue *out, Error *err)
{
    JinjaList items = {0};
    TRY(jinja_items(run, of, &items, err));
    TRY(jinja_new_list(run, items.n, out, err));
    if (items.n > 0) memcpy(out->as.list->items, items.items, items.n * sizeof *items.items);
    return STATUS_OK;
}

static void read_attribute(const JinjaArguments *a, size_t place, Order *order)
{
    const JinjaValue *attribute = jinja_argument(a, place, "attribute");
    if (attribute && attribute->kind == JINJA_STRING) order->attribute = attribute->as.text;
}

Status jinja_filter_sort(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                         Error *err)
{
    Order order = {.is_reverse = flag_of(a, 0, "reverse"),
                   .is_cased = flag_of(a, 1, "case_sensitive")};
    JinjaValue *keys = NULL;
    read_attribute(a, 2, &order);
    TRY(copy_items(run, of, out, err));
    JinjaList *list = out->as.list;
    TRY(jinja_alloc(run, list->n, sizeof *keys, &keys, err));
    for (size_t i = 0; i < list->n; i++) TRY(key_of(run, &order, list->items[i], &keys[i], err));
    return sort_items(run, &order, keys, list->items, list->n, err);
}

// Pairs of a mapping by their keys, or their values.
Status jinja_filter_dictsort(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                             Error *err)
{
    const JinjaValue *by = jinja_argument(a, 1, "by");
    Order order = {.is_cased = flag_of(a, 0, "case_sensitive"),
                   .is_reverse = flag_of(a, 2, "reverse")};
    const bool by_value = by && by->kind == JINJA_STRING && slice_eq_cstr(by->as.text, "value");
    if (of.kind != JINJA_MAP) return jinja_fail(run, err, "dictsort wants a mapping");
    const JinjaMap *map = of.as.map;
    JinjaValue *keys = NULL;
    TRY(jinja_alloc(run, map->n, sizeof *keys, &keys, err));
    TRY(jinja_new_list(run, map->n, out, err));
    for (size_t i = 0; i < map->n; i++) {
        JinjaValue *pair = &out->as.list->items[i];
        TRY(jinja_new_list(run, 2, pair, err));
        pair->as.list->items[0] = jinja_text(map->keys[i]);
        pair->as.list->items[1] = map->values[i];
        TRY(key_of(run, &order, pair->as.list->items[by_value], &keys[i], err));
    }
    return sort_items(run, &order, keys, out->as.list->items, map->n, err);
}

Status jinja_filter_unique(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                           Error *err)
{
    Order order = {.is_cased = flag_of(a, 0, "case_sensitive")};
    JinjaValue *keys = NULL;
    size_t n = 0;
    read_attribute(a, 1, &order);
    TRY(copy_items(run, of, out, err));
    JinjaList *list = out->as.list;
    TRY(jinja_alloc(run, list->n, sizeof *keys, &keys, err));
    for (size_t i = 0; i < list->n; i++) {
        bool is_known = false;
        TRY(key_of(run, &order, list->items[i], &keys[n], err));
        for (size_t k = 0; k < n && !is_known; k++) {
            TRY(jinja_step(run, err));
            is_known = jinja_equal(keys[k], keys[n], 0);
        }
        if (!is_known) list->items[n++] = list->items[i];
    }
    list->n = n;
    return STATUS_OK;
}

// ---- one value of a list ----

static Status pick(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaOp op,
                   JinjaValue *out, Error *err)
{
    Order order = {.is_cased = flag_of(a, 0, "case_sensitive")};
    JinjaList items = {0};
    JinjaValue best = {0}, key = {0};
    read_attribute(a, 1, &order);
    TRY(jinja_items(run, of, &items, err));
    *out = jinja_undefined(SLICE("the best of no items"));
    for (size_t i = 0; i < items.n; i++) {
        bool is_better = i == 0;
        TRY(key_of(run, &order, items.items[i], &key, err));
        if (i > 0) TRY(jinja_compare(run, op, key, best, &is_better, err));
        if (!is_better) continue;
        best = key;
        *out = items.items[i];
    }
    return STATUS_OK;
}

Status jinja_filter_max(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                        Error *err)
{
    return pick(run, of, a, OP_GREATER, out, err);
}

Status jinja_filter_min(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                        Error *err)
{
    return pick(run, of, a, OP_LESS, out, err);
}

Status jinja_filter_sum(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                        Error *err)
{
    Order order = {.is_cased = true};
    JinjaList items = {0};
    const JinjaValue *start = jinja_argument(a, 1, "start");
    read_attribute(a, 0, &order);
    TRY(jinja_items(run, of, &items, err));
    *out = start ? *start : jinja_int(0);
    for (size_t i = 0; i < items.n; i++) {
        JinjaValue key = {0};
        TRY(key_of(run, &order, items.items[i], &key, err));
        TRY(jinja_binary(run, OP_ADD, *out, key, out, err));
    }
    return STATUS_OK;
}

// ---- texts ----

// Every line but the first (and, unless `blank`, empty ones) begins with `width` blanks or a text.
Status jinja_filter_indent(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                           Error *err)
{
    const JinjaValue *width = jinja_argument(a, 0, "width");
    const bool first = flag_of(a, 1, "first"), blank = flag_of(a, 2, "blank");
    Slice text = {0};
    Buffer made = {0};
    int64_t n = width && width->kind == JINJA_INT ? width->as.integer : 4;
    if (n < 0 || n > 1000) return jinja_fail(run, err, "indent takes 0 to 1000 blanks");
    TRY(jinja_to_text(run, of, &text, err));
    bool is_first = true;
    for (bool more = true; more; is_first = false) {
        Slice line = text;
        const size_t end = slice_find_byte(text, '\n');
        more = end != SIZE_MAX;
        if (more) {
            line = slice_sub(text, 0, end);
            text = slice_sub(text, end + 1, text.len);
        }
        const bool is_moved = is_first ? first : line.len > 0 || blank;
        if (is_moved && width && width->kind == JINJA_STRING) buffer_append(&made, width->as.text);
        if (is_moved && !(width && width->kind == JINJA_STRING))
            for (int64_t i = 0; i < n; i++) buffer_append_byte(&made, ' ');
        buffer_append(&made, line);
        if (more) buffer_append_byte(&made, '\n');
    }
    Status s = buffer_status(&made, err);
    if (s == STATUS_OK) s = jinja_keep(run, buffer_slice(&made), out, err);
    buffer_release(&made);
    return s;
}

Status jinja_filter_escape(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                           Error *err)
{
    Slice text = {0};
    Buffer made = {0};
    (void)a;
    TRY(jinja_to_text(run, of, &text, err));
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const char *name = c == '&'    ? "&amp;"
                           : c == '<'  ? "&lt;"
                           : c == '>'  ? "&gt;"
                           : c == '"'  ? "&#34;"
                           : c == '\'' ? "&#39;"
                                       : NULL;
        if (name)
            buffer_append_cstr(&made, name);
        else
            buffer_append_byte(&made, c);
    }
    Status s = buffer_status(&made, err);
    if (s == STATUS_OK) s = jinja_keep(run, buffer_slice(&made), out, err);
    buffer_release(&made);
    return s;
}

// To so many places, halves to the even number, as Python's round does.
Status jinja_filter_round(JinjaRun *run, JinjaValue of, const JinjaArguments *a, JinjaValue *out,
                          Error *err)
{
    const JinjaValue *precision = jinja_argument(a, 0, "precision"),
                     *method = jinja_argument(a, 1, "method");
    const int64_t places = precision && precision->kind == JINJA_INT ? precision->as.integer : 0;
    if (!jinja_is_number(of)) return jinja_fail(run, err, "round wants a number");
    if (places < 0 || places > 15) return jinja_fail(run, err, "round takes 0 to 15 places");
    const double scale = pow(10, (double)places), scaled = jinja_real(of) * scale;
    double rounded = nearbyint(scaled);
    if (method && method->kind == JINJA_STRING && slice_eq_cstr(method->as.text, "ceil"))
        rounded = ceil(scaled);
    if (method && method->kind == JINJA_STRING && slice_eq_cstr(method->as.text, "floor"))
        rounded = floor(scaled);
    *out = (JinjaValue){.kind = JINJA_FLOAT, .as.real = rounded / scale};
    return STATUS_OK;
}
