// A tokenizer.json as Transformers 5 reads it for the class that the files beside it name: of most classes the vocabulary, the merges
// and sometimes the post-processor are the file's, and all else is the class's own, by tokenizer_config.json. Of others the file
// stays as it is, but for tokens that are added.
#include "base/json_writer.h"
#include "models/tokenizers/tokenizer_json.h"
#include "models/tokenizers/told_changes.h"
#include "models/tokenizers/told_internal.h"

// ---- which files ----

static bool spells_bytes(const Tokenizer *t)
{
    for (size_t i = 0; i < t->pretokenizer.n_steps; i++) {
        if (t->pretokenizer.steps[i].kind == PRETOKENIZER_BYTE_LEVEL) return true;
    }
    for (size_t i = 0; i < t->decoder.n_steps; i++) {
        if (t->decoder.steps[i].kind == DECODER_BYTE_LEVEL) return true;
    }
    return false;
}

// The kind of model that a class is made for; the file of another one stays as it is.
static bool is_for(ToldKind kind, ModelKind model)
{
    if (kind == TOLD_BERT || kind == TOLD_MPNET) return model == MODEL_WORDPIECE;
    if (told_has_bytes(kind) || kind == TOLD_NLLB || kind >= TOLD_LLAMA) return model == MODEL_BPE;
    return model == MODEL_UNIGRAM;
}

// ---- what the class says ----

static bool has_prefix_space(ToldKind kind)
{
    return (!told_has_bytes(kind) || kind == TOLD_BLENDERBOT) && kind != TOLD_MPNET;
}

static void put_replace(const char *from, const char *to, JsonWriter *w)
{
    json_begin_object(w);
    json_member_cstr(w, "type", "Replace");
    json_member_object(w, "pattern");
    json_member_cstr(w, "String", from);
    json_end_object(w);
    json_member_cstr(w, "content", to);
    json_end_object(w);
}

// Of Llama's kinds and Gemma's: pieces of SentencePiece's look, and bytes for what is unknown.
static void put_llama_decoder(bool strips, JsonWriter *w)
{
    json_member_object(w, "decoder");
    json_member_cstr(w, "type", "Sequence");
    json_member_array(w, "decoders");
    put_replace("\xE2\x96\x81", " ", w);
    json_put_raw(w, SLICE("{\"type\":\"ByteFallback\"}"));
    json_put_raw(w, SLICE("{\"type\":\"Fuse\"}"));
    if (strips)
        json_put_raw(w, SLICE("{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"));
    json_end_array(w);
    json_end_object(w);
}

static void put_llama_steps(const Told *t, JsonWriter *w)
{
    const bool is_always = t->kind == TOLD_LLAMA && t->is_legacy_llama;
    json_member_object(w, "pre_tokenizer");
    json_member_cstr(w, "type", "Metaspace");
    json_member_cstr(w, "replacement", "\xE2\x96\x81");
    json_member_cstr(w, "prepend_scheme",
                     !t->add_prefix_space ? "never"
                     : is_always          ? "always"
                                          : "first");
    json_member_bool(w, "split", false);
    json_end_object(w);
    put_llama_decoder(t->kind == TOLD_CODE_LLAMA || t->add_prefix_space, w);
}

static void put_gemma_steps(JsonWriter *w)
{
    json_put_key(w, "normalizer");
    put_replace(" ", "\xE2\x96\x81", w);
    json_member_raw(w, "pre_tokenizer",
                    SLICE("{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":"
                          "\"MergedWithPrevious\",\"invert\":false}"));
    put_llama_decoder(false, w);
}

static Status put_steps(const Told *t, JsonWriter *w, Error *err)
{
    WordPieceOptions options = {0};
    if (told_has_bytes(t->kind)) {
        told_put_byte_steps(t, w);
    } else if (t->kind == TOLD_BERT || t->kind == TOLD_MPNET) {
        TRY(tokenizer_read_wordpiece_options(t->directory, &options, err));
        told_put_word_steps(&options, w);
    } else if (t->kind == TOLD_GEMMA) {
        put_gemma_steps(w);
    } else if (t->kind >= TOLD_LLAMA) {
        put_llama_steps(t, w);
    } else {
        told_put_piece_steps(t, w);
    }
    return STATUS_OK;
}

// ---- the model ----

// The piece that stands for unknown text, by its name where that has the score of a special piece.
static Status take_unknown(const Told *t, TokenizerFile *file, Error *err)
{
    enum { BIG_BIRD_UNK = 100 };
    const int32_t named = vocab_find(&t->vocab, t->roles[ROLE_UNK].content);
    const bool is_special = named >= 0 && file->scores[named] == 0;
    file->unk_id = told_rules[t->kind].unk;
    if (t->kind == TOLD_CAMEMBERT) file->unk_id = named >= 0 ? named : 0;
    if (file->unk_id != TOLD_UNK_NAMED) return STATUS_OK;
    if (!is_special && t->kind == TOLD_PEGASUS)
        return error_set(err, STATUS_INVALID,
                         "no piece is \"" SLICE_FMT
                         "\" with the score 0, which a PegasusTokenizer needs for unknown text: "
                         "name it in tokenizer_config.json (\"unk_token\")",
                         SLICE_ARG(t->roles[ROLE_UNK].content));
    file->unk_id = is_special ? named : t->kind == TOLD_BIG_BIRD ? BIG_BIRD_UNK : t->unk_id;
    return STATUS_OK;
}

