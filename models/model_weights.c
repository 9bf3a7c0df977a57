#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/size.h"
#include "kernels/pack.h"
#include "models/architecture.h"
#include "models/generation/cache.h"
#include "models/model_internal.h"

// "512 MiB" or "1.5 GiB".
static const char *bytes_text(double bytes, char out[32])
{
    if (bytes < 0x1p30)
        snprintf(out, 32, "%.0f MiB", bytes / 0x1p20);
    else
        snprintf(out, 32, "%.1f GiB", bytes / 0x1p30);
    return out;
}

// Memory that the machine, the container or the process's limits leave for the weights and for keys and values, before anything is
// read into it.
static Status check_room(const Model *model, Error *err)
{
    enum { NOT_WORTH_ASKING = 16 << 20 };
    char keys[80] = "", texts[3][32];
    uint64_t total, available;
    if (model->exec_options.device.kind != DEVICE_CPU) return STATUS_OK;
    const double weights = (double)model->tape.n_floats * sizeof(float);
    const size_t n_kept = size_min(model->kept_tokens, model->config.max_positions);
    const double kept =
        (double)n_kept * (double)cache_bytes_per_token(&model->tape, model->kv_dtype) +
        (n_kept > 0 ? (double)cache_bytes_per_sequence(&model->tape) : 0);
    if (weights + kept < (double)NOT_WORTH_ASKING) return STATUS_OK;
    machine_memory(&total, &available);
    if (available == 0 || weights + kept <= (double)available) return STATUS_OK;
    if (kept > 0)
        snprintf(keys, sizeof keys, ", keys and values of %zu tokens %s", n_kept,
                 bytes_text(kept, texts[0]));
    return error_set(err, STATUS_MEMORY,
                     "its weights take %s of memory%s, but only %s are free here%s",
                     bytes_text(weights, texts[1]), keys, bytes_text((double)available, texts[2]),
                     model->is_mapped      ? ""
                     : model->keeps_stored ? "; --mmap reads weights where their file is mapped"
                                           : "; a quantised model takes less (assay quantize)");
}

Status weights_alloc(Model *model, Error *err)
{
    TRY(model_want_workers(model, 1, err));
    if (!model->only_looked_at) {
        void *memory = NULL;
        TRY(check_room(model, err));
        TRY(exec_alloc(model->workers[0].exec, model->tape.n_floats * sizeof(float), &memory, err));
        model->weights = memory;
    }
    return arena_take(&model->arena, model->tape.n_params, sizeof *model->is_fresh, "parameters",
                      &model->is_fresh, err);
}

// ---- one parameter, as rows and as it is stored ----

static size_t row_floats(const Param *param)
{
    return param->rows * param->cols;
}

static bool is_on_host(const Model *model)
{
    return model->exec_options.device.kind == DEVICE_CPU;
}

// Memory for the rows of parameters that are not stored as rows on the host.
typedef struct Workbench {
    float *rows; // of the largest such parameter
    size_t size_bytes;
} Workbench;

static bool is_in_head(const Model *model, const Param *param)
{
    return param->group == 1 + model->config.n_layers;
}

// Rows of a parameter that a Workbench must hold.
static size_t rows_needed(const Model *model, const Param *param, const Safetensors *file,
                          bool head_is_new)
{
    const bool is_drawn = head_is_new && is_in_head(model, param);
    return weights_rows_needed(model, param, is_on_host(model) && !is_drawn ? file : NULL);
}

// file: what they are read from, NULL where they are drawn, as those of a new head are in any case.
static Status workbench_take(const Model *model, const Safetensors *file, bool head_is_new,
                             Workbench *out, Error *err)
{
    size_t largest = 1;
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        if ((param->dtype == DTYPE_F32 || param->is_rounded) && !param->places &&
            (!is_on_host(model) || param->layout == LAYOUT_PANELS))
            largest = size_max(largest, rows_needed(model, param, file, head_is_new) * param->cols);
    }
    out->size_bytes = largest * sizeof(float);
    out->rows = huge_alloc(out->size_bytes);
    return out->rows ? STATUS_OK : error_set_memory(err, largest, sizeof(float), "loading weights");
}

static void workbench_release(Workbench *bench)
{
    huge_free(bench->rows, bench->size_bytes);
}

