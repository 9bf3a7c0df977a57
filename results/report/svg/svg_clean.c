// results/report/svg/svg_clean.c: of a drawing, only what is known to be a drawing passes.
#include "results/report/report_internal.h"
#include "results/report/svg/gnuplot.h"

static const char *const elements[] = {"svg",     "g",    "path",   "line",    "polyline",
                                       "polygon", "rect", "circle", "ellipse", "text",
                                       "tspan",   "defs", "use",    "clipPath"};

static const char *const attributes[] = {
    "viewBox",
    "d",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "width",
    "height",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "points",
    "transform",
    "stroke",
    "stroke-width",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-dasharray",
    "fill",
    "fill-opacity",
    "stroke-opacity",
    "opacity",
    "color",
    "font-size",
    "font-weight",
    "text-anchor",
    "id",
    "clip-path",
    "xlink:href",
    "href",
};

// In the order of PlotColour.
static const char *const colours[PLOT_COLOURS] = {
    [PLOT_INK] = "ink",       [PLOT_MUTED] = "muted",      [PLOT_RULE] = "rule",
    [PLOT_TRAIN] = "train",   [PLOT_VALIDATION] = "valid", [PLOT_SERIES_1] = "s1",
    [PLOT_SERIES_2] = "s2",   [PLOT_SERIES_3] = "s3",      [PLOT_SERIES_4] = "s4",
    [PLOT_SERIES_5] = "s5",   [PLOT_SERIES_6] = "s6",      [PLOT_HEAT_0] = "h0",
    [PLOT_HEAT_0 + 1] = "h1", [PLOT_HEAT_0 + 2] = "h2",    [PLOT_HEAT_0 + 3] = "h3",
    [PLOT_HEAT_0 + 4] = "h4", [PLOT_HEAT_0 + 5] = "h5",    [PLOT_HEAT_0 + 6] = "h6",
    [PLOT_HEAT_0 + 7] = "h7", [PLOT_HEAT_0 + 8] = "h8",    [PLOT_HEAT_0 + 9] = "h9",
    [PLOT_HEAT_10] = "h10",   [PLOT_HEAT_INK_LOW] = "hlo", [PLOT_HEAT_INK_HIGH] = "hhi",
};

typedef struct Cleaner {
    Slice rest;
    const char *prefix;
    const Slice *labels;
    size_t n_labels;
    Buffer *out;
    size_t depth;   // of elements that passed
    size_t dropped; // depth inside an element that did not; 0 outside
} Cleaner;

static bool is_listed(Slice name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_cstr(name, list[i])) return true;
    }
    return false;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == ':' || c == '.';
}

static Slice take_name(Slice *from)
{
    size_t n = 0;
    while (n < from->len && is_name_byte(from->ptr[n])) n++;
    const Slice name = slice_sub(*from, 0, n);
    *from = slice_sub(*from, n, from->len);
    return name;
}

static void skip_blanks(Slice *from)
{
    while (from->len > 0 && strchr(" \t\r\n", from->ptr[0]) != NULL)
        *from = slice_sub(*from, 1, from->len);
}

static bool skip_past(Slice *from, Slice end)
{
    const size_t at = slice_find(*from, end);
    if (at == SIZE_MAX) return false;
    *from = slice_sub(*from, at + end.len, from->len);
    return true;
}

// "rgb(0, 0, 7)" of a role becomes a variable; any other colour of gnuplot's is ink.
static void put_colour(Cleaner *c, Slice value)
{
    Slice numbers = slice_sub(value, 4, value.len - 1), field;
    uint64_t rgb[3] = {1, 1, 0};
    for (size_t i = 0; i < 3 && slice_split(&numbers, ',', &field); i++) {
        if (!slice_to_u64(slice_trim(field), &rgb[i])) rgb[0] = 1;
    }
    const bool is_role = rgb[0] == 0 && rgb[1] == 0 && rgb[2] > 0 && rgb[2] < PLOT_COLOURS;
    buffer_printf(c->out, "var(--%s)", is_role ? colours[rgb[2]] : "ink");
}

