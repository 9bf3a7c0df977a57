#include "harness/prompt/ask.h"

#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "metrics/metric.h"
#include "results/store.h"

// Texts of a call to the model; a question's examples are in each of its texts, so that many questions take much memory.
enum { CHUNK_BYTES = 64 << 20 };

typedef struct Asking {
    const Asked *asked;
    const FamilyPrompt *how;
    const SuitePrompt *prompt;
    Slice preamble; // instruction and examples
    const Slice *words;
    size_t n_words;
    size_t n_options; // the most a sample has; 0 where the model writes
    bool wants_unconditional;
} Asking;

static const Sample *sample_at(const UsedPart *part, size_t position)
{
    return &part->data.samples[part->which[position]];
}

static Status keep_text(Buffer *buffer, Arena *arena, Slice *out, Error *err)
{
    Status s = buffer_status(buffer, err);
    if (s == STATUS_OK) {
        *out = arena_copy(arena, buffer_slice(buffer));
        if (!out->ptr) s = error_set_memory(err, buffer->len, 1, "a prompt");
    }
    buffer_release(buffer);
    return s;
}

static PromptValues values_of(const Asking *a, const Sample *sample, size_t option, Slice answer)
{
    return (PromptValues){.task = a->asked->task,
                          .words = a->words,
                          .n_words = a->n_words,
                          .sample = sample,
                          .option = option,
                          .answer = answer};
}

// ---- examples ----

typedef struct Candidate {
    unsigned char rank[32];
    size_t position;
} Candidate;

static int by_rank(const void *a, const void *b)
{
    const int order = memcmp(((const Candidate *)a)->rank, ((const Candidate *)b)->rank, 32);
    const size_t x = ((const Candidate *)a)->position, y = ((const Candidate *)b)->position;
    return order != 0 ? order : x < y ? -1 : x > y;
}

// A sample's place in the draw hangs on the seed and its id alone, not on the file's order or the other samples.
static void rank_of(uint64_t seed, Slice id, unsigned char out[32])
{
    Sha256 hash;
    char text[32];
    size_t n = 0;
    for (int i = 0; i < 8; i++) text[n++] = (char)(seed >> (8 * i));
    sha256_init(&hash);
    sha256_update_field(&hash, (Slice){text, n});
    sha256_update_field(&hash, id);
    sha256_finish(&hash, out);
}

// Samples of the training part outside the fold that is judged.
static Status list_candidates(const Asked *asked, bool draws, Arena *arena, Candidate **out,
                              size_t *n, Error *err)
{
    const UsedPart *train = &asked->data->parts[PART_TRAIN];
    TRY(arena_take(arena, train->n, sizeof **out, "examples", out, err));
    *n = 0;
    for (size_t i = 0; i < train->n; i++) {
        if (asked->data->fold && asked->data->fold[i] == asked->outer_fold) continue;
        Candidate *c = &(*out)[(*n)++];
        c->position = i;
        memset(c->rank, 0, sizeof c->rank);
        if (draws) rank_of(asked->seed, sample_at(train, i)->id, c->rank);
    }
    qsort(*out, *n, sizeof **out, by_rank);
    return STATUS_OK;
}

static Status put_example(const Asking *a, const Sample *sample, Arena *scratch, Buffer *out,
                          bool *is_usable, Error *err)
{
    const Asked *asked = a->asked;
    Slice answer = {0};
    TRY(a->how->gold(asked->task, asked->data, sample, scratch, &answer, err));
    *is_usable = answer.ptr != NULL;
    if (!*is_usable) return STATUS_OK;
    const size_t option = sample->gold >= 0 ? (size_t)sample->gold : PROMPT_NO_OPTION;
    const PromptValues values = values_of(a, sample, option, answer);
    TRY(prompt_render(&a->prompt->text, &values, out, err));
    TRY(prompt_render(&a->prompt->answer, &values, out, err));
    buffer_append(out, a->prompt->separator);
    return STATUS_OK;
}

