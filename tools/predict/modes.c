// The answers of each mode.
#include <math.h>
#include <string.h>

#include "tools/predict/predict.h"

enum { N_FILLS = 5, LONGEST_ANSWER = 30 };

static size_t n_labels(const Predictor *p)
{
    return model_config(p->model)->n_labels;
}

// Scratch for n doubles.
static Status want_probabilities(Predictor *p, size_t n, Error *err)
{
    if (n <= p->n_probabilities) return STATUS_OK;
    TRY(arena_take(&p->arena, n, sizeof *p->probabilities, "probabilities", &p->probabilities,
                   err));
    p->n_probabilities = n;
    return STATUS_OK;
}

static void put_floats(JsonWriter *w, const float *values, size_t n, size_t stride)
{
    json_begin_array(w);
    for (size_t i = 0; i < n; i++) json_put_float(w, values[i * stride]);
    json_end_array(w);
}

Status predict_want_finite(double score, Error *err)
{
    if (isfinite(score)) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "the model's scores are not finite: its weights hold NaN or infinity, or "
                     "numbers too large to compute with (--mode logits shows them)");
}

static size_t argmax(const double *values, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        if (values[i] > values[best]) best = i;
    }
    return best;
}

static void put_tokens(Predictor *p, const PredictCase *c, JsonWriter *w)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    if (!tokenizer) return;
    json_member_array(w, "tokens");
    for (size_t t = 0; t < c->input.n_tokens; t++) {
        json_put_string(w, tokenizer_token(tokenizer, c->input.ids[t]));
    }
    json_end_array(w);
}

// ---- logits ----

// Of heads that give each token a row: predict_put_rows.
static Status put_logits(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                         Error *err)
{
    (void)err;
    if (model_config(p->model)->head == HEAD_SPAN) {
        const size_t n = model_output_rows(p->model, &c->input, 1);
        json_put_key(w, "start_logits");
        put_floats(w, logits, n, 2);
        json_put_key(w, "end_logits");
        put_floats(w, logits + 1, n, 2);
        return STATUS_OK;
    }
    json_put_key(w, "logits");
    put_floats(w, logits, model_output_width(p->model), 1);
    return STATUS_OK;
}

bool predict_has_rows(const Predictor *p)
{
    const ModelHead head = model_config(p->model)->head;
    return p->mode->put == put_logits && head != HEAD_SPAN && head != HEAD_SEQUENCE;
}

Status predict_put_rows(const Predictor *p, const float *rows, size_t n_rows, size_t stride,
                        JsonlOut *out, Error *err)
{
    const size_t width = model_output_width(p->model);
    for (size_t t = 0; t < n_rows; t++) {
        put_floats(&out->json, rows + t * stride, width, 1);
        TRY(jsonl_out_spill(out, err));
    }
    return STATUS_OK;
}

// ---- a class for each sequence ----

static void put_probabilities(Predictor *p, const double *probabilities, JsonWriter *w)
{
    json_member_object(w, "probabilities");
    for (size_t i = 0; i < n_labels(p); i++) {
        json_put_key_slice(w, p->class_names[i]);
        json_put_double(w, probabilities[i]);
    }
    json_end_object(w);
}

// Several labels at once: each has a probability of its own (problem_type of config.json).
static void put_multi_label(Predictor *p, const float *logits, JsonWriter *w)
{
    const size_t n = n_labels(p);
    json_member_array(w, "labels");
    for (size_t i = 0; i < n; i++) {
        p->probabilities[i] = 1.0 / (1.0 + exp(-(double)logits[i]));
        if (p->probabilities[i] >= p->threshold)
            json_put_string(w, model_config(p->model)->labels[i]);
    }
    json_end_array(w);
    put_probabilities(p, p->probabilities, w);
}

// Numbers as the head gives them: one, or one by each name.
static void put_values(Predictor *p, const float *logits, JsonWriter *w)
{
    if (n_labels(p) == 1) {
        json_member_float(w, "value", logits[0]);
        return;
    }
    json_member_object(w, "values");
    for (size_t i = 0; i < n_labels(p); i++) {
        json_put_key_slice(w, p->class_names[i]);
        json_put_float(w, logits[i]);
    }
    json_end_object(w);
}