static void put_attribute(Cleaner *c, Slice name, Slice value)
{
    const bool is_reference = slice_eq_cstr(name, "xlink:href") || slice_eq_cstr(name, "href");
    if (is_reference && (value.len == 0 || value.ptr[0] != '#'))
        return; // inside this drawing or nowhere
    buffer_append_byte(c->out, ' ');
    buffer_append(c->out, is_reference ? SLICE("href") : name);
    buffer_append_cstr(c->out, "=\"");
    if (is_reference) {
        buffer_printf(c->out, "#%s", c->prefix);
        text_html(c->out, slice_sub(value, 1, value.len));
    } else if (slice_eq_cstr(name, "id")) {
        buffer_append_cstr(c->out, c->prefix);
        text_html(c->out, value);
    } else if (slice_starts_with(value, SLICE("url(#"))) {
        buffer_printf(c->out, "url(#%s", c->prefix);
        text_html(c->out, slice_sub(value, 5, value.len));
    } else if (slice_starts_with(value, SLICE("rgb("))) {
        put_colour(c, value);
    } else if (slice_find(value, SLICE("url")) == SIZE_MAX) {
        text_html(c->out, value);
    }
    buffer_append_byte(c->out, '"');
}

// The drawing's own width is the most it takes, so that its letters are as large as the page's; its height follows.
static void put_size(Cleaner *c, Slice name, Slice value)
{
    uint64_t pixels = 0;
    if (slice_eq_cstr(name, "width") && slice_to_u64(value, &pixels))
        buffer_printf(c->out, " style=\"max-width:%llupx\"", (unsigned long long)pixels);
}

// The attributes of a start tag, up to ">" or "/>".
static Status take_attributes(Cleaner *c, bool is_root, bool passes, bool *is_closed, Error *err)
{
    for (;;) {
        skip_blanks(&c->rest);
        if (slice_starts_with(c->rest, SLICE("/>")) || slice_starts_with(c->rest, SLICE(">"))) {
            *is_closed = c->rest.ptr[0] == '/';
            c->rest = slice_sub(c->rest, *is_closed ? 2 : 1, c->rest.len);
            return STATUS_OK;
        }
        const Slice name = take_name(&c->rest);
        skip_blanks(&c->rest);
        if (name.len == 0 || c->rest.len == 0 || c->rest.ptr[0] != '=')
            return error_set(err, STATUS_INVALID, "gnuplot's drawing has a broken tag");
        c->rest = slice_sub(c->rest, 1, c->rest.len);
        skip_blanks(&c->rest);
        char quote = 0;
        if (c->rest.len > 0) quote = c->rest.ptr[0];
        c->rest = slice_sub(c->rest, 1, c->rest.len);
        const size_t end = slice_find_byte(c->rest, quote);
        if ((quote != '"' && quote != '\'') || end == SIZE_MAX)
            return error_set(err, STATUS_INVALID, "gnuplot's drawing has a broken attribute");
        const Slice value = slice_sub(c->rest, 0, end);
        c->rest = slice_sub(c->rest, end + 1, c->rest.len);
        const bool is_size =
            is_root && (slice_eq_cstr(name, "width") || slice_eq_cstr(name, "height"));
        if (is_size)
            put_size(c, name, value);
        else if (passes && is_listed(name, attributes, sizeof attributes / sizeof *attributes))
            put_attribute(c, name, value);
    }
}

static Status start_tag(Cleaner *c, Slice title, Error *err)
{
    const Slice name = take_name(&c->rest);
    const bool is_root = c->depth == 0 && c->dropped == 0;
    const bool passes =
        c->dropped == 0 && is_listed(name, elements, sizeof elements / sizeof *elements);
    if (is_root && !slice_eq_cstr(name, "svg"))
        return error_set(err, STATUS_INVALID, "gnuplot did not draw an SVG");
    if (passes) {
        buffer_append_byte(c->out, '<');
        buffer_append(c->out, name);
    }
    if (is_root) {
        buffer_append_cstr(c->out, " role=\"img\" aria-label=\"");
        text_html(c->out, title);
        buffer_append_byte(c->out, '"');
    }
    bool is_closed = false;
    TRY(take_attributes(c, is_root, passes, &is_closed, err));
    if (passes) buffer_append_cstr(c->out, is_closed ? "/>" : ">");
    if (!is_closed && passes) c->depth++;
    if (!is_closed && !passes) c->dropped++;
    return STATUS_OK;
}

