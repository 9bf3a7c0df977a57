#include "models/quantize.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "kernels/quant.h"
#include "models/architecture.h"
#include "models/chat/chat.h"
#include "models/checkpoint.h"
#include "models/gguf/gguf_export.h"
#include "models/tokenizers/gguf_tell.h"
#include "models/tokenizers/told.h"

// A tensor to be written: from the checkpoint, or factors of a rotation.
typedef struct Source {
    const SafeTensor *tensor; // NULL: factors
    const float *factors;
    SafeChange change; // to be made; none where the source is GGUF already
    size_t n_heads;
    RowOrder order; // of SAFE_STACKED
} Source;

typedef struct Work {
    Checkpoint files;
    ModelConfig config;
    TensorType to;
    Arena *arena;
    Pool *pool;
    const atomic_int *cancel;
    QuantizeReport *report;
    SafeItem *items;
    Source *sources;
    size_t n, capacity;
    const GgufFamily *family;
    bool is_tied;
} Work;

bool quantize_type_parse(Slice name, TensorType *out)
{
    for (int t = 0; t < TENSOR_TYPE_COUNT; t++) {
        DType dtype;
        if (!tensor_type_dtype((TensorType)t, &dtype) || !quant_is_known(dtype)) continue;
        if (!slice_eq_cstr(name, dtype_name(dtype))) continue;
        *out = (TensorType)t;
        return true;
    }
    return false;
}

// ---- which format ----

static bool contains(Slice name, const char *part)
{
    return slice_find(name, slice_from_cstr(part)) != SIZE_MAX;
}

// Matrices that are added, not multiplied with.
static bool is_table_of_positions(Slice name)
{
    static const char *const parts[] = {"position", "token_types", "token_type_embeddings",
                                        "relative_attention_bias", "norm"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (contains(name, parts[i])) return true;
    }
    return false;
}

static TensorType choose_type(const Work *work, Slice name, size_t n_dims, const size_t *shape)
{
    TensorType type = work->to;
    if (n_dims != 2 || !slice_ends_with(name, SLICE(".weight")) || is_table_of_positions(name))
        return TENSOR_F32;
    const size_t cols = shape[1];
    const bool is_output = slice_eq_cstr(name, "output.weight") ||
                           (work->is_tied && slice_eq_cstr(name, "token_embd.weight"));
    if (is_output && tensor_type_block(type) == 256) type = TENSOR_Q6_K;
    if (cols % tensor_type_block(type) == 0) return type;
    type = type == TENSOR_Q4_K ? TENSOR_Q5_0 : type == TENSOR_Q5_K ? TENSOR_Q5_1 : TENSOR_Q8_0;
    return cols % tensor_type_block(type) == 0 ? type : TENSOR_F16;
}

// ---- what is written ----

static Status add(Work *work, const SafeItem *item, const Source *source, TensorType from,
                  uint64_t bytes_before, Error *err)
{
    QuantizedTensor *told = &work->report->tensors[work->n];
    size_t n = 0, size = 0;
    if (!tensor_type_bytes(item->type, item->n_dims, item->shape, &n, &size)) {
        return error_set(err, STATUS_INVALID, "tensor \"" SLICE_FMT "\" is too large",
                         SLICE_ARG(item->name));
    }
    const Slice name = arena_copy(work->arena, item->name); // outlives the checkpoint
    if (!name.ptr) return error_set_memory(err, 1, item->name.len, "a tensor's name");
    *told = (QuantizedTensor){.name = name,
                              .from = from,
                              .to = item->type,
                              .n_dims = item->n_dims,
                              .n_elements = n,
                              .bytes_before = bytes_before,
                              .bytes_after = size};
    memcpy(told->shape, item->shape, sizeof told->shape);
    work->items[work->n] = *item;
    work->sources[work->n++] = *source;
    work->report->bytes_before += bytes_before;
    work->report->bytes_after += size;
    return STATUS_OK;
}

