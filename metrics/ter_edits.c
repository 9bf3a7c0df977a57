// Tercom's search: runs of words are shifted as long as that brings the hypothesis nearer to the reference.
//
// Source: Snover et al. 2006, section 2; limits and order of the search are sacreBLEU's after Tercom, since the number
// of edits depends on them. Distances stay within a beam around the diagonal of the table.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "metrics/ter.h"
#include "metrics/word_ids.h"

enum { MAX_RUN = 10, MAX_DISTANCE = 50, BEAM = 25, MAX_CANDIDATES = 1000 };
static const uint32_t unreached = UINT32_MAX / 2;

typedef enum Operation { OP_UNDEFINED, OP_KEEP, OP_REPLACE, OP_REMOVE, OP_INSERT } Operation;

// Rows 0 .. n_hyp of the table for the hypothesis at hand. Row i holds columns [first(i), first(i) + width); row 0 is
// not kept, since its cells are their columns.
typedef struct Search {
    const uint32_t *ref;
    uint32_t *hyp, *shifted, *best_shifted;
    size_t n_ref, n_hyp;
    double ratio;
    size_t beam, width;
    uint32_t *costs;           // [n_hyp, width]
    unsigned char *operations; // [n_hyp, width]
    uint32_t *rows[2];         // [width] each: of a candidate
    int64_t
        *aligned; // [n_ref]: the last word of the hypothesis up to each of the reference, -1 = none
    size_t *ref_errors, *hyp_errors; // [n + 1]: wrong words before each
    size_t n_candidates;
} Search;

typedef struct Band {
    size_t first, end;
} Band;

static Band band_of(const Search *s, size_t i)
{
    const size_t diagonal = (size_t)floor((double)i * s->ratio);
    Band band = {diagonal > s->beam ? diagonal - s->beam : 0,
                 size_min(s->n_ref + 1, diagonal + s->beam)};
    if (i == s->n_hyp) band.end = s->n_ref + 1;
    return band;
}

static Status open_search(Search *s, Arena *scratch, Error *err)
{
    const size_t n = s->n_hyp, m = s->n_ref;
    size_t cells;
    s->ratio = n > 0 ? (double)m / (double)n : 1;
    s->beam = BEAM < s->ratio / 2 ? (size_t)ceil(s->ratio / 2 + BEAM) : BEAM;
    s->width = 2 * s->beam + 2;
    if (!size_mul(n, s->width, &cells)) return error_set_memory(err, n, s->width, "distances");
    TRY(arena_take(scratch, cells, sizeof *s->costs, "distances", &s->costs, err));
    TRY(arena_take(scratch, cells, 1, "operations", &s->operations, err));
    TRY(arena_take(scratch, s->width, sizeof(uint32_t), "distances", &s->rows[0], err));
    TRY(arena_take(scratch, s->width, sizeof(uint32_t), "distances", &s->rows[1], err));
    TRY(arena_take(scratch, m, sizeof *s->aligned, "an alignment", &s->aligned, err));
    TRY(arena_take(scratch, m + 1, sizeof(size_t), "an alignment", &s->ref_errors, err));
    TRY(arena_take(scratch, n + 1, sizeof(size_t), "an alignment", &s->hyp_errors, err));
    TRY(arena_take(scratch, n, sizeof *s->shifted, "words", &s->shifted, err));
    return arena_take(scratch, n, sizeof *s->shifted, "words", &s->best_shifted, err);
}

static uint32_t cell(const uint32_t *row, Band band, size_t i, size_t j)
{
    if (i == 0) return (uint32_t)j;
    return j >= band.first && j < band.end ? row[j - band.first] : unreached;
}

