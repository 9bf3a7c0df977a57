#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "models/formats/safetensors.h"
#include "tests/support/folder.h"

// A file's bytes: the header's length, the header, n bytes of data (0, 1, 2, ...).
static Slice make_file(Buffer *out, const char *header, size_t n_data)
{
    const uint64_t len = strlen(header);
    buffer_clear(out);
    for (size_t i = 0; i < 8; i++) buffer_append_byte(out, (char)(len >> (8 * i)));
    buffer_append_cstr(out, header);
    for (size_t i = 0; i < n_data; i++) buffer_append_byte(out, (char)i);
    return buffer_slice(out);
}

static Status parse(Slice bytes, Safetensors *out, Error *err)
{
    return safetensors_parse(SLICE("some.safetensors"), bytes, out, err);
}

Test(safetensors, reads_names_shapes_and_bytes)
{
    Buffer buffer = {0};
    Safetensors file;
    Error err = {0};
    const char *header = "{\"__metadata__\":{\"format\":\"pt\"},"
                         "\"b\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[4,8]},"
                         "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                         "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]}} ";
    cr_assert(parse(make_file(&buffer, header, 8), &file, &err) == STATUS_OK, "%s", err.text);
    cr_assert(file.n_tensors == 3);
    cr_assert(slice_eq_cstr(safetensors_metadata(&file, "format"), "pt"));
    cr_assert(safetensors_metadata(&file, "absent").ptr == NULL);
    const SafeTensor *b = safetensors_find(&file, SLICE("b"));
    cr_assert(b && b->n_dims == 2 && b->n_elements == 4 && b->data.ptr[0] == 4);
    cr_assert(safetensors_find(&file, SLICE("a"))->n_elements == 1);
    cr_assert(safetensors_find(&file, SLICE("none"))->n_elements == 0);
    cr_assert(safetensors_find(&file, SLICE("c")) == NULL);
    safetensors_close(&file);
    buffer_release(&buffer);
}

Test(safetensors, refuses_broken_headers_and_says_why)
{
#define T(name, type, shape, begin, end)                                                          \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end \
    "]}"
    static const struct {
        const char *header, *says;
        size_t n_data;
    } cases[] = {
        {"", "", 0},
        {"[]", "object", 0},
        {"{\"a\":1}", "tensor \"a\"", 0},
        {"{" T("a", "F32", "[1]", 0, 4), "", 4},
        {"{" T("a", "F32", "[1]", 0, 4) "} x", "", 4},
        {"{" T("a", "F32", "[1]", 0, 8) "}", "outside the 4 bytes", 4},
        {"{" T("a", "F32", "[1]", 8, 4) "}", "outside", 8},
        {"{" T("a", "F32", "[2]", 0, 4) "}", "ask for 8", 4},
        {"{" T("a", "F32", "[1,-1]", 0, 4) "}", "", 4},
        {"{" T("a", "F32", "[1.5]", 0, 4) "}", "", 4},
        {"{" T("a", "F33", "[1]", 0, 4) "}", "unknown dtype", 4},
        {"{" T("a", "F32", "[4294967296,4294967296,4294967296]", 0, 4) "}", "overflows", 4},
        {"{" T("a", "F32", "[4611686018427387904]", 0, 4) "}", "overflows", 4},
        {"{" T("a", "F32", "[99999999999999999999]", 0, 4) "}", "", 4},
        {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", "more than 8", 4},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 4, 8) "}", "occurs twice", 8},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 0, 4) "}", "ends at", 4},
        {"{" T("a", "F32", "[2]", 0, 8) "," T("b", "F32", "[1]", 4, 8) "}", "ends at", 8},
        {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 8, 12) "}", "nothing covers", 12},
        {"{" T("a", "F32", "[1]", 4, 8) "}", "nothing covers", 8},
        {"{" T("a", "F32", "[1]", 0, 4) "}", "after the last tensor", 5},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "all needed", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "occurs twice", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", "", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "[begin, end]", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,18446744073709551616]}}", "",
         4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}",
         "unknown key", 4},
        {"{\"__metadata__\":{\"a\":1}}", "", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "occurs twice", 0},
    };
