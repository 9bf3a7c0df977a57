// assay tokenize MODEL: cases of --in encoded or decoded by a model's tokenizer.
#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "models/chat/chat.h"
#include "models/checkpoint.h"
#include "models/tokenizers/tokenizer.h"
#include "tools/jsonl.h"
#include "tools/misspelt.h"
#include "tools/model_options.h"
#include "tools/tokenize/tokenize.h"

typedef struct EncodeCase {
    Slice id;
    JsonlTexts keys; // of all its members
    JsonlText text, pair, text_target, strategy, src_lang, tgt_lang;
    JsonlSize max_length, stride;
    bool special;
    JsonlInts ids;
    Slice messages, tools, chat_template_kwargs; // a conversation, as it stands
    const char *path;                            // of the model, for its chat template
} EncodeCase;

#define CASE_FIELD(key, kind)                 \
    {                                         \
#        key, kind, offsetof(EncodeCase, key) \
    }
static const JsonlField case_fields[] = {
    CASE_FIELD(id, JSONL_RAW),
    CASE_FIELD(text, JSONL_TEXT),
    CASE_FIELD(text_target, JSONL_TEXT),
    CASE_FIELD(pair, JSONL_TEXT),
    CASE_FIELD(strategy, JSONL_TEXT),
    CASE_FIELD(max_length, JSONL_SIZE),
    CASE_FIELD(stride, JSONL_SIZE),
    CASE_FIELD(special, JSONL_BOOL),
    CASE_FIELD(ids, JSONL_INTS),
    CASE_FIELD(messages, JSONL_RAW),
    CASE_FIELD(tools, JSONL_RAW),
    CASE_FIELD(chat_template_kwargs, JSONL_RAW),
    CASE_FIELD(src_lang, JSONL_TEXT),
    CASE_FIELD(tgt_lang, JSONL_TEXT),
    {NULL, JSONL_KEYS, offsetof(EncodeCase, keys)},
};
enum { N_CASE_FIELDS = sizeof case_fields / sizeof *case_fields };

// Those that may be left out.
static const char *const option_names[] = {"pair",    "strategy", "max_length", "stride",
                                           "special", "src_lang", "tgt_lang",   NULL};

static bool is_case_field(Slice key)
{
    for (size_t i = 0; i < N_CASE_FIELDS; i++) {
        if (case_fields[i].key && slice_eq_cstr(key, case_fields[i].key)) return true;
    }
    return false;
}

// ---- encoding ----

static void put_ints(JsonWriter *w, const char *key, const int32_t *values, size_t n)
{
    json_member_array(w, key);
    for (size_t i = 0; i < n; i++) json_put_i64(w, values[i]);
    json_end_array(w);
}

static void put_encoding(JsonWriter *w, const Encoding *encoding)
{
    const size_t n = encoding->n_tokens;
    put_ints(w, "ids", encoding->ids, n);
    json_member_array(w, "tokens");
    for (size_t i = 0; i < n; i++) json_put_string(w, encoding->tokens[i]);
    json_end_array(w);
    json_member_array(w, "offsets");
    for (size_t i = 0; i < n; i++) {
        json_begin_array(w);
        json_put_u64(w, encoding->offsets[i].begin);
        json_put_u64(w, encoding->offsets[i].end);
        json_end_array(w);
    }
    json_end_array(w);
    put_ints(w, "type_ids", encoding->type_ids, n);
}

