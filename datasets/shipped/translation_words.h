// datasets/shipped/translation_words.h: the words that make_translations.c puts together, English beside German.
#ifndef ASSAY_DATASETS_SHIPPED_TRANSLATION_WORDS_H
#define ASSAY_DATASETS_SHIPPED_TRANSLATION_WORDS_H

#include <stddef.h>

typedef enum Gender { MASCULINE, FEMININE, NEUTER, PLURAL, N_GENDERS } Gender;

typedef struct Noun {
    const char *en, *en_plural;
    const char *de, *de_plural;
    Gender gender;
    const char *de_weak; // what it is in every case but the nominative; NULL = de
} Noun;

typedef struct Word {
    const char *en, *de;
} Word;

// English: "sees", "see", "seen". German: "sieht", "sehen", "gesehen".
typedef struct Verb {
    const char *en, *en_plural, *en_participle;
    const char *de, *de_plural, *de_participle;
} Verb;

// "can": "kann" and "koennen".
typedef struct Modal {
    const char *en, *de, *de_plural;
} Modal;

extern const Noun translation_people[], translation_things[];
extern const size_t n_translation_people, n_translation_things;
extern const Word translation_adjectives[], translation_times[], translation_numbers[];
extern const size_t n_translation_adjectives, n_translation_times, n_translation_numbers;
extern const Verb translation_deeds[], translation_gifts[], translation_states[];
extern const size_t n_translation_deeds, n_translation_gifts, n_translation_states;
extern const Modal translation_modals[];
extern const size_t n_translation_modals;

#endif
