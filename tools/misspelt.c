#include "tools/misspelt.h"

#include <string.h>

enum { SHORT_NAME = 6 };

// What other programs and services call it.
static const struct {
    const char *name, *meant;
} elsewhere[] = {{"text_pair", "pair"},
                 {"stop_sequences", "stop"},
                 {"stop_words", "stop"},
                 {"beam_size", "num_beams"},
                 {"beams", "num_beams"},
                 {"repeat_penalty", "repetition_penalty"},
                 {"rep_penalty", "repetition_penalty"},
                 {"random_seed", "seed"},
                 {"max_gen_toks", "max_new_tokens"},
                 {"max_output_tokens", "max_new_tokens"},
                 {"max_completion_tokens", "max_new_tokens"},
                 {"n_predict", "max_new_tokens"}};

// The next byte of a name without signs between its words and without case; 0 at its end, before which an s is left out.
static int next_letter(Slice name, size_t *at)
{
    while (*at < name.len && (name.ptr[*at] == '_' || name.ptr[*at] == '-')) ++*at;
    if (*at == name.len) return '\0';
    const int c = (unsigned char)name.ptr[(*at)++];
    const int lower = c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
    return *at == name.len && lower == 's' ? '\0' : lower;
}

static bool is_same_word(Slice a, Slice b)
{
    size_t i = 0, k = 0;
    for (;;) {
        const int left = next_letter(a, &i), right = next_letter(b, &k);
        if (left != right) return false;
        if (left == '\0') return true;
    }
}

static bool has_name(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0) names++;
    return *names != NULL;
}

// Short names are near to many words that mean something else: of these only other ways to write the same.
static const char *nearest(Slice key, const char *const *names)
{
    const char *longer[MISSPELT_MOST_NAMES];
    size_t n = 0;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        const bool is_it = is_same_word(key, slice_from_cstr(elsewhere[i].name));
        if (is_it && has_name(names, elsewhere[i].meant)) return elsewhere[i].meant;
    }
    for (size_t i = 0; names[i]; i++) {
        if (is_same_word(key, slice_from_cstr(names[i]))) return names[i];
        if (strlen(names[i]) >= SHORT_NAME) longer[n++] = names[i];
    }
    return nearest_name(key, longer, n);
}

static bool has_key(const JsonlTexts *keys, const char *key)
{
    for (size_t i = 0; i < keys->n; i++) {
        if (slice_eq_cstr(keys->values[i], key)) return true;
    }
    return false;
}

Status refuse_misspelt(const JsonlTexts *keys, const char *const *names,
                       bool (*is_known)(Slice key), Error *err)
{
    for (size_t i = 0; i < keys->n; i++) {
        const Slice key = keys->values[i];
        const char *meant = is_known(key) ? NULL : nearest(key, names);
        // Beside the member that is meant it is something of the data's own.
        if (!meant || has_key(keys, meant)) continue;
        return error_set(err, STATUS_INVALID,
                         "\"" SLICE_FMT "\" is not known: if \"%s\" is meant, write that, else "
                         "leave it out or give it another name",
                         SLICE_ARG(slice_sub(key, 0, 40)), meant);
    }
    return STATUS_OK;
}
