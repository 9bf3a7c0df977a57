// assay score weat: effect size and permutation test of word and sentence embeddings (WEAT, SEAT).
#include "metrics/weat.h"
#include "metrics/metrics_list.h"
#include "tools/score/items.h"
#include "tools/score/weat_files.h"

static const char *const own_params[] = {"permutations", "seed", NULL};
static const char *const keys[N_WEAT_GROUPS] = {"X", "Y", "A", "B"};
static const Slice groups[N_WEAT_GROUPS] = {SLICE_LIT("X"), SLICE_LIT("Y"), SLICE_LIT("A"),
                                            SLICE_LIT("B")};

static Status read_embedding(const Json *value, Arena *arena, Item *item, Error *err)
{
    float *embedding;
    size_t n = 0;
    if (json_kind(value) != JSON_ARRAY) {
        return json_error(value, err, "must be an embedding, a list of numbers, not %s",
                          json_kind_name(json_kind(value)));
    }
    TRY(arena_take(arena, json_len(value), sizeof *embedding, "an embedding", &embedding, err));
    for (const Json *v = json_first(value); v != NULL; v = json_next(v)) {
        double number;
        TRY(score_number(v, &number, err));
        embedding[n++] = (float)number;
    }
    item->embedding = embedding;
    item->embedding_size = n;
    return STATUS_OK;
}

static Status read_items(const ScoreCase *c, ScoreItems *all, Error *err)
{
    const Json *sets[N_WEAT_GROUPS];
    Item *items;
    size_t n = 0;
    for (size_t g = 0; g < N_WEAT_GROUPS; g++) {
        TRY(score_want_rows(c, keys[g], &sets[g], err));
        n += json_len(sets[g]);
    }
    TRY(arena_take(c->arena, n, sizeof *items, "embeddings", &items, err));
    for (int32_t g = 0; g < N_WEAT_GROUPS; g++) {
        for (const Json *v = json_first(sets[g]); v != NULL; v = json_next(v)) {
            Item *item = &items[all->n++];
            *item = item_empty();
            item->group = g;
            TRY(read_embedding(v, c->arena, item, err));
        }
    }
    all->items = items;
    return STATUS_OK;
}

static Status put_test(const ScoreCase *c, const ScoreItems *all, JsonWriter *w, Error *err)
{
    MetricPlan plan;
    WeatTest test;
    int64_t n_permutations = DEFAULT_WEAT_PERMUTATIONS, seed = 0;
    if (c->params != NULL) {
        TRY(json_opt_i64(c->params, "permutations", 1, 1000000000, &n_permutations, err));
        TRY(json_opt_i64(c->params, "seed", 0, INT64_MAX, &seed, err));
    }
    TRY(metric_plan(&metric_weat, &all->setup, c->arena, &plan, err));
    TRY(weat_test(&plan, all->items, all->n, (size_t)n_permutations, (uint64_t)seed, &test, err));
    json_member_double(w, "p", test.p);
    json_member_bool(w, "is_exact", test.is_exact);
    json_member_u64(w, "partitions", test.n_partitions);
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Metric *const metric = &metric_weat;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    all.setup = (MetricSetup){.groups = groups, .n_groups = N_WEAT_GROUPS};
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(read_items(c, &all, err));
    TRY(score_put_metrics(&all, &metric, 1, own_params, w, err));
    return put_test(c, &all, w, err);
}

const ScoreFamily score_weat = {
    .name = "weat",
    .summary = "effect size and permutation test of embeddings: WEAT, and SEAT on sentences",
    .fields =
        "{\"X\", \"Y\": lists of target embeddings, \"A\", \"B\": of attribute embeddings, "
        "\"params\": {ddof, permutations, seed}, \"interval\"} gives {\"weat\" (effect size), "
        "\"weat/difference\", \"p\" (one-sided), \"is_exact\", \"partitions\"}; files: SETS.json EMBEDDINGS.jsonl with {\"text\" or \"id\": the example, "
        "\"embedding\"} a line",
    .run_case = run_case,
    .run_files = weat_run_files,
};
