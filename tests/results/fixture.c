#include "tests/results/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/philox.h"
#include "results/manifest.h"
#include "results/store_internal.h"
#include "tests/results/fixture_internal.h"

void fixture_check(Status s, const Error *err)
{
    cr_assert_eq(s, STATUS_OK, "%s", err->text);
}

Status fixture_numbers(Store *store, const char *sql, double *out, int n, Error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
    for (int i = 0; rc == SQLITE_ROW && i < n; i++) out[i] = sqlite3_column_double(stmt, i);
    const Status s = rc == SQLITE_ROW ? STATUS_OK : store_error(store, rc, err, sql);
    sqlite3_finalize(stmt);
    return s;
}

static void put_failed(Fixture *f, const RunTrial *planned)
{
    Error err = {0};
    const Trial failed = {.id = planned->trial_id,
                          .setting = planned->setting,
                          .dataset_key = f->dataset.key,
                          .folds_key = slice_from_cstr(f->folds_key),
                          .role = planned->role,
                          .outer_fold = planned->outer_fold,
                          .inner_fold = planned->inner_fold,
                          .seed = planned->seed,
                          .status = TRIAL_FAILED,
                          .best_step = -1,
                          .error = SLICE("loss became NaN at step 37 with learning rate 4.2e-05")};
    fixture_check(store_put_trial(f->store, &failed, &err), &err);
}

static void put_trial(Fixture *f, const RunTrial *planned, int model, int setting)
{
    Error err = {0};
    if (f->options->with_failure && planned->role == TRIAL_INNER && model == 1 &&
        planned->outer_fold == 2 && setting == 5) {
        put_failed(f, planned);
        return;
    }
    Judged judged;
    fixture_judge(f, model, planned->outer_fold, setting, planned->role == TRIAL_INNER, &judged);
    TrialCurve curves[5];
    const size_t n_curves =
        model < 0 ? 0 : fixture_curves(f, model, planned->outer_fold, setting, curves);
    const TrialMetric metrics[] = {
        {SLICE("accuracy"), {0}, SLICE("accuracy|version:1"), 2, judged.hits},
        {SLICE("f1"), {0}, SLICE("f1|version:1"), 2, judged.answers},
    };
    Philox rng = philox_stream(f->seed + 99, f->n_plan);
    const int64_t train_ns =
        model < 0 ? 0
                  : (int64_t)((model == 0 ? 7.5e9 : 3.1e9) * (1 + 0.1 * philox_double(&rng)) *
                              (setting % 2 ? 0.86 : 1));
    const TrialCost cost = {.started_unix_ns = 1790000000000000000 + f->options->time_offset_ns,
                            .wall_ns = train_ns + 400000000,
                            .cpu_ns = 2 * train_ns,
                            .train_ns = train_ns,
                            .evaluate_ns = 400000000,
                            .n_train_tokens = model < 0 ? 0 : 90210,
                            .n_evaluate_tokens = 2650,
                            .peak_rss_bytes = model == 0 ? 734003200 : 367001600,
                            .load_average = 0.4,
                            .device = SLICE("cpu"),
                            .n_threads = 2,
                            .machine = SLICE("{}")};
    const Trial trial = {.id = planned->trial_id,
                         .identity = planned->setting,
                         .setting = planned->setting,
                         .dataset_key = f->dataset.key,
                         .folds_key = slice_from_cstr(f->folds_key),
                         .role = planned->role,
                         .outer_fold = planned->outer_fold,
                         .inner_fold = planned->inner_fold,
                         .seed = planned->seed,
                         .status = TRIAL_DONE,
                         .best_step = model < 0 ? -1 : 60,
                         .outputs = judged.outputs,
                         .n_outputs = judged.n,
                         .metrics = metrics,
                         .n_metrics = 2,
                         .scores = judged.scores,
                         .n_scores = 2,
                         .curves = curves,
                         .n_curves = n_curves,
                         .cost = &cost};
    fixture_check(store_put_trial(f->store, &trial, &err), &err);
}

static void plan(Fixture *f, TrialRole role, int model, int fold, int setting)
{
    RunTrial *trial = &f->plan[f->n_plan++];
    char *id = ARENA_NEW(&f->arena, char, SHA256_HEX_SIZE);
    *trial =
        (RunTrial){.model = slice_from_cstr(model < 0 ? f->models[N_MODELS] : f->models[model]),
                   .task = SLICE("reviews"),
                   .setting = setting < 0 ? SLICE("{}") : fixture_setting(f, setting),
                   .role = role,
                   .outer_fold = fold,
                   .inner_fold = role == TRIAL_INNER ? 0 : STORE_NO_FOLD,
                   .seed = f->seed,
                   .is_chosen = model >= 0 && setting == f->chosen[model][fold]};
    const char *text = arena_printf(&f->arena, "%d %d %d %d %llu %zu %g %s %d", role, model, fold,
                                    setting, (unsigned long long)f->seed, f->n, f->options->skill,
                                    f->options->class_name ? f->options->class_name : "",
                                    f->options->with_failure);
    sha256_of(slice_from_cstr(text), id);
    trial->trial_id = slice_from_cstr(id);
}

