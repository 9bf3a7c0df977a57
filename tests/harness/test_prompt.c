// Prompts: templates, answers read back, and runs of causal models beside other models.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/family.h"
#include "harness/prompt/asking.h"
#include "harness/prompt/prompt.h"
#include "harness/tasks/tag_prompt.h"
#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/models/shards.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const Slice choices[] = {SLICE_LIT("red"), SLICE_LIT("blue")};
static const SampleAttribute attributes[] = {{SLICE_LIT("topic"), SLICE_LIT("sky")}};
static const ReadAttribute columns_of[] = {{SLICE_LIT("topic"), SLICE_LIT("topic")}};
static const ReadColumns columns = {.attributes = columns_of, .n_attributes = 1};

static Status render(const char *text, bool with_answer, size_t option, char *out, Error *err)
{
    Arena arena = {0};
    Buffer buffer = {0};
    SuiteTask task = {0};
    PromptTemplate template;
    const Slice words[] = {SLICE_LIT("yes"), SLICE_LIT("no")};
    const Sample sample = {.line = 3,
                           .text = SLICE_LIT("What colour?"),
                           .choices = choices,
                           .n_choices = 2,
                           .attributes = attributes,
                           .n_attributes = 1};
    Status s = prompt_template_parse(SLICE("{letter}) {choice}"), false, &columns, &arena,
                                     &task.prompt.choice, err);
    const PromptValues values = {.task = &task,
                                 .words = words,
                                 .n_words = 2,
                                 .sample = &sample,
                                 .option = option,
                                 .answer = SLICE_LIT("blue")};
    if (s == STATUS_OK)
        s = prompt_template_parse(slice_from_cstr(text), with_answer, &columns, &arena, &template,
                                  err);
    if (s == STATUS_OK) s = prompt_render(&template, &values, &buffer, err);
    snprintf(out, 256, SLICE_FMT, SLICE_ARG(buffer_slice(&buffer)));
    buffer_release(&buffer);
    arena_release(&arena);
    return s;
}

Test(prompt, fields_stand_for_the_sample)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", ""},
        {"{question}\n{choices}\nAnswer:", "What colour?\nA) red\nB) blue\nAnswer:"},
        {"{topic}: {text} {letter} {choice}", "sky: What colour? B blue"},
        {"{{{text}}} {{}}", "{What colour?} {}"},
        {"one of {labels}", "one of yes, no"},
        {"-> {answer}.", "-> blue."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[256];
        Error err = {0};
        cr_assert_eq(render(cases[i].text, true, 1, out, &err), STATUS_OK, "%s", err.text);
        cr_expect_str_eq(out, cases[i].wanted, "%s gives %s", cases[i].text, out);
    }
}

Test(prompt, wrong_templates_and_absent_fields_are_refused)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{texts}", "unknown field {texts}; there are {text}, {question}"},
        {"{texts}", "{topic}"},
        {"{answer}", "unknown field {answer}"},
        {"a { b", "brace at byte 2"},
        {"a } b", "brace at byte 2"},
        {"{context}", "line 3 has no {context}"},
        {"{pair}", "line 3 has no {pair}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[256];
        Error err = {0};
        cr_expect_eq(render(cases[i].text, false, 1, out, &err), STATUS_INVALID, "%s",
                     cases[i].text);
        cr_expect(strstr(err.text, cases[i].wanted) != NULL, "%s gives %s", cases[i].text,
                  err.text);
    }
}

