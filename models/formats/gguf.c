#include "models/formats/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"

enum { MAX_ALIGNMENT = 1 << 20, MIN_PAIR = 8 + 4 + 1, MIN_TENSOR = 8 + 4 + 4 + 8 };

// Where reading stands in the file.
typedef struct Reader {
    Slice name, whole, rest;
} Reader;

static size_t place(const Reader *r)
{
    return r->whole.len - r->rest.len;
}

// err's sentence, with the file and the byte in front.
static Status broken(const Reader *r, Error *err)
{
    return error_wrap(err, SLICE_FMT ": byte %zu", SLICE_ARG(r->name), place(r));
}

static Status cut_short(const Reader *r, const char *what, Error *err)
{
    (void)error_set(err, STATUS_INVALID, "%s ends beyond the file: it is cut short or no GGUF file",
                    what);
    return broken(r, err);
}

static Status take_u32(Reader *r, const char *what, uint32_t *out, Error *err)
{
    return slice_take_u32le(&r->rest, out) ? STATUS_OK : cut_short(r, what, err);
}

static Status take_u64(Reader *r, const char *what, uint64_t *out, Error *err)
{
    return slice_take_u64le(&r->rest, out) ? STATUS_OK : cut_short(r, what, err);
}

// A count of things that take at least least_bytes each.
static Status take_count(Reader *r, const char *what, size_t least_bytes, size_t *out, Error *err)
{
    uint64_t n = 0;
    TRY(take_u64(r, what, &n, err));
    if (n > r->rest.len / least_bytes) {
        (void)error_set(err, STATUS_INVALID, "%llu %s cannot stand in the %zu bytes that follow",
                        (unsigned long long)n, what, r->rest.len);
        return broken(r, err);
    }
    *out = (size_t)n;
    return STATUS_OK;
}

static Status take_string(Reader *r, const char *what, Slice *out, Error *err)
{
    size_t len = 0;
    TRY(take_count(r, "bytes of a text", 1, &len, err));
    return slice_take(&r->rest, len, out) ? STATUS_OK : cut_short(r, what, err);
}

// ---- values ----

// Bytes of a value of fixed size; 0 for strings and arrays.
static size_t fixed_size(GgufType type)
{
    static const uint8_t sizes[GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return sizes[type];
}

static Status take_type(Reader *r, GgufType *out, Error *err)
{
    uint32_t type = 0;
    *out = GGUF_U8;
    TRY(take_u32(r, "a value's type", &type, err));
    if (type >= GGUF_TYPE_COUNT) {
        (void)error_set(err, STATUS_INVALID, "unknown type of value %u; known are 0 to %d", type,
                        GGUF_TYPE_COUNT - 1);
        return broken(r, err);
    }
    *out = (GgufType)type;
    return STATUS_OK;
}

static Status check_bools(const Reader *r, Slice bytes, Error *err)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if ((unsigned char)bytes.ptr[i] > 1) {
            (void)error_set(err, STATUS_INVALID, "a boolean must be 0 or 1, not %d",
                            (unsigned char)bytes.ptr[i]);
            return broken(r, err);
        }
    }
    return STATUS_OK;
}

// n elements of a type that is no array.
static Status take_elements(Reader *r, GgufType type, size_t n, Slice *bytes, Error *err)
{
    const Slice before = r->rest;
    if (type == GGUF_STRING) {
        for (size_t i = 0; i < n; i++) {
            Slice text;
            TRY(take_string(r, "a string", &text, err));
        }
        *bytes = slice_sub(before, 0, before.len - r->rest.len);
        return STATUS_OK;
    }
    size_t size = 0;
    if (!size_mul(n, fixed_size(type), &size) || !slice_take(&r->rest, size, bytes))
        return cut_short(r, "a value", err);
    return type == GGUF_BOOL ? check_bools(r, *bytes, err) : STATUS_OK;
}