// Where the rows of a parameter are put together: in place, where they are stored as rows, so that a large table is never
// held twice.
static float *rows_room(const Model *model, size_t index, const Workbench *bench)
{
    const Param *param = &model->tape.params[index];
    return is_on_host(model) && param->layout == LAYOUT_ROWS ? model->weights + param->offset
                                                             : bench->rows;
}

// What rows_room gave, filled, into the weights.
static Status put_param(Model *model, size_t index, const float *rows, Error *err)
{
    const Param *param = &model->tape.params[index];
    float *stored = model->weights + param->offset;
    if (param->is_rounded) return weights_put_rounded(model, param, 0, param->rows, rows, err);
    if (is_on_host(model)) {
        if (param->layout == LAYOUT_PANELS) pack_panels(rows, param->rows, param->cols, stored);
        return STATUS_OK;
    }
    Exec *exec = model->workers[0].exec;
    TRY(exec_upload(exec, stored, rows, row_floats(param) * sizeof *rows,
                    err));       // on GPUs every weight is stored as rows
    return exec_wait(exec, err); // other workers read on streams of their own
}

Status weights_read_param(const Model *model, size_t index, float *rows, Error *err)
{
    const Param *param = &model->tape.params[index];
    Exec *exec = model->workers[0].exec;
    const float *stored = model->weights + param->offset;
    if (param->dtype != DTYPE_F32 || param->places) {
        weights_read_stored(model, param, rows);
        return STATUS_OK;
    }
    if (param->layout != LAYOUT_PANELS)
        return exec_download(exec, rows, stored, row_floats(param) * sizeof *rows, err);
    unpack_panels(stored, param->rows, param->cols, rows); // panels are on the host
    return STATUS_OK;
}

Status weights_transpose(float *matrix, size_t rows, size_t cols, Error *err)
{
    const size_t size_bytes = rows * cols * sizeof *matrix;
    float *copy = huge_alloc(size_bytes);
    if (!copy) return error_set_memory(err, rows * cols, sizeof *matrix, "transposing a weight");
    memcpy(copy, matrix, size_bytes);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < cols; j++) matrix[j * rows + i] = copy[i * cols + j];
    }
    huge_free(copy, size_bytes);
    return STATUS_OK;
}

// ---- random weights ----

Status weights_draw(Model *model, bool only_fresh, uint64_t seed, Error *err)
{
    Workbench bench = {0};
    if (model->only_looked_at) return STATUS_OK;
    Status s = workbench_take(model, NULL, false, &bench, err);
    for (size_t i = 0; s == STATUS_OK && i < model->tape.n_params; i++) {
        if (only_fresh && !model->is_fresh[i]) continue;
        float *rows = rows_room(model, i, &bench);
        weights_draw_param(&model->tape.params[i], model->config.initializer_range, seed, rows);
        s = put_param(model, i, rows, err);
        model->is_fresh[i] = true;
    }
    workbench_release(&bench);
    return s;
}

// ---- from a checkpoint ----

// Integers in a weight's place are a quantised checkpoint or a broken file; as plain numbers they mean nothing.
static Status want_real(const SafeTensor *tensor, Error *err)
{
    DType dtype;
    if (tensor->change == SAFE_SCALED || tensor_type_dtype(tensor->type, &dtype)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": tensor \"" SLICE_FMT
                               "\" is of type %s, but weights must be F32, F16, BF16 or F64: "
                               "a quantised checkpoint must be converted first",
                     SLICE_ARG(tensor->file), SLICE_ARG(tensor->name),
                     tensor_type_name(tensor->type));
}

// A tensor's shape in the checkpoint.
void weights_part_shape(const Param *param, size_t part, size_t *rows, size_t *cols)
{
    const size_t n = param->parts[part].end - param->parts[part].begin;
    if (param->is_vector) {
        *rows = param->stored_rows > 0 ? param->stored_rows : 1;
        *cols = n / *rows;
        return;
    }
    *rows = param->is_input_first ? param->cols : n;
    *cols = param->is_input_first ? n : param->cols;
}

size_t weights_part_dims(const Param *param)
{
    if (param->is_conv) return 3;
    return param->is_vector && param->stored_rows == 0 ? 1 : 2;
}

Status weights_order_part(const Param *param, size_t part, bool to_tensor, float *rows, Error *err)
{
    const ParamPart *p = &param->parts[part];
    const size_t width = param->is_vector ? 1 : param->cols;
    return row_order_apply(&p->order, p->end - p->begin, width, to_tensor, rows + p->begin * width,
                           err);
}

