#include "fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "results/manifest.h"
#include "results/store_internal.h"

enum { N_CLASSES = 3, N_FOLDS = 5, N_SETTINGS = 6, N_MODELS = 2, MAX_POINTS = 64 };

static const double learning_rates[] = {1e-5, 3e-5, 5e-5};
static const int batch_sizes[] = {16, 32};

typedef struct Fixture {
    Store *store;
    const FixtureOptions *options;
    Arena arena;
    uint64_t seed;
    size_t n;
    StoredDataset dataset;
    char dataset_key[SHA256_HEX_SIZE], folds_key[SHA256_HEX_SIZE];
    int32_t *folds;
    const char *models[N_MODELS + 1];
    RunTrial plan[512];
    size_t n_plan;
    double inner[N_MODELS][N_FOLDS][N_SETTINGS];
    int chosen[N_MODELS][N_FOLDS];
} Fixture;

static void check(Status s, const Error *err)
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

static Slice setting_json(Fixture *f, int setting)
{
    return slice_from_cstr(arena_printf(&f->arena,
                                        "{\"batch_size\":%d,\"epochs\":3,\"learning_rate\":%s}",
                                        batch_sizes[setting % 2],
                                        setting / 2 == 0   ? "1e-05"
                                        : setting / 2 == 1 ? "3e-05"
                                                           : "5e-05"));
}

static void make_dataset(Fixture *f)
{
    static const char *const openings[] = {"The plot", "Her acting", "The camera work",
                                           "This sequel", "The soundtrack"};
    static const char *const verbs[N_CLASSES][3] = {
        {"never fails to delight", "stays with you for days", "is a quiet triumph"},
        {"is what one expects", "passes without harm", "neither shines nor sinks"},
        {"drags from start to end", "is hardly worth the ticket", "falls apart in the second hour"},
    };
    static const char *const endings[] = {
        ", even on a second viewing", ", whatever the critics say",
        " & that is all there is <i>to say</i>", ", oddly enough", ""};
    static Slice labels[N_CLASSES];
    labels[0] = SLICE("positive");
    labels[1] = SLICE("neutral");
    labels[2] = slice_from_cstr(f->options->class_name ? f->options->class_name : "negative");
    StoredSample *samples = ARENA_NEW(&f->arena, StoredSample, f->n);
    f->folds = ARENA_NEW(&f->arena, int32_t, f->n);
    Philox rng = philox_stream(f->seed, 1);
    for (size_t i = 0; i < f->n; i++) {
        const double u = philox_double(&rng);
        const int label = u < 0.45 ? 0 : u < 0.65 ? 1 : 2;
        samples[i].id = slice_from_cstr(arena_printf(&f->arena, "review-%04zu", i));
        samples[i].input = slice_from_cstr(
            arena_printf(&f->arena, "%s %s%s.", openings[philox_below(&rng, 5)],
                         verbs[label][philox_below(&rng, 3)], endings[philox_below(&rng, 5)]));
        samples[i].label = label;
        samples[i].reference = labels[label];
        f->folds[i] = (int32_t)(i % N_FOLDS);
    }
    sha256_of(SLICE("data"), f->dataset_key);
    f->dataset_key[0] = (char)('0' + f->seed % 10);
    sha256_of(slice_from_cstr(
                  arena_printf(&f->arena, "folds %llu %zu", (unsigned long long)f->seed, f->n)),
              f->folds_key);
    const char *key = arena_printf(&f->arena, "data %llu %zu %s", (unsigned long long)f->seed, f->n,
                                   f->options->class_name ? f->options->class_name : "");
    sha256_of(slice_from_cstr(key), f->dataset_key);
    f->dataset = (StoredDataset){.key = slice_from_cstr(f->dataset_key),
                                 .name = SLICE("reviews-500"),
                                 .sha256 = slice_from_cstr(f->dataset_key),
                                 .labels = labels,
                                 .n_labels = N_CLASSES,
                                 .samples = samples,
                                 .n_samples = f->n};
    Error err = {0};
    check(store_put_dataset(f->store, &f->dataset, &err), &err);
    check(store_put_folds(f->store, slice_from_cstr(f->folds_key), f->dataset.key, N_FOLDS,
                          f->folds, f->n, &err),
          &err);
}

static void wilson(double hits, double n, StoredScore *score)
{
    const double z = 1.959963984540054, p = hits / n, d = 1 + z * z / n;
    const double center = (p + z * z / (2 * n)) / d,
                 half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d;
    *score = (StoredScore){.metric = SLICE("accuracy"),
                           .name = SLICE("accuracy"),
                           .estimate = p,
                           .lo = center - half,
                           .hi = center + half,
                           .level = 0.95,
                           .method = SLICE("wilson"),
                           .n = (uint64_t)n,
                           .direction = 1,
                           .lowest = 0,
                           .highest = 1};
}

