// The tune block as settings: an array, at any depth, is an axis of the grid, or a choice of which one value is drawn.
#include <stdlib.h>

#include "base/buffer_keep.h"
#include "harness/suite/suite_internal.h"

// Settings so far, in order. Owned: released by the caller.
typedef struct Grid {
    Arena *arena;         // for what settings point to
    Slice label;          // ptr not NULL: values are weights of this class
    const TuneDraw *draw; // NULL: all combinations
    TuneSetting *items;
    size_t n, capacity;
} Grid;

static Status grid_push(Grid *grid, const TuneSetting *setting, const Json *at, Error *err)
{
    if (grid->n == SUITE_MAX_SETTINGS) {
        return json_error(at, err, "the grid has more than %d settings", SUITE_MAX_SETTINGS);
    }
    if (grid->n == grid->capacity) {
        const size_t capacity = grid->capacity ? 2 * grid->capacity : 4;
        TuneSetting *items = realloc(grid->items, capacity * sizeof *items);
        if (!items) return error_set_memory(err, capacity, sizeof *items, "a grid of settings");
        grid->items = items;
        grid->capacity = capacity;
    }
    grid->items[grid->n++] = *setting;
    return STATUS_OK;
}

static Status expand_members(const SuiteSection *section, const SuiteKey *key, const Json *object,
                             Grid *grid, Error *err);
static Status expand_value(const SuiteKey *key, const Json *value, const TuneSetting *setting,
                           Grid *out, Error *err);

static TuneDraw draw_for(const Grid *grid, const SuiteKey *key)
{
    TuneDraw draw = *grid->draw;
    draw.key = slice_from_cstr(key->name);
    draw.label = grid->label;
    return draw;
}

// The alternatives of an array: all of them, or the one drawn.
// NOLINTNEXTLINE(misc-no-recursion)
static Status expand_array(const SuiteKey *key, const Json *array, const TuneSetting *setting,
                           Grid *out, Error *err)
{
    if (json_len(array) == 0) return json_error(array, err, "an axis needs at least one value");
    size_t drawn = SIZE_MAX, i = 0;
    if (out->draw) {
        const TuneDraw draw = draw_for(out, key);
        drawn = tune_draw_index(&draw, json_len(array));
    }
    for (const Json *v = json_first(array); v; v = json_next(v), i++) {
        if (json_kind(v) == JSON_ARRAY)
            return json_error(v, err, "an array of arrays is no axis of the grid");
        if (drawn == SIZE_MAX || drawn == i) TRY(expand_value(key, v, setting, out, err));
    }
    return STATUS_OK;
}

// NOLINTNEXTLINE(misc-no-recursion)
static Status expand_distribution(const SuiteKey *key, const Json *value,
                                  const TuneSetting *setting, Grid *out, Error *err)
{
    JsonDocument *drawn = NULL;
    if (!out->draw) {
        return json_error(value, err,
                          "a distribution is drawn from: give \"search\": {\"kind\": \"random\", "
                          "\"trials\": 20}, or list the values");
    }
    const TuneDraw draw = draw_for(out, key);
    TRY(tune_draw_number(&draw, out->label.ptr ? NULL : key, value, out->arena, &drawn, err));
    const Status s = expand_value(key, json_root(drawn), setting, out, err);
    json_close(&drawn);
    return s;
}

// Appends to `out` the settings that come of `setting` with this value: one, or one for each of the alternatives.
// Depth is bounded: an array stands in no array, and two sections hold one another.
// NOLINTNEXTLINE(misc-no-recursion)
static Status expand_value(const SuiteKey *key, const Json *value, const TuneSetting *setting,
                           Grid *out, Error *err)
{
    if (json_kind(value) == JSON_ARRAY) return expand_array(key, value, setting, out, err);
    if (tune_is_distribution(out->label.ptr ? NULL : key, value))
        return expand_distribution(key, value, setting, out, err);
    TuneSetting changed = *setting;
    if (out->label.ptr) {
        TRY(tune_add_weight(value, out->label, out->arena, &changed, err));
        return grid_push(out, &changed, value, err);
    }
    if (json_kind(value) != JSON_NULL) {
        TRY(section_read_key(key, value, out->arena, &changed, err));
    }
    if (json_kind(value) != JSON_OBJECT) return grid_push(out, &changed, value, err);
    Grid inner = {.arena = out->arena, .draw = out->draw};
    Status s = grid_push(&inner, &changed, value, err);
    if (s == STATUS_OK) s = expand_members(key->section, key, value, &inner, err);
    for (size_t i = 0; s == STATUS_OK && i < inner.n; i++) {
        s = grid_push(out, &inner.items[i], value, err);
    }
    free(inner.items);
    return s;
}

// Multiplies the grid by every member of the object, the first varying slowest. Members are keys of the section, or,
// where there is none, labels with their weights.
// NOLINTNEXTLINE(misc-no-recursion)
static Status expand_members(const SuiteSection *section, const SuiteKey *key, const Json *object,
                             Grid *grid, Error *err)
{
    if (section) TRY(section_check_keys(section, object, err));
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        const SuiteKey *row = section ? section_key(section, json_key(v)) : key;
        Grid next = {.arena = grid->arena, .draw = grid->draw};
        Status s = STATUS_OK;
        if (!section) next.label = json_key(v);
        for (size_t i = 0; s == STATUS_OK && i < grid->n; i++) {
            s = expand_value(row, v, &grid->items[i], &next, err);
        }
        free(grid->items);
        *grid = next;
        grid->label = (Slice){0};
        TRY(s);
    }
    return STATUS_OK;
}

