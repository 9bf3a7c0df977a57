// Tagging: each word of a sentence gets a tag ("B-PER", "O").
//
// A word's tag is learnt and read at its first piece (Devlin et al. 2019, section 5.3). Sentences longer than the model
// takes go through it in windows that overlap; each word counts in the one window where it stands furthest from the cuts,
// so that none is lost and none counts twice. A word of which the tokenizer leaves nothing is tagged "O".
#include <math.h>
#include <string.h>

#include "harness/family.h"
#include "harness/tasks/tag_internal.h"
#include "harness/tasks/tag_prompt.h"
#include "harness/tasks/tag_scheme.h"
#include "metrics/metric.h"

enum { IGNORED = -100 };

// ---- words to pieces ----

// The word whose bytes of the joined text hold byte `at`; words and blanks alternate. *word is where to go on from.
static size_t word_at(const Sample *sample, const size_t *begins, size_t *word, size_t at)
{
    while (*word + 1 < sample->n_tokens && begins[*word + 1] <= at) (*word)++;
    return at < begins[*word] + sample->tokens[*word].len ? *word : SIZE_MAX;
}

// Where the pieces of a sentence go.
typedef struct Sentence {
    const Sample *sample;
    const TaskData *data;
    size_t *begins;      // [n_tokens] of words in the joined text
    size_t *window, *at; // [n_tokens] where each word's first piece counts; at SIZE_MAX: nowhere
    size_t *context;     // [n_tokens] tokens between it and the nearer cut
} Sentence;

static Status start_sentence(Sentence *s, Arena *scratch, Error *err)
{
    const size_t n = s->sample->n_tokens;
    size_t at = 0;
    size_t **arrays[] = {&s->begins, &s->window, &s->at, &s->context};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        TRY(arena_take(scratch, n, sizeof **arrays[i], "words", arrays[i], err));
    for (size_t w = 0; w < n; w++) {
        s->begins[w] = at;
        s->at[w] = SIZE_MAX;
        at += s->sample->tokens[w].len + 1;
    }
    return STATUS_OK;
}

// A word's first piece in a window counts there unless it has more context elsewhere. The first piece that a later window
// shows may be an inner one of its word: the window before saw the word's begin with more context, or this one does.
static void place_words(Sentence *s, const Encoding *window, size_t index, bool is_last)
{
    size_t word = 0, seen = SIZE_MAX;
    for (size_t t = 0; t < window->n_tokens; t++) {
        const TokenOffsets o = window->offsets[t];
        if (window->special[t] || o.end <= o.begin) continue;
        const size_t w = word_at(s->sample, s->begins, &word, o.end - 1);
        if (w == SIZE_MAX || w == seen) continue;
        seen = w;
        if (index > 0 && o.begin > s->begins[w]) continue; // not its first piece
        const size_t left = index == 0 ? SIZE_MAX : t,
                     right = is_last ? SIZE_MAX : window->n_tokens - t,
                     context = left < right ? left : right;
        if (s->at[w] != SIZE_MAX && s->context[w] >= context) continue;
        s->window[w] = index;
        s->at[w] = t;
        s->context[w] = context;
    }
}

// Growing arrays of all windows of a part.
typedef struct Pieces {
    Arena *arena;
    Tokens *tokens;
    size_t n_ids, ids_capacity, n_windows, windows_capacity;
} Pieces;

static Status want_room(Pieces *p, size_t n_ids, Error *err)
{
    Tokens *t = p->tokens;
    if (p->n_ids + n_ids > p->ids_capacity) {
        const size_t n = p->n_ids, capacity = 2 * (n + n_ids) + 1024;
        TRY(arena_grow(p->arena, n, capacity, sizeof *t->batch.ids, "tokens", &t->batch.ids, err));
        TRY(arena_grow(p->arena, n, capacity, sizeof *t->batch.type_ids, "tokens",
                       &t->batch.type_ids, err));
        TRY(arena_grow(p->arena, n, capacity, sizeof *t->labels, "tokens", &t->labels, err));
        TRY(arena_grow(p->arena, n, capacity, sizeof *t->words, "tokens", &t->words, err));
        p->ids_capacity = capacity;
    }
    if (p->n_windows + 1 >= p->windows_capacity) {
        const size_t n = p->n_windows, capacity = 2 * n + 256;
        TRY(arena_grow(p->arena, n + (n > 0), capacity, sizeof *t->batch.starts, "tokens",
                       &t->batch.starts, err));
        TRY(arena_grow(p->arena, n, capacity, sizeof *t->keys, "tokens", &t->keys, err));
        p->windows_capacity = capacity;
    }
    return STATUS_OK;
}

