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
        if (vocab->places[id] == 0) continue;
        json_put_key_slice(w, vocab_at(vocab, id));
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

void told_put_byte_steps(const Told *t, JsonWriter *w)
{
    const ToldRules *rules = &told_rules[t->kind];
    if (rules->is_nfc) json_member_raw(w, "normalizer", SLICE("{\"type\":\"NFC\"}"));
    json_member_object(w, "pre_tokenizer");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "pretokenizers");
    if (rules->splitter) json_put_raw(w, slice_from_cstr(rules->splitter));
    put_byte_level(w, t->add_prefix_space, true, !rules->splitter_is_all);
    json_end_array(w);
    json_end_object(w);
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
    if (s == STATUS_OK) told_put_byte_steps(t, w);
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

static int32_t token_id(const Told *t, Slice content)
{
    for (size_t i = 0; i < t->added.n; i++) {
        if (slice_eq(t->added.tokens[i].content, content)) return t->added.tokens[i].id;
    }
    return vocab_find(&t->vocab, content);
}

// ---- templates, as ToldRules spells them ----

typedef struct TemplateWalk {
    const Told *told;
    const char *at;
} TemplateWalk;

// The next piece: its letter, type and token (empty for a text). Ends that are not asked for are passed over.
static bool next_piece(TemplateWalk *walk, char *letter, size_t *type, Slice *content)
{
    const Told *t = walk->told;
    static const struct {
        char letter;
        Role role;
    } roles[] = {{'b', ROLE_BOS}, {'e', ROLE_EOS}, {'c', ROLE_CLS}, {'s', ROLE_SEP}};
    while (*walk->at) {
        *letter = *walk->at++;
        *type = *walk->at == '1' ? 1 : 0;
        walk->at += *type;
        *content = *letter == 'l' ? t->language : (Slice){0};
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
            if (*letter == roles[i].letter) *content = t->roles[roles[i].role].content;
        }
        const bool is_asked = *letter == 'b' ? t->add_bos : *letter == 'e' ? t->add_eos : true;
        if (!told_rules[t->kind].ends_are_optional || *letter == 'A' || *letter == 'B' ||
            (is_asked && content->len > 0))
            return true;
    }
    return false;
}

static TemplateWalk template_walk(const Told *t, bool is_pair)
{
    const ToldRules *rules = &told_rules[t->kind];
    // NLLB's older way is mBART's.
    if (t->kind == TOLD_NLLB && t->is_legacy) rules = &told_rules[TOLD_MBART];
    return (TemplateWalk){t, is_pair ? rules->pair : rules->single};
}

static void put_piece(char letter, size_t type, Slice content, JsonWriter *w)
{
    json_begin_object(w);
    json_member_object(w, content.len > 0 ? "SpecialToken" : "Sequence");
    json_member_string(w, "id", content.len > 0 ? content : (Slice){&letter, 1});
    json_member_u64(w, "type_id", type);
    json_end_object(w);
    json_end_object(w);
}

static void put_special_token(const Told *t, Slice content, JsonWriter *w)
{
    json_put_key_slice(w, content);
    json_begin_object(w);
    json_member_string(w, "id", content);
    json_member_array(w, "ids");
    json_put_i64(w, token_id(t, content));
    json_end_array(w);
    json_member_array(w, "tokens");
    json_put_string(w, content);
    json_end_array(w);
    json_end_object(w);
}

static void put_template(const Told *t, JsonWriter *w)
{
    char letter = 0;
    size_t type = 0, n = 0;
    Slice content = {0}, tokens[8];
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "TemplateProcessing");
    for (int is_pair = 0; is_pair < 2; is_pair++) {
        TemplateWalk walk = template_walk(t, is_pair);
        json_member_array(w, is_pair ? "pair" : "single");
        while (next_piece(&walk, &letter, &type, &content)) {
            put_piece(letter, type, content, w);
            bool is_known = content.len == 0;
            for (size_t i = 0; i < n; i++) is_known |= slice_eq(tokens[i], content);
            if (!is_known && n < sizeof tokens / sizeof *tokens) tokens[n++] = content;
        }
        json_end_array(w);
    }
    json_member_object(w, "special_tokens");
    for (size_t i = 0; i < n; i++) put_special_token(t, tokens[i], w);
    json_end_object(w);
    json_end_object(w);
}