static Status make_preamble(Asking *a, Arena *arena, Error *err)
{
    const SuitePrompt *prompt = a->prompt;
    const UsedPart *train = &a->asked->data->parts[PART_TRAIN];
    Buffer text = {0};
    Arena scratch = {0};
    Candidate *candidates = NULL;
    size_t n = 0, n_taken = 0;
    buffer_append(&text, prompt->instruction);
    Status s = STATUS_OK;
    if (prompt->n_shots > 0)
        s = list_candidates(a->asked, prompt->draw == PROMPT_DRAW_SEED, &scratch, &candidates, &n,
                            err);
    for (size_t i = 0; s == STATUS_OK && i < n && n_taken < prompt->n_shots; i++) {
        bool is_usable = false;
        s = put_example(a, sample_at(train, candidates[i].position), &scratch, &text, &is_usable,
                        err);
        n_taken += is_usable;
    }
    if (s == STATUS_OK && n_taken < prompt->n_shots) {
        s = error_set(err, STATUS_INVALID,
                      "the prompt wants %zu examples, but the training part has %zu with an answer",
                      prompt->n_shots, n_taken);
    }
    arena_release(&scratch);
    if (s == STATUS_OK) return keep_text(&text, arena, &a->preamble, err);
    buffer_release(&text);
    return s;
}

// ---- beginning ----

static bool wants_unconditional(const SuiteTask *task)
{
    bool wanted = task->prompt.normalize == PROMPT_NORMALIZE_UNCONDITIONAL;
    for (size_t i = 0; i < task->n_metrics; i++) {
        Slice how = {0};
        const Json *params = task->metrics[i].params;
        const Json *value = params ? json_get(params, "normalize") : NULL;
        if (value && json_kind(value) == JSON_STRING) how = json_string(value);
        wanted = wanted || slice_eq_cstr(how, "unconditional");
    }
    return wanted;
}

static Status begin(Asking *a, Arena *arena, Error *err)
{
    const Asked *asked = a->asked;
    const TaskData *data = asked->data;
    Slice *words = NULL;
    a->prompt = &asked->task->prompt;
    a->how = data->family->prompt;
    const bool is_scored = a->how->options && a->prompt->option != PROMPT_OPTION_WRITTEN;
    a->n_options = is_scored ? data->n_labels : 0;
    a->preamble = a->prompt->instruction.ptr ? a->prompt->instruction : SLICE("");
    TRY(arena_take(arena, data->n_metric_labels, sizeof *words, "words", &words, err));
    for (size_t i = 0; i < data->n_metric_labels; i++)
        words[i] = prompt_word(a->prompt, data->metric_labels[i]);
    a->words = words;
    a->n_words = data->n_metric_labels;
    return STATUS_OK;
}

static Status render_prompt(const Asking *a, const Sample *sample, size_t option, Arena *arena,
                            Slice *out, Error *err)
{
    Buffer text = {0};
    const PromptValues values = values_of(a, sample, option, (Slice){0});
    buffer_append(&text, a->preamble);
    const Status s = prompt_render(&a->prompt->text, &values, &text, err);
    if (s == STATUS_OK) return keep_text(&text, arena, out, err);
    buffer_release(&text);
    return s;
}

static Status render_answer(const Asking *a, const Sample *sample, size_t option, Slice answer,
                            Arena *arena, Slice *out, Error *err)
{
    Buffer text = {0};
    const PromptValues values = values_of(a, sample, option, answer);
    const Status s = prompt_render(&a->prompt->answer, &values, &text, err);
    if (s == STATUS_OK) return keep_text(&text, arena, out, err);
    buffer_release(&text);
    return s;
}

// ---- choosing ----

// Requests of some samples: the options of each, one after the other, and where wanted the same again without the question.
typedef struct Choosing {
    AskLoglik *requests;
    size_t n, capacity;
    size_t *n_options; // of each sample
    size_t *bytes;     // of each option's own text, in the requests' order
    size_t n_bytes;    // of all texts
} Choosing;