// The rest of an array, type and count included, level by level: hostile files nest deeper than a stack.
static Status take_array(Reader *r, size_t nesting, GgufValue *out, Error *err)
{
    size_t n = 0;
    TRY(take_type(r, &out->type, err));
    const size_t least = out->type == GGUF_ARRAY    ? 12
                         : out->type == GGUF_STRING ? 8
                                                    : fixed_size(out->type);
    TRY(take_count(r, "elements of an array", least, &n, err));
    out->is_array = true;
    out->n = n;
    if (out->type != GGUF_ARRAY) return take_elements(r, out->type, n, &out->bytes, err);
    if (nesting == GGUF_MAX_NESTING) {
        (void)error_set(err, STATUS_INVALID, "arrays nest deeper than %d", GGUF_MAX_NESTING);
        return broken(r, err);
    }
    const Slice before = r->rest;
    for (size_t i = 0; i < n; i++) {
        GgufValue inner;
        TRY(take_array(r, nesting + 1, &inner, err)); // at most GGUF_MAX_NESTING deep
    }
    out->bytes = slice_sub(before, 0, before.len - r->rest.len);
    return STATUS_OK;
}

static Status take_value(Reader *r, GgufValue *out, Error *err)
{
    *out = (GgufValue){.n = 1};
    TRY(take_type(r, &out->type, err));
    if (out->type == GGUF_ARRAY) return take_array(r, 1, out, err);
    return take_elements(r, out->type, 1, &out->bytes, err);
}

static int by_key(const void *a, const void *b)
{
    return slice_cmp((*(const GgufPair *const *)a)->key, (*(const GgufPair *const *)b)->key);
}

static Status read_pairs(Reader *r, Gguf *out, Error *err)
{
    for (size_t i = 0; i < out->n_pairs; i++) {
        GgufPair *pair = &out->pairs[i];
        TRY(take_string(r, "a key", &pair->key, err));
        if (pair->key.len == 0) {
            (void)error_set(err, STATUS_INVALID, "metadata pair %zu has an empty key", i);
            return broken(r, err);
        }
        if (take_value(r, &pair->value, err) != STATUS_OK)
            return error_wrap(err, "metadata \"" SLICE_FMT "\"", SLICE_ARG(pair->key));
        out->by_key[i] = pair;
    }
    if (out->n_pairs > 0) qsort(out->by_key, out->n_pairs, sizeof *out->by_key, by_key);
    for (size_t i = 1; i < out->n_pairs; i++) {
        if (slice_eq(out->by_key[i - 1]->key, out->by_key[i]->key)) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": metadata \"" SLICE_FMT "\" occurs twice",
                             SLICE_ARG(r->name), SLICE_ARG(out->by_key[i]->key));
        }
    }
    return STATUS_OK;
}

// ---- tensors ----

static Status unknown_type(const Reader *r, uint32_t type, Error *err)
{
    // Formats that exist but are not read here, by ggml's numbers, so that a person knows what the file is.
    static const struct {
        uint32_t number;
        const char *name;
    } others[] = {{9, "Q8_1"},     {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
                  {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"},   {22, "IQ2_S"},
                  {29, "IQ1_M"},   {34, "TQ1_0"}, {35, "TQ2_0"},   {40, "NVFP4"}};
    const char *name = "unknown";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].number == type) name = others[i].name;
    }
    (void)error_set(
        err, STATUS_INVALID,
        "its type %u (%s) is not supported; supported are F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, "
        "Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, MXFP4",
        type, name);
    return broken(r, err);
}

// Sizes come fastest first; *offset is relative to the data.
static Status take_tensor(Reader *r, SafeTensor *tensor, uint64_t *offset, size_t *size_bytes,
                          Error *err)
{
    uint32_t n_dims = 0, type = 0;
    TRY(take_u32(r, "the number of dimensions", &n_dims, err));
    if (n_dims > GGUF_MAX_DIMS) {
        (void)error_set(err, STATUS_INVALID, "%u dimensions are more than %d", n_dims,
                        GGUF_MAX_DIMS);
        return broken(r, err);
    }
    tensor->n_dims = n_dims;
    for (size_t i = n_dims; i-- > 0;) {
        uint64_t size = 0;
        TRY(take_u64(r, "a dimension", &size, err));
        if (size > SIZE_MAX / 2) {
            (void)error_set(err, STATUS_INVALID, "a dimension of %llu is too large",
                            (unsigned long long)size);
            return broken(r, err);
        }
        tensor->shape[i] = (size_t)size;
    }
    TRY(take_u32(r, "a tensor's type", &type, err));
    if (!gguf_tensor_type(type, &tensor->type)) return unknown_type(r, type, err);
    TRY(take_u64(r, "an offset", offset, err));
    if (!tensor_type_bytes(tensor->type, tensor->n_dims, tensor->shape, &tensor->n_elements,
                           size_bytes)) {
        (void)error_set(err, STATUS_INVALID,
                        "its size overflows, or its rows are no whole blocks of %s (%zu numbers)",
                        tensor_type_name(tensor->type), tensor_type_block(tensor->type));
        return broken(r, err);
    }
    return STATUS_OK;
}