static void put_windows(JsonWriter *w, const EncodingWindows *windows)
{
    json_member_array(w, "windows");
    for (size_t i = 0; i < windows->n_windows; i++) {
        const Encoding *window = &windows->windows[i];
        json_begin_object(w);
        put_encoding(w, window);
        json_member_array(w, "special");
        for (size_t t = 0; t < window->n_tokens; t++) json_put_i64(w, window->special[t]);
        json_end_array(w);
        json_member_array(w, "sequence");
        for (size_t t = 0; t < window->n_tokens; t++) {
            if (window->sequence[t] == TOKEN_NONE)
                json_put_null(w);
            else
                json_put_i64(w, window->sequence[t]);
        }
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
}

// Of a text to be written: as told, as the files say, or the source's.
static Status target_language(const Tokenizer *tokenizer, const EncodeCase *c, int32_t *out,
                              Error *err)
{
    if (c->tgt_lang.is_given) return tokenizer_find_language(tokenizer, c->tgt_lang.text, out, err);
    if (tokenizer_target_language(tokenizer) > 0)
        *out = tokenizer_target_language(tokenizer);
    else if (c->src_lang.is_given)
        return tokenizer_find_language(tokenizer, c->src_lang.text, out, err);
    return STATUS_OK;
}

static Status encode_case(const Tokenizer *tokenizer, const EncodeCase *c, Arena *arena,
                          EncodingWindows *out, Error *err)
{
    const Slice text = c->text_target.is_given ? c->text_target.text : c->text.text;
    if (c->text_target.is_given) tokenizer = tokenizer_target(tokenizer);
    if (c->text.is_given == c->text_target.is_given)
        return error_set(err, STATUS_INVALID,
                         c->text.is_given ? "\"text\" and \"text_target\" exclude each other"
                                          : "\"text\" is missing");
    if (c->max_length.is_given && c->max_length.value == 0) {
        return error_set(err, STATUS_INVALID,
                         "max_length 0 leaves no room; without it nothing is cut");
    }
    EncodeOptions options = {
        .max_length = c->max_length.value, .stride = c->stride.value, .no_special = !c->special};
    if (c->src_lang.is_given && c->text.is_given)
        TRY(tokenizer_find_language(tokenizer, c->src_lang.text, &options.language, err));
    if (c->text_target.is_given) TRY(target_language(tokenizer, c, &options.language, err));
    if (c->strategy.is_given) {
        TRY(truncation_strategy_parse(c->strategy.text, &options.strategy, err));
    }
    const Slice *pair = c->pair.is_given ? &c->pair.text : NULL;
    if (c->stride.is_given) {
        TRY(tokenizer_encode_windows(tokenizer, text, pair, &options, arena, out, err));
    } else {
        Encoding *encoding = NULL;
        TRY(arena_take(arena, 1, sizeof *encoding, "an encoding", &encoding, err));
        TRY(tokenizer_encode(tokenizer, text, pair, &options, arena, encoding, err));
        *out = (EncodingWindows){.windows = encoding, .n_windows = 1};
    }
    for (size_t i = 0; i < out->n_windows; i++) {
        token_offsets_encoding(&out->windows[i], text, pair);
    }
    return STATUS_OK;
}

// What stands before a model that is handed a conversation: its text and tokens.
static Status encode_chat(const Tokenizer *tokenizer, const EncodeCase *c, Arena *arena,
                          JsonlOut *out, Error *err)
{
    const ChatRequest request = {c->messages, c->tools, c->chat_template_kwargs};
    ChatTemplate chat = {0};
    Buffer text = {0};
    Encoding encoding = {0};
    Error why = {0};
    Status s = chat_open(arena, c->path, tokenizer, &chat, &why);
    if (s == STATUS_OK) s = chat_render(&chat, &request, &text, &why);
    if (s == STATUS_OK) s = chat_encode(tokenizer, buffer_slice(&text), arena, &encoding, &why);
    if (s != STATUS_OK) {
        s = jsonl_out_failure(out, c->id, &why, err);
    } else {
        JsonWriter *w = jsonl_out_begin(out, c->id);
        json_member_string(w, "text", buffer_slice(&text));
        put_encoding(w, &encoding);
        s = jsonl_out_end(out, err);
    }
    buffer_release(&text);
    return s;
}

static Status encode_line(const Tokenizer *tokenizer, const EncodeCase *c, Arena *arena,
                          JsonlOut *out, Error *err)
{
    EncodingWindows windows = {0};
    Error why = {0};
    if (c->messages.ptr) return encode_chat(tokenizer, c, arena, out, err);
    if (encode_case(tokenizer, c, arena, &windows, &why) != STATUS_OK) {
        return jsonl_out_failure(out, c->id, &why, err);
    }
    JsonWriter *w = jsonl_out_begin(out, c->id);
    put_encoding(w, &windows.windows[0]);
    if (c->stride.is_given) put_windows(w, &windows);
    return jsonl_out_end(out, err);
}

// ---- decoding ----

// Ids that are no token's have no text, as in Transformers; whoever took another model's tokenizer should hear of them.
static void put_unknown(const Tokenizer *tokenizer, const EncodeCase *c, JsonWriter *w)
{
    bool is_open = false;
    tokenizer = tokenizer_target(tokenizer);
    for (size_t i = 0; i < c->ids.n; i++) {
        if (tokenizer_token(tokenizer, c->ids.values[i]).ptr != NULL) continue;
        if (!is_open) json_member_array(w, "unknown");
        is_open = true;
        json_put_i64(w, c->ids.values[i]);
    }
    if (is_open) json_end_array(w);
}

static Status decode_line(const Tokenizer *tokenizer, const EncodeCase *c, Arena *arena,
                          JsonlOut *out, Error *err)
{
    (void)arena;
    Error why = {0};
    Buffer texts[2] = {{0}, {0}};
    Status s = STATUS_OK;
    if (!c->ids.is_given) s = error_set(&why, STATUS_INVALID, "\"ids\" is missing");
    for (int i = 0; i < 2 && s == STATUS_OK; i++) {
        s = tokenizer_decode(tokenizer, c->ids.values, c->ids.n, i == 1, &texts[i], &why);
        if (s == STATUS_OK) s = buffer_status(&texts[i], &why);
    }
    if (s != STATUS_OK) {
        s = jsonl_out_failure(out, c->id, &why, err);
    } else {
        JsonWriter *w = jsonl_out_begin(out, c->id);
        json_member_string(w, "text", buffer_slice(&texts[0]));
        json_member_string(w, "text_skip_special", buffer_slice(&texts[1]));
        put_unknown(tokenizer, c, w);
        s = jsonl_out_end(out, err);
    }
    buffer_release(&texts[0]);
    buffer_release(&texts[1]);
    return s;
}

// ---- the stream ----

// What comes in. Without --in, if the first line is no JSON object, lines are texts as they are, or with --decode rows of
// ids.
typedef struct Stream {
    LineReader *in;
    bool is_decoding, takes_plain;
    const char *model; // where its files are
} Stream;

typedef Status LineFunction(const Tokenizer *tokenizer, const EncodeCase *c, Arena *arena,
                            JsonlOut *out, Error *err);

// "12 7 3", as shells hand ids over.
static Status read_plain_ids(Slice line, Arena *arena, JsonlInts *out, Error *err)
{
    Slice rest = slice_trim(line), word = {0};
    *out = (JsonlInts){.is_given = true};
    TRY(arena_take(arena, rest.len / 2 + 1, sizeof *out->values, "ids", &out->values, err));
    while (slice_split(&rest, ' ', &word)) {
        int64_t id = 0;
        if (word.len == 0) continue;
        if (!slice_to_i64(word, &id) || id < INT32_MIN || id > INT32_MAX)
            return error_set(err, STATUS_INVALID,
                             "\"" SLICE_FMT "\" is no id: a line is ids with blanks between, or a "
                             "JSON object",
                             SLICE_ARG(word));
        out->values[out->n++] = (int32_t)id;
    }
    return STATUS_OK;
}

static Status read_case(const Stream *stream, Slice line, Arena *arena, EncodeCase *c, Error *err)
{
    if (!stream->takes_plain) {
        TRY(jsonl_read_line(slice_from_cstr(line_reader_name(stream->in)),
                            line_reader_number(stream->in), line, arena, case_fields, N_CASE_FIELDS,
                            c, err));
        return refuse_misspelt(&c->keys, option_names, is_case_field, err);
    }
    if (stream->is_decoding) return read_plain_ids(line, arena, &c->ids, err);
    c->text = (JsonlText){line, true};
    return STATUS_OK;
}

static Status each_line(const Tokenizer *tokenizer, Stream *stream, JsonlOut *out, Error *err)
{
    LineFunction *work = stream->is_decoding ? decode_line : encode_line;

    Arena arena = {0};
    Status s = STATUS_OK;
    Slice line = {0};
    bool more = false, is_first = true;
    const ArenaMark mark = arena_mark(&arena);
    while (s == STATUS_OK) {
        s = line_reader_next(stream->in, &line, &more, err);
        if (s != STATUS_OK || !more) break;
        if (slice_trim(line).len == 0) continue;
        if (is_first && slice_trim(line).ptr[0] == '{') stream->takes_plain = false;
        is_first = false;
        EncodeCase c = {.special = true, .path = stream->model};
        Error why = {0};
        if (read_case(stream, line, &arena, &c, &why) == STATUS_OK) {
            s = work(tokenizer, &c, &arena, out, err);
        } else {
            s = jsonl_out_failure(out, c.id, &why, err);
        }
        arena_rewind(&arena, mark);
    }
    arena_release(&arena);
    return s;
}

// Of a directory, be it a model's in a cache, or of a GGUF file, be it a vocabulary alone.
static Status open_of_model(const char *path, Tokenizer **out, Error *err)
{
    Arena arena = {0};
    Gguf file = {0};
    const char *real = NULL;
    Status s = checkpoint_resolve(&arena, path, &real, err);
    if (s == STATUS_OK && file_is_directory(real)) {
        s = tokenizer_open(real, out, err);
    } else if (s == STATUS_OK) {
        s = gguf_open(real, &file, err);
        if (s == STATUS_OK) s = checkpoint_gguf_tokenizer(real, &file, out, err);
        if (s == STATUS_OK && !*out)
            s = error_set(err, STATUS_INVALID,
                          "%s has no tokenizer: use that of the model's directory", real);
    }
    gguf_close(&file);
    arena_release(&arena);
    return s;
}

// A directory, or one file of those that hold a tokenizer.
static Status open_tokenizer(const char *path, bool is_cased, Tokenizer **out, Error *err)
{
    const WordPieceOptions wordpiece = {.is_cased = is_cased};
    const bool is_vocab = slice_ends_with(slice_from_cstr(path), SLICE(".txt"));
    if (is_vocab && !file_is_directory(path)) {
        return tokenizer_open_vocab(path, &wordpiece, out, err);
    }
    if (is_cased) {
        return error_set(err, STATUS_INVALID,
                         "--cased is for --train and for a vocab.txt: %s says itself whether case "
                         "is kept",
                         path);
    }
    if (!file_is_directory(path) && !checkpoint_is_gguf(path))
        return tokenizer_open_file(path, out, err);
    return open_of_model(path, out, err);
}

Status tokenize_run(CommandLine *line, Error *err)
{
    const char *in_path = option_text(line, "in"), *out_path = option_text(line, "out");
    Tokenizer *tokenizer = NULL;
    LineReader *in = NULL;
    JsonlOut out = {0};
    if (line->n_operands != 1) {
        return error_set(err, STATUS_INVALID, "one MODEL is wanted, not %zu; texts come from --in",
                         line->n_operands);
    }
    Status s = open_tokenizer(line->operands[0], option_flag(line, "cased"), &tokenizer, err);
    model_options_tell_departure(line->log, line->operands[0], tokenizer);
    if (s == STATUS_OK) s = line_reader_open(in_path, &in, err);
    if (s == STATUS_OK) s = jsonl_refuse_input(in_path, out_path, err);
    if (s == STATUS_OK) s = jsonl_out_open(&out, out_path, line->is_json, err);
    if (s == STATUS_OK) {
        Stream stream = {.in = in,
                         .is_decoding = option_flag(line, "decode"),
                         .takes_plain = !option_given(line, "in"),
                         .model = line->operands[0]};
        if (file_is_directory(stream.model))
            s = checkpoint_resolve(&line->arena, line->operands[0], &stream.model, err);
        if (s == STATUS_OK) s = each_line(tokenizer, &stream, &out, err);
    }
    if (s == STATUS_OK) s = jsonl_out_finish(&out, err);
    jsonl_out_release(&out);
    line_reader_close(&in);
    tokenizer_close(&tokenizer);
    return s;
}
