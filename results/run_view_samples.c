// results/run_view_samples.c: what the outputs of the judged trials say: confusions, worst samples, latencies.
#include <math.h>

#include "base/size.h"
#include "results/badness.h"
#include "results/keep.h"
#include "results/run_view_internal.h"

bool view_is_judged(const ViewTrial *trial)
{
    if (trial->status != TRIAL_DONE) return false;
    return trial->role == TRIAL_BASELINE || trial->role == TRIAL_SINGLE ||
           (trial->role == TRIAL_OUTER && trial->is_chosen);
}

// How bad an answer is: the probability of the reference; for texts how much they have in common with it.
typedef struct Candidate {
    double badness_key; // ascending is worse
    uint32_t ordinal;
    int32_t predicted;
    Slice text, explanation;
    double p_reference, p_predicted;
    int32_t outer_fold;
} Candidate;

typedef struct Judging {
    ViewBuild *build;
    int model, task;
    StoredDataset dataset;
    Slice dataset_key;
    uint64_t *counts;
    uint64_t n_samples, n_labelled;
    Candidate *worst; // sorted, at most n_worst
    size_t n_worst;
} Judging;

static Candidate candidate_of(const TrialOutput *output, const StoredSample *sample,
                              int32_t outer_fold)
{
    Candidate c = {.ordinal = output->ordinal,
                   .predicted = output->label,
                   .text = output->text,
                   .explanation = output->explanation,
                   .p_reference = NAN,
                   .p_predicted = NAN,
                   .outer_fold = outer_fold};
    const size_t n = output->n_probabilities;
    if (sample->label >= 0 && (size_t)sample->label < n)
        c.p_reference = (double)output->probabilities[sample->label];
    if (output->label >= 0 && (size_t)output->label < n)
        c.p_predicted = (double)output->probabilities[output->label];
    c.badness_key = answer_badness(output, sample->label, sample->reference);
    return c;
}

static bool is_worse(const Candidate *a, const Candidate *b)
{
    return a->badness_key != b->badness_key ? a->badness_key < b->badness_key
                                            : a->ordinal < b->ordinal;
}

static void drop(Judging *judging, size_t at)
{
    memmove(&judging->worst[at], &judging->worst[at + 1],
            (--judging->n_worst - at) * sizeof *judging->worst);
}

// Insertion into a short sorted list; a sample judged under several seeds stays once, at its worst.
static void consider(Judging *judging, const Candidate *c)
{
    const size_t limit = judging->build->n_worst;
    for (size_t i = 0; i < judging->n_worst; i++) {
        if (judging->worst[i].ordinal != c->ordinal) continue;
        if (!is_worse(c, &judging->worst[i])) return;
        drop(judging, i);
        break;
    }
    size_t at = judging->n_worst;
    while (at > 0 && is_worse(c, &judging->worst[at - 1])) at--;
    if (at >= limit) return;
    if (judging->n_worst == limit) judging->n_worst--;
    memmove(&judging->worst[at + 1], &judging->worst[at],
            (judging->n_worst - at) * sizeof *judging->worst);
    judging->worst[at] = *c;
    judging->n_worst++;
}

static Status judge_trial(Judging *judging, const ViewTrial *planned, Error *err)
{
    ViewBuild *build = judging->build;
    Trial trial;
    TRY(store_get_trial(build->store, &build->scratch, planned->id, TRIAL_OUTPUTS, &trial, err));
    if (trial.dataset_key.len == 0) return STATUS_OK;
    if (!slice_eq(trial.dataset_key, judging->dataset_key)) {
        if (judging->dataset_key.len > 0)
            return STATUS_OK; // folds of one task share their data; the first one counts
        TRY(store_get_dataset(build->store, &build->scratch, trial.dataset_key, &judging->dataset,
                              err));
        judging->dataset_key = trial.dataset_key;
        size_t n_cells = 0;
        if (!size_mul(judging->dataset.n_labels, judging->dataset.n_labels + 1, &n_cells))
            return error_set(err, STATUS_INVALID, "a data set of %zu labels",
                             judging->dataset.n_labels);
        TRY(arena_take(&build->view->arena, n_cells, sizeof *judging->counts, "a confusion matrix",
                       &judging->counts, err));
    }
    const size_t n_labels = judging->dataset.n_labels;
    for (size_t i = 0; i < trial.n_outputs; i++) {
        const TrialOutput *output = &trial.outputs[i];
        if (output->ordinal >= judging->dataset.n_samples) continue;
        const StoredSample *sample = &judging->dataset.samples[output->ordinal];
        const Candidate c = candidate_of(output, sample, planned->outer_fold);
        consider(judging, &c);
        judging->n_samples++;
        if (sample->label < 0 || (size_t)sample->label >= n_labels) continue;
        judging->n_labelled++;
        const bool answers = output->label >= 0 && (size_t)output->label < n_labels;
        const size_t column = answers ? (size_t)output->label : n_labels;
        judging->counts[(size_t)sample->label * (n_labels + 1) + column]++;
    }
    return STATUS_OK;
}

