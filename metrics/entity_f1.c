// Entity precision, recall and F1: an entity counts where type, first and last token agree.
//
// Source: seqeval 1.2.2; conlleval (Tjong Kim Sang & Buchholz 2000). Averages are over the types that the reference or
// the prediction has. A row is [found, predicted, wanted] by type, then tokens with the right tag, tokens.
#include <math.h>
#include <string.h>

#include "metrics/classes.h"
#include "metrics/entities.h"
#include "metrics/metrics_list.h"

typedef enum Average { AVERAGE_MICRO, AVERAGE_MACRO, AVERAGE_WEIGHTED } Average;
static const char *const averages[] = {"micro", "macro", "weighted"};
static const char *const modes[] = {"default", "strict"};
static const char *const parts[] = {"precision", "recall", "f1"};
enum { N_AVERAGES = 3, N_PARTS = 3, N_FIXED = 2 + N_AVERAGES * N_PARTS };
static const char *const params[] = {"scheme", "mode", "suffix", "average", "zero_division", NULL};

typedef struct EntityOptions {
    TagReading reading;
    size_t average;
    double zero_division;
} EntityOptions;

typedef struct Parts {
    double values[N_PARTS]; // precision, recall, F1
} Parts;

static Status read_options(const Json *options, EntityOptions *o, Error *err)
{
    size_t scheme = SCHEME_IOB2, mode = 0;
    *o = (EntityOptions){0};
    TRY(params_choice(options, "scheme", tag_schemes, N_TAG_SCHEMES, &scheme, err));
    TRY(params_choice(options, "mode", modes, 2, &mode, err));
    TRY(params_choice(options, "average", averages, N_AVERAGES, &o->average, err));
    if (options != NULL) {
        TRY(json_opt_bool(options, "suffix", &o->reading.is_suffixed, err));
        TRY(json_opt_double(options, "zero_division", 0, 1, &o->zero_division, err));
    }
    if (o->zero_division != 0 && o->zero_division != 1) {
        return json_error(json_get(options, "zero_division"), err, "must be 0 or 1");
    }
    o->reading.scheme = (TagScheme)scheme;
    o->reading.is_strict = mode == 1;
    return STATUS_OK;
}

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    EntityOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(read_options(plan->setup.params, o, err));
    plan->width = 3 * plan->setup.n_labels + 2;
    plan->n_scores = N_FIXED + N_PARTS * plan->setup.n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    if (score == 1) return arena_format(arena, name, err, "entity_f1/token_accuracy");
    const size_t part = (score - 2) % N_PARTS, group = (score - 2) / N_PARTS;
    if (group < N_AVERAGES) {
        return arena_format(arena, name, err, "entity_f1/%s/%s", averages[group], parts[part]);
    }
    return arena_format(arena, name, err, "entity_f1/type/" SLICE_FMT "/%s",
                        SLICE_ARG(plan->setup.labels[group - N_AVERAGES]), parts[part]);
}

// ---- Types ----

// Types stay apart and sorted while they are few: each new one is put into its place.
static size_t insert_type(Slice *types, size_t n, Slice type)
{
    size_t at = 0;
    while (at < n && slice_cmp(types[at], type) < 0) at++;
    if (at < n && slice_eq(types[at], type)) return n;
    for (size_t i = n; i > at; i--) types[i] = types[i - 1];
    types[at] = type;
    return n + 1;
}

// Sorted, in the arena; the names borrow from the tags.
typedef struct Types {
    Slice *names;
    size_t n, capacity;
} Types;

static Status add_type(Types *types, Slice type, Arena *arena, Error *err)
{
    if (types->n == types->capacity) {
        Slice *more;
        TRY(arena_take(arena, types->capacity, 2 * sizeof *more, "entity types", &more, err));
        memcpy(more, types->names, types->n * sizeof *more);
        types->names = more;
        types->capacity *= 2;
    }
    types->n = insert_type(types->names, types->n, type);
    return STATUS_OK;
}

static Status add_types(const EntityOptions *o, const Slice *tags, size_t n_tags, Arena *scratch,
                        Types *types, Arena *arena, Error *err)
{
    Entity *entities;
    size_t n;
    TRY(entities_of_tags(&o->reading, tags, n_tags, scratch, &entities, &n, err));
    for (size_t i = 0; i < n; i++) TRY(add_type(types, entities[i].type, arena, err));
    return STATUS_OK;
}

static Status find_labels(const MetricSetup *setup, const Item *items, size_t n_items, Arena *arena,
                          Slice **labels, size_t *n_labels, Error *err)
{
    EntityOptions o;
    Types types = {.capacity = 16};
    TRY(read_options(setup->params, &o, err));
    TRY(arena_take(arena, types.capacity, sizeof *types.names, "entity types", &types.names, err));
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n_items; i++) {
        const Item *item = &items[i];
        const ArenaMark mark = arena_mark(&scratch);
        s = add_types(&o, item->tags, item->n_tags, &scratch, &types, arena, err);
        if (s == STATUS_OK) {
            s = add_types(&o, item->predicted_tags, item->n_predicted_tags, &scratch, &types, arena,
                          err);
        }
        arena_rewind(&scratch, mark);
        if (s != STATUS_OK) s = error_wrap(err, "item %zu", i);
    }
    arena_release(&scratch);
    *labels = types.names;
    *n_labels = types.n;
    return s;
}

static Status type_index(const MetricSetup *setup, Slice type, size_t *index, Error *err)
{
    for (*index = 0; *index < setup->n_labels; ++*index) {
        if (slice_eq(setup->labels[*index], type)) return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, "entity type \"" SLICE_FMT "\" is none of the %zu known",
                     SLICE_ARG(type), setup->n_labels);
}

