// The files of a trained tokenizer, as Hugging Face's tools read them.
#include "base/file.h"
#include "base/json_writer.h"
#include "models/tokenizers/train_internal.h"

enum { INDENT = 2 };

// ---- tokenizer.json ----

static void put_bools(JsonWriter *w, const char *const *keys, const bool *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_member_bool(w, keys[i], values[i]);
    }
}

static void put_added_tokens(JsonWriter *w, const Slice *specials, size_t n_specials)
{
    static const char *const keys[] = {"single_word", "lstrip", "rstrip", "normalized", "special"};
    static const bool values[] = {false, false, false, false, true};
    json_member_array(w, "added_tokens");
    for (size_t i = 0; i < n_specials; i++) {
        json_begin_object(w);
        json_member_u64(w, "id", i);
        json_member_string(w, "content", specials[i]);
        put_bools(w, keys, values, sizeof values / sizeof *values);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_piece(JsonWriter *w, const char *kind, Slice id, uint64_t type_id)
{
    json_begin_object(w);
    json_member_object(w, kind);
    json_member_string(w, "id", id);
    json_member_u64(w, "type_id", type_id);
    json_end_object(w);
    json_end_object(w);
}

static void put_template_special(JsonWriter *w, const TrainState *state, Slice token)
{
    json_put_key_slice(w, token);
    json_begin_object(w);
    json_member_string(w, "id", token);
    json_member_array(w, "ids");
    json_put_i64(w, train_find(state, token));
    json_end_array(w);
    json_member_array(w, "tokens");
    json_put_string(w, token);
    json_end_array(w);
    json_end_object(w);
}

static void put_bert_template(JsonWriter *w, const TrainState *state)
{
    json_begin_object(w);
    json_member_cstr(w, "type", "TemplateProcessing");
    for (int is_pair = 0; is_pair < 2; is_pair++) {
        json_member_array(w, is_pair ? "pair" : "single");
        put_piece(w, "SpecialToken", SLICE("[CLS]"), 0);
        put_piece(w, "Sequence", SLICE("A"), 0);
        put_piece(w, "SpecialToken", SLICE("[SEP]"), 0);
        if (is_pair) put_piece(w, "Sequence", SLICE("B"), 1);
        if (is_pair) put_piece(w, "SpecialToken", SLICE("[SEP]"), 1);
        json_end_array(w);
    }
    json_member_object(w, "special_tokens");
    put_template_special(w, state, SLICE("[CLS]"));
    put_template_special(w, state, SLICE("[SEP]"));
    json_end_object(w);
    json_end_object(w);
}

// Texts that end with a token, as the sources and targets of encoder-decoders do.
static void put_end_template(JsonWriter *w, const TrainState *state)
{
    const Slice end = state->options->end_token;
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "TemplateProcessing");
    for (int is_pair = 0; is_pair < 2; is_pair++) {
        json_member_array(w, is_pair ? "pair" : "single");
        put_piece(w, "Sequence", SLICE("A"), 0);
        if (is_pair) put_piece(w, "Sequence", SLICE("B"), 0);
        put_piece(w, "SpecialToken", end, 0);
        json_end_array(w);
    }
    json_member_object(w, "special_tokens");
    put_template_special(w, state, end);
    json_end_object(w);
    json_end_object(w);
}

static void put_vocab(JsonWriter *w, const TrainState *state)
{
    json_begin_object(w);
    for (size_t i = 0; i < state->n_tokens; i++) {
        json_put_key_slice(w, state->tokens[i]);
        json_put_u64(w, i);
    }
    json_end_object(w);
}

static void put_wordpiece_parts(JsonWriter *w, const TrainState *state)
{
    const bool is_cased = state->options->is_cased;
    json_member_object(w, "normalizer");
    json_member_cstr(w, "type", "BertNormalizer");
    json_member_bool(w, "clean_text", true);
    json_member_bool(w, "handle_chinese_chars", true);
    json_member_null(w, "strip_accents");
    json_member_bool(w, "lowercase", !is_cased);
    json_end_object(w);
    json_member_object(w, "pre_tokenizer");
    json_member_cstr(w, "type", "BertPreTokenizer");
    json_end_object(w);
    json_put_key(w, "post_processor");
    put_bert_template(w, state);
    json_member_object(w, "decoder");
    json_member_cstr(w, "type", "WordPiece");
    json_member_cstr(w, "prefix", "##");
    json_member_bool(w, "cleanup", true);
    json_end_object(w);
    json_member_object(w, "model");
    json_member_cstr(w, "type", "WordPiece");
    json_member_cstr(w, "unk_token", "[UNK]");
    json_member_cstr(w, "continuing_subword_prefix", "##");
    json_member_u64(w, "max_input_chars_per_word", 100);
    json_put_key(w, "vocab");
    put_vocab(w, state);
    json_end_object(w);
}

static void put_byte_level(JsonWriter *w, const char *section, bool trim_offsets)
{
    static const char *const keys[] = {"add_prefix_space", "trim_offsets", "use_regex"};
    const bool values[] = {false, trim_offsets, true};
    json_member_object(w, section);
    json_member_cstr(w, "type", "ByteLevel");
    put_bools(w, keys, values, sizeof values / sizeof *values);
    json_end_object(w);
}

static void put_bpe_parts(JsonWriter *w, const TrainState *state)
{
    static const char *const nulls[] = {"dropout", "unk_token", "continuing_subword_prefix",
                                        "end_of_word_suffix"};
    static const char *const bools[] = {"fuse_unk", "byte_fallback", "ignore_merges"};
    static const bool values[] = {false, false, false};
    json_member_null(w, "normalizer");
    put_byte_level(w, "pre_tokenizer", true);
    if (state->options->end_token.len > 0)
        put_end_template(w, state);
    else
        put_byte_level(w, "post_processor", false);
    put_byte_level(w, "decoder", true);
    json_member_object(w, "model");
    json_member_cstr(w, "type", "BPE");
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) json_member_cstr(w, nulls[i], NULL);
    put_bools(w, bools, values, sizeof values / sizeof *values);
    json_put_key(w, "vocab");
    put_vocab(w, state);
    json_member_array(w, "merges");
    for (size_t i = 0; i < state->n_merges; i++) {
        json_begin_array(w);
        json_put_string(w, state->tokens[state->merges[i].left]);
        json_put_string(w, state->tokens[state->merges[i].right]);
        json_end_array(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void tokenizer_text(const TrainState *state, const Slice *specials, size_t n_specials,
                           Buffer *out)
{
    JsonWriter w = json_writer(out, INDENT);
    json_begin_object(&w);
    json_member_cstr(&w, "version", "1.0");
    json_member_cstr(&w, "truncation", NULL);
    json_member_cstr(&w, "padding", NULL);
    put_added_tokens(&w, specials, n_specials);
    if (state->options->kind == TRAIN_WORDPIECE) {
        put_wordpiece_parts(&w, state);
    } else {
        put_bpe_parts(&w, state);
    }
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

// ---- the other files ----

static void config_text(const TrainState *state, const Slice *specials, Buffer *out)
{
    JsonWriter w = json_writer(out, INDENT);
    json_begin_object(&w);
    if (state->options->kind == TRAIN_WORDPIECE) {
        json_member_cstr(&w, "tokenizer_class", "BertTokenizer");
        json_member_bool(&w, "do_lower_case", !state->options->is_cased);
        json_member_cstr(&w, "strip_accents", NULL);
        json_member_bool(&w, "tokenize_chinese_chars", true);
        json_member_cstr(&w, "unk_token", "[UNK]");
        json_member_cstr(&w, "cls_token", "[CLS]");
        json_member_cstr(&w, "sep_token", "[SEP]");
        json_member_cstr(&w, "pad_token", "[PAD]");
        if (train_find(state, SLICE("[MASK]")) >= 0) json_member_cstr(&w, "mask_token", "[MASK]");
    } else if (state->options->end_token.len > 0) {
        json_member_cstr(&w, "tokenizer_class", "PreTrainedTokenizerFast");
        json_member_string(&w, "eos_token", state->options->end_token);
        if (train_find(state, SLICE("<pad>")) >= 0) json_member_cstr(&w, "pad_token", "<pad>");
    } else {
        static const char *const keys[] = {"bos_token", "eos_token", "unk_token"};
        json_member_cstr(&w, "tokenizer_class", "GPT2Tokenizer");
        json_member_bool(&w, "add_prefix_space", false);
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            json_member_string(&w, keys[i], specials[0]);
        }
    }
    json_end_object(&w);
    buffer_append_byte(out, '\n');
}

static void vocab_lines(const TrainState *state, Buffer *out)
{
    for (size_t i = 0; i < state->n_tokens; i++) {
        buffer_append(out, state->tokens[i]);
        buffer_append_byte(out, '\n');
    }
}

static void vocab_json(const TrainState *state, Buffer *out)
{
    JsonWriter w = json_writer(out, 0);
    put_vocab(&w, state);
    buffer_append_byte(out, '\n');
}

static void merge_lines(const TrainState *state, Buffer *out)
{
    buffer_append_cstr(out, "#version: 0.2\n");
    for (size_t i = 0; i < state->n_merges; i++) {
        buffer_append(out, state->tokens[state->merges[i].left]);
        buffer_append_byte(out, ' ');
        buffer_append(out, state->tokens[state->merges[i].right]);
        buffer_append_byte(out, '\n');
    }
}

// Writes what stands in text and empties it.
static Status write_file(const char *directory, const char *name, Buffer *text, Error *err)
{
    Arena arena = {0};
    Status s = buffer_status(text, err);
    const char *path = file_join(&arena, slice_from_cstr(directory), slice_from_cstr(name));
    if (s == STATUS_OK && path == NULL) s = error_set_memory(err, 1, 1, "a path");
    if (s == STATUS_OK) s = file_write(path, buffer_slice(text), err);
    buffer_clear(text);
    arena_release(&arena);
    return s;
}

Status train_write(const TrainState *state, const Slice *special_tokens, size_t n_special_tokens,
                   const char *directory, Error *err)
{
    TRY(file_make_directories(directory, err));
    Buffer text = {0};
    const bool is_bpe = state->options->kind == TRAIN_BPE;
    tokenizer_text(state, special_tokens, n_special_tokens, &text);
    Status s = write_file(directory, "tokenizer.json", &text, err);
    if (s == STATUS_OK) {
        config_text(state, special_tokens, &text);
        s = write_file(directory, "tokenizer_config.json", &text, err);
    }
    if (s == STATUS_OK) {
        if (is_bpe) {
            vocab_json(state, &text);
        } else {
            vocab_lines(state, &text);
        }
        s = write_file(directory, is_bpe ? "vocab.json" : "vocab.txt", &text, err);
    }
    if (s == STATUS_OK && is_bpe) {
        merge_lines(state, &text);
        s = write_file(directory, "merges.txt", &text, err);
    }
    buffer_release(&text);
    return s;
}