static void keep_worst(Judging *judging)
{
    RunView *view = judging->build->view;
    bool *failed = &judging->build->out_of_memory;
    const StoredDataset *dataset = &judging->dataset;
    for (size_t i = 0; i < judging->n_worst; i++) {
        const Candidate *c = &judging->worst[i];
        const StoredSample *sample = &dataset->samples[c->ordinal];
        const bool has_label = c->predicted >= 0 && (size_t)c->predicted < dataset->n_labels;
        const Slice predicted = c->text.ptr != NULL ? c->text
                                : has_label         ? dataset->labels[c->predicted]
                                                    : SLICE("(no answer)");
        const bool has_gold = sample->label >= 0 && (size_t)sample->label < dataset->n_labels;
        view->worst[view->n_worst++] = (ViewWorst){
            .model = judging->model,
            .task = judging->task,
            .sample_id = keep_text(&view->arena, sample->id, failed),
            .input = keep_text(&view->arena, sample->input, failed),
            .pair = keep_text(&view->arena, sample->pair, failed),
            .reference =
                keep_text(&view->arena,
                          has_gold ? dataset->labels[sample->label] : sample->reference, failed),
            .predicted = keep_text(&view->arena, predicted, failed),
            .p_reference = c->p_reference,
            .p_predicted = c->p_predicted,
            .explanation = keep_text(&view->arena, c->explanation, failed),
            .outer_fold = c->outer_fold,
        };
    }
}

static Status judge_model(ViewBuild *build, int model, int task, Error *err)
{
    RunView *view = build->view;
    Judging judging = {.build = build, .model = model, .task = task};
    TRY(arena_take(&build->scratch, build->n_worst + 1, sizeof *judging.worst, "worst samples",
                   &judging.worst, err));
    for (size_t i = 0; i < view->n_trials; i++) {
        const ViewTrial *trial = &view->trials[i];
        if (trial->model != model || trial->task != task || !view_is_judged(trial)) continue;
        TRY(judge_trial(&judging, trial, err));
    }
    if (judging.n_samples == 0) return STATUS_OK;
    if (judging.dataset.n_labels > 0 && judging.n_labelled > 0) {
        view->confusions[view->n_confusions++] =
            (ViewConfusion){.model = model,
                            .task = task,
                            .n_labels = judging.dataset.n_labels,
                            .counts = judging.counts,
                            .n_samples = judging.n_samples};
    }
    if (!view->models[model].is_baseline)
        keep_worst(&judging); // a baseline's mistakes teach nothing
    return STATUS_OK;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The median over samples of a setting's trials, inner ones included: time does not care what a trial is for.
static Status measure_latency(ViewBuild *build, ViewCost *cost, Error *err)
{
    RunView *view = build->view;
    Buffer values = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < view->n_trials; i++) {
        const ViewTrial *planned = &view->trials[i];
        if (planned->status != TRIAL_DONE || planned->model != cost->model ||
            planned->task != cost->task || planned->setting != cost->setting)
            continue;
        const ArenaMark mark = arena_mark(&build->scratch);
        Trial trial = {0};
        s = store_get_trial(build->store, &build->scratch, planned->id, TRIAL_OUTPUTS, &trial, err);
        for (size_t j = 0; s == STATUS_OK && j < trial.n_outputs; j++) {
            const int64_t latency_ns = trial.outputs[j].latency_ns;
            if (latency_ns == STORE_NO_TIME) continue;
            buffer_append(&values, (Slice){(const char *)&latency_ns, sizeof latency_ns});
        }
        arena_rewind(&build->scratch, mark);
    }
    if (s == STATUS_OK) s = buffer_status(&values, err);
    const size_t n = values.len / sizeof(int64_t);
    cost->latency_median_ns = STORE_NO_TIME;
    if (s == STATUS_OK && n > 0) {
        int64_t *sorted = (int64_t *)(void *)values.ptr; // malloc's memory: aligned for any type
        qsort(sorted, n, sizeof *sorted, ascending);
        cost->latency_median_ns = sorted[n / 2];
    }
    buffer_release(&values);
    return s;
}

Status view_read_samples(ViewBuild *build, Error *err)
{
    RunView *view = build->view;
    const size_t n_pairs = view->n_models * view->n_tasks;
    TRY(arena_take(&view->arena, n_pairs, sizeof *view->confusions, "confusion matrices",
                   &view->confusions, err));
    TRY(arena_take(&view->arena, n_pairs * build->n_worst, sizeof *view->worst, "worst samples",
                   &view->worst, err));
    for (size_t t = 0; t < view->n_tasks; t++) {
        for (size_t m = 0; m < view->n_models; m++) {
            const ArenaMark mark = arena_mark(&build->scratch);
            const Status s = judge_model(build, (int)m, (int)t, err);
            arena_rewind(&build->scratch, mark);
            TRY(s);
        }
    }
    for (size_t i = 0; i < view->n_costs; i++) TRY(measure_latency(build, &view->costs[i], err));
    return STATUS_OK;
}
