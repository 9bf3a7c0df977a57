// harness/prepare_samples.c: which samples of a task's parts are held out, and which a trial learns from, watches and is judged on.
#include <math.h>

#include "datasets/splits.h"
#include "harness/family.h"
#include "harness/prepare.h"

// ---- what is held out ----

DataPart judged_part(const Suite *suite, size_t task)
{
    const SuiteTask *t = &suite->tasks[task];
    return t->test ? PART_TEST : t->valid ? PART_VALID : PART_TRAIN;
}

// A valid file serves the choice where there are no folds and test is there to be judged on.
static bool has_valid_file(const Suite *suite, size_t task)
{
    const SuiteTask *t = &suite->tasks[task];
    return suite->folds.k == 0 && t->valid && t->test;
}

// With nothing to choose or to stop, one training part is best used whole.
static bool needs_inner(const Suite *suite, const SuiteModel *m, size_t task)
{
    bool needed =
        suite->folds.k > 0 || m->n_settings > 1 || suite->tasks[task].tunes_null_threshold;
    for (size_t i = 0; i < m->n_settings; i++)
        needed = needed || m->settings[i].monitor != MONITOR_NONE;
    return needed;
}

// Who learns from a model that is tuned here does so on the same samples.
static bool is_taught_by(const Suite *suite, const SuiteModel *learner, size_t teacher)
{
    for (size_t i = 0; i < learner->n_settings; i++) {
        if (suite_tuned_teacher(suite, &learner->settings[i]) == teacher) return true;
    }
    return false;
}

bool holds_inner(const Suite *suite, size_t model, size_t task)
{
    const SuiteModel *m = &suite->models[model];
    const SuiteFolds *folds = &suite->folds;
    if (!m->does_tune) return false;
    if (has_valid_file(suite, task)) return true;
    if (folds->inner_share <= 0 && folds->inner_folds == 0) return false;
    bool needed = needs_inner(suite, m, task);
    for (size_t i = 0; i < suite->n_models && !needed; i++) {
        const SuiteModel *other = &suite->models[i];
        if (is_taught_by(suite, m, i) || is_taught_by(suite, other, model))
            needed = needs_inner(suite, other, task);
    }
    return needed;
}

size_t inner_trials(const Suite *suite, size_t model, size_t task)
{
    if (!holds_inner(suite, model, task) || has_valid_file(suite, task)) return 1;
    return suite->folds.inner_folds > 0 ? suite->folds.inner_folds : 1;
}

bool watches_part(const Suite *suite, size_t model, size_t task)
{
    if (!suite->models[model].does_tune) return has_valid_file(suite, task);
    return holds_inner(suite, model, task) && !refits_winner(suite, model, task);
}

bool refits_winner(const Suite *suite, size_t model, size_t task)
{
    return holds_inner(suite, model, task) &&
           (suite->folds.refit || inner_trials(suite, model, task) > 1);
}

FoldKind prepared_fold_kind(const Prepared *prepared, size_t task)
{
    const Family *family = prepared->tasks[task].family;
    const FoldKind kind = prepared->suite->folds.kind;
    if (family->is_stratified) return kind;
    if (kind == FOLDS_STRATIFIED) return family->has_label_set ? FOLDS_LABEL_SETS : FOLDS_PLAIN;
    if (kind == FOLDS_STRATIFIED_GROUPED)
        return family->has_label_set ? FOLDS_LABEL_SETS_GROUPED : FOLDS_GROUPED;
    return kind;
}

// ---- the samples of a trial ----

typedef struct Split {
    const Prepared *prepared;
    const TrialSpec *spec;
    Arena *arena;
    const UsedPart *train;
    size_t *pool, n_pool; // positions of the training part: what is not in the outer fold
} Split;

static Status take_positions(Arena *arena, size_t n, size_t **out, Error *err)
{
    return arena_take(arena, n, sizeof **out, "positions", out, err);
}

static Status split_outer(Split *split, TrialSamples *out, Error *err)
{
    const TaskData *data = &split->prepared->tasks[split->spec->task];
    const bool is_cut = data->fold && split->spec->outer_fold != STORE_NO_FOLD;
    size_t *judged = NULL;
    TRY(take_positions(split->arena, split->train->n, &split->pool, err));
    TRY(take_positions(split->arena, split->train->n, &judged, err));
    for (size_t i = 0; i < split->train->n; i++) {
        if (is_cut && data->fold[i] == split->spec->outer_fold)
            judged[out->n_judged++] = i;
        else
            split->pool[split->n_pool++] = i;
    }
    out->judged_part = PART_TRAIN;
    out->judged = judged;
    return STATUS_OK;
}

// Of what may be learnt from, the subset that the setting asks for.
static Status take_subset(Split *split, Error *err)
{
    const TrialSpec *spec = split->spec;
    const Suite *suite = split->prepared->suite;
    if (spec->model == NO_MODEL || !suite->models[spec->model].does_tune) return STATUS_OK;
    const double wanted = suite->models[spec->model].settings[spec->setting].train_samples;
    const size_t n_pool = split->n_pool;
    size_t *which = NULL, *chosen = NULL, n_chosen = 0, at = 0;
    if (wanted <= 0) return STATUS_OK;
    const double n = wanted < 1 ? round(wanted * (double)n_pool) : wanted;
    TRY(take_positions(split->arena, n_pool, &which, err));
    TRY(take_positions(split->arena, n_pool, &chosen, err));
    for (size_t i = 0; i < n_pool; i++) which[i] = split->train->which[split->pool[i]];
    TRY(subset_choose_nested(&split->train->data, which, n_pool, n < 1 ? 1 : (size_t)n, suite->seed,
                             chosen, &n_chosen, err));
    for (size_t i = 0; i < n_pool && at < n_chosen; i++) { // both ascend
        if (which[i] != chosen[at]) continue;
        split->pool[at++] = split->pool[i];
    }
    split->n_pool = at;
    return STATUS_OK;
}

