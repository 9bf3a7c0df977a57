// assay score chrf, ter: sacreBLEU's numbers and words.
#include "metrics/metrics_list.h"
#include "metrics/ter.h"
#include "tools/score/files.h"

// "chrF2++": beta, and a plus for each order of words.
static Status chrf_name(const Json *params, Arena *arena, Slice *out, Error *err)
{
    int64_t beta = 2, word_order = 0;
    static const char pluses[] = "++++++++++++++++++++++++++++++++";
    if (params != NULL) {
        TRY(json_opt_i64(params, "beta", 1, 1000, &beta, err));
        TRY(json_opt_i64(params, "word_order", 0, sizeof pluses - 1, &word_order, err));
    }
    const char *name =
        arena_printf(arena, "chrF%lld%.*s", (long long)beta, (int)word_order, pluses);
    if (name == NULL) return error_set_memory(err, 1, sizeof pluses, "a name");
    *out = slice_from_cstr(name);
    return STATUS_OK;
}

static Status chrf_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    TextItems items;
    TextScore score;
    Slice signature, name;
    TRY(text_items_of_case(c, TEXT_STREAMS, &items, err));
    TRY(text_score_of_items(&metric_chrf, &(MetricSetup){.params = c->params}, &items, c->arena,
                            &score, err));
    TRY(text_signature(&score.plan, items.n_references, (Slice){0}, c->arena, &signature, err));
    TRY(chrf_name(c->params, c->arena, &name, err));
    json_member_double(w, "score", score.scores[0]);
    json_member_string(w, "name", name);
    json_member_string(w, "signature", signature);
    score_put_numbers(w, "statistics", score.sums, score.plan.width);
    return text_put_segments(c, &score, w, err);
}

static Status ter_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    TextItems items;
    TextScore score;
    Slice signature;
    TRY(text_items_of_case(c, TEXT_STREAMS, &items, err));
    TRY(text_score_of_items(&metric_ter, &(MetricSetup){.params = c->params}, &items, c->arena,
                            &score, err));
    TRY(text_signature(&score.plan, items.n_references, (Slice){0}, c->arena, &signature, err));
    json_member_double(w, "score", score.scores[0]);
    json_member_double(w, "num_edits", score.sums[0]);
    json_member_double(w, "ref_length", score.sums[1]);
    json_member_string(w, "signature", signature);
    return text_put_segments(c, &score, w, err);
}

// ---- files ----

static const Metric *const chrf_metrics[] = {&metric_chrf, NULL};
static const TextParam chrf_params[] = {
    {"chrf-char-order", "char_order", PARAM_INTEGER},
    {"chrf-word-order", "word_order", PARAM_INTEGER},
    {"chrf-beta", "beta", PARAM_INTEGER},
    {"chrf-whitespace", "whitespace", PARAM_FLAG},
    {"chrf-lowercase", "lowercase", PARAM_FLAG},
    {"chrf-eps-smoothing", "eps_smoothing", PARAM_FLAG},
};
static const TextSpec chrf_spec = {.metrics = chrf_metrics,
                                   .params = chrf_params,
                                   .n_params = sizeof chrf_params / sizeof *chrf_params,
                                   .is_sacrebleu = true,
                                   .name = chrf_name};

static Status ter_name(const Json *params, Arena *arena, Slice *out, Error *err)
{
    (void)params, (void)arena, (void)err;
    *out = SLICE("TER");
    return STATUS_OK;
}

static Status ter_tokenize(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out,
                           Error *err)
{
    return tercom_tokens(plan->options, text, arena, out, err);
}

static const Metric *const ter_metrics[] = {&metric_ter, NULL};
static const TextParam ter_params[] = {
    {"ter-case-sensitive", "case_sensitive", PARAM_FLAG},
    {"ter-asian-support", "asian_support", PARAM_FLAG},
    {"ter-no-punct", "no_punct", PARAM_FLAG},
    {"ter-normalized", "normalized", PARAM_FLAG},
};
static const TextSpec ter_spec = {.metrics = ter_metrics,
                                  .params = ter_params,
                                  .n_params = sizeof ter_params / sizeof *ter_params,
                                  .is_sacrebleu = true,
                                  .name = ter_name,
                                  .tokenize = ter_tokenize};

static const char *const chrf_options[] = {
    TEXT_FILE_OPTIONS, "chrf-char-order", "chrf-word-order",    "chrf-beta",
    "chrf-whitespace", "chrf-lowercase",  "chrf-eps-smoothing", NULL};
static const char *const ter_options[] = {TEXT_FILE_OPTIONS,   "ter-case-sensitive",
                                          "ter-asian-support", "ter-no-punct",
                                          "ter-normalized",    NULL};

const ScoreFamily score_chrf = {
    .name = "chrf",
    .summary = "chrF and chrF++ of a corpus, as sacreBLEU",
    .fields =
        "{\"hyps\", \"refs\", \"params\": {char_order, word_order, beta, lowercase, whitespace, "
        "eps_smoothing}} gives {\"score\", \"name\", \"signature\", \"statistics\"}",
    .run_case = chrf_case,
    .text = &chrf_spec,
    .options = chrf_options,
};

const ScoreFamily score_ter = {
    .name = "ter",
    .summary = "translation edit rate of a corpus, as sacreBLEU",
    .fields =
        "{\"hyps\", \"refs\", \"params\": {normalized, no_punct, asian_support, case_sensitive}} "
        "gives {\"score\", \"num_edits\", \"ref_length\", \"signature\"}",
    .run_case = ter_case,
    .text = &ter_spec,
    .options = ter_options,
};
