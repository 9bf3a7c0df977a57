// Files written anew and renamed. What is no regular file (a pipe, /dev/null) is written in place: renaming over a
// device would replace the device.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_internal.h"

enum { WRITE_BUFFER_BYTES = 1 << 16, MAX_TRIES = 1000 };

struct FileWriter {
    char *path;      // where the bytes shall stand, symbolic links followed
    char *temporary; // beside it; NULL when writing in place
    bool is_partial; // it is path.partial, and stays for a later run
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

// Whether a name is that of a temporary file for `path`: its name, then ".PID-N.tmp".
static bool is_temporary(const char *name, Slice path_name)
{
    const char *at = name + path_name.len;
    if (!slice_starts_with(slice_from_cstr(name), path_name) || *at++ != '.') return false;
    const size_t n_pid = strspn(at, "0123456789");
    at += n_pid;
    if (n_pid == 0 || *at++ != '-') return false;
    const size_t n_try = strspn(at, "0123456789");
    return n_try > 0 && strcmp(at + n_try, ".tmp") == 0;
}

// Of a file that could not be made.
static Status creating_error(const char *path, Error *err)
{
    const int code = errno;
    const Slice folder = file_directory_of(slice_from_cstr(path));
    char *name = strndup(folder.ptr, folder.len);
    const bool has_folder = name == NULL || file_exists(name);
    free(name);
    if (code == ENOENT && !has_folder)
        return error_set(err, STATUS_NOT_FOUND,
                         "%s: there is no folder " SLICE_FMT ": make it first", path,
                         SLICE_ARG(folder));
    errno = code;
    return file_set_errno(err, path, "creating");
}

// A temporary file is locked by whoever writes it, for as long as that lives: one that can be locked is nobody's. Where locks
// are not to be had it stays.
static void remove_unlocked(int folder, const char *name)
{
    struct stat info;
    const int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    close(fd);
}

// Removes what writers of the same path have left that were killed. Nothing hangs on its success.
static void remove_abandoned(const char *path)
{
    const Slice folder = file_directory_of(slice_from_cstr(path));
    const Slice path_name = file_name_of(slice_from_cstr(path));
    char *folder_name = strndup(folder.ptr, folder.len);
    DIR *entries = folder_name ? opendir(folder_name) : NULL;
    free(folder_name);
    if (entries == NULL) return;
    for (const struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        if (is_temporary(entry->d_name, path_name)) remove_unlocked(dirfd(entries), entry->d_name);
    }
    closedir(entries);
}

// Locks a file that was just opened; false where another process has locked it, or had just time to remove it.
static bool lock_opened(int fd)
{
    struct stat info;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return fstat(fd, &info) != 0 || info.st_nlink > 0;
}

// Creates path.PID-N.tmp for the first free N.
static Status create_temporary(FileWriter *writer, mode_t mode, Error *err)
{
    const size_t size = strlen(writer->path) + 48;
    remove_abandoned(writer->path);
    writer->temporary = malloc(size);
    if (writer->temporary == NULL) return error_set_memory(err, size, 1, "a path");
    for (int i = 0; i < MAX_TRIES; i++) {
        snprintf(writer->temporary, size, "%s.%ld-%d.tmp", writer->path, (long)getpid(), i);
        writer->fd = open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (writer->fd < 0 && errno == EEXIST) continue;
        if (writer->fd < 0) break;
        if (lock_opened(writer->fd)) return STATUS_OK;
        close(writer->fd); // whoever tidies up has it, and removes it
        writer->fd = -1;
    }
    const int code = errno;
    free(writer->temporary); // not ours: it must not be removed
    writer->temporary = NULL;
    errno = code;
    return creating_error(writer->path, err);
}

// Opens path.partial, or creates it, at its end.
static Status open_partial(FileWriter *writer, mode_t mode, Error *err)
{
    const size_t size = strlen(writer->path) + sizeof ".partial";
    writer->temporary = malloc(size);
    if (writer->temporary == NULL) return error_set_memory(err, size, 1, "a path");
    snprintf(writer->temporary, size, "%s.partial", writer->path);
    for (int i = 0; i < MAX_TRIES; i++) {
        writer->fd = open(writer->temporary, O_RDWR | O_CREAT | O_CLOEXEC, mode);
        if (writer->fd < 0) return creating_error(writer->path, err);
        if (flock(writer->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) break;
        if (lock_opened(writer->fd) && lseek(writer->fd, 0, SEEK_END) >= 0) return STATUS_OK;
        close(writer->fd); // it was finished meanwhile, and is path now
        writer->fd = -1;
    }
    return error_set(err, STATUS_INVALID,
                     "%s: another process is writing it: wait for that, or write elsewhere",
                     writer->temporary);
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
    const mode_t mode = exists ? info.st_mode & 0777 : 0666;
    TRY(writer->is_partial ? open_partial(writer, mode, err) : create_temporary(writer, mode, err));
    // The umask took bits of an existing file's mode away. Where they cannot be restored, the stricter mode stays.
    if (exists && fchmod(writer->fd, info.st_mode & 0777) != 0) errno = 0;
    return STATUS_OK;
}

static Status open_writer(const char *path, bool is_partial, FileWriter **out, Error *err)
{
    *out = NULL;
    FileWriter *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return error_set_memory(err, 1, sizeof *writer, "a file writer");
    writer->fd = -1;
    writer->is_partial = is_partial;
    writer->path = final_path(path);
    const Status s = writer->path == NULL ? error_set_memory(err, strlen(path), 1, "a path")
                                          : open_target(writer, err);
    if (s != STATUS_OK) {
        // What stands under its name is not known to be ours.
        if (writer->is_partial) free(writer->temporary);
        if (writer->is_partial) writer->temporary = NULL;
        file_writer_discard(&writer);
        return s;
    }
    *out = writer;
    return STATUS_OK;
}

Status file_writer_open(const char *path, FileWriter **out, Error *err)
{
    return open_writer(path, false, out, err);
}

Status file_writer_resume(const char *path, FileWriter **out, Error *err)
{
    return open_writer(path, true, out, err);
}

const char *file_writer_temporary(const FileWriter *writer)
{
    return writer->temporary;
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

Status file_writer_flush(FileWriter *writer, Error *err)
{
    const size_t n = writer->n_waiting;
    writer->n_waiting = 0;
    return write_all(writer, writer->waiting, n, err);
}

Status file_writer_write(FileWriter *writer, const void *bytes, size_t len, Error *err)
{
    if (len > WRITE_BUFFER_BYTES - writer->n_waiting) TRY(file_writer_flush(writer, err));
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
    TRY(file_writer_flush(writer, err));
    return sync_descriptor(writer->fd) ? STATUS_OK : file_set_errno(err, writer->path, "syncing");
}

static Status finish(FileWriter *writer, Error *err)
{
    TRY(file_writer_sync(writer, err));
    const int lock = fcntl(writer->fd, F_DUPFD_CLOEXEC, 0); // keeps it ours until it is renamed
    Status s = close_target(writer, err);
    if (s == STATUS_OK && writer->temporary != NULL && rename(writer->temporary, writer->path) != 0)
        s = file_set_errno(err, writer->path, "renaming the finished file");
    if (lock >= 0) close(lock);
    if (s != STATUS_OK || writer->temporary == NULL) return s;
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
    struct stat info;
    if (dropped == NULL) return;
    const bool is_empty = dropped->fd >= 0 && fstat(dropped->fd, &info) == 0 && info.st_size == 0;
    if (dropped->temporary != NULL && (is_empty || !dropped->is_partial))
        unlink(dropped->temporary);
    if (dropped->fd >= 0) close(dropped->fd);
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

// To path.partial, or path.partial.2 and so on: the first from this on that is free.
static bool rename_partial(const FileWriter *writer, int first, char *name, size_t size)
{
    for (int i = first; i <= MAX_TRIES; i++) {
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
        const Status s = file_writer_flush(kept, &ignored);
        n_lines = count_lines(kept->fd, &end);
        const bool is_whole = ftruncate(kept->fd, end) == 0 && n_lines > 0 &&
                              (s != STATUS_OK || sync_descriptor(kept->fd));
        const bool is_kept =
            is_whole &&
            (kept->is_partial ? (size_t)snprintf(name, size, "%s", kept->temporary) < size
                              : rename_partial(kept, 1, name, size));
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

Status file_writer_cut(FileWriter *writer, uint64_t size_bytes, Error *err)
{
    writer->n_waiting = 0;
    if (ftruncate(writer->fd, (off_t)size_bytes) != 0 || lseek(writer->fd, 0, SEEK_END) < 0)
        return file_set_errno(err, writer->temporary, "cutting");
    return STATUS_OK;
}

// The first bytes of one file behind what another has.
static Status copy_start(FileWriter *to, int from, uint64_t n_bytes, Error *err)
{
    char piece[4096];
    for (uint64_t at = 0; at < n_bytes;) {
        const uint64_t left = n_bytes - at;
        const ssize_t n =
            pread(from, piece, left < sizeof piece ? (size_t)left : sizeof piece, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return file_set_errno(err, to->temporary, "copying what was kept");
        TRY(file_writer_write(to, piece, (size_t)n, err));
        at += (uint64_t)n;
    }
    return file_writer_flush(to, err);
}

Status file_writer_set_aside(FileWriter *writer, uint64_t keep_bytes, char *name, size_t size,
                             Error *err)
{
    struct stat info;
    if (fstat(writer->fd, &info) != 0 || !rename_partial(writer, 2, name, size))
        return file_set_errno(err, writer->temporary, "putting it aside");
    const int old = writer->fd;
    free(writer->temporary);
    writer->temporary = NULL;
    writer->fd = -1;
    Status s = open_partial(writer, info.st_mode & 0777, err);
    if (s == STATUS_OK) s = copy_start(writer, old, keep_bytes, err);
    close(old);
    return s;
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
