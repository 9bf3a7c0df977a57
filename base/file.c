#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file_internal.h"
#include "base/input.h"
#include "base/size.h"

static Status map_open_file(const char *path, int fd, Slice *out, Error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return file_set_errno(err, path, "reading");
    if (!S_ISREG(info.st_mode)) {
        return error_set(err, STATUS_INVALID, "%s: %s, but a regular file is needed", path,
                         S_ISDIR(info.st_mode) ? "is a directory" : "is a pipe or device");
    }
    *out = (Slice){0};
    if (info.st_size == 0) return STATUS_OK;
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED && errno == ENOMEM) {
        return error_set(err, STATUS_MEMORY,
                         "%s: mapping its %.1f MiB: the limit of this process's addresses (ulimit "
                         "-v) leaves no room",
                         path, (double)info.st_size / 0x1p20);
    }
    if (bytes == MAP_FAILED) return file_set_errno(err, path, "mapping");
    *out = (Slice){bytes, (size_t)info.st_size};
    return STATUS_OK;
}

Status file_map(const char *path, Slice *out, Error *err)
{
    // Without O_NONBLOCK a pipe that nobody writes to would hang the open.
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return file_set_errno(err, path, "cannot be opened");
    const Status s = map_open_file(path, fd, out, err);
    close(fd);
    return s;
}

void file_unmap(Slice *file)
{
    if (file->ptr != NULL) munmap((void *)file->ptr, file->len);
    *file = (Slice){0};
}

void file_drop(Slice part)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)part.ptr + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)part.ptr + part.len) / page * page;
    if (part.len == 0 || begin >= end) return;
    // A hint: where it is not heeded the pages stay, which is no error.
    (void)madvise((void *)(part.ptr + (begin - (uintptr_t)part.ptr)), end - begin, MADV_DONTNEED);
}

const char *file_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