// Buffers that some checkpoints carry and no model needs.
static bool is_left_out(const Work *work, Slice name)
{
    static const char *const endings[] = {"position_ids",    "rotary_emb.inv_freq",
                                          ".attn.bias",      ".attn.masked_bias",
                                          ".attention.bias", ".attention.masked_bias"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (slice_ends_with(name, slice_from_cstr(endings[i]))) return true;
    }
    return work->is_tied &&
           (slice_eq_cstr(name, "lm_head.weight") || slice_eq_cstr(name, "embed_out.weight"));
}

// The name in GGUF; one that the family does not know stays. full is the name with the prefix that a bare encoder leaves out.
static Status stored_name(const Work *work, Slice name, Slice *full, Slice *out, Error *err)
{
    char stored[GGUF_NAME_SIZE];
    const char *prefix = work->config.architecture->base_prefix;
    *full = name;
    bool found = gguf_name_from_model(work->family, name, stored);
    if (!found && work->family && prefix) {
        *full = slice_from_cstr(arena_printf(work->arena, "%s" SLICE_FMT, prefix, SLICE_ARG(name)));
        if (!full->ptr) return error_set_memory(err, 1, name.len, "a tensor's name");
        found = gguf_name_from_model(work->family, *full, stored);
    }
    *out = found ? arena_copy(work->arena, slice_from_cstr(stored)) : name;
    return out->ptr ? STATUS_OK : error_set_memory(err, 1, name.len, "a tensor's name");
}

static Status add_of_model(Work *work, const SafeTensor *tensor, Error *err)
{
    SafeItem item = {.n_dims = tensor->n_dims};
    Slice full;
    DType dtype;
    if (is_left_out(work, tensor->name)) return STATUS_OK;
    if (!tensor_type_dtype(tensor->type, &dtype)) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": tensor \"" SLICE_FMT "\" is of type %s, which is no weight's",
                         SLICE_ARG(tensor->file), SLICE_ARG(tensor->name),
                         tensor_type_name(tensor->type));
    }
    TRY(stored_name(work, tensor->name, &full, &item.name, err));
    Source source = {.tensor = tensor, .change = gguf_change(work->family, full)};
    memcpy(item.shape, tensor->shape, sizeof item.shape);
    if (source.change == SAFE_TRANSPOSED && item.n_dims == 2) {
        item.shape[0] = tensor->shape[1];
        item.shape[1] = tensor->shape[0];
    }
    if (source.change == SAFE_ROPE_PAIRS) {
        TRY(gguf_count_heads(json_root(work->files.config), full, tensor->shape[0], &source.n_heads,
                             err));
    }
    if (source.change == SAFE_STACKED)
        TRY(gguf_stacked_order(&work->config, full, tensor->shape[0], &source.order, err));
    item.type = choose_type(work, item.name, item.n_dims, item.shape);
    return add(work, &item, &source, tensor->type, tensor->data.len, err);
}

// Of a GGUF file, as it stands there.
static Status add_of_gguf(Work *work, const SafeTensor *tensor, Error *err)
{
    SafeItem item = {.name = tensor->name, .n_dims = tensor->n_dims};
    const Source source = {.tensor = tensor};
    memcpy(item.shape, tensor->shape, sizeof item.shape);
    item.type = choose_type(work, item.name, item.n_dims, item.shape);
    return add(work, &item, &source, tensor->type, tensor->data.len, err);
}

static Status add_factors(Work *work, const GgufRopeFactors *factors, Error *err)
{
    const char *names[2] = {"rope_freqs.weight", NULL};
    const float *values[2] = {factors->values, factors->long_values};
    if (factors->long_values) {
        names[0] = "rope_factors_short.weight";
        names[1] = "rope_factors_long.weight";
    }
    for (size_t i = 0; i < 2 && values[i]; i++) {
        const SafeItem item = {.name = slice_from_cstr(names[i]),
                               .type = TENSOR_F32,
                               .n_dims = 1,
                               .shape = {factors->n}};
        const Source source = {.factors = values[i]};
        TRY(add(work, &item, &source, TENSOR_F32, 0, err));
    }
    return STATUS_OK;
}

// ---- numbers ----

