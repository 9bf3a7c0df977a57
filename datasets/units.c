#include "datasets/units.h"

#include "base/sha256.h"
#include "datasets/dataset.h"
#include "datasets/text_index.h"

#include <stdlib.h>
#include <string.h>

uint64_t units_key(uint64_t seed, Slice id)
{
    unsigned char digest[32], bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(seed >> (8 * i));
    Sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, (Slice){(const char *)bytes, sizeof bytes});
    sha256_update_field(&hash, id);
    sha256_finish(&hash, digest);
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++) key = key << 8 | digest[i];
    return key;
}

Status units_select(Arena *arena, const Dataset *data, const size_t *which, size_t *n,
                    const Sample ***out, Error *err)
{
    if (!which) *n = data->n_samples;
    TRY(arena_take(arena, *n, sizeof **out, "a split", out, err));
    for (size_t i = 0; i < *n; i++) (*out)[i] = &data->samples[which ? which[i] : i];
    return STATUS_OK;
}

Status units_inputs(Arena *arena, const Sample *const *samples, size_t n, size_t *input_of,
                    size_t *n_inputs, Error *err)
{
    TextIndex inputs = {.arena = arena};
    for (size_t i = 0; i < n; i++) {
        char hex[65];
        sample_input_hash(samples[i], hex);
        const size_t n_before = inputs.n;
        TRY(text_index_add(&inputs, (Slice){hex, 64}, &input_of[i], err));
        if (inputs.n == n_before) continue;
        inputs.keys[input_of[i]] = arena_copy(arena, (Slice){hex, 64});
        if (!inputs.keys[input_of[i]].ptr) return error_set_memory(err, 64, 1, "a split");
    }
    *n_inputs = inputs.n;
    return STATUS_OK;
}

