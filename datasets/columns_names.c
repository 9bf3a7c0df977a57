// Headings of columns: those that are asked for, and those that are taken unasked.
#include <string.h>
#include <strings.h>

#include "datasets/columns_internal.h"

static const char *const text_names[] = {"text",   "sentence", "sentence1", "premise", "question",
                                         "review", "content",  "comment",   "tweet",   "document",
                                         "body",   "title",    "input",     NULL};
static const char *const label_names[] = {
    "label", "labels", "class",      "category", "target", "sentiment",  "polarity",
    "stars", "rating", "gold_label", "answer",   "score",  "similarity", NULL};
static const char *const pair_names[] = {"pair", "text_pair", "sentence2", "hypothesis", NULL};
static const char *const id_names[] = {"id", "guid", NULL};

static const char *const source_names[] = {"source",   "src",    "text",    "sentence", "input",
                                           "question", "prompt", "article", "document", NULL};
static const char *const target_names[] = {"target",    "targets",    "tgt", "translation",
                                           "reference", "references", "ref", "output",
                                           "answer",    "summary",    NULL};

static const struct {
    const char *name;
    const char *const *defaults;   // of samples with a label
    const char *const *of_sources; // of samples with targets
} roles[N_COLUMN_ROLES] = {
    [COLUMN_TEXT] = {"text", text_names, source_names},
    [COLUMN_LABEL] = {"label", label_names, NULL},
    [COLUMN_PAIR] = {"pair", pair_names, NULL},
    [COLUMN_ID] = {"id", id_names, id_names},
    [COLUMN_GROUP] = {"group", NULL, NULL},
    [COLUMN_TARGET] = {"target", NULL, target_names},
};

const char *column_role_name(ColumnRole role)
{
    return roles[role].name;
}

const char *const *column_default_names(ColumnRole role, bool wants_target)
{
    return wants_target ? roles[role].of_sources : roles[role].defaults;
}

bool column_same_heading(Slice a, Slice b)
{
    a = slice_trim(a);
    b = slice_trim(b);
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

size_t column_default_rank(ColumnRole role, bool wants_target, Slice name)
{
    const char *const *names = column_default_names(role, wants_target);
    for (size_t i = 0; names && names[i]; i++) {
        if (column_same_heading(name, slice_from_cstr(names[i]))) return i;
    }
    return SIZE_MAX;
}

Slice column_asked(const ReadColumns *columns, ColumnRole role)
{
    switch (role) {
    case COLUMN_TEXT:
        return columns->text;
    case COLUMN_LABEL:
        return columns->label;
    case COLUMN_PAIR:
        return columns->pair;
    case COLUMN_ID:
        return columns->id;
    case COLUMN_GROUP:
        return columns->group;
    case COLUMN_TARGET:
        return columns->target;
    case N_COLUMN_ROLES:
        break;
    }
    return (Slice){0};
}

size_t column_number(Slice asked)
{
    uint64_t number;
    if (!slice_to_u64(asked, &number) || number > 1000000) return 0;
    return (size_t)number;
}

size_t columns_highest_number(const ReadColumns *columns)
{
    size_t highest = 0;
    for (int role = 0; role < N_COLUMN_ROLES; role++) {
        const size_t number = column_number(column_asked(columns, (ColumnRole)role));
        if (number > highest) highest = number;
    }
    for (size_t i = 0; i < columns->n_attributes; i++) {
        const size_t number = column_number(columns->attributes[i].column);
        if (number > highest) highest = number;
    }
    for (size_t i = 0; i < columns->n_labels; i++) {
        const size_t number = column_number(columns->labels[i].column);
        if (number > highest) highest = number;
    }
    return highest;
}

static bool is_name(Slice asked)
{
    return asked.len > 0 && column_number(asked) == 0;
}

bool columns_ask_by_name(const ReadColumns *columns)
{
    for (size_t i = 0; i < columns->n_choices; i++) {
        if (is_name(columns->choices[i])) return true;
    }
    for (int role = 0; role < N_COLUMN_ROLES; role++) {
        if (is_name(column_asked(columns, (ColumnRole)role))) return true;
    }
    for (size_t i = 0; i < columns->n_labels; i++) {
        if (is_name(columns->labels[i].column)) return true;
    }
    for (size_t i = 0; i < columns->n_attributes; i++) {
        if (is_name(columns->attributes[i].column)) return true;
    }
    return false;
}
