// Suites for sources and their targets: two files of lines, or two columns of a table.
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "harness/init_internal.h"

enum { SMALL_VOCAB = 800, LARGE_VOCAB = 4000, MANY_PAIRS = 10000, FEWEST_PAIRS = 4 };

// Columns that are called so hold a source and its target, where the targets are not a few classes.
static const char *const source_names[] = {"source", "src", NULL};
static const char *const target_names[] = {"target",       "targets",   "tgt",        "translation",
                                           "translations", "reference", "references", NULL};

static int find_column(const Sniff *sniff, const char *const *names)
{
    for (size_t i = 0; i < sniff->n_columns; i++) {
        const Slice name = slice_trim(sniff->columns[i].name);
        for (size_t k = 0; names[k]; k++) {
            if (name.len == strlen(names[k]) && strncasecmp(name.ptr, names[k], name.len) == 0)
                return (int)i;
        }
    }
    return SNIFF_NO_COLUMN;
}

bool init_is_translation(const InitOptions *options, const Sniff *sniff)
{
    if (options->target.len > 0 || options->target_path) return true;
    if (options->label.len > 0 || (!sniff->has_header && sniff->format != SNIFF_JSONL))
        return false;
    const int source = find_column(sniff, source_names), target = find_column(sniff, target_names);
    return source != SNIFF_NO_COLUMN && target != SNIFF_NO_COLUMN &&
           2 * sniff->columns[target].n_distinct > size_min(sniff->n_records, 2000);
}

typedef struct Pairs {
    const char *path;
    const InitOptions *options;
    const Sniff *sniff;
    ReadOptions read;
    Slice target_path;
    Dataset data;
    Buffer *out;
} Pairs;

static Slice choose_column(const Pairs *pairs, Slice asked, const char *const *names)
{
    const int found = find_column(pairs->sniff, names);
    if (asked.len > 0 || found == SNIFF_NO_COLUMN) return asked;
    return pairs->sniff->columns[found].name;
}

static Status read_pairs(Pairs *pairs, Error *err)
{
    const InitOptions *o = pairs->options;
    const bool is_parallel = o->target_path != NULL;
    pairs->read = (ReadOptions){
        .format = is_parallel ? SLICE("parallel")
                              : slice_from_cstr(sniff_format_name(pairs->sniff->format)),
        .encoding = pairs->sniff->encoding,
        .label_optional = true,
        .wants_target = true,
        .empty_sides = EMPTY_SIDES_DROP};
    if (is_parallel) {
        pairs->target_path = slice_from_cstr(o->target_path);
        pairs->read.target_paths = &pairs->target_path;
        pairs->read.n_target_paths = 1;
    } else {
        pairs->read.columns.text = choose_column(pairs, o->text, source_names);
        pairs->read.columns.target = choose_column(pairs, o->target, target_names);
        if (pairs->sniff->format != SNIFF_JSONL)
            pairs->read.header = pairs->sniff->has_header ? READ_HEADER_YES : READ_HEADER_NO;
        const char usual = pairs->sniff->format == SNIFF_TSV ? '\t' : ',';
        if (pairs->sniff->delimiter != usual) pairs->read.delimiter = pairs->sniff->delimiter;
    }
    TRY(dataset_read(pairs->path, &pairs->read, &pairs->data, err));
    if (pairs->data.n_samples >= FEWEST_PAIRS) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s: %zu pairs are too few to learn from some and judge on others",
                     pairs->path, pairs->data.n_samples);
}

static void put_head(const Pairs *pairs)
{
    Buffer *out = pairs->out;
    buffer_append_cstr(out, "// Written by `assay init` from ");
    init_put_shown(out, file_name_of(slice_from_cstr(pairs->path)));
    if (pairs->options->target_path) {
        buffer_append_cstr(out, " and ");
        init_put_shown(out, file_name_of(slice_from_cstr(pairs->options->target_path)));
    }
    buffer_printf(out,
                  ": %zu sources with their targets.\n//\n"
                  "//     assay run THIS-FILE --dry-run     # the plan\n"
                  "//     assay run THIS-FILE\n//\n"
                  "// Every key is explained in docs/suite.md.\n{\n  ",
                  pairs->data.n_samples);
    init_put_member(out, "suite", init_suite_name(pairs->path, pairs->options));
    buffer_append_cstr(out, ",\n  \"seed\": 17,\n\n");
}

