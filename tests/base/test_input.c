// Packed input: what is read is what was packed, whatever the size of the pieces; what is damaged is named.
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/input.h"

static char folder[] = "/tmp/assay-input-XXXXXX";
static char path[64];
static Error err;

static void start(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/data", folder);
}

static void stop(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(input, .init = start, .fini = stop);

static void put_gzip(Buffer *out, Slice text)
{
    z_stream z = {.next_in = (unsigned char *)text.ptr, .avail_in = (uInt)text.len};
    unsigned char packed[1 << 16];
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        z.next_out = packed;
        z.avail_out = sizeof packed;
        code = deflate(&z, Z_FINISH);
        buffer_append(out, (Slice){(char *)packed, sizeof packed - z.avail_out});
    }
    deflateEnd(&z);
}

static void put_zstd(Buffer *out, Slice text)
{
    const size_t room = ZSTD_compressBound(text.len);
    char *packed = malloc(room);
    const size_t n = ZSTD_compress(packed, room, text.ptr, text.len, 3);
    cr_assert_not(ZSTD_isError(n));
    buffer_append(out, (Slice){packed, n});
    free(packed);
}

static void (*const packers[])(Buffer *, Slice) = {put_gzip, put_zstd};
static const char *const packer_names[] = {"gzip", "zstd"};

static void write_bytes(Slice bytes)
{
    cr_assert_eq(file_write(path, bytes, &err), STATUS_OK, "%s", err.text);
}

static void expect_read(Slice wanted, size_t piece, const char *what)
{
    Input *input = NULL;
    Buffer got = {0};
    char *out = malloc(piece);
    cr_assert_eq(input_open(path, NULL, &input, &err), STATUS_OK, "%s", err.text);
    for (size_t n = 1; n > 0;) {
        cr_assert_eq(input_read(input, out, piece, &n, &err), STATUS_OK, "%s: %s", what, err.text);
        buffer_append(&got, (Slice){out, n});
    }
    cr_assert(slice_eq(buffer_slice(&got), wanted), "%s: %zu bytes in place of %zu", what, got.len,
              wanted.len);
    free(out);
    buffer_release(&got);
    input_close(&input);
}

static Slice long_text(Buffer *buffer)
{
    for (int i = 0; i < 40000; i++) buffer_printf(buffer, "line %d of %d\n", i * 7919 % 40000, i);
    return buffer_slice(buffer);
}

Test(input, gives_back_what_was_packed)
{
    Buffer text = {0}, packed = {0};
    const Slice whole = long_text(&text);
    const Slice texts[] = {{0}, SLICE("a"), SLICE("\x1f"), SLICE("(a)"), whole};
    static const size_t pieces[] = {1, 7, 100000};
    for (size_t t = 0; t < 5; t++) {
        for (size_t k = 0; k < 3; k++) {
            write_bytes(texts[t]);
            expect_read(texts[t], pieces[k], "plain");
            for (size_t p = 0; p < 2; p++) {
                buffer_clear(&packed);
                packers[p](&packed, texts[t]);
                write_bytes(buffer_slice(&packed));
                expect_read(texts[t], pieces[k], packer_names[p]);
            }
        }
    }
    buffer_release(&text);
    buffer_release(&packed);
}

Test(input, takes_members_and_frames_one_after_the_other)
{
    for (size_t p = 0; p < 2; p++) {
        Buffer packed = {0};
        packers[p](&packed, SLICE("one\n"));
        packers[p](&packed, SLICE(""));
        packers[p](&packed, SLICE("two\n"));
        if (p == 0) buffer_append(&packed, (Slice){"\0\0\0\0\0", 5}); // as tapes leave them
        write_bytes(buffer_slice(&packed));
        expect_read(SLICE("one\ntwo\n"), 5, packer_names[p]);
        buffer_release(&packed);
    }
}

static Status read_whole(Slice *out, Arena *arena)
{
    err = (Error){0};
    return file_read_data(arena, path, (size_t)4 << 30, out, NULL, &err);
}

