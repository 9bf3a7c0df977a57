// Kinds of mistakes in entities.
#include "metrics/classes.h"
#include "tools/score/ner.h"

const char *const ner_error_names[N_NER_ERRORS] = {
    "right", "boundary", "type", "boundary_and_type", "spurious", "missed"};

Status ner_reading(const Json *params, TagReading *out, Error *err)
{
    static const char *const modes[] = {"default", "strict"};
    size_t scheme = SCHEME_IOB2, mode = 0;
    *out = (TagReading){0};
    TRY(params_choice(params, "scheme", tag_schemes, N_TAG_SCHEMES, &scheme, err));
    TRY(params_choice(params, "mode", modes, 2, &mode, err));
    if (params != NULL) TRY(json_opt_bool(params, "suffix", &out->is_suffixed, err));
    out->scheme = (TagScheme)scheme;
    out->is_strict = mode == 1;
    return STATUS_OK;
}

static bool is_same_place(const Entity *a, const Entity *b)
{
    return a->begin == b->begin && a->end == b->end;
}

static bool overlap(const Entity *a, const Entity *b)
{
    return a->begin < b->end && b->begin < a->end;
}

// Entities of one side do not overlap and come in order, so those that overlap one form a run.
static void pair(const Entity *wanted, size_t n_wanted, const Entity *predicted, size_t n_predicted,
                 bool *is_used, NerErrors *out)
{
    size_t first = 0;
    for (size_t p = 0; p < n_predicted; p++) {
        const Entity *at = &predicted[p];
        size_t found = SIZE_MAX;
        while (first < n_wanted && wanted[first].end <= at->begin) first++;
        for (size_t g = first; g < n_wanted && wanted[g].begin < at->end; g++) {
            if (is_used[g] || !overlap(&wanted[g], at)) continue;
            if (found == SIZE_MAX) found = g;
            if (is_same_place(&wanted[g], at)) found = g;
        }
        if (found == SIZE_MAX) {
            out->counts[NER_SPURIOUS]++;
            continue;
        }
        is_used[found] = true;
        const bool is_place = is_same_place(&wanted[found], at);
        const bool is_type = slice_eq(wanted[found].type, at->type);
        const NerErrorKind place_kind = is_type ? NER_BOUNDARY : NER_BOTH;
        const NerErrorKind type_kind = is_type ? NER_RIGHT : NER_TYPE;
        out->counts[is_place ? type_kind : place_kind]++;
    }
    for (size_t g = 0; g < n_wanted; g++) out->counts[NER_MISSED] += !is_used[g];
}

Status ner_errors(const TagReading *reading, const Item *items, size_t n, Arena *arena,
                  NerErrors *out, Error *err)
{
    *out = (NerErrors){0};
    for (size_t i = 0; i < n; i++) {
        Entity *wanted, *predicted;
        size_t n_wanted, n_predicted;
        bool *is_used;
        const ArenaMark mark = arena_mark(arena);
        TRY(entities_of_tags(reading, items[i].tags, items[i].n_tags, arena, &wanted, &n_wanted,
                             err));
        TRY(entities_of_tags(reading, items[i].predicted_tags, items[i].n_predicted_tags, arena,
                             &predicted, &n_predicted, err));
        TRY(arena_take(arena, n_wanted, sizeof *is_used, "entities", &is_used, err));
        pair(wanted, n_wanted, predicted, n_predicted, is_used, out);
        arena_rewind(arena, mark);
    }
    return STATUS_OK;
}