// Names and shapes; where the bytes lie is known only after the last. Until then data.ptr is NULL and data.len the size.
static Status read_tensors(Reader *r, Gguf *out, uint64_t *offsets, Error *err)
{
    for (size_t i = 0; i < out->n_tensors; i++) {
        SafeTensor *tensor = &out->tensors[i];
        tensor->file = out->name;
        TRY(take_string(r, "a tensor's name", &tensor->name, err));
        if (take_tensor(r, tensor, &offsets[i], &tensor->data.len, err) != STATUS_OK)
            return error_wrap(err, "tensor \"" SLICE_FMT "\"", SLICE_ARG(tensor->name));
    }
    return STATUS_OK;
}

static Status place_tensors(const Reader *r, Gguf *out, const uint64_t *offsets, Error *err)
{
    const size_t begin = size_round_up(place(r), out->alignment);
    const Slice data = slice_sub(r->whole, begin, r->whole.len);
    for (size_t i = 0; i < out->n_tensors; i++) {
        SafeTensor *tensor = &out->tensors[i];
        const size_t size = tensor->data.len;
        if (offsets[i] % out->alignment != 0) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensor \"" SLICE_FMT
                                       "\": its offset %llu is no multiple of the alignment %zu",
                             SLICE_ARG(out->name), SLICE_ARG(tensor->name),
                             (unsigned long long)offsets[i], out->alignment);
        }
        if (offsets[i] > data.len || size > data.len - (size_t)offsets[i]) {
            return error_set(
                err, STATUS_INVALID,
                SLICE_FMT
                ": tensor \"" SLICE_FMT
                "\": its %zu bytes at offset %llu are outside the %zu bytes of data: the file is cut short or "
                "broken",
                SLICE_ARG(out->name), SLICE_ARG(tensor->name), size, (unsigned long long)offsets[i],
                data.len);
        }
        tensor->data.ptr = r->whole.ptr + size_min(begin, r->whole.len) + (size_t)offsets[i];
    }
    return STATUS_OK;
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp((*(const SafeTensor *const *)a)->name, (*(const SafeTensor *const *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    const SafeTensor *x = *(const SafeTensor *const *)a, *y = *(const SafeTensor *const *)b;
    if (x->data.ptr != y->data.ptr) return x->data.ptr < y->data.ptr ? -1 : 1;
    return (x->data.len > y->data.len) - (x->data.len < y->data.len);
}

static Status check_tensors(const Gguf *out, const SafeTensor **order, Error *err)
{
    for (size_t i = 0; i < out->n_tensors; i++) order[i] = &out->tensors[i];
    if (out->n_tensors > 0) qsort(order, out->n_tensors, sizeof *order, by_name);
    for (size_t i = 1; i < out->n_tensors; i++) {
        if (slice_eq(order[i - 1]->name, order[i]->name)) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensor \"" SLICE_FMT "\" occurs twice",
                             SLICE_ARG(out->name), SLICE_ARG(order[i]->name));
        }
    }
    if (out->n_tensors > 0) qsort(order, out->n_tensors, sizeof *order, by_place);
    for (size_t i = 1; i < out->n_tensors; i++) {
        if ((size_t)(order[i]->data.ptr - order[i - 1]->data.ptr) < order[i - 1]->data.len) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensors \"" SLICE_FMT "\" and \"" SLICE_FMT "\" overlap",
                             SLICE_ARG(out->name), SLICE_ARG(order[i - 1]->name),
                             SLICE_ARG(order[i]->name));
        }
    }
    return STATUS_OK;
}

