#include "datasets/personal_internal.h"

#include <string.h>

#include "base/unicode.h"
#include "datasets/text_index.h"

static size_t email_without_note(Slice text, size_t at)
{
    size_t looked_at = 0;
    return match_email(text, at, &looked_at);
}

// Those with the most certain checks first.
const PersonalKind personal_kinds[] = {
    {"email", "<EMAIL>", "an e-mail address: name, @, domain",
     BEGINS_DIGIT | BEGINS_LETTER | BEGINS_OTHER, email_without_note},
    {"iban", "<IBAN>", "an account: the country's length, and modulo 97", BEGINS_LETTER,
     match_iban},
    {"it-cf", "<IT-CF>", "an Italian codice fiscale, by its check character", BEGINS_LETTER,
     match_it_cf},
    {"cn-id", "<CN-ID>", "a Chinese identity number: a date and modulo 11", BEGINS_DIGIT,
     match_cn_id},
    {"fr-nir", "<FR-NIR>", "a French social security number, by its key", BEGINS_DIGIT,
     match_fr_nir},
    {"card", "<CARD>", "a payment card: the issuer's digits and length, and Luhn's check",
     BEGINS_DIGIT, match_card},
    {"uk-nino", "<UK-NINO>", "a British National Insurance number", BEGINS_LETTER, match_uk_nino},
    {"es-dni", "<ES-DNI>", "a Spanish identity number, by its letter", BEGINS_DIGIT, match_es_dni},
    {"es-nie", "<ES-NIE>", "a Spanish number of foreigners, by its letter", BEGINS_LETTER,
     match_es_nie},
    {"fi-hetu", "<FI-HETU>", "a Finnish personal code, by its check character", BEGINS_DIGIT,
     match_fi_hetu},
    {"ch-ahv", "<CH-AHV>", "a Swiss AHV number, by its check digit", BEGINS_DIGIT, match_ch_ahv},
    {"br-cpf", "<BR-CPF>", "a Brazilian CPF, by its check digits", BEGINS_DIGIT, match_br_cpf},
    {"be-nrn", "<BE-NRN>", "a Belgian national number: a date and modulo 97", BEGINS_DIGIT,
     match_be_nrn},
    {"de-tax", "<DE-TAX>", "a German tax number, by its check digit", BEGINS_DIGIT, match_de_tax},
    {"pl-pesel", "<PL-PESEL>", "a Polish PESEL: a date and a check digit", BEGINS_DIGIT,
     match_pl_pesel},
    {"se-pnr", "<SE-PNR>", "a Swedish personal number: a date and Luhn's check", BEGINS_DIGIT,
     match_se_pnr},
    {"us-ssn", "<US-SSN>", "a US social security number, of those that are issued", BEGINS_DIGIT,
     match_us_ssn},
    {"ipv6", "<IP>", "an IPv6 address", BEGINS_DIGIT | BEGINS_LETTER | BEGINS_SIGN, match_ipv6},
    {"ipv4", "<IP>", "an IPv4 address", BEGINS_DIGIT, match_ipv4},
    {"phone", "<PHONE>",
     "a phone number: with a country's code, a leading 0, or in the North American form",
     BEGINS_DIGIT | BEGINS_SIGN, match_phone},
};
const size_t personal_kinds_count = sizeof personal_kinds / sizeof *personal_kinds;

// ---- words ----

size_t personal_word_char(Slice text, size_t at)
{
    if (at >= text.len) return 0;
    const char c = text.ptr[at];
    if (personal_is_alnum(c) || c == '_') return 1;
    if ((unsigned char)c < 0x80) return 0;
    size_t end = at;
    const CodePoint point = utf8_next(text, &end);
    const bool is_letter = point >= 0 && point < 0x2E80 &&
                           (unicode_category(point)[0] == 'L' || unicode_category(point)[0] == 'M');
    return is_letter ? end - at : 0;
}

static bool is_joint(char c)
{
    return c == '-' || c == '.' || c == '/';
}

bool personal_begins_number(Slice text, size_t at)
{
    size_t len = 1, sign = at;
    while (sign > 0 && at - sign < 3 && (sign == at || (text.ptr[sign] & 0xC0) == 0x80)) sign--;
    if (sign == 0 || !personal_is_digit(text.ptr[sign - 1])) return true;
    return !is_joint(personal_sign(text, sign, &len)) || sign + len != at;
}

bool personal_ends_number(Slice text, size_t end)
{
    if (personal_word_char(text, end) > 0) return false;
    size_t len;
    const char sign = personal_sign(text, end, &len);
    return !is_joint(sign) || !personal_is_digit(personal_byte(text, end + len));
}

static unsigned begins(Slice text, size_t at)
{
    const char c = text.ptr[at];
    if (personal_is_digit(c)) return BEGINS_DIGIT;
    if (personal_is_letter(c)) return BEGINS_LETTER;
    if (c == '+' || c == '(' || c == ':') return BEGINS_SIGN;
    return personal_word_char(text, at) > 0 ? BEGINS_OTHER : 0;
}

