// Cases read, worked on and answered a chunk at a time.
#include <math.h>

#include "base/clock.h"
#include "base/size.h"
#include "tools/command.h"
#include "tools/predict/predict.h"

// A chunk ends at --batch cases, or where it holds this much, so that memory stays bounded whatever the input.
enum { CHUNK_BYTES = 16 << 20, CHUNK_FLOATS = 4 << 20, CHUNK_TOKENS = 1 << 17 };

// It also ends where it is so much work for each thread, some half a minute of it, but not before it has so many cases: what was
// answered shall stand in the file, and large models need cases that go together. At half a minute a chunk's end costs nothing.
#define CHUNK_FLOPS 4e12
enum { CHUNK_LEAST_CASES = 64 };

// A token that is written takes the time of so many that are read: 16 texts at once, of a Llama of 110M in Q8_0 on a Xeon with
// AVX-512, 564 against 1,579 tokens a second.
enum { WRITTEN_COST = 3 };

typedef struct Chunk {
    Arena arena;
    PredictCase *cases;
    size_t n, capacity;
    size_t n_bytes, n_tokens, n_floats;
    double n_computed, most_computed; // tokens of all layers
    TokenSequence *inputs; // of the cases that can be worked on, their windows where they have some
    size_t n_inputs, inputs_capacity;
    bool is_later; // than the first of the run
    Resume *resume;
} Chunk;

static size_t floats_of(const Predictor *p, const TokenSequence *input)
{
    size_t n = 0;
    const size_t rows = model_output_rows(p->model, input, 1);
    return size_mul(rows, model_output_width(p->model), &n) ? n : SIZE_MAX;
}

// Several sequences of one case: windows of a sample, or hypotheses. 0 where a case has one, or windows of its own.
static size_t inputs_of(const PredictCase *c, const TokenSequence **out)
{
    *out = NULL;
    return c->as_sample   ? predict_family_inputs(c, out)
           : c->zero_shot ? predict_zero_shot_inputs(c, out)
                          : 0;
}

static Status add_input(const Predictor *p, Chunk *chunk, const TokenSequence *input, Error *err)
{
    TRY(arena_make_room(&chunk->arena, chunk->n_inputs, &chunk->inputs_capacity,
                        sizeof *chunk->inputs, "inputs", &chunk->inputs, err));
    chunk->n_tokens += input->n_tokens + input->n_targets;
    if (!p->mode->work) chunk->n_floats += floats_of(p, input);
    chunk->inputs[chunk->n_inputs++] = *input;
    return STATUS_OK;
}

// Floats of a case among the chunk's logits.
static size_t floats_of_case(const Predictor *p, const PredictCase *c)
{
    size_t n = 0;
    const TokenSequence *inputs = NULL;
    const size_t n_inputs = inputs_of(c, &inputs);
    for (size_t i = 0; i < n_inputs; i++) n += floats_of(p, &inputs[i]);
    if (n_inputs > 0) return n;
    if (c->windows.n_windows == 0) return floats_of(p, &c->input);
    for (size_t i = 0; i < c->windows.n_windows; i++) {
        const TokenSequence window = predict_window_input(c, i);
        n += floats_of(p, &window);
    }
    return n;
}

// Tokens that the model computes for a case, those that it writes at most included, in tokens that are read.
static double tokens_of_case(const Predictor *p, const PredictCase *c, double n_inputs)
{
    const BeamOptions *o = &c->search.options;
    const bool writes =
        p->mode->read == predict_generate_read || p->mode->read == predict_search_read;
    if (p->mode->work == predict_pll_work) return n_inputs * n_inputs; // each is masked in its turn
    if (!writes) return n_inputs;
    return n_inputs + WRITTEN_COST * (double)o->max_new_tokens * (double)size_max(o->n_beams, 1);
}

