// assay score squad: the official scripts' numbers.
#include "tools/score/squad.h"

#include <math.h>

#include "base/json_source.h"
#include "base/name_list.h"
#include "metrics/classes.h"
#include "metrics/evaluate.h"
#include "metrics/metrics_list.h"

enum {
    RAW_WIDTH = 5, // of squad_best_f1's rows: exact, f1, has an answer, is answered, probability
    SCRATCH_BYTES = 1 << 16,
};

static Status refuse_missing(const SquadData *data, size_t n_missing, Error *err)
{
    NameList ids = {.most = 10};
    for (size_t i = 0; i < data->n; i++) {
        if (!data->questions[i].is_predicted) name_list_add(&ids, data->questions[i].id);
    }
    return error_set(err, STATUS_INVALID,
                     "%zu of %zu questions have no prediction: %s (--missing=wrong, or "
                     "\"missing\": \"wrong\", counts them as wrong)",
                     n_missing, data->n, ids.text);
}

static Status score_question(const SquadQuestion *q, const SquadOptions *options, Arena *scratch,
                             SquadScore *out, Error *err)
{
    Item item = item_empty();
    item.hypothesis = q->prediction;
    item.references = q->answers;
    item.n_references = q->n_answers;
    if (!q->is_predicted) {
        *out = (SquadScore){.has_answer = q->n_answers > 0};
        return STATUS_OK;
    }
    const ArenaMark mark = arena_mark(scratch);
    const Status s = squad_score(options->version, &item, scratch, out, err);
    arena_rewind(scratch, mark);
    return s == STATUS_OK ? s : error_wrap(err, "question \"" SLICE_FMT "\"", SLICE_ARG(q->id));
}

static void put_raw(const SquadQuestion *q, const SquadScore *score, double *row)
{
    row[0] = score->exact;
    row[1] = score->f1;
    row[2] = score->has_answer;
    row[3] = q->prediction.len > 0;
    row[4] = q->na_probability;
}

static Status evaluate_question(const SquadQuestion *q, const SquadOptions *options, Arena *scratch,
                                size_t i, SquadScores *out, Error *err)
{
    SquadScore score;
    TRY(score_question(q, options, scratch, &score, err));
    if (out->raw != NULL) put_raw(q, &score, out->raw + q->na_place * (size_t)RAW_WIDTH);
    const bool is_withheld = options->version == SQUAD_2_0 && q->has_na_probability &&
                             q->na_probability > options->na_prob_thresh;
    const double withheld = score.has_answer ? 0 : 1;
    out->exact[i] = is_withheld ? withheld : score.exact;
    out->f1[i] = is_withheld ? withheld : score.f1;
    return STATUS_OK;
}

static void add_to_part(SquadScores *scores, size_t i, SquadPart part)
{
    scores->parts[part].exact += scores->exact[i];
    scores->parts[part].f1 += scores->f1[i];
    scores->parts[part].n++;
}

// The best thresholds and average precisions, over the questions in the order of the file of probabilities, which decides
// ties.
static Status find_best(const SquadData *data, SquadScores *scores, Arena *arena, Error *err)
{
    const MetricSetup setup = {0};
    const RowSet rows = {.values = scores->raw, .n_rows = data->n, .n_clusters = data->n};
    MetricPlan plan;
    TRY(metric_plan(&metric_squad_best_f1, &setup, arena, &plan, err));
    TRY(arena_take(arena, plan.n_scores, sizeof *scores->best, "scores", &scores->best, err));
    return estimates_of_rows(&plan, &rows, NULL, scores->best, err);
}

static Status evaluate_all(const SquadData *data, const SquadOptions *options, Arena *scratch,
                           SquadScores *out, Error *err)
{
    for (size_t i = 0; i < data->n; i++) {
        TRY(evaluate_question(&data->questions[i], options, scratch, i, out, err));
        add_to_part(out, i, SQUAD_ALL);
        add_to_part(out, i, data->questions[i].n_answers > 0 ? SQUAD_HAS_ANSWER : SQUAD_NO_ANSWER);
    }
    return STATUS_OK;
}

Status squad_evaluate(const SquadData *data, const SquadOptions *options, Arena *arena,
                      SquadScores *out, Error *err)
{
    *out = (SquadScores){0};
    for (size_t i = 0; i < data->n; i++) out->n_missing += !data->questions[i].is_predicted;
    if (out->n_missing > 0 && options->version == SQUAD_2_0 && !options->missing_is_wrong) {
        return refuse_missing(data, out->n_missing, err);
    }
    TRY(arena_take(arena, data->n, sizeof *out->exact, "scores", &out->exact, err));
    TRY(arena_take(arena, data->n, sizeof *out->f1, "scores", &out->f1, err));
    const bool has_best = data->has_na_probs && options->version == SQUAD_2_0;
    if (has_best) {
        TRY(arena_take_raw(arena, data->n, RAW_WIDTH * sizeof *out->raw, "scores", &out->raw, err));
    }
    Arena scratch = {0};
    Status s = arena_reserve(&scratch, SCRATCH_BYTES, err);
    if (s == STATUS_OK) s = evaluate_all(data, options, &scratch, out, err);
    arena_release(&scratch);
    return s == STATUS_OK && has_best ? find_best(data, out, arena, err) : s;
}

