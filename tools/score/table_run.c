// assay score of tables: every metric with its interval, as JSON or as lines.
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/confusion.h"
#include "metrics/correlation_tests.h"
#include "metrics/delong.h"
#include "metrics/metrics_list.h"
#include "metrics/ranked.h"
#include "tools/score/case_json.h"
#include "tools/score/table.h"

// Beyond so many draws of rows an interval would take longer than a reader waits: fewer resamples then.
enum { MOST_DRAWS = 60000000, FEWEST_RESAMPLES = 100, MAX_METRICS = 32 };

typedef struct Scored {
    MetricPlan plan;
    RowSet rows;
    Score *scores; // [plan.n_scores]
} Scored;

typedef struct TableRun {
    CommandLine *line;
    const TableSpec *spec;
    Table table;
    const Metric *metrics[MAX_METRICS];
    Scored scored[MAX_METRICS];
    size_t n_metrics;
    int64_t read_ns, score_ns, interval_ns; // CPU time
} TableRun;

// ---- What is asked ----

static bool can_score(const TableRun *run, const Metric *metric)
{
    static const unsigned needs[] = {[TABLE_CLASSES] = NEEDS_LABELS,
                                     [TABLE_NUMBERS] = NEEDS_VALUES,
                                     [TABLE_LABEL_SETS] = NEEDS_LABEL_SETS};
    unsigned have = needs[run->spec->kind];
    if (run->table.probabilities != NULL) have |= NEEDS_PROBABILITIES;
    return (metric->needs & ~have) == 0 && metric->kind != METRIC_WHOLE;
}

