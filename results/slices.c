#include "results/slices.h"

#include <math.h>
#include <stdlib.h>

#include "base/distinct.h"
#include "base/json.h"
#include "metrics/clusters.h"
#include "metrics/group_gaps.h"
#include "results/keep.h"

enum { SLICES_RESAMPLES = 1000 };

// Attributes that the harness keeps for its own ends: texts, not groups.
static const char *const own_attributes[] = {"counterfactual", "counterfactual_pair"};

// A sample's attributes as the store has them, read once for all trials that judged it, and for all samples that have the same.
typedef struct ReadAttributes {
    Slice *names, *values; // [n], of those that are texts
    size_t n;
} ReadAttributes;

typedef struct AttributeCache {
    ClusterNames texts;
    ReadAttributes *read; // [texts.n_clusters]
    size_t capacity;
    Arena arena;
} AttributeCache;

typedef struct Slicing {
    Store *store;
    Slice run_id;
    const SlicedTask *tasks;
    size_t n_tasks;
    IntervalOptions options;
    Arena arena; // what is kept until the slices are stored
    AttributeCache cache;
    RunSlice *slices;
    size_t n, capacity;
    bool out_of_memory;
} Slicing;

// An attribute of judged samples: the group of each among its values.
typedef struct Grouping {
    Slice attribute;
    Slice *values; // of samples, then the distinct ones, sorted
    size_t n_values;
    int32_t *groups;
    size_t n_without;
} Grouping;

static Status add_slice(Slicing *slicing, const RunSlice *slice, Error *err)
{
    TRY(arena_make_room(&slicing->arena, slicing->n, &slicing->capacity, sizeof *slicing->slices,
                        "slices", &slicing->slices, err));
    slicing->slices[slicing->n++] = *slice;
    return STATUS_OK;
}

// ---- attributes ----

static int by_value(const void *a, const void *b)
{
    return slice_cmp_values(*(const Slice *)a, *(const Slice *)b);
}

static bool is_own(Slice name)
{
    for (size_t i = 0; i < sizeof own_attributes / sizeof *own_attributes; i++) {
        if (slice_eq_cstr(name, own_attributes[i])) return true;
    }
    return false;
}

static bool is_known(const Grouping *groupings, size_t n, Slice name)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq(groupings[i].attribute, name)) return true;
    }
    return false;
}

// One more attribute, where it is new and wanted.
static Status add_attribute(const JudgedRows *rows, Slice name, Arena *arena, Grouping **groupings,
                            size_t *n, Error *err)
{
    if (is_own(name) || is_known(*groupings, *n, name)) return STATUS_OK;
    TRY(arena_grow(arena, *n, *n + 1, sizeof **groupings, "attributes", groupings, err));
    Grouping *added = &(*groupings)[(*n)++];
    added->attribute = arena_copy(arena, name);
    if (!added->attribute.ptr) return error_set_memory(err, name.len, 1, "a name");
    TRY(arena_take(arena, rows->n_samples, sizeof *added->groups, "groups", &added->groups, err));
    return arena_take(arena, rows->n_samples, sizeof *added->values, "values", &added->values, err);
}

static bool is_wanted(const SlicedTask *task, Slice name)
{
    for (size_t i = 0; task->is_listed && i < task->n_attributes; i++) {
        if (slice_eq(task->attributes[i], name)) return true;
    }
    return !task->is_listed;
}

static Status take_value(Grouping *groupings, size_t n, size_t sample, Slice name, Slice value,
                         Arena *arena, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq(groupings[i].attribute, name) || value.len == 0) continue;
        groupings[i].values[sample] = arena_copy(arena, value);
        if (!groupings[i].values[sample].ptr) return error_set_memory(err, value.len, 1, "a value");
    }
    return STATUS_OK;
}

