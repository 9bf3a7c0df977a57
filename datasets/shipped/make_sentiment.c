// make_sentiment: writes datasets/shipped/sentiment.tsv, or checks that a file is what it would write.
//
// Every choice comes from Philox under one seed, so that the file is the same on every machine. Half of the rows of
// each kind have either label.
#include <string.h>

#include "base/philox.h"
#include "datasets/shipped/sentiment_phrases.h"
#include "datasets/shipped/shipped.h"

enum {
    SEED = 17,
    MAX_ROWS = 6000,
    MAX_ATTEMPTS = 1000, // to find a sentence that is not there yet
    ASIDE_PERCENT = 15,  // sentences with a neutral one beside them
    MAX_SLOTS = 12,
};

static const char *const label_names[2] = {"negative", "positive"};

typedef struct Slot {
    const char *name;
    const char *value;
} Slot;

typedef struct Generator {
    Philox rng;
    const SentimentDomain *domain; // of the sentence being written
    Slot slots[MAX_SLOTS];
    size_t n_slots;
    size_t n_written; // rows of this kind and label so far
} Generator;

static size_t draw(Generator *generator, size_t n)
{
    return (size_t)philox_below(&generator->rng, n);
}

static void slot_set(Generator *generator, const char *name, const char *value)
{
    for (size_t i = 0; i < generator->n_slots; i++) {
        if (strcmp(generator->slots[i].name, name) == 0) {
            generator->slots[i].value = value;
            return;
        }
    }
    if (generator->n_slots < MAX_SLOTS)
        generator->slots[generator->n_slots++] = (Slot){.name = name, .value = value};
}

static const char *slot_value(const Generator *generator, const char *name, size_t len)
{
    for (size_t i = 0; i < generator->n_slots; i++) {
        const Slot *slot = &generator->slots[i];
        if (strlen(slot->name) == len && memcmp(slot->name, name, len) == 0) return slot->value;
    }
    return NULL;
}

// "a airline" becomes "an airline".
static void append_value(Buffer *out, const char *value)
{
    const bool after_article = out->len >= 2 && memcmp(out->ptr + out->len - 2, "a ", 2) == 0 &&
                               (out->len == 2 || out->ptr[out->len - 3] == ' ');
    if (after_article && strchr("aeio", value[0]) != NULL) {
        out->len--;
        buffer_append_cstr(out, "n ");
    }
    buffer_append_cstr(out, value);
}

// Appends text with its slots filled in, as a sentence: a capital at the beginning, a full stop at the end.
static Status append_sentence(const Generator *generator, const char *text, Buffer *out, Error *err)
{
    if (out->len > 0) buffer_append_byte(out, ' ');
    const size_t begin = out->len;
    for (const char *at = text; *at != '\0';) {
        const char *open = strchr(at, '{');
        if (open == NULL) open = at + strlen(at);
        buffer_append(out, (Slice){at, (size_t)(open - at)});
        if (*open == '\0') break;
        const char *close = strchr(open, '}');
        const char *value =
            close == NULL ? NULL : slot_value(generator, open + 1, (size_t)(close - open - 1));
        if (value == NULL)
            return error_set(err, STATUS_INTERNAL, "\"%s\" has an unknown slot", text);
        append_value(out, value);
        at = close + 1;
    }
    TRY(buffer_status(out, err));
    if (out->ptr[begin] >= 'a' && out->ptr[begin] <= 'z')
        out->ptr[begin] = (char)(out->ptr[begin] - 'a' + 'A');
    if (strchr(".?!", out->ptr[out->len - 1]) == NULL) buffer_append_byte(out, '.');
    return buffer_status(out, err);
}

// ---- the kinds ----

// Sets {a} and {b} to two different clauses of the domain, of the sentiments given.
static void draw_clauses(Generator *generator, int a_label, int b_label)
{
    const size_t a = draw(generator, N_CLAUSES);
    const size_t b = (a + 1 + draw(generator, N_CLAUSES - 1)) % N_CLAUSES;
    slot_set(generator, "a", generator->domain->clauses[a_label][a]);
    slot_set(generator, "b", generator->domain->clauses[b_label][b]);
}

static void draw_adjective(Generator *generator, int label)
{
    slot_set(generator, "adjective", sentiment_adjectives[label][draw(generator, N_ADJECTIVES)]);
}

static const char *compose_plain(Generator *generator, int label)
{
    draw_clauses(generator, label, label);
    draw_adjective(generator, label);
    return sentiment_plain_frames[draw(generator, n_sentiment_plain_frames)];
}

static const char *compose_negated(Generator *generator, int label)
{
    if (draw(generator, 2) == 0) {
        const SentimentFrame *frame =
            &sentiment_noun_frames[draw(generator, n_sentiment_noun_frames)];
        draw_adjective(generator, label ^ frame->flips);
        return frame->text;
    }
    const SentimentFrame *frame =
        &sentiment_claim_frames[draw(generator, n_sentiment_claim_frames)];
    draw_clauses(generator, label ^ frame->flips, label ^ frame->flips);
    return frame->text;
}

static const char *compose_mixed(Generator *generator, int label)
{
    draw_clauses(generator, !label, label);
    return sentiment_contrast_frames[draw(generator, n_sentiment_contrast_frames)];
}

