// Generation: a model writes an answer of its own, which is compared with one or several references.
//
// Where the prompt has a pattern, or wants a number, the references go through it too: "#### 18" and "18" are then one.
// Examples in prompts show them whole.
#include <string.h>

#include "harness/prompt/ask.h"
#include "metrics/clusters.h"
#include "metrics/metric.h"

static Status check_targets(const SuitePrompt *prompt, const UsedPart *part, const Sample *sample,
                            Arena *scratch, Error *err)
{
    if (sample->n_targets == 0) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: generating wants texts with answers: name them with "
                                   "\"columns\": {\"text\": .., \"target\": ..}",
                         SLICE_ARG(part->data.path), sample->line);
    }
    for (size_t i = 0; i < sample->n_targets; i++) {
        Slice answer;
        bool found = false;
        TRY(prompt_extract(prompt, sample->targets[i], scratch, &answer, &found, err));
        if (found || sample->targets[i].len == 0) continue;
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: the reference \"" SLICE_FMT
                                   "\" has no answer by the prompt's \"pattern\" and \"number\"",
                         SLICE_ARG(part->data.path), sample->line,
                         SLICE_ARG(slice_sub(sample->targets[i], 0, 120)));
    }
    return STATUS_OK;
}

static Status find_labels(Prepared *prepared, size_t task, Error *err)
{
    TaskData *data = &prepared->tasks[task];
    Arena scratch = {0};
    Status s = STATUS_OK;
    for (int p = 0; p < N_DATA_PARTS; p++) {
        const UsedPart *part = &data->parts[p];
        for (size_t i = 0; s == STATUS_OK && i < part->n; i++) {
            const ArenaMark mark = arena_mark(&scratch);
            s = check_targets(data->prompt, part, &part->data.samples[part->which[i]], &scratch,
                              err);
            arena_rewind(&scratch, mark);
        }
    }
    arena_release(&scratch);
    return s;
}

static Status encode(const SuiteTask *task, const TaskData *data, const UsedPart *part,
                     const Tokenizer *tokenizer, size_t max_length, Arena *arena, Tokens *out,
                     Error *err)
{
    (void)task, (void)data, (void)part, (void)tokenizer, (void)max_length, (void)arena, (void)out;
    return error_set(err, STATUS_INVALID, "generating wants a causal language model");
}

static Slice first_target(const UsedPart *part, size_t position)
{
    return part->data.samples[part->which[position]].targets[0];
}

// Of texts that answer equally many samples the first; an empty one answers none.
static Status commonest(const UsedPart *from, const size_t *positions, size_t n, Arena *arena,
                        ClusterNames *texts, Slice *out, Error *err)
{
    size_t *counts, best = 0;
    TRY(arena_take(arena, n, sizeof *counts, "counts", &counts, err));
    for (size_t i = 0; i < n; i++) {
        uint32_t text;
        TRY(clusters_index(texts, first_target(from, positions[i]), &text, err));
        counts[text]++;
    }
    for (size_t i = 1; i < texts->n_clusters; i++) best = counts[i] > counts[best] ? i : best;
    *out = n > 0 ? arena_copy(arena, texts->names[best]) : SLICE("");
    return out->ptr == NULL ? error_set_memory(err, 1, out->len, "texts") : STATUS_OK;
}

static Status baseline(const TaskData *data, const UsedPart *from, const size_t *from_positions,
                       size_t n_from, const UsedPart *part, const size_t *positions, Arena *arena,
                       Answers *out, Error *err)
{
    ClusterNames texts = {0};
    Slice best;
    bool found = false;
    (void)part, (void)positions;
    const Status s = commonest(from, from_positions, n_from, arena, &texts, &best, err);
    clusters_release(&texts);
    TRY(s);
    TRY(prompt_extract(data->prompt, best, arena, &best, &found, err));
    TRY(family_take_texts(out, arena, err));
    for (size_t i = 0; i < out->n; i++) out->texts[i] = best;
    return STATUS_OK;
}

static Status item(const TaskData *data, const Sample *sample, const Answer *given, Arena *arena,
                   Item *out, Error *err)
{
    Slice *references = NULL;
    TRY(arena_take(arena, sample->n_targets, sizeof *references, "answers", &references, err));
    for (size_t i = 0; i < sample->n_targets; i++) {
        bool found = false;
        TRY(prompt_extract(data->prompt, sample->targets[i], arena, &references[i], &found, err));
    }
    out->hypothesis = given->text.ptr ? given->text : SLICE("");
    out->references = references;
    out->n_references = sample->n_targets;
    out->source = sample->text;
    return STATUS_OK;
}

const Family family_generate = {
    .name = "generate",
    .summary = "writes an answer to each text",
    .head = HEAD_CAUSAL_LM,
    .gives = NEEDS_TEXT | NEEDS_PROMPTS,
    .metrics = "[\"exact_match\", \"token_f1\"]",
    .has_targets = true,
    .is_slow = true,
    .find_labels = find_labels,
    .encode = encode,
    .baseline_name = "commonest answer",
    .baseline = baseline,
    .item = item,
    .reference = family_target_reference,
    .prompt = &family_target_prompt,
};