static Status add_sample(const Asking *a, const Sample *sample, size_t index, Arena *arena,
                         Choosing *c, Error *err)
{
    Slice *options = NULL, prompt = {0};
    size_t n = 0;
    const bool differ = prompt_template_has_option(&a->prompt->text);
    TRY(a->how->options(a->asked->task, a->asked->data, sample, arena, &options, &n, err));
    for (size_t i = 0; i < n; i++) {
        AskLoglik *request = &c->requests[c->n];
        if (i == 0 || differ) TRY(render_prompt(a, sample, i, arena, &prompt, err));
        request->context = prompt;
        TRY(render_answer(a, sample, i, options[i], arena, &request->continuation, err));
        c->bytes[c->n++] = options[i].len;
        c->n_bytes += request->context.len + request->continuation.len;
    }
    c->n_options[index] = n;
    for (size_t i = 0; a->wants_unconditional && i < n; i++, c->n++)
        c->requests[c->n] = (AskLoglik){SLICE(""), c->requests[c->n - n].continuation};
    return STATUS_OK;
}

static double normalized(PromptNormalize how, const double *option)
{
    switch (how) {
    case PROMPT_NORMALIZE_TOKENS:
        return option[PROMPT_LOGLIK] / option[PROMPT_TOKENS];
    case PROMPT_NORMALIZE_BYTES:
        return option[PROMPT_LOGLIK] / option[PROMPT_BYTES];
    case PROMPT_NORMALIZE_UNCONDITIONAL:
        return option[PROMPT_LOGLIK] - option[PROMPT_UNCONDITIONAL];
    case PROMPT_NORMALIZE_NONE:
        break;
    }
    return option[PROMPT_LOGLIK];
}

// The answer of one sample from what its options scored. A lone option is right where the model would have written it.
static void choose(const Asking *a, const AskedLoglik *scored, const size_t *bytes, size_t n,
                   size_t index, Answers *out)
{
    const PromptNormalize how = a->prompt->normalize;
    double *values = out->values + index * out->n_values;
    double *probabilities = out->probabilities + index * out->n_classes;
    double best = -INFINITY, sum = 0;
    int32_t chosen = STORE_NO_LABEL;
    size_t n_cut = 0;
    for (size_t i = 0; i < n; i++) {
        double *option = values + i * PROMPT_PER_OPTION;
        option[PROMPT_LOGLIK] = scored[i].loglik;
        option[PROMPT_TOKENS] = (double)scored[i].n_tokens;
        option[PROMPT_BYTES] = (double)(bytes[i] > 0 ? bytes[i] : 1);
        option[PROMPT_UNCONDITIONAL] = a->wants_unconditional ? scored[n + i].loglik : (double)NAN;
        const double value = normalized(how, option);
        if (chosen == STORE_NO_LABEL || value > best) {
            best = value;
            chosen = (int32_t)i;
        }
        n_cut = scored[i].n_cut > n_cut ? scored[i].n_cut : n_cut;
    }
    for (size_t i = 0; i < n; i++) {
        probabilities[i] = exp(normalized(how, values + i * PROMPT_PER_OPTION) - best);
        sum += probabilities[i];
    }
    for (size_t i = 0; i < n; i++) probabilities[i] /= sum;
    if (n == 1 && !scored[0].is_greedy) chosen = STORE_NO_LABEL;
    out->predicted[index] = chosen;
    values[out->n_values - PROMPT_FLAGS + PROMPT_CUT] = (double)n_cut;
}

