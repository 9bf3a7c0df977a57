// make_translations: writes datasets/shipped/translations.tsv, or checks that a file is what it would write.
//
// English sentences and what they are in German: articles and adjectives agree in gender, number and case, verbs move to the
// second place or the end, numbers stay. Every choice comes from Philox under one seed.
#include <string.h>

#include "base/philox.h"
#include "datasets/shipped/shipped.h"
#include "datasets/shipped/translation_words.h"

enum { SEED = 17, N_ROWS = 5000, MAX_ATTEMPTS = 1000 };

typedef enum Case { NOMINATIVE, ACCUSATIVE, DATIVE, N_CASES } Case;
typedef enum Article { DEFINITE, INDEFINITE, NUMBER, N_ARTICLES } Article;

// Somebody or something, chosen but not yet written.
typedef struct Phrase {
    const Noun *noun;
    const Word *adjective; // or NULL
    const Word *number;    // of NUMBER; NULL = `count` in digits
    size_t count;
    Article article;
    int is_plural;
} Phrase;

typedef struct Generator {
    Philox rng;
    Buffer en, de;
} Generator;

static size_t draw(Generator *g, size_t n)
{
    return (size_t)philox_below(&g->rng, n);
}

#define PICK(g, list) (&translation_##list[draw((g), n_translation_##list)])

static void add(Buffer *out, const char *word)
{
    if (out->len > 0) buffer_append_byte(out, ' ');
    buffer_append_cstr(out, word);
}

static void add_both(Generator *g, const char *en, const char *de)
{
    add(&g->en, en);
    add(&g->de, de);
}

// ---- phrases ----

static Phrase draw_phrase(Generator *g, const Noun *noun)
{
    Phrase p = {.noun = noun, .article = (Article)draw(g, N_ARTICLES)};
    p.is_plural = p.article == NUMBER || (p.article == DEFINITE && draw(g, 3) == 0);
    if (draw(g, 2) == 0) p.adjective = PICK(g, adjectives);
    if (draw(g, 4) == 0)
        p.count = 13 + draw(g, 87);
    else
        p.number = PICK(g, numbers);
    return p;
}

static void put_number(Buffer *out, const Phrase *p, int is_german)
{
    if (p->number) {
        add(out, is_german ? p->number->de : p->number->en);
        return;
    }
    buffer_printf(out, "%s%zu", out->len > 0 ? " " : "", p->count);
}

static void put_english(Buffer *out, const Phrase *p)
{
    const char *noun = p->is_plural ? p->noun->en_plural : p->noun->en;
    const char *next = p->adjective ? p->adjective->en : noun;
    if (p->article == NUMBER)
        put_number(out, p, 0);
    else if (p->article == DEFINITE)
        add(out, "the");
    else
        add(out, strchr("aeio", next[0]) ? "an" : "a");
    if (p->adjective) add(out, p->adjective->en);
    add(out, noun);
}

static void put_german(Buffer *out, const Phrase *p, Case c)
{
    static const char *const the[N_CASES][N_GENDERS] = {
        {"der", "die", "das", "die"}, {"den", "die", "das", "die"}, {"dem", "der", "dem", "den"}};
    static const char *const a[N_CASES][N_GENDERS] = {
        {"ein", "eine", "ein", ""}, {"einen", "eine", "ein", ""}, {"einem", "einer", "einem", ""}};
    static const char *const endings[N_ARTICLES][N_CASES][N_GENDERS] = {
        {{"e", "e", "e", "en"}, {"en", "e", "e", "en"}, {"en", "en", "en", "en"}},
        {{"er", "e", "es", ""}, {"en", "e", "es", ""}, {"en", "en", "en", ""}},
        {{"", "", "", "e"}, {"", "", "", "e"}, {"", "", "", "en"}}};
    const Gender gender = p->is_plural ? PLURAL : p->noun->gender;
    if (p->article == NUMBER)
        put_number(out, p, 1);
    else
        add(out, p->article == DEFINITE ? the[c][gender] : a[c][gender]);
    if (p->adjective) {
        add(out, p->adjective->de);
        buffer_append_cstr(out, endings[p->article][c][gender]);
    }
    const char *singular = c != NOMINATIVE && p->noun->de_weak ? p->noun->de_weak : p->noun->de;
    const char *noun = p->is_plural ? p->noun->de_plural : singular;
    add(out, noun);
    const char last = noun[strlen(noun) - 1];
    if (p->is_plural && c == DATIVE && last != 'n' && last != 's') buffer_append_byte(out, 'n');
}

