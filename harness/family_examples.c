// harness/family_examples.c: samples of a task as what a model is tuned on.
#include "harness/family.h"

// What the decoder reads in tuning: the labels one place later.
static Status add_targets(const Model *model, const Tokens *tokens, size_t window, Arena *arena,
                          TrainExample *example, Error *err)
{
    const size_t n = tokens->targets.starts[window + 1] - tokens->targets.starts[window];
    int32_t *ids = NULL;
    TRY(arena_take(arena, n, sizeof *ids, "targets", &ids, err));
    TRY(model_shift_right(model, example->labels, n, ids, err));
    example->input.target_ids = ids;
    example->input.n_targets = n;
    return STATUS_OK;
}

// A class that training never saw is nothing to learn from, nor a loss to be watched.
static const int32_t *labels_of(const Tokens *tokens, const UsedPart *part, size_t position,
                                size_t window, size_t n_classes)
{
    static const int32_t ignored = -100;
    if (tokens->labels) return tokens->labels + family_first_label(tokens, window);
    const int32_t *label = &part->data.samples[part->which[position]].label;
    return *label >= 0 && (size_t)*label >= n_classes ? &ignored : label;
}

// What a head of several labels or of a number is to give.
static Status put_targets(const UsedPart *part, size_t position, const ModelConfig *config,
                          Arena *arena, TrainExample *example, Error *err)
{
    const Sample *sample = &part->data.samples[part->which[position]];
    float *targets = NULL;
    const ProblemType problem = model_config_problem(config);
    if (problem == PROBLEM_CLASSES) return STATUS_OK;
    TRY(arena_take(arena, config->n_labels, sizeof *targets, "targets", &targets, err));
    for (size_t k = 0; problem == PROBLEM_LABELS && k < sample->n_held; k++) {
        if ((size_t)sample->held[k] < config->n_labels) targets[sample->held[k]] = 1;
    }
    if (problem == PROBLEM_VALUES) targets[0] = (float)sample->value;
    example->targets = targets;
    return STATUS_OK;
}

Status family_examples(const Tokens *tokens, const UsedPart *part, const size_t *positions,
                       size_t n, const Model *model, Arena *arena, TrainExample **out,
                       size_t *n_examples, Error *err)
{
    TokenSequence *inputs = NULL;
    size_t at = 0;
    const size_t n_classes = model_config(model)->n_labels;
    TRY(family_inputs(tokens, positions, n, arena, &inputs, n_examples, err));
    TRY(arena_take(arena, *n_examples, sizeof **out, "examples", out, err));
    for (size_t i = 0; i < n; i++) {
        size_t begin, end;
        family_windows(tokens, positions[i], &begin, &end);
        for (size_t w = begin; w < end; w++, at++) {
            (*out)[at] = (TrainExample){
                .input = inputs[at], .labels = labels_of(tokens, part, positions[i], w, n_classes)};
            TRY(put_targets(part, positions[i], model_config(model), arena, &(*out)[at], err));
            if (tokens->targets.starts) TRY(add_targets(model, tokens, w, arena, &(*out)[at], err));
        }
    }
    return STATUS_OK;
}

Status family_masking(const TaskData *data, const Model *model, Arena *arena,
                      const MaskOptions **out, Error *err)
{
    MaskOptions *masking = NULL;
    const Tokenizer *tokenizer = model_tokenizer(model);
    *out = NULL;
    if (!data->family->learns_texts || model_config(model)->head != HEAD_MASKED_LM)
        return STATUS_OK;
    const int32_t mask = tokenizer ? tokenizer_special(tokenizer, SPECIAL_MASK) : TOKEN_NONE;
    if (mask == TOKEN_NONE)
        return error_set(err, STATUS_INVALID, "the model's tokenizer has no mask token");
    TRY(arena_take(arena, 1, sizeof *masking, "masks", &masking, err));
    *masking = (MaskOptions){
        .mask_id = mask, .vocab_size = model_config(model)->vocab_size, .share = 0.15};
    *out = masking;
    return STATUS_OK;
}
