// datasets/shipped/sentiment_phrases.h: the phrases that make_sentiment.c puts together. All are our own.
//
// Slots in braces are filled in: {a}, {b} and {adjective} by what the label asks for, {noun}, {thing}, {things} and {used}
// by words of the domain, {person}, {day} and {n} by neutral words. Words are balanced so that a bag of them says little: each frame
// that turns a sentiment round has a neighbour of nearly the same words that does not.
#ifndef ASSAY_DATASETS_SHIPPED_SENTIMENT_PHRASES_H
#define ASSAY_DATASETS_SHIPPED_SENTIMENT_PHRASES_H

#include <stddef.h>

enum { N_NOUNS = 5, N_CLAUSES = 10, N_OFFERS = 4 };

// What people write about. Index 0 is negative, 1 is positive.
typedef struct SentimentDomain {
    const char *name;
    const char *thing;          // "film"
    const char *things;         // "films"
    const char *used;           // what one did with it: "seen"
    const char *nouns[N_NOUNS]; // singular aspects that can be good or bad: "the acting"
    const char *
        clauses[2]
               [N_CLAUSES]; // "the plot fell apart": whole clauses in the past, usable after "that"
    const char *offers[2][N_OFFERS]; // "a thriller": what one may be promised or get
} SentimentDomain;

// A sentence around other phrases. flips is 1 where the sentence says the opposite of the phrase inside it.
typedef struct SentimentFrame {
    const char *text;
    int flips;
} SentimentFrame;

// Two sentences of nearly the same words: [0] negative, [1] positive.
typedef struct SentimentPair {
    const char *text[2];
} SentimentPair;

extern const SentimentDomain sentiment_domains[];
extern const size_t n_sentiment_domains;

// Adjectives that fit any aspect; [0] negative, [1] positive.
enum { N_ADJECTIVES = 14 };
extern const char *const sentiment_adjectives[2][N_ADJECTIVES];

extern const SentimentFrame sentiment_noun_frames[]; // {noun} and {adjective}
extern const size_t n_sentiment_noun_frames;
extern const SentimentFrame sentiment_claim_frames[]; // {a}, a clause
extern const size_t n_sentiment_claim_frames;
extern const char
    *const sentiment_contrast_frames[]; // {a} and {b}, clauses that disagree: {b} has the last word
extern const size_t n_sentiment_contrast_frames;
extern const char *const sentiment_offer_frames[]; // {a} what was promised, {b} what came
extern const size_t n_sentiment_offer_frames;
extern const char *const sentiment_plain_frames[]; // {a}, {b}, {noun}, {adjective}: all agree
extern const size_t n_sentiment_plain_frames;
extern const SentimentPair sentiment_comparisons[]; // {thing}, {things}, {used}
extern const size_t n_sentiment_comparisons;
extern const SentimentPair sentiment_implied[]; // whole sentences; {person}, {day}, {n}
extern const size_t n_sentiment_implied;

extern const char *const sentiment_people[]; // "my sister"
extern const size_t n_sentiment_people;
extern const char *const sentiment_days[]; // "Tuesday"
extern const size_t n_sentiment_days;
extern const char *const sentiment_numbers[]; // "three"
extern const size_t n_sentiment_numbers;
extern const char *const
    sentiment_asides[]; // neutral sentences that may stand before or after; {person}, {day}, {n}
extern const size_t n_sentiment_asides;

#endif
