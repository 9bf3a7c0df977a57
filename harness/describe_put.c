// What a run would do, for people and for programs.

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "harness/describe_internal.h"

static void put_checks_text(const Describing *d, Buffer *out)
{
    for (size_t i = 0; i < d->n_checks; i++) {
        const CheckRow *row = &d->checks[i];
        if (i == 0 || !slice_eq(row->task, d->checks[i - 1].task))
            buffer_printf(out, "data of " SLICE_FMT ":\n", SLICE_ARG(row->task));
        buffer_printf(out, "  %-14.*s %-28.*s " SLICE_FMT "\n", (int)row->section.len,
                      row->section.ptr, (int)row->item.len, row->item.ptr, SLICE_ARG(row->value));
    }
    for (size_t i = 0; i < d->n_notes; i++)
        buffer_printf(out, "%s" SLICE_FMT "\n",
                      d->notes[i].level == NOTE_WARNING ? "warning: " : "note: ",
                      SLICE_ARG(d->notes[i].text));
}

static void put_checks_json(const Describing *d, JsonWriter *w)
{
    json_member_array(w, "data_checks");
    for (size_t i = 0; i < d->n_checks; i++) {
        const CheckRow *row = &d->checks[i];
        json_begin_object(w);
        json_member_string(w, "task", row->task);
        json_member_string(w, "section", row->section);
        json_member_string(w, "item", row->item);
        json_member_string(w, "value", row->value);
        json_member_cstr(w, "level", row->level == NOTE_WARNING ? "warning" : "info");
        json_end_object(w);
    }
    json_end_array(w);
    json_member_array(w, "notes");
    for (size_t i = 0; i < d->n_notes; i++) {
        json_begin_object(w);
        json_member_cstr(w, "level", d->notes[i].level == NOTE_WARNING ? "warning" : "info");
        json_member_string(w, "text", d->notes[i].text);
        json_end_object(w);
    }
    json_end_array(w);
}

static const char *state_name(const PlannedTrial *trial)
{
    if (trial->state == PLANNED_DONE) return "cached";
    if (trial->state != PLANNED_BLOCKED) return "to run";
    if (trial->awaits_teacher) return "waits for its teacher";
    return trial->spec.role == TRIAL_AFTER ? "waits for the winner" : "waits for the choice";
}

// What stands for a setting that is not chosen yet.
static const char *open_name(const TrialSpec *spec)
{
    if (spec->role == TRIAL_INNER) return "one that goes on";
    return spec->role == TRIAL_EXPLORE ? "another setting"
           : spec->role == TRIAL_AFTER ? "a step on the winner"
                                       : "winner";
}

static void put_trial_text(const Run *run, const PlannedTrial *trial, Buffer *out)
{
    Arena scratch = {0};
    TrialSpec spec = trial->spec;
    const bool is_open = spec.setting < 0 && spec.model != NO_MODEL;
    if (is_open) spec.setting = 0;
    const Slice title = trial_title(run->suite, &spec, &scratch);
    Slice shown = title;
    if (is_open) { // without the settings, which are not known
        const SuiteModel *model = &run->suite->models[spec.model];
        char *text =
            spec.outer_fold == STORE_NO_FOLD
                ? arena_printf(&scratch, SLICE_FMT " on " SLICE_FMT ", %s", SLICE_ARG(model->name),
                               SLICE_ARG(run->suite->tasks[spec.task].name), open_name(&spec))
                : arena_printf(&scratch, SLICE_FMT " on " SLICE_FMT ", fold %d, %s",
                               SLICE_ARG(model->name), SLICE_ARG(run->suite->tasks[spec.task].name),
                               spec.outer_fold, open_name(&spec));
        if (text) shown = slice_from_cstr(text);
    }
    char rung[64] = "";
    if (spec.model != NO_MODEL && run->suite->models[spec.model].n_rungs > 1 &&
        spec.role == TRIAL_INNER)
        snprintf(rung, sizeof rung, ", rung %zu of %zu", trial->rung + 1,
                 run->suite->models[spec.model].n_rungs);
    buffer_printf(out, "  %-9s %-20s " SLICE_FMT "%s\n", trial_role_name(trial->spec.role),
                  state_name(trial), SLICE_ARG(shown), rung);
    arena_release(&scratch);
}

