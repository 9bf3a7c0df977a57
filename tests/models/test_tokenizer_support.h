// Golden files of tokenizers: read with the pull reader, because texts hold U+0000.
#ifndef ASSAY_TESTS_MODELS_TEST_TOKENIZER_SUPPORT_H
#define ASSAY_TESTS_MODELS_TEST_TOKENIZER_SUPPORT_H

#include "base/json_reader.h"
#include "models/tokenizers/tokenizer.h"

// Checks texts[] of goldens/models/NAME/tokenizer.json against a tokenizer, every field of it, or with ids_only ids and
// type_ids. Fails the running test at the first difference. Returns how many texts were checked.
size_t golden_check_texts(const Tokenizer *tokenizer, const char *name, bool ids_only);
// The same for pairs[]: windows, or the error where none can be made.
size_t golden_check_pairs(const Tokenizer *tokenizer, const char *name);
// Calls `each` at every element of the array LIST of a shared JSON file; each reads the element whole. Returns how many.
size_t golden_walk(const char *relative, const char *list,
                   void (*each)(JsonReader *r, Arena *arena, void *context), void *context);
// Opens models/NAME, or skips the running test where the shared folder is absent.
Tokenizer *golden_open(const char *name);
// Opens a test's folder after a shared SentencePiece model was put there under the name `file`, beside a config.json with that
// model_type and this tokenizer_config.json.
Tokenizer *open_pieces(const char *folder, const char *model, const char *file, const char *type,
                       const char *config);

#endif
