#include "base/input.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file_internal.h"

enum { PIECE_BYTES = 1 << 16, MAGIC_BYTES = 4, GZIP_WINDOW_BITS = 15 + 16 };
typedef enum Packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD } Packing;

struct Input {
    int fd;
    char *name;
    Sha256 *hash; // may be NULL
    Packing packing;
    unsigned char *piece; // [PIECE_BYTES] as read
    size_t begin, end;    // of it not yet used
    bool at_end;          // of the file
    bool is_open;         // within a member or frame
    uint64_t n_packed, n_unpacked;
    z_stream gzip;
    bool has_gzip;
    ZSTD_DCtx *zstd;
};

// Reads behind what is left, which moves to the front.
static Status read_piece(Input *input, Error *err)
{
    const size_t left = input->end - input->begin;
    memmove(input->piece, input->piece + input->begin, left);
    const long n = file_read_some(input->fd, input->piece + left, PIECE_BYTES - left);
    if (n < 0) return file_set_errno(err, input->name, "reading");
    if (input->hash) sha256_update(input->hash, (Slice){(char *)input->piece + left, (size_t)n});
    input->begin = 0;
    input->end = left + (size_t)n;
    input->n_packed += (size_t)n;
    input->at_end = n == 0;
    return STATUS_OK;
}

static Packing packing_of(Slice begin)
{
    if (slice_starts_with(begin, SLICE("\x1f\x8b"))) return PACKED_GZIP;
    return slice_starts_with(begin, SLICE("\x28\xb5\x2f\xfd")) ? PACKED_ZSTD : PACKED_NOT;
}

static Slice unused(const Input *input)
{
    return (Slice){(const char *)input->piece + input->begin, input->end - input->begin};
}

static Status want_bytes(Input *input, size_t n, Error *err)
{
    while (input->end - input->begin < n && !input->at_end) TRY(read_piece(input, err));
    return STATUS_OK;
}

static Status look(Input *input, Error *err)
{
    // No byte is waited for that is not needed: lines may be typed one by one.
    TRY(want_bytes(input, 1, err));
    const Slice first = unused(input);
    if (first.len > 0 && (first.ptr[0] == '\x1f' || first.ptr[0] == '\x28'))
        TRY(want_bytes(input, MAGIC_BYTES, err));
    input->packing = packing_of(unused(input));
    if (input->packing == PACKED_GZIP) {
        input->has_gzip = inflateInit2(&input->gzip, GZIP_WINDOW_BITS) == Z_OK;
        if (!input->has_gzip) return error_set_memory(err, 1, PIECE_BYTES, "unpacking gzip");
    } else if (input->packing == PACKED_ZSTD) {
        input->zstd = ZSTD_createDCtx();
        if (!input->zstd) return error_set_memory(err, 1, PIECE_BYTES, "unpacking zstd");
    }
    return STATUS_OK;
}

Status input_open(const char *path, Sha256 *hash, Input **out, Error *err)
{
    int fd;
    *out = NULL;
    TRY(file_open_input(path, &fd, err));
    Input *input = calloc(1, sizeof *input);
    if (!input) {
        file_close_input(fd);
        return error_set_memory(err, 1, sizeof *input, "an input");
    }
    *input = (Input){.fd = fd,
                     .hash = hash,
                     .name = strdup(file_input_name(path)),
                     .piece = malloc(PIECE_BYTES)};
    Status s = input->name && input->piece ? look(input, err)
                                           : error_set_memory(err, 1, PIECE_BYTES, "an input");
    if (s == STATUS_OK)
        *out = input;
    else
        input_close(&input);
    return s;
}

void input_close(Input **input)
{
    Input *closed = *input;
    if (!closed) return;
    if (closed->has_gzip) inflateEnd(&closed->gzip);
    ZSTD_freeDCtx(closed->zstd);
    file_close_input(closed->fd);
    free(closed->name);
    free(closed->piece);
    free(closed);
    *input = NULL;
}

static const char *packing_name(const Input *input)
{
    return input->packing == PACKED_GZIP ? "gzip" : "zstd";
}

static Status damaged(const Input *input, const char *what, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     "%s: the %s file is damaged %llu bytes from its start: %s", input->name,
                     packing_name(input),
                     (unsigned long long)(input->n_packed - (input->end - input->begin)), what);
}

static Status cut_short(const Input *input, Error *err)
{
    return error_set(
        err, STATUS_INVALID,
        "%s: the %s file is cut short: it ends after %llu bytes within its packed data; "
        "copy or download it again",
        input->name, packing_name(input), (unsigned long long)input->n_packed);
}

