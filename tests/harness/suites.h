// tests/harness/suites.h: what the tests of suites share.
#ifndef ASSAY_TESTS_HARNESS_SUITES_H
#define ASSAY_TESTS_HARNESS_SUITES_H

#include "harness/suite/suite.h"

// Writes a folder with suite.json (the text given), a model directory "model", data files train.tsv, dev.tsv and test.tsv in
// "data", and gives its path; folder_remove takes it away. The text is valid until the next folder.
const char *suites_folder(const char *suite);
// Loads folder/suite.json; a failure fails the test.
Suite *suites_load(const char *folder, const SuiteOverrides *overrides);
// Loads a text that must be refused, and gives the message without the folder's name in front. Valid until the next call.
const char *suites_refusal(const char *text, const SuiteOverrides *overrides);
// A suite with the given text in place of its tune block, "folds" and all else filled in. Valid until the next call.
const char *suites_with_tune(const char *tune);

// Fails the test unless both texts are equal.
void suites_want_text(Slice got, const char *want);

#endif