static int setting_of(Fixture *f, Slice json)
{
    for (int s = 0; s < N_SETTINGS; s++) {
        if (slice_eq(fixture_setting(f, s), json)) return s;
    }
    return -1;
}

static void choose(Fixture *f)
{
    for (int m = 0; m < N_MODELS; m++) {
        for (int fold = 0; fold < N_FOLDS; fold++) {
            for (int s = 0; s < N_SETTINGS; s++) {
                Judged judged;
                fixture_judge(f, m, fold, s, true, &judged);
                f->inner[m][fold][s] = judged.scores[0].estimate;
                if (f->inner[m][fold][s] > f->inner[m][fold][f->chosen[m][fold]])
                    f->chosen[m][fold] = s;
            }
        }
    }
}

static RunScore pooled(const Fixture *f, int model, Slice setting, TrialRole role,
                       const StoredScore *score, uint32_t n_trials)
{
    return (RunScore){.model = slice_from_cstr(model < 0 ? f->models[N_MODELS] : f->models[model]),
                      .task = SLICE("reviews"),
                      .setting = setting,
                      .role = role,
                      .score = *score,
                      .n_folds = N_FOLDS,
                      .n_seeds = 1,
                      .n_trials = n_trials};
}

static void put_run_scores(Fixture *f, Slice run_id)
{
    RunScore scores[128];
    size_t n = 0;
    for (int m = N_MODELS - 1; m >= -1; m--) {
        double hits = 0, total = 0, counts[N_CLASSES][N_CLASSES] = {{0}};
        for (int fold = 0; fold < N_FOLDS; fold++) {
            Judged judged;
            fixture_judge(f, m, fold, m < 0 ? 0 : f->chosen[m][fold], false, &judged);
            hits += judged.scores[0].estimate * (double)judged.n;
            total += (double)judged.n;
            for (int i = 0; i < N_CLASSES * N_CLASSES; i++)
                counts[i / 3][i % 3] += judged.counts[i / 3][i % 3];
        }
        StoredScore score;
        fixture_accuracy(hits, total, &score);
        scores[n++] = pooled(f, m, m < 0 ? SLICE("{}") : (Slice){0},
                             m < 0 ? TRIAL_BASELINE : TRIAL_OUTER, &score, N_FOLDS);
        fixture_f1(counts, total, &score);
        scores[n++] = pooled(f, m, m < 0 ? SLICE("{}") : (Slice){0},
                             m < 0 ? TRIAL_BASELINE : TRIAL_OUTER, &score, N_FOLDS);
        for (int s = 0; m >= 0 && s < N_SETTINGS; s++) {
            double mean = 0;
            for (int fold = 0; fold < N_FOLDS; fold++) mean += f->inner[m][fold][s] / N_FOLDS;
            fixture_accuracy(mean * 220, 220, &score);
            scores[n++] = pooled(f, m, fixture_setting(f, s), TRIAL_INNER, &score, N_FOLDS);
        }
    }
    Error err = {0};
    fixture_check(store_set_run_scores(f->store, run_id, scores, n, &err), &err);
}

static void put_remarks(Fixture *f, Slice run_id)
{
    const Slice task = SLICE("reviews");
    const CheckRow checks[] = {
        {task, SLICE("counts"), SLICE("train"), 500, SLICE("500"), NOTE_INFO},
        {task, SLICE("counts"), SLICE("each outer fold"), 100, SLICE("100"), NOTE_INFO},
        {task, SLICE("classes"), SLICE("positive"), 225, SLICE("225 (45.0%)"), NOTE_INFO},
        {task, SLICE("classes"), SLICE("neutral"), 100, SLICE("100 (20.0%)"), NOTE_INFO},
        {task, SLICE("classes"), f->dataset.labels[2], 175, SLICE("175 (35.0%)"), NOTE_INFO},
        {task, SLICE("lengths"), SLICE("median tokens"), 14, SLICE("14"), NOTE_INFO},
        {task, SLICE("lengths"), SLICE("longest"), 24, SLICE("24 tokens"), NOTE_INFO},
        {task, SLICE("lengths"), SLICE("truncated"), 0, SLICE("none"), NOTE_INFO},
        {task, SLICE("duplicates"), SLICE("equal inputs"), 212,
         SLICE("212 samples share their text with another; equal inputs share a fold"),
         NOTE_WARNING},
    };
    const RunNote notes[] = {
        {NOTE_WARNING,
         {0},
         SLICE(
             "42% of the samples share their text with another: the scores say little about new text")}};
    Error err = {0};
    fixture_check(
        store_set_data_checks(f->store, run_id, checks, sizeof checks / sizeof *checks, &err),
        &err);
    fixture_check(store_set_notes(f->store, run_id, notes, 1, &err), &err);
}

