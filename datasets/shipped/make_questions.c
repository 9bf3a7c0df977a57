// make_questions: writes datasets/shipped/questions.json, or checks that a file is what it would write.
//
// Short passages about people who never lived, and questions on them in the form of SQuAD 2.0. Each passage speaks of two
// people, so that finding some year or some town is not enough: it has to be that of the one who is asked about. One
// question in seven has no answer in its passage. Every choice comes from Philox under one seed.
#include <stdio.h>
#include <string.h>

#include "base/philox.h"
#include "datasets/shipped/shipped.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum {
    SEED = 29,
    N_ARTICLES = 90,
    N_PASSAGES = 12, // an article
    N_PEOPLE = 2,    // a passage
    N_FACTS = 2,     // a person
    N_FRAMES = 3,
    MAX_PASSAGE_BYTES = 1024,
};

static const char *const first_names[] = {
    "Mira", "Jonas", "Adele", "Tomas", "Priya", "Samuel", "Ines", "Kofi",  "Greta", "Luca",
    "Hana", "Oskar", "Ruth",  "Diego", "Farah", "Nils",   "Olga", "Peter", "Wen",   "Zoe",
};
static const char *const towns[] = {"Tavik",   "Lindgate", "Ravenna", "Carrow",  "Delft",
                                    "Oslo",    "Porto",    "Bergen",  "Lucca",   "Graz",
                                    "Utrecht", "Malmo",    "Toledo",  "Antwerp", "Cork"};
static const char *const trades[] = {"carpenter", "surgeon",    "painter", "baker",     "lawyer",
                                     "pilot",     "gardener",   "chemist", "violinist", "teacher",
                                     "locksmith", "astronomer", "printer", "sailor",    "nurse"};
static const char *const things[] = {"a bakery",       "a night school", "a small press",
                                     "a choir",        "a chess club",   "a bicycle shop",
                                     "a free library", "a rowing team",  "a puppet theatre",
                                     "a bank",         "a weekly paper", "a shelter for dogs"};
static const char *const animals[] = {"a grey parrot", "two tortoises",    "a blind horse",
                                      "seven cats",    "an old greyhound", "a goat",
                                      "three geese",   "a hedgehog"};

// What a passage may say of a person: {p} is the person, {v} the value. A year has no words: it is drawn.
typedef struct Fact {
    const char *const *values;
    size_t n_values; // 0: years
    const char *said[N_FRAMES];
    const char *asked[N_FRAMES];
} Fact;

static const Fact facts[] = {
    {towns,
     COUNT_OF(towns),
     {"{p} was born in {v}.", "{p} came into the world in {v}.", "{v} is where {p} was born."},
     {"Where was {p} born?", "In which town was {p} born?", "What is the birthplace of {p}?"}},
    {trades,
     COUNT_OF(trades),
     {"{p} worked as a {v}.", "By trade {p} was a {v}.", "{p} earned a living as a {v}."},
     {"What was the trade of {p}?", "What did {p} work as?", "How did {p} earn a living?"}},
    {things,
     COUNT_OF(things),
     {"{p} founded {v}.", "{v_} was founded by {p}.", "With a loan {p} opened {v}."},
     {"What did {p} found?", "What was opened by {p}?", "Which thing did {p} start?"}},
    {NULL,
     0,
     {"{p} died in {v}.", "In {v} {p} died at home.", "{p} lived until {v}."},
     {"When did {p} die?", "In which year did {p} die?", "Until when did {p} live?"}},
    {animals,
     COUNT_OF(animals),
     {"{p} kept {v}.", "At home {p} had {v}.", "{v_} belonged to {p}."},
     {"Which animals did {p} keep?", "What lived in the home of {p}?", "What belonged to {p}?"}},
    {towns,
     COUNT_OF(towns),
     {"{p} later moved to {v}.", "As an adult {p} settled in {v}.", "{p} spent old age in {v}."},
     {"Where did {p} move to?", "In which town did {p} settle?", "Where did {p} spend old age?"}},
};
enum { N_KINDS = sizeof facts / sizeof *facts };

typedef struct Person {
    char name[32];
    size_t kinds[N_KINDS]; // a permutation; the first N_FACTS are said
    char values[N_FACTS][32];
    size_t starts[N_FACTS]; // of the value in the passage
} Person;

typedef struct Generator {
    Philox rng;
    size_t n_questions; // so far: their ids
    Person people[N_PEOPLE];
    char passage[MAX_PASSAGE_BYTES];
    size_t len;
} Generator;

static size_t draw(Generator *generator, size_t n)
{
    return (size_t)philox_below(&generator->rng, n);
}

// ---- people ----

static void draw_value(Generator *generator, const Fact *fact, char out[32])
{
    if (fact->n_values == 0)
        snprintf(out, 32, "%d", 1780 + (int)draw(generator, 220));
    else
        snprintf(out, 32, "%s", fact->values[draw(generator, fact->n_values)]);
}

static void draw_people(Generator *generator)
{
    size_t order[COUNT_OF(first_names)];
    for (size_t i = 0; i < COUNT_OF(order); i++) order[i] = i;
    philox_shuffle(&generator->rng, order, COUNT_OF(order));
    for (size_t p = 0; p < N_PEOPLE; p++) {
        Person *person = &generator->people[p];
        snprintf(person->name, sizeof person->name, "%s", first_names[order[p]]);
        for (size_t k = 0; k < N_KINDS; k++) person->kinds[k] = k;
        philox_shuffle(&generator->rng, person->kinds, N_KINDS);
        for (size_t f = 0; f < N_FACTS; f++)
            draw_value(generator, &facts[person->kinds[f]], person->values[f]);
    }
}