// With path halving.
size_t units_root(size_t *parent, size_t i)
{
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

void units_join(size_t *parent, size_t a, size_t b)
{
    a = units_root(parent, a);
    b = units_root(parent, b);
    if (a < b) {
        parent[b] = a;
    } else {
        parent[a] = b;
    }
}

// Samples that Dataset.kin keeps together.
static Status join_kin(Arena *arena, const Dataset *data, const Units *units, size_t *parent,
                       Error *err)
{
    size_t *first = NULL; // by number of kin: position + 1 of the first of them, 0 = none yet
    TRY(arena_take(arena, data->n_samples, sizeof *first, "a split", &first, err));
    for (size_t i = 0; i < units->n_samples; i++) {
        size_t *of_kin = &first[data->kin[units->samples[i] - data->samples]];
        if (*of_kin == 0) *of_kin = i + 1;
        units_join(parent, i, *of_kin - 1);
    }
    return STATUS_OK;
}

static Status join_samples(Arena *arena, const Dataset *data, const Units *units, bool use_groups,
                           size_t *parent, Error *err)
{
    const size_t n = units->n_samples;
    size_t *input_of = NULL, *first = NULL, n_inputs, number;
    TRY(arena_take(arena, n, sizeof *input_of, "a split", &input_of, err));
    TRY(arena_take(arena, n, sizeof *first, "a split", &first, err));
    TRY(units_inputs(arena, units->samples, n, input_of, &n_inputs, err));
    for (size_t i = 0; i < n; i++) parent[i] = i;
    for (size_t i = n; i-- > 0;) first[input_of[i]] = i;
    for (size_t i = 0; i < n; i++) units_join(parent, i, first[input_of[i]]);
    TextIndex groups = {.arena = arena};
    for (size_t i = 0; use_groups && i < n; i++) {
        if (units->samples[i]->group.len == 0) continue;
        const size_t n_before = groups.n;
        TRY(text_index_add(&groups, units->samples[i]->group, &number, err));
        if (groups.n > n_before) first[number] = i;
        units_join(parent, i, first[number]);
    }
    if (data->kin) TRY(join_kin(arena, data, units, parent, err));
    return STATUS_OK;
}

typedef struct Member {
    size_t root, position;
    int32_t class_of;
} Member;

static int compare_members(const void *left, const void *right)
{
    const Member *a = left, *b = right;
    if (a->root != b->root) return a->root < b->root ? -1 : 1;
    if (a->class_of != b->class_of) return a->class_of < b->class_of ? -1 : 1;
    return a->position < b->position ? -1 : 1;
}

static int compare_keys(const void *left, const void *right)
{
    const Unit *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

static Status gather(Arena *arena, Units *units, size_t *parent, uint64_t seed, Error *err)
{
    const size_t n = units->n_samples;
    Member *members = NULL;
    TRY(arena_take(arena, n, sizeof *members, "a split", &members, err));
    TRY(arena_take(arena, n, sizeof *units->members, "a split", &units->members, err));
    TRY(arena_take(arena, n, sizeof *units->units, "a split", &units->units, err));
    for (size_t i = 0; i < n; i++)
        members[i] = (Member){units_root(parent, i), i, units->classes[i]};
    if (n) qsort(members, n, sizeof *members, compare_members);
    for (size_t i = 0; i < n; i++) {
        const uint64_t key = units_key(seed, units->samples[members[i].position]->id);
        units->members[i] = members[i].position;
        if (i == 0 || members[i].root != members[i - 1].root) {
            units->units[units->n_units++] =
                (Unit){.begin = i, .key = key, .class_of = members[i].class_of};
        }
        Unit *unit = &units->units[units->n_units - 1];
        unit->n++;
        if (key < unit->key) unit->key = key; // the lowest: no matter in which order they come
    }
    if (units->n_units) qsort(units->units, units->n_units, sizeof *units->units, compare_keys);
    return STATUS_OK;
}

Status units_build(Arena *arena, const Dataset *data, const size_t *which, size_t n, uint64_t seed,
                   bool use_classes, bool use_groups, Units *out, Error *err)
{
    *out = (Units){.n_classes = use_classes ? data->n_labels + 1 : 1};
    const Sample **samples = NULL;
    int32_t *classes = NULL;
    size_t *parent = NULL;
    TRY(units_select(arena, data, which, &n, &samples, err));
    out->n_samples = n;
    out->samples = samples;
    TRY(arena_take(arena, n, sizeof *classes, "a split", &classes, err));
    TRY(arena_take(arena, out->n_classes, sizeof *out->class_counts, "a split", &out->class_counts,
                   err));
    for (size_t i = 0; use_classes && i < n; i++) {
        const int32_t label = samples[i]->label;
        classes[i] = label == SAMPLE_NO_LABEL ? (int32_t)data->n_labels : label;
    }
    for (size_t i = 0; i < n; i++) out->class_counts[classes[i]]++;
    out->classes = classes;
    TRY(arena_take(arena, n, sizeof *parent, "a split", &parent, err));
    TRY(join_samples(arena, data, out, use_groups, parent, err));
    return gather(arena, out, parent, seed, err);
}

static int compare_for_dealing(const void *left, const void *right)
{
    const Unit *a = left, *b = right;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    if (a->n == 1 && a->class_of != b->class_of) return a->class_of < b->class_of ? -1 : 1;
    return compare_keys(left, right);
}

void units_sort_for_dealing(Units *units)
{
    if (units->n_units == 0) return;
    qsort(units->units, units->n_units, sizeof *units->units, compare_for_dealing);
}

typedef struct Remainder {
    size_t class_of;
    double part; // what rounding down left over
} Remainder;

static int compare_remainders(const void *left, const void *right)
{
    const Remainder *a = left, *b = right;
    if (a->part != b->part) return a->part > b->part ? -1 : 1;
    return a->class_of < b->class_of ? -1 : 1;
}

// Gives each class present one, taken from the largest quota.
static void lift_to_one(const size_t *counts, size_t n_classes, size_t *quotas)
{
    for (size_t c = 0; c < n_classes; c++) {
        if (counts[c] == 0 || quotas[c] > 0) continue;
        size_t largest = 0;
        for (size_t d = 1; d < n_classes; d++) {
            if (quotas[d] > quotas[largest]) largest = d;
        }
        if (quotas[largest] < 2) return;
        quotas[largest]--;
        quotas[c] = 1;
    }
}

Status units_quotas(Arena *arena, const size_t *counts, size_t n_classes, size_t target,
                    bool at_least_one, size_t *quotas, Error *err)
{
    Remainder *order = NULL;
    size_t total = 0, given = 0;
    TRY(arena_take(arena, n_classes, sizeof *order, "a split", &order, err));
    for (size_t c = 0; c < n_classes; c++) total += counts[c];
    for (size_t c = 0; c < n_classes; c++) {
        const double exact = total ? (double)target * (double)counts[c] / (double)total : 0;
        quotas[c] = (size_t)exact;
        given += quotas[c];
        order[c] = (Remainder){c, exact - (double)quotas[c]};
    }
    if (n_classes) qsort(order, n_classes, sizeof *order, compare_remainders);
    for (size_t i = 0; given < target && n_classes; i = (i + 1) % n_classes) {
        const size_t c = order[i].class_of;
        if (quotas[c] >= counts[c]) continue;
        quotas[c]++;
        given++;
    }
    if (at_least_one) lift_to_one(counts, n_classes, quotas);
    return STATUS_OK;
}
