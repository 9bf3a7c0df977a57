#include "models/tokenizers/told.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "models/tokenizers/told_internal.h"

// ---- byte-pair encoding: vocab.json, merges.txt ----

static Status read_vocab(Told *t, const char *path, Slice text, Error *err)
{
    JsonReader r = json_reader(slice_from_cstr(path), text, &t->arena);
    TRY(json_read_object(&r, err));
    for (bool more = true;;) {
        Slice token = {0};
        int64_t id = 0;
        TRY(json_read_key(&r, &token, &more, err));
        if (!more) break;
        TRY(json_read_i64(&r, &id, err));
        TRY(told_keep(t, &token, err));
        if (vocab_put(&t->vocab, &t->arena, token, id, text.len / 5, err) != STATUS_OK)
            return json_reader_error(&r, err, "%s", err != NULL ? err->text : "");
    }
    TRY(json_read_end(&r, err));
    if (vocab_index(&t->vocab, &t->arena, err) == STATUS_OK) return STATUS_OK;
    return error_wrap(err, "%s", path);
}

void told_put_vocab(const Vocab *vocab, JsonWriter *w)
{
    json_member_object(w, "vocab");
    for (size_t id = 0; id < vocab->size; id++) {
        if (!vocab->tokens[id].ptr) continue;
        json_put_key_slice(w, vocab->tokens[id]);
        json_put_u64(w, id);
    }
    json_end_object(w);
}

// A line is two tokens with a blank between; the first may be "#version: 0.2".
static Status put_merges(const char *path, Slice text, JsonWriter *w, Error *err)
{
    Slice line;
    json_member_array(w, "merges");
    for (size_t n = 1; slice_split(&text, '\n', &line); n++) {
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
        if (line.len == 0 || (n == 1 && slice_starts_with(line, SLICE("#version")))) continue;
        const size_t blank = slice_find_byte(line, ' ');
        const Slice left = slice_sub(line, 0, blank == SIZE_MAX ? 0 : blank),
                    right = blank == SIZE_MAX ? left : slice_sub(line, blank + 1, line.len);
        if (left.len == 0 || right.len == 0 || slice_find_byte(right, ' ') != SIZE_MAX) {
            return error_set(err, STATUS_INVALID,
                             "%s:%zu: a merge is two tokens with one blank between, not "
                             "\"" SLICE_FMT "\"",
                             path, n, SLICE_ARG(slice_sub(line, 0, 80)));
        }
        json_begin_array(w);
        json_put_string(w, left);
        json_put_string(w, right);
        json_end_array(w);
    }
    json_end_array(w);
    return STATUS_OK;
}

static void put_byte_level(JsonWriter *w, bool add_prefix_space, bool trim_offsets, bool use_regex)
{
    json_begin_object(w);
    json_member_cstr(w, "type", "ByteLevel");
    json_member_bool(w, "add_prefix_space", add_prefix_space);
    json_member_bool(w, "trim_offsets", trim_offsets);
    json_member_bool(w, "use_regex", use_regex);
    json_end_object(w);
}

static void put_words(const Told *t, JsonWriter *w)
{
    static const Slice qwen2 = SLICE_LIT(
        "{\"type\":\"Split\",\"behavior\":\"Isolated\",\"invert\":false,\"pattern\":{\"Regex\":"
        "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "
        "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}}");
    json_put_key(w, "pre_tokenizer");
    if (t->kind == TOLD_QWEN2) {
        json_begin_object(w);
        json_member_cstr(w, "type", "Sequence");
        json_member_array(w, "pretokenizers");
        json_put_raw(w, qwen2);
        put_byte_level(w, t->add_prefix_space, true, false);
        json_end_array(w);
        json_end_object(w);
        json_member_raw(w, "normalizer", SLICE("{\"type\":\"NFC\"}"));
    } else {
        put_byte_level(w, t->add_prefix_space, true, true);
    }
    json_put_key(w, "decoder");
    put_byte_level(w, true, true, true);
}