// ---- the answer ----

// exact, f1 and total of some of the questions; no key where there is none of them.
static void put_part(JsonWriter *w, const SquadScores *scores, SquadPart part, const char *prefix)
{
    const double n = (double)scores->parts[part].n;
    if (n == 0) return;
    char key[40];
    snprintf(key, sizeof key, "%sexact", prefix);
    json_member_double(w, key, 100 * scores->parts[part].exact / n);
    snprintf(key, sizeof key, "%sf1", prefix);
    json_member_double(w, key, 100 * scores->parts[part].f1 / n);
    snprintf(key, sizeof key, "%stotal", prefix);
    json_member_u64(w, key, scores->parts[part].n);
}

static void put_best(JsonWriter *w, const double *best)
{
    static const char *const keys[] = {
        "best_f1",     "best_f1_thresh", "best_exact",   "best_exact_thresh",
        "pr_exact_ap", "pr_f1_ap",       "pr_oracle_ap",
    };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const bool is_threshold = k == 1 || k == 3;
        if (isnan(best[k])) continue; // no question has an answer
        json_member_double(w, keys[k], is_threshold ? best[k] : 100 * best[k]);
    }
}

void squad_put_json(const SquadData *data, const SquadOptions *options, const SquadScores *scores,
                    JsonWriter *w)
{
    if (options->version == SQUAD_1_1) {
        const double n = (double)data->n;
        json_member_double(w, "exact_match", 100 * scores->parts[SQUAD_ALL].exact / n);
        json_member_double(w, "f1", 100 * scores->parts[SQUAD_ALL].f1 / n);
    } else {
        put_part(w, scores, SQUAD_ALL, "");
        put_part(w, scores, SQUAD_HAS_ANSWER, "HasAns_");
        put_part(w, scores, SQUAD_NO_ANSWER, "NoAns_");
        if (scores->best != NULL) put_best(w, scores->best);
    }
    if (scores->n_missing > 0) {
        json_member_u64(w, "missing_predictions", scores->n_missing);
    }
    if (data->n_surplus > 0) {
        json_member_u64(w, "surplus_predictions", data->n_surplus);
    }
}

// ---- cases ----

static Status read_options(const Json *params, SquadOptions *out, bool *has_version, Error *err)
{
    static const char *const known[] = {"version", "na_prob_thresh", "missing"};
    static const char *const missing[] = {"refuse", "wrong"};
    size_t version = SQUAD_2_0, choice = 0;
    *out = (SquadOptions){.version = SQUAD_2_0, .na_prob_thresh = 1};
    *has_version = params != NULL && json_get(params, "version") != NULL;
    if (params == NULL) return STATUS_OK;
    TRY(json_check_keys(params, known, 3, err));
    TRY(params_choice(params, "version", squad_versions, N_SQUAD_VERSIONS, &version, err));
    TRY(params_choice(params, "missing", missing, 2, &choice, err));
    TRY(json_opt_double(params, "na_prob_thresh", -1e300, 1e300, &out->na_prob_thresh, err));
    out->version = (SquadVersion)version;
    out->missing_is_wrong = choice == 1;
    return STATUS_OK;
}

typedef Status (*ReadPart)(JsonReader *r, SquadData *data, Error *err);

static Status read_part(const ScoreCase *c, const char *key, bool is_wanted, ReadPart read,
                        SquadData *data, Error *err)
{
    const Json *value = json_get(c->root, key);
    if (value == NULL || (json_kind(value) == JSON_NULL && !is_wanted)) {
        if (!is_wanted) return STATUS_OK;
        return json_error(c->root, err, "\"%s\" is missing", key);
    }
    JsonReader r = json_reader(slice_from_cstr(key), json_source(value), c->arena);
    TRY(read(&r, data, err));
    return json_read_end(&r, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    SquadData data = {0};
    SquadOptions options;
    SquadScores scores;
    bool has_version;
    Status s = read_options(c->params, &options, &has_version, err);
    if (s == STATUS_OK) s = read_part(c, "data", true, squad_read_data, &data, err);
    if (s == STATUS_OK) s = read_part(c, "predictions", true, squad_read_predictions, &data, err);
    if (s == STATUS_OK) s = read_part(c, "na_probs", false, squad_read_na_probs, &data, err);
    if (!has_version && !data.has_unanswerable) options.version = SQUAD_1_1;
    if (s == STATUS_OK) s = squad_evaluate(&data, &options, c->arena, &scores, err);
    if (s == STATUS_OK) squad_put_json(&data, &options, &scores, w);
    squad_release(&data);
    return s;
}

static const char *const file_options[] = {"data",          "pred",    "na-probs", "na-prob-thresh",
                                           "squad-version", "missing", "cluster",  "level",
                                           "timing",        NULL};

const ScoreFamily score_squad = {
    .name = "squad",
    .summary = "exact match and F1 of answers, as the official SQuAD scripts",
    .fields =
        "{\"data\": a SQuAD document, \"predictions\": {id: text}, \"na_probs\": {id: number}, "
        "\"params\": {version, na_prob_thresh, missing}} gives the official script's keys",
    .run_case = run_case,
    .run_files = squad_files_run,
    .options = file_options,
};
