# Sources of models/tokenizers, part of assay_models.
set(TOKENIZER_SOURCES)
