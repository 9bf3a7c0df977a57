// What a class changes about a tokenizer.json, in the words of that file.
#include "models/tokenizers/told_changes.h"

static bool same_pattern(const Pattern *a, const Pattern *b)
{
    if (a == NULL || b == NULL) return a == b;
    return (a->kind == PATTERN_LITERAL) == (b->kind == PATTERN_LITERAL) &&
           slice_eq(a->text, b->text);
}

static bool same_rules(const BertTable *a, const BertTable *b)
{
    if (a == NULL || b == NULL) return a == b;
    return a->rules.clean_text == b->rules.clean_text &&
           a->rules.handle_chinese_chars == b->rules.handle_chinese_chars &&
           a->rules.strip_accents == b->rules.strip_accents &&
           a->rules.lowercase == b->rules.lowercase;
}

static bool same_normalizer(const Normalizer *a, const Normalizer *b)
{
    bool is_same = a->n_steps == b->n_steps;
    for (size_t i = 0; i < a->n_steps && is_same; i++) {
        const NormalizerStep *x = &a->steps[i], *y = &b->steps[i];
        // There is one character map.
        is_same = x->kind == y->kind && x->strip_left == y->strip_left &&
                  x->strip_right == y->strip_right && slice_eq(x->content, y->content) &&
                  same_pattern(x->pattern, y->pattern) && same_rules(x->bert, y->bert);
    }
    return is_same;
}

static bool same_words(const PreTokenizer *a, const PreTokenizer *b)
{
    bool is_same = a->n_steps == b->n_steps;
    for (size_t i = 0; i < a->n_steps && is_same; i++) {
        const PreTokenizerStep *x = &a->steps[i], *y = &b->steps[i];
        is_same = x->kind == y->kind && x->behavior == y->behavior && x->invert == y->invert &&
                  x->add_prefix_space == y->add_prefix_space && x->use_regex == y->use_regex &&
                  x->individual_digits == y->individual_digits && x->splits == y->splits &&
                  x->scheme == y->scheme && slice_eq(x->replacement, y->replacement) &&
                  x->delimiter == y->delimiter && x->length == y->length &&
                  same_pattern(x->pattern, y->pattern);
    }
    return is_same;
}

static bool same_decoder(const Decoder *a, const Decoder *b)
{
    bool is_same = a->n_steps == b->n_steps && a->spaces == b->spaces;
    for (size_t i = 0; i < a->n_steps && is_same; i++) {
        const DecoderStep *x = &a->steps[i], *y = &b->steps[i];
        if (x->kind == DECODER_BYTE_LEVEL && y->kind == DECODER_BYTE_LEVEL) continue;
        is_same = x->kind == y->kind && slice_eq(x->text, y->text) && x->cleanup == y->cleanup &&
                  x->drops_first == y->drops_first && x->start == y->start && x->stop == y->stop &&
                  slice_eq(x->content, y->content) && same_pattern(x->pattern, y->pattern);
    }
    return is_same;
}

static bool same_model(const TokenizerParts *a, const TokenizerParts *b)
{
    switch (a->model) {
    case MODEL_WORDPIECE:
        return slice_eq(a->unk_token, b->unk_token) &&
               slice_eq(a->wordpiece.prefix, b->wordpiece.prefix) &&
               a->wordpiece.max_word_chars == b->wordpiece.max_word_chars;
    case MODEL_BPE:
        return a->bpe.byte_fallback == b->bpe.byte_fallback &&
               a->bpe.ignore_merges == b->bpe.ignore_merges &&
               slice_eq(a->bpe.prefix, b->bpe.prefix) && slice_eq(a->bpe.suffix, b->bpe.suffix) &&
               // Bytes are never unknown.
               (a->has_all_bytes ||
                (a->bpe.fuse_unk == b->bpe.fuse_unk && slice_eq(a->unk_token, b->unk_token)));
    case MODEL_UNIGRAM:
        return a->unk_id == b->unk_id && a->unigram.byte_fallback == b->unigram.byte_fallback;
    case MODEL_WORDLEVEL:
        return true;
    }
    return true;
}

static bool same_flags(const AddedToken *a, const AddedToken *b)
{
    return a->single_word == b->single_word && a->lstrip == b->lstrip && a->rstrip == b->rstrip &&
           a->normalized == b->normalized && a->special == b->special;
}

