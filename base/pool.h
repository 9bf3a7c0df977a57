// base/pool.h: the program's own worker pool.
//
// A worker takes whole units of work; there is no fork-join inside a unit. Idle workers spin shortly (about 20 us), then
// sleep, so that a busy machine is not made busier. The caller's thread works too: n_threads = 1 starts no thread.
#ifndef ASSAY_BASE_POOL_H
#define ASSAY_BASE_POOL_H

#include "base/error.h"

typedef struct Pool Pool;

// One unit. worker is in [0, n_threads) and names the thread's own scratch; no two units run on the same worker at once.
typedef void (*PoolUnit)(void *context, size_t unit, size_t worker);

// n_threads 0 means as many as the process may use (sched_getaffinity).
Status pool_open(size_t n_threads, Pool **out, Error *err) MUST_CHECK;
// 1 where pool is NULL: the caller's own.
size_t pool_threads(const Pool *pool);
// Runs units 0 .. n_units-1, each once, handed out in ascending order; returns when all are done. Calls do not nest.
// Results must depend on the unit alone, never on the worker or on the order in which units end. Without a pool (NULL) the
// caller's thread does it all.
void pool_run(Pool *pool, size_t n_units, PoolUnit unit, void *context);

// A unit that can fail.
typedef Status (*PoolWork)(void *context, size_t unit, size_t worker, Error *err);
// As pool_run. The failure of the lowest unit that fails, whatever the number of threads; units above it may be left out.
Status pool_try(Pool *pool, size_t n_units, PoolWork unit, void *context, Error *err) MUST_CHECK;
void pool_close(Pool **pool); // joins the threads; a no-op on NULL

// Threads that the process may use now (affinity and cgroup quota), at least 1.
size_t pool_available_threads(void);

#endif
