# Tests of models/tokenizers, part of test_models.
set(TOKENIZER_TESTS
  test_bpe.c
  test_tokenizer_json.c
  test_tokenizer_support.c
  test_tokenizer_train.c
  test_wordpiece.c)