// out [rows, cols]: as GGUF stores what x [shape of the model] is.
static void change_numbers(const SafeItem *item, const Source *source, const float *x, float *out)
{
    const size_t rows = item->shape[0], cols = item->n_dims == 2 ? item->shape[1] : 1;
    if (source->change == SAFE_ROPE_PAIRS) {
        const size_t dim = rows / source->n_heads, half = dim / 2;
        for (size_t r = 0; r < rows; r++) {
            const size_t at = r % dim, from = r - at + at % 2 * half + at / 2;
            memcpy(out + r * cols, x + from * cols, cols * sizeof *out);
        }
    } else if (source->change == SAFE_STACKED) {
        for (size_t r = 0; r < rows; r++)
            memcpy(out + r * cols, x + row_order_in_tensor(&source->order, rows, r) * cols,
                   cols * sizeof *out);
    } else if (source->change == SAFE_TRANSPOSED) {
        for (size_t r = 0; r < rows; r++) {
            for (size_t c = 0; c < cols; c++) out[r * cols + c] = x[c * rows + r];
        }
    } else {
        const float one = source->change == SAFE_LESS_ONE ? 1.0f : 0.0f;
        for (size_t i = 0; i < rows * cols; i++) out[i] = x[i] + one;
    }
}

// Rows of one tensor, encoded by the pool in pieces; sums of each piece are added in order.
enum { PIECE_NUMBERS = 1 << 16 };

typedef struct Piece {
    double square, square_of_all, worst;
    size_t not_finite; // index + 1 of the first such number
} Piece;

typedef struct RowEncoding {
    DType dtype;
    const float *x;
    size_t n, piece; // numbers; of one piece, a multiple of the block
    char *to;
    Piece *pieces;
    float *back; // [workers * piece]
} RowEncoding;

static void encode_piece(void *context, size_t unit, size_t worker)
{
    const RowEncoding *e = context;
    const size_t begin = unit * e->piece, n = size_min(e->piece, e->n - begin);
    const float *x = e->x + begin;
    float *back = e->back + worker * e->piece;
    Piece *piece = &e->pieces[unit];
    for (size_t i = 0; i < n && piece->not_finite == 0; i++) {
        if (!isfinite(x[i])) piece->not_finite = begin + i + 1;
    }
    if (piece->not_finite) return;
    char *to = e->to + begin / dtype_block(e->dtype) * dtype_size(e->dtype);
    quant_encode(e->dtype, n, x, to);
    quant_decode(e->dtype, n, to, back);
    for (size_t i = 0; i < n; i++) {
        const double miss = (double)back[i] - (double)x[i];
        piece->square += miss * miss;
        piece->square_of_all += (double)x[i] * (double)x[i];
        if (fabs(miss) > piece->worst) piece->worst = fabs(miss);
    }
}

static Status sum_pieces(const RowEncoding *e, size_t n_pieces, QuantizedTensor *told, Error *err)
{
    for (size_t i = 0; i < n_pieces; i++) {
        const Piece *piece = &e->pieces[i];
        if (piece->not_finite) {
            return error_set(
                err, STATUS_INVALID,
                "tensor \"" SLICE_FMT "\": number %zu is not finite (%g): the model is broken",
                SLICE_ARG(told->name), piece->not_finite - 1, (double)e->x[piece->not_finite - 1]);
        }
        told->square += piece->square;
        told->square_of_all += piece->square_of_all;
        told->worst = fmax(told->worst, piece->worst);
    }
    told->error = told->square_of_all > 0 ? sqrt(told->square / told->square_of_all) : 0;
    // What a format cannot hold at all (F16 above 65504) must not pass for a model.
    if (isfinite(told->error) && isfinite(told->worst)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "tensor \"" SLICE_FMT "\" has numbers too large for %s: take bf16 or f32",
                     SLICE_ARG(told->name), tensor_type_name(told->to));
}

