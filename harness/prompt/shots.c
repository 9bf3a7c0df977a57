// The examples before a question: which samples of the training part they are, and their text.
#include <stdlib.h>
#include <string.h>

#include "base/buffer_keep.h"
#include "base/sha256.h"
#include "harness/prompt/asking.h"

typedef struct Candidate {
    unsigned char rank[32];
    size_t position;
} Candidate;

static int by_rank(const void *a, const void *b)
{
    const int order = memcmp(((const Candidate *)a)->rank, ((const Candidate *)b)->rank, 32);
    const size_t x = ((const Candidate *)a)->position, y = ((const Candidate *)b)->position;
    return order != 0 ? order : x < y ? -1 : x > y;
}

// A sample's place in the draw hangs on the seed and its id alone, not on the file's order or the other samples.
static void rank_of(uint64_t seed, Slice id, unsigned char out[32])
{
    Sha256 hash;
    char text[32];
    size_t n = 0;
    for (int i = 0; i < 8; i++) text[n++] = (char)(seed >> (8 * i));
    sha256_init(&hash);
    sha256_update_field(&hash, (Slice){text, n});
    sha256_update_field(&hash, id);
    sha256_finish(&hash, out);
}

// Samples of the training part outside the fold that is judged.
static Status list_candidates(const Asked *asked, bool draws, Arena *arena, Candidate **out,
                              size_t *n, Error *err)
{
    const UsedPart *train = &asked->data->parts[PART_TRAIN];
    TRY(arena_take(arena, train->n, sizeof **out, "examples", out, err));
    *n = 0;
    for (size_t i = 0; i < train->n; i++) {
        if (asked->data->fold && asked->data->fold[i] == asked->outer_fold) continue;
        Candidate *c = &(*out)[(*n)++];
        c->position = i;
        memset(c->rank, 0, sizeof c->rank);
        if (draws) rank_of(asked->seed, prompt_sample(train, i)->id, c->rank);
    }
    qsort(*out, *n, sizeof **out, by_rank);
    return STATUS_OK;
}

static Status put_example(PromptAsking *a, const Sample *sample, Arena *scratch, Arena *arena,
                          Buffer *out, bool *is_usable, Error *err)
{
    const Asked *asked = a->asked;
    Slice answer = {0};
    TRY(a->how->gold(asked->task, asked->data, sample, scratch, &answer, err));
    *is_usable = answer.ptr != NULL;
    if (!*is_usable) return STATUS_OK;
    const size_t option = sample->gold >= 0 ? (size_t)sample->gold : PROMPT_NO_OPTION;
    const PromptValues values = prompt_values(a, sample, option, answer);
    Slice question = {0}, answered = {0};
    TRY(prompt_fill((Slice){0}, &a->prompt->text, &values, scratch, &question, err));
    TRY(prompt_fill((Slice){0}, &a->prompt->answer, &values, scratch, &answered, err));
    if (a->chat) {
        TRY(prompt_add_turn(a, "user", question, arena, err));
        return prompt_add_turn(a, "assistant", answered, arena, err);
    }
    buffer_append(out, question);
    buffer_append(out, answered);
    buffer_append(out, a->prompt->separator);
    return STATUS_OK;
}

Status prompt_put_shots(PromptAsking *a, Arena *arena, Error *err)
{
    const SuitePrompt *prompt = a->prompt;
    const UsedPart *train = &a->asked->data->parts[PART_TRAIN];
    Buffer text = {0};
    Arena scratch = {0};
    Candidate *candidates = NULL;
    size_t n = 0, n_taken = 0;
    buffer_append(&text, prompt->instruction);
    Status s = STATUS_OK;
    if (a->chat && slice_trim(prompt->instruction).len > 0)
        s = prompt_add_turn(a, "system", prompt->instruction, arena, err);
    if (s == STATUS_OK && prompt->n_shots > 0)
        s = list_candidates(a->asked, prompt->draw == PROMPT_DRAW_SEED, &scratch, &candidates, &n,
                            err);
    for (size_t i = 0; s == STATUS_OK && i < n && n_taken < prompt->n_shots; i++) {
        bool is_usable = false;
        s = put_example(a, prompt_sample(train, candidates[i].position), &scratch, arena, &text,
                        &is_usable, err);
        n_taken += is_usable;
    }
    if (s == STATUS_OK && n_taken < prompt->n_shots) {
        s = error_set(err, STATUS_INVALID,
                      "the prompt wants %zu examples, but the training part has %zu with an answer",
                      prompt->n_shots, n_taken);
    }
    arena_release(&scratch);
    if (s == STATUS_OK) return buffer_keep(&text, arena, "a prompt", &a->preamble, err);
    buffer_release(&text);
    return s;
}
