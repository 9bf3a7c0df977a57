// assay score meteor, distinct, repetition, length-ratio: metrics of generated text.
#include "metrics/metrics_list.h"
#include "tools/score/items.h"
#include "tools/score/text.h"

static Status read_hypotheses(const ScoreCase *c, TextItems *out, Error *err)
{
    Slice *texts;
    const Json *hyps = json_get(c->root, "hyps");
    *out = (TextItems){0};
    if (hyps != NULL && json_kind(hyps) == JSON_STRING) {
        TRY(arena_take(c->arena, 1, sizeof *texts, "texts", &texts, err));
        texts[0] = json_string(hyps);
        out->n = 1;
    } else {
        TRY(score_texts(c, "hyps", &texts, &out->n, err));
    }
    if (out->n == 0) return json_error(hyps, err, "there is no text to score");
    TRY(arena_take(c->arena, out->n, sizeof *out->items, "texts", &out->items, err));
    for (size_t i = 0; i < out->n; i++) {
        if (texts[i].ptr == NULL) {
            return json_error(json_at(hyps, i), err, "must be a text, not null");
        }
        out->items[i] = item_empty();
        out->items[i].hypothesis = texts[i];
    }
    return STATUS_OK;
}

static Status answer(const ScoreCase *c, const Metric *metric, bool wants_references, JsonWriter *w,
                     Error *err)
{
    TextItems texts;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    if (wants_references) {
        TRY(text_items_of_case(c, TEXT_LOOSE, &texts, err));
    } else {
        TRY(read_hypotheses(c, &texts, err));
    }
    all.items = texts.items;
    all.n = texts.n;
    TRY(score_interval_of_case(c, &all.interval, err));
    return score_put_metrics(&all, &metric, 1, NULL, w, err);
}

static Status run_meteor(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return answer(c, &metric_meteor, true, w, err);
}

static Status run_length_ratio(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return answer(c, &metric_length_ratio, true, w, err);
}

static Status run_distinct(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return answer(c, &metric_distinct, false, w, err);
}

static Status run_repetition(const ScoreCase *c, JsonWriter *w, Error *err)
{
    return answer(c, &metric_repetition, false, w, err);
}

const ScoreFamily score_meteor = {
    .name = "meteor",
    .summary = "METEOR, exact and stem stages",
    .fields =
        "{\"hyps\", \"refs\", \"params\": {alpha, beta, gamma, stemmer, tokenize, lowercase}, "
        "\"interval\"} gives {\"meteor\", \"meteor/system\", \"intervals\", \"signatures\"}",
    .run_case = run_meteor,
};

const ScoreFamily score_distinct = {
    .name = "distinct",
    .summary = "different n-grams for each n-gram written",
    .fields = "{\"hyps\", \"params\": {n, per, tokenize, lowercase}, \"interval\"} gives "
              "{\"distinct\", \"intervals\", \"signatures\"}",
    .run_case = run_distinct,
};

const ScoreFamily score_repetition = {
    .name = "repetition",
    .summary = "n-grams and words that a text has said before",
    .fields = "{\"hyps\", \"params\": {n, window, tokenize, lowercase}, \"interval\"} gives "
              "{\"repetition\", \"repetition/window\", \"intervals\", \"signatures\"}",
    .run_case = run_repetition,
};

const ScoreFamily score_length_ratio = {
    .name = "length-ratio",
    .summary = "words written for each word of the references",
    .fields = "{\"hyps\", \"refs\", \"params\": {tokenize}, \"interval\"} gives {\"length_ratio\", "
              "\"intervals\", \"signatures\"}",
    .run_case = run_length_ratio,
};
