// assay score exact-match: as Hugging Face evaluate.
#include "metrics/metrics_list.h"
#include "tools/score/files.h"

// Switches come as true and false, or as 1 and 0 under "options".
static Status read_params(const ScoreCase *c, JsonDocument **document, Error *err)
{
    static const char *const known[] = {"ignore_case", "ignore_punctuation", "ignore_numbers"};
    const Json *given = c->params;
    Buffer text = {0};
    if (given == NULL) TRY(json_opt_kind(c->root, "options", JSON_OBJECT, &given, err));
    if (given == NULL) return STATUS_OK;
    TRY(json_check_keys(given, known, 3, err));
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < 3; i++) {
        const Json *value = json_get(given, known[i]);
        double number = 0;
        if (value == NULL) continue;
        s = score_number(value, &number, err);
        json_member_bool(&w, known[i], number != 0);
    }
    json_end_object(&w);
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        s = json_parse(SLICE("params"), buffer_slice(&text), JSON_STRICT, document, err);
    }
    buffer_release(&text);
    return s;
}

static Status answer(const ScoreCase *c, const Json *params, JsonWriter *w, Error *err)
{
    TextItems items;
    TextScore score;
    Slice signature;
    TRY(text_items_of_case(c, TEXT_LOOSE, &items, err));
    TRY(text_score_of_items(&metric_exact_match, &(MetricSetup){.params = params}, &items, c->arena,
                            &score, err));
    TRY(metric_signature(&score.plan, c->arena, &signature, err));
    json_member_double(w, "score", score.scores[0]);
    json_member_double(w, "mean", score.scores[0]);
    json_member_array(w, "items");
    for (size_t i = 0; i < items.n; i++) json_put_double(w, score.rows.values[2 * i]);
    json_end_array(w);
    json_member_string(w, "signature", signature);
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    JsonDocument *document = NULL;
    Status s = read_params(c, &document, err);
    if (s == STATUS_OK) {
        s = answer(c, document != NULL ? json_root(document) : NULL, w, err);
    }
    json_close(&document);
    return s;
}

static Status run_files(CommandLine *line, Error *err)
{
    static const Metric *const metrics[] = {&metric_exact_match, NULL};
    static const TextParam params[] = {
        {"ignore-case", "ignore_case", PARAM_FLAG},
        {"ignore-punctuation", "ignore_punctuation", PARAM_FLAG},
        {"ignore-numbers", "ignore_numbers", PARAM_FLAG},
    };
    const TextSpec spec = {.metrics = metrics, .params = params, .n_params = 3};
    return text_files_run(line, &(const TextSpec *){&spec}, 1, err);
}

static const char *const file_options[] = {TEXT_FILE_OPTIONS, "ignore-case", "ignore-punctuation",
                                           "ignore-numbers", NULL};

const ScoreFamily score_exact_match = {
    .name = "exact-match",
    .summary = "share of answers that are a reference to the letter",
    .fields =
        "{\"hyps\", \"refs\", \"params\": {ignore_case, ignore_punctuation, ignore_numbers}} gives "
        "{\"score\", \"mean\", \"items\", \"signature\"}",
    .run_case = run_case,
    .run_files = run_files,
    .options = file_options,
};
