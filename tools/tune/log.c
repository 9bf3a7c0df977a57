#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_reader.h"
#include "tools/tune/tune.h"

enum { MAX_LOG_BYTES = 1 << 30 };

// ---- the log of steps ----

Status step_log_open(TuneRun *run, Error *err)
{
    StepLog *log = &run->log;
    log->path = option_text(run->line, "log");
    if (!log->path) return STATUS_OK;
    if (strcmp(log->path, "-") == 0) {
        if (run->line->is_json) {
            return error_set(err, STATUS_INVALID, "--log - and --json both want standard output");
        }
        log->stream = stdout;
        return STATUS_OK;
    }
    log->is_resuming = run->options.checkpoint && file_exists(run->options.checkpoint);
    if (log->is_resuming && file_exists(log->path)) {
        TRY(file_read(&run->arena, log->path, MAX_LOG_BYTES, &log->before, err));
    }
    // What an earlier session logged stays until this one has a step to add: it may be killed before.
    log->stream = fopen(log->path, log->is_resuming ? "a" : "w");
    return log->stream ? STATUS_OK : error_set_errno(err, "%s", log->path);
}

// The step that a line of the log is about; false for a line that is none.
static bool step_of_line(Slice line, uint64_t *step)
{
    Arena arena = {0};
    JsonReader r = json_reader(SLICE("log"), line, &arena);
    Slice key = {0};
    bool more = false;
    const bool found = json_read_object(&r, NULL) == STATUS_OK &&
                       json_read_key(&r, &key, &more, NULL) == STATUS_OK && more &&
                       slice_eq_cstr(key, "step") && json_read_u64(&r, step, NULL) == STATUS_OK;
    arena_release(&arena);
    return found;
}

// The lines of an earlier session, up to the step at which this one goes on.
static void keep_lines_before(StepLog *log, uint64_t step)
{
    Slice rest = log->before, line;
    uint64_t its_step = 0;
    while (slice_split(&rest, '\n', &line)) {
        if (!step_of_line(line, &its_step) || its_step >= step) break;
        buffer_append(&log->text, line);
        buffer_append_byte(&log->text, '\n');
    }
}

// The file with those lines alone, written anew and renamed, to be added to.
static void begin_anew(StepLog *log, uint64_t step)
{
    Error ignored = {0}; // step_log_close says that the log could not be written
    keep_lines_before(log, step);
    bool ok = fclose(log->stream) == 0 && !log->text.failed;
    log->stream = NULL;
    ok = ok && file_write(log->path, buffer_slice(&log->text), &ignored) == STATUS_OK;
    if (ok) log->stream = fopen(log->path, "a");
    log->failed = log->failed || !log->stream;
    buffer_clear(&log->text);
}

static void log_step(StepLog *log, const TrainStep *step)
{
    if (!log->stream) return;
    if (!log->has_begun && log->is_resuming) begin_anew(log, step->step);
    log->has_begun = true;
    if (!log->stream) return;
    JsonWriter w = json_writer(&log->text, 0);
    json_begin_object(&w);
    json_member_u64(&w, "step", step->step);
    json_member_double(&w, "lr", step->learning_rate);
    json_member_double(&w, "loss", step->loss);
    json_member_double(&w, "grad_norm", step->grad_norm);
    json_end_object(&w);
    buffer_append_byte(&log->text, '\n');
    const Slice text = buffer_slice(&log->text);
    if (log->text.failed || fwrite(text.ptr, 1, text.len, log->stream) != text.len ||
        fflush(log->stream) != 0) {
        log->failed = true;
    }
    buffer_clear(&log->text);
}

Status step_log_close(StepLog *log, Error *err)
{
    bool failed = log->failed;
    if (log->stream && log->stream != stdout && fclose(log->stream) != 0) failed = true;
    const char *path = log->path;
    buffer_release(&log->text);
    *log = (StepLog){0};
    return failed ? error_set(err, STATUS_IO, "%s: the log could not be written", path) : STATUS_OK;
}

// ---- while it runs ----

void tune_on_step(void *context, const TrainStep *step)
{
    TuneRun *run = context;
    char detail[64];
    log_step(&run->log, step);
    if (isnan(run->first_loss)) run->first_loss = step->loss;
    snprintf(detail, sizeof detail, "loss %.4f, lr %.2e", step->loss, step->learning_rate);
    log_progress(run->line->log, "steps", step->step + 1, run->planned_steps, run->started_ns,
                 detail);
}

static void put_curve_line(const TuneRun *run, const TrainEvaluation *e, Buffer *out)
{
    buffer_printf(out, "epoch %llu  step %llu  train loss %.4f", (unsigned long long)e->epoch,
                  (unsigned long long)e->step, e->train_loss);
    if (!isnan(e->loss)) buffer_printf(out, "  validation loss %.4f", e->loss);
    if (!isnan(e->metric) && run->metric) {
        const double sign = run->metric->direction == LOWER_IS_BETTER ? -1 : 1;
        buffer_printf(out, "  %s %.4f", run->metric->name, sign * e->metric);
    }
    if (e->is_best && run->options.monitor != MONITOR_NONE)
        buffer_append_cstr(out, "  best so far");
}

