// How units are handed out.
//
// `ticket` holds, in one atomic word, the job's number (upper half) and the next unit (lower half). A worker reads the
// ticket, then the job, then takes the unit by compare-and-swap: success proves that the job has not changed in
// between. So a worker that sleeps through a job, as happens on a busy machine, is never waited for: pool_run returns
// when the units are done, whoever did them. Between jobs the ticket is CLOSED, while the job's fields change. All
// atomics are sequentially consistent: a unit takes milliseconds, and the proof stays simple.
#include "base/pool.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cgroup.h"
#include "base/clock.h"
#include "base/size.h"

enum { SPIN_NS = 20000, SPIN_CHECKS = 32, MAX_THREADS = 4096 };

#define CLOSED    UINT32_MAX
#define MAX_UNITS ((size_t)UINT32_MAX - 1) // of one job; pool_run makes several jobs of more

typedef struct Job {
    PoolUnit unit;
    void *context;
    size_t first; // unit number of the job's unit 0
    uint32_t n_units;
} Job;

typedef struct Worker {
    Pool *pool;
    size_t index;
    pthread_t thread;
} Worker;

struct Pool {
    size_t n_threads; // with the caller
    size_t n_started; // workers running
    Worker *workers;  // n_threads - 1

    _Atomic uint64_t ticket;
    _Atomic(PoolUnit) unit;
    _Atomic(void *) context;
    _Atomic size_t first;
    _Atomic uint32_t n_units;
    _Atomic uint32_t n_done;

    atomic_bool is_stopping;
    _Atomic size_t n_sleeping; // workers that wait for work_came
    atomic_bool caller_sleeps; // in units_done
    pthread_mutex_t mutex;     // for the two conditions alone
    pthread_cond_t work_came;
    pthread_cond_t units_done;
};

size_t pool_threads(const Pool *pool)
{
    return pool ? pool->n_threads : 1;
}

static uint32_t next_unit(uint64_t ticket)
{
    return (uint32_t)ticket;
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Takes the next unit of the current job; false where none is left.
static bool take_unit(Pool *pool, Job *job, uint32_t *unit)
{
    for (;;) {
        uint64_t ticket = pool->ticket;
        *job = (Job){pool->unit, pool->context, pool->first, pool->n_units};
        *unit = next_unit(ticket);
        if (*unit == CLOSED || *unit >= job->n_units) return false;
        if (atomic_compare_exchange_strong(&pool->ticket, &ticket, ticket + 1)) return true;
    }
}

static void finish_unit(Pool *pool, uint32_t n_units)
{
    if (atomic_fetch_add(&pool->n_done, 1) + 1 != n_units || !pool->caller_sleeps) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->units_done);
    pthread_mutex_unlock(&pool->mutex);
}

static void work(Pool *pool, size_t worker)
{
    Job job;
    for (uint32_t unit; take_unit(pool, &job, &unit);) {
        job.unit(job.context, job.first + unit, worker);
        finish_unit(pool, job.n_units);
    }
}

static bool has_work(Pool *pool)
{
    const uint32_t next = next_unit(pool->ticket);
    return (next != CLOSED && next < pool->n_units) || pool->is_stopping;
}

static bool all_done(Pool *pool)
{
    return pool->n_done == pool->n_units;
}

// Spins until the condition holds; false after about 20 us without it.
static bool spin(Pool *pool, bool (*holds)(Pool *))
{
    const int64_t began_ns = clock_now_ns();
    do {
        for (int i = 0; i < SPIN_CHECKS; i++) {
            if (holds(pool)) return true;
            relax();
        }
    } while (clock_now_ns() - began_ns < SPIN_NS);
    return false;
}

static void await_work(Pool *pool)
{
    if (spin(pool, has_work)) return;
    pthread_mutex_lock(&pool->mutex);
    pool->n_sleeping++; // before the check: who opens a job after it sees the sleeper
    while (!has_work(pool)) pthread_cond_wait(&pool->work_came, &pool->mutex);
    pool->n_sleeping--;
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument)
{
    const Worker *self = argument;
    while (!self->pool->is_stopping) {
        work(self->pool, self->index);
        await_work(self->pool);
    }
    return NULL;
}

// Wakes as many sleepers as there are units for them.
static void wake_workers(Pool *pool, size_t n_wanted)
{
    if (pool->n_sleeping == 0) return;
    pthread_mutex_lock(&pool->mutex);
    const size_t n = size_min(n_wanted, pool->n_sleeping);
    for (size_t i = 0; i < n; i++) pthread_cond_signal(&pool->work_came);
    pthread_mutex_unlock(&pool->mutex);
}

static void open_job(Pool *pool, Job job)
{
    const uint64_t number = (pool->ticket >> 32) + 1;
    pool->ticket = number << 32 | CLOSED;
    pool->unit = job.unit;
    pool->context = job.context;
    pool->first = job.first;
    pool->n_units = job.n_units;
    pool->n_done = 0;
    pool->ticket = number << 32;
    wake_workers(pool, job.n_units - 1);
}

