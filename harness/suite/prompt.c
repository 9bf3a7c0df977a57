// The prompt of a task: its keys, and what can be wrong with it.
#include <stddef.h>

#include "harness/family.h"
#include "harness/prompt/prompt.h"
#include "harness/suite/suite_internal.h"
#include "harness/zero_shot.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIELD(member) \
    .offset = offsetof(SuitePrompt, member), .size = sizeof(((SuitePrompt *)0)->member)
#define KEY(name_, kind_, summary_, fallback_) \
    .name = (name_), .kind = (kind_), .summary = (summary_), .fallback = (fallback_)

enum { MANY = 1000000 };

static const char *choice_normalize(size_t i)
{
    static const char *const names[] = {"none", "tokens", "bytes", "unconditional"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_option(size_t i)
{
    static const char *const names[] = {"text", "letter", "written"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_draw(size_t i)
{
    static const char *const names[] = {"seed", "first"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_take(size_t i)
{
    static const char *const names[] = {"first", "last"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_truncate(size_t i)
{
    return i < N_CUT_SIDES ? cut_side_name((CutSide)i) : NULL;
}

// ---- values of their own ----

// What classes are called: into *out [*n], in the arena.
static Status take_answers(const Json *value, Arena *arena, const PromptAnswer **out, size_t *n,
                           Error *err)
{
    PromptAnswer *answers = NULL;
    if (json_kind(value) != JSON_OBJECT) {
        return json_error(value, err, "found %s, want an object from class to word",
                          json_kind_name(json_kind(value)));
    }
    TRY(arena_take(arena, json_len(value), sizeof *answers, "answers", &answers, err));
    *n = 0;
    for (const Json *v = json_first(value); v; v = json_next(v)) {
        PromptAnswer *answer = &answers[*n];
        answer->label = json_key(v);
        TRY(json_as_string(v, &answer->word, err));
        if (answer->word.len == 0) return json_error(v, err, "the word is empty");
        for (size_t i = 0; i < *n; i++) {
            if (!slice_eq(answers[i].word, answer->word)) continue;
            return json_error(v, err, "the word \"" SLICE_FMT "\" stands for two classes",
                              SLICE_ARG(answer->word));
        }
        ++*n;
    }
    *out = answers;
    return STATUS_OK;
}

static void put_answers(const PromptAnswer *answers, size_t n, const char *key, JsonWriter *w)
{
    if (n == 0) return;
    json_member_object(w, key);
    for (size_t i = 0; i < n; i++) {
        json_put_key_slice(w, answers[i].label);
        json_put_string(w, answers[i].word);
    }
    json_end_object(w);
}

static Status read_answers(const Json *value, Arena *arena, void *target, Error *err)
{
    SuitePrompt *prompt = target;
    return take_answers(value, arena, &prompt->answers, &prompt->n_answers, err);
}

static void write_answers(const void *target, const char *key, JsonWriter *w)
{
    const SuitePrompt *prompt = target;
    put_answers(prompt->answers, prompt->n_answers, key, w);
}

static Status read_words(const Json *value, Arena *arena, void *target, Error *err)
{
    SuiteZeroShot *asked = target;
    return take_answers(value, arena, &asked->answers, &asked->n_answers, err);
}

static void write_words(const void *target, const char *key, JsonWriter *w)
{
    const SuiteZeroShot *asked = target;
    put_answers(asked->answers, asked->n_answers, key, w);
}

static Status read_stops(const Json *value, Arena *arena, void *target, Error *err)
{
    SuitePrompt *prompt = target;
    Slice *stops = NULL;
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const size_t n = is_list ? json_len(value) : 1;
    TRY(arena_take(arena, n, sizeof *stops, "stop texts", &stops, err));
    for (size_t i = 0; i < n; i++) {
        const Json *at = is_list ? json_at(value, i) : value;
        TRY(json_as_string(at, &stops[i], err));
        if (stops[i].len == 0) return json_error(at, err, "a stop text is empty");
    }
    prompt->stops = stops;
    prompt->n_stops = n;
    prompt->has_stops = true;
    return STATUS_OK;
}

static void write_stops(const void *target, const char *key, JsonWriter *w)
{
    const SuitePrompt *prompt = target;
    if (!prompt->has_stops) return;
    json_member_array(w, key);
    for (size_t i = 0; i < prompt->n_stops; i++) json_put_string(w, prompt->stops[i]);
    json_end_array(w);
}

static Status read_pattern(const Json *value, Arena *arena, void *target, Error *err)
{
    SuitePrompt *prompt = target;
    Error wrong = {0};
    (void)arena;
    TRY(json_as_string(value, &prompt->pattern, err));
    if (prompt_check_pattern(prompt->pattern, &wrong) == STATUS_OK) return STATUS_OK;
    return json_error(value, err, "%s", wrong.text);
}

static void write_pattern(const void *target, const char *key, JsonWriter *w)
{
    const SuitePrompt *prompt = target;
    if (prompt->pattern.len == 0) return;
    json_member_string(w, key, prompt->pattern);
}

// ---- the keys ----

static const SuiteKey keys_prompt[] = {
    {KEY("text", KEY_TEXT,
         "the question as the model reads it; `{text}` and other fields stand for the sample's",
         "(the definition's)"),
     FIELD(text.text)},
    {KEY("answer", KEY_TEXT,
         "how an answer goes on from it, in examples and where options are scored",
         "\" {answer}\""),
     FIELD(answer.text)},
    {KEY("instruction", KEY_TEXT, "what stands before everything, blank lines included", "\"\""),
     FIELD(instruction)},
    {KEY("chat", KEY_BOOL,
         "through the model's chat template: the instruction is the system's turn, each example a turn of the "
         "user and one of the assistant, without blanks around them, and no separator stands between",
         "false"),
     FIELD(is_chat)},
    {KEY("shots", KEY_COUNT, "examples with their answers, of the training part", "0"),
     .highest = 1000, FIELD(n_shots)},
    {KEY("draw", KEY_CHOICE, "which: drawn by the seed, or the first of the file", "\"seed\""),
     .choice = choice_draw, FIELD(draw)},
    {KEY("separator", KEY_TEXT, "what stands behind each example", "\"\\n\\n\""), FIELD(separator)},
    {KEY("answers", KEY_OTHER, "what classes or entity types are called in prompts and answers",
         "(their names)"),
     .schema = "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}",
     .shown = "object from class to word", .read = read_answers, .write = write_answers},
    {KEY("choice", KEY_TEXT, "a line of `{choices}`", "\"{letter}. {choice}\""),
     FIELD(choice.text)},
    {KEY("option", KEY_CHOICE,
         "of `choice`: what is scored of a choice, as `{answer}`; or the model's own answer is `written`, and names a choice",
         "\"text\""),
     .choice = choice_option, FIELD(option)},
    {KEY("normalize", KEY_CHOICE,
         "by what log-likelihoods of options are divided, or what is taken off them, before the "
         "likeliest is the answer",
         "\"none\""),
     .choice = choice_normalize, FIELD(normalize)},
    {KEY("max_new_tokens", KEY_COUNT, "tokens of a written answer at most", "64"), .lowest = 1,
     .highest = MANY, FIELD(max_new_tokens)},
    {KEY("stop", KEY_OTHER, "texts at which writing ends", "(the separator; none with `chat`)"),
     .schema =
         "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
     .shown = "text or list of texts", .read = read_stops, .write = write_stops},
    {KEY("pattern", KEY_OTHER,
         "a regular expression (PCRE2) whose first group, or whole match, is the answer in what was "
         "written; in the reference too",
         "(all of it)"),
     .schema = "{\"type\":\"string\"}", .shown = "text", .read = read_pattern,
     .write = write_pattern},
    {KEY("take", KEY_CHOICE, "which match of the pattern counts", "\"first\""),
     .choice = choice_take, FIELD(take)},
    {KEY("number", KEY_BOOL, "answers are compared as numbers: `$1,234.50` is `1234.5`", "false"),
     FIELD(is_number)},
    {KEY("no_answer", KEY_TEXT, "what is written where a question has no answer",
         "\"unanswerable\""),
     FIELD(no_answer)},
    {KEY("truncate", KEY_CHOICE,
         "what becomes of prompts longer than the model's window: refused, or cut at the `left` or the "
         "`right` and counted",
         "\"refuse\""),
     .choice = choice_truncate, FIELD(truncate)},
};
const SuiteSection section_prompt = {.name = "tasks[].prompt",
                                     .summary = "How causal models are asked in words.",
                                     .keys = keys_prompt,
                                     .n_keys = COUNT(keys_prompt)};

static const SuiteKey keys_zero_shot[] = {
    {KEY("answers", KEY_OTHER, "what classes are called in hypotheses", "(their names)"),
     .schema = "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}",
     .shown = "object from class to word", .read = read_words, .write = write_words},
    {KEY("hypothesis", KEY_TEXT, "what each class makes, its word in the place of `{}`",
         "\"This example is {}.\""),
     .offset = offsetof(SuiteZeroShot, hypothesis), .size = sizeof(Slice)},
};
const SuiteSection section_zero_shot = {
    .name = "tasks[].zero_shot",
    .summary =
        "How models that tell entailment (NLI) are asked about classes they were not tuned on.",
    .keys = keys_zero_shot,
    .n_keys = COUNT(keys_zero_shot)};

// ---- reading ----

Status suite_read_zero_shot(const SuiteReading *reading, const Json *object, SuiteTask *task,
                            Error *err)
{
    const Json *value = NULL;
    Slice ignored;
    SuiteZeroShot *asked = &task->zero_shot;
    TRY(json_opt_kind(object, "zero_shot", JSON_OBJECT, &value, err));
    if (!value) return STATUS_OK;
    if (!asked->is_given) asked->hypothesis = SLICE("This example is {}.");
    asked->is_given = true;
    asked->at = value;
    TRY(section_read(&section_zero_shot, value, &reading->suite->arena, asked, err));
    if (!slice_eq_cstr(task->family, "classify"))
        return json_error(value, err, "\"zero_shot\" is for \"classify\" tasks");
    Error wrong = {0};
    if (zero_shot_hypothesis(asked->hypothesis, SLICE(""), &reading->suite->arena, &ignored,
                             &wrong) == STATUS_OK)
        return STATUS_OK;
    return json_error(value, err, "%s", wrong.text);
}

static void prompt_defaults(SuitePrompt *prompt)
{
    section_defaults(&section_prompt, prompt);
    prompt->answer.text = SLICE(" {answer}");
    prompt->choice.text = SLICE("{letter}. {choice}");
    prompt->separator = SLICE("\n\n");
    prompt->no_answer = SLICE("unanswerable");
}

// Keys of a suite take the place of the definition's one by one.
Status suite_read_prompt(const SuiteReading *reading, const Json *object, SuiteTask *task,
                         Error *err)
{
    const Json *value = NULL;
    TRY(json_opt_kind(object, "prompt", JSON_OBJECT, &value, err));
    if (!value) return STATUS_OK;
    SuitePrompt *prompt = &task->prompt;
    if (!prompt->is_given) prompt_defaults(prompt);
    prompt->is_given = true;
    prompt->at = value;
    return section_read(&section_prompt, value, &reading->suite->arena, prompt, err);
}

static Status parse_template(const SuiteReading *reading, const SuiteTask *task, const char *key,
                             PromptTemplate *template, Error *err)
{
    Error wrong = {0};
    const Json *written = json_get(task->prompt.at, key);
    const bool with_answer = slice_eq(slice_from_cstr(key), SLICE("answer"));
    const Status s = prompt_template_parse(template->text, with_answer, &task->read.columns,
                                           &reading->suite->arena, template, &wrong);
    if (s == STATUS_INVALID)
        return json_error(written ? written : task->prompt.at, err, "%s", wrong.text);
    if (s != STATUS_OK && err) *err = wrong;
    return s;
}

static Status check_stops(SuitePrompt *prompt, Arena *arena, Error *err)
{
    Slice *stops = NULL;
    if (prompt->has_stops || prompt->is_chat || prompt->separator.len == 0) return STATUS_OK;
    TRY(arena_take(arena, 1, sizeof *stops, "stop texts", &stops, err));
    stops[0] = prompt->separator;
    prompt->stops = stops;
    prompt->n_stops = 1;
    return STATUS_OK;
}

Status suite_check_prompt(const SuiteReading *reading, const Json *object, SuiteTask *task,
                          Error *err)
{
    SuitePrompt *prompt = &task->prompt;
    const Family *family = family_find(task->family);
    if (!prompt->is_given) {
        if (family->head != HEAD_CAUSAL_LM) return STATUS_OK;
        return json_error(object, err,
                          "a \"%s\" task needs a \"prompt\": {\"text\": \"{question}\"}",
                          family->name);
    }
    if (!family->prompt)
        return json_error(prompt->at, err, "a \"%s\" task is not asked by a prompt", family->name);
    if (prompt->text.text.len == 0)
        return json_error(prompt->at, err, "the prompt has no \"text\", such as \"{question}\"");
    TRY(parse_template(reading, task, "text", &prompt->text, err));
    TRY(parse_template(reading, task, "answer", &prompt->answer, err));
    TRY(parse_template(reading, task, "choice", &prompt->choice, err));
    TRY(check_stops(prompt, &reading->suite->arena, err));
    if (prompt->option == PROMPT_OPTION_WRITTEN &&
        !(family->prompt->options && family->prompt->read))
        return json_error(prompt->at, err, "\"option\": \"written\" is for \"choice\" tasks");
    if (prompt->n_shots > 0 && !task->train && !reading->without_files) {
        return json_error(prompt->at, err,
                          "%zu examples are asked for (\"shots\"), but there is no train file to "
                          "take them from",
                          prompt->n_shots);
    }
    return STATUS_OK;
}
