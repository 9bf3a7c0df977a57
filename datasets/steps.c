#include "datasets/steps_internal.h"

#include <string.h>

#include "base/json.h"

const Step *const steps_all[] = {
    &step_lower,      &step_nfc,         &step_nfd,          &step_nfkc,    &step_nfkd,
    &step_whitespace, &step_punctuation, &step_contractions, &step_accents, &step_quotes,
    &step_control,    &step_digits,      &step_urls,         &step_users,   &step_anonymise,
};
const size_t steps_count = sizeof steps_all / sizeof *steps_all;

const Step *step_find(Slice name)
{
    for (size_t i = 0; i < steps_count; i++) {
        if (slice_eq_cstr(name, steps_all[i]->name)) return steps_all[i];
    }
    return NULL;
}

Status steps_parse(Slice names, const Step **out, size_t *n, Error *err)
{
    const char *known[STEPS_MOST];
    Slice name;
    for (size_t i = 0; i < steps_count; i++) known[i] = steps_all[i]->name;
    for (*n = 0; slice_split(&names, ',', &name);) {
        const Step *step = step_find(name);
        if (step == NULL) {
            const char *near = nearest_name(name, known, steps_count);
            return error_set(err, STATUS_INVALID,
                             "there is no step \"" SLICE_FMT
                             "\"%s%s%s; assay list steps names them",
                             SLICE_ARG(slice_sub(name, 0, 60)), near ? "; did you mean \"" : "",
                             near ? near : "", near ? "\"?" : "");
        }
        if (*n == STEPS_MOST)
            return error_set(err, STATUS_INVALID, "more than %d steps", STEPS_MOST);
        out[(*n)++] = step;
    }
    return STATUS_OK;
}

// ---- one text ----

// What is taken again and again.
typedef struct Stepping {
    const Step *const *steps;
    size_t n;
    TextEdit edits[2]; // the text of one is what the other reads
    size_t turn;       // the one that is written next: the text at hand does not lie in it
    Arena scratch;
    Arena *arena;
    bool *is_changed; // [n] by the sample at hand
    StepCount *counts;
} Stepping;

static void stepping_release(Stepping *stepping)
{
    text_edit_release(&stepping->edits[0]);
    text_edit_release(&stepping->edits[1]);
    arena_release(&stepping->scratch);
}

// Step i on a text; *out is the text itself, or lies in one of the edits until a step after the next changes its text.
static Status take_step(Stepping *s, size_t i, Slice text, TextEdit **done, Slice *out, Error *err)
{
    TextEdit *edit = &s->edits[s->turn];
    const ArenaMark mark = arena_mark(&s->scratch);
    text_edit_begin(edit, text);
    TRY(s->steps[i]->apply(edit, &s->scratch, err));
    TRY(text_edit_status(edit, err));
    arena_rewind(&s->scratch, mark);
    *done = edit;
    *out = edit->is_changed ? buffer_slice(&edit->out) : text;
    if (edit->is_changed) {
        s->is_changed[i] = true;
        s->turn = 1 - s->turn;
    }
    return STATUS_OK;
}

static Status keep_text(Arena *arena, Slice text, Slice *out, Error *err)
{
    *out = arena_copy(arena, text);
    return out->ptr ? STATUS_OK : error_set_memory(err, text.len, 1, "a prepared text");
}

static bool is_blank(Slice text, TextSpan span)
{
    return slice_trim(slice_sub(text, span.begin, span.end)).len == 0;
}

// spans move along. keeps_out is false where the text is known already.
static Status step_text(Stepping *s, Slice text, TextSpan *spans, size_t n_spans, bool keeps_out,
                        Slice *out, Error *err)
{
    Slice now = text;
    TextEdit *done;
    if (text.ptr == NULL) return STATUS_OK;
    for (size_t i = 0; i < s->n; i++) {
        TRY(take_step(s, i, now, &done, &now, err));
        for (size_t k = 0; done->is_changed && k < n_spans; k++) {
            const bool was_blank = is_blank(done->from, spans[k]);
            spans[k] = text_edit_span(done, spans[k]);
            if (s->counts && !was_blank && is_blank(now, spans[k])) s->counts[i].n_lost++;
        }
    }
    if (!keeps_out) return STATUS_OK;
    *out = text;
    return now.ptr == text.ptr ? STATUS_OK : keep_text(s->arena, now, out, err);
}

