// assay quantize: a model in fewer bits, as a GGUF file; and back to a directory of safetensors.
#include "base/buffer_count.h"
#include "base/file.h"
#include "harness/note.h"
#include "models/checkpoint.h"
#include "models/gguf/gguf_model.h"
#include "models/quantize.h"
#include "tools/commands.h"
#include "tools/listing.h"
#include "tools/model_options.h"

enum { NOTE_MAX_BYTES = 16 << 20 };

static const Option options[] = {
    {.name = "to",
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .choices = quantize_format_names,
     .help = "how matrices are stored"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "the GGUF file to write; with --to f32 also a directory, which gets safetensors"},
    {.name = "threads",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "0",
     .highest = 1024,
     .help = "threads to work with; 0 is as many as this process may use"},
};

// ---- telling ----

static Slice shape_text(Arena *arena, const QuantizedTensor *tensor)
{
    Buffer text = {0};
    for (size_t d = 0; d < tensor->n_dims; d++)
        buffer_printf(&text, "%s%zu", d ? " x " : "", tensor->shape[d]);
    const Slice copy = arena_copy(arena, buffer_slice(&text));
    buffer_release(&text);
    return copy;
}

static void put_text(const QuantizeReport *report, const char *out_path, Arena *arena, Buffer *out)
{
    static const char *const columns[] = {"tensor", "shape",          "from",       "to",
                                          "bytes",  "relative_error", "worst_error"};
    Listing list = {.arena = arena, .columns = columns, .n_columns = 7};
    size_t n_plain = 0;
    for (size_t i = 0; i < report->n_tensors; i++) {
        const QuantizedTensor *t = &report->tensors[i];
        if (t->n_dims < 2) {
            n_plain++;
            continue;
        }
        listing_text(&list, t->name);
        listing_text(&list, shape_text(arena, t));
        listing_cstr(&list, tensor_type_name(t->from));
        listing_cstr(&list, tensor_type_name(t->to));
        listing_count(&list, t->bytes_after);
        listing_printf(&list, "%.3g", t->error);
        listing_printf(&list, "%.3g", t->worst);
    }
    listing_put_table(&list, out);
    buffer_printf(out, "\n%zu matrices above, %zu vectors in F32\n", report->n_tensors - n_plain,
                  n_plain);
    buffer_append_size(out, report->bytes_before);
    buffer_append_cstr(out, " -> ");
    buffer_append_size(out, report->bytes_after);
    buffer_printf(out, " (%.1f %%); relative error of all matrices %.3g\n",
                  report->bytes_before > 0
                      ? 100.0 * (double)report->bytes_after / (double)report->bytes_before
                      : 100.0,
                  report->error);
    output_escaped(out, slice_from_cstr(out_path));
    buffer_append_cstr(out, "\n");
}

