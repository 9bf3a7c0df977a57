# Tests of models/tokenizers, part of test_models.
set(TOKENIZER_TESTS)
