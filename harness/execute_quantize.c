// harness/execute_quantize.c: a tuned model written, in another format of numbers where that is wanted, and judged as what
// was written answers.
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

// The model goes through files, as it would to be shipped: saved, written anew as GGUF (gguf may be NULL: it is not), opened
// with its matrices kept.
static Status write_and_open(Executor *executor, const ModelOptions *options,
                             const QuantizeFormat *to, const char *saved, const char *gguf,
                             Arena *arena, Model **out, uint64_t *n_bytes, Error *err)
{
    QuantizeReport report = {0};
    TRY(model_save(executor->model, saved, err));
    if (!gguf) return model_open(saved, options, out, err);
    TRY(model_quantize(saved, to, gguf, executor->pool, executor->options.cancel, arena, &report,
                       err));
    *n_bytes = report.bytes_after;
    return model_open(gguf, options, out, err);
}

Status execute_written(Executor *executor, const Work *work, Slice format, ComputeMode compute,
                       Arena *arena, Model **out, uint64_t *n_bytes, Error *err)
{
    const ModelOptions options = {.device = executor->options.device,
                                  .compute = compute,
                                  .kv_dtype = executor->options.kv,
                                  .keep_stored = 1,
                                  .seed = work->spec.seed};
    const char *state = executor->options.state_directory;
    const Slice id = slice_from_cstr(work->id);
    char saved[STATE_PATH_SIZE], gguf[STATE_PATH_SIZE];
    const QuantizeFormat *to = quantize_format_find(format);
    if (format.len > 0 && !to)
        return error_set(err, STATUS_INTERNAL, "no format \"" SLICE_FMT "\"", SLICE_ARG(format));
    TRY(state_file(state, id, "saved", saved, err));
    TRY(state_file(state, id, "gguf", gguf, err));
    TRY(file_make_directories(saved, err));
    const Status s = write_and_open(executor, &options, to, saved, format.len > 0 ? gguf : NULL,
                                    arena, out, n_bytes, err);
    remove_files(saved);
    (void)unlink(gguf); // an open model has it mapped
    if (s == STATUS_OK) return s;
    return error_wrap(err, "as " SLICE_FMT,
                      SLICE_ARG(format.len > 0 ? format : slice_from_cstr(compute_name(compute))));
}
