// results/report/tables.c: the tables about scores and samples.
#include <math.h>

#include "results/explained.h"
#include "results/report/tables.h"

static const char *direction_word(int direction)
{
    return direction > 0   ? "higher is better"
           : direction < 0 ? "lower is better"
                           : "neither higher nor lower is better";
}

// Whether a score has a column of its own: those of averages and classes ("f1/macro", "f1/class/good") stand in a table
// by themselves, or tables would be too wide to read.
static bool has_column(const ViewTask *task, size_t score)
{
    return score == 0 || slice_find_byte(task->scores[score], '/') == SIZE_MAX;
}

static void score_columns(TableBuild *b, const ViewTask *task)
{
    for (size_t i = 0; i < task->n_scores; i++) {
        if (has_column(task, i))
            table_column(b, task->scores[i], i == 0 ? COLUMN_NUMBER : COLUMN_DETAIL);
    }
}

// The direction of a score, which any model that has it knows; that of the primary where none has.
static int direction_of(const RunView *view, int task, Slice name)
{
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *score = run_view_headline(view, (int)m, task, name);
        if (score != NULL) return score->score.direction;
    }
    return view->tasks[task].direction;
}

// "accuracy, f1: higher is better; log_loss: lower is better", the primary's direction first.
static void put_directions(Buffer *out, const RunView *view, int task)
{
    const ViewTask *t = &view->tasks[task];
    const int first = t->direction, order[] = {first, first == 1 ? -1 : 1, first == 0 ? -1 : 0};
    for (size_t d = 0; d < 3; d++) {
        bool is_said = false;
        for (size_t i = 0; i < t->n_scores; i++) {
            if (!has_column(t, i) || direction_of(view, task, t->scores[i]) != order[d]) continue;
            buffer_append_cstr(out, is_said ? ", " : d > 0 ? "; " : "");
            buffer_append(out, t->scores[i]);
            is_said = true;
        }
        if (is_said) buffer_printf(out, ": %s", direction_word(order[d]));
    }
}

// What a model's headline was trained with.
static void setting_cell(TableBuild *b, const RunView *view, const ViewScore *headline, int model,
                         int task)
{
    size_t n_won = 0, n_folds = 0;
    const int best = run_view_best_setting(view, model, task, &n_won, &n_folds);
    if (view->models[model].is_baseline) {
        buffer_append_cstr(&b->text, "baseline");
    } else if (best != VIEW_NONE) {
        buffer_append(&b->text, view->settings_table[best].label);
        if (n_folds > 1) buffer_printf(&b->text, " (%zu of %zu folds)", n_won, n_folds);
    } else if (headline->setting != VIEW_NONE) {
        buffer_append(&b->text, view->settings_table[headline->setting].label);
    }
    table_cell(b);
}

Status table_scores(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "scores");
    const int best = run_view_best_model(view, task);
    table_title(&b, "Scores on " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("model"), COLUMN_WORD);
    table_column(&b, SLICE("setting"), COLUMN_WORD);
    score_columns(&b, t);
    table_column(&b, SLICE("samples"), COLUMN_NUMBER);
    table_column(&b, SLICE("folds"), COLUMN_DETAIL);
    table_column(&b, SLICE("seeds"), COLUMN_DETAIL);
    int row = 0;
    Slice method = {0};
    for (size_t m = 0; m < view->n_models; m++) {
        const ViewScore *headline = run_view_headline(view, (int)m, task, (Slice){0});
        if (headline == NULL) continue;
        if (method.len == 0) method = headline->score.method;
        if ((int)m == best) out->best_row = row;
        row++;
        table_cell_slice(&b, view->models[m].name);
        setting_cell(&b, view, headline, (int)m, task);
        for (size_t i = 0; i < t->n_scores; i++) {
            if (!has_column(t, i)) continue;
            const ViewScore *score = run_view_headline(view, (int)m, task, t->scores[i]);
            if (score != NULL) text_score(&b.text, &score->score);
            table_cell(&b);
        }
        buffer_append_count(&b.text, headline->score.n);
        table_cell(&b);
        table_cell_printf(&b, "%u", headline->n_folds);
        table_cell_printf(&b, "%u", headline->n_seeds);
    }
    put_directions(&b.text, view, task);
    table_note(&b,
               "Brackets: 95%% intervals (" SLICE_FMT ": " SLICE_FMT "). " SLICE_FMT
               ". Data: " SLICE_FMT
               ", %zu samples%s. Whether two models differ is a question for pairs of answers, not "
               "for overlapping intervals: assay compare.",
               SLICE_ARG(t->primary), SLICE_ARG(method), SLICE_ARG(buffer_slice(&b.text)),
               SLICE_ARG(t->dataset), t->n_samples, view->is_limited ? " (a limited sample)" : "");
    return table_end(&b, err);
}

