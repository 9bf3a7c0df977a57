// results/pooling.c: the scores of a run, from the rows of its trials.
#include "results/judged.h"
#include "results/keep.h"

typedef struct Pooling {
    Store *store;
    Slice run_id;
    const IntervalOptions *options;
    Arena arena; // what is kept until the scores are stored
    RunScore *scores;
    size_t n, capacity;
    bool out_of_memory;
} Pooling;

static Status add_score(Pooling *pooling, const RunScore *score, Error *err)
{
    TRY(arena_make_room(&pooling->arena, pooling->n, &pooling->capacity, sizeof *pooling->scores,
                        "scores", &pooling->scores, err));
    pooling->scores[pooling->n++] = *score;
    return STATUS_OK;
}

static Status keep_scores(Pooling *pooling, const JudgedQuery *query, const JudgedRows *rows,
                          const MetricPlan *plan, const Score *scores, Error *err)
{
    static const int directions[] = {
        [HIGHER_IS_BETTER] = 1, [LOWER_IS_BETTER] = -1, [NO_DIRECTION] = 0};
    for (size_t i = 0; i < plan->n_scores; i++) {
        const RunScore score = {
            .model = query->model,
            .task = query->task,
            .setting = query->setting,
            .role = query->role,
            .score = {.metric = slice_from_cstr(plan->metric->name),
                      .name = keep_text(&pooling->arena, scores[i].name, &pooling->out_of_memory),
                      .estimate = scores[i].estimate,
                      .lo = scores[i].lo,
                      .hi = scores[i].hi,
                      .level = scores[i].level,
                      .method =
                          keep_text(&pooling->arena, scores[i].method, &pooling->out_of_memory),
                      .n = scores[i].n,
                      .direction = directions[plan->metric->direction],
                      .lowest = plan->metric->lowest,
                      .highest = plan->metric->highest},
            .n_folds = rows->n_folds,
            .n_seeds = rows->n_seeds,
            .n_trials = rows->n_trials,
        };
        TRY(add_score(pooling, &score, err));
    }
    return STATUS_OK;
}

static Status score_table(Pooling *pooling, const JudgedQuery *query, const JudgedRows *rows,
                          const JudgedMetric *metric, const MetricPlan *plan, Arena *scratch,
                          Error *err)
{
    RowTable table;
    Status s = judged_table(rows, metric, plan, &table, err);
    Score *scores = NULL;
    if (s == STATUS_OK) {
        const RowSet set = row_table_rows(&table);
        s = scores_of_rows(plan, &set, pooling->options, scratch, &scores, err);
    }
    if (s == STATUS_OK) s = keep_scores(pooling, query, rows, plan, scores, err);
    row_table_release(&table);
    return s;
}

static Status pool_query(Pooling *pooling, const JudgedQuery *query, Arena *scratch, Error *err)
{
    JudgedRows rows;
    TRY(judged_rows_read(pooling->store, pooling->run_id, query, scratch, &rows, err));
    for (size_t i = 0; rows.n_samples > 0 && i < rows.n_metrics; i++) {
        if (rows.metrics[i].width == 0) continue; // judged as a whole: no rows to pool
        MetricPlan plan;
        JsonDocument *document = NULL;
        TRY(judged_plan(&rows, &rows.metrics[i], scratch, &plan, &document, err));
        const Status s = score_table(pooling, query, &rows, &rows.metrics[i], &plan, scratch, err);
        json_close(&document);
        if (s != STATUS_OK)
            return error_wrap(err,
                              "pooled score of model \"" SLICE_FMT "\" on task \"" SLICE_FMT "\"",
                              SLICE_ARG(query->model), SLICE_ARG(query->task));
    }
    return STATUS_OK;
}

Status run_scores_pool(Store *store, Slice run_id, const IntervalOptions *options, Error *err)
{
    Pooling pooling = {.store = store, .run_id = run_id, .options = options};
    Arena scratch = {0};
    JudgedQuery *queries = NULL;
    size_t n = 0;
    Status s = judged_queries(store, run_id, &pooling.arena, &queries, &n, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        s = pool_query(&pooling, &queries[i], &scratch, err);
        arena_release(&scratch);
    }
    if (s == STATUS_OK && pooling.out_of_memory)
        s = error_set(err, STATUS_MEMORY, "out of memory while pooling scores");
    if (s == STATUS_OK) s = store_set_run_scores(store, run_id, pooling.scores, pooling.n, err);
    arena_release(&pooling.arena);
    return s;
}