static void put_model(const Pairs *pairs)
{
    const bool is_large = pairs->data.n_samples >= MANY_PAIRS;
    char create[320], tune[200];
    snprintf(create, sizeof create,
             "\"architecture\": \"marian\", \"hidden_size\": %d, \"n_layers\": %d, \"n_heads\": 4, "
             "\"intermediate_size\": %d, \"max_positions\": 128, \"vocab_size\": %d",
             is_large ? 256 : 96, is_large ? 3 : 2, is_large ? 1024 : 384,
             is_large ? LARGE_VOCAB : SMALL_VOCAB);
    snprintf(tune, sizeof tune,
             "\"learning_rate\": %s, \"batch_size\": 32, \"epochs\": %d, \"schedule\": \"cosine\", "
             "\"warmup\": 0.1, \"beta2\": 0.98, \"label_smoothing\": 0.1",
             is_large ? "1e-3" : "3e-3", is_large ? 8 : 14);
    init_put_models(pairs->options, "small-marian", create, tune, pairs->out);
}

static void put_columns(const Pairs *pairs)
{
    Buffer *out = pairs->out;
    const ReadColumns *columns = &pairs->read.columns;
    const char delimiter[2] = {pairs->read.delimiter, '\0'};
    if (pairs->read.delimiter) {
        buffer_append_cstr(out, "      ");
        init_put_member(out, "delimiter",
                        pairs->read.delimiter == '\t' ? SLICE("tab") : slice_from_cstr(delimiter));
        buffer_append_cstr(out, ",\n");
    }
    if (pairs->read.header != READ_HEADER_AUTO)
        buffer_printf(out, "      \"header\": %s,\n",
                      pairs->read.header == READ_HEADER_YES ? "true" : "false");
    if (columns->text.len == 0 && columns->target.len == 0) return;
    buffer_append_cstr(out, "      \"columns\": {");
    if (columns->text.len > 0) init_put_member(out, "text", columns->text);
    if (columns->text.len > 0 && columns->target.len > 0) buffer_append_cstr(out, ", ");
    if (columns->target.len > 0) init_put_member(out, "target", columns->target);
    buffer_append_cstr(out, "},\n");
}

static void put_task(const Pairs *pairs)
{
    Buffer *out = pairs->out;
    const InitOptions *o = pairs->options;
    buffer_append_cstr(out, "  \"tasks\": [\n    {\n      ");
    init_put_member(out, "name", init_suite_name(pairs->path, o));
    buffer_append_cstr(
        out,
        ",\n      \"family\": \"translate\",\n"
        "      // Files to judge on apart from these: \"test\" beside \"train\", and no folds.\n"
        "      \"data\": {");
    init_put_member(out, "train",
                    o->data_path.len > 0 ? o->data_path : slice_from_cstr(pairs->path));
    if (o->target_path) {
        buffer_append_cstr(out, ", ");
        init_put_member(out, "train_target",
                        o->target_data_path.len > 0 ? o->target_data_path : pairs->target_path);
    }
    buffer_append_cstr(out, "},\n      ");
    init_put_member(out, "format", pairs->read.format);
    buffer_append_cstr(out, ",\n");
    if (pairs->read.encoding != ENCODING_UTF8)
        buffer_append_cstr(out,
                           "      \"encoding\": \"windows-1252\", // its bytes are no UTF-8\n");
    put_columns(pairs);
    for (size_t i = 0; i < pairs->data.n_notes; i++) {
        buffer_append_cstr(out, "      // ");
        json_escape(out, pairs->data.notes[i].text);
        buffer_append_cstr(out, "\n      \"empty_sides\": \"drop\",\n");
    }
    buffer_append_cstr(out, "      \"beams\": 4,\n"
                            "      \"metrics\": [\"bleu\", \"chrf\", \"ter\"],\n"
                            "      \"max_length\": 128\n    }\n  ],\n\n");
}

static void put_rest(const Pairs *pairs)
{
    const size_t k = pairs->data.n_samples >= MANY_PAIRS ? 5 : 2;
    buffer_append_cstr(
        pairs->out,
        "  // Every array is an axis of the grid: these are values that suit pretrained translators.\n"
        "  \"tune\": {\n    \"learning_rate\": 3e-5,\n    \"batch_size\": 16,\n"
        "    \"epochs\": 3,\n    \"warmup\": 0.06,\n    \"label_smoothing\": 0.1\n  },\n\n");
    buffer_printf(
        pairs->out,
        "  // Each fold is judged once, by a model tuned on the others. One is enough to look at: \"filter\": "
        "\"fold=0\".\n  \"folds\": {\"k\": %zu, \"kind\": \"plain\", \"inner\": 0},\n\n"
        "  \"report\": {\"formats\": [\"html\", \"markdown\"]}\n}\n",
        k);
}

Status init_translate(const char *path, const InitOptions *options, const Sniff *sniff, Buffer *out,
                      Error *err)
{
    Pairs pairs = {.path = path, .options = options, .sniff = sniff, .out = out};
    Status s = read_pairs(&pairs, err);
    if (s == STATUS_OK) {
        put_head(&pairs);
        put_model(&pairs);
        put_task(&pairs);
        put_rest(&pairs);
        s = buffer_status(out, err);
    }
    dataset_release(&pairs.data);
    return s;
}