static Status add_window(Pieces *p, const Sentence *s, const Encoding *window, size_t index,
                         Error *err)
{
    Tokens *t = p->tokens;
    const size_t n = window->n_tokens;
    TRY(want_room(p, n, err));
    memcpy(t->batch.ids + p->n_ids, window->ids, n * sizeof *window->ids);
    memcpy(t->batch.type_ids + p->n_ids, window->type_ids, n * sizeof *window->type_ids);
    for (size_t i = 0; i < n; i++) {
        t->labels[p->n_ids + i] = IGNORED;
        t->words[p->n_ids + i] = NO_WORD;
    }
    for (size_t w = 0; w < s->sample->n_tokens; w++) {
        if (s->at[w] == SIZE_MAX || s->window[w] != index) continue;
        t->words[p->n_ids + s->at[w]] = (int32_t)w;
        const int32_t label = label_find(s->data->labels, s->data->n_labels, s->sample->tags[w]);
        t->labels[p->n_ids + s->at[w]] = label == SAMPLE_NO_LABEL ? IGNORED : label;
    }
    t->keys[p->n_windows] = family_key(s->sample->id, index);
    p->n_ids += n;
    t->batch.starts[++p->n_windows] = p->n_ids;
    return STATUS_OK;
}

// They overlap by a quarter, so that each word has an eighth of a window around it at least.
static Status windows_of(const SuiteTask *task, const Sample *sample, const Tokenizer *tokenizer,
                         size_t max_length, Arena *arena, EncodingWindows *out, Error *err)
{
    const size_t n_added = tokenizer_n_added(tokenizer, false);
    const EncodeOptions options = {.max_length = max_length,
                                   .stride = max_length > n_added ? (max_length - n_added) / 4 : 0};
    (void)task;
    return tokenizer_encode_windows(tokenizer, sample->text, NULL, &options, arena, out, err);
}

static Status encode_sentence(Pieces *p, const TaskData *data, const Sample *sample,
                              const Tokenizer *tokenizer, size_t max_length, size_t position,
                              Arena *scratch, Error *err)
{
    EncodingWindows windows = {0};
    Sentence s = {.sample = sample, .data = data};
    TRY(windows_of(NULL, sample, tokenizer, max_length, scratch, &windows, err));
    TRY(start_sentence(&s, scratch, err));
    for (size_t i = 0; i < windows.n_windows; i++)
        place_words(&s, &windows.windows[i], i, i + 1 == windows.n_windows);
    p->tokens->first_window[position] = p->n_windows;
    for (size_t i = 0; i < windows.n_windows; i++)
        TRY(add_window(p, &s, &windows.windows[i], i, err));
    p->tokens->n_split += windows.n_windows > 1;
    return STATUS_OK;
}

static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    Pieces pieces = {.arena = arena, .tokens = out};
    Arena scratch = {0};
    (void)task;
    Status s = arena_take(arena, part->n + 1, sizeof *out->first_window, "windows",
                          &out->first_window, err);
    if (s == STATUS_OK) s = want_room(&pieces, 1, err);
    for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        const Sample *sample = &part->data.samples[part->which[i]];
        s = encode_sentence(&pieces, data, sample, tokenizer, max_length, i, &scratch, err);
        if (s != STATUS_OK) (void)error_wrap(err, "line %zu", sample->line);
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    if (s != STATUS_OK) return s;
    out->first_window[part->n] = pieces.n_windows;
    out->batch.n_sequences = pieces.n_windows;
    return STATUS_OK;
}

// ---- answers ----

Status tag_word_scores(const Asked *asked, size_t index, const float **logits, Arena *scratch,
                       double **out, Error *err)
{
    const TaskData *data = asked->data;
    const size_t position = asked->positions[index];
    const Sample *sample = &asked->part->data.samples[asked->part->which[position]];
    size_t begin, end;
    double *probabilities = NULL;
    TRY(arena_take(scratch, sample->n_tokens * data->n_labels, sizeof **out, "scores", out, err));
    TRY(arena_take(scratch, asked->width, sizeof *probabilities, "scores", &probabilities, err));
    for (size_t i = 0; i < sample->n_tokens * data->n_labels; i++) (*out)[i] = NAN;
    family_windows(asked->tokens, position, &begin, &end);
    const size_t first = asked->tokens->batch.starts[begin],
                 last = asked->tokens->batch.starts[end];
    for (size_t t = first; t < last; t++, *logits += asked->width) {
        const int32_t word = asked->tokens->words[t];
        if (word == NO_WORD) continue;
        double *row = *out + (size_t)word * data->n_labels;
        model_probabilities(*logits, 1, asked->width, probabilities);
        for (size_t c = 0; c < data->n_labels; c++) row[c] = -INFINITY;
        for (size_t c = 0; c < asked->width; c++) {
            const int32_t label = asked->label_of ? asked->label_of[c] : (int32_t)c;
            if (label != SAMPLE_NO_LABEL) row[label] = log(probabilities[c]);
        }
        if (isfinite(probabilities[0])) continue;
        return error_set(err, STATUS_DIVERGED,
                         "the model's scores are not finite on sample %zu of those judged", index);
    }
    return STATUS_OK;
}

