#include "harness/augment.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer_keep.h"
#include "datasets/dataset.h"
#include "harness/family.h"
#include "harness/suite/augment.h"

// Streams of one seed for different uses.
enum { STREAM_CHOICE = 0x61756763, STREAM_COPY = 0x61756770 };

double augment_factor(const SuiteAugment *how)
{
    return how->is_on ? 1 + how->share * (double)how->copies : 1;
}

bool augment_chooses(const SuiteAugment *how, uint64_t seed, const Sample *sample)
{
    Philox rng = philox_stream(seed, family_key(sample->id, STREAM_CHOICE));
    return philox_double(&rng) < how->share;
}

static AugmentWhere where_of(const Family *family)
{
    if (family->has_tags) return AUGMENT_TOKENS;
    if (family->head == HEAD_SPAN) return AUGMENT_CONTEXT;
    return family->has_pairs ? AUGMENT_TEXTS : AUGMENT_TEXT;
}

static const Lexicon *lexicon_of(const Prepared *prepared, const char *path)
{
    for (size_t i = 0; path && i < prepared->n_lexicons; i++) {
        if (strcmp(prepared->lexicons[i].path, path) == 0) return prepared->lexicons[i].lexicon;
    }
    return NULL;
}

// ---- inputs of the data ----

static uint64_t input_of(const Sample *sample)
{
    char hex[65];
    sample_input_hash(sample, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static Status collect_inputs(Prepared *prepared, TaskData *data, Error *err)
{
    size_t n = 0;
    if (data->inputs) return STATUS_OK;
    for (int p = 0; p < N_DATA_PARTS; p++) n += data->parts[p].data.n_samples;
    TRY(arena_take(&prepared->arena, n, sizeof *data->inputs, "inputs", &data->inputs, err));
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const Dataset *set = &data->parts[p].data;
        for (size_t i = 0; i < set->n_samples; i++)
            data->inputs[data->n_inputs++] = input_of(&set->samples[i]);
    }
    qsort(data->inputs, data->n_inputs, sizeof *data->inputs, by_value);
    return STATUS_OK;
}

static bool is_of_data(const TaskData *data, const Sample *copy)
{
    const uint64_t key = input_of(copy);
    return bsearch(&key, data->inputs, data->n_inputs, sizeof key, by_value) != NULL;
}

// ---- copies ----

typedef struct Copying {
    const TaskData *data;
    const SuiteAugment *how;
    AugmentOptions options; // of words
    const Slice *written;   // by models: augment_written
    uint64_t seed;
    Arena *arena;
    AugmentTotals *totals;
} Copying;

static WordEdit edit_of(AugmentKind kind)
{
    static const WordEdit edits[] = {[AUGMENT_SYNONYMS] = EDIT_SYNONYMS,
                                     [AUGMENT_INSERT] = EDIT_INSERT,
                                     [AUGMENT_SWAP] = EDIT_SWAP,
                                     [AUGMENT_DELETE] = EDIT_DELETE,
                                     [AUGMENT_EDA] = EDIT_ANY};
    return kind < sizeof edits / sizeof *edits ? edits[kind] : EDIT_ANY;
}

// What a model wrote in the place of the sample's texts.
static bool take_written(const Copying *c, size_t position, size_t copy, Sample *out)
{
    bool is_changed = false;
    if (c->written == NULL) return false;
    const Slice *texts = c->written + 2 * (position * c->how->copies + copy);
    if (texts[0].len > 0 && !slice_eq(texts[0], out->text)) {
        out->text = texts[0];
        is_changed = true;
    }
    if (texts[1].len > 0 && !slice_eq(texts[1], out->pair)) {
        out->pair = texts[1];
        is_changed = true;
    }
    return is_changed;
}

static bool is_among(const Sample *copy, const Sample *others, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (input_of(copy) == input_of(&others[i])) return true;
    }
    return false;
}

// others [n]: the copies before.
static Status make_copy(Copying *c, const Sample *sample, size_t position, size_t copy, Sample *out,
                        const Sample *others, size_t n, bool *is_kept, Error *err)
{
    bool is_changed = false;
    Philox rng = philox_stream(c->seed, family_key(sample->id, STREAM_COPY + copy));
    *out = *sample;
    *is_kept = false;
    if (augment_asks_models(c->how))
        is_changed = take_written(c, position, copy, out);
    else
        TRY(augment_sample(&c->options, sample, &rng, c->arena, out, &is_changed, &c->totals->words,
                           err));
    if (!is_changed || is_among(out, others, n)) {
        c->totals->n_same++;
    } else if (is_of_data(c->data, out)) {
        c->totals->n_seen++;
    } else {
        const char *id = arena_printf(c->arena, SLICE_FMT "+%zu", SLICE_ARG(sample->id), copy + 1);
        if (id == NULL) return error_set_memory(err, sample->id.len, 1, "an id");
        out->id = slice_from_cstr(id); // dropout falls elsewhere than in the sample
        c->totals->n_copies++;
        *is_kept = true;
    }
    return STATUS_OK;
}

