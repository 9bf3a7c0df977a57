// make_entities: writes datasets/shipped/entities.conll, or checks that a file is what it would write.
//
// Sentences with people, places, organisations and works of art, one word and its tag a line (IOB2). Most names share
// their words: Marlow is a person, a town, a bank or a song, and the sentence says which. Every choice comes from Philox
// under one seed, so that the file is the same on every machine.
#include <string.h>

#include "base/philox.h"
#include "datasets/shipped/shipped.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum {
    SEED = 23,
    N_SENTENCES = 2400,
    MAX_SENTENCE_BYTES = 1024, // words and tags as they are written
    MAX_ATTEMPTS = 1000,       // to find a sentence that is not there yet
    LOWER_PERCENT = 12,        // of sentences, written as people do in a hurry
};

// Words that any kind of name may be made of.
static const char *const shared_words[] = {
    "Marlow",  "Halden",  "Sorrel",   "Tavik",  "Brandt",  "Orsini", "Lindgate", "Quill",
    "Fenwick", "Castell", "Rhodes",   "Novak",  "Ashby",   "Vesper", "Dorn",     "Keller",
    "Amsel",   "Winter",  "Galloway", "Porter", "Ravenna", "Stone",  "Hollis",   "Berg",
    "Lagarde", "Moreno",  "Tate",     "Ibsen",  "Carrow",  "Delft",
};
static const char *const first_names[] = {
    "Mira", "Jonas", "Adele", "Tomas", "Priya", "Samuel", "Ines", "Kofi",  "Greta", "Luca",
    "Hana", "Oskar", "Ruth",  "Diego", "Farah", "Nils",   "Olga", "Peter", "Wen",   "Zoe",
};
static const char *const place_prefixes[] = {"New", "Port", "Lake", "Upper", "San", "Mount"};
static const char *const place_suffixes[] = {"Bay", "Falls", "Island", "Heights", "Valley"};
static const char *const firm_suffixes[] = {"Works",  "Bank",     "Motors",  "Institute", "Press",
                                            "United", "Airlines", "Brewery", "College",   "Group"};
static const char *const work_heads[] = {"The Glass",  "Songs for", "Letters to", "The Last",
                                         "A Night in", "Beyond",    "The Silent", "Farewell to"};
static const char *const work_tails[] = {"Harbour", "Orchard", "Winter",
                                         "Hours",   "Mirror",  "River"};

// A word in braces is a name of that kind.
static const char *const frames[] = {
    "{PER} was born in {LOC} and works for {ORG} .",
    "{PER} told reporters that {ORG} would leave {LOC} by June .",
    "We took the night train from {LOC} to {LOC} .",
    "Shares of {ORG} fell after {PER} resigned .",
    "Have you read {WORK} by {PER} ?",
    "{WORK} was filmed near {LOC} in three weeks .",
    "The mayor of {LOC} , {PER} , thanked the firemen .",
    "{ORG} hired {PER} away from {ORG} .",
    "It rained all week in {LOC} .",
    "Yesterday {PER} met {PER} at the station .",
    "Nobody at {ORG} answered the phone .",
    "The road to {LOC} is closed again .",
    "I cried at the end of {WORK} , and so did {PER} .",
    "{ORG} opened its second office in {LOC} .",
    "My neighbour {PER} still owes me a ladder .",
    "Critics praised {WORK} , but the public stayed away .",
    "A spokeswoman for {ORG} declined to comment .",
    "{PER} scored twice against {ORG} .",
    "Flights to {LOC} were cancelled because of fog .",
    "According to {PER} , the bridge at {LOC} is safe .",
    "The orchestra played {WORK} without a conductor .",
    "{PER} , who left {ORG} in March , now teaches in {LOC} .",
    "Two students from {LOC} won the prize .",
    "{ORG} denied that it owed {PER} any money .",
    "Last summer we hiked from {LOC} to the sea .",
    "The new album by {PER} is called {WORK} .",
    "Prices rose again , said {PER} of {ORG} .",
    "They live in a small flat in {LOC} .",
    "Police in {LOC} are looking for {PER} .",
    "{ORG} and {ORG} agreed to merge .",
    "Dear {PER} , thank you for the flowers .",
    "On the shelf stood {WORK} and a photograph of {PER} .",
    "Lunch with {PER} tomorrow , then back to {LOC} .",
    "{PER} translated {WORK} into Dutch .",
    "Workers at {ORG} went on strike on Monday .",
    "The museum in {LOC} bought a portrait of {PER} .",
    "Tickets for {WORK} are sold out until May .",
    "Did {PER} really swim across the lake ?",
    "The trial of {PER} was moved to {LOC} .",
    "{ORG} will sponsor the marathon in {LOC} .",
    "No one had seen {PER} since Tuesday .",
    "A letter from {ORG} lay on the mat .",
    "Snow fell on the hills above {LOC} .",
    "Half of the money went to {ORG} .",
    "The children asked for {WORK} every evening .",
    "He never paid for the repairs .",
    "The kettle was still warm when they came home .",
    "Three of the windows were open , and it was cold .",
};

typedef struct Sentence {
    char bytes[MAX_SENTENCE_BYTES];
    size_t len;
} Sentence;

typedef struct Generator {
    Philox rng;
    bool is_lower; // the sentence is written without capitals
    Sentence sentence;
} Generator;

#define PICK(generator, words) ((words)[philox_below(&(generator)->rng, COUNT_OF(words))])

static bool happens(Generator *generator, unsigned percent)
{
    return philox_below(&generator->rng, 100) < percent;
}