Test(input, names_a_file_cut_short_at_any_byte)
{
    for (size_t p = 0; p < 2; p++) {
        Arena arena = {0};
        Buffer packed = {0};
        Slice out;
        packers[p](&packed, SLICE("some text that is some text to pack"));
        for (size_t len = 4; len < packed.len; len++) {
            write_bytes(slice_sub(buffer_slice(&packed), 0, len));
            cr_assert_eq(read_whole(&out, &arena), STATUS_INVALID, "%s of %zu bytes",
                         packer_names[p], len);
            cr_assert_not_null(strstr(err.text, "is cut short"), "%s", err.text);
            cr_assert_not_null(strstr(err.text, packer_names[p]), "%s", err.text);
        }
        buffer_release(&packed);
        arena_release(&arena);
    }
}

Test(input, names_damage)
{
    for (size_t p = 0; p < 2; p++) {
        Arena arena = {0};
        Buffer packed = {0};
        Slice out;
        packers[p](&packed, SLICE("some text that is some text to pack"));
        buffer_append_cstr(&packed, "and more");
        write_bytes(buffer_slice(&packed));
        cr_assert_eq(read_whole(&out, &arena), STATUS_INVALID);
        cr_assert_not_null(strstr(err.text, "is damaged"), "%s", err.text);
        buffer_release(&packed);
        arena_release(&arena);
    }
}

Test(input, refuses_what_would_fill_memory)
{
    enum { N = 80 << 20 };
    char *zeros = calloc(N, 1);
    for (size_t p = 0; p < 2; p++) {
        Arena arena = {0};
        Buffer packed = {0};
        Slice out;
        packers[p](&packed, (Slice){zeros, N});
        write_bytes(buffer_slice(&packed));
        cr_assert_eq(read_whole(&out, &arena), STATUS_INVALID, "%s", packer_names[p]);
        cr_assert_not_null(strstr(err.text, "500 times"), "%s", err.text);
        err = (Error){0};
        cr_assert_eq(file_read_data(&arena, path, 1000, &out, NULL, &err), STATUS_INVALID);
        cr_assert_not_null(strstr(err.text, "1000 bytes allowed"), "%s", err.text);
        buffer_release(&packed);
        arena_release(&arena);
    }
    free(zeros);
}

Test(input, hashes_the_file_as_it_stands)
{
    Arena arena = {0};
    Buffer text = {0}, packed = {0};
    Slice out;
    char hash[65], wanted[65];
    const Slice texts[] = {SLICE("plain"), long_text(&text)};
    for (size_t t = 0; t < 2; t++) {
        for (size_t p = 0; p < 3; p++) {
            buffer_clear(&packed);
            if (p < 2)
                packers[p](&packed, texts[t]);
            else
                buffer_append(&packed, texts[t]);
            write_bytes(buffer_slice(&packed));
            sha256_of(buffer_slice(&packed), wanted);
            cr_assert_eq(file_read_data(&arena, path, 1 << 24, &out, hash, &err), STATUS_OK);
            cr_assert_str_eq(hash, wanted);
            cr_assert(slice_eq(out, texts[t]));
        }
    }
    buffer_release(&text);
    buffer_release(&packed);
    arena_release(&arena);
}

Test(input, lines_are_read_through_it)
{
    Buffer text = {0}, packed = {0};
    LineReader *reader = NULL;
    Slice line;
    bool more = true;
    size_t n = 0;
    put_zstd(&packed, long_text(&text));
    write_bytes(buffer_slice(&packed));
    cr_assert_eq(line_reader_open(path, &reader, &err), STATUS_OK, "%s", err.text);
    while (true) {
        cr_assert_eq(line_reader_next(reader, &line, &more, &err), STATUS_OK, "%s", err.text);
        if (!more) break;
        n++;
    }
    cr_assert_eq(n, 40000);
    line_reader_close(&reader);
    buffer_release(&text);
    buffer_release(&packed);
}

Test(input, a_name_loses_its_packing_only)
{
    static const char *const cases[][2] = {{"a.csv.gz", "a.csv"},
                                           {"A.JSONL.ZST", "A.JSONL"},
                                           {"a.csv", "a.csv"},
                                           {".gz", ".gz"},
                                           {"", ""},
                                           {"x.gzip", "x.gzip"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Slice plain = input_plain_name(slice_from_cstr(cases[i][0]));
        cr_assert(slice_eq_cstr(plain, cases[i][1]), SLICE_FMT, SLICE_ARG(plain));
    }
}
