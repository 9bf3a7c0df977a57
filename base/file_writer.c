// Files written anew and renamed. What is no regular file (a pipe, /dev/null) is written in place: renaming over a
// device would replace the device.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_internal.h"

enum { WRITE_BUFFER_BYTES = 1 << 16, MAX_TRIES = 1000 };

struct FileWriter {
    char *path;      // where the bytes shall stand, symbolic links followed
    char *temporary; // beside it; NULL when writing in place
    int fd;
    size_t n_waiting;
    char waiting[WRITE_BUFFER_BYTES];
};

static void release_writer(FileWriter *writer)
{
    if (writer == NULL) return;
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

// The path with symbolic links followed, so that a link stays a link; the path itself where nothing stands there yet.
static char *final_path(const char *path)
{
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

// Creates path.PID-N.tmp for the first free N.
static Status create_temporary(FileWriter *writer, mode_t mode, Error *err)
{
    const size_t size = strlen(writer->path) + 48;
    writer->temporary = malloc(size);
    if (writer->temporary == NULL) return error_set_memory(err, size, 1, "a path");
    for (int i = 0; i < MAX_TRIES; i++) {
        snprintf(writer->temporary, size, "%s.%ld-%d.tmp", writer->path, (long)getpid(), i);
        writer->fd = open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (writer->fd >= 0) return STATUS_OK;
        if (errno != EEXIST) break;
    }
    const int code = errno;
    free(writer->temporary); // not ours: it must not be removed
    writer->temporary = NULL;
    errno = code;
    return file_set_errno(err, writer->path, "creating");
}

static Status open_target(FileWriter *writer, Error *err)
{
    struct stat info;
    const bool exists = stat(writer->path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        return error_set(err, STATUS_INVALID, "%s: is a directory, but a file shall be written",
                         writer->path);
    }
    if (exists && !S_ISREG(info.st_mode)) {
        writer->fd = open(writer->path, O_WRONLY | O_CLOEXEC);
        return writer->fd >= 0 ? STATUS_OK : file_set_errno(err, writer->path, "cannot be opened");
    }
    TRY(create_temporary(writer, exists ? info.st_mode & 0777 : 0666, err));
    // The umask took bits of an existing file's mode away. Where they cannot be restored, the stricter mode stays.
    if (exists && fchmod(writer->fd, info.st_mode & 0777) != 0) errno = 0;
    return STATUS_OK;
}

Status file_writer_open(const char *path, FileWriter **out, Error *err)
{
    *out = NULL;
    FileWriter *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return error_set_memory(err, 1, sizeof *writer, "a file writer");
    writer->fd = -1;
    writer->path = final_path(path);
    const Status s = writer->path == NULL ? error_set_memory(err, strlen(path), 1, "a path")
                                          : open_target(writer, err);
    if (s != STATUS_OK) {
        file_writer_discard(&writer);
        return s;
    }
    *out = writer;
    return STATUS_OK;
}

static Status write_all(FileWriter *writer, const char *bytes, size_t len, Error *err)
{
    while (len > 0) {
        const ssize_t n = write(writer->fd, bytes, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_set_errno(err, writer->path, "writing");
        bytes += n;
        len -= (size_t)n;
    }
    return STATUS_OK;
}

static Status flush_waiting(FileWriter *writer, Error *err)
{
    const size_t n = writer->n_waiting;
    writer->n_waiting = 0;
    return write_all(writer, writer->waiting, n, err);
}

Status file_writer_write(FileWriter *writer, const void *bytes, size_t len, Error *err)
{
    if (len > WRITE_BUFFER_BYTES - writer->n_waiting) TRY(flush_waiting(writer, err));
    if (len >= WRITE_BUFFER_BYTES) return write_all(writer, bytes, len, err);
    if (len > 0) memcpy(writer->waiting + writer->n_waiting, bytes, len);
    writer->n_waiting += len;
    return STATUS_OK;
}

// Pipes, devices and some file systems have nothing to sync and say so with EINVAL or ENOTSUP.
static bool sync_descriptor(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

// Makes the rename itself last through a power failure.
static Status sync_folder(const char *path, Error *err)
{
    const Slice folder = file_directory_of(slice_from_cstr(path));
    char *name = strndup(folder.ptr, folder.len);
    if (name == NULL) return error_set_memory(err, folder.len, 1, "a path");
    Status s = STATUS_OK;
    const int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // A folder that may be written but not read cannot be synced; the file in it stands all the same.
    if (fd >= 0) {
        if (!sync_descriptor(fd)) s = file_set_errno(err, name, "syncing the folder");
        close(fd);
    }
    free(name);
    return s;
}

static Status close_target(FileWriter *writer, Error *err)
{
    const int fd = writer->fd;
    writer->fd = -1;
    // NFS and quotas report a failed write only here.
    return close(fd) == 0 ? STATUS_OK : file_set_errno(err, writer->path, "closing");
}

Status file_writer_sync(FileWriter *writer, Error *err)
{
    TRY(flush_waiting(writer, err));
    return sync_descriptor(writer->fd) ? STATUS_OK : file_set_errno(err, writer->path, "syncing");
}

static Status finish(FileWriter *writer, Error *err)
{
    TRY(file_writer_sync(writer, err));
    TRY(close_target(writer, err));
    if (writer->temporary == NULL) return STATUS_OK;
    if (rename(writer->temporary, writer->path) != 0) {
        return file_set_errno(err, writer->path, "renaming the finished file");
    }
    free(writer->temporary);
    writer->temporary = NULL;
    return sync_folder(writer->path, err);
}

Status file_writer_commit(FileWriter **writer, Error *err)
{
    const Status s = finish(*writer, err);
    file_writer_discard(writer);
    return s;
}

void file_writer_discard(FileWriter **writer)
{
    FileWriter *dropped = *writer;
    if (dropped == NULL) return;
    if (dropped->fd >= 0) close(dropped->fd);
    if (dropped->temporary != NULL) unlink(dropped->temporary);
    release_writer(dropped);
    *writer = NULL;
}

// How many lines end in the file, and where the last of them does.
static size_t count_lines(int fd, off_t *end)
{
    char piece[4096];
    off_t at = 0;
    size_t n_lines = 0;
    for (;;) {
        const ssize_t n = pread(fd, piece, sizeof piece, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n_lines;
        for (ssize_t i = 0; i < n; i++) {
            if (piece[i] != '\n') continue;
            n_lines++;
            *end = at + i + 1;
        }
        at += n;
    }
}

static bool rename_partial(const FileWriter *writer, char *name, size_t size)
{
    for (int i = 1; i <= MAX_TRIES; i++) {
        const int n = i == 1 ? snprintf(name, size, "%s.partial", writer->path)
                             : snprintf(name, size, "%s.partial.%d", writer->path, i);
        if (n < 0 || (size_t)n >= size) return false;
        if (access(name, F_OK) == 0) continue; // of an earlier time, and as dear
        return rename(writer->temporary, name) == 0;
    }
    return false;
}

size_t file_writer_keep(FileWriter **writer, char *name, size_t size)
{
    FileWriter *kept = *writer;
    Error ignored = {0}; // what stopped the caller is known to it
    size_t n_lines = 0;
    if (kept != NULL && kept->temporary != NULL && kept->fd >= 0) {
        off_t end = 0;
        const Status s = flush_waiting(kept, &ignored);
        n_lines = count_lines(kept->fd, &end);
        const bool is_kept = n_lines > 0 && ftruncate(kept->fd, end) == 0 &&
                             (s != STATUS_OK || sync_descriptor(kept->fd)) &&
                             rename_partial(kept, name, size);
        if (!is_kept) {
            n_lines = 0;
        } else {
            free(kept->temporary);
            kept->temporary = NULL;
        }
    }
    file_writer_discard(writer);
    return n_lines;
}

Status file_write(const char *path, Slice bytes, Error *err)
{
    FileWriter *writer = NULL;
    Status s = file_writer_open(path, &writer, err);
    if (s == STATUS_OK) s = file_writer_write(writer, bytes.ptr, bytes.len, err);
    if (s == STATUS_OK) s = file_writer_commit(&writer, err);
    file_writer_discard(&writer);
    return s;
}
