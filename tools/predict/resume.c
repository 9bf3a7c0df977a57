#include "tools/predict/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sha256.h"
#include "tools/predict/resume_identity.h"

// A step is written where so much was read or so much time went by: what a kill can cost, and what has to be kept in memory
// of input that turns out to be another.
enum { STEP_READ_BYTES = 16 << 20, STEP_MS = 1000 };

// ---- the log of the run before ----

typedef struct StepLine {
    JsonlSize answers, failed, bytes;
    JsonlText input, output;
} StepLine;

static const JsonlField step_fields[] = {
    {"answers", JSONL_SEED, offsetof(StepLine, answers)},
    {"failed", JSONL_SEED, offsetof(StepLine, failed)},
    {"bytes", JSONL_SEED, offsetof(StepLine, bytes)},
    {"input", JSONL_TEXT, offsetof(StepLine, input)},
    {"output", JSONL_TEXT, offsetof(StepLine, output)},
};

// Takes a line, without its LF, off the front; what is behind the last LF was not written to its end.
static bool take_line(Slice *text, Slice *line)
{
    const size_t end = slice_find_byte(*text, '\n');
    if (end == SIZE_MAX) return false;
    *line = slice_sub(*text, 0, end);
    *text = slice_sub(*text, end + 1, text->len);
    return true;
}

static bool read_step(Slice line, Arena *arena, ResumeStep *out)
{
    StepLine step = {0};
    Error ignored = {0};
    if (jsonl_read_line(SLICE("log"), 1, line, arena, step_fields,
                        sizeof step_fields / sizeof *step_fields, &step, &ignored) != STATUS_OK)
        return false;
    *out = (ResumeStep){.n_answers = step.answers.value,
                        .n_failed = step.failed.value,
                        .n_bytes = step.bytes.value,
                        .input = step.input.text,
                        .output = step.output.text};
    return step.answers.is_given && step.failed.is_given && step.bytes.is_given &&
           step.input.is_given && step.output.is_given;
}

// The steps of the log whose output still stands at its place.
static Status read_steps(Resume *r, Slice log, Slice output, Error *err)
{
    Slice line;
    ResumeStep step;
    char hex[SHA256_HEX_SIZE];
    while (take_line(&log, &line) && read_step(line, &r->arena, &step)) {
        if (step.n_bytes > output.len) break;
        sha256_of(slice_sub(output, 0, (size_t)step.n_bytes), hex);
        if (!slice_eq_cstr(step.output, hex)) break;
        output = slice_sub(output, (size_t)step.n_bytes, output.len);
        TRY(arena_make_room(&r->arena, r->n_steps, &r->steps_capacity, sizeof step, "steps",
                            &r->steps, err));
        r->steps[r->n_steps++] = step;
    }
    return STATUS_OK;
}

// Why what stands there cannot be gone on with; NULL where it can, whose steps are then read.
static Status read_log(Resume *r, Slice output, const char **why, Error *err)
{
    Slice log = {0}, line = {0};
    Error ignored = {0};
    *why = "its log is gone";
    if (file_read(&r->arena, r->log_path, SIZE_MAX, &log, &ignored) != STATUS_OK) return STATUS_OK;
    if (!take_line(&log, &line)) return STATUS_OK;
    TRY(resume_identity_differs(line, r->identity, &r->arena, why, err));
    if (*why) return STATUS_OK;
    TRY(read_steps(r, log, output, err));
    if (r->n_steps == 0) *why = "it is not as the run before left it";
    return STATUS_OK;
}

// ---- the log of this run ----

