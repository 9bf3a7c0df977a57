// Translation: a model writes a target for each source, by greedy or beam search.
//
// In training the labels are the first target's tokens, its end token included, and the decoder reads them one place later
// (teacher forcing). Answers are the likeliest target found (models/generation/search.h), decoded, without blanks around it.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "harness/family.h"
#include "harness/tasks/translate.h"
#include "metrics/metric.h"
#include "models/generation/search.h"

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        for (size_t i = 0; i < part->n; i++) {
            const Sample *sample = &part->data.samples[part->which[i]];
            if (sample->n_targets > 0) continue;
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ":%zu: translating wants sources with targets: \"format\" "
                                       "\"parallel\", \"tsv\", \"csv\" or \"jsonl\"",
                             SLICE_ARG(part->data.path), sample->line);
        }
    }
    return STATUS_OK;
}

// ---- languages ----

static Status source_language(const SuiteTask *task, const Tokenizer *tokenizer, int32_t *out,
                              Error *err)
{
    if (task->src_lang.len == 0) return STATUS_OK;
    if (tokenizer_find_language(tokenizer, task->src_lang, out, err) == STATUS_OK) return STATUS_OK;
    return error_wrap(err, "\"src_lang\"");
}

// Without a word of it targets are tokenised as texts of the source's language.
static Status target_language(const SuiteTask *task, const Tokenizer *tokenizer, int32_t source,
                              int32_t *out, Error *err)
{
    const int32_t usual = tokenizer_target_language(tokenizer);
    *out = usual > 0 ? usual : source;
    if (task->tgt_lang.len == 0) return STATUS_OK;
    if (tokenizer_find_language(tokenizer, task->tgt_lang, out, err) == STATUS_OK) return STATUS_OK;
    return error_wrap(err, "\"tgt_lang\"");
}

// The token that what is written begins with.
static Status ask_language(const SuiteTask *task, const Tokenizer *tokenizer, BeamOptions *options,
                           SearchRequest *request, Error *err)
{
    int32_t id = 0;
    if (task->tgt_lang.len == 0) return STATUS_OK;
    TRY(target_language(task, tokenizer, 0, &id, err));
    if (tokenizer_language_starts(tokenizer)) {
        request->has_start = true;
        request->start_id = id;
    } else {
        options->forced_first = id;
    }
    return STATUS_OK;
}

static Status put_prefix(const SuiteTask *task, Slice text, Arena *arena, Slice *out, Error *err)
{
    const size_t n = task->source_prefix.len;
    char *whole = NULL;
    *out = text;
    if (n == 0) return STATUS_OK;
    TRY(arena_take(arena, n + text.len, 1, "a text", &whole, err));
    memcpy(whole, task->source_prefix.ptr, n);
    if (text.len > 0) memcpy(whole + n, text.ptr, text.len);
    *out = (Slice){whole, n + text.len};
    return STATUS_OK;
}

static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    Slice *sources = NULL, *targets = NULL;
    EncodeOptions options = {.max_length = max_length}, target_options = options;
    (void)data;
    TRY(source_language(task, tokenizer, &options.language, err));
    TRY(target_language(task, tokenizer, options.language, &target_options.language, err));
    TRY(arena_take(arena, part->n, sizeof *sources, "texts", &sources, err));
    TRY(arena_take(arena, part->n, sizeof *targets, "texts", &targets, err));
    TRY(arena_take(arena, part->n, sizeof *out->keys, "keys", &out->keys, err));
    for (size_t i = 0; i < part->n; i++) {
        const Sample *sample = &part->data.samples[part->which[i]];
        TRY(put_prefix(task, sample->text, arena, &sources[i], err));
        targets[i] = sample->targets[0];
        out->keys[i] = family_key(sample->id, 0);
    }
    TRY(tokenizer_encode_batch(tokenizer, sources, NULL, part->n, &options, arena, &out->batch,
                               err));
    TRY(tokenizer_encode_batch(tokenizer_target(tokenizer), targets, NULL, part->n, &target_options,
                               arena, &out->targets, err));
    out->labels = out->targets.ids;
    for (size_t i = 0; i < part->n; i++) { // a pair is cut where either side is
        if (out->targets.n_full[i] > max_length)
            out->batch.n_full[i] = size_max(out->batch.n_full[i], out->targets.n_full[i]);
    }
    return STATUS_OK;
}

