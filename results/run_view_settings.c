// results/run_view_settings.c: what settings are made of, what varies among them, and how they are called.
#include "base/json.h"
#include "results/keep.h"
#include "results/run_view_internal.h"

// "1e-05" is written 1e-5 for people; other text stays.
static Slice pretty(Arena *arena, Slice text, bool *failed)
{
    const size_t e = slice_find(text, SLICE("e-0"));
    double number;
    if (e == SIZE_MAX || e + 3 >= text.len || !slice_to_double(text, &number))
        return keep_text(arena, text, failed);
    return keep_cstr(arena_printf(arena, SLICE_FMT "e-" SLICE_FMT, SLICE_ARG(slice_sub(text, 0, e)),
                                  SLICE_ARG(slice_sub(text, e + 3, text.len))),
                     failed);
}

static Slice value_text(Arena *arena, const Json *value, bool *failed)
{
    switch (json_kind(value)) {
    case JSON_STRING:
        return keep_text(arena, json_string(value), failed);
    case JSON_NUMBER:
        return pretty(arena, json_number_text(value), failed);
    case JSON_BOOL:
        return json_bool(value) ? SLICE("yes") : SLICE("no");
    case JSON_NULL:
        return SLICE("none");
    case JSON_ARRAY:
        return keep_cstr(arena_printf(arena, "%zu values", json_len(value)), failed);
    case JSON_OBJECT:
        break;
    }
    return SLICE("");
}

static size_t count_leaves(const Json *object)
{
    size_t n = 0;
    for (const Json *m = json_first(object); m != NULL; m = json_next(m)) {
        const size_t own = json_kind(m) == JSON_OBJECT ? count_leaves(m) : 1;
        n += own > 0 ? own : 1; // an empty object may be one value
    }
    return n;
}

// Groups that are balanced are one value, though they are written as an object: "gender, reweight".
static Slice balance_text(Arena *arena, const Json *value, bool *failed)
{
    const Json *by = json_get(value, "by"), *how = json_get(value, "how");
    if (json_kind(value) == JSON_BOOL)
        return json_bool(value) ? SLICE("class, resample") : SLICE("no");
    if (!by || !how || json_kind(by) != JSON_STRING || json_kind(how) != JSON_STRING)
        return SLICE("yes");
    return keep_cstr(arena_printf(arena, SLICE_FMT ", " SLICE_FMT, SLICE_ARG(json_string(by)),
                                  SLICE_ARG(json_string(how))),
                     failed);
}

static void add_pairs(Arena *arena, const Json *object, Slice prefix, ViewPair *pairs, size_t *n,
                      bool *failed)
{
    for (const Json *m = json_first(object); m != NULL; m = json_next(m)) {
        const Slice key = json_key(m);
        const Slice full = prefix.len == 0
                               ? keep_text(arena, key, failed)
                               : keep_cstr(arena_printf(arena, SLICE_FMT "." SLICE_FMT,
                                                        SLICE_ARG(prefix), SLICE_ARG(key)),
                                           failed);
        if (slice_eq_cstr(full, "balance")) {
            pairs[(*n)++] = (ViewPair){full, balance_text(arena, m, failed)};
        } else if (json_kind(m) == JSON_OBJECT) {
            add_pairs(arena, m, full, pairs, n, failed);
        } else {
            pairs[(*n)++] = (ViewPair){full, value_text(arena, m, failed)};
        }
    }
}

Status view_parse_setting(ViewBuild *build, ViewSetting *setting, Error *err)
{
    Arena *arena = &build->view->arena;
    JsonDocument *document = NULL;
    sha256_of(setting->json, setting->hash);
    TRY(json_parse(SLICE("setting"), setting->json, JSON_STRICT, &document, err));
    const Json *root = json_root(document);
    ViewPair *pairs = NULL;
    Status s = arena_take(arena, count_leaves(root), sizeof *pairs, "a setting", &pairs, err);
    if (s == STATUS_OK)
        add_pairs(arena, root, (Slice){0}, pairs, &setting->n_pairs, &build->out_of_memory);
    setting->pairs = pairs;
    json_close(&document);
    return s;
}

Slice run_view_setting_value(const ViewSetting *setting, Slice key)
{
    for (size_t i = 0; i < setting->n_pairs; i++) {
        if (slice_eq(setting->pairs[i].key, key)) return setting->pairs[i].value;
    }
    return (Slice){0};
}

static int compare_values(const void *a, const void *b)
{
    return slice_cmp_values(*(const Slice *)a, *(const Slice *)b);
}

static bool contains(const Slice *values, size_t n, Slice value)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq(values[i], value)) return true;
    }
    return false;
}

