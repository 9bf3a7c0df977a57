#include "models/tokenizers/told.h"

#include "base/base64.h"
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

// ---- pieces with ids of fairseq ----

static Status put_piece(Told *t, Slice piece, double score, JsonWriter *w, Error *err)
{
    json_begin_array(w);
    json_put_string(w, piece);
    json_put_double(w, score);
    json_end_array(w);
    return vocab_put(&t->vocab, &t->arena, piece, (int64_t)t->vocab.size, t->vocab.size + 1, err);
}

// Ids of their own first, then the model's pieces but the first few, then the mask.
static Status put_pieces(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    static const struct {
        const char *piece;
        double score;
    } xlmr[] = {{"<s>", 0}, {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}},
      camembert[] = {{"<s>NOTUSED", 0},
                     {"<pad>", 0},
                     {"</s>NOTUSED", 0},
                     {"<unk>", 0},
                     {"<unk>NOTUSED", -100}};
    const bool is_xlmr = t->kind == TOLD_XLMR;
    json_member_array(w, "vocab");
    for (size_t i = 0; i < (is_xlmr ? 4 : 5); i++) {
        const Slice piece = slice_from_cstr(is_xlmr ? xlmr[i].piece : camembert[i].piece);
        TRY(put_piece(t, piece, is_xlmr ? xlmr[i].score : camembert[i].score, w, err));
    }
    for (size_t i = is_xlmr ? 3 : 1; i < spm->pieces.size; i++)
        TRY(put_piece(t, spm->pieces.tokens[i], (double)spm->scores[i], w, err));
    TRY(put_piece(t, SLICE("<mask>"), 0, w, err));
    json_end_array(w);
    return vocab_index(&t->vocab, &t->arena, err);
}

static Status put_charsmap(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    Slice text = {0};
    if (spm->charsmap_bytes.len == 0) return STATUS_OK;
    TRY(base64_encode(&t->arena, spm->charsmap_bytes, &text, err));
    json_member_object(w, "normalizer");
    json_member_cstr(w, "type", "Precompiled");
    json_member_string(w, "precompiled_charsmap", text);
    json_end_object(w);
    return STATUS_OK;
}

static void put_metaspace(const Told *t, JsonWriter *w)
{
    json_begin_object(w);
    json_member_cstr(w, "type", "Metaspace");
    json_member_cstr(w, "replacement", "\xE2\x96\x81");
    json_member_cstr(w, "prepend_scheme", t->add_prefix_space ? "always" : "never");
    json_member_bool(w, "split", true);
    json_end_object(w);
}

static Status tell_pieces(Told *t, const char *path, JsonWriter *w, Error *err)
{
    Slice bytes = {0};
    Spm *spm = NULL;
    TRY(file_map(path, &bytes, err));
    Status s = spm_parse(slice_from_cstr(path), bytes, &t->arena, &spm, err);
    file_unmap(&bytes);
    TRY(s);
    if (spm->is_bpe) {
        return error_set(err, STATUS_INVALID,
                         "%s: a SentencePiece model of kind bpe, but a %s has unigrams", path,
                         t->kind == TOLD_XLMR ? "XLMRobertaTokenizer" : "CamembertTokenizer");
    }
    json_member_object(w, "model");
    json_member_cstr(w, "type", "Unigram");
    json_member_u64(w, "unk_id", 3);
    json_member_bool(w, "byte_fallback", false);
    TRY(put_pieces(t, spm, w, err));
    json_end_object(w);
    TRY(put_charsmap(t, spm, w, err));
    json_member_object(w, "pre_tokenizer");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "pretokenizers");
    json_put_raw(w, SLICE("{\"type\":\"WhitespaceSplit\"}"));
    put_metaspace(t, w);
    json_end_array(w);
    json_end_object(w);
    json_put_key(w, "decoder");
    put_metaspace(t, w);
    return STATUS_OK;
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

static void put_special_piece(const Told *t, Role role, JsonWriter *w)
{
    json_begin_object(w);
    json_member_object(w, "SpecialToken");
    json_member_string(w, "id", t->roles[role].content);
    json_member_u64(w, "type_id", 0);
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

// "bos A eos", and for a pair "bos A eos eos B eos" or, is_each, "bos A eos bos B eos".
static void put_template(const Told *t, bool has_bos, bool has_eos, bool is_each, JsonWriter *w)
{
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "TemplateProcessing");
    for (size_t n = 1; n <= 2; n++) {
        json_member_array(w, n == 1 ? "single" : "pair");
        for (size_t i = 0; i < n; i++) {
            const Role before = i == 0 || is_each ? ROLE_BOS : ROLE_EOS;
            if (before == ROLE_BOS ? has_bos : has_eos) put_special_piece(t, before, w);
            put_sequence_piece(i, is_each ? i : 0, w);
            if (has_eos) put_special_piece(t, ROLE_EOS, w);
        }
        json_end_array(w);
    }
    json_member_object(w, "special_tokens");
    for (Role role = ROLE_BOS; role <= ROLE_EOS; role++) {
        if (!(role == ROLE_BOS ? has_bos : has_eos)) continue;
        if (role == ROLE_EOS && has_bos &&
            slice_eq(t->roles[ROLE_BOS].content, t->roles[ROLE_EOS].content))
            continue;
        json_put_key_slice(w, t->roles[role].content);
        json_begin_object(w);
        json_member_string(w, "id", t->roles[role].content);
        json_member_array(w, "ids");
        json_put_i64(w, role_id(t, role));
        json_end_array(w);
        json_member_array(w, "tokens");
        json_put_string(w, t->roles[role].content);
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

static Status check_roles(const Told *t, Error *err)
{
    static const Role wanted[] = {ROLE_BOS, ROLE_EOS, ROLE_SEP, ROLE_CLS};
    if (t->kind == TOLD_GPT2 || t->kind == TOLD_QWEN2) return STATUS_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
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
    TRY(check_roles(t, err));
    told_put_added(t->added.tokens, t->added.n, w);
    if (t->kind == TOLD_ROBERTA) {
        put_roberta(t, w);
    } else if (t->kind == TOLD_XLMR || t->kind == TOLD_CAMEMBERT) {
        put_template(t, true, true, false, w);
    } else {
        const bool has_bos = t->add_bos && t->roles[ROLE_BOS].content.len > 0,
                   has_eos = t->add_eos && t->roles[ROLE_EOS].content.len > 0;
        put_template(t, has_bos, has_eos, true, w);
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
    const bool is_fairseq = t->has_kind && t->kind >= TOLD_XLMR;
    if (!has_merges && !(spm && is_fairseq)) return STATUS_OK;
    if (has_merges && (!t->has_kind || is_fairseq)) return refuse_class(t, err);
    t->add_prefix_space = is_fairseq;
    json_begin_object(w);
    // Some options are needed before the vocabulary is there, so they are read twice; ids of tokens count the second time.
    TRY(told_read_added(t, err));
    t->added.n = 0;
    TRY(is_fairseq ? tell_pieces(t, spm, w, err) : tell_bpe(t, vocab, merges, w, err));
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
