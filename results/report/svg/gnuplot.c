// results/report/svg/gnuplot.c: the child process.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "results/report/svg/gnuplot.h"

enum { MAX_DRAWING_BYTES = 64 << 20, MAX_COMPLAINT_BYTES = 4096 };

static const char *program_or_default(const char *program)
{
    return program == NULL ? "gnuplot" : program;
}

bool gnuplot_is_available(const char *program)
{
    program = program_or_default(program);
    if (*program == '\0') return false;
    if (strchr(program, '/') != NULL) return access(program, X_OK) == 0;
    const char *path = getenv("PATH");
    Slice rest = slice_from_cstr(path == NULL ? "/usr/bin:/bin" : path), folder;
    while (slice_split(&rest, ':', &folder)) {
        char file[4096];
        const int len = snprintf(file, sizeof file, SLICE_FMT "/%s", SLICE_ARG(folder), program);
        if (len > 0 && (size_t)len < sizeof file && access(file, X_OK) == 0) return true;
    }
    return false;
}

typedef struct Child {
    pid_t pid;
    int in, out, complaint; // our ends; -1 when closed
} Child;

static void close_end(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

// Standard input is a socket, so that writing to a child that has died is an error and no signal.
static Status start(const char *program, Child *child, Error *err)
{
    *child = (Child){-1, -1, -1, -1};
    int in[2] = {-1, -1}, out[2] = {-1, -1}, complaint[2] = {-1, -1};
    Status s = STATUS_OK;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
        pipe2(complaint, O_CLOEXEC) != 0) {
        s = error_set_errno(err, "a pipe to gnuplot");
        goto done;
    }
    posix_spawn_file_actions_adddup2(&actions, in[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaint[1], STDERR_FILENO);
    // -d: no configuration file of the user's changes the drawing. The locale must not change numbers.
    char *argv[] = {(char *)program, "-d", NULL};
    char path[4096 + 8], home[] = "HOME=/", locale[] = "LC_ALL=C";
    const char *search = getenv("PATH");
    const int len =
        snprintf(path, sizeof path, "PATH=%s", search == NULL ? "/usr/bin:/bin" : search);
    char *environment[] = {locale, home, path, NULL};
    if (len < 0 || (size_t)len >= sizeof path) environment[2] = NULL;
    const int rc = posix_spawnp(&child->pid, program, &actions, NULL, argv, environment);
    if (rc != 0)
        s = error_set(err, STATUS_DEVICE, "%s cannot be started: %s", program, strerror(rc));
done:
    posix_spawn_file_actions_destroy(&actions);
    close_end(&in[1]);
    close_end(&out[1]);
    close_end(&complaint[1]);
    child->in = in[0];
    child->out = out[0];
    child->complaint = complaint[0];
    return s;
}

// Whether the stream goes on.
static bool read_some(int fd, Buffer *into, size_t limit)
{
    char bytes[16384];
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (n == 0) return false;
    if (into->len < limit) buffer_append(into, (Slice){bytes, (size_t)n});
    return true;
}

static bool write_some(int fd, Slice *script)
{
    const ssize_t n = send(fd, script->ptr, script->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    *script = slice_sub(*script, (size_t)n, script->len);
    return script->len > 0;
}

// Feeds and reads until both outputs are closed; false when time is up.
static bool talk(Child *child, Slice script, Buffer *out, Buffer *complaint)
{
    const int64_t deadline_ns = clock_now_ns() + (int64_t)GNUPLOT_TIMEOUT_MS * 1000000;
    while (child->out >= 0 || child->complaint >= 0) {
        const int64_t left_ns = deadline_ns - clock_now_ns();
        if (left_ns <= 0) return false;
        struct pollfd ends[] = {
            {child->in, POLLOUT, 0}, {child->out, POLLIN, 0}, {child->complaint, POLLIN, 0}};
        if (poll(ends, 3, (int)(left_ns / 1000000) + 1) < 0 && errno != EINTR) return false;
        if (child->in >= 0 && ends[0].revents != 0 && !write_some(child->in, &script))
            close_end(&child->in);
        if (child->out >= 0 && ends[1].revents != 0 &&
            !read_some(child->out, out, MAX_DRAWING_BYTES))
            close_end(&child->out);
        if (child->complaint >= 0 && ends[2].revents != 0 &&
            !read_some(child->complaint, complaint, MAX_COMPLAINT_BYTES))
            close_end(&child->complaint);
    }
    return true;
}

Status gnuplot_run(const char *program, Slice script, Buffer *out, Error *err)
{
    program = program_or_default(program);
    Child child;
    Buffer complaint = {0};
    const size_t before = out->len;
    Status s = start(program, &child, err);
    const bool in_time = s == STATUS_OK && talk(&child, script, out, &complaint);
    close_end(&child.in);
    close_end(&child.out);
    close_end(&child.complaint);
    if (child.pid > 0) {
        if (!in_time) kill(child.pid, SIGKILL);
        int status = 0;
        while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) continue;
        const bool went_well = WIFEXITED(status) && WEXITSTATUS(status) == 0 && out->len > before;
        const Slice words = slice_sub(slice_trim(buffer_slice(&complaint)), 0, 300);
        if (!in_time) {
            s = error_set(err, STATUS_DEVICE, "%s took longer than %d s", program,
                          GNUPLOT_TIMEOUT_MS / 1000);
        } else if (!went_well) {
            s = error_set(err, STATUS_DEVICE, "%s failed: " SLICE_FMT, program, SLICE_ARG(words));
        }
    }
    buffer_release(&complaint);
    return s;
}
