// assay score squad on files: the official script's numbers with intervals.
#include <math.h>

#include "base/clock.h"
#include "base/file.h"
#include "metrics/classes.h"
#include "metrics/evaluate.h"
#include "metrics/metrics_list.h"
#include "tools/score/squad.h"

typedef struct SquadFiles {
    CommandLine *line;
    Slice data_text, prediction_text, na_text;
    SquadData data;
    SquadOptions options;
    SquadScores scores;
    Score *exact, *f1; // of the first score each
    ScoreTiming timing;
} SquadFiles;

typedef Status (*ReadPart)(JsonReader *r, SquadData *data, Error *err);

static Status read_file(SquadFiles *f, const char *path, ReadPart read, Slice *text, Error *err)
{
    TRY(file_map(path, text, err));
    JsonReader r = json_reader(slice_from_cstr(path), *text, &f->line->arena);
    const Status s = read(&r, &f->data, err);
    if (s == STATUS_OK) return json_read_end(&r, err);
    // What has no place of its own still says which file it is about.
    return slice_starts_with(slice_from_cstr(err->text), slice_from_cstr(path))
               ? s
               : error_wrap(err, "%s", path);
}

static Status read_files(SquadFiles *f, Error *err)
{
    const char *data = option_text(f->line, "data"), *pred = option_text(f->line, "pred"),
               *na = option_text(f->line, "na-probs");
    const bool is_plain = f->line->n_operands == 3 && !data && !pred; // as the official script
    if (is_plain) {
        data = f->line->operands[1];
        pred = f->line->operands[2];
    }
    if (data == NULL || pred == NULL || (f->line->n_operands > 1 && !is_plain)) {
        return error_set(
            err, STATUS_INVALID,
            "the document and the predictions are wanted: squad DATA PREDICTIONS, or --data "
            "FILE --pred FILE");
    }
    if (option_choice(f->line, "missing") == MISSING_OMIT) {
        return error_set(err, STATUS_INVALID,
                         "--missing=omit is for score ranking: the official script counts every "
                         "question (--missing=wrong)");
    }
    TRY(read_file(f, data, squad_read_data, &f->data_text, err));
    TRY(read_file(f, pred, squad_read_predictions, &f->prediction_text, err));
    if (na != NULL) TRY(read_file(f, na, squad_read_na_probs, &f->na_text, err));
    const size_t version = option_choice(f->line, "squad-version");
    f->options = (SquadOptions){
        .version = f->data.has_unanswerable || na != NULL ? SQUAD_2_0 : SQUAD_1_1,
        .na_prob_thresh = option_real(f->line, "na-prob-thresh"),
        .missing_is_wrong = option_choice(f->line, "missing") == MISSING_WRONG,
    };
    if (version != SIZE_MAX) f->options.version = version == 0 ? SQUAD_1_1 : SQUAD_2_0;
    return STATUS_OK;
}

// The mean of one number a question with its interval; questions of one paragraph, or article, stand together.
static Status find_interval(SquadFiles *f, const Metric *metric, const double *values, Score **out,
                            Error *err)
{
    enum { CLUSTER_PARAGRAPH, CLUSTER_ARTICLE, CLUSTER_NONE };
    Arena *arena = &f->line->arena;
    const SquadData *data = &f->data;
    const size_t choice = option_choice(f->line, "cluster");
    const MetricSetup setup = {0};
    MetricPlan plan;
    double *rows;
    uint32_t *clusters;
    TRY(metric_plan(metric, &setup, arena, &plan, err));
    TRY(arena_take(arena, data->n, plan.width * sizeof *rows, "rows", &rows, err));
    TRY(arena_take(arena, data->n, sizeof *clusters, "clusters", &clusters, err));
    size_t n_clusters = 0;
    for (size_t i = 0; i < data->n; i++) {
        const SquadQuestion *q = &data->questions[i];
        const uint32_t group = choice == CLUSTER_ARTICLE ? q->article : q->paragraph;
        const bool is_new =
            i == 0 || group != (choice == CLUSTER_ARTICLE ? q[-1].article : q[-1].paragraph);
        n_clusters += is_new; // paragraphs without questions leave no gap
        clusters[i] = (uint32_t)n_clusters - 1;
        rows[i * plan.width] = values[i];
        rows[i * plan.width + 1] = 1;
    }
    // One cluster alone says nothing of how clusters differ.
    const bool is_clustered = choice != CLUSTER_NONE && n_clusters > 1;
    const RowSet set = {.values = rows,
                        .clusters = is_clustered ? clusters : NULL,
                        .n_rows = data->n,
                        .n_clusters = is_clustered ? n_clusters : data->n};
    const IntervalOptions options = {
        .method = INTERVAL_T, .level = option_real(f->line, "level"), .has_first_alone = true};
    return scores_of_rows(&plan, &set, &options, arena, out, err);
}