// Whether there is a token for each that stands around texts.
static Status check_template(const Told *t, Error *err)
{
    char letter = 0;
    size_t type = 0;
    Slice content = {0};
    TemplateWalk walk = template_walk(t, true);
    while (next_piece(&walk, &letter, &type, &content)) {
        const char *name = letter == 'b'   ? "bos_token"
                           : letter == 'e' ? "eos_token"
                           : letter == 'c' ? "cls_token"
                                           : "sep_token";
        if (letter == 'A' || letter == 'B') continue;
        if (letter == 'l' && token_id(t, content) < 0)
            return error_set(err, STATUS_INVALID,
                             "%s/tokenizer_config.json: \"src_lang\" is \"" SLICE_FMT
                             "\", which is no language of a %s",
                             t->directory, SLICE_ARG(content), told_rules[t->kind].class);
        if (content.len == 0)
            return error_set(err, STATUS_INVALID,
                             "%s/tokenizer_config.json: \"%s\" is null, but texts are put between "
                             "it and others: name the token",
                             t->directory, name);
    }
    return STATUS_OK;
}

static void put_roberta(const Told *t, JsonWriter *w)
{
    static const Role ends[] = {ROLE_SEP, ROLE_CLS};
    json_member_object(w, "post_processor");
    json_member_cstr(w, "type", "RobertaProcessing");
    for (size_t i = 0; i < 2; i++) {
        json_member_array(w, i == 0 ? "sep" : "cls");
        json_put_string(w, t->roles[ends[i]].content);
        json_put_i64(w, token_id(t, t->roles[ends[i]].content));
        json_end_array(w);
    }
    json_member_bool(w, "trim_offsets", !t->keeps_offsets);
    json_member_bool(w, "add_prefix_space", t->add_prefix_space);
    json_end_object(w);
}

Status told_put_post(const Told *t, JsonWriter *w, Error *err)
{
    const bool is_roberta = t->kind == TOLD_ROBERTA || t->kind == TOLD_MPNET;
    if (!is_roberta && !told_rules[t->kind].single) return STATUS_OK;
    TRY(check_template(t, err));
    if (is_roberta)
        put_roberta(t, w);
    else
        put_template(t, w);
    return STATUS_OK;
}

static Status refuse_class(const Told *t, Error *err)
{
    return error_set(
        err, STATUS_INVALID,
        "%s: vocab.json and merges.txt stand there, but not how a %s cuts texts: known "
        "are those of GPT2Tokenizer, RobertaTokenizer, BartTokenizer, Qwen2Tokenizer, "
        "GPTNeoXTokenizer and others of their kind; save the rest as tokenizer.json "
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
    TRY(told_find_kind(t, false, err));
    const bool has_pieces = t->has_kind && told_has_pieces(t->kind);
    if (!has_merges && !(spm && has_pieces)) return STATUS_OK;
    if (has_merges && !(t->has_kind && told_has_bytes(t->kind))) return refuse_class(t, err);
    t->add_prefix_space = has_pieces || t->kind == TOLD_BLENDERBOT;
    json_begin_object(w);
    // Some options are needed before the vocabulary is there, so they are read twice; ids of tokens count the second time.
    TRY(told_read_added(t, err));
    TRY(has_pieces ? told_put_pieces(t, spm, w, err) : tell_bpe(t, vocab, merges, w, err));
    TRY(told_read_added(t, err));
    told_put_added(t->added.tokens, t->added.n, w);
    TRY(told_put_post(t, w, err));
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
