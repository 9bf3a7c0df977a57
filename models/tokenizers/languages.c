// Languages of a tokenizer: tokens that say which one a text is in, and where they stand around it.
#include <stdio.h>
#include <string.h>

#include "base/name_list.h"
#include "models/tokenizers/tokenizer_internal.h"

// ---- which tokens are languages ----

static bool all_lower(Slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 'a' || text.ptr[i] > 'z') return false;
    }
    return text.len > 0;
}

static bool all_upper(Slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 'A' || text.ptr[i] > 'Z') return false;
    }
    return text.len > 0;
}

typedef enum CodeForm {
    CODE_NONE,
    CODE_REGION, // "de_DE", "en_XX": mBART
    CODE_SCRIPT, // "deu_Latn": NLLB
    CODE_MARKED, // "__de__": M2M100
} CodeForm;

static CodeForm form_of(Slice token, Slice *code)
{
    *code = token;
    if (token.len > 4 && slice_starts_with(token, SLICE("__")) &&
        slice_ends_with(token, SLICE("__"))) {
        *code = slice_sub(token, 2, token.len - 2);
        return code->len <= 3 && all_lower(*code) ? CODE_MARKED : CODE_NONE;
    }
    const size_t at = slice_find_byte(token, '_');
    if (at == SIZE_MAX || at < 2 || at > 3 || !all_lower(slice_sub(token, 0, at))) return CODE_NONE;
    const Slice rest = slice_sub(token, at + 1, token.len);
    if (rest.len == 2 && all_upper(rest)) return CODE_REGION;
    const bool is_script =
        rest.len == 4 && all_upper(slice_sub(rest, 0, 1)) && all_lower(slice_sub(rest, 1, 4));
    return is_script ? CODE_SCRIPT : CODE_NONE;
}

// All added tokens of this form; of a class that is known, all of the vocabulary (is_all).
static bool is_language(const Tokenizer *t, size_t id, CodeForm form, bool is_all, Slice *code)
{
    const Slice token = vocab_at(&t->vocab, id);
    return token.len > 4 && (is_all || (t->flags[id] & TOKEN_IS_ADDED) != 0) &&
           form_of(token, code) == form;
}

static Status list_languages(Tokenizer *t, CodeForm form, bool is_all, Error *err)
{
    Slice code;
    size_t n = 0;
    for (size_t id = 0; id < t->vocab.size; id++) n += is_language(t, id, form, is_all, &code);
    TRY(arena_take(&t->arena, n, sizeof *t->languages, "languages", &t->languages, err));
    TRY(arena_take(&t->arena, n, sizeof *t->language_codes, "languages", &t->language_codes, err));
    t->n_languages = 0;
    for (size_t id = 0; id < t->vocab.size; id++) {
        if (!is_language(t, id, form, is_all, &code)) continue;
        t->languages[t->n_languages] = (int32_t)id;
        t->language_codes[t->n_languages++] = code;
    }
    return STATUS_OK;
}

// The language that the template of one text has, its pieces marked in both; TOKEN_NONE where it has none.
static int32_t mark_pieces(Tokenizer *t, CodeForm *form)
{
    int32_t found = TOKEN_NONE;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < t->post.templates[k].n_pieces; i++) {
            TemplatePiece *piece = &t->post.templates[k].pieces[i];
            Slice code;
            if (piece->kind != PIECE_SPECIAL || piece->n_ids != 1) continue;
            const CodeForm its = form_of(vocab_token(&t->vocab, piece->ids[0]), &code);
            if (its == CODE_NONE) continue;
            piece->is_language = true;
            if (k > 0 || found >= 0) continue;
            found = piece->ids[0];
            *form = its;
        }
    }
    return found;
}

// ---- what the files say ----

static const struct {
    const char *class, *model_type;
    CodeForm form;
    const char *usual;
    bool is_behind;
} classes[] = {
    {"MBartTokenizer", "mbart", CODE_REGION, "en_XX", true},
    {"MBart50Tokenizer", NULL, CODE_REGION, "en_XX", false},
    {"NllbTokenizer", "nllb-moe", CODE_SCRIPT, "eng_Latn", false},
    {"M2M100Tokenizer", "m2m_100", CODE_MARKED, "en", false},
};
enum { N_CLASSES = sizeof classes / sizeof *classes };

typedef struct Told {
    size_t class; // N_CLASSES: none of these
    bool has_class;
    char source[24], target[24];
    bool is_legacy; // NLLB: the language behind the text
} Told;