static void begin(Fixture *f, char run_id[RUN_ID_SIZE])
{
    static const char *const argv[] = {"assay", "run", "reviews.json", "--model",
                                       "minilm=models/mini lm"};
    const ManifestFile files[] = {
        {SLICE("model"), slice_from_cstr(f->models[0]), SLICE("models/mini lm"),
         slice_from_cstr(f->folds_key), 90868376},
        {SLICE("model"), SLICE("tiny"), SLICE("models/tiny"), slice_from_cstr(f->dataset_key),
         17500000},
        {SLICE("data"), SLICE("reviews/train"), SLICE("data/reviews.tsv"),
         slice_from_cstr(f->dataset_key), 41250},
    };
    const ManifestInput input = {
        .program_version = SLICE("0.1.0"),
        .numerics_version = SLICE("1"),
        .compute_dtype = SLICE("f32"),
        .device_kind = SLICE("cpu"),
        .device = SLICE("cpu"),
        .n_threads = 2,
        .n_jobs = 1,
        .files = files,
        .n_files = 3,
        .seeds = &f->seed,
        .n_seeds = 1,
        .argc = 5,
        .argv = argv,
        .settings = SLICE("{\"suite\":\"reviews\",\"folds\":{\"k\":5,\"inner\":0.1}}"),
        .unix_ns = 1790000000000000000 + f->options->time_offset_ns};
    Buffer identity = {0}, machine = {0};
    Error err = {0};
    fixture_check(manifest_write(&input, &identity, &machine, &err), &err);
    const RunRecord record = {
        .suite = slice_from_cstr(f->options->suite ? f->options->suite : "reviews"),
        .identity = slice_from_cstr(arena_printf(
            &f->arena, "{\"n\":%zu,\"seed\":%llu,\"skill\":%g,\"class\":%d}", f->n,
            (unsigned long long)f->seed, f->options->skill, f->options->class_name != NULL)),
        .settings = input.settings,
        .manifest = buffer_slice(&identity),
        .manifest_machine = buffer_slice(&machine),
        .primary_metric = SLICE("accuracy"),
        .started_unix_ns = 1790000000000000000 + f->options->time_offset_ns};
    bool resumed = false;
    fixture_check(store_begin_run(f->store, &record, run_id, &resumed, &err), &err);
    buffer_release(&identity);
    buffer_release(&machine);
}

static void make_plan(Fixture *f)
{
    for (int m = 0; m < N_MODELS; m++) {
        for (int fold = 0; fold < N_FOLDS; fold++) {
            for (int s = 0; s < N_SETTINGS; s++) plan(f, TRIAL_INNER, m, fold, s);
            plan(f, TRIAL_OUTER, m, fold, f->chosen[m][fold]);
        }
    }
    for (int fold = 0; fold < N_FOLDS; fold++) plan(f, TRIAL_BASELINE, -1, fold, -1);
}

void fixture_fill(Store *store, const FixtureOptions *options, char run_id[RUN_ID_SIZE])
{
    static const FixtureOptions defaults = {0};
    Fixture *f = calloc(1, sizeof *f);
    f->store = store;
    f->options = options ? options : &defaults;
    f->seed = f->options->seed ? f->options->seed : 17;
    f->n = f->options->n_samples ? f->options->n_samples : 500;
    f->models[0] = f->options->model_name ? f->options->model_name : "minilm";
    f->models[1] = "tiny";
    f->models[2] = "majority class";
    fixture_put_dataset(f);
    choose(f);
    begin(f, run_id);
    make_plan(f);
    Error err = {0};
    const Slice run = slice_from_cstr(run_id);
    fixture_check(store_set_plan(store, run, f->plan, f->n_plan, &err), &err);
    for (size_t i = 0; i < f->n_plan; i++) {
        if (f->options->stop_after && i >= f->options->stop_after) goto done;
        const RunTrial *trial = &f->plan[f->options->reversed ? f->n_plan - 1 - i : i];
        const int model = trial->role == TRIAL_BASELINE               ? -1
                          : slice_eq_cstr(trial->model, f->models[0]) ? 0
                                                                      : 1;
        const ArenaMark mark = arena_mark(&f->arena);
        put_trial(f, trial, model, setting_of(f, trial->setting));
        arena_rewind(&f->arena, mark);
    }
    put_run_scores(f, run);
    put_remarks(f, run);
    fixture_check(store_finish_run(store, run, SLICE("done"),
                                   1790000480000000000 + f->options->time_offset_ns, &err),
                  &err);
done:
    arena_release(&f->arena);
    free(f);
}
