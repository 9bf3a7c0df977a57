// How settings come from the tune block: search, rungs of halving, points of the learning curve.
#include <math.h>

#include "base/size.h"
#include "harness/suite/suite_internal.h"

// ---- reading ----

Status tune_read_samples(const Json *value, Arena *arena, void *target, Error *err)
{
    (void)arena;
    TuneSetting *setting = target;
    double number;
    TRY(json_as_double(value, 1e-6, 1e9, &number, err));
    if (number >= 1 && (number < 2 || number != floor(number))) {
        return json_error(value, err,
                          "found " SLICE_FMT
                          ", want a share of the training part below 1, or a whole number of "
                          "samples from 2",
                          SLICE_ARG(json_number_text(value)));
    }
    setting->train_samples = number;
    return STATUS_OK;
}

void tune_write_samples(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->train_samples <= 0) return;
    json_member_double(w, key, setting->train_samples);
}

void tune_write_until(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    if (setting->until_epoch <= 0) return;
    json_member_double(w, key, setting->until_epoch);
}

static Status read_curve(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    const Json *list = NULL;
    double *points = NULL;
    TRY(json_opt_kind(root, "learning_curve", JSON_ARRAY, &list, err));
    if (!list) return STATUS_OK;
    if (json_len(list) == 0) return json_error(list, err, "the curve needs at least one point");
    TRY(arena_take(&suite->arena, json_len(list), sizeof *points, "a learning curve", &points,
                   err));
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        TuneSetting point = {0};
        double number;
        TRY(json_as_double(v, 1e-6, 1e9, &number, err));
        if (number == 1) continue; // the whole: it is always there
        TRY(tune_read_samples(v, &suite->arena, &point, err));
        for (size_t i = 0; i < suite->n_curve; i++) {
            if (points[i] == point.train_samples)
                return json_error(v, err, "the point stands twice");
        }
        points[suite->n_curve++] = point.train_samples;
    }
    suite->curve = points;
    return STATUS_OK;
}

Status suite_read_search(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    SuiteSearch *search = &suite->search;
    const Json *object = NULL;
    section_defaults(&section_search, search);
    search->seed = suite->seed;
    TRY(read_curve(reading, root, err));
    TRY(json_opt_kind(root, "search", JSON_OBJECT, &object, err));
    if (!object) return STATUS_OK;
    TRY(section_read(&section_search, object, &suite->arena, search, err));
    if (search->kind == SEARCH_RANDOM && search->n_trials == 0)
        return json_error(object, err, "a random search needs \"trials\": how many to draw");
    if (search->kind == SEARCH_GRID && search->n_trials > 0) {
        return json_error(json_get(object, "trials"), err,
                          "a grid tries all combinations: take \"kind\": \"random\" to draw some");
    }
    if (search->min_epochs > 0 && search->min_steps > 0)
        return json_error(object, err, "give min_epochs or min_steps, not both");
    static const char *const of_halving[] = {"eta", "min_epochs", "min_steps"};
    for (size_t i = 0; i < 3 && search->kind != SEARCH_HALVING; i++) {
        const Json *value = json_get(object, of_halving[i]);
        if (value) return json_error(value, err, "this is for \"kind\": \"halving\"");
    }
    return STATUS_OK;
}

// ---- rungs ----

static const SuiteRung whole_budget = {0};

// Epochs or steps of the longest setting; all must count the same way as the search does.
static Status longest_budget(const SuiteModel *model, bool in_steps, const Json *at, double *out,
                             Error *err)
{
    *out = 0;
    for (size_t i = 0; i < model->n_settings; i++) {
        const TuneSetting *setting = &model->settings[i];
        if ((setting->max_steps > 0) != in_steps) {
            return json_error(at, err,
                              "halving counts in %s here, but setting %zu of \"" SLICE_FMT
                              "\" in %s: min_epochs goes with epochs, min_steps with max_steps",
                              in_steps ? "steps" : "epochs", i + 1, SLICE_ARG(model->name),
                              in_steps ? "epochs" : "steps");
        }
        if (setting->until_epoch > 0 || setting->until_step > 0)
            return json_error(at, err, "halving itself sets until_epoch and until_step");
        *out = fmax(*out, in_steps ? (double)setting->max_steps : setting->epochs);
    }
    return STATUS_OK;
}