#undef T
    Buffer buffer = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Safetensors file;
        Error err = {0};
        const Status s = parse(make_file(&buffer, cases[i].header, cases[i].n_data), &file, &err);
        cr_assert(s == STATUS_INVALID, "case %zu (%s) gave %s", i, cases[i].header, status_name(s));
        cr_assert(strstr(err.text, cases[i].says) != NULL, "case %zu (%s) says: %s", i,
                  cases[i].header, err.text);
        cr_assert(strstr(err.text, "some.safetensors") != NULL,
                  "case %zu does not name the file: %s", i, err.text);
    }
    buffer_release(&buffer);
}

Test(safetensors, refuses_a_length_beyond_the_file)
{
    static const uint64_t lengths[] = {UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7, 9, 3,
                                       UINT64_C(1) << 32};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char bytes[10] = {0};
        Safetensors file;
        Error err = {0};
        memcpy(bytes, &lengths[i], 8);
        bytes[8] = '{';
        bytes[9] = '}';
        cr_assert(parse((Slice){bytes, sizeof bytes}, &file, &err) == STATUS_INVALID, "length %llu",
                  (unsigned long long)lengths[i]);
        cr_assert(strstr(err.text, "cut short") != NULL, "%s", err.text);
    }
    for (size_t n = 0; n < 8; n++) {
        const char bytes[8] = {0};
        Safetensors file;
        Error err = {0};
        cr_assert(parse((Slice){bytes, n}, &file, &err) == STATUS_INVALID, "%zu bytes", n);
    }
}

Test(safetensors, refuses_every_truncation)
{
    Buffer buffer = {0};
    const Slice whole =
        make_file(&buffer, "{\"a\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,6]}}", 6);
    for (size_t len = 0; len < whole.len; len++) {
        Safetensors file;
        Error err = {0};
        char *copy =
            malloc(len + 1); // of exactly this length, so that a sanitizer sees a read behind it
        memcpy(copy, whole.ptr, len);
        cr_assert(parse((Slice){copy, len}, &file, &err) != STATUS_OK, "cut at %zu of %zu", len,
                  whole.len);
        free(copy);
    }
    buffer_release(&buffer);
}

// One tensor of a type with these bytes, read as f32 and as i32.
static void check_values(TensorType type, const void *bytes, size_t n, const float *floats,
                         const int32_t *ints)
{
    Error err = {0};
    float f[8];
    int32_t k[8];
    const SafeTensor tensor = {.name = SLICE("t"),
                               .type = type,
                               .n_dims = 1,
                               .shape = {n},
                               .n_elements = n,
                               .data = {bytes, n * tensor_type_size(type)},
                               .file = SLICE("f")};
    const Status s = safetensor_read_f32(&tensor, f, &err);
    cr_assert((s == STATUS_OK) == (floats != NULL), "%s as f32 gave %s", tensor_type_name(type),
              status_name(s));
    for (size_t i = 0; floats && i < n; i++) {
        cr_assert(memcmp(&f[i], &floats[i], sizeof *f) == 0 || (isnan(f[i]) && isnan(floats[i])),
                  "%s element %zu: %g, not %g", tensor_type_name(type), i, (double)f[i],
                  (double)floats[i]);
    }
    const Status si = safetensor_read_i32(&tensor, k, &err);
    cr_assert((si == STATUS_OK) == (ints != NULL), "%s as i32 gave %s", tensor_type_name(type),
              status_name(si));
    for (size_t i = 0; ints && i < n; i++)
        cr_assert(k[i] == ints[i], "%s element %zu: %d, not %d", tensor_type_name(type), i, k[i],
                  ints[i]);
}

