// A metric's own tokens, a JSON array a line.
#include "tools/tokenize/tokenize.h"

#include <string.h>

#include "base/unicode.h"
#include "harness/pieces.h"
#include "metrics/error_rate.h"
#include "metrics/rouge.h"
#include "metrics/squad.h"
#include "metrics/ter.h"
#include "metrics/tokens.h"
#include "tools/jsonl.h"

// Each row reads the flags that it knows.
typedef struct TokenRequest {
    TokenizerKind kind;
    TercomOptions tercom;
    bool is_lowercased, is_stemmed;
    const WordSplitter *splitter; // of spm
} TokenRequest;

typedef Status (*Tokenise)(const TokenRequest *request, Slice text, Arena *arena, Tokens *out,
                           Error *err);

static Status as_words(const TokenRequest *request, Slice text, Arena *arena, Tokens *out,
                       Error *err)
{
    return tokenize_text(request->kind, text, request->is_lowercased, arena, out, err);
}

static Status as_pieces(const TokenRequest *request, Slice text, Arena *arena, Tokens *out,
                        Error *err)
{
    return tokenize_by(request->splitter, text, request->is_lowercased, arena, out, err);
}

static Status as_tercom(const TokenRequest *request, Slice text, Arena *arena, Tokens *out,
                        Error *err)
{
    return tercom_tokens(&request->tercom, text, arena, out, err);
}

static Status as_rouge(const TokenRequest *request, Slice text, Arena *arena, Tokens *out,
                       Error *err)
{
    return rouge_tokens(text, request->is_stemmed, arena, out, err);
}

static Status as_squad(const TokenRequest *request, Slice text, Arena *arena, Tokens *out,
                       Error *err)
{
    (void)request;
    return squad_words(text, arena, out, err);
}

static Status as_wer(const TokenRequest *request, Slice text, Arena *arena, Tokens *out, Error *err)
{
    (void)request;
    return error_rate_words(text, arena, out, err);
}

static Status as_cer(const TokenRequest *request, Slice text, Arena *arena, Tokens *out, Error *err)
{
    (void)request;
    return error_rate_characters(text, arena, out, err);
}

// The word tokenisers first, in the order of their kinds.
const char *const tokenize_as_names[] = {"13a",      "intl",     "zh",  "char",   "none",
                                         "ja-mecab", "ko-mecab", "spm", "tercom", "rouge",
                                         "squad",    "wer",      "cer", NULL};
static const Tokenise functions[] = {as_words, as_words, as_words,  as_words,  as_words,
                                     as_words, as_words, as_pieces, as_tercom, as_rouge,
                                     as_squad, as_wer,   as_cer};

// ---- the stream ----

typedef struct TextCase {
    Slice id;
    JsonlText text;
} TextCase;

static const JsonlField fields[] = {
    {"id", JSONL_RAW, offsetof(TextCase, id)},
    {"text", JSONL_TEXT, offsetof(TextCase, text)},
};

static Status read_case(const char *path, size_t number, Slice line, Arena *arena, TextCase *out,
                        Error *err)
{
    *out = (TextCase){0};
    if (slice_starts_with(slice_trim(line), SLICE("\""))) {
        JsonReader r = json_reader(slice_from_cstr(path), line, arena);
        r.first_line = number;
        TRY(json_read_string(&r, &out->text.text, err));
        return json_read_end(&r, err);
    }
    TRY(jsonl_read_line(slice_from_cstr(path), number, line, arena, fields, 2, out, err));
    if (out->text.is_given) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s:%zu: \"text\" is missing", path, number);
}

static bool looks_like_json(Slice line, Arena *arena)
{
    TextCase c;
    Error ignored = {0};
    return read_case("-", 1, line, arena, &c, &ignored) == STATUS_OK;
}

static Status put_tokens(JsonlOut *out, const Tokens *tokens, Error *err)
{
    const bool is_first = out->n_written == 0;
    if (out->is_array) buffer_append_cstr(&out->text, is_first ? "[\n" : ",\n");
    JsonWriter w = json_writer(&out->text, 0);
    json_begin_array(&w);
    for (size_t i = 0; i < tokens->n; i++) json_put_string(&w, tokens->items[i]);
    json_end_array(&w);
    return jsonl_out_end_line(out, err);
}

