// Which mode a model is asked in: the one that was named, or what its head gives.
#include <string.h>

#include "models/architecture.h"
#include "tools/predict/predict.h"

const PredictMode *predict_mode_for(size_t asked, ModelHead head)
{
    const PredictMode *named = NULL;
    for (size_t i = 0; i < N_PREDICT_MODES; i++) {
        const PredictMode *mode = &predict_modes[i];
        if (strcmp(mode->name, predict_mode_names[asked]) != 0) continue;
        if (!named || mode->head == head) named = mode;
    }
    return named;
}

const PredictMode *predict_mode_of(ModelHead head)
{
    for (size_t i = 0; i < N_PREDICT_MODES; i++) {
        if (predict_modes[i].head == head) return &predict_modes[i];
    }
    return &predict_modes[0];
}

// A class that would answer, where the file names none; else NULL.
static const ArchitectureClass *class_for(const PredictMode *mode, const ModelConfig *config)
{
    if (!config->class_is_assumed) return NULL;
    if (mode->head != HEAD_COUNT) return architecture_class(config->architecture, mode->head);
    const ArchitectureClass *classes = config->architecture->classes;
    for (size_t i = 0; i < ARCHITECTURE_MAX_CLASSES && classes[i].name; i++) {
        if (classes[i].head != HEAD_EMBEDDING) return &classes[i];
    }
    return NULL;
}

static bool answers_so(const PredictMode *mode, ModelHead head)
{
    return mode->head == head || (mode->head == HEAD_COUNT && head != HEAD_EMBEDDING);
}

// Names the modes that there are, the head's own first.
static Status refuse_mode(const PredictMode *mode, ModelHead head, Error *err)
{
    const char *usual = predict_mode_of(head)->name;
    Buffer others = {0};
    for (size_t i = 0; i < N_PREDICT_MODES; i++) {
        const PredictMode *other = &predict_modes[i];
        if (!answers_so(other, head) || strcmp(other->name, usual) == 0) continue;
        buffer_printf(&others, ", %s", other->name);
    }
    const Slice names = buffer_slice(&others);
    (void)!error_set(err, STATUS_INVALID,
                     "--mode %s: the model's head is %s, which answers to --mode %s" SLICE_FMT,
                     mode->name, model_head_name(head), usual, SLICE_ARG(names));
    buffer_release(&others);
    return STATUS_INVALID;
}

Status predict_mode_check(const PredictMode *mode, const Model *model, Error *err)
{
    const ModelHead head = model_config(model)->head;
    if (answers_so(mode, head)) return STATUS_OK;
    // Likelihoods by the other way to ask for them.
    if (head == HEAD_CAUSAL_LM && strcmp(mode->name, "pll") == 0)
        return error_set(err, STATUS_INVALID,
                         "--mode pll masks tokens, which a causal LM does not do: --mode loglik");
    if (head == HEAD_MASKED_LM && strcmp(mode->name, "loglik") == 0)
        return error_set(err, STATUS_INVALID,
                         "--mode loglik goes from left to right, which a masked LM does not do: "
                         "--mode pll");
    const ArchitectureClass *wanted = class_for(mode, model_config(model));
    if (wanted)
        return error_set(err, STATUS_INVALID,
                         "--mode %s: config.json names no class in \"architectures\", so that the "
                         "model is taken for a " SLICE_FMT
                         ", which answers --mode %s: where its weights have a head, name the class "
                         "there (\"architectures\": [\"%s\"])",
                         mode->name, SLICE_ARG(model_config(model)->class_name),
                         predict_mode_of(head)->name, wanted->name);
    return refuse_mode(mode, head, err);
}
