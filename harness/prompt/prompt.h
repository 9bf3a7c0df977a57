// harness/prompt/prompt.h: tasks put to causal models in words: templates, few-shot examples, and answers read back.
//
// A prompt is the instruction, then `shots` examples of the training part with their answers, then the sample itself:
//
//     instruction  text(shot 1) answer(shot 1) separator  text(shot 2) answer(shot 2) separator  ...  text(sample)
//
// The examples are the same for all samples of a trial, so that they go through the model once. A family with options (a
// class, a choice) scores answer(option) behind the prompt for each of them and takes the likeliest; the others let the
// model write, cut the text out by a pattern where one is given, and read it (harness/tasks/). What cannot be read, and
// prompts that had to be cut, are counted by the metrics `unparsed` and `cut_prompts`.
#ifndef ASSAY_HARNESS_PROMPT_PROMPT_H
#define ASSAY_HARNESS_PROMPT_PROMPT_H

#include "datasets/sample.h"
#include "harness/suite/suite.h"

typedef struct TaskData TaskData; // harness/prepare.h

#define PROMPT_NO_OPTION SIZE_MAX

// A template as it stands in a suite, "Question: {question}\nAnswer:", cut into literal text and fields; {{ and }} are
// braces. Pieces lie in the arena and borrow from text. STATUS_INVALID names what is wrong, and the fields there are.
Status prompt_template_parse(Slice text, bool with_answer, const ReadColumns *columns, Arena *arena,
                             PromptTemplate *out, Error *err) MUST_CHECK;
// Whether a template has a field that differs from one option to the next.
bool prompt_template_has_option(const PromptTemplate *template);

// What fields stand for.
typedef struct PromptValues {
    const SuiteTask *task;
    const Slice *words; // [n_words] for {labels}: what the classes or types are called
    size_t n_words;
    const Sample *sample;
    size_t option; // of {choice} and {letter}; PROMPT_NO_OPTION = none
    Slice answer;  // of {answer}
} PromptValues;
// STATUS_INVALID where the sample lacks a field, with its line.
Status prompt_render(const PromptTemplate *template, const PromptValues *values, Buffer *out,
                     Error *err) MUST_CHECK;

// "A", "B", .. of an option; its number from 27 on. In the arena.
Slice prompt_letter(size_t option, Arena *arena);
// What a class or an entity type is called in prompts: the task's word for it, else the name itself.
Slice prompt_word(const SuitePrompt *prompt, Slice label);

// The part of a written text that answers: by the pattern and as a number where the task says so, without blanks around it.
// *found is false where the pattern does not fit or no number is there; *out is then empty.
Status prompt_extract(const SuitePrompt *prompt, Slice written, Arena *arena, Slice *out,
                      bool *found, Error *err) MUST_CHECK;
// Whether a pattern is one that PCRE2 understands.
Status prompt_check_pattern(Slice pattern, Error *err) MUST_CHECK;

#endif
