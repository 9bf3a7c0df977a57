#include "harness/check_rows.h"

void check_row(CheckRows *rows, const char *section, Slice item, double number, NoteLevel level,
               const char *value)
{
    Error ignored = {0};
    rows->out_of_memory = rows->out_of_memory || value == NULL;
    if (rows->n == rows->capacity && !rows->out_of_memory) {
        const size_t wanted = 2 * rows->capacity + 64;
        rows->out_of_memory = arena_grow(rows->arena, rows->n, wanted, sizeof *rows->rows, "rows",
                                         &rows->rows, &ignored) != STATUS_OK;
        if (!rows->out_of_memory) rows->capacity = wanted;
    }
    if (rows->out_of_memory) return;
    rows->rows[rows->n++] = (CheckRow){.task = rows->task,
                                       .section = slice_from_cstr(section),
                                       .item = item,
                                       .number = number,
                                       .value = slice_from_cstr(value),
                                       .level = level};
}

Slice check_item(CheckRows *rows, const char *part, Slice what)
{
    const char *text = arena_printf(rows->arena, "%s " SLICE_FMT, part, SLICE_ARG(what));
    rows->out_of_memory = rows->out_of_memory || text == NULL;
    return slice_from_cstr(text);
}

Status check_rows_status(const CheckRows *rows, Error *err)
{
    return rows->out_of_memory ? error_set_memory(err, rows->n, sizeof(CheckRow), "rows")
                               : STATUS_OK;
}

static void add_step(CheckRows *rows, const UsedPart *part, const char *name, const Step *step,
                     const StepCount *count)
{
    const size_t n = part->data.n_samples;
    const double share = n > 0 ? 100 * (double)count->n_changed / (double)n : 0;
    const char *value =
        arena_printf(rows->arena, "%zu of %zu samples (%.1f%%)", count->n_changed, n, share);
    if (value && count->n_kept > 0)
        value = arena_printf(rows->arena, "%s; %zu words left as they were", value, count->n_kept);
    if (value && count->n_lost > 0)
        value = arena_printf(rows->arena, "%s; %zu answers removed", value, count->n_lost);
    check_row(rows, "changed by", check_item(rows, name, slice_from_cstr(step->name)),
              (double)count->n_changed, NOTE_INFO, value);
}

void check_add_steps(const SuiteTask *task, const TaskData *data, CheckRows *rows)
{
    for (int p = 0; p < N_DATA_PARTS; p++) {
        for (size_t i = 0; data->steps[p] && i < task->n_prepare; i++)
            add_step(rows, &data->parts[p], data_part_name((DataPart)p), task->prepare[i],
                     &data->steps[p][i]);
    }
}

// "email 12, phone 3, in 14 of 6000 samples"
static const char *personal_text(const PersonalCounts *counts, const char *what, Arena *arena)
{
    Buffer kinds = {0};
    personal_describe(counts, &kinds);
    const char *text =
        counts->n_any == 0
            ? arena_printf(arena, "nothing found in %zu %s", counts->n_samples, what)
            : arena_printf(arena, SLICE_FMT ", in %zu of %zu %s", SLICE_ARG(buffer_slice(&kinds)),
                           counts->n_any, counts->n_samples, what);
    if (kinds.failed) text = NULL;
    buffer_release(&kinds);
    return text;
}

void check_add_personal(Slice item, const PersonalCounts *counts, const char *what, CheckRows *rows)
{
    check_row(rows, "personal data", item, (double)counts->n_any,
              counts->n_any > 0 ? NOTE_WARNING : NOTE_INFO,
              personal_text(counts, what, rows->arena));
}

Slice check_personal_note(const PersonalCounts *counts, const char *what, Arena *arena)
{
    const char *text = counts->n_any > 0 ? personal_text(counts, what, arena) : NULL;
    const char *note = text ? arena_printf(arena, "there are personal data: %s", text) : NULL;
    return slice_from_cstr(note);
}
