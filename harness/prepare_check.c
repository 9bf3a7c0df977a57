// harness/prepare_check.c: what the check of the data found, as rows and notes of a run; the judged part as stored.
#include <math.h>
#include <string.h>

#include "base/buffer_keep.h"
#include "base/json_writer.h"
#include "datasets/scheme.h"
#include "harness/augment.h"
#include "harness/check_rows.h"
#include "harness/counterfactual.h"
#include "harness/family.h"
#include "harness/prompt/prompt.h"

// ---- rows ----

static void add_classes(CheckRows *rows, const PartCheck *part, const Slice *labels)
{
    for (size_t c = 0; c < part->n_labels; c++) {
        const double share = (double)part->class_counts[c] / (double)part->n_samples;
        check_row(rows, "classes", check_item(rows, part->name, labels[c]),
                  (double)part->class_counts[c],
                  part->class_counts[c] == 0 ? NOTE_WARNING : NOTE_INFO,
                  arena_printf(rows->arena, "%zu (%.1f%%)", part->class_counts[c], 100 * share));
    }
}

static void add_lengths(CheckRows *rows, const PartCheck *part, const DataCheck *check)
{
    static const struct {
        const char *name;
        int quantile;
    } shown[] = {{"median", 3}, {"95%", 5}, {"longest", 6}};
    const char *unit = check->counts_tokens ? "tokens" : "characters";
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const size_t length = part->length[shown[i].quantile];
        check_row(rows, "lengths", check_item(rows, part->name, slice_from_cstr(shown[i].name)),
                  (double)length, NOTE_INFO, arena_printf(rows->arena, "%zu %s", length, unit));
    }
    if (check->max_tokens == 0) return;
    const double share = 100 * (double)part->n_truncated / (double)part->n_samples;
    check_row(rows, "lengths", check_item(rows, part->name, SLICE("truncated")),
              (double)part->n_truncated, part->n_truncated > 0 ? NOTE_WARNING : NOTE_INFO,
              arena_printf(rows->arena, "%zu (%.1f%%) above %zu tokens", part->n_truncated, share,
                           check->max_tokens));
}

// The scheme of a part's tags, where they mark entities.
static void add_scheme(CheckRows *rows, const CheckPart *part)
{
    SchemeFit fit = {0};
    for (size_t i = 0; i < part->data->n_samples; i++) {
        const Sample *sample = &part->data->samples[i];
        if (sample->tags) scheme_look(&fit, sample->tags, sample->n_tokens);
    }
    if (!fit.has_entities) return;
    const TagScheme scheme = scheme_of(&fit);
    const bool is_known = scheme < N_TAG_SCHEMES;
    check_row(rows, "counts", check_item(rows, part->name, SLICE("tag scheme")), NAN,
              is_known ? NOTE_INFO : NOTE_WARNING,
              is_known ? scheme_name(scheme)
                       : "none: IOB2, IOB1, IOBES and BILOU are all broken somewhere");
}

// What the reader found, and what the family found afterwards.
static void add_findings(CheckRows *rows, const TaskData *data)
{
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const Dataset *set = &data->parts[p].data;
        for (size_t i = 0; i < set->n_notes; i++)
            check_row(rows, "counts",
                      check_item(rows, data_part_name((DataPart)p), set->notes[i].item),
                      (double)set->notes[i].n, NOTE_WARNING,
                      arena_printf(rows->arena, "%zu", set->notes[i].n));
    }
}

static void add_duplicates(CheckRows *rows, const DataCheck *check)
{
    for (size_t i = 0; i < check->n_parts; i++) {
        const PartCheck *part = &check->parts[i];
        check_row(rows, "duplicates", check_item(rows, part->name, SLICE("equal inputs")),
                  (double)part->n_duplicates, part->n_duplicates > 0 ? NOTE_WARNING : NOTE_INFO,
                  arena_printf(rows->arena, "%zu", part->n_duplicates));
        check_row(rows, "duplicates", check_item(rows, part->name, SLICE("nearly equal inputs")),
                  (double)part->n_near, part->n_near > 0 ? NOTE_WARNING : NOTE_INFO,
                  arena_printf(rows->arena, "%zu", part->n_near));
        check_row(rows, "duplicates", check_item(rows, part->name, SLICE("inputs with two labels")),
                  (double)part->n_conflicts, part->n_conflicts > 0 ? NOTE_WARNING : NOTE_INFO,
                  arena_printf(rows->arena, "%zu", part->n_conflicts));
    }
    for (size_t i = 0; i < check->n_overlaps; i++) {
        const PartOverlap *overlap = &check->overlaps[i];
        const char *item =
            arena_printf(rows->arena, "%s inputs that stand in %s", check->parts[overlap->b].name,
                         check->parts[overlap->a].name);
        rows->out_of_memory = rows->out_of_memory || item == NULL;
        check_row(rows, "duplicates", slice_from_cstr(item), (double)overlap->n_shared,
                  overlap->n_shared > 0 ? NOTE_WARNING : NOTE_INFO,
                  arena_printf(rows->arena, "%zu", overlap->n_shared));
    }
}

