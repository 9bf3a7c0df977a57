// Fallible units on the pool.
#include "metrics/resample.h"

#include <stdlib.h>

typedef struct WorkerFailure {
    bool has_failed;
    size_t unit;
    Error error;
} WorkerFailure;

typedef struct Work {
    WorkUnit work;
    void *context;
    WorkerFailure *failures; // one a worker
} Work;

size_t worker_count(const Pool *pool)
{
    return pool != NULL ? pool_threads(pool) : 1;
}

static void run_one(void *context, size_t unit, size_t worker)
{
    Work *work = context;
    WorkerFailure *failure = &work->failures[worker];
    // Units come in ascending order, so a worker's first failure is its lowest.
    if (failure->has_failed) return;
    if (work->work(work->context, unit, worker, &failure->error) != STATUS_OK) {
        failure->has_failed = true;
        failure->unit = unit;
    }
}

Status run_units(Pool *pool, size_t n_units, WorkUnit work, void *context, Error *err)
{
    const size_t n_workers = worker_count(pool);
    Work all = {.work = work, .context = context};
    all.failures = calloc(n_workers, sizeof *all.failures);
    if (all.failures == NULL) {
        return error_set_memory(err, n_workers, sizeof *all.failures, "workers");
    }
    if (pool != NULL) {
        pool_run(pool, n_units, run_one, &all);
    } else {
        for (size_t unit = 0; unit < n_units && !all.failures[0].has_failed; unit++) {
            run_one(&all, unit, 0);
        }
    }
    const WorkerFailure *first = NULL;
    for (size_t w = 0; w < n_workers; w++) {
        const WorkerFailure *f = &all.failures[w];
        if (f->has_failed && (first == NULL || f->unit < first->unit)) first = f;
    }
    Status s = STATUS_OK;
    if (first != NULL) {
        s = first->error.status != STATUS_OK ? first->error.status : STATUS_INTERNAL;
        if (err != NULL) *err = first->error;
    }
    free(all.failures);
    return s;
}