static Status choose_chunk(const Asking *a, const Responder *responder, size_t *at, Answers *out,
                           Error *err)
{
    const Asked *asked = a->asked;
    const size_t first = *at, per_sample = a->n_options * (a->wants_unconditional ? 2 : 1);
    Arena scratch = {0};
    Choosing c = {0};
    AskedLoglik *scored = NULL;
    GenerateStats stats = {0};
    Status s = arena_take(&scratch, (asked->n - first) * per_sample, sizeof *c.requests, "options",
                          &c.requests, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, (asked->n - first) * per_sample, sizeof *c.bytes, "options",
                       &c.bytes, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, asked->n - first, sizeof *c.n_options, "options", &c.n_options,
                       err);
    while (s == STATUS_OK && *at < asked->n && c.n_bytes < CHUNK_BYTES) {
        s = add_sample(a, sample_at(asked->part, asked->positions[*at]), *at - first, &scratch, &c,
                       err);
        (*at)++;
    }
    if (s == STATUS_OK) s = arena_take(&scratch, c.n, sizeof *scored, "options", &scored, err);
    if (s == STATUS_OK)
        s = model_ask_loglik(responder->model, responder->pool, c.requests, c.n,
                             a->prompt->truncate, responder->cancel, scored, &stats, err);
    out->n_tokens += stats.n_tokens;
    size_t request = 0;
    for (size_t i = first; s == STATUS_OK && i < *at; i++) {
        const size_t n = c.n_options[i - first];
        choose(a, scored + request, c.bytes + request, n, i, out);
        request += a->wants_unconditional ? 2 * n : n;
    }
    arena_release(&scratch);
    return s;
}

// ---- writing ----

static Status read_written(const Asking *a, const AskedText *written, size_t index, Arena *arena,
                           Answers *out, Error *err)
{
    const Asked *asked = a->asked;
    bool found = false, is_read = false;
    Slice text = {0};
    double *flags = out->values + index * out->n_values;
    TRY(prompt_extract(a->prompt, written->text, arena, &text, &found, err));
    TRY(a->how->read(asked->task, asked->data, sample_at(asked->part, asked->positions[index]),
                     text, arena, &out->texts[index], &is_read, err));
    out->predicted[index] = STORE_NO_LABEL;
    flags[PROMPT_UNPARSED] = !found || !is_read;
    flags[PROMPT_CUT] = (double)written->n_cut;
    return STATUS_OK;
}

static Status write_chunk(const Asking *a, const Responder *responder, size_t *at, Arena *arena,
                          Answers *out, Error *err)
{
    const Asked *asked = a->asked;
    const size_t first = *at;
    size_t n_bytes = 0;
    Arena scratch = {0};
    AskText *requests = NULL;
    AskedText *written = NULL;
    GenerateStats stats = {0};
    Status s = arena_take(&scratch, asked->n - first, sizeof *requests, "prompts", &requests, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, asked->n - first, sizeof *written, "answers", &written, err);
    while (s == STATUS_OK && *at < asked->n && n_bytes < CHUNK_BYTES) {
        AskText *request = &requests[*at - first];
        *request = (AskText){.max_new_tokens = a->prompt->max_new_tokens,
                             .stops = a->prompt->stops,
                             .n_stops = a->prompt->n_stops};
        s = render_prompt(a, sample_at(asked->part, asked->positions[*at]), PROMPT_NO_OPTION,
                          &scratch, &request->prompt, err);
        n_bytes += request->prompt.len;
        (*at)++;
    }
    if (s == STATUS_OK)
        s = model_ask_text(responder->model, responder->pool, requests, *at - first,
                           a->prompt->truncate, responder->cancel, &scratch, written, &stats, err);
    out->n_tokens += stats.n_tokens;
    for (size_t i = first; s == STATUS_OK && i < *at; i++) {
        // Texts that were cut out borrow from what was written: they outlive the scratch.
        AskedText own = written[i - first];
        own.text = arena_copy(arena, own.text);
        s = own.text.ptr ? read_written(a, &own, i, arena, out, err)
                         : error_set_memory(err, own.text.len, 1, "an answer");
    }
    arena_release(&scratch);
    return s;
}