static Status compare_added(const TokenizerParts *a, const TokenizerParts *b, Arena *scratch,
                            bool *is_same, Error *err)
{
    AddedList list = {.tokens = a->added, .n = a->n_added};
    *is_same = a->n_added == b->n_added;
    for (size_t i = 0; i < b->n_added && *is_same; i++) {
        size_t at = 0;
        TRY(added_list_find(&list, scratch, &b->added[i], ADDED_BY_CONTENT, &at, err));
        *is_same = at < list.n && same_flags(&list.tokens[at], &b->added[i]);
    }
    return STATUS_OK;
}

static void put_ids(const TokenizerFile *file, const FilePiece *piece, Buffer *out)
{
    for (size_t i = 0; i < file->n_specials; i++) {
        const FileSpecial *special = &file->specials[i];
        if (!slice_eq(special->name, piece->name)) continue;
        for (size_t k = 0; k < special->n_ids; k++)
            buffer_printf(out, " %d:%d", special->ids[k], piece->type_id);
        return;
    }
}

static void put_bert(const TokenizerFile *file, bool is_pair, Buffer *out)
{
    const int32_t type = file->is_roberta ? 0 : 1;
    buffer_printf(out, " %d:0 0 %d:0", file->cls, file->sep);
    if (is_pair && file->is_roberta) buffer_printf(out, " %d:0", file->sep);
    if (is_pair) buffer_printf(out, " B:%d %d:%d", type, file->sep, type);
}

static void put_post(const TokenizerFile *file, Buffer *out)
{
    const PostProcessor *post = &file->tokenizer->post;
    for (size_t pair = 0; pair < 2; pair++) {
        const FileTemplate *template = &file->templates[pair];
        if (file->has_bert_post) put_bert(file, pair == 1, out);
        for (size_t i = 0; file->has_template && i < template->n_pieces; i++) {
            const FilePiece *piece = &template->pieces[i];
            if (piece->kind == PIECE_SPECIAL) put_ids(file, piece, out);
            if (piece->kind != PIECE_SPECIAL)
                buffer_printf(out, piece->kind == PIECE_TEXT ? " %d" : " B:%d", piece->type_id);
        }
        buffer_append_byte(out, ';');
    }
    if (post->trim_offsets)
        buffer_append_cstr(out, post->add_prefix_space ? "trim, prefix" : "trim");
}

Status tokenizer_parts_of(TokenizerFile *file, TokenizerParts *out, Error *err)
{
    const Tokenizer *t = file->tokenizer;
    Buffer post = {0};
    put_post(file, &post);
    *out = (TokenizerParts){.normalizer = t->normalizer,
                            .pretokenizer = t->pretokenizer,
                            .decoder = t->decoder,
                            .model = t->model,
                            .wordpiece = t->wordpiece,
                            .bpe = t->bpe,
                            .unigram = t->unigram,
                            .unk_token = file->unk_token,
                            .unk_id = file->unk_id,
                            .added = t->added,
                            .n_added = t->n_added,
                            .post = buffer_slice(&post)};
    Status s = buffer_status(&post, err);
    if (s == STATUS_OK) s = keep_slice(&file->scratch, &out->post, err);
    buffer_release(&post);
    return s;
}

Status tokenizer_parts_compare(const TokenizerParts *a, const TokenizerParts *b, const char *class,
                               Arena *scratch, Arena *arena, const char **out, Error *err)
{
    bool same_added = false;
    TRY(compare_added(a, b, scratch, &same_added, err));
    const struct {
        const char *name;
        bool is_same;
    } parts[] = {{"normalizer", same_normalizer(&a->normalizer, &b->normalizer)},
                 {"pre_tokenizer", same_words(&a->pretokenizer, &b->pretokenizer)},
                 {"model", same_model(a, b)},
                 {"post_processor", slice_eq(a->post, b->post)},
                 {"decoder", same_decoder(&a->decoder, &b->decoder)},
                 {"added_tokens", same_added}};
    Buffer text = {0};
    *out = NULL;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].is_same) continue;
        buffer_printf(&text, "%s%s", text.len > 0 ? ", " : "", parts[i].name);
    }
    if (text.len > 0 && class[0]) buffer_printf(&text, " of %s", class);
    Slice kept = buffer_slice(&text);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK && kept.len > 0) {
        *out = arena_printf(arena, SLICE_FMT, SLICE_ARG(kept));
        if (*out == NULL) s = error_set_memory(err, 1, kept.len, "a text");
    }
    buffer_release(&text);
    return s;
}