Test(safetensors, converts_every_type)
{
    check_values(TENSOR_F32, (const float[]){1.5f, -0.0f}, 2, (const float[]){1.5f, -0.0f}, NULL);
    check_values(TENSOR_F64, (const double[]){0.1, 1e300}, 2, (const float[]){0.1f, INFINITY},
                 NULL);
    // Largest, smallest normal, largest and smallest subnormal, -2, infinity, NaN.
    check_values(
        TENSOR_F16,
        (const uint16_t[]){0x7bff, 0x0400, 0x03ff, 0x0001, 0xc000, 0x7c00, 0x7e00, 0x8000}, 8,
        (const float[]){65504.0f, 0x1p-14f, 0x1.ff8p-15f, 0x1p-24f, -2.0f, INFINITY, NAN, -0.0f},
        NULL);
    check_values(TENSOR_BF16, (const uint16_t[]){0x3f80, 0xc049, 0x7f80}, 3,
                 (const float[]){1.0f, -3.140625f, INFINITY}, NULL);
    check_values(TENSOR_I32, (const int32_t[]){7, -7}, 2, (const float[]){7.0f, -7.0f},
                 (const int32_t[]){7, -7});
    check_values(TENSOR_U32, (const uint32_t[]){7, 4000000000u}, 2, (const float[]){7.0f, 4e9f},
                 NULL);
    check_values(TENSOR_I16, (const int16_t[]){-300}, 1, (const float[]){-300.0f},
                 (const int32_t[]){-300});
    check_values(TENSOR_U16, (const uint16_t[]){60000}, 1, (const float[]){60000.0f}, NULL);
    check_values(TENSOR_I8, (const int8_t[]){-3, 4}, 2, (const float[]){-3.0f, 4.0f},
                 (const int32_t[]){-3, 4});
    check_values(TENSOR_U8, (const uint8_t[]){200}, 1, (const float[]){200.0f},
                 (const int32_t[]){200});
    check_values(TENSOR_BOOL, (const uint8_t[]){0, 1}, 2, (const float[]){0.0f, 1.0f},
                 (const int32_t[]){0, 1});
    check_values(TENSOR_I64, (const int64_t[]){-5}, 1, NULL, (const int32_t[]){-5});
    check_values(TENSOR_I64, (const int64_t[]){INT64_C(1) << 40}, 1, NULL, NULL);
    check_values(TENSOR_U64, (const uint64_t[]){5}, 1, NULL, NULL);
    check_values(TENSOR_F8_E4M3, (const uint8_t[]){5}, 1, NULL, NULL);
}

Test(safetensors, names_both_shapes_where_they_differ)
{
    Error err = {0};
    const SafeTensor tensor = {
        .name = SLICE("w"), .n_dims = 2, .shape = {2, 3}, .file = SLICE("f.safetensors")};
    cr_assert(safetensor_want_shape(&tensor, 2, (const size_t[]){2, 3}, &err) == STATUS_OK);
    cr_assert(safetensor_want_shape(&tensor, 1, (const size_t[]){2}, &err) == STATUS_INVALID);
    cr_assert(safetensor_want_shape(&tensor, 2, (const size_t[]){2, 4}, &err) == STATUS_INVALID);
    cr_assert(strstr(err.text, "f.safetensors") && strstr(err.text, "\"w\"") &&
                  strstr(err.text, "[2, 3]") && strstr(err.text, "[2, 4]"),
              "%s", err.text);
}

static Status fill_fours(void *context, size_t index, void *data, Error *err)
{
    (void)err;
    *(size_t *)context += index;
    const float values[2] = {4.0f, 4.5f};
    memcpy(data, values, sizeof values);
    return STATUS_OK;
}

Test(safetensors, writes_what_it_reads_in_the_order_of_the_reference)
{
    Error err = {0};
    Safetensors file;
    const char *folder = folder_make(), *path = folder_path(folder, "out.safetensors");
    const int64_t wide[1] = {9};
    const uint8_t narrow[3] = {1, 2, 3};
    size_t filled = 0;
    const SafeMetadata metadata = {SLICE("format"), SLICE("pt")};
    const SafeItem items[] = {
        {.name = SLICE("z"), .type = TENSOR_U8, .n_dims = 1, .shape = {3}, .data = narrow},
        {.name = SLICE("b"), .type = TENSOR_F32, .n_dims = 2, .shape = {1, 2}},
        {.name = SLICE("y"), .type = TENSOR_I64, .n_dims = 1, .shape = {1}, .data = wide},
    };
    cr_assert(safetensors_write(path, items, 3, &metadata, 1, fill_fours, &filled, &err) ==
                  STATUS_OK,
              "%s", err.text);
    cr_assert(filled == 1);
    Slice bytes = {0};
    cr_assert(file_map(path, &bytes, &err) == STATUS_OK);
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},\"y\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},";
    cr_assert(slice_starts_with(slice_sub(bytes, 8, bytes.len), slice_from_cstr(header)), "%.*s",
              slice_print_len(bytes), bytes.ptr);
    cr_assert((unsigned char)bytes.ptr[0] % 8 == 0, "the header is padded");
    file_unmap(&bytes);
    cr_assert(safetensors_open(path, &file, &err) == STATUS_OK, "%s", err.text);
    float values[2];
    cr_assert(safetensor_read_f32(safetensors_find(&file, SLICE("b")), values, &err) == STATUS_OK &&
              values[1] == 4.5f);
    safetensors_close(&file);
    const SafeItem twice[] = {items[0], items[0]};
    cr_assert(safetensors_write(path, twice, 2, NULL, 0, NULL, NULL, &err) == STATUS_INVALID);
    cr_assert(safetensors_write(folder_path(folder, "no/such/folder"), items, 1, NULL, 0, NULL,
                                NULL, &err) != STATUS_OK);
    folder_remove(folder);
}

