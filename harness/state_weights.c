// harness/state_weights.c: a tuned model's weights in a file of the state folder. The bits come back as they were: packing
// only moves numbers.
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/size.h"
#include "harness/state.h"

typedef struct Head {
    char magic[8];
    uint64_t n_floats;
    unsigned char sha256[32]; // of the floats
} Head;

static const char magic[8] = "assayW1";

static Status count_floats(const Model *model, size_t *n_floats, Error *err)
{
    *n_floats = 0;
    for (size_t i = 0; i < model_n_tensors(model); i++) {
        size_t rows = 0, cols = 0;
        TRY(model_tensor_shape(model, model_tensor_name(model, i), &rows, &cols, err));
        *n_floats += rows * cols; // held in memory already: no overflow
    }
    return STATUS_OK;
}

static void hash_floats(Slice bytes, unsigned char digest[32])
{
    Sha256 hash;
    sha256_init(&hash);
    sha256_update(&hash, bytes);
    sha256_finish(&hash, digest);
}

static Status write_head_and_floats(const char *path, const float *floats, size_t n_floats,
                                    Error *err)
{
    Head head;
    FileWriter *writer = NULL;
    memset(&head, 0, sizeof head);
    memcpy(head.magic, magic, sizeof magic);
    head.n_floats = n_floats;
    hash_floats((Slice){(const char *)floats, n_floats * sizeof *floats}, head.sha256);
    Status s = file_writer_open(path, &writer, err);
    if (s == STATUS_OK) s = file_writer_write(writer, &head, sizeof head, err);
    if (s == STATUS_OK) s = file_writer_write(writer, floats, n_floats * sizeof *floats, err);
    if (s == STATUS_OK) s = file_writer_commit(&writer, err);
    file_writer_discard(&writer);
    return s;
}

Status tuned_save(const Model *model, const char *path, Error *err)
{
    size_t n_floats = 0, at = 0;
    TRY(count_floats(model, &n_floats, err));
    float *floats = huge_alloc(n_floats * sizeof *floats);
    if (floats == NULL) return error_set_memory(err, n_floats, sizeof *floats, "weights");
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < model_n_tensors(model); i++) {
        size_t rows = 0, cols = 0;
        const Slice name = model_tensor_name(model, i);
        s = model_tensor_shape(model, name, &rows, &cols, err);
        if (s == STATUS_OK) s = model_tensor_read(model, name, floats + at, err);
        at += rows * cols;
    }
    if (s == STATUS_OK) s = write_head_and_floats(path, floats, n_floats, err);
    huge_free(floats, n_floats * sizeof *floats);
    return s;
}

static bool is_whole(Slice file, size_t n_floats, const float **floats)
{
    Head head;
    Slice bytes;
    unsigned char digest[32];
    if (!slice_take(&file, sizeof head, &bytes)) return false;
    memcpy(&head, bytes.ptr, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.n_floats != n_floats ||
        file.len != n_floats * sizeof **floats)
        return false;
    hash_floats(file, digest);
    *floats = (const float *)(const void *)file.ptr; // a page and 48 bytes: aligned for floats
    return memcmp(digest, head.sha256, sizeof digest) == 0;
}

Status tuned_load(Model *model, const char *path, bool *found, Error *err)
{
    Slice file = {0};
    size_t n_floats = 0, at = 0;
    const float *floats = NULL;
    *found = false;
    if (!file_exists(path)) return STATUS_OK;
    TRY(count_floats(model, &n_floats, err));
    TRY(file_map(path, &file, err));
    Status s = STATUS_OK;
    if (is_whole(file, n_floats, &floats)) {
        for (size_t i = 0; s == STATUS_OK && i < model_n_tensors(model); i++) {
            size_t rows = 0, cols = 0;
            const Slice name = model_tensor_name(model, i);
            s = model_tensor_shape(model, name, &rows, &cols, err);
            if (s == STATUS_OK) s = model_tensor_write(model, name, floats + at, err);
            at += rows * cols;
        }
        *found = s == STATUS_OK;
    }
    file_unmap(&file);
    return s;
}