// What stands at the begin of a word, or at a sign.
static size_t match_at(PersonalScan *scan, size_t at, unsigned class, size_t *kind)
{
    for (size_t k = 0; k < personal_kinds_count; k++) {
        size_t end = 0;
        if (!(personal_kinds[k].begins & class)) continue;
        if (k == 0) { // one look serves all words up to where it ended
            if (at >= scan->no_address_before)
                end = match_email(scan->text, at, &scan->no_address_before);
        } else {
            end = personal_kinds[k].match(scan->text, at);
        }
        *kind = k;
        if (end > 0) return end;
    }
    return 0;
}

bool personal_next(PersonalScan *scan, PersonalFind *find)
{
    const Slice text = scan->text;
    while (scan->at < text.len) {
        const size_t at = scan->at;
        const unsigned class = begins(text, at);
        const size_t end = class ? match_at(scan, at, class, &find->kind) : 0;
        if (end > 0) {
            find->begin = at;
            find->end = scan->at = end;
            return true;
        }
        size_t n;
        while ((n = personal_word_char(text, scan->at)) > 0) scan->at += n;
        if (scan->at == at) utf8_next(text, &scan->at);
    }
    return false;
}

// ---- what is said of finds ----

void personal_mask(Slice found, Buffer *out)
{
    enum { SHOWN = 40, SHORT = 6 };
    size_t n_chars = 0, first = SIZE_MAX, last = 0, n_shown = 0;
    for (size_t i = 0; i < found.len; i++) {
        if (!personal_is_alnum(found.ptr[i])) continue;
        if (first == SIZE_MAX) first = i;
        last = i;
        n_chars++;
    }
    for (size_t at = 0; at < found.len && n_shown < SHOWN; n_shown++) {
        const size_t begin = at;
        const char c = found.ptr[at];
        utf8_next(found, &at);
        const bool is_hidden = personal_is_alnum(c) || (unsigned char)c >= 0x80;
        const bool is_end = n_chars >= SHORT && (begin == first || begin == last);
        buffer_append_byte(out, (char)(is_hidden && !is_end ? '*' : c));
    }
}

static void count_in(Slice text, PersonalCounts *counts, bool *has)
{
    PersonalScan scan = {.text = text};
    PersonalFind find;
    while (personal_next(&scan, &find)) {
        counts->n_finds[find.kind]++;
        has[find.kind] = true;
    }
}

static void count_all(const Slice *texts, size_t n, PersonalCounts *counts, bool *has)
{
    for (size_t i = 0; i < n; i++) count_in(texts[i], counts, has);
}

static void add_sample(PersonalCounts *counts, const bool *has)
{
    bool any = false;
    for (size_t k = 0; k < personal_kinds_count; k++) {
        counts->n_with[k] += has[k];
        any = any || has[k];
    }
    counts->n_samples++;
    counts->n_any += any;
}

// All but the passage.
static void count_rest(const Sample *sample, PersonalCounts *counts, bool *has)
{
    count_in(sample->text, counts, has); // words are joined there
    count_in(sample->pair, counts, has);
    count_all(sample->targets, sample->n_targets, counts, has);
    count_all(sample->choices, sample->n_choices, counts, has);
    for (size_t i = 0; i < sample->n_attributes; i++)
        count_in(sample->attributes[i].value, counts, has);
}

void personal_count_sample(const Sample *sample, PersonalCounts *counts)
{
    bool has[PERSONAL_MOST] = {false};
    count_in(sample->context, counts, has);
    count_rest(sample, counts, has);
    add_sample(counts, has);
}

// Passages that were looked at, and the kinds found in each.
typedef struct Passages {
    TextIndex index;
    bool (*has)[PERSONAL_MOST];
    size_t capacity;
} Passages;

static Status count_passage(Passages *passages, Slice passage, PersonalCounts *counts, bool *has,
                            Error *err)
{
    const size_t n = passages->index.n;
    size_t which;
    if (passage.len == 0) return STATUS_OK;
    TRY(text_index_add(&passages->index, passage, &which, err));
    TRY(arena_make_room(passages->index.arena, which, &passages->capacity, sizeof *passages->has,
                        "passages", &passages->has, err));
    if (which == n) {
        memset(passages->has[n], 0, sizeof *passages->has);
        count_in(passage, counts, passages->has[n]);
    }
    memcpy(has, passages->has[which], sizeof *passages->has);
    return STATUS_OK;
}

Status personal_count_samples(const Sample *samples, const size_t *which, size_t n,
                              PersonalCounts *counts, Error *err)
{
    Arena arena = {0};
    Passages passages = {.index = {.arena = &arena}};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        bool has[PERSONAL_MOST] = {false};
        s = count_passage(&passages, samples[which[i]].context, counts, has, err);
        count_rest(&samples[which[i]], counts, has);
        add_sample(counts, has);
    }
    arena_release(&arena);
    return s;
}

void personal_count_text(Slice text, PersonalCounts *counts)
{
    bool has[PERSONAL_MOST] = {false};
    count_in(text, counts, has);
    add_sample(counts, has);
}

void personal_describe(const PersonalCounts *counts, Buffer *out)
{
    bool is_first = true;
    for (size_t k = 0; k < personal_kinds_count; k++) {
        if (counts->n_finds[k] == 0) continue;
        buffer_printf(out, "%s%s %zu", is_first ? "" : ", ", personal_kinds[k].name,
                      counts->n_finds[k]);
        is_first = false;
    }
}
