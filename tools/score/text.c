#include "tools/score/text.h"

// ---- cases ----

static Status take_text(const Json *value, bool may_be_null, Slice *out, Error *err)
{
    *out = (Slice){0};
    if (json_kind(value) == JSON_NULL && may_be_null) return STATUS_OK;
    TRY(json_as_string(value, out, err));
    if (out->ptr == NULL) *out = SLICE("");
    return STATUS_OK;
}

static Status take_items(const ScoreCase *c, size_t n, size_t n_streams, TextItems *out,
                         Slice **references, Error *err)
{
    TRY(arena_take(c->arena, n, sizeof *out->items, "segments", &out->items, err));
    TRY(arena_take(c->arena, n, n_streams * sizeof **references, "references", references, err));
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        out->items[i] = item_empty();
        out->items[i].references = *references + i * n_streams;
        out->items[i].n_references = n_streams;
    }
    return STATUS_OK;
}

// How many references every item has, if that is one number.
static void count_references(TextItems *out)
{
    for (size_t i = 0; i < out->n; i++) {
        size_t n = 0;
        for (size_t r = 0; r < out->items[i].n_references; r++) {
            n += out->items[i].references[r].ptr != NULL;
        }
        if (i > 0 && n != out->n_references) {
            out->n_references = 0;
            return;
        }
        out->n_references = n;
    }
}

static Status read_segment(const ScoreCase *c, const Json *hypothesis, const Json *refs,
                           TextItems *out, Error *err)
{
    Slice *references;
    size_t r = 0;
    TRY(take_items(c, 1, json_len(refs), out, &references, err));
    TRY(take_text(hypothesis, false, &out->items[0].hypothesis, err));
    for (const Json *v = json_first(refs); v != NULL; v = json_next(v)) {
        TRY(take_text(v, true, &references[r++], err));
    }
    count_references(out);
    return STATUS_OK;
}

static Status read_stream(const Json *stream, size_t s, size_t n_streams, size_t n,
                          Slice *references, Error *err)
{
    size_t i = 0;
    if (json_kind(stream) != JSON_ARRAY) {
        return json_error(stream, err,
                          "must be a stream, a list of references as long as \"hyps\", not %s",
                          json_kind_name(json_kind(stream)));
    }
    if (json_len(stream) != n) {
        return json_error(stream, err,
                          "reference stream %zu has %zu segments, but \"hyps\" has %zu", s + 1,
                          json_len(stream), n);
    }
    for (const Json *v = json_first(stream); v != NULL; v = json_next(v)) {
        TRY(take_text(v, true, &references[i++ * n_streams + s], err));
    }
    return STATUS_OK;
}

static Status read_streams(const ScoreCase *c, const Json *hyps, const Json *refs, bool is_flat,
                           TextItems *out, Error *err)
{
    const size_t n = json_len(hyps), n_streams = is_flat ? 1 : json_len(refs);
    Slice *references;
    size_t i = 0, s = 0;
    if (n == 0) return json_error(hyps, err, "there is no segment to score");
    if (n_streams == 0) return json_error(refs, err, "there is no stream of references");
    TRY(take_items(c, n, n_streams, out, &references, err));
    for (const Json *v = json_first(hyps); v != NULL; v = json_next(v)) {
        TRY(take_text(v, false, &out->items[i++].hypothesis, err));
    }
    if (is_flat) {
        TRY(read_stream(refs, 0, 1, n, references, err));
    } else {
        for (const Json *v = json_first(refs); v != NULL; v = json_next(v)) {
            TRY(read_stream(v, s++, n_streams, n, references, err));
        }
    }
    count_references(out);
    return STATUS_OK;
}

Status text_items_of_case(const ScoreCase *c, TextForm form, TextItems *out, Error *err)
{
    const Json *hyps = json_get(c->root, "hyps"), *refs = NULL;
    *out = (TextItems){0};
    if (form == TEXT_LOOSE && hyps == NULL) hyps = json_get(c->root, "hyp");
    if (form == TEXT_LOOSE && hyps == NULL) hyps = json_get(c->root, "preds");
    TRY(json_want_kind(c->root, "refs", JSON_ARRAY, &refs, err));
    if (hyps != NULL && json_kind(hyps) == JSON_STRING) {
        return read_segment(c, hyps, refs, out, err);
    }
    if (hyps == NULL) TRY(json_want_kind(c->root, "hyps", JSON_ARRAY, &hyps, err));
    if (json_kind(hyps) != JSON_ARRAY) {
        return json_error(hyps, err, "must be a list of texts, not %s",
                          json_kind_name(json_kind(hyps)));
    }
    const Json *first = json_first(refs);
    const bool is_flat = form == TEXT_LOOSE && first != NULL && json_kind(first) != JSON_ARRAY;
    return read_streams(c, hyps, refs, is_flat, out, err);
}

// ---- scores ----

Status text_score_of_items(const Metric *metric, const MetricSetup *setup, const TextItems *items,
                           Arena *arena, TextScore *out, Error *err)
{
    TRY(metric_plan(metric, setup, arena, &out->plan, err));
    TRY(rows_of_items(&out->plan, items->items, items->n, NULL, arena, &out->rows, err));
    TRY(arena_take(arena, out->plan.width, sizeof *out->sums, "sums", &out->sums, err));
    TRY(arena_take(arena, out->plan.n_scores, sizeof *out->scores, "scores", &out->scores, err));
    row_sums(&out->rows, out->plan.width, out->sums);
    metric_score_sums(&out->plan, out->sums, out->scores);
    return STATUS_OK;
}

Status text_put_segments(const ScoreCase *c, const TextScore *score, JsonWriter *w, Error *err)
{
    bool is_wanted = false;
    double *scores;
    TRY(json_opt_bool(c->root, "segments", &is_wanted, err));
    if (!is_wanted) return STATUS_OK;
    TRY(arena_take(c->arena, score->plan.n_scores, sizeof *scores, "scores", &scores, err));
    json_member_array(w, "segments");
    for (size_t i = 0; i < score->rows.n_rows; i++) {
        metric_score_sums(&score->plan, score->rows.values + i * score->plan.width, scores);
        json_put_double(w, scores[0]);
    }
    json_end_array(w);
    return STATUS_OK;
}

// ---- signatures ----

Status text_signature(const MetricPlan *plan, size_t n_references, Slice extra, Arena *arena,
                      Slice *out, Error *err)
{
    Slice options = {0};
    char count[24];
    if (plan->metric->signature != NULL) {
        TRY(plan->metric->signature(plan, arena, &options, err));
    }
    const size_t beta = slice_find(options, SLICE("|beta:")); // which the name says: "chrF3"
    options = slice_sub(options, 0, beta);
    snprintf(count, sizeof count, n_references > 0 ? "%zu" : "var", n_references);
    const char *text = arena_printf(arena, "nrefs:%s" SLICE_FMT SLICE_FMT "|version:2.6.0", count,
                                    SLICE_ARG(extra), SLICE_ARG(options));
    if (text == NULL) return error_set_memory(err, 1, options.len, "a signature");
    *out = slice_from_cstr(text);
    return STATUS_OK;
}
