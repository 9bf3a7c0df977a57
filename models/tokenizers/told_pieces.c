// A SentencePiece model told as a tokenizer.json, for the classes of Transformers that give it words, special tokens and
// a normaliser of their own.
#include "base/base64.h"
#include "base/file.h"
#include "models/tokenizers/told_internal.h"

// ---- the vocabulary ----

// The pieces in the order of their ids, into the vocabulary and, of unigrams, the file.
typedef struct Pieces {
    Told *told;
    JsonWriter *w; // NULL: ids alone
} Pieces;

static Status put_piece(Pieces *p, Slice piece, double score, Error *err)
{
    Told *t = p->told;
    if (p->w) {
        json_begin_array(p->w);
        json_put_string(p->w, piece);
        json_put_double(p->w, score);
        json_end_array(p->w);
    }
    return vocab_put(&t->vocab, &t->arena, piece, (int64_t)t->vocab.size, t->vocab.size + 1, err);
}

static Status put_name(void *context, Slice name, Error *err)
{
    return put_piece(context, name, 0, err);
}

static Slice first_token(const Told *t, const ToldFirst *first)
{
    const bool is_named = first->role != TOLD_NO_ROLE && t->is_role_stated[first->role] &&
                          t->roles[first->role].content.len > 0;
    return is_named ? t->roles[first->role].content : slice_from_cstr(first->piece);
}

// PEGASUS: both masks, and tokens that fill up to where the model's pieces begin. Where the files do not name the masks,
// Transformers 5 puts them in this order, though its tokenizer then calls them the other way round.
static Status put_fill(Pieces *p, Error *err)
{
    const Told *t = p->told;
    const Slice mask =
                    t->is_role_stated[ROLE_MASK] ? t->roles[ROLE_MASK].content : SLICE("<mask_1>"),
                sent = t->states_mask_sent ? t->mask_sent : SLICE("<mask_2>");
    if (mask.len > 0) TRY(put_piece(p, mask, 0, err));
    if (sent.len > 0 && !slice_eq(mask, sent)) TRY(put_piece(p, sent, 0, err));
    for (int64_t i = 2; i < t->offset; i++) {
        const Slice name =
            slice_from_cstr(arena_printf(&p->told->arena, "<unk_%lld>", (long long)i));
        if (!name.ptr) return error_set_memory(err, 1, 1, "a token");
        TRY(put_piece(p, name, -100, err));
    }
    return STATUS_OK;
}

// T5: the last has the lowest id.
static Status put_extra_ids(Pieces *p, Error *err)
{
    Told *t = p->told;
    for (int64_t i = t->extra_ids - 1; i >= 0; i--) {
        const Slice name =
            slice_from_cstr(arena_printf(&t->arena, "<extra_id_%lld>", (long long)i));
        if (!name.ptr) return error_set_memory(err, 1, 1, "a token");
        TRY(put_piece(p, name, 0, err));
    }
    return STATUS_OK;
}

static Status put_pieces(Pieces *p, const Spm *spm, Error *err)
{
    Told *t = p->told;
    const ToldRules *rules = &told_rules[t->kind];
    for (size_t i = 0; i < rules->n_first; i++)
        TRY(put_piece(p, first_token(t, &rules->first[i]), rules->first[i].score, err));
    if (t->kind == TOLD_PEGASUS) TRY(put_fill(p, err));
    for (size_t i = rules->n_skipped; i < spm->pieces.size; i++) {
        bool is_first = false;
        for (size_t k = 0; rules->is_bpe && k < rules->n_first; k++)
            is_first |= slice_eq(vocab_at(&t->vocab, k), vocab_at(&spm->pieces, i));
        if (!is_first) TRY(put_piece(p, vocab_at(&spm->pieces, i), (double)spm->scores[i], err));
    }
    if (t->kind == TOLD_T5) TRY(put_extra_ids(p, err));
    if (!rules->is_bpe && rules->languages) TRY(told_each_name(rules->languages, put_name, p, err));
    if (!rules->has_mask) return vocab_index(&t->vocab, &t->arena, err);
    const Slice mask = t->roles[ROLE_MASK].content;
    TRY(put_piece(p, mask.len > 0 ? mask : SLICE("<mask>"), 0, err));
    return vocab_index(&t->vocab, &t->arena, err);
}

// ---- the model ----

