// Members of a case that are not known, but are nearly one that would change the answer: a slip there must not go unseen.
#include <string.h>

#include "tools/predict/predict.h"

enum { MOST_NAMES = 40, SHORT_NAME = 6 };

// By what reads the case; only members that may be left out: of others the case itself says that they are missing.
static const char *const of_generation[] = {"max_new_tokens",
                                            "min_new_tokens",
                                            "num_beams",
                                            "num_return_sequences",
                                            "no_repeat_ngram_size",
                                            "top_k",
                                            "max_length",
                                            "min_length",
                                            "encoder_no_repeat_ngram_size",
                                            "forced_bos_token_id",
                                            "forced_eos_token_id",
                                            "decoder_start_token_id",
                                            "suppress_tokens",
                                            "begin_suppress_tokens",
                                            "bad_words_ids",
                                            "src_lang",
                                            "tgt_lang",
                                            "length_penalty",
                                            "temperature",
                                            "top_p",
                                            "early_stopping",
                                            "chat_template_kwargs",
                                            "min_p",
                                            "repetition_penalty",
                                            "seed",
                                            "do_sample",
                                            "stop",
                                            "truncate",
                                            NULL};
static const char *const of_likelihoods[] = {"context", "context_ids", "truncate", NULL};
// Without "truncate": answers have "truncated", and may be asked again.
static const char *const of_texts[] = {"pair",
                                       "token_type_ids",
                                       "attention_mask",
                                       "decoder_attention_mask",
                                       "candidate_labels",
                                       "hypothesis_template",
                                       "multi_label",
                                       NULL};

static const char *const *names_of(const Predictor *p)
{
    if (p->mode->read == predict_generate_read || p->mode->read == predict_search_read)
        return of_generation;
    return p->mode->read == predict_loglik_read ? of_likelihoods : of_texts;
}

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

// Short names are near to many words that mean something else: of these only other ways to write the same.
static const char *nearest(Slice key, const char *const *names)
{
    const char *longer[MOST_NAMES];
    size_t n = 0;
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

Status predict_refuse_misspelt(const Predictor *p, const JsonlTexts *keys,
                               bool (*is_known)(Slice key), Error *err)
{
    for (size_t i = 0; i < keys->n; i++) {
        const Slice key = keys->values[i];
        const char *meant = is_known(key) ? NULL : nearest(key, names_of(p));
        // Beside the member that is meant it is something of the data's own.
        if (!meant || has_key(keys, meant)) continue;
        return error_set(err, STATUS_INVALID,
                         "\"" SLICE_FMT "\" is not known: if \"%s\" is meant, write that, else "
                         "leave it out or give it another name",
                         SLICE_ARG(slice_sub(key, 0, 40)), meant);
    }
    return STATUS_OK;
}
