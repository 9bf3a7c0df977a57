// The worker pool under the thread sanitizer. A plain program, because Criterion's own threads abort there. The units
// write memory that is not atomic: the pool alone orders what they do, so a missing edge is a report.
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"

enum { N_THREADS = 4, N_UNITS = 64, N_JOBS = 2000 };

typedef struct Shared {
    size_t job;
    size_t results[N_UNITS];
    size_t by_worker[N_THREADS];
} Shared;

static void write_unit(void *context, size_t unit, size_t worker)
{
    Shared *shared = context;
    shared->results[unit] = shared->job + unit;
    shared->by_worker[worker]++;
}

static int check(const Shared *shared, size_t n_units)
{
    for (size_t i = 0; i < n_units; i++) {
        if (shared->results[i] != shared->job + i) {
            fprintf(stderr, "job %zu: unit %zu was not run\n", shared->job, i);
            return 1;
        }
    }
    return 0;
}

int main(void)
{
    Error err = {0};
    static Shared shared;
    size_t n_wanted = 0;
    for (size_t round = 0; round < 4; round++) {
        Pool *pool = NULL;
        if (pool_open(N_THREADS, &pool, &err) != STATUS_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        for (size_t job = 0; job < N_JOBS / 4; job++) {
            const size_t n_units = job % (N_UNITS + 1);
            shared.job = round * N_JOBS + job;
            pool_run(pool, n_units, write_unit, &shared);
            if (check(&shared, n_units) != 0) return 1;
            n_wanted += n_units;
        }
        pool_close(&pool);
    }
    size_t n_run = 0;
    for (size_t i = 0; i < N_THREADS; i++) n_run += shared.by_worker[i];
    if (n_run != n_wanted) {
        fprintf(stderr, "%zu units were run, %zu were given\n", n_run, n_wanted);
        return 1;
    }
    return 0;
}
