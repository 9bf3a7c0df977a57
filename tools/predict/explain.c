// What each answer hangs on, token by token (models/explain.h).
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "tools/predict/predict.h"

// An answer and the scores that it was read from.
typedef struct Reason {
    Slice label;
    size_t first, last; // tokens, of tags
    ExplainTarget *targets;
    size_t n_targets;
} Reason;

static size_t argmax(const float *values, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        if (values[i] > values[best]) best = i;
    }
    return best;
}

static Status take_reason(Arena *arena, size_t n_targets, Reason *out, Error *err)
{
    *out = (Reason){.n_targets = n_targets};
    return arena_take(arena, n_targets, sizeof *out->targets, "scores", &out->targets, err);
}

static Status class_reason(const Predictor *p, const float *logits, Arena *arena, Reason *out,
                           Error *err)
{
    const ModelConfig *config = model_config(p->model);
    const size_t best = argmax(logits, config->n_labels);
    TRY(take_reason(arena, 1, out, err));
    out->targets[0] = (ExplainTarget){0, best};
    if (config->labels) out->label = config->labels[best];
    return STATUS_OK;
}

static Status span_reason(const PredictCase *c, const float *logits, Arena *arena, Reason *out,
                          Error *err)
{
    size_t begin, end;
    double score;
    TRY(take_reason(arena, 2, out, err));
    TRY(predict_best_span(c, logits, arena, &begin, &end, &score, err));
    out->targets[0] = (ExplainTarget){begin, 0};
    out->targets[1] = (ExplainTarget){end, 1};
    return STATUS_OK;
}

// "PER" of "B-PER"; empty for what is no entity.
static Slice entity_type(Slice label)
{
    if (slice_eq_cstr(label, "O")) return SLICE("");
    return label.len > 2 && label.ptr[1] == '-' ? slice_sub(label, 2, label.len) : label;
}

// Neighbouring tokens with tags of one type, none of which begins a new entity, are one.
static Status tag_reasons(const Predictor *p, const PredictCase *c, const float *logits,
                          Arena *arena, Reason **out, size_t *n, Error *err)
{
    const ModelConfig *config = model_config(p->model);
    const size_t width = config->n_labels, n_tokens = c->input.n_tokens;
    TRY(arena_take(arena, n_tokens, sizeof **out, "entities", out, err));
    *n = 0;
    for (size_t t = 0; t < n_tokens;) {
        const Slice type = entity_type(config->labels[argmax(logits + t * width, width)]);
        const bool is_special = c->encoding && c->encoding->special[t];
        size_t end = t + 1;
        for (; end < n_tokens; end++) {
            const Slice label = config->labels[argmax(logits + end * width, width)];
            if ((c->encoding && c->encoding->special[end]) || !slice_eq(entity_type(label), type) ||
                slice_starts_with(label, SLICE("B-")))
                break;
        }
        if (type.len > 0 && !is_special) {
            Reason *reason = &(*out)[(*n)++];
            TRY(take_reason(arena, end - t, reason, err));
            reason->label = type;
            reason->first = t;
            reason->last = end - 1;
            for (size_t i = t; i < end; i++)
                reason->targets[i - t] = (ExplainTarget){i, argmax(logits + i * width, width)};
        }
        t = end;
    }
    return STATUS_OK;
}

static Status find_reasons(const Predictor *p, const PredictCase *c, const float *logits,
                           Arena *arena, Reason **out, size_t *n, Error *err)
{
    if (p->mode->head == HEAD_TOKEN) return tag_reasons(p, c, logits, arena, out, n, err);
    TRY(arena_take(arena, 1, sizeof **out, "reasons", out, err));
    *n = 1;
    return p->mode->head == HEAD_SPAN ? span_reason(c, logits, arena, *out, err)
                                      : class_reason(p, logits, arena, *out, err);
}

// Special tokens stand in the baseline too.
static Status find_kept(const Predictor *p, const PredictCase *c, Arena *arena, uint8_t **out,
                        Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    TRY(arena_take(arena, c->input.n_tokens, 1, "tokens", out, err));
    for (size_t t = 0; t < c->input.n_tokens; t++)
        (*out)[t] = c->encoding ? c->encoding->special[t]
                                : tokenizer && tokenizer_is_special(tokenizer, c->input.ids[t]);
    return STATUS_OK;
}