// n_split: [parts] samples that go through the model in several windows; NULL where long ones are cut.
static void add_parts(const TaskData *data, const CheckPart *parts, const DataCheck *check,
                      const size_t *n_split, CheckRows *rows)
{
    for (size_t i = 0; i < check->n_parts; i++) {
        const PartCheck *part = &check->parts[i];
        check_row(rows, "counts", slice_from_cstr(part->name), (double)part->n_samples, NOTE_INFO,
                  arena_printf(rows->arena, "%zu", part->n_samples));
    }
    for (size_t i = 0; i < check->n_parts; i++) add_scheme(rows, &parts[i]);
    add_findings(rows, data);
    for (size_t i = 0; i < check->n_parts; i++)
        add_classes(rows, &check->parts[i], data->metric_labels);
    for (size_t i = 0; i < check->n_parts; i++) add_lengths(rows, &check->parts[i], check);
    for (size_t i = 0; n_split && i < check->n_parts; i++) {
        check_row(rows, "lengths",
                  check_item(rows, check->parts[i].name, SLICE("split into windows")),
                  (double)n_split[i], NOTE_INFO, arena_printf(rows->arena, "%zu", n_split[i]));
    }
    add_duplicates(rows, check);
}

// ---- lengths in tokens ----

// The samples of a part that are used, as a data set of their own: it borrows.
typedef struct CountedPart {
    Dataset used;
    const size_t
        *n_full; // [used.n_samples] tokens before truncation; NULL where the part has no tokens
} CountedPart;

typedef struct Counting {
    CountedPart parts[N_DATA_PARTS];
    size_t n_parts;
    size_t n_split[N_DATA_PARTS]; // samples of several windows
    const Tokenizer *tokenizer;
    Arena scratch;
} Counting;

static Status count_tokens(void *context, const Sample *sample, size_t *n_tokens, Error *err)
{
    Counting *counting = context;
    TokenBatch batch;
    for (size_t i = 0; i < counting->n_parts; i++) {
        const CountedPart *part = &counting->parts[i];
        const uintptr_t at = (uintptr_t)sample, begin = (uintptr_t)part->used.samples;
        if (!part->n_full || at < begin || at >= begin + part->used.n_samples * sizeof *sample)
            continue;
        *n_tokens = part->n_full[(at - begin) / sizeof *sample];
        return STATUS_OK;
    }
    const ArenaMark mark = arena_mark(&counting->scratch);
    const Slice *pair = sample->pair.ptr ? &sample->pair : NULL;
    const Status s = tokenizer_encode_batch(counting->tokenizer, &sample->text, pair, 1, NULL,
                                            &counting->scratch, &batch, err);
    *n_tokens = s == STATUS_OK ? batch.n_full[0] : 0;
    arena_rewind(&counting->scratch, mark);
    return s;
}

static Status add_note(const char *text, RunNote *notes, size_t *n_notes, Error *err)
{
    if (text == NULL) return error_set_memory(err, 1, 1, "a note");
    notes[(*n_notes)++] = (RunNote){.level = NOTE_WARNING, .text = slice_from_cstr(text)};
    return STATUS_OK;
}

// What is said of a part as it was read, and of the persons in it.
static Status part_notes(const TaskData *data, DataPart p, Slice task, Arena *arena, RunNote *notes,
                         size_t *n_notes, Error *err)
{
    const Dataset *set = &data->parts[p].data;
    const PersonalCounts *personal = data->personal[p];
    const char *part = data_part_name(p);
    for (size_t i = 0; i < set->n_notes; i++)
        TRY(add_note(arena_printf(arena, SLICE_FMT ", %s: " SLICE_FMT, SLICE_ARG(task), part,
                                  SLICE_ARG(set->notes[i].text)),
                     notes, n_notes, err));
    if (personal == NULL || personal->n_any == 0) return STATUS_OK;
    const Slice found = check_personal_note(personal, "samples", arena);
    return add_note(arena_printf(arena,
                                 SLICE_FMT
                                 ", %s: " SLICE_FMT
                                 "; \"prepare\": [\"anonymise\"] puts marks in their place",
                                 SLICE_ARG(task), part, SLICE_ARG(found)),
                    notes, n_notes, err);
}

