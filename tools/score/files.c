// Text metrics on files: reading and scoring.
#include "tools/score/files_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "metrics/paired.h"

// Beyond so many draws of rows an interval would take longer than the scores: fewer resamples then, but not below the least.
enum { MOST_DRAWS = 60000000, FEWEST_RESAMPLES = 200, MAX_METRICS = 8, SCRATCH_BYTES = 1 << 18 };

// ---- params ----

static Status read_params(TextRun *run, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < run->spec->n_params; i++) {
        const TextParam *p = &run->spec->params[i];
        if (!option_given(run->line, p->option)) continue;
        json_put_key(&w, p->key);
        switch (p->kind) {
        case PARAM_TEXT:
            json_put_cstr(&w, option_text(run->line, p->option));
            break;
        case PARAM_REAL:
            json_put_double(&w, option_real(run->line, p->option));
            break;
        case PARAM_INTEGER:
            json_put_i64(&w, option_integer(run->line, p->option));
            break;
        case PARAM_FLAG:
            json_put_bool(&w, true);
            break;
        }
    }
    // A sentence has too few words for every order: sacreBLEU's sentence scores leave those without any out of the mean.
    const Metric *metric = run->spec->metrics[0];
    for (size_t i = 0; run->is_by_sentence && metric->params && metric->params[i]; i++) {
        if (strcmp(metric->params[i], "effective_order") != 0) continue;
        json_member_bool(&w, "effective_order", true);
    }
    json_end_object(&w);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        s = json_parse(SLICE("options"), buffer_slice(&text), JSON_STRICT, &run->params, err);
    }
    buffer_release(&text);
    return s;
}

// ---- files ----

// Each separator in a line becomes a line end: sentences of a summary.
static Status part_sentences(const char *separator, TextLines *file, Arena *arena, Error *err)
{
    const Slice mark = slice_from_cstr(separator);
    if (mark.len == 0) return error_set(err, STATUS_INVALID, "--sep must not be empty");
    for (size_t i = 0; i < file->n; i++) {
        Slice rest = file->lines[i];
        char *copy;
        size_t len = 0, at;
        if (slice_find(rest, mark) == SIZE_MAX) continue;
        TRY(arena_take_raw(arena, rest.len, 1, "a line", &copy, err));
        while ((at = slice_find(rest, mark)) != SIZE_MAX) {
            memcpy(copy + len, rest.ptr, at);
            copy[len + at] = '\n';
            len += at + 1;
            rest = slice_sub(rest, at + mark.len, rest.len);
        }
        memcpy(copy + len, rest.ptr, rest.len);
        file->lines[i] = (Slice){copy, len + rest.len};
    }
    return STATUS_OK;
}

// One file with so many references a line, tabs between them: each becomes a file of its own.
static Status part_references(TextRun *run, size_t n, Error *err)
{
    Arena *arena = &run->line->arena;
    TextLines *all, *first = &run->refs[0];
    TRY(arena_take(arena, n, sizeof *all, "references", &all, err));
    for (size_t r = 0; r < n; r++) {
        all[r] = (TextLines){.path = first->path, .n = first->n};
        TRY(arena_take(arena, first->n, sizeof *all[r].lines, "lines", &all[r].lines, err));
    }
    for (size_t i = 0; i < first->n; i++) {
        Slice rest = first->lines[i];
        for (size_t r = 0; r < n; r++) {
            const size_t tab = slice_find_byte(rest, '\t');
            if (tab == SIZE_MAX && r + 1 < n) {
                return error_set(err, STATUS_INVALID,
                                 "%s:%zu: holds %zu of the %zu references that --num-refs asks "
                                 "for: a tab stands between two",
                                 first->path, i + 1, r + 1, n);
            }
            all[r].lines[i] = r + 1 < n ? slice_sub(rest, 0, tab) : rest;
            if (r + 1 < n) rest = slice_sub(rest, tab + 1, rest.len);
        }
    }
    all[0].bytes = first->bytes; // which it closes
    run->refs = all;
    run->n_refs = n;
    return STATUS_OK;
}

