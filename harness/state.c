#include "harness/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

static Status take_lock(StateDirectory *state, const char *store_path, Error *err)
{
    char path[STATE_PATH_SIZE];
    TRY(state_file(state->path, SLICE("run"), "lock", path, err));
    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (state->lock < 0) return error_set_errno(err, "%s", path);
    if (flock(state->lock, LOCK_EX | LOCK_NB) == 0) return STATUS_OK;
    if (errno != EWOULDBLOCK) return error_set_errno(err, "locking %s", path);
    return error_set(
        err, STATUS_IO,
        "%s: another assay run is using this store; wait for it, or name another store",
        store_path);
}

// Half-written files of killed processes: as large as a training state each, and of no use.
static void remove_torn_files(const char *path)
{
    Arena arena = {0};
    Slice *names = NULL;
    size_t n = 0;
    if (file_list(&arena, path, &names, &n, NULL) == STATUS_OK) {
        for (size_t i = 0; i < n; i++) {
            const char *file = file_join(&arena, slice_from_cstr(path), names[i]);
            if (file && slice_ends_with(names[i], SLICE(".tmp"))) (void)unlink(file);
        }
    }
    arena_release(&arena);
}

Status state_open(const char *store_path, StateDirectory *out, Error *err)
{
    *out = (StateDirectory){.lock = -1};
    if (strcmp(store_path, ":memory:") == 0) {
        const char *tmp = getenv("TMPDIR");
        if (asprintf(&out->path, "%s/assay-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
            out->path = NULL;
        if (out->path && mkdtemp(out->path) == NULL) {
            const Status s = error_set_errno(err, "%s", out->path);
            free(out->path);
            out->path = NULL;
            return s;
        }
    } else if (asprintf(&out->path, "%s.state", store_path) < 0) {
        out->path = NULL;
    }
    if (out->path == NULL) return error_set_memory(err, strlen(store_path), 1, "a path");
    Status s = file_make_directories(out->path, err);
    if (s == STATUS_OK) s = take_lock(out, store_path, err);
    if (s == STATUS_OK) remove_torn_files(out->path);
    if (s != STATUS_OK) state_close(out, false);
    return s;
}

static void remove_tree(const char *path, int depth)
{
    Arena arena = {0};
    Slice *names = NULL;
    size_t n = 0;
    if (depth < 4 && file_list(&arena, path, &names, &n, NULL) == STATUS_OK) {
        for (size_t i = 0; i < n; i++) {
            const char *inner = file_join(&arena, slice_from_cstr(path), names[i]);
            if (inner == NULL) continue;
            if (file_is_directory(inner))
                remove_tree(inner, depth + 1);
            else
                (void)unlink(inner);
        }
    }
    (void)rmdir(path);
    arena_release(&arena);
}

void state_close(StateDirectory *state, bool remove_all)
{
    if (state->path && remove_all) remove_tree(state->path, 0);
    if (state->path && state->lock >= 0) (void)close(state->lock);
    free(state->path);
    *state = (StateDirectory){.lock = -1};
}

Status state_file(const char *directory, Slice id, const char *kind, char out[STATE_PATH_SIZE],
                  Error *err)
{
    const int n =
        snprintf(out, STATE_PATH_SIZE, "%s/" SLICE_FMT ".%s", directory, SLICE_ARG(id), kind);
    return n > 0 && n < STATE_PATH_SIZE
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, "%s: this path is too long", directory);
}

void state_remove(const char *directory, Slice id, const char *kind)
{
    char path[STATE_PATH_SIZE];
    if (state_file(directory, id, kind, path, NULL) == STATUS_OK) (void)unlink(path);
}

// ---- rungs of halving ----

Status state_keep_rung(const char *directory, Slice id, Error *err)
{
    static const char *const from[] = {"curves", "checkpoint"}, *const to[] = {"rung-curves",
                                                                               "rung"};
    for (int i = 0; i < 2; i++) {
        char old[STATE_PATH_SIZE], new[STATE_PATH_SIZE];
        TRY(state_file(directory, id, from[i], old, err));
        TRY(state_file(directory, id, to[i], new, err));
        if (rename(old, new) != 0) return error_set_errno(err, "%s", new);
    }
    return STATUS_OK;
}

static Status copy_file(const char *from, const char *to, Error *err)
{
    Slice bytes = {0};
    TRY(file_map(from, &bytes, err));
    const Status s = file_write(to, bytes, err);
    file_unmap(&bytes);
    return s;
}

// The checkpoint comes last: with it alone a trial goes on. It is linked, since it is never written in place; the curves,
// which are appended to, are copied.
void state_take_rung(const char *directory, Slice rung_id, Slice id)
{
    char rung[STATE_PATH_SIZE], curves[STATE_PATH_SIZE], checkpoint[STATE_PATH_SIZE],
        own[STATE_PATH_SIZE];
    Error ignored = {0};
    if (state_file(directory, rung_id, "rung", rung, &ignored) != STATUS_OK ||
        state_file(directory, rung_id, "rung-curves", curves, &ignored) != STATUS_OK ||
        state_file(directory, id, "checkpoint", checkpoint, &ignored) != STATUS_OK ||
        state_file(directory, id, "curves", own, &ignored) != STATUS_OK || !file_exists(rung) ||
        !file_exists(curves))
        return;
    if (copy_file(curves, own, &ignored) != STATUS_OK || link(rung, checkpoint) != 0)
        state_remove(directory, id, "curves");
}

void state_drop_rung(const char *directory, Slice id)
{
    state_remove(directory, id, "rung");
    state_remove(directory, id, "rung-curves");
}

// ---- the journal: records of one size ----

typedef struct Record {
    uint64_t kind; // 1 a step, 2 an evaluation
    union {
        TrainStep step;
        TrainEvaluation evaluation;
    } of;
} Record;

struct Journal {
    int fd;
    int failed_errno;
    char path[STATE_PATH_SIZE];
};

static void read_records(Slice file, Curves *curves)
{
    Slice bytes;
    Record record;
    while (slice_take(&file, sizeof record, &bytes)) {
        memcpy(&record, bytes.ptr, sizeof record);
        if (record.kind == 1) curves_add_step(curves, &record.of.step);
        if (record.kind == 2) curves_add_evaluation(curves, &record.of.evaluation);
    }
}

Status journal_open(const char *directory, Slice id, Curves *curves, Journal **out, Error *err)
{
    Slice file = {0};
    off_t whole = 0;
    Journal *journal = calloc(1, sizeof *journal);
    *out = NULL;
    if (journal == NULL) return error_set_memory(err, 1, sizeof *journal, "a journal");
    Status s = state_file(directory, id, "curves", journal->path, err);
    if (s == STATUS_OK && file_exists(journal->path)) {
        s = file_map(journal->path, &file, err);
        if (s == STATUS_OK) read_records(file, curves);
        whole = (off_t)(file.len - file.len % sizeof(Record));
        file_unmap(&file);
    }
    if (s == STATUS_OK) {
        journal->fd = open(journal->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (journal->fd < 0 || ftruncate(journal->fd, whole) != 0 ||
            lseek(journal->fd, whole, SEEK_SET) < 0)
            s = error_set_errno(err, "%s", journal->path);
        if (s != STATUS_OK && journal->fd >= 0) (void)close(journal->fd);
    }
    if (s == STATUS_OK)
        *out = journal;
    else
        free(journal);
    return s;
}

static void add_record(Journal *journal, const Record *record)
{
    if (journal->failed_errno != 0) return;
    if (write(journal->fd, record, sizeof *record) != (ssize_t)sizeof *record)
        journal->failed_errno = errno != 0 ? errno : ENOSPC;
}

void journal_add_step(Journal *journal, const TrainStep *step)
{
    Record record;
    memset(&record, 0, sizeof record);
    record.kind = 1;
    record.of.step = *step;
    add_record(journal, &record);
}

void journal_add_evaluation(Journal *journal, const TrainEvaluation *evaluation)
{
    Record record;
    memset(&record, 0, sizeof record);
    record.kind = 2;
    record.of.evaluation = *evaluation;
    add_record(journal, &record);
}

Status journal_status(const Journal *journal, Error *err)
{
    errno = journal->failed_errno;
    return errno == 0 ? STATUS_OK : error_set_errno(err, "%s", journal->path);
}

void journal_close(Journal **journal)
{
    if (*journal == NULL) return;
    (void)close((*journal)->fd);
    free(*journal);
    *journal = NULL;
}
