// A vocab.txt told as tokenizer.json: BERT's WordPiece with what tokenizer_config.json says of case, accents and Chinese.
#include "base/file.h"
#include "base/json_writer.h"
#include "models/tokenizers/told.h"
#include "models/tokenizers/told_internal.h"

static void put_normalizer(const WordPieceOptions *options, JsonWriter *w)
{
    json_member_object(w, "normalizer");
    json_member_cstr(w, "type", "BertNormalizer");
    json_member_bool(w, "clean_text", true);
    json_member_bool(w, "handle_chinese_chars", !options->join_chinese_chars);
    if (options->strip_accents || options->keep_accents)
        json_member_bool(w, "strip_accents", options->strip_accents);
    else
        json_member_null(w, "strip_accents"); // as the case goes
    json_member_bool(w, "lowercase", !options->is_cased);
    json_end_object(w);
    json_member_raw(w, "pre_tokenizer", SLICE("{\"type\":\"BertPreTokenizer\"}"));
}

static void put_ends(const Tokenizer *t, JsonWriter *w)
{
    static const char *const keys[] = {"sep", "cls"}, *const names[] = {"[SEP]", "[CLS]"};
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "BertProcessing");
    for (size_t i = 0; i < 2; i++) {
        json_member_array(w, keys[i]);
        json_put_cstr(w, names[i]);
        json_put_i64(w, vocab_find(&t->vocab, slice_from_cstr(names[i])));
        json_end_array(w);
    }
    json_end_object(w);
    json_member_raw(w, "decoder",
                    SLICE("{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"));
}

static void put_model(const Tokenizer *t, JsonWriter *w)
{
    json_member_object(w, "model");
    json_member_cstr(w, "type", "WordPiece");
    json_member_string(w, "unk_token", t->wordpiece.unk_token);
    json_member_string(w, "continuing_subword_prefix", t->wordpiece.prefix);
    json_member_u64(w, "max_input_chars_per_word", t->wordpiece.max_word_chars);
    told_put_vocab(&t->vocab, w);
    json_end_object(w);
}

static Status tell_words(const char *directory, Buffer *out, Error *err)
{
    Tokenizer *t = NULL;
    WordPieceOptions options = {0};
    TRY(tokenizer_read_wordpiece_options(directory, &options, err));
    TRY(tokenizer_open(directory, &t, err));
    if (t->model != MODEL_WORDPIECE) { // something else goes before the vocab.txt
        tokenizer_close(&t);
        return STATUS_OK;
    }
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    told_put_added(t->added, t->n_added, &w);
    put_normalizer(&options, &w);
    put_ends(t, &w);
    put_model(t, &w);
    json_end_object(&w);
    tokenizer_close(&t);
    return buffer_status(out, err);
}

Status tokenizer_tell_words(const char *directory, Buffer *out, Error *err)
{
    Arena arena = {0};
    const char *path = file_join(&arena, slice_from_cstr(directory), SLICE("vocab.txt"));
    Status s = path ? STATUS_OK : error_set_memory(err, 1, 1, "a path");
    if (s == STATUS_OK && file_exists(path)) s = tell_words(directory, out, err);
    arena_release(&arena);
    return s;
}