static void f1_score(const double counts[N_CLASSES][N_CLASSES], double n, StoredScore *score)
{
    double macro = 0;
    for (int c = 0; c < N_CLASSES; c++) {
        double row = 0, column = 0;
        for (int d = 0; d < N_CLASSES; d++) {
            row += counts[c][d];
            column += counts[d][c];
        }
        macro += row + column > 0 ? 2 * counts[c][c] / (row + column) / N_CLASSES : 0;
    }
    const double half = 1.1 * sqrt(macro * (1 - macro) / n);
    *score = (StoredScore){.metric = SLICE("f1"),
                           .name = SLICE("f1/macro"),
                           .estimate = macro,
                           .lo = macro - 1.96 * half,
                           .hi = fmin(1, macro + 1.96 * half),
                           .level = 0.95,
                           .method = SLICE("bootstrap-percentile"),
                           .n = (uint64_t)n,
                           .direction = 1,
                           .lowest = 0,
                           .highest = 1};
}

// How often a model is right with a setting: a hill over the learning rates, a little better with small batches.
static double chance(const Fixture *f, int model, int setting)
{
    static const double by_rate[N_MODELS][3] = {{0.83, 0.885, 0.87}, {0.74, 0.79, 0.80}};
    return by_rate[model][setting / 2] - 0.012 * (setting % 2) + f->options->skill;
}

typedef struct Judged {
    TrialOutput *outputs;
    double *hits;
    double *answers; // rows [n, 2] of "f1": reference, predicted
    size_t n;
    StoredScore scores[2];
    double counts[N_CLASSES][N_CLASSES];
} Judged;

static void judge(Fixture *f, int model, int fold, int setting, bool inner, Judged *out)
{
    memset(out, 0, sizeof *out);
    out->outputs = ARENA_NEW(&f->arena, TrialOutput, f->n);
    out->hits = ARENA_NEW(&f->arena, double, f->n * 2);
    out->answers = ARENA_NEW(&f->arena, double, f->n * 2);
    double hits = 0;
    for (size_t i = 0; i < f->n; i++) {
        const bool is_outer = f->folds[i] == fold;
        if (inner ? is_outer || i % 9 != 0 : !is_outer) continue;
        const int label = f->dataset.samples[i].label;
        // Hard samples are hard for every model: the stream depends on the sample first.
        Philox shared = philox_stream(f->seed, 1000 + i),
               own = philox_stream(f->seed + 7 * (uint64_t)setting + 77 * (uint64_t)model, i);
        const double difficulty = 0.8 * philox_double(&shared) + 0.2 * philox_double(&own);
        const double p_right =
            model < 0 ? (label == 0) : difficulty < chance(f, model, setting) - 0.02;
        const int predicted = p_right > 0.5 ? label
                              : label == 1  ? (philox_double(&own) < 0.5 ? 0 : 2)
                              : label == 0 && philox_double(&own) < 0.3 ? 2
                                                                        : 1;
        float *p = ARENA_NEW(&f->arena, float, N_CLASSES);
        const float top = model < 0 ? 0.45f : (float)(0.5 + 0.49 * philox_double(&own));
        for (int c = 0; c < N_CLASSES; c++) p[c] = (1 - top) / 2;
        const int answer = model < 0 ? 0 : predicted;
        p[answer] = top;
        out->outputs[out->n] =
            (TrialOutput){.ordinal = (uint32_t)i,
                          .label = answer,
                          .probabilities = p,
                          .n_probabilities = N_CLASSES,
                          .latency_ns = model < 0 ? STORE_NO_TIME
                                                  : (int64_t)(3e6 + 1e6 * philox_double(&own)) +
                                                        f->options->time_offset_ns % 1000};
        out->hits[out->n * 2] = answer == label;
        out->hits[out->n * 2 + 1] = 1;
        out->answers[out->n * 2] = label;
        out->answers[out->n * 2 + 1] = answer;
        out->counts[label][answer]++;
        hits += answer == label;
        out->n++;
    }
    wilson(hits, (double)out->n, &out->scores[0]);
    f1_score(out->counts, (double)out->n, &out->scores[1]);
}

