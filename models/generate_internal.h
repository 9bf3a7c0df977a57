// models/generate_internal.h: the queue of requests behind models/generate.h; for the generate*.c files only.
#ifndef ASSAY_MODELS_GENERATE_INTERNAL_H
#define ASSAY_MODELS_GENERATE_INTERNAL_H

#include "models/cache.h"
#include "models/generate.h"
#include "models/model_internal.h"
#include "models/prefix_tree.h"

// One request in the queue.
typedef struct Job {
    PrefixInput input; // tokens that are read before anything is written
    size_t n_reserved; // tokens that it may come to, input included
    size_t first_read; // logits of input tokens from here on are read
    size_t request;    // whose it is
    // Of a request that writes:
    bool is_running;    // its input is read: one token a round
    int32_t last_token; // the newest one
    CacheSequence kept; // keys and values of all before it
} Job;

typedef struct NodeState {
    CacheSequence kept;
    size_t n_uses; // children and ends that go on from it
    bool is_done, is_scheduled;
} NodeState;

typedef struct Queue Queue;

// What a call does with logits.
typedef struct QueueCalls {
    bool writes; // requests go on behind their input
    // Logits behind token `place` of the job; in a worker. Calls for one job never overlap.
    Status (*read)(Queue *queue, size_t job, size_t place, const float *logits, Exec *exec,
                   Error *err);
    // After a round in which the job's next token was read; sets last_token, or *is_finished. On the calling thread.
    Status (*advance)(Queue *queue, size_t job, bool *is_finished, Error *err);
    void *context;
} QueueCalls;

struct Queue {
    Model *model;
    Pool *pool;
    const atomic_int *cancel;
    QueueCalls calls;
    Arena arena;       // of the whole call
    Arena round_arena; // of one round
    Cache *cache;
    PrefixTree tree;
    NodeState *states; // [tree.n_nodes]
    Job *jobs;         // in the tree's order
    size_t n_jobs, n_admitted;
    size_t *active; // admitted and not finished
    size_t n_active;
    size_t n_reserved; // tokens of active ones
    GenerateStats stats;
};

// jobs [n] in the order of the requests; copied. Their inputs must outlive the queue.
Status queue_open(Model *model, Pool *pool, const atomic_int *cancel, const QueueCalls *calls,
                  const Job *jobs, size_t n, Queue *out, Error *err) MUST_CHECK;
Status queue_run(Queue *queue, Error *err) MUST_CHECK;
void queue_close(Queue *queue); // a no-op on a zeroed one

#endif
