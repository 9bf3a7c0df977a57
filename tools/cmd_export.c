// assay export: all that a run found, as JSON Lines.
#include "tools/commands.h"
#include "tools/run_options.h"

static const Option options[] = {
    STORE_OPTION_ROW,
    {.name = "canonical",
     .kind = OPTION_FLAG,
     .help = "without times and machine, in one order: equal results give equal bytes"},
};

static Status write_piece(void *context, Slice bytes, Error *err)
{
    (void)context;
    return output_write(bytes, err);
}

static Status export_run(CommandLine *line, Store *store, Error *err)
{
    RunName name;
    TRY(run_name_find(line, store, line->operands[0], &name, err));
    return store_export_canonical(store, name.run_id, write_piece, NULL, err);
}

static Status run(CommandLine *line, Error *err)
{
    Store *store = NULL;
    if (!option_flag(line, "canonical")) {
        return error_set(err, STATUS_INVALID,
                         "--canonical is the form there is; assay report --format json has times "
                         "and machine");
    }
    TRY(run_store_open(line, &store, err));
    const Status s = export_run(line, store, err);
    store_close(&store);
    return s;
}

const Command command_export = {
    .name = "export",
    .group = "Results",
    .summary = "write all of a run as JSON Lines that can be compared byte for byte",
    .operands = "RUN",
    .min_operands = 1,
    .max_operands = 1,
    .description = "RUN is a run's id, the beginning of one, or \"last\".",
    OPTIONS(options),
    .examples = "assay export last --canonical | sha256sum  # one number for a whole run",
    .run = run,
};