static Status put(Generator *generator, const char *bytes, size_t len, Error *err)
{
    Sentence *s = &generator->sentence;
    if (len > sizeof s->bytes - s->len)
        return error_set(err, STATUS_INTERNAL, "a sentence is longer than %d bytes",
                         (int)MAX_SENTENCE_BYTES);
    for (size_t i = 0; i < len; i++) {
        char byte = bytes[i];
        if (generator->is_lower && byte >= 'A' && byte <= 'Z') byte = (char)(byte - 'A' + 'a');
        s->bytes[s->len++] = byte;
    }
    return STATUS_OK;
}

// One line: the word, a tab, its tag. kind NULL is outside.
static Status put_word(Generator *generator, Slice word, const char *kind, bool is_first,
                       Error *err)
{
    const bool is_lower = generator->is_lower;
    TRY(put(generator, word.ptr, word.len, err));
    generator->is_lower = false; // tags keep their capitals
    Status s = put(generator, "\t", 1, err);
    if (s == STATUS_OK && kind == NULL) s = put(generator, "O\n", 2, err);
    if (s == STATUS_OK && kind != NULL) {
        s = put(generator, is_first ? "B-" : "I-", 2, err);
        if (s == STATUS_OK) s = put(generator, kind, strlen(kind), err);
        if (s == STATUS_OK) s = put(generator, "\n", 1, err);
    }
    generator->is_lower = is_lower;
    return s;
}

// The words of a text that stand between single blanks.
static Status put_words(Generator *generator, const char *text, const char *kind, bool is_first,
                        Error *err)
{
    while (*text != '\0') {
        const size_t len = strcspn(text, " ");
        TRY(put_word(generator, (Slice){text, len}, kind, is_first, err));
        is_first = false;
        text += len + (text[len] == ' ');
    }
    return STATUS_OK;
}

// ---- names ----

static Status put_person(Generator *generator, Error *err)
{
    const bool has_first = happens(generator, 65);
    const bool has_last = !has_first || happens(generator, 80);
    if (has_first) TRY(put_words(generator, PICK(generator, first_names), "PER", true, err));
    if (!has_last) return STATUS_OK;
    return put_words(generator, PICK(generator, shared_words), "PER", !has_first, err);
}

static Status put_place(Generator *generator, Error *err)
{
    const bool has_prefix = happens(generator, 25);
    if (has_prefix) TRY(put_words(generator, PICK(generator, place_prefixes), "LOC", true, err));
    TRY(put_words(generator, PICK(generator, shared_words), "LOC", !has_prefix, err));
    if (has_prefix || !happens(generator, 20)) return STATUS_OK;
    return put_words(generator, PICK(generator, place_suffixes), "LOC", false, err);
}

static Status put_firm(Generator *generator, Error *err)
{
    TRY(put_words(generator, PICK(generator, shared_words), "ORG", true, err));
    if (happens(generator, 25)) {
        TRY(put_words(generator, "&", "ORG", false, err));
        return put_words(generator, PICK(generator, shared_words), "ORG", false, err);
    }
    if (happens(generator, 40)) return STATUS_OK;
    return put_words(generator, PICK(generator, firm_suffixes), "ORG", false, err);
}

static Status put_work(Generator *generator, Error *err)
{
    TRY(put_words(generator, PICK(generator, work_heads), "WORK", true, err));
    const char *tail =
        happens(generator, 50) ? PICK(generator, shared_words) : PICK(generator, work_tails);
    return put_words(generator, tail, "WORK", false, err);
}

static const struct {
    const char *kind;
    Status (*put)(Generator *generator, Error *err);
} names[] = {{"PER", put_person}, {"LOC", put_place}, {"ORG", put_firm}, {"WORK", put_work}};

static Status put_name(Generator *generator, Slice kind, Error *err)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (slice_eq_cstr(kind, names[i].kind)) return names[i].put(generator, err);
    }
    return error_set(err, STATUS_INTERNAL, "no names of the kind \"" SLICE_FMT "\"",
                     SLICE_ARG(kind));
}

// ---- sentences ----

static Status compose(Generator *generator, Error *err)
{
    const char *at = PICK(generator, frames);
    generator->sentence.len = 0;
    generator->is_lower = happens(generator, LOWER_PERCENT);
    while (*at != '\0') {
        const Slice word = {at, strcspn(at, " ")};
        if (word.ptr[0] == '{')
            TRY(put_name(generator, slice_sub(word, 1, word.len - 1), err));
        else
            TRY(put_word(generator, word, NULL, false, err));
        at += word.len + (at[word.len] == ' ');
    }
    return put(generator, "\n", 1, err);
}

typedef struct Written {
    size_t starts[N_SENTENCES + 1];
    size_t n;
} Written;

static bool is_there(const Written *written, const Buffer *out, const Sentence *sentence)
{
    for (size_t i = 0; i < written->n; i++) {
        const size_t begin = written->starts[i];
        if (written->starts[i + 1] - begin == sentence->len &&
            memcmp(out->ptr + begin, sentence->bytes, sentence->len) == 0)
            return true;
    }
    return false;
}

static Status make_file(Buffer *out, Error *err)
{
    Written written = {0};
    Generator generator = {.rng = philox_stream(SEED, 0)};
    for (written.n = 0; written.n < N_SENTENCES; written.n++) {
        size_t n_attempts = 0;
        do {
            if (n_attempts++ == MAX_ATTEMPTS)
                return error_set(err, STATUS_INTERNAL, "too few different sentences");
            TRY(compose(&generator, err));
        } while (is_there(&written, out, &generator.sentence));
        buffer_append(out, (Slice){generator.sentence.bytes, generator.sentence.len});
        TRY(buffer_status(out, err));
        written.starts[written.n + 1] = out->len;
    }
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    return shipped_main(argc, argv, "make_entities", make_file);
}
