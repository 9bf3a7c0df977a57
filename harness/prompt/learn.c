// What a causal model is tuned on: prompts without shots, each with its right answer.
#include "harness/prompt/ask.h"
#include "harness/prompt/asking.h"

enum { IGNORED = -100 };

// A prompt without examples, and the right answer; nothing where the sample has none.
static Status render_example(const PromptAsking *a, const Sample *sample, Arena *scratch,
                             Slice *prompt, Slice *continuation, Error *err)
{
    Slice answer = {0};
    const size_t option = sample->gold >= 0 ? (size_t)sample->gold : PROMPT_NO_OPTION;
    TRY(a->how->gold(a->asked->task, a->asked->data, sample, scratch, &answer, err));
    if (!answer.ptr) return STATUS_OK;
    TRY(prompt_question(a, sample, option, scratch, prompt, err));
    return prompt_answer(a, sample, option, answer, scratch, continuation, err);
}

// The ids of one example in the scratch, and how many of them are the prompt's.
static Status encode_example(const PromptAsking *a, const Sample *sample,
                             const Tokenizer *tokenizer, Arena *scratch, AskIds *out,
                             size_t *n_prompt, Error *err)
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

static Status encode_all(const PromptAsking *a, const UsedPart *part, const Tokenizer *tokenizer,
                         size_t max_length, Arena *scratch, Arena *arena, Tokens *out, Error *err)
{
    AskIds *ids = NULL;
    size_t *n_prompt = NULL, total = 0, at = 0;
    TRY(arena_take(scratch, part->n, sizeof *ids, "examples", &ids, err));
    TRY(arena_take(scratch, part->n, sizeof *n_prompt, "examples", &n_prompt, err));
    for (size_t i = 0; i < part->n; i++) {
        TRY(encode_example(a, prompt_sample(part, i), tokenizer, scratch, &ids[i], &n_prompt[i],
                           err));
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
        out->keys[out->batch.n_sequences] = family_key(prompt_sample(part, i)->id, 0);
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
    PromptAsking a = {.asked = &asked};
    Arena scratch = {0};
    Status s = prompt_begin(&a, &scratch, err);
    if (s == STATUS_OK) s = encode_all(&a, part, tokenizer, max_length, &scratch, arena, out, err);
    arena_release(&scratch);
    return s;
}

static Status write_example(const PromptAsking *a, const Sample *sample, Arena *scratch,
                            Buffer *out, Error *err)
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
    PromptAsking a = {.asked = &asked};
    Arena scratch = {0};
    Status s = prompt_begin(&a, &scratch, err);
    for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        s = write_example(&a, prompt_sample(part, i), &scratch, out, err);
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}