static Status encode(Work *work, size_t index, const float *x, void *to, Error *err)
{
    Arena arena = {0};
    QuantizedTensor *told = &work->report->tensors[index];
    RowEncoding e = {.x = x, .n = told->n_elements, .piece = PIECE_NUMBERS, .to = to};
    (void)tensor_type_dtype(told->to, &e.dtype);
    const size_t n_pieces = (e.n + e.piece - 1) / e.piece;
    Status s = arena_take(&arena, n_pieces, sizeof *e.pieces, "pieces", &e.pieces, err);
    if (s == STATUS_OK)
        s = arena_take(&arena, pool_threads(work->pool) * e.piece, sizeof *e.back, "pieces",
                       &e.back, err);
    if (s == STATUS_OK) {
        pool_run(work->pool, n_pieces, encode_piece, &e);
        s = sum_pieces(&e, n_pieces, told, err);
    }
    arena_release(&arena);
    return s;
}

static Status fill(void *context, size_t index, void *data, Error *err)
{
    Work *work = context;
    const Source *source = &work->sources[index];
    const SafeItem *item = &work->items[index];
    const size_t n = work->report->tensors[index].n_elements;
    if (work->cancel && atomic_load(work->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    if (n == 0) return STATUS_OK;
    // The same numbers in the same place: copied, for encoding again would lose a little.
    if (source->tensor && source->tensor->type == item->type && source->change == SAFE_AS_IS) {
        memcpy(data, source->tensor->data.ptr, source->tensor->data.len);
        return STATUS_OK;
    }
    const size_t bytes = n * sizeof(float);
    const bool is_changed = source->tensor && source->change != SAFE_AS_IS;
    float *x = huge_alloc(bytes), *changed = is_changed ? huge_alloc(bytes) : NULL;
    Status s = x && (changed || !is_changed) ? STATUS_OK
                                             : error_set_memory(err, n, 2 * sizeof *x, "a tensor");
    if (s == STATUS_OK && source->tensor)
        s = safetensor_read_f32(source->tensor, x, err);
    else if (s == STATUS_OK)
        memcpy(x, source->factors, bytes);
    if (s == STATUS_OK && is_changed) change_numbers(item, source, x, changed);
    if (s == STATUS_OK) s = encode(work, index, is_changed ? changed : x, data, err);
    huge_free(x, bytes);
    huge_free(changed, changed ? bytes : 0);
    return s;
}

// ---- metadata ----

static uint32_t file_type(TensorType type)
{
    static const struct {
        TensorType type;
        uint32_t number;
    } types[] = {{TENSOR_F16, 1},   {TENSOR_Q4_0, 2}, {TENSOR_Q4_1, 3},  {TENSOR_Q8_0, 7},
                 {TENSOR_Q5_0, 8},  {TENSOR_Q5_1, 9}, {TENSOR_Q4_K, 14}, {TENSOR_Q5_K, 16},
                 {TENSOR_Q6_K, 18}, {TENSOR_BF16, 32}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].type == type) return types[i].number;
    }
    return 0;
}

static void copy_metadata(const Gguf *file, TensorType to, GgufBuilder *b)
{
    for (size_t i = 0; i < file->n_pairs; i++) {
        const GgufPair *pair = &file->pairs[i];
        if (slice_eq_cstr(pair->key, "general.file_type") ||
            slice_eq_cstr(pair->key, "general.quantization_version") ||
            slice_eq_cstr(pair->key, "general.alignment")) {
            continue;
        }
        gguf_put_value(b, pair->key, &pair->value);
    }
    gguf_put_u32(b, "general.file_type", file_type(to));
    gguf_put_u32(b, "general.quantization_version", 2);
}

enum { DOCUMENT_MAX = 64 << 20 };

// The text of a file of the directory; *text stays empty where it is not there.
static Status read_document(Arena *arena, const char *directory, const char *name, Slice *text,
                            Error *err)
{
    const char *path = file_join(arena, slice_from_cstr(directory), slice_from_cstr(name));
    if (!path) return error_set_memory(err, 1, strlen(directory), "a path");
    return file_exists(path) ? file_read(arena, path, DOCUMENT_MAX, text, err) : STATUS_OK;
}