static Status put_class(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                        Error *err)
{
    (void)c;
    const ModelConfig *config = model_config(p->model);
    TRY(want_probabilities(p, config->n_labels, err));
    switch (model_config_problem(config)) {
    case PROBLEM_LABELS:
        put_multi_label(p, logits, w);
        return STATUS_OK;
    case PROBLEM_VALUES:
        put_values(p, logits, w);
        return STATUS_OK;
    case PROBLEM_CLASSES:
        break;
    }
    model_probabilities(logits, 1, config->n_labels, p->probabilities);
    json_member_string(w, "label", config->labels[argmax(p->probabilities, config->n_labels)]);
    put_probabilities(p, p->probabilities, w);
    return STATUS_OK;
}

// ---- a class for each token ----

// The answer to a token, and its probability: the likeliest class; of ELECTRA's discriminator whether the token stands in
// another's place.
static Slice tag_of(const Predictor *p, const double *row, double *probability)
{
    const ModelConfig *config = model_config(p->model);
    const size_t best = argmax(row, config->n_labels);
    *probability = row[best];
    if (!config->is_discriminator) return config->labels[best];
    if (row[0] >= 0.5) return config->labels[0];
    *probability = 1 - row[0];
    return SLICE("original");
}

static void tag_probabilities(const Predictor *p, const float *logits, size_t n, double *out)
{
    const ModelConfig *config = model_config(p->model);
    if (!config->is_discriminator) {
        model_probabilities(logits, n, config->n_labels, out);
        return;
    }
    for (size_t t = 0; t < n; t++) out[t] = 1 / (1 + exp(-(double)logits[t]));
}

static Status put_tags(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                       Error *err)
{
    const size_t n = c->input.n_tokens, width = n_labels(p);
    size_t size = 0;
    if (__builtin_mul_overflow(n, width, &size)) size = SIZE_MAX;
    TRY(want_probabilities(p, size, err));
    double probability;
    tag_probabilities(p, logits, n, p->probabilities);
    put_tokens(p, c, w);
    if (c->encoding) {
        json_member_array(w, "offsets");
        for (size_t t = 0; t < n; t++) {
            json_begin_array(w);
            json_put_u64(w, c->encoding->offsets[t].begin);
            json_put_u64(w, c->encoding->offsets[t].end);
            json_end_array(w);
        }
        json_end_array(w);
    }
    json_member_array(w, "labels");
    for (size_t t = 0; t < n; t++)
        json_put_string(w, tag_of(p, p->probabilities + t * width, &probability));
    json_end_array(w);
    json_member_array(w, "probabilities");
    for (size_t t = 0; t < n; t++) {
        (void)tag_of(p, p->probabilities + t * width, &probability);
        json_put_double(w, probability);
    }
    json_end_array(w);
    return STATUS_OK;
}

// ---- an answer in the text ----

// Whether a token may begin or end an answer: of the context, which is the second text where there are two.
static bool may_answer(const PredictCase *c, size_t token)
{
    if (!c->encoding) return true;
    return c->encoding->sequence[token] == (c->pair.is_given ? 1 : 0);
}

// Softmax of column `column` over the tokens that may answer; 0 for the others.
static void span_softmax(const PredictCase *c, const float *logits, size_t column, double *out)
{
    double highest = -INFINITY, sum = 0;
    const size_t n = c->input.n_tokens;
    for (size_t t = 0; t < n; t++) {
        if (may_answer(c, t)) highest = fmax(highest, logits[2 * t + column]);
    }
    for (size_t t = 0; t < n; t++) {
        out[t] = may_answer(c, t) ? exp((double)logits[2 * t + column] - highest) : 0;
        sum += out[t];
    }
    for (size_t t = 0; t < n && sum > 0; t++) out[t] /= sum;
}

