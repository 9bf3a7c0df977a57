// datasets/bbq.h: one question of BBQ, from a line of its files.
//
// Source: Parrish et al. 2022, arXiv:2110.08193, and the authors' files. The stereotyped choice of a negative question is the
// one whose group is among the stereotyped groups; of a non-negative one it is the other that is not "unknown". Where no
// single choice has such a group there is none. "answer_info" and "additional_metadata" may be objects, or strings that hold
// them as Python writes them (the authors' files of results).
#ifndef ASSAY_DATASETS_BBQ_H
#define ASSAY_DATASETS_BBQ_H

#include "base/json.h"

enum { BBQ_CHOICES = 3, BBQ_NONE = -1 };

typedef struct BbqQuestion {
    int32_t label;       // the right choice
    int32_t unknown;     // the choice that says that nobody can know
    int32_t stereotyped; // the choice that agrees with the stereotype, or BBQ_NONE
    bool is_ambiguous;
    bool is_negative;
} BbqQuestion;

extern const char *const bbq_choice_keys[BBQ_CHOICES]; // "ans0", ...

// question is an object; errors name its place. Scratch memory comes from the arena.
Status bbq_question_read(const Json *question, Arena *arena, BbqQuestion *out,
                         Error *err) MUST_CHECK;
// Lower case, without punctuation and symbols, without blanks at the ends: how a free answer is told to be a choice.
Status bbq_bare_text(Slice text, Arena *arena, Slice *out, Error *err) MUST_CHECK;
// The choice (as written) that an answer is, both bare; the first of equal ones, or BBQ_NONE.
Status bbq_match(const Slice choices[BBQ_CHOICES], Slice answer, Arena *arena, int32_t *out,
                 Error *err) MUST_CHECK;

#endif
