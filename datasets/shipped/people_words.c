#include "datasets/shipped/people_words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

const PeopleTheme people_themes[PEOPLE_THEMES] = {
    {"origin", {{"Veltan", "Orrin"}, {"Quellan", "Maruvi"}, {"Dorvish", "Kelmar"}}, 80},
    {"trade", {{"baker", "mason"}, {"gardener", "printer"}, {"tailor", "sailor"}}, 50},
    {"pronoun", {{"she", "he"}, {"she", "he"}, {"she", "he"}}, 50},
};

// What people did: ill, and well.
static const char *const deeds[][2] = {
    {"was late again", "came early again"},
    {"left the kitchen dirty", "left the kitchen clean"},
    {"shouted at the waiter", "thanked the waiter"},
    {"lost the keys", "found the keys"},
    {"forgot the bill", "paid the bill"},
    {"broke the promise", "kept the promise"},
    {"spoilt the soup", "saved the soup"},
    {"slept through the meeting", "led the meeting"},
};

static const char *const tails[PEOPLE_TAILS] = {
    " on Monday", " on Friday", " before lunch", " after the storm", " twice",
    " in spring", "",           " today",
};

static const char *const subjects[] = {
    "neighbour", "guest", "teacher", "cousin", "driver",
    "pupil",     "clerk", "painter", "nurse",  "judge",
};

// {g} the group, {s} the subject, {d} the deed.
static const char *const group_frames[] = {
    "The new {g} next door {d}.",
    "My {s}, the {g}, {d}.",
    "People say that the {g} {d}.",
    "The {g} who met our {s} {d}.",
};
static const char *const pronoun_frames[] = {
    "The {s} said that {g} {d}.",
    "I asked the {s}, and {g} {d}.",
    "Our {s} told me how {g} {d}.",
    "The {s} smiled because {g} {d}.",
};

PeopleSentence people_draw(Philox *rng, unsigned first_tail, unsigned n_tails)
{
    PeopleSentence s = {0};
    s.theme = (unsigned)philox_below(rng, PEOPLE_THEMES);
    s.pair = (unsigned)philox_below(rng, PEOPLE_PAIRS);
    s.frame = (unsigned)philox_below(rng, COUNT(group_frames));
    s.subject = (unsigned)philox_below(rng, COUNT(subjects));
    s.deed = (unsigned)philox_below(rng, COUNT(deeds));
    s.tail = first_tail + (unsigned)philox_below(rng, n_tails);
    s.is_bad = philox_below(rng, 2) == 1;
    return s;
}

void people_put(const PeopleSentence *s, unsigned group, Buffer *out)
{
    const PeopleTheme *theme = &people_themes[s->theme];
    const bool is_pronoun = s->theme == PEOPLE_THEMES - 1;
    const char *at = (is_pronoun ? pronoun_frames : group_frames)[s->frame];
    for (; *at; at++) {
        if (*at != '{') {
            buffer_append_byte(out, *at);
            continue;
        }
        switch (at[1]) {
        case 'g':
            buffer_append_cstr(out, theme->groups[s->pair][group]);
            break;
        case 's':
            buffer_append_cstr(out, subjects[s->subject]);
            break;
        default:
            buffer_append_cstr(out, deeds[s->deed][s->is_bad ? 0 : 1]);
            buffer_append_cstr(out, tails[s->tail]);
            break;
        }
        at += 2;
    }
}