Status file_open_input(const char *path, int *fd, Error *err)
{
    if (strcmp(path, "-") == 0) {
        *fd = STDIN_FILENO;
        return STATUS_OK;
    }
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return file_set_errno(err, path, "cannot be opened");
    struct stat info;
    if (fstat(*fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        file_close_input(*fd);
        return error_set(err, STATUS_INVALID, "%s: is a directory, but a file is needed", path);
    }
    return STATUS_OK;
}

void file_close_input(int fd)
{
    if (fd != STDIN_FILENO) close(fd);
}

long file_read_some(int fd, void *out, size_t size)
{
    ssize_t n;
    do {
        n = read(fd, out, size);
    } while (n < 0 && errno == EINTR);
    return n;
}

static Status read_all(const char *name, int fd, size_t max_bytes, Buffer *bytes, Error *err)
{
    for (;;) {
        char piece[1 << 16];
        const long n = file_read_some(fd, piece, sizeof piece);
        if (n < 0) return file_set_errno(err, name, "reading");
        if (n == 0) return buffer_status(bytes, err);
        if ((size_t)n > max_bytes - bytes->len) {
            return error_set(err, STATUS_INVALID, "%s: is larger than the %zu bytes allowed here",
                             name, max_bytes);
        }
        buffer_append(bytes, (Slice){piece, (size_t)n});
        TRY(buffer_status(bytes, err));
    }
}

// Whether opening it would wait for someone to write: a pipe that has a name. Those that a shell hands over are open already.
static bool is_named_pipe(const char *path)
{
    struct stat info;
    const Slice name = slice_from_cstr(path);
    return !slice_starts_with(name, SLICE("/dev/")) && !slice_starts_with(name, SLICE("/proc/")) &&
           stat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

Status file_read(Arena *arena, const char *path, size_t max_bytes, Slice *out, Error *err)
{
    int fd;
    if (is_named_pipe(path))
        return error_set(err, STATUS_INVALID, "%s: is a pipe, but a file is needed", path);
    TRY(file_open_input(path, &fd, err));
    Buffer bytes = {0};
    Status s = read_all(file_input_name(path), fd, max_bytes, &bytes, err);
    if (s != STATUS_OK) goto done;
    *out = arena_copy(arena, buffer_slice(&bytes));
    if (out->ptr == NULL) s = error_set_memory(err, bytes.len, 1, file_input_name(path));
done:
    buffer_release(&bytes);
    file_close_input(fd);
    return s;
}

static Status unpack_all(Input *input, const char *name, size_t max_bytes, Buffer *bytes,
                         Error *err)
{
    for (;;) {
        char piece[1 << 16];
        size_t n;
        TRY(input_read(input, piece, sizeof piece, &n, err));
        if (n == 0) return buffer_status(bytes, err);
        if (n > max_bytes - bytes->len) {
            return error_set(err, STATUS_INVALID, "%s: is larger than the %zu bytes allowed here",
                             name, max_bytes);
        }
        buffer_append(bytes, (Slice){piece, n});
        TRY(buffer_status(bytes, err));
    }
}

Status file_read_data(Arena *arena, const char *path, size_t max_bytes, Slice *out, char sha256[65],
                      Error *err)
{
    Input *input = NULL;
    Buffer bytes = {0};
    Sha256 hash;
    sha256_init(&hash);
    Status s = input_open(path, sha256 ? &hash : NULL, &input, err);
    if (s == STATUS_OK) s = unpack_all(input, file_input_name(path), max_bytes, &bytes, err);
    if (s != STATUS_OK) goto done;
    *out = arena_copy(arena, buffer_slice(&bytes));
    if (out->ptr == NULL) s = error_set_memory(err, bytes.len, 1, file_input_name(path));
    if (sha256) {
        unsigned char digest[32];
        sha256_finish(&hash, digest);
        sha256_hex(digest, sha256);
    }
done:
    buffer_release(&bytes);
    input_close(&input);
    return s;
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool file_is_broken_link(const char *path)
{
    struct stat link;
    return lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && !file_exists(path);
}

bool file_is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool file_is_lfs_pointer(Slice bytes)
{
    return slice_starts_with(bytes, SLICE("version https://git-lfs.github.com/spec/"));
}

Status file_refuse_lfs_pointer(Slice path, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT
                     ": a pointer of Git LFS, not the file itself: fetch it (git lfs pull)",
                     SLICE_ARG(path));
}

Status file_stat(const char *path, FileStat *out, Error *err)
{
    struct stat info;
    if (stat(path, &info) != 0) return file_set_errno(err, path, "looking up");
    *out = (FileStat){
        .size_bytes = (uint64_t)info.st_size,
        .inode = info.st_ino,
        .device = info.st_dev,
        .mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
    };
    return STATUS_OK;
}

static Status make_directory(const char *path, Error *err)
{
    if (mkdir(path, 0777) == 0) return STATUS_OK;
    const int code = errno;
    if (file_is_directory(path)) return STATUS_OK;
    if (code == EEXIST) {
        return error_set(err, STATUS_IO, "%s: stands where a folder is needed", path);
    }
    errno = code;
    return file_set_errno(err, path, "making the folder");
}

Status file_make_directories(const char *path, Error *err)
{
    const size_t len = strlen(path);
    char *partial = strdup(path);
    if (partial == NULL) return error_set_memory(err, len + 1, 1, "a path");
    Status s = STATUS_OK;
    for (size_t i = 1; i < len && s == STATUS_OK; i++) {
        if (partial[i] != '/') continue;
        partial[i] = '\0';
        s = make_directory(partial, err);
        partial[i] = '/';
    }
    if (s == STATUS_OK && len > 0) s = make_directory(path, err);
    free(partial);
    return s;
}

typedef struct FolderNames {
    Slice *names; // malloc
    size_t n, capacity;
} FolderNames;

static bool add_name(FolderNames *list, Slice name)
{
    if (list->n == list->capacity) {
        const size_t capacity = size_max(64, 2 * list->capacity);
        Slice *grown = realloc(list->names, capacity * sizeof *grown);
        if (grown == NULL) return false;
        list->names = grown;
        list->capacity = capacity;
    }
    list->names[list->n++] = name;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

static Status read_names(Arena *arena, const char *path, DIR *folder, FolderNames *list, Error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) return errno == 0 ? STATUS_OK : file_set_errno(err, path, "listing");
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        const Slice name = arena_copy(arena, slice_from_cstr(entry->d_name));
        if (name.ptr == NULL || !add_name(list, name)) {
            return error_set_memory(err, list->n + 1, sizeof(Slice), "the names in a folder");
        }
    }
}

Status file_list(Arena *arena, const char *directory, Slice **names, size_t *n_names, Error *err)
{
    DIR *folder = opendir(directory);
    if (folder == NULL) return file_set_errno(err, directory, "the folder cannot be opened");
    FolderNames list = {0};
    Slice *sorted = NULL;
    Status s = read_names(arena, directory, folder, &list, err);
    if (s == STATUS_OK) s = arena_take(arena, list.n, sizeof *sorted, "names", &sorted, err);
    if (s != STATUS_OK) goto done;
    if (list.n > 0) {
        qsort(list.names, list.n, sizeof *list.names, by_bytes);
        memcpy(sorted, list.names, list.n * sizeof *sorted);
    }
    *names = sorted;
    *n_names = list.n;
done:
    free(list.names);
    closedir(folder);
    return s;
}

char *file_join(Arena *arena, Slice directory, Slice name)
{
    if (directory.len == 0 || slice_starts_with(name, SLICE("/"))) return arena_cstr(arena, name);
    const size_t n_separators = directory.ptr[directory.len - 1] != '/';
    size_t size;
    if (!size_add(directory.len, name.len, &size) || !size_add(size, n_separators + 1, &size)) {
        return NULL;
    }
    char *joined = arena_alloc_aligned(arena, size, 1, 1);
    if (joined == NULL) return NULL;
    memcpy(joined, directory.ptr, directory.len);
    joined[directory.len] = '/';
    if (name.len > 0) memcpy(joined + directory.len + n_separators, name.ptr, name.len);
    joined[size - 1] = '\0';
    return joined;
}

// The offset after the last '/', 0 where there is none.
static size_t name_begin(Slice path)
{
    size_t at = path.len;
    while (at > 0 && path.ptr[at - 1] != '/') at--;
    return at;
}

Slice file_directory_of(Slice path)
{
    const size_t at = name_begin(path);
    if (at == 0) return SLICE(".");
    return at == 1 ? SLICE("/") : slice_sub(path, 0, at - 1);
}

Slice file_name_of(Slice path)
{
    return slice_sub(path, name_begin(path), path.len);
}
