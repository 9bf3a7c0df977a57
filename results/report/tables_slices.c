// results/report/tables_slices.c: scores by groups of samples, and the worst group in words.
#include <math.h>

#include "results/report/tables.h"

// The next slice of what a model is judged by, from *i on.
static const ViewSlice *next_slice(const RunView *view, size_t *i, int model, int task)
{
    for (; *i < view->n_slices; (*i)++) {
        const ViewSlice *slice = &view->slices[*i];
        if (slice->model == model && slice->task == task && run_view_is_verdict(view, slice))
            return &view->slices[(*i)++];
    }
    return NULL;
}

static void put_p(Buffer *out, double p)
{
    if (isnan(p)) return;
    buffer_printf(out, p < 0.001 ? "< 0.001" : "%.3f", p);
}

static void put_signed(Buffer *out, double value, double highest)
{
    if (value > 0) buffer_append_byte(out, '+');
    text_value(out, value, highest);
}

static void difference_cell(TableBuild *b, const RunSlice *slice)
{
    const double highest = slice->score.highest;
    if (!isnan(slice->difference)) {
        put_signed(&b->text, slice->difference, highest);
        if (!isnan(slice->difference_lo)) {
            buffer_append_cstr(&b->text, " [");
            put_signed(&b->text, slice->difference_lo, highest);
            buffer_append_cstr(&b->text, ", ");
            put_signed(&b->text, slice->difference_hi, highest);
            buffer_append_byte(&b->text, ']');
        }
    }
    table_cell(b);
}

// "By gender, "f" is worst: 0.712 [0.650, 0.770], 0.093 below all others (p 0.012); the groups lie 0.093 [0.030, 0.150] apart."
// Of another score than the primary one: "By gender, in mcc ..".
static void put_words(const RunSlice *worst, const RunSlice *gap, bool is_primary, Buffer *out)
{
    buffer_printf(out, "%sBy " SLICE_FMT ", ", out->len > 0 ? " " : "", SLICE_ARG(gap->attribute));
    if (!is_primary) buffer_printf(out, "in " SLICE_FMT " ", SLICE_ARG(gap->score.metric));
    if (worst == NULL) {
        buffer_append_cstr(out, gap->score.estimate == 0 ? "no group is worse than another."
                                                         : "no group can be called the worst.");
        return;
    }
    buffer_printf(out, "\"" SLICE_FMT "\" is worst: ", SLICE_ARG(worst->value));
    text_score(out, &worst->score);
    if (!isnan(worst->difference)) {
        buffer_append_cstr(out, ", ");
        text_value(out, fabs(worst->difference), worst->score.highest);
        buffer_append_cstr(out, worst->difference < 0 ? " below" : " above");
        buffer_append_cstr(out, " all others");
    }
    if (!isnan(worst->p_adjusted)) {
        buffer_append_cstr(out, " (p ");
        put_p(out, worst->p_adjusted);
        buffer_append_byte(out, ')');
    }
    if (!isnan(gap->score.estimate)) {
        buffer_append_cstr(out, "; the groups lie ");
        text_score(out, &gap->score);
        buffer_append_cstr(out, " apart");
    }
    buffer_append_byte(out, '.');
}

void report_worst_groups(const RunView *view, int model, int task, Buffer *out)
{
    const RunSlice *worst = NULL;
    size_t i = 0;
    for (const ViewSlice *row; (row = next_slice(view, &i, model, task)) != NULL;) {
        if (row->slice->is_worst) worst = row->slice;
        if (row->slice->value.ptr != NULL) continue;
        put_words(worst, row->slice, run_view_is_primary_slice(view, row), out);
        worst = NULL;
    }
}

static void slice_row(TableBuild *b, const RunSlice *slice, bool names_score)
{
    const bool is_gap = slice->value.ptr == NULL;
    if (names_score) {
        buffer_append(&b->text, slice->score.metric);
        table_cell(b);
    }
    if (is_gap)
        table_cell_printf(b, SLICE_FMT ", gap between groups", SLICE_ARG(slice->attribute));
    else
        table_cell_printf(b, SLICE_FMT ": " SLICE_FMT "%s", SLICE_ARG(slice->attribute),
                          SLICE_ARG(slice->value), slice->is_worst ? " (worst)" : "");
    buffer_append_count(&b->text, slice->score.n);
    table_cell(b);
    text_score(&b->text, &slice->score);
    table_cell(b);
    difference_cell(b, slice);
    put_p(&b->text, is_gap ? slice->p : slice->p_adjusted);
    table_cell(b);
}

static bool has_other_scores(const RunView *view, int model, int task)
{
    size_t i = 0;
    for (const ViewSlice *row; (row = next_slice(view, &i, model, task)) != NULL;) {
        if (!run_view_is_primary_slice(view, row)) return true;
    }
    return false;
}

Status table_slices(const RunView *view, int model, int task, bool all_scores, Arena *arena,
                    ReportTable *out, Error *err)
{
    const bool names_score = all_scores && has_other_scores(view, model, task);
    TableBuild b = table_begin(out, arena, "slices");
    Buffer words = {0};
    uint64_t n_without = 0;
    size_t i = 0;
    table_title(&b, "Scores by group, " SLICE_FMT " on " SLICE_FMT,
                SLICE_ARG(view->models[model].name), SLICE_ARG(view->tasks[task].name));
    if (names_score) table_column(&b, SLICE("score"), COLUMN_WORD);
    table_column(&b, SLICE("group"), COLUMN_WORD);
    table_column(&b, SLICE("samples"), COLUMN_NUMBER);
    table_column(&b, names_score ? SLICE("value") : view->tasks[task].primary, COLUMN_NUMBER);
    table_column(&b, SLICE("against others"), COLUMN_NUMBER);
    table_column(&b, SLICE("p"), COLUMN_NUMBER);
    for (const ViewSlice *row; (row = next_slice(view, &i, model, task)) != NULL;) {
        if (!all_scores && !run_view_is_primary_slice(view, row)) continue;
        slice_row(&b, row->slice, names_score);
        if (row->slice->n_without > n_without) n_without = row->slice->n_without;
    }
    report_worst_groups(view, model, task, &words);
    if (words.failed) b.failed = true;
    table_note(&b,
               SLICE_FMT
               " Brackets: 95%% bootstrap intervals. p: of no difference from all others, "
               "groups dealt out at random, with Holm's correction over an attribute's groups; "
               "of a gap: as large by chance.",
               SLICE_ARG(buffer_slice(&words)));
    buffer_release(&words);
    TRY(table_end(&b, err));
    if (n_without == 0 || out->n_rows == 0) return STATUS_OK;
    const char *note =
        arena_printf(arena, SLICE_FMT " Up to %llu samples have no value and stand in no group.",
                     SLICE_ARG(out->note), (unsigned long long)n_without);
    if (note == NULL) return error_set_memory(err, out->note.len, 1, "a note");
    out->note = slice_from_cstr(note);
    return STATUS_OK;
}