// ---- the file ----

static Status read_header(Reader *r, Gguf *out, Error *err)
{
    Slice magic = {0};
    if (!slice_take(&r->rest, 4, &magic) || !slice_eq_cstr(magic, "GGUF")) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": not a GGUF file: it does not begin with \"GGUF\"",
                         SLICE_ARG(r->name));
    }
    TRY(take_u32(r, "the version", &out->version, err));
    if (out->version != 2 && out->version != 3) {
        const bool is_swapped = out->version != 0 && out->version % 65536 == 0;
        if (!is_swapped)
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": a GGUF file of version %u; versions 2 and 3 are read",
                             SLICE_ARG(r->name), (unsigned)out->version);
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": a big-endian GGUF file; little-endian ones are read "
                                   "(gguf-convert-endian of the Python package gguf converts it)",
                         SLICE_ARG(r->name));
    }
    TRY(take_count(r, "tensors", MIN_TENSOR, &out->n_tensors, err));
    return take_count(r, "metadata pairs", MIN_PAIR, &out->n_pairs, err);
}

static Status read_alignment(Gguf *out, Error *err)
{
    int64_t alignment = GGUF_DEFAULT_ALIGNMENT;
    TRY(gguf_get_int(out, "general.alignment", 1, MAX_ALIGNMENT, &alignment, NULL, err));
    if ((alignment & (alignment - 1)) != 0) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": general.alignment %lld is no power of two",
                         SLICE_ARG(out->name), (long long)alignment);
    }
    out->alignment = (size_t)alignment;
    return STATUS_OK;
}

static Status read_file(Reader *r, Gguf *out, Error *err)
{
    uint64_t *offsets = NULL;
    const SafeTensor **order = NULL;
    TRY(read_header(r, out, err));
    Arena *arena = &out->arena;
    TRY(arena_take(arena, out->n_pairs, sizeof *out->pairs, "metadata", &out->pairs, err));
    TRY(arena_take(arena, out->n_pairs, sizeof *out->by_key, "metadata", &out->by_key, err));
    TRY(read_pairs(r, out, err));
    TRY(read_alignment(out, err));
    TRY(arena_take(arena, out->n_tensors, sizeof *out->tensors, "tensors", &out->tensors, err));
    TRY(arena_take(arena, out->n_tensors, sizeof *offsets, "offsets", &offsets, err));
    TRY(arena_take(arena, out->n_tensors, sizeof *order, "tensors", &order, err));
    TRY(read_tensors(r, out, offsets, err));
    TRY(place_tensors(r, out, offsets, err));
    return check_tensors(out, order, err);
}

bool gguf_is(Slice bytes)
{
    return slice_starts_with(bytes, SLICE("GGUF"));
}

static Status name_file(Gguf *out, Slice name, Error *err)
{
    TRY(arena_take(&out->arena, 1, sizeof *out->files, "a file", &out->files, err));
    out->name = arena_copy(&out->arena, name);
    if (!out->name.ptr) return error_set_memory(err, name.len, 1, "a file's name");
    out->files[0].path = out->name;
    out->n_files = 1;
    return STATUS_OK;
}

Status gguf_parse(Slice name, Slice bytes, Gguf *out, Error *err)
{
    *out = (Gguf){0};
    Status s = name_file(out, name, err);
    Reader r = {.name = out->name, .whole = bytes, .rest = bytes};
    if (s == STATUS_OK) s = read_file(&r, out, err);
    if (s == STATUS_OK) out->files[0].n_tensors = out->n_tensors;
    if (s != STATUS_OK) gguf_close(out);
    return s;
}

void gguf_close(Gguf *file)
{
    for (size_t i = 0; i < file->n_files; i++) file_unmap(&file->files[i].map);
    arena_release(&file->arena);
    *file = (Gguf){0};
}

const SafeTensor *gguf_tensor(const Gguf *file, Slice name)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (slice_eq(file->tensors[i].name, name)) return &file->tensors[i];
    }
    return NULL;
}
