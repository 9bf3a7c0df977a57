// harness/init_internal.h: what the parts of `assay init` share.
#ifndef ASSAY_HARNESS_INIT_INTERNAL_H
#define ASSAY_HARNESS_INIT_INTERNAL_H

#include "datasets/dataset.h"
#include "datasets/sniff.h"
#include "harness/init.h"

enum { INIT_NAME_SHOWN = 60 };

typedef enum InitKind {
    INIT_CLASSES,
    INIT_LABELS,  // any number of them
    INIT_NUMBERS, // in the label's place
} InitKind;

// A file of texts, or pairs, with what is said of them.
typedef struct Init {
    const char *path;
    const InitOptions *options;
    Sniff sniff;
    InitKind kind;
    ReadOptions read;
    Dataset data;
    size_t *counts; // [data.n_labels], in sniff.arena
    size_t smallest, largest;
    Buffer *out;
} Init;

// The suite, once the file is read and its labels are counted (init_write.c).
void init_write(const Init *init);
// "1" (9 values, such as "a man, a plan"), ...
void init_list_columns(const Sniff *sniff, Buffer *out);

void init_put_member(Buffer *out, const char *key, Slice value); // "key": "value"
void init_put_shown(Buffer *out, Slice name);                    // in a comment, on one line
Slice init_suite_name(const char *path, const InitOptions *options);
// "models": the one asked for, else a small one from nothing, of that name, with what `tune` says of it.
void init_put_models(const InitOptions *options, const char *name, const char *create,
                     const char *tune, Buffer *out);
// Whether the file's columns, or what was asked for, are sources with their targets, and the suite for them.
bool init_is_translation(const InitOptions *options, const Sniff *sniff);
Status init_translate(const char *path, const InitOptions *options, const Sniff *sniff, Buffer *out,
                      Error *err) MUST_CHECK;
// The suite of a file of tags (SNIFF_CONLL) or of questions (SNIFF_SQUAD).
Status init_families(const char *path, const InitOptions *options, const Sniff *sniff, Buffer *out,
                     Error *err) MUST_CHECK;

#endif
