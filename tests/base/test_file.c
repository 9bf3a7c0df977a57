#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/support/folder.h"

static const char *folder;
static Arena arena;
static Error err;

static void set_up(void)
{
    folder = folder_make();
    arena = (Arena){0};
    err = (Error){0};
}

static void tear_down(void)
{
    arena_release(&arena);
    folder_remove(folder);
}

TestSuite(file, .init = set_up, .fini = tear_down);

static const char *at(const char *name)
{
    return folder_path(folder, name);
}

static void write_file(const char *name, Slice bytes)
{
    cr_assert_eq(file_write(at(name), bytes, &err), STATUS_OK, "%s", err.text);
}

static void expect_content(const char *name, Slice wanted)
{
    Slice got = {0};
    cr_assert_eq(file_read(&arena, at(name), 1 << 20, &got, &err), STATUS_OK, "%s", err.text);
    cr_assert(slice_eq(got, wanted), "%s holds '" SLICE_FMT "'", name, SLICE_ARG(got));
    cr_assert_eq(got.ptr[got.len], '\0');
}

static size_t count_entries(void)
{
    Slice *names = NULL;
    size_t n_names = 0;
    cr_assert_eq(file_list(&arena, folder, &names, &n_names, &err), STATUS_OK, "%s", err.text);
    return n_names;
}

Test(file, is_read_as_it_was_written)
{
    write_file("a", (Slice){"x\0y\n", 4});
    expect_content("a", (Slice){"x\0y\n", 4});
    write_file("a", SLICE("shorter"));
    expect_content("a", SLICE("shorter"));
    write_file("empty", (Slice){0});
    expect_content("empty", (Slice){0});
    cr_assert_eq(count_entries(), 2, "a temporary file was left");
}

Test(file, maps_content_and_nothing_of_an_empty_file)
{
    Slice map = {0};
    write_file("a", SLICE("mapped"));
    cr_assert_eq(file_map(at("a"), &map, &err), STATUS_OK, "%s", err.text);
    cr_assert(slice_eq_cstr(map, "mapped"));
    file_unmap(&map);
    cr_assert_null(map.ptr);
    file_unmap(&map);
    write_file("empty", (Slice){0});
    cr_assert_eq(file_map(at("empty"), &map, &err), STATUS_OK);
    cr_assert_eq(map.len, 0);
}

Test(file, map_refuses_folders_pipes_and_devices)
{
    Slice map = {0};
    cr_assert_eq(mkfifo(at("pipe"), 0600), 0);
    const char *const wrong[] = {folder, at("pipe"), "/dev/zero"};
    for (size_t k = 0; k < 3; k++) {
        cr_assert_eq(file_map(wrong[k], &map, &err), STATUS_INVALID, "%s", wrong[k]);
        cr_assert_not_null(strstr(err.text, wrong[k]));
    }
    cr_assert_eq(file_map(at("none"), &map, &err), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "none"));
}

Test(file, read_refuses_more_than_allowed_and_folders)
{
    Slice out = {0};
    write_file("a", SLICE("12345"));
    cr_assert_eq(file_read(&arena, at("a"), 5, &out, &err), STATUS_OK);
    cr_assert_eq(file_read(&arena, at("a"), 4, &out, &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "4 bytes"), "%s", err.text);
    cr_assert_eq(file_read(&arena, folder, 100, &out, &err), STATUS_INVALID);
    cr_assert_eq(file_read(&arena, at("none"), 100, &out, &err), STATUS_NOT_FOUND);
}

