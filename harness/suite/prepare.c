// The steps of a task's "prepare".
#include "harness/family.h"
#include "harness/suite/suite_internal.h"

Status task_read_prepare(const Json *value, Arena *arena, void *target, Error *err)
{
    SuiteTask *task = target;
    const SuiteKey *key = section_key(&section_shared, SLICE("prepare"));
    size_t index;
    if (json_kind(value) != JSON_ARRAY)
        return json_error(value, err, "found %s, want a list of steps such as [\"nfc\", \"lower\"]",
                          json_kind_name(json_kind(value)));
    if (json_len(value) > STEPS_MOST)
        return json_error(value, err, "found %zu steps, want at most %d", json_len(value),
                          STEPS_MOST);
    TRY(arena_take(arena, json_len(value), sizeof *task->prepare, "steps", &task->prepare, err));
    task->n_prepare = 0;
    for (const Json *v = json_first(value); v; v = json_next(v)) {
        TRY(choice_read(v, key->choice, &index, err));
        for (size_t i = 0; i < task->n_prepare; i++) {
            if (task->prepare[i] == steps_all[index])
                return json_error(v, err, "\"%s\" stands twice", steps_all[index]->name);
        }
        task->prepare[task->n_prepare++] = steps_all[index];
    }
    return STATUS_OK;
}

Status suite_check_prepare(const Json *object, const SuiteTask *task, Error *err)
{
    const Json *written = json_get(object, "prepare");
    const Family *family = family_find(task->family);
    if (task->n_prepare > 0 && family->takes && !family->judges_texts)
        return json_error(written ? written : object, err,
                          "a \"" SLICE_FMT "\" task compares texts as they are published: leave "
                          "\"prepare\" out",
                          SLICE_ARG(task->family));
    for (size_t i = 0; family->has_tags && i < task->n_prepare; i++) {
        if (task->prepare[i]->not_for_words == NULL) continue;
        return json_error(written ? json_at(written, i) : object, err,
                          "\"%s\" is no step for a \"" SLICE_FMT "\" task: %s",
                          task->prepare[i]->name, SLICE_ARG(task->family),
                          task->prepare[i]->not_for_words);
    }
    return STATUS_OK;
}