static Status take_answers(const Asking *a, Arena *arena, Answers *out, Error *err)
{
    const size_t n = a->asked->n;
    out->n = n;
    out->n_values = a->n_options * PROMPT_PER_OPTION + PROMPT_FLAGS;
    out->n_classes = a->n_options > 0 ? a->asked->data->n_metric_labels : 0;
    TRY(arena_take(arena, n, sizeof *out->predicted, "predictions", &out->predicted, err));
    TRY(arena_take(arena, n * out->n_values, sizeof *out->values, "scores", &out->values, err));
    if (a->n_options > 0) {
        return arena_take(arena, n * out->n_classes, sizeof *out->probabilities, "probabilities",
                          &out->probabilities, err);
    }
    return arena_take(arena, n, sizeof *out->texts, "answers", &out->texts, err);
}

Status prompt_respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    Asking a = {.asked = asked};
    TRY(begin(&a, arena, err));
    TRY(make_preamble(&a, arena, err));
    a.wants_unconditional = a.n_options > 0 && wants_unconditional(asked->task);
    TRY(take_answers(&a, arena, out, err));
    for (size_t at = 0; at < asked->n;) {
        if (a.n_options > 0)
            TRY(choose_chunk(&a, responder, &at, out, err));
        else
            TRY(write_chunk(&a, responder, &at, arena, out, err));
    }
    return STATUS_OK;
}

// ---- tuning ----

enum { IGNORED = -100 };

// A prompt without examples, and the right answer; nothing where the sample has none.
static Status render_example(const Asking *a, const Sample *sample, Arena *scratch, Slice *prompt,
                             Slice *continuation, Error *err)
{
    Slice answer = {0};
    const size_t option = sample->gold >= 0 ? (size_t)sample->gold : PROMPT_NO_OPTION;
    TRY(a->how->gold(a->asked->task, a->asked->data, sample, scratch, &answer, err));
    if (!answer.ptr) return STATUS_OK;
    TRY(render_prompt(a, sample, option, scratch, prompt, err));
    return render_answer(a, sample, option, answer, scratch, continuation, err);
}

// The ids of one example in the scratch, and how many of them are the prompt's.
static Status encode_example(const Asking *a, const Sample *sample, const Tokenizer *tokenizer,
                             Arena *scratch, AskIds *out, size_t *n_prompt, Error *err)
{
    Slice prompt = {0}, continuation = {0};
    *out = (AskIds){0};
    TRY(render_example(a, sample, scratch, &prompt, &continuation, err));
    if (!prompt.ptr) return STATUS_OK;
    return ask_encode_example(tokenizer, prompt, continuation, scratch, out, n_prompt, err);
}

// Long examples lose the beginning of their prompt.
static void put_example_ids(const AskIds *ids, size_t n_prompt, size_t max_length, Tokens *out,
                            size_t *at)
{
    const size_t skipped = ids->n > max_length ? ids->n - max_length : 0;
    for (size_t t = skipped; t < ids->n; t++) {
        out->batch.ids[*at] = ids->ids[t];
        out->labels[*at] = t >= n_prompt ? ids->ids[t] : IGNORED;
        (*at)++;
    }
}