static Status add_metric(TableRun *run, const char *name, Error *err)
{
    const Slice wanted = slice_from_cstr(name);
    const Metric *metric = metric_find(wanted);
    if (metric == NULL) {
        const char *near = metric_nearest(wanted);
        return error_set(err, STATUS_INVALID, "there is no metric '%s'%s%s%s", name,
                         near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (!can_score(run, metric))
        return error_set(err, STATUS_INVALID,
                         "metric %s wants what %s does not have: probabilities, or another family",
                         name, run->table.path);
    if (run->n_metrics == MAX_METRICS)
        return error_set(err, STATUS_INVALID, "more than %d metrics", (int)MAX_METRICS);
    run->metrics[run->n_metrics++] = metric;
    return STATUS_OK;
}

static Status choose_metrics(TableRun *run, Error *err)
{
    const char *const *names;
    const size_t n_names = option_texts(run->line, "metric", &names);
    for (size_t i = 0; i < n_names; i++) TRY(add_metric(run, names[i], err));
    for (size_t i = 0; n_names == 0 && run->spec->metrics[i] != NULL; i++) {
        const Metric *metric = run->spec->metrics[i];
        if (can_score(run, metric)) run->metrics[run->n_metrics++] = metric;
    }
    const Table *t = &run->table;
    if (t->kind == TABLE_CLASSES && t->n_scores > 0 && t->n_labels == 1) {
        return error_set(err, STATUS_INVALID,
                         "%s: all labels are \"" SLICE_FMT
                         "\": of one class alone the area under the "
                         "curve and its kin are undefined",
                         t->path, SLICE_ARG(slice_sub(t->labels[0], 0, 60)));
    }
    if (run->n_metrics > 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s: there are no probabilities to score",
                     run->table.path);
}

static Status read_table(TableRun *run, Error *err)
{
    CommandLine *line = run->line;
    const char *const *refs, *pred = option_text(line, "pred");
    const size_t n_refs = option_texts(line, "ref", &refs);
    const size_t n_files = line->n_operands - 1 + (pred != NULL);
    if (n_files != 1 || n_refs > 1)
        return error_set(err, STATUS_INVALID,
                         "wants one FILE of labels and predictions, or --ref FILE --pred FILE");
    const char *path = pred != NULL ? pred : line->operands[1];
    const bool is_replaced = option_choice(line, "invalid-utf8") == 1;
    TRY(table_open(path, n_refs > 0 ? refs[0] : NULL, run->spec->kind, is_replaced, &line->arena,
                   &run->table, err));
    switch (run->spec->kind) {
    case TABLE_CLASSES:
        return table_find_classes(&run->table, &line->arena, err);
    case TABLE_NUMBERS:
        return table_find_numbers(&run->table, &line->arena, err);
    case TABLE_LABEL_SETS:
        break;
    }
    const char *separator = option_text(line, "sep");
    return table_find_label_sets(&run->table, separator ? slice_from_cstr(separator) : SLICE(","),
                                 option_real(line, "threshold"), &line->arena, err);
}

// ---- Scores ----

// Rows of labels, and of the score of one of two classes: what table_find_classes has checked need not be checked again.
static bool fill_known_rows(const Table *t, const MetricPlan *plan, double *values)
{
    if (plan->metric->row == classes_row) {
        for (size_t i = 0; i < t->n; i++) {
            values[2 * i] = t->label[i];
            values[2 * i + 1] = t->predicted[i];
        }
        return true;
    }
    if (plan->metric->row != ranked_row || t->n_scores != 1) return false;
    const RankedOptions *o = plan->options;
    for (size_t i = 0; i < t->n; i++) {
        values[2 * i] = (size_t)t->label[i] == o->positive;
        values[2 * i + 1] = t->probabilities[2 * i + o->positive];
    }
    return true;
}

static Status fill_rows(const TableRun *run, Scored *scored, Error *err)
{
    const Table *t = &run->table;
    const MetricPlan *plan = &scored->plan;
    double *values;
    size_t size;
    if (!size_mul(plan->width, sizeof *values, &size))
        return error_set_memory(err, plan->width, sizeof *values, "rows");
    TRY(arena_take(&run->line->arena, t->n, size, "rows", &values, err));
    scored->rows = (RowSet){.values = values,
                            .weights = t->weights,
                            .clusters = t->clusters,
                            .n_rows = t->n,
                            .n_clusters = t->clusters != NULL ? t->cluster_names.n_clusters : t->n};
    if (fill_known_rows(t, plan, values)) return STATUS_OK;
    Arena scratch = {0};
    Status s = STATUS_OK;
    Item item = item_empty();
    for (size_t i = 0; s == STATUS_OK && i < t->n; i++) {
        table_set_item(t, i, &item);
        s = plan->metric->row(plan, &item, &scratch, values + i * plan->width, err);
        if (s != STATUS_OK) s = error_wrap(err, "%s: item %zu", t->path, i + 1);
    }
    arena_release(&scratch);
    return s;
}

// DeLong's interval for the area under the curve: no draws at all.
static Status use_delong(const TableRun *run, Scored *scored, double level, Error *err)
{
    const size_t n = run->table.n;
    double *scores;
    bool *is_positive;
    Arena arena = {0};
    Auc auc;
    Status s = arena_take(&arena, n, sizeof *scores, "scores", &scores, err);
    if (s == STATUS_OK) s = arena_take(&arena, n, sizeof *is_positive, "labels", &is_positive, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        is_positive[i] = scored->rows.values[2 * i] == 1;
        scores[i] = scored->rows.values[2 * i + 1];
    }
    const ItemClusters clusters = {run->table.clusters, run->table.cluster_names.n_clusters};
    const bool is_clustered = clusters.of != NULL;
    if (s == STATUS_OK) {
        s = auc_delong(scores, is_positive, is_clustered ? &clusters : NULL, n, level, &auc, err);
    }
    if (s == STATUS_OK) {
        scored->scores[0].lo = auc.interval.lo;
        scored->scores[0].hi = auc.interval.hi;
        scored->scores[0].standard_error = auc.standard_error;
        scored->scores[0].method =
            is_clustered ? SLICE("delong logit clustered") : SLICE("delong logit");
    }
    arena_release(&arena);
    return s;
}

static Status find_intervals(const TableRun *run, Scored *scored, Error *err)
{
    const CommandLine *line = run->line;
    const size_t n = run->table.n;
    IntervalOptions options = {.level = option_real(line, "level"),
                               .seed = (uint64_t)option_integer(line, "seed"),
                               .n_resamples = DEFAULT_RESAMPLES};
    const bool is_asked = option_given(line, "confidence-n");
    const bool is_auc = scored->plan.metric == &metric_auc && scored->plan.width == 2 &&
                        run->table.weights == NULL && !is_asked;
    if (n > MOST_DRAWS / DEFAULT_RESAMPLES)
        options.n_resamples = size_max(FEWEST_RESAMPLES, MOST_DRAWS / n);
    if (is_asked) options.n_resamples = (size_t)option_integer(line, "confidence-n");
    if (options.n_resamples == 0 || is_auc) options.method = INTERVAL_NONE;
    TRY(scores_of_rows(&scored->plan, &scored->rows, &options, &run->line->arena, &scored->scores,
                       err));
    return is_auc ? use_delong(run, scored, options.level, err) : STATUS_OK;
}

// Scores that depend on the pair of classes alone: of each pair once, with the count as its weight. False where the items
// are not many more than the pairs, or have weights.
static Status estimate_pairs(const TableRun *run, const MetricPlan *plan, double *estimates,
                             bool *is_done, Error *err)
{
    enum { MOST_LABELS = 64, ITEMS_A_PAIR = 4 };
    const Table *t = &run->table;
    const size_t n_labels = t->n_labels, n_cells = n_labels * (n_labels + 1);
    double counts[MOST_LABELS * (MOST_LABELS + 1)] = {0};
    double rows[2 * MOST_LABELS * (MOST_LABELS + 1)];
    *is_done = plan->metric->row == classes_row && t->weights == NULL && n_labels <= MOST_LABELS &&
               t->n >= ITEMS_A_PAIR * n_cells;
    if (!*is_done) return STATUS_OK;
    for (size_t i = 0; i < t->n; i++) { // no answer, -1, is the first column
        counts[(size_t)t->label[i] * (n_labels + 1) + (size_t)(t->predicted[i] + 1)] += 1;
    }
    for (size_t k = 0; k < n_cells; k++) {
        const size_t label = k / (n_labels + 1), column = k % (n_labels + 1);
        rows[2 * k] = (double)label;
        rows[2 * k + 1] = (double)column - 1;
    }
    const RowSet set = {
        .values = rows, .weights = counts, .n_rows = n_cells, .n_clusters = n_cells};
    return estimates_of_rows(plan, &set, NULL, estimates, err);
}

static Status estimate_area(const TableRun *run, const MetricPlan *plan, double *estimates,
                            bool *is_done, Error *err)
{
    const Table *t = &run->table;
    *is_done = plan->metric == &metric_auc && plan->width == 2 && t->weights == NULL;
    if (!*is_done) return STATUS_OK;
    const size_t positive = ((const RankedOptions *)plan->options)->positive;
    return auc_of_probabilities(t->probabilities + positive, 2, t->label, (int32_t)positive, t->n,
                                estimates, err);
}

static Status score_metric(TableRun *run, size_t m, Error *err)
{
    Scored *scored = &run->scored[m];
    const MetricSetup setup = {.labels = run->table.labels, .n_labels = run->table.n_labels};
    Arena *arena = &run->line->arena;
    double *estimates;
    bool is_done;
    int64_t begin = clock_thread_cpu_ns();
    TRY(metric_plan(run->metrics[m], &setup, arena, &scored->plan, err));
    TRY(arena_take(arena, scored->plan.n_scores, sizeof *estimates, "scores", &estimates, err));
    TRY(estimate_pairs(run, &scored->plan, estimates, &is_done, err));
    if (!is_done) TRY(estimate_area(run, &scored->plan, estimates, &is_done, err));
    if (!is_done) {
        TRY(fill_rows(run, scored, err));
        TRY(estimates_of_rows(&scored->plan, &scored->rows, NULL, estimates, err));
    }
    run->score_ns += clock_thread_cpu_ns() - begin;
    begin = clock_thread_cpu_ns();
    if (is_done) TRY(fill_rows(run, scored, err)); // for the intervals
    TRY(find_intervals(run, scored, err));
    for (size_t k = 0; is_done && k < scored->plan.n_scores; k++) {
        scored->scores[k].estimate = estimates[k];
    }
    run->interval_ns += clock_thread_cpu_ns() - begin;
    return STATUS_OK;
}

// ---- Output ----

static void put_score(JsonWriter *w, const Score *score)
{
    json_member_double(w, "score", score->estimate);
    if (slice_eq_cstr(score->method, "none")) return;
    score_put_interval(w, score);
    json_member_double(w, "standard_error", score->standard_error);
}

static Status put_metric(const TableRun *run, const Scored *scored, JsonWriter *w, Error *err)
{
    Slice signature;
    TRY(metric_signature(&scored->plan, &run->line->arena, &signature, err));
    json_begin_object(w);
    json_member_string(w, "name", scored->scores[0].name);
    put_score(w, &scored->scores[0]);
    json_member_string(w, "signature", signature);
    if (isnan(scored->scores[0].estimate))
        json_member_cstr(w, "undefined",
                         "these items do not define it: a class or all spread is missing");
    for (size_t k = 1; k < scored->plan.n_scores; k++) {
        json_put_key_slice(w, scored->scores[k].name);
        json_begin_object(w);
        put_score(w, &scored->scores[k]);
        json_end_object(w);
    }
    json_end_object(w);
    return STATUS_OK;
}

static Status put_confusion(const TableRun *run, JsonWriter *w, Error *err)
{
    const Table *t = &run->table;
    enum { MOST_LABELS = 1000 };
    double *pairs;
    Confusion confusion;
    if (t->label == NULL || t->n_labels > MOST_LABELS) return STATUS_OK;
    TRY(arena_take(&run->line->arena, t->n, 2 * sizeof *pairs, "rows", &pairs, err));
    for (size_t i = 0; i < t->n; i++) {
        pairs[2 * i] = t->label[i];
        pairs[2 * i + 1] = t->predicted[i];
    }
    const RowSet rows = {.values = pairs, .weights = t->weights, .n_rows = t->n};
    TRY(confusion_of_rows(&rows, t->n_labels, 0.95, &run->line->arena, &confusion, err));
    json_member_array(w, "labels");
    for (size_t c = 0; c < t->n_labels; c++) json_put_string(w, t->labels[c]);
    json_end_array(w);
    json_put_key(w, "confusion"); // the last column: no answer
    json_begin_array(w);
    for (size_t i = 0; i < t->n_labels; i++) {
        json_begin_array(w);
        for (size_t k = 0; k <= t->n_labels; k++)
            json_put_double(w, confusion_cell(&confusion, i, k)->count);
        json_end_array(w);
    }
    json_end_array(w);
    return STATUS_OK;
}

static Status put_p_values(const TableRun *run, JsonWriter *w, Error *err)
{
    const Table *t = &run->table;
    CorrelationTests tests;
    if (t->x == NULL || t->weights != NULL || t->clusters != NULL) return STATUS_OK;
    TRY(correlation_tests(t->x, t->y, t->n, option_real(run->line, "level"), &tests, err));
    json_member_object(w, "p");
    json_member_double(w, "pearson", tests.pearson.p);
    json_member_double(w, "spearman", tests.spearman.p);
    json_member_double(w, "kendall", tests.kendall_b.p);
    json_end_object(w);
    return STATUS_OK;
}

static Status put_json(const TableRun *run, Buffer *out, Error *err)
{
    JsonWriter w = json_writer(out, 1);
    json_begin_object(&w);
    json_member_string(&w, "predictions", slice_from_cstr(run->table.path));
    json_member_u64(&w, "n", run->table.n);
    if (run->table.clusters != NULL) {
        json_member_u64(&w, "n_clusters", run->table.cluster_names.n_clusters);
    }
    json_member_array(&w, "metrics");
    for (size_t m = 0; m < run->n_metrics; m++) TRY(put_metric(run, &run->scored[m], &w, err));
    json_end_array(&w);
    TRY(put_confusion(run, &w, err));
    TRY(put_p_values(run, &w, err));
    if (option_flag(run->line, "timing")) {
        json_member_object(&w, "timing");
        const char *const keys[] = {"read_ns", "tokenize_ns", "score_ns", "interval_ns"};
        const int64_t values[] = {run->read_ns, 0, run->score_ns, run->interval_ns};
        for (size_t i = 0; i < 4; i++) {
            json_member_i64(&w, keys[i], values[i]);
        }
        json_end_object(&w);
    }
    json_end_object(&w);
    buffer_append_byte(out, '\n');
    return STATUS_OK;
}

static const Scored *find_scored(const TableRun *run, const Metric *metric)
{
    for (size_t m = 0; m < run->n_metrics; m++) {
        if (run->metrics[m] == metric) return &run->scored[m];
    }
    return NULL;
}

static size_t count_label(const TableSets *sets, size_t n, int32_t label)
{
    size_t count = 0;
    for (size_t k = 0; k < sets->starts[n]; k++) count += sets->labels[k] == label;
    return count;
}

// A line a label, where precision, recall and F are asked for.
static void put_labels(const TableRun *run, Buffer *out)
{
    const Table *t = &run->table;
    const Scored *parts[] = {find_scored(run, &metric_multilabel_precision),
                             find_scored(run, &metric_multilabel_recall),
                             find_scored(run, &metric_multilabel_f1)};
    if (!parts[0] || !parts[1] || !parts[2]) return;
    int width = 5;
    for (size_t c = 0; c < t->n_labels; c++)
        width = (int)size_max((size_t)width, size_min(t->labels[c].len, 40));
    buffer_printf(out, "\n%-*s  holds  given  precision  recall      f1\n", width, "label");
    for (size_t c = 0; c < t->n_labels; c++) {
        const size_t at = parts[2]->plan.n_scores - t->n_labels + c;
        const Score *f1 = &parts[2]->scores[at];
        buffer_printf(out, "%-*.*s  %5zu  %5zu  %9.4f  %6.4f  %6.4f", width, (int)t->labels[c].len,
                      t->labels[c].ptr, count_label(&t->held, t->n, (int32_t)c),
                      count_label(&t->given, t->n, (int32_t)c), parts[0]->scores[at].estimate,
                      parts[1]->scores[at].estimate, f1->estimate);
        if (!isnan(f1->lo)) buffer_printf(out, " [%.4f, %.4f]", f1->lo, f1->hi);
        buffer_append_byte(out, '\n');
    }
}

static void put_lines(const TableRun *run, Buffer *out)
{
    buffer_printf(out, "%s: %zu items", run->table.path, run->table.n);
    if (run->table.clusters != NULL) {
        buffer_printf(out, " in %zu clusters", run->table.cluster_names.n_clusters);
    }
    buffer_append_byte(out, '\n');
    size_t width = 20;
    for (size_t m = 0; m < run->n_metrics; m++)
        width = size_max(width, run->scored[m].scores[0].name.len + 2);
    for (size_t m = 0; m < run->n_metrics; m++) {
        const Score *score = &run->scored[m].scores[0];
        buffer_printf(out, "%-*.*s", (int)width, SLICE_ARG(score->name));
        if (isnan(score->estimate)) {
            buffer_append_cstr(out, "undefined: a class or all spread is missing\n");
            continue;
        }
        buffer_printf(out, "%.4f", score->estimate);
        if (!isnan(score->lo))
            buffer_printf(out, " [%.4f, %.4f] (" SLICE_FMT ")", score->lo, score->hi,
                          SLICE_ARG(score->method));
        buffer_append_byte(out, '\n');
    }
    put_labels(run, out);
    if (!option_flag(run->line, "timing")) return;
    buffer_printf(out, "read_ns %lld tokenize_ns 0 score_ns %lld interval_ns %lld\n",
                  (long long)run->read_ns, (long long)run->score_ns, (long long)run->interval_ns);
}

static Status work(TableRun *run, Error *err)
{
    const int64_t begin = clock_thread_cpu_ns();
    TRY(read_table(run, err));
    run->read_ns = clock_thread_cpu_ns() - begin;
    TRY(choose_metrics(run, err));
    for (size_t m = 0; m < run->n_metrics; m++) TRY(score_metric(run, m, err));
    return STATUS_OK;
}

Status table_files_run(CommandLine *line, const TableSpec *spec, Error *err)
{
    TableRun *run;
    Buffer out = {0};
    TRY(arena_take(&line->arena, 1, sizeof *run, "scores", &run, err));
    *run = (TableRun){.line = line, .spec = spec};
    Status s = work(run, err);
    if (s == STATUS_OK && line->is_json) s = put_json(run, &out, err);
    if (s == STATUS_OK && !line->is_json) put_lines(run, &out);
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    table_close(&run->table);
    return s;
}