// Row i from the one above it; of equal costs the first of keep or replace, remove, insert stands. operations may be
// NULL.
static void fill_row(const Search *s, size_t i, uint32_t word, const uint32_t *above, uint32_t *row,
                     unsigned char *operations)
{
    const Band band = band_of(s, i), band_above = band_of(s, i - 1);
    uint32_t left = unreached, diagonal = unreached;
    if (band.first > 0) diagonal = cell(above, band_above, i - 1, band.first - 1);
    for (size_t j = band.first; j < band.end; j++) {
        const uint32_t up = cell(above, band_above, i - 1, j);
        uint32_t cost = unreached;
        Operation operation = OP_UNDEFINED;
        if (j == 0) {
            cost = up + 1;
            operation = OP_REMOVE;
        } else {
            const bool is_same = word == s->ref[j - 1];
            if (diagonal + !is_same < cost) {
                cost = diagonal + !is_same;
                operation = is_same ? OP_KEEP : OP_REPLACE;
            }
            if (up + 1 < cost) {
                cost = up + 1;
                operation = OP_REMOVE;
            }
            if (left + 1 < cost) {
                cost = left + 1;
                operation = OP_INSERT;
            }
        }
        row[j - band.first] = left = cost;
        if (operations != NULL) operations[j - band.first] = (unsigned char)operation;
        diagonal = up;
    }
}

static uint32_t fill_table(Search *s)
{
    for (size_t i = 1; i <= s->n_hyp; i++) {
        uint32_t *row = s->costs + (i - 1) * s->width;
        fill_row(s, i, s->hyp[i - 1], i > 1 ? row - s->width : NULL, row,
                 s->operations + (i - 1) * s->width);
    }
    if (s->n_hyp == 0) return (uint32_t)s->n_ref;
    return cell(s->costs + (s->n_hyp - 1) * s->width, band_of(s, s->n_hyp), s->n_hyp, s->n_ref);
}

// The distance of s->shifted, whose first n_same words are those of s->hyp.
static uint32_t candidate_distance(const Search *s, size_t n_same)
{
    const uint32_t *above = n_same > 0 ? s->costs + (n_same - 1) * s->width : NULL;
    for (size_t i = n_same + 1; i <= s->n_hyp; i++) {
        fill_row(s, i, s->shifted[i - 1], above, s->rows[i % 2], NULL);
        above = s->rows[i % 2];
    }
    return cell(above, band_of(s, s->n_hyp), s->n_hyp, s->n_ref);
}

static Operation operation_at(const Search *s, size_t i, size_t j)
{
    if (i == 0) return OP_INSERT;
    const Band band = band_of(s, i);
    if (j < band.first || j >= band.end) return OP_UNDEFINED;
    return (Operation)s->operations[(i - 1) * s->width + j - band.first];
}

// From the table to the alignment and the counts of wrong words, walking back from the end.
static Status align(Search *s, Error *err)
{
    size_t i = s->n_hyp, j = s->n_ref;
    while (i > 0 || j > 0) {
        const Operation operation = operation_at(s, i, j);
        if (operation == OP_UNDEFINED) {
            return error_set(err, STATUS_INTERNAL, "the search left its beam at %zu, %zu", i, j);
        }
        const bool takes_ref = operation != OP_REMOVE, takes_hyp = operation != OP_INSERT;
        if (takes_ref) {
            s->aligned[j - 1] = (int64_t)i - 1;
            s->ref_errors[j] = operation != OP_KEEP;
            j--;
        }
        if (takes_hyp) {
            s->hyp_errors[i] = operation != OP_KEEP;
            i--;
        }
    }
    s->ref_errors[0] = s->hyp_errors[0] = 0;
    for (size_t k = 1; k <= s->n_ref; k++) s->ref_errors[k] += s->ref_errors[k - 1];
    for (size_t k = 1; k <= s->n_hyp; k++) s->hyp_errors[k] += s->hyp_errors[k - 1];
    return STATUS_OK;
}

typedef struct Run {
    size_t hyp, ref, length; // begins, and how many words
} Run;

// Puts the run before the word that was at `target`; a target inside of the run counts from its end.
static void shift_words(const Search *s, const Run *run, size_t target)
{
    const size_t end = run->hyp + run->length;
    size_t begin = target; // where the run will begin
    if (target >= run->hyp) begin = target > end ? target - run->length : target;
    begin = size_min(begin, s->n_hyp - run->length);
    memcpy(s->shifted + begin, s->hyp + run->hyp, run->length * sizeof *s->hyp);
    size_t to = 0;
    for (size_t from = 0; from < s->n_hyp; from++) {
        if (from >= run->hyp && from < end) continue;
        if (to == begin) to += run->length;
        s->shifted[to++] = s->hyp[from];
    }
}

typedef struct Best {
    bool is_set;
    int64_t gain;
    size_t length, hyp, target;
} Best;

