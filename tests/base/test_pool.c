#include <criterion/criterion.h>

#include <stdatomic.h>
#include <stdio.h>

#include "base/pool.h"

enum { MAX_UNITS = 5000 };

typedef struct Count {
    _Atomic int runs[MAX_UNITS];
    _Atomic int busy[8]; // by worker
    _Atomic size_t n_wrong;
    size_t n_threads;
} Count;

static void count_unit(void *context, size_t unit, size_t worker)
{
    Count *count = context;
    if (unit >= MAX_UNITS || worker >= count->n_threads) {
        count->n_wrong++;
        return;
    }
    if (count->busy[worker]++ != 0) count->n_wrong++;
    count->runs[unit]++;
    count->busy[worker]--;
}

Test(pool, runs_every_unit_once_with_any_number_of_threads)
{
    static Count count;
    Error err = {0};
    for (size_t n_threads = 1; n_threads <= 8; n_threads++) {
        Pool *pool = NULL;
        cr_assert_eq(pool_open(n_threads, &pool, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(pool_threads(pool), n_threads);
        for (size_t n_units = 0; n_units <= MAX_UNITS; n_units = n_units * 3 + 1) {
            memset(&count, 0, sizeof count);
            count.n_threads = n_threads;
            pool_run(pool, n_units, count_unit, &count);
            for (size_t i = 0; i < MAX_UNITS; i++) {
                cr_assert_eq(count.runs[i], i < n_units,
                             "%zu threads, %zu units: unit %zu ran %d times", n_threads, n_units, i,
                             count.runs[i]);
            }
            cr_assert_eq(count.n_wrong, 0, "%zu threads, %zu units", n_threads, n_units);
        }
        pool_close(&pool);
        cr_assert_null(pool);
    }
}

static void add_unit(void *context, size_t unit, size_t worker)
{
    (void)worker;
    atomic_fetch_add((_Atomic size_t *)context, unit);
}

Test(pool, survives_many_small_jobs)
{
    Error err = {0};
    Pool *pool = NULL;
    cr_assert_eq(pool_open(4, &pool, &err), STATUS_OK, "%s", err.text);
    for (size_t job = 0; job < 20000; job++) {
        _Atomic size_t sum = 0;
        const size_t n_units = job % 9;
        pool_run(pool, n_units, add_unit, &sum);
        cr_assert_eq(sum, n_units == 0 ? 0 : n_units * (n_units - 1) / 2, "job %zu", job);
    }
    pool_close(&pool);
}

typedef struct Order {
    _Atomic size_t last_begun;
    _Atomic size_t n_wrong;
} Order;

static void order_unit(void *context, size_t unit, size_t worker)
{
    (void)worker;
    Order *order = context;
    // With one thread units begin exactly in order.
    if (order->last_begun++ != unit) order->n_wrong++;
}

Test(pool, hands_units_out_in_ascending_order)
{
    Error err = {0};
    Pool *pool = NULL;
    Order order = {0};
    cr_assert_eq(pool_open(1, &pool, &err), STATUS_OK, "%s", err.text);
    pool_run(pool, 100, order_unit, &order);
    cr_assert_eq(order.n_wrong, 0);
    pool_close(&pool);
}

typedef struct Failing {
    size_t first, n; // units first .. first + n fail
    _Atomic size_t n_done;
} Failing;

static Status fail_some(void *context, size_t unit, size_t worker, Error *err)
{
    (void)worker;
    Failing *failing = context;
    if (unit >= failing->first && unit < failing->first + failing->n)
        return error_set(err, STATUS_INVALID, "unit %zu", unit);
    failing->n_done++;
    return STATUS_OK;
}

Test(pool, keeps_the_failure_of_the_lowest_unit)
{
    for (size_t n_threads = 0; n_threads <= 4; n_threads++) { // 0: without a pool
        Error err = {0};
        Pool *pool = NULL;
        if (n_threads > 0) cr_assert_eq(pool_open(n_threads, &pool, &err), STATUS_OK);
        for (size_t first = 0; first < 40; first++) {
            Failing failing = {.first = first, .n = 20};
            char says[32];
            snprintf(says, sizeof says, "unit %zu", first);
            cr_assert_eq(pool_try(pool, 50, fail_some, &failing, &err), STATUS_INVALID);
            cr_assert_str_eq(err.text, says);
            cr_assert_geq(failing.n_done, first);
            cr_assert_eq(pool_try(pool, 50, fail_some, &failing, NULL), STATUS_INVALID);
        }
        Failing none = {.first = 50};
        cr_assert_eq(pool_try(pool, 50, fail_some, &none, &err), STATUS_OK);
        cr_assert_eq(none.n_done, 50);
        pool_close(&pool);
    }
}

Test(pool, zero_threads_means_all_that_are_available)
{
    Error err = {0};
    Pool *pool = NULL;
    cr_assert_geq(pool_available_threads(), 1);
    cr_assert_eq(pool_open(0, &pool, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(pool_threads(pool), pool_available_threads());
    pool_close(&pool);
    pool_close(&pool);
}

Test(pool, refuses_an_absurd_number_of_threads)
{
    Error err = {0};
    Pool *pool = NULL;
    cr_assert_eq(pool_open(1000000, &pool, &err), STATUS_INVALID);
    cr_assert_null(pool);
}
