#include "harness/tasks/tag_prompt.h"

#include <string.h>
#include <strings.h>

#include "base/buffer_keep.h"
#include "harness/prompt/prompt.h"

static const Slice nothing = SLICE_LIT("none"), outside = SLICE_LIT("O");

static Slice type_of(Slice tag)
{
    return tag.len > 2 ? slice_sub(tag, 2, tag.len) : (Slice){0};
}

// Whether a tag begins an entity behind another: B- and S- do, and any whose type is new.
static bool begins(Slice tag, Slice before)
{
    const Slice type = type_of(tag);
    if (!type.ptr) return false;
    if (tag.ptr[0] == 'B' || tag.ptr[0] == 'S') return true;
    const bool is_closed = before.len > 0 && (before.ptr[0] == 'E' || before.ptr[0] == 'S');
    return is_closed || !slice_eq(type_of(before), type);
}

static Status gold(const SuiteTask *task, const TaskData *data, const Sample *sample, Arena *arena,
                   Slice *out, Error *err)
{
    Buffer text = {0};
    (void)data;
    for (size_t w = 0; sample->tags && w < sample->n_tokens; w++) {
        const Slice tag = sample->tags[w];
        if (!type_of(tag).ptr) continue;
        if (begins(tag, w > 0 ? sample->tags[w - 1] : outside)) {
            if (text.len > 0) buffer_append_cstr(&text, "; ");
            buffer_append(&text, prompt_word(&task->prompt, type_of(tag)));
            buffer_append_cstr(&text, ": ");
        } else {
            buffer_append_byte(&text, ' ');
        }
        buffer_append(&text, sample->tokens[w]);
    }
    if (text.len == 0) buffer_append(&text, nothing);
    return buffer_keep(&text, arena, "entities", out, err);
}

// ---- reading ----

typedef struct Reading {
    const SuiteTask *task;
    const TaskData *data;
    const Sample *sample;
    Slice *types; // [n_tokens] of the entity that a word is in; ptr NULL outside
    bool *is_first;
} Reading;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Whether words from `first` make up the text, blanks apart; *end is behind the last of them.
static bool matches(const Reading *r, size_t first, Slice text, size_t *end)
{
    size_t at = 0;
    for (size_t w = first; w < r->sample->n_tokens; w++) {
        const Slice word = r->sample->tokens[w];
        if (r->types[w].ptr) return false;
        for (size_t i = 0; i < word.len; i++) {
            if (is_blank(word.ptr[i])) continue;
            while (at < text.len && is_blank(text.ptr[at])) at++;
            if (at == text.len || text.ptr[at] != word.ptr[i]) return false;
            at++;
        }
        while (at < text.len && is_blank(text.ptr[at])) at++;
        if (at < text.len) continue;
        *end = w + 1;
        return true;
    }
    return false;
}

static Slice find_type(const Reading *r, Slice name)
{
    for (size_t i = 0; i < r->data->n_metric_labels; i++) {
        const Slice type = r->data->metric_labels[i];
        const Slice names[] = {prompt_word(&r->task->prompt, type), type};
        for (size_t k = 0; k < 2; k++) {
            if (names[k].len == name.len && strncasecmp(names[k].ptr, name.ptr, name.len) == 0)
                return type;
        }
    }
    return (Slice){0};
}

static bool take_entity(Reading *r, Slice part)
{
    const size_t colon = slice_find_byte(part, ':');
    size_t end = 0;
    if (colon == SIZE_MAX) return false;
    const Slice type = find_type(r, slice_trim(slice_sub(part, 0, colon)));
    const Slice text = slice_trim(slice_sub(part, colon + 1, part.len));
    if (!type.ptr || text.len == 0) return false;
    for (size_t w = 0; w < r->sample->n_tokens; w++) {
        if (!matches(r, w, text, &end)) continue;
        r->is_first[w] = true;
        for (size_t k = w; k < end; k++) r->types[k] = type;
        return true;
    }
    return false;
}

static bool has_tag(const TaskData *data, char prefix)
{
    for (size_t i = 0; i < data->n_labels; i++) {
        const Slice tag = data->labels[i];
        if (tag.len > 2 && tag.ptr[0] == prefix && (tag.ptr[1] == '-' || tag.ptr[1] == '_'))
            return true;
    }
    return false;
}

// In the scheme of the data's tags: with S- or E- IOBES, with B- IOB2, else I- alone.
static Status put_tags(const Reading *r, Arena *arena, Slice *out, Error *err)
{
    const bool ends = has_tag(r->data, 'S') || has_tag(r->data, 'E'),
               starts = has_tag(r->data, 'B');
    const size_t n = r->sample->n_tokens;
    Slice *tags = NULL;
    TRY(arena_take(arena, n, sizeof *tags, "tags", &tags, err));
    for (size_t w = 0; w < n; w++) {
        tags[w] = outside;
        if (!r->types[w].ptr) continue;
        const bool is_last = w + 1 == n || !r->types[w + 1].ptr || r->is_first[w + 1];
        char prefix = 'I';
        if (starts && r->is_first[w]) prefix = 'B';
        if (ends && is_last) prefix = r->is_first[w] ? 'S' : 'E';
        const char *tag = arena_printf(arena, "%c-" SLICE_FMT, prefix, SLICE_ARG(r->types[w]));
        if (!tag) return error_set_memory(err, r->types[w].len, 1, "a tag");
        tags[w] = slice_from_cstr(tag);
    }
    return family_join(tags, n, arena, out, err);
}

static Status read_entities(const SuiteTask *task, const TaskData *data, const Sample *sample,
                            Slice written, Arena *arena, Slice *out, bool *is_read, Error *err)
{
    Reading r = {.task = task, .data = data, .sample = sample};
    TRY(arena_take(arena, sample->n_tokens, sizeof *r.types, "types", &r.types, err));
    TRY(arena_take(arena, sample->n_tokens, sizeof *r.is_first, "types", &r.is_first, err));
    *is_read = written.len > 0;
    size_t begin = 0;
    for (size_t i = 0; i <= written.len; i++) {
        if (i < written.len && written.ptr[i] != ';' && written.ptr[i] != '\n') continue;
        const Slice part = slice_trim(slice_sub(written, begin, i));
        begin = i + 1;
        if (part.len == 0) continue;
        const bool is_none =
            part.len == nothing.len && strncasecmp(part.ptr, nothing.ptr, part.len) == 0;
        if (!is_none && !take_entity(&r, part)) *is_read = false;
    }
    return put_tags(&r, arena, out, err);
}

const FamilyPrompt tag_prompt = {.gold = gold, .read = read_entities};
