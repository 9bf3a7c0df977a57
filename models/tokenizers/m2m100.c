// M2M100's tokenizer: pieces of a SentencePiece model, ids from vocab.json, and behind those the tokens of its languages, in the
// order of the class.
#include <stdio.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer_internal.h"

static const char *const language_lists[][2] = {
    {"m2m100",
     "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd "
     "gl gu ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg "
     "mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv "
     "sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu"},
    {"wmt21", "en ha is ja cs ru zh de"},
};
enum { N_LISTS = sizeof language_lists / sizeof *language_lists, MAX_LANGUAGES = 128 };

typedef struct Told {
    bool has_class, is_m2m;
    char list[16];
} Told;

static Status read_member(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *told = context;
    JsonKind kind = JSON_NULL;
    Slice text = {0};
    TRY(json_peek(r, &kind, err));
    if (kind != JSON_STRING) return json_skip(r, err);
    TRY(json_read_string(r, &text, err));
    if (slice_eq_cstr(key, "tokenizer_class")) {
        told->has_class = true;
        told->is_m2m = slice_eq_cstr(text, "M2M100Tokenizer");
    } else if (slice_eq_cstr(key, "model_type") && !told->has_class) {
        told->is_m2m = slice_eq_cstr(text, "m2m_100");
    } else if (slice_eq_cstr(key, "language_codes")) {
        snprintf(told->list, sizeof told->list, SLICE_FMT, SLICE_ARG(text));
    }
    return STATUS_OK;
}

// The token of a language, with the id of the class. Texts hold it only where the files name it among the special tokens.
static Status add_language(Tokenizer *t, Slice code, int32_t id, const char *vocab, Error *err)
{
    const char *name = arena_printf(&t->arena, "__" SLICE_FMT "__", SLICE_ARG(code));
    if (!name) return error_set_memory(err, 1, 1, "an added token");
    for (size_t i = 0; i < t->n_added; i++) {
        if (!slice_eq_cstr(t->added[i].content, name)) continue;
        if (t->added[i].id == id) return STATUS_OK;
        return error_set(err, STATUS_INVALID,
                         "%s has %zu tokens, so that \"%s\" is %d to the model, but by the special "
                         "tokens beside it %d: name the languages first, in the order of the class",
                         vocab, t->vocab.n_tokens, name, id, t->added[i].id);
    }
    t->added[t->n_added++] =
        (AddedToken){.content = slice_from_cstr(name), .id = id, .is_hidden = true};
    return STATUS_OK;
}

// Special tokens of the files, and languages behind the last id of vocab.json.
static Status add_tokens(Tokenizer *t, const char *directory, const char *vocab, const char *list,
                         Error *err)
{
    int32_t next = (int32_t)t->vocab.n_tokens;
    Slice rest = {0}, code;
    for (size_t i = 0; i < N_LISTS; i++) {
        if (slice_eq_cstr(slice_from_cstr(list), language_lists[i][0]))
            rest = slice_from_cstr(language_lists[i][1]);
    }
    if (rest.len == 0)
        return error_set(err, STATUS_INVALID,
                         "%s: \"language_codes\" \"%s\" beside it; known are m2m100, wmt21", vocab,
                         list);
    static const Slice needed[] = {SLICE_LIT("</s>"), SLICE_LIT("<unk>")};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (vocab_find(&t->vocab, needed[i]) < 0)
            return error_set(err, STATUS_INVALID,
                             "%s has no \"" SLICE_FMT "\", which M2M100's tokenizer needs: add it",
                             vocab, SLICE_ARG(needed[i]));
    }
    TRY(told_slow_added(t, directory, true, err));
    TRY(arena_grow(&t->arena, t->n_added, t->n_added + MAX_LANGUAGES, sizeof *t->added,
                   "added tokens", &t->added, err));
    while (slice_split(&rest, ' ', &code)) TRY(add_language(t, code, next++, vocab, err));
    return STATUS_OK;
}

static Status open_both(const char *directory, const char *vocab, const char *model,
                        const Told *told, Tokenizer **out, Error *err)
{
    TRY(marian_begin(vocab, model, out, err));
    Tokenizer *t = *out;
    TRY(add_tokens(t, directory, vocab, told->list[0] ? told->list : "m2m100", err));
    TRY(marian_finish(t, err));
    t->marian_decoder = t->spm;
    // Where nothing else is said, texts are English (languages.c).
    return template_language(t->post.templates, tokenizer_id(t, SLICE("__en__")),
                             t->special[SPECIAL_EOS], false, &t->arena, err);
}

Status tokenizer_open_m2m100(const char *directory, const char *model, Tokenizer **out, Error *err)
{
    Arena arena = {0};
    Told told = {0};
    const Slice folder = slice_from_cstr(directory);
    const char *vocab = file_join(&arena, folder, SLICE("vocab.json"));
    *out = NULL;
    Status s = vocab == NULL ? error_set_memory(err, 1, folder.len, "a path") : STATUS_OK;
    if (s == STATUS_OK)
        s = tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"), read_member,
                                       &told, err);
    if (s == STATUS_OK && !told.has_class)
        s = tokenizer_read_config_file(directory, SLICE("config.json"), read_member, &told, err);
    if (s == STATUS_OK && told.is_m2m && file_exists(vocab))
        s = open_both(directory, vocab, model, &told, out, err);
    if (s != STATUS_OK) tokenizer_close(out);
    arena_release(&arena);
    return s;
}
