#include "harness/prompt/asking.h"

#include "base/buffer_keep.h"
#include "metrics/metric.h"

const Sample *prompt_sample(const UsedPart *part, size_t position)
{
    return &part->data.samples[part->which[position]];
}

PromptValues prompt_values(const PromptAsking *a, const Sample *sample, size_t option, Slice answer)
{
    return (PromptValues){.task = a->asked->task,
                          .words = a->words,
                          .n_words = a->n_words,
                          .sample = sample,
                          .option = option,
                          .answer = answer};
}

Status prompt_begin(PromptAsking *a, Arena *arena, Error *err)
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

Status prompt_fill(Slice before, const PromptTemplate *template, const PromptValues *values,
                   Arena *arena, Slice *out, Error *err)
{
    Buffer text = {0};
    buffer_append(&text, before);
    const Status s = prompt_render(template, values, &text, err);
    if (s == STATUS_OK) return buffer_keep(&text, arena, "a prompt", out, err);
    buffer_release(&text);
    return s;
}

Status prompt_question(const PromptAsking *a, const Sample *sample, size_t option, Arena *arena,
                       Slice *out, Error *err)
{
    const PromptValues values = prompt_values(a, sample, option, (Slice){0});
    Slice question = {0};
    if (!a->chat) return prompt_fill(a->preamble, &a->prompt->text, &values, arena, out, err);
    TRY(prompt_fill((Slice){0}, &a->prompt->text, &values, arena, &question, err));
    return prompt_converse(a, question, arena, out, err);
}

Status prompt_answer(const PromptAsking *a, const Sample *sample, size_t option, Slice answer,
                     Arena *arena, Slice *out, Error *err)
{
    const PromptValues values = prompt_values(a, sample, option, answer);
    TRY(prompt_fill((Slice){0}, &a->prompt->answer, &values, arena, out, err));
    if (a->chat) *out = slice_trim(*out);
    return STATUS_OK;
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
    PromptAsking a = {.asked = &asked};
    Arena scratch = {0};
    const size_t option =
        prompt_template_has_option(&task->prompt.text) ? 0 : (size_t)PROMPT_NO_OPTION;
    Status s = prompt_begin(&a, &scratch, err);
    for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        Slice ignored;
        s = prompt_question(&a, prompt_sample(part, i), option, &scratch, &ignored, err);
        if (s == STATUS_INVALID) s = error_wrap(err, SLICE_FMT, SLICE_ARG(part->data.path));
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}