// DeBERTa's unknown token goes by its name, where that has the score of a special piece; so do those of PEGASUS and BigBird.
static int32_t unknown_id(const Told *t, const Spm *spm)
{
    enum { BIG_BIRD_UNK = 100 };
    const int32_t id = told_rules[t->kind].unk;
    if (id != TOLD_UNK_NAMED) return id;
    const int32_t named = vocab_find(&t->vocab, t->roles[ROLE_UNK].content);
    const int32_t piece = vocab_find(&spm->pieces, t->roles[ROLE_UNK].content);
    if (named >= 0 && piece >= 0 && spm->scores[piece] == 0) return named;
    return t->kind == TOLD_DEBERTA    ? spm->unk
           : t->kind == TOLD_BIG_BIRD ? BIG_BIRD_UNK
                                      : TOKEN_NONE;
}

static Status put_unigram(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    Pieces pieces = {t, w};
    json_member_object(w, "model");
    json_member_cstr(w, "type", "Unigram");
    json_member_bool(w, "byte_fallback", false);
    json_member_array(w, "vocab");
    TRY(put_pieces(&pieces, spm, err));
    json_end_array(w);
    const int32_t unk = unknown_id(t, spm);
    if (unk < 0 || (size_t)unk >= t->vocab.size)
        return error_set(err, STATUS_INVALID,
                         "it has no piece \"" SLICE_FMT
                         "\" with the score 0 for unknown text: name "
                         "it in tokenizer_config.json (\"unk_token\")",
                         SLICE_ARG(t->roles[ROLE_UNK].content));
    json_member_i64(w, "unk_id", unk);
    json_end_object(w);
    return STATUS_OK;
}

// Every way to cut a piece into two others is a merge.
static void put_merges(const Spm *spm, JsonWriter *w)
{
    json_member_array(w, "merges");
    for (size_t i = 0; i < spm->pieces.size; i++) {
        const Slice piece = vocab_at(&spm->pieces, i);
        for (size_t at = char_end(piece, 1); at < piece.len; at = char_end(piece, at + 1)) {
            const Slice left = slice_sub(piece, 0, at), right = slice_sub(piece, at, piece.len);
            if (vocab_find(&spm->pieces, left) < 0 || vocab_find(&spm->pieces, right) < 0) continue;
            json_begin_array(w);
            json_put_string(w, left);
            json_put_string(w, right);
            json_end_array(w);
        }
    }
    json_end_array(w);
}

static Status put_bpe(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    Pieces pieces = {.told = t};
    TRY(put_pieces(&pieces, spm, err));
    json_member_object(w, "model");
    json_member_cstr(w, "type", "BPE");
    json_member_string(w, "unk_token", t->roles[ROLE_UNK].content);
    json_member_bool(w, "fuse_unk", true);
    told_put_vocab(&t->vocab, w);
    put_merges(spm, w);
    json_end_object(w);
    return STATUS_OK;
}

// ---- the normaliser ----

static void put_charsmap(const Told *t, JsonWriter *w)
{
    if (t->charsmap.len == 0) return;
    json_begin_object(w);
    json_member_cstr(w, "type", "Precompiled");
    json_member_string(w, "precompiled_charsmap", t->charsmap);
    json_end_object(w);
}

// ALBERT's, RemBERT's and DeBERTa's first steps, by their options.
static void put_options(const Told *t, JsonWriter *w)
{
    static const Slice quotes[] = {SLICE_LIT("``"), SLICE_LIT("''")};
    const bool is_albert = t->kind == TOLD_ALBERT || t->kind == TOLD_REMBERT;
    for (size_t i = 0; is_albert && i < 2; i++) {
        json_begin_object(w);
        json_member_cstr(w, "type", "Replace");
        json_member_object(w, "pattern");
        json_member_string(w, "String", quotes[i]);
        json_end_object(w);
        json_member_cstr(w, "content", "\"");
        json_end_object(w);
    }
    if (t->kind == TOLD_REMBERT)
        json_put_raw(w, SLICE("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},"
                              "\"content\":\" \"}"));
    if (is_albert && !t->keeps_accents) {
        json_put_raw(w, SLICE("{\"type\":\"NFKD\"}"));
        json_put_raw(w, SLICE("{\"type\":\"StripAccents\"}"));
    }
    if (t->lowercases && (is_albert || t->kind == TOLD_DEBERTA))
        json_put_raw(w, SLICE("{\"type\":\"Lowercase\"}"));
}

