// base/file.h: reading and writing files. Paths are NUL-terminated; errors name the path.
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

// The whole file, mapped read-only. An empty file gives an empty slice. Directories, pipes and devices are refused.
Status file_map(const char *path, Slice *out, Error *err) MUST_CHECK;
// A no-op on a zeroed slice; zeroes *file.
void file_unmap(Slice *file);
// Lets go of the memory that a stretch of a mapped file takes (whole pages within it); reading it again brings it back.
void file_drop(Slice part);
// The same of the code and constants of the program and its libraries, of which a command needs some while it starts and others
// while it works, and of what is free in the heap. A hint: where the system does not say which pages are unchanged, all stay.
void file_drop_images(void);
// What is free in the heap goes back by itself.
void file_drop_heap(void);
// The whole file copied into the arena (NUL after the last byte); refuses more than max_bytes. "-" is standard input.
Status file_read(Arena *arena, const char *path, size_t max_bytes, Slice *out,
                 Error *err) MUST_CHECK;

// The same of data that people give: gzip and zstd are unpacked (input.h), max_bytes counts what comes out. sha256, where
// not NULL, is the hash of the file as it stands.
Status file_read_data(Arena *arena, const char *path, size_t max_bytes, Slice *out, char sha256[65],
                      Error *err) MUST_CHECK;

// How many lines a file has, for who tells how much of it is done; 0 of pipes, standard input ("-"), packed files and those beyond
// 1 GiB, where counting would take longer than it is worth.
size_t file_count_lines(const char *path);

bool file_exists(const char *path);
bool file_is_directory(const char *path);
bool file_is_broken_link(const char *path); // a symbolic link to what is not there
// Whether these bytes are what Git LFS has in a file's place that was not fetched; and the error that says so.
bool file_is_lfs_pointer(Slice bytes);
Status file_refuse_lfs_pointer(Slice path, Error *err);
typedef struct FileStat {
    uint64_t size_bytes;
    uint64_t inode;
    uint64_t device;
    int64_t mtime_ns;
} FileStat;
Status file_stat(const char *path, FileStat *out, Error *err) MUST_CHECK;
// mkdir -p.
Status file_make_directories(const char *path, Error *err) MUST_CHECK;
// Names in a directory without "." and "..", sorted by bytes, in the arena.
Status file_list(Arena *arena, const char *directory, Slice **names, size_t *n_names,
                 Error *err) MUST_CHECK;
// directory + "/" + name; name alone where it is absolute or directory is empty. NULL when memory runs out.
char *file_join(Arena *arena, Slice directory, Slice name);
// The part before the last '/', "." where there is none.
Slice file_directory_of(Slice path);
Slice file_name_of(Slice path);

// Written anew and renamed: bytes go to a temporary file beside the path, which is synced and renamed over it, so that
// a reader sees the old file or the new one, and a full disk leaves the old one. The temporary file, path.PID-N.tmp, is locked;
// one of an earlier writer of the path that no process has locked any more, for it was killed, is removed.
typedef struct FileWriter FileWriter;
Status file_writer_open(const char *path, FileWriter **out, Error *err) MUST_CHECK;
Status file_writer_write(FileWriter *writer, const void *bytes, size_t len, Error *err) MUST_CHECK;
// All that was written is on the disk; the writer stays open.
Status file_writer_sync(FileWriter *writer, Error *err) MUST_CHECK;
// What was written stands in the file, for others to read; it need not be on the disk.
Status file_writer_flush(FileWriter *writer, Error *err) MUST_CHECK;
// Syncs, closes and renames. The writer is closed whether or not it succeeds; *writer becomes NULL.
Status file_writer_commit(FileWriter **writer, Error *err) MUST_CHECK;
// For work that would else be lost: the whole lines that were written so far stay as path.partial, or path.partial.2 and so on
// where that is taken, which name (of size bytes) becomes. Gives their number; 0 where there is none, and nothing is kept.
// *writer becomes NULL.
size_t file_writer_keep(FileWriter **writer, char *name, size_t size);
// Drops the temporary file; a no-op on NULL. *writer becomes NULL.
void file_writer_discard(FileWriter **writer);

// The same for work that is gone on with where it was stopped: the temporary file is path.partial. It is opened with what an
// earlier run has left in it, behind which writing goes on; file_writer_keep and file_writer_discard leave it where it is, but
// for an empty one. STATUS_INVALID where another process is writing it.
Status file_writer_resume(const char *path, FileWriter **out, Error *err) MUST_CHECK;
// Where the bytes stand until then; NULL where path is no regular file and gets them at once.
const char *file_writer_temporary(const FileWriter *writer);
// Of file_writer_resume: drops what is behind the first size_bytes, and what is not flushed.
Status file_writer_cut(FileWriter *writer, uint64_t size_bytes, Error *err) MUST_CHECK;
// Of file_writer_resume: puts path.partial aside as path.partial.2 or the next that is free, which name becomes; a new one
// begins with its first keep_bytes.
Status file_writer_set_aside(FileWriter *writer, uint64_t keep_bytes, char *name, size_t size,
                             Error *err) MUST_CHECK;

// Opens, writes and commits in one.
Status file_write(const char *path, Slice bytes, Error *err) MUST_CHECK;

// A stream of lines from a file or, for "-", standard input; gzip and zstd are unpacked (input.h). Memory is bounded by the longest line.
typedef struct LineReader LineReader;
Status line_reader_open(const char *path, LineReader **out, Error *err) MUST_CHECK;
// The next line without its LF or CRLF, the first without a byte order mark, valid until the next call; *more is false at the end. A line longer than 64 MiB
// is refused. line_reader_number gives the number of the line just returned, from 1.
Status line_reader_next(LineReader *reader, Slice *line, bool *more, Error *err) MUST_CHECK;
size_t line_reader_number(const LineReader *reader);
const char *
line_reader_name(const LineReader *reader);  // for messages: the path, or "standard input"
void line_reader_close(LineReader **reader); // a no-op on NULL

// Zeroed memory in 2 MiB pages where the machine grants them (madvise), page-aligned; NULL when it runs out.
// For weights and other large arrays: half the bandwidth is lost to 4 KiB pages on many virtual machines.
void *huge_alloc(size_t size_bytes);
void huge_free(void *ptr, size_t size_bytes); // the size given to huge_alloc; a no-op on NULL
// What lies beyond the first keep_bytes goes back, but for the rest of their last page, and reads as zeros until it is written
// again. ptr and size_bytes as of huge_alloc.
void huge_forget(void *ptr, size_t size_bytes, size_t keep_bytes);

#endif