Test(file, read_takes_files_without_a_size)
{
    Slice out = {0};
    cr_assert_eq(file_read(&arena, "/proc/self/status", 1 << 20, &out, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_gt(out.len, 100);
}

Test(file, reads_standard_input)
{
    write_file("a", SLICE("one\ntwo\n"));
    const int fd = open(at("a"), O_RDONLY);
    cr_assert_eq(dup2(fd, 0), 0);
    close(fd);
    Slice out = {0};
    cr_assert_eq(file_read(&arena, "-", 100, &out, &err), STATUS_OK, "%s", err.text);
    cr_assert(slice_eq_cstr(out, "one\ntwo\n"));
}

// Opening one would wait for somebody to write.
Test(file, reads_no_named_pipe)
{
    Slice out = {0};
    cr_assert_eq(mkfifo(at("pipe"), 0600), 0);
    cr_assert_eq(file_read(&arena, at("pipe"), 100, &out, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "is a pipe, but a file is needed"), "%s", err.text);
}

Test(file, discard_leaves_the_old_file)
{
    FileWriter *writer = NULL;
    write_file("a", SLICE("old"));
    cr_assert_eq(file_writer_open(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_writer_write(writer, "new", 3, &err), STATUS_OK);
    expect_content("a", SLICE("old"));
    file_writer_discard(&writer);
    cr_assert_null(writer);
    file_writer_discard(&writer);
    expect_content("a", SLICE("old"));
    cr_assert_eq(count_entries(), 1, "a temporary file was left");
}

Test(file, keeps_whole_lines_of_what_was_not_finished)
{
    FileWriter *writer = NULL;
    char name[4096];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(file_writer_open(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(file_writer_write(writer, "one\ntwo\nthr", 11, &err), STATUS_OK);
        cr_assert_eq(file_writer_keep(&writer, name, sizeof name), 2);
        cr_assert_null(writer);
        cr_assert_str_eq(name, at(i == 0 ? "a.partial" : "a.partial.2"));
        expect_content(i == 0 ? "a.partial" : "a.partial.2", SLICE("one\ntwo\n"));
    }
    cr_assert_eq(file_writer_open(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_writer_write(writer, "half", 4, &err), STATUS_OK);
    cr_assert_eq(file_writer_keep(&writer, name, sizeof name), 0, "no line is whole");
    cr_assert_eq(file_writer_keep(&writer, name, sizeof name), 0);
    cr_assert_eq(count_entries(), 2, "a temporary file was left");
}

// Temporary files of writers that were killed: nobody has them locked.
Test(file, removes_what_a_killed_writer_of_the_same_path_left)
{
    static const char *const others[] = {"b.12-0.tmp", "a.12-x.tmp", "a.-0.tmp", "a.12-0.tmp.x",
                                         "a.tmp"};
    FileWriter *writer = NULL;
    write_file("a.12-0.tmp", SLICE("left"));
    write_file("a.12-1.tmp", SLICE("still written"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) write_file(others[i], SLICE("x"));
    const int held = open(at("a.12-1.tmp"), O_RDONLY);
    cr_assert(held >= 0 && flock(held, LOCK_EX) == 0);
    cr_assert_eq(file_writer_open(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    cr_expect_not(file_exists(at("a.12-0.tmp")));
    cr_expect(file_exists(at("a.12-1.tmp")));
    // Another writer of the path at the same time leaves this one's file alone.
    write_file("a", SLICE("of another"));
    cr_assert_eq(file_writer_write(writer, "mine", 4, &err), STATUS_OK);
    cr_assert_eq(file_writer_commit(&writer, &err), STATUS_OK, "%s", err.text);
    expect_content("a", SLICE("mine"));
    cr_expect_eq(count_entries(), 2 + sizeof others / sizeof *others);
    close(held);
}

Test(file, goes_on_with_a_partial_file)
{
    FileWriter *writer = NULL, *second = NULL;
    char name[4096];
    cr_assert_eq(file_writer_resume(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    cr_assert_str_eq(file_writer_temporary(writer), at("a.partial"));
    cr_assert_eq(file_writer_write(writer, "one\ntwo\nthr", 11, &err), STATUS_OK);
    cr_expect_eq(file_writer_resume(at("a"), &second, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "another process is writing it"), "%s", err.text);
    cr_assert_eq(file_writer_keep(&writer, name, sizeof name), 2);
    cr_assert_str_eq(name, at("a.partial"));

    cr_assert_eq(file_writer_resume(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_writer_cut(writer, 4, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_writer_write(writer, "2\n", 2, &err), STATUS_OK);
    cr_assert_eq(file_writer_flush(writer, &err), STATUS_OK);
    cr_assert_eq(file_writer_set_aside(writer, 5, name, sizeof name, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_str_eq(name, at("a.partial.2"));
    expect_content("a.partial.2", SLICE("one\n2\n"));
    cr_assert_eq(file_writer_write(writer, "3\n", 2, &err), STATUS_OK);
    cr_assert_eq(file_writer_commit(&writer, &err), STATUS_OK, "%s", err.text);
    expect_content("a", SLICE("one\n23\n"));
    cr_assert_eq(count_entries(), 2);

    // Without a byte in it there is nothing to keep.
    cr_assert_eq(file_writer_resume(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    file_writer_discard(&writer);
    cr_assert_eq(count_entries(), 2);
}

Test(file, writes_pieces_of_any_size)
{
    static char large[300000];
    for (size_t i = 0; i < sizeof large; i++) large[i] = (char)('a' + i % 23);
    FileWriter *writer = NULL;
    cr_assert_eq(file_writer_open(at("a"), &writer, &err), STATUS_OK, "%s", err.text);
    size_t begin = 0;
    for (size_t piece = 0; begin < sizeof large; piece = piece * 3 + 1) {
        const Slice part = slice_sub((Slice){large, sizeof large}, begin, begin + piece);
        cr_assert_eq(file_writer_write(writer, part.ptr, part.len, &err), STATUS_OK);
        begin += part.len;
    }
    cr_assert_eq(file_writer_commit(&writer, &err), STATUS_OK, "%s", err.text);
    cr_assert_null(writer);
    expect_content("a", (Slice){large, sizeof large});
}

Test(file, keeps_the_mode_and_the_link_of_what_it_replaces)
{
    write_file("a", SLICE("old"));
    cr_assert_eq(chmod(at("a"), 0640), 0);
    cr_assert_eq(symlink("a", at("link")), 0);
    write_file("link", SLICE("new"));
    struct stat info;
    cr_assert_eq(lstat(at("link"), &info), 0);
    cr_assert(S_ISLNK(info.st_mode));
    expect_content("a", SLICE("new"));
    cr_assert_eq(stat(at("a"), &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0640);
}

Test(file, writes_devices_in_place)
{
    struct stat info;
    cr_assert_eq(file_write("/dev/null", SLICE("gone"), &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(stat("/dev/null", &info), 0);
    cr_assert(S_ISCHR(info.st_mode), "/dev/null was replaced");
}

Test(file, says_what_to_do_when_the_disk_is_full)
{
    if (!file_exists("/dev/full")) cr_skip_test("/dev/full is absent");
    cr_assert_eq(file_write("/dev/full", SLICE("x"), &err), STATUS_IO);
    cr_assert_not_null(strstr(err.text, "/dev/full"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "No space left"), "%s", err.text);
    cr_assert_not_null(strstr(err.text, "free some space"), "%s", err.text);
}

// A limit of the file size fails writes as a full disk does, at a byte of our choice.
Test(file, failed_write_leaves_the_old_file)
{
    static char large[200000];
    write_file("a", SLICE("old"));
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    for (rlim_t n_bytes = 0; n_bytes < sizeof large; n_bytes += 50000) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){n_bytes, limit.rlim_max});
        const Status s = file_write(at("a"), (Slice){large, sizeof large}, &err);
        setrlimit(RLIMIT_FSIZE, &limit);
        cr_assert_eq(s, STATUS_IO, "limit %llu", (unsigned long long)n_bytes);
        cr_assert_not_null(strstr(err.text, at("a")), "%s", err.text);
        expect_content("a", SLICE("old"));
        cr_assert_eq(count_entries(), 1, "a temporary file was left");
    }
}

Test(file, write_into_a_missing_folder_or_onto_a_folder_fails)
{
    cr_assert_eq(file_write(at("none/a"), SLICE("x"), &err), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(err.text, "none/a"), "%s", err.text);
    cr_assert_eq(file_write(folder, SLICE("x"), &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "directory"), "%s", err.text);
}

Test(file, makes_folders_and_lists_them_sorted)
{
    cr_assert_eq(file_make_directories(at("b/c//d/"), &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(file_make_directories(at("b/c"), &err), STATUS_OK, "%s", err.text);
    cr_assert(file_is_directory(at("b/c/d")));
    write_file("a", SLICE(""));
    write_file("Z", SLICE(""));
    cr_assert_eq(file_make_directories(at("a/x"), &err), STATUS_IO);
    cr_assert_not_null(strstr(err.text, "folder is needed"), "%s", err.text);
    Slice *names = NULL;
    size_t n_names = 0;
    cr_assert_eq(file_list(&arena, folder, &names, &n_names, &err), STATUS_OK);
    cr_assert_eq(n_names, 3);
    cr_assert(slice_eq_cstr(names[0], "Z"));
    cr_assert(slice_eq_cstr(names[1], "a"));
    cr_assert(slice_eq_cstr(names[2], "b"));
    cr_assert_eq(file_list(&arena, at("none"), &names, &n_names, &err), STATUS_NOT_FOUND);
}

Test(file, tells_size_and_time)
{
    FileStat info;
    write_file("a", SLICE("12345"));
    cr_assert_eq(file_stat(at("a"), &info, &err), STATUS_OK);
    cr_assert_eq(info.size_bytes, 5);
    cr_assert_gt(info.inode, 0);
    cr_assert_gt(info.mtime_ns, INT64_C(1600000000000000000));
    cr_assert_eq(file_stat(at("none"), &info, &err), STATUS_NOT_FOUND);
    cr_assert(file_exists(at("a")) && !file_exists(at("none")) && !file_is_directory(at("a")));
}

Test(file, joins_and_splits_paths)
{
    static const struct {
        const char *directory, *name, *joined;
    } joins[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"a", "/b", "/b"}, {"/", "b", "/b"}};
    for (size_t k = 0; k < sizeof joins / sizeof *joins; k++) {
        cr_assert_str_eq(
            file_join(&arena, slice_from_cstr(joins[k].directory), slice_from_cstr(joins[k].name)),
            joins[k].joined);
    }
    static const struct {
        const char *path, *directory, *name;
    } parts[] = {
        {"a/b/c", "a/b", "c"}, {"c", ".", "c"}, {"/c", "/", "c"}, {"a/", "a", ""}, {"", ".", ""}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        const Slice path = slice_from_cstr(parts[k].path);
        cr_assert(slice_eq_cstr(file_directory_of(path), parts[k].directory), "%s", parts[k].path);
        cr_assert(slice_eq_cstr(file_name_of(path), parts[k].name), "%s", parts[k].path);
    }
}

static void expect_lines(Slice content, size_t n_wanted, const Slice *wanted)
{
    write_file("lines", content);
    LineReader *reader = NULL;
    cr_assert_eq(line_reader_open(at("lines"), &reader, &err), STATUS_OK, "%s", err.text);
    Slice line;
    bool more;
    for (size_t k = 0; k < n_wanted; k++) {
        cr_assert_eq(line_reader_next(reader, &line, &more, &err), STATUS_OK, "%s", err.text);
        cr_assert(more, "line %zu is missing", k);
        cr_assert(slice_eq(line, wanted[k]), "line %zu: " SLICE_FMT, k, SLICE_ARG(line));
        cr_assert_eq(line_reader_number(reader), k + 1);
    }
    cr_assert_eq(line_reader_next(reader, &line, &more, &err), STATUS_OK);
    cr_assert_not(more);
    cr_assert_eq(line_reader_next(reader, &line, &more, &err), STATUS_OK);
    cr_assert_not(more, "the end lasted for one call only");
    line_reader_close(&reader);
    cr_assert_null(reader);
}

Test(file, lines_end_with_lf_crlf_or_the_file)
{
    expect_lines(SLICE("a\r\n\nb\rc\n"), 3, (Slice[]){SLICE("a"), SLICE(""), SLICE("b\rc")});
    expect_lines(SLICE("a\nlast"), 2, (Slice[]){SLICE("a"), SLICE("last")});
    expect_lines((Slice){0}, 0, NULL);
    expect_lines(SLICE("\n"), 1, (Slice[]){SLICE("")});
    expect_lines((Slice){"a\0b\nc", 5}, 2, (Slice[]){{"a\0b", 3}, SLICE("c")});
    // A byte order mark is none of the first line, and text elsewhere.
    expect_lines(SLICE("\xEF\xBB\xBF"
                       "a\r\n\xEF\xBB\xBF"
                       "b\n"),
                 2,
                 (Slice[]){SLICE("a"), SLICE("\xEF\xBB\xBF"
                                             "b")});
    expect_lines(SLICE("\xEF\xBB\xBF\r\n"), 1, (Slice[]){SLICE("")});
}

Test(file, lines_of_plain_files_are_counted)
{
    write_file("lines", SLICE("a\n\nb\r\nlast"));
    cr_expect_eq(file_count_lines(at("lines")), 4);
    write_file("lines", SLICE("a\n"));
    cr_expect_eq(file_count_lines(at("lines")), 1);
    write_file("lines", (Slice){0});
    cr_expect_eq(file_count_lines(at("lines")), 0);
    write_file("lines", SLICE("\x1f\x8b\x08\n\n"));
    cr_expect_eq(file_count_lines(at("lines")), 0, "it is packed");
    cr_expect_eq(file_count_lines("-"), 0);
    cr_expect_eq(file_count_lines(at("none")), 0);
}

Test(file, lines_cross_the_reader_s_buffer)
{
    static char content[500000];
    Slice wanted[64];
    size_t n = 0;
    size_t end = 0;
    for (size_t len = 1; end + len + 1 < sizeof content; len = len * 2 + 5, n++) {
        memset(content + end, 'a' + (int)n, len);
        wanted[n] = (Slice){content + end, len};
        content[end + len] = '\n';
        end += len + 1;
    }
    expect_lines((Slice){content, end}, n, wanted);
}

// Sparse files: 64 MiB of NULs cost no disk.
static Status read_long_line(off_t len)
{
    write_file("long", SLICE("first\n"));
    const int fd = open(at("long"), O_WRONLY | O_APPEND);
    cr_assert_eq(ftruncate(fd, 6 + len), 0);
    cr_assert_eq(write(fd, "\r\n", 2), 2);
    close(fd);
    LineReader *reader = NULL;
    Slice line = {0};
    bool more;
    cr_assert_eq(line_reader_open(at("long"), &reader, &err), STATUS_OK);
    cr_assert_eq(line_reader_next(reader, &line, &more, &err), STATUS_OK);
    const Status s = line_reader_next(reader, &line, &more, &err);
    if (s == STATUS_OK) cr_assert_eq(line.len, (size_t)len);
    line_reader_close(&reader);
    return s;
}

Test(file, lines_of_more_than_64_mib_are_refused)
{
    cr_assert_eq(read_long_line(64 << 20), STATUS_OK, "%s", err.text);
    cr_assert_eq(read_long_line((64 << 20) + 1), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "long:2: "), "%s", err.text);
}

Test(file, lines_of_a_folder_or_nothing_are_refused)
{
    LineReader *reader = NULL;
    cr_assert_eq(line_reader_open(folder, &reader, &err), STATUS_INVALID);
    cr_assert_eq(line_reader_open(at("none"), &reader, &err), STATUS_NOT_FOUND);
    cr_assert_null(reader);
    line_reader_close(&reader);
}

Test(file, huge_memory_is_zeroed_and_aligned)
{
    static const size_t sizes[] = {0, 1, 4096, (2 << 20) - 1, 2 << 20, (6 << 20) + 1};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        char *bytes = huge_alloc(sizes[k]);
        cr_assert_not_null(bytes);
        cr_assert_eq((uintptr_t)bytes % (sizes[k] >= 2 << 20 ? 2 << 20 : 4096), 0, "size %zu",
                     sizes[k]);
        for (size_t i = 0; i < sizes[k]; i += 509) cr_assert_eq(bytes[i], 0);
        if (sizes[k] > 0) bytes[0] = bytes[sizes[k] - 1] = 1;
        huge_free(bytes, sizes[k]);
    }
    cr_assert_null(huge_alloc(SIZE_MAX));
    cr_assert_null(huge_alloc(SIZE_MAX - (3 << 20)));
    huge_free(NULL, 5);
}

// What a process has of memory, by a name of Linux's; 0 where the kernel does not say.
static size_t resident_kib(Slice of)
{
    Slice status = {0}, line, name;
    uint64_t kib = 0;
    cr_assert_eq(file_read(&arena, "/proc/self/status", 1 << 16, &status, &err), STATUS_OK, "%s",
                 err.text);
    while (slice_split(&status, '\n', &line)) {
        if (!slice_split(&line, ':', &name) || !slice_eq(name, of)) continue;
        line = slice_trim(line);
        cr_assert(slice_to_u64(slice_sub(line, 0, slice_find_byte(line, ' ')), &kib));
    }
    return (size_t)kib;
}

Test(file, huge_memory_goes_back_beyond_what_is_kept)
{
    enum { SIZE = 24 << 20, KEPT = (4 << 20) + 1 };
    char *bytes = huge_alloc(SIZE);
    cr_assert_not_null(bytes);
    memset(bytes, 7, SIZE);
    const size_t before = resident_kib(SLICE("RssAnon"));
    huge_forget(bytes, SIZE, KEPT);
    const size_t after = resident_kib(SLICE("RssAnon"));
    for (size_t i = 0; i < KEPT; i += 509) cr_assert_eq(bytes[i], 7);
    cr_expect_eq(bytes[SIZE - 1], 0);
    bytes[SIZE - 1] = 1; // and can be used again
    huge_forget(bytes, SIZE, SIZE);
    cr_expect_eq(bytes[SIZE - 1], 1);
    huge_free(bytes, SIZE);
    if (before == 0) cr_skip_test("this kernel does not say what of a process is of files");
    cr_expect_lt(after + (16 << 10), before);
}

// ---- code that is given back ----

Test(file, code_gives_its_memory_back_and_comes_again)
{
    const size_t before = resident_kib(SLICE("RssFile"));
    file_drop_images();
    const size_t after = resident_kib(SLICE("RssFile"));
    if (before == 0) cr_skip_test("this kernel does not say what of a process is of files");
    cr_expect_lt(after, before);
    cr_expect(file_exists("/")); // and goes on
}

// A debugger puts its breakpoints so into code.
Test(file, what_was_written_into_constants_is_no_longer_the_files_and_stays)
{
    enum { SIZE = 1 << 17 }; // a whole page of the largest size, wherever it begins
    static const char constants[SIZE] = "as the file has it";
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const size_t skipped = (size_t)(-(uintptr_t)constants & (page - 1));
    volatile char *at = NULL;
    const char *first = constants + skipped;
    memcpy((void *)&at, &first, sizeof at);
    cr_assert_eq(mprotect((void *)at, page, PROT_READ | PROT_WRITE), 0);
    at[7] = 'x';
    cr_assert_eq(mprotect((void *)at, page, PROT_READ), 0);
    file_drop_images();
    cr_expect_eq(at[7], 'x');
}
