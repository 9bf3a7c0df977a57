#include "models/tokenizers/normalizer.h"
#include "models/tokenizers/newer.h"

#include <string.h>

#include "base/size.h"
#include "models/tokenizers/byte_level.h"

// What a step makes of a text.
typedef struct Task {
    const NormalizerStep *step;
    Slice in;
    size_t base;
    bool want_origin;
    Arena *arena;
    NormalizedText *out;
} Task;

static Rewrite begin_rewrite(const Task *task)
{
    return (Rewrite){
        .in = task->in, .out = task->out, .want_origin = task->want_origin, .arena = task->arena};
}

static Status lowercase(Rewrite *w, Error *err)
{
    for (size_t at = 0; at < w->in.len;) {
        CodePoint lower[3];
        const size_t n = newer_lower_point(utf8_next(w->in, &at), lower);
        for (size_t i = 0; i < n; i++) TRY(rewrite_put(w, lower[i], i == 0 ? 0 : 1, err));
    }
    return STATUS_OK;
}

static Status strip(Rewrite *w, bool left, bool right, Error *err)
{
    size_t begin = 0, end = w->in.len;
    while (left && begin < end) {
        size_t next = begin;
        if (!unicode_is_white_space(utf8_next(w->in, &next))) break;
        begin = next;
    }
    while (right && end > begin) {
        const size_t last = char_begin(w->in, end - 1);
        size_t next = last;
        if (!unicode_is_white_space(utf8_next(w->in, &next))) break;
        end = last;
    }
    w->at = begin;
    return rewrite_keep(w, end - begin, err);
}

// Marks by Unicode 9.0, which two letters of Vedic texts were then, and a sign of Sharada was not.
static bool is_mark(CodePoint c)
{
    if (c == 0x1CF2 || c == 0x1CF3) return true;
    if (c == 0x111C9) return false;
    return normalize_knows(c) && unicode_category(c)[0] == 'M';
}

static Status strip_accents(Rewrite *w, Error *err)
{
    while (w->at < w->in.len) {
        size_t next = w->at;
        const CodePoint c = utf8_next(w->in, &next);
        if (is_mark(c)) {
            w->at = next;
        } else {
            TRY(rewrite_keep(w, next - w->at, err));
        }
    }
    return STATUS_OK;
}

static Status prepend(Rewrite *w, Slice content, Error *err)
{
    if (w->in.len == 0) return STATUS_OK;
    const size_t first = char_end(w->in, 1);
    TRY(rewrite_bytes(w, content, 0, first, err));
    if (content.len > 0) return rewrite_keep(w, w->in.len, err);
    // Hugging Face takes the first character for one put in at the front: it comes from nowhere.
    TRY(rewrite_bytes(w, slice_sub(w->in, 0, first), 0, 0, err));
    w->at = first;
    return rewrite_keep(w, w->in.len - first, err);
}

// What replaces a match has the range of the match's last character.
static Status replace(Rewrite *w, const Pattern *pattern, Slice content, Error *err)
{
    PatternSearch search = {0};
    TRY(pattern_search_init(&search, pattern, err));
    pattern_search_text(&search, w->in);
    Status s = STATUS_OK;
    size_t begin = 0, end = 0;
    for (bool found = true; s == STATUS_OK;) {
        s = pattern_next(&search, &begin, &end, &found, err);
        if (s != STATUS_OK || !found) break;
        s = rewrite_keep(w, begin - w->at, err);
        w->at = end;
        if (s != STATUS_OK) break;
        s = rewrite_bytes(w, content, end > 0 ? char_begin(w->in, end - 1) : 0, end, err);
    }
    pattern_search_release(&search);
    return s == STATUS_OK ? rewrite_keep(w, w->in.len - w->at, err) : s;
}

// The rules of Google's NMT preprocessing: controls go, other blanks are spaces.
static Status nmt(Rewrite *w, Error *err)
{
    while (w->at < w->in.len) {
        size_t next = w->at;
        const CodePoint c = utf8_next(w->in, &next);
        const bool is_dropped = (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) ||
                                c == 0x7F || c == 0x8F || c == 0x9F;
        const bool is_blank = c == 9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
                              (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 ||
                              c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
        if (is_dropped) {
            w->at = next;
        } else if (is_blank) {
            TRY(rewrite_put(w, ' ', 0, err));
        } else {
            TRY(rewrite_keep(w, next - w->at, err));
        }
    }
    return STATUS_OK;
}

// Each byte as the character that stands for it: all have the range of the character they were part of.
Status byte_level_rewrite(Rewrite *w, Error *err)
{
    while (w->at < w->in.len) {
        const size_t begin = w->at, end = char_end(w->in, begin + 1);
        for (; w->at < end; w->at++) {
            char utf8[4];
            const unsigned char byte = (unsigned char)w->in.ptr[w->at];
            const size_t len = utf8_encode(byte_level_char(byte), utf8);
            TRY(rewrite_bytes(w, (Slice){utf8, len}, begin, end, err));
        }
    }
    return STATUS_OK;
}

static bool is_plain_lower(Slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80 || (c >= 'A' && c <= 'Z')) return false;
    }
    return true;
}

