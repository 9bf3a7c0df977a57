// tests/fuzz/fuzz.h: what a fuzz target gives.
//
// A target is one file with LLVMFuzzerTestOneInput and its seeds. Linked with fuzz_main.c it is a plain program that runs
// files, or a bounded number of inputs mutated from the seeds; built with clang -fsanitize=fuzzer without fuzz_main.c it
// is a libFuzzer target. A target must not crash, hang or leak on any bytes, and checks laws with abort().
#ifndef ASSAY_TESTS_FUZZ_FUZZ_H
#define ASSAY_TESTS_FUZZ_FUZZ_H

#include "base/slice.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); // returns 0

extern const Slice fuzz_seeds[]; // inputs to mutate; their bytes are also spliced into one another
extern const size_t fuzz_seed_count;

#endif
