// What `assay score` prints of text metrics on files: one JSON document, or lines for people.
#include <math.h>
#include <string.h>

#include "tools/score/files_internal.h"

Status text_names(const TextRun *run, size_t m, TextNames *out, Error *err)
{
    Arena *arena = &run->line->arena;
    const MetricPlan *plan = &run->systems[0].scores[m].plan;
    *out = (TextNames){.name = slice_from_cstr(plan->metric->name)};
    if (run->spec->name != NULL && m == 0) {
        TRY(run->spec->name(json_root(run->params), arena, &out->name, err));
    }
    if (!run->spec->is_sacrebleu) return metric_signature(plan, arena, &out->signature, err);
    Slice extra = {0};
    if (run->test != PAIRED_NONE && run->is_compat) {
        const char *text =
            arena_printf(arena, "|%s:%zu|seed:%lld", run->test == PAIRED_BOOTSTRAP ? "bs" : "ar",
                         run->n_draws, (long long)option_integer(run->line, "seed"));
        if (text == NULL) return error_set_memory(err, 1, 64, "a signature");
        extra = slice_from_cstr(text);
    }
    return text_signature(plan, run->n_refs, extra, arena, &out->signature, err);
}

static void put_interval(JsonWriter *w, const Score *score)
{
    if (slice_eq_cstr(score->method, "none")) return;
    score_put_interval(w, score);
    json_member_double(w, "standard_error", score->standard_error);
}

// Rows are made of texts, tokenising included.
static ScoreTiming timing_of(const TextRun *run)
{
    const int64_t scoring = run->rows_ns - run->tokenize_ns;
    return (ScoreTiming){run->read_ns, run->tokenize_ns, scoring > 0 ? scoring : 0};
}

// A signature's fields as members of their own, as sacreBLEU has them.
static void put_signature_fields(JsonWriter *w, Slice signature)
{
    Slice field;
    while (slice_split(&signature, '|', &field)) {
        const size_t colon = slice_find_byte(field, ':');
        if (colon == SIZE_MAX) continue;
        json_put_key_slice(w, slice_sub(field, 0, colon));
        json_put_string(w, slice_sub(field, colon + 1, field.len));
    }
}

static Status put_metric_json(const TextRun *run, const TextSystem *system, size_t m, JsonWriter *w,
                              Error *err)
{
    const TextScore *score = &system->scores[m];
    Buffer words = {0};
    TextNames names;
    TRY(text_names(run, m, &names, err));
    json_member_string(w, "name", names.name);
    json_member_double(w, "score", score->scores[0]);
    put_interval(w, &system->intervals[m][0]);
    json_member_string(w, "signature", names.signature);
    if (m == 0 && run->spec->words != NULL) {
        run->spec->words(score, &words);
        json_member_string(w, "verbose_score", slice_trim(buffer_slice(&words)));
    }
    if (run->spec->is_sacrebleu) put_signature_fields(w, names.signature);
    for (size_t k = 1; k < score->plan.n_scores; k++) {
        json_put_key_slice(w, system->intervals[m][k].name);
        json_begin_object(w);
        json_member_double(w, "score", score->scores[k]);
        put_interval(w, &system->intervals[m][k]);
        json_end_object(w);
    }
    const Status s = buffer_status(&words, err);
    buffer_release(&words);
    return s;
}

static void put_paired_json(const TextRun *run, const TextSystem *system, JsonWriter *w)
{
    if (run->test == PAIRED_NONE) return;
    if (!isnan(system->mean)) {
        json_member_double(w, "mean", system->mean);
        json_member_double(w, "ci", system->ci);
    }
    if (run->has_confidence && run->spec->is_sacrebleu) {
        json_member_double(w, "confidence_mean", system->mean);
        json_member_double(w, "confidence_var", system->ci);
    }
    if (run->has_confidence) return;
    json_put_key(w, "p_value");
    if (isnan(system->p_value)) { // the others are compared with it
        json_put_null(w);
        json_member_bool(w, "is_baseline", true);
    } else {
        json_put_double(w, system->p_value);
        json_member_bool(w, "is_identical", system->is_identical);
    }
}

static void put_segments_json(const TextRun *run, const TextSystem *system, JsonWriter *w)
{
    const TextScore *score = &system->scores[0];
    if (!run->is_by_sentence) return;
    json_member_array(w, "segments");
    for (size_t i = 0; i < score->rows.n_rows; i++) {
        metric_score_sums(&score->plan, score->rows.values + i * score->plan.width, score->scores);
        json_put_double(w, score->scores[0]);
    }
    json_end_array(w);
    metric_score_sums(&score->plan, score->sums, score->scores);
}