void tune_on_evaluation(void *context, const TrainEvaluation *evaluation)
{
    TuneRun *run = context;
    Buffer text = {0};
    const Status s = arena_make_room(&run->arena, run->n_curve, &run->curve_capacity,
                                     sizeof *run->curve, "the curve", &run->curve, NULL);
    if (s != STATUS_OK) {
        run->curve_status = s;
        return;
    }
    run->curve[run->n_curve++] = *evaluation;
    put_curve_line(run, evaluation, &text);
    if (text.ptr && run->line->is_json) {
        log_info(run->line->log, "%s", text.ptr);
    } else if (text.ptr) {
        log_progress_end(run->line->log);
        puts(text.ptr); // what fails here is found when standard output is closed
        (void)fflush(stdout);
    }
    buffer_release(&text);
}

// ---- at the end ----

static void put_curve(JsonWriter *w, const TuneRun *run)
{
    const double sign = run->metric && run->metric->direction == LOWER_IS_BETTER ? -1 : 1;
    json_member_array(w, "curve");
    for (size_t i = 0; i < run->n_curve; i++) {
        const TrainEvaluation *e = &run->curve[i];
        json_begin_object(w);
        json_member_u64(w, "epoch", e->epoch);
        json_member_u64(w, "step", e->step);
        json_member_double_or_null(w, "train_loss", e->train_loss);
        json_member_double_or_null(w, "validation_loss", e->loss);
        if (run->metric) json_member_double_or_null(w, run->metric->name, sign * e->metric);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_scores(JsonWriter *w, const Score *scores, size_t n)
{
    json_member_array(w, "scores");
    for (size_t i = 0; i < n; i++) {
        json_begin_object(w);
        json_member_string(w, "name", scores[i].name);
        json_member_double_or_null(w, "estimate", scores[i].estimate);
        json_member_double_or_null(w, "lo", scores[i].lo);
        json_member_double_or_null(w, "hi", scores[i].hi);
        json_member_double_or_null(w, "level", scores[i].level);
        json_member_string(w, "method", scores[i].method);
        json_member_u64(w, "n", scores[i].n);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_json(const TuneRun *run, const Score *scores, size_t n_scores, Buffer *out)
{
    const TrainResult *result = &run->result;
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"steps", result->n_steps},
                  {"planned_steps", result->planned_steps},
                  {"best_step", result->best_step},
                  {"tokens", result->n_tokens}};
    JsonWriter w = json_writer(out, 2);
    json_begin_object(&w);
    json_member_cstr(&w, "directory", option_text(run->line, "out"));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_member_u64(&w, counts[i].key, counts[i].value);
    }
    json_member_double_or_null(&w, "epochs", result->epochs);
    json_member_double_or_null(&w, "last_train_loss", result->last_train_loss);
    json_member_bool(&w, "stopped_early", result->stopped_early);
    json_member_bool(&w, "resumed", result->resumed);
    json_member_double_or_null(&w, "seconds", (double)(clock_now_ns() - run->started_ns) / 1e9);
    put_curve(&w, run);
    put_scores(&w, scores, n_scores);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

static void put_text(const TuneRun *run, const Score *scores, size_t n_scores, Buffer *out)
{
    char took[CLOCK_TEXT_SIZE];
    const TrainResult *result = &run->result;
    clock_format_duration(clock_now_ns() - run->started_ns, took);
    buffer_printf(out, "%llu steps in %s", (unsigned long long)result->n_steps, took);
    if (!isnan(run->first_loss)) {
        buffer_printf(out, ", loss %.4f at first, %.4f at last", run->first_loss,
                      result->last_train_loss);
    }
    if (result->stopped_early) buffer_append_cstr(out, "; stopped early");
    if (run->options.monitor != MONITOR_NONE) {
        buffer_printf(out, "; the weights are those of step %llu",
                      (unsigned long long)result->best_step);
    }
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < n_scores; i++) {
        buffer_append_cstr(out, "  ");
        output_escaped(out, scores[i].name);
        const size_t columns = scores[i].name.len;
        buffer_printf(out, "%*s %.4f", (int)(columns < 24 ? 24 - columns : 0), "",
                      scores[i].estimate);
        if (!isnan(scores[i].lo)) {
            buffer_printf(out, "  [%.4f, %.4f]", scores[i].lo, scores[i].hi);
        }
        buffer_append_byte(out, '\n');
    }
    if (n_scores > 0) {
        buffer_printf(out, "validation, %zu samples; %.0f%% intervals\n", scores[0].n,
                      100 * scores[0].level);
    }
    buffer_append_cstr(out, "saved: ");
    output_escaped(out, slice_from_cstr(option_text(run->line, "out")));
    buffer_append_byte(out, '\n');
}

Status tune_print(TuneRun *run, const Score *scores, size_t n_scores, Error *err)
{
    Buffer out = {0};
    if (run->curve_status != STATUS_OK) {
        return error_set_memory(err, run->n_curve, sizeof *run->curve, "the curve");
    }
    log_progress_end(run->line->log);
    if (run->line->is_json)
        put_json(run, scores, n_scores, &out);
    else
        put_text(run, scores, n_scores, &out);
    return output_buffer(&out, err);
}
