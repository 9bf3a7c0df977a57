// harness/suite/keys.h: the table of keys that suites and task definitions know.
//
// One row a key. The parser reads values into structs by it, the JSON Schema and the reference of users (docs/suite.md) are
// written from it, canonical settings are, and tests walk it: so they cannot disagree. To add a key: a row in keys*.c
// and, unless its value goes straight into a field, the code that acts on it.
#ifndef ASSAY_HARNESS_SUITE_KEYS_H
#define ASSAY_HARNESS_SUITE_KEYS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_writer.h"

typedef enum KeyKind {
    KEY_TEXT,   // a string; into a Slice
    KEY_PATH,   // a string that is a path, relative to the file it stands in
    KEY_BOOL,   // into a bool
    KEY_COUNT,  // an integer from lowest to highest; into an unsigned type of 4 or 8 bytes
    KEY_NUMBER, // from lowest to highest; into a double
    KEY_CHOICE, // one of the names that choice gives; into a Slice, or its index into an enum
    KEY_OBJECT, // with the keys of section
    KEY_LIST,   // an array of objects with the keys of section
    KEY_NAMES,  // an array of names that choice gives; with a section also of its objects
    KEY_PATHS,  // a path, or an object of the section
    KEY_OTHER,  // as schema says
} KeyKind;

typedef struct SuiteSection SuiteSection;

typedef struct SuiteKey {
    const char *name;
    KeyKind kind;
    const char *summary; // what it means, for people: a phrase without a full stop at its end
    const char
        *fallback; // its default as JSON, or as words in parentheses; NULL where it must be given
    double lowest, highest;
    const char *(*choice)(size_t index); // NULL past the last
    const char *(*offered)(
        size_t index); // those of them that schema and reference offer; NULL = all
    const SuiteSection *section;
    const char *schema; // KEY_OTHER: JSON Schema of the value
    const char *shown;  // its type for people, where the kind does not say it
    size_t offset,
        size; // of the field in the section's struct; size 0: the code of the section reads the key
    bool is_omitted; // from canonical text, where the field is empty, 0, or negative
    // For values that no kind covers. read fills the struct from a value that is not null; write puts key and value, or
    // nothing.
    Status (*read)(const Json *value, Arena *arena, void *target, Error *err);
    void (*write)(const void *target, const char *key, JsonWriter *w);
} SuiteKey;

struct SuiteSection {
    const char *name; // as docs/suite.md heads it: "tune", "tasks[].data"
    const char *summary;
    const SuiteKey *keys;
    size_t n_keys;
    const SuiteSection *more; // its keys belong to this section too; or NULL
    bool is_grid;             // arrays are axes, and numbers may be drawn
};

extern const SuiteSection section_suite, section_model, section_create, section_task,
    section_shared, section_columns, section_prompt, section_zero_shot, section_metric,
    section_data, section_tune, section_after, section_augment, section_distill, section_balance,
    section_explain, section_stopping, section_folds, section_search, section_report,
    section_definition;
// All of them, in the order of the reference.
extern const SuiteSection *const suite_sections[];
extern const size_t suite_sections_count;

// Keys of a section in order, those of `more` last; NULL past the end.
const SuiteKey *section_at(const SuiteSection *section, size_t index);
const SuiteKey *section_key(const SuiteSection *section, Slice name); // NULL where there is none
// Refuses keys that the section has not, naming the nearest.
Status section_check_keys(const SuiteSection *section, const Json *object, Error *err) MUST_CHECK;
// Sets the fields of all keys that have a field and a default in JSON.
void section_defaults(const SuiteSection *section, void *target);
// Reads one value that is not null into its field; does nothing for a key without one. Texts borrow from the document.
Status section_read_key(const SuiteKey *key, const Json *value, Arena *arena, void *target,
                        Error *err) MUST_CHECK;
// Checks the keys and reads every value that has a field. null counts as missing.
Status section_read(const SuiteSection *section, const Json *object, Arena *arena, void *target,
                    Error *err) MUST_CHECK;
// The members of an object, sorted by key: every field, defaults too.
void section_write(const SuiteSection *section, const void *target, JsonWriter *w);
// One of the names that choice gives, by its index; the error lists them or names the nearest.
Status choice_read(const Json *value, const char *(*choice)(size_t index), size_t *out,
                   Error *err) MUST_CHECK;

// The rows of a section as a table in Markdown, for docs/suite.md.
void section_markdown(const SuiteSection *section, Buffer *out);

#endif
