#include "tools/score.h"

const ScoreFamily *const score_families[] = {
    &score_bleu, &score_chrf,        &score_ter, &score_rouge,
    &score_wer,  &score_exact_match, &score_ner, &score_squad,
};
const size_t n_score_families = sizeof score_families / sizeof *score_families;

const char *const score_family_names[] = {
    "bleu", "chrf", "ter", "rouge", "wer", "exact-match", "ner", "squad", NULL,
};
