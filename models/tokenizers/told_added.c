// The special and added tokens of an older tokenizer, and the ids that they are given.
#include <stdlib.h>

#include "models/tokenizers/told_internal.h"

Status told_each_name(const char *names, Status (*each)(void *context, Slice name, Error *err),
                      void *context, Error *err)
{
    Slice rest = slice_from_cstr(names), name = {0};
    while (slice_split(&rest, ' ', &name)) TRY(each(context, name, err));
    return STATUS_OK;
}

void told_set_usual_flags(Told *t, Role role)
{
    t->roles[role].lstrip = role == ROLE_MASK && told_rules[t->kind].mask_takes_blank;
    t->roles[role].normalized = role == ROLE_MASK && told_rules[t->kind].mask_is_normalized;
}

Status told_add_stated(void *context, AddedToken token, Error *err)
{
    Told *t = context;
    const Vocab *pieces = t->spm ? &t->spm->pieces : NULL;
    // Transformers gives such a piece another name where it knows no more of a class.
    if (t->kind == TOLD_PLAIN && pieces && token.id >= 0 && (size_t)token.id < pieces->size &&
        vocab_find(pieces, token.content) < 0)
        return error_set(err, STATUS_INVALID,
                         "%s: token %d is named \"" SLICE_FMT "\", but is the piece \"" SLICE_FMT
                         "\" of the SentencePiece model: save the tokenizer as tokenizer.json "
                         "(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))",
                         t->directory, token.id, SLICE_ARG(token.content),
                         SLICE_ARG(vocab_token(pieces, token.id)));
    return added_list_put(&t->added, &t->arena, token, err);
}

Status told_add_over(Told *t, AddedToken token, Error *err)
{
    AddedList *list = &t->added;
    size_t of_content = 0, of_id = 0;
    TRY(added_list_find(list, &t->arena, &token, ADDED_BY_CONTENT, &of_content, err));
    TRY(added_list_find(list, &t->arena, &token, ADDED_BY_ID, &of_id, err));
    const size_t at = of_content < of_id ? of_content : of_id;
    if (at == list->n) return added_list_append(list, &t->arena, token, err);
    list->tokens[at] = token;
    if (of_content != of_id) added_list_changed(list);
    return STATUS_OK;
}

static int32_t next_id(const Told *t)
{
    int32_t next = (int32_t)t->vocab.size;
    for (size_t i = 0; i < t->added.n; i++) {
        if (t->added.tokens[i].id >= next) next = t->added.tokens[i].id + 1;
    }
    return next;
}

static Status add_token(Told *t, AddedToken token, Error *err)
{
    if (token.content.len == 0) return STATUS_OK;
    const int32_t known = vocab_find(&t->vocab, token.content);
    token.id = known >= 0 ? known : next_id(t); // what the vocabulary has keeps its id there
    return added_list_put(&t->added, &t->arena, token, err);
}