static Status put_system_json(const TextRun *run, size_t h, JsonWriter *w, Error *err)
{
    const TextSystem *system = &run->systems[h];
    json_begin_object(w);
    json_member_string(w, "system", slice_from_cstr(system->path));
    json_member_u64(w, "n_segments", run->hyps[0].n);
    TRY(put_metric_json(run, system, 0, w, err));
    put_paired_json(run, system, w);
    put_segments_json(run, system, w);
    if (run->n_metrics > 1) {
        json_member_array(w, "more");
        for (size_t m = 1; m < run->n_metrics; m++) {
            json_begin_object(w);
            TRY(put_metric_json(run, system, m, w, err));
            json_end_object(w);
        }
        json_end_array(w);
    }
    if (run->spec->put_more != NULL) TRY(run->spec->put_more(run, h, w, NULL, err));
    if (h == 0 && option_flag(run->line, "timing")) {
        const ScoreTiming timing = timing_of(run);
        score_put_timing(w, &timing);
    }
    json_end_object(w);
    return STATUS_OK;
}

static const char *test_words(const TextRun *run)
{
    if (run->test == PAIRED_BOOTSTRAP) return "paired bootstrap";
    return "paired approximate randomisation";
}

Status text_put_json(const TextRun *run, JsonWriter *w, Error *err)
{
    if (run->n_hyps == 1) {
        TRY(put_system_json(run, 0, w, err));
    } else {
        json_begin_object(w);
        if (run->test != PAIRED_NONE) {
            json_member_cstr(w, "test", test_words(run));
            json_member_u64(w, "n_draws", run->n_draws);
            json_member_i64(w, "seed", option_integer(run->line, "seed"));
            json_member_cstr(w, "counts", run->is_compat ? "strictly greater" : "greater or equal");
        }
        json_member_array(w, "systems");
        for (size_t h = 0; h < run->n_hyps; h++) TRY(put_system_json(run, h, w, err));
        json_end_array(w);
        json_end_object(w);
    }
    return STATUS_OK;
}

// "nrefs:1|case:lc" as "#:1|c:lc": the short names are sacreBLEU's, of which the metric has its own.
static void put_signature(const TextRun *run, Slice signature, Buffer *out)
{
    static const struct {
        const char *name, *brief;
    } names[] = {{"nrefs", "#"},  {"seed", "rs"},  {"version", "v"}, {"case", "c"},
                 {"eff", "e"},    {"smooth", "s"}, {"space", "s"},   {"norm", "nr"},
                 {"punct", "pn"}, {"asian", "as"}};
    Slice field;
    if (!run->spec->is_sacrebleu || !option_flag(run->line, "short")) {
        buffer_append(out, signature);
        return;
    }
    for (bool is_first = true; slice_split(&signature, '|', &field); is_first = false) {
        const size_t colon = slice_find_byte(field, ':');
        const Slice name = slice_sub(field, 0, colon);
        const char *brief = NULL;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (slice_eq_cstr(name, names[i].name)) brief = names[i].brief;
        }
        if (slice_eq_cstr(field, "tok:tercom")) brief = "t"; // TER's own
        if (!is_first) buffer_append_byte(out, '|');
        buffer_append(out, brief != NULL ? slice_from_cstr(brief) : name);
        if (colon != SIZE_MAX) buffer_append(out, slice_sub(field, colon, field.len));
    }
}

static void put_score_line(const TextRun *run, const TextSystem *system, size_t m,
                           const TextNames *names, Buffer *out)
{
    const int width = (int)option_integer(run->line, "width");
    const TextScore *score = &system->scores[m];
    const int digits =
        score->plan.metric->highest == 100 || run->spec->is_sacrebleu ? width : width + 3;
    if (option_flag(run->line, "score-only")) {
        buffer_printf(out, "%.*f\n", digits, score->scores[0]);
        return;
    }
    buffer_printf(out, SLICE_FMT "|", SLICE_ARG(names->name));
    put_signature(run, names->signature, out);
    buffer_printf(out, " = %.*f", digits, score->scores[0]);
    if (m == 0 && run->has_confidence) {
        buffer_printf(out, " (\u03bc = %.*f \u00b1 %.*f)", digits, system->mean, digits,
                      system->ci);
    }
    if (m == 0 && run->spec->words != NULL) run->spec->words(score, out);
    const Score *interval = &system->intervals[m][0];
    if (!isnan(interval->lo)) {
        buffer_printf(out, "\n    %g%% interval %.*f to %.*f (" SLICE_FMT "), %zu segments",
                      100 * interval->level, digits, interval->lo, digits, interval->hi,
                      SLICE_ARG(interval->method), interval->n);
    }
    buffer_append_byte(out, '\n');
    for (size_t k = 1; !run->spec->is_sacrebleu && k < score->plan.n_scores; k++) {
        const Score *more = &system->intervals[m][k];
        buffer_printf(out, "    " SLICE_FMT " = %.*f", SLICE_ARG(more->name), digits,
                      more->estimate);
        if (!isnan(more->lo))
            buffer_printf(out, " [%.*f, %.*f]", digits, more->lo, digits, more->hi);
        buffer_append_byte(out, '\n');
    }
}

