// assay tokenize: ids, pieces and offsets of texts; text of ids; new vocabularies.
#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "models/chat/chat.h"
#include "models/checkpoint.h"
#include "models/tokenizers/tokenizer.h"
#include "models/tokenizers/train.h"
#include "tools/commands.h"
#include "tools/jsonl.h"
#include "tools/tokenize_as.h"

typedef struct EncodeCase {
    Slice id;
    JsonlText text, pair, text_target, strategy;
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
    CASE_FIELD(id, JSONL_RAW),           CASE_FIELD(text, JSONL_TEXT),
    CASE_FIELD(text_target, JSONL_TEXT), CASE_FIELD(pair, JSONL_TEXT),
    CASE_FIELD(strategy, JSONL_TEXT),    CASE_FIELD(max_length, JSONL_SIZE),
    CASE_FIELD(stride, JSONL_SIZE),      CASE_FIELD(special, JSONL_BOOL),
    CASE_FIELD(ids, JSONL_INTS),         CASE_FIELD(messages, JSONL_RAW),
    CASE_FIELD(tools, JSONL_RAW),        CASE_FIELD(chat_template_kwargs, JSONL_RAW),
};
enum { N_CASE_FIELDS = sizeof case_fields / sizeof *case_fields };

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
    const char *in_path;
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
    if (!stream->takes_plain)
        return jsonl_read_line(slice_from_cstr(stream->in_path), line_reader_number(stream->in),
                               line, arena, case_fields, N_CASE_FIELDS, c, err);
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