Test(prompt, the_answer_is_cut_out_of_what_was_written)
{
    static const struct {
        const char *pattern, *written, *wanted; // wanted NULL: not found
        PromptTake take;
        bool is_number;
    } cases[] = {
        {"", "  two words \n", "two words", PROMPT_TAKE_FIRST, false},
        {"", "  ", NULL, PROMPT_TAKE_FIRST, false},
        {"#### (-?[0-9.,]+)", "so 3 * 6\n#### 1,018.00\n", "1018", PROMPT_TAKE_FIRST, true},
        {"#### (-?[0-9.,]+)", "no mark 18", NULL, PROMPT_TAKE_FIRST, true},
        {"-?[0-9.,]+", "of 3 and 4, 12.", "12", PROMPT_TAKE_LAST, true},
        {"-?[0-9.,]+", "of 3 and 4, 12.", "3", PROMPT_TAKE_FIRST, true},
        {"", "$-0.50", "-0.5", PROMPT_TAKE_FIRST, true},
        {"", "-0", "0", PROMPT_TAKE_FIRST, true},
        {"", "007", "7", PROMPT_TAKE_FIRST, true},
        {"", "seven", NULL, PROMPT_TAKE_FIRST, true},
        {"(?:A: (\\w+)|B: (\\w+))", "B: \xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9", PROMPT_TAKE_FIRST,
         false},
        {"x*", "", NULL, PROMPT_TAKE_LAST, false},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Slice out;
        bool found = false;
        Error err = {0};
        const SuitePrompt prompt = {.pattern = slice_from_cstr(cases[i].pattern),
                                    .take = cases[i].take,
                                    .is_number = cases[i].is_number};
        cr_assert_eq(
            prompt_extract(&prompt, slice_from_cstr(cases[i].written), &arena, &out, &found, &err),
            STATUS_OK, "case %zu: %s", i, err.text);
        cr_expect_eq(found, cases[i].wanted != NULL, "case %zu", i);
        cr_expect(slice_eq_cstr(out, cases[i].wanted ? cases[i].wanted : ""),
                  "case %zu: " SLICE_FMT, i, SLICE_ARG(out));
    }
    arena_release(&arena);
}

Test(prompt, a_pattern_that_backtracks_without_end_is_stopped)
{
    Arena arena = {0};
    Error err = {0};
    Slice out;
    bool found;
    const SuitePrompt prompt = {.pattern = SLICE_LIT("(a+)+$")};
    cr_expect_eq(prompt_extract(&prompt, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
                                &arena, &out, &found, &err),
                 STATUS_INVALID);
    cr_expect_eq(prompt_check_pattern(SLICE("(a"), &err), STATUS_INVALID);
    arena_release(&arena);
}

// ---- entities in words ----

static const Slice tags_iob[] = {SLICE_LIT("B-LOC"), SLICE_LIT("B-PER"), SLICE_LIT("I-LOC"),
                                 SLICE_LIT("I-PER"), SLICE_LIT("O")};
static const Slice types[] = {SLICE_LIT("LOC"), SLICE_LIT("PER")};
static const Slice words_of[] = {SLICE_LIT("Ada"), SLICE_LIT("King"), SLICE_LIT("met"),
                                 SLICE_LIT("Ada"), SLICE_LIT("in"),   SLICE_LIT("U.S.")};
static const Slice tags_of[] = {SLICE_LIT("B-PER"), SLICE_LIT("I-PER"), SLICE_LIT("O"),
                                SLICE_LIT("B-PER"), SLICE_LIT("O"),     SLICE_LIT("B-LOC")};

Test(prompt, entities_go_into_words_and_back)
{
    static const struct {
        const char *written, *wanted;
        bool is_read;
    } cases[] = {
        {"PER: Ada King; PER: Ada; LOC: U.S.", "B-PER I-PER O B-PER O B-LOC", true},
        {"per:AdaKing\nplace: U . S .", "B-PER I-PER O O O B-LOC", true},
        {"none", "O O O O O O", true},
        {"", "O O O O O O", false},
        {"PER: Ada; ORG: King; LOC: U.S.", "B-PER O O O O B-LOC", false},
        {"PER: Bob; PER: Ada; PER: Ada; PER: Ada", "B-PER O O B-PER O O", false},
        {"nobody", "O O O O O O", false},
    };
    Arena arena = {0};
    Error err = {0};
    SuiteTask task = {0};
    const PromptAnswer answers[] = {{SLICE_LIT("LOC"), SLICE_LIT("place")}};
    const TaskData data = {
        .labels = tags_iob, .n_labels = 5, .metric_labels = types, .n_metric_labels = 2};
    const Sample sample = {.tokens = words_of, .tags = tags_of, .n_tokens = 6};
    Slice text;
    bool is_read;
    cr_assert_eq(tag_prompt.gold(&task, &data, &sample, &arena, &text, &err), STATUS_OK);
    cr_expect(slice_eq_cstr(text, cases[0].written), SLICE_FMT, SLICE_ARG(text));
    task.prompt.answers = answers;
    task.prompt.n_answers = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(tag_prompt.read(&task, &data, &sample, slice_from_cstr(cases[i].written),
                                     &arena, &text, &is_read, &err),
                     STATUS_OK, "%s", err.text);
        cr_expect(slice_eq_cstr(text, cases[i].wanted), "%s gives " SLICE_FMT, cases[i].written,
                  SLICE_ARG(text));
        cr_expect_eq(is_read, cases[i].is_read, "%s", cases[i].written);
    }
    arena_release(&arena);
}