static void put_json(const QuantizeReport *report, const char *out_path, JsonWriter *w)
{
    json_begin_object(w);
    json_member_cstr(w, "path", out_path);
    json_member_u64(w, "bytes_before", report->bytes_before);
    json_member_u64(w, "bytes_after", report->bytes_after);
    json_member_double(w, "relative_error", report->error);
    json_member_array(w, "tensors");
    for (size_t i = 0; i < report->n_tensors; i++) {
        const QuantizedTensor *t = &report->tensors[i];
        json_begin_object(w);
        json_member_string(w, "name", t->name);
        json_member_array(w, "shape");
        for (size_t d = 0; d < t->n_dims; d++) json_put_u64(w, t->shape[d]);
        json_end_array(w);
        json_member_cstr(w, "from", tensor_type_name(t->from));
        json_member_cstr(w, "to", tensor_type_name(t->to));
        json_member_u64(w, "bytes", t->bytes_after);
        json_member_double(w, "relative_error", t->error);
        json_member_double(w, "worst_error", t->worst);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

// ---- working ----

static Status write_gguf(CommandLine *line, const QuantizeFormat *to, const char *out_path,
                         Error *err)
{
    QuantizeReport report = {0};
    Pool *pool = NULL;
    Buffer out = {0};
    TRY(model_options_pool(line, &pool, err));
    Status s = model_quantize(line->operands[0], to, out_path, pool, interrupt_flag(), &line->arena,
                              &report, err);
    pool_close(&pool);
    if (s == STATUS_OK && report.unplaced.len > 0)
        log_warning(line->log, "%s: llama.cpp does not open it: it " SLICE_FMT "; assay does",
                    out_path, SLICE_ARG(report.unplaced));
    if (s == STATUS_OK && report.unsaid.len > 0)
        log_warning(line->log,
                    "%s: what llama.cpp reads cannot say " SLICE_FMT
                    " of this model: its answers differ there, not here",
                    out_path, SLICE_ARG(report.unsaid));
    if (s == STATUS_OK && line->is_json) {
        JsonWriter w = json_writer(&out, 2);
        put_json(&report, out_path, &w);
        buffer_append_byte(&out, '\n');
    } else if (s == STATUS_OK) {
        put_text(&report, out_path, &line->arena, &out);
    }
    if (s == STATUS_OK) s = output_buffer(&out, err);
    buffer_release(&out);
    return s;
}

static Status write_in(Arena *arena, const char *directory, const char *name, Slice text,
                       Error *err)
{
    const char *to = file_join(arena, slice_from_cstr(directory), slice_from_cstr(name));
    return to ? file_write(to, text, err) : error_set_memory(err, 1, text.len, "a path");
}

// How an encoder makes embeddings, as sentence-transformers says it.
static Status write_embedding(CommandLine *line, const Checkpoint *files, const char *path,
                              const char *directory, Error *err)
{
    static const char *const modes[] = {[POOL_MEAN] = "pooling_mode_mean_tokens",
                                        [POOL_FIRST] = "pooling_mode_cls_token",
                                        [POOL_LAST] = "pooling_mode_lasttoken"};
    static const char *const types[] = {"Transformer", "Pooling", "Normalize"};
    static const char *const paths[] = {"", "1_Pooling", "2_Normalize"};
    CheckpointEmbedding embedding;
    Buffer modules = {0}, pool = {0};
    TRY(checkpoint_embedding(files, path, &embedding, err));
    buffer_append_cstr(&modules, "[");
    for (size_t i = 0; i < (embedding.is_normalized ? 3 : 2); i++)
        buffer_printf(&modules,
                      "%s\n  {\"idx\": %zu, \"name\": \"%zu\", \"path\": \"%s\", \"type\": "
                      "\"sentence_transformers.models.%s\"}",
                      i ? "," : "", i, i, paths[i], types[i]);
    buffer_append_cstr(&modules, "\n]\n");
    buffer_printf(&pool, "{\"%s\": true}\n", modes[embedding.pool]);
    const char *folder = file_join(&line->arena, slice_from_cstr(directory), SLICE("1_Pooling"));
    Status s = folder ? file_make_directories(folder, err) : error_set_memory(err, 1, 1, "a path");
    if (s == STATUS_OK) s = buffer_status(&modules, err);
    if (s == STATUS_OK) s = buffer_status(&pool, err);
    if (s == STATUS_OK)
        s = write_in(&line->arena, directory, "modules.json", buffer_slice(&modules), err);
    if (s == STATUS_OK) s = write_in(&line->arena, folder, "config.json", buffer_slice(&pool), err);
    buffer_release(&modules);
    buffer_release(&pool);
    return s;
}

// The files that a GGUF file carries.
static Status write_carried(CommandLine *line, const char *path, const char *directory,
                            ModelHead head, Error *err)
{
    static const struct {
        const char *key, *name;
    } documents[] = {{GGUF_KEY_TOKENIZER, "tokenizer.json"},
                     {"tokenizer.chat_template", "chat_template.jinja"},
                     {GGUF_KEY_GENERATION, "generation_config.json"},
                     {GGUF_KEY_NOTE, note_name}};
    Checkpoint files = {0};
    Slice kind = {0}, text = {0};
    TRY(checkpoint_open(path, &files, err));
    Status s = gguf_get_string(&files.gguf, "tokenizer.ggml.model", &kind, NULL, err);
    for (size_t i = 0; s == STATUS_OK && i < sizeof documents / sizeof *documents; i++) {
        text = (Slice){0};
        s = gguf_get_string(&files.gguf, documents[i].key, &text, NULL, err);
        if (s == STATUS_OK && text.len > 0)
            s = write_in(&line->arena, directory, documents[i].name, text, err);
        else if (s == STATUS_OK && i == 0 && kind.len > 0)
            log_warning(
                line->log,
                "%s: has no tokenizer.json, and what it has of a tokenizer is not written: %s "
                "takes token ids alone",
                path, directory);
    }
    if (s == STATUS_OK && head == HEAD_EMBEDDING)
        s = write_embedding(line, &files, path, directory, err);
    checkpoint_close(&files);
    return s;
}

// The note of a model that was tuned; model_save copies the other files of a directory.
static Status copy_note(CommandLine *line, const char *from, const char *directory, Error *err)
{
    Slice text = {0};
    const char *note = file_join(&line->arena, slice_from_cstr(from), slice_from_cstr(note_name));
    if (!note) return error_set_memory(err, 1, 1, "a path");
    if (!file_exists(note)) return STATUS_OK;
    TRY(file_read(&line->arena, note, NOTE_MAX_BYTES, &text, err));
    return write_in(&line->arena, directory, note_name, text, err);
}

static Status write_directory(CommandLine *line, const char *directory, Error *err)
{
    Model *model = NULL;
    const ModelOptions model_options = {.without_tokenizer = 1};
    const char *path = NULL;
    TRY(checkpoint_resolve(&line->arena, line->operands[0], &path, err));
    TRY(model_open(path, &model_options, &model, err));
    Status s = model_save(model, directory, err);
    if (s == STATUS_OK && file_is_directory(path)) s = copy_note(line, path, directory, err);
    if (s == STATUS_OK && !file_is_directory(path))
        s = write_carried(line, path, directory, model_config(model)->head, err);
    model_close(&model);
    return s;
}

// What is read, of shards each, would be lost, and be worse than it was.
static Status refuse_itself(CommandLine *line, const char *out_path, Error *err)
{
    const char *path = NULL, **paths = &path;
    size_t n = 1;
    FileStat from, to;
    TRY(checkpoint_resolve(&line->arena, line->operands[0], &path, err));
    if (!file_exists(out_path)) return STATUS_OK;
    TRY(file_stat(out_path, &to, err));
    if (!file_is_directory(path)) TRY(gguf_paths(&line->arena, path, &paths, &n, err));
    for (size_t i = 0; i < n; i++) {
        TRY(file_stat(paths[i], &from, err));
        if (from.inode != to.inode || from.device != to.device) continue;
        return error_set(err, STATUS_INVALID,
                         "--out %s is the model that is read: give another name, so that it stays",
                         out_path);
    }
    return STATUS_OK;
}

static Status run(CommandLine *line, Error *err)
{
    const char *out_path = option_text(line, "out");
    const size_t choice = option_choice(line, "to");
    if (choice == SIZE_MAX || !out_path)
        return error_set(err, STATUS_INVALID, "--to FORMAT and --out FILE are wanted");
    TRY(refuse_itself(line, out_path, err));
    const QuantizeFormat *to = quantize_format_find(slice_from_cstr(quantize_format_names[choice]));
    if (slice_ends_with(slice_from_cstr(out_path), SLICE(".gguf")))
        return write_gguf(line, to, out_path, err);
    if (to == quantize_format_of(TENSOR_F32)) return write_directory(line, out_path, err);
    return error_set(
        err, STATUS_INVALID,
        "--out %s: %s is written as a GGUF file, whose name must end with .gguf; a directory of safetensors "
        "is written with --to f32",
        out_path, quantize_format_names[choice]);
}

const Command command_quantize = {
    .name = "quantize",
    .group = "Models",
    .summary = "write a model in fewer bits, as a GGUF file, and say what that cost",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .description =
        "MODEL is a directory or a GGUF file (of shards any one: what is written is one file). Matrices are stored as FORMAT; vectors and tables of positions stay F32. Rows that "
        "are no whole blocks of the format get the next one that fits (at last F16). With q2_k to q6_k, iq4_nl and iq4_xs "
        "the output layer is Q6_K; with those that end in _s, _m or _l, q2_k, iq4_nl and iq4_xs the matrices that llama.cpp "
        "keeps better in files of these names are kept so here too. mxfp4 is for experts: where a model has them, its other "
        "matrices are Q8_0.\n\n"
        "The file opens in llama.cpp where it knows the architecture; config.json, tokenizer.json, the chat template, "
        "generation_config.json and assay.json travel in it, so that every model that runs here can be stored, and answers "
        "as it did. The relative error of a matrix is the root of its mean squared error as "
        "a share of its root mean square.",
    OPTIONS(options),
    .examples = "assay quantize models/llama --to q8_0 -o llama-q8_0.gguf\n"
                "assay quantize llama-q8_0.gguf --to f32 -o models/llama-again  # safetensors",
    .run = run,
};
