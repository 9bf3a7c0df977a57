// The tags of a task's data: which there are, and whether they keep to the scheme.
#include "datasets/dataset.h"
#include "datasets/scheme.h"
#include "harness/tasks/tag_internal.h"

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

static bool add_tag(Slice *tags, size_t *n, size_t room, Slice tag)
{
    if (label_find(tags, *n, tag) != SAMPLE_NO_LABEL) return true;
    if (*n == room) return false;
    tags[(*n)++] = tag;
    return true;
}

// The tags of the training part, else of what is judged.
static Status tags_of_part(const UsedPart *part, Arena *arena, TaskData *data, Error *err)
{
    enum { MAX_TAGS = 4096 };
    Slice *tags = NULL;
    size_t n = 0;
    TRY(arena_take(arena, MAX_TAGS, sizeof *tags, "tags", &tags, err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        for (size_t w = 0; sample->tags && w < sample->n_tokens; w++) {
            if (add_tag(tags, &n, MAX_TAGS, sample->tags[w])) continue;
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": more than %d different tags: is the last column the tag?",
                             SLICE_ARG(part->data.path), MAX_TAGS);
        }
    }
    qsort(tags, n, sizeof *tags, by_bytes);
    data->labels = tags;
    data->n_labels = n;
    return STATUS_OK;
}

// Sentences whose tags break the scheme that the task declares.
static Status check_scheme(const UsedPart *part, TagScheme declared, Error *err)
{
    SchemeFit fit = {0};
    const Sample *broken = NULL;
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        scheme_look(&fit, sample->tags, sample->n_tokens);
        if (!broken && scheme_break(declared, sample->tags, sample->n_tokens) < sample->n_tokens)
            broken = sample;
    }
    if (!broken) return STATUS_OK;
    const size_t word = scheme_break(declared, broken->tags, broken->n_tokens);
    const TagScheme found = scheme_of(&fit);
    const bool has_found = found < N_TAG_SCHEMES;
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT
        ":%zu: tag %zu of the sentence, \"" SLICE_FMT
        "\", breaks the scheme %s that the task declares (so do %zu of %zu sentences); %s%s%s",
        SLICE_ARG(part->data.path), broken->line, word + 1, SLICE_ARG(broken->tags[word]),
        scheme_name(declared), fit.n_broken[declared], fit.n_sentences,
        has_found ? "all fit \"scheme\": \"" : "correct the tags, or leave \"scheme\" out",
        has_found ? scheme_name(found) : "", has_found ? "\"" : "");
}

static Status refuse_tag(const UsedPart *part, const Sample *sample, size_t word, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": the tag \"" SLICE_FMT
                               "\" of the sentence in line %zu is not among "
                               "the training part's: correct it, or list all tags with \"labels\"",
                     SLICE_ARG(part->data.path), SLICE_ARG(sample->tags[word]), sample->line);
}

static Status check_part(UsedPart *part, const SuiteTask *task, const TaskData *data, Error *err)
{
    const bool refuses = task->read.n_labels > 0 || slice_eq_cstr(task->unseen_labels, "refuse");
    const Sample *first = NULL;
    size_t n_unseen = 0, first_word = 0;
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        if (sample->n_tokens == 0 || !sample->tags) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: tagging wants words with tags: a file of columns, "
                                       "\"format\": \"conll\"",
                             SLICE_ARG(part->data.path), sample->line);
        }
        for (size_t w = 0; w < sample->n_tokens; w++) {
            if (label_find(data->labels, data->n_labels, sample->tags[w]) != SAMPLE_NO_LABEL)
                continue;
            if (refuses) return refuse_tag(part, sample, w, err);
            if (n_unseen++ > 0) continue;
            first = sample;
            first_word = w;
        }
    }
    if (n_unseen == 0) return STATUS_OK;
    return dataset_add_note(
        &part->data, SLICE("words with tags that training never saw"), n_unseen, err,
        "%zu words have tags that the training part has not (the first, \"" SLICE_FMT
        "\", in the sentence of line %zu): no answer can be right there",
        n_unseen, SLICE_ARG(slice_sub(first->tags[first_word], 0, 60)), first->line);
}

// Entity types of every part, as the metrics count them.
static Status find_types(Arena *arena, TaskData *data, Error *err)
{
    const Metric *metric = metric_find(SLICE("entity_f1"));
    const MetricSetup setup = {0};
    Item *items = NULL;
    size_t n = 0;
    Slice *types = NULL;
    for (int p = 0; p < N_DATA_PARTS; p++) n += data->parts[p].n;
    TRY(arena_take(arena, n, sizeof *items, "items", &items, err));
    n = 0;
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        for (size_t i = 0; i < part->n; i++) {
            const Sample *sample = &part->data.samples[part->which[i]];
            items[n] = item_empty();
            items[n].tags = items[n].predicted_tags = sample->tags;
            items[n].n_tags = items[n].n_predicted_tags = sample->n_tokens;
            n++;
        }
    }
    TRY(metric->find_labels(&setup, items, n, arena, &types, &data->n_metric_labels, err));
    data->metric_labels = types;
    return STATUS_OK;
}

Status tag_find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    const SuiteTask *t = &prepared->suite->tasks[task];
    if (t->read.n_labels > 0) {
        data->labels = t->read.labels;
        data->n_labels = t->read.n_labels;
    } else {
        const bool has_train = data->parts[PART_TRAIN].n > 0;
        const DataPart from = has_train ? PART_TRAIN : judged_part(prepared->suite, task);
        TRY(tags_of_part(&data->parts[from], &prepared->arena, data, err));
    }
    for (int p = 0; p < N_DATA_PARTS; p++) TRY(check_part(&data->parts[p], t, data, err));
    for (int p = 0; t->scheme.len > 0 && p < N_DATA_PARTS; p++)
        TRY(check_scheme(&data->parts[p], scheme_find(t->scheme), err));
    if (data->n_labels < 2 && data->parts[PART_TRAIN].n > 0) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": all words bear one tag; a tagger needs two at least",
                         SLICE_ARG(data->parts[PART_TRAIN].data.path));
    }
    return find_types(&prepared->arena, data, err);
}