static Status end_tag(Cleaner *c, Error *err)
{
    const Slice name = take_name(&c->rest);
    skip_blanks(&c->rest);
    if (c->rest.len == 0 || c->rest.ptr[0] != '>')
        return error_set(err, STATUS_INVALID, "gnuplot's drawing has a broken end tag");
    c->rest = slice_sub(c->rest, 1, c->rest.len);
    if (c->dropped > 0) {
        c->dropped--;
        return STATUS_OK;
    }
    if (c->depth == 0 || !is_listed(name, elements, sizeof elements / sizeof *elements))
        return error_set(err, STATUS_INVALID, "gnuplot's drawing ends a tag that it did not begin");
    c->depth--;
    buffer_append_cstr(c->out, "</");
    buffer_append(c->out, name);
    buffer_append_byte(c->out, '>');
    return STATUS_OK;
}

// Text is a token for a label, or a number of gnuplot's own.
static void put_text(Cleaner *c, Slice text)
{
    const Slice trimmed = slice_trim(text);
    if (trimmed.len == 0 || c->dropped > 0 || c->depth == 0) return;
    size_t n_digits = 1;
    while (n_digits < trimmed.len && trimmed.ptr[n_digits] >= '0' && trimmed.ptr[n_digits] <= '9')
        n_digits++;
    uint64_t label = 0;
    if (trimmed.ptr[0] == '@' && slice_to_u64(slice_sub(trimmed, 1, n_digits), &label) &&
        label < c->n_labels) {
        text_html(c->out, c->labels[label]);
    } else if (slice_find_byte(trimmed, '&') == SIZE_MAX) {
        text_html(c->out, trimmed);
    }
}

static Status clean(Cleaner *c, Slice title, Error *err)
{
    while (c->rest.len > 0) {
        const size_t tag = slice_find_byte(c->rest, '<');
        put_text(c, slice_sub(c->rest, 0, tag));
        if (tag == SIZE_MAX) break;
        c->rest = slice_sub(c->rest, tag + 1, c->rest.len);
        bool is_complete = true;
        if (slice_starts_with(c->rest, SLICE("!--"))) {
            is_complete = skip_past(&c->rest, SLICE("-->"));
        } else if (slice_starts_with(c->rest, SLICE("![CDATA["))) {
            is_complete = skip_past(&c->rest, SLICE("]]>"));
        } else if (slice_starts_with(c->rest, SLICE("?")) ||
                   slice_starts_with(c->rest, SLICE("!"))) {
            is_complete = skip_past(&c->rest, SLICE(">"));
        } else if (slice_starts_with(c->rest, SLICE("/"))) {
            c->rest = slice_sub(c->rest, 1, c->rest.len);
            TRY(end_tag(c, err));
            if (c->depth == 0 && c->dropped == 0)
                return STATUS_OK; // what follows the drawing is none of it
        } else {
            TRY(start_tag(c, title, err));
        }
        if (!is_complete) break;
    }
    return error_set(err, STATUS_INVALID, "gnuplot's drawing is cut off");
}

Status svg_clean(Slice svg, const char *prefix, Slice title, const Slice *labels, size_t n_labels,
                 Buffer *out, Error *err)
{
    Cleaner cleaner = {
        .rest = svg, .prefix = prefix, .labels = labels, .n_labels = n_labels, .out = out};
    const size_t before = out->len;
    Status s = clean(&cleaner, title, err);
    if (s == STATUS_OK) s = buffer_status(out, err);
    if (s != STATUS_OK && out->ptr != NULL) {
        out->len = before;
        out->ptr[before] = '\0';
    }
    return s;
}
