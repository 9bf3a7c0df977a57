#include "tools/run_options.h"

Status run_store_open(const CommandLine *line, Store **out, Error *err)
{
    return store_open(option_text(line, "store"), STORE_READ_ONLY, out, err);
}

// What stands behind RUN/ is a model, or a model and a task. Names may hold slashes themselves ("org/model"): the longest
// model of the run that fits is meant.
static Status split_model(CommandLine *line, Store *store, Slice rest, RunName *out, Error *err)
{
    RunTrial *trials = NULL;
    size_t n = 0;
    TRY(store_get_plan(store, &line->arena, out->run_id, &trials, NULL, &n, err));
    for (size_t i = 0; i < n; i++) {
        const Slice model = trials[i].model;
        const bool fits =
            slice_starts_with(rest, model) && (rest.len == model.len || rest.ptr[model.len] == '/');
        if (!fits || model.len <= out->model.len) continue;
        out->model = model;
        out->task = rest.len == model.len ? (Slice){0} : slice_sub(rest, model.len + 1, rest.len);
    }
    if (out->model.len > 0) return STATUS_OK;
    if (slice_split(&rest, '/', &out->model)) out->task = rest; // whoever asked says what there is
    return STATUS_OK;
}

Status run_name_find(CommandLine *line, Store *store, const char *text, RunName *out, Error *err)
{
    char run_id[RUN_ID_SIZE];
    Slice rest = slice_from_cstr(text), run = {0};
    *out = (RunName){0};
    if (!slice_split(&rest, '/', &run))
        return error_set(err, STATUS_INVALID, "an empty name of a run; \"last\" is the newest");
    TRY(store_find_run(store, run, run_id, err));
    out->run_id = arena_copy(&line->arena, slice_from_cstr(run_id));
    if (!out->run_id.ptr) return error_set_memory(err, sizeof run_id, 1, "a run's name");
    return rest.len > 0 ? split_model(line, store, rest, out, err) : STATUS_OK;
}
