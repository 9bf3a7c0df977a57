// harness/jobs.c: trials spread over worker processes.
//
// A worker is a fork of this process, so it shares the data as prepared. It reads one Work after the other from a pipe, does
// it, leaves the outcome in a file written anew and renamed, and answers with one Reply on another pipe. It never touches
// the store. A worker that dies fails the trial it had; another takes its place.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run_internal.h"

typedef struct Reply { // below PIPE_BUF, so that it arrives in one piece
    size_t trial;
    Status status;
    char text[ERROR_TEXT_SIZE];
} Reply;

typedef struct Worker {
    pid_t pid; // 0 = none
    int to, from;
    size_t trial; // SIZE_MAX = idle
} Worker;

typedef struct Jobs {
    Run *run;
    Worker *workers;
    size_t n;
    bool is_stopping;
    Status first_failure; // what ended the run
    Error failure;
} Jobs;

// ---- in the worker ----

static bool read_whole(int fd, void *out, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const ssize_t n = read(fd, (char *)out + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += (size_t)n;
    }
    return true;
}

static bool write_whole(int fd, const void *bytes, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const ssize_t n = write(fd, (const char *)bytes + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += (size_t)n;
    }
    return true;
}

static Status do_work(Executor *executor, const Work *work, const char *state, Error *err)
{
    Outcome outcome = {0};
    char path[STATE_PATH_SIZE];
    Status s = executor_run(executor, work, &outcome, err);
    if (s == STATUS_OK) s = state_file(state, slice_from_cstr(work->id), "outcome", path, err);
    if (s == STATUS_OK) s = outcome_write(&outcome, path, err);
    outcome_release(&outcome);
    return s;
}

static void worker_main(const Run *run, int from, int to)
{
    Executor executor = {0};
    const ExecuteOptions options = run_execute_options(run);
    Error err = {0};
    Work work;
    const Status opened = executor_init(&executor, &options, &err);
    while (read_whole(from, &work, sizeof work)) {
        Reply reply;
        memset(&reply, 0, sizeof reply);
        reply.trial = work.trial;
        reply.status =
            opened != STATUS_OK ? opened : do_work(&executor, &work, run->state.path, &err);
        memcpy(reply.text, err.text, sizeof reply.text);
        if (opened == STATUS_OK) err = (Error){0};
        if (!write_whole(to, &reply, sizeof reply)) break;
    }
    executor_release(&executor);
}

// ---- in the parent ----

static Status spawn(Jobs *jobs, Worker *worker, Error *err)
{
    int to[2], from[2];
    const pid_t parent = getpid();
    *worker = (Worker){.to = -1, .from = -1, .trial = SIZE_MAX};
    if (pipe2(to, O_CLOEXEC) != 0) return error_set_errno(err, "a pipe for a worker");
    if (pipe2(from, O_CLOEXEC) != 0) {
        const Status s = error_set_errno(err, "a pipe for a worker");
        (void)close(to[0]);
        (void)close(to[1]);
        return s;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        // In a group of its own, so that Ctrl-C meets the parent alone, which passes it on once; and not to outlive it.
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(to[1]);
        (void)close(from[0]);
        // A sibling whose pipe stayed open here would never see its end.
        for (size_t i = 0; i < jobs->n; i++) {
            if (jobs->workers[i].pid <= 0) continue;
            (void)close(jobs->workers[i].to);
            (void)close(jobs->workers[i].from);
        }
        if (getppid() == parent) worker_main(jobs->run, to[0], from[1]);
        _exit(0);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    if (pid < 0) {
        const Status s = error_set_errno(err, "starting a worker process");
        (void)close(to[1]);
        (void)close(from[0]);
        return s;
    }
    *worker = (Worker){.pid = pid, .to = to[1], .from = from[0], .trial = SIZE_MAX};
    return STATUS_OK;
}

static int bury(Worker *worker)
{
    int status = 0;
    if (worker->pid <= 0) return 0;
    (void)close(worker->to);
    (void)close(worker->from);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) continue;
    *worker = (Worker){.to = -1, .from = -1, .trial = SIZE_MAX};
    return status;
}

static Status take_outcome(Run *run, size_t trial, Error *err)
{
    char path[STATE_PATH_SIZE];
    Outcome outcome = {0};
    const Slice id = run->plan.trials[trial].id;
    TRY(state_file(run->state.path, id, "outcome", path, err));
    Status s = outcome_read(path, &outcome, err);
    if (s == STATUS_OK) s = run_end_trial(run, trial, &outcome, err);
    outcome_release(&outcome);
    state_remove(run->state.path, id, "outcome");
    return s;
}

