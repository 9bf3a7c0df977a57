#include "tools/run_options.h"

Status run_store_open(const CommandLine *line, Store **out, Error *err)
{
    const Status s = store_open(option_text(line, "store"), STORE_READ_ONLY, out, err);
    if (s != STATUS_NOT_FOUND) return s;
    return error_wrap(err, "there are no results yet (assay run makes them; --store names others)");
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
    if (slice_split(&rest, '/', &out->model)) out->task = rest;
    return STATUS_OK;
}