// ---- suites ----

#define TASK(members)                                                                      \
    "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}], \"tasks\": " \
    "[{\"name\": \"t\", \"data\": \"data\"," members "}]}"

Test(prompt, a_wrong_prompt_is_refused_with_its_place)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {TASK("\"family\": \"choice\""), "a \"choice\" task needs a \"prompt\""},
        {TASK("\"prompt\": {\"text\": \"{sentence}\"}"), "prompt.text: unknown field {sentence}"},
        {TASK("\"prompt\": {\"text\": \"{sentence}\"}"), "suite.json:1:"},
        {TASK("\"prompt\": {\"txt\": \"x\"}"), "did you mean \"text\""},
        {TASK("\"prompt\": {}"), "has no \"text\""},
        {TASK("\"prompt\": {\"text\": \"x\", \"answer\": \"{\"}"), "no partner"},
        {TASK("\"prompt\": {\"text\": \"x\", \"pattern\": \"(\"}"), "not a regular expression"},
        {TASK("\"prompt\": {\"text\": \"x\", \"stop\": [\"\"]}"), "a stop text is empty"},
        {TASK("\"prompt\": {\"text\": \"x\", \"truncate\": \"middle\"}"), "there is no \"middle\""},
        {TASK("\"prompt\": {\"text\": \"x\", \"answers\": {\"a\": \"b\", \"c\": \"b\"}}"),
         "stands for two classes"},
        {TASK("\"metrics\": [\"unparsed\"]"), "tasks with a \"prompt\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = suites_refusal(cases[i].text, NULL);
        cr_expect(strstr(why, cases[i].wanted) != NULL, "%s\n  gives %s", cases[i].text, why);
    }
}

static const char *stories(void)
{
    static char path[512];
    shared_need("models/stories260K");
    snprintf(path, sizeof path, "%s", shared_path("models/stories260K"));
    return path;
}

// One suite: the model's directory, its GGUF file and that in shards, two classes by their words, and a choice that the model knows.
static const char *prompt_suite(const char *prompt, const char *shards)
{
    static char text[4096];
    const char *model = stories();
    snprintf(
        text, sizeof text,
        "[{\"name\": \"dir\", \"path\": \"%s\"}, {\"name\": \"gguf\", \"path\": "
        "\"%s/stories260K-f32.gguf\"}, {\"name\": \"shards\", \"path\": \"%s\"}], \"tasks\": [{\"name\": \"c\", \"family\": \"classify\", "
        "\"data\": \"data\", \"prompt\": %s}]",
        model, model, shards, prompt);
    return text;
}

