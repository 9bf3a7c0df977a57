// Questions answered by a span of a passage.
//
// A long passage goes through the model in windows that overlap by doc_stride tokens, each after the whole question. In
// training a window that does not hold an answer points at its first token ([CLS]); with several answers a window learns
// the first that it holds. The answer is the best pair of start and end over all windows, at most max_answer tokens long;
// where some question of the data has no answer, it is empty if the score of the first tokens is higher by more than
// null_threshold. Positions are those of the pieces, mapped back to bytes of the passage. Where questions have choices, the
// answer counts as one of them (span_choices.h).
//
// Sources: Devlin et al. 2019, arXiv:1810.04805, section 4.2 and 4.3; Alberti, Lee & Collins 2019, arXiv:1901.08634.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/family.h"
#include "harness/tasks/span_choices.h"
#include "harness/tasks/span_internal.h"
#include "metrics/metric.h"

enum { N_BEST = 20 }; // starts and ends looked at in a window

// A file of questions alone may be answered, but neither learnt from nor scored.
static Status check_labelled(const UsedPart *part, Error *err)
{
    if (part->n == 0 || !part->data.samples[part->which[0]].is_unlabelled) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT
                     ": none of its %zu questions has an answer, and none says that it has none "
                     "(\"is_impossible\"): a file without labels can be answered (assay predict), "
                     "but neither learnt from nor scored",
                     SLICE_ARG(part->data.path), part->data.n_samples);
}

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    const SuiteTask *t = &prepared->suite->tasks[task];
    bool has_choices = false;
    if (family_learns_other(t)) TRY(span_choices_check_train(t, &data->parts[PART_TRAIN], err));
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        if (p == PART_TRAIN || prepared->suite->folds.k == 0) TRY(check_labelled(part, err));
        for (size_t i = 0; i < part->n; i++) {
            const Sample *sample = &part->data.samples[part->which[i]];
            has_choices = has_choices || sample->n_choices > 0;
            data->has_unanswerable = data->has_unanswerable || sample->n_answers == 0;
            if (sample->context.ptr) continue;
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: answering wants questions with passages: \"format\": "
                                       "\"squad\" or \"bbq\"",
                             SLICE_ARG(part->data.path), sample->line);
        }
    }
    if (!has_choices) return STATUS_OK;
    span_choices_labels(data);
    return span_choices_check(t, err);
}

// ---- answers ----

typedef struct Best {
    double score;
    size_t begin, end;       // bytes of the passage
    size_t window, from, to; // tokens
    double null_score;       // of the window whose first token says "no answer" least
    size_t null_window;
    bool is_found;
} Best;

// The N_BEST tokens of the passage with the highest score in a column of the logits, the best first.
static size_t best_tokens(const Encoding *window, const float *logits, size_t column,
                          size_t out[N_BEST])
{
    size_t n = 0;
    for (size_t t = 0; t < window->n_tokens; t++) {
        if (!span_is_of_passage(window, t)) continue;
        size_t at = n;
        while (at > 0 && logits[2 * out[at - 1] + column] < logits[2 * t + column]) at--;
        if (at == N_BEST) continue;
        if (n < N_BEST) n++;
        memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof *out);
        out[at] = t;
    }
    return n;
}

static void look_at_window(const SuiteTask *task, const Encoding *window, size_t index,
                           const float *logits, Best *best)
{
    size_t starts[N_BEST], ends[N_BEST];
    const size_t n_starts = best_tokens(window, logits, 0, starts),
                 n_ends = best_tokens(window, logits, 1, ends);
    const double none = (double)logits[0] + (double)logits[1];
    if (none < best->null_score) {
        best->null_score = none;
        best->null_window = index;
    }
    for (size_t s = 0; s < n_starts; s++) {
        for (size_t e = 0; e < n_ends; e++) {
            const size_t from = starts[s], to = ends[e];
            if (to < from || to - from >= task->max_answer) continue;
            const double score = (double)logits[2 * from] + (double)logits[2 * to + 1];
            if (best->is_found && !(score > best->score)) continue;
            best->is_found = true;
            best->score = score;
            best->begin = window->offsets[from].begin;
            best->end = window->offsets[to].end;
            best->window = index;
            best->from = from;
            best->to = to;
        }
    }
}

// Whether "no answer" is the answer.
static bool is_empty(const Asked *asked, const Best *best)
{
    const double threshold =
        asked->task->tunes_null_threshold ? asked->null_threshold : asked->task->null_threshold;
    return !best->is_found ||
           (asked->data->has_unanswerable && best->null_score - best->score > threshold);
}