static void write_text(const char *path, const char *text)
{
    Error err = {0};
    cr_assert(file_write(path, slice_from_cstr(text), &err) == STATUS_OK, "%s", err.text);
}

// A shard as other tools write it: each has its own metadata.
static void write_one(const char *path, const char *name, float value)
{
    Error err = {0};
    const SafeMetadata format = {SLICE("format"), SLICE("pt")};
    const SafeItem item = {.name = slice_from_cstr(name),
                           .type = TENSOR_F32,
                           .n_dims = 1,
                           .shape = {1},
                           .data = &value};
    cr_assert(safetensors_write(path, &item, 1, &format, 1, NULL, NULL, &err) == STATUS_OK, "%s",
              err.text);
}

Test(safetensors, opens_shards_through_their_index)
{
    Error err = {0};
    Safetensors file;
    const char *folder = folder_make();
    cr_assert(safetensors_open_model(folder, &file, &err) == STATUS_NOT_FOUND);
    write_one(folder_path(folder, "m-1.safetensors"), "a", 1);
    write_one(folder_path(folder, "m-2.safetensors"), "b", 2);
    const char *index = folder_path(folder, "model.safetensors.index.json");
    write_text(index, "{\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\"}}");
    cr_assert(safetensors_open_model(folder, &file, &err) == STATUS_OK, "%s", err.text);
    cr_assert(file.n_tensors == 2 && safetensors_find(&file, SLICE("b")) != NULL);
    cr_assert(file.n_metadata == 1 && slice_eq_cstr(safetensors_metadata(&file, "format"), "pt"));
    safetensors_close(&file);

    static const struct {
        const char *index, *says;
    } broken[] = {
        {"{\"weight_map\": {\"a\": \"m-2.safetensors\", \"b\": \"m-2.safetensors\"}}",
         "does not have it"},
        {"{\"weight_map\": {\"a\": \"m-1.safetensors\", \"c\": \"m-2.safetensors\"}}",
         "does not have it"},
        {"{\"weight_map\": {\"a\": \"../m-1.safetensors\"}}", "plain file name"},
        {"{\"weight_map\": {\"a\": \"m-3.safetensors\"}}", "m-3.safetensors"},
        {"{\"weight_map\": {\"a\": 1}}", "weight_map"},
        {"{}", "weight_map"},
        {"[", "index.json"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        Error e = {0};
        write_text(folder_path(folder, "model.safetensors.index.json"), broken[i].index);
        cr_assert(safetensors_open_model(folder, &file, &e) != STATUS_OK, "%s", broken[i].index);
        cr_assert(strstr(e.text, broken[i].says) != NULL, "%s says: %s", broken[i].index, e.text);
    }
    write_one(folder_path(folder, "m-2.safetensors"), "a", 2); // now in both
    write_text(folder_path(folder, "model.safetensors.index.json"),
               "{\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\"}}");
    Error e = {0};
    cr_assert(safetensors_open_model(folder, &file, &e) == STATUS_INVALID &&
                  strstr(e.text, "twice"),
              "%s", e.text);
    folder_remove(folder);
}

Test(safetensors, survives_every_allocation_that_fails)
{
    Buffer buffer = {0};
    const Slice whole = make_file(
        &buffer,
        "{\"__metadata__\":{\"a\":\"b\"},\"a\\u0062\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,6]}}",
        6);
    Status s = STATUS_MEMORY;
    for (size_t n = 1; s != STATUS_OK; n++) {
        Safetensors file;
        Error err = {0};
        cr_assert(n < 100, "it never succeeds");
        arena_fail_after(n);
        s = parse(whole, &file, &err);
        arena_fail_after(0);
        cr_assert(s == STATUS_OK || s == STATUS_MEMORY, "allocation %zu: %s", n, err.text);
        if (s == STATUS_OK) safetensors_close(&file);
    }
    buffer_release(&buffer);
}
