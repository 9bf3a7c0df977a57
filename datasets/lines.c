#include "datasets/lines.h"

#include "base/file.h"
#include "base/sha256.h"
#include "datasets/encoding.h"

#define MAX_SECOND_BYTES ((size_t)4 << 30)

bool line_take(Slice *rest, Slice *line)
{
    if (rest->len == 0) return false;
    const size_t found = slice_find_byte(*rest, '\n');
    *line = slice_sub(*rest, 0, found);
    *rest = slice_sub(*rest, found == SIZE_MAX ? rest->len : found + 1, rest->len);
    if (line->len && line->ptr[line->len - 1] == '\r') line->len--;
    return true;
}

static size_t count_lines(Slice text)
{
    size_t n = 0;
    for (Slice line; line_take(&text, &line);) n++;
    return n;
}

Status packed_or_not(Arena *arena, Slice stem, Slice end, char **out, Error *err)
{
    static const char *const packed[] = {"", ".gz", ".zst"};
    char *first = NULL;
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
        *out = arena_printf(arena, SLICE_FMT SLICE_FMT "%s", SLICE_ARG(stem), SLICE_ARG(end),
                            packed[i]);
        if (!*out) return error_set_memory(err, stem.len, 1, "a path");
        if (file_exists(*out)) return STATUS_OK;
        if (i == 0) first = *out;
    }
    *out = first;
    return STATUS_OK;
}

// The data set is both files: its hash covers them.
static void mix_hash(char sha256[SHA256_HEX_SIZE], Slice second)
{
    Sha256 hash;
    unsigned char digest[32];
    sha256_init(&hash);
    sha256_update_field(&hash, slice_from_cstr(sha256));
    sha256_update_field(&hash, second);
    sha256_finish(&hash, digest);
    sha256_hex(digest, sha256);
}

Status second_file_read(const ReadInput *input, const char *path, Slice *out, Error *err)
{
    Slice bytes = {0};
    TRY(file_read_data(input->arena, path, MAX_SECOND_BYTES, &bytes, NULL, err));
    mix_hash(input->sha256, bytes);
    TRY(encoding_decode(input->arena, slice_from_cstr(path), bytes, input->options->encoding,
                        input->options->speech, out, err));
    const size_t n_here = count_lines(*out), n_there = count_lines(input->text);
    if (n_here == n_there) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s has %zu lines, but " SLICE_FMT " has %zu: they must go together line by "
                     "line",
                     path, n_here, SLICE_ARG(input->path), n_there);
}