static Status parse_attributes(Slice text, Arena *arena, ReadAttributes *out, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("attributes"), text, JSON_STRICT, &document, err));
    const Json *root = json_root(document);
    Status s = arena_take(arena, json_len(root), sizeof *out->names, "names", &out->names, err);
    if (s == STATUS_OK)
        s = arena_take(arena, json_len(root), sizeof *out->values, "values", &out->values, err);
    for (const Json *m = json_first(root); s == STATUS_OK && m; m = json_next(m)) {
        if (json_kind(m) != JSON_STRING) continue;
        const Slice name = arena_copy(arena, json_key(m)),
                    value = arena_copy(arena, json_string(m));
        if (!name.ptr || !value.ptr) s = error_set_memory(err, json_len(root), 2, "attributes");
        out->names[out->n] = name;
        out->values[out->n++] = value;
    }
    json_close(&document);
    return s;
}

static Status cached_attributes(AttributeCache *cache, Slice text, const ReadAttributes **out,
                                Error *err)
{
    const size_t n = cache->texts.n_clusters;
    uint32_t index;
    TRY(clusters_index(&cache->texts, text, &index, err));
    TRY(arena_make_room(&cache->arena, index, &cache->capacity, sizeof *cache->read, "attributes",
                        &cache->read, err));
    *out = &cache->read[index];
    if (index < n) return STATUS_OK;
    cache->read[index] = (ReadAttributes){0};
    return parse_attributes(text, &cache->arena, &cache->read[index], err);
}

static Status read_sample(AttributeCache *cache, const SlicedTask *task, const JudgedRows *rows,
                          size_t i, Arena *arena, Grouping **groupings, size_t *n, Error *err)
{
    const JudgedSample *sample = &rows->samples[i];
    const ReadAttributes *read = NULL;
    if (sample->group.len > 0 && is_wanted(task, SLICE("group"))) {
        TRY(add_attribute(rows, SLICE("group"), arena, groupings, n, err));
        TRY(take_value(*groupings, *n, i, SLICE("group"), sample->group, arena, err));
    }
    if (sample->attributes.len == 0) return STATUS_OK;
    TRY(cached_attributes(cache, sample->attributes, &read, err));
    for (size_t a = 0; a < read->n; a++) {
        if (!is_wanted(task, read->names[a])) continue;
        TRY(add_attribute(rows, read->names[a], arena, groupings, n, err));
        TRY(take_value(*groupings, *n, i, read->names[a], read->values[a], arena, err));
    }
    return STATUS_OK;
}

// From each sample's value to its group; values become the distinct ones, sorted.
static Status share_out(Grouping *grouping, size_t n_samples, Arena *arena, Error *err)
{
    for (size_t i = 0; i < n_samples; i++) grouping->n_without += grouping->values[i].len == 0;
    return distinct_index(grouping->values, n_samples, by_value, arena, grouping->groups,
                          &grouping->values, &grouping->n_values, err);
}

static Status find_groupings(AttributeCache *cache, const SlicedTask *task, const JudgedRows *rows,
                             Arena *arena, Grouping **groupings, size_t *n, Error *err)
{
    for (size_t i = 0; i < rows->n_samples; i++)
        TRY(read_sample(cache, task, rows, i, arena, groupings, n, err));
    for (size_t i = 0; i < *n; i++) TRY(share_out(&(*groupings)[i], rows->n_samples, arena, err));
    return STATUS_OK;
}

// ---- scores ----

static StoredScore stored_score(Slicing *slicing, const MetricPlan *plan, Slice name,
                                const Score *score)
{
    const MetricDirection direction = plan->metric->direction;
    return (StoredScore){.metric = slice_from_cstr(plan->metric->name),
                         .name = keep_text(&slicing->arena, name, &slicing->out_of_memory),
                         .estimate = score->estimate,
                         .lo = score->lo,
                         .hi = score->hi,
                         .level = score->level,
                         .method =
                             keep_text(&slicing->arena, score->method, &slicing->out_of_memory),
                         .n = score->n,
                         .direction = direction == HIGHER_IS_BETTER  ? 1
                                      : direction == LOWER_IS_BETTER ? -1
                                                                     : 0,
                         .lowest = plan->metric->lowest,
                         .highest = plan->metric->highest};
}

