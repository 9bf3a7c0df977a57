// The rows. Reading by them is in section.c.
#include "harness/suite/keys.h"

#include <stddef.h>

#include "datasets/reader.h"
#include "datasets/scheme.h"
#include "harness/family.h"
#include "harness/likelihood.h"
#include "harness/suite/suite.h"
#include "harness/suite/suite_internal.h"
#include "metrics/metrics.h"
#include "models/architecture.h"
#include "models/beam.h"

#define COUNT(array)        (sizeof(array) / sizeof *(array))
#define FIELD(Type, member) .offset = offsetof(Type, member), .size = sizeof(((Type *)0)->member)
#define KEY(name_, kind_, summary_, fallback_) \
    .name = (name_), .kind = (kind_), .summary = (summary_), .fallback = (fallback_)

enum { MANY = 1000000 };

#define MOST 9007199254740992.0 // 2^53: integers up to here are exact in every reader of JSON

// --- choices -------------------------------------------------------------------------------------------------------

static const char *choice_schedule(size_t i)
{
    return i < SCHEDULE_COUNT ? schedule_name((Schedule)i) : NULL;
}

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

static const char *choice_bad_answers(size_t i)
{
    static const char *const names[] = {"refuse", "drop", "relocate"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_unseen_labels(size_t i)
{
    static const char *const names[] = {"wrong", "refuse"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_empty_sides(size_t i)
{
    static const char *const names[] = {"refuse", "drop", "keep"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_items(size_t i)
{
    static const char *const names[] = {"intrasentence", "intersentence", "all"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_decode(size_t i)
{
    static const char *const ways[] = {"argmax", "valid"};
    return i < 2 ? ways[i] : NULL;
}

static const char *choice_step(size_t i)
{
    return i < steps_count ? steps_all[i]->name : NULL;
}

static const char *choice_scheme(size_t i)
{
    return scheme_name(i);
}

static const char *choice_likelihood(size_t i)
{
    return i < N_LIKELIHOODS ? likelihood_name((Likelihood)i) : NULL;
}

static const char *choice_family(size_t i)
{
    return i < families_count ? families_all[i]->name : NULL;
}

static const char *choice_reader(size_t i)
{
    return i < readers_count ? readers_all[i]->name : NULL;
}

static const char *choice_encoding(size_t i)
{
    static const char *const names[] = {"utf-8", "latin1", "windows-1252"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const char *choice_compute(size_t i)
{
    static const char *const names[] = {"f32", "bf16", "int8"};
    return i < COUNT(names) ? names[i] : NULL;
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

static const char *choice_metric(size_t i)
{
    return i < metrics_count ? metrics_all[i]->name : NULL;
}

static bool is_metric_of_some_family(const Metric *metric)
{
    for (size_t i = 0; i < families_count; i++) {
        if (!(metric->needs & ~families_all[i]->gives)) return true;
    }
    return false;
}

// Metrics that a task of some family can have.
static const char *offered_metric(size_t i)
{
    for (size_t j = 0; j < metrics_count; j++) {
        if (!is_metric_of_some_family(metrics_all[j])) continue;
        if (i-- == 0) return metrics_all[j]->name;
    }
    return NULL;
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
     .choice = choice_compute, FIELD(SuiteModel, compute)},
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

// --- tasks ---------------------------------------------------------------------------------------------------------

// What a task in a suite and a definition in a file of its own share. The keys of reading are datasets/reader.h's.
static const SuiteKey keys_shared[] = {
    {KEY("family", KEY_CHOICE,
         "what the task asks for: `classify` gives each text one class, `tag` each word a tag, "
         "`span` answers by a span of a passage, `choice` takes one of several answers, `generate` "
         "writes its own, `translate` writes a target for each source, `prefer` says "
         "which of several texts a model finds the likeliest, `associate` how near sets of texts are to "
         "each other",
         "\"classify\""),
     .choice = choice_family, FIELD(SuiteTask, family)},
    {KEY("decode", KEY_CHOICE,
         "of `tag`: `argmax` takes each word's best tag, `valid` the best sequence that the tags' "
         "scheme allows",
         "\"argmax\""),
     .choice = choice_decode, FIELD(SuiteTask, decode)},
    {KEY("scheme", KEY_CHOICE,
         "of `tag`: how the tags mark entities; tags that break it are then refused",
         "(found out)"),
     .choice = choice_scheme, FIELD(SuiteTask, scheme), .is_omitted = true},
    {KEY("near_duplicates", KEY_NUMBER,
         "inputs that share so much of their runs of three words are warned of as nearly equal; 0 "
         "does not look for them",
         "0.8"),
     .highest = 1, FIELD(SuiteTask, near_duplicates)},
    {KEY("doc_stride", KEY_COUNT, "of `span`: tokens that windows of a long passage share", "128"),
     .highest = MANY, FIELD(SuiteTask, doc_stride)},
    {KEY("max_answer", KEY_COUNT, "of `span`: tokens of the longest answer", "30"), .lowest = 1,
     .highest = MANY, FIELD(SuiteTask, max_answer)},
    {KEY("null_threshold", KEY_OTHER,
         "of `span`, where some questions have no answer: none is given if it scores higher by more "
         "than this; `tune` finds the best on the part held out",
         "0"),
     .shown = "number, -1000 to 1000, or `tune`",
     .schema = "{\"anyOf\":[{\"type\":\"number\",\"minimum\":-1000,\"maximum\":1000},"
               "{\"const\":\"tune\"}]}",
     FIELD(SuiteTask, null_threshold), .read = task_read_null_threshold},
    {KEY("beams", KEY_COUNT,
         "of `translate`: translations that are kept at each step; 1 takes the likeliest token",
         "(as the model's files say, else 1)"),
     .lowest = 1, .highest = BEAM_MAX_BEAMS, FIELD(SuiteTask, beams)},
    {KEY("length_penalty", KEY_NUMBER,
         "of `translate`: a translation's log-probability is divided by its length to this power",
         "(as the model's files say, else 1)"),
     .lowest = -1000, .highest = 1000, FIELD(SuiteTask, length_penalty)},
    {KEY("max_new_tokens", KEY_COUNT, "of `translate`: tokens of the longest translation",
         "(as the model's files say, and at most twice the source's and 10)"),
     .lowest = 1, .highest = MANY, FIELD(SuiteTask, max_new_tokens)},
    {KEY("counterfactual", KEY_TEXT,
         "judge copies of samples too, with words for a group swapped: a list that comes with assay "
         "(`pronouns`, `names`), or the path of one",
         "(nothing is swapped)"),
     FIELD(SuiteTask, counterfactual), .is_omitted = true},
    {KEY("slices", KEY_OTHER,
         "attributes by whose values the primary score is given too: names of `columns.attributes`, of the "
         "format's own, or `group`; an empty list for none",
         "(those with 2 to 20 values)"),
     .schema = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", .shown = "list of names",
     FIELD(SuiteTask, slices), .read = task_read_slices},
    {KEY("prepare", KEY_NAMES,
         "steps that all texts of every part go through, in this order, before anything else",
         "[]"),
     .choice = choice_step, .read = task_read_prepare},
    {KEY("likelihood", KEY_CHOICE,
         "of `prefer`: of a text's tokens the `sum` or the `mean`, of those that the texts `shared`, or of "
         "the `target` that fills a blank",
         "(by the format)"),
     .choice = choice_likelihood, FIELD(SuiteTask, likelihood), .is_omitted = true},
    {KEY("prompt", KEY_OBJECT,
         "how causal models are asked in words, in place of a head of their own; `choice` and "
         "`generate` need it",
         "(none)"),
     .section = &section_prompt},
    {KEY("metrics", KEY_NAMES, "the scores: names, or objects with `name` and `params`",
         "(the family's)"),
     .choice = choice_metric, .offered = offered_metric, .section = &section_metric},
    {KEY("primary", KEY_TEXT, "the score by which settings are chosen and rows ordered",
         "(the first metric)"),
     FIELD(SuiteTask, primary), .is_omitted = true},
    {KEY("max_length", KEY_COUNT,
         "tokens of a sequence, longer ones are cut; 0: as many as the "
         "model takes",
         "0"),
     .highest = MANY, FIELD(SuiteTask, max_length)},
    {KEY("format", KEY_CHOICE, "the reader of the files", "(by the file's name)"),
     .choice = choice_reader},
    {KEY("columns", KEY_OBJECT, "which column or key is what", "(found by the usual names)"),
     .section = &section_columns},
    {KEY("header", KEY_BOOL, "whether the first row names the columns", "(found out)")},
    {KEY("delimiter", KEY_TEXT, "one character, or `tab`, `comma`, `semicolon`, `space`",
         "(the format's)")},
    {KEY("encoding", KEY_CHOICE, "of the files", "\"utf-8\""), .choice = choice_encoding},
    {KEY("empty_sides", KEY_CHOICE,
         "of `translate`: what becomes of pairs with an empty source or target", "\"refuse\""),
     .choice = choice_empty_sides},
    {KEY("bad_answers", KEY_CHOICE,
         "of `span`: what becomes of answers that do not stand where the file says: it is refused, they "
         "are left out (`drop`), or moved to the nearest place of the passage where they stand",
         "\"refuse\""),
     .choice = choice_bad_answers},
    {KEY("items", KEY_CHOICE,
         "of format `stereoset`: the items to read, those whose words fill a blank "
         "(`intrasentence`), those whose sentences follow another (`intersentence`), or `all`",
         "\"intrasentence\""),
     .choice = choice_items},
    {KEY("unseen_labels", KEY_CHOICE,
         "of `classify` and `tag`: what becomes of classes and tags that stand in the other parts alone: "
         "they are counted, and every answer there is `wrong`; or the file is refused",
         "\"wrong\""),
     .choice = choice_unseen_labels, FIELD(SuiteTask, unseen_labels)},
    {KEY("labels", KEY_OTHER, "the classes in order; another label in a file is then an error",
         "(as found, sorted)"),
     .shown = "list of names",
     .schema = "{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"number\"]}}"},
    {KEY("labels_file", KEY_PATH, "for format `lines`: the file with a label a line",
         "(X_labels.txt beside X_text.txt)")},
};
const SuiteSection section_shared = {.name = "tasks[], and task definitions",
                                     .summary =
                                         "What a task is, in a suite or in a file of its own.",
                                     .keys = keys_shared,
                                     .n_keys = COUNT(keys_shared)};

static const SuiteKey keys_task[] = {
    {KEY("use", KEY_TEXT,
         "a task definition by name, or by path where it has a '/'; other keys here "
         "replace its own",
         "(none: defined here)")},
    {KEY("name", KEY_TEXT, "what reports call it; each name once", "(the definition's)"),
     FIELD(SuiteTask, name)},
    {KEY("data", KEY_PATHS,
         "a directory with train, dev and test files, one file (then it is train), or an object of paths",
         "(given by --data)"),
     .section = &section_data},
};
const SuiteSection section_task = {.name = "tasks[]",
                                   .summary = "One task.",
                                   .keys = keys_task,
                                   .n_keys = COUNT(keys_task),
                                   .more = &section_shared};

static const SuiteKey keys_definition[] = {
    {KEY("task", KEY_TEXT, "the definition's name: that of its file", NULL),
     FIELD(SuiteTask, name)},
    {KEY("summary", KEY_TEXT, "one line that `assay list tasks` shows", "(none)"),
     FIELD(SuiteTask, summary)},
};
const SuiteSection section_definition = {.name = "task definition",
                                         .summary = "A task in a file of its own.",
                                         .keys = keys_definition,
                                         .n_keys = COUNT(keys_definition),
                                         .more = &section_shared};

#define COLUMN_SCHEMA "{\"type\":[\"string\",\"integer\"]}"
static const SuiteKey keys_columns[] = {
    {KEY("text", KEY_OTHER, "the text", "(by the usual names)"), .schema = COLUMN_SCHEMA,
     .shown = "name or number from 1"},
    {KEY("pair", KEY_OTHER, "the second text, where the task has two", "(by the usual names)"),
     .schema = COLUMN_SCHEMA, .shown = "name or number from 1"},
    {KEY("label", KEY_OTHER, "the class", "(by the usual names)"), .schema = COLUMN_SCHEMA,
     .shown = "name or number from 1"},
    {KEY("id", KEY_OTHER, "an id of the sample", "(id or guid, else made from the input)"),
     .schema = COLUMN_SCHEMA, .shown = "name or number from 1"},
    {KEY("group", KEY_OTHER, "samples of one group never stand on both sides of a split", "(none)"),
     .schema = COLUMN_SCHEMA, .shown = "name or number from 1"},
    {KEY("target", KEY_OTHER,
         "of `translate`: what is to be written; `parallel` has files for columns: text and target are "
         "the ends of their names",
         "(by the usual names)"),
     .schema = COLUMN_SCHEMA, .shown = "name or number from 1"},
    {KEY("choices", KEY_OTHER,
         "of `choice`: the key that holds all choices, or a list of columns; `label` is then the right one: "
         "an index from 0, a letter, or its text",
         "(by the usual names)"),
     .schema = "{\"type\":[\"string\",\"integer\",\"array\"],\"items\":" COLUMN_SCHEMA "}",
     .shown = "column or list of columns"},
    {KEY("attributes", KEY_OTHER, "columns by which a report may slice, fields of prompts",
         "(none)"),
     .schema = "{\"type\":[\"array\",\"object\"],\"items\":" COLUMN_SCHEMA
               ",\"additionalProperties\":" COLUMN_SCHEMA "}",
     .shown = "list of columns or object"},
};
const SuiteSection section_columns = {.name = "tasks[].columns",
                                      .summary = "Columns of tables, keys of JSON Lines.",
                                      .keys = keys_columns,
                                      .n_keys = COUNT(keys_columns)};

static const SuiteKey keys_metric[] = {
    {KEY("name", KEY_CHOICE, "a metric, as `assay list metrics` shows them", NULL), .shown = "name",
     .choice = choice_metric, .offered = offered_metric},
    {KEY("params", KEY_OTHER, "its options", "{}"), .schema = "{\"type\":\"object\"}",
     .shown = "object"},
};
const SuiteSection section_metric = {.name = "tasks[].metrics[]",
                                     .summary = "One metric with options.",
                                     .keys = keys_metric,
                                     .n_keys = COUNT(keys_metric)};

#define TARGET_SUMMARY \
    "for format `parallel`: the file with a target a line; several are several references"
#define TARGET_SCHEMA                                                                 \
    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"minItems\":1,\"items\":" \
    "{\"type\":\"string\"}}]}"
static const SuiteKey keys_data[] = {
    {KEY("train", KEY_PATH, "what is learnt from; with folds the only part used", "(none)")},
    {KEY("valid", KEY_PATH, "for early stopping and choosing a setting, without folds", "(none)")},
    {KEY("test", KEY_PATH, "what is judged, without folds", "(none)")},
    {KEY("train_target", KEY_OTHER, TARGET_SUMMARY, "(by columns.target)"), .schema = TARGET_SCHEMA,
     .shown = "path or list of paths"},
    {KEY("valid_target", KEY_OTHER, TARGET_SUMMARY, "(by columns.target)"), .schema = TARGET_SCHEMA,
     .shown = "path or list of paths"},
    {KEY("test_target", KEY_OTHER, TARGET_SUMMARY, "(by columns.target)"), .schema = TARGET_SCHEMA,
     .shown = "path or list of paths"},
};
const SuiteSection section_data = {.name = "tasks[].data",
                                   .summary = "The files of a task.",
                                   .keys = keys_data,
                                   .n_keys = COUNT(keys_data)};

// --- tuning --------------------------------------------------------------------------------------------------------

static const char *choice_prune_scope(size_t i)
{
    return i < PRUNE_SCOPE_COUNT ? prune_scope_name((PruneScope)i) : NULL;
}

static const char *choice_quantize(size_t i)
{
    static const char *const names[] = {"none", "f16", "q8_0", "q6_k", "q5_0", "q4_k", "q4_0"};
    return i < COUNT(names) ? names[i] : NULL;
}

#define WEIGHTS_SCHEMA                                                                              \
    "{\"anyOf\":[{\"enum\":[\"none\",\"balanced\"]},{\"type\":\"object\",\"additionalProperties\":" \
    "{\"anyOf\":[{\"type\":\"number\",\"minimum\":0},{\"type\":\"array\",\"minItems\":1,"           \
    "\"items\":{\"type\":\"number\",\"minimum\":0}}]}}]}"

static const char *choice_tuning_compute(size_t i)
{
    static const char *const names[] = {"f32", "bf16"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const SuiteKey keys_tune[] = {
    {KEY("learning_rate", KEY_NUMBER, "AdamW's rate at the end of the warm-up", "5e-05"),
     .lowest = 1e-10, .highest = 1e12, FIELD(TuneSetting, learning_rate)},
    {KEY("batch_size", KEY_COUNT, "sequences a batch", "16"), .lowest = 1, .highest = MANY,
     FIELD(TuneSetting, batch_size)},
    {KEY("accumulate", KEY_COUNT,
         "batches a step: the step is that of one batch so many times as large", "1"),
     .lowest = 1, .highest = MANY, FIELD(TuneSetting, accumulate)},
    {KEY("epochs", KEY_NUMBER, "passes over the training part; a fraction ends within one", "3"),
     .lowest = 0.001, .highest = MANY, FIELD(TuneSetting, epochs), .write = tune_write_epochs},
    {KEY("max_steps", KEY_COUNT, "so many steps in place of epochs", "(epochs count)"), .lowest = 1,
     .highest = 1e9, FIELD(TuneSetting, max_steps), .is_omitted = true},
    {KEY("schedule", KEY_CHOICE, "how the rate falls after the warm-up", "\"linear\""),
     .choice = choice_schedule, FIELD(TuneSetting, schedule)},
    {KEY("warmup", KEY_OTHER,
         "steps over which the rate rises from 0: a share of all steps below 1, or "
         "a whole number of steps",
         "0"),
     .schema = "{\"type\":\"number\",\"minimum\":0,\"maximum\":1000000000}",
     .shown = "share or whole number", .read = tune_read_warmup, .write = tune_write_warmup},
    {KEY("cycles", KEY_COUNT, "of the schedule cosine-restarts", "1"), .lowest = 1, .highest = 1000,
     FIELD(TuneSetting, n_cycles)},
    {KEY("weight_decay", KEY_NUMBER, "AdamW's decay, never on biases and norms", "0"),
     .highest = 100, FIELD(TuneSetting, weight_decay)},
    {KEY("beta1", KEY_NUMBER, "AdamW's decay of the first moment", "0.9"), .lowest = 1e-6,
     .highest = 0.999999, FIELD(TuneSetting, beta1)},
    {KEY("beta2", KEY_NUMBER, "AdamW's decay of the second moment", "0.999"), .lowest = 1e-6,
     .highest = 0.999999, FIELD(TuneSetting, beta2)},
    {KEY("epsilon", KEY_NUMBER, "AdamW's term under the division", "1e-08"), .lowest = 1e-30,
     .highest = 1, FIELD(TuneSetting, epsilon)},
    {KEY("clip", KEY_NUMBER, "largest global norm of the gradient; 0 does not clip", "1"),
     .highest = 1e9, FIELD(TuneSetting, clip)},
    {KEY("dropout", KEY_NUMBER, "share of activations dropped",
         "(as the model's config.json says)"),
     .highest = 0.999, FIELD(TuneSetting, dropout), .is_omitted = true},
    {KEY("label_smoothing", KEY_NUMBER, "share of the target spread over all classes", "0"),
     .highest = 0.999, FIELD(TuneSetting, label_smoothing)},
    {KEY("class_weights", KEY_OTHER,
         "weights of the classes in the loss: `none`, `balanced` (inverse to their counts), or an object from "
         "label to weight (1 where a label is not named)",
         "\"none\""),
     .schema = WEIGHTS_SCHEMA, .shown = "`none`, `balanced` or object", .read = tune_read_weights,
     .write = tune_write_weights},
    {KEY("balance", KEY_OBJECT,
         "let groups of the training samples count alike, those of an attribute say; `true` draws samples with "
         "replacement so that classes come equally often",
         "false"),
     .section = &section_balance, .read = tune_read_balance, .write = tune_write_balance},
    {KEY("freeze", KEY_TEXT,
         "parts that stay as they are: `embeddings`, `encoder`, blocks as `0-3,7`, tensors as `name:*.bias`",
         "(nothing)"),
     FIELD(TuneSetting, freeze), .is_omitted = true, .read = tune_read_freeze},
    {KEY("lora", KEY_TEXT,
         "low-rank adapters are learned, and the new head: `rank=8,alpha=16,targets=query+value`",
         "(off)"),
     FIELD(TuneSetting, lora), .is_omitted = true, .read = tune_read_lora},
    {KEY("gradual_unfreezing", KEY_COUNT,
         "epochs until one more block learns, the head alone first; 0 is off", "0"),
     .highest = 1000, FIELD(TuneSetting, gradual_unfreezing)},
    {KEY("layer_decay", KEY_NUMBER, "factor on the rate for each block further down", "1"),
     .lowest = 1e-6, .highest = 1, FIELD(TuneSetting, layer_decay)},
    {KEY("lanes", KEY_COUNT, "partial sums in which gradients are added; it changes the last bits",
         "4"),
     .lowest = 1, .highest = 16, FIELD(TuneSetting, lanes)},
    {KEY("sort_by_length", KEY_BOOL, "batches of texts of similar length", "false"),
     FIELD(TuneSetting, sort_by_length)},
    {KEY("tuning_compute", KEY_CHOICE,
         "how dense layers multiply in tuning: `bf16` rounds both sides and adds in f32; weights and "
         "gradients stay f32",
         "(as `f32`)"),
     .choice = choice_tuning_compute, FIELD(TuneSetting, tuning_compute), .is_omitted = true},
    {KEY("gradient_checkpointing", KEY_BOOL,
         "compute the blocks' activations anew in the backward pass: less memory, more time, the same "
         "bits",
         "false"),
     FIELD(TuneSetting, gradient_checkpointing), .write = tune_write_checkpointing},
    {KEY("max_length", KEY_COUNT, "tokens of a sequence, longer ones are cut",
         "(as the task says)"),
     .lowest = 4, .highest = MANY, FIELD(TuneSetting, max_length), .is_omitted = true},
    {KEY("prune", KEY_NUMBER,
         "share of the blocks' weights, those of least magnitude, that become 0 once the model is tuned",
         "0"),
     .highest = 0.999, FIELD(TuneSetting, prune), .write = tune_write_prune},
    {KEY("prune_scope", KEY_CHOICE,
         "`matrix` takes the share of each matrix, `global` of all together", "\"matrix\""),
     .choice = choice_prune_scope, FIELD(TuneSetting, prune_scope), .write = tune_write_prune},
    {KEY("quantize", KEY_CHOICE,
         "the format of numbers that the tuned model is written in and judged with, as `assay quantize` has it",
         "\"none\""),
     .choice = choice_quantize, FIELD(TuneSetting, quantize), .write = tune_write_quantize},
    {KEY("compute", KEY_CHOICE,
         "how the products of the tuned model are computed where it is judged; tuning itself computes in `f32`",
         "(as `--compute` says)"),
     .choice = choice_compute, FIELD(TuneSetting, compute), .is_omitted = true},
    {KEY("until_epoch", KEY_NUMBER,
         "tuning ends here, with the schedule of all epochs; a search by halving sets it",
         "(its end)"),
     .lowest = 0.001, .highest = MANY, FIELD(TuneSetting, until_epoch), .write = tune_write_until},
    {KEY("until_step", KEY_COUNT, "the same in steps", "(its end)"), .lowest = 1, .highest = 1e9,
     FIELD(TuneSetting, until_step), .is_omitted = true},
    {KEY("train_samples", KEY_NUMBER,
         "learn from a stratified subset: a share below 1, or a number of samples from 2; a learning "
         "curve sets it",
         "(all)"),
     .lowest = 1e-6, .highest = 1e9, FIELD(TuneSetting, train_samples), .read = tune_read_samples,
     .write = tune_write_samples},
    {KEY("after", KEY_TEXT, "what was done to the tuned model: the suite's `after` sets it",
         "(nothing)"),
     FIELD(TuneSetting, after), .is_omitted = true},
    {KEY("augment", KEY_OBJECT,
         "learn from copies of training samples with changes too; `false` does not", "false"),
     .section = &section_augment, .read = tune_read_augment, .write = tune_write_augment},
    {KEY("distill", KEY_OBJECT,
         "learn from a teacher's answers beside the labels; `false` does not", "false"),
     .section = &section_distill, .read = tune_read_distill, .write = tune_write_distill},
    {KEY("early_stopping", KEY_OBJECT,
         "look at the part held out after every epoch and keep the best weights; `false` keeps the last",
         "false"),
     .section = &section_stopping, .read = tune_read_stopping, .write = tune_write_stopping},
};
const SuiteSection section_tune = {.name = "tune",
                                   .summary =
                                       "The settings of tuning. An array is an axis of the grid.",
                                   .keys = keys_tune,
                                   .n_keys = COUNT(keys_tune),
                                   .is_grid = true};

static const SuiteKey keys_after[] = {
    {KEY("prune", KEY_NUMBER,
         "share of the blocks' weights, those of least magnitude, that become 0", "0"),
     .highest = 0.999, FIELD(TuneSetting, prune)},
    {KEY("prune_scope", KEY_CHOICE,
         "`matrix` takes the share of each matrix, `global` of all together", "\"matrix\""),
     .choice = choice_prune_scope, FIELD(TuneSetting, prune_scope)},
    {KEY("quantize", KEY_CHOICE, "the format of numbers that the model is written in", "\"none\""),
     .choice = choice_quantize, FIELD(TuneSetting, quantize)},
    {KEY("compute", KEY_CHOICE, "how its products are computed", "(as `--compute` says)"),
     .choice = choice_compute, FIELD(TuneSetting, compute)},
};
const SuiteSection section_after = {.name = "after[]",
                                    .summary = "One step on the tuned winner.",
                                    .keys = keys_after,
                                    .n_keys = COUNT(keys_after)};

static const SuiteKey keys_augment[] = {
    {KEY("kind", KEY_CHOICE,
         "`synonyms` puts other words of the lexicon in the place of words, `insert` puts such words in, `swap` "
         "exchanges words, `delete` leaves words out, `eda` does one of these to each text; `back-translate` "
         "translates texts forth and back, `paraphrase` has a causal model write them anew",
         NULL),
     .choice = augment_kind_name, FIELD(TuneSetting, augment.kind)},
    {KEY("share", KEY_NUMBER, "of the training samples that get copies", "1"), .lowest = 1e-6,
     .highest = 1, FIELD(TuneSetting, augment.share)},
    {KEY("copies", KEY_COUNT, "of each of them; back-translation makes one", "1"), .lowest = 1,
     .highest = 100, FIELD(TuneSetting, augment.copies)},
    {KEY("words", KEY_NUMBER, "share of a text's words that change, one at least", "0.1"),
     .lowest = 0, .highest = 1, FIELD(TuneSetting, augment.words)},
    {KEY("lexicon", KEY_TEXT,
         "words that may stand for each other: a lexicon that comes with assay, or the path of one",
         "(`en`)"),
     FIELD(TuneSetting, augment.lexicon), .is_omitted = true},
    {KEY("forward", KEY_TEXT,
         "of `back-translate`: the encoder-decoder that translates the texts, a directory or the name of a "
         "model of the suite that is not tuned",
         "(none)"),
     FIELD(TuneSetting, augment.forward), .is_omitted = true},
    {KEY("back", KEY_TEXT, "of `back-translate`: the one that translates back", "(none)"),
     FIELD(TuneSetting, augment.back), .is_omitted = true},
    {KEY("generator", KEY_TEXT,
         "of `paraphrase`: the causal model, a directory, a GGUF file or the name of a model of the suite that is "
         "not tuned",
         "(none)"),
     FIELD(TuneSetting, augment.generator), .is_omitted = true},
    {KEY("prompt", KEY_TEXT, "of `paraphrase`: what it reads, with `{text}`",
         "(`Say the same in other words.\\nText: {text}\\nIn other words:`)"),
     FIELD(TuneSetting, augment.prompt), .is_omitted = true, .read = tune_read_augment_prompt},
    {KEY("temperature", KEY_NUMBER, "of `paraphrase`: of sampling; 0 takes the likeliest token",
         "(0.8)"),
     .highest = 100, FIELD(TuneSetting, augment.temperature), .is_omitted = true},
    {KEY("max_new_tokens", KEY_COUNT, "of `paraphrase`: tokens that are written at most", "(64)"),
     .lowest = 1, .highest = MANY, FIELD(TuneSetting, augment.max_new_tokens), .is_omitted = true},
};
const SuiteSection section_augment = {.name = "tune.augment",
                                      .summary = "Copies of training samples.",
                                      .keys = keys_augment,
                                      .n_keys = COUNT(keys_augment),
                                      .is_grid = true};

static const SuiteKey keys_distill[] = {
    {KEY("teacher", KEY_TEXT,
         "a saved model with a head for the task's labels: its directory or file, or the name of a model "
         "of the suite that is not tuned",
         NULL),
     FIELD(TuneSetting, teacher)},
    {KEY("temperature", KEY_NUMBER, "what both models' scores are divided by", "2"), .lowest = 0.01,
     .highest = 1000, FIELD(TuneSetting, temperature)},
    {KEY("alpha", KEY_NUMBER, "the teacher's share of the loss; the labels have the rest", "0.5"),
     .highest = 1, FIELD(TuneSetting, alpha)},
};
const SuiteSection section_distill = {.name = "tune.distill",
                                      .summary = "Learning from a teacher.",
                                      .keys = keys_distill,
                                      .n_keys = COUNT(keys_distill),
                                      .is_grid = true};

static const char *choice_balance(size_t i)
{
    static const char *const names[] = {
        [BALANCE_RESAMPLE] = "resample", [BALANCE_REWEIGHT] = "reweight"};
    return i < COUNT(names) ? names[i] : NULL;
}

static const SuiteKey keys_balance[] = {
    {KEY("by", KEY_TEXT,
         "`class`, an attribute of the data, `group`, or several of them with commas between: `gender,class`",
         "\"class\""),
     FIELD(TuneSetting, balance.by)},
    {KEY("how", KEY_CHOICE,
         "`resample` draws samples with replacement so that groups come equally often, `reweight` weighs their "
         "losses so that groups weigh alike",
         "\"resample\""),
     .choice = choice_balance, FIELD(TuneSetting, balance.how)},
};
const SuiteSection section_balance = {.name = "tune.balance",
                                      .summary = "Groups that count alike in tuning.",
                                      .keys = keys_balance,
                                      .n_keys = COUNT(keys_balance),
                                      .is_grid = true};

static const SuiteKey keys_stopping[] = {
    {KEY("patience", KEY_COUNT, "epochs without a new best before stopping; 0 never stops early",
         "2"),
     .highest = 100000, FIELD(TuneSetting, patience)},
    {KEY("monitor", KEY_TEXT,
         "what is watched: `loss`, `primary` (the task's primary score), or a score by name",
         "\"loss\""),
     .size = 0, .read = tune_read_monitor, .write = tune_write_monitor},
    {KEY("min_delta", KEY_NUMBER, "how much better counts as better", "0"), .highest = 1e9,
     FIELD(TuneSetting, min_delta)},
};
const SuiteSection section_stopping = {.name = "tune.early_stopping",
                                       .summary = "Early stopping.",
                                       .keys = keys_stopping,
                                       .n_keys = COUNT(keys_stopping),
                                       .is_grid = true};

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
    &section_suite,   &section_model,   &section_create,  &section_task,     &section_shared,
    &section_columns, &section_prompt,  &section_metric,  &section_data,     &section_tune,
    &section_augment, &section_distill, &section_balance, &section_stopping, &section_search,
    &section_after,   &section_folds,   &section_report,  &section_explain,  &section_definition};
const size_t suite_sections_count = COUNT(suite_sections);
