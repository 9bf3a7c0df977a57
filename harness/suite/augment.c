// Copies of training samples: their keys, where lexicons and models lie, and which tasks can have them.
#include <string.h>

#include "base/file.h"
#include "harness/family.h"
#include "harness/suite/suite_internal.h"

const char *augment_kind_name(size_t i)
{
    static const char *const names[] = {[AUGMENT_SYNONYMS] = "synonyms",
                                        [AUGMENT_INSERT] = "insert",
                                        [AUGMENT_SWAP] = "swap",
                                        [AUGMENT_DELETE] = "delete",
                                        [AUGMENT_EDA] = "eda",
                                        [AUGMENT_BACK_TRANSLATE] = "back-translate",
                                        [AUGMENT_PARAPHRASE] = "paraphrase"};
    return i < N_AUGMENT_KINDS ? names[i] : NULL;
}

enum {
    OF_WORDS = 1 << AUGMENT_SYNONYMS | 1 << AUGMENT_INSERT | 1 << AUGMENT_SWAP |
               1 << AUGMENT_DELETE | 1 << AUGMENT_EDA,
    OF_LEXICON = 1 << AUGMENT_SYNONYMS | 1 << AUGMENT_INSERT | 1 << AUGMENT_EDA,
    OF_BACK = 1 << AUGMENT_BACK_TRANSLATE,
    OF_PARAPHRASE = 1 << AUGMENT_PARAPHRASE,
};

