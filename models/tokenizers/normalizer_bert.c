// BertNormalizer: clean the text, set Chinese characters apart, strip accents, lower-case; in that order.
#include "base/size.h"
#include "models/tokenizers/newer.h"
#include "models/tokenizers/normalizer.h"
#include "models/tokenizers/pretokenizer.h"

// Points: 4 of a canonical decomposition, each lower-cased to at most 3. Bytes: 4 a point, and a blank on either side.
enum { LONGEST_EXPANSION = 4 * 3, LONGEST_BYTES = 4 * LONGEST_EXPANSION + 2 };

// The blocks that count as Chinese, as the BERT authors chose them. 0x2B920 (for 0x2B820) is a slip of Hugging Face's
// that every tokenizer.json lives with.
static bool is_chinese(CodePoint c)
{
    static const CodePoint ranges[][2] = {
        {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},  {0x20000, 0x2A6DF},
        {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    }
    return false;
}

// Control, format and private-use characters and U+FFFD go; tab and line ends are blanks.
static bool is_dropped(CodePoint c)
{
    if (c == 0 || c == 0xFFFD) return true;
    if (c == '\t' || c == '\n' || c == '\r') return false;
    const char *category = bert_category(c);
    return category[0] == 'C' && category[1] != 'n';
}

static bool is_nonspacing_mark(CodePoint c)
{
    const char *category = bert_category(c);
    return category[0] == 'M' && category[1] == 'n';
}

// What becomes of one code point, Chinese characters aside: at most LONGEST_EXPANSION points. Returns how many.
static size_t expand(const BertNormalizer *rules, CodePoint c, CodePoint out[LONGEST_EXPANSION])
{
    if (rules->clean_text) {
        if (is_dropped(c)) return 0;
        if (unicode_is_white_space(c)) c = ' ';
    }
    CodePoint parts[4] = {c};
    size_t n_parts = 1;
    if (rules->strip_accents) n_parts = normalize_decompose(c, parts);
    size_t n = 0;
    for (size_t i = 0; i < n_parts; i++) {
        if (rules->strip_accents && is_nonspacing_mark(parts[i])) continue;
        if (rules->lowercase) {
            n += newer_lower_point(parts[i], out + n);
        } else {
            out[n++] = parts[i];
        }
    }
    return n;
}

static size_t expand_bytes(const BertNormalizer *rules, CodePoint c, char out[LONGEST_BYTES])
{
    CodePoint points[LONGEST_EXPANSION];
    const size_t n = expand(rules, c, points);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) len += utf8_encode(points[i], out + len);
    return len;
}

void bert_table_init(BertTable *table, const BertNormalizer *rules)
{
    table->rules = *rules;
    for (CodePoint c = 0; c < BERT_TABLE_SIZE; c++) {
        BertEntry *entry = &table->entries[c];
        char bytes[LONGEST_BYTES];
        const size_t len = expand_bytes(rules, c, bytes);
        entry->len = len <= BERT_ENTRY_BYTES ? (uint8_t)len : BERT_ENTRY_SLOW;
        if (len <= BERT_ENTRY_BYTES) memcpy(entry->bytes, bytes, len);
    }
}

// Appends bytes that came from [begin, end). Room is there.
static void append(NormalizedText *out, const char *bytes, size_t len, size_t begin, size_t end,
                   bool want_origin)
{
    for (size_t i = 0; i < len; i++) {
        out->bytes[out->len] = bytes[i];
        if (want_origin) {
            out->begin[out->len] = (uint32_t)begin;
            out->end[out->len] = (uint32_t)end;
        }
        out->len++;
    }
}

static void append_point(const BertTable *table, NormalizedText *out, CodePoint c, size_t begin,
                         size_t end, bool want_origin)
{
    if (c < BERT_TABLE_SIZE && table->entries[c].len != BERT_ENTRY_SLOW) {
        append(out, table->entries[c].bytes, table->entries[c].len, begin, end, want_origin);
        return;
    }
    char bytes[LONGEST_BYTES];
    const size_t len = expand_bytes(&table->rules, c, bytes);
    if (!table->rules.handle_chinese_chars || !is_chinese(c)) {
        append(out, bytes, len, begin, end, want_origin);
        return;
    }
    append(out, " ", 1, begin, end, want_origin);
    append(out, bytes, len, begin, end, want_origin);
    append(out, " ", 1, begin, end, want_origin);
}

Status bert_normalize(const BertTable *table, Slice text, size_t base, bool want_origin,
                      Arena *arena, NormalizedText *out, Error *err)
{
    TRY(normalized_begin(out, text.len + LONGEST_BYTES, want_origin, arena, err));
    for (size_t at = 0; at < text.len;) {
        // Room for a run of ASCII, each byte of which gives at most one, or for the longest expansion with two blanks.
        const size_t run = size_min(text.len - at, 256);
        TRY(normalized_reserve(out, run + LONGEST_BYTES, want_origin, arena, err));
        const size_t run_end = at + run;
        for (; at < run_end && (unsigned char)text.ptr[at] < 0x80; at++) {
            const BertEntry *entry = &table->entries[(unsigned char)text.ptr[at]];
            out->bytes[out->len] = entry->bytes[0];
            if (want_origin) {
                out->begin[out->len] = (uint32_t)at;
                out->end[out->len] = (uint32_t)at + 1;
            }
            out->len += entry->len;
        }
        if (at == run_end) continue;
        TRY(normalized_reserve(out, LONGEST_BYTES, want_origin, arena, err));
        const size_t begin = at;
        const CodePoint c = utf8_next(text, &at);
        if (c < 0)
            return error_set(err, STATUS_INVALID, "byte %zu of the text is not valid UTF-8",
                             base + begin);
        append_point(table, out, c, begin, at, want_origin);
    }
    return STATUS_OK;
}