static Buffer run_export(const char *prompt, size_t n_threads)
{
    const RunsSuite suite = {.models = "[]", .has_parts = true, .folds = "{}"};
    const char *folder = runs_folder(&suite);
    char path[600], shards[600], whole[600], text[5000];
    Error err = {0};
    snprintf(path, sizeof path, "%s/suite.json", folder);
    snprintf(shards, sizeof shards, "%s/shards", folder);
    snprintf(whole, sizeof whole, "%s/stories260K-f32.gguf", stories());
    cut_gguf(whole, shards, "s", 3, false);
    snprintf(text, sizeof text, "{\"suite\": \"p\", \"models\": %s}",
             prompt_suite(prompt, "shards"));
    cr_assert_eq(file_write(path, slice_from_cstr(text), &err), STATUS_OK, "%s", err.text);
    const RunsHow how = {.n_threads = n_threads};
    const Buffer out = runs_export(folder, &how);
    folder_remove(folder);
    return out;
}

static bool has(const Buffer *text, const char *part)
{
    return slice_find(buffer_slice(text), slice_from_cstr(part)) != SIZE_MAX;
}

Test(prompt, a_run_asks_directory_and_gguf_alike_whatever_the_threads)
{
    static const char prompt[] = "{\"text\": \"{text} It is\", \"shots\": 3}";
    Buffer one = run_export(prompt, 1), two = run_export(prompt, 2);
    cr_expect(slice_eq(buffer_slice(&one), buffer_slice(&two)));
    cr_expect(has(&one, "\"accuracy\""));
    cr_expect_eq(runs_pooled(&one, "shards", "accuracy"), runs_pooled(&one, "gguf", "accuracy"));
    buffer_release(&one);
    buffer_release(&two);
}

#define TURNS                                                                                        \
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}\n{% endfor %}{% if add_generation_prompt " \
    "%}[assistant]{% endif %}"