// ---- answers ----

size_t translate_most_tokens(const BeamOptions *usual, size_t n_source)
{
    enum { FEW = 10 };
    return size_min(usual->max_new_tokens, 2 * n_source + FEW);
}

static size_t most_tokens(const SuiteTask *task, const BeamOptions *usual, size_t n_source)
{
    return task->max_new_tokens > 0 ? task->max_new_tokens : translate_most_tokens(usual, n_source);
}

static Status make_requests(const Asked *asked, const Responder *responder, Arena *arena,
                            SearchRequest **out, Error *err)
{
    const SuiteTask *task = asked->task;
    TokenSequence *inputs = NULL;
    BeamOptions usual;
    size_t n = 0;
    TRY(family_inputs(asked->tokens, asked->positions, asked->n, arena, &inputs, &n, err));
    TRY(search_defaults(responder->model, arena, &usual, err));
    if (task->beams > 0) usual.n_beams = task->beams;
    if (!isnan(task->length_penalty)) usual.length_penalty = task->length_penalty;
    TRY(arena_take(arena, n, sizeof **out, "sources", out, err));
    for (size_t i = 0; i < n; i++) {
        BeamOptions options = usual;
        options.max_new_tokens = most_tokens(task, &usual, inputs[i].n_tokens);
        options.min_new_tokens = size_min(usual.min_new_tokens, options.max_new_tokens);
        (*out)[i] = (SearchRequest){.source = inputs[i], .n_results = 1};
        TRY(ask_language(task, asked->tokenizer, &options, &(*out)[i], err));
        (*out)[i].options = options;
    }
    return STATUS_OK;
}

Status translate_decode(const Tokenizer *tokenizer, const SearchResult *result, Buffer *text,
                        Arena *arena, Slice *out, Error *err)
{
    buffer_clear(text);
    TRY(tokenizer_decode(tokenizer_target(tokenizer), result->ids, result->n_ids, true, text, err));
    TRY(buffer_status(text, err));
    *out = arena_copy(arena, slice_trim(buffer_slice(text)));
    return out->ptr ? STATUS_OK : error_set_memory(err, text->len, 1, "a translation");
}

static Status respond(const Asked *asked, const Responder *responder, Arena *arena, Answers *out,
                      Error *err)
{
    SearchRequest *requests = NULL;
    SearchResult **results = NULL;
    size_t *n_found = NULL;
    Buffer text = {0};
    TRY(make_requests(asked, responder, arena, &requests, err));
    TRY(arena_take(arena, asked->n, sizeof *results, "translations", &results, err));
    TRY(arena_take(arena, asked->n, sizeof *n_found, "translations", &n_found, err));
    out->n = asked->n;
    TRY(family_take_texts(out, arena, err));
    Status s = model_search(responder->model, responder->pool, requests, asked->n,
                            responder->cancel, arena, results, n_found, err);
    for (size_t i = 0; s == STATUS_OK && i < asked->n; i++) {
        out->texts[i] = SLICE("");
        out->n_tokens += requests[i].source.n_tokens;
        if (n_found[i] == 0) continue;
        out->n_tokens += results[i][0].n_ids;
        s = translate_decode(asked->tokenizer, &results[i][0], &text, arena, &out->texts[i], err);
    }
    buffer_release(&text);
    return s;
}

// The source as it is: what names, numbers and words that both languages have are worth.
static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    (void)data, (void)from, (void)from_positions, (void)n_from;
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++)
        out->texts[i] = part->data.samples[part->which[positions[i]]].text;
    return STATUS_OK;
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    (void)data, (void)arena, (void)err;
    out->source = sample->text;
    out->hypothesis = given->text.ptr ? given->text : SLICE("");
    out->references = sample->targets;
    out->n_references = sample->n_targets;
    return STATUS_OK;
}

const Family family_translate = {
    .name = "translate",
    .summary = "writes a target for each source",
    .head = HEAD_SEQ2SEQ,
    .gives = NEEDS_TEXT | NEEDS_PROMPTS,
    .metrics = "[\"bleu\", \"chrf\", \"ter\"]",
    .has_targets = true,
    .is_slow = true,
    .find_labels = find_labels,
    .encode = encode,
    .respond = respond,
    .baseline_name = "source copied",
    .baseline = baseline,
    .item = item,
    .reference = family_target_reference,
    .prompt = &family_target_prompt,
};
