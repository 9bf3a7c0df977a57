// Samples, what models answer to them, and how they learn: all made up from the seed.
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "tests/results/fixture_internal.h"

static const double learning_rates[] = {1e-5, 3e-5, 5e-5};
static const int batch_sizes[] = {16, 32};

Slice fixture_setting(Fixture *f, int setting)
{
    return slice_from_cstr(arena_printf(&f->arena,
                                        "{\"batch_size\":%d,\"epochs\":3,\"learning_rate\":%s}",
                                        batch_sizes[setting % 2],
                                        setting / 2 == 0   ? "1e-05"
                                        : setting / 2 == 1 ? "3e-05"
                                                           : "5e-05"));
}

void fixture_put_dataset(Fixture *f)
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
    fixture_check(store_put_dataset(f->store, &f->dataset, &err), &err);
    fixture_check(store_put_folds(f->store, slice_from_cstr(f->folds_key), f->dataset.key, N_FOLDS,
                                  f->folds, f->n, &err),
                  &err);
}

void fixture_accuracy(double hits, double n, StoredScore *score)
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

void fixture_f1(const double counts[N_CLASSES][N_CLASSES], double n, StoredScore *score)
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

void fixture_judge(Fixture *f, int model, int fold, int setting, bool inner, Judged *out)
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
    fixture_accuracy(hits, (double)out->n, &out->scores[0]);
    fixture_f1(out->counts, (double)out->n, &out->scores[1]);
}

size_t fixture_curves(Fixture *f, int model, int fold, int setting, TrialCurve *curves)
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