static int by_id(const void *a, const void *b)
{
    const AddedToken *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

// As Transformers has it the ids that files give say in which order tokens come, no more.
static void number_stated(Told *t)
{
    int32_t next = (int32_t)t->vocab.size;
    if (t->added.n > 0) qsort(t->added.tokens, t->added.n, sizeof *t->added.tokens, by_id);
    for (size_t i = 0; i < t->added.n; i++) {
        AddedToken *token = &t->added.tokens[i];
        const int32_t known = vocab_find(&t->vocab, token->content);
        token->id = known >= 0 ? known : next++;
        if (t->has_json) token->special |= told_is_role(t, token->content);
    }
    added_list_changed(&t->added);
}

// ---- a tokenizer.json that stays as it is ----

// A token that the library of Transformers already has, added once more, takes the new flags; but a special one stays special.
static Status add_again(Told *t, AddedToken token, Error *err)
{
    size_t at = 0;
    TRY(added_list_find(&t->added, &t->arena, &token, ADDED_BY_CONTENT, &at, err));
    if (at < t->added.n) {
        token.id = t->added.tokens[at].id;
        token.special |= t->added.tokens[at].special;
        t->added.tokens[at] = token;
        return STATUS_OK;
    }
    const int32_t id = vocab_find(&t->vocab, token.content);
    token.id = id >= 0 ? id : next_id(t);
    return added_list_append(&t->added, &t->arena, token, err);
}

// The tokens of the file, then those of added_tokens_decoder.
static Status add_over_json(Told *t, Error *err)
{
    const AddedList stated = t->added;
    t->added = (AddedList){0};
    for (size_t i = 0; i < t->n_json_added; i++)
        TRY(added_list_put(&t->added, &t->arena, t->json_added[i], err));
    for (size_t i = 0; i < stated.n; i++) TRY(add_again(t, stated.tokens[i], err));
    return STATUS_OK;
}

Status told_keep_added(const Told *told, Tokenizer *t, Error *err)
{
    TRY(arena_take(&t->arena, told->added.n, sizeof *t->added, "added tokens", &t->added, err));
    for (size_t i = 0; i < told->added.n; i++) {
        AddedToken token = told->added.tokens[i];
        token.content = arena_copy(&t->arena, token.content);
        if (!token.content.ptr) return error_set_memory(err, 1, 1, "an added token");
        t->added[t->n_added++] = token;
    }
    return STATUS_OK;
}

// ---- extras ----

// Where the roles end in the list: extras go behind them and take the place of those that are spelt alike.
typedef struct Extras {
    Told *told;
    size_t n_before;
} Extras;

static Status add_extra(Extras *e, AddedToken token, Error *err)
{
    Told *t = e->told;
    token.special = token.special || told_is_role(t, token.content);
    for (size_t i = e->n_before; i < t->added.n; i++) {
        if (!slice_eq(t->added.tokens[i].content, token.content)) continue;
        token.id = t->added.tokens[i].id;
        t->added.tokens[i] = token;
        return STATUS_OK;
    }
    token.id = TOKEN_NONE;
    return add_token(t, token, err);
}

static Status add_name(void *context, Slice name, Error *err)
{
    return add_extra(context, (AddedToken){.content = name, .special = true}, err);
}

// "<unk_2>", ...
static Status add_numbered(Extras *e, const char *stem, int64_t first, int64_t end, Error *err)
{
    for (int64_t i = first; i < end; i++) {
        const char *name = arena_printf(&e->told->arena, "<%s_%lld>", stem, (long long)i);
        if (!name) return error_set_memory(err, 1, 1, "a token");
        TRY(add_name(e, slice_from_cstr(name), err));
    }
    return STATUS_OK;
}

// The model's control pieces and the user's.
static Status add_model_pieces(Extras *e, bool *has_extra_ids, Error *err)
{
    const Spm *spm = e->told->spm;
    for (size_t i = 0; spm && i < spm->pieces.size; i++) {
        const uint8_t type = spm->types[i];
        const AddedToken token = {.content = vocab_at(&spm->pieces, i),
                                  .special = type == PIECE_CONTROL};
        // Where the model is used as it is, it finds the user's itself.
        const bool is_users = type == PIECE_USER_DEFINED && e->told->kind < TOLD_PLAIN;
        if (type != PIECE_CONTROL && !is_users) continue;
        *has_extra_ids |= slice_find(token.content, SLICE("<extra_id_")) != SIZE_MAX;
        TRY(add_extra(e, token, err));
    }
    return STATUS_OK;
}

static Status add_extras(Extras *e, Error *err)
{
    const Told *t = e->told;
    bool has_extra_ids = false;
    for (size_t i = 0; i < t->extras.n; i++) TRY(add_extra(e, t->extras.tokens[i], err));
    if ((!t->spm && !t->has_json) || t->states_extras) return STATUS_OK;
    if (t->kind == TOLD_PEGASUS) {
        if (t->mask_sent.len > 0) TRY(add_name(e, t->mask_sent, err));
        return add_numbered(e, "unk", 2, t->offset, err);
    }
    TRY(add_model_pieces(e, &has_extra_ids, err));
    if (t->kind == TOLD_T5 && !has_extra_ids)
        TRY(add_numbered(e, "extra_id", 0, t->extra_ids, err));
    const ToldRules *rules = &told_rules[t->kind];
    if (t->has_json && rules->extras) TRY(told_each_name(rules->extras, add_name, e, err));
    return rules->languages ? told_each_name(rules->languages, add_name, e, err) : STATUS_OK;
}

// ---- all of it ----

static void set_usual(Told *t)
{
    enum { USUAL_OFFSET = 103, USUAL_EXTRA_IDS = 100 };
    const ToldRules *rules = &told_rules[t->kind];
    t->added = t->named = t->extras = (AddedList){0};
    t->lowercases = t->kind == TOLD_ALBERT;
    t->keeps_accents = t->kind == TOLD_REMBERT;
    t->unk_id = 1;
    t->mask_sent = SLICE("<mask_1>");
    t->offset = USUAL_OFFSET;
    t->extra_ids = USUAL_EXTRA_IDS;
    if (rules->language) t->language = slice_from_cstr(rules->language);
    for (size_t i = 0; i < N_ROLES; i++) {
        t->roles[i] = (AddedToken){
            .id = TOKEN_NONE, .content = slice_from_cstr(rules->roles[i]), .special = true};
        told_set_usual_flags(t, (Role)i);
    }
}

static bool is_in(const AddedList *list, Slice content)
{
    for (size_t i = 0; i < list->n; i++) {
        if (slice_eq(list->tokens[i].content, content)) return true;
    }
    return false;
}

// A Qwen2Tokenizer adds all its special tokens once more, by their texts alone.
static void reset_special(Told *t)
{
    for (size_t i = 0; i < t->added.n; i++) {
        AddedToken *token = &t->added.tokens[i];
        if (!told_is_role(t, token->content) && !is_in(&t->named, token->content) &&
            !is_in(&t->extras, token->content))
            continue;
        *token = (AddedToken){.content = token->content, .id = token->id, .special = true};
    }
}

// Once the vocabulary stands: added tokens, then those of the roles, then extras; in this order new ones are given ids.
Status told_read_added(Told *t, Error *err)
{
    set_usual(t);
    TRY(told_read_files(t, err));
    number_stated(t);
    if (t->kind == TOLD_KEPT) TRY(add_over_json(t, err));
    Extras extras = {t, t->added.n};
    // The languages of NLLB's models go before the mask.
    if (t->kind == TOLD_NLLB && t->added.n == 0)
        TRY(told_each_name(told_rules[t->kind].languages, add_name, &extras, err));
    extras.n_before = t->added.n;
    for (size_t i = 0; i < N_ROLES; i++) {
        // A vocab.txt may do without a mask or padding, which then no text can ask for.
        const bool may_lack = t->kind >= TOLD_BERT && t->kind <= TOLD_PLAIN && !t->has_json;
        const bool is_spare =
            may_lack && !t->is_role_stated[i] && vocab_find(&t->vocab, t->roles[i].content) < 0;
        if (!is_spare) TRY(add_token(t, t->roles[i], err));
    }
    for (size_t i = 0; i < t->named.n; i++) TRY(add_token(t, t->named.tokens[i], err));
    TRY(add_extras(&extras, err));
    if (t->kind == TOLD_QWEN2) reset_special(t);
    return STATUS_OK;
}

Status told_spm_added(Tokenizer *t, const char *directory, Slice class, Error *err)
{
    if (slice_ends_with(class, SLICE("Fast"))) class.len -= 4;
    Told told = {.directory = directory, .vocab = t->vocab, .spm = t->spm, .kind = TOLD_PLAIN};
    if (slice_eq_cstr(class, "LlamaTokenizer") || slice_eq_cstr(class, "CodeLlamaTokenizer"))
        told.kind = TOLD_LLAMA;
    if (slice_eq_cstr(class, "GemmaTokenizer")) told.kind = TOLD_GEMMA;
    Status s = told_read_added(&told, err);
    for (size_t i = 0; i < told.added.n; i++)
        told.added.tokens[i].normalized = false; // they are sought in the text as it is
    if (s == STATUS_OK) s = told_keep_added(&told, t, err);
    arena_release(&told.arena);
    return s;
}

// Tokenizers of Transformers that are not built on its library keep the ids that are stated; new tokens are counted on.
static Status add_slow(Told *told, size_t *n_all, AddedToken token, Error *err)
{
    const size_t n_before = told->added.n;
    if (token.content.len == 0) return STATUS_OK;
    const int32_t known = vocab_find(&told->vocab, token.content);
    token.id = known >= 0 ? known : (int32_t)*n_all;
    token.special = true;
    TRY(added_list_put(&told->added, &told->arena, token, err));
    *n_all += told->added.n > n_before && known < 0;
    return STATUS_OK;
}

static Status read_slow(Told *told, Error *err)
{
    size_t n_all = told->vocab.n_tokens;
    set_usual(told);
    TRY(told_read_files(told, err));
    for (size_t i = 0; i < told->added.n; i++) {
        AddedToken *token = &told->added.tokens[i];
        n_all += vocab_find(&told->vocab, token->content) < 0;
        token->special = told_is_role(told, token->content);
        for (size_t k = 0; k < told->extras.n; k++)
            token->special |= slice_eq(told->extras.tokens[k].content, token->content);
    }
    for (size_t i = 0; i < N_ROLES; i++) TRY(add_slow(told, &n_all, told->roles[i], err));
    for (size_t i = 0; i < told->named.n; i++)
        TRY(add_slow(told, &n_all, told->named.tokens[i], err));
    for (size_t i = 0; i < told->extras.n; i++)
        TRY(add_slow(told, &n_all, told->extras.tokens[i], err));
    for (size_t i = 0; i < told->added.n; i++) told->added.tokens[i].normalized = false;
    return STATUS_OK;
}

Status told_slow_added(Tokenizer *t, const char *directory, bool is_m2m100, Error *err)
{
    Told told = {
        .directory = directory, .vocab = t->vocab, .kind = is_m2m100 ? TOLD_M2M100 : TOLD_MARIAN};
    Status s = read_slow(&told, err);
    if (s == STATUS_OK) s = told_keep_added(&told, t, err);
    arena_release(&told.arena);
    return s;
}