static size_t make_curves(Fixture *f, int model, int fold, int setting, TrialCurve *curves)
{
    static const char *const names[] = {"train/loss", "train/lr", "train/grad_norm",
                                        "validation/loss", "validation/accuracy"};
    Philox rng = philox_stream(f->seed + 13,
                               (uint64_t)model * 100 + (uint64_t)fold * 10 + (uint64_t)setting);
    const double rate = learning_rates[setting / 2];
    for (int series = 0; series < 5; series++) {
        const bool by_epoch = series >= 3;
        const size_t n = by_epoch ? 3 : 60;
        CurvePoint *points = ARENA_NEW(&f->arena, CurvePoint, n);
        for (size_t i = 0; i < n; i++) {
            const double t = by_epoch ? (double)(i + 1) / 3 : (double)i / 60;
            const double noise = 0.06 * philox_normal(&rng);
            double value = 0;
            if (series == 0) value = fmax(0.05, 1.09 * exp(-t * rate * 6e4) + 0.12 + noise);
            if (series == 1)
                value =
                    rate * (t < 0.06 ? t / 0.06 : 0.5 * (1 + cos(3.14159265 * (t - 0.06) / 0.94)));
            if (series == 2) value = fabs(2.2 - t + 4 * noise);
            if (series == 3)
                value = 1.05 * exp(-t * rate * 5e4) + 0.38 + (setting >= 4 && i == 2 ? 0.14 : 0) +
                        0.05 * noise;
            if (series == 4)
                value =
                    model < 0 ? 0 : chance(f, model, setting) - 0.1 * exp(-3 * t) + 0.05 * noise;
            points[i] =
                (CurvePoint){.step = by_epoch ? (int64_t)(i + 1) * 20 : (int64_t)i, .value = value};
        }
        curves[series] = (TrialCurve){slice_from_cstr(names[series]), points, n};
    }
    return 5;
}

static void put_trial(Fixture *f, const RunTrial *planned, int model, int setting)
{
    Error err = {0};
    if (f->options->with_failure && planned->role == TRIAL_INNER && model == 1 &&
        planned->outer_fold == 2 && setting == 5) {
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
                              .error =
                                  SLICE("loss became NaN at step 37 with learning rate 4.2e-05")};
        check(store_put_trial(f->store, &failed, &err), &err);
        return;
    }
    Judged judged;
    judge(f, model, planned->outer_fold, setting, planned->role == TRIAL_INNER, &judged);
    TrialCurve curves[5];
    const size_t n_curves =
        model < 0 ? 0 : make_curves(f, model, planned->outer_fold, setting, curves);
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
    check(store_put_trial(f->store, &trial, &err), &err);
}

static void plan(Fixture *f, TrialRole role, int model, int fold, int setting)
{
    RunTrial *trial = &f->plan[f->n_plan++];
    char *id = ARENA_NEW(&f->arena, char, SHA256_HEX_SIZE);
    *trial =
        (RunTrial){.model = slice_from_cstr(model < 0 ? f->models[N_MODELS] : f->models[model]),
                   .task = SLICE("reviews"),
                   .setting = setting < 0 ? SLICE("{}") : setting_json(f, setting),
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
        if (slice_eq(setting_json(f, s), json)) return s;
    }
    return -1;
}

static void choose(Fixture *f)
{
    for (int m = 0; m < N_MODELS; m++) {
        for (int fold = 0; fold < N_FOLDS; fold++) {
            for (int s = 0; s < N_SETTINGS; s++) {
                Judged judged;
                judge(f, m, fold, s, true, &judged);
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
            judge(f, m, fold, m < 0 ? 0 : f->chosen[m][fold], false, &judged);
            hits += judged.scores[0].estimate * (double)judged.n;
            total += (double)judged.n;
            for (int i = 0; i < N_CLASSES * N_CLASSES; i++)
                counts[i / 3][i % 3] += judged.counts[i / 3][i % 3];
        }
        StoredScore score;
        wilson(hits, total, &score);
        scores[n++] = pooled(f, m, m < 0 ? SLICE("{}") : (Slice){0},
                             m < 0 ? TRIAL_BASELINE : TRIAL_OUTER, &score, N_FOLDS);
        f1_score(counts, total, &score);
        scores[n++] = pooled(f, m, m < 0 ? SLICE("{}") : (Slice){0},
                             m < 0 ? TRIAL_BASELINE : TRIAL_OUTER, &score, N_FOLDS);
        for (int s = 0; m >= 0 && s < N_SETTINGS; s++) {
            double mean = 0;
            for (int fold = 0; fold < N_FOLDS; fold++) mean += f->inner[m][fold][s] / N_FOLDS;
            wilson(mean * 220, 220, &score);
            scores[n++] = pooled(f, m, setting_json(f, s), TRIAL_INNER, &score, N_FOLDS);
        }
    }
    Error err = {0};
    check(store_set_run_scores(f->store, run_id, scores, n, &err), &err);
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
    check(store_set_data_checks(f->store, run_id, checks, sizeof checks / sizeof *checks, &err),
          &err);
    check(store_set_notes(f->store, run_id, notes, 1, &err), &err);
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
    check(manifest_write(&input, &identity, &machine, &err), &err);
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
    check(store_begin_run(f->store, &record, run_id, &resumed, &err), &err);
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
    make_dataset(f);
    choose(f);
    begin(f, run_id);
    make_plan(f);
    Error err = {0};
    const Slice run = slice_from_cstr(run_id);
    check(store_set_plan(store, run, f->plan, f->n_plan, &err), &err);
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
    check(store_finish_run(store, run, SLICE("done"),
                           1790000480000000000 + f->options->time_offset_ns, &err),
          &err);
done:
    arena_release(&f->arena);
    free(f);
}
