// The rows of all but tasks (keys_tasks.c) and tuning (keys_tune.c). Reading by them is in section.c.
#include "harness/suite/keys_internal.h"
#include "models/architecture.h"

// --- choices -------------------------------------------------------------------------------------------------------

static const char *choice_architecture(size_t i)
{
    for (size_t k = 0; k < architectures_count; k++) {
        if (architectures_all[k]->complete && i-- == 0) return architectures_all[k]->model_type;
    }
    return NULL;
}

static const char *choice_tokenizer(size_t i)
{
    static const char *const kinds[] = {"wordpiece", "bpe"};
    return i < COUNT(kinds) ? kinds[i] : NULL;
}

static const char *choice_fold_kind(size_t i)
{
    static const char *const names[] = {[FOLDS_STRATIFIED] = "stratified",
                                        [FOLDS_PLAIN] = "plain",
                                        [FOLDS_GROUPED] = "grouped",
                                        [FOLDS_STRATIFIED_GROUPED] = "stratified-grouped"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_report_format(size_t i)
{
    return i < report_format_count ? report_formats[i].name : NULL;
}

const char *key_choice_compute(size_t i)
{
    static const char *const names[] = {"f32", "bf16", "int8"};
    return i < COUNT(names) ? names[i] : NULL;
}

// --- the top -------------------------------------------------------------------------------------------------------

static const SuiteKey keys_suite[] = {
    {KEY("$schema", KEY_TEXT, "the schema of suites, for editors that complete and check",
         "(none)")},
    {KEY("suite", KEY_TEXT, "the suite's name, in reports and in the ids of runs", NULL),
     FIELD(Suite, name)},
    {KEY("summary", KEY_TEXT, "one line that `assay list suites` shows", "(none)")},
    {KEY("seed", KEY_COUNT,
         "the number from which folds, hold-outs, fresh weights, order and dropout are drawn",
         "17"),
     .highest = MOST, FIELD(Suite, seed)},
    {KEY("repeats", KEY_COUNT, "how many seeds every setting is tuned with: seed, seed + 1, ...",
         "1"),
     .lowest = 1, .highest = 1000, FIELD(Suite, repeats)},
    {KEY("limit", KEY_COUNT,
         "at most this many samples of each file: a seeded stratified subset, stamped as such in every "
         "report; 0 takes all",
         "0"),
     .highest = MOST, FIELD(Suite, limit)},
    {KEY("filter", KEY_TEXT, "which part of the plan to run, as `--filter` has it", "(everything)"),
     FIELD(Suite, filter)},
    {KEY("suites", KEY_OTHER,
         "in place of all that follows: suites to run one after the other, by name or path",
         "(none)"),
     .shown = "list of names", .schema = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
    {KEY("models", KEY_LIST, "what is tuned and judged", "(given by --model)"),
     .section = &section_model},
    {KEY("tasks", KEY_LIST, "on what it is judged", "(given by --data)"), .section = &section_task},
    {KEY("tune", KEY_OBJECT, "how models are tuned; without it they are judged as saved",
         "(no tuning)"),
     .section = &section_tune},
    {KEY("search", KEY_OBJECT, "how settings come from `tune`", "(all combinations)"),
     .section = &section_search},
    {KEY("learning_curve", KEY_OTHER,
         "score against number of labels: shares of the training part up to 1.0, or numbers of samples",
         "(none)"),
     .shown = "list of shares and whole numbers",
     .schema =
         "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"number\",\"exclusiveMinimum\":0}}"},
    {KEY("after", KEY_LIST, "what is done to the tuned winner, each step on its own, and judged",
         "(nothing)"),
     .section = &section_after},
    {KEY("folds", KEY_OBJECT, "cross-validation, and what is held out for choosing a setting",
         "(train, valid and test files)"),
     .section = &section_folds},
    {KEY("report", KEY_OBJECT, "what is written at the end", "(one HTML file)"),
     .section = &section_report},
};
const SuiteSection section_suite = {.name = "suite",
                                    .summary = "The file as a whole.",
                                    .keys = keys_suite,
                                    .n_keys = COUNT(keys_suite)};

static const char *choice_explain(size_t i)
{
    return i < N_EXPLAIN_METHODS ? explain_method_name((ExplainMethod)i) : NULL;
}

static const SuiteKey keys_explain[] = {
    {KEY("method", KEY_CHOICE, "how much each token adds to an answer's score",
         "\"integrated-gradients\""),
     .choice = choice_explain, FIELD(SuiteExplain, method)},
    {KEY("steps", KEY_COUNT, "points of integrated gradients' sum", "32"), .lowest = 1,
     .highest = EXPLAIN_MAX_STEPS, FIELD(SuiteExplain, n_steps)},
    {KEY("samples", KEY_COUNT, "how many of the worst answers of each judged fold are explained",
         "5"),
     .lowest = 1, .highest = 1000, FIELD(SuiteExplain, n_samples)},
};
const SuiteSection section_explain = {.name = "report.explain",
                                      .summary = "What answers hang on.",
                                      .keys = keys_explain,
                                      .n_keys = COUNT(keys_explain)};

static const SuiteKey keys_report[] = {
    {KEY("formats", KEY_NAMES, "the files to write; `assay report` can write others later",
         "[\"html\"]"),
     .choice = choice_report_format},
    {KEY("dir", KEY_PATH, "the directory they are written to", "(--report, else assay-report)")},
    {KEY("explain", KEY_OBJECT,
         "of `classify`, `tag` and `span`: shade the words that the worst answers hang on",
         "false"),
     .section = &section_explain},
};
const SuiteSection section_report = {
    .name = "report", .summary = "Reports.", .keys = keys_report, .n_keys = COUNT(keys_report)};

// --- models --------------------------------------------------------------------------------------------------------

static const SuiteKey keys_model[] = {
    {KEY("name", KEY_TEXT, "what reports call it; each name once", NULL), FIELD(SuiteModel, name)},
    {KEY("path", KEY_PATH,
         "directory with config.json, model.safetensors and the tokenizer's files",
         "(given by --model, unless create)")},
    {KEY("create", KEY_OBJECT, "a fresh model instead of a saved one", "(none)"),
     .section = &section_create},
    {KEY("tune", KEY_OBJECT, "a grid for this model alone, in place of the suite's",
         "(the suite's)"),
     .section = &section_tune},
    {KEY("compute", KEY_CHOICE,
         "how its products are computed where it is judged, as `assay predict --compute` has it",
         "(as `--compute` says)"),
     .choice = key_choice_compute, FIELD(SuiteModel, compute)},
};
const SuiteSection section_model = {
    .name = "models[]", .summary = "One model.", .keys = keys_model, .n_keys = COUNT(keys_model)};

static const SuiteKey keys_create[] = {
    {KEY("architecture", KEY_CHOICE,
         "the kind of encoder; `marian` is an encoder-decoder, `gpt2` and `llama` are language models",
         "\"bert\""),
     .choice = choice_architecture, FIELD(SuiteCreate, architecture)},
    {KEY("hidden_size", KEY_COUNT, "width of a hidden state; a multiple of n_heads", "128"),
     .lowest = 1, .highest = 16384, FIELD(SuiteCreate, hidden_size)},
    {KEY("n_layers", KEY_COUNT, "blocks", "2"), .lowest = 1, .highest = 256,
     FIELD(SuiteCreate, n_layers)},
    {KEY("n_decoder_layers", KEY_COUNT, "blocks of the decoder, where there is one", "(n_layers)"),
     .lowest = 1, .highest = 256, FIELD(SuiteCreate, n_decoder_layers), .is_omitted = true},
    {KEY("n_heads", KEY_COUNT, "attention heads a block", "2"), .lowest = 1, .highest = 1024,
     FIELD(SuiteCreate, n_heads)},
    {KEY("intermediate_size", KEY_COUNT, "width inside the feed-forward part", "512"), .lowest = 1,
     .highest = 65536, FIELD(SuiteCreate, intermediate_size)},
    {KEY("max_positions", KEY_COUNT, "the longest sequence in tokens", "128"), .lowest = 4,
     .highest = 65536, FIELD(SuiteCreate, max_positions)},
    {KEY("dropout", KEY_NUMBER,
         "share of activations dropped in tuning, where tune does not say it", "0.1"),
     .highest = 0.999, FIELD(SuiteCreate, dropout)},
    {KEY("tokenizer", KEY_CHOICE,
         "trained on the training texts of each task, or its prompts and answers: `bpe`, which gives every text back as it "
         "was, for models that write",
         "(bpe for marian, gpt2 and llama, else wordpiece)"),
     .choice = choice_tokenizer, FIELD(SuiteCreate, tokenizer)},
    {KEY("vocab_size", KEY_COUNT,
         "tokens of the tokenizer; fewer where the texts do not give so many", "4000"),
     .lowest = 16, .highest = MANY, FIELD(SuiteCreate, vocab_size)},
    {KEY("cased", KEY_BOOL, "of `wordpiece`: keep upper case and accents", "false"),
     FIELD(SuiteCreate, is_cased)},
};
const SuiteSection section_create = {.name = "models[].create",
                                     .summary = "A fresh model.",
                                     .keys = keys_create,
                                     .n_keys = COUNT(keys_create)};

// --- search --------------------------------------------------------------------------------------------------------

static const char *choice_search(size_t i)
{
    static const char *const names[] = {
        [SEARCH_GRID] = "grid", [SEARCH_RANDOM] = "random", [SEARCH_HALVING] = "halving"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const SuiteKey keys_search[] = {
    {KEY("kind", KEY_CHOICE,
         "`grid` tries all combinations, `random` draws some, `halving` begins with all or some and goes on "
         "with the best",
         "\"grid\""),
     .choice = choice_search, FIELD(SuiteSearch, kind)},
    {KEY("trials", KEY_COUNT,
         "settings to draw; `random` needs it, `halving` takes the grid without",
         "(all combinations)"),
     .lowest = 1, .highest = 10000, FIELD(SuiteSearch, n_trials), .is_omitted = true},
    {KEY("seed", KEY_COUNT, "what settings are drawn from", "(the suite's)"), .highest = MOST,
     FIELD(SuiteSearch, seed)},
    {KEY("eta", KEY_NUMBER,
         "of `halving`: one setting in so many goes on, with so many times the budget", "3"),
     .lowest = 1.5, .highest = 100, FIELD(SuiteSearch, eta)},
    {KEY("min_epochs", KEY_NUMBER,
         "of `halving`: the first rung's budget, where settings have epochs", "(1)"),
     .lowest = 0.001, .highest = MANY, FIELD(SuiteSearch, min_epochs), .is_omitted = true},
    {KEY("min_steps", KEY_COUNT, "the same where settings have `max_steps`", "(none)"), .lowest = 1,
     .highest = 1e9, FIELD(SuiteSearch, min_steps), .is_omitted = true},
};
const SuiteSection section_search = {.name = "search",
                                     .summary = "How settings come from `tune`.",
                                     .keys = keys_search,
                                     .n_keys = COUNT(keys_search)};

// --- folds ---------------------------------------------------------------------------------------------------------

static const SuiteKey keys_folds[] = {
    {KEY("k", KEY_COUNT, "outer folds; 0 has none", "0"), .highest = 1000, FIELD(SuiteFolds, k)},
    {KEY("inner", KEY_OTHER,
         "what of each training part is held out for early stopping and choosing: a share below 1, a "
         "number of inner folds from 2, or 0 for nothing",
         "0.1"),
     .schema = "{\"type\":\"number\",\"minimum\":0,\"maximum\":1000}",
     .shown = "share or whole number", .read = folds_read_inner},
    {KEY("kind", KEY_CHOICE, "how samples are spread over folds", "\"stratified\""),
     .choice = choice_fold_kind, FIELD(SuiteFolds, kind)},
    {KEY("shuffle", KEY_BOOL, "false cuts in file order, as scikit-learn does without shuffling",
         "true"),
     .read = folds_read_shuffle},
    {KEY("allow_rare", KEY_BOOL, "spread classes with fewer samples than folds as far as they go",
         "false"),
     FIELD(SuiteFolds, allow_rare)},
    {KEY("keep_near", KEY_NUMBER,
         "samples whose inputs share so much of their runs of three words never stand on both sides of "
         "a split, as in `near_duplicates`; 0 keeps only equal inputs together",
         "0"),
     .highest = 1, FIELD(SuiteFolds, keep_near)},
    {KEY("file", KEY_PATH, "folds from a file: a line `id<TAB>fold` a sample",
         "(drawn from the seed)")},
    {KEY("refit", KEY_BOOL, "tune the winner again on the whole training part before it is judged",
         "false"),
     FIELD(SuiteFolds, refit)},
    {KEY("explore", KEY_BOOL, "judge the other settings on the outer fold too, never for choosing",
         "false"),
     FIELD(SuiteFolds, explore)},
    {KEY("final", KEY_PATH, "directory for the model tuned on all data with the best setting",
         "(none)")},
};
const SuiteSection section_folds = {.name = "folds",
                                    .summary = "Cross-validation.",
                                    .keys = keys_folds,
                                    .n_keys = COUNT(keys_folds)};

const SuiteSection *const suite_sections[] = {
    &section_suite,     &section_model,   &section_create,    &section_task,    &section_shared,
    &section_columns,   &section_prompt,  &section_zero_shot, &section_metric,  &section_data,
    &section_tune,      &section_augment, &section_distill,   &section_balance, &section_stopping,
    &section_search,    &section_after,   &section_folds,     &section_report,  &section_explain,
    &section_definition};
const size_t suite_sections_count = COUNT(suite_sections);