static Status copy_notes(const DataCheck *check, const TaskData *data, Slice task, Arena *arena,
                         RunNote **notes, size_t *n_notes, Error *err)
{
    size_t n = check->n_warnings + N_DATA_PARTS;
    for (int p = 0; p < N_DATA_PARTS; p++) n += data->parts[p].data.n_notes;
    TRY(arena_take(arena, n, sizeof **notes, "notes", notes, err));
    *n_notes = 0;
    for (int p = 0; p < N_DATA_PARTS; p++)
        TRY(part_notes(data, (DataPart)p, task, arena, *notes, n_notes, err));
    for (size_t i = 0; i < check->n_warnings; i++)
        TRY(add_note(arena_printf(arena, SLICE_FMT ": " SLICE_FMT, SLICE_ARG(task),
                                  SLICE_ARG(check->warnings[i])),
                     *notes, n_notes, err));
    return STATUS_OK;
}

// Folds leave valid and test alone, and so does the check.
static Status count_parts(const Prepared *prepared, size_t task, int model, Arena *arena,
                          Counting *counting, CheckPart *parts, Error *err)
{
    const TaskData *data = &prepared->tasks[task];
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        if (part->n == 0 || (p != PART_TRAIN && data->fold)) continue;
        CountedPart *counted = &counting->parts[counting->n_parts];
        const Tokens *tokens = model == NO_MODEL
                                   ? NULL
                                   : prepared_tokens(prepared, (size_t)model, task, (DataPart)p, 0);
        counted->used = part->data;
        counted->n_full = tokens ? tokens->batch.n_full : NULL;
        counting->n_split[counting->n_parts] = tokens ? tokens->n_split : 0;
        counted->used.n_samples = part->n;
        TRY(arena_take(arena, part->n, sizeof(Sample), "samples", &counted->used.samples, err));
        for (size_t i = 0; i < part->n; i++)
            counted->used.samples[i] = part->data.samples[part->which[i]];
        parts[counting->n_parts++] = (CheckPart){data_part_name((DataPart)p), &counted->used};
    }
    return STATUS_OK;
}

Status prepare_check(Prepared *prepared, size_t task, int model, Arena *arena, CheckRow **rows,
                     size_t *n_rows, RunNote **notes, size_t *n_notes, Error *err)
{
    const Suite *suite = prepared->suite;
    const TaskData *data = &prepared->tasks[task];
    CheckPart parts[N_DATA_PARTS];
    Counting counting = {0};
    CheckOptions options = {0};
    if (model != NO_MODEL) {
        const size_t slot = (size_t)model * suite->n_tasks + task;
        const size_t most = prepared->model_lengths[slot], asked = suite->tasks[task].max_length;
        counting.tokenizer = prepared->tokenizers[slot];
        options = (CheckOptions){.count_tokens = count_tokens,
                                 .context = &counting,
                                 .max_tokens = data->family->has_windows   ? 0
                                               : asked > 0 && asked < most ? asked
                                                                           : most};
    }
    DataCheck check = {0};
    CheckRows out = {.arena = arena, .task = suite->tasks[task].name};
    // Questions about one passage resemble each other by nature.
    if (data->family->head != HEAD_SPAN && !family_has_questions(&suite->tasks[task]))
        options.near_threshold = suite->tasks[task].near_duplicates;
    options.has_folds = data->fold != NULL;
    options.keeps_near = suite->folds.keep_near > 0;
    options.without_labels = !data->family->is_stratified;
    Status s = count_parts(prepared, task, model, arena, &counting, parts, err);
    if (s == STATUS_OK) s = data_check(parts, counting.n_parts, &options, &check, err);
    if (s == STATUS_OK)
        add_parts(data, parts, &check,
                  model != NO_MODEL && data->family->has_windows ? counting.n_split : NULL, &out);
    for (int p = 0; s == STATUS_OK && p < N_DATA_PARTS; p++) {
        if (data->personal[p])
            check_add_personal(slice_from_cstr(data_part_name((DataPart)p)), data->personal[p],
                               "samples", &out);
    }
    if (s == STATUS_OK) check_add_steps(&suite->tasks[task], data, &out);
    if (s == STATUS_OK) s = augment_add_rows(prepared, task, &out, err);
    if (s == STATUS_OK) s = check_rows_status(&out, err);
    if (s == STATUS_OK)
        s = copy_notes(&check, data, suite->tasks[task].name, arena, notes, n_notes, err);
    *rows = out.rows;
    *n_rows = out.n;
    data_check_release(&check);
    arena_release(&counting.scratch);
    return s;
}

