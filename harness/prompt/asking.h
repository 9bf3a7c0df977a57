// harness/prompt/asking.h: one trial's or one part's questions, between ask.c, learn.c and shots.c.
#ifndef ASSAY_HARNESS_PROMPT_ASKING_H
#define ASSAY_HARNESS_PROMPT_ASKING_H

#include "harness/prompt/ask.h"

// One message of a conversation.
typedef struct PromptTurn {
    const char *role; // "system", "user", "assistant"
    Slice content;
} PromptTurn;

typedef struct PromptAsking {
    const Asked *asked;
    const FamilyPrompt *how;
    const SuitePrompt *prompt;
    const ChatTemplate *chat; // NULL: one text, and no turns
    Slice preamble;           // instruction and examples
    PromptTurn *turns;        // the same as a conversation
    size_t n_turns, turns_capacity;
    const Slice *words;
    size_t n_words;
    size_t n_options; // the most a sample has; 0 where the model writes
    bool wants_unconditional;
} PromptAsking;

// Fills all but chat, preamble, turns and wants_unconditional from a->asked; the preamble is the instruction alone. Words in the arena.
Status prompt_begin(PromptAsking *a, Arena *arena, Error *err) MUST_CHECK;
// shots.c: the examples that the task wants, behind the instruction. STATUS_INVALID where the training part has too few.
Status prompt_put_shots(PromptAsking *a, Arena *arena, Error *err) MUST_CHECK;

// turns.c: one more message, without the blanks around it, in the arena.
Status prompt_add_turn(PromptAsking *a, const char *role, Slice content, Arena *arena,
                       Error *err) MUST_CHECK;
// The turns so far and the user's question as the text that the model goes on from.
Status prompt_converse(const PromptAsking *a, Slice question, Arena *arena, Slice *out,
                       Error *err) MUST_CHECK;

const Sample *prompt_sample(const UsedPart *part, size_t position);
PromptValues prompt_values(const PromptAsking *a, const Sample *sample, size_t option,
                           Slice answer);
// A template with its fields filled in, behind a text before it. In the arena.
Status prompt_fill(Slice before, const PromptTemplate *template, const PromptValues *values,
                   Arena *arena, Slice *out, Error *err) MUST_CHECK;
// The preamble and the sample's own text; the text of an answer. In the arena. STATUS_INVALID as prompt_render has it. In a
// conversation the answer begins a turn of its own: blanks around it are left out.
Status prompt_question(const PromptAsking *a, const Sample *sample, size_t option, Arena *arena,
                       Slice *out, Error *err) MUST_CHECK;
Status prompt_answer(const PromptAsking *a, const Sample *sample, size_t option, Slice answer,
                     Arena *arena, Slice *out, Error *err) MUST_CHECK;

#endif
