// metrics/mecab.h: Japanese and Korean words through MeCab, opened when it is first asked for.
//
// The library and a dictionary are looked for in the usual places. ASSAY_MECAB_LIBRARY and ASSAY_MECAB_DICTIONARY, for Korean
// ASSAY_MECAB_KO_LIBRARY and ASSAY_MECAB_KO_DICTIONARY, name a library and a dictionary's folder instead. Only the
// dictionaries that the references of these tokenisers use are taken (IPA for Japanese, mecab-ko-dic under mecab-ko for
// Korean), since others cut other words. Safe for any number of threads.
#ifndef ASSAY_METRICS_MECAB_H
#define ASSAY_METRICS_MECAB_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef enum MecabLanguage { MECAB_JAPANESE, MECAB_KOREAN, N_MECAB_LANGUAGES } MecabLanguage;

// Opens library and dictionary, once. Fails with what was looked for and the package that has it.
Status mecab_open(MecabLanguage language, Error *err) MUST_CHECK;
// The text's words with blanks between them, in the arena. text is valid UTF-8.
Status mecab_wakati(MecabLanguage language, Slice text, Arena *arena, Slice *out,
                    Error *err) MUST_CHECK;
// "0.996-IPA", "0.996/ko-0.9.2-KO": the library's version and the dictionary ("IPA+reiwa" is Debian's, with one word more).
// Opens them.
Status mecab_version(MecabLanguage language, const char **version, Error *err) MUST_CHECK;

#endif