void describe_put_text(const Describing *d, Buffer *out)
{
    const Run *run = &d->run;
    const Suite *suite = run->suite;
    const size_t n_cached = plan_count(&run->plan, PLANNED_DONE);
    char duration[CLOCK_TEXT_SIZE];
    buffer_printf(out, "suite " SLICE_FMT ": %zu trials, %zu cached\n", SLICE_ARG(suite->name),
                  run->plan.n_trials, n_cached);
    for (size_t model = 0; model < suite->n_models; model++) {
        const size_t start = out->len;
        suite_describe_search(suite, model, out);
        if (out->len > start) buffer_append_byte(out, '\n');
    }
    for (size_t i = 0; i < run->plan.n_trials; i++) put_trial_text(run, &run->plan.trials[i], out);
    for (size_t model = 0; model < suite->n_models; model++) {
        for (size_t task = 0; task < suite->n_tasks; task++) {
            const PairEstimate *pair = &d->pairs[model * suite->n_tasks + task];
            if (pair->tokens_per_s <= 0) continue;
            clock_format_duration((int64_t)(pair->seconds * 1e9), duration);
            buffer_printf(out,
                          SLICE_FMT " on " SLICE_FMT
                                    ": about %s at %.0f tokens/s forward, %.0f MiB a trial\n",
                          SLICE_ARG(suite->models[model].name), SLICE_ARG(suite->tasks[task].name),
                          duration, pair->tokens_per_s, (double)pair->memory_bytes / 1048576.0);
        }
    }
    put_checks_text(d, out);
    clock_format_duration((int64_t)(d->seconds * 1e9), duration);
    const size_t n_jobs = size_max(run->options->n_jobs, 1);
    buffer_printf(out, "in all about %s with %zu job%s of %zu thread%s, %.0f MiB of memory\n",
                  duration, n_jobs, n_jobs > 1 ? "s" : "", run->n_threads,
                  run->n_threads > 1 ? "s" : "", (double)d->memory_bytes / 1048576.0);
}

static void put_trial_json(const Run *run, const PlannedTrial *trial, JsonWriter *w)
{
    const TrialSpec *spec = &trial->spec;
    const bool is_model = spec->model != NO_MODEL;
    json_begin_object(w);
    json_member_string(w, "model", plan_model_name(&run->plan, spec->model, spec->task));
    json_member_string(w, "task", run->suite->tasks[spec->task].name);
    json_member_cstr(w, "role", trial_role_name(spec->role));
    json_member_i64(w, "outer_fold", spec->outer_fold);
    json_member_i64(w, "inner_fold", spec->inner_fold);
    json_member_u64(w, "seed", spec->seed);
    json_put_key(w, "setting");
    if (is_model && spec->setting >= 0)
        json_put_raw(w, run->suite->models[spec->model].settings[spec->setting].json);
    else
        json_put_null(w);
    json_put_key(w, "id");
    if (trial->id.len > 0)
        json_put_string(w, trial->id);
    else
        json_put_null(w);
    json_member_cstr(w, "state", state_name(trial));
    json_end_object(w);
}

void describe_put_json(const Describing *d, Buffer *out)
{
    const Run *run = &d->run;
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    json_member_string(&w, "suite", run->suite->name);
    json_member_u64(&w, "cached", plan_count(&run->plan, PLANNED_DONE));
    json_member_double(&w, "estimated_seconds", d->seconds);
    json_member_u64(&w, "memory_bytes", d->memory_bytes);
    json_member_array(&w, "trials");
    for (size_t i = 0; i < run->plan.n_trials; i++) put_trial_json(run, &run->plan.trials[i], &w);
    json_end_array(&w);
    put_checks_json(d, &w);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}