Status table_averages(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "averages");
    table_title(&b, "Averages and classes, " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("score"), COLUMN_WORD);
    for (size_t m = 0; m < view->n_models; m++) {
        if (run_view_headline(view, (int)m, task, (Slice){0}) != NULL)
            table_column(&b, view->models[m].name, COLUMN_NUMBER);
    }
    for (size_t i = 0; i < t->n_scores; i++) {
        if (has_column(t, i)) continue;
        table_cell_slice(&b, t->scores[i]);
        for (size_t m = 0; m < view->n_models; m++) {
            if (run_view_headline(view, (int)m, task, (Slice){0}) == NULL) continue;
            const ViewScore *score = run_view_headline(view, (int)m, task, t->scores[i]);
            if (score != NULL) text_score(&b.text, &score->score);
            table_cell(&b);
        }
    }
    table_note(&b, "Brackets: 95%% intervals; the same answers as in the scores above.");
    return table_end(&b, err);
}

static const ViewTrial *next_judged(const RunView *view, size_t *i, int task)
{
    for (; *i < view->n_trials; (*i)++) {
        const ViewTrial *trial = &view->trials[*i];
        const bool is_judged = trial->role == TRIAL_BASELINE || trial->role == TRIAL_SINGLE ||
                               (trial->role == TRIAL_OUTER && trial->is_chosen);
        if (trial->task == task && is_judged) return &view->trials[(*i)++];
    }
    return NULL;
}

// Where each model was judged once there is nothing to tell apart.
static bool is_split(const RunView *view, int task)
{
    size_t i = 0;
    const ViewTrial *first = next_judged(view, &i, task);
    i = 0;
    for (const ViewTrial *trial; (trial = next_judged(view, &i, task)) != NULL;) {
        if (trial->outer_fold != STORE_NO_FOLD || trial->seed != first->seed) return true;
    }
    return false;
}

Status table_folds(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "folds");
    table_title(&b, "By fold, " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("model"), COLUMN_WORD);
    table_column(&b, SLICE("fold"), COLUMN_NUMBER);
    table_column(&b, SLICE("seed"), COLUMN_NUMBER);
    table_column(&b, SLICE("setting"), COLUMN_WORD);
    score_columns(&b, t);
    table_column(&b, SLICE("samples"), COLUMN_NUMBER);
    size_t i = is_split(view, task) ? 0 : view->n_trials;
    for (const ViewTrial *trial; (trial = next_judged(view, &i, task)) != NULL;) {
        table_cell_slice(&b, view->models[trial->model].name);
        if (trial->outer_fold != STORE_NO_FOLD) buffer_printf(&b.text, "%d", trial->outer_fold + 1);
        table_cell(&b);
        table_cell_printf(&b, "%llu", (unsigned long long)trial->seed);
        table_cell_slice(&b, trial->role == TRIAL_BASELINE
                                 ? SLICE("")
                                 : view->settings_table[trial->setting].label);
        uint64_t n = 0;
        for (size_t j = 0; j < t->n_scores; j++) {
            if (!has_column(t, j)) continue;
            const StoredScore *score = run_view_trial_score(trial, t->scores[j]);
            if (score != NULL) {
                text_score(&b.text, score);
                n = score->n;
            } else if (j == 0) {
                buffer_append_cstr(&b.text, trial->status == TRIAL_FAILED ? "failed" : "missing");
            }
            table_cell(&b);
        }
        if (n > 0) buffer_append_count(&b.text, n);
        table_cell(&b);
    }
    table_note(
        &b,
        "Each fold is judged by a model that never saw it; its setting was chosen on the other folds alone.");
    return table_end(&b, err);
}

