// Suites of several labels at once and of numbers: learnt, chosen among, judged.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/runs.h"
#include "tests/support/folder.h"

// Words tell the labels, or their number the value.
static const char *table(bool has_labels)
{
    static char text[16384];
    size_t at = (size_t)snprintf(text, sizeof text, "text\tlabel\n");
    for (size_t i = 0; i < 80; i++) {
        const bool a = i % 2, b = i % 3 == 0;
        at += (size_t)snprintf(text + at, sizeof text - at, "word%zu %s %s item%zu\t", i % 7,
                               a ? "joy" : "plain", b ? "rage" : "calm", i);
        if (has_labels)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s%s\n", a ? "happy" : "",
                                   a && b ? "," : "", b ? "angry" : "");
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%.2f\n",
                                   (a ? 1.5 : -1.5) + (b ? 0.5 : 0));
    }
    return text;
}

static RunsSuite suite_of(bool has_labels, const char *task)
{
    static const char models[] =
        "[{\"name\": \"tiny\", \"create\": {\"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, "
        "\"intermediate_size\": 32, \"max_positions\": 24, \"vocab_size\": 120}}]";
    return (RunsSuite){
        .models = models,
        .train = table(has_labels),
        .task = task,
        .tune =
            "{\"learning_rate\": [0.01, 0.02], \"epochs\": 40, \"batch_size\": 8, \"dropout\": 0}",
        .metrics = has_labels ? "\"multilabel_f1\", \"multilabel_average_precision\", "
                                "\"subset_accuracy\""
                              : "\"pearson\", \"spearman\", \"mse\""};
}

Test(labels, are_learnt_and_judged_fold_by_fold)
{
    const RunsSuite suite = suite_of(true, ", \"family\": \"multilabel\"");
    const char *folder = runs_folder(&suite);
    Buffer export = runs_export(folder, NULL);
    const double f1 = runs_pooled(&export, "tiny", "multilabel_f1"),
                 whole = runs_pooled(&export, "tiny", "subset_accuracy");
    cr_expect_gt(f1, 0.8, "F1 %g", f1);
    cr_expect_gt(whole, 0.5, "subset accuracy %g", whole);
    cr_expect(strstr(export.ptr, "\"text\":\"angry, happy\""));
    cr_expect(strstr(export.ptr, "\"reference\":\"(none)\""));
    cr_expect(strstr(export.ptr, "multilabel_f1/class/angry"));
    buffer_release(&export);
    folder_remove(folder);
}

Test(labels, numbers_are_learnt_and_judged_fold_by_fold)
{
    const RunsSuite suite = suite_of(false, ", \"family\": \"regression\"");
    const char *folder = runs_folder(&suite);
    Buffer export = runs_export(folder, NULL);
    const double pearson = runs_pooled(&export, "tiny", "pearson"),
                 mse = runs_pooled(&export, "tiny", "mse");
    cr_expect_gt(pearson, 0.6, "pearson %g", pearson);
    cr_expect_lt(mse, 1.2, "mse %g", mse);
    cr_expect(strstr(export.ptr, "\"reference\":\"-1.50\""));
    buffer_release(&export);
    folder_remove(folder);
}

// What is for one class of several, and what holds no label or no number, is refused before anything is tuned.
Test(labels, what_does_not_fit_is_refused)
{
    static const struct {
        bool has_labels;
        const char *task, *tune, *says;
    } cases[] = {
        {true, ", \"family\": \"multilabel\"", "{\"class_weights\": \"balanced\"}",
         "\"class_weights\" is for models that give one class of several"},
        {false, ", \"family\": \"regression\"", "{\"label_smoothing\": [0, 0.1]}",
         "\"label_smoothing\" is for models"},
        {true, ", \"family\": \"multilabel\"", "{\"balance\": {\"by\": \"class\"}}",
         "samples of a \"multilabel\" task have no class"},
        {true, ", \"family\": \"regression\"", NULL, "in the label's place, want a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        RunResult result = {0};
        RunsSuite suite = suite_of(cases[i].has_labels, cases[i].task);
        if (cases[i].tune) suite.tune = cases[i].tune;
        if (strstr(cases[i].task, "regression")) suite.metrics = "\"pearson\"";
        const char *folder = runs_folder(&suite);
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID, "case %zu", i);
        cr_expect(strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
        folder_remove(folder);
    }
}
