// harness/execute_quantize.c: a tuned model written in another format of numbers and judged as that file answers.
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/execute_internal.h"
#include "harness/state.h"
#include "models/quantize.h"

static void remove_files(const char *directory)
{
    Arena arena = {0};
    Slice *names = NULL;
    size_t n = 0;
    if (file_list(&arena, directory, &names, &n, NULL) == STATUS_OK) {
        for (size_t i = 0; i < n; i++) {
            const char *path = file_join(&arena, slice_from_cstr(directory), names[i]);
            if (path) (void)unlink(path);
        }
    }
    (void)rmdir(directory);
    arena_release(&arena);
}

// The model goes through files, as it would to be shipped: saved, written anew as GGUF, opened with its matrices kept.
static Status write_and_open(Executor *executor, const Work *work, TensorType to, const char *saved,
                             const char *gguf, Arena *arena, Model **out, uint64_t *n_bytes,
                             Error *err)
{
    const ExecuteOptions *o = &executor->options;
    QuantizeReport report = {0};
    const ModelOptions options = {
        .device = o->device, .compute = o->compute, .keep_stored = 1, .seed = work->spec.seed};
    TRY(model_save(executor->model, saved, err));
    TRY(model_quantize(saved, to, gguf, executor->pool, arena, &report, err));
    *n_bytes = report.bytes_after;
    return model_open(gguf, &options, out, err);
}

Status execute_quantized(Executor *executor, const Work *work, Slice format, Arena *arena,
                         Model **out, uint64_t *n_bytes, Error *err)
{
    const char *state = executor->options.state_directory;
    const Slice id = slice_from_cstr(work->id);
    char saved[STATE_PATH_SIZE], gguf[STATE_PATH_SIZE];
    TensorType to = TENSOR_F32;
    if (!quantize_type_parse(format, &to))
        return error_set(err, STATUS_INTERNAL, "no format \"" SLICE_FMT "\"", SLICE_ARG(format));
    TRY(state_file(state, id, "saved", saved, err));
    TRY(state_file(state, id, "gguf", gguf, err));
    TRY(file_make_directories(saved, err));
    const Status s = write_and_open(executor, work, to, saved, gguf, arena, out, n_bytes, err);
    remove_files(saved);
    (void)unlink(gguf); // an open model has it mapped
    return s == STATUS_OK ? s : error_wrap(err, "as " SLICE_FMT, SLICE_ARG(format));
}