// Offsets were not kept with the tokens (they would be the largest part of them): the sample is encoded again.
static Status best_of_sample(const Asked *asked, size_t index, const float **logits, Arena *scratch,
                             Best *out, Error *err)
{
    const size_t position = asked->positions[index];
    const Sample *sample = &asked->part->data.samples[asked->part->which[position]];
    size_t first, last;
    EncodingWindows windows = {0};
    Best best = {.null_score = INFINITY};
    family_windows(asked->tokens, position, &first, &last);
    TRY(span_windows(asked->task, sample, asked->tokenizer, asked->tokens->max_length, scratch,
                     &windows, err));
    if (windows.n_windows != last - first)
        return error_set(err, STATUS_INTERNAL, "a sample has other windows than before");
    for (size_t w = 0; w < windows.n_windows; w++) {
        const Encoding *window = &windows.windows[w];
        if (!isfinite((*logits)[0])) {
            return error_set(err, STATUS_DIVERGED,
                             "the model's scores are not finite on sample %zu of those judged",
                             index);
        }
        look_at_window(asked->task, window, w, *logits, &best);
        *logits += 2 * window->n_tokens;
    }
    *out = best;
    return STATUS_OK;
}

static const Sample *sample_asked(const Asked *asked, size_t index)
{
    return &asked->part->data.samples[asked->part->which[asked->positions[index]]];
}

static Status answer_sample(const Asked *asked, size_t index, const float **logits, Arena *scratch,
                            Slice *out, Error *err)
{
    Best best;
    TRY(best_of_sample(asked, index, logits, scratch, &best, err));
    *out = is_empty(asked, &best)
               ? SLICE("")
               : slice_sub(sample_asked(asked, index)->context, best.begin, best.end);
    return STATUS_OK;
}

static Status answer(const Asked *asked, Arena *arena, Answers *out, Error *err)
{
    const float *logits = asked->logits;
    Arena scratch = {0};
    Status s = STATUS_OK;
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; s == STATUS_OK && i < asked->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        s = answer_sample(asked, i, &logits, &scratch, &out->texts[i], err);
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}

// ---- the threshold ----

// A question as thresholds are looked at: it is answered by one of at least `margin`.
typedef struct Margin {
    double margin; // score of "no answer" less that of the best answer
    double gain;   // F1 of the answer, less that of giving none
} Margin;

static int by_margin(const void *a, const void *b)
{
    const Margin *x = a, *y = b;
    return (x->margin > y->margin) - (x->margin < y->margin);
}

// The lowest of the thresholds with the best F1, as the script of SQuAD 2.0 sweeps them; below all margins where giving no
// answer at all is best. margins [n] ascend.
static double sweep(const Margin *margins, size_t n)
{
    double score = 0, best = 0, threshold = n > 0 ? margins[0].margin - 1 : 0;
    for (size_t i = 0; i < n; i++) {
        score += margins[i].gain;
        if (i + 1 < n && margins[i + 1].margin <= margins[i].margin) continue; // answered together
        if (score <= best) continue;
        best = score;
        threshold = margins[i].margin;
    }
    return threshold;
}

// How much better the answer is than none.
static Status gain_of(const MetricPlan *f1, const Sample *sample, Slice text, Arena *scratch,
                      double *gain, Error *err)
{
    Item item = item_empty();
    double *row = NULL;
    Slice *references = NULL;
    TRY(arena_take(scratch, f1->width, sizeof *row, "a score", &row, err));
    TRY(arena_take(scratch, sample->n_answers, sizeof *references, "answers", &references, err));
    for (size_t a = 0; a < sample->n_answers; a++) references[a] = sample->answers[a].text;
    item.hypothesis = text;
    item.references = references;
    item.n_references = sample->n_answers;
    TRY(f1->metric->row(f1, &item, scratch, row, err));
    *gain = sample->n_answers > 0 ? row[0] : -1;
    return STATUS_OK;
}