static Status whole_part(const UsedPart *part, Arena *arena, size_t **out, size_t *n, Error *err)
{
    TRY(take_positions(arena, part->n, out, err));
    for (size_t i = 0; i < part->n; i++) (*out)[i] = i;
    *n = part->n;
    return STATUS_OK;
}

// held[i]: whether position pool[i] is kept from tuning.
static Status hold_inner(const Split *split, int32_t inner_fold, bool *held, Error *err)
{
    const Suite *suite = split->prepared->suite;
    const SuiteFolds *folds = &suite->folds;
    const FoldKind kind = prepared_fold_kind(split->prepared, split->spec->task);
    const bool has_label_sets = kind == FOLDS_LABEL_SETS || kind == FOLDS_LABEL_SETS_GROUPED;
    const bool is_grouped = kind == FOLDS_GROUPED || kind == FOLDS_STRATIFIED_GROUPED ||
                            kind == FOLDS_LABEL_SETS_GROUPED;
    const bool is_plain = kind != FOLDS_STRATIFIED && kind != FOLDS_STRATIFIED_GROUPED;
    size_t *which = NULL;
    TRY(take_positions(split->arena, split->n_pool, &which, err));
    for (size_t i = 0; i < split->n_pool; i++) which[i] = split->train->which[split->pool[i]];
    if (inner_fold == STORE_NO_FOLD || folds->inner_folds == 0) {
        const HoldoutOptions options = {.share = folds->inner_share,
                                        .seed = suite->seed,
                                        .is_plain = is_plain,
                                        .is_grouped = is_grouped,
                                        .has_label_sets = has_label_sets};
        return holdout_assign(&split->train->data, which, split->n_pool, &options, held, err);
    }
    int32_t *fold = NULL;
    const FoldOptions options = {.kind = kind,
                                 .k = folds->inner_folds,
                                 .seed = suite->seed,
                                 .file_order = folds->file_order,
                                 .allow_rare = folds->allow_rare};
    TRY(arena_take(split->arena, split->n_pool, sizeof *fold, "folds", &fold, err));
    TRY(folds_assign(&split->train->data, which, split->n_pool, &options, fold, err));
    for (size_t i = 0; i < split->n_pool; i++) held[i] = fold[i] == inner_fold;
    return STATUS_OK;
}

static Status split_inner(Split *split, TrialSamples *out, Error *err)
{
    const TrialSpec *spec = split->spec;
    const TaskData *data = &split->prepared->tasks[spec->task];
    bool *held = NULL;
    out->watched_part = PART_TRAIN;
    if (has_valid_file(split->prepared->suite, spec->task)) {
        out->train = split->pool;
        out->n_train = split->n_pool;
        out->watched_part = PART_VALID;
        return whole_part(&data->parts[PART_VALID], split->arena, &out->watched, &out->n_watched,
                          err);
    }
    TRY(arena_take(split->arena, split->n_pool, sizeof *held, "positions", &held, err));
    TRY(hold_inner(split, spec->inner_fold, held, err));
    TRY(take_positions(split->arena, split->n_pool, &out->train, err));
    TRY(take_positions(split->arena, split->n_pool, &out->watched, err));
    for (size_t i = 0; i < split->n_pool; i++) {
        if (held[i])
            out->watched[out->n_watched++] = split->pool[i];
        else
            out->train[out->n_train++] = split->pool[i];
    }
    return STATUS_OK;
}

Status trial_samples(const Prepared *prepared, const TrialSpec *spec, Arena *arena,
                     TrialSamples *out, Error *err)
{
    const Suite *suite = prepared->suite;
    const TaskData *data = &prepared->tasks[spec->task];
    Split split = {
        .prepared = prepared, .spec = spec, .arena = arena, .train = &data->parts[PART_TRAIN]};
    *out = (TrialSamples){.watched_part = PART_TRAIN};
    TRY(split_outer(&split, out, err));
    TRY(take_subset(&split, err));
    out->n_labelled = split.n_pool;
    const bool is_tuned = spec->model != NO_MODEL && suite->models[spec->model].does_tune;
    const bool is_inner =
        is_tuned && spec->role != TRIAL_FINAL &&
        holds_inner(suite, (size_t)spec->model, spec->task) &&
        (spec->role == TRIAL_INNER || !refits_winner(suite, (size_t)spec->model, spec->task));
    if (is_inner) {
        TRY(split_inner(&split, out, err));
    } else if (is_tuned || spec->model == NO_MODEL) {
        out->train = split.pool;
        out->n_train = split.n_pool;
    }
    if (spec->role == TRIAL_FINAL) return STATUS_OK;
    if (!is_tuned && spec->model != NO_MODEL && suite->tasks[spec->task].tunes_null_threshold) {
        out->watched_part = PART_VALID;
        TRY(whole_part(&data->parts[PART_VALID], arena, &out->watched, &out->n_watched, err));
    }
    if (spec->role == TRIAL_INNER) {
        out->judged_part = out->watched_part;
        out->judged = out->watched;
        out->n_judged = out->n_watched;
    } else if (spec->outer_fold == STORE_NO_FOLD) {
        out->judged_part = judged_part(suite, spec->task);
        return whole_part(&data->parts[out->judged_part], arena, &out->judged, &out->n_judged, err);
    }
    return STATUS_OK;
}