static Status open_references(TextRun *run, Error *err)
{
    CommandLine *line = run->line;
    const char *const *refs;
    const bool is_replaced = option_choice(line, "invalid-utf8") == 1;
    const size_t n_parts = (size_t)option_integer(line, "num-refs");
    run->n_refs = option_texts(line, "ref", &refs);
    if (option_given(line, "input")) { // FILEs are references then, as sacreBLEU has them
        const char **all;
        const size_t n_files = line->n_operands - 1;
        TRY(arena_take(&line->arena, run->n_refs + n_files, sizeof *all, "files", &all, err));
        if (run->n_refs > 0) memcpy(all, refs, run->n_refs * sizeof *all);
        if (n_files > 0) memcpy(all + run->n_refs, line->operands + 1, n_files * sizeof *all);
        refs = all;
        run->n_refs += n_files;
    }
    if (run->n_refs == 0) {
        return error_set(err, STATUS_INVALID,
                         "references are wanted: --ref FILE, or FILEs before --input");
    }
    if (n_parts > 1 && run->n_refs > 1) {
        return error_set(err, STATUS_INVALID, "--num-refs goes with one --ref FILE, not with %zu",
                         run->n_refs);
    }
    TRY(arena_take(&line->arena, run->n_refs, sizeof *run->refs, "files", &run->refs, err));
    for (size_t r = 0; r < run->n_refs; r++) {
        TRY(text_lines_open(refs[r], is_replaced, &line->arena, &run->refs[r], err));
    }
    return n_parts > 1 ? part_references(run, n_parts, err) : STATUS_OK;
}

static Status open_files(TextRun *run, Error *err)
{
    CommandLine *line = run->line;
    const char *pred = option_text(line, "pred");
    const char *const *files;
    const size_t n_inputs = option_texts(line, "input", &files);
    const size_t n_files = n_inputs > 0 ? n_inputs : line->n_operands - 1;
    if (n_inputs == 0) files = line->operands + 1;
    const bool is_replaced = option_choice(line, "invalid-utf8") == 1;
    run->n_hyps = n_files + (pred != NULL);
    TRY(open_references(run, err));
    if (run->n_hyps == 0) {
        return error_set(
            err, STATUS_INVALID,
            "a system's output is wanted: a FILE (- is standard input), or --pred FILE");
    }
    TRY(arena_take(&line->arena, run->n_hyps, sizeof *run->hyps, "files", &run->hyps, err));
    for (size_t h = 0; h < run->n_hyps; h++) {
        const char *path = h < n_files ? files[h] : pred;
        TRY(text_lines_open(path, is_replaced, &line->arena, &run->hyps[h], err));
    }
    for (size_t k = 0; run->spec->separator != NULL && k < run->n_refs + run->n_hyps; k++) {
        TextLines *file = k < run->n_refs ? &run->refs[k] : &run->hyps[k - run->n_refs];
        TRY(part_sentences(run->spec->separator, file, &line->arena, err));
    }
    const TextLines *first = &run->refs[0];
    for (size_t k = 1; k < run->n_refs + run->n_hyps; k++) {
        const TextLines *other = k < run->n_refs ? &run->refs[k] : &run->hyps[k - run->n_refs];
        if (other->n == first->n) continue;
        return error_set(
            err, STATUS_INVALID,
            "%s has %zu lines, but %s has %zu: line i of each must be the same segment",
            other->path, other->n, first->path, first->n);
    }
    return STATUS_OK;
}

// ---- rows ----

static Status fill_item(const TextRun *run, const MetricPlan *const *plans, const Item *item,
                        Arena *scratch, double *const *rows, Error *err)
{
    if (run->spec->rows != NULL) {
        return run->spec->rows(plans, run->n_metrics, item, scratch, rows, err);
    }
    for (size_t m = 0; m < run->n_metrics; m++) {
        TRY(plans[m]->metric->row(plans[m], item, scratch, rows[m], err));
    }
    return STATUS_OK;
}

static Status take_rows(TextRun *run, size_t n, TextScore *scores, double **values, Error *err)
{
    for (size_t m = 0; m < run->n_metrics; m++) {
        TRY(arena_take(&run->line->arena, n, scores[m].plan.width * sizeof **values, "rows",
                       &values[m], err));
        scores[m].rows = (RowSet){.values = values[m], .n_rows = n, .n_clusters = n};
    }
    return STATUS_OK;
}

static Status fill_rows(TextRun *run, const TextLines *hyps, TextScore *scores, Error *err)
{
    Arena scratch = {0};
    Slice references[64];
    Item item = item_empty();
    double *rows[MAX_METRICS];
    const MetricPlan *plans[MAX_METRICS];
    for (size_t m = 0; m < run->n_metrics; m++) plans[m] = &scores[m].plan;
    if (run->n_refs > 64)
        return error_set(err, STATUS_INVALID, "more than 64 references a segment");
    Status s = take_rows(run, hyps->n, scores, rows, err);
    if (s == STATUS_OK) s = arena_reserve(&scratch, SCRATCH_BYTES, err);
    item.references = references;
    item.n_references = run->n_refs;
    for (size_t i = 0; s == STATUS_OK && i < hyps->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        item.hypothesis = hyps->lines[i];
        for (size_t r = 0; r < run->n_refs; r++) references[r] = run->refs[r].lines[i];
        s = fill_item(run, plans, &item, &scratch, rows, err);
        for (size_t m = 0; m < run->n_metrics; m++) rows[m] += scores[m].plan.width;
        arena_rewind(&scratch, mark);
        if (s != STATUS_OK) s = error_wrap(err, "%s:%zu", hyps->path, i + 1);
    }
    arena_release(&scratch);
    return s;
}