// Its windows, the sequences of which it is made, or the one that it is.
static Status add_inputs(const Predictor *p, Chunk *chunk, const PredictCase *c, Error *err)
{
    const TokenSequence *inputs = NULL;
    const size_t n_inputs = inputs_of(c, &inputs);
    for (size_t i = 0; i < n_inputs; i++) TRY(add_input(p, chunk, &inputs[i], err));
    if (n_inputs > 0) return STATUS_OK;
    if (c->windows.n_windows == 0) return add_input(p, chunk, &c->input, err);
    for (size_t i = 0; i < c->windows.n_windows; i++) {
        const TokenSequence window = predict_window_input(c, i);
        TRY(add_input(p, chunk, &window, err));
    }
    return STATUS_OK;
}

// Keeps one line as a case; one that cannot be read becomes a failure in its place.
static Status add_line(const Predictor *p, Chunk *chunk, Slice name, const ResumeLine *line,
                       Error *err)
{
    Error why = {0};
    PredictCase *c = &chunk->cases[chunk->n++];
    *c = (PredictCase){.line.number = line->number,
                       .line.text = arena_copy(&chunk->arena, line->text)};
    if (!c->line.text.ptr) return error_set_memory(err, line->text.len, 1, "a line");
    chunk->n_bytes += line->text.len;
    if (predict_read_case(p, &chunk->arena, name, line->number, c->line.text, c, &why) !=
        STATUS_OK) {
        TRY(arena_take(&chunk->arena, 1, sizeof why, "an error", &c->why, err));
        *c->why = why;
        return STATUS_OK;
    }
    const size_t n_before = chunk->n_tokens;
    TRY(add_inputs(p, chunk, c, err));
    chunk->n_computed += tokens_of_case(p, c, (double)(chunk->n_tokens - n_before));
    return STATUS_OK;
}

static bool is_full(const Chunk *chunk)
{
    const bool is_long = chunk->n >= CHUNK_LEAST_CASES && chunk->n_computed >= chunk->most_computed;
    return chunk->n == chunk->capacity || is_long || chunk->n_bytes >= CHUNK_BYTES ||
           chunk->n_tokens >= CHUNK_TOKENS || chunk->n_floats >= CHUNK_FLOATS;
}

// A class chosen among numbers that are none would look like any other.
static Status want_finite(const Predictor *p, const PredictCase *c, const float *logits, Error *err)
{
    const size_t n = p->mode->concludes && logits ? floats_of_case(p, c) : 0;
    for (size_t i = 0; i < n; i++) TRY(predict_want_finite(logits[i], err));
    return STATUS_OK;
}

// What was done to a case before it was answered.
static void put_marks(const PredictCase *c, JsonWriter *w)
{
    const TokenSequence *inputs = NULL;
    const size_t n_windows =
        c->as_sample ? predict_family_inputs(c, &inputs) : c->windows.n_windows;
    if (n_windows > 1 || (n_windows > 0 && !c->as_sample)) {
        json_member_u64(w, "windows", n_windows);
    }
    if (c->is_cut || c->n_cut > 0) {
        json_member_bool(w, "truncated", true);
    }
    if (c->n_cut > 0) {
        json_member_u64(w, "n_cut", c->n_cut);
    }
}

// An answer of rows, which are all there or come as they are computed.
static void begin_rows(const PredictCase *c, JsonlOut *out)
{
    json_member_array(jsonl_out_begin(out, c->id), "logits");
}

static Status end_rows(const PredictCase *c, JsonlOut *out, Error *err)
{
    json_end_array(&out->json);
    put_marks(c, &out->json);
    return jsonl_out_end(out, err);
}

static Status put_rows(const Predictor *p, const PredictCase *c, const float *logits, JsonlOut *out,
                       Error *err)
{
    begin_rows(c, out);
    TRY(predict_put_rows(p, logits, model_output_rows(p->model, &c->input, 1),
                         model_output_width(p->model), out, err));
    return end_rows(c, out, err);
}

