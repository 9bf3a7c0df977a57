// The rows of tasks and task definitions.
#include "datasets/reader.h"
#include "datasets/scheme.h"
#include "harness/family.h"
#include "harness/likelihood.h"
#include "harness/suite/keys_internal.h"
#include "metrics/metrics.h"

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

// What a task in a suite and a definition in a file of its own share. The keys of reading are datasets/reader.h's.
static const SuiteKey keys_shared[] = {
    {KEY("family", KEY_CHOICE,
         "what the task asks for: `classify` gives each text one class, `multilabel` any number of "
         "labels, `regression` a number, `tag` each word a tag, `span` answers by a span of a passage, `choice` takes one of several answers, `generate` "
         "writes its own, `translate` writes a target for each source, `prefer` says "
         "which of several texts a model finds the likeliest, `associate` how near sets of texts are to "
         "each other, `texts` how likely texts are",
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
    {KEY("threshold", KEY_NUMBER, "of `multilabel`: the probability from which a label holds",
         "0.5"),
     .highest = 1, FIELD(SuiteTask, threshold)},
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
    {KEY("src_lang", KEY_TEXT,
         "of `translate`: the language of the sources, as the model's tokenizer names it (`en_XX`, "
         "`eng_Latn`, `en`)",
         "(as the model's files say)"),
     FIELD(SuiteTask, src_lang), .is_omitted = true},
    {KEY("tgt_lang", KEY_TEXT, "of `translate`: the language that is written, likewise",
         "(as the model's files say)"),
     FIELD(SuiteTask, tgt_lang), .is_omitted = true},
    {KEY("source_prefix", KEY_TEXT,
         "of `translate`: a text before each source, as T5 wants one: `translate English to German: `",
         "(nothing)"),
     FIELD(SuiteTask, source_prefix), .is_omitted = true},
    {KEY("counterfactual", KEY_TEXT,
         "judge copies of samples too, with words for a group swapped: a list that comes with assay "
         "(`pronouns`, `names`), or the path of one",
         "(nothing is swapped)"),
     FIELD(SuiteTask, counterfactual), .is_omitted = true},
    {KEY("slices", KEY_OTHER,
         "attributes by whose values the scores are given too: names of `columns.attributes`, of the "
         "format's own, or `group`; an empty list for none",
         "(those with 2 to 20 values)"),
     .schema = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", .shown = "list of names",
     FIELD(SuiteTask, slices), .read = task_read_slices},
    {KEY("prepare", KEY_NAMES,
         "steps that all texts of every part go through, in this order, before anything else",
         "[]"),
     .choice = choice_step, .read = task_read_prepare},
    {KEY("likelihood", KEY_CHOICE,
         "of `prefer`: of a text's tokens the `sum` or the `mean`, of those that the texts `shared`, of "
         "the `target` that fills a blank, or of the `mention` whom a pronoun refers to",
         "(by the format)"),
     .choice = choice_likelihood, FIELD(SuiteTask, likelihood), .is_omitted = true},
    {KEY("prompt", KEY_OBJECT,
         "how causal models are asked in words, in place of a head of their own; `choice` and "
         "`generate` need it",
         "(none)"),
     .section = &section_prompt},
    {KEY("zero_shot", KEY_OBJECT,
         "of `classify`: how saved models that tell entailment (NLI) are asked about classes that they "
         "were not tuned on",
         "(none)"),
     .section = &section_zero_shot},
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
    {KEY("label_separator", KEY_TEXT,
         "of `multilabel`: what stands between the labels of one column", "\",\"")},
    {KEY("unseen_labels", KEY_CHOICE,
         "of `classify`, `multilabel` and `tag`: what becomes of classes and tags that stand in the other parts alone: "
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
    {KEY("label", KEY_OTHER,
         "the class; of `regression` the number; of `multilabel` the labels, in JSON as a list, or a list "
         "of columns of 0 and 1, one for each label, also as an object from label to column",
         "(by the usual names)"),
     .schema = "{\"type\":[\"string\",\"integer\",\"array\",\"object\"],\"items\":" COLUMN_SCHEMA
               ",\"additionalProperties\":" COLUMN_SCHEMA "}",
     .shown = "name or number from 1, or several"},
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