static void put_step(Buffer *out, const ResumeStep *step)
{
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    json_member_u64(&w, "answers", step->n_answers);
    json_member_u64(&w, "failed", step->n_failed);
    json_member_u64(&w, "bytes", step->n_bytes);
    json_member_string(&w, "input", step->input);
    json_member_string(&w, "output", step->output);
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

// Begins the log anew, with the steps that are kept, and opens it for more.
static Status start_log(Resume *r, size_t n_steps, Error *err)
{
    Buffer text = {0};
    buffer_append(&text, r->identity);
    buffer_append_byte(&text, '\n');
    for (size_t i = 0; i < n_steps; i++) put_step(&text, &r->steps[i]);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = file_write(r->log_path, buffer_slice(&text), err);
    buffer_release(&text);
    TRY(s);
    r->log_fd = open(r->log_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (r->log_fd < 0) return error_set_errno(err, "%s", r->log_path);
    r->partial_fd = open(r->partial, O_RDONLY | O_CLOEXEC);
    return r->partial_fd >= 0 ? STATUS_OK : error_set_errno(err, "%s", r->partial);
}

// Bytes, answers and hash of the whole lines behind the last step.
static Status look_back(const Resume *r, ResumeStep *out, char hex[SHA256_HEX_SIZE], Error *err)
{
    char piece[4096];
    Sha256 hash, whole;
    unsigned char digest[32];
    uint64_t at = r->done.n_bytes;
    sha256_init(&hash);
    whole = hash;
    *out = (ResumeStep){0};
    while (out->n_answers < r->n_answers) {
        const ssize_t n = pread(r->partial_fd, piece, sizeof piece, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_set_errno(err, "%s", r->partial);
        if (n == 0) break;
        Slice rest = {piece, (size_t)n};
        while (out->n_answers < r->n_answers) {
            const size_t end = slice_find_byte(rest, '\n');
            const size_t len = end == SIZE_MAX ? rest.len : end + 1;
            sha256_update(&hash, slice_sub(rest, 0, len));
            rest = slice_sub(rest, len, rest.len);
            at += len;
            if (end == SIZE_MAX) break;
            whole = hash;
            out->n_answers++;
            out->n_bytes = at - r->done.n_bytes;
        }
    }
    sha256_finish(&whole, digest);
    sha256_hex(digest, hex);
    return STATUS_OK;
}

static void add_step(ResumeStep *sum, const ResumeStep *step)
{
    sum->n_answers += step->n_answers;
    sum->n_failed += step->n_failed;
    sum->n_bytes += step->n_bytes;
}

// What stands in whole lines behind the last step becomes one.
static Status write_step(Resume *r, Error *err)
{
    char input[SHA256_HEX_SIZE], output[SHA256_HEX_SIZE];
    ResumeStep step;
    Buffer text = {0};
    TRY(look_back(r, &step, output, err));
    const size_t n = (size_t)step.n_answers;
    if (n == 0) return STATUS_OK;
    sha256_hex(r->answers[n - 1].input, input);
    step.n_failed =
        (n < r->n_answers ? r->answers[n].n_failed : r->out->n_failed) - r->answers[0].n_failed;
    step.input = slice_from_cstr(input);
    step.output = slice_from_cstr(output);
    put_step(&text, &step);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK && write(r->log_fd, text.ptr, text.len) != (ssize_t)text.len)
        s = error_set_errno(err, "%s", r->log_path);
    buffer_release(&text);
    add_step(&r->done, &step);
    r->out->goes_on = s == STATUS_OK;
    r->step_ns = clock_now_ns();
    r->n_read_bytes = 0;
    r->answers = NULL;
    r->n_answers = r->answers_capacity = 0;
    arena_release(&r->since);
    return s;
}

// ---- reading ----

// The chain of hashes of the input of a step.
static void hash_line(unsigned char chain[32], const ResumeLine *line)
{
    Sha256 hash;
    const uint64_t number = line->number;
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(number >> 8 * i);
    sha256_init(&hash);
    sha256_update(&hash, (Slice){(const char *)chain, 32});
    sha256_update(&hash, (Slice){(const char *)bytes, sizeof bytes});
    sha256_update(&hash, line->text);
    sha256_finish(&hash, chain);
}

static Status read_line(Resume *r, ResumeLine *line, bool *more, Error *err)
{
    do {
        TRY(line_reader_next(r->in, &line->text, more, err));
    } while (*more && slice_trim(line->text).len == 0);
    line->number = line_reader_number(r->in);
    return STATUS_OK;
}

Status resume_next(Resume *r, ResumeLine *line, bool *more, Error *err)
{
    *more = r->next < r->n_waiting;
    if (!*more) return read_line(r, line, more, err);
    *line = r->waiting[r->next++];
    return STATUS_OK;
}

// Reads the input of a step; *is_same where it is that which was answered.
static Status read_again(Resume *r, const ResumeStep *step, bool *is_same, Error *err)
{
    ResumeLine line = {0};
    bool more = true;
    unsigned char chain[32] = {0};
    char hex[SHA256_HEX_SIZE];
    arena_release(&r->lines);
    r->waiting = NULL;
    r->n_waiting = r->waiting_capacity = 0;
    while (r->n_waiting < step->n_answers) {
        TRY(read_line(r, &line, &more, err));
        if (!more) break;
        hash_line(chain, &line);
        TRY(arena_make_room(&r->lines, r->n_waiting, &r->waiting_capacity, sizeof line, "lines",
                            &r->waiting, err));
        const Slice copy = arena_copy(&r->lines, line.text);
        if (!copy.ptr) return error_set_memory(err, line.text.len, 1, "a line");
        r->waiting[r->n_waiting++] = (ResumeLine){line.number, copy};
    }
    sha256_hex(chain, hex);
    *is_same = r->n_waiting == step->n_answers && slice_eq_cstr(step->input, hex);
    if (*is_same) r->n_waiting = 0;
    return STATUS_OK;
}

static Status put_aside(Resume *r, uint64_t keep_bytes, const char *why, Error *err)
{
    enum { NAME_BYTES = 4200 };
    char name[NAME_BYTES];
    TRY(file_writer_set_aside(r->out->writer, keep_bytes, name, sizeof name, err));
    log_info(r->log, "%s is now %s: %s", r->partial, name, why);
    return STATUS_OK;
}

Status resume_replay(Resume *r, Error *err)
{
    size_t n = 0;
    bool is_same = true;
    if (!r->is_on) return STATUS_OK;
    for (; n < r->n_steps; n++) {
        TRY(read_again(r, &r->steps[n], &is_same, err));
        if (!is_same) break;
        add_step(&r->done, &r->steps[n]);
    }
    if (!is_same) TRY(put_aside(r, r->done.n_bytes, "its input was another", err));
    TRY(file_writer_cut(r->out->writer, r->done.n_bytes, err));
    r->out->n_written = (size_t)r->done.n_answers;
    r->out->n_failed = (size_t)r->done.n_failed;
    r->out->goes_on = n > 0;
    if (n > 0)
        log_info(r->log, "%s: going on behind its %zu answers", r->partial, r->out->n_written);
    return start_log(r, n, err);
}

// ---- opening, writing and ending ----

static Status look_at_output(Resume *r, Error *err)
{
    const char *why = NULL;
    Slice output = {0};
    TRY(file_map(r->partial, &output, err));
    Status s = output.len > 0 ? read_log(r, output, &why, err) : STATUS_OK;
    file_unmap(&output);
    return s == STATUS_OK && why ? put_aside(r, 0, why, err) : s;
}

Status resume_open(const CommandLine *line, LineReader *in, JsonlOut *to, Resume *out, Error *err)
{
    *out = (Resume){.in = in, .out = to, .log = line->log, .log_fd = -1, .partial_fd = -1};
    if (!to->writer || !file_writer_temporary(to->writer)) return STATUS_OK;
    out->partial = arena_printf(&out->arena, "%s", file_writer_temporary(to->writer));
    out->log_path = arena_printf(&out->arena, "%s.log", file_writer_temporary(to->writer));
    if (!out->partial || !out->log_path) return error_set_memory(err, 1, 1, "a path");
    out->is_on = true;
    TRY(resume_identity(line, &out->arena, &out->identity, err));
    return look_at_output(out, err);
}

Status resume_answer(Resume *r, const ResumeLine *line, Error *err)
{
    if (!r->is_on) return STATUS_OK;
    TRY(arena_make_room(&r->since, r->n_answers, &r->answers_capacity, sizeof *r->answers,
                        "answers", &r->answers, err));
    ResumeAnswer *answer = &r->answers[r->n_answers++];
    *answer = r->n_answers > 1 ? answer[-1] : (ResumeAnswer){0};
    answer->n_failed = r->out->n_failed;
    r->n_read_bytes += line->text.len;
    hash_line(answer->input, line);
    return STATUS_OK;
}

Status resume_chunk_done(Resume *r, Error *err)
{
    const bool is_due = r->step_ns == 0 || r->n_read_bytes >= STEP_READ_BYTES ||
                        clock_now_ns() - r->step_ns >= (int64_t)STEP_MS * 1000000;
    if (!r->is_on || !is_due) return STATUS_OK;
    TRY(file_writer_flush(r->out->writer, err)); // what the log tells of stands there
    return write_step(r, err);
}

void resume_stop(Resume *r)
{
    Error ignored = {0}; // what stopped the work is known to the caller
    if (!r->is_on || !r->out->writer || r->log_fd < 0) return;
    // Of an answer that was begun the rest is missing.
    if (jsonl_out_flush(r->out, &ignored) != STATUS_OK) buffer_clear(&r->out->text);
    if (file_writer_flush(r->out->writer, &ignored) != STATUS_OK) ignored = (Error){0};
    if (write_step(r, &ignored) != STATUS_OK ||
        file_writer_cut(r->out->writer, r->done.n_bytes, &ignored) != STATUS_OK)
        r->out->goes_on = false;
}

void resume_end(Resume *r)
{
    if (!r->is_on) return;
    if (r->log_fd >= 0) close(r->log_fd);
    if (r->partial_fd >= 0) close(r->partial_fd);
    if (!file_exists(r->partial)) unlink(r->log_path);
    arena_release(&r->lines);
    arena_release(&r->since);
    arena_release(&r->arena);
    *r = (Resume){0};
}
