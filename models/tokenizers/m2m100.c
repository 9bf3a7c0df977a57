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
enum { N_LISTS = sizeof language_lists / sizeof *language_lists, MAX_ADDED = 128 };

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

static Status add(Tokenizer *t, Slice content, int32_t id, Error *err)
{
    content = arena_copy(&t->arena, content);
    if (content.ptr == NULL) return error_set_memory(err, 1, 1, "an added token");
    t->added[t->n_added++] = (AddedToken){.content = content, .id = id, .special = true};
    return STATUS_OK;
}

// Special tokens of vocab.json, and languages behind its last id.
static Status add_tokens(Tokenizer *t, const char *vocab, const char *list, Error *err)
{
    static const Slice names[] = {SLICE_LIT("<s>"), SLICE_LIT("<pad>"), SLICE_LIT("</s>"),
                                  SLICE_LIT("<unk>")};
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
    TRY(arena_take(&t->arena, MAX_ADDED, sizeof *t->added, "added tokens", &t->added, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const int32_t id = vocab_find(&t->vocab, names[i]);
        if (id < 0)
            return error_set(err, STATUS_INVALID,
                             "%s has no \"" SLICE_FMT "\", which M2M100's tokenizer needs: add it",
                             vocab, SLICE_ARG(names[i]));
        TRY(add(t, names[i], id, err));
    }
    while (slice_split(&rest, ' ', &code)) {
        char name[16];
        snprintf(name, sizeof name, "__" SLICE_FMT "__", SLICE_ARG(code));
        TRY(add(t, slice_from_cstr(name), next++, err));
    }
    return STATUS_OK;
}

static Status open_both(const char *vocab, const char *model, const Told *told, Tokenizer **out,
                        Error *err)
{
    TRY(marian_begin(vocab, model, out, err));
    Tokenizer *t = *out;
    TRY(add_tokens(t, vocab, told->list[0] ? told->list : "m2m100", err));
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
        s = open_both(vocab, model, &told, out, err);
    if (s != STATUS_OK) tokenizer_close(out);
    arena_release(&arena);
    return s;
}
