#include "tools/score.h"

const ScoreFamily *const score_families[] = {
    &score_bleu,
};
const size_t n_score_families = sizeof score_families / sizeof *score_families;

const char *const score_family_names[] = {
    "bleu",
    NULL,
};
