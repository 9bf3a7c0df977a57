// safetensors files: parsing never crashes, and what it accepts lies within the file, once, with stacked experts taken apart too.
#include "models/checkpoint_experts.h"
#include "models/formats/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

// The header's length comes first, as 8 bytes.
const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "\x3b\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}   \1\2\3\4\5\6\7\10"),
    SLICE_LIT(
        "\x89\0\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[4,6]},"
        "\"a\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}\1\2\3\4\5\6"),
    SLICE_LIT(
        "\xb8\0\0\0\0\0\0\0"
        "{\"model.layers.0.mlp.experts.gate_up_proj\":{\"dtype\":\"F16\",\"shape\":[2,2,1],\"data_offsets\":[0,8]},"
        "\"model.layers.0.mlp.gate.weight\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[8,10]}}    "
        "abcdefghij"),
    SLICE_LIT(
        "\xd0\0\0\0\0\0\0\0"
        "{\"model.layers.0.mlp.experts.down_proj_blocks\":{\"dtype\":\"U8\",\"shape\":[2,1,1,16],\"data_offsets\":[0,32]},\"model.layers.0.mlp.experts.down_proj_scales\":{\"dtype\":\"U8\",\"shape\":[2,1,1],\"data_offsets\":[32,34]}}     "
        "abcdefghijklmnopqrstuvwxyz01234567"),
    SLICE_LIT(
        "\xc8\0\0\0\0\0\0\0"
        "{\"model.layers.0.mlp.experts.gate_up_proj\":{\"dtype\":\"F16\",\"shape\":[2,1,2],\"data_offsets\":[0,8]},\"model.layers.0.mlp.experts.gate_up_proj_bias\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[8,16]}}     "
        "abcdefghijklmnop"),
    SLICE_LIT("\x02\0\0\0\0\0\0\0{}"),
    SLICE_LIT("\0\0\0\0\0\0\0\x80{}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void read_all(const SafeTensor *tensor)
{
    Error err = {0};
    float *floats = malloc((tensor->n_elements + 1) * sizeof *floats);
    int32_t *ints = malloc((tensor->n_elements + 1) * sizeof *ints);
    if (!floats || !ints) abort();
    const Status f = safetensor_read_f32(tensor, floats, &err);
    const Status i = safetensor_read_i32(tensor, ints, &err);
    if ((f != STATUS_OK || i != STATUS_OK) && err.text[0] == '\0') abort();
    free(floats);
    free(ints);
}

// Bytes of all tensors, which lie within the file.
static size_t total_of(const Safetensors *file, Slice bytes)
{
    size_t total = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const SafeTensor *tensor = &file->tensors[i];
        if (tensor->data.len != tensor->n_elements * tensor_type_size(tensor->type)) abort();
        if (tensor->data.ptr < bytes.ptr ||
            tensor->data.ptr + tensor->data.len > bytes.ptr + bytes.len)
            abort();
        if (safetensors_find(file, tensor->name) != tensor) abort();
        total += tensor->data.len;
    }
    return total;
}

// As a Mixtral of two experts has them: nothing is lost, nothing is there twice.
static void take_apart(Safetensors *file, Slice bytes, size_t total)
{
    static const Slice config =
        SLICE_LIT("{\"model_type\": \"mixtral\", \"vocab_size\": 4, \"hidden_size\": 4, "
                  "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 1, "
                  "\"max_position_embeddings\": 4, \"num_local_experts\": 2}");
    Error err = {0};
    JsonDocument *document = NULL;
    if (json_parse(SLICE("config"), config, JSON_STRICT, &document, &err) != STATUS_OK) abort();
    const Status s = checkpoint_unstack_experts(json_root(document), file, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    if (s == STATUS_OK && total_of(file, bytes) != total) abort();
    json_close(&document);
}

// As a gpt-oss of two experts: what comes of it lies within the file and is read, joined or turned.
static void turn(Safetensors *file, Slice bytes)
{
    static const Slice config =
        SLICE_LIT("{\"model_type\": \"gpt_oss\", \"vocab_size\": 4, \"hidden_size\": 4, "
                  "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 1, "
                  "\"max_position_embeddings\": 4, \"num_local_experts\": 2, "
                  "\"num_experts_per_tok\": 1}");
    Error err = {0};
    JsonDocument *document = NULL;
    if (json_parse(SLICE("config"), config, JSON_STRICT, &document, &err) != STATUS_OK) abort();
    const Status s = checkpoint_unstack_experts(json_root(document), file, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    for (size_t i = 0; s == STATUS_OK && i < file->n_tensors; i++) {
        const SafeTensor *tensor = &file->tensors[i];
        if (tensor->data.ptr < bytes.ptr ||
            tensor->data.ptr + tensor->data.len > bytes.ptr + bytes.len)
            abort();
        read_all(tensor);
    }
    json_close(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    Safetensors file;
    const Slice bytes = {(const char *)data, size};
    if (safetensors_parse(SLICE("fuzz"), bytes, &file, &err) != STATUS_OK) {
        if (err.text[0] == '\0' || file.n_tensors != 0) abort();
        return 0;
    }
    const size_t total = total_of(&file, bytes);
    if (total > size) abort();
    for (size_t i = 0; i < file.n_tensors; i++) read_all(&file.tensors[i]);
    take_apart(&file, bytes, total);
    safetensors_close(&file);
    if (safetensors_parse(SLICE("fuzz"), bytes, &file, &err) != STATUS_OK) abort();
    turn(&file, bytes);
    safetensors_close(&file);
    return 0;
}