static Status read_member(void *context, Slice key, JsonReader *r, Error *err)
{
    Told *told = context;
    JsonKind kind = JSON_NULL;
    Slice text = {0};
    TRY(json_peek(r, &kind, err));
    if (kind == JSON_BOOL && slice_eq_cstr(key, "legacy_behaviour"))
        return json_read_bool(r, &told->is_legacy, err);
    if (kind != JSON_STRING) return json_skip(r, err);
    TRY(json_read_string(r, &text, err));
    if (slice_eq_cstr(key, "src_lang"))
        snprintf(told->source, sizeof told->source, SLICE_FMT, SLICE_ARG(text));
    if (slice_eq_cstr(key, "tgt_lang"))
        snprintf(told->target, sizeof told->target, SLICE_FMT, SLICE_ARG(text));
    if (!slice_eq_cstr(key, "tokenizer_class")) return STATUS_OK;
    told->has_class = true;
    if (slice_ends_with(text, SLICE("Fast"))) text.len -= 4;
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (slice_eq_cstr(text, classes[i].class)) told->class = i;
    }
    return STATUS_OK;
}

static int32_t find_code(const Tokenizer *t, Slice code)
{
    for (size_t i = 0; i < t->n_languages; i++) {
        if (slice_eq(t->language_codes[i], code)) return t->languages[i];
    }
    return TOKEN_NONE;
}

// As Transformers has it the class, not the file of the tokenizer, says where languages stand, and which.
static Status apply_class(Tokenizer *t, const Told *told, Error *err)
{
    const int32_t eos = t->special[SPECIAL_EOS];
    const char *usual = told->source[0] ? told->source : classes[told->class].usual;
    TRY(list_languages(t, classes[told->class].form, true, err));
    const int32_t source = find_code(t, slice_from_cstr(usual));
    if (source < 0 || eos < 0) {
        t->n_languages = 0;
        return STATUS_OK;
    }
    const bool is_behind = classes[told->class].is_behind || told->is_legacy;
    t->source_language = source;
    t->target_language = find_code(t, slice_from_cstr(told->target));
    t->language_starts = classes[told->class].is_behind;
    return template_language(t->post.templates, source, eos, is_behind, &t->arena, err);
}

// Where tokenizer_config.json names no class, config.json's model_type does.
static Status find_class_by_type(const char *directory, Told *told, Error *err)
{
    char type[MODEL_TYPE_SIZE];
    TRY(tokenizer_read_model_type(directory, type, err));
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (classes[i].model_type && strcmp(type, classes[i].model_type) == 0) told->class = i;
    }
    return STATUS_OK;
}

Status tokenizer_find_languages(Tokenizer *t, const char *directory, Error *err)
{
    Told told = {.class = N_CLASSES};
    CodeForm form = CODE_NONE;
    t->source_language = t->target_language = TOKEN_NONE;
    if (directory)
        TRY(tokenizer_read_config_file(directory, SLICE("tokenizer_config.json"), read_member,
                                       &told, err));
    if (directory && !told.has_class) TRY(find_class_by_type(directory, &told, err));
    if (told.class < N_CLASSES) return apply_class(t, &told, err);
    const int32_t source = mark_pieces(t, &form);
    if (source < 0) return STATUS_OK;
    const Template *single = &t->post.templates[0];
    t->source_language = source;
    t->language_starts = form == CODE_REGION && single->pieces[single->n_pieces - 1].is_language;
    return list_languages(t, form, false, err);
}

// ---- asking ----

size_t tokenizer_n_languages(const Tokenizer *t)
{
    return t->n_languages;
}

Slice tokenizer_language_code(const Tokenizer *t, size_t index)
{
    return index < t->n_languages ? t->language_codes[index] : (Slice){0};
}

int32_t tokenizer_source_language(const Tokenizer *t)
{
    return t->n_languages > 0 ? t->source_language : TOKEN_NONE;
}

int32_t tokenizer_target_language(const Tokenizer *t)
{
    return t->n_languages > 0 ? t->target_language : TOKEN_NONE;
}

bool tokenizer_language_starts(const Tokenizer *t)
{
    return t->n_languages > 0 && t->language_starts;
}

Status tokenizer_find_language(const Tokenizer *t, Slice code, int32_t *id, Error *err)
{
    NameList known = {0};
    if (t->n_languages == 0)
        return error_set(err, STATUS_INVALID,
                         "language \"" SLICE_FMT
                         "\": the model's tokenizer has no tokens for languages (those of mBART, "
                         "NLLB and M2M100 do)",
                         SLICE_ARG(slice_sub(code, 0, 40)));
    *id = find_code(t, code);
    if (*id >= 0) return STATUS_OK;
    for (size_t i = 0; i < t->n_languages; i++) name_list_add(&known, t->language_codes[i]);
    return error_set(err, STATUS_INVALID, "unknown language \"" SLICE_FMT "\"; known are %s%s",
                     SLICE_ARG(slice_sub(code, 0, 40)), known.text,
                     known.n_shown < known.n ? "; assay inspect MODEL --json lists all of them"
                                             : "");
}