static Status crashed(Jobs *jobs, Worker *worker, Error *err)
{
    const size_t trial = worker->trial;
    const int status = bury(worker);
    if (trial == SIZE_MAX) return STATUS_OK;
    Outcome outcome = {.status = TRIAL_FAILED, .best_step = -1};
    if (WIFSIGNALED(status))
        snprintf(outcome.error, sizeof outcome.error,
                 "the worker process was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(outcome.error, sizeof outcome.error, "the worker process ended with status %d",
                 WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return run_end_trial(jobs->run, trial, &outcome, err);
}

static void stop_all(Jobs *jobs)
{
    if (jobs->is_stopping) return;
    jobs->is_stopping = true;
    for (size_t i = 0; i < jobs->n; i++) {
        if (jobs->workers[i].trial != SIZE_MAX) (void)kill(jobs->workers[i].pid, SIGTERM);
    }
}

static void note_failure(Jobs *jobs, Status status, const Error *err)
{
    // A worker stopped because of another's failure says only that it was stopped.
    if (jobs->first_failure == STATUS_OK ||
        (jobs->first_failure == STATUS_CANCELLED && status != STATUS_CANCELLED)) {
        jobs->first_failure = status;
        jobs->failure = *err;
    }
    stop_all(jobs);
}

static void hear(Jobs *jobs, Worker *worker)
{
    Reply reply;
    Error err = {0};
    Status s;
    if (!read_whole(worker->from, &reply, sizeof reply)) {
        if (jobs->is_stopping) {
            (void)bury(worker);
            return;
        }
        s = crashed(jobs, worker, &err);
    } else {
        const size_t trial = worker->trial;
        worker->trial = SIZE_MAX;
        s = reply.status;
        if (s == STATUS_OK)
            s = take_outcome(jobs->run, trial, &err);
        else
            (void)error_set(&err, s, "%s", reply.text);
    }
    if (s != STATUS_OK) note_failure(jobs, s, &err);
}

static Status hand_out(Jobs *jobs, Error *err)
{
    for (size_t i = 0; i < jobs->n && !jobs->is_stopping; i++) {
        Worker *worker = &jobs->workers[i];
        if (worker->pid > 0 && worker->trial != SIZE_MAX) continue;
        const size_t trial = plan_next(&jobs->run->plan);
        if (trial == SIZE_MAX) return STATUS_OK;
        if (worker->pid <= 0) TRY(spawn(jobs, worker, err));
        const Work work = run_work(jobs->run, trial);
        run_begin_trial(jobs->run, trial);
        worker->trial = trial;
        // A worker that is gone is noticed by the end of its answers.
        (void)write_whole(worker->to, &work, sizeof work);
    }
    return STATUS_OK;
}

static size_t n_busy(const Jobs *jobs)
{
    size_t n = 0;
    for (size_t i = 0; i < jobs->n; i++) n += jobs->workers[i].trial != SIZE_MAX;
    return n;
}

static void wait_and_hear(Jobs *jobs, struct pollfd *polled)
{
    nfds_t n = 0;
    for (size_t i = 0; i < jobs->n; i++) {
        if (jobs->workers[i].trial != SIZE_MAX)
            polled[n++] = (struct pollfd){.fd = jobs->workers[i].from, .events = POLLIN};
    }
    if (poll(polled, n, 200) <= 0) return;
    for (nfds_t p = 0; p < n; p++) {
        if (polled[p].revents == 0) continue;
        for (size_t i = 0; i < jobs->n; i++) {
            Worker *worker = &jobs->workers[i];
            if (worker->trial != SIZE_MAX && worker->from == polled[p].fd) {
                hear(jobs, worker);
                break;
            }
        }
    }
}

static Status loop(Jobs *jobs, struct pollfd *polled, Error *err)
{
    const atomic_int *cancel = jobs->run->options->cancel;
    for (;;) {
        if (cancel && atomic_load(cancel) && !jobs->is_stopping) {
            Error stopped = {0};
            (void)error_set(&stopped, STATUS_CANCELLED, "stopped between two steps");
            note_failure(jobs, STATUS_CANCELLED, &stopped);
        }
        const Status s = hand_out(jobs, err);
        if (s != STATUS_OK) note_failure(jobs, s, err);
        if (n_busy(jobs) == 0) break;
        wait_and_hear(jobs, polled);
    }
    *err = jobs->failure;
    return jobs->first_failure;
}

Status run_jobs(Run *run, Error *err)
{
    Jobs jobs = {.run = run, .n = run->options->n_jobs};
    struct pollfd *polled = NULL;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    TRY(arena_take(&run->arena, jobs.n, sizeof *jobs.workers, "workers", &jobs.workers, err));
    TRY(arena_take(&run->arena, jobs.n, sizeof *polled, "workers", &polled, err));
    for (size_t i = 0; i < jobs.n; i++)
        jobs.workers[i] = (Worker){.to = -1, .from = -1, .trial = SIZE_MAX};
    // Writing to a worker that died is an error to see, no reason to end.
    (void)sigaction(SIGPIPE, &ignore, &before);
    const Status s = loop(&jobs, polled, err);
    for (size_t i = 0; i < jobs.n; i++) (void)bury(&jobs.workers[i]);
    (void)sigaction(SIGPIPE, &before, NULL);
    return s;
}
