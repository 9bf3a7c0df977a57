// The "normalizer" of a tokenizer.json.
#include "base/base64.h"
#include "models/tokenizers/tokenizer_json.h"

static const char known[] = "BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, "
                            "Prepend, Replace, Precompiled, Nmt, ByteLevel and a Sequence of them";

typedef struct NormalizerFields {
    bool clean_text, handle_chinese_chars, lowercase, strip_left, strip_right;
    Switch strip_accents;
    Slice content, prepend, pattern, charsmap;
} NormalizerFields;

static const Field fields_of_all[] = {
    {"clean_text", FIELD_BOOL, offsetof(NormalizerFields, clean_text)},
    {"handle_chinese_chars", FIELD_BOOL, offsetof(NormalizerFields, handle_chinese_chars)},
    {"lowercase", FIELD_BOOL, offsetof(NormalizerFields, lowercase)},
    {"strip_accents", FIELD_SWITCH, offsetof(NormalizerFields, strip_accents)},
    {"strip_left", FIELD_BOOL, offsetof(NormalizerFields, strip_left)},
    {"strip_right", FIELD_BOOL, offsetof(NormalizerFields, strip_right)},
    {"content", FIELD_STRING, offsetof(NormalizerFields, content)},
    {"prepend", FIELD_STRING, offsetof(NormalizerFields, prepend)},
    {"pattern", FIELD_RAW, offsetof(NormalizerFields, pattern)},
    {"precompiled_charsmap", FIELD_STRING, offsetof(NormalizerFields, charsmap)},
};

static const struct {
    const char *type;
    NormalizerKind kind;
} kinds[] = {
    {"BertNormalizer", NORMALIZER_BERT},
    {"NFC", NORMALIZER_NFC},
    {"NFD", NORMALIZER_NFD},
    {"NFKC", NORMALIZER_NFKC},
    {"NFKD", NORMALIZER_NFKD},
    {"Lowercase", NORMALIZER_LOWERCASE},
    {"Strip", NORMALIZER_STRIP},
    {"StripAccents", NORMALIZER_STRIP_ACCENTS},
    {"Prepend", NORMALIZER_PREPEND},
    {"Replace", NORMALIZER_REPLACE},
    {"Precompiled", NORMALIZER_PRECOMPILED},
    {"Nmt", NORMALIZER_NMT},
    {"ByteLevel", NORMALIZER_BYTE_LEVEL},
};

static Status take_bert(Tokenizer *t, const NormalizerFields *fields, NormalizerStep *step,
                        Error *err)
{
    const BertNormalizer rules = {
        .clean_text = fields->clean_text,
        .handle_chinese_chars = fields->handle_chinese_chars,
        .strip_accents = fields->strip_accents == SWITCH_UNSET ? fields->lowercase
                                                               : fields->strip_accents == SWITCH_ON,
        .lowercase = fields->lowercase,
    };
    return tokenizer_take_bert(t, &rules, &step->bert, err);
}

static Status take_charsmap(Tokenizer *t, Slice text, const JsonReader *at, NormalizerStep *step,
                            Error *err)
{
    Slice blob = {0};
    Charsmap *map = NULL;
    TRY(arena_take(&t->arena, 1, sizeof *map, "a character map", &map, err));
    Status s = base64_decode(&t->arena, text, &blob, err);
    if (s == STATUS_OK) s = charsmap_parse(blob, map, err);
    step->charsmap = map;
    return s == STATUS_OK ? s : error_at(at, err);
}

static Status read_one(TokenizerFile *file, JsonReader *r, Slice type, Error *err)
{
    Tokenizer *t = file->tokenizer;
    Normalizer *n = &t->normalizer;
    const JsonReader at = *r;
    size_t k = 0;
    while (k < sizeof kinds / sizeof *kinds && !slice_eq_cstr(type, kinds[k].type)) k++;
    if (k == sizeof kinds / sizeof *kinds)
        return component_unknown(r, "normalizer", type, known, err);
    NormalizerFields fields = {.clean_text = true,
                               .handle_chinese_chars = true,
                               .lowercase = true,
                               .strip_left = true,
                               .strip_right = true};
    TRY(read_fields(r, fields_of_all, sizeof fields_of_all / sizeof *fields_of_all, &fields, err));
    TRY(arena_make_room(&t->arena, n->n_steps, &file->normalizer_capacity, sizeof *n->steps,
                        "a list", &n->steps, err));
    NormalizerStep *step = &n->steps[n->n_steps++];
    *step = (NormalizerStep){.kind = kinds[k].kind,
                             .strip_left = fields.strip_left,
                             .strip_right = fields.strip_right,
                             .content = kinds[k].kind == NORMALIZER_PREPEND ? fields.prepend
                                                                            : fields.content};
    TRY(keep_slice(&t->arena, &step->content, err));
    if (step->kind == NORMALIZER_BERT) return take_bert(t, &fields, step, err);
    if (step->kind == NORMALIZER_REPLACE)
        return read_pattern(file, &at, fields.pattern, &step->pattern, err);
    if (step->kind == NORMALIZER_PRECOMPILED && file->charsmap.len == 0)
        file->charsmap = fields.charsmap;
    if (step->kind == NORMALIZER_PRECOMPILED)
        return take_charsmap(t, fields.charsmap, &at, step, err);
    return STATUS_OK;
}

Status read_normalizer(TokenizerFile *file, JsonReader *r, Error *err)
{
    return read_components(file, r, "normalizers", read_one, err);
}
