// What was committed stays, whatever ends the process.
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/results/fixture.h"
#include "tests/results/store_file.h"

TestSuite(store_loss, .init = store_file_make, .fini = store_file_remove);

// In a child of its own, since the limit on file sizes cannot be raised again.
static int write_under_a_limit(void)
{
    signal(SIGXFSZ, SIG_IGN);
    Store *store = NULL;
    Error err = {0};
    if (store_open(db_path, STORE_WRITE, &store, &err) != STATUS_OK) return 10;
    const struct rlimit limit = {300000, 300000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 11;
    static char text[200000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 8; i++) {
        char key[SHA256_HEX_SIZE];
        sha256_of((Slice){text, (size_t)i + 1}, key);
        const StoredSample sample = {.id = SLICE("s"), .input = {text, sizeof text}};
        const StoredDataset dataset = {
            .key = slice_from_cstr(key), .samples = &sample, .n_samples = 1};
        const Status s = store_put_dataset(store, &dataset, &err);
        if (s == STATUS_OK) continue;
        const bool said =
            s == STATUS_IO && strstr(err.text, db_path) && strstr(err.text, "committed is kept");
        store_close(&store);
        return said ? i : 12;
    }
    return 13;
}

Test(store_loss, loses_nothing_committed_when_writing_fails)
{
    Store *store = open_store(STORE_WRITE);
    char run_id[RUN_ID_SIZE];
    const RunRecord run = {.suite = SLICE("s"), .identity = SLICE("{}")};
    bool resumed;
    Error err = {0};
    cr_assert_eq(store_begin_run(store, &run, run_id, &resumed, &err), STATUS_OK, "%s", err.text);
    store_close(&store);
    const pid_t child = fork();
    if (child == 0) _exit(write_under_a_limit());
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    const int n_written = WEXITSTATUS(status);
    cr_assert_lt(n_written, 10, "exit %d", n_written);
    store = open_store(STORE_WRITE);
    double n = -1;
    cr_assert_eq(fixture_numbers(store, "SELECT count(*) FROM dataset", &n, 1, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect_eq((int)n, n_written, "%g kept, %d committed", n, n_written);
    cr_assert_eq(store_find_run(store, SLICE("last"), run_id, &err), STATUS_OK, "%s", err.text);
    store_close(&store);
}

Test(store_loss, keeps_what_was_committed_when_the_process_is_killed)
{
    for (int round = 0; round < 4; round++) {
        int pipe_fd[2];
        cr_assert_eq(pipe(pipe_fd), 0);
        const pid_t child = fork();
        if (child == 0) {
            Store *store = NULL;
            if (store_open(db_path, STORE_WRITE, &store, NULL) != STATUS_OK) _exit(1);
            for (int i = 0; i < 20; i++) {
                char key[SHA256_HEX_SIZE], text[32];
                snprintf(text, sizeof text, "%d %d", round, i);
                const Trial trial = {
                    .id = key_of(key, text), .status = TRIAL_DONE, .best_step = -1};
                if (store_put_trial(store, &trial, NULL) != STATUS_OK) _exit(2);
                if (write(pipe_fd[1], "x", 1) != 1) _exit(3);
                if (i == 5 + round) raise(SIGKILL);
            }
            _exit(0);
        }
        close(pipe_fd[1]);
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status), "round %d", round);
        char said[64];
        const ssize_t n_committed = read(pipe_fd[0], said, sizeof said);
        close(pipe_fd[0]);
        Store *store = open_store(STORE_WRITE);
        for (int i = 0; i < n_committed; i++) {
            char key[SHA256_HEX_SIZE], text[32];
            TrialStatus state;
            snprintf(text, sizeof text, "%d %d", round, i);
            cr_assert_eq(store_trial_status(store, key_of(key, text), &state, NULL), STATUS_OK);
            cr_expect_eq(state, TRIAL_DONE, "round %d trial %d", round, i);
        }
        store_close(&store);
    }
}