// Rung k has n / eta^k settings and min * eta^k of budget; the last has one setting, or the whole budget.
static Status make_rungs(Suite *suite, SuiteModel *model, const Json *at, Error *err)
{
    const SuiteSearch *search = &suite->search;
    const bool in_steps = search->min_steps > 0;
    const double first = in_steps                 ? (double)search->min_steps
                         : search->min_epochs > 0 ? search->min_epochs
                                                  : 1;
    double longest = 0;
    size_t n = model->n_settings;
    SuiteRung *rungs = NULL;
    enum { MAX_RUNGS = 64 }; // eta is at least 1.5, settings at most 10,000
    model->rungs = &whole_budget;
    model->n_rungs = 1;
    TRY(arena_take(&suite->arena, MAX_RUNGS, sizeof *rungs, "rungs", &rungs, err));
    if (search->kind == SEARCH_HALVING && model->does_tune) {
        TRY(longest_budget(model, in_steps, at, &longest, err));
        if (first >= longest) {
            return json_error(at, err,
                              "the first rung's budget of %g %s is the whole of \"" SLICE_FMT
                              "\"'s: there is nothing to halve",
                              first, in_steps ? "steps" : "epochs", SLICE_ARG(model->name));
        }
    }
    model->n_rungs = 0;
    for (double budget = first;
         n > 1 && budget < longest * (1 - 1e-9) && model->n_rungs + 1 < MAX_RUNGS;
         budget *= search->eta) {
        rungs[model->n_rungs++] = (SuiteRung){.n_settings = n,
                                              .epochs = in_steps ? 0 : budget,
                                              .steps = in_steps ? (uint64_t)ceil(budget) : 0};
        // n / eta^k, not rounded on the way
        n = (size_t)((double)model->n_settings / pow(search->eta, (double)model->n_rungs) + 1e-9);
        n = n > 0 ? n : 1;
    }
    rungs[model->n_rungs++] = (SuiteRung){.n_settings = n};
    model->rungs = rungs;
    return STATUS_OK;
}

size_t suite_setting(const Suite *suite, size_t model, size_t point, size_t rung, size_t setting)
{
    const SuiteModel *m = &suite->models[model];
    const size_t from_last = m->n_rungs - 1 - rung;
    return (point * m->n_rungs + from_last) * m->n_settings + setting;
}

size_t suite_after_setting(const Suite *suite, size_t model, size_t after, size_t setting)
{
    const SuiteModel *m = &suite->models[model];
    return ((suite->n_curve + 1) * m->n_rungs + after) * m->n_settings + setting;
}

size_t suite_before_setting(const Suite *suite, size_t model, size_t setting)
{
    const size_t first = suite_after_setting(suite, model, 0, 0);
    return setting < first ? setting : setting % suite->models[model].n_settings;
}

size_t suite_n_settings(const Suite *suite, size_t model)
{
    const SuiteModel *m = &suite->models[model];
    return suite_after_setting(suite, model, m->does_tune ? suite->n_after : 0, 0);
}