static void put_normalizer(const Told *t, JsonWriter *w)
{
    const ToldRules *rules = &told_rules[t->kind];
    const bool has_map = t->charsmap.len > 0;
    const char *const *parts =
        !has_map && rules->without_map ? rules->without_map : rules->normalizers;
    if (rules->wants_map && !has_map) return;
    json_member_object(w, "normalizer");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "normalizers");
    put_options(t, w);
    for (size_t i = 0; parts && parts[i]; i++) {
        if (parts[i][0])
            json_put_raw(w, slice_from_cstr(parts[i]));
        else
            put_charsmap(t, w);
    }
    json_end_array(w);
    json_end_object(w);
}

// ---- words ----

static void put_metaspace(const Told *t, JsonWriter *w)
{
    const bool is_always = t->add_prefix_space || !told_rules[t->kind].prefix_is_optional;
    const char *without = t->kind == TOLD_DEBERTA ? "first" : "never";
    json_begin_object(w);
    json_member_cstr(w, "type", "Metaspace");
    json_member_cstr(w, "replacement", "\xE2\x96\x81");
    json_member_cstr(w, "prepend_scheme", is_always ? "always" : without);
    json_member_bool(w, "split", true);
    json_end_object(w);
}

static void put_words(const Told *t, JsonWriter *w)
{
    json_member_object(w, "pre_tokenizer");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "pretokenizers");
    if (told_rules[t->kind].splits_blanks) json_put_raw(w, SLICE("{\"type\":\"WhitespaceSplit\"}"));
    if (t->kind == TOLD_DEBERTA && t->splits_punctuation)
        json_put_raw(w, SLICE("{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"}"));
    put_metaspace(t, w);
    json_end_array(w);
    json_end_object(w);
    json_put_key(w, "decoder");
    put_metaspace(t, w);
}

void told_put_piece_steps(const Told *t, JsonWriter *w)
{
    put_normalizer(t, w);
    put_words(t, w);
}

// ---- all of it ----

// What Transformers itself does not make a usable tokenizer of.
static Status check(const Told *t, const Spm *spm, const char *path, Error *err)
{
    static const Role wanted[] = {ROLE_CLS, ROLE_SEP};
    const ToldRules *rules = &told_rules[t->kind];
    if (spm->is_bpe && !rules->is_bpe)
        return error_set(err, STATUS_INVALID,
                         "%s: a SentencePiece model of kind bpe, but a %s has unigrams", path,
                         rules->class);
    if (t->kind != TOLD_ALBERT) return STATUS_OK;
    if (t->states_ends)
        return error_set(err, STATUS_INVALID,
                         "%s/tokenizer_config.json: \"add_bos_token\" or \"add_eos_token\" takes "
                         "[CLS] and [SEP] from an AlbertTokenizer: leave both out, or save it as "
                         "tokenizer.json (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))",
                         t->directory);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const Slice content = t->roles[wanted[i]].content;
        if (content.len == 0 || vocab_find(&spm->pieces, content) >= 0) continue;
        return error_set(err, STATUS_INVALID,
                         "%s has no piece \"" SLICE_FMT
                         "\", which an AlbertTokenizer puts around texts: name the token in "
                         "tokenizer_config.json (\"%s\"), or write a tokenizer.json",
                         path, SLICE_ARG(content), told_roles[wanted[i]]);
    }
    return STATUS_OK;
}

Status told_put_pieces(Told *t, const char *path, JsonWriter *w, Error *err)
{
    Slice bytes = {0};
    Spm *spm = NULL;
    TRY(file_map(path, &bytes, err));
    Status s = spm_parse(slice_from_cstr(path), bytes, &t->arena, &spm, err);
    file_unmap(&bytes);
    TRY(s);
    TRY(check(t, spm, path, err));
    s = told_rules[t->kind].is_bpe ? put_bpe(t, spm, w, err) : put_unigram(t, spm, w, err);
    if (s != STATUS_OK)
        return error_wrap(err, "%s as that of a %s", path, told_rules[t->kind].class);
    if (spm->charsmap_bytes.len > 0)
        TRY(base64_encode(&t->arena, spm->charsmap_bytes, &t->charsmap, err));
    told_put_piece_steps(t, w);
    t->spm = spm;
    return STATUS_OK;
}