Status augment_samples(const Prepared *prepared, size_t task, const SuiteAugment *how,
                       uint64_t seed, const size_t *positions, size_t n, Arena *arena,
                       UsedPart *out, AugmentTotals *totals, Error *err)
{
    const TaskData *data = &prepared->tasks[task];
    const UsedPart *train = &data->parts[PART_TRAIN];
    AugmentTotals ignored = {0};
    const bool asks_models = augment_asks_models(how);
    Copying c = {.data = data,
                 .how = how,
                 .written = asks_models ? augment_written(prepared, task, how) : NULL,
                 .options = {.edit = edit_of(how->kind),
                             .share = how->words,
                             .where = where_of(data->family),
                             .lexicon = lexicon_of(prepared, how->lexicon_path)},
                 .seed = seed,
                 .arena = arena,
                 .totals = totals ? totals : &ignored};
    const uint64_t chosen_by = asks_models ? prepared->suite->seed : seed;
    Sample *samples = NULL;
    size_t at = n;
    TRY(arena_take(arena, n * (1 + how->copies), sizeof *samples, "samples", &samples, err));
    TRY(arena_take(arena, n * (1 + how->copies), sizeof *out->which, "samples", &out->which, err));
    for (size_t i = 0; i < n; i++) {
        const Sample *sample = &train->data.samples[train->which[positions[i]]];
        samples[i] = *sample;
        if (!augment_chooses(how, chosen_by, sample)) continue;
        c.totals->n_chosen++;
        const size_t first = at;
        for (size_t k = 0; k < how->copies; k++) {
            bool is_kept;
            TRY(make_copy(&c, sample, positions[i], k, &samples[at], samples + first, at - first,
                          &is_kept, err));
            at += is_kept;
        }
    }
    c.totals->n_samples += n;
    out->data = (Dataset){.path = train->data.path,
                          .samples = samples,
                          .n_samples = at,
                          .labels = train->data.labels,
                          .n_labels = train->data.n_labels};
    out->n = at;
    for (size_t i = 0; i < at; i++) out->which[i] = i;
    return STATUS_OK;
}

// ---- before the first trial ----

static Status whole_totals(const Prepared *prepared, size_t task, const SuiteAugment *how,
                           AugmentTotals *out, Error *err)
{
    const UsedPart *train = &prepared->tasks[task].parts[PART_TRAIN];
    Arena scratch = {0};
    size_t *positions = NULL;
    UsedPart part = {0};
    *out = (AugmentTotals){0};
    Status s = arena_take(&scratch, train->n, sizeof *positions, "positions", &positions, err);
    for (size_t i = 0; s == STATUS_OK && i < train->n; i++) positions[i] = i;
    if (s == STATUS_OK)
        s = augment_samples(prepared, task, how, prepared->suite->seed, positions, train->n,
                            &scratch, &part, out, err);
    arena_release(&scratch);
    return s;
}

static Status read_lexicon(Prepared *prepared, const char *path, Error *err)
{
    if (!path || lexicon_of(prepared, path)) return STATUS_OK;
    NamedLexicon *to = NULL;
    TRY(arena_grow(&prepared->arena, prepared->n_lexicons, prepared->n_lexicons + 1,
                   sizeof *prepared->lexicons, "lexicons", &prepared->lexicons, err));
    to = &prepared->lexicons[prepared->n_lexicons];
    TRY(lexicon_load(path, &prepared->arena, &to->lexicon, err));
    to->path = path;
    prepared->n_lexicons++;
    return STATUS_OK;
}

static const AugmentTotals *find_totals(const Prepared *prepared, size_t task, Slice key)
{
    for (size_t i = 0; i < prepared->n_augmented; i++) {
        const AugmentWhole *whole = &prepared->augmented[i];
        if (whole->task == task && slice_eq(whole->key, key)) return &whole->totals;
    }
    return NULL;
}

