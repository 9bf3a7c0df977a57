#include "models/quantize.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "models/architecture.h"
#include "models/checkpoint.h"
#include "models/model.h"
#include "models/quantize_internal.h"

// ---- what is written ----

static Status add(QuantizeWork *work, const SafeItem *item, const QuantizeSource *source,
                  TensorType from, uint64_t bytes_before, Error *err)
{
    QuantizedTensor *told = &work->report->tensors[work->n];
    size_t n = 0, size = 0;
    if (!tensor_type_bytes(item->type, item->n_dims, item->shape, &n, &size)) {
        return error_set(err, STATUS_INVALID, "tensor \"" SLICE_FMT "\" is too large",
                         SLICE_ARG(item->name));
    }
    const Slice name = arena_copy(work->arena, item->name); // outlives the checkpoint
    if (!name.ptr) return error_set_memory(err, 1, item->name.len, "a tensor's name");
    *told = (QuantizedTensor){.name = name,
                              .from = from,
                              .to = item->type,
                              .n_dims = item->n_dims,
                              .n_elements = n,
                              .bytes_before = bytes_before,
                              .bytes_after = size};
    memcpy(told->shape, item->shape, sizeof told->shape);
    work->items[work->n] = *item;
    work->sources[work->n++] = *source;
    work->report->bytes_before += bytes_before;
    work->report->bytes_after += size;
    return STATUS_OK;
}

// Buffers that some checkpoints carry and no model needs.
static bool is_left_out(const QuantizeWork *work, Slice name)
{
    static const char *const endings[] = {"position_ids",    "rotary_emb.inv_freq",
                                          ".attn.bias",      ".attn.masked_bias",
                                          ".attention.bias", ".attention.masked_bias"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (slice_ends_with(name, slice_from_cstr(endings[i]))) return true;
    }
    return work->is_tied &&
           (slice_eq_cstr(name, "lm_head.weight") || slice_eq_cstr(name, "embed_out.weight"));
}

// The name in GGUF; one that the family does not know stays. full is the name with the prefix that a bare encoder leaves out.
static Status stored_name(const QuantizeWork *work, Slice name, Slice *full, Slice *out, Error *err)
{
    char stored[GGUF_NAME_SIZE];
    const char *prefix = work->config.architecture->base_prefix;
    *full = name;
    bool found = gguf_name_from_model(work->family, name, stored);
    if (!found && work->family && prefix) {
        *full = slice_from_cstr(arena_printf(work->arena, "%s" SLICE_FMT, prefix, SLICE_ARG(name)));
        if (!full->ptr) return error_set_memory(err, 1, name.len, "a tensor's name");
        found = gguf_name_from_model(work->family, *full, stored);
    }
    *out = found ? arena_copy(work->arena, slice_from_cstr(stored)) : name;
    return out->ptr ? STATUS_OK : error_set_memory(err, 1, name.len, "a tensor's name");
}

// What makes keys and values of a head, one tensor in a checkpoint, is one each, of three dimensions.
static Status add_keys_values(QuantizeWork *work, const SafeTensor *tensor, Slice stored,
                              Error *err)
{
    const LatentConfig *l = &work->config.latent;
    const Slice ending = SLICE(".attn_kv_b.weight");
    const Slice block = slice_sub(stored, 0, stored.len - ending.len);
    const size_t n_heads = work->config.n_heads, n_rows = n_heads * (l->plain_dims + l->value_dims);
    if (tensor->n_dims != 2 || tensor->shape[0] != n_rows || tensor->shape[1] != l->kv_rank) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": tensor \"" SLICE_FMT
                                   "\" must be [%zu, %zu], as config.json has it",
                         SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), n_rows, l->kv_rank);
    }
    for (int is_values = 0; is_values < 2; is_values++) {
        const QuantizeSource source = {
            .tensor = tensor, .change = SAFE_KEYS_VALUES, .is_values = is_values != 0};
        const size_t n = is_values ? l->value_dims : l->plain_dims;
        const char *name = arena_printf(work->arena, SLICE_FMT ".attn_%c_b.weight",
                                        SLICE_ARG(block), is_values ? 'v' : 'k');
        if (!name) return error_set_memory(err, 1, stored.len, "a tensor's name");
        SafeItem item = {
            .name = slice_from_cstr(name),
            .n_dims = 3,
            .shape = {n_heads, is_values ? n : l->kv_rank, is_values ? l->kv_rank : n}};
        item.type = quantize_choose_type(work, item.name, item.n_dims, item.shape);
        TRY(add(work, &item, &source, tensor->type,
                safetensor_bytes(tensor) / (l->plain_dims + l->value_dims) * n, err));
    }
    return STATUS_OK;
}

// n rows of a tensor from row `first` on.
static Status take_rows(QuantizeWork *work, const SafeTensor *tensor, size_t first, size_t n,
                        const SafeTensor **out, Error *err)
{
    SafeTensor *rows = NULL;
    const size_t each = tensor->data.len / tensor->shape[0];
    TRY(arena_take(work->arena, 1, sizeof *rows, "a tensor", &rows, err));
    *rows = *tensor;
    rows->shape[0] = n;
    rows->n_elements = n * tensor->shape[1];
    rows->data = slice_sub(tensor->data, first * each, (first + n) * each);
    *out = rows;
    return STATUS_OK;
}