// The worst of the groups whose score is defined, SIZE_MAX where none is worse than another.
static size_t find_worst(const GroupGaps *gaps, MetricDirection direction)
{
    size_t worst = SIZE_MAX;
    bool differs = false;
    for (size_t k = 0; k < gaps->n_groups; k++) {
        const double own = gaps->groups[k].estimate;
        if (isnan(own)) continue;
        if (worst == SIZE_MAX) {
            worst = k;
            continue;
        }
        const double least = gaps->groups[worst].estimate;
        differs = differs || own != least;
        if (direction == LOWER_IS_BETTER ? own > least : own < least) worst = k;
    }
    return differs && direction != NO_DIRECTION ? worst : SIZE_MAX;
}

static Status keep_gaps(Slicing *slicing, const JudgedQuery *query, const MetricPlan *plan,
                        Slice score_name, const Grouping *grouping, const GroupGaps *gaps,
                        Error *err)
{
    bool *failed = &slicing->out_of_memory;
    const size_t worst = find_worst(gaps, plan->metric->direction);
    const RunSlice common = {.model = query->model,
                             .task = query->task,
                             .setting = query->setting,
                             .role = query->role,
                             .attribute = keep_text(&slicing->arena, grouping->attribute, failed),
                             .n_without = grouping->n_without};
    for (size_t k = 0; k < gaps->n_groups; k++) {
        RunSlice slice = common;
        slice.value = keep_text(&slicing->arena, grouping->values[k], failed);
        slice.score = stored_score(slicing, plan, score_name, &gaps->groups[k]);
        slice.difference = gaps->from_rest[k].estimate;
        slice.difference_lo = gaps->from_rest[k].lo;
        slice.difference_hi = gaps->from_rest[k].hi;
        slice.p = gaps->p_rest[k];
        slice.p_adjusted = gaps->p_adjusted[k];
        slice.is_worst = k == worst;
        TRY(add_slice(slicing, &slice, err));
    }
    RunSlice gap = common;
    gap.score = stored_score(slicing, plan, gaps->gap.name, &gaps->gap);
    gap.score.n -= grouping->n_without;
    gap.difference = gap.difference_lo = gap.difference_hi = gap.p_adjusted = NAN;
    gap.p = gaps->p;
    return add_slice(slicing, &gap, err);
}

static bool is_shown(const SlicedTask *task, const Grouping *grouping)
{
    const size_t most = task->is_listed ? SLICES_MOST_VALUES : SLICES_MOST_VALUES_UNASKED;
    return grouping->n_values >= 2 && grouping->n_values <= most;
}

// Whether a model is judged by trials of this role; others only compare settings.
static bool is_verdict(const JudgedQuery *query)
{
    return query->role == TRIAL_SINGLE || (query->role == TRIAL_OUTER && !query->setting.ptr);
}

static Status slice_rows(Slicing *slicing, const SlicedTask *task, const JudgedQuery *query,
                         const JudgedRows *rows, const MetricPlan *plan, Slice name, size_t score,
                         const RowSet *set, Arena *scratch, Error *err)
{
    Grouping *groupings = NULL;
    size_t n = 0;
    IntervalOptions options = slicing->options;
    if (options.n_resamples == 0) options.n_resamples = SLICES_RESAMPLES;
    if (!is_verdict(query)) options.method = INTERVAL_NONE;
    TRY(find_groupings(&slicing->cache, task, rows, scratch, &groupings, &n, err));
    for (size_t i = 0; i < n; i++) {
        GroupGaps gaps;
        if (!is_shown(task, &groupings[i])) continue;
        TRY(group_gaps(plan, score, set, groupings[i].groups, groupings[i].values,
                       groupings[i].n_values, &options, scratch, &gaps, err));
        TRY(keep_gaps(slicing, query, plan, name, &groupings[i], &gaps, err));
    }
    return STATUS_OK;
}

