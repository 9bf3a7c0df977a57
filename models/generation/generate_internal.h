// models/generation/generate_internal.h: the queue of requests behind models/generation/generate.h; for the generate*.c files only.
#ifndef ASSAY_MODELS_GENERATE_INTERNAL_H
#define ASSAY_MODELS_GENERATE_INTERNAL_H

#include "models/generation/cache.h"
#include "models/generation/generate.h"
#include "models/generation/prefix_tree.h"
#include "models/generation/search.h"
#include "models/model_internal.h"

// One way on of a request that writes: it has one, or as many as beams are searched.
typedef struct Strand {
    int32_t last_token; // the newest one
    CacheSequence kept; // keys and values of all before it
    int32_t *again;     // [n_again] tokens that are read again
} Strand;

// One request in the queue.
typedef struct Job {
    PrefixInput input; // tokens that are read before anything is written
    size_t n_reserved; // tokens that it may come to, input included
    size_t n_room;     // tokens whose keys and values take what it may hold in all; 0 = n_reserved
    size_t n_again;    // tokens that each strand reads again (TapeRope.rereads); 0 = none
    size_t first_read; // logits of input tokens from here on are read
    size_t request;    // whose it is
    // Of a request that writes:
    size_t most_strands; // 0 counts as 1
    bool is_running;     // its input is read: one token of each strand a round
    Strand *strands;     // [n_strands] that run, with room for most_strands
    Strand *spare;       // the same, for queue_branch
    size_t n_strands;
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
    // Logits behind token `place` of the job; in a worker. Calls for one strand of a job never overlap. What is read behind the
    // input is of strand 0.
    Status (*read)(Queue *queue, size_t job, size_t strand, size_t place, const float *logits,
                   Exec *exec, Error *err);
    // After a round in which the job's next tokens were read; sets the strands' last_token, or *is_finished. On the calling
    // thread.
    Status (*advance)(Queue *queue, size_t job, bool *is_finished, Error *err);
    // All tokens of a strand that runs, last_token too.
    void (*tokens)(Queue *queue, size_t job, size_t strand, int32_t *out);
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
    size_t n_room;        // bytes of active ones
    size_t unit_tokens;   // of a unit, and of an input that are read at once
    size_t rows_together; // model_rows_together
    int64_t started_wall_ns, started_cpu_ns;
    bool has_read_all; // inputs
    GenerateStats stats;
};

// For forecasts: tokens of a unit, where the longest input has so many; and keys and values of so many requests that come to
// n_tokens each.
size_t queue_unit_tokens(size_t longest_input);
uint64_t queue_kept_bytes(const Model *model, size_t n_tokens, size_t n_requests);

// jobs [n] in the order of the requests; copied. Their inputs must outlive the queue.
Status queue_open(Model *model, Pool *pool, const atomic_int *cancel, const QueueCalls *calls,
                  const Job *jobs, size_t n, Queue *out, Error *err) MUST_CHECK;
Status queue_run(Queue *queue, Error *err) MUST_CHECK;
// Everything once: each active request reads on, or writes its next tokens (generate_round.c).
Status queue_round(Queue *queue, Error *err) MUST_CHECK;
// For those who go on from a node of the tree: its keys, or a fork of them where others do so too.
Status queue_take_from(Queue *queue, size_t node, CacheSequence *out, Error *err) MUST_CHECK;
// For advance: the job goes on as n strands, the i-th with the keys of the present strand from[i].
Status queue_branch(Queue *queue, size_t job, const uint32_t *from, size_t n,
                    Error *err) MUST_CHECK;
void queue_close(Queue *queue); // a no-op on a zeroed one

// ---- requests with beams (generate_beams.c) ----

typedef struct BeamWriting {
    BeamSearch search;
    size_t n_vocab;
    float *logits; // [n_beams, n_vocab] of the running beams, while the request is active
} BeamWriting;

// In the arena. The prompt must outlive it.
Status beam_writing_begin(const Model *model, const GenerateRequest *request, size_t n_most,
                          Arena *arena, BeamWriting *out, Error *err) MUST_CHECK;
void beam_writing_release(BeamWriting *writing); // a no-op on a zeroed one
// Tokens whose keys and values take as much as all beams and their logits may.
size_t beam_writing_room(const Model *model, const GenerateRequest *request, size_t n_most);
// The logits of one strand; the first of all on its own.
Status beam_writing_read(BeamWriting *writing, size_t strand, const float *logits,
                         Error *err) MUST_CHECK;
// A step of the search, and the strands that go on.
Status beam_writing_advance(Queue *queue, BeamWriting *writing, Error *err) MUST_CHECK;
void beam_writing_tokens(BeamWriting *writing, size_t strand, int32_t *out);
Status beam_writing_branch(Queue *queue, size_t job, const BeamWriting *writing,
                           Error *err) MUST_CHECK;
// The results, in the arena.
Status beam_writing_results(const BeamWriting *writing, const GenerateRequest *request,
                            Arena *arena, GenerateResult *out, Error *err) MUST_CHECK;

#endif