// Whether a parameter's tensors are there and of its shape; *absent names one that is missing.
static Status check_param(const Model *model, const Param *param, const Safetensors *file,
                          Slice *absent, Error *err)
{
    for (size_t p = 0; p < param->n_parts; p++) {
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        if (!tensor) {
            *absent = param->parts[p].name;
            return STATUS_OK;
        }
        size_t n_rows, n_cols;
        weights_part_shape(param, p, &n_rows, &n_cols);
        const size_t matrix[2] = {n_rows, n_cols}, conv[3] = {n_rows, 1, n_cols},
                     n_dims = weights_part_dims(param);
        TRY(want_real(tensor, err));
        if (n_dims == 3 && tensor->n_dims == 3) {
            TRY(safetensor_want_shape(tensor, n_dims, conv, err));
            continue;
        }
        TRY(safetensor_want_shape(tensor, n_dims == 1 ? 1 : 2, n_dims == 1 ? &matrix[1] : matrix,
                                  err));
    }
    return STATUS_OK;
}

Status weights_check_shapes(const Model *model, const Safetensors *file, Error *err)
{
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        Slice absent = {0};
        if (param->source == PARAM_COMPUTED || param->group == 1 + model->config.n_layers) continue;
        TRY(check_param(model, param, file, &absent, err));
    }
    return STATUS_OK;
}

// Reads the parts of a parameter that check_param found.
static Status read_param(const Model *model, const Param *param, const Safetensors *file,
                         float *rows, Error *err)
{
    for (size_t p = 0; p < param->n_parts; p++) {
        const SafeTensor *tensor = weights_find_part(model, file, param, p);
        size_t n_rows, n_cols;
        weights_part_shape(param, p, &n_rows, &n_cols);
        TRY(safetensor_read_f32(
            tensor, rows + param->parts[p].begin * (param->is_vector ? 1 : param->cols), err));
        safetensor_drop(tensor, tensor->data);
        if (param->is_input_first) TRY(weights_transpose(rows, n_rows, n_cols, err));
        TRY(weights_order_part(param, p, false, rows, err));
    }
    return STATUS_OK;
}

static bool is_of_encoder(const Model *model, const Param *param)
{
    return slice_starts_with(param->parts[0].name,
                             slice_from_cstr(model->config.architecture->base_prefix));
}

// Whether a parameter is not the file's; fails where it must be.
static Status find_param(const Model *model, const Param *param, const Safetensors *file,
                         bool may_be_fresh, bool head_is_new, bool *is_fresh, Error *err)
{
    const bool in_head = is_in_head(model, param);
    Slice absent = {0};
    *is_fresh = false;
    if (param->source == PARAM_COMPUTED) return STATUS_OK; // it has no name
    *is_fresh = in_head && head_is_new && !is_of_encoder(model, param);
    if (*is_fresh) return STATUS_OK;
    TRY(check_param(model, param, file, &absent, err));
    const bool may_lack = (may_be_fresh && in_head) || param->source == PARAM_BUFFER;
    if (absent.ptr && !may_lack) TRY(weights_missing(model, file, may_be_fresh, err));
    *is_fresh = absent.ptr != NULL;
    return STATUS_OK;
}

// Reads, draws or computes what find_param found.
static Status load_param(Model *model, size_t index, const Safetensors *file, bool is_fresh,
                         uint64_t seed, const Workbench *bench, Error *err)
{
    const Param *param = &model->tape.params[index];
    float *rows = rows_room(model, index, bench);
    bool is_done = false;
    if (param->source == PARAM_COMPUTED || is_fresh) {
        weights_draw_param(param, model->config.initializer_range, seed, rows);
        return put_param(model, index, rows, err);
    }
    if (is_on_host(model)) TRY(weights_load_rows(model, param, file, bench->rows, &is_done, err));
    if (is_done) return STATUS_OK;
    TRY(read_param(model, param, file, rows, err));
    return put_param(model, index, rows, err);
}

Status weights_load(Model *model, const Safetensors *file, bool may_be_fresh, bool head_is_new,
                    uint64_t seed, Error *err)
{
    Workbench bench = {0};
    const bool reads = !model->only_looked_at;
    Status s = reads ? workbench_take(model, file, head_is_new, &bench, err) : STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        if ((param->dtype != DTYPE_F32 && !param->is_rounded) || param->places) {
            if (reads) s = weights_load_stored(model, param, file, err);
            continue;
        }
        s = find_param(model, param, file, may_be_fresh, head_is_new, &model->is_fresh[i], err);
        if (s == STATUS_OK && reads)
            s = load_param(model, i, file, model->is_fresh[i], seed, &bench, err);
    }
    workbench_release(&bench);
    return s;
}