static Status write_setting(const TuneSetting *setting, Arena *arena, Slice *out, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    section_write(&section_tune, setting, &w);
    json_end_object(&w);
    return buffer_keep(&text, arena, "a setting", out, err);
}

Status tune_write_canonical(TuneSetting *setting, Arena *arena, Error *err)
{
    TuneSetting learning = *setting;
    learning.prune = 0;
    learning.quantize = learning.compute = learning.after = (Slice){0};
    TRY(write_setting(setting, arena, &setting->json, err));
    return write_setting(&learning, arena, &setting->learning_json, err);
}

static int compare_texts(const void *left, const void *right)
{
    const TuneSetting *a = *(const TuneSetting *const *)left,
                      *b = *(const TuneSetting *const *)right;
    const int order = slice_cmp(a->json, b->json);
    if (order != 0) return order;
    return a < b ? -1 : a > b; // both lie in one array
}

static Status check_distinct(const Json *tune, const TuneSetting *settings, size_t n, Error *err)
{
    if (n < 2) return STATUS_OK;
    const TuneSetting **sorted = malloc(n * sizeof *sorted);
    if (!sorted) return error_set_memory(err, n, sizeof *sorted, "a grid of settings");
    Status s = STATUS_OK;
    for (size_t i = 0; i < n; i++) sorted[i] = &settings[i];
    qsort(sorted, n, sizeof *sorted, compare_texts);
    for (size_t i = 1; i < n && s == STATUS_OK; i++) {
        if (!slice_eq(sorted[i - 1]->json, sorted[i]->json)) continue;
        s = json_error(tune, err,
                       "settings %zu and %zu of the grid are equal: a value stands twice",
                       (size_t)(sorted[i - 1] - settings) + 1, (size_t)(sorted[i] - settings) + 1);
    }
    free(sorted);
    return s;
}

// All settings of the block, or with grid->draw the one drawn.
static Status expand_block(const Json *tune, Grid *grid, Error *err)
{
    TuneSetting first = {.dropout = -1};
    section_defaults(&section_tune, &first);
    TRY(grid_push(grid, &first, tune, err));
    return expand_members(&section_tune, NULL, tune, grid, err);
}

static Status read_grid(Arena *arena, const Json *tune, TuneSetting **out, size_t *n, Error *err)
{
    Grid grid = {.arena = arena};
    TuneSetting *items = NULL;
    Status s = expand_block(tune, &grid, err);
    if (s == STATUS_OK)
        s = arena_take(arena, grid.n, sizeof *items, "a grid of settings", &items, err);
    for (size_t i = 0; s == STATUS_OK && i < grid.n; i++) {
        items[i] = grid.items[i];
        s = tune_write_canonical(&items[i], arena, err);
    }
    if (s == STATUS_OK) s = check_distinct(tune, items, grid.n, err);
    *out = items;
    *n = grid.n;
    free(grid.items);
    return s;
}

static bool is_known(const TuneSetting *settings, size_t n, Slice json)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq(settings[i].json, json)) return true;
    }
    return false;
}

// Draws until n_trials different settings stand; where the block has not so many, as many as come up.
static Status draw_settings(Arena *arena, const Json *tune, const SuiteSearch *search,
                            TuneSetting **out, size_t *n, Error *err)
{
    TuneDraw draw = {.seed = search->seed};
    const size_t n_draws = 100 * search->n_trials + 1000;
    TuneSetting *items = NULL;
    *n = 0;
    TRY(arena_take(arena, search->n_trials, sizeof *items, "drawn settings", &items, err));
    *out = items;
    for (; draw.trial < n_draws && *n < search->n_trials; draw.trial++) {
        Grid grid = {.arena = arena, .draw = &draw};
        Status s = expand_block(tune, &grid, err);
        if (s == STATUS_OK) {
            items[*n] = grid.items[0];
            s = tune_write_canonical(&items[*n], arena, err);
        }
        free(grid.items);
        TRY(s);
        *n += !is_known(items, *n, items[*n].json);
    }
    return STATUS_OK;
}

Status tune_grid_read(Arena *arena, const Json *tune, const SuiteSearch *search,
                      const TuneSetting **settings, size_t *n_settings, Error *err)
{
    TuneSetting *items = NULL;
    if (json_kind(tune) != JSON_OBJECT) {
        return json_error(tune, err, "found %s, want an object with settings",
                          json_kind_name(json_kind(tune)));
    }
    const Status s = search && search->n_trials > 0
                         ? draw_settings(arena, tune, search, &items, n_settings, err)
                         : read_grid(arena, tune, &items, n_settings, err);
    *settings = items;
    return s;
}

Status tune_setting_parse(Arena *arena, Slice json, TuneSetting *out, Error *err)
{
    JsonDocument *document = NULL;
    const TuneSetting *settings = NULL;
    size_t n = 0;
    TRY(json_parse(SLICE("setting"), json, JSON_STRICT, &document, err));
    Status s = tune_grid_read(arena, json_root(document), NULL, &settings, &n, err);
    if (s == STATUS_OK && n != 1) {
        s = error_set(err, STATUS_INVALID, "one setting is wanted, not a grid of %zu", n);
    }
    if (s == STATUS_OK) *out = settings[0];
    json_close(&document);
    return s;
}