// ---- texts ----

// Appends a frame; *start, where it is wanted, becomes the place of the value.
static Status put_frame(char *out, size_t size, size_t *len, const char *frame,
                        const Person *person, const char *value, size_t *start, Error *err)
{
    for (const char *at = frame; *at != '\0';) {
        const char *text = at;
        size_t n = strcspn(at, "{"), taken = n;
        const bool is_value = strncmp(at, "{v", 2) == 0, is_capital = strncmp(at, "{v_}", 4) == 0;
        if (n == 0) {
            text = is_value ? value : person->name;
            n = strlen(text);
            taken = is_capital ? 4 : 3;
        }
        if (n >= size - *len)
            return error_set(err, STATUS_INTERNAL, "a text has more than %zu bytes", size);
        if (is_value && start) *start = *len;
        memcpy(out + *len, text, n);
        if (is_capital && n > 0 && out[*len] >= 'a' && out[*len] <= 'z')
            out[*len] = (char)(out[*len] - 'a' + 'A');
        *len += n;
        at += taken;
    }
    out[*len] = '\0';
    return STATUS_OK;
}

// Sentences of both people in random order.
static Status compose_passage(Generator *generator, Error *err)
{
    enum { N_SENTENCES = N_PEOPLE * N_FACTS };
    size_t order[N_SENTENCES];
    for (size_t i = 0; i < N_SENTENCES; i++) order[i] = i;
    draw_people(generator);
    philox_shuffle(&generator->rng, order, N_SENTENCES);
    generator->len = 0;
    for (size_t i = 0; i < N_SENTENCES; i++) {
        Person *person = &generator->people[order[i] / N_FACTS];
        const size_t f = order[i] % N_FACTS;
        const char *frame = facts[person->kinds[f]].said[draw(generator, N_FRAMES)];
        if (i > 0) generator->passage[generator->len++] = ' ';
        TRY(put_frame(generator->passage, sizeof generator->passage, &generator->len, frame, person,
                      person->values[f], &person->starts[f], err));
    }
    return STATUS_OK;
}

// A question about a fact that the passage states, or about one that it does not.
static Status put_question(Generator *generator, const Person *person, size_t fact, Buffer *out,
                           Error *err)
{
    char question[128];
    size_t len = 0;
    const bool is_said = fact < N_FACTS;
    TRY(put_frame(question, sizeof question, &len,
                  facts[person->kinds[fact]].asked[draw(generator, N_FRAMES)], person, "", NULL,
                  err));
    buffer_printf(out, "{\"id\": \"q%05zu\", \"question\": \"%s\", \"is_impossible\": %s, ",
                  ++generator->n_questions, question, is_said ? "false" : "true");
    if (!is_said) {
        buffer_append_cstr(out, "\"answers\": []}");
        return buffer_status(out, err);
    }
    const size_t start = person->starts[fact];
    const int n = (int)strlen(person->values[fact]);
    buffer_printf(out, "\"answers\": [{\"text\": \"%.*s\", \"answer_start\": %zu}]}", n,
                  generator->passage + start, start);
    return buffer_status(out, err);
}

// All that is said is asked; of every passage but each third one more thing about one of its people.
static Status put_passage(Generator *generator, size_t index, Buffer *out, Error *err)
{
    TRY(compose_passage(generator, err));
    buffer_printf(out, "   {\"context\": \"%s\",\n    \"qas\": [\n", generator->passage);
    for (size_t p = 0; p < N_PEOPLE; p++) {
        for (size_t f = 0; f < N_FACTS; f++) {
            buffer_append_cstr(out, p + f > 0 ? ",\n     " : "     ");
            TRY(put_question(generator, &generator->people[p], f, out, err));
        }
    }
    if (index % 3 != 2) {
        const Person *person = &generator->people[draw(generator, N_PEOPLE)];
        buffer_append_cstr(out, ",\n     ");
        TRY(put_question(generator, person, N_FACTS + draw(generator, N_KINDS - N_FACTS), out,
                         err));
    }
    buffer_append_cstr(out, "]}");
    return buffer_status(out, err);
}

static Status make_file(Buffer *out, Error *err)
{
    Generator generator = {.rng = philox_stream(SEED, 0)};
    buffer_append_cstr(out, "{\"version\": \"v2.0\", \"data\": [\n");
    for (size_t a = 0; a < N_ARTICLES; a++) {
        buffer_printf(out, " {\"title\": \"Lives %zu\", \"paragraphs\": [\n", a + 1);
        for (size_t p = 0; p < N_PASSAGES; p++) {
            TRY(put_passage(&generator, p, out, err));
            buffer_append_cstr(out, p + 1 < N_PASSAGES ? ",\n" : "]}");
        }
        buffer_append_cstr(out, a + 1 < N_ARTICLES ? ",\n" : "\n]}\n");
    }
    return buffer_status(out, err);
}

int main(int argc, char **argv)
{
    return shipped_main(argc, argv, "make_questions", make_file);
}