// ---- reset ----

Status model_keep(Model *model, Error *err)
{
    const size_t size_bytes = model->tape.n_floats * sizeof(float);
    if (model->exec_options.device.kind != DEVICE_CPU) {
        return error_set(err, STATUS_DEVICE,
                         "weights on a GPU are not tuned, so there is nothing to keep");
    }
    if (!model->kept) {
        void *memory = NULL;
        TRY(exec_alloc(model->workers[0].exec, size_bytes, &memory, err));
        model->kept = memory;
    }
    memcpy(model->kept, model->weights, size_bytes);
    return STATUS_OK;
}

Status model_reset(Model *model, uint64_t seed, Error *err)
{
    if (!model->kept) return error_set(err, STATUS_INTERNAL, "model_reset without model_keep");
    memcpy(model->weights, model->kept, model->tape.n_floats * sizeof(float));
    return weights_draw(model, true, seed, err);
}

// ---- by name ----

static Status want_tensor(const Model *model, Slice name, size_t *param, size_t *part, Error *err)
{
    if (weights_find(model, name, param, part)) return STATUS_OK;
    return error_set(err, STATUS_NOT_FOUND, "the model has no tensor \"" SLICE_FMT "\"",
                     SLICE_ARG(name));
}

Status model_tensor_shape(const Model *model, Slice name, size_t *rows, size_t *cols, Error *err)
{
    size_t index, part;
    TRY(want_tensor(model, name, &index, &part, err));
    weights_part_shape(&model->tape.params[index], part, rows, cols);
    return STATUS_OK;
}

// Where a part lies among the rows of its parameter.
static void part_range(const Param *param, size_t part, size_t *begin, size_t *n)
{
    const size_t width = param->is_vector ? 1 : param->cols;
    *begin = param->parts[part].begin * width;
    *n = (param->parts[part].end - param->parts[part].begin) * width;
}

Status model_tensor_read(const Model *model, Slice name, float *out, Error *err)
{
    size_t index, part, begin, n;
    TRY(want_tensor(model, name, &index, &part, err));
    const Param *param = &model->tape.params[index];
    part_range(param, part, &begin, &n);
    if (param->n_parts == 1) {
        TRY(weights_read_param(model, index, out, err));
        TRY(weights_order_part(param, 0, true, out, err));
        return param->is_input_first ? weights_transpose(out, param->rows, param->cols, err)
                                     : STATUS_OK;
    }
    float *rows = malloc(row_floats(param) * sizeof *rows);
    if (!rows) return error_set_memory(err, row_floats(param), sizeof *rows, "a tensor");
    Status s = weights_read_param(model, index, rows, err);
    if (s == STATUS_OK) s = weights_order_part(param, part, true, rows, err);
    if (s == STATUS_OK) memcpy(out, rows + begin, n * sizeof *out);
    free(rows);
    return s;
}

Status model_tensor_write(Model *model, Slice name, const float *values, Error *err)
{
    size_t index, part, begin, n;
    Workbench bench = {0};
    TRY(want_tensor(model, name, &index, &part, err));
    if (model->tape.params[index].dtype != DTYPE_F32 || model->tape.params[index].places) {
        return error_set(err, STATUS_INVALID,
                         "tensor \"" SLICE_FMT
                         "\" is kept as its file stores it and cannot be written",
                         SLICE_ARG(name));
    }
    part_range(&model->tape.params[index], part, &begin, &n);
    Status s = workbench_take(model, NULL, false, &bench, err);
    float *rows = s == STATUS_OK ? rows_room(model, index, &bench) : NULL;
    if (s == STATUS_OK && rows == bench.rows) s = weights_read_param(model, index, rows, err);
    if (s == STATUS_OK) {
        const Param *param = &model->tape.params[index];
        memcpy(rows + begin, values, n * sizeof *values);
        if (param->is_input_first) s = weights_transpose(rows, param->cols, param->rows, err);
        if (s == STATUS_OK) s = weights_order_part(param, part, false, rows, err);
        if (s == STATUS_OK) s = put_param(model, index, rows, err);
    }
    workbench_release(&bench);
    return s;
}
