// datasets/personal.h: personal data in texts, by their form: addresses, numbers of phones, accounts, cards and persons.
//
// What has a check digit is checked by it; what has none must keep to its form. A find begins where a word does and ends
// where one does. It is a net, not a proof: names and street addresses have no form, and a number of another kind may have
// the form of one of these. One pass, at most a few hundred bytes looked at from each word's begin: time grows with the text
// alone, whatever it holds. Broken UTF-8 is passed over.
#ifndef ASSAY_DATASETS_PERSONAL_H
#define ASSAY_DATASETS_PERSONAL_H

#include "base/buffer.h"
#include "base/error.h"
#include "datasets/sample.h"

// Raised when a text gives other finds.
enum { PERSONAL_VERSION = 2 };

typedef struct PersonalKind {
    const char *name;    // "us-ssn"
    const char *mark;    // what `anonymise` puts in its place: "<US-SSN>"
    const char *summary; // its form, and how it is checked
    unsigned begins;     // classes of characters that it begins with: internal to personal*.c
    // The end of what stands at `at`, where a word begins; 0 = nothing of this kind.
    size_t (*match)(Slice text, size_t at);
} PersonalKind;

// The first that fits a place is taken.
extern const PersonalKind personal_kinds[];
extern const size_t personal_kinds_count; // at most PERSONAL_MOST
enum { PERSONAL_MOST = 32 };

typedef struct PersonalFind {
    size_t kind; // index into personal_kinds
    size_t begin, end;
} PersonalFind;

// Set text; the rest is zeroed.
typedef struct PersonalScan {
    Slice text;
    size_t at;
    size_t no_address_before; // no e-mail address begins before this byte
} PersonalScan;

// The next find; false at the end. Finds do not overlap.
bool personal_next(PersonalScan *scan, PersonalFind *find);

// The find without what tells whose it is: of letters and digits the first and the last are shown where there are six and
// more, '*' stands for others: "j***@*******.**m". At most 40 characters.
void personal_mask(Slice found, Buffer *out);

// What was found in texts that belong to samples.
typedef struct PersonalCounts {
    size_t n_finds[PERSONAL_MOST];
    size_t n_with[PERSONAL_MOST]; // samples that have some of the kind
    size_t n_samples, n_any;      // looked at; with some of any kind
} PersonalCounts;

// All texts of a sample: text, pair, passage, words, choices, targets, attributes.
void personal_count_sample(const Sample *sample, PersonalCounts *counts);
// The same of samples which [n]. A passage that several of them have is looked at once, and its finds count once; each of the
// samples has some.
Status personal_count_samples(const Sample *samples, const size_t *which, size_t n,
                              PersonalCounts *counts, Error *err) MUST_CHECK;
// One text that is all there is of a sample: an output.
void personal_count_text(Slice text, PersonalCounts *counts);
// "email 12, phone 3"; nothing where nothing was found.
void personal_describe(const PersonalCounts *counts, Buffer *out);

#endif