static const char *english_verb(const Verb *v, const Phrase *subject)
{
    return subject->is_plural ? v->en_plural : v->en;
}

static const char *german_verb(const Verb *v, const Phrase *subject)
{
    return subject->is_plural ? v->de_plural : v->de;
}

// ---- kinds of sentences ----

// "The old dog sees a house." "Der alte Hund sieht ein Haus."
static void compose_plain(Generator *g)
{
    const Phrase who = draw_phrase(g, PICK(g, people)), what = draw_phrase(g, PICK(g, things));
    const Verb *verb = PICK(g, deeds);
    put_english(&g->en, &who);
    put_german(&g->de, &who, NOMINATIVE);
    add_both(g, english_verb(verb, &who), german_verb(verb, &who));
    put_english(&g->en, &what);
    put_german(&g->de, &what, ACCUSATIVE);
}

// "Today the dog sees a house." "Heute sieht der Hund ein Haus."
static void compose_fronted(Generator *g)
{
    const Phrase who = draw_phrase(g, PICK(g, people)), what = draw_phrase(g, PICK(g, things));
    const Verb *verb = PICK(g, deeds);
    const Word *when = PICK(g, times);
    add_both(g, when->en, when->de);
    put_english(&g->en, &who);
    add(&g->en, english_verb(verb, &who));
    add(&g->de, german_verb(verb, &who));
    put_german(&g->de, &who, NOMINATIVE);
    put_english(&g->en, &what);
    put_german(&g->de, &what, ACCUSATIVE);
}

// "The dog has found a house." "Der Hund hat ein Haus gefunden."
static void compose_perfect(Generator *g)
{
    const Phrase who = draw_phrase(g, PICK(g, people)), what = draw_phrase(g, PICK(g, things));
    const Verb *verb = PICK(g, deeds);
    put_english(&g->en, &who);
    put_german(&g->de, &who, NOMINATIVE);
    add_both(g, who.is_plural ? "have" : "has", who.is_plural ? "haben" : "hat");
    add(&g->en, verb->en_participle);
    put_english(&g->en, &what);
    put_german(&g->de, &what, ACCUSATIVE);
    add(&g->de, verb->de_participle);
}

// "The dog must find the house." "Der Hund muss das Haus finden."
static void compose_modal(Generator *g)
{
    const Phrase who = draw_phrase(g, PICK(g, people)), what = draw_phrase(g, PICK(g, things));
    const Verb *verb = PICK(g, deeds);
    const Modal *modal = PICK(g, modals);
    put_english(&g->en, &who);
    put_german(&g->de, &who, NOMINATIVE);
    add_both(g, modal->en, who.is_plural ? modal->de_plural : modal->de);
    add(&g->en, verb->en_plural);
    put_english(&g->en, &what);
    put_german(&g->de, &what, ACCUSATIVE);
    add(&g->de, verb->de_plural);
}

// "The man gives the dog a fish." "Der Mann gibt dem Hund einen Fisch."
static void compose_gift(Generator *g)
{
    const Phrase who = draw_phrase(g, PICK(g, people)), whom = draw_phrase(g, PICK(g, people)),
                 what = draw_phrase(g, PICK(g, things));
    const Verb *verb = PICK(g, gifts);
    put_english(&g->en, &who);
    put_german(&g->de, &who, NOMINATIVE);
    add_both(g, english_verb(verb, &who), german_verb(verb, &who));
    put_english(&g->en, &whom);
    put_german(&g->de, &whom, DATIVE);
    put_english(&g->en, &what);
    put_german(&g->de, &what, ACCUSATIVE);
}