// An older tokenizer as a tokenizer.json; *text stays empty for others, and for what cannot be read: such a file takes ids.
static Status tell_tokenizer(Work *work, const char *directory, Slice *text, Error *err)
{
    static const char *const pieces[] = {"sentencepiece.bpe.model", "sentencepiece.model"};
    const char *spm = NULL;
    Buffer told = {0};
    for (size_t i = 0; i < 2 && !spm; i++) {
        spm = file_join(work->arena, slice_from_cstr(directory), slice_from_cstr(pieces[i]));
        if (!spm) return error_set_memory(err, 1, strlen(directory), "a path");
        if (!file_exists(spm)) spm = NULL;
    }
    Error ignored = {0};
    Status s = tokenizer_tell(directory, spm, &told, &ignored);
    if (s == STATUS_OK && told.len == 0) s = tokenizer_tell_words(directory, &told, &ignored);
    if (s == STATUS_MEMORY) return error_set_memory(err, 1, 1, "a tokenizer");
    if (s == STATUS_OK) {
        *text = arena_copy(work->arena, buffer_slice(&told));
        if (!text->ptr) s = error_set_memory(err, told.len, 1, "a tokenizer");
    }
    buffer_release(&told);
    return s == STATUS_MEMORY ? s : STATUS_OK;
}

// A SentencePiece model; what cannot be read or told takes ids alone.
static Status put_pieces(Work *work, const char *directory, GgufBuilder *b, Error *err)
{
    Tokenizer *tokenizer = NULL;
    Error ignored = {0};
    bool is_told = false;
    Status s = tokenizer_open(directory, &tokenizer, &ignored);
    if (s == STATUS_MEMORY) return error_set_memory(err, 1, 1, "a tokenizer");
    s = STATUS_OK;
    if (tokenizer) s = tokenizer_put_gguf(tokenizer, work->config.vocab_size, b, &is_told, err);
    tokenizer_close(&tokenizer);
    // llama.cpp opens no file that does not say so.
    if (s == STATUS_OK && !is_told && work->family)
        gguf_put_string(b, "tokenizer.ggml.model", SLICE("none"));
    return s;
}

static Status put_tokenizer(Work *work, const char *directory, GgufBuilder *b, Error *err)
{
    JsonDocument *document = NULL;
    Slice text = {0}, chat = {0};
    TRY(chat_template_text(work->arena, directory, &chat, err));
    if (chat.len > 0) gguf_put_string(b, "tokenizer.chat_template", chat);
    TRY(read_document(work->arena, directory, "tokenizer.json", &text, err));
    if (text.len == 0) TRY(tell_tokenizer(work, directory, &text, err));
    if (text.len == 0) return put_pieces(work, directory, b, err);
    Status s = json_parse(SLICE("tokenizer.json"), text, JSON_STRICT, &document, err);
    if (s == STATUS_OK && work->family)
        s = gguf_put_tokenizer(b, json_root(document), json_root(work->files.config),
                               work->config.vocab_size, err);
    if (s == STATUS_OK) gguf_put_string(b, GGUF_KEY_TOKENIZER, text);
    json_close(&document);
    return s;
}

static Status put_embedding(Work *work, const char *path, GgufBuilder *b, Error *err)
{
    CheckpointEmbedding embedding;
    char key[128];
    if (work->config.head != HEAD_EMBEDDING) return STATUS_OK;
    TRY(checkpoint_embedding(&work->files, path, &embedding, err));
    if (embedding.unsupported) {
        return error_set(err, STATUS_INVALID,
                         "%s: its embeddings are made with %s, which a GGUF file cannot say", path,
                         embedding.unsupported);
    }
    snprintf(key, sizeof key, "%s.pooling_type", work->config.architecture->model_type);
    const int pool = embedding.pool == POOL_FIRST  ? GGUF_POOL_FIRST
                     : embedding.pool == POOL_LAST ? GGUF_POOL_LAST
                                                   : GGUF_POOL_MEAN;
    gguf_put_u32(b, key, (uint32_t)pool);
    gguf_put_bool(b, GGUF_KEY_NORMALIZED, embedding.is_normalized);
    return STATUS_OK;
}

