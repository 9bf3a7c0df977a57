// A SentencePiece model told as a tokenizer.json, for the classes of Transformers that give it words, special tokens and
// a normaliser of their own.
#include "base/base64.h"
#include "base/file.h"
#include "models/tokenizers/told_internal.h"

// ---- the vocabulary ----

static Status put_piece(Told *t, Slice piece, double score, JsonWriter *w, Error *err)
{
    json_begin_array(w);
    json_put_string(w, piece);
    json_put_double(w, score);
    json_end_array(w);
    return vocab_put(&t->vocab, &t->arena, piece, (int64_t)t->vocab.size, t->vocab.size + 1, err);
}

typedef struct FirstPiece {
    const char *piece;
    double score;
} FirstPiece;

// Fairseq's ids: its own first, then the model's pieces but the first few, then the mask.
static Status put_fairseq(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    static const FirstPiece xlmr[] = {{"<s>", 0}, {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}},
                            camembert[] = {{"<s>NOTUSED", 0},
                                           {"<pad>", 0},
                                           {"</s>NOTUSED", 0},
                                           {"<unk>", 0},
                                           {"<unk>NOTUSED", -100}};
    const bool is_xlmr = t->kind == TOLD_XLMR;
    const FirstPiece *first = is_xlmr ? xlmr : camembert;
    for (size_t i = 0; i < (is_xlmr ? 4 : 5); i++)
        TRY(put_piece(t, slice_from_cstr(first[i].piece), first[i].score, w, err));
    for (size_t i = is_xlmr ? 3 : 1; i < spm->pieces.size; i++)
        TRY(put_piece(t, spm->pieces.tokens[i], (double)spm->scores[i], w, err));
    const Slice mask = t->roles[ROLE_MASK].content;
    return put_piece(t, mask.len > 0 ? mask : SLICE("<mask>"), 0, w, err);
}

// ALBERT's is always the second piece; DeBERTa's goes by the name, where that has the score of a special piece.
static int32_t unknown_id(const Told *t, const Spm *spm)
{
    if (t->kind == TOLD_ALBERT) return 1;
    if (t->kind != TOLD_DEBERTA) return 3;
    const int32_t named = vocab_find(&spm->pieces, t->roles[ROLE_UNK].content);
    return named >= 0 && spm->scores[named] == 0 ? named : spm->unk;
}

static Status put_model(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    json_member_object(w, "model");
    json_member_cstr(w, "type", "Unigram");
    json_member_i64(w, "unk_id", unknown_id(t, spm));
    json_member_bool(w, "byte_fallback", false);
    json_member_array(w, "vocab");
    if (told_is_whole(t->kind)) {
        for (size_t i = 0; i < spm->pieces.size; i++)
            TRY(put_piece(t, spm->pieces.tokens[i], (double)spm->scores[i], w, err));
    } else {
        TRY(put_fairseq(t, spm, w, err));
    }
    json_end_array(w);
    json_end_object(w);
    return vocab_index(&t->vocab, &t->arena, err);
}

// ---- the normaliser ----

static Status put_charsmap(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    Slice text = {0};
    if (spm->charsmap_bytes.len == 0) return STATUS_OK;
    TRY(base64_encode(&t->arena, spm->charsmap_bytes, &text, err));
    json_begin_object(w);
    json_member_cstr(w, "type", "Precompiled");
    json_member_string(w, "precompiled_charsmap", text);
    json_end_object(w);
    return STATUS_OK;
}

static void put_lowercase(JsonWriter *w)
{
    json_put_raw(w, SLICE("{\"type\":\"Lowercase\"}"));
}

// DebertaV2Tokenizer of Transformers 5 has no use for the model's character map.
static Status put_normalizer(Told *t, const Spm *spm, JsonWriter *w, Error *err)
{
    json_member_object(w, "normalizer");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "normalizers");
    if (t->kind == TOLD_DEBERTA) {
        if (t->lowercases) put_lowercase(w);
        json_put_raw(w, SLICE("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s{2,}|[\\\\n\\\\r"
                              "\\\\t]\"},\"content\":\" \"}"));
        json_put_raw(w, SLICE("{\"type\":\"NFC\"}"));
        json_put_raw(w, SLICE("{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}"));
    } else {
        if (t->kind == TOLD_ALBERT) {
            json_put_raw(w, SLICE("{\"type\":\"Replace\",\"pattern\":{\"String\":\"``\"},"
                                  "\"content\":\"\\\"\"}"));
            json_put_raw(w, SLICE("{\"type\":\"Replace\",\"pattern\":{\"String\":\"''\"},"
                                  "\"content\":\"\\\"\"}"));
            if (!t->keeps_accents) {
                json_put_raw(w, SLICE("{\"type\":\"NFKD\"}"));
                json_put_raw(w, SLICE("{\"type\":\"StripAccents\"}"));
            }
            if (t->lowercases) put_lowercase(w);
        }
        TRY(put_charsmap(t, spm, w, err));
    }
    json_end_array(w);
    json_end_object(w);
    return STATUS_OK;
}

// ---- words ----

static void put_metaspace(const Told *t, JsonWriter *w)
{
    const char *without = t->kind == TOLD_DEBERTA ? "first" : "never";
    json_begin_object(w);
    json_member_cstr(w, "type", "Metaspace");
    json_member_cstr(w, "replacement", "\xE2\x96\x81");
    json_member_cstr(w, "prepend_scheme", t->add_prefix_space ? "always" : without);
    json_member_bool(w, "split", true);
    json_end_object(w);
}

static void put_words(const Told *t, JsonWriter *w)
{
    json_member_object(w, "pre_tokenizer");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "pretokenizers");
    if (t->kind != TOLD_DEBERTA) json_put_raw(w, SLICE("{\"type\":\"WhitespaceSplit\"}"));
    if (t->kind == TOLD_DEBERTA && t->splits_punctuation)
        json_put_raw(w, SLICE("{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"}"));
    put_metaspace(t, w);
    json_end_array(w);
    json_end_object(w);
    json_put_key(w, "decoder");
    put_metaspace(t, w);
}

// ---- all of it ----

static const char *class_of(ToldKind kind)
{
    return kind == TOLD_XLMR        ? "XLMRobertaTokenizer"
           : kind == TOLD_CAMEMBERT ? "CamembertTokenizer"
           : kind == TOLD_ALBERT    ? "AlbertTokenizer"
                                    : "DebertaV2Tokenizer";
}

// What Transformers itself does not make a usable tokenizer of.
static Status check(const Told *t, const Spm *spm, const char *path, Error *err)
{
    static const Role wanted[] = {ROLE_CLS, ROLE_SEP};
    if (spm->is_bpe)
        return error_set(err, STATUS_INVALID,
                         "%s: a SentencePiece model of kind bpe, but a %s has unigrams", path,
                         class_of(t->kind));
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
    TRY(put_model(t, spm, w, err));
    TRY(put_normalizer(t, spm, w, err));
    put_words(t, w);
    t->spm = spm;
    return STATUS_OK;
}