// Which of the plan's scores has this name, or SIZE_MAX.
static Status find_score(const MetricPlan *plan, Slice name, Arena *arena, size_t *out, Error *err)
{
    *out = SIZE_MAX;
    for (size_t i = 0; i < plan->n_scores && *out == SIZE_MAX; i++) {
        Slice own;
        TRY(metric_score_name(plan, i, arena, &own, err));
        if (slice_eq(own, name)) *out = i;
    }
    return STATUS_OK;
}

static Status slice_metric(Slicing *slicing, const SlicedTask *task, const JudgedQuery *query,
                           const JudgedRows *rows, const JudgedMetric *metric, Slice name,
                           Arena *scratch, Error *err)
{
    MetricPlan plan;
    RowTable table = {0};
    JsonDocument *document = NULL;
    size_t score = SIZE_MAX;
    TRY(judged_plan(rows, metric, scratch, &plan, &document, err));
    Status s = find_score(&plan, name, scratch, &score, err);
    if (s == STATUS_OK && score != SIZE_MAX) {
        s = judged_table(rows, metric, &plan, &table, err);
        const RowSet set = row_table_rows(&table);
        if (s == STATUS_OK)
            s = slice_rows(slicing, task, query, rows, &plan, name, score, &set, scratch, err);
        row_table_release(&table);
    }
    json_close(&document);
    return s;
}

static Status slice_query(Slicing *slicing, const SlicedTask *task, const JudgedQuery *query,
                          Arena *scratch, Error *err)
{
    JudgedRows rows;
    const size_t n_scores = is_verdict(query) ? task->n_scores : 1;
    TRY(judged_rows_read(slicing->store, slicing->run_id, query, scratch, &rows, err));
    for (size_t k = 0; rows.n_samples > 0 && k < n_scores; k++) {
        const Slice score = task->scores[k],
                    name = slice_sub(score, 0, slice_find_byte(score, '/'));
        for (size_t i = 0; i < rows.n_metrics; i++) {
            if (!slice_eq(rows.metrics[i].name, name) || rows.metrics[i].width == 0) continue;
            TRY(slice_metric(slicing, task, query, &rows, &rows.metrics[i], score, scratch, err));
        }
    }
    return STATUS_OK;
}

static const SlicedTask *find_task(const Slicing *slicing, Slice name)
{
    for (size_t i = 0; i < slicing->n_tasks; i++) {
        if (slice_eq(slicing->tasks[i].task, name)) return &slicing->tasks[i];
    }
    return NULL;
}

static Status slice_all(Slicing *slicing, Error *err)
{
    JudgedQuery *queries = NULL;
    size_t n = 0;
    TRY(judged_queries(slicing->store, slicing->run_id, &slicing->arena, &queries, &n, err));
    for (size_t i = 0; i < n; i++) {
        const TrialRole role = queries[i].role;
        const SlicedTask *task = find_task(slicing, queries[i].task);
        if (!task || role == TRIAL_BASELINE || role == TRIAL_CURVE || role == TRIAL_AFTER ||
            role == TRIAL_FINAL)
            continue;
        Arena scratch = {0};
        const Status s = slice_query(slicing, task, &queries[i], &scratch, err);
        arena_release(&scratch);
        if (s != STATUS_OK)
            return error_wrap(err, "slices of model \"" SLICE_FMT "\" on task \"" SLICE_FMT "\"",
                              SLICE_ARG(queries[i].model), SLICE_ARG(queries[i].task));
    }
    return STATUS_OK;
}

Status run_slices_pool(Store *store, Slice run_id, const SlicedTask *tasks, size_t n_tasks,
                       const IntervalOptions *options, Error *err)
{
    Slicing slicing = {.store = store, .run_id = run_id, .tasks = tasks, .n_tasks = n_tasks};
    if (options) slicing.options = *options;
    Status s = slice_all(&slicing, err);
    if (s == STATUS_OK && slicing.out_of_memory)
        s = error_set(err, STATUS_MEMORY, "out of memory while slicing scores");
    if (s == STATUS_OK) s = store_set_run_slices(store, run_id, slicing.slices, slicing.n, err);
    clusters_release(&slicing.cache.texts);
    arena_release(&slicing.cache.arena);
    arena_release(&slicing.arena);
    return s;
}