static Status tell_bpe(Told *t, const char *vocab_path, const char *merges_path, JsonWriter *w,
                       Error *err)
{
    Slice vocab = {0}, merges = {0};
    Status s = file_map(vocab_path, &vocab, err);
    if (s == STATUS_OK) s = read_vocab(t, vocab_path, vocab, err);
    if (s == STATUS_OK) s = file_map(merges_path, &merges, err);
    if (s == STATUS_OK) {
        json_member_object(w, "model");
        json_member_cstr(w, "type", "BPE");
        told_put_vocab(&t->vocab, w);
        s = put_merges(merges_path, merges, w, err);
        json_end_object(w);
    }
    if (s == STATUS_OK) put_words(t, w);
    file_unmap(&vocab);
    file_unmap(&merges);
    return s;
}

// ---- what comes after ----

void told_put_added(const AddedToken *tokens, size_t n, JsonWriter *w)
{
    json_member_array(w, "added_tokens");
    for (size_t i = 0; i < n; i++) {
        const AddedToken *token = &tokens[i];
        const struct {
            const char *name;
            bool value;
        } flags[] = {{"single_word", token->single_word},
                     {"lstrip", token->lstrip},
                     {"rstrip", token->rstrip},
                     {"normalized", token->normalized},
                     {"special", token->special}};
        json_begin_object(w);
        json_member_i64(w, "id", token->id);
        json_member_string(w, "content", token->content);
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
            json_member_bool(w, flags[k].name, flags[k].value);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static int32_t role_id(const Told *t, Role role)
{
    for (size_t i = 0; i < t->added.n; i++) {
        if (slice_eq(t->added.tokens[i].content, t->roles[role].content))
            return t->added.tokens[i].id;
    }
    return TOKEN_NONE;
}

static void put_special_piece(const Told *t, Role role, size_t type, JsonWriter *w)
{
    json_begin_object(w);
    json_member_object(w, "SpecialToken");
    json_member_string(w, "id", t->roles[role].content);
    json_member_u64(w, "type_id", type);
    json_end_object(w);
    json_end_object(w);
}

static void put_sequence_piece(size_t which, size_t type, JsonWriter *w)
{
    json_begin_object(w);
    json_member_object(w, "Sequence");
    json_member_cstr(w, "id", which == 0 ? "A" : "B");
    json_member_u64(w, "type_id", type);
    json_end_object(w);
    json_end_object(w);
}

typedef enum PairForm {
    PAIR_EACH,   // "bos A eos bos B eos", the second three of type 1
    PAIR_DOUBLE, // "bos A eos eos B eos", all of type 0
    PAIR_ONCE,   // "bos A eos B eos", B and what follows of type 1
} PairForm;

// A template with these two around a text; has says which are there.
static void put_template(const Told *t, const Role ends[2], const bool has[2], PairForm form,
                         JsonWriter *w)
{
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "TemplateProcessing");
    for (size_t n = 1; n <= 2; n++) {
        json_member_array(w, n == 1 ? "single" : "pair");
        for (size_t i = 0; i < n; i++) {
            const size_t before = i == 1 && form == PAIR_DOUBLE ? 1 : 0;
            const size_t type = form == PAIR_DOUBLE ? 0 : i;
            if (has[before] && !(i == 1 && form == PAIR_ONCE))
                put_special_piece(t, ends[before], type, w);
            put_sequence_piece(i, type, w);
            if (has[1]) put_special_piece(t, ends[1], type, w);
        }
        json_end_array(w);
    }
    json_member_object(w, "special_tokens");
    for (size_t i = 0; i < 2; i++) {
        const Slice content = t->roles[ends[i]].content;
        if (!has[i] || (i == 1 && has[0] && slice_eq(t->roles[ends[0]].content, content))) continue;
        json_put_key_slice(w, content);
        json_begin_object(w);
        json_member_string(w, "id", content);
        json_member_array(w, "ids");
        json_put_i64(w, role_id(t, ends[i]));
        json_end_array(w);
        json_member_array(w, "tokens");
        json_put_string(w, content);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_object(w);
    json_end_object(w);
}

static void put_roberta(const Told *t, JsonWriter *w)
{
    static const Role ends[] = {ROLE_SEP, ROLE_CLS};
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "RobertaProcessing");
    for (size_t i = 0; i < 2; i++) {
        json_member_array(w, i == 0 ? "sep" : "cls");
        json_put_string(w, t->roles[ends[i]].content);
        json_put_i64(w, role_id(t, ends[i]));
        json_end_array(w);
    }
    json_member_bool(w, "trim_offsets", !t->keeps_offsets);
    json_member_bool(w, "add_prefix_space", t->add_prefix_space);
    json_end_object(w);
}

// Of the two around a text and the two between texts, those that the kind uses.
static Status check_roles(const Told *t, Error *err)
{
    static const Role wanted[] = {ROLE_SEP, ROLE_CLS, ROLE_BOS, ROLE_EOS};
    if (t->kind == TOLD_GPT2 || t->kind == TOLD_QWEN2) return STATUS_OK;
    const size_t n = told_is_whole(t->kind) ? 2 : sizeof wanted / sizeof *wanted;
    for (size_t i = 0; i < n; i++) {
        if (t->roles[wanted[i]].content.len > 0) continue;
        return error_set(err, STATUS_INVALID,
                         "%s/tokenizer_config.json: \"%s\" is null, but texts are put between it "
                         "and others: name the token",
                         t->directory, told_roles[wanted[i]]);
    }
    return STATUS_OK;
}

static Status put_after(Told *t, JsonWriter *w, Error *err)
{
    static const Role outer[2] = {ROLE_BOS, ROLE_EOS}, inner[2] = {ROLE_CLS, ROLE_SEP};
    static const bool both[2] = {true, true};
    TRY(check_roles(t, err));
    told_put_added(t->added.tokens, t->added.n, w);
    if (t->kind == TOLD_ROBERTA) {
        put_roberta(t, w);
    } else if (told_is_whole(t->kind)) {
        put_template(t, inner, both, PAIR_ONCE, w);
    } else if (t->kind == TOLD_XLMR || t->kind == TOLD_CAMEMBERT) {
        put_template(t, outer, both, PAIR_DOUBLE, w);
    } else {
        const bool has[2] = {t->add_bos && t->roles[ROLE_BOS].content.len > 0,
                             t->add_eos && t->roles[ROLE_EOS].content.len > 0};
        put_template(t, outer, has, PAIR_EACH, w);
    }
    return STATUS_OK;
}

static Status refuse_class(const Told *t, Error *err)
{
    return error_set(
        err, STATUS_INVALID,
        "%s: vocab.json and merges.txt stand there, but not how a %s cuts texts: known "
        "are those of GPT2Tokenizer, RobertaTokenizer, BartTokenizer and "
        "Qwen2Tokenizer; save the others as tokenizer.json "
        "(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))",
        t->directory, t->class[0] ? t->class : "model of this model_type");
}

static Status tell(Told *t, const char *spm, JsonWriter *w, Error *err)
{
    const Slice folder = slice_from_cstr(t->directory);
    const char *vocab = file_join(&t->arena, folder, SLICE("vocab.json")),
               *merges = file_join(&t->arena, folder, SLICE("merges.txt"));
    if (!vocab || !merges) return error_set_memory(err, 2, folder.len, "paths");
    const bool has_merges = !spm && file_exists(vocab) && file_exists(merges);
    TRY(told_find_kind(t, err));
    const bool has_pieces = t->has_kind && told_has_pieces(t->kind);
    if (!has_merges && !(spm && has_pieces)) return STATUS_OK;
    if (has_merges && (!t->has_kind || t->kind > TOLD_QWEN2)) return refuse_class(t, err);
    t->add_prefix_space = has_pieces;
    json_begin_object(w);
    // Some options are needed before the vocabulary is there, so they are read twice; ids of tokens count the second time.
    TRY(told_read_added(t, err));
    TRY(has_pieces ? told_put_pieces(t, spm, w, err) : tell_bpe(t, vocab, merges, w, err));
    TRY(told_read_added(t, err));
    TRY(put_after(t, w, err));
    json_end_object(w);
    return STATUS_OK;
}

Status tokenizer_tell(const char *directory, const char *spm, Buffer *out, Error *err)
{
    Told told = {.directory = directory};
    JsonWriter w = json_writer(out, 0);
    Status s = tell(&told, spm, &w, err);
    if (s == STATUS_OK) s = buffer_status(out, err);
    arena_release(&told.arena);
    return s;
}