static Status encode_all(const Asking *a, const UsedPart *part, const Tokenizer *tokenizer,
                         size_t max_length, Arena *scratch, Arena *arena, Tokens *out, Error *err)
{
    AskIds *ids = NULL;
    size_t *n_prompt = NULL, total = 0, at = 0;
    TRY(arena_take(scratch, part->n, sizeof *ids, "examples", &ids, err));
    TRY(arena_take(scratch, part->n, sizeof *n_prompt, "examples", &n_prompt, err));
    for (size_t i = 0; i < part->n; i++) {
        TRY(encode_example(a, sample_at(part, i), tokenizer, scratch, &ids[i], &n_prompt[i], err));
        total += ids[i].n < max_length ? ids[i].n : max_length;
    }
    TRY(arena_take(arena, total, sizeof *out->batch.ids, "tokens", &out->batch.ids, err));
    TRY(arena_take(arena, total, sizeof *out->batch.type_ids, "tokens", &out->batch.type_ids, err));
    TRY(arena_take(arena, total, sizeof *out->labels, "tokens", &out->labels, err));
    TRY(arena_take(arena, part->n + 1, sizeof *out->batch.starts, "tokens", &out->batch.starts,
                   err));
    TRY(arena_take(arena, part->n + 1, sizeof *out->first_window, "tokens", &out->first_window,
                   err));
    TRY(arena_take(arena, part->n, sizeof *out->keys, "keys", &out->keys, err));
    // A sample without an answer is no example: it has no window.
    for (size_t i = 0; i < part->n; i++) {
        out->first_window[i] = out->batch.n_sequences;
        if (ids[i].n == 0) continue;
        out->keys[out->batch.n_sequences] = family_key(sample_at(part, i)->id, 0);
        put_example_ids(&ids[i], n_prompt[i], max_length, out, &at);
        out->batch.starts[++out->batch.n_sequences] = at;
    }
    out->first_window[part->n] = out->batch.n_sequences;
    out->has_token_labels = true;
    return STATUS_OK;
}

Status prompt_encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    const Asked asked = {.task = task, .data = data, .part = part};
    Asking a = {.asked = &asked};
    Arena scratch = {0};
    Status s = begin(&a, &scratch, err);
    if (s == STATUS_OK) s = encode_all(&a, part, tokenizer, max_length, &scratch, arena, out, err);
    arena_release(&scratch);
    return s;
}

static Status write_example(const Asking *a, const Sample *sample, Arena *scratch, Buffer *out,
                            Error *err)
{
    Slice prompt = {0}, continuation = {0};
    const size_t start = out->len;
    TRY(render_example(a, sample, scratch, &prompt, &continuation, err));
    if (!prompt.ptr) return STATUS_OK;
    buffer_append(out, prompt);
    buffer_append(out, continuation);
    // Line ends are tokens of their own, and no part of a line.
    for (size_t i = start; i < out->len; i++) {
        if (out->ptr[i] == '\r') out->ptr[i] = '\n';
    }
    buffer_append_byte(out, '\n');
    return STATUS_OK;
}

Status prompt_write_examples(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                             Buffer *out, Error *err)
{
    const Asked asked = {.task = task, .data = data, .part = part};
    Asking a = {.asked = &asked};
    Arena scratch = {0};
    Status s = begin(&a, &scratch, err);
    for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        s = write_example(&a, sample_at(part, i), &scratch, out, err);
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}

Status prompt_check_data(const SuiteTask *task, const TaskData *data, Error *err)
{
    for (size_t i = 0; i < task->prompt.n_answers; i++) {
        const Slice label = task->prompt.answers[i].label;
        if (label_find(data->metric_labels, data->n_metric_labels, label) != SAMPLE_NO_LABEL)
            continue;
        const Slice first = data->n_metric_labels > 0 ? data->metric_labels[0] : SLICE("");
        return error_set(err, STATUS_INVALID,
                         "\"answers\" has a word for \"" SLICE_FMT
                         "\", which is no class of the data; their first is \"" SLICE_FMT "\"",
                         SLICE_ARG(slice_sub(label, 0, 80)), SLICE_ARG(slice_sub(first, 0, 80)));
    }
    return STATUS_OK;
}

Status prompt_check_part(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                         Error *err)
{
    const Asked asked = {.task = task, .data = data, .part = part};
    Asking a = {.asked = &asked};
    Arena scratch = {0};
    const size_t option =
        prompt_template_has_option(&task->prompt.text) ? 0 : (size_t)PROMPT_NO_OPTION;
    Status s = begin(&a, &scratch, err);
    for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        Slice ignored;
        s = render_prompt(&a, sample_at(part, i), option, &scratch, &ignored, err);
        if (s == STATUS_INVALID) s = error_wrap(err, SLICE_FMT, SLICE_ARG(part->data.path));
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}