static Status answer(const Asked *asked, Arena *arena, Answers *out, Error *err)
{
    const TaskData *data = asked->data;
    const float *logits = asked->logits;
    TagDecoder decoder;
    Arena scratch = {0};
    TRY(family_take_texts(out, arena, err));
    TRY(tag_decoder_init(&decoder, data->labels, data->n_labels,
                         slice_eq_cstr(asked->task->decode, "valid"), arena, err));
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < asked->n; i++) {
        const ArenaMark mark = arena_mark(&scratch);
        const Sample *sample = &asked->part->data.samples[asked->part->which[asked->positions[i]]];
        double *scores = NULL;
        Slice *tags = NULL;
        s = tag_word_scores(asked, i, &logits, &scratch, &scores, err);
        if (s == STATUS_OK)
            s = tag_decode(&decoder, scores, sample->n_tokens, &scratch, &tags, err);
        if (s == STATUS_OK) s = family_join(tags, sample->n_tokens, arena, &out->texts[i], err);
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return s;
}

// Always the most frequent tag; of equal ones the first.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    size_t *counts = NULL, best = 0, longest = 0;
    Slice *tags = NULL;
    TRY(arena_take(arena, data->n_labels, sizeof *counts, "counts", &counts, err));
    for (size_t i = 0; i < n_from; i++) {
        const Sample *sample = &from->data.samples[from->which[from_positions[i]]];
        for (size_t w = 0; w < sample->n_tokens; w++) {
            const int32_t label = label_find(data->labels, data->n_labels, sample->tags[w]);
            if (label != SAMPLE_NO_LABEL) counts[label]++;
        }
    }
    for (size_t c = 1; c < data->n_labels; c++) {
        if (counts[c] > counts[best]) best = c;
    }
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) {
        const size_t n = part->data.samples[part->which[positions[i]]].n_tokens;
        longest = n > longest ? n : longest;
    }
    TRY(arena_take(arena, longest, sizeof *tags, "tags", &tags, err));
    for (size_t w = 0; w < longest; w++) tags[w] = data->labels[best];
    for (size_t i = 0; i < out->n; i++) {
        const size_t n = part->data.samples[part->which[positions[i]]].n_tokens;
        TRY(family_join(tags, n, arena, &out->texts[i], err));
    }
    return STATUS_OK;
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    Slice *tags = NULL, rest = given->text;
    size_t n = 0;
    (void)data;
    TRY(arena_take(arena, sample->n_tokens, sizeof *tags, "tags", &tags, err));
    while (n < sample->n_tokens && slice_split(&rest, ' ', &tags[n])) n++;
    if (n != sample->n_tokens || rest.len > 0) {
        return error_set(err, STATUS_INTERNAL, "a prediction has other tags than its %zu words",
                         sample->n_tokens);
    }
    out->tags = sample->tags;
    out->n_tags = sample->n_tokens;
    out->predicted_tags = tags;
    out->n_predicted_tags = n;
    return STATUS_OK;
}

static Status reference(const TaskData *data, const Sample *sample, Arena *arena, Slice *out,
                        Error *err)
{
    (void)data;
    return family_join(sample->tags, sample->n_tokens, arena, out, err);
}

const Family family_tag = {
    .name = "tag",
    .baseline_name = "most frequent tag",
    .summary = "gives each word a tag",
    .head = HEAD_TOKEN,
    .gives = NEEDS_TAGS | NEEDS_PROMPTS,
    .metrics = "[\"entity_f1\"]",
    .has_windows = true,
    .has_tags = true,
    .find_labels = tag_find_labels,
    .encode = encode,
    .answer = answer,
    .windows = windows_of,
    .reasons = tag_reasons,
    .baseline = baseline,
    .item = item,
    .reference = reference,
    .prompt = &tag_prompt,
};