// Kinds that look at a key.
static unsigned kinds_of(Slice key)
{
    static const struct {
        const char *key;
        unsigned kinds;
    } rows[] = {{"words", OF_WORDS},
                {"lexicon", OF_LEXICON},
                {"forward", OF_BACK},
                {"back", OF_BACK},
                {"generator", OF_PARAPHRASE},
                {"prompt", OF_PARAPHRASE},
                {"temperature", OF_PARAPHRASE},
                {"max_new_tokens", OF_PARAPHRASE},
                {"copies", ~(unsigned)OF_BACK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (slice_eq_cstr(key, rows[i].key)) return rows[i].kinds;
    }
    return ~0u;
}

// ---- reading and writing ----

Status tune_read_augment(const Json *value, Arena *arena, void *target, Error *err)
{
    TuneSetting *setting = target;
    (void)arena;
    if (json_kind(value) == JSON_OBJECT) { // its members follow
        if (!json_get(value, "kind"))
            return json_error(value, err, "the key \"kind\" is missing: how copies are changed");
        section_defaults(&section_augment, setting);
        setting->augment.is_on = true;
        setting->augment.temperature = 0.8;
        setting->augment.max_new_tokens = 64;
        return STATUS_OK;
    }
    if (json_kind(value) == JSON_BOOL && !json_bool(value)) return STATUS_OK;
    return json_error(value, err, "found %s, want an object such as {\"kind\": \"eda\"}, or false",
                      json_kind_name(json_kind(value)));
}

Status tune_read_augment_prompt(const Json *value, Arena *arena, void *target, Error *err)
{
    TuneSetting *setting = target;
    Slice text;
    TRY(json_as_string(value, &text, err));
    if (slice_find(text, SLICE("{text}")) == SIZE_MAX)
        return json_error(value, err, "the prompt has no {text}: what is to be written anew");
    setting->augment.prompt = arena_copy(arena, text);
    return setting->augment.prompt.ptr ? STATUS_OK
                                       : error_set_memory(err, text.len, 1, "a suite's text");
}

// What the kind looks at.
void tune_write_augment(const void *target, const char *key, JsonWriter *w)
{
    const TuneSetting *setting = target;
    const SuiteAugment *augment = &setting->augment;
    TuneSetting written = {.augment = *augment};
    const unsigned bit = 1u << augment->kind;
    if (!augment->is_on) return;
    if (!(bit & OF_PARAPHRASE)) {
        written.augment.temperature = -1; // left out
        written.augment.max_new_tokens = 0;
    }
    json_member_object(w, key);
    section_write(&section_augment, &written, w);
    json_end_object(w);
}

// ---- files ----

// Keys of an augment object that none of its kinds looks at.
static Status check_members(const Json *object, Error *err)
{
    const Json *kind = json_get(object, "kind");
    const bool is_list = kind && json_kind(kind) == JSON_ARRAY;
    unsigned kinds = 0;
    for (const Json *v = is_list ? json_first(kind) : kind; v; v = is_list ? json_next(v) : NULL) {
        size_t index;
        TRY(choice_read(v, augment_kind_name, &index, err));
        kinds |= 1u << index;
    }
    for (const Json *v = json_first(object); v; v = json_next(v)) {
        if (json_kind(v) == JSON_NULL || (kinds_of(json_key(v)) & kinds)) continue;
        return json_error(v, err,
                          "copies of this kind do not look at \"" SLICE_FMT "\": leave it out",
                          SLICE_ARG(json_key(v)));
    }
    return STATUS_OK;
}

Status suite_check_augment(const Json *tune, Error *err)
{
    const Json *augment = json_get(tune, "augment");
    if (!augment) return STATUS_OK;
    if (json_kind(augment) == JSON_OBJECT) return check_members(augment, err);
    if (json_kind(augment) != JSON_ARRAY) return STATUS_OK;
    for (const Json *v = json_first(augment); v; v = json_next(v)) {
        if (json_kind(v) == JSON_OBJECT) TRY(check_members(v, err));
    }
    return STATUS_OK;
}

static Status find_lexicon(const SuiteReading *reading, const Json *tune, SuiteAugment *augment,
                           Error *err)
{
    const Slice name = augment->lexicon.len > 0 ? augment->lexicon : SLICE("en");
    const Json *at = suite_text_in(tune, "augment", "lexicon", name);
    if (reading->without_files) return STATUS_OK;
    if (at && (slice_find_byte(name, '/') != SIZE_MAX || slice_ends_with(name, SLICE(".json")))) {
        TRY(suite_resolve_path(reading, at, reading->edited->name, &augment->lexicon_path, err));
        return file_exists(augment->lexicon_path)
                   ? STATUS_OK
                   : json_error(at, err, "%s is not there; want a lexicon", augment->lexicon_path);
    }
    return suite_find_named(reading, at ? at : json_get(tune, "augment"), "lexicons", "lexicon",
                            name, &augment->lexicon_path, err);
}

static Status find_model(const SuiteReading *reading, const Json *tune, const char *key, Slice name,
                         const char *what, const char **path, Error *err)
{
    const Json *at = name.len > 0 ? suite_text_in(tune, "augment", key, name) : NULL;
    if (!at)
        return json_error(json_get(tune, "augment"), err, "the key \"%s\" is missing: %s", key,
                          what);
    return suite_find_saved(reading, at, name, what, path, err);
}

Status suite_find_augment(const SuiteReading *reading, const Json *tune, TuneSetting *setting,
                          Error *err)
{
    SuiteAugment *a = &setting->augment;
    const unsigned bit = 1u << a->kind;
    if (!a->is_on) return STATUS_OK;
    if (bit & OF_LEXICON) TRY(find_lexicon(reading, tune, a, err));
    if (bit & OF_BACK) {
        TRY(find_model(reading, tune, "forward", a->forward, "the model that translates",
                       &a->forward_path, err));
        TRY(find_model(reading, tune, "back", a->back, "the model that translates back",
                       &a->back_path, err));
    }
    return bit & OF_PARAPHRASE ? find_model(reading, tune, "generator", a->generator,
                                            "the model that writes", &a->generator_path, err)
                               : STATUS_OK;
}

// ---- tasks ----

Status suite_check_augments(const SuiteReading *reading, const Json *object, const SuiteTask *task,
                            Error *err)
{
    const Suite *suite = reading->suite;
    const bool has_tags = family_find(task->family)->has_tags;
    for (size_t m = 0; has_tags && m < suite->n_models; m++) {
        for (size_t s = 0; suite->models[m].does_tune && s < suite->models[m].n_settings; s++) {
            const SuiteAugment *a = &suite->models[m].settings[s].augment;
            if (!a->is_on || ((1u << a->kind) & OF_WORDS)) continue;
            return json_error(
                object, err,
                "\"augment\": \"%s\" writes texts anew, and words of a \"" SLICE_FMT
                "\" task would lose their tags: want synonyms, insert, swap, delete or "
                "eda",
                augment_kind_name(a->kind), SLICE_ARG(task->family));
        }
    }
    return STATUS_OK;
}
