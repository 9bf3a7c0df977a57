#include "models/tokenizers/charsmap.h"

#include "base/size.h"

enum { CLUSTER_BYTES = 6 }; // Hugging Face looks whole clusters up below this length

static uint32_t unit_at(const Charsmap *map, size_t i)
{
    const unsigned char *u = map->units + 4 * i;
    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static size_t unit_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & (1U << 9)) >> 6);
}

static bool text_at(const Charsmap *map, uint32_t value, Slice *out)
{
    if (value >= map->texts.len) return false;
    const Slice rest = slice_sub(map->texts, value, map->texts.len);
    *out = slice_sub(rest, 0, slice_find_byte(rest, '\0'));
    return true;
}

// Walks text down the array; calls stop at the first match where shortest.
static bool walk(const Charsmap *map, Slice text, bool shortest, size_t *len, Slice *out)
{
    if (map->n_units == 0) return false;
    bool found = false;
    size_t node = unit_offset(unit_at(map, 0));
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        if (byte == 0) break;
        node ^= byte;
        if (node >= map->n_units) break;
        const uint32_t unit = unit_at(map, node);
        if ((unit & (1U << 31 | 0xFF)) != byte) break;
        node ^= unit_offset(unit);
        if ((unit >> 8 & 1) == 0) continue;
        if (node >= map->n_units) break;
        if (!text_at(map, unit_at(map, node) & 0x7FFFFFFF, out)) break;
        found = true;
        *len = i + 1;
        if (shortest) break;
    }
    return found;
}

Status charsmap_parse(Slice blob, Charsmap *out, Error *err)
{
    *out = (Charsmap){.ascii_stays = true};
    if (blob.len == 0) return STATUS_OK;
    uint32_t n_bytes = 0;
    Slice units = {0};
    if (!slice_take_u32le(&blob, &n_bytes) || n_bytes % 4 != 0 ||
        !slice_take(&blob, n_bytes, &units))
        return error_set(
            err, STATUS_INVALID,
            "the precompiled character map is cut short: its array claims %u bytes and "
            "%zu follow; get the file again",
            n_bytes, blob.len);
    const size_t broken = utf8_invalid_at(blob);
    if (broken != SIZE_MAX)
        return error_set(err, STATUS_INVALID,
                         "the precompiled character map's texts are not valid UTF-8 at byte %zu",
                         broken);
    out->units = (const unsigned char *)units.ptr;
    out->n_units = n_bytes / 4;
    out->texts = blob;
    for (int c = 1; c < 0x100 && out->n_units > 0; c++) {
        const char byte = (char)c;
        size_t len = 0;
        Slice text = {0};
        const size_t node = unit_offset(unit_at(out, 0)) ^ (size_t)c;
        out->starts[c] =
            node < out->n_units && (unit_at(out, node) & (1U << 31 | 0xFF)) == (uint32_t)c;
        if (c >= 0x20 && c < 0x7F && walk(out, (Slice){&byte, 1}, true, &len, &text))
            out->ascii_stays = false;
    }
    return STATUS_OK;
}

bool charsmap_longest(const Charsmap *map, Slice text, size_t *len, Slice *out)
{
    return walk(map, text, false, len, out);
}

bool charsmap_shortest(const Charsmap *map, Slice text, Slice *out)
{
    size_t len = 0;
    return walk(map, text, true, &len, out);
}

// The last character written, kept back because what is deleted after it counts as replaced by it.
typedef struct Held {
    bool has;
    CodePoint c;
    long change;
} Held;

static Status put_held(Rewrite *w, Held *held, Error *err)
{
    if (held->has) TRY(rewrite_put(w, held->c, held->change, err));
    held->has = false;
    return STATUS_OK;
}

static Status hold(Rewrite *w, Held *held, CodePoint c, long change, Error *err)
{
    TRY(put_held(w, held, err));
    *held = (Held){true, c, change};
    return STATUS_OK;
}

// The characters of part become those of text: the first ones replace, those beyond are put in; what is left over goes
// with the last character written. Before the first one Hugging Face forgets about it, and later offsets lag behind.
static Status hold_replacement(Rewrite *w, Held *held, Slice part, Slice text, Error *err)
{
    const size_t n_old = utf8_count(part), n_new = utf8_count(text);
    size_t i = 0;
    for (size_t at = 0; at < text.len; i++)
        TRY(hold(w, held, utf8_next(text, &at), i < n_old ? 0 : 1, err));
    if (n_new < n_old && held->has) held->change -= (long)(n_old - n_new);
    return STATUS_OK;
}

static Status hold_cluster(const Charsmap *map, Rewrite *w, Held *held, Slice cluster, Error *err)
{
    Slice text = {0};
    if (cluster.len < CLUSTER_BYTES && charsmap_shortest(map, cluster, &text))
        return hold_replacement(w, held, cluster, text, err);
    for (size_t at = 0; at < cluster.len;) {
        const size_t from = at;
        const CodePoint c = utf8_next(cluster, &at);
        const Slice part = slice_sub(cluster, from, at);
        if (charsmap_shortest(map, part, &text)) {
            TRY(hold_replacement(w, held, part, text, err));
        } else {
            TRY(hold(w, held, c, 0, err));
        }
    }
    return STATUS_OK;
}

// Printable ASCII that is followed by ASCII or the end stands for itself: the length of such a run.
static size_t quiet_run(const Charsmap *map, Slice text, size_t at)
{
    if (!map->ascii_stays) return 0;
    size_t end = at;
    while (end < text.len && text.ptr[end] >= 0x20 && text.ptr[end] < 0x7F) end++;
    const bool joins = end < text.len && (text.ptr[end] & 0x80) != 0;
    return end - at - (joins && end > at);
}

// The end of the grapheme cluster at begin.
static size_t cluster_end(Slice text, size_t begin)
{
    GraphemeState state = {0};
    size_t end = begin;
    while (end < text.len) {
        size_t next = end;
        if (unicode_breaks_before(&state, utf8_next(text, &next)) && end > begin) break;
        end = next;
    }
    return end;
}

bool charsmap_is_idle(const Charsmap *map, Slice text)
{
    return map->n_units == 0 || (map->ascii_stays && quiet_run(map, text, 0) == text.len);
}

Status charsmap_rewrite(const Charsmap *map, Rewrite *w, Error *err)
{
    const Slice text = w->in;
    Held held = {0};
    for (size_t at = 0; at < text.len;) {
        size_t run = quiet_run(map, text, at);
        if (run > 1) {
            TRY(put_held(w, &held, err));
            // The last one may yet take in what is deleted after it. Where offsets lag, each goes by itself.
            if (w->at == at) {
                TRY(rewrite_keep(w, run - 1, err));
                at += run - 1;
                run = 1;
            }
        }
        for (const size_t end = at + run; at < end; at++) TRY(hold(w, &held, text.ptr[at], 0, err));
        if (run > 0 || at == text.len) continue;
        const size_t end = cluster_end(text, at);
        TRY(hold_cluster(map, w, &held, slice_sub(text, at, end), err));
        at = end;
    }
    return put_held(w, &held, err);
}