static Status score_system(TextRun *run, size_t h, Error *err)
{
    Arena *arena = &run->line->arena;
    TextSystem *system = &run->systems[h];
    TRY(arena_take(arena, run->n_metrics, sizeof *system->scores, "scores", &system->scores, err));
    TRY(arena_take(arena, run->n_metrics, sizeof *system->intervals, "scores", &system->intervals,
                   err));
    for (size_t m = 0; m < run->n_metrics; m++) {
        TextScore *score = &system->scores[m];
        TRY(metric_plan(run->spec->metrics[m], &run->setup, arena, &score->plan, err));
        TRY(arena_take(arena, score->plan.width, sizeof *score->sums, "sums", &score->sums, err));
        TRY(arena_take(arena, score->plan.n_scores, sizeof *score->scores, "scores", &score->scores,
                       err));
    }
    const int64_t begin = clock_thread_cpu_ns();
    TRY(fill_rows(run, &run->hyps[h], system->scores, err));
    for (size_t m = 0; m < run->n_metrics; m++) {
        TextScore *score = &system->scores[m];
        row_sums(&score->rows, score->plan.width, score->sums);
        metric_score_sums(&score->plan, score->sums, score->scores);
    }
    run->rows_ns += clock_thread_cpu_ns() - begin;
    return STATUS_OK;
}

// Tokenises everything once more, by itself, so that --timing can tell it from scoring.
static Status time_tokens(TextRun *run, Error *err)
{
    Arena scratch = {0};
    Tokens tokens;
    Status s = STATUS_OK;
    if (run->spec->tokenize == NULL) return STATUS_OK;
    s = arena_reserve(&scratch, SCRATCH_BYTES, err);
    const int64_t begin = clock_thread_cpu_ns();
    for (size_t k = 0; s == STATUS_OK && k < run->n_refs + run->n_hyps; k++) {
        const TextLines *file = k < run->n_refs ? &run->refs[k] : &run->hyps[k - run->n_refs];
        for (size_t i = 0; s == STATUS_OK && i < file->n; i++) {
            const ArenaMark mark = arena_mark(&scratch);
            s = run->spec->tokenize(&run->systems[0].scores[0].plan, file->lines[i], &scratch,
                                    &tokens, err);
            arena_rewind(&scratch, mark);
        }
    }
    run->tokenize_ns = clock_thread_cpu_ns() - begin;
    arena_release(&scratch);
    return s;
}

static Status find_intervals(TextRun *run, TextSystem *system, Error *err)
{
    const CommandLine *line = run->line;
    const size_t n = run->hyps[0].n;
    IntervalOptions options = {.level = option_real(line, "level"),
                               .seed = (uint64_t)option_integer(line, "seed"),
                               .n_resamples = DEFAULT_RESAMPLES};
    if (n > MOST_DRAWS / DEFAULT_RESAMPLES) {
        options.n_resamples = size_max(FEWEST_RESAMPLES, MOST_DRAWS / n);
    }
    if (option_given(line, "confidence-n")) {
        options.n_resamples = (size_t)option_integer(line, "confidence-n");
    }
    if (options.n_resamples == 0 || option_flag(line, "score-only")) options.method = INTERVAL_NONE;
    for (size_t m = 0; m < run->n_metrics; m++) {
        TRY(scores_of_rows(&system->scores[m].plan, &system->scores[m].rows, &options,
                           &run->line->arena, &system->intervals[m], err));
    }
    return STATUS_OK;
}

// ---- the whole ----

static Status read_request(TextRun *run, Error *err)
{
    const CommandLine *line = run->line;
    const bool wants_bs = option_flag(line, "paired-bs"), wants_ar = option_flag(line, "paired-ar");
    while (run->n_metrics < MAX_METRICS && run->spec->metrics[run->n_metrics]) run->n_metrics++;
    run->is_by_sentence = option_flag(line, "sentence-level");
    run->is_compat = option_choice(line, "compat") == 0;
    if (wants_bs && wants_ar) {
        return error_set(err, STATUS_INVALID, "--paired-bs or --paired-ar, not both");
    }
    if (wants_bs) run->test = PAIRED_BOOTSTRAP;
    if (wants_ar) run->test = PAIRED_RANDOMISATION;
    run->n_draws = (size_t)option_integer(line, wants_ar ? "paired-ar-n" : "paired-bs-n");
    if (!option_flag(line, "confidence")) return STATUS_OK;
    if (run->test != PAIRED_NONE || run->is_by_sentence) {
        return error_set(err, STATUS_INVALID,
                         "--confidence is of one system's score: it goes without --paired-bs, "
                         "--paired-ar and --sentence-level");
    }
    const bool is_given = option_given(line, "confidence-n");
    run->n_draws = is_given ? (size_t)option_integer(line, "confidence-n") : 1000;
    run->has_confidence = run->is_compat = true;
    run->test = PAIRED_BOOTSTRAP;
    return STATUS_OK;
}

