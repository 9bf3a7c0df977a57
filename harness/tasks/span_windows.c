// Passages cut into windows, and the answers of training in them.
#include <string.h>

#include "harness/tasks/span_internal.h"

Status span_windows(const SuiteTask *task, const Sample *sample, const Tokenizer *tokenizer,
                    size_t max_length, Arena *scratch, EncodingWindows *out, Error *err)
{
    EncodeOptions options = {
        .max_length = max_length, .strategy = TRUNCATE_ONLY_SECOND, .stride = task->doc_stride};
    const size_t n_added = tokenizer_n_added(tokenizer, true);
    Error cannot = {0};
    TokenBatch question = {0};
    TRY(tokenizer_encode_batch(tokenizer, &sample->text, NULL, 1, NULL, scratch, &question, err));
    const size_t used = question.n_full[0] + n_added;
    if (used + 1 < max_length) {
        const size_t room = max_length - used;
        if (options.stride >= room) options.stride = room / 2;
        const Status s = tokenizer_encode_windows(tokenizer, sample->text, &sample->context,
                                                  &options, scratch, out, &cannot);
        if (s != STATUS_INVALID) {
            if (s != STATUS_OK && err) *err = cannot;
            return s;
        }
    }
    options.strategy = TRUNCATE_LONGEST_FIRST;
    options.stride = 0;
    TRY(arena_take(scratch, 1, sizeof *out->windows, "windows", &out->windows, err));
    out->n_windows = 1;
    return tokenizer_encode(tokenizer, sample->text, &sample->context, &options, scratch,
                            &out->windows[0], err);
}

bool span_is_of_passage(const Encoding *window, size_t token)
{
    return window->sequence[token] == 1 &&
           window->offsets[token].end > window->offsets[token].begin;
}

// The tokens that hold the first and the last byte of an answer; false where the window lacks one of them.
static bool find_answer(const Encoding *window, const SampleSpan *answer, int32_t label[2])
{
    const size_t first = answer->begin_bytes, last = first + answer->text.len - 1;
    bool has_first = false, has_last = false;
    for (size_t t = 0; t < window->n_tokens; t++) {
        const TokenOffsets o = window->offsets[t];
        if (!span_is_of_passage(window, t)) continue;
        if (!has_first && o.begin <= first && first < o.end) {
            label[0] = (int32_t)t;
            has_first = true;
        }
        if (o.begin <= last && last < o.end) {
            label[1] = (int32_t)t;
            has_last = true;
        }
    }
    return has_first && has_last && label[0] <= label[1];
}

static void label_window(const Encoding *window, const Sample *sample, int32_t label[2])
{
    for (size_t a = 0; a < sample->n_answers; a++) {
        if (find_answer(window, &sample->answers[a], label)) return;
    }
    label[0] = label[1] = NO_ANSWER;
}

// Growing arrays of all windows of a part.
typedef struct Windows {
    Arena *arena;
    Tokens *tokens;
    size_t n_ids, ids_capacity, n, capacity;
} Windows;

static Status want_room(Windows *w, size_t n_ids, Error *err)
{
    Tokens *t = w->tokens;
    if (w->n_ids + n_ids > w->ids_capacity) {
        const size_t n = w->n_ids, capacity = n + n / 2 + n_ids + 1024;
        TRY(arena_grow(w->arena, n, capacity, sizeof *t->batch.ids, "tokens", &t->batch.ids, err));
        TRY(arena_grow(w->arena, n, capacity, sizeof *t->batch.type_ids, "tokens",
                       &t->batch.type_ids, err));
        w->ids_capacity = capacity;
    }
    if (w->n + 1 >= w->capacity) {
        const size_t n = w->n, capacity = 2 * n + 256;
        TRY(arena_grow(w->arena, n + (n > 0), capacity, sizeof *t->batch.starts, "tokens",
                       &t->batch.starts, err));
        TRY(arena_grow(w->arena, n, capacity, sizeof *t->keys, "tokens", &t->keys, err));
        TRY(arena_grow(w->arena, 2 * n, 2 * capacity, sizeof *t->labels, "tokens", &t->labels,
                       err));
        w->capacity = capacity;
    }
    return STATUS_OK;
}

static Status add_window(Windows *w, const Sample *sample, const Encoding *window, size_t index,
                         Error *err)
{
    Tokens *t = w->tokens;
    TRY(want_room(w, window->n_tokens, err));
    memcpy(t->batch.ids + w->n_ids, window->ids, window->n_tokens * sizeof *window->ids);
    memcpy(t->batch.type_ids + w->n_ids, window->type_ids,
           window->n_tokens * sizeof *window->type_ids);
    label_window(window, sample, t->labels + 2 * w->n);
    t->keys[w->n] = family_key(sample->id, index);
    w->n_ids += window->n_tokens;
    t->batch.starts[++w->n] = w->n_ids;
    return STATUS_OK;
}

// Room for all at once where a piece has four bytes and more, as in most texts: growing would keep what it grew out of.
static Status expect_room(Windows *w, const UsedPart *part, Error *err)
{
    size_t n_ids = 0;
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        n_ids += (sample->text.len + sample->context.len) / 4 + 8;
    }
    return want_room(w, n_ids, err);
}

Status span_encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                   const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                   Error *err)
{
    Windows all = {.arena = arena, .tokens = out};
    Arena scratch = {0};
    (void)data;
    Status s = arena_take(arena, part->n + 1, sizeof *out->first_window, "windows",
                          &out->first_window, err);
    if (s == STATUS_OK) s = expect_room(&all, part, err);
    for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        const Sample *sample = &part->data.samples[part->which[i]];
        EncodingWindows windows = {0};
        out->first_window[i] = all.n;
        s = span_windows(task, sample, tokenizer, max_length, &scratch, &windows, err);
        for (size_t w = 0; s == STATUS_OK && w < windows.n_windows; w++)
            s = add_window(&all, sample, &windows.windows[w], w, err);
        out->n_split += windows.n_windows > 1;
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    if (s != STATUS_OK) return s;
    out->first_window[part->n] = all.n;
    out->batch.n_sequences = all.n;
    return STATUS_OK;
}