// ---- as stored ----

// copy: the sample with words swapped, or NULL; its text is kept, or the passage where the text is as it was.
static Status attributes_json(const Sample *sample, const Sample *copy, Arena *arena, Slice *out,
                              Error *err)
{
    *out = (Slice){0};
    if (sample->n_attributes == 0 && copy == NULL) return STATUS_OK;
    Buffer buffer = {0};
    JsonWriter w = json_writer(&buffer, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < sample->n_attributes; i++) {
        json_put_key_slice(&w, sample->attributes[i].name);
        json_put_string(&w, sample->attributes[i].value);
    }
    if (copy) {
        const bool is_text = !slice_eq(copy->text, sample->text);
        json_member_string(&w, is_text ? "counterfactual" : "counterfactual_pair",
                           is_text          ? copy->text
                           : copy->pair.ptr ? copy->pair
                                            : copy->context);
    }
    json_end_object(&w);
    return buffer_keep(&buffer, arena, "attributes", out, err);
}

// The choices as a reader of reports sees them: a line each, under the context where there is one.
static Status choices_text(const Sample *sample, Arena *arena, Slice *out, Error *err)
{
    Buffer text = {0};
    const Slice above = sample->context.ptr ? sample->context : sample->pair;
    if (above.len > 0) buffer_printf(&text, SLICE_FMT "\n", SLICE_ARG(above));
    for (size_t i = 0; i < sample->n_choices; i++) {
        const Slice letter = prompt_letter(i, arena);
        buffer_printf(&text, "%s" SLICE_FMT ". ", i > 0 ? "\n" : "", SLICE_ARG(letter));
        buffer_append(&text, sample->choices[i]);
    }
    return buffer_keep(&text, arena, "choices", out, err);
}

Status prepared_dataset(const Prepared *prepared, const SuiteIdentity *identity, size_t task,
                        DataPart part, Arena *arena, StoredDataset *out, Error *err)
{
    const TaskData *data = &prepared->tasks[task];
    const Dataset *from = &data->parts[part].data;
    StoredSample *samples = NULL;
    TRY(arena_take(arena, from->n_samples, sizeof *samples, "samples", &samples, err));
    for (size_t i = 0; i < from->n_samples; i++) {
        const Sample *sample = &from->samples[i];
        samples[i] = (StoredSample){.id = sample->id,
                                    .input = sample->text,
                                    .pair = sample->pair.ptr ? sample->pair : sample->context,
                                    .label = STORE_NO_LABEL,
                                    .group = sample->group};
        if (sample->n_choices > 0) TRY(choices_text(sample, arena, &samples[i].pair, err));
        if (data->family->reference) {
            TRY(data->family->reference(data, sample, arena, &samples[i].reference, err));
        } else if (sample->label != SAMPLE_NO_LABEL) {
            samples[i].label = sample->label;
            samples[i].reference = data->metric_labels[sample->label]; // of all parts
        }
        const bool has_copy = counterfactual_covers(data, part) && data->is_swapped[i];
        const Sample *copy = has_copy ? &data->swapped.data.samples[i] : NULL;
        TRY(attributes_json(sample, copy, arena, &samples[i].attributes, err));
    }
    const char *name = arena_printf(
        arena, SLICE_FMT " %s", SLICE_ARG(prepared->suite->tasks[task].name), data_part_name(part));
    if (name == NULL) return error_set_memory(err, from->n_samples, 1, "a name");
    *out = (StoredDataset){.key = identity->tasks[task].keys[part],
                           .name = slice_from_cstr(name),
                           .sha256 = identity->tasks[task].sha256[part],
                           .labels = data->metric_labels,
                           .n_labels = data->n_metric_labels,
                           .samples = samples,
                           .n_samples = from->n_samples};
    return STATUS_OK;
}