static Status put_metadata(Work *work, const char *path, GgufBuilder *b, Error *err)
{
    GgufRopeFactors factors;
    Slice config = {0}, generation = {0}, note = {0};
    const Slice whole = slice_from_cstr(path);
    const bool has_end = slice_ends_with(whole, SLICE("/"));
    const Slice name = file_name_of(slice_sub(whole, 0, whole.len - has_end));
    TRY(gguf_put_config(b, json_root(work->files.config), name, file_type(work->to),
                        work->config.vocab_size, work->arena, &factors, err));
    TRY(put_tokenizer(work, path, b, err));
    TRY(put_embedding(work, path, b, err));
    TRY(read_document(work->arena, path, "config.json", &config, err));
    gguf_put_string(b, GGUF_KEY_CONFIG, config);
    TRY(read_document(work->arena, path, "generation_config.json", &generation, err));
    if (generation.len > 0) gguf_put_string(b, GGUF_KEY_GENERATION, generation);
    TRY(read_document(work->arena, path, "assay.json", &note, err));
    if (note.len > 0) gguf_put_string(b, GGUF_KEY_NOTE, note);
    return add_factors(work, &factors, err);
}

// ---- the whole ----

static Status plan(Work *work, const char *path, GgufBuilder *b, Error *err)
{
    const Gguf *gguf = &work->files.gguf;
    const bool is_gguf = gguf->n_pairs > 0;
    const size_t n = (is_gguf ? gguf->n_tensors : work->files.tensors.n_tensors) + 2;
    Arena *arena = work->arena;
    TRY(arena_take(arena, n, sizeof *work->items, "tensors", &work->items, err));
    TRY(arena_take(arena, n, sizeof *work->sources, "tensors", &work->sources, err));
    TRY(arena_take(arena, n, sizeof *work->report->tensors, "tensors", &work->report->tensors,
                   err));
    if (is_gguf) {
        for (size_t i = 0; i < gguf->n_tensors; i++) TRY(add_of_gguf(work, &gguf->tensors[i], err));
        copy_metadata(gguf, work->to, b);
        return STATUS_OK;
    }
    for (size_t i = 0; i < work->files.tensors.n_tensors; i++)
        TRY(add_of_model(work, &work->files.tensors.tensors[i], err));
    return put_metadata(work, path, b, err);
}

static void sum_report(Work *work)
{
    double square = 0, all = 0;
    QuantizeReport *report = work->report;
    report->n_tensors = work->n;
    for (size_t i = 0; i < report->n_tensors; i++) {
        if (report->tensors[i].n_dims < 2) continue;
        square += report->tensors[i].square;
        all += report->tensors[i].square_of_all;
    }
    report->error = all > 0 ? sqrt(square / all) : 0;
}

// Whether there is an output layer and it is the embedding.
static bool is_tied(const Safetensors *tensors, const Json *json, const ModelConfig *config)
{
    // ...ForCausalLM, ...LMHeadModel, ...ForMaskedLM
    if (!contains(config->class_name, "LM")) return false;
    bool tied = safetensors_find(tensors, SLICE("lm_head.weight")) == NULL;
    if (json_opt_bool(json, "tie_word_embeddings", &tied, NULL) != STATUS_OK) return false;
    return tied && !checkpoint_own_output(tensors, config->architecture);
}

Status model_quantize(const char *path, TensorType to, const char *out_path, Pool *pool,
                      const atomic_int *cancel, Arena *arena, QuantizeReport *report, Error *err)
{
    GgufBuilder b = {0};
    Work work = {.to = to, .arena = arena, .pool = pool, .cancel = cancel, .report = report};
    *report = (QuantizeReport){0};
    TRY(checkpoint_resolve(arena, path, &report->path, err));
    TRY(checkpoint_open(report->path, &work.files, err));
    const Json *config = json_root(work.files.config);
    Status s = model_config_parse(arena, config, &work.config, err);
    if (s == STATUS_OK) {
        s = gguf_family_of_config(config, &work.family, err);
        work.is_tied = is_tied(&work.files.tensors, config, &work.config);
        if (s == STATUS_OK) s = plan(&work, report->path, &b, err);
    }
    if (s == STATUS_OK) s = gguf_write(out_path, &b, work.items, work.n, fill, &work, err);
    if (s == STATUS_OK) sum_report(&work);
    gguf_builder_release(&b);
    checkpoint_close(&work.files);
    return s;
}
