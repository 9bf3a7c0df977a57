#include "metrics/clusters.h"

#include <stdlib.h>

#include "base/size.h"

// FNV-1a; names are short, and a bad case only costs time in proportion to itself.
static size_t hash_of(Slice name)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < name.len; i++) h = (h ^ (unsigned char)name.ptr[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

static void put_slot(const ClusterNames *c, uint32_t *slots, size_t n_slots, uint32_t index)
{
    size_t at = hash_of(c->names[index]) & (n_slots - 1);
    while (slots[at] != 0) at = (at + 1) & (n_slots - 1);
    slots[at] = index + 1;
}

static Status grow_slots(ClusterNames *c, Error *err)
{
    const size_t n_slots = c->n_slots > 0 ? 2 * c->n_slots : 64;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL) return error_set_memory(err, n_slots, sizeof *slots, "cluster names");
    for (size_t i = 0; i < c->n_clusters; i++) {
        if (c->names[i].len > 0) put_slot(c, slots, n_slots, (uint32_t)i);
    }
    free(c->slots);
    c->slots = slots;
    c->n_slots = n_slots;
    return STATUS_OK;
}

static Status grow_names(ClusterNames *c, Error *err)
{
    const size_t capacity = size_max(64, 2 * c->capacity);
    Slice *names = reallocarray(c->names, capacity, sizeof *names);
    if (names == NULL) return error_set_memory(err, capacity, sizeof *names, "cluster names");
    c->names = names;
    c->capacity = capacity;
    return STATUS_OK;
}

static bool find(const ClusterNames *c, Slice name, uint32_t *index)
{
    if (name.len == 0 || c->n_slots == 0) return false;
    for (size_t at = hash_of(name) & (c->n_slots - 1); c->slots[at] != 0;
         at = (at + 1) & (c->n_slots - 1)) {
        if (!slice_eq(c->names[c->slots[at] - 1], name)) continue;
        *index = c->slots[at] - 1;
        return true;
    }
    return false;
}

Status clusters_index(ClusterNames *c, Slice name, uint32_t *index, Error *err)
{
    if (find(c, name, index)) return STATUS_OK;
    if (c->n_clusters >= UINT32_MAX - 1) {
        return error_set(err, STATUS_INVALID, "%zu clusters are too many", c->n_clusters);
    }
    if (c->n_clusters == c->capacity) TRY(grow_names(c, err));
    Slice copy = {0};
    if (name.len > 0) {
        if (2 * (c->n_named + 1) > c->n_slots) TRY(grow_slots(c, err));
        copy = arena_copy(&c->arena, name);
        if (copy.ptr == NULL) return error_set_memory(err, 1, name.len, "a cluster's name");
    }
    *index = (uint32_t)c->n_clusters;
    c->names[c->n_clusters++] = copy;
    if (name.len > 0) {
        put_slot(c, c->slots, c->n_slots, *index);
        c->n_named++;
    }
    return STATUS_OK;
}

void clusters_release(ClusterNames *c)
{
    arena_release(&c->arena);
    free(c->names);
    free(c->slots);
    *c = (ClusterNames){0};
}