static void put_interval(JsonWriter *w, const char *key, const Score *score)
{
    json_member_object(w, key);
    json_member_double(w, "low", 100 * score->lo);
    json_member_double(w, "high", 100 * score->hi);
    json_member_double(w, "level", score->level);
    json_member_string(w, "method", score->method);
    json_member_double(w, "standard_error", 100 * score->standard_error);
    json_member_u64(w, "n_clusters", score->n_clusters);
    json_end_object(w);
}

static void put_json(SquadFiles *f, Buffer *out)
{
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    squad_put_json(&f->data, &f->options, &f->scores, &w);
    json_member_object(&w, "intervals");
    put_interval(&w, f->options.version == SQUAD_1_1 ? "exact_match" : "exact", f->exact);
    put_interval(&w, "f1", f->f1);
    json_end_object(&w);
    json_member_string(&w, "version", slice_from_cstr(squad_versions[f->options.version]));
    if (option_flag(f->line, "timing")) score_put_timing(&w, &f->timing);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

// The script's keys a line each, then the intervals.
static Status put_lines(SquadFiles *f, Buffer *out, Error *err)
{
    Buffer json = {0};
    JsonDocument *document = NULL;
    JsonWriter w = json_writer(&json, 0);
    json_begin_object(&w);
    squad_put_json(&f->data, &f->options, &f->scores, &w);
    json_end_object(&w);
    const Status s = json_parse(SLICE("scores"), buffer_slice(&json), JSON_STRICT, &document, err);
    const Json *first = document != NULL ? json_first(json_root(document)) : NULL;
    for (const Json *v = first; v != NULL; v = json_next(v)) {
        const Slice key = json_key(v);
        const bool is_count =
            slice_ends_with(key, SLICE("total")) || slice_ends_with(key, SLICE("predictions"));
        const bool is_threshold = slice_ends_with(key, SLICE("thresh"));
        const int digits = is_count ? 0 : is_threshold ? 6 : 4;
        buffer_printf(out, "%-20.*s %.*f\n", SLICE_ARG(key), digits, json_double(v));
    }
    const Score *scores[] = {f->exact, f->f1};
    const char *const names[] = {"exact match", "F1"};
    for (size_t i = 0; i < 2; i++) {
        buffer_printf(out, "%s: %g%% interval %.2f to %.2f (" SLICE_FMT ", %zu clusters)\n",
                      names[i], 100 * scores[i]->level, 100 * scores[i]->lo, 100 * scores[i]->hi,
                      SLICE_ARG(scores[i]->method), scores[i]->n_clusters);
    }
    if (option_flag(f->line, "timing")) score_print_timing(out, &f->timing);
    json_close(&document);
    buffer_release(&json);
    return s;
}

// Scores of "no answer" of any scale are taken, as by the official script; a probability that is none may be a slip.
static void warn_of_odds(const SquadFiles *f)
{
    size_t n = 0;
    for (size_t i = 0; f->data.has_na_probs && i < f->data.n; i++) {
        const double value = f->data.questions[i].na_probability;
        n += value < 0 || value > 1;
    }
    if (n == 0) return;
    log_warning(f->line->log,
                "%s: %zu of %zu numbers lie outside [0, 1]: taken as they are, and compared with "
                "--na-prob-thresh %g",
                option_text(f->line, "na-probs"), n, f->data.n, f->options.na_prob_thresh);
}

static Status work(SquadFiles *f, Buffer *out, Error *err)
{
    const int64_t begin = clock_thread_cpu_ns();
    TRY(read_files(f, err));
    const int64_t read = clock_thread_cpu_ns();
    TRY(squad_evaluate(&f->data, &f->options, &f->line->arena, &f->scores, err));
    f->timing.read_ns = read - begin;
    f->timing.score_ns = clock_thread_cpu_ns() - read;
    if (f->scores.n_missing > 0) {
        log_warning(f->line->log, "%zu of %zu questions have no prediction and count as wrong",
                    f->scores.n_missing, f->data.n);
    }
    if (f->data.n_surplus > 0) {
        log_warning(f->line->log,
                    "%zu predictions are for questions that the document does not have",
                    f->data.n_surplus);
    }
    warn_of_odds(f);
    TRY(find_interval(f, &metric_squad_exact, f->scores.exact, &f->exact, err));
    TRY(find_interval(f, &metric_squad_f1, f->scores.f1, &f->f1, err));
    if (!f->line->is_json) return put_lines(f, out, err);
    put_json(f, out);
    return STATUS_OK;
}

Status squad_files_run(CommandLine *line, Error *err)
{
    SquadFiles f = {.line = line};
    Buffer out = {0};
    Status s = work(&f, &out, err);
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    squad_release(&f.data);
    file_unmap(&f.data_text);
    file_unmap(&f.prediction_text);
    file_unmap(&f.na_text);
    return s;
}
