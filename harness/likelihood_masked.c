// harness/likelihood_masked.c: texts put to masked language models, a token at a time.
#include <math.h>
#include <string.h>

#include "harness/likelihood.h"

// ---- what two sequences share ----

typedef struct Range {
    size_t a_begin, a_end, b_begin, b_end;
} Range;

// The longest block that both have within a range; of equally long ones the first in a, then the first in b.
// lengths, before [n_b + 1]: scratch.
static Range longest_block(const int32_t *a, const int32_t *b, Range in, size_t *lengths,
                           size_t *before)
{
    Range best = {in.a_begin, in.a_begin, in.b_begin, in.b_begin};
    memset(before, 0, (in.b_end + 1) * sizeof *before);
    for (size_t i = in.a_begin; i < in.a_end; i++) {
        lengths[in.b_begin] = 0;
        for (size_t j = in.b_begin; j < in.b_end; j++) {
            const size_t len =
                a[i] == b[j] ? before[j] + 1 : 0; // before[j]: ending at i - 1, j - 1
            lengths[j + 1] = len;
            if (len > best.a_end - best.a_begin)
                best = (Range){i + 1 - len, i + 1, j + 1 - len, j + 1};
        }
        memcpy(before + in.b_begin, lengths + in.b_begin,
               (in.b_end - in.b_begin + 1) * sizeof *before);
    }
    return best;
}

Status likelihood_shared(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b, Arena *arena,
                         unsigned char *in_a, unsigned char *in_b, Error *err)
{
    size_t *lengths = NULL, *before = NULL, n_open = 1;
    Range *open = NULL; // parts still to be looked at: each block leaves at most two
    TRY(arena_take(arena, n_b + 1, sizeof *lengths, "tokens", &lengths, err));
    TRY(arena_take(arena, n_b + 1, sizeof *before, "tokens", &before, err));
    TRY(arena_take(arena, n_a + n_b + 2, sizeof *open, "tokens", &open, err));
    open[0] = (Range){0, n_a, 0, n_b};
    while (n_open > 0) {
        const Range in = open[--n_open];
        const Range block = longest_block(a, b, in, lengths, before);
        if (block.a_end == block.a_begin) continue;
        for (size_t i = block.a_begin; i < block.a_end; i++) in_a[i] = 1;
        for (size_t j = block.b_begin; j < block.b_end; j++) in_b[j] = 1;
        if (in.a_begin < block.a_begin && in.b_begin < block.b_begin)
            open[n_open++] = (Range){in.a_begin, block.a_begin, in.b_begin, block.b_begin};
        if (block.a_end < in.a_end && block.b_end < in.b_end)
            open[n_open++] = (Range){block.a_end, in.a_end, block.b_end, in.b_end};
    }
    return STATUS_OK;
}

// ---- tokens asked about ----

typedef struct Asking {
    Likelihoods *l;
    const Tokenizer *tokenizer;
    int32_t mask_id;
    Arena arena;
    const TokenSequence **inputs; // [n] with positions: one forward pass each
    size_t *positions;
    size_t *slots; // [n] of l->values
    size_t n, capacity;
} Asking;

static Status grow(Asking *asking, Error *err)
{
    if (asking->n < asking->capacity) return STATUS_OK;
    const size_t wanted = asking->capacity ? 2 * asking->capacity : 1024;
    TRY(arena_grow(&asking->arena, asking->n, wanted, sizeof *asking->inputs, "masked tokens",
                   &asking->inputs, err));
    TRY(arena_grow(&asking->arena, asking->n, wanted, sizeof *asking->positions, "masked tokens",
                   &asking->positions, err));
    TRY(arena_grow(&asking->arena, asking->n, wanted, sizeof *asking->slots, "masked tokens",
                   &asking->slots, err));
    asking->capacity = wanted;
    return STATUS_OK;
}

static Status ask_token(Asking *asking, const TokenSequence *input, size_t position, size_t slot,
                        Error *err)
{
    TRY(grow(asking, err));
    asking->inputs[asking->n] = input;
    asking->positions[asking->n] = position;
    asking->slots[asking->n++] = slot;
    asking->l->n_tokens += input->n_tokens;
    return STATUS_OK;
}