Status steps_text(const Step *const *steps, size_t n, Slice text, TextSpan *spans, size_t n_spans,
                  Arena *arena, Slice *out, Error *err)
{
    bool is_changed[STEPS_MOST];
    Stepping s = {.steps = steps, .n = n, .arena = arena, .is_changed = is_changed};
    const Status status = step_text(&s, text, spans, n_spans, true, out, err);
    stepping_release(&s);
    return status;
}

// ---- samples ----

static Status step_texts(Stepping *s, const Slice *texts, size_t n, const Slice **out, Error *err)
{
    Slice *fresh = NULL;
    if (n == 0) return STATUS_OK;
    TRY(arena_take(s->arena, n, sizeof *fresh, "texts", &fresh, err));
    for (size_t i = 0; i < n; i++) TRY(step_text(s, texts[i], NULL, 0, true, &fresh[i], err));
    *out = fresh;
    return STATUS_OK;
}

static Status step_attributes(Stepping *s, Sample *sample, Error *err)
{
    SampleAttribute *fresh = NULL;
    bool takes = false;
    TextEdit *done;
    for (size_t i = 0; i < s->n; i++) takes = takes || s->steps[i]->takes_attributes;
    if (sample->n_attributes == 0 || !takes) return STATUS_OK;
    TRY(arena_take(s->arena, sample->n_attributes, sizeof *fresh, "attributes", &fresh, err));
    for (size_t k = 0; k < sample->n_attributes; k++) {
        fresh[k] = sample->attributes[k];
        for (size_t i = 0; i < s->n; i++) {
            Slice now = fresh[k].value;
            if (!s->steps[i]->takes_attributes || now.ptr == NULL) continue;
            TRY(take_step(s, i, now, &done, &now, err));
            if (done->is_changed) TRY(keep_text(s->arena, now, &fresh[k].value, err));
        }
    }
    sample->attributes = fresh;
    return STATUS_OK;
}

// ---- words with tags ----

// Words with single blanks between them; spans may be NULL.
static Status join_words(Arena *arena, const Slice *words, TextSpan *spans, size_t n, Slice *out,
                         Error *err)
{
    size_t len = n > 0 ? n - 1 : 0;
    char *text = NULL;
    for (size_t i = 0; i < n; i++) len += words[i].len;
    TRY(arena_take(arena, len + 1, 1, "a sentence", &text, err));
    *out = (Slice){text, len};
    for (size_t i = 0; i < n; i++) {
        if (i > 0) *text++ = ' ';
        const size_t begin = (size_t)(text - out->ptr);
        if (words[i].len > 0) memcpy(text, words[i].ptr, words[i].len);
        text += words[i].len;
        if (spans) spans[i] = (TextSpan){begin, begin + words[i].len};
    }
    return STATUS_OK;
}

// A step sees the sentence, and each word becomes what stands where it stood.
static Status step_words(Stepping *s, size_t i, Slice *words, size_t n, Error *err)
{
    TextSpan *spans = NULL;
    Slice sentence, after;
    TextEdit *done;
    TRY(arena_take(&s->scratch, n, sizeof *spans, "words", &spans, err));
    TRY(join_words(&s->scratch, words, spans, n, &sentence, err));
    TRY(take_step(s, i, sentence, &done, &after, err));
    for (size_t w = 0; done->is_changed && w < n; w++) {
        const TextSpan to = text_edit_span(done, spans[w]);
        const Slice word = slice_trim(slice_sub(after, to.begin, to.end));
        if (slice_eq(word, words[w])) continue;
        if (word.len == 0)
            s->counts[i].n_kept++;
        else
            TRY(keep_text(s->arena, word, &words[w], err));
    }
    return STATUS_OK;
}

static Status step_sentence(Stepping *s, Sample *sample, Error *err)
{
    Slice *words = NULL;
    if (sample->n_tokens == 0) return STATUS_OK;
    TRY(arena_take(s->arena, sample->n_tokens, sizeof *words, "words", &words, err));
    for (size_t w = 0; w < sample->n_tokens; w++) words[w] = sample->tokens[w];
    for (size_t i = 0; i < s->n; i++) {
        const ArenaMark mark = arena_mark(&s->scratch);
        TRY(step_words(s, i, words, sample->n_tokens, err));
        arena_rewind(&s->scratch, mark);
    }
    sample->tokens = words;
    return join_words(s->arena, words, NULL, sample->n_tokens, &sample->text, err);
}