static Status put_answer(Predictor *p, Pool *pool, const PredictCase *c, const float *logits,
                         Arena *arena, JsonlOut *out, Error *err)
{
    Error why = {0};
    float *joined = NULL;
    if (c->why) return jsonl_out_failure(out, c->id, c->why, err);
    if (want_finite(p, c, logits, &why) != STATUS_OK)
        return jsonl_out_failure(out, c->id, &why, err);
    if (c->windows.n_windows > 0) {
        TRY(predict_windows_join(c, logits, model_output_width(p->model), arena, &joined, err));
        logits = joined;
    }
    if (predict_has_rows(p)) return put_rows(p, c, logits, out, err);
    const size_t begin = out->text.len;
    JsonWriter *w = jsonl_out_begin(out, c->id);
    Status s = c->as_sample   ? predict_family_put(p, c, logits, arena, w, &why)
               : c->zero_shot ? predict_zero_shot_put(p, c, logits, arena, w, &why)
                              : p->mode->put(p, c, logits, w, &why);
    if (s == STATUS_OK && p->explains) s = predict_explain_put(p, pool, c, logits, arena, w, &why);
    if (s == STATUS_CANCELLED) {
        if (err) *err = why;
        return s;
    }
    if (s != STATUS_OK) {
        out->text.len = begin; // what was begun is taken back
        return jsonl_out_failure(out, c->id, &why, err);
    }
    put_marks(c, w);
    return jsonl_out_end(out, err);
}

// Cases that a mode works on itself. Where the scores of one are no numbers it fails alone: each is worked on by itself then.
static Status work_cases(Predictor *p, Pool *pool, Arena *arena, PredictCase *const *cases,
                         size_t n, Error *err)
{
    Error why = {0};
    Status s = p->mode->work(p, pool, arena, cases, n, &why);
    const bool is_apart = s == STATUS_DIVERGED;
    for (size_t i = 0; is_apart && i < n; i++) {
        s = p->mode->work(p, pool, arena, &cases[i], 1, &why);
        if (s != STATUS_OK && s != STATUS_DIVERGED) break;
        if (s == STATUS_OK) continue;
        TRY(arena_take(arena, 1, sizeof why, "an error", &cases[i]->why, err));
        if (predict_want_finite(NAN, cases[i]->why) != STATUS_OK) s = STATUS_OK;
    }
    if (s != STATUS_OK && err) *err = why;
    return s;
}

// Opening and reading, the model's work, and writing run different code: what had its turn gives its memory to what comes. Once,
// for after that all of it is there to stay.
static void change_code(const Chunk *chunk)
{
    if (!chunk->is_later) file_drop_images();
}

// A case whose output alone fills a chunk is the chunk's last.
static PredictCase *large_case(const Predictor *p, const Chunk *chunk)
{
    PredictCase *last = chunk->n > 0 ? &chunk->cases[chunk->n - 1] : NULL;
    const bool has_rows = last && !last->why && !p->mode->work && predict_has_rows(p);
    return has_rows && floats_of(p, &last->input) >= CHUNK_FLOATS ? last : NULL;
}

typedef struct LargeAnswer {
    const Predictor *p;
    JsonlOut *out;
} LargeAnswer;

static Status take_rows(void *context, const float *rows, size_t n_rows, size_t stride, Error *err)
{
    const LargeAnswer *answer = context;
    return predict_put_rows(answer->p, rows, n_rows, stride, answer->out, err);
}

static Status work_large(const Predictor *p, Pool *pool, const PredictCase *c, JsonlOut *out,
                         Error *err)
{
    LargeAnswer answer = {.p = p, .out = out};
    begin_rows(c, out);
    TRY(model_predict_once(p->model, pool, &c->input, interrupt_flag(), take_rows, &answer, err));
    return end_rows(c, out, err);
}

// The cases of a chunk through a mode that works on them itself.
static Status work_mode(Predictor *p, Pool *pool, Chunk *chunk, Error *err)
{
    PredictCase **cases = NULL;
    size_t n = 0;
    TRY(arena_take(&chunk->arena, chunk->n, sizeof *cases, "cases", &cases, err));
    for (size_t i = 0; i < chunk->n; i++) {
        if (!chunk->cases[i].why) cases[n++] = &chunk->cases[i];
    }
    return work_cases(p, pool, &chunk->arena, cases, n, err);
}