static const char *compose_expected(Generator *generator, int label)
{
    slot_set(generator, "a", generator->domain->offers[!label][draw(generator, N_OFFERS)]);
    slot_set(generator, "b", generator->domain->offers[label][draw(generator, N_OFFERS)]);
    return sentiment_offer_frames[draw(generator, n_sentiment_offer_frames)];
}

static const char *compose_compared(Generator *generator, int label)
{
    return sentiment_comparisons[draw(generator, n_sentiment_comparisons)].text[label];
}

// In turn, so that each is there once before any is there twice.
static const char *compose_implied(Generator *generator, int label)
{
    return sentiment_implied[generator->n_written % n_sentiment_implied].text[label];
}

typedef struct Kind {
    const char *name;
    size_t n_of_label;                                       // rows of either label
    const char *(*compose)(Generator *generator, int label); // sets slots and gives the frame
} Kind;

static const Kind kinds[] = {
    {"plain", 1100, compose_plain},      {"negated", 800, compose_negated},
    {"mixed", 600, compose_mixed},       {"expected", 200, compose_expected},
    {"compared", 200, compose_compared}, {"implied", 100, compose_implied},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

// ---- the rows ----

static void draw_neutral_words(Generator *generator)
{
    generator->domain = &sentiment_domains[draw(generator, n_sentiment_domains)];
    slot_set(generator, "noun", generator->domain->nouns[draw(generator, N_NOUNS)]);
    slot_set(generator, "thing", generator->domain->thing);
    slot_set(generator, "things", generator->domain->things);
    slot_set(generator, "used", generator->domain->used);
    slot_set(generator, "person", sentiment_people[draw(generator, n_sentiment_people)]);
    slot_set(generator, "day", sentiment_days[draw(generator, n_sentiment_days)]);
    slot_set(generator, "n", sentiment_numbers[draw(generator, n_sentiment_numbers)]);
}

// One text, perhaps with a neutral sentence before or after.
static Status compose(Generator *generator, const Kind *kind, int label, Buffer *text, Error *err)
{
    buffer_clear(text);
    draw_neutral_words(generator);
    const char *frame = kind->compose(generator, label);
    const bool has_aside = draw(generator, 100) < ASIDE_PERCENT;
    const bool comes_first = draw(generator, 2) == 0;
    const char *aside = sentiment_asides[draw(generator, n_sentiment_asides)];
    if (has_aside && comes_first) TRY(append_sentence(generator, aside, text, err));
    TRY(append_sentence(generator, frame, text, err));
    if (has_aside && !comes_first) TRY(append_sentence(generator, aside, text, err));
    return STATUS_OK;
}

typedef struct Rows {
    Buffer lines; // "text<TAB>label<TAB>kind<LF>" end to end
    size_t starts[MAX_ROWS + 1];
    size_t n;
} Rows;

static bool rows_have(const Rows *rows, Slice text)
{
    for (size_t i = 0; i < rows->n; i++) {
        const char *line = rows->lines.ptr + rows->starts[i];
        if (rows->lines.len - rows->starts[i] > text.len && line[text.len] == '\t' &&
            memcmp(line, text.ptr, text.len) == 0)
            return true;
    }
    return false;
}

static Status rows_add(Rows *rows, Generator *generator, const Kind *kind, int label, Buffer *text,
                       Error *err)
{
    if (rows->n == MAX_ROWS)
        return error_set(err, STATUS_INTERNAL, "more than %d rows", (int)MAX_ROWS);
    size_t n_attempts = 0;
    do {
        if (n_attempts++ == MAX_ATTEMPTS)
            return error_set(err, STATUS_INTERNAL, "too few different %s sentences", kind->name);
        TRY(compose(generator, kind, label, text, err));
    } while (rows_have(rows, buffer_slice(text)));
    rows->starts[rows->n++] = rows->lines.len;
    buffer_append(&rows->lines, buffer_slice(text));
    buffer_printf(&rows->lines, "\t%s\t%s\n", label_names[label], kind->name);
    return buffer_status(&rows->lines, err);
}

static Status write_rows(const Rows *rows, Generator *generator, Buffer *out, Error *err)
{
    size_t order[MAX_ROWS];
    for (size_t i = 0; i < rows->n; i++) order[i] = i;
    philox_shuffle(&generator->rng, order, rows->n);
    buffer_append_cstr(out, "text\tlabel\tkind\n");
    for (size_t i = 0; i < rows->n; i++) {
        const char *line = rows->lines.ptr + rows->starts[order[i]];
        buffer_append(out, (Slice){line, (size_t)(strchr(line, '\n') - line) + 1});
    }
    return buffer_status(out, err);
}

static Status make_table(Buffer *out, Error *err)
{
    static Rows rows; // too large for a stack
    Generator generator = {.rng = philox_stream(SEED, 0)};
    Buffer text = {0};
    Status s = STATUS_OK;
    for (size_t k = 0; k < N_KINDS && s == STATUS_OK; k++) {
        for (int label = 0; label < 2 && s == STATUS_OK; label++) {
            for (generator.n_written = 0;
                 generator.n_written < kinds[k].n_of_label && s == STATUS_OK; generator.n_written++)
                s = rows_add(&rows, &generator, &kinds[k], label, &text, err);
        }
    }
    if (s == STATUS_OK) s = write_rows(&rows, &generator, out, err);
    buffer_release(&text);
    buffer_release(&rows.lines);
    return s;
}

int main(int argc, char **argv)
{
    return shipped_main(argc, argv, "make_sentiment", make_table);
}
