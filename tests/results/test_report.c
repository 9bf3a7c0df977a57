#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/unicode.h"
#include "results/report/report.h"
#include "results/report/svg/gnuplot.h"
#include "tests/results/fixture.h"
#include "tests/support/folder.h"

// Every character that some format or program could take for its own.
static const char nasty[] =
    "`id`\"'\n@1 %s %n {x} <script>alert(1)</script> $(touch pwned) _a_ ^b |c| =1+1 \x1b[31m \\";

static Store *store;
static RunView view;

static void load(const FixtureOptions *options)
{
    Error err = {0};
    char run_id[RUN_ID_SIZE];
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &store, &err), STATUS_OK, "%s", err.text);
    fixture_fill(store, options, run_id);
    cr_assert_eq(run_view_load(store, slice_from_cstr(run_id), NULL, &view, &err), STATUS_OK, "%s",
                 err.text);
}

static void unload(void)
{
    run_view_release(&view);
    store_close(&store);
}

TestSuite(report, .fini = unload);

static Buffer render(const char *name, const ReportOptions *options)
{
    Buffer out = {0};
    Error err = {0};
    const ReportFormat *format = report_find(slice_from_cstr(name));
    cr_assert_not_null(format, "%s", name);
    cr_assert_eq(format->render(&view, options, &out, &err), STATUS_OK, "%s: %s", name, err.text);
    return out;
}

static bool has(const Buffer *text, const char *words)
{
    return slice_find(buffer_slice(text), slice_from_cstr(words)) != SIZE_MAX;
}

static const ReportOptions without_plots = {.gnuplot = ""};

Test(report, gives_the_same_bytes_twice_in_every_format)
{
    load(NULL);
    for (size_t i = 0; i < report_format_count; i++) {
        Buffer a = render(report_formats[i].name, &without_plots),
               b = render(report_formats[i].name, &without_plots);
        cr_expect(slice_eq(buffer_slice(&a), buffer_slice(&b)), "%s", report_formats[i].name);
        cr_expect_gt(a.len, 1000, "%s", report_formats[i].name);
        cr_expect_eq(utf8_invalid_at(buffer_slice(&a)), SIZE_MAX, "%s", report_formats[i].name);
        buffer_release(&a);
        buffer_release(&b);
    }
}

Test(report, says_each_metrics_signature)
{
    static const char *const names[] = {"markdown", "html"};
    static const char *const signatures[] = {"f1\\|version:1", "f1|version:1"}; // a bar ends a cell
    load(NULL);
    for (size_t i = 0; i < 2; i++) {
        Buffer text = render(names[i], &without_plots);
        cr_expect(has(&text, "Metrics, "), "%s", names[i]);
        cr_expect(has(&text, signatures[i]), "%s", names[i]);
        buffer_release(&text);
    }
}

Test(report, keeps_terminal_lines_within_the_width_and_numbers_whole)
{
    load(NULL);
    static const size_t widths[] = {80, 100, 160};
    for (size_t i = 0; i < 3; i++) {
        const ReportOptions options = {.width = widths[i]};
        Buffer out = render("terminal", &options);
        Slice rest = buffer_slice(&out), line;
        while (slice_split(&rest, '\n', &line))
            cr_expect_leq(unicode_text_columns(line), widths[i], SLICE_FMT, SLICE_ARG(line));
        cr_expect(has(&out, "0.924 [0.897, 0.944]"), "width %zu", widths[i]);
        cr_expect_not(has(&out, "batch\xe2\x80\xa6"), "a setting's name is cut");
        cr_expect_not(has(&out, "\x1b"), "no colours unless asked");
        buffer_release(&out);
    }
    const ReportOptions coloured = {.colour = true};
    Buffer out = render("terminal", &coloured);
    cr_expect(has(&out, "\x1b[1m"));
    buffer_release(&out);
}