static void await_units(Pool *pool)
{
    if (spin(pool, all_done)) return;
    pthread_mutex_lock(&pool->mutex);
    pool->caller_sleeps = true; // before the check: who finishes the last unit after it signals
    while (!all_done(pool)) pthread_cond_wait(&pool->units_done, &pool->mutex);
    pool->caller_sleeps = false;
    pthread_mutex_unlock(&pool->mutex);
}

void pool_run(Pool *pool, size_t n_units, PoolUnit unit, void *context)
{
    if (pool_threads(pool) == 1 || n_units == 1) {
        for (size_t i = 0; i < n_units; i++) unit(context, i, 0);
        return;
    }
    for (size_t first = 0; first < n_units; first += MAX_UNITS) {
        const size_t n = size_min(n_units - first, MAX_UNITS);
        open_job(pool, (Job){unit, context, first, (uint32_t)n});
        work(pool, 0);
        await_units(pool);
    }
}

// ---- units that can fail ----

typedef struct Attempt {
    PoolWork unit;
    void *context;
    _Atomic size_t failed; // the lowest unit that failed; SIZE_MAX while none has
    pthread_mutex_t mutex; // for what follows
    Status status;
    Error *err; // the caller's; may be NULL
} Attempt;

// Units are handed out in ascending order, so all below one that failed are under way: what is left out is above the lowest.
static void attempt_unit(void *context, size_t unit, size_t worker)
{
    Attempt *attempt = context;
    Error error = {0};
    if (unit > attempt->failed) return;
    const Status s = attempt->unit(attempt->context, unit, worker, &error);
    if (s == STATUS_OK) return;
    pthread_mutex_lock(&attempt->mutex);
    if (unit < attempt->failed) {
        attempt->failed = unit;
        attempt->status = s;
        if (attempt->err) *attempt->err = error;
    }
    pthread_mutex_unlock(&attempt->mutex);
}

Status pool_try(Pool *pool, size_t n_units, PoolWork unit, void *context, Error *err)
{
    Attempt attempt = {.unit = unit,
                       .context = context,
                       .failed = SIZE_MAX,
                       .mutex = PTHREAD_MUTEX_INITIALIZER,
                       .err = err};
    pool_run(pool, n_units, attempt_unit, &attempt);
    return attempt.status;
}

// Workers take no signals: Ctrl-C belongs to the thread that knows what to save.
static Status start_workers(Pool *pool, Error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    while (code == 0 && pool->n_started < pool->n_threads - 1) {
        Worker *worker = &pool->workers[pool->n_started];
        *worker = (Worker){.pool = pool, .index = pool->n_started + 1};
        code = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (code == 0) pool->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) return STATUS_OK;
    return error_set(
        err, STATUS_MEMORY,
        "the system refused to start thread %zu of %zu: use fewer threads or raise the "
        "limit of processes (ulimit -u)",
        pool->n_started + 1, pool->n_threads);
}

Status pool_open(size_t n_threads, Pool **out, Error *err)
{
    *out = NULL;
    if (n_threads == 0) n_threads = pool_available_threads();
    if (n_threads > MAX_THREADS) {
        return error_set(err, STATUS_INVALID, "%zu threads wanted, at most %d are possible",
                         n_threads, MAX_THREADS);
    }
    Pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) return error_set_memory(err, 1, sizeof *pool, "a worker pool");
    pool->n_threads = n_threads;
    pool->ticket = CLOSED;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work_came, NULL);
    pthread_cond_init(&pool->units_done, NULL);
    pool->workers = calloc(n_threads, sizeof *pool->workers);
    const Status s = pool->workers == NULL
                         ? error_set_memory(err, n_threads, sizeof *pool->workers, "workers")
                         : start_workers(pool, err);
    if (s != STATUS_OK) {
        pool_close(&pool);
        return s;
    }
    *out = pool;
    return STATUS_OK;
}

void pool_close(Pool **pool)
{
    Pool *closed = *pool;
    if (closed == NULL) return;
    pthread_mutex_lock(&closed->mutex);
    closed->is_stopping = true;
    pthread_cond_broadcast(&closed->work_came);
    pthread_mutex_unlock(&closed->mutex);
    for (size_t i = 0; i < closed->n_started; i++) pthread_join(closed->workers[i].thread, NULL);
    pthread_cond_destroy(&closed->units_done);
    pthread_cond_destroy(&closed->work_came);
    pthread_mutex_destroy(&closed->mutex);
    free(closed->workers);
    free(closed);
    *pool = NULL;
}

// CPUs in this process's affinity mask. The kernel refuses a mask smaller than its own, so ours grows until it fits.
static size_t affinity_threads(void)
{
    for (size_t n_cpus = 1024; n_cpus <= 1 << 20; n_cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(n_cpus);
        if (set == NULL) return 1;
        const size_t size = CPU_ALLOC_SIZE(n_cpus);
        const bool is_read = sched_getaffinity(0, size, set) == 0;
        const int n = is_read ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (is_read) return size_max((size_t)n, 1);
    }
    return 1;
}

size_t pool_available_threads(void)
{
    const size_t n = affinity_threads();
    const double quota = ceil(cgroup_cpu_limit());
    return quota < (double)n ? size_max((size_t)quota, 1) : n;
}