static Status want_rows(const SafeTensor *tensor, size_t n_rows, Error *err)
{
    if (tensor->n_dims == 2 && tensor->shape[0] == n_rows) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": tensor \"" SLICE_FMT
                               "\" must have %zu rows, as config.json has it",
                     SLICE_ARG(tensor->file), SLICE_ARG(tensor->name), n_rows);
}

// llama.cpp's table of positions begins with that of the first token; what RoBERTa has before it goes into the metadata.
static Status cut_positions(QuantizeWork *work, const SafeTensor *tensor, SafeItem *item,
                            QuantizeSource *source, Error *err)
{
    const size_t first = work->config.first_position, n = work->config.max_positions;
    TRY(want_rows(tensor, first + n, err));
    work->positions = tensor;
    item->shape[0] = n;
    return take_rows(work, tensor, first, n, &source->tensor, err);
}

// A gate and what it gates, one tensor in Granite 4's checkpoints.
static Status add_gates(QuantizeWork *work, const SafeTensor *tensor, Slice stored, Error *err)
{
    const size_t n = work->config.intermediate_size;
    const Slice block = slice_sub(stored, 0, stored.len - SLICE(".ffn_gate_up.weight").len);
    TRY(want_rows(tensor, 2 * n, err));
    for (size_t is_up = 0; is_up < 2; is_up++) {
        QuantizeSource source = {0};
        const char *name = arena_printf(work->arena, SLICE_FMT ".ffn_%s.weight", SLICE_ARG(block),
                                        is_up ? "up" : "gate");
        if (!name) return error_set_memory(err, 1, stored.len, "a tensor's name");
        SafeItem item = {
            .name = slice_from_cstr(name), .n_dims = 2, .shape = {n, tensor->shape[1]}};
        TRY(take_rows(work, tensor, is_up * n, n, &source.tensor, err));
        item.type = quantize_choose_type(work, item.name, item.n_dims, item.shape);
        TRY(add(work, &item, &source, tensor->type, safetensor_bytes(source.tensor), err));
    }
    return STATUS_OK;
}

static Status add_of_model(QuantizeWork *work, const SafeTensor *tensor, Error *err)
{
    SafeItem item = {.n_dims = tensor->n_dims};
    Slice full;
    DType dtype;
    if (is_left_out(work, tensor->name)) return STATUS_OK;
    if (tensor->change != SAFE_SCALED && !tensor_type_dtype(tensor->type, &dtype)) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": tensor \"" SLICE_FMT "\" is of type %s, which is no weight's",
                         SLICE_ARG(tensor->file), SLICE_ARG(tensor->name),
                         tensor_type_name(tensor->type));
    }
    QuantizeSource source = {.tensor = tensor};
    bool is_member = false;
    TRY(quantize_stack_experts(work, tensor, &item, &source, &is_member, err));
    if (source.experts) {
        item.type = quantize_choose_type(work, item.name, item.n_dims, item.shape);
        return add(work, &item, &source, tensor->type, source.n_experts * safetensor_bytes(tensor),
                   err);
    }
    if (is_member) return STATUS_OK;
    TRY(stored_name(work, tensor->name, &full, &item.name, err));
    if (slice_ends_with(item.name, SLICE(".attn_kv_b.weight")))
        return add_keys_values(work, tensor, item.name, err);
    if (slice_ends_with(item.name, SLICE(".ffn_gate_up.weight")))
        return add_gates(work, tensor, item.name, err);
    source.change = gguf_change(work->family, full);
    memcpy(item.shape, tensor->shape, sizeof item.shape);
    if (work->config.first_position > 0 && slice_eq_cstr(item.name, "position_embd.weight"))
        TRY(cut_positions(work, tensor, &item, &source, err));
    if (slice_ends_with(item.name, SLICE("ffn_gate_inp_shexp.weight")) && item.n_dims == 2) {
        item.n_dims = 1; // a layer of one output is a vector there
        item.shape[0] = tensor->shape[1];
    }
    if (slice_ends_with(item.name, SLICE("shortconv.conv.weight")) && item.n_dims == 3) {
        item.n_dims = 2; // a convolution's weight is a matrix there
        item.shape[1] = item.shape[2];
    }
    if (source.change == SAFE_TRANSPOSED && item.n_dims == 2) {
        item.shape[0] = tensor->shape[1];
        item.shape[1] = tensor->shape[0];
    }
    if (source.change == SAFE_REORDERED)
        TRY(gguf_row_order(work->family, &work->config, full, tensor->shape[0], &source.order,
                           err));
    item.type = quantize_choose_type(work, item.name, item.n_dims, item.shape);
    return add(work, &item, &source, tensor->type, safetensor_bytes(tensor), err);
}