Test(report, writes_json_that_parses_and_agrees_with_the_view)
{
    const FixtureOptions options = {.class_name = nasty, .model_name = nasty, .with_failure = true};
    load(&options);
    Buffer out = render("json", &without_plots);
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(json_parse(SLICE("report"), buffer_slice(&out), JSON_STRICT, &document, &err),
                 STATUS_OK, "%s", err.text);
    const Json *root = json_root(document);
    cr_expect_eq(json_len(json_get(root, "trials")), view.n_trials);
    const Json *task = json_at(json_get(root, "tasks"), 0);
    cr_expect(slice_eq_cstr(json_string(json_at(json_get(task, "labels"), 2)), nasty));
    const Json *first = json_at(json_get(task, "models"), 0);
    cr_expect(slice_eq_cstr(json_string(json_get(first, "model")), nasty));
    cr_expect_float_eq(json_double(json_get(first, "estimate")),
                       run_view_headline(&view, 0, 0, (Slice){0})->score.estimate, 0);
    json_close(&document);
    buffer_release(&out);
}

Test(report, writes_csv_with_as_many_fields_in_every_record)
{
    const FixtureOptions options = {.model_name = nasty};
    load(&options);
    Buffer out = render("csv", &without_plots);
    size_t n_fields = 1, expected = 0, n_records = 0;
    bool quoted = false;
    for (size_t i = 0; i < out.len; i++) {
        const char c = out.ptr[i];
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (c == ',') n_fields++;
        if (c != '\n') continue;
        if (n_records == 0) expected = n_fields;
        cr_expect_eq(n_fields, expected, "record %zu", n_records);
        n_fields = 1;
        n_records++;
    }
    cr_expect_gt(n_records, 100);
    buffer_release(&out);
}

static void expect_harmless_page(const Buffer *out)
{
    static const char *const forbidden[] = {"<script",    "onload=", "javascript:", "http://",
                                            "https://",   "<link",   "<iframe",     "<image",
                                            "xlink:href", "@import", "url(",        "\x1b"};
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        cr_expect_not(has(out, forbidden[i]), "the page has %s", forbidden[i]);
    cr_expect(has(out, "&lt;script&gt;alert(1)&lt;/script&gt;"), "the name is shown as it is");
}

Test(report, shows_hostile_names_as_they_are_on_the_page)
{
    const FixtureOptions options = {.class_name = nasty, .model_name = nasty};
    load(&options);
    Buffer out = render("html", &without_plots);
    expect_harmless_page(&out);
    cr_expect(has(&out, "gnuplot was not found"));
    buffer_release(&out);
    out = render("markdown", &without_plots);
    cr_expect_not(has(&out, "<script"));
    cr_expect_not(has(&out, "\x1b"));
    buffer_release(&out);
    const ReportOptions options_terminal = {0};
    out = render("terminal", &options_terminal);
    cr_expect_not(has(&out, "\x1b"));
    cr_expect(has(&out, "\\x1b[31m"));
    buffer_release(&out);
}

Test(report, draws_hostile_names_without_running_them)
{
    if (!gnuplot_is_available(NULL)) cr_skip_test("gnuplot is not installed");
    const FixtureOptions options = {.class_name = nasty, .model_name = nasty};
    load(&options);
    const ReportOptions defaults = {0};
    Buffer out = render("html", &defaults);
    expect_harmless_page(&out);
    cr_expect(has(&out, "<svg"));
    cr_expect_not(has(&out, "Plots were left out"));
    cr_expect(has(&out, "\xe2\x80\xa6</text>"), "the label of a drawing, cut");
    cr_expect_neq(access("pwned", F_OK), 0);
    buffer_release(&out);
}

Test(report, goes_on_without_plots_when_gnuplot_fails)
{
    load(NULL);
    const ReportOptions options = {.gnuplot = "/bin/false"};
    Buffer out = render("html", &options);
    cr_expect(has(&out, "Plots were left out: /bin/false failed"));
    cr_expect_not(has(&out, "<svg"));
    cr_expect(has(&out, "</html>"));
    buffer_release(&out);
}