static void put_attributions(const PredictCase *c, const Explanation *explanation, JsonWriter *w)
{
    json_member_array(w, "attributions");
    for (size_t t = 0; t < c->input.n_tokens; t++)
        json_put_float(w, (float)explanation->attributions[t]);
    json_end_array(w);
    json_member_double(w, "explained_score", explanation->value);
    if (isnan(explanation->completeness_error)) return;
    json_member_double(w, "baseline_score", explanation->baseline);
    json_member_double(w, "completeness_error", explanation->completeness_error);
}

// Tokens with their places in the text, but for what the mode has put already.
static void put_tokens(const Predictor *p, const PredictCase *c, JsonWriter *w)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const bool is_put = p->mode->head == HEAD_TOKEN;
    if (tokenizer && !is_put) {
        json_member_array(w, "tokens");
        for (size_t t = 0; t < c->input.n_tokens; t++)
            json_put_string(w, tokenizer_token(tokenizer, c->input.ids[t]));
        json_end_array(w);
    }
    if (!c->encoding) return;
    if (!is_put) {
        token_offsets_encoding(c->encoding, c->text.text, c->pair.is_given ? &c->pair.text : NULL);
        json_member_array(w, "offsets");
        for (size_t t = 0; t < c->input.n_tokens; t++) {
            json_begin_array(w);
            json_put_u64(w, c->encoding->offsets[t].begin);
            json_put_u64(w, c->encoding->offsets[t].end);
            json_end_array(w);
        }
        json_end_array(w);
    }
    if (!c->pair.is_given) return;
    json_member_array(w, "sequence");
    for (size_t t = 0; t < c->input.n_tokens; t++) {
        if (c->encoding->sequence[t] < 0)
            json_put_null(w);
        else
            json_put_i64(w, c->encoding->sequence[t]);
    }
    json_end_array(w);
}

static void put_entities(const PredictCase *c, const Reason *reasons,
                         const Explanation *explanations, size_t n, JsonWriter *w)
{
    json_member_array(w, "entities");
    for (size_t i = 0; i < n; i++) {
        json_begin_object(w);
        json_member_string(w, "label", reasons[i].label);
        json_member_u64(w, "first_token", reasons[i].first);
        json_member_u64(w, "last_token", reasons[i].last);
        put_attributions(c, &explanations[i], w);
        json_end_object(w);
    }
    json_end_array(w);
}

Status predict_explain_check(const Predictor *p, Error *err)
{
    const ModelHead head = p->mode->head;
    if (head == HEAD_SEQUENCE || head == HEAD_TOKEN || head == HEAD_SPAN) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "--explain: classes, tags and spans can be explained, not the answers of "
                     "--mode %s",
                     p->mode->name);
}

Status predict_explain_put(Predictor *p, Pool *pool, const PredictCase *c, const float *logits,
                           Arena *arena, JsonWriter *w, Error *err)
{
    Reason *reasons = NULL;
    ExplainRequest *requests = NULL;
    Explanation *explanations = NULL;
    uint8_t *kept = NULL;
    size_t n = 0;
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const int32_t pad = model_config(p->model)->pad_id;
    const int32_t nothing = tokenizer ? explain_baseline_id(tokenizer) : pad;
    TRY(find_reasons(p, c, logits, arena, &reasons, &n, err));
    TRY(find_kept(p, c, arena, &kept, err));
    TRY(arena_take(arena, n, sizeof *requests, "explanations", &requests, err));
    TRY(arena_take(arena, n, sizeof *explanations, "explanations", &explanations, err));
    for (size_t i = 0; i < n; i++)
        requests[i] = (ExplainRequest){.input = &c->input,
                                       .is_kept = kept,
                                       .baseline_id = nothing,
                                       .targets = reasons[i].targets,
                                       .n_targets = reasons[i].n_targets};
    TRY(model_explain(p->model, pool, requests, n, &p->explain, interrupt_flag(), arena,
                      explanations, err));
    put_tokens(p, c, w);
    if (p->mode->head == HEAD_TOKEN)
        put_entities(c, reasons, explanations, n, w);
    else
        put_attributions(c, &explanations[0], w);
    return STATUS_OK;
}