bool view_is_step(const ViewSetting *setting)
{
    return run_view_setting_value(setting, SLICE("after")).len > 0;
}

// Members of an object that a setting may do without: that it is absent is told by its first member alone.
static bool is_told_by_another(Slice key)
{
    static const struct {
        Slice object, first;
    } objects[] = {{SLICE_LIT("augment."), SLICE_LIT("augment.kind")},
                   {SLICE_LIT("distill."), SLICE_LIT("distill.teacher")}};
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        if (slice_starts_with(key, objects[i].object)) return !slice_eq(key, objects[i].first);
    }
    return false;
}

// Distinct values of a key over the settings that have members at all (a baseline's has none). How a model computes is told
// beside those that say nothing of it too.
static Status collect_values(ViewBuild *build, Slice key, ViewAxis *axis, Error *err)
{
    RunView *view = build->view;
    Slice *values = NULL;
    TRY(arena_take(&view->arena, view->n_settings, sizeof *values, "an axis", &values, err));
    *axis = (ViewAxis){.key = key, .values = values};
    for (size_t i = 0; i < view->n_settings; i++) {
        if (view->settings_table[i].n_pairs == 0 && !slice_eq_cstr(key, "compute")) continue;
        if (view_is_step(&view->settings_table[i])) continue; // it has a table of its own
        const Slice value = run_view_setting_value(&view->settings_table[i], key);
        if (value.ptr == NULL && is_told_by_another(key)) continue;
        if (!contains(values, axis->n_values, value)) values[axis->n_values++] = value;
    }
    qsort(values, axis->n_values, sizeof *values, compare_values);
    return STATUS_OK;
}

static bool has_axis(const RunView *view, Slice key)
{
    for (size_t i = 0; i < view->n_axes; i++) {
        if (slice_eq(view->axes[i].key, key)) return true;
    }
    return false;
}

typedef struct ShortName {
    const char *key, *name;
} ShortName;

static const ShortName short_names[] = {
    {"learning_rate", "lr"},    {"batch_size", "batch"},
    {"weight_decay", "decay"},  {"until_epoch", "to epoch"},
    {"until_step", "to step"},  {"train_samples", "samples"},
    {"schedule", ""},           {"freeze", "frozen"},
    {"augment.kind", ""},       {"augment.copies", "copies"},
    {"augment.words", "words"}, {"augment.share", "share"},
};

static Status name_setting(ViewBuild *build, ViewSetting *setting, Error *err)
{
    Buffer label = {0};
    for (size_t i = 0; i < build->view->n_axes; i++) {
        const Slice key = build->view->axes[i].key;
        const Slice value = run_view_setting_value(setting, key);
        if (value.ptr == NULL) continue;
        Slice name = key;
        for (size_t j = 0; j < sizeof short_names / sizeof *short_names; j++) {
            if (slice_eq_cstr(key, short_names[j].key)) name = slice_from_cstr(short_names[j].name);
        }
        buffer_printf(&label, "%s" SLICE_FMT "%s" SLICE_FMT, label.len > 0 ? ", " : "",
                      SLICE_ARG(name), name.len > 0 ? " " : "", SLICE_ARG(value));
    }
    if (label.len == 0) buffer_append_cstr(&label, "default");
    const Status s = buffer_status(&label, err);
    setting->label =
        s == STATUS_OK ? keep_text(&build->view->arena, buffer_slice(&label), &build->out_of_memory)
                       : (Slice){0};
    buffer_release(&label);
    return s;
}

Status view_find_axes(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    size_t n_keys = 0;
    for (size_t i = 0; i < view->n_settings; i++) n_keys += view->settings_table[i].n_pairs;
    TRY(arena_take(&view->arena, n_keys, sizeof *view->axes, "axes", &view->axes, err));
    for (size_t i = 0; i < view->n_settings; i++) {
        for (size_t j = 0; j < view->settings_table[i].n_pairs; j++) {
            const Slice key = view->settings_table[i].pairs[j].key;
            if (has_axis(view, key)) continue;
            ViewAxis *axis = &view->axes[view->n_axes];
            TRY(collect_values(build, key, axis, err));
            if (axis->n_values > 1) view->n_axes++;
        }
    }
    // The learning rate is what people look for first; the others keep the order of their keys.
    for (size_t i = 1; i < view->n_axes; i++) {
        if (!slice_eq_cstr(view->axes[i].key, "learning_rate")) continue;
        const ViewAxis rate = view->axes[i];
        memmove(&view->axes[1], &view->axes[0], i * sizeof *view->axes);
        view->axes[0] = rate;
    }
    for (size_t i = 0; i < view->n_settings; i++)
        TRY(name_setting(build, &view->settings_table[i], err));
    return STATUS_OK;
}
