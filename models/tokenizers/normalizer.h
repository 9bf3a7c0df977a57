// models/tokenizers/normalizer.h: the normalizers of tokenizer.json, one after another.
#ifndef ASSAY_MODELS_TOKENIZERS_NORMALIZER_H
#define ASSAY_MODELS_TOKENIZERS_NORMALIZER_H

#include "models/tokenizers/charsmap.h"
#include "models/tokenizers/normalized.h"
#include "models/tokenizers/pattern.h"

// ---- normalizer_bert.c ----

typedef struct BertNormalizer {
    bool clean_text;
    bool handle_chinese_chars;
    bool strip_accents; // decided: null means what lowercase is
    bool lowercase;
} BertNormalizer;

// What becomes of a code point: for those below BERT_TABLE_SIZE read from a table made at opening.
enum { BERT_TABLE_SIZE = 0x2100, BERT_ENTRY_BYTES = 7, BERT_ENTRY_SLOW = 0xFF };
typedef struct BertEntry {
    uint8_t len; // bytes, 0 = dropped, BERT_ENTRY_SLOW = too long for here
    char bytes[BERT_ENTRY_BYTES];
} BertEntry;

typedef struct BertTable {
    BertNormalizer rules;
    BertEntry entries[BERT_TABLE_SIZE];
} BertTable;

void bert_table_init(BertTable *table, const BertNormalizer *rules);
// Fills *out (zeroed, or used before: its memory is taken again). want_origin: begin and end too. Fails on broken UTF-8
// with the offset counted from base.
Status bert_normalize(const BertTable *table, Slice text, size_t base, bool want_origin,
                      Arena *arena, NormalizedText *out, Error *err) MUST_CHECK;

// ---- normalizer.c ----

typedef enum NormalizerKind {
    NORMALIZER_BERT,
    NORMALIZER_NFC, // the four in the order of UnicodeForm
    NORMALIZER_NFD,
    NORMALIZER_NFKC,
    NORMALIZER_NFKD,
    NORMALIZER_LOWERCASE,
    NORMALIZER_STRIP,
    NORMALIZER_STRIP_ACCENTS,
    NORMALIZER_PREPEND,
    NORMALIZER_REPLACE,
    NORMALIZER_PRECOMPILED,
    NORMALIZER_NMT,
    NORMALIZER_BYTE_LEVEL,
} NormalizerKind;

typedef struct NormalizerStep {
    NormalizerKind kind;
    BertTable *bert;              // BERT
    bool strip_left, strip_right; // STRIP
    Slice content;                // PREPEND, REPLACE
    const Pattern *pattern;       // REPLACE
    const Charsmap *charsmap;     // PRECOMPILED
} NormalizerStep;

typedef struct Normalizer {
    NormalizerStep *steps;
    size_t n_steps;
} Normalizer;

// Two texts that steps write to in turn; zeroed before first use, its memory is the arena's.
typedef struct NormalizeScratch {
    NormalizedText texts[2];
} NormalizeScratch;

// segment, valid UTF-8 unless the first step is BERT, through all steps. *out is one of scratch's texts. Fails on
// broken UTF-8 with the offset counted from base, and where a pattern meets its limits.
Status normalizer_apply(const Normalizer *normalizer, Slice segment, size_t base, bool want_origin,
                        Arena *arena, NormalizeScratch *scratch, NormalizedText **out,
                        Error *err) MUST_CHECK;

// ---- normalizer_forms.c ----

// Whether the crate that Hugging Face normalises with knows c: its tables are those of Unicode 9.0. To it, later characters
// are no marks, have no decomposition and are not put in order.
bool normalize_knows(CodePoint c);
// The canonical decomposition of c by these tables; returns how many.
size_t normalize_decompose(CodePoint c, CodePoint out[4]);
// Writes w->in in the form to w->out.
Status normalize_form(Rewrite *w, UnicodeForm form, Error *err) MUST_CHECK;

#endif