// As sacreBLEU has them, a line a segment: the whole of what it says of a score, or the score alone.
static void put_segment_lines(const TextRun *run, const TextSystem *system, const TextNames *names,
                              Buffer *out)
{
    const TextScore *score = &system->scores[0];
    const size_t width = score->plan.width;
    const bool is_whole = run->spec->is_sacrebleu && !option_flag(run->line, "score-only");
    for (size_t i = 0; i < score->rows.n_rows; i++) {
        memcpy(score->sums, score->rows.values + i * width, width * sizeof *score->sums);
        metric_score_sums(&score->plan, score->sums, score->scores);
        if (is_whole) {
            buffer_printf(out, SLICE_FMT "|", SLICE_ARG(names->name));
            put_signature(run, names->signature, out);
            buffer_append_cstr(out, " = ");
        }
        buffer_printf(out, "%.*f", (int)option_integer(run->line, "width"), score->scores[0]);
        if (is_whole && run->spec->words != NULL) run->spec->words(score, out);
        buffer_append_byte(out, '\n');
    }
    row_sums(&score->rows, width, score->sums);
    metric_score_sums(&score->plan, score->sums, score->scores);
}

static void put_paired_lines(const TextRun *run, Buffer *out)
{
    const int width = (int)option_integer(run->line, "width");
    buffer_printf(out, "%s, %zu draws, seed %lld; baseline ", test_words(run), run->n_draws,
                  (long long)option_integer(run->line, "seed"));
    output_escaped(out, slice_from_cstr(run->systems[0].path));
    buffer_printf(out, "; p counts draws %s the difference seen\n",
                  run->is_compat ? "strictly beyond" : "at least as far as");
    for (size_t h = 0; h < run->n_hyps; h++) {
        const TextSystem *system = &run->systems[h];
        buffer_append_cstr(out, "  ");
        output_escaped(out, slice_from_cstr(system->path));
        if (h == 0) buffer_append_cstr(out, " (baseline)");
        buffer_printf(out, ": %.*f", width + 1, system->scores[0].scores[0]);
        if (!isnan(system->mean)) {
            buffer_printf(out, " (mean %.*f +- %.*f)", width + 1, system->mean, width + 1,
                          system->ci);
        }
        if (!isnan(system->p_value)) buffer_printf(out, ", p = %.4f", system->p_value);
        if (system->is_identical) buffer_append_cstr(out, ", identical to the baseline");
        buffer_append_byte(out, '\n');
    }
}

Status text_put_lines(const TextRun *run, Buffer *out, Error *err)
{
    for (size_t h = 0; h < run->n_hyps; h++) {
        if (run->is_by_sentence) {
            TextNames names;
            TRY(text_names(run, 0, &names, err));
            put_segment_lines(run, &run->systems[h], &names, out);
            continue;
        }
        if (run->n_hyps > 1 && !option_flag(run->line, "score-only")) {
            output_escaped(out, slice_from_cstr(run->systems[h].path));
            if (h == 0 && run->test != PAIRED_NONE) buffer_append_cstr(out, " (baseline)");
            buffer_append_cstr(out, "\n  ");
        }
        for (size_t m = 0; m < run->n_metrics; m++) {
            TextNames names;
            TRY(text_names(run, m, &names, err));
            put_score_line(run, &run->systems[h], m, &names, out);
        }
        const bool has_more = run->spec->put_more != NULL && !option_flag(run->line, "score-only");
        if (has_more) TRY(run->spec->put_more(run, h, NULL, out, err));
    }
    if (run->test != PAIRED_NONE && !run->has_confidence) put_paired_lines(run, out);
    if (option_flag(run->line, "timing")) {
        const ScoreTiming timing = timing_of(run);
        score_print_timing(out, &timing);
    }
    return STATUS_OK;
}
