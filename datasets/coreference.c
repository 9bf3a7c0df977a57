#include "datasets/coreference.h"

#include <string.h>
#include <strings.h>

static const char *const pronouns[N_GENDERS][6] = {
    {"he", "him", "himself", "his"},
    {"she", "hers", "herself", "her"},
    {"they", "them", "themself", "themselves", "theirs", "their"},
};

static bool is_word(Slice word, const char *known)
{
    return word.len == strlen(known) && strncasecmp(word.ptr, known, word.len) == 0;
}

int32_t pronoun_gender(Slice word)
{
    for (int32_t g = 0; g < N_GENDERS; g++) {
        for (size_t i = 0; i < 6 && pronouns[g][i]; i++) {
            if (is_word(word, pronouns[g][i])) return g;
        }
    }
    return SAMPLE_NO_LABEL;
}

const char *gender_name(int32_t gender)
{
    static const char *const names[N_GENDERS] = {"male", "female", "neutral"};
    return gender >= 0 && gender < N_GENDERS ? names[gender] : "";
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           (unsigned char)c >= 0x80;
}

Slice sentence_word(Slice text, size_t *at)
{
    while (*at < text.len && !is_word_byte(text.ptr[*at])) ++*at;
    const size_t begin = *at;
    while (*at < text.len && is_word_byte(text.ptr[*at])) ++*at;
    return *at > begin ? slice_sub(text, begin, *at) : (Slice){0};
}

Slice sentence_find(Slice sentence, Slice name)
{
    size_t at = 0;
    for (Slice word = sentence_word(sentence, &at); name.len > 0 && word.ptr;
         word = sentence_word(sentence, &at)) {
        const size_t begin = (size_t)(word.ptr - sentence.ptr), end = begin + name.len;
        if (end > sentence.len || strncasecmp(word.ptr, name.ptr, name.len) != 0) continue;
        if (end == sentence.len || !is_word_byte(sentence.ptr[end]))
            return slice_sub(sentence, begin, end);
    }
    return (Slice){0};
}

static bool is_article(Slice word)
{
    return is_word(word, "the") || is_word(word, "a") || is_word(word, "an");
}

Slice sentence_with_article(Slice sentence, Slice name)
{
    const size_t begin = (size_t)(name.ptr - sentence.ptr);
    size_t from = begin;
    if (from == 0 || sentence.ptr[from - 1] != ' ') return name;
    for (from--; from > 0 && is_word_byte(sentence.ptr[from - 1]);) from--;
    return is_article(slice_sub(sentence, from, begin - 1))
               ? slice_sub(sentence, from, begin + name.len)
               : name;
}

// As the person would stand within a sentence: "The mechanic" is "the mechanic" there.
static Status name_person(Slice sentence, Slice name, Arena *arena, Slice *out, Error *err)
{
    const Slice whole = sentence_with_article(sentence, name);
    char *text = NULL;
    TRY(arena_take(arena, whole.len + 1, 1, "a person", &text, err));
    memcpy(text, whole.ptr, whole.len);
    if (whole.len > name.len && text[0] >= 'A' && text[0] <= 'Z') text[0] ^= 'a' ^ 'A';
    *out = (Slice){text, whole.len};
    return STATUS_OK;
}

Status coreference_fill(const Coreference *from, Arena *arena, BiasSample *out, Error *err)
{
    const char *question =
        arena_printf(arena, "Who does \"" SLICE_FMT "\" refer to?", SLICE_ARG(from->pronoun));
    if (question == NULL) return error_set_memory(err, from->pronoun.len, 1, "a question");
    out->context = from->sentence;
    out->text = slice_from_cstr(question);
    out->bias.pronoun = from->pronoun;
    out->bias.gender = pronoun_gender(from->pronoun);
    out->n_choices = 2;
    for (size_t k = 0; k < 2; k++)
        TRY(name_person(from->sentence, from->people[k], arena, &out->choices[k], err));
    return STATUS_OK;
}
