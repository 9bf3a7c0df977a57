// What the reference programs refuse and what their command lines print, asked of the program: rouge_errors, cli_errors and
// squad_errors of the goldens.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json_source.h"
#include "base/json_writer.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

// The golden file's lines after its header; skips the test where it is absent.
static Slice golden_lines(Arena *arena, const char *name)
{
    char relative[200];
    Slice text, header;
    Error err = {0};
    snprintf(relative, sizeof relative, "goldens/metrics/%s", name);
    const char *path = shared_need(relative);
    cr_assert_eq(file_read_data(arena, path, (size_t)1 << 28, &text, NULL, &err), STATUS_OK);
    cr_assert(slice_split(&text, '\n', &header));
    return text;
}

static const char *write_lines(Arena *arena, const char *folder, const char *name,
                               const Json *lines)
{
    Buffer text = {0};
    for (const Json *v = json_first(lines); v != NULL; v = json_next(v)) {
        buffer_append(&text, json_string(v));
        buffer_append_byte(&text, '\n');
    }
    buffer_append_byte(&text, '\0');
    const char *path = write_file(arena, folder, name, text.ptr);
    buffer_release(&text);
    return path;
}

// ---- sacreBLEU's command line ----

enum { MAX_ARGUMENTS = 32 };

// Its arguments are ours, but for the metrics: "-m bleu chrf ter" is "bleu,chrf,ter".
static size_t add_arguments(Arena *arena, const Json *args, const char **out, size_t n)
{
    Buffer metrics = {0};
    for (const Json *v = json_first(args); v != NULL; v = json_next(v)) {
        if (slice_eq_cstr(json_string(v), "-m")) {
            while (json_next(v) != NULL && json_string(json_next(v)).ptr[0] != '-') {
                v = json_next(v);
                if (metrics.len > 0) buffer_append_byte(&metrics, ',');
                buffer_append(&metrics, json_string(v));
            }
            continue;
        }
        out[n++] = arena_cstr(arena, json_string(v));
    }
    out[1] = metrics.len > 0 ? arena_cstr(arena, buffer_slice(&metrics)) : "bleu";
    buffer_release(&metrics);
    return n;
}

static double rounded(double value, int digits)
{
    char text[64];
    double out = 0;
    snprintf(text, sizeof text, "%.*f", digits, value);
    cr_assert(slice_to_double(slice_from_cstr(text), &out));
    return out;
}

// Each member that sacreBLEU prints stands in our answer too; its scores are rounded.
static void expect_answers(Slice got_text, Slice want_text, int digits)
{
    const Json *got = json_first(json_of(got_text)), *want = json_first(json_of(want_text));
    for (; want != NULL && got != NULL; want = json_next(want), got = json_next(got)) {
        for (const Json *v = json_first(want); v != NULL; v = json_next(v)) {
            char key[64];
            snprintf(key, sizeof key, SLICE_FMT, SLICE_ARG(json_key(v)));
            if (json_kind(v) == JSON_NUMBER) {
                cr_expect_eq(rounded(number_of(got, key), digits), json_double(v), "%s", key);
            } else {
                cr_expect(slice_eq(text_of(got, key), json_string(v)), "%s", key);
            }
        }
    }
    cr_expect_eq(want, NULL);
    cr_expect_eq(got, NULL);
}

Test(score_goldens, files_are_taken_and_refused_as_by_sacrebleu)
{
    Arena arena = {0};
    Slice lines = golden_lines(&arena, "sacrebleu/cli_errors.jsonl"), line;
    const char *folder = folder_make();
    size_t n_refused = 0, n_taken = 0;
    while (slice_split(&lines, '\n', &line)) {
        const Json *row = json_of(line), *refs = json_get(row, "refs");
        const Slice want = text_of(row, "stdout");
        const char *arguments[MAX_ARGUMENTS] = {"score", "bleu"};
        const bool is_json = want.len > 0 && want.ptr[0] == '[';
        size_t n = 2, r = 0;
        for (const Json *v = json_first(refs); v != NULL; v = json_next(v)) {
            char name[32];
            snprintf(name, sizeof name, "ref%zu.txt", r++);
            arguments[n++] = "-r";
            arguments[n++] = write_lines(&arena, folder, name, v);
        }
        arguments[n++] = write_lines(&arena, folder, "hyp.txt", json_get(row, "hyp"));
        if (is_json) arguments[n++] = "--json";
        add_arguments(&arena, json_get(row, "args"), arguments, n);
        const Program p = program_run(&arena, NULL, NULL, arguments);
        const bool is_refused = number_of(row, "exit") != 0;
        program_want(&p, is_refused ? 2 : 0);
        n_refused += is_refused;
        n_taken += !is_refused;
        if (is_refused) {
            cr_expect(text_contains(p.err, "lines"), "%s", p.err.ptr);
        } else if (is_json) {
            expect_answers(p.out, want, 6);
        } else {
            cr_expect(slice_eq(p.out, want), "%s", p.out.ptr);
        }
    }
    cr_expect_gt(n_refused, (size_t)2);
    cr_expect_gt(n_taken, (size_t)1);
    folder_remove(folder);
    arena_release(&arena);
}

// ---- rouge_score ----