Status table_confusion(const RunView *view, const ViewConfusion *confusion, Arena *arena,
                       ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[confusion->task];
    const size_t n = confusion->n_labels;
    TableBuild b = table_begin(out, arena, "confusion");
    table_title(&b, "Confusion matrix, " SLICE_FMT " on " SLICE_FMT,
                SLICE_ARG(view->models[confusion->model].name), SLICE_ARG(t->name));
    bool has_no_answer = false;
    for (size_t i = 0; i < n; i++)
        has_no_answer = has_no_answer || confusion->counts[i * (n + 1) + n] > 0;
    table_column(&b, SLICE("reference \\ predicted"), COLUMN_WORD);
    for (size_t i = 0; i < n; i++) table_column(&b, t->labels[i], COLUMN_NUMBER);
    if (has_no_answer) table_column(&b, SLICE("(no answer)"), COLUMN_NUMBER);
    table_column(&b, SLICE("recall"), COLUMN_NUMBER);
    for (size_t i = 0; i < n; i++) {
        const uint64_t *row = &confusion->counts[i * (n + 1)];
        uint64_t total = 0;
        for (size_t j = 0; j <= n; j++) total += row[j];
        table_cell_slice(&b, t->labels[i]);
        for (size_t j = 0; j < n + has_no_answer; j++) {
            buffer_append_count(&b.text, row[j]);
            table_cell(&b);
        }
        text_value(&b.text, total == 0 ? NAN : (double)row[i] / (double)total, 1);
        table_cell(&b);
    }
    table_note(&b, "Rows: reference, columns: predicted; %llu judged samples of " SLICE_FMT ".",
               (unsigned long long)confusion->n_samples, SLICE_ARG(t->dataset));
    return table_end(&b, err);
}

static void probability_cell(TableBuild *b, double p)
{
    if (!isnan(p)) buffer_printf(&b->text, "%.3f", p);
    table_cell(b);
}

// An answer that says nothing is one too: that there is no answer.
static void answer_cell(TableBuild *b, Slice answer)
{
    table_cell_slice(b, answer.len > 0 ? answer : SLICE("(none)"));
}

static bool has_probabilities(const RunView *view, int model, int task)
{
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        if (worst->model == model && worst->task == task &&
            !(isnan(worst->p_reference) && isnan(worst->p_predicted)))
            return true;
    }
    return false;
}

static bool has_explanations(const RunView *view, int model, int task)
{
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        if (worst->model == model && worst->task == task && worst->explanation.len > 0) return true;
    }
    return false;
}

// "positive: dull -0.41, warm +0.2": the words that an answer hangs on most.
static void explanation_cell(TableBuild *b, const ViewWorst *worst)
{
    enum { N_STRONGEST = 3 };
    Explained explained;
    Error ignored = {0};
    const bool is_there =
        worst->explanation.len > 0 && explained_parse(worst->explanation, worst->input, worst->pair,
                                                      b->arena, &explained, &ignored) == STATUS_OK;
    for (size_t i = 0; is_there && i < explained.n_answers; i++) {
        const ExplainedAnswer *answer = &explained.answers[i];
        size_t order[N_STRONGEST];
        const size_t n = explained_strongest(answer, N_STRONGEST, order);
        buffer_printf(&b->text, "%s" SLICE_FMT ":", i > 0 ? "; " : "",
                      SLICE_ARG(slice_sub(answer->about, 0, 60)));
        for (size_t k = 0; k < n; k++) {
            const ExplainedWord *word = &answer->words[order[k]];
            const Slice text = word->field == 0 ? worst->input : worst->pair;
            buffer_printf(&b->text, "%s " SLICE_FMT " %+.2g", k > 0 ? "," : "",
                          SLICE_ARG(slice_sub(text, word->begin, word->end)), word->attribution);
        }
    }
    table_cell(b);
}

// Rows of the table and the samples behind them, for pages that shade their texts.
static Status list_explained(const RunView *view, int model, int task, Arena *arena,
                             ReportTable *out, Error *err)
{
    size_t n = 0;
    TRY(arena_take(arena, out->n_rows, sizeof *out->explained, "rows", &out->explained, err));
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        if (worst->model == model && worst->task == task && n < out->n_rows)
            out->explained[n++] = worst;
    }
    return STATUS_OK;
}

