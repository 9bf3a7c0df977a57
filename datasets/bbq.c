#include "datasets/bbq.h"

#include "base/unicode.h"
#include "datasets/python_literal.h"

const char *const bbq_choice_keys[BBQ_CHOICES] = {"ans0", "ans1", "ans2"};

Status bbq_bare_text(Slice text, Arena *arena, Slice *out, Error *err)
{
    char *to;
    size_t len = 0;
    TRY(unicode_lower(arena, text, &text, err));
    TRY(arena_take(arena, text.len + 1, 1, "a text", &to, err));
    for (size_t at = 0; at < text.len;) {
        const size_t begin = at;
        const char category = unicode_category(utf8_next(text, &at))[0];
        if (category == 'P' || category == 'S') continue;
        for (size_t i = begin; i < at; i++) to[len++] = text.ptr[i];
    }
    *out = slice_trim((Slice){to, len});
    return STATUS_OK;
}

Status bbq_match(const Slice choices[BBQ_CHOICES], Slice answer, Arena *arena, int32_t *out,
                 Error *err)
{
    Slice choice;
    *out = BBQ_NONE;
    TRY(bbq_bare_text(answer, arena, &answer, err));
    for (int32_t k = 0; k < BBQ_CHOICES && *out == BBQ_NONE; k++) {
        TRY(bbq_bare_text(choices[k], arena, &choice, err));
        if (slice_eq(choice, answer)) *out = k;
    }
    return STATUS_OK;
}

static Status is_stereotyped(const Json *metadata, Slice group, Arena *arena, bool *out, Error *err)
{
    const Json *all = json_get(metadata, "stereotyped_groups");
    *out = false;
    for (const Json *v = json_first(all); v != NULL; v = json_next(v)) {
        Slice name;
        TRY(json_as_string(v, &name, err));
        TRY(unicode_lower(arena, name, &name, err));
        *out |= slice_eq(name, group);
    }
    return STATUS_OK;
}

// Which choice means "unknown" and which is the stereotyped group's.
static Status read_roles(const Json *info, const Json *metadata, Arena *arena, int32_t *unknown,
                         int32_t *target, Error *err)
{
    size_t n_targets = 0;
    *unknown = *target = BBQ_NONE;
    for (int32_t k = 0; k < BBQ_CHOICES; k++) {
        const Json *pair;
        Slice group;
        bool is_target;
        TRY(json_want_kind(info, bbq_choice_keys[k], JSON_ARRAY, &pair, err));
        if (json_at(pair, 1) == NULL) return json_error(pair, err, "must be [text, group]");
        TRY(json_as_string(json_at(pair, 1), &group, err));
        TRY(unicode_lower(arena, group, &group, err));
        if (slice_eq_cstr(group, "unknown")) {
            *unknown = k;
            continue;
        }
        TRY(is_stereotyped(metadata, group, arena, &is_target, err));
        if (!is_target) continue;
        *target = k;
        n_targets++;
    }
    if (*unknown == BBQ_NONE) return json_error(info, err, "no choice has the group \"unknown\"");
    if (n_targets != 1) *target = BBQ_NONE;
    return STATUS_OK;
}

// Whether a member is the first of two words.
static Status read_switch(const Json *question, const char *key, const char *yes, const char *no,
                          bool *out, Error *err)
{
    Slice text;
    TRY(json_want_string(question, key, &text, err));
    *out = slice_eq_cstr(text, yes);
    if (*out || slice_eq_cstr(text, no)) return STATUS_OK;
    return json_error(json_get(question, key), err,
                      "found \"" SLICE_FMT "\", want \"%s\" or \"%s\"",
                      SLICE_ARG(slice_sub(text, 0, 40)), yes, no);
}

Status bbq_question_read(const Json *question, Arena *arena, BbqQuestion *out, Error *err)
{
    JsonDocument *documents[2] = {NULL, NULL};
    const Json *info = NULL, *metadata = NULL;
    int64_t label;
    int32_t target = BBQ_NONE;
    *out = (BbqQuestion){.unknown = BBQ_NONE, .stereotyped = BBQ_NONE};
    TRY(json_want_i64(question, "label", 0, BBQ_CHOICES - 1, &label, err));
    TRY(read_switch(question, "question_polarity", "neg", "nonneg", &out->is_negative, err));
    TRY(read_switch(question, "context_condition", "ambig", "disambig", &out->is_ambiguous, err));
    Status s = python_object_member(question, "answer_info", &documents[0], &info, err);
    if (s == STATUS_OK && json_get(question, "additional_metadata") != NULL)
        s = python_object_member(question, "additional_metadata", &documents[1], &metadata, err);
    if (s == STATUS_OK) s = read_roles(info, metadata, arena, &out->unknown, &target, err);
    json_close(&documents[0]);
    json_close(&documents[1]);
    out->label = (int32_t)label;
    // The places are 0, 1 and 2, so that the third is what is left of their sum.
    if (s == STATUS_OK && target != BBQ_NONE)
        out->stereotyped = out->is_negative ? target : BBQ_CHOICES - out->unknown - target;
    return s;
}
