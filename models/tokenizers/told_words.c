// What stands beside a vocab.txt: special and added tokens, by its class. And one told as tokenizer.json: WordPiece with what
// tokenizer_config.json says of case, accents and Chinese.
#include "base/file.h"
#include "base/json_writer.h"
#include "models/tokenizers/told.h"
#include "models/tokenizers/told_internal.h"

static Status keep_added(Tokenizer *t, const Told *told, WordPieceEnds *ends, Error *err)
{
    Slice *const outer[] = {&ends->unk, &ends->cls, &ends->sep};
    static const Role roles[] = {ROLE_UNK, ROLE_CLS, ROLE_SEP};
    TRY(told_keep_added(told, t, err));
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        *outer[i] = arena_copy(&t->arena, told->roles[roles[i]].content);
        if (!outer[i]->ptr) return error_set_memory(err, 1, 1, "a special token");
        if (outer[i]->len > 0) continue;
        return error_set(err, STATUS_INVALID,
                         "%s/tokenizer_config.json: \"%s\" is null, but a vocab.txt needs it: name "
                         "the token",
                         told->directory, told_roles[roles[i]]);
    }
    return STATUS_OK;
}

// Without a class, or with one that only says where the tokenizer comes from, it is BERT's.
static Status choose_kind(Told *told, Error *err)
{
    static const char *const plain[] = {"", "PreTrainedTokenizer", "TokenizersBackend"};
    if (told->has_kind && (told->kind == TOLD_BERT || told->kind == TOLD_MPNET)) return STATUS_OK;
    bool is_plain = !told->is_class_named;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        is_plain |= slice_eq_cstr(slice_from_cstr(told->class), plain[i]);
    told->kind = TOLD_BERT;
    if (is_plain) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s: vocab.txt stands there, but not how a %s cuts texts: known are those of "
        "BertTokenizer, DistilBertTokenizer, ElectraTokenizer and MPNetTokenizer; save "
        "the others as tokenizer.json "
        "(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))",
        told->directory, told->class);
}

Status told_words_added(Tokenizer *t, const char *directory, WordPieceEnds *ends, Error *err)
{
    Told told = {.directory = directory, .vocab = t->vocab}; // which is only looked into
    Status s = told_find_kind(&told, false, err);
    if (s == STATUS_OK) s = choose_kind(&told, err);
    if (s == STATUS_OK) s = told_read_added(&told, err);
    if (s == STATUS_OK) s = keep_added(t, &told, ends, err);
    ends->is_roberta = told.kind == TOLD_MPNET;
    arena_release(&told.arena);
    return s;
}

void told_put_word_steps(const WordPieceOptions *options, JsonWriter *w)
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
    json_member_raw(w, "decoder",
                    SLICE("{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"));
}

static void put_ends(const Tokenizer *t, JsonWriter *w)
{
    static const char *const keys[] = {"sep", "cls"};
    const TemplatePiece *single = t->post.templates[0].pieces; // "cls text sep", always
    const int32_t ids[] = {single[2].ids[0], single[0].ids[0]};
    const bool is_roberta = t->post.templates[1].pieces[3].n_ids > 0;
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", is_roberta ? "RobertaProcessing" : "BertProcessing");
    for (size_t i = 0; i < 2; i++) {
        json_member_array(w, keys[i]);
        json_put_string(w, vocab_token(&t->vocab, ids[i]));
        json_put_i64(w, ids[i]);
        json_end_array(w);
    }
    if (is_roberta) {
        json_member_bool(w, "trim_offsets", true);
        json_member_bool(w, "add_prefix_space", false);
    }
    json_end_object(w);
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
    told_put_word_steps(&options, &w);
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
