// assay init: a suite to start from, for a file of a user's own.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "harness/init.h"
#include "tools/commands.h"

// A path as a suite in `folder` shall name it: as given where the suite stands in the current folder, else absolute.
static Status path_for_suite(CommandLine *line, const char *path, Slice folder, Slice *out,
                             Error *err)
{
    char resolved[PATH_MAX];
    *out = slice_from_cstr(path);
    if (!path || slice_eq_cstr(folder, ".")) return STATUS_OK;
    if (!realpath(path, resolved)) return error_set_errno(err, "%s", path);
    *out = arena_copy(&line->arena, slice_from_cstr(resolved));
    return out->ptr ? STATUS_OK : error_set_memory(err, strlen(resolved), 1, "a path");
}

// The suite without its comments, for --json.
static Status without_comments(Buffer *suite, Error *err)
{
    JsonDocument *document = NULL;
    Buffer plain = {0};
    TRY(json_parse(SLICE("suite"), buffer_slice(suite), JSON_COMMENTS, &document, err));
    JsonWriter w = json_writer(&plain, 2);
    json_put_value(&w, json_root(document));
    buffer_append_byte(&plain, '\n');
    json_close(&document);
    buffer_release(suite);
    *suite = plain;
    return STATUS_OK;
}

static Status deliver(CommandLine *line, const char *out_path, Buffer *suite, Error *err)
{
    TRY(buffer_status(suite, err));
    if (line->is_json) TRY(without_comments(suite, err));
    if (strcmp(out_path, "-") == 0) return output_write(buffer_slice(suite), err);
    if (file_exists(out_path) && !option_flag(line, "force")) {
        return error_set(err, STATUS_INVALID, "%s is there already; --force overwrites it",
                         out_path);
    }
    TRY(file_write(out_path, buffer_slice(suite), err));
    log_info(line->log, "%s is written; next: assay run %s --dry-run", out_path, out_path);
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    const char *data = line->operands[0], *out_path = option_text(line, "out");
    const bool is_stream = strcmp(out_path, "-") == 0;
    const Slice folder = is_stream ? SLICE(".") : file_directory_of(slice_from_cstr(out_path));
    Buffer suite = {0};
    InitOptions options = {
        .name = slice_from_cstr(option_text(line, "name")),
        .text = slice_from_cstr(option_text(line, "text")),
        .pair = slice_from_cstr(option_text(line, "pair")),
        .label = slice_from_cstr(option_text(line, "label")),
        .target = slice_from_cstr(option_text(line, "target")),
    };
    if (line->n_operands > 1) {
        options.target_path = line->operands[1];
        TRY(path_for_suite(line, options.target_path, folder, &options.target_data_path, err));
    }
    TRY(path_for_suite(line, data, folder, &options.data_path, err));
    TRY(path_for_suite(line, option_text(line, "model"), folder, &options.model_path, err));
    Status s = init_suite(data, &options, &suite, err);
    if (s == STATUS_OK) s = deliver(line, out_path, &suite, err);
    buffer_release(&suite);
    return s;
}

static const Option options[] = {
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "where the suite goes; - is standard output"},
    {.name = "force", .kind = OPTION_FLAG, .help = "overwrite --out where it is there already"},
    {.name = "name",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help = "the suite's name; without it, the data file's"},
    {.name = "model",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .help = "the model to tune; without it, a small fresh encoder"},
    {.name = "text", .kind = OPTION_TEXT, .value = "COLUMN", .help = "column of the text"},
    {.name = "label", .kind = OPTION_TEXT, .value = "COLUMN", .help = "column of the label"},
    {.name = "pair", .kind = OPTION_TEXT, .value = "COLUMN", .help = "column of a second text"},
    {.name = "target",
     .kind = OPTION_TEXT,
     .value = "COLUMN",
     .help = "column of translations, or of other texts that are to be written"},
};

const Command command_init = {
    .name = "init",
    .group = "Evaluate",
    .summary = "look at a data file and write a commented suite for it",
    .operands = "DATA [TARGETS]",
    .min_operands = 1,
    .max_operands = 2,
    .description =
        "Finds out format, encoding, header and columns of DATA (CSV, TSV, JSON Lines, CoNLL, SQuAD), counts the "
        "classes, and writes a suite whose comments explain each choice. TARGETS is a file with the translation of each "
        "line of DATA; in one file, columns called source and target are as good. The suite runs as it is. "
        "With --json the suite is written without comments.",
    OPTIONS(options),
    .examples = "assay init reviews.csv --out reviews.json\n"
                "assay run reviews.json\n"
                "assay init train.en train.de --out translate.json",
    .run = run,
};