Status predict_best_span(const PredictCase *c, const float *logits, Arena *arena, size_t *begin,
                         size_t *end, double *score, Error *err)
{
    const size_t n = c->input.n_tokens;
    double *starts = NULL, *ends = NULL;
    TRY(arena_take(arena, n, sizeof *starts, "probabilities", &starts, err));
    TRY(arena_take(arena, n, sizeof *ends, "probabilities", &ends, err));
    span_softmax(c, logits, 0, starts);
    span_softmax(c, logits, 1, ends);
    *score = -1;
    for (size_t s = 0; s < n; s++) {
        for (size_t e = s; e < n && e < s + LONGEST_ANSWER; e++) {
            if (!may_answer(c, s) || !may_answer(c, e) || !(starts[s] * ends[e] > *score)) continue;
            *score = starts[s] * ends[e];
            *begin = s;
            *end = e;
        }
    }
    if (*score >= 0) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "the text has no token to answer with");
}

static Status put_span(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                       Error *err)
{
    size_t begin = 0, end = 0;
    double best = -1;
    const ArenaMark mark = arena_mark(&p->arena);
    const Status s = predict_best_span(c, logits, &p->arena, &begin, &end, &best, err);
    arena_rewind(&p->arena, mark);
    TRY(s);
    if (c->encoding) {
        const Slice context = c->pair.is_given ? c->pair.text : c->text.text;
        const size_t from = c->encoding->offsets[begin].begin, to = c->encoding->offsets[end].end;
        TokenOffsets points = {from, to};
        json_member_string(w, "text", slice_sub(context, from, to));
        token_offsets_to_points(context, 1, &points);
        json_member_u64(w, "start", points.begin);
        json_member_u64(w, "end", points.end);
    }
    json_member_u64(w, "start_token", begin);
    json_member_u64(w, "end_token", end);
    json_member_double(w, "score", best);
    return STATUS_OK;
}

// ---- a vector for each sequence ----

static Status put_embedding(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                            Error *err)
{
    (void)c, (void)err;
    json_put_key(w, "embedding");
    put_floats(w, logits, model_output_width(p->model), 1);
    return STATUS_OK;
}

// ---- the token behind each mask ----

static void put_best_tokens(Predictor *p, const double *probabilities, JsonWriter *w)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    size_t best[N_FILLS];
    size_t n = 0;
    for (size_t i = 0; i < n_labels(p); i++) {
        size_t at = n;
        while (at > 0 && probabilities[best[at - 1]] < probabilities[i]) at--;
        if (at == N_FILLS) continue;
        if (n < N_FILLS) n++;
        memmove(&best[at + 1], &best[at], (n - 1 - at) * sizeof *best);
        best[at] = i;
    }
    json_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(w);
        json_member_u64(w, "id", best[i]);
        json_member_string(w, "token", tokenizer_token(tokenizer, (int32_t)best[i]));
        json_member_double(w, "probability", probabilities[best[i]]);
        json_end_object(w);
    }
    json_end_array(w);
}

static Status want_mask(const PredictCase *c, int32_t mask, const Tokenizer *tokenizer, Error *err)
{
    for (size_t t = 0; t < c->input.n_tokens; t++) {
        if (c->input.ids[t] == mask) return STATUS_OK;
    }
    const Slice name = tokenizer_token(tokenizer, mask);
    if (c->is_cut)
        return error_set(err, STATUS_INVALID,
                         "the text is cut to %zu tokens, and none of those is " SLICE_FMT
                         ": shorten it around what is to be filled, or cut its other end",
                         c->input.n_tokens, SLICE_ARG(name));
    return error_set(err, STATUS_INVALID,
                     "there is nothing to fill: write " SLICE_FMT
                     " in the text (id %d) where a token is wanted",
                     SLICE_ARG(name), mask);
}