// Of a GGUF file, as it stands there.
static Status add_of_gguf(QuantizeWork *work, const SafeTensor *tensor, Error *err)
{
    SafeItem item = {.name = tensor->name, .n_dims = tensor->n_dims};
    const QuantizeSource source = {.tensor = tensor};
    memcpy(item.shape, tensor->shape, sizeof item.shape);
    item.type = quantize_choose_type(work, item.name, item.n_dims, item.shape);
    return add(work, &item, &source, tensor->type, safetensor_bytes(tensor), err);
}

Status quantize_add_factors(QuantizeWork *work, const GgufRopeFactors *factors, Error *err)
{
    const char *names[2] = {"rope_freqs.weight", NULL};
    const float *values[2] = {factors->values, factors->long_values};
    if (factors->long_values) {
        names[0] = "rope_factors_short.weight";
        names[1] = "rope_factors_long.weight";
    }
    for (size_t i = 0; i < 2 && values[i]; i++) {
        const SafeItem item = {.name = slice_from_cstr(names[i]),
                               .type = TENSOR_F32,
                               .n_dims = 1,
                               .shape = {factors->n}};
        const QuantizeSource source = {.factors = values[i]};
        TRY(add(work, &item, &source, TENSOR_F32, 0, err));
    }
    return STATUS_OK;
}

// ---- the whole ----

static Status plan(QuantizeWork *work, const char *path, GgufBuilder *b, Error *err)
{
    const Gguf *gguf = &work->files.gguf;
    const bool is_gguf = gguf->n_pairs > 0;
    // Two more of factors; of DeepSeek and Granite 4 one more in each block.
    const size_t n =
        (is_gguf ? gguf->n_tensors : work->files.tensors.n_tensors) + 2 + work->config.n_layers;
    Arena *arena = work->arena;
    TRY(arena_take(arena, n, sizeof *work->items, "tensors", &work->items, err));
    TRY(arena_take(arena, n, sizeof *work->sources, "tensors", &work->sources, err));
    TRY(arena_take(arena, n, sizeof *work->report->tensors, "tensors", &work->report->tensors,
                   err));
    if (is_gguf) {
        for (size_t i = 0; i < gguf->n_tensors; i++) TRY(add_of_gguf(work, &gguf->tensors[i], err));
        quantize_copy_metadata(gguf, quantize_format_number(work->to), b);
        return STATUS_OK;
    }
    for (size_t i = 0; i < work->files.tensors.n_tensors; i++)
        TRY(add_of_model(work, &work->files.tensors.tensors[i], err));
    return quantize_put_metadata(work, path, b, err);
}

static void sum_report(QuantizeWork *work)
{
    double square = 0, all = 0;
    QuantizeReport *report = work->report;
    report->n_tensors = work->n;
    for (size_t i = 0; i < report->n_tensors; i++) {
        if (report->tensors[i].n_dims < 2) continue;
        square += report->tensors[i].square;
        all += report->tensors[i].square_of_all;
    }
    report->error = all > 0 ? sqrt(square / all) : 0;
}

// Whether there is an output layer and it is the embedding.
static bool is_tied(const Safetensors *tensors, const Json *json, const ModelConfig *config)
{
    // ...ForCausalLM, ...LMHeadModel, ...ForMaskedLM
    if (slice_find(config->class_name, SLICE("LM")) == SIZE_MAX) return false;
    bool tied = safetensors_find(tensors, SLICE("lm_head.weight")) == NULL;
    if (json_opt_bool(json, "tie_word_embeddings", &tied, NULL) != STATUS_OK) return false;
    return tied && !checkpoint_own_output(tensors, config->architecture);
}

// A file is made only of weights that fit their config.json: nothing would open it.
static Status check_weights(const char *path, Error *err)
{
    const ModelOptions options = {.without_tokenizer = 1, .only_looked_at = 1};
    Model *model = NULL;
    const Status s = model_open(path, &options, &model, err);
    model_close(&model);
    return s;
}

Status model_quantize(const char *path, const QuantizeFormat *to, const char *out_path, Pool *pool,
                      const atomic_int *cancel, Arena *arena, QuantizeReport *report, Error *err)
{
    GgufBuilder b = {0};
    QuantizeWork work = {
        .to = to, .arena = arena, .pool = pool, .cancel = cancel, .report = report};
    *report = (QuantizeReport){0};
    TRY(checkpoint_resolve(arena, path, &report->path, err));
    TRY(check_weights(report->path, err));
    TRY(checkpoint_open(report->path, &work.files, err));
    const Json *config = json_root(work.files.config);
    Status s = model_config_parse(arena, config, &work.config, err);
    if (s == STATUS_OK) {
        s = gguf_family_of_config(config, &work.family, err);
        work.is_tied = is_tied(&work.files.tensors, config, &work.config);
        if (s == STATUS_OK) s = plan(&work, report->path, &b, err);
    }
    if (s == STATUS_OK) s = gguf_write(out_path, &b, work.items, work.n, quantize_fill, &work, err);
    if (s == STATUS_OK) s = quantize_find_unsaid(&work, out_path, err);
    if (s == STATUS_OK) s = quantize_find_unplaced(&work, err);
    if (s == STATUS_OK) sum_report(&work);
    gguf_builder_release(&b);
    checkpoint_close(&work.files);
    return s;
}
