// assay inspect: what a model is, from its files.

#include "base/file.h"
#include "base/size.h"
#include "models/checkpoint.h"
#include "tools/commands.h"
#include "tools/inspect.h"
#include "tools/listing.h"
#include "tools/model_card.h"
#include "tools/model_options.h"

enum { USUAL_LENGTH = 128 };

// BERT's class of pre-training counts as a masked LM.
static bool is_unread(Slice name, ModelHead head)
{
    static const Slice endings[] = {
        SLICE_LIT("pooler.dense.weight"), SLICE_LIT("pooler.dense.bias"),
        SLICE_LIT("seq_relationship.weight"), SLICE_LIT("seq_relationship.bias")};
    if (head != HEAD_EMBEDDING && head != HEAD_MASKED_LM) return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (slice_ends_with(name, endings[i])) return true;
    }
    return false;
}

static Status count_types(Inspection *in, Error *err)
{
    Checkpoint files = {0};
    struct {
        uint64_t tensors, parameters, bytes;
    } counts[TENSOR_TYPE_COUNT] = {{0}};
    TRY(checkpoint_open(in->path, &files, err));
    for (size_t i = 0; i < files.tensors.n_tensors; i++) {
        const SafeTensor *tensor = &files.tensors.tensors[i];
        counts[tensor->type].tensors++;
        counts[tensor->type].parameters += tensor->n_elements;
        counts[tensor->type].bytes += safetensor_bytes(tensor);
        if (is_unread(tensor->name, model_config(in->model)->head))
            in->n_unused += tensor->n_elements;
    }
    const Status s = files.gguf.n_pairs > 0
                         ? model_card_read_gguf(&files.gguf, in->types.arena, &in->card, err)
                         : STATUS_OK;
    checkpoint_close(&files);
    TRY(s);
    for (size_t t = 0; t < TENSOR_TYPE_COUNT; t++) {
        if (counts[t].tensors == 0) continue;
        listing_cstr(&in->types, tensor_type_name((TensorType)t));
        listing_count(&in->types, counts[t].tensors);
        listing_count(&in->types, counts[t].parameters);
        listing_count(&in->types, counts[t].bytes);
    }
    return listing_status(&in->types, err);
}

static Status list_file(Listing *files, const char *path, Error *err)
{
    FileStat info = {0};
    TRY(file_stat(path, &info, err));
    listing_text(files, file_name_of(slice_from_cstr(path)));
    listing_count(files, info.size_bytes);
    return STATUS_OK;
}

// A GGUF file, or its shards.
static Status list_gguf(Inspection *in, Error *err)
{
    const char **paths = NULL;
    size_t n = 0;
    TRY(gguf_paths(in->files.arena, in->path, &paths, &n, err));
    for (size_t i = 0; i < n; i++) TRY(list_file(&in->files, paths[i], err));
    return listing_status(&in->files, err);
}

static Status list_files(Inspection *in, Error *err)
{
    Slice *names = NULL;
    size_t n = 0;
    if (!file_is_directory(in->path)) return list_gguf(in, err);
    TRY(file_list(in->files.arena, in->path, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        const char *path = file_join(in->files.arena, slice_from_cstr(in->path), names[i]);
        if (!path) return error_set_memory(err, 1, names[i].len, "a path");
        if (!file_is_directory(path)) TRY(list_file(&in->files, path, err));
    }
    return listing_status(&in->files, err);
}

static Status inspect(const CommandLine *line, Arena *arena, Inspection *in, Error *err)
{
    static const char *const type_columns[] = {"dtype", "tensors", "parameters", "bytes"};
    static const char *const file_columns[] = {"name", "bytes"};
    // Nothing is computed, so nothing is read: a model too large for this machine is told all the same.
    ModelOptions options = {.compute = compute_option(line),
                            .kv_dtype = kv_option(line),
                            .mapped = option_flag(line, "mmap"),
                            .keep_stored = 1,
                            .has_pool = 1,
                            .only_looked_at = 1};
    const size_t batch = (size_t)option_integer(line, "batch");
    const size_t length = (size_t)option_integer(line, "length");
    in->directory = line->operands[0];
    TRY(checkpoint_resolve(arena, in->directory, &in->path, err));
    in->types = (Listing){.arena = arena, .columns = type_columns, .n_columns = 4};
    in->files = (Listing){.arena = arena, .columns = file_columns, .n_columns = 2};
    TRY(model_options_open(line, in->directory, &options, &in->model, err));
    model_options_tell_departure(line->log, in->directory, model_tokenizer(in->model));
    TRY(model_options_kv_check(line, in->model, err));
    in->kv = kv_choices[option_choice(line, "kv")];
    const ModelConfig *config = model_config(in->model);
    in->size = model_size(in->model);
    if (length > config->max_positions) {
        return error_set(err, STATUS_INVALID, "--length %zu: the model takes at most %zu tokens",
                         length, config->max_positions);
    }
    in->n_threads = (size_t)option_integer(line, "threads");
    if (in->n_threads == 0) in->n_threads = pool_available_threads();
    in->longest = length > 0 ? length : size_min(config->max_positions, USUAL_LENGTH);
    in->batch = batch;
    in->step_tokens = batch * in->longest;
    TRY(model_memory(in->model, in->n_threads, in->longest, in->step_tokens, &in->memory, err));
    if (model_tokenizer(in->model)) {
        in->tokenizer = slice_from_cstr(tokenizer_model_name(model_tokenizer(in->model)));
        in->tokenizer_size = tokenizer_vocab_size(model_tokenizer(in->model));
    }
    TRY(model_card_read(in->path, arena, &in->card, err));
    TRY(count_types(in, err));
    return list_files(in, err);
}

static Status run(CommandLine *line, Error *err)
{
    Inspection in = {0};
    Buffer out = {0};
    Status s = inspect(line, &line->arena, &in, err);
    if (s == STATUS_OK && line->is_json) {
        JsonWriter w = json_writer(&out, 2);
        inspection_put_json(&in, &w);
        buffer_append_byte(&out, '\n');
    } else if (s == STATUS_OK) {
        inspection_put_text(&in, &out);
    }
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    model_close(&in.model);
    return s;
}

static const Option options[] = {
    {.name = "batch",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "32",
     .lowest = 1,
     .highest = 1 << 20,
     .help = "sequences that memory is told for"},
    {.name = "length",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1 << 24,
     .help = "tokens of each; 0 is 128, or the model's context where that is shorter"},
    {.name = "threads",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1024,
     .help = "threads that memory is told for; 0 is as many as this process may use"},
    {.name = "compute",
     .kind = OPTION_CHOICE,
     .value = "KIND",
     .fallback = "f32",
     .choices = compute_choices,
     .help = "products that memory is told for, as of assay predict"},
    MODEL_OPTION_KV,
    {.name = "mmap",
     .kind = OPTION_FLAG,
     .help =
         "memory where weights are read in their files, which counts what other processes share"},
};

const Command command_inspect = {
    .name = "inspect",
    .group = "Models",
    .summary = "parameters, context window, tokenizer, memory, licence and files of a model",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .description =
        "Opens MODEL, a directory with config.json and model.safetensors or a GGUF file (of shards any one), checks that its files fit "
        "together, and says what it is. The licence, what the model was made from and trained on are "
        "those that its README.md states; nothing is guessed.",
    OPTIONS(options),
    .examples = "assay inspect models/minilm\n"
                "assay inspect models/llama --batch 16 --length 2048",
    .run = run,
};
