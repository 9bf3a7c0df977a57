// harness/prepare_noted.c: a task as a saved model answers it: what the model's note says, where the task leaves it open.
#include <string.h>

#include "harness/family.h"

// What a note changes for one model and task.
struct AsNoted {
    SuiteTask *task;                   // NULL = the suite's own
    UsedPart *parts[N_DATA_PARTS + 1]; // PART_SWAPPED last; NULL = the part as it is
};

static struct AsNoted *slot(const Prepared *prepared, size_t model, size_t task)
{
    return &prepared->noted[model * prepared->suite->n_tasks + task];
}

const SuiteTask *prepared_task(const Prepared *prepared, size_t model, size_t task)
{
    const struct AsNoted *noted = slot(prepared, model, task);
    return noted->task ? noted->task : &prepared->suite->tasks[task];
}

const UsedPart *prepared_part(const Prepared *prepared, size_t model, size_t task, DataPart part)
{
    const struct AsNoted *noted = slot(prepared, model, task);
    const TaskData *data = &prepared->tasks[task];
    if (noted->parts[part]) return noted->parts[part];
    return part == PART_SWAPPED ? &data->swapped : &data->parts[part];
}

bool prepared_is_noted(const Prepared *prepared, size_t model, size_t task)
{
    return slot(prepared, model, task)->parts[PART_SWAPPED] != NULL ||
           slot(prepared, model, task)->parts[PART_TRAIN] != NULL ||
           slot(prepared, model, task)->parts[PART_VALID] != NULL ||
           slot(prepared, model, task)->parts[PART_TEST] != NULL;
}

Status prepared_noted_init(Prepared *prepared, size_t n, Error *err)
{
    return arena_take(&prepared->arena, n, sizeof *prepared->noted, "notes", &prepared->noted, err);
}

void prepared_noted_release(Prepared *prepared)
{
    const size_t n = prepared->suite->n_models * prepared->suite->n_tasks;
    for (size_t i = 0; prepared->noted && i < n; i++) {
        for (int part = 0; part <= N_DATA_PARTS; part++) {
            if (prepared->noted[i].parts[part])
                dataset_release(&prepared->noted[i].parts[part]->data);
        }
    }
}

ModelNote task_note(const SuiteTask *task, const TaskData *data, size_t max_length, bool by_prompt,
                    double null_threshold)
{
    ModelNote note = {.family = task->family, .steps = task->prepare, .n_steps = task->n_prepare};
    if (by_prompt) return note; // its length is the prompt's matter
    note.max_length = max_length;
    if (slice_eq_cstr(task->decode, "valid") && data->family->has_tags) note.decode = task->decode;
    note.has_threshold = data->family->has_label_set;
    note.threshold = task->threshold;
    if (data->head != HEAD_SPAN) return note;
    note.doc_stride = task->doc_stride;
    note.max_answer = task->max_answer;
    note.has_null_threshold = data->has_unanswerable;
    note.null_threshold = null_threshold;
    return note;
}

// The note of a model that is judged as saved, where it was tuned for such tasks.
static const ModelNote *note_of(const Prepared *prepared, size_t model, size_t task)
{
    const SuiteModel *m = &prepared->suite->models[model];
    const bool fits = m->note && slice_eq(m->note->family, prepared->suite->tasks[task].family);
    return fits && note_says_anything(m->note) ? m->note : NULL;
}

Status prepare_noted_task(Prepared *prepared, size_t model, size_t task, Error *err)
{
    const ModelNote *note = note_of(prepared, model, task);
    struct AsNoted *noted = slot(prepared, model, task);
    if (!note || noted->task) return STATUS_OK;
    TRY(arena_take(&prepared->arena, 1, sizeof *noted->task, "a task", &noted->task, err));
    SuiteTask *t = noted->task;
    *t = prepared->suite->tasks[task];
    if (!(t->says & SAYS_PREPARE)) {
        t->prepare = note->steps;
        t->n_prepare = note->n_steps;
    }
    if (!(t->says & SAYS_DECODE) && note->decode.len > 0) t->decode = note->decode;
    if (!(t->says & SAYS_DOC_STRIDE) && note->max_answer > 0) t->doc_stride = note->doc_stride;
    if (!(t->says & SAYS_MAX_ANSWER) && note->max_answer > 0) t->max_answer = note->max_answer;
    if (!(t->says & SAYS_NULL_THRESHOLD) && note->has_null_threshold)
        t->null_threshold = note->null_threshold;
    if (!(t->says & SAYS_THRESHOLD) && note->has_threshold) t->threshold = note->threshold;
    if (t->max_length == 0) t->max_length = note->max_length;
    return STATUS_OK;
}

// Inputs alone are prepared: answers are scored against the texts as the task has them.
Status prepare_noted_part(Prepared *prepared, size_t model, size_t task, DataPart part, Error *err)
{
    struct AsNoted *noted = slot(prepared, model, task);
    const UsedPart *from = prepared_part(prepared, model, task, part);
    StepCount counts[STEPS_MOST];
    UsedPart *to = NULL;
    if (!noted->task || noted->parts[part] || from->n == 0 ||
        noted->task->prepare == prepared->suite->tasks[task].prepare || noted->task->n_prepare == 0)
        return STATUS_OK;
    TRY(arena_take(&prepared->arena, 1, sizeof *to, "a part", &to, err));
    *to = *from;
    to->data.arena = (Arena){0};
    noted->parts[part] = to;
    TRY(arena_take(&to->data.arena, from->data.n_samples, sizeof *to->data.samples, "samples",
                   &to->data.samples, err));
    memcpy(to->data.samples, from->data.samples, from->data.n_samples * sizeof *to->data.samples);
    for (size_t i = 0; i < to->data.n_samples && !noted->task->tunes_null_threshold; i++)
        to->data.samples[i].n_answers = 0; // nothing is refused because an answer is gone
    return steps_dataset(noted->task->prepare, noted->task->n_prepare, &to->data, counts, err);
}
