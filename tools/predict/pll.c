// Pseudo-log-likelihoods: each token of a text but the special ones, masked on its own.
#include "tools/predict/predict.h"

// Tokens that the tokenizer puts around texts are not asked about. Of ids, which come without their history, those that
// it might have put there.
static bool is_asked(const Predictor *p, const PredictCase *c, size_t token)
{
    static const SpecialToken around[] = {SPECIAL_CLS, SPECIAL_SEP, SPECIAL_BOS, SPECIAL_EOS,
                                          SPECIAL_PAD};
    if (c->encoding) return !c->encoding->special[token];
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        if (c->input.ids[token] == tokenizer_special(model_tokenizer(p->model), around[i]))
            return false;
    }
    return true;
}

Status predict_pll_work(Predictor *p, Pool *pool, Arena *arena, PredictCase *const *cases, size_t n,
                        Error *err)
{
    const Tokenizer *tokenizer = model_tokenizer(p->model);
    const int32_t mask = tokenizer ? tokenizer_special(tokenizer, SPECIAL_MASK) : TOKEN_NONE;
    const TokenSequence **inputs = NULL;
    size_t *positions = NULL, n_tokens = 0, n_asked = 0;
    double *logprobs = NULL;
    if (mask == TOKEN_NONE) {
        return error_set(err, STATUS_INVALID,
                         "--mode pll: the model has no tokenizer with a mask token");
    }
    for (size_t i = 0; i < n; i++) n_tokens += cases[i]->input.n_tokens;
    TRY(arena_take(arena, n_tokens, sizeof *inputs, "masked tokens", &inputs, err));
    TRY(arena_take(arena, n_tokens, sizeof *positions, "masked tokens", &positions, err));
    TRY(arena_take(arena, n_tokens, sizeof *logprobs, "masked tokens", &logprobs, err));
    for (size_t i = 0; i < n; i++) {
        PredictCase *c = cases[i];
        c->logprobs = logprobs + n_asked;
        for (size_t t = 0; t < c->input.n_tokens; t++) {
            if (!is_asked(p, c, t)) continue;
            inputs[n_asked] = &c->input;
            positions[n_asked++] = t;
            c->n_logprobs++;
        }
    }
    return model_masked_logprobs(p->model, pool, inputs, positions, n_asked, mask, interrupt_flag(),
                                 logprobs, err);
}

Status predict_pll_put(Predictor *p, const PredictCase *c, const float *logits, JsonWriter *w,
                       Error *err)
{
    (void)p, (void)logits;
    double sum = 0;
    for (size_t i = 0; i < c->n_logprobs; i++) sum += c->logprobs[i];
    TRY(predict_want_finite(sum, err));
    json_member_double(w, "pll", sum);
    json_member_array(w, "token_logprobs");
    for (size_t i = 0; i < c->n_logprobs; i++) json_put_double(w, c->logprobs[i]);
    json_end_array(w);
    return STATUS_OK;
}