// ---- Rows ----

static Status count_side(const MetricSetup *setup, const Entity *entities, size_t n, size_t column,
                         double *out, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t type;
        TRY(type_index(setup, entities[i].type, &type, err));
        out[3 * type + column] += 1;
    }
    return STATUS_OK;
}

// Ends rise on both sides, and no two entities of a side share one.
static Status count_found(const MetricSetup *setup, const Entity *a, size_t n_a, const Entity *b,
                          size_t n_b, double *out, Error *err)
{
    for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
        if (a[i].end != b[j].end) {
            if (a[i].end < b[j].end) {
                i++;
            } else {
                j++;
            }
            continue;
        }
        if (a[i].begin == b[j].begin && slice_eq(a[i].type, b[j].type)) {
            size_t type;
            TRY(type_index(setup, a[i].type, &type, err));
            out[3 * type] += 1;
        }
        i++;
        j++;
    }
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const EntityOptions *o = plan->options;
    const MetricSetup *setup = &plan->setup;
    Entity *wanted, *predicted;
    size_t n_wanted, n_predicted;
    if (item->n_tags != item->n_predicted_tags) {
        return error_set(err, STATUS_INVALID, "has %zu tags, but %zu are predicted", item->n_tags,
                         item->n_predicted_tags);
    }
    if (entities_of_tags(&o->reading, item->tags, item->n_tags, scratch, &wanted, &n_wanted, err) !=
        STATUS_OK) {
        return error_wrap(err, "reference");
    }
    if (entities_of_tags(&o->reading, item->predicted_tags, item->n_tags, scratch, &predicted,
                         &n_predicted, err) != STATUS_OK) {
        return error_wrap(err, "prediction");
    }
    TRY(count_side(setup, predicted, n_predicted, 1, out, err));
    TRY(count_side(setup, wanted, n_wanted, 2, out, err));
    TRY(count_found(setup, wanted, n_wanted, predicted, n_predicted, out, err));
    double *tokens = out + 3 * setup->n_labels;
    for (size_t i = 0; i < item->n_tags; i++) {
        tokens[0] += slice_eq(item->tags[i], item->predicted_tags[i]);
    }
    tokens[1] = (double)item->n_tags;
    return STATUS_OK;
}

// ---- Scores ----

static Parts parts_of(const EntityOptions *o, const double *counts)
{
    const double precision = counts[1] > 0 ? counts[0] / counts[1] : o->zero_division;
    const double recall = counts[2] > 0 ? counts[0] / counts[2] : o->zero_division;
    const double sum = precision + recall;
    return (Parts){{precision, recall, sum > 0 ? 2 * precision * recall / sum : 0}};
}

static void average_types(const MetricPlan *plan, const double *sums, const double *totals,
                          double *scores)
{
    const EntityOptions *o = plan->options;
    double *macro = scores + 2 + (size_t)AVERAGE_MACRO * N_PARTS;
    double *weighted = scores + 2 + (size_t)AVERAGE_WEIGHTED * N_PARTS;
    double n_seen = 0;
    for (size_t p = 0; p < N_PARTS; p++) macro[p] = weighted[p] = 0;
    for (size_t t = 0; t < plan->setup.n_labels; t++) {
        const double *counts = sums + 3 * t;
        const Parts type = parts_of(o, counts);
        const bool is_seen = counts[1] > 0 || counts[2] > 0;
        n_seen += is_seen;
        for (size_t p = 0; p < N_PARTS; p++) {
            scores[N_FIXED + N_PARTS * t + p] = is_seen ? type.values[p] : (double)NAN;
            if (!is_seen) continue;
            macro[p] += type.values[p];
            weighted[p] += type.values[p] * counts[2];
        }
    }
    // Nothing wanted: recall is 0 / 0; the rest too where nothing is predicted either.
    const double nothing = totals[1] > 0 ? 0 : o->zero_division;
    const double undefined[N_PARTS] = {nothing, o->zero_division, nothing};
    for (size_t p = 0; p < N_PARTS; p++) {
        macro[p] = n_seen > 0 ? macro[p] / n_seen : (double)NAN;
        weighted[p] = totals[2] > 0 ? weighted[p] / totals[2] : undefined[p];
    }
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    const EntityOptions *o = plan->options;
    const size_t n_types = plan->setup.n_labels;
    double totals[3] = {0};
    for (size_t i = 0; i < 3 * n_types; i++) totals[i % 3] += sums[i];
    const Parts micro = parts_of(o, totals);
    for (size_t p = 0; p < N_PARTS; p++) scores[2 + p] = micro.values[p];
    average_types(plan, sums, totals, scores);
    scores[0] = scores[2 + o->average * N_PARTS + 2];
    const double *tokens = sums + 3 * n_types;
    scores[1] = tokens[1] > 0 ? tokens[0] / tokens[1] : (double)NAN;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const EntityOptions *o = plan->options;
    Slice mode = SLICE("|mode:default");
    if (o->reading.is_strict) {
        TRY(arena_format(arena, &mode, err, "|mode:strict|scheme:%s",
                         tag_schemes[o->reading.scheme]));
    }
    return arena_format(arena, out, err, SLICE_FMT "%s|average:%s|zero_division:%g",
                        SLICE_ARG(mode), o->reading.is_suffixed ? "|suffix:yes" : "",
                        averages[o->average], o->zero_division);
}

const Metric metric_entity_f1 = {
    .name = "entity_f1",
    .summary = "F1 of whole entities: micro (default), macro, weighted; strict by a tag scheme",
    .source = "seqeval 1.2.2; Tjong Kim Sang & Buchholz 2000, conlleval",
    .needs = NEEDS_TAGS,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .score_name = score_name,
    .find_labels = find_labels,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
