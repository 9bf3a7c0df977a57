// What GGUF calls a model and its tensors, and the other way round.
#include <string.h>

#include "models/gguf/gguf_names.h"

static Status falcon_family(const Json *config, const GgufFamily **out, Error *err)
{
    bool is_new = false;
    const Json *n_norms = json_get(config, "num_ln_in_parallel_attn");
    TRY(json_opt_bool(config, "new_decoder_architecture", &is_new, err));
    int64_t n = 2;
    if (n_norms && json_kind(n_norms) != JSON_NULL) TRY(json_as_i64(n_norms, 1, 2, &n, err));
    if (is_new && n == 2) *out = &gguf_falcon_two;
    return STATUS_OK;
}

// All families, encoders last.
static size_t n_all(void)
{
    return gguf_n_families + gguf_n_encoders;
}

static const GgufFamily *family_at(size_t i)
{
    return i < gguf_n_families ? &gguf_families[i] : &gguf_encoders[i - gguf_n_families];
}

static const GgufFamily *find_family(const GgufFamily *families, size_t n, Slice architecture,
                                     Slice model_type)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_cstr(architecture, families[i].architecture) &&
            slice_eq_cstr(model_type, families[i].model_type))
            return &families[i];
    }
    return NULL;
}

const GgufFamily *gguf_family_of_both(Slice architecture, Slice model_type)
{
    const GgufFamily *found = find_family(gguf_families, gguf_n_families, architecture, model_type);
    return found ? found : find_family(gguf_encoders, gguf_n_encoders, architecture, model_type);
}

static Status first_class(const Json *config, Slice *out, Error *err)
{
    const Json *classes = NULL;
    TRY(json_opt_kind(config, "architectures", JSON_ARRAY, &classes, err));
    if (classes && json_len(classes) > 0) TRY(json_as_string(json_at(classes, 0), out, err));
    return STATUS_OK;
}

static Status t5_family(const Json *config, Slice model_type, const GgufFamily **out, Error *err)
{
    Slice projection = {0}, class_name = {0};
    TRY(first_class(config, &class_name, err));
    const bool is_encoder = slice_ends_with(class_name, SLICE("EncoderModel"));
    const Slice architecture = is_encoder ? SLICE("t5encoder") : SLICE("t5");
    if (!slice_eq_cstr(model_type, "t5"))
        projection = SLICE("gated-gelu"); // where the later ones do not say
    TRY(json_opt_string(config, "feed_forward_proj", &projection, err));
    *out = slice_starts_with(projection, SLICE("gated"))
               ? find_family(gguf_gated_t5, gguf_n_gated_t5, architecture, model_type)
               : gguf_family_of_both(architecture, model_type);
    return STATUS_OK;
}

static Status bert_family(const Json *config, Slice model_type, const GgufFamily **out, Error *err)
{
    Slice class_name = {0};
    TRY(first_class(config, &class_name, err));
    const GgufFamily *with_classes =
        find_family(gguf_roberta_classes, gguf_n_roberta_classes, SLICE("bert"), model_type);
    if (with_classes && slice_ends_with(class_name, SLICE("ForSequenceClassification")))
        *out = with_classes;
    return STATUS_OK;
}

Status gguf_family_of_config(const Json *config, const GgufFamily **out, Error *err)
{
    Slice model_type = {0};
    TRY(json_opt_string(config, "model_type", &model_type, err));
    *out = gguf_family_of_model(model_type);
    if (slice_eq_cstr(model_type, "falcon")) return falcon_family(config, out, err);
    if (slice_eq_cstr(model_type, "gemma3_text")) {
        bool sees_all = false;
        TRY(json_opt_bool(config, "use_bidirectional_attention", &sees_all, err));
        if (sees_all) *out = gguf_family_of_file(SLICE("gemma-embedding"));
    }
    if (*out && strcmp((*out)->architecture, "bert") == 0)
        return bert_family(config, model_type, out, err);
    const bool is_t5 = *out && strcmp((*out)->architecture, "t5") == 0;
    return is_t5 ? t5_family(config, model_type, out, err) : STATUS_OK;
}

const GgufFamily *gguf_family_of_model(Slice model_type)
{
    for (size_t i = 0; i < n_all(); i++) {
        if (slice_eq_cstr(model_type, family_at(i)->model_type)) return family_at(i);
    }
    return NULL;
}

const GgufFamily *gguf_family_of_file(Slice architecture)
{
    for (size_t i = 0; i < n_all(); i++) {
        if (slice_eq_cstr(architecture, family_at(i)->architecture)) return family_at(i);
    }
    return NULL;
}

void gguf_list_families(NameList *out)
{
    for (size_t i = 0; i < n_all(); i++) {
        const char *name = family_at(i)->architecture;
        if (gguf_family_of_file(slice_from_cstr(name)) == family_at(i))
            name_list_add_cstr(out, name);
    }
}

// Whether stem follows the pattern; *block is what stands for %.
static bool matches(Slice stem, const char *pattern, Slice *block)
{
    const Slice whole = slice_from_cstr(pattern);
    const size_t at = slice_find_byte(whole, '%');
    *block = (Slice){0};
    if (at == SIZE_MAX) return slice_eq(stem, whole);
    const Slice tail = slice_sub(whole, at + 1, whole.len);
    if (!slice_starts_with(stem, slice_sub(whole, 0, at)) || !slice_ends_with(stem, tail) ||
        stem.len <= at + tail.len) {
        return false;
    }
    uint64_t number = 0;
    *block = slice_sub(stem, at, stem.len - tail.len);
    return slice_to_u64(*block, &number);
}