Test(score_goldens, options_that_rouge_score_refuses_are_refused)
{
    Arena arena = {0};
    Slice lines = golden_lines(&arena, "rouge/rouge_errors.jsonl"), line;
    size_t n_errors = 0;
    while (slice_split(&lines, '\n', &line)) {
        const Json *row = json_of(line), *types = json_get(row, "types"),
                   *aggregator = json_get(row, "aggregator");
        Buffer text = {0};
        JsonWriter w = json_writer(&text, 0);
        json_begin_object(&w);
        if (types != NULL) {
            json_put_key(&w, "hyps");
            json_put_raw(&w, SLICE("[\"a b\"]"));
            json_put_key(&w, "refs");
            json_put_raw(&w, SLICE("[\"a c\"]"));
            json_put_key(&w, "params");
            json_begin_object(&w);
            json_put_key(&w, "types");
            json_put_value(&w, types);
            json_end_object(&w);
        } else {
            const Json *confidence = json_get(aggregator, "confidence_interval");
            const Json *n_samples = json_get(aggregator, "n_samples");
            json_put_key(&w, "scores");
            json_put_raw(&w, SLICE("[[0.5, 0.5, 0.5], [0.25, 1, 0.4]]"));
            json_put_key(&w, "np_random_seed");
            json_put_i64(&w, 1);
            if (confidence != NULL) {
                json_put_key(&w, "confidence");
                json_put_value(&w, confidence);
            }
            if (n_samples != NULL) {
                json_put_key(&w, "n_samples");
                json_put_value(&w, n_samples);
            }
        }
        json_end_object(&w);
        buffer_append_byte(&text, '\n');
        buffer_append_byte(&text, '\0');
        const Program p = RUN(&arena, text.ptr, "score", "rouge", "--cases");
        const bool is_refused = json_get(row, "error") != NULL;
        cr_expect_eq(p.status, is_refused ? 2 : 0, "%s", text.ptr);
        cr_expect_eq(json_get(json_of(p.out), "error") != NULL, is_refused, "%s", p.out.ptr);
        n_errors += is_refused;
        buffer_release(&text);
    }
    cr_expect_gt(n_errors, (size_t)5);
    arena_release(&arena);
}

// ---- the SQuAD 2.0 script ----

// The predictions without the first n_left_out, and with one for a question that is not there.
static const char *write_predictions(Arena *arena, const char *folder, const Json *predictions,
                                     size_t n_left_out, bool has_extra)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    size_t i = 0;
    json_begin_object(&w);
    for (const Json *v = json_first(predictions); v != NULL; v = json_next(v)) {
        if (i++ < n_left_out) continue;
        json_put_key_slice(&w, json_key(v));
        json_put_value(&w, v);
    }
    if (has_extra) {
        json_put_key(&w, "no-such-question");
        json_put_cstr(&w, "x");
    }
    json_end_object(&w);
    buffer_append_byte(&text, '\0');
    const char *path = write_file(arena, folder, "predictions.json", text.ptr);
    buffer_release(&text);
    return path;
}

Test(score_goldens, missing_predictions_are_refused_and_others_passed_over)
{
    Arena arena = {0};
    Slice errors = golden_lines(&arena, "squad/squad_errors.jsonl"), line;
    Slice sets = golden_lines(&arena, "squad/squad_v2.jsonl");
    const char *folder = folder_make(), *data = NULL;
    const Json *predictions = NULL;
    while (predictions == NULL && slice_split(&sets, '\n', &line)) {
        const Json *row = json_of(line);
        if (slice_eq_cstr(text_of(row, "kind"), "predictions"))
            predictions = json_get(row, "values");
    }
    cr_assert_neq(predictions, NULL);
    data = arena_cstr(&arena,
                      slice_from_cstr(shared_path("goldens/metrics/squad/dev_v2_subset.json")));
    const char *whole = write_predictions(&arena, folder, predictions, 0, false);
    const Program all =
        RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", whole, "--json");
    program_want(&all, 0);
    while (slice_split(&errors, '\n', &line)) {
        const Json *row = json_of(line);
        if (json_get(row, "note") == NULL || !slice_eq_cstr(text_of(row, "script"), "v2.0"))
            continue;
        const Slice note = text_of(row, "note");
        const bool has_extra = slice_find(note, SLICE("extra")) != SIZE_MAX;
        const size_t n = has_extra                                     ? 0
                         : slice_find(note, SLICE("five")) != SIZE_MAX ? 5
                                                                       : json_len(predictions);
        const char *path = write_predictions(&arena, folder, predictions, n, has_extra);
        const Program p =
            RUN(&arena, NULL, "score", "squad", "--data", data, "--pred", path, "--json");
        const bool is_refused = number_of(row, "exit") != 0;
        program_want(&p, is_refused ? 2 : 0);
        if (is_refused) {
            const Slice first = json_key(json_first(predictions));
            cr_expect(slice_find(p.err, first) != SIZE_MAX, "%s", p.err.ptr);
            const Program wrong = RUN(&arena, NULL, "score", "squad", "--data", data, "--pred",
                                      path, "--missing", "wrong", "--json");
            program_want(&wrong, 0);
            cr_expect_eq(number_of(json_of(wrong.out), "missing_predictions"), (double)n);
        } else {
            cr_expect_eq(number_of(json_of(p.out), "f1"), number_of(json_of(all.out), "f1"));
            cr_expect_eq(number_of(json_of(p.out), "surplus_predictions"), 1);
        }
    }
    folder_remove(folder);
    arena_release(&arena);
}
