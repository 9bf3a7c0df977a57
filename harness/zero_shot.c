#include "harness/zero_shot.h"

#include <math.h>
#include <strings.h>

#include "base/buffer_keep.h"

size_t zero_shot_entailment(const ModelConfig *config)
{
    static const char begin[] = "entail";
    if (config->head != HEAD_SEQUENCE || model_config_problem(config) != PROBLEM_CLASSES ||
        config->n_labels < 2)
        return SIZE_MAX;
    for (size_t i = 0; i < config->n_labels; i++) {
        const Slice label = config->labels[i];
        if (label.len >= sizeof begin - 1 && strncasecmp(label.ptr, begin, sizeof begin - 1) == 0)
            return i;
    }
    return SIZE_MAX;
}

Status zero_shot_hypothesis(Slice template, Slice label, Arena *arena, Slice *out, Error *err)
{
    Buffer text = {0};
    size_t n_places = 0;
    bool is_right = true;
    for (size_t i = 0; i < template.len; i++) {
        const char byte = template.ptr[i];
        const int next = i + 1 < template.len ? template.ptr[i + 1] : 0;
        if (byte != '{' && byte != '}') {
            buffer_append_byte(&text, byte);
        } else if (byte == '{' && next == '}') {
            buffer_append(&text, label);
            n_places++;
            i++;
        } else if (next == byte) {
            buffer_append_byte(&text, byte);
            i++;
        } else {
            is_right = false;
        }
    }
    if (is_right && n_places == 1) return buffer_keep(&text, arena, "a hypothesis", out, err);
    buffer_release(&text);
    return error_set(err, STATUS_INVALID,
                     "the hypothesis \"" SLICE_FMT "\" wants {} once, for the label",
                     SLICE_ARG(slice_sub(template, 0, 80)));
}

// Softmax over candidates of the scores of entailment.
static void spread(const float *logits, size_t width, size_t entailment, size_t n, double *out)
{
    double highest = (double)logits[entailment], sum = 0;
    for (size_t i = 1; i < n; i++) {
        const double score = (double)logits[i * width + entailment];
        highest = score > highest ? score : highest;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = exp((double)logits[i * width + entailment] - highest);
        sum += out[i];
    }
    for (size_t i = 0; i < n; i++) out[i] /= sum;
}

void zero_shot_probabilities(const ModelConfig *config, const float *logits, size_t n,
                             bool is_multi, double *out)
{
    const size_t width = config->n_labels, entailment = zero_shot_entailment(config);
    const size_t contradiction = entailment == 0 ? width - 1 : 0;
    if (!is_multi) {
        spread(logits, width, entailment, n, out);
        return;
    }
    for (size_t i = 0; i < n; i++, logits += width)
        out[i] = 1 / (1 + exp((double)logits[contradiction] - (double)logits[entailment]));
}