static Status put_fills(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                        Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const int32_t mask = tokenizer ? tokenizer_special(tokenizer, SPECIAL_MASK) : TOKEN_NONE;
    const size_t width = n_labels(p);
    if (mask == TOKEN_NONE) {
        return error_set(err, STATUS_INVALID,
                         "the model has no tokenizer with a mask token; --mode logits needs none");
    }
    TRY(want_mask(c, mask, tokenizer, err));
    TRY(want_probabilities(p, width, err));
    json_member_array(w, "fills");
    for (size_t t = 0; t < c->input.n_tokens; t++) {
        if (c->input.ids[t] != mask) continue;
        model_probabilities(logits + t * width, 1, width, p->probabilities);
        json_begin_object(w);
        json_member_u64(w, "token_index", t);
        json_put_key(w, "best");
        put_best_tokens(p, p->probabilities, w);
        json_end_object(w);
    }
    json_end_array(w);
    return STATUS_OK;
}

// ---- of data sets alone ----

static Status refuse_cases(const Predictor *p, Arena *arena, PredictCase *c, Error *err)
{
    (void)p, (void)arena, (void)c;
    return error_set(
        err, STATUS_INVALID,
        "--mode prefer reads sets about bias: give --format crows-pairs, stereoset, bbq, "
        "winobias or winogender");
}

// ---- the table ----

const PredictMode predict_modes[N_PREDICT_MODES] = {
    {.name = "logits", .head = HEAD_COUNT, .put = put_logits},
    {.name = "classify",
     .concludes = true,
     .head = HEAD_SEQUENCE,
     .family = "classify",
     .put = put_class},
    {.name = "tag",
     .concludes = true,
     .head = HEAD_TOKEN,
     .family = "tag",
     .wants_offsets = true,
     .put = put_tags},
    {.name = "span",
     .concludes = true,
     .head = HEAD_SPAN,
     .family = "span",
     .wants_offsets = true,
     .put = put_span},
    {.name = "embed", .head = HEAD_EMBEDDING, .put = put_embedding},
    {.name = "fill", .concludes = true, .head = HEAD_MASKED_LM, .put = put_fills},
    {.name = "generate",
     .head = HEAD_CAUSAL_LM,
     .read = predict_generate_read,
     .work = predict_generate_work,
     .put = predict_generate_put},
    {.name = "loglik",
     .head = HEAD_CAUSAL_LM,
     .read = predict_loglik_read,
     .work = predict_loglik_work,
     .put = predict_loglik_put},
    {.name = "pll",
     .head = HEAD_MASKED_LM,
     .wants_offsets = true,
     .work = predict_pll_work,
     .put = predict_pll_put},
    {.name = "generate",
     .head = HEAD_SEQ2SEQ,
     .read = predict_search_read,
     .work = predict_search_work,
     .put = predict_search_put},
    {.name = "prefer", .head = HEAD_MASKED_LM, .family = "prefer", .read = refuse_cases},
    {.name = "prefer", .head = HEAD_CAUSAL_LM, .family = "prefer", .read = refuse_cases},
};
const char *const predict_mode_names[] = {"logits",   "classify", "tag", "span",   "embed", "fill",
                                          "generate", "loglik",   "pll", "prefer", NULL};

Status predict_class_names(Predictor *p, Error *err)
{
    const ModelConfig *config = model_config(p->model);
    if (!config->labels) return STATUS_OK;
    TRY(arena_take(&p->arena, config->n_labels, sizeof *p->class_names, "class names",
                   &p->class_names, err));
    for (size_t i = 0; i < config->n_labels; i++) {
        bool is_repeated = false;
        for (size_t k = 0; k < i && !is_repeated; k++) {
            is_repeated = slice_eq(config->labels[k], config->labels[i]);
        }
        p->class_names[i] = config->labels[i];
        if (!is_repeated) continue;
        const char *name =
            arena_printf(&p->arena, SLICE_FMT " #%zu", SLICE_ARG(config->labels[i]), i);
        if (!name) return error_set_memory(err, 1, config->labels[i].len, "a class name");
        p->class_names[i] = slice_from_cstr(name);
    }
    return STATUS_OK;
}