static Status run_stream(CommandLine *line, Error *err)
{
    const char *in_path = option_text(line, "in"), *out_path = option_text(line, "out");
    Tokenizer *tokenizer = NULL;
    LineReader *in = NULL;
    JsonlOut out = {0};
    if (line->n_operands != 1) {
        return error_set(err, STATUS_INVALID,
                         "one MODEL is wanted, %zu were given; texts come from --in",
                         line->n_operands);
    }
    Status s = open_tokenizer(line->operands[0], option_flag(line, "cased"), &tokenizer, err);
    if (s == STATUS_OK) s = line_reader_open(in_path, &in, err);
    if (s == STATUS_OK) s = jsonl_out_open(&out, out_path, line->is_json, err);
    if (s == STATUS_OK) {
        Stream stream = {.in = in,
                         .in_path = in_path,
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

// ---- training ----

static Status print_report(const CommandLine *line, const TokenizerTrainReport *report,
                           const char *directory, Error *err)
{
    Buffer out = {0};
    if (line->is_json) {
        const struct {
            const char *key;
            uint64_t value;
        } rows[] = {{"vocab_size", report->vocab_size},
                    {"lines", report->n_lines},
                    {"words", report->n_words},
                    {"distinct_words", report->n_distinct_words},
                    {"first_symbols", report->n_first_symbols},
                    {"merges", report->n_merges}};
        JsonWriter w = json_writer(&out, 2);
        json_begin_object(&w);
        json_member_cstr(&w, "directory", directory);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            json_member_u64(&w, rows[i].key, rows[i].value);
        }
        json_end_object(&w);
        buffer_append_byte(&out, '\n');
    } else {
        output_escaped(&out, slice_from_cstr(directory));
        buffer_printf(&out,
                      ": %zu tokens (%zu first symbols, %zu merges) from %llu lines, %llu words\n",
                      report->vocab_size, report->n_first_symbols, report->n_merges,
                      (unsigned long long)report->n_lines, (unsigned long long)report->n_words);
    }
    return output_buffer(&out, err);
}

static const char *const train_kinds[] = {"wordpiece", "bpe", NULL};
static const TokenizerTrainKind train_kind_values[] = {TRAIN_WORDPIECE, TRAIN_BPE};

static Status run_train(CommandLine *line, Error *err)
{
    const char *directory = option_text(line, "out");
    const TokenizerTrainOptions options = {
        .kind = train_kind_values[option_choice(line, "train")],
        .vocab_size = (size_t)option_integer(line, "vocab-size"),
        .min_frequency = (uint64_t)option_integer(line, "min-frequency"),
        .is_cased = option_flag(line, "cased"),
    };
    TokenizerTrainReport report = {0};
    if (!option_given(line, "vocab-size")) {
        return error_set(err, STATUS_INVALID, "--train wants --vocab-size N");
    }
    if (!option_given(line, "out") || strcmp(directory, "-") == 0) {
        return error_set(err, STATUS_INVALID, "--train wants --out DIR, where the files go");
    }
    if (line->n_operands == 0) {
        return error_set(err, STATUS_INVALID, "--train wants text files to learn from");
    }
    TRY(tokenizer_train(&options, line->operands, line->n_operands, directory, &report, err));
    if (report.vocab_size < options.vocab_size) {
        log_warning(line->log, "no more pairs are frequent enough: %zu tokens instead of %zu",
                    report.vocab_size, options.vocab_size);
    }
    return print_report(line, &report, directory, err);
}

static Status run(CommandLine *line, Error *err)
{
    static const char *const train_only[] = {"vocab-size", "min-frequency"};
    static const char *const as_only[] = {"plain",    "lowercase",     "normalized",
                                          "no-punct", "asian-support", "case-sensitive",
                                          "stemmer",  "spm-model"};
    if (option_given(line, "as")) return tokenize_as_run(line, err);
    for (size_t i = 0; i < sizeof as_only / sizeof *as_only; i++) {
        if (!option_given(line, as_only[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --as", as_only[i]);
    }
    if (option_given(line, "train")) return run_train(line, err);
    for (size_t i = 0; i < sizeof train_only / sizeof *train_only; i++) {
        if (!option_given(line, train_only[i])) continue;
        return error_set(err, STATUS_INVALID, "--%s goes with --train", train_only[i]);
    }
    return run_stream(line, err);
}

static const Option options[] = {
    {.name = "in",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .fallback = "-",
     .help = "JSON Lines to read; - is standard input"},
    {.name = "out",
     .short_name = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE|DIR",
     .fallback = "-",
     .help = "where answers go, - is standard output; with --train the directory to write"},
    {.name = "decode",
     .kind = OPTION_FLAG,
     .help = "the other way: {\"ids\": [..]} becomes {\"text\", \"text_skip_special\"}"},
    {.name = "train",
     .kind = OPTION_CHOICE,
     .value = "KIND",
     .choices = train_kinds,
     .help = "make a new vocabulary from text FILEs"},
    {.name = "vocab-size",
     .kind = OPTION_INTEGER,
     .value = "N",
     .lowest = 1,
     .highest = 1 << 24,
     .help = "tokens wanted, special ones and first symbols included"},
    {.name = "min-frequency",
     .kind = OPTION_INTEGER,
     .value = "N",
     .fallback = "2",
     .lowest = 1,
     .highest = 1e15,
     .help = "pairs seen less often are not joined"},
    {.name = "cased",
     .kind = OPTION_FLAG,
     .help = "WordPiece, trained or from a vocab.txt: keep case and accents"},
    {.name = "as",
     .kind = OPTION_CHOICE,
     .value = "NAME",
     .choices = tokenize_as_names,
     .help = "a metric's tokens in place of a model's: a JSON array a line of --in"},
    {.name = "plain",
     .kind = OPTION_FLAG,
     .help = "--as: lines are plain text, even where they look like JSON"},
    {.name = "lowercase",
     .kind = OPTION_FLAG,
     .help = "--as 13a, intl, zh, char, none, spm: lower-case first"},
    {.name = "spm-model",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .help = "--as spm: the SentencePiece model whose pieces are the words"},
    {.name = "normalized", .kind = OPTION_FLAG, .help = "--as tercom: Tercom's normaliser"},
    {.name = "no-punct", .kind = OPTION_FLAG, .help = "--as tercom: without punctuation"},
    {.name = "asian-support", .kind = OPTION_FLAG, .help = "--as tercom: CJK in these two"},
    {.name = "case-sensitive", .kind = OPTION_FLAG, .help = "--as tercom: keep case"},
    {.name = "stemmer", .kind = OPTION_FLAG, .help = "--as rouge: Porter stems"},
};

const Command command_tokenize = {
    .name = "tokenize",
    .group = "Models",
    .summary = "token ids, pieces and offsets of texts, or a new vocabulary",
    .operands = "MODEL | --train KIND FILE... | --as NAME",
    .min_operands = 0,
    .max_operands = SIZE_MAX,
    .description =
        "MODEL is a model's directory, a tokenizer.json, a vocab.txt, a SentencePiece .model or a .gguf "
        "file. Each line of --in is "
        "{\"text\": TEXT}, with \"pair\" (a second text), \"max_length\" (tokens of the result), "
        "\"strategy\" (longest_first, only_first, only_second), \"stride\" and \"special\" (false "
        "leaves special tokens out) where wanted. Each line of --out is {\"ids\", \"tokens\", "
        "\"offsets\", \"type_ids\"}; offsets are pairs of code points of the text they come from. "
        "With a stride, \"windows\" holds what max_length kept and then what it cut away. "
        "\"text_target\" in place of \"text\" is encoded with the target's side of a translation model. "
        "Without --in, where the first line is no JSON object, lines are texts as they stand, and with "
        "--decode rows of ids.\n\n"
        "An \"id\" comes back as it was. A case that fails becomes {\"error\": TEXT} in its place, the "
        "others go on, and the exit status is 2. With --json and without --out the answers are one "
        "array.\n\n"
        "With --train, FILEs are UTF-8 text, a line a text, and --out DIR receives tokenizer.json, "
        "tokenizer_config.json and vocab.txt (wordpiece) or vocab.json and merges.txt (bpe). The "
        "result depends on the words and their counts alone.\n\n"
        "With --as, lines of --in are {\"text\": TEXT}, JSON strings or, where the first is neither, plain text, and "
        "lines of --out are the tokens that a metric makes of them.",
    OPTIONS(options),
    .examples = "  echo '{\"text\": \"Hello\"}' | assay tokenize models/minilm\n"
                "  assay tokenize models/minilm < texts.txt\n"
                "  assay tokenize --train wordpiece --vocab-size 8000 reviews.txt --out vocab\n",
    .run = run,
};