// "The man laughs because the dog sees a house." "Der Mann lacht, weil der Hund ein Haus sieht."
static void compose_because(Generator *g)
{
    const Phrase first = draw_phrase(g, PICK(g, people)), who = draw_phrase(g, PICK(g, people)),
                 what = draw_phrase(g, PICK(g, things));
    const Verb *state = PICK(g, states), *verb = PICK(g, deeds);
    put_english(&g->en, &first);
    put_german(&g->de, &first, NOMINATIVE);
    add_both(g, english_verb(state, &first), german_verb(state, &first));
    buffer_append_byte(&g->de, ',');
    add_both(g, "because", "weil");
    put_english(&g->en, &who);
    put_german(&g->de, &who, NOMINATIVE);
    add(&g->en, english_verb(verb, &who));
    put_english(&g->en, &what);
    put_german(&g->de, &what, ACCUSATIVE);
    add(&g->de, german_verb(verb, &who));
}

typedef struct Kind {
    const char *name;
    size_t percent;
    void (*compose)(Generator *g);
} Kind;

static const Kind kinds[] = {{"plain", 20, compose_plain},     {"fronted", 20, compose_fronted},
                             {"perfect", 20, compose_perfect}, {"modal", 15, compose_modal},
                             {"gift", 10, compose_gift},       {"because", 15, compose_because}};

// ---- the file ----

static void finish(Buffer *sentence)
{
    char *first = sentence->ptr;
    if (*first >= 'a' && *first <= 'z') *first = (char)(*first - 'a' + 'A');
    buffer_append_byte(sentence, '.');
}

static const Kind *compose(Generator *g, Error *err, Status *status)
{
    size_t at = draw(g, 100), k = 0;
    while (at >= kinds[k].percent) at -= kinds[k++].percent;
    buffer_clear(&g->en);
    buffer_clear(&g->de);
    kinds[k].compose(g);
    *status = buffer_status(&g->en, err);
    if (*status == STATUS_OK) *status = buffer_status(&g->de, err);
    if (*status != STATUS_OK) return &kinds[k];
    finish(&g->en);
    finish(&g->de);
    return &kinds[k];
}

// A row that begins with this source.
static int has_source(Slice rows, Slice source)
{
    for (Slice row; slice_split(&rows, '\n', &row);) {
        if (row.len > source.len && row.ptr[source.len] == '\t' && slice_starts_with(row, source))
            return 1;
    }
    return 0;
}

static Status add_rows(Generator *g, Buffer *out, Error *err)
{
    buffer_append_cstr(out, "source\ttarget\tkind\n");
    for (size_t i = 0, n_attempts = 0; i < N_ROWS && n_attempts < MAX_ATTEMPTS;) {
        Status s = STATUS_OK;
        const Kind *kind = compose(g, err, &s);
        if (s != STATUS_OK) return s;
        if (has_source(buffer_slice(out), buffer_slice(&g->en))) {
            n_attempts++;
            continue;
        }
        i++;
        n_attempts = 0;
        buffer_append(out, buffer_slice(&g->en));
        buffer_append_byte(out, '\t');
        buffer_append(out, buffer_slice(&g->de));
        buffer_printf(out, "\t%s\n", kind->name);
    }
    return buffer_status(out, err);
}

static Status make_table(Buffer *out, Error *err)
{
    Generator g = {.rng = philox_stream(SEED, 0)};
    const Status s = add_rows(&g, out, err);
    buffer_release(&g.en);
    buffer_release(&g.de);
    return s;
}

int main(int argc, char **argv)
{
    return shipped_main(argc, argv, "make_translations", make_table);
}
