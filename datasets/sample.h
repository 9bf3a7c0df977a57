// datasets/sample.h: one sample of a data set, and the set.
//
// A Sample borrows from its Dataset's arena. Its id is stable: given in the data, or the SHA-256 (first 16 hex digits) of
// its input fields, never of its label, with "#2", "#3" for further samples of equal input in file order.
#ifndef ASSAY_DATASETS_SAMPLE_H
#define ASSAY_DATASETS_SAMPLE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum { SAMPLE_NO_LABEL = -1 };

typedef struct SampleAttribute {
    Slice name, value; // subgroup, domain, template: for slices of a report
} SampleAttribute;

typedef struct SampleSpan {
    Slice text;         // an answer
    size_t begin_bytes; // where it stands in the context
} SampleSpan;

// What sets about bias know of a sample beside its choices.
typedef struct SampleBias {
    int32_t stereotyped; // the choice that a stereotype asks for, or SAMPLE_NO_LABEL
    int32_t unknown;     // the choice that says that nobody can know, or SAMPLE_NO_LABEL
    int32_t direction;   // 0: written in line with a stereotype, 1: against one, or SAMPLE_NO_LABEL
    int32_t
        set; // of word and sentence sets: 0 and 1 targets, 2 and 3 attributes, or SAMPLE_NO_LABEL
    bool is_ambiguous; // the context leaves the question open
    bool follows;      // the choices are sentences that may follow the text
    Slice target;      // the term that a stereotype is about; empty = none
    int32_t term;      // its number among those of the set, or SAMPLE_NO_LABEL
    double women
        [2]; // percent of the people in an occupation: at work, in texts; NAN where nobody says
    Slice pronoun;  // of the context, which means one of two people (the choices); empty = none
    int32_t gender; // its gender, as SampleGender, or SAMPLE_NO_LABEL
} SampleBias;

typedef enum SampleGender { GENDER_MALE, GENDER_FEMALE, GENDER_NEUTRAL, N_GENDERS } SampleGender;

typedef struct Sample {
    Slice id;
    size_t line; // of the file it came from, from 1

    // Classification: text, and pair where the task has two texts. label is an index into Dataset.labels.
    Slice text, pair;
    int32_t label;
    // Several labels at once: those that hold, as indices into Dataset.labels, ascending.
    const int32_t *held;
    size_t n_held;
    // Regression: the number in the label's place, 0 where there is none, and as it is written.
    double value;
    Slice value_text;

    // Tagging.
    const Slice *tokens, *tags;
    size_t n_tokens;
    // Question answering: text is the question.
    Slice context;
    const SampleSpan *answers;
    size_t n_answers;
    bool is_unlabelled; // nobody has said whether there is an answer, and which
    // Translation and generation: text is the source.
    const Slice *targets;
    size_t n_targets;
    // Multiple choice: text is the context; gold is an index into choices.
    const Slice *choices;
    size_t n_choices;
    int32_t gold;
    const SampleBias *bias; // NULL where the set is about something else

    Slice group; // samples of one group never stand on both sides of a split; empty = none
    const SampleAttribute *attributes;
    size_t n_attributes;
} Sample;

// What reading found, and what was done about it: for people who rely on the numbers.
typedef struct DatasetNote {
    Slice item; // "answers moved"
    size_t n;
    Slice text; // a sentence
} DatasetNote;

typedef struct Dataset {
    Arena arena; // owns everything below
    Slice path;  // as the user gave it
    char sha256
        [65]; // of the file's bytes (and of the labels', where they stand in a file of their own)
    Sample *samples;
    size_t n_samples;
    // [n_samples] samples of one number never stand on both sides of a split (splits.h: splits_keep_near); NULL: nothing
    // but equal inputs and groups is kept together.
    const size_t *kin;
    const struct NearKept *near_kept; // what was found on the way (near.h); NULL where kin is
    const DatasetNote *notes;
    size_t n_notes;
    Slice
        *labels; // class names: in the order given, else sorted (integers by value, else by bytes)
    size_t n_labels;
} Dataset;

void dataset_release(Dataset *dataset); // a no-op on a zeroed one
// NULL where the sample has none of that name.
const SampleAttribute *sample_attribute(const Sample *sample, Slice name);

#endif
