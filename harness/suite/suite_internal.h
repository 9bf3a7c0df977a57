// harness/suite/suite_internal.h: between the sources that read suites.
#ifndef ASSAY_HARNESS_SUITE_SUITE_INTERNAL_H
#define ASSAY_HARNESS_SUITE_SUITE_INTERNAL_H

#include "harness/suite/augment.h"
#include "harness/suite/keys.h"
#include "harness/suite/overrides.h"
#include "harness/suite/suite.h"

// A document that a suite keeps: its own, or a task definition's.
struct SuiteDocuments {
    JsonDocument *document;
    struct SuiteDocuments *next;
};

// What reading has at hand. Text goes into suite->arena.
typedef struct SuiteReading {
    Suite *suite;
    const OverrideText *edited; // the suite's text with the command line's changes
    bool without_files;
} SuiteReading;

// Reads object[key] as a path: relative to the folder of file, or to the current folder where the command line gave it.
// *out stays as it is where the key is missing.
Status suite_read_path(const SuiteReading *reading, const Json *object, const char *key, Slice file,
                       const char **out, Error *err) MUST_CHECK;
Status suite_resolve_path(const SuiteReading *reading, const Json *value, Slice file,
                          const char **out, Error *err) MUST_CHECK;
// pieces.c: opens the SentencePiece model that a metric's params name, relative to the folder of file, and refuses a
// tokenizer that wants one and has none. Does nothing for other params, and where files are not looked at.
Status suite_read_pieces(const SuiteReading *reading, Slice file, SuiteMetric *metric,
                         Error *err) MUST_CHECK;
void suite_close_pieces(Suite *suite);
// suite.c
// The suite closes the document; it is closed here where there is no memory.
Status suite_keep_document(const SuiteReading *reading, JsonDocument *document,
                           Error *err) MUST_CHECK;
// A failure `s` with what `wrong` says: about the text at `at` where the text is at fault, else as it is.
Status suite_error_at(const Json *at, Status s, const Error *wrong, Error *err) MUST_CHECK;
// A copy in the suite's arena.
Status suite_copy(const SuiteReading *reading, Slice text, Slice *out, Error *err) MUST_CHECK;

// grid.c, tune.c
enum { SUITE_MAX_SETTINGS = 10000 };
// The settings of a tune block: its grid in order, where two equal ones are refused; or as many drawn as the search asks
// for, each once, fewer where there are not so many. search may be NULL: the grid.
Status tune_grid_read(Arena *arena, const Json *tune, const SuiteSearch *search,
                      const TuneSetting **settings, size_t *n_settings, Error *err) MUST_CHECK;
// draw.c: numbers drawn from {"uniform": [a, b]} and its kin.
// Whether a value of this key is a distribution. key NULL: the weight of a class.
bool tune_is_distribution(const SuiteKey *key, const Json *value);
typedef struct TuneDraw {
    uint64_t seed;
    uint64_t trial;   // which setting is drawn
    Slice key, label; // for which value: a key of tune, and a class's weight
} TuneDraw;
size_t tune_draw_index(const TuneDraw *draw, size_t n); // one of n
// A number as JSON, of at most 6 digits, or whole where the key wants that. Refuses bounds that the key does not allow.
// Closed by the caller.
Status tune_draw_number(const TuneDraw *draw, const SuiteKey *key, const Json *value, Arena *arena,
                        JsonDocument **out, Error *err) MUST_CHECK;
