// vocab.txt (one token a line, the first has id 0), and what tokenizer_config.json says of it.
#include "base/file.h"
#include "base/json_reader.h"
#include "base/json_scan.h"
#include "models/tokenizers/tokenizer_internal.h"

// ---- vocab.txt ----

static Status read_lines(Slice name, Slice text, Vocab *vocab, Arena *arena, Error *err)
{
    Slice line = {0};
    text =
        slice_sub(text, json_bom_len(text), text.len); // else it would be part of the first token
    for (int64_t id = 0; slice_split(&text, '\n', &line); id++) {
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
        const long long number = (long long)id + 1;
        if (line.len == 0) {
            return error_set(
                err, STATUS_INVALID,
                SLICE_FMT
                ":%lld: the line is empty: every line is a token, its number less 1 the id",
                SLICE_ARG(name), number);
        }
        if (utf8_invalid_at(line) != SIZE_MAX)
            return error_set(err, STATUS_INVALID, SLICE_FMT ":%lld: the token is not valid UTF-8",
                             SLICE_ARG(name), number);
        if (vocab_put(vocab, arena, line, id, (size_t)id + 1, err) != STATUS_OK)
            return error_wrap(err, SLICE_FMT ":%lld", SLICE_ARG(name), number);
    }
    if (vocab_index(vocab, arena, err) != STATUS_OK)
        return error_wrap(err, SLICE_FMT, SLICE_ARG(name));
    return STATUS_OK;
}

// BERT's special tokens, as far as the vocabulary has them, where no file says more.
static Status add_bert_specials(Tokenizer *tokenizer, Error *err)
{
    static const Slice names[] = {SLICE_LIT("[UNK]"), SLICE_LIT("[CLS]"), SLICE_LIT("[SEP]"),
                                  SLICE_LIT("[PAD]"), SLICE_LIT("[MASK]")};
    enum { N_NAMES = sizeof names / sizeof *names };
    TRY(arena_take(&tokenizer->arena, N_NAMES, sizeof *tokenizer->added, "added tokens",
                   &tokenizer->added, err));
    for (size_t i = 0; i < N_NAMES; i++) {
        const int32_t id = vocab_find(&tokenizer->vocab, names[i]);
        if (id >= 0)
            tokenizer->added[tokenizer->n_added++] =
                (AddedToken){.content = names[i], .id = id, .special = true};
    }
    return STATUS_OK;
}

static Status check_ends(const Tokenizer *t, const WordPieceEnds *ends, Slice name, Error *err)
{
    const Slice names[] = {ends->unk, ends->cls, ends->sep};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (vocab_find(&t->vocab, names[i]) >= 0) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": no line is \"" SLICE_FMT "\": a vocab.txt needs " SLICE_FMT
                                   ", " SLICE_FMT " and " SLICE_FMT
                                   "; name others in tokenizer_config.json (\"unk_token\", "
                                   "\"cls_token\", \"sep_token\") or use a tokenizer.json",
                         SLICE_ARG(name), SLICE_ARG(names[i]), SLICE_ARG(names[0]),
                         SLICE_ARG(names[1]), SLICE_ARG(names[2]));
    }
    return STATUS_OK;
}

static Status build_wordpiece(Tokenizer *t, Slice name, Slice text, const WordPieceOptions *options,
                              const char *directory, Error *err)
{
    WordPieceEnds ends = {SLICE("[UNK]"), SLICE("[CLS]"), SLICE("[SEP]"), false};
    TRY(read_lines(name, text, &t->vocab, &t->arena, err));
    TRY(directory ? told_words_added(t, directory, &ends, err) : add_bert_specials(t, err));
    TRY(check_ends(t, &ends, name, err));
    const BertNormalizer rules = {
        .clean_text = true,
        .handle_chinese_chars = !options->join_chinese_chars,
        .strip_accents = options->strip_accents || (!options->keep_accents && !options->is_cased),
        .lowercase = !options->is_cased,
    };
    NormalizerStep *normalizer = NULL;
    TRY(arena_take(&t->arena, 1, sizeof *normalizer, "a normalizer", &normalizer, err));
    normalizer->kind = NORMALIZER_BERT;
    TRY(tokenizer_take_bert(t, &rules, &normalizer->bert, err));
    t->normalizer = (Normalizer){.steps = normalizer, .n_steps = 1};
    t->model = MODEL_WORDPIECE;
    t->is_bert = true;
    t->wordpiece = (WordPiece){.prefix = SLICE("##"), .max_word_chars = 100, .unk_token = ends.unk};
    t->wordpiece.unk = vocab_find(&t->vocab, ends.unk);
    TRY(wordpiece_init(&t->wordpiece, &t->vocab, &t->arena, err));
    DecoderStep *decoder = NULL;
    TRY(arena_take(&t->arena, 1, sizeof *decoder, "a decoder", &decoder, err));
    *decoder = (DecoderStep){.kind = DECODER_WORDPIECE, .text = SLICE("##"), .cleanup = true};
    t->decoder = (Decoder){.steps = decoder, .n_steps = 1};
    const int32_t cls = vocab_find(&t->vocab, ends.cls), sep = vocab_find(&t->vocab, ends.sep);
    t->post.trim_offsets = ends.is_roberta;
    TRY(template_bert(t->post.templates, cls, sep, ends.is_roberta, &t->arena, err));
    return tokenizer_finish(t, err);
}

static Status parse(Slice name, Slice text, const WordPieceOptions *options, const char *directory,
                    Tokenizer **out, Error *err)
{
    static const WordPieceOptions defaults = {0};
    *out = NULL;
    TRY(tokenizer_new(out, err));
    const Status s =
        build_wordpiece(*out, name, text, options != NULL ? options : &defaults, directory, err);
    if (s != STATUS_OK) tokenizer_close(out);
    return s;
}

Status tokenizer_parse_vocab(Slice name, Slice text, const WordPieceOptions *options,
                             Tokenizer **out, Error *err)
{
    return parse(name, text, options, NULL, out, err);
}

Status tokenizer_open_words(const char *directory, const char *path, Tokenizer **out, Error *err)
{
    WordPieceOptions options = {0};
    Slice text = {0};
    TRY(tokenizer_read_wordpiece_options(directory, &options, err));
    TRY(file_map(path, &text, err));
    const Status s = parse(slice_from_cstr(path), text, &options, directory, out, err);
    file_unmap(&text);
    return s;
}

// ---- do_lower_case and its kin ----

static Status read_wordpiece_option(void *context, Slice key, JsonReader *r, Error *err)
{
    WordPieceOptions *options = context;
    JsonKind kind = JSON_NULL;
    TRY(json_peek(r, &kind, err));
    const bool is_case = slice_eq_cstr(key, "do_lower_case"),
               is_accents = slice_eq_cstr(key, "strip_accents");
    const bool is_chinese = slice_eq_cstr(key, "tokenize_chinese_chars");
    if (kind == JSON_NULL || (!is_case && !is_accents && !is_chinese)) return json_skip(r, err);
    bool value = false;
    TRY(json_read_bool(r, &value, err));
    if (is_case) options->is_cased = !value;
    if (is_chinese) options->join_chinese_chars = !value;
    if (is_accents) options->strip_accents = value;
    if (is_accents) options->keep_accents = !value;
    return STATUS_OK;
}

Status tokenizer_read_wordpiece_options(const char *directory, WordPieceOptions *options,
                                        Error *err)
{
    return tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"),
                                      read_wordpiece_option, options, err);
}
