// results/run_view_internal.h: the steps in which a view is built. Not for other rooms.
#ifndef ASSAY_RESULTS_RUN_VIEW_INTERNAL_H
#define ASSAY_RESULTS_RUN_VIEW_INTERNAL_H

#include "results/run_view.h"

typedef struct ViewBuild {
    RunView *view;
    Store *store;
    Slice primary_metric; // of the run
    size_t n_worst;
    Arena scratch;      // of one step
    bool out_of_memory; // a text could not be copied: the view fails
} ViewBuild;

// run_view_settings.c: parses a setting into pairs; then, with all settings known, axes and labels.
Status view_parse_setting(ViewBuild *build, ViewSetting *setting, Error *err);
Status view_find_axes(ViewBuild *build, Error *err);

// run_view_samples.c: confusions and worst samples of each (model, task), median latencies of each cost.
Status view_read_samples(ViewBuild *build, Error *err);

// run_view_findings.c: costs and gaps of each setting, and the notes that follow from them.
// Learning curves, from scores and trials.
Status view_find_points(ViewBuild *build, Error *err) MUST_CHECK;
// The step of a pooled score's JSON, {"after":"q8_0"}.
Slice view_step_of(ViewBuild *build, Slice setting);
// The train_samples of a setting's or point's JSON; 0 where it has none.
double view_point_of(Slice setting);
Status view_sum_costs(ViewBuild *build, Error *err);
Status view_measure_gaps(ViewBuild *build, Error *err);
Status view_add_notes(ViewBuild *build, Error *err);

// Whether a model is judged by this trial: chosen on an outer fold, single, or the baseline.
bool view_is_judged(const ViewTrial *trial);

#endif
