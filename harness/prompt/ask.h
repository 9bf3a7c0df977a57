// harness/prompt/ask.h: asking a causal model about samples by the task's prompt; for family.c and the code of preparing.
#ifndef ASSAY_HARNESS_PROMPT_ASK_H
#define ASSAY_HARNESS_PROMPT_ASK_H

#include "harness/family.h"
#include "harness/prompt/prompt.h"

// Numbers a sample in Answers.values of a prompted answer: PROMPT_PER_OPTION of each option where the family chooses
// (options that a sample lacks have zeros), then PROMPT_FLAGS.
enum {
    PROMPT_LOGLIK,
    PROMPT_TOKENS,
    PROMPT_BYTES,
    PROMPT_UNCONDITIONAL, // NaN where nothing asks for it
    PROMPT_PER_OPTION,
};
enum {
    PROMPT_UNPARSED, // 1 where the answer could not be read
    PROMPT_CUT,      // tokens of the prompt that were cut away
    PROMPT_FLAGS,
};

Status prompt_respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err) MUST_CHECK;
// For tuning on prompts and their answers: the tokens of a part, with labels on those of the answers. An example is the
// prompt without shots, the right answer, and the token that ends texts.
Status prompt_encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err) MUST_CHECK;
// The same examples as texts, a line each: what the tokenizer of a fresh model learns from.
Status prompt_write_examples(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                             Buffer *out, Error *err) MUST_CHECK;
// The chat template of a saved model, for tasks that ask through it. STATUS_INVALID where it has none.
Status prompt_open_chat(const char *path, const Model *model, Arena *arena, ChatTemplate *out,
                        Error *err) MUST_CHECK;
// What a task's data lack that its prompt names: words for classes that are not there.
Status prompt_check_data(const SuiteTask *task, const TaskData *data, Error *err) MUST_CHECK;
// A sample of a part that lacks a field which the prompt asks for: before the first trial asks about it.
Status prompt_check_part(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                         Error *err) MUST_CHECK;

#endif
