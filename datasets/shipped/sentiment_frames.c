// Sentences around other phrases. Frames come in neighbours of nearly the same words, so that the words of a frame say
// nothing about the label: only what the frame does with the phrase inside it.
#include "datasets/shipped/sentiment_phrases.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

const SentimentFrame sentiment_noun_frames[] = {
    {"{noun} was not {adjective} at all", 1},
    {"{noun} was not {adjective}, it was more than {adjective}", 0},
    {"{noun} was anything but {adjective}", 1},
    {"{noun} was nothing if not {adjective}", 0},
    {"{noun} was far from {adjective}", 1},
    {"{noun} went far beyond {adjective}", 0},
    {"nobody in our group called {noun} {adjective}", 1},
    {"nobody in our group denied that {noun} was {adjective}", 0},
    {"I never found {noun} {adjective}", 1},
    {"I have never found {noun} so {adjective}", 0},
    {"hardly anyone would call {noun} {adjective}", 1},
    {"hardly anyone would dispute that {noun} was {adjective}", 0},
    {"{noun} was never {adjective}, not even for a minute", 1},
    {"{noun} was {adjective}, and never let up for a minute", 0},
    {"to call {noun} {adjective} would be a lie", 1},
    {"to call {noun} {adjective} would be no lie", 0},
    {"{noun} was by no means {adjective}", 1},
    {"{noun} was by all means {adjective}", 0},
    {"{noun} could not have been less {adjective}", 1},
    {"{noun} could not have been more {adjective}", 0},
};
const size_t n_sentiment_noun_frames = COUNT_OF(sentiment_noun_frames);

const SentimentFrame sentiment_claim_frames[] = {
    {"it is simply not true that {a}", 1},
    {"it is simply true that {a}", 0},
    {"do not believe anyone who tells you that {a}", 1},
    {"do believe anyone who tells you that {a}", 0},
    {"nobody could say that {a}", 1},
    {"nobody could deny that {a}", 0},
    {"I would be lying if I said that {a}", 1},
    {"I would be lying if I denied that {a}", 0},
    {"the reviews say that {a}; we saw nothing of the kind", 1},
    {"the reviews say that {a}; we saw just that", 0},
    {"{person} swore that {a}, and was wrong", 1},
    {"{person} swore that {a}, and was right", 0},
    {"I had read that {a}, and found the opposite", 1},
    {"I had read that {a}, and found the same", 0},
    {"I was told that {a}, but nothing like that happened", 1},
    {"I was told that {a}, and that is what happened", 0},
    {"{person} had warned me that {a}, without reason", 1},
    {"{person} had told me that {a}, with reason", 0},
    {"it would be unfair to say that {a}", 1},
    {"it would be unfair not to say that {a}", 0},
};
const size_t n_sentiment_claim_frames = COUNT_OF(sentiment_claim_frames);

const char *const sentiment_contrast_frames[] = {
    "{a}, but none of that mattered in the end, because {b}",
    "{a}, and yet {b}, and that decided it for us",
    "{b}, and that outweighs the fact that {a}",
    "{b}; that {a} changes nothing about it",
    "granted, {a}. What stays with me is that {b}",
    "although {a}, {b}",
    "{b}, even if {a}",
    "{a} at first; in the end, though, {b}",
    "yes, {a}. But above all, {b}",
    "{a}, true, but who cares about that when {b}",
    "what I shall tell {person} is that {b}, and not that {a}",
    "my verdict rests on one thing: {b}. That {a} is a detail",
    "for all that {a}, it comes down to this: {b}",
    "it is of little use to point out that {a}; {b}",
    "{a}, so they tell me. What I know is that {b}",
    "on paper, {a}. In practice, {b}",
};
const size_t n_sentiment_contrast_frames = COUNT_OF(sentiment_contrast_frames);

const char *const sentiment_offer_frames[] = {
    "they promised us {a} and gave us {b}",
    "we expected {a} and got {b}",
    "the advert spoke of {a}; what we got was {b}",
    "I had prepared myself for {a}, and then came {b}",
    "instead of {a} we got {b}",
    "we got {b} instead of {a}",
    "we were given {b}, where others had been given {a}",
    "I went in expecting {a} and came out having had {b}",
    "what looked like {a} turned out to be {b}",
    "{b} was what we found, and not {a}",
    "{person} spoke of {a}, but for us it was {b}",
    "last year it was {a}; this year it was {b}",
    "this year it was {b}; last year it had been {a}",
    "not {a} but {b}, that is what {person} and I had",
};
const size_t n_sentiment_offer_frames = COUNT_OF(sentiment_offer_frames);

