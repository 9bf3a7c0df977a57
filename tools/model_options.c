#include "tools/model_options.h"

#include <string.h>

#include "base/file.h"
#include "base/machine.h"
#include "kernels/op.h"
#include "models/checkpoint.h"

const char *const compute_choices[] = {"f32", "tf32", "bf16", "int8", NULL};
const char *const blas_choices[] = {"own", "openblas", NULL};
const char *const kv_choices[] = {"f32", "f16", "bf16", NULL};

Status device_parse(const char *text, Device *out, Error *err)
{
    enum { HIGHEST_GPU = 1023 };
    uint64_t index = 0;
    *out = (Device){.kind = DEVICE_CPU};
    if (strcmp(text, "cpu") == 0) return STATUS_OK;
    const bool is_first = strcmp(text, "cuda") == 0;
    const bool is_numbered = strncmp(text, "cuda:", 5) == 0 &&
                             slice_to_u64(slice_from_cstr(text + 5), &index) &&
                             index <= HIGHEST_GPU;
    if (!is_first && !is_numbered) {
        return error_set(err, STATUS_INVALID, "--device %s: known are cpu and cuda:N", text);
    }
    *out = (Device){.kind = DEVICE_CUDA, .index = (int)index};
    return STATUS_OK;
}

ComputeMode compute_option(const CommandLine *line)
{
    static const ComputeMode modes[] = {COMPUTE_F32, COMPUTE_TF32, COMPUTE_BF16, COMPUTE_I8};
    return modes[option_choice(line, "compute")];
}

Status device_option(const CommandLine *line, Device *out, Error *err)
{
    TRY(device_parse(option_text(line, "device"), out, err));
    if (compute_option(line) == COMPUTE_TF32 && out->kind == DEVICE_CPU) {
        return error_set(err, STATUS_INVALID, "--compute tf32 is for a GPU: add --device cuda:0");
    }
    return STATUS_OK;
}

Status model_options_read(const CommandLine *line, ModelOptions *out, Error *err)
{
    *out = (ModelOptions){
        .compute = compute_option(line),
        .openblas_forward = option_choice(line, "blas") == 1,
    };
    return device_option(line, &out->device, err);
}

Status model_options_mmap(const CommandLine *line, ModelOptions *out, Error *err)
{
    out->mapped = option_flag(line, "mmap");
    if (out->mapped && out->compute != COMPUTE_F32)
        return error_set(
            err, STATUS_INVALID,
            "--mmap reads weights as their files have them, but --compute %s wants them "
            "rounded and packed: leave out one of the two",
            compute_choices[option_choice(line, "compute")]);
    if (!out->mapped || (out->device.kind == DEVICE_CPU && !out->openblas_forward))
        return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--mmap is read by the CPU's own kernels alone: leave out %s",
                     out->openblas_forward ? "--blas" : "--device");
}

DType kv_option(const CommandLine *line)
{
    static const DType dtypes[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16};
    return dtypes[option_choice(line, "kv")];
}

Status model_options_kv(const CommandLine *line, ModelOptions *out, Error *err)
{
    out->kv_dtype = kv_option(line);
    if (out->kv_dtype == DTYPE_F32 || out->device.kind == DEVICE_CPU) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--kv %s is for the CPU, where texts are written: leave out --device",
                     kv_choices[option_choice(line, "kv")]);
}

Status model_options_kv_check(const CommandLine *line, const Model *model, Error *err)
{
    const ModelHead head = model_config(model)->head;
    if (kv_option(line) == DTYPE_F32 || head == HEAD_CAUSAL_LM) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--kv is for causal language models, which keep keys and values of their "
                     "context: this one has a %s head; leave it out",
                     model_head_name(head));
}

Status model_options_pool(const CommandLine *line, Pool **out, Error *err)
{
    return pool_open((size_t)option_integer(line, "threads"), out, err);
}

void model_options_tell_unused(Log *log, const char *path, const Model *model)
{
    Slice names = {0};
    const size_t n = model_unused_tensors(model, &names);
    if (n == 0) return;
    log_message(log, LOG_WARNING,
                "%s: %zu tensor%s that this architecture does not have %s left out: " SLICE_FMT,
                path, n, n > 1 ? "s" : "", n > 1 ? "were" : "was", SLICE_ARG(names));
}