// The pattern with the block's number, and the suffix behind it.
static bool put_name(const char *pattern, Slice block, Slice suffix, char *out, size_t size)
{
    const Slice whole = slice_from_cstr(pattern);
    const size_t at = slice_find_byte(whole, '%');
    const Slice head = slice_sub(whole, 0, at);
    const Slice tail = at == SIZE_MAX ? (Slice){0} : slice_sub(whole, at + 1, whole.len);
    const int len = snprintf(out, size, SLICE_FMT SLICE_FMT SLICE_FMT SLICE_FMT, SLICE_ARG(head),
                             SLICE_ARG(block), SLICE_ARG(tail), SLICE_ARG(suffix));
    return len > 0 && (size_t)len < size;
}

// Splits ".weight" or ".bias" off.
static bool split_suffix(Slice name, Slice *stem, Slice *suffix)
{
    static const Slice suffixes[] = {SLICE_LIT(".weight"), SLICE_LIT(".bias")};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (!slice_ends_with(name, suffixes[i])) continue;
        *stem = slice_sub(name, 0, name.len - suffixes[i].len);
        *suffix = suffixes[i];
        return true;
    }
    return false;
}

static bool is_whole(const GgufName *name)
{
    Slice stem, suffix;
    return split_suffix(slice_from_cstr(name->gguf), &stem, &suffix);
}

static const GgufName *find_model_name(const GgufFamily *family, Slice name, Slice *block,
                                       Slice *suffix)
{
    Slice stem = {0};
    if (!family) return NULL;
    const bool has_suffix = split_suffix(name, &stem, suffix);
    for (size_t i = 0; i < family->n_names; i++) {
        const GgufName *known = &family->names[i];
        const bool whole = is_whole(known);
        if ((!whole && !has_suffix) || !matches(whole ? name : stem, known->model, block)) continue;
        if (whole) *suffix = (Slice){0};
        return known;
    }
    return NULL;
}

// Without a family names are kept, but for some that are longer than GGUF's 63 bytes: ALBERT's and RoBERTa-PreLayerNorm's.
static const struct {
    Slice model, gguf;
} brief_parts[] = {{SLICE_LIT(".albert_layer_groups."), SLICE_LIT(".groups@")},
                   {SLICE_LIT(".albert_layers."), SLICE_LIT(".layers@")},
                   {SLICE_LIT("roberta_prelayernorm."), SLICE_LIT("prenorm@")}};
enum { N_BRIEF = sizeof brief_parts / sizeof *brief_parts };

// The name with such parts put in each other's place; false where it has none or out is too small.
static bool exchange_parts(Slice name, bool to_model, char *out, size_t size)
{
    size_t len = 0;
    bool found = false;
    for (size_t at = 0; at < name.len;) {
        Slice put = slice_sub(name, at, at + 1);
        size_t n = 1;
        for (size_t i = 0; i < N_BRIEF; i++) {
            const Slice from = to_model ? brief_parts[i].gguf : brief_parts[i].model;
            if (!slice_starts_with(slice_sub(name, at, name.len), from)) continue;
            put = to_model ? brief_parts[i].model : brief_parts[i].gguf;
            n = from.len;
            found = true;
        }
        if (put.len >= size - len) return false;
        memcpy(out + len, put.ptr, put.len);
        len += put.len;
        at += n;
    }
    out[len] = '\0';
    return found;
}

bool gguf_name_from_model(const GgufFamily *family, Slice name, char out[GGUF_NAME_SIZE])
{
    Slice block, suffix;
    if (!family) return exchange_parts(name, false, out, GGUF_NAME_SIZE);
    const GgufName *found = find_model_name(family, name, &block, &suffix);
    return found && put_name(found->gguf, block, suffix, out, GGUF_NAME_SIZE);
}

bool gguf_name_to_model(const GgufFamily *family, Slice name, char *out, size_t size)
{
    Slice stem, block, suffix;
    if (!family) return exchange_parts(name, true, out, size);
    if (!split_suffix(name, &stem, &suffix)) return false;
    for (size_t i = 0; i < family->n_names; i++) {
        const GgufName *known = &family->names[i];
        const bool whole = is_whole(known);
        if (matches(whole ? name : stem, known->gguf, &block))
            return put_name(known->model, block, whole ? (Slice){0} : suffix, out, size);
    }
    return false;
}

SafeChange gguf_change(const GgufFamily *family, Slice name)
{
    Slice block, suffix;
    const GgufName *found = find_model_name(family, name, &block, &suffix);
    if (!found) return SAFE_AS_IS;
    switch (found->change) {
    case SAFE_REORDERED:
        return family->rows == GGUF_ROWS_IN_ORDER ? SAFE_AS_IS : SAFE_REORDERED;
    case SAFE_LESS_ONE:
        return family->adds_one && slice_eq_cstr(suffix, ".weight") ? SAFE_LESS_ONE : SAFE_AS_IS;
    case SAFE_TRANSPOSED:
        return slice_eq_cstr(suffix, ".weight") ? SAFE_TRANSPOSED : SAFE_AS_IS;
    case SAFE_AS_IS:
    case SAFE_SPREAD:      // of safetensors files alone
    case SAFE_KEYS_VALUES: // by the names of both
    case SAFE_JOINED:
    case SAFE_SCALED:
        break;
    }
    return SAFE_AS_IS;
}