static bool has_high_byte(Slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.ptr[i] & 0x80) != 0) return true;
    }
    return false;
}

static bool may_match(const Pattern *pattern, Slice text)
{
    return pattern->kind != PATTERN_LITERAL || slice_find(text, pattern->text) != SIZE_MAX;
}

// Whether the step would leave the text as it is: then nothing is written.
static bool is_idle(const NormalizerStep *step, Slice text)
{
    switch (step->kind) {
    case NORMALIZER_NFC:
    case NORMALIZER_NFD:
    case NORMALIZER_NFKC:
    case NORMALIZER_NFKD:
        return unicode_is_normalized(text, (UnicodeForm)(step->kind - NORMALIZER_NFC));
    case NORMALIZER_LOWERCASE:
        return is_plain_lower(text);
    case NORMALIZER_STRIP_ACCENTS:
        return !has_high_byte(text);
    case NORMALIZER_STRIP:
        return text.len > 0 &&
               (!step->strip_left ||
                ((unsigned char)text.ptr[0] > ' ' && (unsigned char)text.ptr[0] < 0x80)) &&
               (!step->strip_right || ((unsigned char)text.ptr[text.len - 1] > ' ' &&
                                       (unsigned char)text.ptr[text.len - 1] < 0x80));
    case NORMALIZER_REPLACE:
        return !may_match(step->pattern, text);
    case NORMALIZER_PRECOMPILED:
        return charsmap_is_idle(step->charsmap, text);
    case NORMALIZER_BERT:
    case NORMALIZER_PREPEND:
    case NORMALIZER_NMT:
    case NORMALIZER_BYTE_LEVEL:
        return false;
    }
    return false;
}

static Status run_step(const Task *task, Error *err)
{
    const NormalizerStep *step = task->step;
    if (step->kind == NORMALIZER_BERT)
        return bert_normalize(step->bert, task->in, task->base, task->want_origin, task->arena,
                              task->out, err);
    TRY(normalized_begin(task->out, task->in.len + task->in.len / 8 + 16, task->want_origin,
                         task->arena, err));
    Rewrite w = begin_rewrite(task);
    switch (step->kind) {
    case NORMALIZER_NFC:
    case NORMALIZER_NFD:
    case NORMALIZER_NFKC:
    case NORMALIZER_NFKD:
        return normalize_form(&w, (UnicodeForm)(step->kind - NORMALIZER_NFC), err);
    case NORMALIZER_LOWERCASE:
        return lowercase(&w, err);
    case NORMALIZER_STRIP:
        return strip(&w, step->strip_left, step->strip_right, err);
    case NORMALIZER_STRIP_ACCENTS:
        return strip_accents(&w, err);
    case NORMALIZER_PREPEND:
        return prepend(&w, step->content, err);
    case NORMALIZER_REPLACE:
        return replace(&w, step->pattern, step->content, err);
    case NORMALIZER_PRECOMPILED:
        return charsmap_rewrite(step->charsmap, &w, err);
    case NORMALIZER_NMT:
        return nmt(&w, err);
    case NORMALIZER_BYTE_LEVEL:
        return byte_level_rewrite(&w, err);
    case NORMALIZER_BERT:
        break;
    }
    return STATUS_OK;
}

enum { MOST_GROWTH = 64 };

Status normalizer_apply(const Normalizer *normalizer, Slice segment, size_t base, bool want_origin,
                        Arena *arena, NormalizeScratch *scratch, NormalizedText **out, Error *err)
{
    NormalizedText *now = &scratch->texts[0];
    const bool is_bert = normalizer->n_steps > 0 && normalizer->steps[0].kind == NORMALIZER_BERT;
    const size_t broken = is_bert ? SIZE_MAX : utf8_invalid_at(segment); // BERT's looks itself
    if (broken != SIZE_MAX)
        return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8",
                         base + broken);
    normalized_borrow(now, segment);
    // NFKD makes 11 bytes of one at the most. Steps that multiply one another's texts would not end otherwise.
    size_t most = 0;
    if (!size_mul(segment.len, MOST_GROWTH, &most) || !size_add(most, 1 << 16, &most))
        most = UINT32_MAX;
    scratch->texts[0].most = scratch->texts[1].most = most;
    for (size_t i = 0; i < normalizer->n_steps; i++) {
        const NormalizerStep *step = &normalizer->steps[i];
        NormalizedText *next = &scratch->texts[now == &scratch->texts[0]];
        const Task task = {step, normalized_slice(now), base, want_origin, arena, next};
        if (is_idle(step, task.in)) continue;
        TRY(run_step(&task, err));
        TRY(normalized_check_growth(next, next->len, err));
        normalized_compose(next, now);
        now = next;
    }
    *out = now;
    return STATUS_OK;
}