static Status make_variants(Suite *suite, size_t index, const Json *at, Error *err)
{
    SuiteModel *model = &suite->models[index];
    TuneSetting *all = NULL;
    size_t n = 0;
    const size_t n_after = model->does_tune ? suite->n_after : 0;
    if (!size_mul(suite->n_curve + 1, model->n_rungs, &n) || !size_add(n, n_after, &n) ||
        !size_mul(n, model->n_settings, &n) || n > SUITE_MAX_SETTINGS * 64UL)
        return json_error(at, err, "settings, rungs and points of the curve are too many");
    TRY(arena_take(&suite->arena, n, sizeof *all, "settings", &all, err));
    for (size_t point = 0; point <= suite->n_curve; point++) {
        for (size_t rung = 0; rung < model->n_rungs; rung++) {
            for (size_t i = 0; i < model->n_settings; i++) {
                TuneSetting *setting = &all[suite_setting(suite, index, point, rung, i)];
                *setting = model->settings[i];
                if (point == 0 && rung + 1 == model->n_rungs) continue;
                setting->until_epoch = model->rungs[rung].epochs;
                setting->until_step = model->rungs[rung].steps;
                if (point > 0) setting->train_samples = suite->curve[point - 1];
                TRY(tune_write_canonical(setting, &suite->arena, err));
            }
        }
    }
    for (size_t after = 0; after < n_after; after++) {
        for (size_t i = 0; i < model->n_settings; i++) {
            TuneSetting *setting = &all[suite_after_setting(suite, index, after, i)];
            *setting = model->settings[i];
            TRY(suite_take_after(suite, after, setting, &suite->arena, err));
        }
    }
    model->settings = all;
    return STATUS_OK;
}

Status suite_expand_settings(const SuiteReading *reading, const Json *root, Error *err)
{
    Suite *suite = reading->suite;
    const Json *search = json_get(root, "search"), *curve = json_get(root, "learning_curve");
    bool does_tune = reading->without_files && suite->n_models == 0;
    for (size_t i = 0; i < suite->n_models; i++) {
        SuiteModel *model = &suite->models[i];
        does_tune = does_tune || model->does_tune;
        TRY(make_rungs(suite, model, search, err));
        for (size_t j = 0; j < model->n_settings && suite->n_curve > 0; j++) {
            if (model->settings[j].train_samples > 0)
                return json_error(curve, err,
                                  "the curve sets train_samples: leave it out of \"tune\"");
        }
        TRY(make_variants(suite, i, root, err));
    }
    if (does_tune) return STATUS_OK;
    if (suite->n_after > 0)
        return json_error(json_get(root, "after"), err,
                          "steps are of what was tuned: add a \"tune\" block");
    if (suite->n_curve > 0)
        return json_error(curve, err, "a learning curve is of tuning: add a \"tune\" block");
    if (suite->search.kind != SEARCH_GRID)
        return json_error(search, err, "a search is over a \"tune\" block: add one");
    return STATUS_OK;
}

void suite_describe_search(const Suite *suite, size_t model, Buffer *out)
{
    const SuiteModel *m = &suite->models[model];
    const SuiteSearch *search = &suite->search;
    if (search->kind == SEARCH_GRID || !m->does_tune) return;
    buffer_printf(out, SLICE_FMT ": %zu settings %s", SLICE_ARG(m->name), m->n_settings,
                  search->n_trials > 0 ? "drawn" : "of the grid");
    if (search->n_trials > 0)
        buffer_printf(out, " with seed %llu", (unsigned long long)search->seed);
    if (search->n_trials > m->n_settings)
        buffer_printf(out, " (%zu were asked for, no more were found)", search->n_trials);
    if (search->kind != SEARCH_HALVING) return;
    buffer_printf(out, "; halving by %g:", search->eta);
    for (size_t i = 0; i < m->n_rungs; i++) {
        const SuiteRung *rung = &m->rungs[i];
        buffer_printf(out, "%s %zu to ", i > 0 ? "," : "", rung->n_settings);
        if (rung->epochs > 0)
            buffer_printf(out, "epoch %g", rung->epochs);
        else if (rung->steps > 0)
            buffer_printf(out, "step %llu", (unsigned long long)rung->steps);
        else
            buffer_append_cstr(out, "the end");
    }
    buffer_append_cstr(out, ", each going on from where it stopped");
}