// What a model has no room for goes: inner tokens at the beginning or at the end, special ones stay.
static void cut(Encoding *encoding, size_t most, bool from_left)
{
    size_t first = 0, last = encoding->n_tokens;
    while (first < last && encoding->special[first]) first++;
    while (last > first && encoding->special[last - 1]) last--;
    if (encoding->n_tokens <= most) return;
    size_t n_cut = encoding->n_tokens - most;
    if (n_cut > last - first) n_cut = last - first;
    const size_t to = from_left ? first : last - n_cut;
    const size_t n_after = encoding->n_tokens - to - n_cut;
    memmove(encoding->ids + to, encoding->ids + to + n_cut, n_after * sizeof *encoding->ids);
    memmove(encoding->type_ids + to, encoding->type_ids + to + n_cut,
            n_after * sizeof *encoding->type_ids);
    memmove(encoding->offsets + to, encoding->offsets + to + n_cut,
            n_after * sizeof *encoding->offsets);
    memmove(encoding->special + to, encoding->special + to + n_cut, n_after);
    encoding->n_tokens -= n_cut;
}

// An encoding as the model reads it; it lies in the arena.
static Status make_input(Asking *asking, const Encoding *encoding, const TokenSequence **out,
                         Error *err)
{
    TokenSequence *input = NULL;
    TRY(arena_take(&asking->arena, 1, sizeof *input, "a text", &input, err));
    *input = (TokenSequence){
        .ids = encoding->ids, .type_ids = encoding->type_ids, .n_tokens = encoding->n_tokens};
    *out = input;
    return model_check_inputs(asking->l->responder->model, input, 1, err);
}

static Status encode(Asking *asking, Slice text, bool from_left, Encoding *encoding,
                     const TokenSequence **out, Error *err)
{
    TRY(tokenizer_encode(asking->tokenizer, text, NULL, NULL, &asking->arena, encoding, err));
    cut(encoding, model_config(asking->l->responder->model)->max_positions, from_left);
    return make_input(asking, encoding, out, err);
}

// ---- sum and mean ----

static Status ask_whole(Asking *asking, const Sample *sample, size_t first_slot, Error *err)
{
    Slice context;
    TRY(likelihood_context(sample, false, &asking->arena, &context, err));
    for (size_t k = 0; k < sample->n_choices; k++) {
        const TokenSequence *input = NULL;
        Encoding encoding;
        const char *text = arena_printf(&asking->arena, SLICE_FMT SLICE_FMT, SLICE_ARG(context),
                                        SLICE_ARG(sample->choices[k]));
        if (text == NULL) return error_set_memory(err, context.len, 1, "a text");
        TRY(encode(asking, slice_from_cstr(text), context.len > 0, &encoding, &input, err));
        for (size_t t = 0; t < input->n_tokens; t++) {
            if (encoding.special[t] || encoding.offsets[t].end <= context.len) continue;
            TRY(ask_token(asking, input, t, first_slot + k, err));
        }
    }
    return STATUS_OK;
}

// ---- shared ----

static Status ask_shared(Asking *asking, const Sample *sample, size_t first_slot, Error *err)
{
    const TokenSequence *inputs[2] = {NULL, NULL};
    Encoding encodings[2];
    unsigned char *is_in[2] = {NULL, NULL};
    if (sample->n_choices != 2) {
        return error_set(err, STATUS_INVALID,
                         "\"likelihood\": \"shared\" compares two texts, not %zu",
                         sample->n_choices);
    }
    for (size_t k = 0; k < 2; k++) {
        TRY(encode(asking, sample->choices[k], false, &encodings[k], &inputs[k], err));
        TRY(arena_take(&asking->arena, inputs[k]->n_tokens, 1, "tokens", &is_in[k], err));
    }
    TRY(likelihood_shared(inputs[0]->ids, inputs[0]->n_tokens, inputs[1]->ids, inputs[1]->n_tokens,
                          &asking->arena, is_in[0], is_in[1], err));
    for (size_t k = 0; k < 2; k++) {
        asking->l->values[first_slot + k] = 0; // also where nothing is shared
        for (size_t t = 0; t < inputs[k]->n_tokens; t++) {
            if (is_in[k][t] && !encodings[k].special[t])
                TRY(ask_token(asking, inputs[k], t, first_slot + k, err));
        }
    }
    return STATUS_OK;
}

// ---- target ----

