// harness/init_internal.h: what the parts of `assay init` share.
#ifndef ASSAY_HARNESS_INIT_INTERNAL_H
#define ASSAY_HARNESS_INIT_INTERNAL_H

#include "datasets/sniff.h"
#include "harness/init.h"

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