Test(report, leaves_a_file_alone_until_its_inputs_change)
{
    load(NULL);
    const char *folder = folder_make();
    Arena arena = {0};
    Error err = {0};
    for (size_t i = 0; i < report_format_count; i++) {
        const ReportFormat *format = &report_formats[i];
        Slice path;
        bool written = false, is_current = true;
        cr_assert_eq(report_is_current(view.inputs_hash, format, &without_plots, folder, &arena,
                                       &path, &is_current, &err),
                     STATUS_OK);
        cr_expect_not(is_current, "%s", format->name);
        cr_assert_eq(
            report_write(&view, format, &without_plots, folder, &arena, &path, &written, &err),
            STATUS_OK, "%s", err.text);
        cr_expect(written, "%s", format->name);
        struct stat before, after;
        cr_assert_eq(stat(path.ptr, &before), 0);
        cr_assert_eq(
            report_write(&view, format, &without_plots, folder, &arena, &path, &written, &err),
            STATUS_OK, "%s", err.text);
        cr_expect_not(written, "%s", format->name);
        cr_assert_eq(stat(path.ptr, &after), 0);
        cr_expect_eq(before.st_ino, after.st_ino, "%s", format->name);
        view.inputs_hash[0] = view.inputs_hash[0] == '0' ? '1' : '0';
        cr_assert_eq(
            report_write(&view, format, &without_plots, folder, &arena, &path, &written, &err),
            STATUS_OK, "%s", err.text);
        cr_expect(written, "%s: new inputs", format->name);
    }
    arena_release(&arena);
    folder_remove(folder);
}

Test(report, names_the_file_that_cannot_be_written)
{
    load(NULL);
    Arena arena = {0};
    Error err = {0};
    Slice path;
    bool written = true;
    cr_expect_neq(
        report_write(&view, &report_formats[0], NULL, "/proc/none", &arena, &path, &written, &err),
        STATUS_OK);
    cr_expect_not_null(strstr(err.text, "/proc/none"), "%s", err.text);
    cr_expect_not(written);
    arena_release(&arena);
}

typedef struct CleanCase {
    const char *svg, *wanted; // wanted NULL: refused
} CleanCase;

Test(report, passes_only_what_is_a_drawing)
{
    static const CleanCase cases[] = {
        {"<?xml version='1.0'?><!-- c --><svg width='9' height='8' viewBox='0 0 1 1'><g onclick='x()' id='a'><path d='M0,0'/></g></svg>",
         "<svg role=\"img\" aria-label=\"t\" style=\"max-width:9px\" viewBox=\"0 0 1 1\"><g id=\"p-a\"><path d=\"M0,0\"/></g></svg>"},
        {"<svg><script>alert(1)</script><rect fill='rgb(0,  0, 1)'/></svg>",
         "<svg role=\"img\" aria-label=\"t\"><rect fill=\"var(--ink)\"/></svg>"},
        {"<svg><foreignObject><g><text>x</text></g></foreignObject></svg>",
         "<svg role=\"img\" aria-label=\"t\"></svg>"},
        {"<svg><use xlink:href='http://x/#a'/><use xlink:href='#b'/></svg>",
         "<svg role=\"img\" aria-label=\"t\"><use/><use href=\"#p-b\"/></svg>"},
        {"<svg><text>@0xxxx</text><text>@7</text></svg>",
         "<svg role=\"img\" aria-label=\"t\"><text>&lt;label&gt;</text><text>@7</text></svg>"},
        {"<svg><rect fill='url(http://x)'/></svg>",
         "<svg role=\"img\" aria-label=\"t\"><rect fill=\"\"/></svg>"},
        {"<svg><g>", NULL},
        {"<svg><g></script></svg>", NULL},
        {"<svg", NULL},
        {"", NULL},
        {"plain", NULL},
        {"<html></html>", NULL},
        {"<svg><rect fill=red/></svg>", NULL},
        {"<svg></svg", NULL},
        {"</svg>", NULL},
    };
    const Slice labels[] = {SLICE("<label>")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer out = {0};
        Error err = {0};
        const Status s =
            svg_clean(slice_from_cstr(cases[i].svg), "p-", SLICE("t"), labels, 1, &out, &err);
        cr_expect_eq(s, cases[i].wanted ? STATUS_OK : STATUS_INVALID, "%s: %s", cases[i].svg,
                     err.text);
        cr_expect_str_eq(out.ptr ? out.ptr : "", cases[i].wanted ? cases[i].wanted : "", "%s",
                         cases[i].svg);
        buffer_release(&out);
    }
}