// The word that stands where the context has BLANK, counted between blanks, without punctuation.
static Status target_word(const Sample *sample, size_t choice, Arena *arena, Slice *out, Error *err)
{
    Slice context = sample->text, rest = sample->choices[choice], word = {0}, blank;
    char *to = NULL;
    size_t len = 0;
    for (;;) {
        const bool more = slice_split(&context, ' ', &blank);
        if (!more || !slice_split(&rest, ' ', &word)) {
            return error_set(err, STATUS_INVALID,
                             "\"likelihood\": \"target\": the sentence \"" SLICE_FMT
                             "\" has no word where its context has BLANK",
                             SLICE_ARG(slice_sub(sample->choices[choice], 0, 80)));
        }
        if (slice_find(blank, SLICE("BLANK")) != SIZE_MAX) break;
    }
    TRY(arena_take(arena, word.len + 1, 1, "a word", &to, err));
    for (size_t i = 0; i < word.len; i++) {
        const char c = word.ptr[i]; // Python's string.punctuation is ASCII's
        const bool is_punctuation =
            c > ' ' && c < 127 &&
            !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
        if (!is_punctuation) to[len++] = c;
    }
    *out = (Slice){to, len};
    return STATUS_OK;
}

static size_t find_id(const Encoding *encoding, int32_t id)
{
    for (size_t t = 0; t < encoding->n_tokens; t++) {
        if (encoding->ids[t] == id) return t;
    }
    return SIZE_MAX;
}

// The context with the word's first tokens and a mask in its blank; the next token is asked about.
static Status ask_next(Asking *asking, const Sample *sample, const Encoding *word, size_t n_before,
                       size_t slot, Error *err)
{
    Buffer text = {0};
    Encoding encoding;
    const TokenSequence *input = NULL;
    const Slice blank = SLICE("BLANK"), context = sample->text;
    const size_t at = slice_find(context, blank);
    if (at == SIZE_MAX) {
        return error_set(err, STATUS_INVALID,
                         "\"likelihood\": \"target\" wants a context with BLANK");
    }
    buffer_append(&text, slice_sub(context, 0, at));
    Status s = tokenizer_decode(asking->tokenizer, word->ids, n_before, false, &text, err);
    buffer_append(&text, tokenizer_token(asking->tokenizer, asking->mask_id));
    buffer_append(&text, slice_sub(context, at + blank.len, context.len));
    if (s == STATUS_OK) s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        s = tokenizer_encode(asking->tokenizer, buffer_slice(&text), NULL, NULL, &asking->arena,
                             &encoding, err);
    }
    buffer_release(&text);
    if (s != STATUS_OK) return s;
    const size_t most = model_config(asking->l->responder->model)->max_positions;
    for (int from_left = 0; from_left < 2; from_left++) { // the side where the mask is stays
        Encoding kept = encoding;
        const size_t masked = find_id(&encoding, asking->mask_id);
        if (masked == SIZE_MAX) break;
        if (!from_left && masked + 1 >= most) continue;
        cut(&kept, most, from_left);
        const size_t t = find_id(&kept, asking->mask_id);
        if (t == SIZE_MAX) break;
        kept.ids[t] = word->ids[n_before]; // masked again when it is asked about
        TRY(make_input(asking, &kept, &input, err));
        return ask_token(asking, input, t, slot, err);
    }
    return error_set(err, STATUS_INVALID, "the tokenizer reads its mask token as text");
}

static Status ask_target(Asking *asking, const Sample *sample, size_t first_slot, Error *err)
{
    const EncodeOptions options = {.no_special = true};
    for (size_t k = 0; k < sample->n_choices; k++) {
        Slice word;
        Encoding encoding;
        TRY(target_word(sample, k, &asking->arena, &word, err));
        TRY(tokenizer_encode(asking->tokenizer, word, NULL, &options, &asking->arena, &encoding,
                             err));
        if (encoding.n_tokens == 0) {
            return error_set(err, STATUS_INVALID,
                             "\"likelihood\": \"target\": no word fills the blank in \"" SLICE_FMT
                             "\"",
                             SLICE_ARG(slice_sub(sample->choices[k], 0, 80)));
        }
        for (size_t t = 0; t < encoding.n_tokens; t++)
            TRY(ask_next(asking, sample, &encoding, t, first_slot + k, err));
    }
    return STATUS_OK;
}

// ---- mention ----

static bool is_within(const Encoding *encoding, size_t token, size_t begin, size_t end)
{
    return !encoding->special[token] && encoding->offsets[token].begin < end &&
           encoding->offsets[token].end > begin;
}

// A token of begin .. end is asked about; the others of them are masked with it.
static Status ask_among(Asking *asking, const Encoding *encoding, size_t token, size_t begin,
                        size_t end, size_t slot, Error *err)
{
    const TokenSequence *input = NULL;
    Encoding masked = *encoding;
    TRY(arena_take(&asking->arena, encoding->n_tokens, sizeof *masked.ids, "tokens", &masked.ids,
                   err));
    for (size_t u = 0; u < encoding->n_tokens; u++) {
        const bool stays = u == token || !is_within(encoding, u, begin, end);
        masked.ids[u] = stays ? encoding->ids[u] : asking->mask_id;
    }
    TRY(make_input(asking, &masked, &input, err));
    return ask_token(asking, input, token, slot, err);
}

