#include "metrics/preferences.h"

#include "metrics/classes.h"

Status preferences_check_setup(const MetricSetup *setup, Error *err)
{
    TRY(classes_check_setup(setup, 2, err));
    if (setup->n_labels <= MAX_SYSTEMS) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%zu systems are too many: at most %d", setup->n_labels,
                     (int)MAX_SYSTEMS);
}

Status preferences_system(const MetricSetup *setup, size_t *system, Error *err)
{
    *system = 0;
    const Json *value = json_get(setup->params, "system");
    if (value == NULL || json_kind(value) == JSON_NULL) return STATUS_OK;
    Slice name;
    TRY(json_as_string(value, &name, err));
    for (size_t s = 0; s < setup->n_labels; s++) {
        if (!slice_eq(setup->labels[s], name)) continue;
        *system = s;
        return STATUS_OK;
    }
    return json_error(value, err, "\"" SLICE_FMT "\" is none of the %zu systems", SLICE_ARG(name),
                      setup->n_labels);
}

static Status check_system(const MetricSetup *setup, int32_t system, const char *what, Error *err)
{
    if (system >= 0 && (size_t)system < setup->n_labels) return STATUS_OK;
    if (system == ITEM_NO_LABEL) return error_set(err, STATUS_INVALID, "has no %s system", what);
    return error_set(err, STATUS_INVALID, "%s system %d is none of the %zu systems", what,
                     (int)system, setup->n_labels);
}

Status preferences_check_item(const MetricSetup *setup, const Item *item, Error *err)
{
    const double p = item->preference;
    TRY(check_system(setup, item->first_system, "first", err));
    TRY(check_system(setup, item->second_system, "second", err));
    if (item->first_system == item->second_system) {
        return error_set(err, STATUS_INVALID, "compares " SLICE_FMT " with itself",
                         SLICE_ARG(setup->labels[item->first_system]));
    }
    if (p == 0 || p == 0.5 || p == 1) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "has the preference %g: must be 1 (the first won), 0.5 (a tie) or 0", p);
}

Status preferences_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                       Error *err)
{
    (void)scratch;
    TRY(preferences_check_item(&plan->setup, item, err));
    row[0] = item->first_system;
    row[1] = item->second_system;
    row[2] = item->preference;
    return STATUS_OK;
}