static Status work_model(const Predictor *p, Pool *pool, Chunk *chunk, float **logits, Error *err)
{
    TRY(arena_take(&chunk->arena, chunk->n_floats, sizeof **logits, "the model's output", logits,
                   err));
    TRY(model_predict(p->model, pool, chunk->inputs, chunk->n_inputs, interrupt_flag(), *logits,
                      err));
    if (model_wants_normalized(p->model) && p->mode->head == HEAD_EMBEDDING)
        model_normalize_rows(*logits, chunk->n_inputs, model_output_width(p->model));
    return STATUS_OK;
}

static Status work_chunk(Predictor *p, Pool *pool, Chunk *chunk, JsonlOut *out, Error *err)
{
    float *logits = NULL;
    PredictCase *large = large_case(p, chunk);
    if (large) { // written as it is computed, behind the others
        chunk->n--;
        chunk->n_inputs--;
        chunk->n_floats -= floats_of(p, &large->input);
    }
    change_code(chunk);
    TRY(p->mode->work ? work_mode(p, pool, chunk, err) : work_model(p, pool, chunk, &logits, err));
    change_code(chunk);
    for (size_t i = 0; i < chunk->n; i++) {
        const PredictCase *c = &chunk->cases[i];
        TRY(resume_answer(chunk->resume, &c->line, err));
        TRY(put_answer(p, pool, c, logits, &chunk->arena, out, err));
        if (!c->why && logits) logits += floats_of_case(p, c);
    }
    if (large) TRY(resume_answer(chunk->resume, &large->line, err));
    if (large) TRY(work_large(p, pool, large, out, err));
    return jsonl_out_flush(out, err);
}

static Status start_chunk(Chunk *chunk, size_t capacity, Error *err)
{
    chunk->n = chunk->n_bytes = chunk->n_tokens = chunk->n_floats = chunk->n_inputs = 0;
    chunk->n_computed = 0;
    chunk->capacity = capacity;
    TRY(arena_take(&chunk->arena, capacity, sizeof *chunk->cases, "cases", &chunk->cases, err));
    chunk->inputs_capacity = capacity;
    return arena_take(&chunk->arena, capacity, sizeof *chunk->inputs, "inputs", &chunk->inputs,
                      err);
}

// Of n_answers of this run, whose input may have some blank lines too.
static void tell_progress(const Predictor *p, size_t n_answers, size_t n_kept, bool more,
                          int64_t started_ns)
{
    const size_t n_left = p->n_lines > n_kept ? p->n_lines - n_kept : 0;
    const size_t total = !more ? n_answers : n_left > n_answers ? n_left : 0;
    log_progress(p->log, "cases", n_answers, total, started_ns, NULL);
}

// So many tokens are CHUNK_FLOPS for each thread.
static double most_computed(const Predictor *p, const Pool *pool)
{
    const double flops_per_token = (double)model_size(p->model).flops_per_token;
    return CHUNK_FLOPS * (double)pool_threads(pool) / (flops_per_token > 0 ? flops_per_token : 1);
}

Status predict_stream(Predictor *p, Pool *pool, Resume *resume, size_t batch, JsonlOut *out,
                      Error *err)
{
    const Slice name = slice_from_cstr(line_reader_name(resume->in));
    const int64_t started_ns = clock_now_ns();
    Chunk chunk = {.resume = resume, .most_computed = most_computed(p, pool)};
    ResumeLine line = {0};
    bool more = true;
    Status s = resume_replay(resume, err);
    const size_t n_kept = out->n_written; // of a run before, which took no time
    const ArenaMark mark = arena_mark(&chunk.arena);
    while (s == STATUS_OK && more) {
        arena_rewind(&chunk.arena, mark);
        s = start_chunk(&chunk, batch, err);
        while (s == STATUS_OK && more && !is_full(&chunk)) {
            s = resume_next(resume, &line, &more, err);
            if (s == STATUS_OK && more) s = add_line(p, &chunk, name, &line, err);
        }
        if (s == STATUS_OK) s = work_chunk(p, pool, &chunk, out, err);
        if (s == STATUS_OK) s = resume_chunk_done(resume, err);
        if (s == STATUS_OK) tell_progress(p, out->n_written - n_kept, n_kept, more, started_ns);
        chunk.is_later = true;
    }
    arena_release(&chunk.arena);
    return s;
}