static Status calibrate(const Asked *asked, Arena *arena, double *null_threshold, Error *err)
{
    const float *logits = asked->logits;
    Arena scratch = {0};
    Margin *margins = NULL;
    size_t n = 0;
    MetricPlan f1;
    TRY(metric_plan(metric_find(SLICE("squad_f1")), &(MetricSetup){0}, arena, &f1, err));
    Status s = arena_take(arena, asked->n, sizeof *margins, "thresholds", &margins, err);
    for (size_t i = 0; s == STATUS_OK && i < asked->n; i++) {
        const Sample *sample = sample_asked(asked, i);
        Best best;
        const ArenaMark mark = arena_mark(&scratch);
        s = best_of_sample(asked, i, &logits, &scratch, &best, err);
        if (s == STATUS_OK && best.is_found) {
            margins[n].margin = best.null_score - best.score;
            s = gain_of(&f1, sample, slice_sub(sample->context, best.begin, best.end), &scratch,
                        &margins[n].gain, err);
            n++;
        }
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    if (s != STATUS_OK) return s;
    qsort(margins, n, sizeof *margins, by_margin);
    *null_threshold = sweep(margins, n);
    return STATUS_OK;
}

// The scores of the answer's start and end; of no answer those of the first token.
static Status reasons(const Asked *asked, const EncodingWindows *windows, Arena *arena,
                      Reason **out, size_t *n, Error *err)
{
    Best best = {.null_score = INFINITY};
    const float *logits = asked->logits;
    const Sample *sample = &asked->part->data.samples[asked->part->which[asked->positions[0]]];
    for (size_t w = 0; w < windows->n_windows; w++) {
        look_at_window(asked->task, &windows->windows[w], w, logits, &best);
        logits += 2 * windows->windows[w].n_tokens;
    }
    const bool has_none = is_empty(asked, &best);
    TRY(arena_take(arena, 1, sizeof **out, "reasons", out, err));
    *n = 1;
    **out = (Reason){.about = has_none ? SLICE("no answer")
                                       : slice_sub(sample->context, best.begin, best.end),
                     .window = has_none ? best.null_window : best.window,
                     .n_targets = 2};
    TRY(arena_take(arena, 2, sizeof *(*out)->targets, "reasons", &(*out)->targets, err));
    (*out)->targets[0] = (ExplainTarget){has_none ? 0 : best.from, 0};
    (*out)->targets[1] = (ExplainTarget){has_none ? 0 : best.to, 1};
    return STATUS_OK;
}

// No answer, always: right wherever a question has none.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    (void)data, (void)from, (void)from_positions, (void)n_from, (void)part, (void)positions;
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) out->texts[i] = SLICE("");
    return STATUS_OK;
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    Slice *references = NULL;
    (void)data;
    TRY(arena_take(arena, sample->n_answers, sizeof *references, "answers", &references, err));
    for (size_t a = 0; a < sample->n_answers; a++) references[a] = sample->answers[a].text;
    out->hypothesis = given->text.ptr ? given->text : SLICE("");
    out->references = references;
    out->n_references = sample->n_answers;
    if (sample->n_choices == 0) return STATUS_OK;
    family_bias_item(sample, out);
    return span_choices_pick(sample, out->hypothesis, arena, &out->predicted, err);
}

static Status reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err)
{
    (void)data, (void)arena, (void)err;
    *out = sample->n_answers > 0 ? sample->answers[0].text : SLICE("");
    if (sample->n_choices > 0 && sample->gold != SAMPLE_NO_LABEL)
        *out = sample->choices[sample->gold];
    return STATUS_OK;
}

// ---- prompts ----

static Status gold(const SuiteTask *task, const TaskData *data, const Sample *sample, Arena *arena,
                   Slice *out, Error *err)
{
    (void)data, (void)arena, (void)err;
    *out = sample->n_answers > 0 ? sample->answers[0].text : task->prompt.no_answer;
    return STATUS_OK;
}

// What was written need not stand in the passage: a wrong answer is an answer.
static Status read_text(const SuiteTask *task, const TaskData *data, const Sample *sample,
                        Slice written, Arena *arena, Slice *out, bool *is_read, Error *err)
{
    (void)sample, (void)arena, (void)err;
    *is_read = written.len > 0;
    *out =
        data->has_unanswerable && slice_eq(written, task->prompt.no_answer) ? SLICE("") : written;
    return STATUS_OK;
}

static const FamilyPrompt prompt = {.gold = gold, .read = read_text};

const Family family_span = {
    .name = "span",
    .baseline_name = "no answer",
    .summary = "answers each question by a span of its passage",
    .head = HEAD_SPAN,
    .gives = NEEDS_TEXT | NEEDS_PROMPTS,
    .metrics = "[\"squad_f1\", \"squad_exact\"]",
    .gives_of_choices = NEEDS_LABELS | NEEDS_STEREOTYPES,
    .metrics_of_choices = "[\"bbq\", \"accuracy\"]",
    .has_windows = true,
    .find_labels = find_labels,
    .encode = span_encode,
    .answer = answer,
    .calibrate = calibrate,
    .windows = span_windows,
    .reasons = reasons,
    .baseline = baseline,
    .item = item,
    .reference = reference,
    .prompt = &prompt,
};
