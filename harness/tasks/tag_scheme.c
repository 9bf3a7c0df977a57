#include "harness/tasks/tag_scheme.h"

#include <math.h>

// "B-PER" is prefix 'B' and type "PER"; "O" has none.
static char prefix_of(Slice tag)
{
    if (tag.len > 1 && tag.ptr[1] == '-') return tag.ptr[0];
    return 'O';
}

static Slice type_of(Slice tag)
{
    return tag.len > 1 && tag.ptr[1] == '-' ? slice_sub(tag, 2, tag.len) : (Slice){0};
}

typedef struct Scheme {
    bool has_begin, has_end; // B- tags; E-, S- (L-, U-) tags
} Scheme;

static bool is_end(char prefix)
{
    return prefix == 'E' || prefix == 'L';
}

static bool is_single(char prefix)
{
    return prefix == 'S' || prefix == 'U';
}

// Whether an entity is still open after this tag, and whether this tag goes on with one.
static bool stays_open(char prefix)
{
    return prefix == 'B' || prefix == 'I';
}

static bool goes_on(char prefix)
{
    return prefix == 'I' || is_end(prefix);
}

// from or to is empty at the sentence's ends, which are as "O".
static bool may_follow(Scheme scheme, Slice from, Slice to)
{
    const char a = prefix_of(from), b = prefix_of(to);
    if (!scheme.has_begin) return true;
    if (goes_on(b)) return stays_open(a) && slice_eq(type_of(from), type_of(to));
    return !(scheme.has_end && stays_open(a)); // an open entity must be ended
}

Status tag_decoder_init(TagDecoder *d, const Slice *tags, size_t n_tags, bool is_valid,
                        Arena *arena, Error *err)
{
    Scheme scheme = {0};
    *d = (TagDecoder){.tags = tags, .n_tags = n_tags, .is_valid = is_valid};
    for (size_t i = 0; i < n_tags; i++) {
        const char prefix = prefix_of(tags[i]);
        scheme.has_begin = scheme.has_begin || prefix == 'B';
        scheme.has_end = scheme.has_end || is_end(prefix) || is_single(prefix);
        if (slice_eq_cstr(tags[i], "O")) d->outside = i;
    }
    const size_t n = n_tags + 1;
    TRY(arena_take(arena, n * n, sizeof *d->may_follow, "tags", &d->may_follow, err));
    for (size_t i = 0; i < n * n; i++) {
        const Slice from = i / n < n_tags ? tags[i / n] : (Slice){0},
                    to = i % n < n_tags ? tags[i % n] : (Slice){0};
        d->may_follow[i] = may_follow(scheme, from, to);
    }
    return STATUS_OK;
}

static double score_of(const TagDecoder *d, const double *scores, size_t word, size_t tag)
{
    const double score = scores[word * d->n_tags + tag];
    if (!isnan(score)) return score;
    return tag == d->outside ? 0.0 : -INFINITY;
}

static Status best_of_each(const TagDecoder *d, const double *scores, size_t n, Slice *out)
{
    for (size_t w = 0; w < n; w++) {
        size_t best = d->outside;
        if (!isnan(scores[w * d->n_tags])) {
            best = 0;
            for (size_t c = 1; c < d->n_tags; c++) {
                if (scores[w * d->n_tags + c] > scores[w * d->n_tags + best]) best = c;
            }
        }
        out[w] = d->tags[best];
    }
    return STATUS_OK;
}

// best[w][c]: the highest sum of a valid sequence that ends in tag c at word w; from[w][c]: its tag before.
static Status best_sequence(const TagDecoder *d, const double *scores, size_t n, Arena *arena,
                            Slice *out, Error *err)
{
    const size_t width = d->n_tags + 1;
    double *best = NULL;
    size_t *from = NULL;
    TRY(arena_take(arena, n * d->n_tags, sizeof *best, "tags", &best, err));
    TRY(arena_take(arena, n * d->n_tags, sizeof *from, "tags", &from, err));
    for (size_t w = 0; w < n; w++) {
        for (size_t c = 0; c < d->n_tags; c++) {
            double highest = -INFINITY;
            size_t previous = d->n_tags;
            if (w == 0 && d->may_follow[d->n_tags * width + c]) highest = 0;
            for (size_t b = 0; w > 0 && b < d->n_tags; b++) {
                if (!d->may_follow[b * width + c] || !(best[(w - 1) * d->n_tags + b] > highest))
                    continue;
                highest = best[(w - 1) * d->n_tags + b];
                previous = b;
            }
            best[w * d->n_tags + c] = highest + score_of(d, scores, w, c);
            from[w * d->n_tags + c] = previous;
        }
    }
    size_t last = d->n_tags;
    for (size_t c = 0; c < d->n_tags; c++) {
        const double sum = best[(n - 1) * d->n_tags + c];
        if (!d->may_follow[c * width + d->n_tags] || !(sum > -INFINITY)) continue;
        if (last == d->n_tags || sum > best[(n - 1) * d->n_tags + last]) last = c;
    }
    // No valid sequence has a probability above 0: what each word says by itself.
    if (last == d->n_tags) return best_of_each(d, scores, n, out);
    for (size_t w = n; w-- > 0;) {
        out[w] = d->tags[last];
        last = from[w * d->n_tags + last];
    }
    return STATUS_OK;
}

Status tag_decode(const TagDecoder *d, const double *scores, size_t n, Arena *arena, Slice **out,
                  Error *err)
{
    TRY(arena_take(arena, n, sizeof **out, "tags", out, err));
    if (n == 0) return STATUS_OK;
    return d->is_valid ? best_sequence(d, scores, n, arena, *out, err)
                       : best_of_each(d, scores, n, *out);
}