// The canonical text of a setting, into its json.
Status tune_write_canonical(TuneSetting *setting, Arena *arena, Error *err) MUST_CHECK;
// search.c
Status suite_read_search(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;
// after.c
Status suite_read_after(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;
// Of a setting, once its step is taken; its canonical text too.
Status suite_take_after(const Suite *suite, size_t after, TuneSetting *setting, Arena *arena,
                        Error *err) MUST_CHECK;
// Rungs and points of all models, once their settings stand.
Status suite_expand_settings(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;
void tune_write_prune(const void *target, const char *key, JsonWriter *w);
void tune_write_checkpointing(const void *target, const char *key, JsonWriter *w);
void tune_write_quantize(const void *target, const char *key, JsonWriter *w);
void tune_write_until(const void *target, const char *key, JsonWriter *w);
void tune_write_samples(const void *target, const char *key, JsonWriter *w);
Status tune_read_samples(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
// The weight of one class.
Status tune_add_weight(const Json *value, Slice label, Arena *arena, TuneSetting *setting,
                       Error *err) MUST_CHECK;
// Rows of section_tune and section_stopping.
Status tune_read_warmup(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
void tune_write_warmup(const void *target, const char *key, JsonWriter *w);
Status tune_read_weights(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
void tune_write_weights(const void *target, const char *key, JsonWriter *w);
Status tune_read_lora(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
Status tune_read_freeze(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
Status tune_read_stopping(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
// augment.c: rows of section_tune and section_augment.
// (its name and how it is written: harness/suite/augment.h)
Status tune_read_augment(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
Status tune_read_augment_prompt(const Json *value, Arena *arena, void *target,
                                Error *err) MUST_CHECK;
// Keys of a tune block's augment objects that none of their kinds looks at.
Status suite_check_augment(const Json *tune, Error *err) MUST_CHECK;
// Where the lexicon and the models of a setting lie; once all models are read.
Status suite_find_augment(const SuiteReading *reading, const Json *tune, TuneSetting *setting,
                          Error *err) MUST_CHECK;
// Whether the copies that settings ask for can be made of samples of a task.
Status suite_check_augments(const SuiteReading *reading, const Json *object, const SuiteTask *task,
                            Error *err) MUST_CHECK;
Status tune_read_distill(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
void tune_write_distill(const void *target, const char *key, JsonWriter *w);
// The text in an object or the objects of a tune block's section that has this value under key; NULL where none has.
const Json *suite_text_in(const Json *tune, const char *section, const char *key, Slice text);
// The files of a saved model that is not tuned here: by its name in the suite, or by a path. what ("a teacher") is for
// messages.
Status suite_find_saved(const SuiteReading *reading, const Json *at, Slice name, const char *what,
                        const char **path, Error *err) MUST_CHECK;
// Where the teacher of a setting lies; once all models are read.
Status suite_find_teacher(const SuiteReading *reading, const Json *tune, const SuiteModel *learner,
                          TuneSetting *setting, Error *err) MUST_CHECK;
void tune_write_stopping(const void *target, const char *key, JsonWriter *w);
Status tune_read_balance(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
void tune_write_balance(const void *target, const char *key, JsonWriter *w);
Status tune_read_monitor(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
void tune_write_monitor(const void *target, const char *key, JsonWriter *w);
void tune_write_epochs(const void *target, const char *key, JsonWriter *w);
// Rows of section_shared.
Status task_read_slices(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
// Row of section_shared.
Status task_read_null_threshold(const Json *value, Arena *arena, void *target,
                                Error *err) MUST_CHECK;
// Rows of section_folds.
Status folds_read_inner(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
Status folds_read_shuffle(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;

// prepare.c: the row of section_shared, and what the family says to the steps.
Status task_read_prepare(const Json *value, Arena *arena, void *target, Error *err) MUST_CHECK;
Status suite_check_prepare(const Json *object, const SuiteTask *task, Error *err) MUST_CHECK;

// prompt.c
// The key `zero_shot` of a task.
Status suite_read_zero_shot(const SuiteReading *reading, const Json *object, SuiteTask *task,
                            Error *err) MUST_CHECK;
Status suite_read_prompt(const SuiteReading *reading, const Json *object, SuiteTask *task,
                         Error *err) MUST_CHECK;
Status suite_check_prompt(const SuiteReading *reading, const Json *object, SuiteTask *task,
                          Error *err) MUST_CHECK;

// task_metrics.c: the list that `file` has, in place of those that stood there; and, once all keys are read, the metrics that
// come of themselves and the primary score.
Status task_read_metrics(const SuiteReading *reading, const Json *list, Slice file, SuiteTask *task,
                         Error *err) MUST_CHECK;
Status task_complete_metrics(const SuiteReading *reading, const Json *object, SuiteTask *task,
                             Error *err) MUST_CHECK;
// task_data.c: the files of each part, all there, and those that the suite needs named.
Status task_read_data(const SuiteReading *reading, const Json *object, SuiteTask *task,
                      Error *err) MUST_CHECK;

// models.c, tasks.c, filter.c
Status suite_read_models(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;
// The files that settings name; once all models are read.
Status suite_find_files(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;
Status suite_read_tasks(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;
Status suite_apply_filter(const SuiteReading *reading, const Json *root, Error *err) MUST_CHECK;

// find.c: the path of "NAME.json" among the suites, or (subfolder "tasks") the task definitions, on this machine.
// beside: a folder to look in first, or empty. STATUS_NOT_FOUND names the nearest and where it was looked for.
Status suite_find(Arena *arena, Slice beside, const char *subfolder, const char *what, Slice name,
                  const char **path, Error *err) MUST_CHECK;
// The same of a name that the suite has at `at`, in its own folder first; one with a slash is a path. Errors have the place.
Status suite_find_named(const SuiteReading *reading, const Json *at, const char *subfolder,
                        const char *what, Slice name, const char **path, Error *err) MUST_CHECK;
// What the command line calls a suite: a path as it is; a bare name that is no file here is looked up.
Status suite_locate(Arena *arena, const char *name, const char **path, Error *err) MUST_CHECK;

#endif