Test(prompt, a_conversation_goes_through_the_models_template)
{
    Arena arena = {0};
    Error err = {0};
    ChatTemplate chat = {0};
    Slice out = {0};
    PromptAsking a = {.chat = &chat};
    cr_assert_eq(jinja_parse(&arena, SLICE("t"), SLICE(TURNS), &chat.template, &err), STATUS_OK,
                 "%s", err.text);
    cr_assert_eq(prompt_add_turn(&a, "system", SLICE("Be \"brief\".\n\n"), &arena, &err),
                 STATUS_OK);
    cr_assert_eq(prompt_add_turn(&a, "user", SLICE("1 + 1?\nAnswer:"), &arena, &err), STATUS_OK);
    cr_assert_eq(prompt_add_turn(&a, "assistant", SLICE(" 2"), &arena, &err), STATUS_OK);
    cr_assert_eq(prompt_converse(&a, SLICE("2 + 2?\nAnswer:\n"), &arena, &out, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect(slice_eq_cstr(out, "[system]Be \"brief\".\n[user]1 + 1?\nAnswer:\n[assistant]2\n"
                                 "[user]2 + 2?\nAnswer:\n[assistant]"),
              SLICE_FMT, SLICE_ARG(out));
    arena_release(&arena);
}

// A folder of the shared model's own files, and a chat template beside them.
static const char *stories_that_chat(void)
{
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json"};
    static char folder[512];
    const char *model = stories();
    snprintf(folder, sizeof folder, "%s", folder_make());
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[600];
        snprintf(from, sizeof from, "%s/%s", model, files[i]);
        cr_assert_eq(symlink(from, folder_path(folder, files[i])), 0, "%s", from);
    }
    folder_write(folder, "chat_template.jinja", "{{ bos_token }}" TURNS);
    // Of the older kind: what follows a special token is marked as the beginning of a text is.
    folder_write(folder, "tokenizer_config.json",
                 "{\"tokenizer_class\": \"LlamaTokenizer\", \"legacy\": true, \"bos_token\": "
                 "\"<s>\", \"eos_token\": \"</s>\", \"unk_token\": \"<unk>\"}");
    return folder;
}

static Buffer chat_export(const char *model, const char *prompt)
{
    const RunsSuite suite = {.models = "[]", .has_parts = true, .folds = "{}"};
    const char *folder = runs_folder(&suite);
    char path[600], text[2000];
    Error err = {0};
    snprintf(path, sizeof path, "%s/suite.json", folder);
    snprintf(text, sizeof text,
             "{\"suite\": \"p\", \"models\": [{\"name\": \"dir\", \"path\": \"%s\"}], \"tasks\": "
             "[{\"name\": \"c\", \"family\": \"classify\", \"data\": \"data\", \"prompt\": %s}]}",
             model, prompt);
    cr_assert_eq(file_write(path, slice_from_cstr(text), &err), STATUS_OK, "%s", err.text);
    const Buffer out = runs_export(folder, NULL);
    folder_remove(folder);
    return out;
}

// What follows "[user]..\n[assistant]" is scored, and no other text: the same words as a plain prompt, whose beginning the
// tokenizer marks as the template does, give the same probabilities.
Test(prompt, a_run_asks_in_turns_what_a_plain_prompt_spells_out)
{
    const char *model = stories_that_chat();
    Buffer chat =
        chat_export(model, "{\"text\": \"{text} It is\", \"answer\": \" {answer}\", \"chat\": "
                           "true, \"instruction\": \"Say it.\"}");
    Buffer plain =
        chat_export(model, "{\"text\": \"[user]{text} It is\\n[assistant]\", \"answer\": "
                           "\"{answer}\", \"instruction\": \"[system]Say it.\\n\"}");
    size_t n = 0;
    Slice a = buffer_slice(&chat), b = buffer_slice(&plain), x, y;
    while (slice_split(&a, '\n', &x) && slice_split(&b, '\n', &y)) {
        const bool is_output = slice_find(x, SLICE("\"kind\":\"output\"")) != SIZE_MAX;
        if (!is_output) continue;
        n++;
        cr_expect(slice_eq(x, y), SLICE_FMT "\n  is not " SLICE_FMT, SLICE_ARG(x), SLICE_ARG(y));
    }
    cr_expect_gt(n, 10);
    buffer_release(&chat);
    buffer_release(&plain);
    folder_remove(model);
}

Test(prompt, what_cannot_be_asked_is_said_before_the_first_trial)
{
    const RunsSuite suite = {.models = "[]", .has_parts = true, .folds = "{}"};
    static const struct {
        const char *prompt, *wanted;
    } cases[] = {
        {"{\"text\": \"{text}\", \"answers\": {\"purple\": \"x\"}}", "no class of the data"},
        {"{\"text\": \"{pair}\"}", "has no {pair}"},
        {"{\"text\": \"{text}\", \"chat\": true}", "has no chat template"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = runs_folder(&suite);
        char path[600], text[5000];
        Error err = {0};
        RunResult result = {0};
        snprintf(path, sizeof path, "%s/suite.json", folder);
        snprintf(text, sizeof text, "{\"suite\": \"p\", \"models\": %s}",
                 prompt_suite(cases[i].prompt, stories()));
        cr_assert_eq(file_write(path, slice_from_cstr(text), &err), STATUS_OK, "%s", err.text);
        const Status s = runs_run(folder, NULL, &result, &err);
        cr_expect_eq(s, STATUS_INVALID, "%s: %s", cases[i].prompt, err.text);
        cr_expect(strstr(err.text, cases[i].wanted) != NULL, "%s gives %s", cases[i].prompt,
                  err.text);
        cr_expect_eq(result.n_done + result.n_failed, 0);
        run_result_release(&result);
        folder_remove(folder);
    }
}

// A fresh language model over the sentences of runs.h, told by one word, asked by prompt.
static const char *fresh_folder(const char *architecture, const char *prompt, const char *tune)
{
    static char models[512];
    snprintf(models, sizeof models,
             "[{\"name\": \"tiny\", \"create\": {\"architecture\": \"%s\", \"hidden_size\": 16, "
             "\"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, \"max_positions\": 48, "
             "\"vocab_size\": 340, \"dropout\": 0}}]",
             architecture);
    return runs_folder(&(RunsSuite){.models = models, .task = prompt, .tune = tune});
}

Test(prompt, a_fresh_language_model_learns_answers_to_prompts)
{
    static const char *const architectures[] = {"gpt2", "llama"};
    for (size_t i = 0; i < 2; i++) {
        const char *folder = fresh_folder(
            architectures[i], ", \"prompt\": {\"text\": \"{text}\\n=>\", \"shots\": 0}",
            "{\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 30}");
        Buffer plain = runs_export(folder, NULL);
        Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
        cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
        const double best = runs_best(&plain, "accuracy");
        cr_expect_gt(best, 0.9, "%s: accuracy %g", architectures[i], best);
        buffer_release(&plain);
        buffer_release(&jobs);
        folder_remove(folder);
    }
}

// Without a prompt it is a classifier: a score for each class from its last token.
Test(prompt, a_fresh_language_model_without_a_prompt_classifies)
{
    static const char *const architectures[] = {"gpt2", "llama"};
    for (size_t i = 0; i < 2; i++) {
        const char *folder = fresh_folder(
            architectures[i], "", "{\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 30}");
        Buffer plain = runs_export(folder, NULL);
        const double best = runs_best(&plain, "accuracy");
        cr_expect_gt(best, 0.9, "%s: accuracy %g", architectures[i], best);
        buffer_release(&plain);
        folder_remove(folder);
    }
}

Test(prompt, what_a_fresh_language_model_cannot_do_is_said)
{
    static const struct {
        const char *prompt, *tune, *says;
    } cases[] = {
        {", \"prompt\": {\"text\": \"{text}:\"}", "{\"class_weights\": \"balanced\"}",
         "\"class_weights\" weighs classes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = fresh_folder("gpt2", cases[i].prompt, cases[i].tune);
        Error err = {0};
        RunResult result = {0};
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID, "case %zu", i);
        cr_expect(strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
        run_result_release(&result);
        folder_remove(folder);
    }
}

// The choice named in the model's own words, whatever its case; a metric of likelihoods is refused then.
Test(prompt, a_written_answer_names_a_choice)
{
    char rows[1 << 14], suite[2048];
    size_t at = 0;
    Error err = {0};
    RunResult result = {0};
    const char *folder = folder_make();
    for (int i = 0; i < 80; i++)
        at += (size_t)snprintf(
            rows + at, sizeof rows - at,
            "{\"question\": \"%s %d\", \"choices\": [\"Red.\", \"Blue\", \"nobody knows\"], "
            "\"answer\": %d}\n",
            i % 2 ? "cat" : "dog", i, i % 2);
    for (int turn = 0; turn < 2; turn++) {
        snprintf(
            suite, sizeof suite,
            "{\"suite\": \"w\", \"models\": [{\"name\": \"tiny\", \"create\": {\"architecture\": \"llama\", "
            "\"hidden_size\": 32, \"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 64, "
            "\"max_positions\": 32, \"vocab_size\": 300, \"dropout\": 0}}],\n\"tasks\": [{\"name\": \"c\", "
            "\"family\": \"choice\", %s\"near_duplicates\": 0, \"data\": {\"train\": \"c.jsonl\", \"test\": "
            "\"c.jsonl\"}, \"prompt\": {\"text\": \"{question} =>\", \"option\": \"written\", "
            "\"max_new_tokens\": 6}}],\n\"tune\": {\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 20}, "
            "\"report\": {\"formats\": [\"json\"]}}",
            turn ? "\"metrics\": [\"multiple_choice\"], " : "");
        folder_write(folder, "c.jsonl", rows);
        folder_write(folder, "suite.json", suite);
        if (turn == 1) break;
        Buffer plain = runs_export(folder, NULL);
        const double best = runs_best(&plain, "accuracy");
        cr_expect_gt(best, 0.9, "accuracy %g", best);
        cr_expect_not_null(strstr(plain.ptr, "\"name\":\"unparsed\""));
        buffer_release(&plain);
    }
    Suite *wrong = NULL;
    cr_expect_eq(suite_load(folder_path(folder, "suite.json"), NULL, &wrong, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "multiple_choice wants likelihoods"), "%s", err.text);
    suite_close(&wrong);
    run_result_release(&result);
    folder_remove(folder);
}