// One way of copying, for all settings that copy so.
static Status prepare_way(Prepared *prepared, size_t task, const SuiteAugment *how,
                          size_t n_threads, const atomic_int *cancel, Error *err)
{
    AugmentWhole whole = {.task = task};
    TRY(augment_key(how, &prepared->arena, &whole.key, err));
    if (find_totals(prepared, task, whole.key)) return STATUS_OK;
    TRY(read_lexicon(prepared, how->lexicon_path, err));
    TRY(collect_inputs(prepared, &prepared->tasks[task], err));
    if (augment_asks_models(how)) TRY(augment_write(prepared, task, how, n_threads, cancel, err));
    TRY(whole_totals(prepared, task, how, &whole.totals, err));
    if (whole.totals.n_copies == 0)
        return error_set(
            err, STATUS_INVALID,
            "task \"" SLICE_FMT "\": \"augment\" makes no copy of %zu samples (%zu had "
            "nothing to change, %zu stand in the data): give another \"kind\" or lexicon",
            SLICE_ARG(prepared->suite->tasks[task].name), whole.totals.n_samples,
            whole.totals.n_same, whole.totals.n_seen);
    TRY(arena_grow(&prepared->arena, prepared->n_augmented, prepared->n_augmented + 1, sizeof whole,
                   "settings", &prepared->augmented, err));
    prepared->augmented[prepared->n_augmented++] = whole;
    return STATUS_OK;
}

Status augment_prepare(Prepared *prepared, size_t model, size_t task, size_t n_threads,
                       const atomic_int *cancel, Error *err)
{
    const SuiteModel *m = &prepared->suite->models[model];
    for (size_t i = 0; m->does_tune && i < m->n_settings; i++) {
        const SuiteAugment *how = &m->settings[i].augment;
        if (!how->is_on || (n_threads == 0 && augment_asks_models(how))) continue;
        TRY(prepare_way(prepared, task, how, n_threads, cancel, err));
    }
    return STATUS_OK;
}

// ---- what is said of copies ----

// "eda, share 0.5, words 0.1": for people, different for ways that differ in more than a prompt.
static Status put_way(const SuiteAugment *how, Arena *arena, Slice *out, Error *err)
{
    const struct {
        const char *name;
        Slice text;
    } files[] = {{"lexicon", how->lexicon},
                 {"forward", how->forward},
                 {"back", how->back},
                 {"generator", how->generator}};
    Buffer text = {0};
    buffer_append_cstr(&text, augment_kind_name(how->kind));
    if (how->share < 1) buffer_printf(&text, ", share %g", how->share);
    if (how->copies > 1) buffer_printf(&text, ", %zu copies", how->copies);
    if (!augment_asks_models(how)) buffer_printf(&text, ", words %g", how->words);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i].text.len > 0)
            buffer_printf(&text, ", %s " SLICE_FMT, files[i].name, SLICE_ARG(files[i].text));
    }
    return buffer_keep(&text, arena, "a setting", out, err);
}

static Status add_way(const Prepared *prepared, size_t task, const SuiteAugment *how, Slice way,
                      CheckRows *rows, Error *err)
{
    Slice key;
    TRY(augment_key(how, rows->arena, &key, err));
    const AugmentTotals *t = find_totals(prepared, task, key);
    if (!t && augment_asks_models(how))
        return STATUS_OK; // nothing is written for a look at the plan
    if (!t) return error_set(err, STATUS_INTERNAL, "a way of copying was not prepared");
    const char *value = arena_printf(rows->arena, "%zu copies of %zu of %zu samples", t->n_copies,
                                     t->n_chosen, t->n_samples);
    if (value && t->words.n_words > 0)
        value = arena_printf(rows->arena, "%s, %.1f%% of their words changed", value,
                             100 * (double)t->words.n_changed / (double)t->words.n_words);
    if (value && t->n_same > 0)
        value = arena_printf(rows->arena, "%s; %zu left out: nothing new", value, t->n_same);
    if (value && t->n_seen > 0)
        value =
            arena_printf(rows->arena, "%s; %zu left out: they stand in the data", value, t->n_seen);
    check_row(rows, "copies to learn from", way, (double)t->n_copies, NOTE_INFO, value);
    return STATUS_OK;
}

Status augment_add_rows(const Prepared *prepared, size_t task, CheckRows *rows, Error *err)
{
    const Suite *suite = prepared->suite;
    const size_t first = rows->n;
    for (size_t m = 0; m < suite->n_models; m++) {
        for (size_t i = 0; suite->models[m].does_tune && i < suite->models[m].n_settings; i++) {
            const SuiteAugment *how = &suite->models[m].settings[i].augment;
            Slice way;
            bool is_known = false;
            if (!how->is_on) continue;
            TRY(put_way(how, rows->arena, &way, err));
            for (size_t r = first; r < rows->n; r++)
                is_known = is_known || slice_eq(rows->rows[r].item, way);
            if (!is_known) TRY(add_way(prepared, task, how, way, rows, err));
        }
    }
    return STATUS_OK;
}