static Status make_systems(TextRun *run, Error *err)
{
    TRY(arena_take(&run->line->arena, run->n_hyps, sizeof *run->systems, "systems", &run->systems,
                   err));
    for (size_t h = 0; h < run->n_hyps; h++) {
        run->systems[h] =
            (TextSystem){.path = run->hyps[h].path, .mean = NAN, .ci = NAN, .p_value = NAN};
    }
    return STATUS_OK;
}

static Status work(TextRun *run, Error *err)
{
    TRY(read_request(run, err));
    TRY(read_params(run, err));
    run->setup.params = json_root(run->params);
    if (run->spec->has_pieces) {
        TRY(pieces_open(run->setup.params, NULL, &run->line->arena, &run->pieces, err));
        run->setup.splitter = pieces_splitter(&run->pieces);
    }
    const int64_t begin = clock_thread_cpu_ns();
    if (run->refs == NULL) TRY(open_files(run, err));
    run->read_ns = clock_thread_cpu_ns() - begin;
    TRY(make_systems(run, err));
    if (run->has_confidence && run->n_hyps > 1) {
        return error_set(err, STATUS_INVALID,
                         "--confidence is of one system: --paired-bs compares several");
    }
    if (run->test != PAIRED_NONE && !run->has_confidence && run->n_hyps < 2) {
        return error_set(err, STATUS_INVALID, "a paired test wants two systems' files or more");
    }
    for (size_t h = 0; h < run->n_hyps; h++) TRY(score_system(run, h, err));
    if (option_flag(run->line, "timing")) TRY(time_tokens(run, err));
    for (size_t h = 0; h < run->n_hyps; h++) TRY(find_intervals(run, &run->systems[h], err));
    if (run->test == PAIRED_NONE) return STATUS_OK;
    return text_compare(run->systems, run->n_hyps, run->test, run->n_draws,
                        (uint64_t)option_integer(run->line, "seed"), run->is_compat, err);
}

static Status put_all(const CommandLine *line, const TextRun *runs, size_t n, Buffer *out,
                      Error *err)
{
    JsonWriter w = json_writer(out, 2);
    if (option_choice(line, "format") == TEXT_LATEX) return text_put_latex(runs, n, out, err);
    if (line->is_json && n > 1) json_begin_array(&w);
    for (size_t k = 0; k < n; k++) {
        TRY(line->is_json ? text_put_json(&runs[k], &w, err) : text_put_lines(&runs[k], out, err));
    }
    if (line->is_json && n > 1) json_end_array(&w);
    if (line->is_json) buffer_append_byte(out, '\n');
    return STATUS_OK;
}

Status text_files_run(CommandLine *line, const TextSpec *const *specs, size_t n_specs, Error *err)
{
    TextRun runs[MAX_TEXT_SPECS] = {0};
    Buffer out = {0};
    Status s = STATUS_OK;
    if (n_specs > 1 && option_flag(line, "sentence-level")) {
        s = error_set(err, STATUS_INVALID, "--sentence-level goes with one score at a time");
    }
    for (size_t k = 0; s == STATUS_OK && k < n_specs; k++) {
        TextRun *run = &runs[k];
        *run = (TextRun){.line = line,
                         .spec = specs[k],
                         .refs = runs[0].refs,
                         .hyps = runs[0].hyps,
                         .n_refs = runs[0].n_refs,
                         .n_hyps = runs[0].n_hyps};
        s = work(run, err);
    }
    if (s == STATUS_OK) s = put_all(line, runs, n_specs, &out, err);
    if (s == STATUS_OK) s = output_buffer(&out, err);
    for (size_t k = 0; s == STATUS_OK && k < n_specs; k++) {
        if (specs[k]->warn != NULL) specs[k]->warn(line, &runs[0].hyps[0]);
    }
    buffer_release(&out);
    const TextRun *first = &runs[0];
    for (size_t r = 0; first->refs != NULL && r < first->n_refs; r++) {
        text_lines_close(&first->refs[r]);
    }
    for (size_t h = 0; first->hyps != NULL && h < first->n_hyps; h++) {
        text_lines_close(&first->hyps[h]);
    }
    for (size_t k = 0; k < n_specs; k++) {
        json_close(&runs[k].params);
        pieces_close(&runs[k].pieces);
    }
    return s;
}
