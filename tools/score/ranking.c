// assay score ranking: precision, recall, MAP, MRR and nDCG of ranked results.
//
// Results come in their order, or with scores: then the higher goes first, and of equal ones the document whose name is
// the later in bytes, as in trec_eval.
#include <math.h>
#include <stdlib.h>

#include "metrics/metrics_list.h"
#include "tools/score/items.h"
#include "tools/score/ranking.h"

const Metric *const ranking_metrics[N_RANKING_METRICS] = {
    &metric_precision_at_k, &metric_recall_at_k, &metric_map, &metric_mrr, &metric_ndcg};

typedef struct Result {
    Slice document;
    double score;
} Result;

static int compare_results(const void *a, const void *b)
{
    const Result *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return slice_cmp(y->document, x->document);
}

static Status read_gains(const Json *array, Arena *arena, const double **out, size_t *n, Error *err)
{
    double *gains;
    TRY(arena_take(arena, json_len(array), sizeof *gains, "gains", &gains, err));
    *n = 0;
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        TRY(score_number(v, &gains[(*n)++], err));
    }
    *out = gains;
    return STATUS_OK;
}

// "ranked": [names in order], or "scores": {name: score}.
static Status read_results(const Json *query, Arena *arena, Result **out, size_t *n, Error *err)
{
    const Json *ranked = NULL, *scores = NULL;
    TRY(json_opt_kind(query, "ranked", JSON_ARRAY, &ranked, err));
    TRY(json_opt_kind(query, "scores", JSON_OBJECT, &scores, err));
    if ((ranked == NULL) == (scores == NULL)) {
        return json_error(query, err,
                          "a query has \"ranked\": [documents], or \"scores\": {document: score}, "
                          "or \"gains\" and \"judged\"");
    }
    const Json *all = ranked != NULL ? ranked : scores;
    *n = 0;
    TRY(arena_take(arena, json_len(all), sizeof **out, "results", out, err));
    for (const Json *v = json_first(all); v != NULL; v = json_next(v)) {
        Result *result = &(*out)[(*n)++];
        if (ranked != NULL) {
            TRY(score_name_of(v, &result->document, err));
            continue;
        }
        result->document = json_key(v);
        TRY(score_number(v, &result->score, err));
        if (isnan(result->score)) return json_error(v, err, "a score must be a number");
    }
    if (scores != NULL && *n > 1) qsort(*out, *n, sizeof **out, compare_results);
    return STATUS_OK;
}

// "relevant": {name: gain} or [names], each of gain 1. Fills judged and, by name, what each result is worth.
static Status judge_results(const Json *query, const Result *results, size_t n, Arena *arena,
                            Item *item, Error *err)
{
    const Json *relevant = json_get(query, "relevant");
    ClusterNames documents = {0};
    double *gains, *judged;
    int32_t place = 0;
    Status s = STATUS_OK;
    const bool is_list = relevant != NULL && json_kind(relevant) == JSON_ARRAY;
    if (relevant == NULL || (!is_list && json_kind(relevant) != JSON_OBJECT)) {
        return json_error(query, err,
                          "\"relevant\" must be {document: gain} or a list of documents");
    }
    TRY(arena_take(arena, n, sizeof *gains, "gains", &gains, err));
    TRY(arena_take(arena, json_len(relevant), sizeof *judged, "gains", &judged, err));
    for (const Json *v = json_first(relevant); s == STATUS_OK && v != NULL; v = json_next(v)) {
        Slice name = json_key(v);
        double gain = 1;
        s = is_list ? score_name_of(v, &name, err) : score_number(v, &gain, err);
        if (s == STATUS_OK) s = score_name_index(&documents, v, name, &place, err);
        if (s == STATUS_OK && (size_t)place < item->n_judged) {
            s = json_error(v, err, "\"" SLICE_FMT "\" is judged twice", SLICE_ARG(name));
        }
        if (s == STATUS_OK) judged[item->n_judged++] = gain;
    }
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const size_t n_before = documents.n_clusters;
        s = score_name_index(&documents, query, results[i].document, &place, err);
        if (s != STATUS_OK) break;
        if ((size_t)place < item->n_judged) gains[i] = judged[place];
        // Names past the judged ones are results seen for the first time.
        if ((size_t)place >= item->n_judged && (size_t)place < n_before) {
            s = json_error(query, err, "\"" SLICE_FMT "\" is returned twice",
                           SLICE_ARG(results[i].document));
        }
    }
    clusters_release(&documents);
    item->gains = gains;
    item->n_gains = n;
    item->judged_gains = judged;
    return s;
}

static Status read_query(const Json *query, Arena *arena, Item *item, Error *err)
{
    const Json *gains = NULL, *judged = NULL;
    Result *results = NULL;
    size_t n = 0;
    *item = item_empty();
    TRY(score_want_object(query, "a query", err));
    TRY(json_opt_kind(query, "gains", JSON_ARRAY, &gains, err));
    TRY(json_opt_kind(query, "judged", JSON_ARRAY, &judged, err));
    if (gains != NULL && judged != NULL) {
        TRY(read_gains(gains, arena, &item->gains, &item->n_gains, err));
        return read_gains(judged, arena, &item->judged_gains, &item->n_judged, err);
    }
    TRY(read_results(query, arena, &results, &n, err));
    return judge_results(query, results, n, arena, item, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *queries;
    Item *items;
    size_t n = 0;
    TRY(score_want_rows(c, "queries", &queries, err));
    TRY(arena_take(c->arena, json_len(queries), sizeof *items, "queries", &items, err));
    for (const Json *v = json_first(queries); v != NULL; v = json_next(v)) {
        TRY(read_query(v, c->arena, &items[n++], err));
    }
    ScoreItems all = {.items = items, .n = n, .params = c->params, .arena = c->arena};
    TRY(score_interval_of_case(c, &all.interval, err));
    return score_put_metrics(&all, ranking_metrics, N_RANKING_METRICS, NULL, w, err);
}

static const char *const file_options[] = {"invalid-utf8", "missing",      "level",
                                           "seed",         "confidence-n", NULL};

const ScoreFamily score_ranking = {
    .name = "ranking",
    .summary = "precision and recall at k, MAP, MRR and nDCG, as trec_eval",
    .fields =
        "{\"queries\": [{\"ranked\": [document..] or \"scores\": {document: score}, \"relevant\": "
        "{document: gain} or [document..]} or {\"gains\": [of the results], \"judged\": [of all "
        "judged]}], \"params\": {k, relevant, no_relevant, gain}, \"interval\"} gives "
        "{\"precision_at_k\", \"recall_at_k\", \"map\", \"mrr\", \"ndcg\", \"intervals\", "
        "\"signatures\"}; k is 10, for map and mrr all. Equal scores: the later document name first",
    .run_case = run_case,
    .run_files = trec_run_files,
    .options = file_options,
};