void model_options_tell_short(Log *log, const char *path, const Model *model)
{
    // Rows are made up to round numbers, and a few are kept free: of published models at most 4 in 100 have no token.
    enum { LEAST_PER_CENT = 90 };
    const Tokenizer *tokenizer = model_tokenizer(model);
    const size_t n_rows = model_config(model)->vocab_size;
    const size_t n_tokens = tokenizer ? tokenizer_vocab_size(tokenizer) : n_rows;
    if (n_tokens >= n_rows * LEAST_PER_CENT / 100) return;
    log_message(log, LOG_WARNING,
                "%s: the tokenizer has %zu tokens, but the embedding %zu rows (vocab_size): if its "
                "files are cut short or of another model, texts are read wrongly",
                path, n_tokens, n_rows);
}

void model_options_tell_departure(Log *log, const char *path, const Tokenizer *tokenizer)
{
    const char *parts = tokenizer ? tokenizer_departure(tokenizer) : NULL;
    if (!parts) return;
    log_message(log, LOG_INFO, "%s: as in Transformers, %s count, not those in tokenizer.json",
                path, parts);
}

// Whether a directory has files of a tokenizer at all.
static bool has_tokenizer(Arena *arena, const char *directory)
{
    static const char *const files[] = {"tokenizer.json", "vocab.txt", "vocab.json", "merges.txt"};
    Slice *names = NULL;
    size_t n = 0;
    if (file_list(arena, directory, &names, &n, NULL) != STATUS_OK) return false;
    for (size_t i = 0; i < n; i++) {
        if (slice_ends_with(names[i], SLICE(".model")) || slice_ends_with(names[i], SLICE(".spm")))
            return true;
        for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
            if (slice_eq_cstr(names[i], files[k])) return true;
        }
    }
    return false;
}

// directory: as checkpoint_resolve gave it.
static Status open_with_tokenizer(const CommandLine *line, const char *directory, Arena *arena,
                                  ModelOptions *options, Model **out, Error *err)
{
    Tokenizer *tokenizer = NULL;
    Error why = {0};
    options->without_tokenizer = file_is_directory(directory) && !has_tokenizer(arena, directory);
    const Status s = model_open(directory, options, out, err);
    if (s == STATUS_OK || options->without_tokenizer || !file_is_directory(directory)) return s;
    if (tokenizer_open(directory, &tokenizer, &why) == STATUS_OK) {
        tokenizer_close(&tokenizer); // it was something else
        return s;
    }
    log_message(line->log, LOG_WARNING, "%s: texts cannot be read, only ids", why.text);
    options->without_tokenizer = 1;
    return model_open(directory, options, out, err);
}

// Products in f32 are what the numbers of a file say, and not the fastest that can be had of it; to people, not to logs.
static void tell_faster(const CommandLine *line, const char *path, const Model *model)
{
    const DType dtype = model_stored_dtype(model);
    const bool is_16 = (dtype == DTYPE_BF16 || dtype == DTYPE_F16) && machine_bf16_is_fast();
    const OpKind op = is_16 ? OP_LINEAR_BF16 : OP_LINEAR_I8;
    if (!line->log || !line->log->is_terminal || option_given(line, "compute") ||
        option_flag(line, "mmap") || dtype == DTYPE_F32)
        return;
    if (!op_is_fast(op)) return;
    log_message(line->log, LOG_INFO,
                "%s: weights in %s, products in f32: as exact as the weights are; --compute %s "
                "rounds what they are multiplied by and is faster",
                path, dtype_name(dtype), is_16 ? "bf16" : "int8");
}

// bf16 was asked for, as on other machines, where it costs time.
static void tell_slower(const CommandLine *line, const ModelOptions *options)
{
    if (!line->log || options->compute != COMPUTE_BF16 || machine_bf16_is_fast()) return;
    log_message(line->log, LOG_WARNING,
                "--compute bf16 is slower than f32 on this processor (assay doctor)%s",
                op_is_fast(OP_LINEAR_I8) ? "; int8 is faster" : "");
}

Status model_options_open(const CommandLine *line, const char *directory, ModelOptions *options,
                          Model **out, Error *err)
{
    Arena arena = {0};
    const char *real = NULL;
    Status s = checkpoint_resolve(&arena, directory, &real, err);
    if (s == STATUS_OK) s = open_with_tokenizer(line, real, &arena, options, out, err);
    if (s == STATUS_OK) model_options_tell_unused(line->log, directory, *out);
    if (s == STATUS_OK) model_options_tell_short(line->log, directory, *out);
    if (s == STATUS_OK) tell_faster(line, directory, *out);
    if (s == STATUS_OK) tell_slower(line, options);
    arena_release(&arena);
    return s;
}
