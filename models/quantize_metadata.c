// models/quantize_metadata.c: what a quantised file says beside its tensors: config, tokenizer, chat template, how embeddings are
// made, a tuned model's note.
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/chat/chat.h"
#include "models/quantize_internal.h"
#include "models/tokenizers/gguf_tell.h"
#include "models/tokenizers/gguf_words.h"
#include "models/tokenizers/told.h"

void quantize_copy_metadata(const Gguf *file, uint32_t file_type, GgufBuilder *b)
{
    for (size_t i = 0; i < file->n_pairs; i++) {
        const GgufPair *pair = &file->pairs[i];
        if (slice_eq_cstr(pair->key, "general.file_type") ||
            slice_eq_cstr(pair->key, "general.quantization_version") ||
            slice_eq_cstr(pair->key, "general.alignment") ||
            slice_starts_with(pair->key, SLICE("split."))) { // what is written is one file
            continue;
        }
        gguf_put_value(b, pair->key, &pair->value);
    }
    gguf_put_u32(b, "general.file_type", file_type);
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
static Status tell_tokenizer(QuantizeWork *work, const char *directory, Slice *text, Error *err)
{
    static const char *const pieces[] = {"spiece.model", "sentencepiece.bpe.model",
                                         "sentencepiece.model", "spm.model"};
    const char *spm = NULL;
    Buffer told = {0};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces && !spm; i++) {
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
static Status put_pieces(QuantizeWork *work, const char *directory, GgufBuilder *b, Error *err)
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

static Status put_tokenizer(QuantizeWork *work, const char *directory, GgufBuilder *b, Error *err)
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

static Status put_first_positions(const QuantizeWork *work, GgufBuilder *b, Error *err)
{
    float *values = NULL;
    if (!work->positions) return STATUS_OK;
    SafeTensor rows = *work->positions;
    const size_t n = work->config.first_position, each = rows.data.len / rows.shape[0];
    rows.shape[0] = n;
    rows.n_elements = n * rows.shape[1];
    rows.data = slice_sub(rows.data, 0, n * each);
    TRY(arena_take(work->arena, rows.n_elements, sizeof *values, "positions", &values, err));
    TRY(safetensor_read_f32(&rows, values, err));
    gguf_put_f32s(b, GGUF_KEY_FIRST_POSITIONS, values, rows.n_elements);
    return STATUS_OK;
}

// Whether the file has BERT's or ModernBERT's classes of whole texts, which llama.cpp counts by their names.
static bool has_classes(const QuantizeWork *work)
{
    return work->family && work->config.head == HEAD_SEQUENCE &&
           strcmp(work->family->model_type, "distilbert") != 0 &&
           (strcmp(work->family->architecture, "bert") == 0 ||
            strcmp(work->family->architecture, "modern-bert") == 0);
}

static Status put_labels(QuantizeWork *work, GgufBuilder *b, Error *err)
{
    char key[128];
    Slice *labels = NULL;
    const ModelConfig *c = &work->config;
    if (!has_classes(work)) return STATUS_OK;
    TRY(arena_take(work->arena, c->n_labels, sizeof *labels, "labels", &labels, err));
    for (size_t i = 0; i < c->n_labels; i++) {
        labels[i] =
            c->labels ? c->labels[i] : slice_from_cstr(arena_printf(work->arena, "LABEL_%zu", i));
        if (!labels[i].ptr) return error_set_memory(err, c->n_labels, 16, "labels");
    }
    snprintf(key, sizeof key, "%s.classifier.output_labels", work->family->architecture);
    gguf_put_strings(b, key, labels, c->n_labels);
    if (strcmp(work->family->architecture, "modern-bert") == 0)
        gguf_put_u32(b, "modern-bert.classifier.pooling_type",
                     c->classifies_first ? GGUF_POOL_FIRST : GGUF_POOL_MEAN);
    return STATUS_OK;
}

static Status put_embedding(QuantizeWork *work, const char *path, GgufBuilder *b, Error *err)
{
    CheckpointEmbedding embedding;
    char key[128];
    if (work->config.head != HEAD_EMBEDDING) return STATUS_OK;
    TRY(checkpoint_embedding(&work->files, path, &embedding, err));
    if (embedding.n_layers > 0) embedding.unsupported = "a dense layer after pooling";
    if (embedding.unsupported) {
        return error_set(err, STATUS_INVALID,
                         "%s: its embeddings are made with %s, which a GGUF file cannot say", path,
                         embedding.unsupported);
    }
    // As general.architecture has it.
    snprintf(key, sizeof key, "%s.pooling_type",
             work->family ? work->family->architecture : work->config.architecture->model_type);
    const int pool = embedding.pool == POOL_FIRST  ? GGUF_POOL_FIRST
                     : embedding.pool == POOL_LAST ? GGUF_POOL_LAST
                                                   : GGUF_POOL_MEAN;
    gguf_put_u32(b, key, (uint32_t)pool);
    gguf_put_bool(b, GGUF_KEY_NORMALIZED, embedding.is_normalized);
    return STATUS_OK;
}

// That of the folder. llama.cpp takes a file whose name says Phi-3 for one with that vocabulary, whose special tokens take the
// blanks behind them, and opens none that lacks these tokens.
static Status name_model(QuantizeWork *work, const char *path, Slice *out, Error *err)
{
    static const char *const wanted[] = {"</s>", "<unk>", "<s>", "<|endoftext|>"};
    const Slice whole = slice_from_cstr(path);
    const bool has_end = slice_ends_with(whole, SLICE("/"));
    Tokenizer *tokenizer = NULL;
    Error ignored = {0};
    Buffer blurred = {0};
    *out = file_name_of(slice_sub(whole, 0, whole.len - has_end));
    if (!gguf_words_is_phi3(*out)) return STATUS_OK;
    if (tokenizer_open(path, &tokenizer, &ignored) == STATUS_MEMORY)
        return error_set_memory(err, 1, 1, "a tokenizer");
    bool has_all = tokenizer != NULL;
    for (size_t i = 0; has_all && i < sizeof wanted / sizeof *wanted; i++)
        has_all = tokenizer_id(tokenizer, slice_from_cstr(wanted[i])) != TOKEN_NONE;
    tokenizer_close(&tokenizer);
    if (has_all) return STATUS_OK;
    gguf_words_blur_phi3(*out, &blurred);
    Status s = buffer_status(&blurred, err);
    if (s == STATUS_OK) *out = arena_copy(work->arena, buffer_slice(&blurred));
    if (s == STATUS_OK && !out->ptr) s = error_set_memory(err, blurred.len, 1, "a name");
    buffer_release(&blurred);
    return s;
}

Status quantize_put_metadata(QuantizeWork *work, const char *path, GgufBuilder *b, Error *err)
{
    GgufRopeFactors factors;
    Slice name = {0}, config = {0}, generation = {0}, note = {0};
    TRY(name_model(work, path, &name, err));
    TRY(gguf_put_config(b, json_root(work->files.config), name, quantize_format_number(work->to),
                        work->config.vocab_size, work->arena, &factors, err));
    TRY(put_tokenizer(work, path, b, err));
    TRY(put_embedding(work, path, b, err));
    TRY(put_labels(work, b, err));
    TRY(put_first_positions(work, b, err));
    TRY(read_document(work->arena, path, "config.json", &config, err));
    gguf_put_string(b, GGUF_KEY_CONFIG, config);
    TRY(read_document(work->arena, path, "generation_config.json", &generation, err));
    if (generation.len > 0) gguf_put_string(b, GGUF_KEY_GENERATION, generation);
    TRY(read_document(work->arena, path, "assay.json", &note, err));
    if (note.len > 0) gguf_put_string(b, GGUF_KEY_NOTE, note);
    return quantize_add_factors(work, &factors, err);
}