static Status each_line(const TokenRequest *request, Tokenise tokenise, LineReader *in,
                        bool is_plain, JsonlOut *out, Error *err)
{
    const char *path = line_reader_name(in);
    Arena arena = {0};
    Slice line = {0};
    bool more = false, is_known = is_plain;
    Status s = STATUS_OK;
    while (s == STATUS_OK) {
        s = line_reader_next(in, &line, &more, err);
        if (s != STATUS_OK || !more) break;
        if (!is_plain && slice_trim(line).len == 0) continue;
        if (!is_known) is_plain = !looks_like_json(line, &arena);
        is_known = true;
        TextCase c = {.text = {.text = line}};
        Error why = {0};
        Tokens tokens = {0};
        Status case_status = STATUS_OK;
        if (!is_plain)
            case_status = read_case(path, line_reader_number(in), line, &arena, &c, &why);
        if (case_status == STATUS_OK) {
            case_status = tokenise(request, c.text.text, &arena, &tokens, &why);
            if (case_status != STATUS_OK) {
                case_status = error_wrap(&why, "%s:%zu", path, line_reader_number(in));
            }
        }
        s = case_status == STATUS_OK ? put_tokens(out, &tokens, err)
                                     : jsonl_out_failure(out, c.id, &why, err);
        arena_release(&arena);
    }
    arena_release(&arena);
    return s;
}

// What the tokeniser works with beyond the text: MeCab's dictionary, a SentencePiece model.
static Status open_words(CommandLine *line, TokenRequest *request, Pieces *pieces, Error *err)
{
    const char *model = option_text(line, "spm-model");
    const bool is_pieces = needs_splitter(request->kind);
    if (is_pieces != (model != NULL)) {
        return error_set(err, STATUS_INVALID, "%s",
                         is_pieces ? "--as spm wants a SentencePiece model: --spm-model FILE"
                                   : "--spm-model goes with --as spm");
    }
    if (!is_pieces) return word_tokenizer_open(request->kind, err);
    TRY(pieces_open_file(model, &line->arena, pieces, err));
    request->splitter = pieces_splitter(pieces);
    return STATUS_OK;
}

Status tokenize_as_run(CommandLine *line, Error *err)
{
    const char *in_path = option_text(line, "in"), *out_path = option_text(line, "out");
    const size_t choice = option_choice(line, "as");
    Pieces pieces = {0};
    TokenRequest request = {
        .kind = choice <= TOKENIZER_SPM ? (TokenizerKind)choice : TOKENIZER_NONE,
        .tercom = {.is_normalized = option_flag(line, "normalized"),
                   .has_no_punct = option_flag(line, "no-punct"),
                   .has_asian = option_flag(line, "asian-support"),
                   .is_cased = option_flag(line, "case-sensitive")},
        .is_lowercased = option_flag(line, "lowercase"),
        .is_stemmed = option_flag(line, "stemmer"),
    };
    LineReader *in = NULL;
    JsonlOut out = {0};
    if (line->n_operands > 0) {
        return error_set(err, STATUS_INVALID, "with --as no MODEL is wanted; texts come from --in");
    }
    Status s = open_words(line, &request, &pieces, err);
    if (s == STATUS_OK) s = line_reader_open(in_path, &in, err);
    if (s == STATUS_OK) s = jsonl_refuse_input(in_path, out_path, err);
    if (s == STATUS_OK) s = jsonl_out_open(&out, out_path, line->is_json, err);
    if (s == STATUS_OK) {
        s = each_line(&request, functions[choice], in, option_flag(line, "plain"), &out, err);
    }
    if (s == STATUS_OK) s = jsonl_out_finish(&out, err);
    jsonl_out_release(&out);
    line_reader_close(&in);
    pieces_close(&pieces);
    return s;
}