// The tokens of each person behind the sentence.
static Status ask_mention(Asking *asking, const Sample *sample, size_t first_slot, Error *err)
{
    Slice before;
    TRY(likelihood_mention(sample, &asking->arena, &before, err));
    for (size_t k = 0; k < sample->n_choices; k++) {
        const size_t begin = before.len + 1, end = begin + sample->choices[k].len;
        const TokenSequence *whole = NULL;
        Encoding encoding;
        const char *text = arena_printf(&asking->arena, SLICE_FMT " " SLICE_FMT ".",
                                        SLICE_ARG(before), SLICE_ARG(sample->choices[k]));
        if (text == NULL) return error_set_memory(err, before.len, 1, "a text");
        TRY(encode(asking, slice_from_cstr(text), true, &encoding, &whole, err));
        for (size_t t = 0; t < encoding.n_tokens; t++) {
            if (!is_within(&encoding, t, begin, end)) continue;
            TRY(ask_among(asking, &encoding, t, begin, end, first_slot + k, err));
        }
    }
    return STATUS_OK;
}

// ---- all of them ----

static Status ask_sample(Asking *asking, size_t i, Error *err)
{
    const Sample *sample = asking->l->samples[i];
    const size_t slot = i * asking->l->width;
    switch (likelihood_for(asking->l->how, sample)) {
    case LIKELIHOOD_SHARED:
        return ask_shared(asking, sample, slot, err);
    case LIKELIHOOD_TARGET:
        return ask_target(asking, sample, slot, err);
    case LIKELIHOOD_MENTION:
        return ask_mention(asking, sample, slot, err);
    case LIKELIHOOD_SUM:
    case LIKELIHOOD_MEAN:
    case N_LIKELIHOODS:
        break;
    }
    return ask_whole(asking, sample, slot, err);
}

static Status add_up(Asking *asking, const double *logprobs, Error *err)
{
    Likelihoods *l = asking->l;
    double *counts = NULL;
    TRY(arena_take(&asking->arena, l->n * l->width, sizeof *counts, "counts", &counts, err));
    for (size_t i = 0; i < asking->n; i++) {
        double *value = &l->values[asking->slots[i]];
        const Sample *sample = l->samples[asking->slots[i] / l->width];
        const bool is_target = likelihood_for(l->how, sample) == LIKELIHOOD_TARGET;
        const double more = is_target ? exp(logprobs[i]) : logprobs[i];
        *value = counts[asking->slots[i]]++ == 0 ? more : *value + more;
    }
    for (size_t i = 0; i < l->n * l->width; i++) {
        if (l->counts) l->counts[i] = counts[i];
        if (counts[i] == 0) continue;
        const Likelihood how = likelihood_for(l->how, l->samples[i / l->width]);
        if (how == LIKELIHOOD_TARGET) l->values[i] = log(l->values[i] / counts[i]);
        if (how == LIKELIHOOD_MEAN || how == LIKELIHOOD_MENTION) l->values[i] /= counts[i];
    }
    return STATUS_OK;
}

static Status ask_all(Asking *asking, Error *err)
{
    const Responder *responder = asking->l->responder;
    double *logprobs = NULL;
    if (asking->mask_id == TOKEN_NONE)
        return error_set(err, STATUS_INVALID, "the model's tokenizer has no mask token");
    for (size_t i = 0; i < asking->l->n; i++)
        TRY(likelihoods_wrap(asking->l->samples[i], ask_sample(asking, i, err), err));
    TRY(arena_take(&asking->arena, asking->n, sizeof *logprobs, "likelihoods", &logprobs, err));
    TRY(model_masked_logprobs(responder->model, responder->pool, asking->inputs, asking->positions,
                              asking->n, asking->mask_id, responder->cancel, logprobs, err));
    return add_up(asking, logprobs, err);
}

Status likelihoods_masked(Likelihoods *l, Error *err)
{
    Asking asking = {.l = l, .tokenizer = model_tokenizer(l->responder->model)};
    if (asking.tokenizer == NULL)
        return error_set(err, STATUS_INVALID, "the model has no tokenizer");
    asking.mask_id = tokenizer_special(asking.tokenizer, SPECIAL_MASK);
    const Status s = ask_all(&asking, err);
    arena_release(&asking.arena);
    return s;
}
