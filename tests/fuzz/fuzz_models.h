// tests/fuzz/fuzz_models.h: small whole models for targets that want one, and commands run on them.
//
// Each is a folder of fuzz_folder() with random weights, one block and a tokenizer of a few letters:
//     sequence   classes of texts, named as those of inference      token     classes of tokens
//     span       answers                                            masked    masked tokens
//     embedding  vectors, with the folders of sentence-transformers search    an encoder-decoder
//     causal     a decoder with a chat template                     shards    the same, its weights behind an index
//     marian     a translator's tokenizer, without weights
#ifndef ASSAY_TESTS_FUZZ_FUZZ_MODELS_H
#define ASSAY_TESTS_FUZZ_FUZZ_MODELS_H

#include "base/slice.h"

enum { FUZZ_MAX_WORDS = 12 };

// Makes all of them, once.
void fuzz_models_make(void);

// Runs `assay WORDS...`, ended by NULL, in this process and writes what it prints to nowhere. A word "@name" stands for the path of
// that in fuzz_folder(), "@" for `in`. Ends the process where it neither succeeds nor says why not.
void fuzz_run(const char *const words[FUZZ_MAX_WORDS], const char *in);

#endif
