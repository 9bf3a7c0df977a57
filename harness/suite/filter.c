// Which part of the plan to run: "model=mini*,task=sst2,learning_rate=3e-5,fold=0".
#include <fnmatch.h>
#include <string.h>

#include "harness/suite/suite_internal.h"

enum { MAX_TERMS = 64, MAX_NAMES = 64 };

// Terms of one key are alternatives; every key must be met.
typedef struct FilterTerm {
    Slice key, value;
    const char *pattern; // value, for names
} FilterTerm;

typedef struct Filter {
    FilterTerm terms[MAX_TERMS];
    size_t n;
} Filter;

static Status check_key(const Json *at, Slice key, Error *err)
{
    const char *known[MAX_NAMES] = {"model", "task", "fold"};
    size_t n = 3;
    const SuiteKey *row;
    for (size_t i = 0; n < MAX_NAMES && (row = section_at(&section_tune, i)) != NULL; i++) {
        if (row->kind != KEY_OBJECT) known[n++] = row->name;
    }
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_cstr(key, known[i])) return STATUS_OK;
    }
    const char *nearest = nearest_name(key, known, n);
    return json_error(at, err,
                      "a filter knows no \"" SLICE_FMT
                      "\"%s%s%s; there are model, task, fold and the "
                      "keys of tune",
                      SLICE_ARG(slice_sub(key, 0, 80)), nearest ? "; did you mean \"" : "",
                      nearest ? nearest : "", nearest ? "\"?" : "");
}

static Status parse_terms(const Json *at, Suite *suite, Filter *filter, Error *err)
{
    Slice rest = suite->filter, text;
    while (slice_split(&rest, ',', &text)) {
        text = slice_trim(text);
        const size_t equals = slice_find_byte(text, '=');
        if (equals == SIZE_MAX || filter->n == MAX_TERMS) {
            return json_error(at, err,
                              "found \"" SLICE_FMT
                              "\", want at most %d terms KEY=VALUE with commas "
                              "between, such as model=minilm,learning_rate=3e-5",
                              SLICE_ARG(slice_sub(text, 0, 80)), (int)MAX_TERMS);
        }
        FilterTerm *term = &filter->terms[filter->n++];
        term->key = slice_trim(slice_sub(text, 0, equals));
        term->value = slice_trim(slice_sub(text, equals + 1, text.len));
        term->pattern = arena_cstr(&suite->arena, term->value);
        if (!term->pattern) return error_set_memory(err, text.len, 1, "a filter");
        TRY(check_key(at, term->key, err));
    }
    return STATUS_OK;
}

static Status match_name(const Filter *filter, const char *key, Slice name, Arena *arena,
                         bool *matches, Error *err)
{
    const char *text = arena_cstr(arena, name);
    bool is_asked = false, is_met = false;
    if (!text) return error_set_memory(err, name.len, 1, "a filter");
    for (size_t i = 0; i < filter->n; i++) {
        if (!slice_eq_cstr(filter->terms[i].key, key)) continue;
        is_asked = true;
        is_met = is_met || fnmatch(filter->terms[i].pattern, text, 0) == 0;
    }
    *matches = is_met || !is_asked;
    return STATUS_OK;
}

