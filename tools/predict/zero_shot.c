// Candidate labels: each makes a hypothesis (harness/zero_shot.h), which goes through the model with the text.
#include "harness/zero_shot.h"
#include "tools/predict/predict.h"

struct ZeroShot {
    const Slice *labels;
    size_t n;
    bool is_multi;         // labels hold one by one
    TokenSequence *inputs; // [n] the text with each label's hypothesis
};

bool predict_zero_shot_wants(const Predictor *p, const PredictCase *c)
{
    return c->candidate_labels.is_given || p->zero_shot.n_labels > 0;
}

size_t predict_zero_shot_inputs(const PredictCase *c, const TokenSequence **out)
{
    *out = c->zero_shot->inputs;
    return c->zero_shot->n;
}

static Status check_model(const Predictor *p, const PredictCase *c, Error *err)
{
    const ModelConfig *config = model_config(p->model);
    if (config->head != HEAD_SEQUENCE || p->mode->head != HEAD_SEQUENCE)
        return error_set(err, STATUS_INVALID, "candidate labels are for --mode classify");
    if (zero_shot_entailment(config) == SIZE_MAX)
        return error_set(err, STATUS_INVALID,
                         "candidate labels want a model that tells entailment from contradiction: "
                         "none of its classes (id2label in config.json) is called so; its first is "
                         "\"" SLICE_FMT "\"",
                         SLICE_ARG(slice_sub(config->labels[0], 0, 80)));
    if (p->explains) return error_set(err, STATUS_INVALID, "--explain is not for candidate labels");
    if (c->input_ids.is_given || c->pair.is_given || !c->text.is_given)
        return error_set(
            err, STATUS_INVALID,
            "candidate labels want a \"text\", without \"pair\" and \"input_ids\": the "
            "hypothesis is the second text");
    return model_tokenizer(p->model)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID,
                           "the model has no tokenizer, which candidate labels want");
}

static Status check_labels(const Slice *labels, size_t n, Error *err)
{
    if (n == 0) return error_set(err, STATUS_INVALID, "there are no candidate labels");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!slice_eq(labels[i], labels[k])) continue;
            return error_set(err, STATUS_INVALID,
                             "the candidate label \"" SLICE_FMT "\" is given twice",
                             SLICE_ARG(slice_sub(labels[i], 0, 80)));
        }
    }
    return STATUS_OK;
}

static Status read_multi(const Predictor *p, const PredictCase *c, bool *out, Error *err)
{
    *out = p->zero_shot.is_multi;
    if (!c->multi_label.ptr || slice_eq_cstr(c->multi_label, "null")) return STATUS_OK;
    *out = slice_eq_cstr(c->multi_label, "true");
    if (*out || slice_eq_cstr(c->multi_label, "false")) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "\"multi_label\" is true or false");
}

Status predict_zero_shot_read(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    struct ZeroShot *asked = NULL;
    Slice *texts = NULL, *hypotheses = NULL;
    TokenBatch batch = {0};
    const EncodeOptions options = {.max_length = p->max_length, .strategy = TRUNCATE_ONLY_FIRST};
    TRY(check_model(p, c, err));
    TRY(arena_take(arena, 1, sizeof *asked, "candidate labels", &asked, err));
    asked->labels = c->candidate_labels.is_given ? c->candidate_labels.values : p->zero_shot.labels;
    asked->n = c->candidate_labels.is_given ? c->candidate_labels.n : p->zero_shot.n_labels;
    const Slice template =
        c->hypothesis_template.is_given ? c->hypothesis_template.text : p->zero_shot.hypothesis;
    TRY(check_labels(asked->labels, asked->n, err));
    TRY(read_multi(p, c, &asked->is_multi, err));
    TRY(arena_take(arena, asked->n, sizeof *texts, "texts", &texts, err));
    TRY(arena_take(arena, asked->n, sizeof *hypotheses, "texts", &hypotheses, err));
    TRY(arena_take(arena, asked->n, sizeof *asked->inputs, "inputs", &asked->inputs, err));
    for (size_t i = 0; i < asked->n; i++) {
        texts[i] = c->text.text;
        TRY(zero_shot_hypothesis(template, asked->labels[i], arena, &hypotheses[i], err));
    }
    TRY(tokenizer_encode_batch(model_tokenizer(p->model), texts, hypotheses, asked->n, &options,
                               arena, &batch, err));
    for (size_t i = 0; i < asked->n; i++) {
        const size_t begin = batch.starts[i], n = batch.starts[i + 1] - begin;
        c->is_cut = c->is_cut || batch.n_full[i] > n;
        asked->inputs[i] = (TokenSequence){
            .ids = batch.ids + begin, .type_ids = batch.type_ids + begin, .n_tokens = n};
    }
    c->zero_shot = asked;
    return STATUS_OK;
}

Status predict_zero_shot_put(Predictor *p, const PredictCase *c, const float *logits, Arena *arena,
                             JsonWriter *w, Error *err)
{
    const struct ZeroShot *asked = c->zero_shot;
    const ModelConfig *config = model_config(p->model);
    const bool is_multi = asked->is_multi || asked->n == 1;
    double *probabilities = NULL;
    size_t best = 0;
    TRY(arena_take(arena, asked->n, sizeof *probabilities, "probabilities", &probabilities, err));
    zero_shot_probabilities(config, logits, asked->n, is_multi, probabilities);
    for (size_t i = 1; i < asked->n; i++) {
        if (probabilities[i] > probabilities[best]) best = i;
    }
    if (asked->is_multi) {
        json_member_array(w, "labels");
        for (size_t i = 0; i < asked->n; i++) {
            if (probabilities[i] >= p->threshold) json_put_string(w, asked->labels[i]);
        }
        json_end_array(w);
    } else {
        json_member_string(w, "label", asked->labels[best]);
    }
    json_member_object(w, "probabilities");
    for (size_t i = 0; i < asked->n; i++) {
        json_put_key_slice(w, asked->labels[i]);
        json_put_double(w, probabilities[i]);
    }
    json_end_object(w);
    return STATUS_OK;
}
