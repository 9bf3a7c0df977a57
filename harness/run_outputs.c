// harness/run_outputs.c: what models wrote, looked through for personal data once all trials have ended.
#include "harness/check_rows.h"
#include "harness/family.h"
#include "harness/run_internal.h"

// Every judged answer of a model to a task that is a text of its own.
static Status count_outputs(const Run *run, int model, size_t task, PersonalCounts *counts,
                            Error *err)
{
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < run->plan.n_trials; i++) {
        const PlannedTrial *planned = &run->plan.trials[i];
        const TrialRole role = planned->spec.role;
        Trial trial = {0};
        if (planned->spec.model != model || planned->spec.task != task ||
            planned->state != PLANNED_DONE || role == TRIAL_INNER || role == TRIAL_FINAL)
            continue;
        const ArenaMark mark = arena_mark(&scratch);
        s = store_get_trial(run->store, &scratch, planned->id, TRIAL_OUTPUTS, &trial, err);
        for (size_t k = 0; s == STATUS_OK && k < trial.n_outputs; k++) {
            if (trial.outputs[k].text.ptr) personal_count_text(trial.outputs[k].text, counts);
        }
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}

// What a run has of something, and what comes to it.
typedef struct Found {
    CheckRow *rows;
    size_t n_rows;
    RunNote *notes;
    size_t n_notes;
} Found;

static Status add_found(const Run *run, int model, size_t task, const PersonalCounts *counts,
                        Arena *arena, Found *found, Error *err)
{
    const Slice name = run->suite->models[model].name, of = run->suite->tasks[task].name;
    CheckRows rows = {.arena = arena, .task = of};
    const char *item = arena_printf(arena, "outputs of " SLICE_FMT, SLICE_ARG(name));
    if (item == NULL) return error_set_memory(err, name.len, 1, "a name");
    check_add_personal(slice_from_cstr(item), counts, "outputs", &rows);
    TRY(check_rows_status(&rows, err));
    TRY(arena_grow(arena, found->n_rows, found->n_rows + 1, sizeof *found->rows, "rows",
                   &found->rows, err));
    found->rows[found->n_rows++] = rows.rows[0];
    if (counts->n_any == 0) return STATUS_OK;
    const Slice what = check_personal_note(counts, "outputs", arena);
    const char *text = arena_printf(arena, SLICE_FMT ", outputs of " SLICE_FMT ": " SLICE_FMT,
                                    SLICE_ARG(of), SLICE_ARG(name), SLICE_ARG(what));
    if (text == NULL || what.ptr == NULL) return error_set_memory(err, 1, name.len, "a note");
    TRY(arena_grow(arena, found->n_notes, found->n_notes + 1, sizeof *found->notes, "notes",
                   &found->notes, err));
    found->notes[found->n_notes++] =
        (RunNote){.level = NOTE_WARNING, .text = slice_from_cstr(text)};
    return STATUS_OK;
}

// Whether answers to a task are texts, which a run that was stopped has not looked through yet.
static bool is_due(const Run *run, size_t task, const Found *found)
{
    const SuiteTask *t = &run->suite->tasks[task];
    const Family *family = family_find(t->family);
    if (family->has_tags || (family->reference == NULL && !t->prompt.is_given)) return false;
    for (size_t i = 0; i < found->n_rows; i++) {
        if (slice_eq(found->rows[i].task, t->name) &&
            slice_starts_with(found->rows[i].item, SLICE("outputs of ")))
            return false;
    }
    return true;
}

static Status look_through(const Run *run, Arena *arena, Found *found, Error *err)
{
    for (size_t task = 0; task < run->suite->n_tasks; task++) {
        if (!is_due(run, task, found)) continue;
        for (size_t model = 0; model < run->suite->n_models; model++) {
            PersonalCounts counts = {0};
            TRY(count_outputs(run, (int)model, task, &counts, err));
            if (counts.n_samples == 0) continue;
            TRY(add_found(run, (int)model, task, &counts, arena, found, err));
        }
    }
    return STATUS_OK;
}

Status run_record_outputs(Run *run, Error *err)
{
    Arena scratch = {0};
    Found found = {0};
    const Slice id = slice_from_cstr(run->result->run_id);
    Status s = store_get_data_checks(run->store, &scratch, id, &found.rows, &found.n_rows, err);
    if (s == STATUS_OK)
        s = store_get_notes(run->store, &scratch, id, &found.notes, &found.n_notes, err);
    const size_t n_rows = found.n_rows;
    if (s == STATUS_OK) s = look_through(run, &scratch, &found, err);
    if (s == STATUS_OK && found.n_rows > n_rows) {
        s = store_set_data_checks(run->store, id, found.rows, found.n_rows, err);
        if (s == STATUS_OK) s = store_set_notes(run->store, id, found.notes, found.n_notes, err);
    }
    arena_release(&scratch);
    return s;
}