// More gained, then longer, then from further left, then to further left.
static bool is_better(const Best *a, const Best *b)
{
    if (!b->is_set || a->gain != b->gain) return !b->is_set || a->gain > b->gain;
    if (a->length != b->length) return a->length > b->length;
    if (a->hyp != b->hyp) return a->hyp < b->hyp;
    return a->target < b->target;
}

static void try_targets(Search *s, const Run *run, uint32_t distance, Best *best)
{
    size_t before = SIZE_MAX;
    for (size_t offset = 0; offset <= run->length; offset++) {
        const size_t ref = run->ref + offset; // the target follows the word aligned with ref - 1
        if (ref > s->n_ref) break;
        const size_t target = ref == 0 ? 0 : (size_t)(s->aligned[ref - 1] + 1);
        if (target == before) continue;
        before = target;
        shift_words(s, run, target);
        const uint32_t shifted = candidate_distance(s, size_min(run->hyp, target));
        const Best candidate = {.is_set = true,
                                .gain = (int64_t)distance - (int64_t)shifted,
                                .length = run->length,
                                .hyp = run->hyp,
                                .target = target};
        s->n_candidates++;
        if (!is_better(&candidate, best)) continue;
        *best = candidate;
        memcpy(s->best_shifted, s->shifted, s->n_hyp * sizeof *s->shifted);
    }
}

// Worth a try: words that are wrong where they are and where they would go, and not already there.
static bool is_promising(const Search *s, const Run *run)
{
    const int64_t aligned = s->aligned[run->ref];
    const bool is_inside =
        aligned >= (int64_t)run->hyp && aligned < (int64_t)(run->hyp + run->length);
    return !is_inside && s->hyp_errors[run->hyp + run->length] > s->hyp_errors[run->hyp] &&
           s->ref_errors[run->ref + run->length] > s->ref_errors[run->ref];
}

// Tries shifts of every run that both sides have; false once there were too many.
static bool try_runs(Search *s, uint32_t distance, Best *best)
{
    for (size_t h = 0; h < s->n_hyp; h++) {
        const size_t first = h > MAX_DISTANCE ? h - MAX_DISTANCE : 0;
        const size_t end = size_min(s->n_ref, h + MAX_DISTANCE + 1);
        for (size_t r = first; r < end; r++) {
            const size_t most = size_min(MAX_RUN, size_min(s->n_hyp - h, s->n_ref - r));
            for (size_t length = 1; length <= most; length++) {
                if (s->hyp[h + length - 1] != s->ref[r + length - 1]) break;
                const Run run = {h, r, length};
                if (!is_promising(s, &run)) continue;
                try_targets(s, &run, distance, best);
                if (s->n_candidates >= MAX_CANDIDATES) return false;
            }
        }
    }
    return true;
}

static Status search(Search *s, size_t *out, Error *err)
{
    for (size_t n_shifts = 0;; n_shifts++) {
        const uint32_t distance = fill_table(s);
        Best best = {0};
        *out = n_shifts + distance;
        TRY(align(s, err));
        if (!try_runs(s, distance, &best) || !best.is_set || best.gain <= 0) return STATUS_OK;
        memcpy(s->hyp, s->best_shifted, s->n_hyp * sizeof *s->hyp);
    }
}

Status ter_edits(const Tokens *hypothesis, const Tokens *reference, Arena *scratch, size_t *out,
                 Error *err)
{
    WordIds ids;
    uint32_t *ref;
    size_t n;
    Search s = {.n_ref = reference->n, .n_hyp = hypothesis->n};
    *out = hypothesis->n;
    if (reference->n == 0) return STATUS_OK;
    *out = reference->n;
    if (hypothesis->n == 0) return STATUS_OK;
    if (!size_add(hypothesis->n, reference->n, &n)) {
        return error_set_memory(err, hypothesis->n, reference->n, "words");
    }
    TRY(word_ids_init(&ids, n, scratch, err));
    TRY(word_ids_of(&ids, hypothesis, scratch, &s.hyp, err));
    TRY(word_ids_of(&ids, reference, scratch, &ref, err));
    s.ref = ref;
    TRY(open_search(&s, scratch, err));
    return search(&s, out, err);
}