// Numbers are equal by value ("1e-5" is 0.00001), all else as text.
static bool value_equals(const Json *value, Slice wanted)
{
    double number;
    if (!value) return slice_eq_cstr(wanted, "");
    switch (json_kind(value)) {
    case JSON_NUMBER:
        return slice_to_double(wanted, &number) && json_double(value) >= number &&
               json_double(value) <= number;
    case JSON_STRING:
        return slice_eq(json_string(value), wanted);
    case JSON_BOOL:
        return slice_eq_cstr(wanted, json_bool(value) ? "true" : "false");
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

static bool is_setting_key(Slice key)
{
    return section_key(&section_tune, key) != NULL;
}

// Every key of tune that the filter names is met by one of its terms.
static bool setting_matches(const Filter *filter, const Json *setting)
{
    for (size_t i = 0; i < filter->n; i++) {
        const Slice key = filter->terms[i].key;
        bool is_met = !is_setting_key(key);
        for (size_t j = 0; j < filter->n && !is_met; j++) {
            const SuiteKey *row = section_key(&section_tune, key);
            is_met = slice_eq(filter->terms[j].key, key) &&
                     value_equals(json_get(setting, row->name), filter->terms[j].value);
        }
        if (!is_met) return false;
    }
    return true;
}

static Status filter_settings(const Filter *filter, Suite *suite, SuiteModel *model, Error *err)
{
    TuneSetting *kept = NULL;
    size_t n = 0;
    TRY(arena_take(&suite->arena, model->n_settings, sizeof *kept, "settings", &kept, err));
    for (size_t i = 0; i < model->n_settings; i++) {
        JsonDocument *setting = NULL;
        TRY(json_parse(SLICE("setting"), model->settings[i].json, JSON_STRICT, &setting, err));
        if (setting_matches(filter, json_root(setting))) kept[n++] = model->settings[i];
        json_close(&setting);
    }
    model->settings = kept;
    model->n_settings = n;
    return STATUS_OK;
}

static Status filter_fold(const Json *at, const Filter *filter, Suite *suite, Error *err)
{
    for (size_t i = 0; i < filter->n; i++) {
        uint64_t fold;
        if (!slice_eq_cstr(filter->terms[i].key, "fold")) continue;
        if (suite->only_fold >= 0) return json_error(at, err, "a filter names one fold at most");
        if (!slice_to_u64(filter->terms[i].value, &fold) || fold >= suite->folds.k) {
            return json_error(at, err, "found fold " SLICE_FMT ", but the suite has %zu, from 0",
                              SLICE_ARG(filter->terms[i].value), suite->folds.k);
        }
        suite->only_fold = (int)fold;
    }
    return STATUS_OK;
}

static Status filter_models(const Filter *filter, Suite *suite, Error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < suite->n_models; i++) {
        SuiteModel model = suite->models[i];
        bool matches = false;
        TRY(match_name(filter, "model", model.name, &suite->arena, &matches, err));
        if (!matches) continue;
        TRY(filter_settings(filter, suite, &model, err));
        if (model.n_settings > 0) suite->models[n++] = model;
    }
    suite->n_models = n;
    return STATUS_OK;
}

static Status filter_tasks(const Filter *filter, Suite *suite, Error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < suite->n_tasks; i++) {
        bool matches = false;
        TRY(match_name(filter, "task", suite->tasks[i].name, &suite->arena, &matches, err));
        if (matches) suite->tasks[n++] = suite->tasks[i];
    }
    suite->n_tasks = n;
    return STATUS_OK;
}

// Who learns from a model that is tuned here cannot do without it.
static Status check_teachers(const Json *at, const Suite *suite, Error *err)
{
    for (size_t m = 0; m < suite->n_models; m++) {
        for (size_t i = 0; i < suite->models[m].n_settings; i++) {
            const TuneSetting *setting = &suite->models[m].settings[i];
            if (!setting->teacher_is_tuned || suite_tuned_teacher(suite, setting) != SIZE_MAX)
                continue;
            return json_error(at, err,
                              "the filter leaves out \"" SLICE_FMT "\", from which \"" SLICE_FMT
                              "\" learns",
                              SLICE_ARG(setting->teacher), SLICE_ARG(suite->models[m].name));
        }
    }
    return STATUS_OK;
}

Status suite_apply_filter(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    const Json *at = json_get(root, "filter");
    Filter filter = {0};
    if (suite->filter.len == 0) return STATUS_OK;
    TRY(parse_terms(at, suite, &filter, err));
    TRY(filter_fold(at, &filter, suite, err));
    TRY(filter_models(&filter, suite, err));
    TRY(filter_tasks(&filter, suite, err));
    TRY(check_teachers(at, suite, err));
    if (suite->n_models > 0 && suite->n_tasks > 0) return STATUS_OK;
    return json_error(at, err, "nothing of the suite is left by the filter \"" SLICE_FMT "\"",
                      SLICE_ARG(suite->filter));
}
