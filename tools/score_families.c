#include "tools/score.h"

const ScoreFamily *const score_families[] = {
    &score_bleu,      &score_chrf,        &score_ter,        &score_rouge,
    &score_wer,       &score_exact_match, &score_ner,        &score_squad,
    &score_meteor,    &score_distinct,    &score_repetition, &score_length_ratio,
    &score_ranking,   &score_preference,  &score_agreement,  &score_fairness,
    &score_flip_rate, &score_crows_pairs, &score_stereoset,  &score_bbq,
    &score_winobias,  &score_weat,
};
const size_t n_score_families = sizeof score_families / sizeof *score_families;

const char *const score_family_names[] = {
    "bleu",      "chrf",       "ter",       "rouge",    "wer",        "exact-match",
    "ner",       "squad",      "meteor",    "distinct", "repetition", "length-ratio",
    "ranking",   "preference", "agreement", "fairness", "flip-rate",  "crows-pairs",
    "stereoset", "bbq",        "winobias",  "weat",     NULL,
};
