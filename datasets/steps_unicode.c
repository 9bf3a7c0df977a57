// Steps that follow Unicode's tables: forms, case, accents, control characters, white space.
#include "datasets/steps_internal.h"

#include "base/unicode.h"

bool step_is_ascii(Slice text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.len; i++) all |= (unsigned char)text.ptr[i];
    return all < 0x80;
}

// ---- forms ----

// The end of the piece that begins at `at` and can be brought into the form on its own.
static size_t segment_end(Slice text, size_t at, UnicodeForm form)
{
    size_t end = at;
    utf8_next(text, &end);
    while (end < text.len) {
        size_t next = end;
        if (unicode_begins_segment(utf8_next(text, &next), form)) break;
        end = next;
    }
    return end;
}

static Status apply_form(TextEdit *edit, UnicodeForm form, Arena *scratch, Error *err)
{
    if (step_is_ascii(edit->from) || unicode_is_normalized(edit->from, form)) {
        text_edit_rest(edit);
        return STATUS_OK;
    }
    while (edit->at < edit->from.len) {
        const size_t end = segment_end(edit->from, edit->at, form);
        const Slice segment = slice_sub(edit->from, edit->at, end);
        Slice formed;
        TRY(unicode_normalize(scratch, segment, form, &formed, err));
        text_edit_put(edit, segment.len, formed);
    }
    return STATUS_OK;
}

static Status apply_nfc(TextEdit *edit, Arena *scratch, Error *err)
{
    return apply_form(edit, UNICODE_NFC, scratch, err);
}

static Status apply_nfd(TextEdit *edit, Arena *scratch, Error *err)
{
    return apply_form(edit, UNICODE_NFD, scratch, err);
}

static Status apply_nfkc(TextEdit *edit, Arena *scratch, Error *err)
{
    return apply_form(edit, UNICODE_NFKC, scratch, err);
}

static Status apply_nfkd(TextEdit *edit, Arena *scratch, Error *err)
{
    return apply_form(edit, UNICODE_NFKD, scratch, err);
}

const Step step_nfc = {.name = "nfc", .summary = "Unicode form NFC", .apply = apply_nfc};
const Step step_nfd = {.name = "nfd", .summary = "Unicode form NFD", .apply = apply_nfd};
const Step step_nfkc = {
    .name = "nfkc",
    .summary = "Unicode form NFKC: ligatures, full-width letters and the like become plain",
    .apply = apply_nfkc};
const Step step_nfkd = {.name = "nfkd", .summary = "Unicode form NFKD", .apply = apply_nfkd};

// ---- case ----

static size_t lower_length(CodePoint c)
{
    CodePoint lower[3];
    char bytes[4];
    size_t len = 0;
    const size_t n = unicode_lower_point(c, lower);
    for (size_t i = 0; i < n; i++) len += utf8_encode(lower[i], bytes);
    return len;
}

// The text as a whole, since a sigma at a word's end is another; its length is that of the other sigma, so that each
// character's part is known.
static Status apply_lower(TextEdit *edit, Arena *scratch, Error *err)
{
    Slice lower;
    size_t done = 0;
    TRY(unicode_lower(scratch, edit->from, &lower, err));
    while (edit->at < edit->from.len) {
        size_t next = edit->at;
        const CodePoint c = utf8_next(edit->from, &next);
        const size_t len = c < 0 ? next - edit->at : lower_length(c);
        text_edit_put(edit, next - edit->at, slice_sub(lower, done, done + len));
        done += len;
    }
    return done == lower.len
               ? STATUS_OK
               : error_set(err, STATUS_INTERNAL, "lower case of a text has another length");
}

const Step step_lower = {.name = "lower", .summary = "lower case", .apply = apply_lower};

// ---- accents, control characters ----

static bool is_mark(CodePoint c)
{
    const char *category = unicode_category(c);
    return category[0] == 'M' && category[1] == 'n';
}

static Status strip_marks(Slice segment, Arena *scratch, Slice *out, Error *err)
{
    Slice apart;
    char *bare = NULL;
    size_t len = 0;
    TRY(unicode_normalize(scratch, segment, UNICODE_NFD, &apart, err));
    TRY(arena_take(scratch, apart.len + 1, 1, "a text", &bare, err));
    for (size_t at = 0; at < apart.len;) {
        const CodePoint c = utf8_next(apart, &at);
        if (!is_mark(c)) len += utf8_encode(c, bare + len);
    }
    return unicode_normalize(scratch, (Slice){bare, len}, UNICODE_NFC, out, err);
}

static Status apply_accents(TextEdit *edit, Arena *scratch, Error *err)
{
    while (!step_is_ascii(edit->from) && edit->at < edit->from.len) {
        const size_t end = segment_end(edit->from, edit->at, UNICODE_NFC);
        const Slice segment = slice_sub(edit->from, edit->at, end);
        Slice bare = segment;
        if (!step_is_ascii(segment)) TRY(strip_marks(segment, scratch, &bare, err));
        text_edit_put(edit, segment.len, bare);
    }
    text_edit_rest(edit);
    return STATUS_OK;
}

const Step step_accents = {.name = "accents",
                           .summary = "accents are stripped, as BERT's tokenizer does it",
                           .apply = apply_accents};

static Status apply_control(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    while (edit->at < edit->from.len) {
        size_t next = edit->at;
        const CodePoint c = utf8_next(edit->from, &next);
        const bool is_blank = c == '\t' || c == '\n' || c == '\r';
        const bool is_plain = (c >= ' ' && c < 0x7F) || is_blank || unicode_category(c)[0] != 'C';
        text_edit_put(edit, next - edit->at,
                      is_plain ? slice_sub(edit->from, edit->at, next) : (Slice){0});
    }
    return STATUS_OK;
}

const Step step_control = {
    .name = "control",
    .summary = "control, format and unassigned characters are removed, but tabs and line ends",
    .apply = apply_control};

// ---- white space ----

static Status apply_whitespace(TextEdit *edit, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    const Slice text = edit->from;
    while (edit->at < text.len) {
        size_t end = edit->at, next = end;
        while (next < text.len && unicode_is_white_space(utf8_next(text, &next))) end = next;
        const bool is_edge = edit->at == 0 || end == text.len;
        if (end > edit->at) {
            text_edit_put(edit, end - edit->at, is_edge ? (Slice){0} : SLICE(" "));
            continue;
        }
        utf8_next(text, &end);
        text_edit_keep(edit, end - edit->at);
    }
    return STATUS_OK;
}

const Step step_whitespace = {.name = "whitespace",
                              .summary =
                                  "runs of white space become one blank, and go at a text's ends",
                              .apply = apply_whitespace};