const char *const sentiment_plain_frames[] = {
    "{a}",
    "{a}",
    "{a}, and {b}",
    "{noun} was {adjective}",
    "{a}, and {noun} was {adjective}",
    "{noun} was {adjective}: {a}",
    "what we remember is that {a}, and that {noun} was {adjective}",
    "{a}, {b}",
    "{a}. Also, {b}",
    "first {a}, then {b}",
    "{a}; what is more, {b}",
    "in short: {a}",
    "to begin with, {a}",
    "I was there with {person}, and {a}",
    "{person} agrees with me that {a}",
};
const size_t n_sentiment_plain_frames = COUNT_OF(sentiment_plain_frames);

const SentimentPair sentiment_comparisons[] = {
    {{"worse {things} exist, but I have not {used} one",
      "better {things} exist, but I have not {used} one"}},
    {{"if there is a worse {thing}, I have yet to hear of it",
      "if there is a better {thing}, I have yet to hear of it"}},
    {{"every other {thing} looks better beside this one",
      "every other {thing} looks worse beside this one"}},
    {{"of all the {things} that I have {used} this year, I would put this one last",
      "of all the {things} that I have {used} this year, none comes before this one"}},
    {{"no {thing} has ever made me want my money back more than this one",
      "no {thing} has ever been worth my money more than this one"}},
    {{"I have {used} {n} {things} since, and each was better",
      "I have {used} {n} {things} since, and none was better"}},
    {{"{person} knows a {thing} that costs half as much and does twice as well",
      "{person} knows a {thing} that costs twice as much and does half as well"}},
    {{"next to this one, the worst {thing} I had {used} before looks like the best",
      "next to this one, the best {thing} I had {used} before looks like the worst"}},
    {{"I would rather have no {thing} than this one",
      "I would rather have this {thing} than any other"}},
    {{"this {thing} makes me miss the last one", "this {thing} makes me forget the last one"}},
    {{"other {things} have some of these faults; this one has them all",
      "other {things} have some of these virtues; this one has them all"}},
    {{"it takes {n} {things} like this one to make a decent one",
      "it takes {n} decent {things} to make one like this one"}},
    {{"I had not thought that a {thing} could sink so low",
      "I had not thought that a {thing} could rise so high"}},
    {{"as {things} go, this one should", "as {things} go, this one should stay"}},
    {{"whoever likes this {thing} has never {used} another",
      "whoever dislikes this {thing} has never {used} another"}},
    {{"there are {things} that I liked less, but I would have to think hard to name {n}",
      "there are {things} that I liked more, but I would have to think hard to name {n}"}},
};
const size_t n_sentiment_comparisons = COUNT_OF(sentiment_comparisons);

const char *const sentiment_people[] = {
    "my sister",   "my brother",       "my mother",  "my father",      "my neighbour",
    "a colleague", "my wife",          "my husband", "my grandmother", "an old friend",
    "my daughter", "my son",           "my boss",    "my flatmate",    "my uncle",
    "my cousin",   "a friend of mine", "my aunt",    "my best friend", "the whole family",
};
const size_t n_sentiment_people = COUNT_OF(sentiment_people);

const char *const sentiment_days[] = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};
const size_t n_sentiment_days = COUNT_OF(sentiment_days);

const char *const sentiment_numbers[] = {"two", "three", "four", "five", "six", "seven", "ten"};
const size_t n_sentiment_numbers = COUNT_OF(sentiment_numbers);

const char *const sentiment_asides[] = {
    "We were there on a {day}.",
    "This was our second visit.",
    "{person} came along.",
    "It was {person} who chose it.",
    "I write this on a {day} evening.",
    "There were {n} of us.",
    "I had a free {day}.",
    "For the record: I paid for it myself.",
    "It was raining that day.",
    "We had booked {n} weeks ahead.",
    "This is my first review.",
    "I waited {n} days before writing this.",
    "That was last {day}.",
    "Your mileage may vary.",
    "I asked {person} as well.",
    "So much for that.",
    "That is all I have to say.",
    "Make of it what you will.",
    "We live {n} streets away.",
};
const size_t n_sentiment_asides = COUNT_OF(sentiment_asides);
