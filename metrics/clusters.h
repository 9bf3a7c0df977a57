// metrics/clusters.h: names of clusters turned into indices, in the order first seen.
#ifndef ASSAY_METRICS_CLUSTERS_H
#define ASSAY_METRICS_CLUSTERS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

// Zeroed is ready to use; owns its memory.
typedef struct ClusterNames {
    Arena arena;  // copies of the names
    Slice *names; // [n_clusters]; empty for a cluster of one item
    size_t n_clusters, capacity;
    size_t n_named;
    uint32_t *slots; // open addressing: cluster index + 1, 0 = free
    size_t n_slots;  // a power of two, or 0
} ClusterNames;

// The index of a name; an empty name is a new cluster each time. Fails on memory and past UINT32_MAX - 1 clusters.
Status clusters_index(ClusterNames *clusters, Slice name, uint32_t *index, Error *err) MUST_CHECK;
void clusters_release(ClusterNames *clusters); // a no-op on zeroed

#endif
