// datasets/near.h: samples that are nearly equal, by MinHash. Internal to datasets/.
//
// Two inputs are nearly equal where the runs of three words that they share are at least `threshold` of all they have
// (Jaccard similarity; upper case, accents apart, and punctuation do not count). Candidates come from 16 bands of 4 minima
// each, over 64 fixed hash functions, so that a pair of similarity 0.8 is missed with a probability of 0.02 %, one of 0.6
// with 11 %; what is reported was then compared exactly. Nothing is random: the same data give the same pairs. Inputs that
// are equal are not looked at again: they are duplicates. Time grows with the number of texts, not of pairs: a text is
// compared with at most 4 earlier ones a band and part.
//
// Source: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman & Ullman, "Mining of Massive
// Datasets", section 3.4.
#ifndef ASSAY_DATASETS_NEAR_H
#define ASSAY_DATASETS_NEAR_H

#include "datasets/check.h"

// Where the first of them stands, and what it is like.
typedef struct NearFound {
    size_t n;
    size_t sample, like; // indices into the samples of their parts
    double similarity;
} NearFound;

// found[a * n_parts + b], a <= b: samples of part b that are like one of part a; of a == b like an earlier one.
//
// kin [samples of all parts] or NULL: parent[i] of a union-find (units.h) that all pairs found, not only the first of each
// sample, are joined in; samples are numbered part after part.
Status near_find(Arena *scratch, const CheckPart *parts, size_t n_parts, double threshold,
                 NearFound *found, size_t *kin, Error *err) MUST_CHECK;

// What splits_keep_near found: who looks at the same samples with the same threshold need not look again.
typedef struct NearKept {
    size_t n_samples;
    double threshold;
    NearFound found;
} NearKept;

#endif
