#include "harness/balance.h"

#include "base/distinct.h"
#include "harness/family.h"

// A group's name is made of the values behind each other, with this byte behind each, which no value ends with.
enum { VALUE_END = 0x1f };

static Slice value_of(const Sample *sample, Slice name)
{
    if (slice_eq_cstr(name, "group")) return sample->group;
    const SampleAttribute *attribute = sample_attribute(sample, name);
    return attribute ? attribute->value : (Slice){0};
}

// Empty where the sample has no value for one of the names.
static void put_group_name(const Sample *sample, Slice by, Buffer *out)
{
    Slice name;
    buffer_clear(out);
    while (slice_split(&by, ',', &name)) {
        name = slice_trim(name);
        const bool is_class = slice_eq_cstr(name, "class");
        const Slice value = is_class ? (Slice){0} : value_of(sample, name);
        if (is_class ? sample->label < 0 : value.len == 0) {
            buffer_clear(out);
            return;
        }
        if (is_class)
            buffer_printf(out, "%06d", sample->label); // in the order of the classes
        else
            buffer_append(out, value);
        buffer_append_byte(out, VALUE_END);
    }
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

// groups [n]: each sample's among the names that occur, sorted, or -1. counts [*n_groups].
static Status find_groups(Slice by, const UsedPart *part, const size_t *positions, size_t n,
                          Arena *arena, int32_t **groups, size_t **counts, size_t *n_groups,
                          Error *err)
{
    Slice *names = NULL, *distinct = NULL;
    Buffer name = {0};
    Status s = STATUS_OK;
    TRY(arena_take(arena, n, sizeof *names, "groups", &names, err));
    TRY(arena_take(arena, n, sizeof **groups, "groups", groups, err));
    TRY(arena_take(arena, n, sizeof **counts, "groups", counts, err));
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        put_group_name(&part->data.samples[part->which[positions[i]]], by, &name);
        s = buffer_status(&name, err);
        if (s != STATUS_OK || name.len == 0) continue;
        names[i] = arena_copy(arena, buffer_slice(&name));
        if (!names[i].ptr) s = error_set_memory(err, name.len, 1, "a group");
    }
    buffer_release(&name);
    TRY(s);
    TRY(distinct_index(names, n, by_bytes, arena, *groups, &distinct, n_groups, err));
    for (size_t i = 0; i < n; i++) {
        if ((*groups)[i] >= 0) (*counts)[(*groups)[i]]++;
    }
    return STATUS_OK;
}

// Each name must be one that samples have.
static Status check_names(Slice by, const TaskData *data, Error *err)
{
    const UsedPart *train = &data->parts[PART_TRAIN];
    Slice name;
    if (by.len == 0)
        return error_set(err, STATUS_INVALID,
                         "\"balance\" wants \"by\": \"class\" or an attribute's name");
    while (slice_split(&by, ',', &name)) {
        name = slice_trim(name);
        bool found = false;
        if (slice_eq_cstr(name, "class")) {
            if (data->family->is_stratified) continue;
            return error_set(err, STATUS_INVALID,
                             "\"balance\" by class: samples of a \"%s\" task have no class",
                             data->family->name);
        }
        for (size_t i = 0; i < train->n && !found; i++)
            found = value_of(&train->data.samples[train->which[i]], name).len > 0;
        if (found) continue;
        return error_set(
            err, STATUS_INVALID,
            "\"balance\" by \"" SLICE_FMT
            "\": no sample of the training part has that attribute; name its column in "
            "columns.attributes (or columns.group)",
            SLICE_ARG(slice_sub(name, 0, 80)));
    }
    return STATUS_OK;
}

Status balance_check(const TuneSetting *setting, const TaskData *data, Error *err)
{
    const UsedPart *train = &data->parts[PART_TRAIN];
    if (!setting->balance.is_on) return STATUS_OK;
    TRY(check_names(setting->balance.by, data, err));
    Arena scratch = {0};
    int32_t *groups = NULL;
    size_t *positions = NULL, *counts = NULL, n_groups = 0;
    Status s = arena_take(&scratch, train->n, sizeof *positions, "samples", &positions, err);
    for (size_t i = 0; s == STATUS_OK && i < train->n; i++) positions[i] = i;
    if (s == STATUS_OK)
        s = find_groups(setting->balance.by, train, positions, train->n, &scratch, &groups, &counts,
                        &n_groups, err);
    arena_release(&scratch);
    if (s != STATUS_OK || n_groups > 1) return s;
    return error_set(err, STATUS_INVALID,
                     "\"balance\" by \"" SLICE_FMT
                     "\": all samples that have a value are of one group",
                     SLICE_ARG(slice_sub(setting->balance.by, 0, 80)));
}

Status balance_examples(const TuneSetting *setting, const Tokens *tokens, const UsedPart *part,
                        const size_t *positions, size_t n, TrainExample *examples,
                        size_t n_examples, Arena *arena, TrainOptions *options, Error *err)
{
    int32_t *groups = NULL, *of_examples = NULL;
    size_t *counts = NULL, n_groups = 0, n_named = 0, at = 0;
    if (!setting->balance.is_on) return STATUS_OK;
    TRY(find_groups(setting->balance.by, part, positions, n, arena, &groups, &counts, &n_groups,
                    err));
    for (size_t g = 0; g < n_groups; g++) n_named += counts[g];
    TRY(arena_take(arena, n_examples, sizeof *of_examples, "groups", &of_examples, err));
    for (size_t i = 0; i < n; i++) {
        size_t begin, end;
        family_windows(tokens, positions[i], &begin, &end);
        for (size_t w = begin; w < end; w++, at++) {
            of_examples[at] = groups[i];
            if (setting->balance.how != BALANCE_REWEIGHT) continue;
            examples[at].weight =
                groups[i] < 0
                    ? 1
                    : (float)((double)n_named / ((double)n_groups * (double)counts[groups[i]]));
        }
    }
    if (setting->balance.how == BALANCE_RESAMPLE) options->balance_groups = of_examples;
    return STATUS_OK;
}