static Status take_model(const Told *t, TokenizerFile *file, Error *err)
{
    Tokenizer *tokenizer = file->tokenizer;
    const bool is_plain_bytes = told_has_bytes(t->kind);
    if (tokenizer->model == MODEL_UNIGRAM) {
        tokenizer->unigram.byte_fallback = false;
        return take_unknown(t, file, err);
    }
    Slice unk = t->roles[ROLE_UNK].content;
    if (is_plain_bytes || t->kind == TOLD_LLAMA) unk = (Slice){0};
    if (unk.len > 0) TRY(keep_slice(&tokenizer->arena, &unk, err));
    file->unk_token = tokenizer->wordpiece.unk_token = tokenizer->bpe.unk_token = unk;
    if (tokenizer->model == MODEL_WORDPIECE) {
        tokenizer->wordpiece.prefix = SLICE("##");
        tokenizer->wordpiece.max_word_chars = 100;
        return STATUS_OK;
    }
    tokenizer->bpe.fuse_unk = !is_plain_bytes;
    tokenizer->bpe.byte_fallback = t->kind >= TOLD_LLAMA;
    tokenizer->bpe.ignore_merges = false;
    tokenizer->bpe.prefix = tokenizer->bpe.suffix = (Slice){0};
    return STATUS_OK;
}

// ---- all of it ----

// What is written is read as the sections of a file are; what it leaves out is empty then.
static Status read_again(TokenizerFile *file, const Told *t, Slice text, bool keeps_post,
                         Error *err)
{
    Tokenizer *tokenizer = file->tokenizer;
    tokenizer->normalizer = (Normalizer){0};
    tokenizer->pretokenizer = (PreTokenizer){0};
    tokenizer->decoder = (Decoder){.spaces = true};
    file->normalizer_capacity = file->pretokenizer_capacity = file->decoder_capacity = 0;
    if (!keeps_post) {
        tokenizer->post = (PostProcessor){0};
        file->has_template = file->has_bert_post = false;
        file->n_specials = 0;
    }
    return tokenizer_read_sections(file, slice_from_cstr(t->class), text, err);
}

static Status rebuild(TokenizerFile *file, Told *t, Buffer *text, Error *err)
{
    const bool has_post = file->has_template || file->has_bert_post || file->has_byte_post;
    const bool keeps_post = told_rules[t->kind].keeps_post && has_post;
    JsonWriter w = json_writer(text, 0);
    t->charsmap = file->charsmap;
    json_begin_object(&w);
    TRY(put_steps(t, &w, err));
    if (!keeps_post) TRY(told_put_post(t, &w, err));
    json_end_object(&w);
    TRY(buffer_status(text, err));
    TRY(take_model(t, file, err));
    Slice kept = buffer_slice(text); // names of the file borrow from it
    TRY(keep_slice(&file->scratch, &kept, err));
    return read_again(file, t, kept, keeps_post, err);
}

// Ids that the vocabulary and the file's own added tokens take.
static Status find_needed_size(Told *t, size_t *out, Error *err)
{
    AddedList of_file = {.tokens = t->json_added, .n = t->n_json_added};
    *out = t->vocab.size;
    for (size_t i = 0; i < t->added.n; i++) {
        const AddedToken *token = &t->added.tokens[i];
        size_t at = 0;
        TRY(added_list_find(&of_file, &t->arena, token, ADDED_BY_CONTENT, &at, err));
        if (at < of_file.n && (size_t)token->id >= *out) *out = (size_t)token->id + 1;
    }
    return STATUS_OK;
}

static Status tell_again(TokenizerFile *file, Told *t, Buffer *text, Error *err)
{
    Tokenizer *tokenizer = file->tokenizer;
    TokenizerParts before = {0}, after = {0};
    TRY(vocab_index(&tokenizer->vocab, &tokenizer->arena, err));
    file->is_indexed = true;
    TRY(tokenizer_parts_of(file, &before, err));
    t->vocab = tokenizer->vocab; // which is only looked into
    TRY(told_find_kind(t, spells_bytes(tokenizer), err));
    // A class that only has another name for BERT's is given the file as it is.
    const bool is_kept = slice_eq_cstr(SLICE("ConvBertTokenizer"), t->class);
    if (!t->has_kind || is_kept || !is_for(t->kind, tokenizer->model)) t->kind = TOLD_KEPT;
    t->has_json = true;
    t->json_added = tokenizer->added;
    t->n_json_added = tokenizer->n_added;
    t->add_prefix_space = has_prefix_space(t->kind);
    TRY(told_read_added(t, err));
    // These do not count beside a tokenizer.json, but for the class that sets one itself.
    t->add_bos = t->kind == TOLD_CODE_LLAMA;
    t->add_eos = false;
    if (t->kind != TOLD_KEPT) TRY(rebuild(file, t, text, err));
    before.has_all_bytes = told_has_bytes(t->kind);
    tokenizer->n_added = 0;
    TRY(find_needed_size(t, &tokenizer->needed_size, err));
    TRY(told_keep_added(t, tokenizer, err));
    TRY(tokenizer_parts_of(file, &after, err));
    return tokenizer_parts_compare(&before, &after, t->class, &t->arena, &tokenizer->arena,
                                   &tokenizer->departure, err);
}

Status tokenizer_tell_again(TokenizerFile *file, const char *directory, Error *err)
{
    Told told = {.directory = directory};
    Buffer text = {0};
    const Status s = tell_again(file, &told, &text, err);
    buffer_release(&text);
    arena_release(&told.arena);
    return s;
}