static Status check_ratio(const Input *input, Error *err)
{
    if (input->n_unpacked <= INPUT_FREE_BYTES ||
        input->n_unpacked / INPUT_MAX_RATIO <= input->n_packed) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID,
                     "%s: the %s file unpacks to more than %d times its size, as files do that are "
                     "made to fill memory; unpack it yourself where you trust it",
                     input->name, packing_name(input), INPUT_MAX_RATIO);
}

// Between members: another one, zeros that tapes leave, or the end.
static Status next_member(Input *input, bool *more, Error *err)
{
    *more = false;
    TRY(want_bytes(input, 2, err));
    if (packing_of(unused(input)) == PACKED_GZIP) {
        *more = inflateReset(&input->gzip) == Z_OK;
        return *more ? STATUS_OK : damaged(input, "a member does not begin", err);
    }
    while (input->begin < input->end || !input->at_end) {
        while (input->begin < input->end && input->piece[input->begin] == 0) input->begin++;
        if (input->begin < input->end)
            return damaged(input, "bytes that are no gzip follow its end", err);
        TRY(read_piece(input, err));
    }
    return STATUS_OK;
}

static Status read_gzip(Input *input, char *out, size_t size, size_t *n, Error *err)
{
    z_stream *z = &input->gzip;
    while (*n == 0) {
        if (!input->is_open && input->n_unpacked + z->total_in > 0) {
            bool more;
            TRY(next_member(input, &more, err));
            if (!more) return STATUS_OK;
        }
        input->is_open = true;
        TRY(want_bytes(input, 1, err));
        if (input->begin == input->end) return cut_short(input, err);
        z->next_in = input->piece + input->begin;
        z->avail_in = (uInt)(input->end - input->begin);
        z->next_out = (unsigned char *)out;
        z->avail_out = size > PIECE_BYTES ? PIECE_BYTES : (uInt)size;
        const uInt room = z->avail_out;
        const int code = inflate(z, Z_NO_FLUSH);
        input->begin = input->end - z->avail_in;
        *n = room - z->avail_out;
        if (code == Z_STREAM_END) {
            input->is_open = false;
        } else if (code == Z_MEM_ERROR) {
            return error_set_memory(err, 1, PIECE_BYTES, "unpacking gzip");
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return damaged(input, z->msg ? z->msg : "its data make no sense", err);
        }
    }
    return STATUS_OK;
}

static Status read_zstd(Input *input, char *out, size_t size, size_t *n, Error *err)
{
    while (*n == 0) {
        // What is read may be used up while the frame still has bytes to give.
        if (input->begin == input->end) TRY(want_bytes(input, 1, err));
        const bool is_dry = input->begin == input->end;
        if (is_dry && !input->is_open) return STATUS_OK;
        ZSTD_inBuffer in = {input->piece + input->begin, input->end - input->begin, 0};
        ZSTD_outBuffer unpacked = {out, size, 0};
        const size_t code = ZSTD_decompressStream(input->zstd, &unpacked, &in);
        if (ZSTD_isError(code)) return damaged(input, ZSTD_getErrorName(code), err);
        input->begin += in.pos;
        input->is_open = code != 0;
        *n = unpacked.pos;
        if (is_dry && *n == 0 && input->is_open) return cut_short(input, err);
    }
    return STATUS_OK;
}

static Status read_plain(Input *input, char *out, size_t size, size_t *n, Error *err)
{
    const size_t left = input->end - input->begin;
    if (left == 0) {
        const long got = file_read_some(input->fd, out, size);
        if (got < 0) return file_set_errno(err, input->name, "reading");
        *n = (size_t)got;
        if (input->hash) sha256_update(input->hash, (Slice){out, *n});
        return STATUS_OK;
    }
    *n = left < size ? left : size;
    memcpy(out, input->piece + input->begin, *n);
    input->begin += *n;
    return STATUS_OK;
}

Status input_read(Input *input, char *out, size_t size, size_t *n, Error *err)
{
    *n = 0;
    if (input->packing == PACKED_NOT) return read_plain(input, out, size, n, err);
    TRY((input->packing == PACKED_GZIP ? read_gzip : read_zstd)(input, out, size, n, err));
    input->n_unpacked += *n;
    return check_ratio(input, err);
}

bool input_is_packed(Slice begin)
{
    return packing_of(begin) != PACKED_NOT;
}

Slice input_plain_name(Slice path)
{
    static const Slice ends[] = {SLICE_LIT(".gz"), SLICE_LIT(".zst")};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t len = ends[i].len;
        if (path.len > len && strncasecmp(path.ptr + path.len - len, ends[i].ptr, len) == 0)
            return slice_sub(path, 0, path.len - len);
    }
    return path;
}
