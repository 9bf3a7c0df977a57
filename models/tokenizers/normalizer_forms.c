// NFC, NFD, NFKC and NFKD with the origin of each character, by the rules of the crate that Hugging Face uses: a
// decomposition's first character replaces, the others are put in; a composition takes one character in for each that
// it joins; what is put in order keeps the count of its own place.
#include "models/tokenizers/normalizer.h"

#include "base/size.h"

typedef struct Mark {
    int class; // canonical combining class
    CodePoint c;
    long change;
} Mark;

// Characters on their way: a starter and the marks after it, of which any number may follow.
typedef struct Queue {
    Mark *marks;
    size_t n, capacity;
} Queue;

typedef struct Form {
    Rewrite *w;
    bool composes, is_compatible;
    Queue pending;    // marks not yet in order
    bool has_starter; // of the composition
    Mark starter;
    int last_class; // -1: nothing stands between the starter and what comes
    Queue after;    // marks that did not join the starter
} Form;

bool normalize_knows(CodePoint c)
{
    return c < 0x378 || unicode_age(c) <= 90; // below it none came later
}

size_t normalize_decompose(CodePoint c, CodePoint out[4])
{
    if (normalize_knows(c)) return unicode_decompose(c, out);
    out[0] = c;
    return 1;
}

static size_t decompose(const Form *f, CodePoint c, CodePoint out[UNICODE_MAX_COMPATIBILITY])
{
    return f->is_compatible && normalize_knows(c) ? unicode_decompose_compatibility(c, out)
                                                  : normalize_decompose(c, out);
}

static Status push(Form *f, Queue *queue, Mark mark, Error *err)
{
    if (queue->n == queue->capacity) {
        const Queue old = *queue;
        queue->capacity = 2 * old.capacity + 32;
        TRY(arena_take(f->w->arena, queue->capacity, sizeof *queue->marks, "combining marks",
                       &queue->marks, err));
        if (old.n > 0) memcpy(queue->marks, old.marks, old.n * sizeof *old.marks);
    }
    queue->marks[queue->n++] = mark;
    return STATUS_OK;
}

static Status put(Form *f, Mark mark, Error *err)
{
    return rewrite_put(f->w, mark.c, mark.change, err);
}

static Status flush_after(Form *f, Error *err)
{
    for (size_t i = 0; i < f->after.n; i++) TRY(put(f, f->after.marks[i], err));
    f->after.n = 0;
    f->last_class = -1;
    return STATUS_OK;
}

static Status put_starter(Form *f, Error *err)
{
    if (f->has_starter) TRY(put(f, f->starter, err));
    f->has_starter = false;
    return flush_after(f, err);
}

// One character of the decomposed and ordered text.
static Status compose(Form *f, Mark mark, Error *err)
{
    if (!f->has_starter) {
        if (mark.class != 0) return put(f, mark, err);
        f->starter = mark;
        f->has_starter = true;
        return STATUS_OK;
    }
    const bool is_blocked = f->last_class >= 0 && f->last_class >= mark.class;
    const CodePoint joined = is_blocked ? -1 : unicode_compose(f->starter.c, mark.c);
    if (joined >= 0 && normalize_knows(joined)) {
        f->starter.c = joined;
        f->starter.change += mark.change - 1;
        return STATUS_OK;
    }
    if (mark.class == 0) {
        TRY(put_starter(f, err));
        f->starter = mark;
        f->has_starter = true;
        return STATUS_OK;
    }
    f->last_class = mark.class;
    return push(f, &f->after, mark, err);
}

// Marks in canonical order, equal classes as they stood.
static Status flush_pending(Form *f, Error *err)
{
    Mark *marks = f->pending.marks;
    const size_t n = f->pending.n;
    f->pending.n = 0;
    if (n > 32) { // rare and possibly hostile: by counting, not by insertion
        Mark *sorted = NULL;
        TRY(arena_take(f->w->arena, n, sizeof *sorted, "combining marks", &sorted, err));
        size_t starts[257] = {0};
        for (size_t i = 0; i < n; i++) starts[marks[i].class + 1]++;
        for (size_t k = 0; k < 256; k++) starts[k + 1] += starts[k];
        for (size_t i = 0; i < n; i++) sorted[starts[marks[i].class]++] = marks[i];
        marks = sorted;
    } else {
        for (size_t i = 1; i < n; i++) {
            const Mark mark = marks[i];
            size_t k = i;
            for (; k > 0 && marks[k - 1].class > mark.class; k--) marks[k] = marks[k - 1];
            marks[k] = mark;
        }
    }
    for (size_t i = 0; i < n; i++)
        TRY(f->composes ? compose(f, marks[i], err) : put(f, marks[i], err));
    return STATUS_OK;
}

static Status take(Form *f, CodePoint c, bool is_first, Error *err)
{
    const Mark mark = {normalize_knows(c) ? unicode_combining_class(c) : 0, c, is_first ? 0 : 1};
    if (mark.class != 0) return push(f, &f->pending, mark, err);
    TRY(flush_pending(f, err));
    return f->composes ? compose(f, mark, err) : put(f, mark, err);
}

Status normalize_form(Rewrite *w, UnicodeForm form, Error *err)
{
    Form f = {.w = w,
              .composes = form == UNICODE_NFC || form == UNICODE_NFKC,
              .is_compatible = form == UNICODE_NFKC || form == UNICODE_NFKD,
              .last_class = -1};
    for (size_t at = 0; at < w->in.len;) {
        const CodePoint c = utf8_next(w->in, &at);
        CodePoint parts[UNICODE_MAX_COMPATIBILITY];
        const size_t n = decompose(&f, c, parts);
        for (size_t i = 0; i < n; i++) TRY(take(&f, parts[i], i == 0, err));
    }
    TRY(flush_pending(&f, err));
    return put_starter(&f, err);
}