static const char explained_note[] =
    " \"Hangs on\": by how much words raise or lower the answer's score against a text of padding "
    "(integrated gradients, or gradient x input). In the page they are shaded, underlined where they "
    "speak for it and dashed where against.";

Status table_worst(const RunView *view, int model, int task, Arena *arena, ReportTable *out,
                   Error *err)
{
    TableBuild b = table_begin(out, arena, "worst");
    table_title(&b, "Worst samples, " SLICE_FMT " on " SLICE_FMT,
                SLICE_ARG(view->models[model].name), SLICE_ARG(view->tasks[task].name));
    table_column(&b, SLICE("sample"), COLUMN_WORD);
    table_column(&b, SLICE("text"), COLUMN_TEXT);
    table_column(&b, SLICE("reference"), COLUMN_WORD);
    table_column(&b, SLICE("predicted"), COLUMN_WORD);
    const bool has_p = has_probabilities(view, model, task);
    if (has_p) table_column(&b, SLICE("p(reference)"), COLUMN_NUMBER);
    if (has_p) table_column(&b, SLICE("p(predicted)"), COLUMN_NUMBER);
    const bool explains = has_explanations(view, model, task);
    if (explains) table_column(&b, SLICE("hangs on"), COLUMN_WORD);
    for (size_t i = 0; i < view->n_worst; i++) {
        const ViewWorst *worst = &view->worst[i];
        if (worst->model != model || worst->task != task) continue;
        table_cell_slice(&b, worst->sample_id);
        buffer_append(&b.text, worst->input);
        if (worst->pair.ptr != NULL) {
            buffer_append_cstr(&b.text, " \xe2\x80\x96 "); // U+2016, between the two texts
            buffer_append(&b.text, worst->pair);
        }
        table_cell(&b);
        answer_cell(&b, worst->reference);
        answer_cell(&b, worst->predicted);
        if (has_p) probability_cell(&b, worst->p_reference);
        if (has_p) probability_cell(&b, worst->p_predicted);
        if (explains) explanation_cell(&b, worst);
    }
    table_note(
        &b, "%s first. Many of these may be errors of the data: look before you blame the model.%s",
        has_p ? "Least probability given to the reference" : "Least in common with the reference",
        explains ? explained_note : "");
    TRY(table_end(&b, err));
    return explains ? list_explained(view, model, task, arena, out, err) : STATUS_OK;
}

Status table_metrics(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    const ViewTask *t = &view->tasks[task];
    TableBuild b = table_begin(out, arena, "metrics");
    table_title(&b, "Metrics, " SLICE_FMT, SLICE_ARG(t->name));
    table_column(&b, SLICE("metric"), COLUMN_WORD);
    table_column(&b, SLICE("signature"), COLUMN_WORD);
    for (size_t m = 0; m < t->n_metrics; m++) {
        table_cell_slice(&b, t->metrics[m].name);
        table_cell_slice(&b, t->metrics[m].signature);
    }
    return table_end(&b, err);
}

Status table_checks(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err)
{
    TableBuild b = table_begin(out, arena, "data");
    table_title(&b, "Data check, " SLICE_FMT, SLICE_ARG(view->tasks[task].name));
    table_column(&b, SLICE("about"), COLUMN_WORD);
    table_column(&b, SLICE("item"), COLUMN_WORD);
    table_column(&b, SLICE("found"), COLUMN_WORD);
    table_column(&b, SLICE(""), COLUMN_WORD);
    for (size_t i = 0; i < view->n_checks; i++) {
        const CheckRow *check = &view->checks[i];
        if (!slice_eq(check->task, view->tasks[task].name)) continue;
        table_cell_slice(&b, check->section);
        table_cell_slice(&b, check->item);
        table_cell_slice(&b, check->value);
        table_cell_slice(&b, check->level == NOTE_WARNING ? SLICE("look here") : SLICE(""));
    }
    table_note(&b, SLICE_FMT ", sha256 " SLICE_FMT, SLICE_ARG(view->tasks[task].dataset),
               SLICE_ARG(view->tasks[task].dataset_sha256));
    return table_end(&b, err);
}