// ---- passages with answers ----

// The passage that was prepared last: questions about one follow each other.
typedef struct Passage {
    Slice before, after;
} Passage;

static Status wrong_answer(const Dataset *data, const Sample *sample, Slice answer, Error *err)
{
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu: nothing is left of the answer \"" SLICE_FMT
                               "\" once the text is prepared, and the question has no other: "
                               "leave out the step that removes it",
                     SLICE_ARG(data->path), sample->line, SLICE_ARG(slice_sub(answer, 0, 60)));
}

// An answer begins and ends with what is no blank, as long as there is such.
static TextSpan trim_span(Slice text, TextSpan span)
{
    const Slice all = slice_sub(text, span.begin, span.end), bare = slice_trim(all);
    if (bare.len == 0) return (TextSpan){span.begin, span.begin};
    const size_t begin = span.begin + (size_t)(bare.ptr - all.ptr);
    return (TextSpan){begin, begin + bare.len};
}

static Status step_passage(Stepping *s, const Dataset *data, Passage *passage, Sample *sample,
                           Error *err)
{
    TextSpan *spans = NULL;
    SampleSpan *answers = NULL;
    size_t n_left = 0;
    const Slice before = sample->context;
    const bool is_known = before.ptr == passage->before.ptr && before.len == passage->before.len;
    if (before.ptr == NULL) return STATUS_OK;
    TRY(arena_take(&s->scratch, sample->n_answers, sizeof *spans, "answers", &spans, err));
    TRY(arena_take(s->arena, sample->n_answers, sizeof *answers, "answers", &answers, err));
    for (size_t a = 0; a < sample->n_answers; a++) {
        const SampleSpan *answer = &sample->answers[a];
        spans[a] = (TextSpan){answer->begin_bytes, answer->begin_bytes + answer->text.len};
    }
    TRY(step_text(s, before, spans, sample->n_answers, !is_known, &passage->after, err));
    passage->before = before;
    sample->context = passage->after;
    for (size_t a = 0; a < sample->n_answers; a++) {
        const TextSpan span = trim_span(passage->after, spans[a]);
        if (span.end == span.begin && sample->answers[a].text.len > 0) continue;
        answers[n_left++] =
            (SampleSpan){slice_sub(passage->after, span.begin, span.end), span.begin};
    }
    if (n_left == 0 && sample->n_answers > 0)
        return wrong_answer(data, sample, sample->answers[0].text, err);
    sample->answers = answers;
    sample->n_answers = n_left;
    return STATUS_OK;
}

static Status step_sample(Stepping *s, const Dataset *data, Passage *passage, Sample *sample,
                          Error *err)
{
    for (size_t i = 0; i < s->n; i++) s->is_changed[i] = false;
    const ArenaMark mark = arena_mark(&s->scratch);
    if (sample->n_tokens == 0) // else it is made of the words
        TRY(step_text(s, sample->text, NULL, 0, true, &sample->text, err));
    TRY(step_text(s, sample->pair, NULL, 0, true, &sample->pair, err));
    TRY(step_passage(s, data, passage, sample, err));
    TRY(step_sentence(s, sample, err));
    TRY(step_texts(s, sample->targets, sample->n_targets, &sample->targets, err));
    TRY(step_texts(s, sample->choices, sample->n_choices, &sample->choices, err));
    TRY(step_attributes(s, sample, err));
    arena_rewind(&s->scratch, mark);
    for (size_t i = 0; i < s->n; i++) s->counts[i].n_changed += s->is_changed[i];
    return STATUS_OK;
}

Status steps_dataset(const Step *const *steps, size_t n, Dataset *data, StepCount *counts,
                     Error *err)
{
    bool is_changed[STEPS_MOST];
    Stepping s = {
        .steps = steps, .n = n, .arena = &data->arena, .is_changed = is_changed, .counts = counts};
    Passage passage = {0};
    Status status = STATUS_OK;
    for (size_t i = 0; i < n; i++) counts[i] = (StepCount){0};
    for (size_t i = 0; status == STATUS_OK && i < data->n_samples; i++)
        status = step_sample(&s, data, &passage, &data->samples[i], err);
    stepping_release(&s);
    return status;
}
